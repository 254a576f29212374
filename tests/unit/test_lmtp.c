/* A next hop that speaks LMTP (RFC 2033): an answer to the message for each recipient, in order,
 * and what is left when some of them do not come, against scripted hops. */
#include "hop_world.h"

#define HELLO      "> 220 hop", "LHLO mx.example", "> 250-hop", "> 250 PIPELINING"
#define BDAT_HELLO "> 220 hop", "LHLO mx.example", "> 250-hop", "> 250-CHUNKING", "> 250 PIPELINING"
#define THREE      MAIL_A, RCPT_R, OK, OK, RCPT_S, OK, RCPT_T, OK
#define DATA       "DATA", "> 354 go", "."

static const char text[] = MESSAGE_TEXT;

/* What a test looks at. */
static struct outcome {
    int committed;
    struct slice octets; /* to send; `text` when empty */
    bool wait;           /* call hop_commit_wait after a timeout */
    bool swap;           /* the first two, before the message */
    const char *kind;
} o;

static void deliver(struct hop_world *w)
{
    struct hop *h = begin(w);
    load_octets(w, o.octets.n > 0 ? o.octets : slice_of(text), false);
    ask(w, h, 3);
    if (o.swap) {
        struct hop_recipient *first = w->r[0];
        w->r[0] = w->r[1];
        w->r[1] = first;
    }
    if (prepare(w, h, 3) != 0) {
        fail_hop(w, "not prepared");
    }
    o.kind = hop_kind(h);
    o.committed = commit(w, h, 3);
    if (o.committed == -ETIMEDOUT && o.wait) {
        o.committed = hop_commit_wait(h, w->r, 3, rt_now() + 900 * USEC_SEC);
    }
    hop_end(h);
}

static struct hop_world *play(const char *const *const steps)
{
    struct hop_world *w = world_new();
    const char *const *const scripts[] = {steps};
    w->route.kind = CONF_ROUTE_LMTP;
    w->hop.kind = CONF_HOP_LMTP;
    world_play(w, deliver, scripts, 1);
    w->scripts = NULL;
    return w;
}

static int clean(void **state)
{
    (void)state;
    o = (struct outcome){.committed = 1};
    return 0;
}

static void assert_yes(const struct hop_recipient *r)
{
    assert_true(r->answered && r->committed && r->confirmed);
}

static void assert_no(const struct hop_recipient *r, unsigned code, const char *enhanced,
                      const char *said)
{
    assert_true(r->answered && r->committed && !r->confirmed);
    assert_true(r->answer.from_hop);
    assert_answer(r, code, enhanced, said);
}

static void assert_unknown(const struct hop_recipient *r)
{
    assert_true(!r->answered && r->committed && !r->confirmed);
}

/* ---- all answers come ---- */

static void test_each_its_own(void **state)
{
    (void)state;
    static script data = {HELLO,        THREE,  DATA, OK, "> 550 5.7.1 no", "> 450-4.2.0 come",
                          "> 450 back", "QUIT", NULL};
    struct hop_world *w = play(data);
    assert_int_equal(o.committed, 0);
    assert_string_equal(o.kind, "lmtp");
    assert_yes(w->r[0]);
    assert_no(w->r[1], 550, "5.7.1", "no");
    assert_no(w->r[2], 450, "4.2.0", "come\nback");
    world_free(w);
}

/* RFC 3030 with LMTP; after a no the transaction is ended with RSET, as behind any refused chunk.
 */
static void test_bdat(void **state)
{
    (void)state;
    static script all = {BDAT_HELLO, THREE, "BDAT 45 LAST", "#45", OK, OK, OK, "QUIT", NULL};
    static script some = {BDAT_HELLO, THREE, "BDAT 45 LAST", "#45", "> 450 4.2.0 later", OK, OK,
                          "RSET",     OK,    "QUIT",         NULL};
    struct hop_world *w = play(all);
    assert_int_equal(o.committed, 0);
    assert_string_equal(o.kind, "lmtp+bdat");
    assert_yes(w->r[2]);
    world_free(w);
    clean(NULL);
    w = play(some);
    assert_int_equal(o.committed, 0);
    assert_no(w->r[0], 450, "4.2.0", "later");
    assert_yes(w->r[1]);
    assert_yes(w->r[2]);
    world_free(w);
}

/* A recipient that was refused at RCPT has no answer, and the next one's is not taken for it. */
static void test_refused_at_rcpt(void **state)
{
    (void)state;
    static script data = {HELLO,
                          MAIL_A,
                          RCPT_R,
                          OK,
                          OK,
                          RCPT_S,
                          "> 550 5.1.1 nobody",
                          RCPT_T,
                          OK,
                          DATA,
                          OK,
                          "> 450 4.2.0 later",
                          "QUIT",
                          NULL};
    struct hop_world *w = play(data);
    assert_int_equal(o.committed, 0);
    assert_yes(w->r[0]);
    assert_answer(w->r[1], 550, "5.1.1", "nobody");
    assert_false(w->r[1]->answered);
    assert_no(w->r[2], 450, "4.2.0", "later");
    world_free(w);
}

