/* Facts are asked for once in their scope, live ones each time, and peeking never does what costs
 * something. Proven by counting, on both sides: what was computed, and what was asked behind it. */
#include "remembered_world.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void remember(struct fact_world *w, enum fact_scope scope, size_t count)
{
    w->e.memos[scope] = fact_memo_new(&w->arena, count);
}

static struct value ask(const struct fact_use *use, const struct fact_world *w)
{
    struct value v = {0};

    assert_int_equal(fact_ask(use, &w->e, &v), 0);
    return v;
}

static struct fact_use use_of(enum fact_id id, uint16_t index)
{
    return (struct fact_use){&facts[id], NULL, index};
}

static uint64_t computed_in_all(const struct fact_world *w)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < FACT_COUNT; i++) {
        sum += w->counters.computed[i];
    }
    return sum;
}

static void remembered_once(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use use = use_of(FACT_client_banned, 1);

    remember(w, SCOPE_CONNECTION, 2);
    assert_int_equal(fact_kept(&use, &w->e).state, VALUE_UNASKED);
    w->banned = true;
    assert_bool(ask(&use, w), true);
    w->banned = false;
    assert_bool(ask(&use, w), true);
    assert_bool(fact_kept(&use, &w->e), true);
    assert_int_equal(w->calls_banned, 1);
    assert_int_equal(w->counters.computed[FACT_client_banned], 1);
    assert_int_equal(w->counters.unknown[FACT_client_banned], 0);
    assert_int_equal(computed_in_all(w), 1);
    assert_int_equal(w->e.memos[SCOPE_CONNECTION]->values[0].state, VALUE_UNASKED);
}

static void live_anew(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use use = use_of(FACT_client_sessions, 0);
    struct value v;

    remember(w, SCOPE_CONNECTION, 1);
    w->sessions = 3;
    assert_number(ask(&use, w), 3);
    w->sessions = 4;
    assert_number(ask(&use, w), 4);
    assert_number(fact_kept(&use, &w->e), 4);
    w->sessions = 5;
    assert_number(fact_kept(&use, &w->e), 4);
    assert_true(fact_peek(&use, &w->e, &v));
    assert_number(v, 5);
    assert_number(fact_kept(&use, &w->e), 5);
    assert_int_equal(w->calls_sessions, 3);
    assert_int_equal(w->counters.computed[FACT_client_sessions], 3);
}

/* Every LIVE fact of the table is read anew, every other one is not. */
static void each_is_kept_as_its_row_says(void **state)
{
    struct fact_world *w = *state;
    const struct slice parameter = SLICE_LIT("Subject");

    for (size_t i = 0; i < FACT_COUNT; i++) {
        const struct fact_use use = {&facts[i], &parameter, 0};
        remember(w, facts[i].scope, 1);
        (void)ask(&use, w);
        (void)ask(&use, w);
        assert_int_equal(w->counters.computed[i], facts[i].keeping == KEEPING_LIVE ? 2 : 1);
        w->e.memos[facts[i].scope] = NULL;
    }
}

static void parameters_have_places_of_their_own(void **state)
{
    struct fact_world *w = *state;
    const struct slice names[] = {SLICE_LIT("To"), SLICE_LIT("Subject")};
    const struct fact_use to = {&facts[FACT_header], &names[0], 0};
    const struct fact_use subject = {&facts[FACT_header], &names[1], 1};

    remember(w, SCOPE_TRANSACTION, 2);
    for (int i = 0; i < 2; i++) {
        assert_text(ask(&to, w), "");
        assert_text(ask(&subject, w), "hello");
    }
    assert_int_equal(w->counters.computed[FACT_header], 2);
    assert_int_equal(w->calls_header, 2);
}

static void nothing_remembered_without_memo(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use use = use_of(FACT_client_banned, 7);
    struct value v;

    (void)ask(&use, w);
    (void)ask(&use, w);
    assert_true(fact_peek(&use, &w->e, &v));
    assert_int_equal(fact_kept(&use, &w->e).state, VALUE_UNASKED);
    assert_int_equal(w->calls_banned, 3);
    assert_int_equal(w->counters.computed[FACT_client_banned], 3);
    fact_memo_clear(NULL);
    fact_memo_forget_from(NULL, NULL, PHASE_CONNECT);
}

static void nobody_needs_to_count(void **state)
{
    static const struct fact own = {
        .name = "own", .type = TYPE_BOOL, .scope = SCOPE_CONNECTION, .compute = fact_client_early};
    const struct fact_use use = {&own, NULL, 0};
    struct fact_world *w = *state;

    assert_bool(ask(&use, w), false);
    assert_int_equal(computed_in_all(w), 0);
    w->e.counters = NULL;
    assert_bool(world_ask(w, FACT_client_early), false);
    assert_int_equal(computed_in_all(w), 0);
}

