/* Conditions: Kleene's tables, sets of what is still possible, each comparison by each type, and
 * which facts a condition wants to have asked. */
#include "policy_world.h"

#include <stdlib.h>

#include "base/sanitizer.h"
#include "stack_used.h"

#define F TRUTH_FALSE
#define T TRUTH_TRUE
#define U TRUTH_UNKNOWN

/* ---- tables ---- */

static const unsigned singles[] = {F, T, U};

/* Rows and columns in that order. */
static const unsigned kleene_and[3][3] = {{F, F, F}, {F, T, U}, {F, U, U}};
static const unsigned kleene_or[3][3] = {{F, T, U}, {T, T, T}, {U, T, U}};
static const unsigned kleene_not[3] = {T, F, U};

static void kleenes_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(truth_not(singles[i]), kleene_not[i]);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(truth_and(singles[i], singles[k]), kleene_and[i][k]);
            assert_int_equal(truth_or(singles[i], singles[k]), kleene_or[i][k]);
        }
    }
}

/* What can come out when either side is any of its set. */
static unsigned image(unsigned a, unsigned b, const unsigned table[3][3])
{
    unsigned all = 0;

    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            if ((a & singles[i]) && (b & singles[k])) {
                all |= table[i][k];
            }
        }
    }
    return all;
}

static void sets_are_combined_point_by_point(void **state)
{
    (void)state;
    for (unsigned a = 0; a <= TRUTH_OPEN; a++) {
        unsigned negated = 0;
        for (size_t i = 0; i < 3; i++) {
            negated |= a & singles[i] ? kleene_not[i] : 0;
        }
        assert_int_equal(truth_not(a), negated);
        for (unsigned b = 0; b <= TRUTH_OPEN; b++) {
            assert_int_equal(truth_and(a, b), image(a, b, kleene_and));
            assert_int_equal(truth_or(a, b), image(a, b, kleene_or));
        }
    }
}

/* ---- comparisons ---- */

static unsigned truth(const struct policy_world *w, const struct expression *x)
{
    return expression_truth(x, &w->e, false);
}

/* A fact with value `a`, compared with the constant `b`. */
static unsigned compared(struct policy_world *w, enum expression_kind kind, struct value a,
                         struct value b)
{
    const size_t facts_before = w->fact_count;
    unsigned t = truth(w, join(w, kind, fact_of(w, known(w, a)), constant(w, b)));

    w->fact_count = facts_before; /* its place is free again */
    fact_memo_clear(w->e.memos[SCOPE_RECIPIENT]);
    return t;
}

static void amounts(void **state)
{
    static const enum value_type pairs[][2] = {
        {TYPE_NUMBER, TYPE_NUMBER}, {TYPE_SIZE, TYPE_SIZE},         {TYPE_SIZE, TYPE_NUMBER},
        {TYPE_NUMBER, TYPE_SIZE},   {TYPE_DURATION, TYPE_DURATION}, {TYPE_DECIMAL, TYPE_DECIMAL},
    };
    static const struct {
        enum expression_kind kind;
        unsigned less, equal, greater;
    } rows[] = {
        {EXPRESSION_EQUAL, F, T, F},   {EXPRESSION_NOT_EQUAL, T, F, T},
        {EXPRESSION_LESS, T, F, F},    {EXPRESSION_LESS_EQUAL, T, T, F},
        {EXPRESSION_GREATER, F, F, T}, {EXPRESSION_GREATER_EQUAL, F, T, T},
    };
    struct policy_world *w = *state;

    for (size_t p = 0; p < COUNT(pairs); p++) {
        for (size_t i = 0; i < COUNT(rows); i++) {
            struct value many = value_number(pairs[p][0], 5000000000);
            struct value few = value_number(pairs[p][0], -3);
            struct value other = value_number(pairs[p][1], 5000000000);
            assert_int_equal(compared(w, rows[i].kind, few, other), rows[i].less);
            assert_int_equal(compared(w, rows[i].kind, many, other), rows[i].equal);
            other.number = -4;
            assert_int_equal(compared(w, rows[i].kind, few, other), rows[i].greater);
        }
    }
}

