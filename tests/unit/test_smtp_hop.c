/* The SMTP hop's envelope and its kept connections, against scripted hops. */
#include "hop_world.h"

#define HELLO                                                                                      \
    "> 220 hop", "EHLO mx.example", "> 250-hop", "> 250-PIPELINING", "> 250-8BITMIME",             \
        "> 250-SIZE 1000", "> 250-ENHANCEDSTATUSCODES", "> 250 SMTPUTF8"
#define PLAIN_HELLO "> 220 hop", "EHLO mx.example", "> 250 hop"

static const char text[] = MESSAGE_TEXT;
static const char delivered[] = DELIVERED_TEXT;

static void deliver_three(struct hop_world *w)
{
    world_deliver(w, 3);
}

static void deliver_twice(struct hop_world *w)
{
    world_deliver(w, 1);
    task_sleep(rt_now() + 30 * USEC_SEC);
    world_deliver(w, 1);
}

/* MAIL and the first RCPT come before the hop answers either; a second message uses the same
 * connection; QUIT after the idle time. */
static void test_pipelined(void **state)
{
    (void)state;
    static script one = {HELLO,      MAIL_A, RCPT_R, OK,     OK,  "DATA", "> 354 go",
                         ".",        OK,     MAIL_A, RCPT_R, OK,  OK,     "DATA",
                         "> 354 go", ".",    OK,     "QUIT", NULL};
    struct hop_world *w = world_new();
    world_play(w, deliver_twice, (const char *const *const[]){one}, 1);
    assert_int_equal(w->got.n, 2 * strlen(delivered));
    assert_memory_equal(w->got.p, delivered, strlen(delivered));
    assert_memory_equal(w->got.p + strlen(delivered), delivered, strlen(delivered));
    world_free(w);
}

static void test_lock_step(void **state)
{
    (void)state;
    static script one = {PLAIN_HELLO, MAIL_A,     "!quiet", OK,     RCPT_R, "!quiet",
                         OK,          RCPT_S,     OK,       RCPT_T, OK,     "DATA",
                         "!quiet",    "> 354 go", ".",      OK,     "QUIT", NULL};
    struct hop_world *w = world_new();
    world_play(w, deliver_three, (const char *const *const[]){one}, 1);
    assert_got(w, delivered);
    world_free(w);
}

static void test_helo(void **state)
{
    (void)state;
    static script one = {"> 220-hop",
                         "> 220 says hello",
                         "EHLO mx.example",
                         "> 502 what",
                         "HELO mx.example",
                         "> 250 hop",
                         MAIL_A,
                         OK,
                         RCPT_R,
                         OK,
                         "DATA",
                         "> 354 go",
                         ".",
                         OK,
                         "QUIT",
                         NULL};
    struct hop_world *w = world_new();
    world_play(w, deliver_one, (const char *const *const[]){one}, 1);
    assert_got(w, delivered);
    world_free(w);
}

/* ---- refusals in the hop's own words ---- */

static void ask_two(struct hop_world *w)
{
    struct hop *h = begin(w);
    ask(w, h, 2);
    hop_end(h);
}

static void test_refusals(void **state)
{
    (void)state;
    static script one = {HELLO,
                         MAIL_A,
                         RCPT_R,
                         OK,
                         "> 550-5.1.1 nobody of",
                         "> 550-5.1.1 that",
                         "> 550 5.1.1  name\x01\xff\tback",
                         RCPT_S,
                         "> 450 later",
                         "RSET",
                         OK,
                         "QUIT",
                         NULL};
    struct hop_world *w = world_new();
    world_play(w, ask_two, (const char *const *const[]){one}, 1);
    assert_answer(w->r[0], 550, "5.1.1", "nobody of\nthat\nname ? back");
    assert_true(w->r[0]->answer.from_hop);
    assert_answer(w->r[1], 450, "", "later");
    assert_true(w->r[1]->answer.from_hop);
    world_free(w);
}