static void unknown_is_remembered_and_counted(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use use = use_of(FACT_rcpt_known, 0);

    remember(w, SCOPE_RECIPIENT, 1);
    w->truth.state = RECIPIENT_CANNOT_BE_ASKED;
    assert_unknown(ask(&use, w), UNKNOWN_TEMPORARY);
    w->truth.state = RECIPIENT_KNOWN;
    assert_unknown(ask(&use, w), UNKNOWN_TEMPORARY);
    assert_int_equal(w->calls_recipient, 1);
    assert_int_equal(w->counters.computed[FACT_rcpt_known], 1);
    assert_int_equal(w->counters.unknown[FACT_rcpt_known], 1);
}

static void cancelled_leaves_nothing(void **state)
{
    const struct slice subject = SLICE_LIT("Subject");
    const struct fact_use uses[] = {
        use_of(FACT_rcpt_known, 0),
        use_of(FACT_rcpt_answer, 1),
        {&facts[FACT_header], &subject, 0},
        {&facts[FACT_header_count], &subject, 1},
        {&facts[FACT_header_missing], &subject, 2},
    };
    struct fact_world *w = *state;

    remember(w, SCOPE_RECIPIENT, 2);
    remember(w, SCOPE_TRANSACTION, 3);
    w->recipient_result = w->header_result = -ECANCELED;
    for (size_t i = 0; i < COUNT(uses); i++) {
        struct value v = value_number(TYPE_NUMBER, 4711);
        assert_int_equal(fact_ask(&uses[i], &w->e, &v), -ECANCELED);
        assert_number(v, 4711);
        assert_int_equal(fact_kept(&uses[i], &w->e).state, VALUE_UNASKED);
    }
    assert_int_equal(computed_in_all(w), 0);
    w->recipient_result = w->header_result = 0;
    for (size_t i = 0; i < COUNT(uses); i++) {
        assert_int_equal(ask(&uses[i], w).state, VALUE_KNOWN);
    }
    assert_int_equal(computed_in_all(w), COUNT(uses));
}

/* The hop is never asked again by a fact that was asked before, though both come from one answer.
 */
static void answers_about_a_recipient(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use known = use_of(FACT_rcpt_known, 0);
    const struct fact_use answer = use_of(FACT_rcpt_answer, 1);

    remember(w, SCOPE_RECIPIENT, 2);
    w->truth = (struct recipient_truth){RECIPIENT_NOT_KNOWN, SLICE_LIT("550 5.1.1 who?")};
    for (int i = 0; i < 3; i++) {
        assert_bool(ask(&known, w), false);
        assert_text(ask(&answer, w), "550 5.1.1 who?");
    }
    assert_int_equal(w->calls_recipient, 2);

    fact_memo_clear(w->e.memos[SCOPE_RECIPIENT]);
    w->truth = (struct recipient_truth){RECIPIENT_KNOWN, SLICE_LIT("")};
    assert_bool(ask(&known, w), true);
    assert_text(ask(&answer, w), "");
    assert_int_equal(w->calls_recipient, 4);
}

static int must_not_ask(const struct evidence *e, struct recipient_truth *ret)
{
    (void)e, (void)ret;
    fail_msg("the hop was asked");
    return -ECANCELED;
}

static int must_not_read(const struct evidence *e, struct slice *ret)
{
    (void)e, (void)ret;
    fail_msg("the header was read");
    return -ECANCELED;
}

static const struct evidence_ops must_not = {
    .client_sessions = world_sessions,
    .client_network_sessions = world_sessions,
    .client_banned = world_banned,
    .table_has_text = world_has_text,
    .ask_recipient = must_not_ask,
    .message_header = must_not_read,
};