/* A number means as many thousands of thousandths, on either side and however large it is. */
static void decimals(void **state)
{
    static const struct {
        int64_t decimal, number;
        enum expression_kind kind;
        unsigned truth;
    } rows[] = {
        {7500, 7, EXPRESSION_GREATER, T},       {7000, 7, EXPRESSION_EQUAL, T},
        {7001, 7, EXPRESSION_EQUAL, F},         {-500, 0, EXPRESSION_LESS, T},
        {7500, 8, EXPRESSION_GREATER_EQUAL, F}, {5, INT64_MAX, EXPRESSION_LESS, T},
        {5, INT64_MIN, EXPRESSION_GREATER, T},
    };
    struct policy_world *w = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct value decimal = value_number(TYPE_DECIMAL, rows[i].decimal);
        const struct value number = value_number(TYPE_NUMBER, rows[i].number);
        assert_int_equal(compared(w, rows[i].kind, decimal, number), rows[i].truth);
    }
    assert_int_equal(compared(w, EXPRESSION_GREATER, value_number(TYPE_NUMBER, 8),
                              value_number(TYPE_DECIMAL, 7999)),
                     T);
}

static void texts(void **state)
{
    struct policy_world *w = *state;
    struct value a = text_value("Mail.Example.ORG");

    assert_int_equal(compared(w, EXPRESSION_EQUAL, a, text_value("mail.example.org")), T);
    assert_int_equal(compared(w, EXPRESSION_EQUAL, a, text_value("mail.example.or")), F);
    assert_int_equal(compared(w, EXPRESSION_NOT_EQUAL, a, text_value("mAIL.eXAMPLE.org")), F);
    assert_int_equal(compared(w, EXPRESSION_NOT_EQUAL, a, text_value("")), T);
    assert_int_equal(compared(w, EXPRESSION_EQUAL, text_value(""), text_value("")), T);
    /* ASCII's letters alone: \xc3\x84 is a letter to others, and so are @ and ` to a mask. */
    assert_int_equal(compared(w, EXPRESSION_EQUAL, text_value("\xc3\x84"), text_value("\xc3\xa4")),
                     F);
    assert_int_equal(compared(w, EXPRESSION_EQUAL, text_value("@"), text_value("`")), F);
}

static void addresses(void **state)
{
    struct policy_world *w = *state;
    struct value a = ip_value("192.0.2.1");

    a.address.port = 4711;
    assert_int_equal(compared(w, EXPRESSION_EQUAL, a, ip_value("192.0.2.1")), T);
    assert_int_equal(compared(w, EXPRESSION_NOT_EQUAL, a, ip_value("192.0.2.1")), F);
    assert_int_equal(compared(w, EXPRESSION_EQUAL, a, ip_value("192.0.2.2")), F);
    assert_int_equal(compared(w, EXPRESSION_EQUAL, a, ip_value("c000:201::")), F);
    assert_int_equal(
        compared(w, EXPRESSION_EQUAL, ip_value("2001:DB8::1"), ip_value("2001:db8:0::1")), T);
}

static void results(void **state)
{
    struct policy_world *w = *state;
    struct value softfail = value_number(TYPE_RESULT, 2);
    struct value pass = value_number(TYPE_RESULT, 0);

    assert_int_equal(compared(w, EXPRESSION_EQUAL, softfail, softfail), T);
    assert_int_equal(compared(w, EXPRESSION_EQUAL, softfail, pass), F);
    assert_int_equal(compared(w, EXPRESSION_NOT_EQUAL, softfail, pass), T);
}

static void sets(void **state)
{
    struct policy_world *w = *state;
    struct value a = set_value(w, 2, "one", "Two");

    assert_int_equal(compared(w, EXPRESSION_EQUAL, a, set_value(w, 2, "two", "ONE")), T);
    assert_int_equal(compared(w, EXPRESSION_EQUAL, a, set_value(w, 1, "one")), F);
    assert_int_equal(compared(w, EXPRESSION_EQUAL, a, set_value(w, 3, "one", "two", "three")), F);
    assert_int_equal(compared(w, EXPRESSION_NOT_EQUAL, a, set_value(w, 0)), T);
}

