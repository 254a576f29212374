/* What a walk through the rules asks for: only what can still matter, the cheapest kind first,
 * lookups side by side, each fact once. */
#include "policy_world.h"

/* ---- what is asked for ---- */

/* Steps and asks until the phase is done; returns how often it asked. */
static unsigned judge(struct policy_world *w)
{
    unsigned asked = 0;

    while (step(w) == STEP_ASK) {
        assert_int_equal(policy_ask(&w->run, &w->e), 0);
        asked++;
        assert_in_range(asked, 1, STAND_INS_MOST);
    }
    return asked;
}

static struct expression *both(struct policy_world *w, struct expression *a, struct expression *b)
{
    return join(w, EXPRESSION_AND, a, b);
}

static void nothing_is_asked_behind_a_decided_rule(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *a = costly(w, COST_DNS, true);

    (void)rule(w, RULE_REJECT, NULL);
    (void)rule(w, RULE_REJECT, fact_of(w, a));
    assert_int_equal(judge(w), 0);
    assert_int_equal(a->computed, 0);
}

/* A verdict that is certain stands behind an open rule: what is behind it cannot matter. */
static void nothing_is_asked_behind_a_certain_verdict(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *a = costly(w, COST_CONTENT, false);
    struct stand_in *b = costly(w, COST_DNS, true);

    (void)rule(w, RULE_REJECT, fact_of(w, a));
    struct rule *verdict = rule(w, RULE_DEFER, constant(w, value_bool(true)));
    (void)rule(w, RULE_REJECT, fact_of(w, b));
    assert_int_equal(judge(w), 1);
    assert_int_equal(a->computed, 1);
    assert_int_equal(b->computed, 0);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
}

/* But an observed one does not end anything. */
static void an_observed_verdict_hides_nothing(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *a = costly(w, COST_CONTENT, false);
    struct stand_in *b = costly(w, COST_DNS, true);

    (void)rule(w, RULE_REJECT, fact_of(w, a));
    rule(w, RULE_DEFER, NULL)->observe = true;
    (void)rule(w, RULE_REJECT, fact_of(w, b));
    assert_int_equal(judge(w), 2);
    assert_int_equal(b->order, 1);
    assert_int_equal(a->order, 2);
}

static void a_rule_that_cannot_fire_asks_for_nothing(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *a = costly(w, COST_DNS, true);
    struct stand_in *cheap = known(w, value_bool(false));
    struct stand_in *unknown = known(w, value_unknown(TYPE_BOOL, UNKNOWN_TIMEOUT));

    (void)rule(w, RULE_REJECT, both(w, fact_of(w, a), fact_of(w, cheap)));
    (void)rule(w, RULE_REJECT, both(w, fact_of(w, cheap), fact_of(w, a)));
    (void)rule(w, RULE_REJECT, both(w, fact_of(w, a), fact_of(w, unknown)));
    assert_int_equal(judge(w), 0);
    assert_int_equal(a->computed, 0);
}

static void a_rule_that_fires_anyway_asks_for_nothing(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *a = costly(w, COST_DNS, true);
    struct expression *either =
        join(w, EXPRESSION_OR, fact_of(w, a), constant(w, value_bool(true)));

    struct rule *marked = rule(w, RULE_MARK, either);
    assert_int_equal(judge(w), 0);
    assert_int_equal(a->computed, 0);
    assert_fired(w, 0, marked);
}

/* What a lookup says can make the content needless. */
static void content_is_asked_for_only_if_it_still_matters(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *content = costly(w, COST_CONTENT, true);
    struct stand_in *dns = costly(w, COST_DNS, false);

    (void)rule(w, RULE_REJECT, both(w, fact_of(w, content), fact_of(w, dns)));
    assert_int_equal(judge(w), 1);
    assert_int_equal(dns->computed, 1);
    assert_int_equal(content->computed, 0);
    assert_null(w->ruling.verdict);
}

