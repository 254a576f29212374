/* Walking the rules of a phase: what fires, in which order, with which effect, and what stays
 * open. What is asked for and how: test_evaluate_ask.c. */
#include "policy_world.h"

static struct expression *yes(struct policy_world *w)
{
    return constant(w, value_bool(true));
}

static struct expression *no(struct policy_world *w)
{
    return constant(w, value_bool(false));
}

static struct expression *dont_know(struct policy_world *w)
{
    return fact_of(w, known(w, value_unknown(TYPE_BOOL, UNKNOWN_TEMPORARY)));
}

/* doubt >= n */
static struct expression *doubt_of(struct policy_world *w, int64_t n)
{
    return join(w, EXPRESSION_GREATER_EQUAL, real_fact(w, FACT_doubt),
                constant(w, value_number(TYPE_NUMBER, n)));
}

static struct rule *doubt(struct policy_world *w, int64_t amount, const char *why,
                          struct expression *condition)
{
    struct rule *r = rule(w, RULE_DOUBT, condition);

    r->amount = amount;
    r->text = text_with(w, why, NULL);
    return r;
}

static struct rule *wait_rule(struct policy_world *w, usec_t amount, struct expression *condition)
{
    struct rule *r = rule(w, RULE_WAIT, condition);

    r->amount = amount;
    return r;
}

static struct rule *observed(struct rule *r)
{
    r->observe = true;
    return r;
}

/* ---- verdicts ---- */

static void no_rules_pass(void **state)
{
    struct policy_world *w = *state;

    assert_int_equal(step(w), STEP_DONE);
    assert_null(w->ruling.verdict);
    assert_fired_count(w, 0);
}

static void the_first_verdict_that_fires_ends_the_phase(void **state)
{
    struct policy_world *w = *state;

    (void)rule(w, RULE_REJECT, no(w));
    (void)rule(w, RULE_REJECT, dont_know(w));
    struct rule *marked = rule(w, RULE_MARK, yes(w));
    struct rule *verdict = rule(w, RULE_DEFER, yes(w));
    (void)rule(w, RULE_REJECT, NULL);
    assert_int_equal(step(w), STEP_DONE);
    assert_fired_count(w, 2);
    assert_fired(w, 0, marked);
    assert_fired(w, 1, verdict);
    assert_ptr_equal(w->ruling.verdict, w->ruling.last);

    /* Once done it stays so. */
    assert_int_equal(step(w), STEP_DONE);
    assert_fired_count(w, 2);
}

static void every_verdict_ends_and_no_action_does(void **state)
{
    static const struct {
        enum rule_kind kind;
        bool ends;
    } rows[] = {
        {RULE_PASS, true},  {RULE_TRUST, true}, {RULE_REJECT, true}, {RULE_DEFER, true},
        {RULE_DROP, true},  {RULE_JUNK, true},  {RULE_WAIT, false},  {RULE_DOUBT, false},
        {RULE_MARK, false}, {RULE_BAN, false},
    };
    struct policy_world *w = *state;

    assert_int_equal(COUNT(rows), RULE_KIND_COUNT);
    for (size_t i = 0; i < COUNT(rows); i++) {
        w->rule_count = 0;
        struct rule *first = rule(w, rows[i].kind, NULL);
        struct rule *second = rule(w, RULE_REJECT, NULL);
        begin(w);
        assert_int_equal(step(w), STEP_DONE);
        assert_fired_count(w, rows[i].ends ? 1 : 2);
        assert_ptr_equal(w->ruling.verdict->rule, rows[i].ends ? first : second);
    }
}

static void a_condition_that_is_unknown_does_not_fire(void **state)
{
    struct policy_world *w = *state;

    (void)rule(w, RULE_REJECT, dont_know(w));
    (void)rule(w, RULE_REJECT, join(w, EXPRESSION_NOT, dont_know(w), NULL));
    assert_int_equal(step(w), STEP_DONE);
    assert_null(w->ruling.verdict);
    assert_int_equal(w->run.next, 2);
}

