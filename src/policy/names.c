/* The names that `table` and `set` give, which hold everywhere and in any order. */
#include <stdlib.h>

#include "conf/suggest.h"
#include "policy/compiler.h"

/* Words with a meaning of their own; actions, phases and results beside them. */
static const char *const language[] = {
    "all",      "and",   "at",      "false",   "file",   "in",   "include",
    "not",      "now",   "observe", "or",      "policy", "set",  "silent",
    "standard", "table", "true",    "unknown", "unless", "when",
};

static bool is_among(struct slice text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count && words[i] != NULL; i++) {
        if (slice_eq(text, slice_of(words[i]))) {
            return true;
        }
    }
    return false;
}

bool is_result_word(const struct compiler *c, struct slice text)
{
    for (size_t i = 0; i < c->fact_count; i++) {
        if (c->facts[i].words != NULL && is_among(text, c->facts[i].words, SIZE_MAX)) {
            return true;
        }
    }
    return false;
}

static bool is_word_of_language(const struct compiler *c, struct slice text)
{
    if (is_among(text, language, sizeof(language) / sizeof(language[0])) ||
        is_among(text, result_words, SIZE_MAX) || is_result_word(c, text)) {
        return true;
    }
    for (size_t i = 0; i < RULE_KIND_COUNT; i++) {
        if (slice_eq(text, slice_of(actions[i].name))) {
            return true;
        }
    }
    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        if (slice_eq(text, slice_of(phase_name((enum phase)i)))) {
            return true;
        }
    }
    return false;
}

static void add_name(struct compiler *c, const struct name *name)
{
    struct slice text = name->word->text;

    if (fact_find(c, text) != NULL) {
        compile_error(c, name->word->place, "choose another name",
                      "\"" SLICE_FMT "\" is the name of a fact", SLICE_ARG(text));
    } else if (is_word_of_language(c, text)) {
        compile_error(c, name->word->place, "choose another name",
                      "\"" SLICE_FMT "\" is a word of the language", SLICE_ARG(text));
    } else {
        buf_append(&c->names, name, sizeof(*name));
    }
}

static int compare_text(struct slice a, struct slice b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* By text; of the same text the administrator's before the standard policy's, then as written. */
static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = compare_text(x->word->text, y->word->text);

    if (order == 0) {
        order = (int)x->standard - (int)y->standard;
    }
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static const char *kind_name(enum name_kind kind)
{
    return kind == NAME_TABLE ? "table" : "set";
}

/* One of several names of the same text: the first of them is what it stands for. False: it cannot
 * stand for what the standard policy uses it for. */
static bool check_again(struct compiler *c, const struct name *first, const struct name *again)
{
    const struct place *place = &first->word->place;
    struct slice text = first->word->text;

    if (first->standard == again->standard) {
        compile_error(c, again->word->place, "a name stands for one thing; choose another",
                      "the name \"" SLICE_FMT "\" is given already, in line %u of %s",
                      SLICE_ARG(text), place->line, place->source->name);
        return true;
    }
    if (first->kind != again->kind) {
        compile_error(c, *place, NULL,
                      "\"" SLICE_FMT "\" is a %s of the standard policy and must stay one",
                      SLICE_ARG(text), kind_name(again->kind));
        return false;
    }
    return true;
}

void names_define(struct compiler *c)
{
    const struct syntax *s = &c->syntax;
    struct table_syntax *const *tables = (const void *)s->tables.p;
    struct set_syntax *const *sets = (const void *)s->sets.p;

    for (size_t i = 0; i < s->tables.n / sizeof(struct table_syntax *); i++) {
        add_name(c, &(struct name){NAME_TABLE,
                                   &tables[i]->name,
                                   tables[i]->standard,
                                   tables[i]->order,
                                   {.table = tables[i]}});
    }
    for (size_t i = 0; i < s->sets.n / sizeof(struct set_syntax *); i++) {
        add_name(
            c, &(struct name){
                   NAME_SET, &sets[i]->name, sets[i]->standard, sets[i]->order, {.set = sets[i]}});
    }
    struct name *names = (void *)c->names.p;
    size_t count = c->names.n / sizeof(*names);
    if (count > 0) {
        qsort(names, count, sizeof(*names), compare_names);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && slice_eq(names[kept - 1].word->text, names[i].word->text)) {
            if (!check_again(c, &names[kept - 1], &names[i])) {
                names[kept - 1] = names[i];
            }
        } else {
            names[kept++] = names[i];
        }
    }
    c->names.n = kept * sizeof(*names);
}

static int compare_key(const void *key, const void *member)
{
    const struct name *name = member;

    return compare_text(*(const struct slice *)key, name->word->text);
}