static void a_fact_is_asked_for_once(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *a = costly(w, COST_CONTENT, false);

    for (int i = 0; i < 5; i++) {
        (void)rule(w, RULE_REJECT, fact_of(w, a));
    }
    assert_int_equal(step(w), STEP_ASK);
    assert_int_equal(w->run.needs->count, 1);
    assert_int_equal(judge(w), 1);
    assert_int_equal(a->computed, 1);
}

static void doubt_that_may_grow_opens_the_rules_behind(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *listed = costly(w, COST_DNS, false);
    struct stand_in *content = costly(w, COST_CONTENT, true);
    struct expression *doubtful = join(w, EXPRESSION_GREATER, real_fact(w, FACT_doubt),
                                       constant(w, value_number(TYPE_NUMBER, 2)));

    struct rule *doubts = rule(w, RULE_DOUBT, fact_of(w, listed));
    doubts->amount = 3;
    (void)rule(w, RULE_REJECT, both(w, doubtful, fact_of(w, content)));
    assert_int_equal(step(w), STEP_ASK);
    assert_int_equal(w->run.needs->count, 2);
    assert_int_equal(judge(w), 1);
    assert_int_equal(listed->computed, 1);
    assert_int_equal(content->computed, 0);

    /* An observed doubt never counts. */
    doubts->observe = true;
    begin(w);
    fact_memo_clear(w->e.memos[SCOPE_RECIPIENT]);
    assert_int_equal(step(w), STEP_ASK);
    assert_int_equal(w->run.needs->count, 1);
    assert_ptr_equal(w->run.needs->uses[0], &listed->use);
}

/* A doubt that is certain, but stands behind an open rule, has not been added yet. */
static void a_certain_doubt_behind_an_open_rule_is_open(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *first = costly(w, COST_DNS, false);
    struct stand_in *second = costly(w, COST_DNS, true);
    struct expression *doubtful = join(w, EXPRESSION_GREATER, real_fact(w, FACT_doubt),
                                       constant(w, value_number(TYPE_NUMBER, 2)));

    (void)rule(w, RULE_PASS, fact_of(w, first));
    rule(w, RULE_DOUBT, NULL)->amount = 3;
    struct rule *verdict = rule(w, RULE_REJECT, both(w, doubtful, fact_of(w, second)));
    assert_int_equal(step(w), STEP_ASK);
    assert_int_equal(w->run.needs->count, 2);
    first->error = 0;
    w->e.memos[SCOPE_RECIPIENT]->values[first->use.index] = value_bool(false);
    assert_int_equal(judge(w), 1);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
}

static void behind_an_open_wait_is_looked_further(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *a = costly(w, COST_DNS, true);
    struct stand_in *b = costly(w, COST_DNS, true);

    rule(w, RULE_WAIT, fact_of(w, a))->amount = USEC_SEC;
    (void)rule(w, RULE_REJECT, fact_of(w, b));
    assert_int_equal(step(w), STEP_ASK);
    assert_int_equal(w->run.needs->count, 2);
}

/* ---- texts ---- */

static void a_verdicts_text_is_whole(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *virus = stand_in(w, COST_CONTENT, text_value("Eicar"));
    struct rule *verdict = rule(w, RULE_REJECT, NULL);

    verdict->text = text_with(w, "carries ", &virus->use);
    assert_int_equal(step(w), STEP_ASK);
    assert_fired_count(w, 0);
    assert_int_equal(judge(w), 1);
    assert_slice(w->ruling.verdict->text, "carries Eicar");
    assert_int_equal(virus->computed, 1);
}

static void a_text_that_may_not_be_needed_is_not_asked_for(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *dns = costly(w, COST_DNS, true);
    struct stand_in *name = stand_in(w, COST_DNS, text_value("a"));

    struct rule *passes = rule(w, RULE_PASS, fact_of(w, dns));
    rule(w, RULE_REJECT, NULL)->text = text_with(w, "name ", &name->use);
    assert_int_equal(judge(w), 1);
    assert_ptr_equal(w->ruling.verdict->rule, passes);
    assert_int_equal(name->computed, 0);
}