/* ---- actions ---- */

static void doubts_add_up_and_are_read_at_once(void **state)
{
    struct policy_world *w = *state;
    struct doubts outer = {.sum = 1};

    (void)doubt(w, 2, "no reverse name", yes(w));
    (void)doubt(w, 5, "never", no(w));
    (void)rule(w, RULE_REJECT, doubt_of(w, 6));
    (void)doubt(w, 3, "odd greeting", doubt_of(w, 3));
    struct rule *verdict = rule(w, RULE_REJECT, doubt_of(w, 6));
    begin(w);
    ruling_init(&w->ruling, &outer);
    assert_int_equal(step(w), STEP_DONE);
    assert_int_equal(w->ruling.doubts.sum, 5);
    assert_ptr_equal(w->ruling.doubts.outer, &outer);
    assert_slice(w->ruling.doubts.first->why, "no reverse name");
    assert_int_equal(w->ruling.doubts.first->doubt, 2);
    assert_slice(w->ruling.doubts.last->why, "odd greeting");
    assert_ptr_equal(w->ruling.doubts.first->next, w->ruling.doubts.last);
    assert_null(w->ruling.doubts.last->next);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
}

static void doubts_do_not_turn_round(void **state)
{
    struct policy_world *w = *state;

    (void)doubt(w, INT64_MAX, "a", NULL);
    (void)doubt(w, 2, "b", NULL);
    assert_int_equal(step(w), STEP_DONE);
    assert_true(w->ruling.doubts.sum == INT64_MAX);
    w->rule_count = 0;
    (void)doubt(w, INT64_MIN, "a", NULL);
    (void)doubt(w, -2, "b", NULL);
    begin(w);
    assert_int_equal(step(w), STEP_DONE);
    assert_true(w->ruling.doubts.sum == INT64_MIN);
}

static void texts_are_filled_in(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *name = known(w, text_value("mx.example.org"));
    struct rule *r = rule(w, RULE_MARK, NULL);

    r->text = text_with(w, "X-Name: ", &name->use);
    assert_int_equal(step(w), STEP_DONE);
    assert_slice(w->ruling.first->text, "X-Name: mx.example.org");
    assert_int_equal(w->ruling.doubts.sum, 0);
}

static void mark_ban_and_junk_are_recorded(void **state)
{
    struct policy_world *w = *state;
    struct rule *marked = rule(w, RULE_MARK, NULL);
    struct rule *banned = rule(w, RULE_BAN, NULL);
    struct rule *junk = rule(w, RULE_JUNK, NULL);

    assert_int_equal(step(w), STEP_DONE);
    assert_fired_count(w, 3);
    assert_fired(w, 0, marked);
    assert_fired(w, 1, banned);
    assert_fired(w, 2, junk);
    assert_ptr_equal(w->ruling.verdict->rule, junk);
    assert_slice(w->ruling.first->text, "");
}

/* ---- waiting ---- */

static void a_wait_delays_the_rules_behind_it(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *early = known(w, value_bool(false));

    early->fact.keeping = KEEPING_LIVE;
    struct rule *waits = wait_rule(w, 6 * USEC_SEC, NULL);
    struct rule *verdict = rule(w, RULE_REJECT, fact_of(w, early));
    assert_int_equal(step(w), STEP_WAIT);
    assert_int_equal(w->run.wait_until, 6 * USEC_SEC);
    assert_int_equal(step_at(w, 6 * USEC_SEC - 1), STEP_WAIT);
    assert_fired_count(w, 1);
    assert_int_equal(early->computed, 0);

    /* What happened meanwhile counts. */
    early->value = value_bool(true);
    assert_int_equal(step_at(w, 6 * USEC_SEC), STEP_DONE);
    assert_fired_count(w, 2);
    assert_fired(w, 0, waits);
    assert_fired(w, 1, verdict);
}

