/* Conditions in three-valued logic, with what is not known yet: truth as a set of what is still
 * possible (evaluate.h), and which facts could still make it smaller.
 *
 * While a condition is looked at, it is known what matters of each part: of a rule's condition, and
 * of both sides of its `and` and `or`, only whether they become true, no matter whether they would
 * otherwise be false or unknown; behind a `not`, whether they become false. By Kleene's tables no
 * more is needed. A part of which that is settled needs no facts, even if it is still open whether
 * it is false or unknown. */
#include <errno.h>
#include <string.h>

#include "parse/pattern.h"
#include "policy/expression.h"
#include "policy/needs.h"
#include "policy/table.h"

/* ---- sets ---- */

unsigned truth_not(unsigned a)
{
    return (a & TRUTH_UNKNOWN) | (a & TRUTH_TRUE ? TRUTH_FALSE : 0) |
           (a & TRUTH_FALSE ? TRUTH_TRUE : 0);
}

unsigned truth_and(unsigned a, unsigned b)
{
    const unsigned either = a | b;
    const unsigned both = a & b;

    if (a == 0 || b == 0) {
        return 0; /* nothing is possible: no set of ours is empty */
    }
    return (either & TRUTH_FALSE) | (both & TRUTH_TRUE) |
           /* unknown: of one, while the other is not false */
           ((either & TRUTH_UNKNOWN) && (a & ~(unsigned)TRUTH_FALSE) && (b & ~(unsigned)TRUTH_FALSE)
                ? TRUTH_UNKNOWN
                : 0);
}

unsigned truth_or(unsigned a, unsigned b)
{
    return truth_not(truth_and(truth_not(a), truth_not(b)));
}

static unsigned truth_of(bool b)
{
    return b ? TRUTH_TRUE : TRUTH_FALSE;
}

/* A comparison of two bools; unknown with either. */
static unsigned truth_same(unsigned a, unsigned b)
{
    return ((a | b) & TRUTH_UNKNOWN) | (a & b & (TRUTH_TRUE | TRUTH_FALSE) ? TRUTH_TRUE : 0) |
           (((a & TRUTH_TRUE) && (b & TRUTH_FALSE)) || ((a & TRUTH_FALSE) && (b & TRUTH_TRUE))
                ? TRUTH_FALSE
                : 0);
}

/* ---- needs ---- */

void needs_add(struct needs *n, const struct fact_use *use, struct arena *arena)
{
    for (size_t i = 0; i < n->count; i++) {
        if (n->uses[i]->fact == use->fact && n->uses[i]->index == use->index) {
            return;
        }
    }
    if (n->count == n->cap) {
        const size_t cap = n->cap > 0 ? n->cap * 2 : 8;
        const struct fact_use **uses = arena_alloc(arena, cap * sizeof(*uses));
        if (n->count > 0) {
            memcpy(uses, n->uses, n->count * sizeof(*uses));
        }
        n->uses = uses;
        n->cap = cap;
    }
    n->uses[n->count++] = use;
}

/* How a condition is looked at. */
struct view {
    const struct evidence *e;
    struct needs *needs; /* NULL: nobody asks */
    bool doubt_open;
};

/* Of `truth` it matters only which of `wanted` (one, or all) it becomes: is that settled? */
static bool is_settled(unsigned truth, unsigned wanted)
{
    if (wanted == TRUTH_OPEN) {
        return (truth & (truth - 1)) == 0;
    }
    return truth == wanted || (truth & wanted) == 0;
}

/* Of doubt: it may be open because doubt rules are, which are settled otherwise. */
static bool is_of_doubt(const struct fact_use *use)
{
    return use->fact == &facts[FACT_doubt] || use->fact == &facts[FACT_why];
}

/* The value of a fact, or that it is open. */
static bool peek(const struct view *v, const struct fact_use *use, struct value *ret)
{
    if (v->doubt_open && is_of_doubt(use)) {
        return false;
    }
    return fact_peek(use, v->e, ret);
}

/* Notes that the fact of an open operand is worth asking for. */
static void need(const struct view *v, const struct fact_use *use)
{
    if (v->needs != NULL && !is_of_doubt(use)) {
        needs_add(v->needs, use, evidence_scratch(v->e));
    }
}

/* ---- comparing ---- */