/* MAIL's refusal answers all recipients; nothing is open, so no RSET. */
static void test_mail_refused(void **state)
{
    (void)state;
    static script piped = {HELLO,  MAIL_A, RCPT_R, "> 550 5.7.1 not you", "> 503 5.5.1 MAIL first",
                           "QUIT", NULL};
    static script plain = {PLAIN_HELLO, MAIL_A, "> 452 4.3.1 full", "QUIT", NULL};
    static script odd = {HELLO, MAIL_A, RCPT_R, "> 550 5.7.1 not you", "> 250 welcome", "RSET",
                         OK,    "QUIT", NULL};
    struct hop_world *w = world_new();
    world_play(w, ask_two, (const char *const *const[]){piped}, 1);
    assert_answer(w->r[0], 550, "5.7.1", "not you");
    assert_answer(w->r[1], 550, "5.7.1", "not you");
    world_free(w);
    w = world_new();
    world_play(w, ask_two, (const char *const *const[]){plain}, 1);
    assert_answer(w->r[0], 452, "4.3.1", "full");
    assert_answer(w->r[1], 452, "4.3.1", "full");
    world_free(w);
    w = world_new();
    world_play(w, ask_two, (const char *const *const[]){odd}, 1);
    assert_answer(w->r[0], 550, "5.7.1", "not you");
    assert_answer(w->r[1], 550, "5.7.1", "not you");
    world_free(w);
}

/* What is neither yes nor no, and 421, is not passed on; the connection is dropped, and the next
 * recipient is asked on another. */
static void test_nonsense(void **state)
{
    (void)state;
    static const char *const nonsense[] = {
        "> 354 go ahead", "> 151 wait", "> hello?", "> 250~ok",           "> 421 4.3.2 going down",
        "> 650 oh",       "> 221 bye",  "> ",       "> 250-yes\r\n550 no"};
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        script one = {HELLO, MAIL_A, RCPT_R, OK, nonsense[i], "!reset", NULL};
        script two = {HELLO, MAIL_A, RCPT_S, OK, OK, "RSET", OK, "QUIT", NULL};
        struct hop_world *w = world_new();
        world_play(w, ask_two, (const char *const *const[]){one, two}, 2);
        assert_answer(w->r[0], 451, "4.4.1", NULL);
        assert_false(w->r[0]->answer.from_hop);
        assert_answer(w->r[1], 250, "2.0.0", "ok");
        world_free(w);
    }
}

/* A hop that says more than it is asked: its reply to RCPT would be taken for that to the message,
 * which it refuses. Nothing is believed of such a hop. */
static void ask_one_only(struct hop_world *w)
{
    struct hop *h = begin(w);
    ask(w, h, 1);
    hop_end(h);
}

static void deliver_if_asked(struct hop_world *w)
{
    struct hop *h = begin(w);
    load(w, text);
    if (ask(w, h, 1) == 1 && prepare(w, h, 1) == 0 && answer_is_yes(&w->r[0]->answer)) {
        commit(w, h, 1);
    }
    hop_end(h);
}

static void test_said_too_much(void **state)
{
    (void)state;
    static script hello = {"> 220 hop", "EHLO mx.example", "> 250-hop\r\n250 CHUNKING\r\n250 again",
                           "!reset", NULL};
    static script mail = {"> 220 hop", "EHLO mx.example",    "> 250-hop\r\n250 CHUNKING",
                          MAIL_A,      "> 250 ok\r\n250 ok", "!reset",
                          NULL};
    static script rcpt = {HELLO, MAIL_A, RCPT_R, OK, "> 250 ok\r\n25", "!reset", NULL};
    static script closing = {HELLO,    MAIL_A, RCPT_R, OK, "> 250 2.0.0 ok\r\n421 4.3.2 so long",
                             "!reset", NULL};
    const char *const *const each[] = {hello, mail, rcpt};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        struct hop_world *w = world_new();
        world_play(w, deliver_if_asked, &each[i], 1);
        assert_answer(w->r[0], 451, "4.4.1", NULL);
        assert_false(w->r[0]->confirmed);
        world_free(w);
    }
    struct hop_world *w = world_new();
    world_play(w, ask_one_only, (const char *const *const[]){closing}, 1);
    assert_answer(w->r[0], 250, "2.0.0", "ok");
    world_free(w);
}