static void the_longest_wait_counts_from_the_beginning(void **state)
{
    struct policy_world *w = *state;

    (void)wait_rule(w, 4 * USEC_SEC, NULL);
    (void)wait_rule(w, 3 * USEC_SEC, NULL);
    (void)wait_rule(w, 10 * USEC_SEC, NULL);
    (void)wait_rule(w, 2 * USEC_SEC, NULL);
    policy_begin(&w->run, &w->policy, PHASE_RCPT, 100 * USEC_SEC);
    assert_int_equal(step_at(w, 101 * USEC_SEC), STEP_WAIT);
    assert_int_equal(w->run.wait_until, 104 * USEC_SEC);
    assert_int_equal(step_at(w, 104 * USEC_SEC), STEP_WAIT);
    assert_int_equal(w->run.wait_until, 110 * USEC_SEC);
    assert_fired_count(w, 3);
    assert_int_equal(step_at(w, 110 * USEC_SEC), STEP_DONE);
    assert_fired_count(w, 4);
    assert_int_equal(w->run.wait_until, 110 * USEC_SEC);
}

static void time_already_spent_counts(void **state)
{
    struct policy_world *w = *state;

    (void)wait_rule(w, 4 * USEC_SEC, NULL);
    struct rule *verdict = rule(w, RULE_PASS, NULL);
    assert_int_equal(step_at(w, 4 * USEC_SEC), STEP_DONE);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
}

static void waits_are_bounded(void **state)
{
    struct policy_world *w = *state;

    (void)wait_rule(w, 3600 * USEC_SEC, NULL);
    assert_int_equal(w->run.wait_most, 30 * USEC_SEC);
    assert_int_equal(step(w), STEP_WAIT);
    assert_int_equal(w->run.wait_until, 30 * USEC_SEC);

    begin(w);
    w->run.wait_most = 7 * USEC_SEC;
    assert_int_equal(step(w), STEP_WAIT);
    assert_int_equal(w->run.wait_until, 7 * USEC_SEC);

    begin(w);
    w->run.wait_most = -1;
    assert_int_equal(step(w), STEP_DONE);
    assert_fired_count(w, 1);

    policy_begin(&w->run, &w->policy, PHASE_CONNECT, 5);
    assert_int_equal(w->run.wait_most, 120 * USEC_SEC);
    assert_int_equal(w->run.wait_until, 5);
}

/* ---- observe ---- */

static void observed_rules_are_recorded_and_do_nothing(void **state)
{
    struct policy_world *w = *state;
    struct rule *rules[] = {
        observed(rule(w, RULE_REJECT, NULL)), observed(rule(w, RULE_DROP, NULL)),
        observed(rule(w, RULE_PASS, NULL)),   observed(doubt(w, 9, "observed", NULL)),
        observed(rule(w, RULE_BAN, NULL)),    observed(wait_rule(w, 9 * USEC_SEC, NULL)),
    };

    (void)rule(w, RULE_DEFER, doubt_of(w, 1));
    rules[0]->text = text_with(w, "too much", NULL);
    assert_int_equal(step(w), STEP_DONE);
    assert_fired_count(w, COUNT(rules));
    for (size_t i = 0; i < COUNT(rules); i++) {
        assert_fired(w, i, rules[i]);
    }
    assert_slice(w->ruling.first->text, "too much");
    assert_null(w->ruling.verdict);
    assert_int_equal(w->ruling.doubts.sum, 0);
    assert_null(w->ruling.doubts.first);
    assert_int_equal(w->run.wait_until, 0);
}

/* ---- pending verdicts, postmaster ---- */