static void a_mark_says_what_it_is_about(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *name = stand_in(w, COST_DNS, text_value("a"));

    rule(w, RULE_MARK, NULL)->text = text_with(w, "X-Name: ", &name->use);
    assert_int_equal(judge(w), 1);
    assert_slice(w->ruling.last->text, "X-Name: a");
    assert_int_equal(name->computed, 1);
}

static void what_is_only_observed_asks_for_no_text(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *name = stand_in(w, COST_DNS, text_value("a"));
    struct rule *seen = rule(w, RULE_REJECT, NULL);

    seen->observe = true;
    seen->text = text_with(w, "name ", &name->use);
    assert_int_equal(judge(w), 0);
    assert_slice(w->ruling.first->text, "name unknown");
    assert_int_equal(name->computed, 0);
}

/* ---- side by side ---- */

static void judge_in_task(void *arg)
{
    (void)judge(arg);
}

static void lookups_run_side_by_side(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *asked[4];

    for (size_t i = 0; i < COUNT(asked); i++) {
        asked[i] = costly(w, i % 2 == 0 ? COST_DNS : COST_NETWORK, true);
        asked[i]->takes = (usec_t)(i + 1) * USEC_SEC;
        (void)rule(w, RULE_MARK, fact_of(w, asked[i]));
    }
    assert_int_equal(run_in_task(judge_in_task, w), 4 * USEC_SEC);
    assert_fired_count(w, 4);
    for (size_t i = 0; i < COUNT(asked); i++) {
        assert_int_equal(asked[i]->computed, 1);
        assert_int_equal(asked[i]->began, asked[0]->began);
        assert_int_equal(fact_kept(&asked[i]->use, &w->e).asking, (i + 1) * USEC_SEC);
    }
}

static void content_waits_for_lookups(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *content = costly(w, COST_CONTENT, true);
    struct stand_in *network = costly(w, COST_NETWORK, true);
    struct stand_in *dns = costly(w, COST_DNS, true);

    content->takes = network->takes = dns->takes = USEC_SEC;
    (void)rule(w, RULE_MARK, fact_of(w, content));
    (void)rule(w, RULE_MARK, fact_of(w, network));
    (void)rule(w, RULE_MARK, fact_of(w, dns));
    assert_int_equal(run_in_task(judge_in_task, w), 2 * USEC_SEC);
    assert_int_equal(network->began, dns->began);
    assert_int_equal(content->began, dns->began + USEC_SEC);
    assert_int_equal(fact_kept(&content->use, &w->e).source, SOURCE_MESSAGE);
    assert_int_equal(fact_kept(&network->use, &w->e).source, SOURCE_NEXT_HOP);
    assert_fired_count(w, 3);
}

/* An inspector is asked when the header has been looked into, and not when that decides. */
static void inspectors_wait_for_the_header(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *inspected = costly(w, COST_INSPECTION, true);
    struct stand_in *spared = costly(w, COST_INSPECTION, true);
    struct stand_in *scanned = costly(w, COST_SCANNER, true);
    struct stand_in *header = costly(w, COST_CONTENT, false);

    inspected->takes = spared->takes = scanned->takes = header->takes = USEC_SEC;
    (void)rule(w, RULE_MARK, fact_of(w, scanned));
    (void)rule(w, RULE_MARK, fact_of(w, inspected));
    (void)rule(w, RULE_MARK, both(w, fact_of(w, spared), fact_of(w, header)));
    assert_int_equal(run_in_task(judge_in_task, w), 3 * USEC_SEC);
    assert_int_equal(inspected->began, header->began + USEC_SEC);
    assert_int_equal(scanned->began, inspected->began + USEC_SEC);
    assert_int_equal(spared->computed, 0);
    assert_int_equal(fact_kept(&inspected->use, &w->e).source, SOURCE_MESSAGE);
    assert_fired_count(w, 2);
}

static void no_inspection_behind_what_the_header_decides(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *header = costly(w, COST_CONTENT, true);
    struct stand_in *inspected = costly(w, COST_INSPECTION, true);

    struct rule *verdict = rule(w, RULE_REJECT, fact_of(w, header));
    (void)rule(w, RULE_REJECT, fact_of(w, inspected));
    assert_int_equal(judge(w), 1);
    assert_int_equal(inspected->computed, 0);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
}