static enum value_type type_of(const struct expression *x)
{
    switch (x->kind) {
    case EXPRESSION_CONSTANT: return (enum value_type)x->value.type;
    case EXPRESSION_FACT: return x->use->fact->type;
    default: return TYPE_BOOL;
    }
}

static bool set_has(const struct value *set, struct slice text)
{
    for (size_t i = 0; i < set->set.count; i++) {
        if (slice_eq_nocase(set->set.items[i], text)) {
            return true;
        }
    }
    return false;
}

static bool sets_same(const struct value *a, const struct value *b)
{
    bool same = true;

    for (size_t i = 0; i < a->set.count && same; i++) {
        same = set_has(b, a->set.items[i]);
    }
    for (size_t i = 0; i < b->set.count && same; i++) {
        same = set_has(a, b->set.items[i]);
    }
    return same;
}

static bool is_amount(enum value_type type)
{
    return type == TYPE_NUMBER || type == TYPE_SIZE || type == TYPE_DURATION ||
           type == TYPE_DECIMAL;
}

/* The amount as it is compared with `other`: a number beside a decimal in thousandths as well. What
 * does not fit is beyond any decimal all the same. */
static int64_t amount_beside(const struct value *v, const struct value *other)
{
    int64_t n;

    if (v->type != TYPE_NUMBER || other->type != TYPE_DECIMAL) {
        return v->number;
    }
    return !__builtin_mul_overflow(v->number, 1000, &n) ? n : v->number < 0 ? INT64_MIN : INT64_MAX;
}

static unsigned compare_amounts(enum expression_kind kind, int64_t a, int64_t b)
{
    switch (kind) {
    case EXPRESSION_EQUAL: return truth_of(a == b);
    case EXPRESSION_NOT_EQUAL: return truth_of(a != b);
    case EXPRESSION_LESS: return truth_of(a < b);
    case EXPRESSION_LESS_EQUAL: return truth_of(a <= b);
    case EXPRESSION_GREATER: return truth_of(a > b);
    case EXPRESSION_GREATER_EQUAL: return truth_of(a >= b);
    default: return TRUTH_UNKNOWN;
    }
}

/* Of two known values. What the checker lets pass in no policy is unknown: it fires no rule. */
static unsigned compare(enum expression_kind kind, const struct value *a, const struct value *b)
{
    bool same;

    if (is_amount((enum value_type)a->type) && is_amount((enum value_type)b->type)) {
        return compare_amounts(kind, amount_beside(a, b), amount_beside(b, a));
    }
    if (a->type != b->type || (kind != EXPRESSION_EQUAL && kind != EXPRESSION_NOT_EQUAL)) {
        return TRUTH_UNKNOWN;
    }
    switch ((enum value_type)a->type) {
    case TYPE_TEXT: same = slice_eq_nocase(a->text, b->text); break;
    case TYPE_ADDRESS: same = addr_same_host(&a->address, &b->address); break;
    case TYPE_RESULT: same = a->number == b->number; break;
    case TYPE_SET: same = sets_same(a, b); break;
    default: return TRUTH_UNKNOWN;
    }
    return truth_of(same == (kind == EXPRESSION_EQUAL));
}

/* 1, 0 or -E2BIG, of a text or any item of a set; an address is no text. */
static int has(const struct expression *x, struct slice text)
{
    return x->kind == EXPRESSION_IN ? table_has_text(x->table, text)
                                    : pattern_match(x->pattern, text);
}

static unsigned look_up(const struct view *v, const struct expression *x, const struct value *a)
{
    int r = 0;

    if (a->type == TYPE_TEXT) {
        r = has(x, a->text);
    } else if (a->type == TYPE_SET) {
        bool stopped = false;
        for (size_t i = 0; i < a->set.count && r != 1; i++) {
            r = has(x, a->set.items[i]);
            stopped = stopped || r < 0;
        }
        r = r != 1 && stopped ? -E2BIG : r;
    } else if (a->type == TYPE_ADDRESS && x->kind == EXPRESSION_IN) {
        r = table_has_address(x->table, &a->address);
    } else {
        return TRUTH_UNKNOWN;
    }
    if (r < 0) {
        if (v->e->counters != NULL) {
            v->e->counters->pattern_limits++;
        }
        return TRUTH_UNKNOWN;
    }
    return truth_of((r == 1) != (x->kind == EXPRESSION_NOT_MATCH));
}

/* ---- conditions ---- */