static void ask_and_rest(struct hop_world *w)
{
    struct hop *h = begin(w);
    ask(w, h, 1);
    task_sleep(rt_now() + 5 * USEC_SEC);
    hop_end(h);
    ask_one_only(w);
}

/* What it says while nobody asks is never taken for the reply to RSET. */
static void test_speaks_at_rest(void **state)
{
    (void)state;
    static script one = {HELLO,    MAIL_A, RCPT_R, OK, OK, "!quiet", "> 250 2.0.0 and more",
                         "!reset", NULL};
    static script two = {HELLO, MAIL_A, RCPT_R, OK, OK, "RSET", OK, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_play(w, ask_and_rest, (const char *const *const[]){one, two}, 2);
    assert_answer(w->r[0], 250, "2.0.0", "ok");
    world_free(w);
}

static void ask_three(struct hop_world *w)
{
    struct hop *h = begin(w);
    ask(w, h, 3);
    hop_end(h);
}

static void test_long_reply(void **state)
{
    (void)state;
    static char line[5000];
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "> 550-5.1.1 ", 12);
    static char endless[69000];
    memset(endless, 'y', sizeof endless - 1);
    memcpy(endless, "> 550 ", 6);
    script one = {
        HELLO,      MAIL_A,     RCPT_R,    OK,        "> 550-1",         "> 550-2", "> 550-3",
        "> 550-4",  "> 550-5",  "> 550-6", "> 550-7", "> 550-8",         "> 550-9", "> 550-10",
        "> 550-11", "> 550 12", RCPT_S,    line,      "> 550 5.1.1 end", RCPT_T,    endless,
        "!reset",   NULL};
    struct hop_world *w = world_new();
    world_play(w, ask_three, (const char *const *const[]){one}, 1);
    assert_answer(w->r[0], 550, "", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10");
    assert_answer(w->r[1], 550, "5.1.1", NULL);
    assert_int_equal(w->r[1]->answer.text.n, 2048);
    assert_answer(w->r[2], 451, "4.4.1", NULL);
    world_free(w);
}

/* Out of reach: one attempt, the same answer for the rest. */
static void test_unreachable(void **state)
{
    (void)state;
    static script busy = {"> 421 4.3.2 too many", "QUIT", NULL};
    static script sour = {"> 220 hop", "EHLO mx.example", "> 421 no", "QUIT", NULL};
    static script mute = {"!sleep", NULL};
    static script gone = {"!cut", NULL};
    static script http = {"> HTTP/1.1 400 Bad Request", "QUIT", NULL};
    static script at_mail = {HELLO, MAIL_A, RCPT_R, "> 421 4.3.2 no", "!reset", NULL};
    const char *const *const each[] = {busy, sour, mute, gone, http, at_mail};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        struct hop_world *w = world_new();
        world_play(w, ask_two, &each[i], 1);
        assert_answer(w->r[0], 451, "4.4.1", NULL);
        assert_answer(w->r[1], 451, "4.4.1", NULL);
        world_free(w);
    }
    struct hop_world *w = world_new();
    w->listener = sim_listener_free(w->listener);
    world_play(w, ask_two, NULL, 0);
    assert_answer(w->r[0], 451, "4.4.1", NULL);
    assert_answer(w->r[1], 451, "4.4.1", NULL);
    world_free(w);
}

/* ---- what the hop offers ---- */

static void test_parameters(void **state)
{
    (void)state;
    static script one = {
        HELLO, "MAIL FROM:<> SIZE=999 BODY=8BITMIME SMTPUTF8", RCPT_R, OK, OK, "RSET", OK, "QUIT",
        NULL};
    struct hop_world *w = world_new();
    w->envelope = (struct envelope){.body_8bitmime = true, .smtputf8 = true, .size_declared = 999};
    world_play(w, ask_one, (const char *const *const[]){one}, 1);
    assert_answer(w->r[0], 250, "2.0.0", "ok");
    world_free(w);
}

