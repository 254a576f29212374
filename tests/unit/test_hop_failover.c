/* Several hops for one route: failover in each phase, hops that are down, trials, standbys, shares,
 * against scripted hops. */
#include "hop_world.h"

#define HELLO "> 220 hop", "EHLO mx.example", "> 250-hop", "> 250 PIPELINING"
#define ONE   MAIL_A, RCPT_R, OK, OK, DATA
#define DATA  "DATA", "> 354 go", ".", OK

static const char text[] = MESSAGE_TEXT;
static const char delivered[] = DELIVERED_TEXT;

static void deliver_two(struct hop_world *w)
{
    world_deliver(w, 2);
}

/* ---- failover before a message is there ---- */

/* However the first hop fails, up to MAIL, the second serves, and the client waits for nothing that
 * is not said to be slow. */
static void test_failover_at_the_beginning(void **state)
{
    (void)state;
    static script good = {"@1", HELLO, MAIL_A, RCPT_R, OK, OK, DATA, "QUIT", NULL};
    static script busy = {"@0", "> 421 4.3.2 too many", "QUIT", NULL};
    static script sour = {"@0", "> 554 5.7.1 no", "QUIT", NULL};
    static script http = {"@0", "> HTTP/1.1 400 Bad Request", "QUIT", NULL};
    static script gone = {"@0", "!cut", NULL};
    static script shut = {"@0", "> 220 hop", "EHLO mx.example", "!close", NULL};
    static script no_ehlo = {"@0", "> 220 hop", "EHLO mx.example", "> 421 no", "QUIT", NULL};
    static script later = {"@0", "> 220 hop", "EHLO mx.example", "> 451 not now", "QUIT", NULL};
    static script at_mail = {"@0", HELLO, MAIL_A, RCPT_R, "> 421 4.3.2 no", "!reset", NULL};
    static script nonsense = {"@0", HELLO, MAIL_A, RCPT_R, "> 354 go on", "!reset", NULL};
    static script lines = {"@0", HELLO, MAIL_A, RCPT_R, "> 250-a\r\n550 b", "!reset", NULL};
    static script at_rcpt = {"@0", HELLO, MAIL_A, RCPT_R, OK, "!cut", NULL};
    static const struct {
        const char *const *script;
        const char *why;
    } cases[] = {
        {busy, "it greets with 421 too many"},
        {sour, "it greets with 554 no"},
        {http, "it does not speak SMTP"},
        {gone, "Connection reset by peer"},
        {shut, "Connection reset by peer"},
        {no_ehlo, "it does not take our EHLO"},
        {later, "it does not take our EHLO"},
        {at_mail, "at MAIL: it went away or said 421"},
        {nonsense, "at MAIL: it talked nonsense"},
        {lines, "at MAIL: it talked nonsense"},
        {at_rcpt, "at RCPT: it went away or said 421"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hop_world *w = world_new();
        world_hops(w, 2);
        PLAY(w, deliver_one, cases[i].script, good);
        assert_got(w, delivered);
        struct hop_figures f = world_figures(w, 0);
        assert_string_equal(f.error, cases[i].why);
        assert_int_equal(f.failures, 1);
        assert_int_equal(f.in_use, 0);
        assert_int_equal(world_figures(w, 1).messages, 1);
        assert_false(world_figures(w, 1).down);
        world_free(w);
    }
    struct hop_world *w = world_new();
    world_hops(w, 2);
    w->listener = sim_listener_free(w->listener);
    PLAY(w, deliver_one, good);
    assert_string_equal(w->told.p, "!next hop smtp://10.0.0.5 is down: Connection refused\n");
    assert_true(world_figures(w, 0).down);
    world_free(w);
}

/* An honest answer is no failure, and nobody else is asked. */
static void test_answers_are_no_failures(void **state)
{
    (void)state;
    static script one = {"@0",   HELLO, MAIL_A, RCPT_R, OK, "> 450 4.2.0 later",
                         "RSET", OK,    "QUIT", NULL};
    static script two = {"@0", HELLO, MAIL_A, RCPT_R, "> 451 4.3.0 no", "> 503 no", "QUIT", NULL};
    const char *const *const each[] = {one, two};
    for (size_t i = 0; i < 2; i++) {
        struct hop_world *w = world_new();
        world_hops(w, 2);
        world_play(w, ask_one, &each[i], 1);
        assert_true(w->r[0]->answer.from_hop);
        assert_int_equal(world_figures(w, 0).failures, 0);
        world_free(w);
    }
}

static usec_t took;

static void timed_delivery(struct hop_world *w)
{
    usec_t began = rt_now();
    world_deliver(w, 1);
    took = rt_now() - began;
}

static void timed_twice(struct hop_world *w)
{
    timed_delivery(w);
    if (took < 14 * USEC_SEC || took > 16 * USEC_SEC) {
        fail_hop(w, "the first waited %lld", (long long)took);
    }
    timed_delivery(w);
}

/* A black hole gets half of the time, once: the next client does not wait. */
static void test_black_hole(void **state)
{
    (void)state;
    static script hole = {"@0", "!sleep", NULL};
    static script good = {"@1",   HELLO,  MAIL_A, RCPT_R, OK,   OK,     DATA,
                          MAIL_A, RCPT_R, OK,     OK,     DATA, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_hops(w, 2);
    PLAY(w, timed_twice, hole, good);
    assert_true(took < USEC_SEC);
    assert_string_equal(w->told.p, "!next hop smtp://10.0.0.5 is down: no answer in time\n");
    world_free(w);
}

/* A hop that takes connections and never answers MAIL is down too. */
static void test_silent_at_mail(void **state)
{
    (void)state;
    static script mute = {"@0", HELLO, MAIL_A, RCPT_R, "!reset", NULL};
    static script good = {"@1", HELLO, MAIL_A, RCPT_R, OK, OK, DATA, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_hops(w, 2);
    PLAY(w, deliver_one, mute, good);
    assert_true(world_figures(w, 0).down);
    assert_string_equal(world_figures(w, 0).error, "at MAIL: no answer in time");
    world_free(w);
}

static void all_down(struct hop_world *w)
{
    ask_one(w);
    usec_t began = rt_now();
    ask_one(w);
    took = rt_now() - began;
}

static void test_all_down(void **state)
{
    (void)state;
    struct hop_world *w = world_new();
    world_hops(w, 3);
    w->listener = sim_listener_free(w->listener);
    for (size_t i = 0; i < 2; i++) {
        w->more_listeners[i] = sim_listener_free(w->more_listeners[i]);
    }
    world_play(w, all_down, NULL, 0);
    assert_answer(w->r[0], 451, "4.4.1", NULL);
    assert_true(took < USEC_SEC);
    world_free(w);
}

/* All down by refusing: the first that is back serves at once. */
static void down_and_up(struct hop_world *w)
{
    ask_one(w);
    if (w->r[0]->answer.code != 451) {
        fail_hop(w, "answered");
    }
    world_listen(w, 0, true);
    world_deliver(w, 1);
}

static void test_back_at_once(void **state)
{
    (void)state;
    static script good = {"@0", HELLO, MAIL_A, RCPT_R, OK, OK, DATA, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_hops(w, 1);
    world_listen(w, 0, false);
    PLAY(w, down_and_up, good);
    assert_string_equal(w->told.p, "!next hop smtp://10.0.0.5 is down: Connection refused\n"
                                   "next hop smtp://10.0.0.5 is well again, after 0 s\n");
    assert_false(world_figures(w, 0).down);
    assert_int_equal(world_figures(w, 0).since, 0);
    world_free(w);
}

/* One black hole and no other hop: told at once, but when a trial is due, within a second. */
static void hole_alone(struct hop_world *w)
{
    ask_one(w);
    usec_t began = rt_now();
    ask_one(w);
    if (rt_now() != began || w->r[0]->answer.code != 451) {
        fail_hop(w, "it waited");
    }
    task_sleep(rt_now() + 2 * USEC_SEC);
    began = rt_now();
    ask_one(w); /* a trial is due: waits a second for it, not half a minute */
    if (rt_now() - began > 1100 * USEC_MSEC || w->r[0]->answer.code != 451) {
        fail_hop(w, "it waited for %lld", (long long)(rt_now() - began));
    }
    task_sleep(rt_now() + 60 * USEC_SEC);
    world_deliver(w, 1); /* the next trial finds it well */
}

static void test_hole_alone(void **state)
{
    (void)state;
    static script hole = {"!sleep", NULL};
    static script good = {HELLO, MAIL_A, RCPT_R, OK, OK, DATA, "QUIT", NULL};
    struct hop_world *w = world_new();
    PLAY(w, hole_alone, hole, hole, good);
    assert_got(w, delivered);
    assert_false(world_figures(w, 0).down);
    world_free(w);
}

/* ---- what we lack ourselves ---- */

static struct counters counts;

static void out_of_descriptors(struct hop_world *w)
{
    hop_pools_count_in(w->pools, &counts);
    sim_fail_connects(w->worker, -EMFILE);
    usec_t began = rt_now();
    for (int i = 0; i < 4; i++) {
        ask_one(w);
        assert_answer(w->r[0], 451, "4.4.1", NULL);
    }
    if (rt_now() != began) {
        fail_hop(w, "it waited");
    }
    sim_fail_connects(w->worker, 0);
    world_deliver(w, 1); /* by the first hop, at once */
}

/* No descriptor is left for a connection: put off, and no hop is down for it. */
static void test_out_of_descriptors(void **state)
{
    (void)state;
    static script good = {"@0", HELLO, MAIL_A, RCPT_R, OK, OK, DATA, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_hops(w, 2);
    w->route_hops[1].standby = true;
    counts = (struct counters){0};
    PLAY(w, out_of_descriptors, good);
    assert_got(w, delivered);
    assert_int_equal(w->told.n, 0);
    assert_int_equal(counts.hop_wants, 8);
    assert_int_equal(world_figures(w, 0).failures, 0);
    world_free(w);
}

static void trial_without_descriptors(struct hop_world *w)
{
    hop_pools_count_in(w->pools, &counts);
    ask_one(w); /* refused: down */
    task_sleep(rt_now() + 2 * USEC_SEC);
    sim_fail_connects(w->worker, -EMFILE);
    ask_one(w); /* and the trial has no descriptor */
    sim_fail_connects(w->worker, 0);
}

/* Nor is a trial without a descriptor a failure of the hop. */
static void test_trial_without_descriptors(void **state)
{
    (void)state;
    struct hop_world *w = world_new();
    world_listen(w, 0, false);
    counts = (struct counters){0};
    world_go(w, trial_without_descriptors);
    assert_int_equal(counts.hop_wants, 1);
    assert_int_equal(world_figures(w, 0).failures, 1);
    assert_string_equal(world_figures(w, 0).error, "Connection refused");
    world_free(w);
}

/* ---- trials in the background ---- */

static void trial_client(struct hop_world *w)
{
    world_deliver(w, 1); /* over the second hop */
    world_listen(w, 0, true);
    task_sleep(rt_now() + 2 * USEC_SEC);
    world_deliver(w, 1); /* likewise, while a trial finds the first one well */
    task_sleep(rt_now() + USEC_SEC);
    world_deliver(w, 1);
    world_deliver(w, 1);
}

/* The connection of a trial is kept for the next message. */
static void test_trial(void **state)
{
    (void)state;
    static script second = {"@1", HELLO, MAIL_A, RCPT_R, OK, OK, DATA, MAIL_A, RCPT_R, OK,
                            OK,   DATA,  MAIL_A, RCPT_R, OK, OK, DATA, "QUIT", NULL};
    static script first = {"@0", HELLO, MAIL_A, RCPT_R, OK, OK, DATA, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_hops(w, 2);
    world_listen(w, 0, false);
    PLAY(w, trial_client, second, first);
    assert_int_equal(world_figures(w, 0).messages, 1);
    assert_int_equal(world_figures(w, 1).messages, 3);
    world_free(w);
}

static void leave_in_trial(struct hop_world *w)
{
    world_deliver(w, 1);
    task_sleep(rt_now() + 2 * USEC_SEC);
    ask_one(w); /* begins a trial of the first */
    task_yield();
}

/* A worker may end in the middle of a trial. */
static void test_freed_in_trial(void **state)
{
    (void)state;
    static script hole = {"@0", "!sleep", NULL};
    static script good = {"@1",   HELLO, MAIL_A, RCPT_R, OK, OK,     DATA, MAIL_A,
                          RCPT_R, OK,    OK,     "RSET", OK, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_hops(w, 2);
    w->conf.limits.connect_time = 2 * USEC_SEC;
    w->scripts = (const char *const *const[]){hole, good, hole};
    w->script_count = 3;
    world_go_for(w, leave_in_trial, 6 * USEC_SEC);
    world_free(w);
}

/* ---- standby ---- */

static void test_standby(void **state)
{
    (void)state;
    static script first = {"@0", HELLO, MAIL_A, RCPT_R, OK, OK, DATA, "!close", NULL};
    static script stand_in = {"@1", HELLO, MAIL_A, RCPT_R, OK, OK, DATA, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_hops(w, 2);
    w->route_hops[1].standby = true;
    PLAY(w, deliver_one, first);
    assert_int_equal(w->accepted, 1);
    world_free(w);
    w = world_new();
    world_hops(w, 2);
    w->route_hops[1].standby = true;
    world_listen(w, 0, false);
    PLAY(w, deliver_one, stand_in);
    assert_got(w, delivered);
    world_free(w);
}

/* ---- failover with a message ---- */

/* Lost at DATA or within the message: all is said again on the other hop. */
static void test_failover_at_data(void **state)
{
    (void)state;
#define TWO MAIL_A, RCPT_R, OK, OK, RCPT_S, OK
    static script again = {"@1", HELLO, MAIL_A, RCPT_R, RCPT_S, OK, OK, OK, DATA, "QUIT", NULL};
    static script at_data = {"@0", HELLO, TWO, "DATA", "> 421 4.3.2 no", "!reset", NULL};
    static script wrong = {"@0", HELLO, TWO, "DATA", "> 250 2.0.0 ok", "!reset", NULL};
    static script nothing = {"@0", HELLO, TWO, "DATA", "!reset", NULL};
    static script closed = {"@0", HELLO, TWO, "DATA", "!close", NULL};
    const char *const *const each[] = {at_data, wrong, nothing, closed};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        struct hop_world *w = world_new();
        world_hops(w, 2);
        PLAY(w, deliver_two, each[i], again);
        assert_got(w, delivered);
        world_free(w);
    }
}

static void large_message(struct hop_world *w)
{
    static char body[200000];
    memset(body, 'x', sizeof body);
    for (size_t i = 76; i + 2 < sizeof body; i += 78) {
        memcpy(body + i, "\r\n", 2);
    }
    memcpy(body + sizeof body - 2, "\r\n", 2);
    struct hop *h = begin(w);
    load_octets(w, (struct slice){body, sizeof body}, false);
    ask(w, h, 1);
    world_finish(w, h, 1);
    hop_end(h);
}

/* A hop that breaks off within the message: the other one gets it from its beginning. */
static void test_failover_in_the_message(void **state)
{
    (void)state;
    static script broken = {"@0", HELLO, MAIL_A, RCPT_R, OK, OK, "DATA", "> 354 go", "!cut", NULL};
    static script good = {"@1", HELLO, MAIL_A, RCPT_R, OK, OK, DATA, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_hops(w, 2);
    PLAY(w, large_message, broken, good);
    assert_int_equal(w->got.n, 200000 + sizeof TRACE_TEXT - 1);
    world_free(w);
}

/* The other hop does not take one of them: its answer counts. */
static void other_answers(struct hop_world *w)
{
    struct hop *h = begin(w);
    load(w, text);
    ask(w, h, 2);
    if (prepare(w, h, 2) != 0) {
        fail_hop(w, "error");
    }
    hop_end(h);
}

static void test_other_answers(void **state)
{
    (void)state;
    static script at_data = {"@0", HELLO, TWO, "DATA", "> 421 4.3.2 no", "!reset", NULL};
    static script other = {"@1",   HELLO, MAIL_A, RCPT_R, RCPT_S, OK, OK, "> 550 5.1.1 nobody",
                           "RSET", OK,    "QUIT", NULL};
    struct hop_world *w = world_new();
    world_hops(w, 2);
    PLAY(w, other_answers, at_data, other);
    assert_answer(w->r[0], 250, "2.0.0", NULL);
    assert_answer(w->r[1], 550, "5.1.1", "nobody");
    assert_got(w, "");
    world_free(w);
}

/* After the dot there is no other hop, whatever happens. */
static void commit_once(struct hop_world *w)
{
    struct hop *h = begin(w);
    load(w, text);
    ask(w, h, 1);
    int rc = prepare(w, h, 1);
    rc = rc < 0 ? rc : commit(w, h, 1);
    if (!w->r[0]->committed || w->r[0]->confirmed) {
        fail_hop(w, "error %d", rc);
    }
    hop_end(h);
}

static void test_no_failover_after_the_dot(void **state)
{
    (void)state;
    static script closed = {HELLO, MAIL_A, RCPT_R, OK, OK, "DATA", "> 354 go", ".", "!close", NULL};
    static script cut = {HELLO, MAIL_A, RCPT_R, OK, OK, "DATA", "> 354 go", ".", "!cut", NULL};
    static script nonsense = {HELLO,      MAIL_A, RCPT_R,   OK,     OK,  "DATA",
                              "> 354 go", ".",    "> what", "!end", NULL};
    static script busy = {HELLO,      MAIL_A, RCPT_R,           OK,     OK,  "DATA",
                          "> 354 go", ".",    "> 421 4.3.2 no", "!end", NULL};
    const char *const *const each[] = {closed, cut, nonsense, busy};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        struct hop_world *w = world_new();
        world_hops(w, 2);
        world_play(w, commit_once, &each[i], 1);
        assert_got(w, delivered);
        assert_int_equal(world_figures(w, 1).in_use + world_figures(w, 1).kept, 0);
        world_free(w);
    }
}

/* Weights as they show in connections. */
static void test_shares(void **state)
{
    (void)state;
    static script first = {"@0", HELLO, ONE, ONE, ONE, ONE, "QUIT", NULL};
    static script second = {"@1", HELLO, ONE, ONE, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_hops(w, 2);
    w->route_hops[0].weight = 2;
    PLAY(w, deliver_six, first, second);
    assert_int_equal(world_figures(w, 0).messages, 4);
    assert_int_equal(world_figures(w, 1).messages, 2);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failover_at_the_beginning),
        cmocka_unit_test(test_answers_are_no_failures),
        cmocka_unit_test(test_black_hole),
        cmocka_unit_test(test_silent_at_mail),
        cmocka_unit_test(test_all_down),
        cmocka_unit_test(test_back_at_once),
        cmocka_unit_test(test_hole_alone),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_trial_without_descriptors),
        cmocka_unit_test(test_trial),
        cmocka_unit_test(test_freed_in_trial),
        cmocka_unit_test(test_standby),
        cmocka_unit_test(test_failover_at_data),
        cmocka_unit_test(test_failover_in_the_message),
        cmocka_unit_test(test_other_answers),
        cmocka_unit_test(test_no_failover_after_the_dot),
        cmocka_unit_test(test_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
