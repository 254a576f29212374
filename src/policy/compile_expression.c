/* Conditions: operands under comparisons, comparisons under and, or and not, with their types. */
#include "conf/suggest.h"
#include "parse/ascii.h"
#include "policy/compiler.h"

/* Terms inside each other, through all sets. */
#define NESTING_ALL_MOST 500

static unsigned depth_of(const struct node *n)
{
    return n != NULL ? n->depth : 0;
}

static unsigned weight_of(const struct node *n)
{
    return n != NULL ? n->weight : 0;
}

struct node *node_new(struct compiler *c, enum expression_kind kind, enum value_type type,
                      struct place place, struct node *left, struct node *right)
{
    struct node *n = arena_zalloc(c->arena, sizeof(*n));
    unsigned l = depth_of(left), r = depth_of(right);

    n->x = (struct expression){.kind = kind, .type = type, .place = place};
    n->x.left = left != NULL ? &left->x : NULL;
    n->x.right = right != NULL ? &right->x : NULL;
    n->depth = 1 + (l > r ? l : r);
    n->weight = 1 + weight_of(left) + weight_of(right);
    if (n->depth > TREE_DEPTH_MOST || n->weight > TREE_WEIGHT_MOST) {
        compile_error(c, place, "ask for a table instead, or divide the rule",
                      "this condition is too large, with all that its names stand for");
        return NULL;
    }
    return n;
}

/* "an address", "a number" */
static const char *with_article(struct compiler *c, enum value_type type)
{
    const char *name = value_type_name(type);

    return arena_printf(c->arena, "%s %s", name[0] == 'a' ? "an" : "a", name).p;
}

/* What a node is, for messages: "rcpt.count (a number)", "a bool". */
static const char *describe(struct compiler *c, const struct node *n)
{
    struct buf text = {0};
    char shown[WORD_SHOWN_MAX];

    if (n->via != NULL) {
        buf_append_slice(&text, n->via->name.text);
    } else if (n->x.kind == EXPRESSION_FACT) {
        use_append(&text, n->x.use);
    } else if (n->x.kind == EXPRESSION_CONSTANT) {
        buf_append_slice(&text, slice_of(word_show(n->x.word, shown)));
    }
    buf_printf(&text, text.n > 0 ? " (%s)" : "%s", with_article(c, n->x.type));
    const char *result = arena_copy(c->arena, buf_slice(&text)).p;
    buf_free(&text);
    return result;
}

static bool is_literal(const struct node *n)
{
    return n->x.kind == EXPRESSION_CONSTANT && n->via == NULL;
}

struct node *condition_compile(struct compiler *c, const struct term *t)
{
    struct node *n = expression_compile(c, t);

    if (n != NULL && n->x.type != TYPE_BOOL) {
        bool number =
            n->x.type == TYPE_NUMBER || n->x.type == TYPE_SIZE || n->x.type == TYPE_DECIMAL;
        compile_error(c, n->x.place,
                      number ? "compare it, as in rcpt.count > 0" : "compare it with something",
                      "expected a condition, which is true or false, found %s", describe(c, n));
        return NULL;
    }
    return n;
}

/* ---- and, or ---- */

/* As low a tree as there is for it, since `a or b or c …` may be long. */
static struct node *join(struct compiler *c, enum expression_kind kind, struct node **items,
                         size_t count)
{
    if (count == 1) {
        return items[0];
    }
    struct node *left = join(c, kind, items, count / 2);
    struct node *right = join(c, kind, items + count / 2, count - count / 2);
    if (left == NULL || right == NULL) {
        return NULL;
    }
    return node_new(c, kind, TYPE_BOOL, left->x.place, left, right);
}

static struct node *compile_items(struct compiler *c, const struct term *t)
{
    struct node **items = arena_alloc(c->arena, t->count * sizeof(struct node *));
    bool good = true;

    for (size_t i = 0; i < t->count; i++) {
        items[i] = condition_compile(c, t->items[i]);
        good &= items[i] != NULL;
    }
    if (!good) {
        return NULL;
    }
    return join(c, t->kind == TERM_AND ? EXPRESSION_AND : EXPRESSION_OR, items, t->count);
}

static struct node *compile_not(struct compiler *c, const struct term *t)
{
    struct node *left = condition_compile(c, t->left);

    return left != NULL ? node_new(c, EXPRESSION_NOT, TYPE_BOOL, t->place, left, NULL) : NULL;
}

