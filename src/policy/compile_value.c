/* Operands: facts with their parameters, constants, names. */
#include <errno.h>

#include "base/decimal.h"
#include "conf/value.h"
#include "parse/ascii.h"
#include "policy/compiler.h"

/* A number with or without a unit; `text` has no sign. 0 or a negative errno. */
static int parse_amount(struct slice text, struct value *ret)
{
    static const struct {
        enum value_kind kind;
        enum value_type type;
    } rows[] = {{VALUE_COUNT, TYPE_NUMBER}, {VALUE_SIZE, TYPE_SIZE}, {VALUE_TIME, TYPE_DURATION}};
    int r = -EINVAL;

    for (size_t i = 0; r == -EINVAL && i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t number;
        r = value_parse(rows[i].kind, text, &number);
        if (r == 0) {
            *ret = value_number(rows[i].type, number);
        }
    }
    if (r == -EINVAL) {
        int64_t thousandths;
        r = decimal_parse(text, &thousandths);
        if (r == 0) {
            *ret = value_number(TYPE_DECIMAL, thousandths);
        }
    }
    return r;
}

int constant_parse(struct compiler *c, const struct word *word, struct value *ret)
{
    struct slice text = word->text;
    char shown[WORD_SHOWN_MAX];
    struct addr address;

    if (slice_eq(text, SLICE_LIT("true")) || slice_eq(text, SLICE_LIT("false"))) {
        *ret = value_bool(text.n == 4);
        return 1;
    }
    if (addr_parse(text, &address) == 0) {
        *ret = value_address(&address);
        return 1;
    }
    bool negative = text.n > 1 && text.p[0] == '-';
    text.p += negative;
    text.n -= negative;
    if (!ascii_is_digit(text.p[0])) {
        return 0;
    }
    int r = parse_amount(text, ret);
    if (r == 0) {
        ret->number = negative ? -ret->number : ret->number;
        return 1;
    }
    (void)word_show(word->text, shown);
    compile_error(c, word->place, r == -ERANGE ? NULL : "text stands in quotes",
                  r == -ERANGE
                      ? "%s is too large"
                      : "expected a number such as 5 or 7.5, a size such as 10M, a duration such "
                        "as 5s or an address, found %s",
                  shown);
    return -EINVAL;
}

static struct node *constant_node(struct compiler *c, struct place place, const struct word *word,
                                  struct value value)
{
    struct node *n =
        node_new(c, EXPRESSION_CONSTANT, (enum value_type)value.type, place, NULL, NULL);

    n->x.value = value;
    n->x.word = word->text;
    return n;
}

static int check_parameters(struct compiler *c, const struct fact *fact, const struct term *t)
{
    size_t count = t->kind == TERM_CALL ? t->count : 0;

    if (count != fact->parameters) {
        const char *advice =
            fact_matches_patterns(fact, NULL)
                ? arena_printf(c->arena, "write %s ~ \"...\", or %s ~ and the name of a table",
                               fact->name, fact->name)
                      .p
            : fact->parameters > 0
                ? arena_printf(c->arena, "write %s(\"...\")", fact->name).p
                : arena_printf(c->arena, "write %s without parentheses", fact->name).p;
        compile_error(c, t->word.place, advice, "%s takes %u parameter%s, found %zu", fact->name,
                      fact->parameters, fact->parameters == 1 ? "" : "s", count);
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        const struct word *word = &t->parameters[i];
        if (!word_is_string(word)) {
            char shown[WORD_SHOWN_MAX];
            compile_error(c, word->place, NULL, "expected a parameter in quotes, found %s",
                          word_show(word->text, shown));
            return -EINVAL;
        }
        if (!parameter_check(c, fact, word->text, word->place)) {
            return -EINVAL;
        }
    }
    return 0;
}