static void bools(void **state)
{
    struct policy_world *w = *state;
    struct expression *yes = fact_of(w, known(w, value_bool(true)));
    struct expression *no = constant(w, value_bool(false));
    struct expression *dont_know = fact_of(w, known(w, value_unknown(TYPE_BOOL, UNKNOWN_TIMEOUT)));
    struct expression *open = fact_of(w, costly(w, COST_DNS, true));

    assert_int_equal(truth(w, yes), T);
    assert_int_equal(truth(w, no), F);
    assert_int_equal(truth(w, dont_know), U);
    assert_int_equal(truth(w, open), F | T | U);
    assert_int_equal(truth(w, join(w, EXPRESSION_NOT, open, NULL)), F | T | U);
    assert_int_equal(truth(w, join(w, EXPRESSION_EQUAL, yes, no)), F);
    assert_int_equal(truth(w, join(w, EXPRESSION_NOT_EQUAL, yes, no)), T);
    assert_int_equal(truth(w, join(w, EXPRESSION_EQUAL, no, no)), T);
    assert_int_equal(truth(w, join(w, EXPRESSION_EQUAL, dont_know, no)), U);
    assert_int_equal(truth(w, join(w, EXPRESSION_EQUAL, dont_know, dont_know)), U);
    assert_int_equal(truth(w, join(w, EXPRESSION_EQUAL, open, yes)), F | T | U);
    assert_int_equal(truth(w, join(w, EXPRESSION_EQUAL, open, dont_know)), U);
    /* A condition as an operand: "(yes and no) == no" */
    struct expression *both = join(w, EXPRESSION_AND, yes, no);
    assert_int_equal(truth(w, join(w, EXPRESSION_EQUAL, both, no)), T);
}

static void unknown_and_open_operands(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *dont_know = known(w, value_unknown(TYPE_TEXT, UNKNOWN_TEMPORARY));
    struct stand_in *open = stand_in(w, COST_DNS, text_value("a"));
    struct expression *a = constant(w, text_value("a"));

    struct expression *x = join(w, EXPRESSION_EQUAL, fact_of(w, dont_know), a);
    assert_int_equal(truth(w, x), U);
    assert_int_equal(truth(w, join(w, EXPRESSION_EQUAL, a, fact_of(w, dont_know))), U);
    assert_int_equal(truth(w, in(w, fact_of(w, dont_know), "a")), U);
    assert_int_equal(truth(w, match(w, EXPRESSION_MATCH, fact_of(w, dont_know), "a")), U);
    assert_int_equal(truth(w, match(w, EXPRESSION_NOT_MATCH, fact_of(w, dont_know), "a")), U);

    assert_int_equal(truth(w, join(w, EXPRESSION_EQUAL, fact_of(w, open), a)), F | T | U);
    assert_int_equal(truth(w, join(w, EXPRESSION_NOT_EQUAL, a, fact_of(w, open))), F | T | U);
    assert_int_equal(truth(w, in(w, fact_of(w, open), "a")), F | T | U);
    assert_int_equal(truth(w, match(w, EXPRESSION_MATCH, fact_of(w, open), "a")), F | T | U);
    /* Unknown already, whatever the other one is. */
    x = join(w, EXPRESSION_EQUAL, fact_of(w, open), fact_of(w, dont_know));
    assert_int_equal(truth(w, x), U);
    assert_int_equal(open->computed, 0);

    assert_int_equal(truth(w, unknown_of(w, dont_know)), T);
    assert_int_equal(truth(w, unknown_of(w, open)), T | F);
    assert_int_equal(truth(w, unknown_of(w, known(w, text_value("")))), F);
}

static void while_doubt_may_grow(void **state)
{
    struct policy_world *w = *state;
    struct expression *doubt = join(w, EXPRESSION_GREATER_EQUAL, real_fact(w, FACT_doubt),
                                    constant(w, value_number(TYPE_NUMBER, 3)));
    struct expression *why = match(w, EXPRESSION_MATCH, real_fact(w, FACT_why), "dns");

    assert_int_equal(expression_truth(doubt, &w->e, false), F);
    assert_int_equal(expression_truth(doubt, &w->e, true), F | T | U);
    assert_int_equal(expression_truth(why, &w->e, false), F);
    assert_int_equal(expression_truth(why, &w->e, true), F | T | U);
    struct needs needs = {0};
    assert_int_equal(expression_weigh(doubt, &w->e, true, &needs), F | T | U);
    assert_int_equal(needs.count, 0); /* asking would not help */
    w->ruling.doubts.sum = 3;
    assert_int_equal(expression_truth(doubt, &w->e, false), T);
}

/* ---- tables and patterns ---- */