static void with_a_verdict_pending_only_pass_and_trust_count(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *asked = costly(w, COST_DNS, true);

    (void)rule(w, RULE_REJECT, NULL);
    (void)doubt(w, 3, "not counted", NULL);
    (void)wait_rule(w, USEC_SEC, NULL);
    (void)rule(w, RULE_DEFER, fact_of(w, asked));
    (void)observed(rule(w, RULE_DROP, NULL));
    struct rule *trusts = rule(w, RULE_TRUST, no(w));
    struct rule *passes = rule(w, RULE_PASS, NULL);
    w->run.only_yes = true;
    assert_int_equal(step(w), STEP_DONE);
    assert_fired_count(w, 1);
    assert_ptr_equal(w->ruling.verdict->rule, passes);

    trusts->condition = NULL;
    begin(w);
    w->run.only_yes = true;
    assert_int_equal(step(w), STEP_DONE);
    assert_ptr_equal(w->ruling.verdict->rule, trusts);
    assert_int_equal(asked->computed, 0);
}

static void postmaster_is_not_refused(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *asked = costly(w, COST_DNS, true);

    (void)rule(w, RULE_REJECT, NULL);
    (void)rule(w, RULE_DEFER, fact_of(w, asked));
    (void)observed(rule(w, RULE_REJECT, NULL));
    struct rule *doubts = doubt(w, 3, "still counted", NULL);
    struct rule *drops = rule(w, RULE_DROP, doubt_of(w, 3));
    w->run.postmaster = true;
    assert_int_equal(step(w), STEP_DONE);
    assert_fired_count(w, 2);
    assert_fired(w, 0, doubts);
    assert_fired(w, 1, drops);
    assert_int_equal(asked->computed, 0);
}

/* ---- open rules ---- */

static void nothing_fires_behind_an_open_rule(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *asked = costly(w, COST_DNS, false);
    struct rule *marked = rule(w, RULE_MARK, NULL);

    (void)rule(w, RULE_REJECT, fact_of(w, asked));
    (void)rule(w, RULE_REJECT, no(w));
    struct rule *banned = rule(w, RULE_BAN, NULL);
    struct rule *verdict = rule(w, RULE_PASS, NULL);
    (void)rule(w, RULE_REJECT, no(w));
    assert_int_equal(step(w), STEP_ASK);
    assert_fired_count(w, 1);
    assert_fired(w, 0, marked);
    assert_null(w->ruling.verdict);
    assert_int_equal(step(w), STEP_ASK); /* and so on, until it is asked */
    assert_fired_count(w, 1);

    assert_int_equal(policy_ask(&w->run, &w->e), 0);
    assert_int_equal(step(w), STEP_DONE);
    assert_fired_count(w, 3);
    assert_fired(w, 1, banned);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
    assert_int_equal(asked->computed, 1);
}

static void an_open_rule_fires_before_those_behind_it(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *asked = costly(w, COST_DNS, true);
    struct rule *verdict = rule(w, RULE_REJECT, fact_of(w, asked));

    (void)rule(w, RULE_PASS, NULL);
    assert_int_equal(step(w), STEP_ASK);
    assert_int_equal(policy_ask(&w->run, &w->e), 0);
    assert_int_equal(step(w), STEP_DONE);
    assert_fired_count(w, 1);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
}

static void doubt_is_open_behind_an_open_doubt(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *listed = costly(w, COST_DNS, true);
    struct rule *doubts = doubt(w, 3, "listed", fact_of(w, listed));
    struct rule *verdict = rule(w, RULE_REJECT, doubt_of(w, 3));

    (void)rule(w, RULE_PASS, NULL);
    assert_int_equal(step(w), STEP_ASK);
    assert_null(w->ruling.verdict);
    assert_int_equal(policy_ask(&w->run, &w->e), 0);
    assert_int_equal(step(w), STEP_DONE);
    assert_fired(w, 0, doubts);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
}

static void a_wait_behind_an_open_rule_is_not_begun(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *asked = costly(w, COST_DNS, true);

    (void)rule(w, RULE_PASS, fact_of(w, asked));
    (void)wait_rule(w, 5 * USEC_SEC, NULL);
    assert_int_equal(step(w), STEP_ASK);
    assert_int_equal(w->run.wait_until, 0);
    assert_int_equal(policy_ask(&w->run, &w->e), 0);
    assert_int_equal(step(w), STEP_DONE);
    assert_fired_count(w, 1);
}