static void test_cannot_take(void **state)
{
    (void)state;
    static script none = {PLAIN_HELLO, "QUIT", NULL};
    static script small = {HELLO, "QUIT", NULL};
    static const struct {
        struct envelope envelope;
        const char *const *script;
        unsigned code;
        const char *enhanced;
    } cases[] = {
        {{.smtputf8 = true}, none, 553, "5.6.7"},
        {{.body_8bitmime = true}, none, 550, "5.6.3"},
        {{.size_declared = 1001}, small, 552, "5.3.4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hop_world *w = world_new();
        w->envelope = cases[i].envelope;
        world_play(w, ask_two, &cases[i].script, 1);
        for (size_t k = 0; k < 2; k++) {
            assert_answer(w->r[k], cases[i].code, cases[i].enhanced, NULL);
            assert_false(w->r[k]->answer.from_hop);
        }
        world_free(w);
    }
}

/* Nothing that could be another command ever reaches the hop. */
static void test_injection(void **state)
{
    (void)state;
    struct hop_world *w = world_new();
    w->r[0]->mailbox = SLICE_LIT("r@y.example>\r\nDATA");
    w->r[1]->mailbox = SLICE_LIT("");
    world_play(w, ask_two, NULL, 0);
    assert_answer(w->r[0], 553, "5.1.3", NULL);
    assert_answer(w->r[1], 553, "5.1.3", NULL);
    world_free(w);
    w = world_new();
    w->envelope.sender = SLICE_LIT("a@x.example\n");
    world_play(w, ask_one, NULL, 0);
    assert_answer(w->r[0], 553, "5.1.7", NULL);
    world_free(w);
}

/* ---- kept connections ---- */

/* However a kept connection has died, the message goes out on a fresh one. */
static void test_dead_kept(void **state)
{
    (void)state;
#define FIRST HELLO, MAIL_A, RCPT_R, OK, OK, "DATA", "> 354 go", ".", OK
    static script closed = {FIRST, "!close", NULL};
    static script cut = {FIRST, "!cut", NULL};
    static script said = {FIRST, "> 421 4.4.2 idle", "!end", NULL};
    static script late_421 = {FIRST, MAIL_A, RCPT_R, "> 421 4.4.2 too late", "!reset", NULL};
    static script late_close = {FIRST, MAIL_A, "!close", NULL};
    static script late_cut = {FIRST, MAIL_A, RCPT_R, "!cut", NULL};
    static script fresh = {FIRST, "QUIT", NULL};
    const char *const *const each[] = {closed, cut, said, late_421, late_close, late_cut};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        struct hop_world *w = world_new();
        world_play(w, deliver_twice, (const char *const *const[]){each[i], fresh}, 2);
        assert_int_equal(w->got.n, 2 * strlen(delivered));
        world_free(w);
    }
}

/* Only once more: a fresh connection that fails is an answer. */
static void try_twice(struct hop_world *w)
{
    world_deliver(w, 1);
    ask_one(w);
}

static void test_dead_twice(void **state)
{
    (void)state;
    static script one = {FIRST, MAIL_A, RCPT_R, "> 421 4.4.2 too late", "!reset", NULL};
    static script two = {HELLO, MAIL_A, RCPT_R, "> 421 4.4.2 not now", "!reset", NULL};
    struct hop_world *w = world_new();
    world_play(w, try_twice, (const char *const *const[]){one, two}, 2);
    assert_answer(w->r[0], 451, "4.4.1", NULL);
    world_free(w);
}

/* The reply to RSET is owed, and read before the next one. */
static void ask_then_deliver(struct hop_world *w)
{
    ask_one(w);
    world_deliver(w, 1);
}