/* The use that a WORD or CALL names; it is that of a fact. */
static const struct fact_use *use_compile(struct compiler *c, const struct fact *fact,
                                          const struct term *t)
{
    if (fact_matches_patterns(fact, NULL) && t->kind == TERM_CALL && t->count == 1) {
        return patterns_use(c, fact, &t->parameters[0]);
    }
    if (check_parameters(c, fact, t) < 0) {
        return NULL;
    }
    struct slice *parameters = arena_alloc(c->arena, fact->parameters * sizeof(struct slice) + 1);
    for (unsigned i = 0; i < fact->parameters; i++) {
        parameters[i] = t->parameters[i].text;
    }
    return use_of(c, fact, parameters, t->word.place);
}

static struct node *fact_node(struct compiler *c, const struct fact *fact, const struct term *t)
{
    const struct fact_use *use = use_compile(c, fact, t);

    if (use == NULL) {
        return NULL;
    }
    struct node *n = node_new(c, EXPRESSION_FACT, fact->type, t->place, NULL, NULL);
    n->x.use = use;
    return n;
}

/* a -> b -> a: the sets that are being built, from `s` on. */
static void tell_circle(struct compiler *c, const struct set_syntax *s, const struct word *at)
{
    struct buf way = {0};

    for (const struct set_syntax *b = c->building; b != s; b = b->outer) {
        struct buf longer = {0};
        buf_printf(&longer, SLICE_FMT " -> " SLICE_FMT, SLICE_ARG(b->name.text),
                   SLICE_ARG(buf_slice(&way)));
        buf_free(&way);
        way = longer;
    }
    compile_error(c, at->place, "a name stands for an expression without itself",
                  "the set \"" SLICE_FMT "\" refers to itself: " SLICE_FMT " -> " SLICE_FMT
                  "" SLICE_FMT,
                  SLICE_ARG(s->name.text), SLICE_ARG(s->name.text), SLICE_ARG(buf_slice(&way)),
                  SLICE_ARG(s->name.text));
    buf_free(&way);
}

/* Builds the set's expression, once. */
static void set_build(struct compiler *c, struct set_syntax *s)
{
    const struct word *word = result_word(c, s->value);

    s->state = SET_BUILDING;
    s->outer = c->building;
    c->building = s;
    c->building_depth++;
    /* The word of a result gets its meaning from the fact it is compared with. */
    s->result = word != NULL && is_result_word(c, word->text);
    if (!s->result) {
        s->node = expression_compile(c, s->value);
    }
    c->building_depth--;
    c->building = s->outer;
    s->state = SET_DONE;
}

struct node *set_compile(struct compiler *c, struct set_syntax *s, const struct word *at)
{
    s->used |= at != &s->name;
    if (s->value == NULL) {
        return NULL;
    }
    if (s->state == SET_BUILDING) {
        tell_circle(c, s, at);
        return NULL;
    }
    if (s->state == SET_NEW && c->building_depth >= SET_DEPTH_MOST) {
        compile_error(c, at->place, NULL, "expected sets that stand for each other at most %d deep",
                      SET_DEPTH_MOST);
        return NULL;
    }
    if (s->state == SET_NEW) {
        set_build(c, s);
    }
    if (s->node == NULL) {
        return NULL;
    }
    struct node *copy = arena_alloc(c->arena, sizeof(*copy));
    *copy = *s->node;
    copy->x.place = at->place;
    copy->via = s;
    return copy;
}

const struct word *result_word(struct compiler *c, const struct term *t)
{
    for (unsigned i = 0; i <= SET_DEPTH_MOST && t != NULL && t->kind == TERM_WORD; i++) {
        struct slice text = t->word.text;
        struct addr address;
        if (fact_find(c, text) != NULL || slice_eq(text, SLICE_LIT("true")) ||
            slice_eq(text, SLICE_LIT("false")) || ascii_is_digit(text.p[0]) || text.p[0] == '-' ||
            addr_parse(text, &address) == 0) {
            return NULL;
        }
        const struct name *name = name_find(c, text);
        if (name == NULL) {
            return &t->word;
        }
        if (name->kind == NAME_TABLE) {
            return NULL;
        }
        name->set->used = true;
        t = name->set->value;
    }
    return NULL;
}