static void in_tables(void **state)
{
    struct policy_world *w = *state;
    struct expression *ip = fact_of(w, known(w, ip_value("192.0.2.77")));
    struct expression *name = fact_of(w, known(w, text_value("MX.example.org")));
    struct expression *set = fact_of(w, known(w, set_value(w, 2, "x.example", "b.example.net")));
    struct expression *none = fact_of(w, known(w, set_value(w, 0)));

    assert_int_equal(truth(w, in(w, ip, "192.0.2.0/24")), T);
    assert_int_equal(truth(w, in(w, ip, "192.0.2.0/24 !192.0.2.64/26")), F);
    assert_int_equal(truth(w, in(w, ip, "198.51.100.0/24 .example.org")), F);
    assert_int_equal(truth(w, in(w, name, ".example.org")), T);
    assert_int_equal(truth(w, in(w, name, "/^MX/")), T);
    assert_int_equal(truth(w, in(w, name, "192.0.2.0/24")), F);
    assert_int_equal(truth(w, in(w, set, ".example.net")), T);
    assert_int_equal(truth(w, in(w, set, ".example.org")), F);
    assert_int_equal(truth(w, in(w, none, "/./")), F);
    assert_int_equal(truth(w, in(w, constant(w, text_value("a")), "a")), T);
}

static void patterns(void **state)
{
    struct policy_world *w = *state;
    struct expression *name = fact_of(w, known(w, text_value("MX.example.org")));
    struct expression *set = fact_of(w, known(w, set_value(w, 2, "one", "two")));

    assert_int_equal(truth(w, match(w, EXPRESSION_MATCH, name, "^MX")), T);
    assert_int_equal(truth(w, match(w, EXPRESSION_MATCH, name, "^mx")), F);
    assert_int_equal(truth(w, match(w, EXPRESSION_MATCH, name, "(?i)^mx")), T);
    assert_int_equal(truth(w, match(w, EXPRESSION_NOT_MATCH, name, "^MX")), F);
    assert_int_equal(truth(w, match(w, EXPRESSION_NOT_MATCH, name, "^mx")), T);
    assert_int_equal(truth(w, match(w, EXPRESSION_MATCH, set, "^t")), T);
    assert_int_equal(truth(w, match(w, EXPRESSION_NOT_MATCH, set, "^t")), F);
    assert_int_equal(truth(w, match(w, EXPRESSION_NOT_MATCH, set, "^f")), T);
}

#define BACKTRACKS "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"

static void a_stopped_pattern_is_unknown_and_counted(void **state)
{
    struct policy_world *w = *state;
    struct expression *name = fact_of(w, known(w, text_value(BACKTRACKS)));
    struct expression *set = fact_of(w, known(w, set_value(w, 2, BACKTRACKS, "aa")));
    struct expression *no = fact_of(w, known(w, set_value(w, 2, BACKTRACKS, "b")));

    assert_int_equal(truth(w, match(w, EXPRESSION_MATCH, name, "^(a+)+$")), U);
    assert_int_equal(w->counters.pattern_limits, 1);
    assert_int_equal(truth(w, match(w, EXPRESSION_NOT_MATCH, name, "^(a+)+$")), U);
    assert_int_equal(w->counters.pattern_limits, 2);
    assert_int_equal(truth(w, in(w, name, "/^(a+)+$/")), U);
    assert_int_equal(w->counters.pattern_limits, 3);
    /* Another item of the set decides. */
    assert_int_equal(truth(w, match(w, EXPRESSION_MATCH, set, "^(a+)+$")), T);
    assert_int_equal(w->counters.pattern_limits, 3);
    assert_int_equal(truth(w, match(w, EXPRESSION_MATCH, no, "^(a+)+$")), U);
    assert_int_equal(w->counters.pattern_limits, 4);
    w->e.counters = NULL;
    assert_int_equal(truth(w, match(w, EXPRESSION_MATCH, name, "^(a+)+$")), U);
}

static void what_decides_spares_the_rest(void **state)
{
    struct policy_world *w = *state;
    struct expression *name = fact_of(w, known(w, text_value(BACKTRACKS)));
    struct expression *slow = match(w, EXPRESSION_MATCH, name, "^(a+)+$");
    struct expression *no = constant(w, value_bool(false));
    struct expression *yes = constant(w, value_bool(true));

    assert_int_equal(truth(w, join(w, EXPRESSION_AND, no, slow)), F);
    assert_int_equal(truth(w, join(w, EXPRESSION_OR, yes, slow)), T);
    assert_int_equal(w->counters.pattern_limits, 0);
    assert_int_equal(truth(w, join(w, EXPRESSION_AND, yes, slow)), U);
    assert_int_equal(w->counters.pattern_limits, 1);
}

/* ---- what a condition wants to know ---- */