static unsigned look(const struct view *v, const struct expression *x, unsigned wanted);

/* An operand that is no condition: is its value there? */
static bool operand(const struct view *v, const struct expression *x, struct value *ret)
{
    if (x->kind == EXPRESSION_FACT) {
        return peek(v, x->use, ret);
    }
    *ret = x->value;
    return true;
}

/* A comparison, or a look into a table or by a pattern, which have no right side. */
static unsigned look_at_values(const struct view *v, const struct expression *x)
{
    struct value a, b = {.state = VALUE_KNOWN};
    const bool has_a = operand(v, x->left, &a);
    const bool has_b = x->right == NULL || operand(v, x->right, &b);

    if ((has_a && a.state != VALUE_KNOWN) || (has_b && b.state != VALUE_KNOWN)) {
        return TRUTH_UNKNOWN;
    }
    if (!has_a) {
        need(v, x->left->use);
    }
    if (!has_b) {
        need(v, x->right->use);
    }
    if (!has_a || !has_b) {
        return TRUTH_OPEN;
    }
    return x->right == NULL ? look_up(v, x, &a) : compare(x->kind, &a, &b);
}

static unsigned look_at_comparison(const struct view *v, const struct expression *x)
{
    if (x->right == NULL || type_of(x->left) != TYPE_BOOL || type_of(x->right) != TYPE_BOOL) {
        return look_at_values(v, x);
    }
    const unsigned a = look(v, x->left, TRUTH_OPEN);
    const unsigned b = look(v, x->right, TRUTH_OPEN);
    const unsigned same = truth_same(a, b);
    switch (x->kind) {
    case EXPRESSION_EQUAL: return same;
    case EXPRESSION_NOT_EQUAL: return truth_not(same);
    default: return TRUTH_UNKNOWN;
    }
}

static unsigned look_at_fact(const struct view *v, const struct expression *x)
{
    struct value value;

    if (!peek(v, x->use, &value)) {
        need(v, x->use);
        return x->kind == EXPRESSION_UNKNOWN ? TRUTH_TRUE | TRUTH_FALSE : TRUTH_OPEN;
    }
    if (x->kind == EXPRESSION_UNKNOWN) {
        return truth_of(value.state != VALUE_KNOWN);
    }
    return value.state == VALUE_KNOWN ? truth_of(value.boolean) : TRUTH_UNKNOWN;
}

static unsigned look_at_both(const struct view *v, const struct expression *x, unsigned wanted)
{
    const bool is_and = x->kind == EXPRESSION_AND;
    const unsigned decisive = is_and ? TRUTH_FALSE : TRUTH_TRUE;
    const unsigned a = look(v, x->left, wanted);

    if (a == decisive) {
        return a;
    }
    const unsigned b = look(v, x->right, wanted);
    return is_and ? truth_and(a, b) : truth_or(a, b);
}

static unsigned look_inside(const struct view *v, const struct expression *x, unsigned wanted)
{
    switch (x->kind) {
    case EXPRESSION_CONSTANT: return truth_of(x->value.boolean);
    case EXPRESSION_FACT:
    case EXPRESSION_UNKNOWN: return look_at_fact(v, x);
    case EXPRESSION_NOT: return truth_not(look(v, x->left, truth_not(wanted)));
    case EXPRESSION_AND:
    case EXPRESSION_OR: return look_at_both(v, x, wanted);
    default: return look_at_comparison(v, x);
    }
}

/* `wanted`: what matters of it, TRUTH_TRUE, TRUTH_FALSE, or which of all (TRUTH_OPEN). */
static unsigned look(const struct view *v, const struct expression *x, unsigned wanted)
{
    const size_t before = v->needs != NULL ? v->needs->count : 0;
    const unsigned truth = look_inside(v, x, wanted);

    if (v->needs != NULL && is_settled(truth, wanted)) {
        v->needs->count = before;
    }
    return truth;
}

unsigned expression_truth(const struct expression *x, const struct evidence *e, bool doubt_open)
{
    return look(&(struct view){.e = e, .doubt_open = doubt_open}, x, TRUTH_TRUE);
}

unsigned expression_weigh(const struct expression *x, const struct evidence *e, bool doubt_open,
                          struct needs *needs)
{
    return look(&(struct view){.e = e, .doubt_open = doubt_open, .needs = needs}, x, TRUTH_TRUE);
}