const struct name *name_find(const struct compiler *c, struct slice text)
{
    size_t count = c->names.n / sizeof(struct name);

    return count > 0 ? bsearch(&text, c->names.p, count, sizeof(struct name), compare_key) : NULL;
}

const char *name_suggest(const struct compiler *c, struct slice text, bool with_facts, bool sets,
                         bool tables)
{
    const struct name *names = (const void *)c->names.p;
    struct buf candidates = {0};

    if (c->findings->errors > FINDINGS_MOST) {
        return NULL;
    }
    for (size_t i = 0; i < c->fact_count && with_facts; i++) {
        buf_append(&candidates, &c->facts[i].name, sizeof(c->facts[i].name));
    }
    for (size_t i = 0; i < c->names.n / sizeof(*names); i++) {
        bool wanted = names[i].kind == NAME_TABLE ? tables : sets;
        if (wanted) {
            const char *name = arena_copy(c->arena, names[i].word->text).p;
            buf_append(&candidates, &name, sizeof(name));
        }
    }
    const char *close = suggest(text, (const void *)candidates.p,
                                candidates.n / sizeof(const char *), sizeof(const char *));
    buf_free(&candidates);
    return close;
}

static const char *set_type(const struct set_syntax *s)
{
    return value_type_name(s->node != NULL ? s->node->x.type : TYPE_RESULT);
}

/* `mine` stands for `standard`: of the same type, and a constant where that is one. */
static void check_set(struct compiler *c, struct set_syntax *mine,
                      const struct set_syntax *standard)
{
    bool broken = mine->node == NULL && !mine->result;

    if (broken || mine == standard) {
        return;
    }
    if (strcmp(set_type(mine), set_type(standard)) != 0) {
        compile_error(c, mine->name.place, NULL,
                      "the standard policy's \"" SLICE_FMT "\" is a %s, yours is a %s",
                      SLICE_ARG(mine->name.text), set_type(standard), set_type(mine));
    } else if (standard->node != NULL && standard->node->x.kind == EXPRESSION_CONSTANT &&
               standard->node->x.type != TYPE_BOOL && mine->node != NULL &&
               mine->node->x.kind != EXPRESSION_CONSTANT) {
        compile_error(c, mine->name.place, NULL,
                      "the standard policy's \"" SLICE_FMT "\" is a constant, yours is not",
                      SLICE_ARG(mine->name.text));
    } else {
        return;
    }
    mine->node = NULL;
    mine->value = NULL;
}

static void check_table(struct compiler *c, struct table_syntax *mine,
                        const struct table_syntax *standard)
{
    const struct policy_table *x = mine->table, *y = standard->table;

    if (x == NULL || mine == standard || (!x->has_networks && !x->has_texts)) {
        return;
    }
    /* What a file lacks it may get while it is in use; the rules that ask it warn of that. */
    if (x->file == NULL &&
        ((y->has_networks && !x->has_networks) || (y->has_texts && !x->has_texts))) {
        compile_error(c, mine->name.place, NULL,
                      "the standard policy's table \"" SLICE_FMT "\" has %s, yours has none",
                      SLICE_ARG(mine->name.text), y->has_networks ? "networks" : "texts");
        mine->table = NULL;
    }
}

void names_check_replacing(struct compiler *c)
{
    const struct syntax *s = &c->syntax;
    struct table_syntax *const *tables = (const void *)s->tables.p;
    struct set_syntax *const *sets = (const void *)s->sets.p;

    for (size_t i = 0; i < s->tables.n / sizeof(struct table_syntax *); i++) {
        const struct name *name = name_find(c, tables[i]->name.text);
        if (tables[i]->standard && tables[i]->table != NULL && name != NULL) {
            check_table(c, name->table, tables[i]);
        }
    }
    for (size_t i = 0; i < s->sets.n / sizeof(struct set_syntax *); i++) {
        const struct name *name = name_find(c, sets[i]->name.text);
        if (sets[i]->standard && (sets[i]->node != NULL || sets[i]->result) && name != NULL) {
            check_set(c, name->set, sets[i]);
        }
    }
}

static void check_used(struct compiler *c, const struct name *name)
{
    bool used = name->kind == NAME_TABLE ? name->table->used : name->set->used;

    if (!used && !name->standard) {
        finding_add(c->findings, FINDING_WARNING, name->word->place,
                    "take it out, or use it in a rule", "the %s \"" SLICE_FMT "\" is never used",
                    kind_name(name->kind), SLICE_ARG(name->word->text));
    }
}

void names_check_used(struct compiler *c)
{
    const struct name *names = (const void *)c->names.p;

    for (size_t i = 0; i < c->names.n / sizeof(*names) && c->findings->errors == 0; i++) {
        check_used(c, &names[i]);
    }
}