static void assert_needs(const struct policy_world *w, const struct expression *x, size_t count,
                         ...)
{
    struct needs needs = {0};
    va_list ap;

    (void)expression_weigh(x, &w->e, false, &needs);
    assert_int_equal(needs.count, count);
    va_start(ap, count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(needs.uses[i], &va_arg(ap, const struct stand_in *)->use);
    }
    va_end(ap);
}

static void needs_of_examples(void **state)
{
    struct policy_world *w = *state;
    const struct stand_in *a = costly(w, COST_DNS, true);
    const struct stand_in *b = costly(w, COST_CONTENT, true);
    struct expression *xa = fact_of(w, a);
    struct expression *xb = fact_of(w, b);
    struct expression *no = constant(w, value_bool(false));
    struct expression *yes = constant(w, value_bool(true));
    struct expression *u = fact_of(w, known(w, value_unknown(TYPE_BOOL, UNKNOWN_TIMEOUT)));

    assert_needs(w, join(w, EXPRESSION_AND, xa, xb), 2, a, b);
    assert_needs(w, join(w, EXPRESSION_OR, xa, xb), 2, a, b);
    assert_needs(w, join(w, EXPRESSION_AND, xa, no), 0);
    assert_needs(w, join(w, EXPRESSION_AND, no, xa), 0);
    assert_needs(w, join(w, EXPRESSION_OR, xa, yes), 0);
    assert_needs(w, join(w, EXPRESSION_AND, yes, xa), 1, a);
    /* It cannot become true. */
    assert_needs(w, join(w, EXPRESSION_AND, u, xa), 0);
    assert_needs(w, join(w, EXPRESSION_OR, xb, join(w, EXPRESSION_AND, u, xa)), 1, b);
    assert_needs(w, join(w, EXPRESSION_NOT, join(w, EXPRESSION_OR, u, xa), NULL), 0);
    /* It may: neither side is enough to say no. */
    assert_needs(w, join(w, EXPRESSION_NOT, join(w, EXPRESSION_AND, u, xa), NULL), 1, a);
    /* Asked for once. */
    assert_needs(w, join(w, EXPRESSION_OR, xa, join(w, EXPRESSION_NOT, xa, NULL)), 1, a);
    assert_needs(w, unknown_of(w, b), 1, b);
    assert_needs(w, join(w, EXPRESSION_EQUAL, xa, xb), 2, a, b);
    assert_needs(w, join(w, EXPRESSION_EQUAL, xa, u), 0);
    assert_needs(w, join(w, EXPRESSION_EQUAL, join(w, EXPRESSION_AND, u, xa), yes), 0);
    assert_needs(w, u, 0);
    assert_int_equal(a->computed + b->computed, 0);
}

#define LEAVES 5

/* A random condition in which each of the first facts stands at most once. `==` and `!=` compare
 * whole conditions, or, when `simple`, only facts and constants. */
static struct expression *random_condition(struct policy_world *w, unsigned depth, bool simple,
                                           size_t *used)
{
    const long choice = random() % 8;

    if (*used < LEAVES && (depth == 0 || choice == 0)) {
        const struct stand_in *f = &w->facts[(*used)++];
        return random() % 4 == 0 ? unknown_of(w, f) : fact_of(w, f);
    }
    if (depth == 0 || choice == 1) {
        static const unsigned kinds = 3;
        const unsigned kind = (unsigned)random() % kinds;
        return kind < 2 ? constant(w, value_bool(kind == 1))
                        : fact_of(w, &w->facts[LEAVES]); /* known to be unknown */
    }
    static const enum expression_kind kinds[] = {
        EXPRESSION_NOT, EXPRESSION_AND,   EXPRESSION_OR,       EXPRESSION_AND,
        EXPRESSION_OR,  EXPRESSION_EQUAL, EXPRESSION_NOT_EQUAL};
    const enum expression_kind kind = kinds[random() % (long)COUNT(kinds)];
    const bool compares = kind == EXPRESSION_EQUAL || kind == EXPRESSION_NOT_EQUAL;
    const unsigned below = simple && compares ? 0 : depth - 1;
    struct expression *left = random_condition(w, below, simple, used);
    return join(w, kind, left,
                kind == EXPRESSION_NOT ? NULL : random_condition(w, below, simple, used));
}

/* What a fact may turn out to be. */
static struct value turnout(unsigned n)
{
    return n < 2 ? value_bool(n == 1) : value_unknown(TYPE_BOOL, UNKNOWN_TIMEOUT);
}