static void peeking_costs_nothing(void **state)
{
    struct memory_world *m;
    struct fact_world *w;
    const struct slice parameter = SLICE_LIT("Subject");

    (void)state;
    memory_world_setup((void **)&m);
    w = &m->f;
    for (int memos = 0; memos < 2; memos++) {
        for (size_t i = 0; i < FACT_COUNT; i++) {
            const struct fact_use use = {&facts[i], &parameter, 0};
            const bool cheap = facts[i].cost <= COST_MEMORY;
            struct value v = {0}, asked;
            w->e.memos[facts[i].scope] = memos ? fact_memo_new(&w->arena, 1) : NULL;
            /* at message what is of a recipient and of the moment is not kept */
            w->e.message = facts[i].scope == SCOPE_RECIPIENT ? NULL : &w->message;

            w->e.ops = &must_not;
            assert_int_equal(fact_peek(&use, &w->e, &v), cheap);
            assert_int_equal(v.state, cheap ? VALUE_KNOWN : VALUE_UNASKED);
            assert_int_equal(fact_kept(&use, &w->e).state,
                             cheap && memos ? VALUE_KNOWN : VALUE_UNASKED);

            w->e.ops = &world_ops;
            asked = ask(&use, w);
            w->e.ops = &must_not;
            assert_int_equal(fact_peek(&use, &w->e, &v), cheap || memos);
            assert_int_equal(v.type, cheap || memos ? facts[i].type : 0);
            assert_int_equal(v.state, cheap || memos ? asked.state : VALUE_UNASKED);
            w->e.memos[facts[i].scope] = NULL;
        }
    }
    assert_int_equal(w->counters.computed[FACT_client_ip], 3 + 1);
    assert_int_equal(w->counters.computed[FACT_client_port], 3 + 1);
    assert_int_equal(w->counters.computed[FACT_client_early], 3 + 3);
    assert_int_equal(w->counters.computed[FACT_rcpt_known], 1 + 1);
    assert_int_equal(w->counters.computed[FACT_header], 1 + 1);
    memory_world_teardown((void **)&m);
}

static void ehlo_anew_forgets_what_it_said(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use rows[] = {
        use_of(FACT_client_banned, 0), use_of(FACT_helo, 1),      use_of(FACT_client_ip, 2),
        use_of(FACT_tls, 3),           use_of(FACT_helo_form, 4),
    };
    const struct fact_use *const uses[] = {&rows[0], &rows[1], &rows[2], &rows[3], &rows[4]};

    remember(w, SCOPE_CONNECTION, COUNT(rows));
    remember(w, SCOPE_TRANSACTION, 1);
    const struct fact_use sender = use_of(FACT_sender, 0);
    (void)ask(&sender, w);
    for (size_t i = 0; i < COUNT(rows); i++) {
        (void)ask(&rows[i], w);
    }
    w->e.helo = SLICE_LIT("[192.0.2.1]");
    w->e.tls = true;
    assert_text(ask(&rows[1], w), "client.example");
    assert_bool(ask(&rows[3], w), false);

    fact_memo_forget_from(w->e.memos[SCOPE_CONNECTION], uses, PHASE_HELO);
    assert_int_equal(fact_kept(&rows[0], &w->e).state, VALUE_KNOWN);
    assert_int_equal(fact_kept(&rows[1], &w->e).state, VALUE_UNASKED);
    assert_int_equal(fact_kept(&rows[2], &w->e).state, VALUE_KNOWN);
    assert_int_equal(fact_kept(&rows[3], &w->e).state, VALUE_UNASKED);
    assert_int_equal(fact_kept(&rows[4], &w->e).state, VALUE_UNASKED);
    assert_int_equal(fact_kept(&sender, &w->e).state, VALUE_KNOWN);
    assert_text(ask(&rows[1], w), "[192.0.2.1]");
    assert_bool(ask(&rows[3], w), true);
    assert_number(ask(&rows[4], w), 2);
    (void)ask(&rows[0], w);
    assert_int_equal(w->calls_banned, 1);

    fact_memo_forget_from(w->e.memos[SCOPE_CONNECTION], uses, PHASE_MAIL);
    assert_int_equal(fact_kept(&rows[1], &w->e).state, VALUE_KNOWN);
    fact_memo_forget_from(w->e.memos[SCOPE_CONNECTION], uses, PHASE_CONNECT);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(fact_kept(&rows[i], &w->e).state, VALUE_UNASKED);
    }
}

/* What could not be had yet may be asked for again, and nothing else. */
static void what_was_missing_is_forgotten(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use all[] = {use_of(FACT_spf, 0), use_of(FACT_spf_domain, 1),
                                   use_of(FACT_sender_exists, 2), use_of(FACT_size, 3),
                                   use_of(FACT_dkim, 4)};
    const struct fact_use *const uses[] = {&all[0], &all[1], &all[2], &all[3], &all[4]};

    remember(w, SCOPE_TRANSACTION, COUNT(all));
    struct value *values = w->e.memos[SCOPE_TRANSACTION]->values;
    values[0] = value_unknown(TYPE_RESULT, UNKNOWN_NOT_AVAILABLE);
    values[1] = value_text(SLICE_LIT("a.example"));
    values[2] = value_unknown(TYPE_BOOL, UNKNOWN_TEMPORARY);
    values[3] = value_unknown(TYPE_SIZE, UNKNOWN_NOT_AVAILABLE); /* no look-up gives it */
    fact_memo_forget_missing(w->e.memos[SCOPE_TRANSACTION], uses);
    assert_int_equal(values[0].state, VALUE_UNASKED);
    assert_text(values[1], "a.example");
    assert_unknown(values[2], UNKNOWN_TEMPORARY);
    assert_unknown(values[3], UNKNOWN_NOT_AVAILABLE);
    assert_int_equal(values[4].state, VALUE_UNASKED);
    fact_memo_forget_missing(NULL, NULL);
}

