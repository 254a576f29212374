/* Patterns that an inspector looks for in a message: body ~ "re", headers ~ TABLE, and the same of
 * raw. Each is the use of a fact whose parameter is the pattern between slashes, or the table's
 * name, so that a decision record tells them apart; what rules ask for become the policy's groups
 * (parse/inspection_request.h). */
#include <stdlib.h>

#include "base/fatal.h"
#include "policy/compiler.h"

#define WHY_MOST 256

const struct fact *patterns_fact(const struct compiler *c, const struct term *t)
{
    const struct fact *fact = t->kind == TERM_WORD ? fact_find(c, t->word.text) : NULL;

    return fact != NULL && fact_matches_patterns(fact, NULL) ? fact : NULL;
}

bool pattern_word(struct compiler *c, const struct word *word, struct pattern **ret)
{
    char why[WHY_MOST] = "", shown[WORD_SHOWN_MAX];
    size_t offset = 0;

    if (!word_is_string(word)) {
        const bool table = table_by_name(c, word) != NULL;
        compile_error(c, word->place,
                      table ? "ask whether a text is in a table by \"in\"" : "it stands in quotes",
                      "expected a pattern in quotes, found %s", word_show(word->text, shown));
        return false;
    }
    if (word->text.n == 0) {
        compile_error(c, word->place, NULL, "expected a pattern, found an empty one");
        return false;
    }
    if (pattern_compile(word->text, false, ret, why, sizeof(why), &offset) < 0) {
        if (offset > word->text.n) {
            offset = word->text.n;
        }
        compile_error(c, word_place(word, offset), NULL, "bad pattern: %s", why);
        return false;
    }
    return true;
}

/* "/re/"; only to know that it is one is it compiled here. */
static bool pattern_parameter(struct compiler *c, const struct word *word, struct slice *ret)
{
    struct pattern *pattern;

    if (!pattern_word(c, word, &pattern)) {
        return false;
    }
    (void)pattern_free(pattern);
    *ret = arena_printf(c->arena, "/" SLICE_FMT "/", SLICE_ARG(word->text));
    return true;
}

/* The name of a table with patterns alone. */
static bool table_parameter(struct compiler *c, const struct word *word, struct slice *ret)
{
    struct table_syntax *table = table_by_name(c, word);
    char shown[WORD_SHOWN_MAX];
    const char *what;

    (void)word_show(word->text, shown);
    if (table == NULL) {
        const char *close = name_suggest(c, word->text, false, false, true);
        compile_error(c, word->place, close != NULL ? NULL : "a pattern stands in quotes",
                      close != NULL ? "unknown table %s, did you mean \"%s\"?" : "unknown table %s",
                      shown, close);
        return false;
    }
    if (table->table == NULL) {
        return false; /* told already */
    }
    if (!table_content_is_patterns(table->table->content, &what)) {
        compile_error(c, word->place, "patterns stand between slashes: /.../",
                      "expected a table of patterns alone, found %s in the table %s", what, shown);
        return false;
    }
    table->table->patterns_only = true;
    *ret = word->text;
    return true;
}

const struct fact_use *patterns_use(struct compiler *c, const struct fact *fact,
                                    const struct word *word)
{
    struct slice parameter;
    const bool good = word_is_string(word) ? pattern_parameter(c, word, &parameter)
                                           : table_parameter(c, word, &parameter);

    return good ? use_of(c, fact, &parameter, word->place) : NULL;
}

struct node *patterns_node(struct compiler *c, const struct term *t)
{
    const struct fact_use *use = patterns_use(c, patterns_fact(c, t->left), &t->word);

    if (use == NULL) {
        return NULL;
    }
    struct node *n = node_new(c, EXPRESSION_FACT, TYPE_BOOL, t->place, NULL, NULL);
    n->x.use = use;
    return t->compare == EXPRESSION_MATCH
               ? n
               : node_new(c, EXPRESSION_NOT, TYPE_BOOL, t->place, n, NULL);
}

/* ---- groups ---- */

static int compare_parameters(struct slice a, struct slice b)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare_groups(const void *a, const void *b)
{
    const struct policy_patterns *x = a, *y = b;

    return x->place != y->place ? (x->place > y->place) - (x->place < y->place)
                                : compare_parameters(x->parameter, y->parameter);
}