/* Is the condition true when the facts turn out as the ternary digits of `turnouts` say? */
static bool is_true(const struct policy_world *w, const struct expression *x, unsigned turnouts)
{
    struct fact_memo *memo = w->e.memos[SCOPE_RECIPIENT];

    for (size_t i = 0; i < LEAVES; i++, turnouts /= 3) {
        memo->values[i] = turnout(turnouts % 3);
    }
    const unsigned t = truth(w, x);
    assert_true(t == T || t == F || t == U);
    for (size_t i = 0; i < LEAVES; i++) {
        memo->values[i] = (struct value){.state = VALUE_UNASKED};
    }
    return t == T;
}

/* Does it ever matter for that what the fact turns out to be? */
static bool matters(const struct policy_world *w, const struct expression *x, size_t fact)
{
    unsigned weight = 1;

    for (size_t i = 0; i < fact; i++) {
        weight *= 3;
    }
    for (unsigned turnouts = 0; turnouts < 243; turnouts++) {
        if (turnouts / weight % 3 == 0) {
            const bool first = is_true(w, x, turnouts);
            if (is_true(w, x, turnouts + weight) != first ||
                is_true(w, x, turnouts + 2 * weight) != first) {
                return true;
            }
        }
    }
    return false;
}

static bool is_needed(const struct needs *needs, const struct stand_in *f)
{
    for (size_t i = 0; i < needs->count; i++) {
        if (needs->uses[i] == &f->use) {
            return true;
        }
    }
    return false;
}

/* A fact is wanted if the rule may fire or not depending on it; and, where conditions are not
 * compared with each other, only if. */
static void exactly_what_matters_is_needed(void **state)
{
    struct policy_world *w = *state;
    unsigned needed = 0;

    for (size_t i = 0; i < LEAVES; i++) {
        (void)costly(w, COST_DNS, true);
    }
    (void)known(w, value_unknown(TYPE_BOOL, UNKNOWN_TIMEOUT));
    srandom(1);
    for (unsigned n = 0; n < 2000; n++) {
        const bool simple = n % 4 != 0;
        size_t used = 0;
        const struct expression *x = random_condition(w, 4, simple, &used);
        struct needs needs = {0};
        const unsigned t = expression_weigh(x, &w->e, false, &needs);
        for (size_t i = 0; i < LEAVES; i++) {
            const bool wanted = is_needed(&needs, &w->facts[i]);
            if (simple || !wanted) {
                assert_int_equal(wanted, matters(w, x, i));
            }
            needed += wanted;
        }
        assert_int_equal(needs.count == 0, t == T || (t & T) == 0);
    }
    assert_true(needed > 1000);
}

/* ---- a task's stack ---- */

#define DEEPEST 100 /* what the compiler lets pass */

static void *look_deeply(void *arg)
{
    struct policy_world *w = arg;
    struct expression *x = fact_of(w, &w->facts[0]);
    struct needs needs = {0};

    for (unsigned i = 0; i < DEEPEST; i++) {
        x = i % 3 == 0 ? join(w, EXPRESSION_NOT, x, NULL)
                       : join(w, i % 3 == 1 ? EXPRESSION_EQUAL : EXPRESSION_AND, x,
                              constant(w, value_bool(true)));
    }
    (void)expression_weigh(x, &w->e, false, &needs);
    assert_int_equal(needs.count, 1);
    return NULL;
}

static void a_deep_condition_fits_a_tasks_stack(void **state)
{
    struct policy_world *w = *state;

    (void)costly(w, COST_DNS, true);
    const size_t used = stack_used(look_deeply, w);
#if defined(WITH_ASAN)
    assert_in_range(used, 1, 128 * 1024); /* of 256 KiB */
#elif defined(__OPTIMIZE__)
    assert_in_range(used, 1, 32 * 1024); /* of 64 KiB */
#else
    assert_int_not_equal(used, 0);
#endif
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, policy_world_setup, policy_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(kleenes_tables),
        TEST(sets_are_combined_point_by_point),
        TEST(amounts),
        TEST(decimals),
        TEST(texts),
        TEST(addresses),
        TEST(results),
        TEST(sets),
        TEST(bools),
        TEST(unknown_and_open_operands),
        TEST(while_doubt_may_grow),
        TEST(in_tables),
        TEST(patterns),
        TEST(a_stopped_pattern_is_unknown_and_counted),
        TEST(what_decides_spares_the_rest),
        TEST(needs_of_examples),
        TEST(exactly_what_matters_is_needed),
        TEST(a_deep_condition_fits_a_tasks_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