static struct node *unknown_word(struct compiler *c, const struct term *t)
{
    struct slice text = t->word.text;
    char shown[WORD_SHOWN_MAX];
    const char *close = name_suggest(c, text, true, t->kind == TERM_WORD, false);
    const char *kind = t->kind == TERM_CALL ? "fact" : "name";

    (void)word_show(text, shown);
    if (close != NULL) {
        compile_error(c, t->word.place, NULL, "unknown %s %s, did you mean \"%s\"?", kind, shown,
                      close);
    } else if (is_result_word(c, text)) {
        compile_error(c, t->word.place, "text stands in quotes",
                      "%s is the word of a result: it can only be compared with a fact that gives "
                      "it",
                      shown);
    } else {
        compile_error(c, t->word.place, "text stands in quotes", "unknown %s %s", kind, shown);
    }
    return NULL;
}

/* A set's name, or one that cannot stand here. */
static struct node *name_node(struct compiler *c, const struct term *t)
{
    const struct name *name = name_find(c, t->word.text);
    const struct word *result = result_word(c, t);
    char shown[WORD_SHOWN_MAX];

    if (name == NULL) {
        return unknown_word(c, t);
    }
    (void)word_show(t->word.text, shown);
    if (name->kind == NAME_TABLE) {
        name->table->used = true;
        compile_error(c, t->word.place, "ask whether a fact is in it: client.ip in office",
                      "%s is a table and has no value", shown);
        return NULL;
    }
    if (result != NULL && is_result_word(c, result->text)) {
        compile_error(c, t->word.place, NULL,
                      "%s is the word of a result: it can only be compared with a fact that gives "
                      "it",
                      shown);
        return NULL;
    }
    return set_compile(c, name->set, &t->word);
}

static struct node *word_node(struct compiler *c, const struct term *t)
{
    const struct fact *fact = fact_find(c, t->word.text);
    struct value value;

    if (fact != NULL) {
        return fact_node(c, fact, t);
    }
    if (t->kind == TERM_CALL) {
        return unknown_word(c, t);
    }
    int r = constant_parse(c, &t->word, &value);
    if (r != 0) {
        return r > 0 ? constant_node(c, t->place, &t->word, value) : NULL;
    }
    return name_node(c, t);
}

static struct node *unknown_of(struct compiler *c, const struct fact_use *use, struct place place)
{
    if (use == NULL) {
        return NULL;
    }
    struct node *n = node_new(c, EXPRESSION_UNKNOWN, TYPE_BOOL, place, NULL, NULL);
    if (n != NULL) {
        n->x.use = use;
    }
    return n;
}

/* unknown(body ~ "re") is unknown(body("re")); of a text nothing but itself can be unknown. */
static struct node *unknown_match(struct compiler *c, const struct term *t)
{
    const struct term *match = t->left;
    const struct fact *fact = patterns_fact(c, match->left);

    if (fact == NULL) {
        compile_error(c, match->word.place, "unknown asks for one fact, not for an expression",
                      "expected \")\" behind the fact, found a pattern");
        return NULL;
    }
    return unknown_of(c, patterns_use(c, fact, &match->word), t->place);
}

/* unknown(FACT) */
static struct node *unknown_node(struct compiler *c, const struct term *t)
{
    if (t->left->kind == TERM_MATCH) {
        return unknown_match(c, t);
    }
    const struct fact *fact = fact_find(c, t->left->word.text);

    if (fact == NULL && name_find(c, t->left->word.text) != NULL) {
        compile_error(c, t->left->place, "name the fact itself: only facts can be unknown",
                      "unknown asks for a fact, \"" SLICE_FMT "\" is none",
                      SLICE_ARG(t->left->word.text));
        return NULL;
    }
    if (fact == NULL) {
        return unknown_word(c, &(struct term){.kind = TERM_CALL, .word = t->left->word});
    }
    return unknown_of(c, use_compile(c, fact, t->left), t->place);
}

struct node *operand_compile(struct compiler *c, const struct term *t)
{
    if (t->kind == TERM_STRING) {
        return constant_node(c, t->place, &t->word, value_text(t->word.text));
    }
    return t->kind == TERM_UNKNOWN ? unknown_node(c, t) : word_node(c, t);
}