static void note_use(void *arg, const struct fact_use *use)
{
    struct buf *uses = arg;

    if (fact_matches_patterns(use->fact, NULL)) {
        (void)uses_add(uses, use);
    }
}

static struct policy_patterns group_of(const struct compiler *c, const struct fact_use *use)
{
    struct policy_patterns g = {.parameter = use->parameters[0]};

    (void)fact_matches_patterns(use->fact, &g.place);
    if (g.parameter.p[0] == '/') {
        g.pattern = (struct slice){g.parameter.p + 1, g.parameter.n - 2};
    } else {
        g.table = name_find(c, g.parameter)->table->table;
    }
    return g;
}

/* Patterns of a group, now and whatever becomes of its table's file. */
static size_t most_of(const struct policy_patterns *g)
{
    if (g->table == NULL) {
        return 1;
    }
    return g->table->file != NULL ? TABLE_PATTERNS_MOST
                                  : table_content_pattern_count(g->table->content);
}

/* Only tables can make too many of them. */
static bool check_lines(struct compiler *c, const struct policy_patterns *groups, size_t count)
{
    const struct policy_table *last = NULL;
    size_t lines = 0;

    for (size_t i = 0; i < count; i++) {
        lines += most_of(&groups[i]);
        last = groups[i].table != NULL ? groups[i].table : last;
    }
    if (lines <= PATTERN_LINES_MOST || last == NULL) {
        return true;
    }
    compile_error(c, last->place, "the file of a table is counted as the most that it may hold",
                  "expected at most %d patterns behind headers, body and raw, found %zu",
                  PATTERN_LINES_MOST, lines);
    return false;
}

bool patterns_output(struct compiler *c)
{
    struct policy *p = &c->whole->policy;
    struct buf uses = {0};

    for (size_t i = 0; i < p->rule_count; i++) {
        rule_each_use(p->rules[i], note_use, &uses);
    }
    const struct fact_use *const *all = (const void *)uses.p;
    const size_t count = uses.n / sizeof(struct fact_use *);
    struct policy_patterns *groups = arena_alloc(c->arena, count * sizeof(*groups) + 1);
    for (size_t i = 0; i < count; i++) {
        groups[i] = group_of(c, all[i]);
    }
    buf_free(&uses);
    qsort(groups, count, sizeof(*groups), compare_groups);
    p->patterns = groups;
    p->pattern_count = count;
    return check_lines(c, groups, count);
}

int policy_pattern_group(const struct policy *p, enum pattern_place place, struct slice parameter)
{
    const struct policy_patterns wanted = {.place = place, .parameter = parameter};
    const struct policy_patterns *found =
        p->pattern_count > 0
            ? bsearch(&wanted, p->patterns, p->pattern_count, sizeof(*p->patterns), compare_groups)
            : NULL;

    return found != NULL ? (int)(found - p->patterns) : -1;
}

uint64_t policy_patterns_generation(const struct policy *p)
{
    uint64_t sum = 0; /* of what only grows */

    for (size_t i = 0; i < p->pattern_count; i++) {
        sum += p->patterns[i].table != NULL ? p->patterns[i].table->generation : 0;
    }
    return sum;
}

/* Puts the lines of a group to `to`; how many. */
static size_t lines_of(const struct policy_patterns *g, struct pattern_line *to)
{
    if (g->table == NULL) {
        to[0] = (struct pattern_line){.text = g->pattern};
        return 1;
    }
    const size_t count = table_content_pattern_count(g->table->content);
    for (size_t i = 0; i < count; i++) {
        to[i].text = table_content_pattern(g->table->content, i, &to[i].caseless);
    }
    return count;
}

void policy_pattern_groups(const struct policy *p, struct buf *ret)
{
    struct pattern_group *groups = xcalloc(p->pattern_count + 1, sizeof(*groups));
    struct pattern_line *lines = xcalloc(PATTERN_LINES_MOST, sizeof(*lines));
    size_t used = 0;

    for (size_t i = 0; i < p->pattern_count; i++) {
        const size_t count = lines_of(&p->patterns[i], lines + used);
        groups[i] = (struct pattern_group){p->patterns[i].place, lines + used, count};
        used += count;
    }
    pattern_groups_write(groups, p->pattern_count, ret);
    free(lines);
    free(groups);
}