static void scopes_are_cleared_apart(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use banned = use_of(FACT_client_banned, 0);
    const struct fact_use sender = use_of(FACT_sender, 0);
    const struct fact_use rcpt = use_of(FACT_rcpt, 0);

    for (int i = 0; i < SCOPE_COUNT; i++) {
        remember(w, (enum fact_scope)i, 1);
    }
    (void)ask(&banned, w);
    assert_text(ask(&sender, w), "a@sender.example");
    assert_text(ask(&rcpt, w), "b@example.org");
    w->e.rcpt = SLICE_LIT("c@example.org");
    w->e.sender = SLICE_LIT("");
    fact_memo_clear(w->e.memos[SCOPE_RECIPIENT]);
    assert_text(ask(&rcpt, w), "c@example.org");
    assert_text(ask(&sender, w), "a@sender.example");
    fact_memo_clear(w->e.memos[SCOPE_TRANSACTION]);
    assert_text(ask(&sender, w), "");
    (void)ask(&banned, w);
    assert_int_equal(w->calls_banned, 1);
}

/* It would read or overwrite what belongs to another fact. */
static void a_use_of_another_policy_is_our_mistake(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use use = use_of(FACT_client_ip, 2);
    int status;

    remember(w, SCOPE_CONNECTION, 2);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct value v;
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void)close(STDERR_FILENO);
        (void)fact_ask(&use, &w->e, &v);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* Every kind of value, every state, and places that nobody asked for. */
static void packed_and_unpacked(void **state)
{
    struct fact_world *w = *state;
    static const struct slice words[] = {SLICE_LIT("a"), SLICE_LIT("b")};
    struct fact_memo *m = fact_memo_new(&w->arena, 300), *n = fact_memo_new(&w->arena, 300);
    struct value set = {.type = TYPE_SET, .state = VALUE_KNOWN, .set = {words, 2}};
    struct value address = {.type = TYPE_ADDRESS, .state = VALUE_KNOWN, .address = w->e.client};

    m->values[1] = value_from(SOURCE_MEMORY, value_bool(true));
    m->values[1].asking = 1234567;
    m->values[2] = value_number(TYPE_DURATION, -INT64_C(0x123456789abcdef));
    m->values[5] = value_unknown(TYPE_TEXT, UNKNOWN_OVER_BUDGET);
    m->values[6] = value_text(words[1]);
    m->values[7] = set;
    m->values[298] = address;
    m->values[299] = value_number(TYPE_RESULT, 3);
    struct slice packed = fact_memo_pack(m, &w->arena);
    fact_memo_unpack(packed, n);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(n->values[i].type, m->values[i].type);
        assert_int_equal(n->values[i].state, m->values[i].state);
        assert_int_equal(n->values[i].reason, m->values[i].reason);
        assert_int_equal(n->values[i].source, m->values[i].source);
        assert_int_equal(n->values[i].asking, m->values[i].asking);
    }
    assert_bool(n->values[1], true);
    assert_number(n->values[2], -INT64_C(0x123456789abcdef));
    assert_true(slice_eq(n->values[6].text, words[1]));
    assert_true(n->values[7].set.items == words && n->values[7].set.count == 2);
    assert_true(addr_same_host(&n->values[298].address, &w->e.client));
    assert_number(n->values[299], 3);
    assert_true(packed.n < 7 * sizeof(struct value));
}

static void nothing_packed(void **state)
{
    struct fact_world *w = *state;
    struct fact_memo *m = fact_memo_new(&w->arena, 3);

    assert_int_equal(fact_memo_pack(m, &w->arena).n, 0);
    assert_int_equal(fact_memo_pack(NULL, &w->arena).n, 0);
    fact_memo_unpack((struct slice){0}, m);
    assert_int_equal(m->values[0].state, VALUE_UNASKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(remembered_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(live_anew, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(each_is_kept_as_its_row_says, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(parameters_have_places_of_their_own, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(nothing_remembered_without_memo, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(nobody_needs_to_count, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(unknown_is_remembered_and_counted, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(cancelled_leaves_nothing, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(answers_about_a_recipient, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(peeking_costs_nothing, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_was_missing_is_forgotten, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(ehlo_anew_forgets_what_it_said, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(scopes_are_cleared_apart, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(packed_and_unpacked, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(nothing_packed, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_use_of_another_policy_is_our_mistake, world_setup,
                                        world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