static void test_owed(void **state)
{
    (void)state;
    static script piped = {HELLO,  MAIL_A,        RCPT_R, OK, "> 550 no", "RSET",     MAIL_A,
                           RCPT_R, "> 250 reset", OK,     OK, "DATA",     "> 354 go", ".",
                           OK,     "QUIT",        NULL};
    static script plain = {PLAIN_HELLO, MAIL_A,        OK,     RCPT_R, "> 550 no", "RSET",
                           "!quiet",    "> 250 reset", MAIL_A, OK,     RCPT_R,     OK,
                           "DATA",      "> 354 go",    ".",    OK,     "QUIT",     NULL};
    static script sour = {HELLO,  MAIL_A,       RCPT_R,   OK,  "> 550 no",
                          "RSET", "> 500 what", "!reset", NULL};
    static script fresh = {FIRST, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_play(w, ask_then_deliver, (const char *const *const[]){piped}, 1);
    assert_got(w, delivered);
    world_free(w);
    w = world_new();
    world_play(w, ask_then_deliver, (const char *const *const[]){plain}, 1);
    assert_got(w, delivered);
    world_free(w);
    w = world_new();
    world_play(w, ask_then_deliver, (const char *const *const[]){sour, fresh}, 2);
    assert_int_equal(w->ended, 2);
    world_free(w);
}

/* No more than the limit are kept, the newest is used first, and draining ends all. */
static void two_at_once(struct hop_world *w)
{
    struct hop *one = begin(w);
    struct hop *two = begin(w);
    hop_rcpt(one, w->r[0], USEC_NEVER);
    hop_rcpt(two, w->r[1], USEC_NEVER);
    hop_end(one);
    task_sleep(rt_now() + USEC_SEC);
    hop_end(two);
    task_sleep(rt_now() + USEC_SEC);
    struct hop *three = begin(w);
    hop_rcpt(three, w->r[2], USEC_NEVER);
    hop_end(three);
}

static void test_limits_of_pool(void **state)
{
    (void)state;
    static script first = {HELLO, MAIL_A, RCPT_R, OK, OK, "RSET", OK, "QUIT", NULL};
    static script second = {HELLO,  MAIL_A, RCPT_S, OK,     OK, "RSET", OK,  MAIL_A,
                            RCPT_T, OK,     OK,     "RSET", OK, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_play(w, two_at_once, (const char *const *const[]){first, second}, 2);
    world_free(w);
    static script used = {HELLO,  MAIL_A, RCPT_R, OK,     OK, "RSET", OK,  MAIL_A,
                          RCPT_T, OK,     OK,     "RSET", OK, "QUIT", NULL};
    static script surplus = {HELLO, MAIL_A, RCPT_S, OK, OK, "RSET", OK, "QUIT", NULL};
    w = world_new();
    w->conf.limits.hop_idle_connections = 1;
    world_play(w, two_at_once, (const char *const *const[]){used, surplus}, 2);
    world_free(w);
}

static void drain_between(struct hop_world *w)
{
    world_deliver(w, 1);
    usec_t start = rt_now();
    hop_pools_drain(w->pools);
    world_deliver(w, 1);
    if (rt_now() > start + USEC_SEC) {
        fail_hop(w, "draining waits");
    }
    task_sleep(rt_now() + USEC_SEC);
    if (w->ended != 2) {
        fail_hop(w, "kept after draining");
    }
}

static void test_drain(void **state)
{
    (void)state;
    static script each = {FIRST, "QUIT", NULL};
    struct hop_world *w = world_new();
    world_play(w, drain_between, (const char *const *const[]){each, each}, 2);
    world_free(w);
}

/* ---- hop_prepare's own envelope ---- */

/* All three asked, the second is not wanted any more. */
static void drop_second(struct hop_world *w)
{
    struct hop *h = begin(w);
    load(w, text);
    ask(w, h, 3);
    w->r[1]->wanted = false;
    task_sleep(rt_now() + 20 * USEC_SEC);
    int rc = prepare(w, h, 3);
    if (rc == 0 && answer_is_yes(&w->r[0]->answer) && answer_is_yes(&w->r[2]->answer)) {
        rc = commit(w, h, 3);
    }
    if (rc != 0) {
        fail_hop(w, "error %d", rc);
    }
    hop_end(h);
}

static void test_fallen_away(void **state)
{
    (void)state;
#define THREE MAIL_A, RCPT_R, OK, OK, RCPT_S, OK, RCPT_T, OK
    static script good = {HELLO, THREE, "RSET", MAIL_A " SIZE=45", RCPT_R, RCPT_T, OK,     OK,
                          OK,    OK,    "DATA", "> 354 go",        ".",    OK,     "QUIT", NULL};
    struct hop_world *w = world_new();
    world_play(w, drop_second, (const char *const *const[]){good}, 1);
    assert_true(w->r[0]->confirmed && w->r[2]->confirmed);
    assert_false(w->r[1]->confirmed || w->r[1]->committed);
    assert_got(w, delivered);
    world_free(w);

    static script refused = {HELLO,  THREE,
                             "RSET", MAIL_A " SIZE=45",
                             RCPT_R, RCPT_T,
                             OK,     OK,
                             OK,     "> 550 5.7.1 changed my mind",
                             "RSET", OK,
                             "QUIT", NULL};
    w = world_new();
    world_play(w, drop_second, (const char *const *const[]){refused}, 1);
    assert_answer(w->r[0], 250, "2.0.0", "ok");
    assert_answer(w->r[2], 550, "5.7.1", "changed my mind");
    assert_false(w->r[0]->committed || w->r[2]->committed);
    assert_got(w, "");
    world_free(w);

    static script mail = {HELLO,      THREE,      "RSET", MAIL_A " SIZE=45",
                          RCPT_R,     RCPT_T,     OK,     "> 452 4.3.1 full",
                          "> 503 no", "> 503 no", "QUIT", NULL};
    w = world_new();
    world_play(w, drop_second, (const char *const *const[]){mail}, 1);
    assert_answer(w->r[0], 452, "4.3.1", "full");
    assert_answer(w->r[2], 452, "4.3.1", "full");
    world_free(w);
}

/* The connection died while the client was sending: all is said again on another. */
static void test_lost_before_prepare(void **state)
{
    (void)state;
    static script closed = {HELLO, THREE, "!close", NULL};
    static script cut = {HELLO, THREE, "!cut", NULL};
    static script bored = {HELLO, THREE, "> 421 4.4.2 too slow", "!reset", NULL};
    static script at_reset = {
        HELLO,    THREE, "RSET", MAIL_A " SIZE=45", RCPT_R, RCPT_T, "> 421 4.4.2 too slow",
        "!reset", NULL};
    static script again = {HELLO,  MAIL_A " SIZE=45", RCPT_R, RCPT_T, OK,     OK,  OK,
                           "DATA", "> 354 go",        ".",    OK,     "QUIT", NULL};
    const char *const *const each[] = {closed, cut, bored, at_reset};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        struct hop_world *w = world_new();
        world_play(w, drop_second, (const char *const *const[]){each[i], again}, 2);
        assert_true(w->r[0]->confirmed && w->r[2]->confirmed);
        assert_got(w, delivered);
        world_free(w);
    }
}

/* Lost between two RCPTs: the next is asked on a new connection, and hop_prepare puts the
 * transaction together again. */
static void slow_recipients(struct hop_world *w)
{
    struct hop *h = begin(w);
    load(w, text);
    ask(w, h, 1);
    task_sleep(rt_now() + 20 * USEC_SEC);
    hop_rcpt(h, w->r[1], USEC_NEVER);
    w->r[1]->wanted = true;
    if (prepare(w, h, 2) != 0 || commit(w, h, 2) != 0) {
        fail_hop(w, "error");
    }
    hop_end(h);
}

static void test_lost_between_recipients(void **state)
{
    (void)state;
    static script one = {HELLO, MAIL_A, RCPT_R, OK, OK, "> 421 4.4.2 too slow", "!reset", NULL};
    static script two = {HELLO,      MAIL_A, RCPT_S, OK,     OK,  "RSET", MAIL_A " SIZE=45",
                         RCPT_R,     RCPT_S, OK,     OK,     OK,  OK,     "DATA",
                         "> 354 go", ".",    OK,     "QUIT", NULL};
    struct hop_world *w = world_new();
    world_play(w, slow_recipients, (const char *const *const[]){one, two}, 2);
    assert_true(w->r[0]->confirmed && w->r[1]->confirmed);
    assert_got(w, delivered);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_lock_step),
        cmocka_unit_test(test_helo),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_mail_refused),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_said_too_much),
        cmocka_unit_test(test_speaks_at_rest),
        cmocka_unit_test(test_long_reply),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_cannot_take),
        cmocka_unit_test(test_injection),
        cmocka_unit_test(test_dead_kept),
        cmocka_unit_test(test_dead_twice),
        cmocka_unit_test(test_owed),
        cmocka_unit_test(test_limits_of_pool),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_fallen_away),
        cmocka_unit_test(test_lost_before_prepare),
        cmocka_unit_test(test_lost_between_recipients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