/* Answers come in the order of the RCPTs; where that is not the caller's, all is said again. */
static void test_order(void **state)
{
    (void)state;
    static script data = {HELLO, THREE, "RSET", MAIL_A, RCPT_S, RCPT_R, RCPT_T,
                          OK,    OK,    OK,     OK,     OK,     DATA,   "> 550 5.7.1 not s",
                          OK,    OK,    "QUIT", NULL};
    o.swap = true;
    struct hop_world *w = play(data);
    assert_int_equal(o.committed, 0);
    assert_string_equal(w->r[0]->mailbox.p, "s@y.example");
    assert_no(w->r[0], 550, "5.7.1", "not s");
    assert_yes(w->r[1]);
    assert_yes(w->r[2]);
    world_free(w);
}

/* 421 is the answer of one recipient, and perhaps of all that come; then the connection ends. */
static void test_closing(void **state)
{
    (void)state;
    static script data = {HELLO,  THREE, DATA, OK, "> 421 4.3.2 down", "> 421 4.3.2 down",
                          "!end", NULL};
    struct hop_world *w = play(data);
    assert_int_equal(o.committed, 0);
    assert_yes(w->r[0]);
    assert_no(w->r[1], 451, "4.3.2", "down");
    assert_no(w->r[2], 451, "4.3.2", "down");
    world_free(w);
}

/* ---- not all of them come ---- */

static void test_lost(void **state)
{
    (void)state;
    static const struct {
        const char *said[2];
        int error;
    } cases[] = {
        {{"!close", NULL}, -ECONNRESET},
        {{"!cut", NULL}, -ECONNRESET},
        {{"> 354 more", "!end"}, -EPROTO},
        {{"> what", "!end"}, -EPROTO},
        {{"> 250-a", "!close"}, -ECONNRESET},
        {{"!sleep", "!end"}, -ETIMEDOUT},
        {{"> 421 4.3.2 down", "!close"}, -ECONNRESET},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script data = {HELLO, THREE, DATA, OK, cases[i].said[0], cases[i].said[1], NULL};
        clean(NULL);
        struct hop_world *w = play(data);
        assert_int_equal(o.committed, cases[i].error);
        assert_yes(w->r[0]);
        assert_unknown(w->r[2]);
        world_free(w);
    }
}

static void test_late(void **state)
{
    (void)state;
    static script data = {HELLO, THREE, DATA, OK, "!sleep", "> 550 5.7.1 no", OK, "QUIT", NULL};
    o.wait = true;
    struct hop_world *w = play(data);
    assert_int_equal(o.committed, 0);
    assert_yes(w->r[0]);
    assert_no(w->r[1], 550, "5.7.1", "no");
    assert_yes(w->r[2]);
    world_free(w);
}

/* The hop stops reading within the end of the message and says no: for which recipient, and has it
 * the whole? Nobody knows. */
static void test_no_in_the_end(void **state)
{
    (void)state;
    static script data = {HELLO,    THREE,  "DATA", "> 354 go", "!rest", "> 452 4.3.1 full",
                          "!sleep", "!end", NULL};
    static char octets[65536]; /* with the trace and the end one more than the network takes */
    size_t n = 65536 + 1 - strlen(TRACE_TEXT) - strlen(".\r\n");
    memset(octets, 'x', n);
    memcpy(octets + n - 2, "\r\n", 2);
    o.octets = (struct slice){octets, n};
    struct hop_world *w = play(data);
    assert_int_equal(o.committed, -ECONNABORTED);
    for (size_t i = 0; i < 3; i++) {
        assert_unknown(w->r[i]);
    }
    world_free(w);
}

/* RFC 2033 4.1: a hop that does not know LHLO is no LMTP hop. */
static void test_no_helo(void **state)
{
    (void)state;
    static script refuses = {"> 220 hop", "LHLO mx.example", "> 500 5.5.1 what", "QUIT", NULL};
    struct hop_world *w = world_new();
    const char *const *const scripts[] = {refuses};
    w->route.kind = CONF_ROUTE_LMTP;
    w->hop.kind = CONF_HOP_LMTP;
    world_play(w, deliver, scripts, 1);
    assert_answer(w->r[0], 451, "4.4.1", NULL);
    w->failure[0] = '\0'; /* of deliver: nothing to commit */
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_its_own, clean),
        cmocka_unit_test_setup(test_bdat, clean),
        cmocka_unit_test_setup(test_refused_at_rcpt, clean),
        cmocka_unit_test_setup(test_order, clean),
        cmocka_unit_test_setup(test_closing, clean),
        cmocka_unit_test_setup(test_lost, clean),
        cmocka_unit_test_setup(test_late, clean),
        cmocka_unit_test_setup(test_no_in_the_end, clean),
        cmocka_unit_test_setup(test_no_helo, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
