/* See policy/recall.h. The evaluator looks at a copy of the condition in which a constant stands
 * for each fact, so that what it says is what it said then. */
#include "policy/recall.h"

#include "policy/evaluate.h"

/* ---- truth ---- */

struct recalling {
    const struct recall *recall;
    struct arena *arena;
};

static struct expression *constant(const struct recalling *g, struct value v)
{
    struct expression *x = arena_zalloc(g->arena, sizeof(*x));

    x->kind = EXPRESSION_CONSTANT;
    x->type = (enum value_type)v.type;
    x->value = v;
    return x;
}

/* A comparison whose one side is not known: neither true nor false. */
static struct expression *neither(const struct recalling *g)
{
    struct expression *x = arena_zalloc(g->arena, sizeof(*x));

    x->kind = EXPRESSION_EQUAL;
    x->type = TYPE_BOOL;
    x->left = constant(g, value_unknown(TYPE_NUMBER, UNKNOWN_NOT_AVAILABLE));
    x->right = constant(g, value_number(TYPE_NUMBER, 0));
    return x;
}

static struct expression *recalled_fact(const struct recalling *g, const struct expression *x)
{
    struct value v;
    const bool known = g->recall->value(g->recall->arg, x->use, g->arena, &v) &&
                       v.state == VALUE_KNOWN && v.type == x->use->fact->type;

    if (x->kind == EXPRESSION_UNKNOWN) {
        return constant(g, value_bool(!known));
    }
    if (known) {
        return constant(g, v);
    }
    return x->use->fact->type == TYPE_BOOL
               ? neither(g)
               : constant(g, value_unknown(x->use->fact->type, UNKNOWN_NOT_AVAILABLE));
}

/* Trees are at most TREE_DEPTH_MOST high. */
static struct expression *recalled(const struct recalling *g, const struct expression *x)
{
    if (x == NULL) {
        return NULL;
    }
    if (x->kind == EXPRESSION_FACT || x->kind == EXPRESSION_UNKNOWN) {
        return recalled_fact(g, x);
    }
    struct expression *copy = arena_alloc(g->arena, sizeof(*copy));
    *copy = *x;
    copy->left = recalled(g, x->left);
    copy->right = recalled(g, x->right);
    return copy;
}

unsigned recall_truth(const struct expression *x, const struct recall *recall, struct arena *arena)
{
    const struct recalling g = {recall, arena};
    const struct evidence nothing = {.arena = arena};

    return expression_truth(recalled(&g, x), &nothing, false);
}

/* ---- as written ---- */

/* The octets of the source from a place on. */
static struct slice source_from(struct place p)
{
    struct slice rest = p.source->text;

    for (unsigned line = 1; line < p.line && rest.n > 0; line++) {
        const char *end = memchr(rest.p, '\n', rest.n);
        const size_t n = end != NULL ? (size_t)(end - rest.p) + 1 : rest.n;
        rest = (struct slice){rest.p + n, rest.n - n};
    }
    const size_t n = p.column - 1 < rest.n ? p.column - 1 : rest.n;
    return (struct slice){rest.p + n, rest.n - n};
}

/* Does the condition end in front of this token? */
static bool ends_condition(const struct token *t, unsigned depth)
{
    static const char *const words[] = {"and", "or", "when", "unless"};

    if (t->kind == TOKEN_END || t->kind == TOKEN_BAD || (t->kind == TOKEN_NEWLINE && depth == 0)) {
        return true;
    }
    if (t->kind == TOKEN_RESERVED && depth == 0) {
        return t->text.p[0] == ')' || t->text.p[0] == '}';
    }
    for (size_t i = 0; t->kind == TOKEN_WORD && depth == 0 && i < sizeof(words) / sizeof(words[0]);
         i++) {
        if (slice_eq(t->text, slice_of(words[i]))) {
            return true;
        }
    }
    return false;
}

/* The part of the source that is the condition. */
static struct slice condition_part(struct place place, struct arena *arena)
{
    const struct slice rest = source_from(place);
    struct lexer lexer;
    unsigned depth = 0, braces = 0;
    const char *end = rest.p;

    lexer_init_part(&lexer, place.source, rest, place, arena);
    lexer.mode = LEXER_EXPRESSIONS;
    for (;;) {
        const struct token t = lexer_next(&lexer);
        if (ends_condition(&t, depth)) {
            return (struct slice){rest.p, (size_t)(end - rest.p)};
        }
        const char c = t.kind == TOKEN_RESERVED ? t.text.p[0] : ' ';
        braces += c == '{' ? 1 : 0;
        braces -= c == '}' ? 1 : 0;
        depth += c == '(' || c == '{' ? 1 : 0;
        depth -= c == ')' || c == '}' ? 1 : 0;
        end = lexer.next;
        lexer.mode = braces > 0 ? LEXER_ENTRIES : LEXER_EXPRESSIONS; /* of a list */
    }
}

void condition_written(const struct expression *x, struct arena *arena, struct buf *ret)
{
    if (x->place.source == NULL) {
        return;
    }
    const struct slice part = condition_part(x->place, arena);
    bool blank = false;
    for (size_t i = 0; i < part.n; i++) {
        const char c = part.p[i];
        const bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (!is_blank) {
            buf_append(ret, " ", blank && ret->n > 0 ? 1 : 0);
            buf_append(ret, &c, 1);
        }
        blank = is_blank;
    }
}