/* ---- rulings ---- */

static void a_copy_stands_on_its_own(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *name = known(w, text_value("mx.example.org"));
    struct doubts outer = {.sum = 4};
    struct arena arena;
    struct ruling copy;

    (void)doubt(w, 2, "one", NULL);
    doubt(w, 3, "two", NULL)->text = text_with(w, "name ", &name->use);
    (void)rule(w, RULE_MARK, NULL);
    struct rule *verdict = rule(w, RULE_REJECT, NULL);
    verdict->text = text_with(w, "no: ", &name->use);
    assert_int_equal(step(w), STEP_DONE);

    arena_init(&arena);
    ruling_copy(&copy, &w->ruling, &arena, &outer);
    memset((char *)w->ruling.verdict->text.p, 'x', w->ruling.verdict->text.n);
    memset((char *)w->ruling.doubts.last->why.p, 'x', w->ruling.doubts.last->why.n);
    for (struct fired *f = w->ruling.first; f != NULL; f = f->next) {
        f->rule = NULL;
        f->text = (struct slice){0};
    }
    memset(w->ruling.doubts.first, 0, sizeof(*w->ruling.doubts.first));
    w->ruling = copy;
    assert_fired_count(w, 4);
    assert_ptr_equal(w->ruling.verdict, w->ruling.last);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
    assert_slice(w->ruling.verdict->text, "no: mx.example.org");
    assert_int_equal(w->ruling.doubts.sum, 5);
    assert_ptr_equal(w->ruling.doubts.outer, &outer);
    assert_slice(w->ruling.doubts.first->why, "one");
    assert_slice(w->ruling.doubts.first->next->why, "name mx.example.org");
    arena_free(&arena);
}

static void a_copy_of_nothing_is_empty(void **state)
{
    struct policy_world *w = *state;
    struct ruling copy;

    ruling_copy(&copy, &w->ruling, &w->arena, NULL);
    assert_null(copy.first);
    assert_null(copy.verdict);
    assert_null(copy.doubts.first);
}

/* ---- cost ---- */

static void rules_that_do_not_fire_allocate_nothing(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *count = known(w, value_number(TYPE_NUMBER, 3));

    for (int64_t i = 0; i < 20; i++) {
        (void)rule(w, RULE_REJECT,
                   join(w, EXPRESSION_GREATER, fact_of(w, count),
                        constant(w, value_number(TYPE_NUMBER, 10 + i))));
    }
    const struct arena before = w->arena;
    assert_int_equal(step(w), STEP_DONE);
    assert_memory_equal(&w->arena, &before, sizeof(before));
    assert_int_equal(count->computed, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, policy_world_setup, policy_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(no_rules_pass),
        TEST(the_first_verdict_that_fires_ends_the_phase),
        TEST(every_verdict_ends_and_no_action_does),
        TEST(a_condition_that_is_unknown_does_not_fire),
        TEST(doubts_add_up_and_are_read_at_once),
        TEST(doubts_do_not_turn_round),
        TEST(texts_are_filled_in),
        TEST(mark_ban_and_junk_are_recorded),
        TEST(a_wait_delays_the_rules_behind_it),
        TEST(the_longest_wait_counts_from_the_beginning),
        TEST(time_already_spent_counts),
        TEST(waits_are_bounded),
        TEST(observed_rules_are_recorded_and_do_nothing),
        TEST(with_a_verdict_pending_only_pass_and_trust_count),
        TEST(postmaster_is_not_refused),
        TEST(nothing_fires_behind_an_open_rule),
        TEST(an_open_rule_fires_before_those_behind_it),
        TEST(doubt_is_open_behind_an_open_doubt),
        TEST(a_wait_behind_an_open_rule_is_not_begun),
        TEST(a_copy_stands_on_its_own),
        TEST(a_copy_of_nothing_is_empty),
        TEST(rules_that_do_not_fire_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