/* Lists are asked about links when an inspector has found these, all at once, before scanners. */
static void lists_of_links_wait_for_the_inspection(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *one = costly(w, COST_LINKS, true);
    struct stand_in *other = costly(w, COST_LINKS, true);
    struct stand_in *spared = costly(w, COST_LINKS, true);
    struct stand_in *scanned = costly(w, COST_SCANNER, true);
    struct stand_in *inspected = costly(w, COST_INSPECTION, false);

    one->takes = other->takes = scanned->takes = inspected->takes = USEC_SEC;
    (void)rule(w, RULE_MARK, fact_of(w, scanned));
    (void)rule(w, RULE_MARK, fact_of(w, one));
    (void)rule(w, RULE_MARK, fact_of(w, other));
    (void)rule(w, RULE_MARK, both(w, fact_of(w, spared), fact_of(w, inspected)));
    assert_int_equal(run_in_task(judge_in_task, w), 3 * USEC_SEC);
    assert_int_equal(one->began, inspected->began + USEC_SEC);
    assert_int_equal(other->began, one->began);
    assert_int_equal(scanned->began, one->began + USEC_SEC);
    assert_int_equal(spared->computed, 0);
    assert_int_equal(fact_kept(&one->use, &w->e).source, SOURCE_DNS);
    assert_fired_count(w, 3);
}

static void no_list_behind_what_an_inspection_decides(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *inspected = costly(w, COST_INSPECTION, true);
    struct stand_in *listed = costly(w, COST_LINKS, true);

    struct rule *verdict = rule(w, RULE_REJECT, fact_of(w, inspected));
    (void)rule(w, RULE_REJECT, fact_of(w, listed));
    assert_int_equal(judge(w), 1);
    assert_int_equal(listed->computed, 0);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
}

/* Scanners come last, and all of them at once; one that does not matter any more is not asked. */
static void scanners_wait_for_all_else(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *virus = costly(w, COST_SCANNER, true);
    struct stand_in *spam = costly(w, COST_SCANNER, true);
    struct stand_in *spared = costly(w, COST_SCANNER, true);
    struct stand_in *content = costly(w, COST_CONTENT, false);
    struct stand_in *dns = costly(w, COST_DNS, true);

    virus->takes = spam->takes = content->takes = dns->takes = USEC_SEC;
    (void)rule(w, RULE_MARK, fact_of(w, virus));
    (void)rule(w, RULE_MARK, fact_of(w, spam));
    (void)rule(w, RULE_MARK, both(w, fact_of(w, spared), fact_of(w, content)));
    (void)rule(w, RULE_MARK, fact_of(w, dns));
    assert_int_equal(run_in_task(judge_in_task, w), 3 * USEC_SEC);
    assert_int_equal(content->began, dns->began + USEC_SEC);
    assert_int_equal(virus->began, dns->began + 2 * USEC_SEC);
    assert_int_equal(spam->began, virus->began);
    assert_int_equal(spared->computed, 0);
    assert_int_equal(fact_kept(&virus->use, &w->e).source, SOURCE_SCANNER);
    assert_fired_count(w, 3);
}

static void note_tasks(void *arg)
{
    struct policy_world *w = arg;
    const uint64_t before = rt_stats(rt_self())->switches;

    assert_int_equal(judge(w), 1);
    assert_int_equal(rt_stats(rt_self())->switches, before);
}

/* One fact needs no task of its own. */
static void a_lone_lookup_is_asked_directly(void **state)
{
    struct policy_world *w = *state;

    (void)rule(w, RULE_MARK, fact_of(w, costly(w, COST_DNS, true)));
    (void)run_in_task(note_tasks, w);
    assert_fired_count(w, 1);
}

struct cancelled {
    struct policy_world *w;
    struct scope scope;
    int result;
};

static void ask_and_be_cancelled(void *arg)
{
    struct cancelled *c = arg;

    assert_int_equal(step(c->w), STEP_ASK);
    c->result = policy_ask(&c->w->run, &c->w->e);
}