/* ---- comparisons ---- */

/* The word of a result, for a fact that gives it; NULL after an error. */
static struct node *compile_result(struct compiler *c, const struct node *fact,
                                   const struct term *at, const struct word *word)
{
    const char *const *words = fact->x.use->fact->words;
    const char *name = fact->x.use->fact->name;
    char shown[WORD_SHOWN_MAX];
    size_t count = 0;

    for (; words[count] != NULL; count++) {
        if (slice_eq(word->text, slice_of(words[count]))) {
            struct node *n = node_new(c, EXPRESSION_CONSTANT, TYPE_RESULT, at->place, NULL, NULL);
            n->x.value = value_number(TYPE_RESULT, (int64_t)count);
            n->x.word = word->text;
            return n;
        }
    }
    const char *close = suggest(word->text, words, count, sizeof(words[0]));
    (void)word_show(word->text, shown);
    if (close != NULL) {
        compile_error(c, at->place, NULL, "%s is never %s, did you mean \"%s\"?", name, shown,
                      close);
        return NULL;
    }
    struct buf all = {0};
    for (size_t i = 0; i < count; i++) {
        buf_printf(&all, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
    }
    compile_error(c, at->place, NULL, "%s is never %s, it is " SLICE_FMT, name, shown,
                  SLICE_ARG(buf_slice(&all)));
    buf_free(&all);
    return NULL;
}

/* Is it the name of a fact, and beside a fact of another kind one of the words that this gives? So
 * identity.kind == spf asks for no SPF. */
static bool is_meant_as_word(const struct term *t, const struct node *n, const struct node *other)
{
    const char *const *words = other->x.kind == EXPRESSION_FACT ? other->x.use->fact->words : NULL;

    if (t->kind != TERM_WORD || words == NULL || n->x.kind != EXPRESSION_FACT || n->via != NULL ||
        n->x.use->fact->words == words) {
        return false;
    }
    while (*words != NULL && !slice_eq(t->word.text, slice_of(*words))) {
        words++;
    }
    return *words != NULL;
}

/* Both sides. A word that only a result can be gets its meaning from the other side. */
static bool compile_sides(struct compiler *c, const struct term *t, struct node **ret_left,
                          struct node **ret_right)
{
    const struct term *const sides[2] = {t->left, t->right};
    const struct word *words[2];
    struct node *nodes[2] = {NULL, NULL};

    for (int i = 0; i < 2; i++) {
        words[i] = result_word(c, sides[i]);
        if (words[i] != &sides[i]->word && words[i] != NULL && !is_result_word(c, words[i]->text)) {
            words[i] = NULL; /* told where the set has it */
        }
    }
    for (int i = 0; i < 2; i++) {
        if (words[i] == NULL || words[1 - i] != NULL) {
            nodes[i] = expression_compile(c, sides[i]);
        }
    }
    for (int i = 0; i < 2; i++) {
        const struct node *other = nodes[1 - i];
        if (words[i] == NULL || nodes[i] != NULL || other == NULL) {
            continue;
        }
        bool gives = other->x.kind == EXPRESSION_FACT && other->x.type == TYPE_RESULT;
        nodes[i] =
            gives ? compile_result(c, other, sides[i], words[i]) : expression_compile(c, sides[i]);
    }
    for (int i = 0; i < 2 && nodes[0] != NULL && nodes[1] != NULL; i++) {
        if (is_meant_as_word(sides[i], nodes[i], nodes[1 - i])) {
            nodes[i] = compile_result(c, nodes[1 - i], sides[i], &sides[i]->word);
        }
    }
    *ret_left = nodes[0];
    *ret_right = nodes[1];
    return nodes[0] != NULL && nodes[1] != NULL;
}

static bool same_type(const struct node *a, const struct node *b)
{
    enum value_type x = a->x.type, y = b->x.type;

    if (x == TYPE_RESULT && y == TYPE_RESULT && a->x.kind == EXPRESSION_FACT &&
        b->x.kind == EXPRESSION_FACT) {
        return a->x.use->fact->words == b->x.use->fact->words;
    }
    return x == y || (y == TYPE_NUMBER && (x == TYPE_SIZE || x == TYPE_DECIMAL)) ||
           (x == TYPE_NUMBER && (y == TYPE_SIZE || y == TYPE_DECIMAL));
}

static const char *mismatch_advice(const struct node *a, const struct node *b)
{
    enum value_type x = a->x.type, y = b->x.type;

    if (x == TYPE_DURATION && y == TYPE_NUMBER) {
        return "a duration has a unit, as in 30s";
    }
    if (x == TYPE_RESULT && y == TYPE_TEXT) {
        return "write the word without quotes";
    }
    if (x == TYPE_ADDRESS && y == TYPE_TEXT) {
        return "write the address without quotes";
    }
    if (x == TYPE_TEXT && y != TYPE_TEXT) {
        return "text stands in quotes";
    }
    return NULL;
}

/* The constant is at fault rather than the fact it is compared with. */
static struct node *tell_mismatch(struct compiler *c, const struct node *left,
                                  const struct node *right)
{
    bool swapped = left->x.kind == EXPRESSION_CONSTANT && right->x.kind != EXPRESSION_CONSTANT;
    const struct node *at = swapped ? left : right, *other = swapped ? right : left;

    compile_error(c, at->x.place, mismatch_advice(other, at), "cannot compare %s with %s",
                  describe(c, other), describe(c, at));
    return NULL;
}

static struct node *compile_compare(struct compiler *c, const struct term *t)
{
    struct node *left, *right;

    if (!compile_sides(c, t, &left, &right)) {
        return NULL;
    }
    enum value_type type = left->x.type;
    bool order = t->compare != EXPRESSION_EQUAL && t->compare != EXPRESSION_NOT_EQUAL;
    bool ordered =
        type == TYPE_NUMBER || type == TYPE_SIZE || type == TYPE_DURATION || type == TYPE_DECIMAL;
    if (is_literal(left) && is_literal(right)) {
        compile_error(c, t->place, "name a fact on one side",
                      "both sides are constants, so that there is nothing to find out");
        return NULL;
    }
    if (!same_type(left, right)) {
        return tell_mismatch(c, left, right);
    }
    if (type == TYPE_SET) {
        compile_error(c, t->word.place, "use \"in\" and a table", "%s cannot be compared",
                      describe(c, left));
        return NULL;
    }
    if (order && !ordered) {
        compile_error(c, t->word.place, "only == and != can be asked",
                      "%s has no order: " SLICE_FMT
                      " is for numbers, decimals, sizes and durations",
                      describe(c, left), SLICE_ARG(t->word.text));
        return NULL;
    }
    return node_new(c, t->compare, TYPE_BOOL, t->place, left, right);
}

/* What `in` and `~` ask about: text, or for `in` also addresses; no constant. */
static struct node *compile_subject(struct compiler *c, const struct term *t, bool in)
{
    struct node *left = expression_compile(c, t->left);

    if (left == NULL) {
        return NULL;
    }
    enum value_type type = left->x.type;
    if (type != TYPE_TEXT && !(in && (type == TYPE_ADDRESS || type == TYPE_SET))) {
        const char *advice = type == TYPE_RESULT ? "compare it by == with each of its words" : NULL;
        compile_error(c, left->x.place, advice, "expected %s, found %s",
                      in ? "an address or a text in front of \"in\""
                         : "a text in front of the pattern",
                      describe(c, left));
        return NULL;
    }
    if (is_literal(left)) {
        compile_error(c, left->x.place, "name a fact there",
                      "both sides are constants, so that there is nothing to find out");
        return NULL;
    }
    return left;
}

static struct node *compile_match(struct compiler *c, const struct term *t)
{
    if (patterns_fact(c, t->left) != NULL) {
        return patterns_node(c, t);
    }
    struct node *left = compile_subject(c, t, false);
    struct pattern *pattern;
    if (!pattern_word(c, &t->word, &pattern)) {
        return NULL;
    }
    buf_append(&c->whole->patterns, &pattern, sizeof(pattern));
    struct node *n = left != NULL ? node_new(c, t->compare, TYPE_BOOL, t->place, left, NULL) : NULL;
    if (n != NULL) {
        n->x.pattern = pattern;
    }
    return n;
}

/* A network behind `in` is a list of one. */
static struct table_syntax *network_list(struct compiler *c, const struct word *word)
{
    struct table_syntax *list = arena_zalloc(c->arena, sizeof(*list));
    struct table_entry *entry = arena_zalloc(c->arena, sizeof(*entry));

    *entry = (struct table_entry){.text = word->text, .place = word->place};
    list->name.place = word->place;
    list->entries = entry;
    list->entry_count = 1;
    return list;
}

static bool looks_like_network(struct slice text)
{
    return ascii_is_digit(text.p[0]) || memchr(text.p, '/', text.n) != NULL ||
           memchr(text.p, ':', text.n) != NULL;
}

struct table_syntax *table_by_name(struct compiler *c, const struct word *word)
{
    const struct name *name = name_find(c, word->text);

    if (name == NULL || name->kind != NAME_TABLE) {
        return NULL;
    }
    name->table->used = true;
    return name->table;
}

/* The table that is named behind `in`; NULL after an error. */
static struct table_syntax *table_behind_in(struct compiler *c, const struct word *word)
{
    struct table_syntax *table = table_by_name(c, word);
    const struct name *name = name_find(c, word->text);
    char shown[WORD_SHOWN_MAX];

    (void)word_show(word->text, shown);
    if (table != NULL) {
        return table;
    }
    if (looks_like_network(word->text)) {
        return network_list(c, word);
    }
    if (name != NULL || fact_find(c, word->text) != NULL) {
        compile_error(c, word->place,
                      "compare with it by ==", "expected a table behind \"in\", found the %s %s",
                      name != NULL ? "set" : "fact", shown);
        return NULL;
    }
    const char *close = name_suggest(c, word->text, false, false, true);
    if (close != NULL) {
        compile_error(c, word->place, NULL, "unknown table %s, did you mean \"%s\"?", shown, close);
    } else {
        compile_error(c, word->place, "a list of texts stands in braces: in { example.org }",
                      "unknown table %s", shown);
    }
    return NULL;
}

/* Can what is asked about be in the table at all? A file's entries come and go while it is in use,
 * and what serves well must be fit to be started again: that is only doubtful. */
static bool check_kind(struct compiler *c, const struct term *t, const struct node *left,
                       const struct policy_table *table)
{
    bool address = left->x.type == TYPE_ADDRESS;
    bool empty = !table->has_networks && !table->has_texts;
    bool fixed = table->file == NULL;

    if (empty || (address ? table->has_networks : table->has_texts)) {
        return true;
    }
    finding_add(c->findings, fixed ? FINDING_ERROR : FINDING_WARNING,
                word_given(&t->word) ? t->word.place : table->place,
                fixed ? NULL : "nothing is found there until the file has some",
                "expected %s to look for %s, found only %s", address ? "networks" : "texts",
                describe(c, left), address ? "texts" : "networks");
    return !fixed;
}

static struct node *compile_in(struct compiler *c, const struct term *t)
{
    struct node *left = compile_subject(c, t, true);
    struct table_syntax *table = t->list;

    if (table == NULL) {
        table = table_behind_in(c, &t->word);
    }
    if (table != NULL && table->name.text.n == 0) {
        table_compile(c, table);
    }
    if (left == NULL || table == NULL || table->table == NULL ||
        !check_kind(c, t, left, table->table) ||
        (left->x.kind == EXPRESSION_FACT && !check_members(c, left->x.use->fact, table))) {
        return NULL;
    }
    struct node *n = node_new(c, EXPRESSION_IN, TYPE_BOOL, t->place, left, NULL);
    if (n != NULL) {
        n->x.table = table->table;
    }
    return n;
}

static struct node *compile_kind(struct compiler *c, const struct term *t)
{
    switch (t->kind) {
    case TERM_AND:
    case TERM_OR: return compile_items(c, t);
    case TERM_NOT: return compile_not(c, t);
    case TERM_COMPARE: return compile_compare(c, t);
    case TERM_IN: return compile_in(c, t);
    case TERM_MATCH: return compile_match(c, t);
    case TERM_WORD:
    case TERM_CALL:
    case TERM_STRING:
    case TERM_UNKNOWN: break;
    }
    return operand_compile(c, t);
}

/* Deep sets inside deep sets would use up the stack before the tree is made and found too high. */
struct node *expression_compile(struct compiler *c, const struct term *t)
{
    struct node *n = NULL;

    if (c->nesting == NESTING_ALL_MOST) {
        compile_error(c, t->place, NULL,
                      "this condition is too large, with all that its names stand for");
        return NULL;
    }
    c->nesting++;
    n = compile_kind(c, t);
    c->nesting--;
    return n;
}