static void cancel_after_a_second(void *arg)
{
    struct cancelled *c = arg;

    scope_enter(&c->scope);
    assert_int_equal(task_spawn(rt_self(), &c->scope, ask_and_be_cancelled, c), 0);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    scope_cancel(&c->scope, -ECONNRESET);
    scope_join(&c->scope);
    scope_leave(&c->scope);
}

static void asking_can_be_cancelled(void **state)
{
    struct policy_world *w = *state;
    struct cancelled c = {.w = w, .result = 1};
    struct value ignored;

    for (size_t i = 0; i < 3; i++) {
        struct stand_in *f = costly(w, COST_DNS, true);
        f->takes = (usec_t)i * 10 * USEC_SEC;
        (void)rule(w, RULE_MARK, fact_of(w, f));
    }
    assert_int_equal(run_in_task(cancel_after_a_second, &c), USEC_SEC);
    assert_int_equal(c.result, -ECANCELED);
    /* What was there in time is kept; the others are as if never asked for. */
    assert_true(fact_peek(&w->facts[0].use, &w->e, &ignored));
    assert_false(fact_peek(&w->facts[1].use, &w->e, &ignored));
    assert_false(fact_peek(&w->facts[2].use, &w->e, &ignored));
    assert_int_equal(step(w), STEP_ASK);
    assert_fired_count(w, 1);
}

static void a_lone_question_can_be_cancelled(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *f = costly(w, COST_CONTENT, true);

    f->error = -ECANCELED;
    (void)rule(w, RULE_MARK, fact_of(w, f));
    assert_int_equal(step(w), STEP_ASK);
    assert_int_equal(policy_ask(&w->run, &w->e), -ECANCELED);
}

static void an_answer_that_is_unknown_is_one(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *f = stand_in(w, COST_DNS, value_unknown(TYPE_BOOL, UNKNOWN_TIMEOUT));

    (void)rule(w, RULE_REJECT, fact_of(w, f));
    struct rule *verdict = rule(w, RULE_DEFER, unknown_of(w, f));
    assert_int_equal(judge(w), 1);
    assert_ptr_equal(w->ruling.verdict->rule, verdict);
    assert_int_equal(f->computed, 1);
}

static void without_a_question_nothing_is_asked(void **state)
{
    struct policy_world *w = *state;

    assert_int_equal(policy_ask(&w->run, &w->e), 0);
    assert_int_equal(step(w), STEP_DONE);
    assert_int_equal(policy_ask(&w->run, &w->e), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, policy_world_setup, policy_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_asked_behind_a_decided_rule),
        TEST(nothing_is_asked_behind_a_certain_verdict),
        TEST(an_observed_verdict_hides_nothing),
        TEST(a_rule_that_cannot_fire_asks_for_nothing),
        TEST(a_rule_that_fires_anyway_asks_for_nothing),
        TEST(content_is_asked_for_only_if_it_still_matters),
        TEST(a_fact_is_asked_for_once),
        TEST(doubt_that_may_grow_opens_the_rules_behind),
        TEST(a_certain_doubt_behind_an_open_rule_is_open),
        TEST(behind_an_open_wait_is_looked_further),
        TEST(a_verdicts_text_is_whole),
        TEST(a_text_that_may_not_be_needed_is_not_asked_for),
        TEST(a_mark_says_what_it_is_about),
        TEST(what_is_only_observed_asks_for_no_text),
        TEST(lookups_run_side_by_side),
        TEST(content_waits_for_lookups),
        TEST(inspectors_wait_for_the_header),
        TEST(no_inspection_behind_what_the_header_decides),
        TEST(lists_of_links_wait_for_the_inspection),
        TEST(no_list_behind_what_an_inspection_decides),
        TEST(scanners_wait_for_all_else),
        TEST(a_lone_lookup_is_asked_directly),
        TEST(asking_can_be_cancelled),
        TEST(a_lone_question_can_be_cancelled),
        TEST(an_answer_that_is_unknown_is_one),
        TEST(without_a_question_nothing_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
