/* The SMTP hop's message and its answer: DATA and BDAT, commit, and everything that goes wrong on
 * the way, against scripted hops. */
#include "hop_world.h"

#include <stdio.h>

#define HELLO      "> 220 hop", "EHLO mx.example", "> 250-hop", "> 250 PIPELINING"
#define BDAT_HELLO "> 220 hop", "EHLO mx.example", "> 250-hop", "> 250-CHUNKING", "> 250 PIPELINING"
#define RECIPIENT  "MAIL FROM:<a@x.example>", "RCPT TO:<r@y.example>", OK, OK
#define DATA       "DATA", "> 354 go"

static const char text[] = MESSAGE_TEXT;

/* What a test looks at: the results of one message to one recipient. */
struct outcome {
    int prepared;
    int committed;
    struct slice octets; /* to send; `text` when empty */
    bool by_bdat;
    bool wait;    /* call hop_commit_wait after a timeout */
    bool give_up; /* hop_end in place of hop_commit */
    usec_t pause; /* between hop_prepare and hop_commit */
    const char *kind;
};

static struct outcome o;

static void deliver(struct hop_world *w)
{
    struct hop *h = begin(w);
    load_octets(w, o.octets.n > 0 ? o.octets : slice_of(text), o.by_bdat);
    ask(w, h, 1);
    o.prepared = prepare(w, h, 1);
    task_sleep(rt_now() + o.pause);
    o.kind = hop_kind(h);
    if (o.prepared == 0 && answer_is_yes(&w->r[0]->answer) && !o.give_up) {
        o.committed = commit(w, h, 1);
        if (o.committed == -ETIMEDOUT && o.wait) {
            spool_reset(&w->message.spool); /* the conversation has gone on */
            memset(&w->message.trace, 0xff, sizeof w->message.trace);
            o.committed = hop_commit_wait(h, w->r, 1, rt_now() + 600 * USEC_SEC);
        }
    }
    hop_end(h);
}

static struct hop_world *play(const char *const *const steps)
{
    struct hop_world *w = world_new();
    const char *const *const scripts[] = {steps};
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

/* ---- DATA ---- */

/* A file of some size with lines of all lengths, many of which begin with dots; `n` octets. */
static char *dotted(size_t n)
{
    static const char *const starts[] = {"", ".", "..", "a", ".\r\n.", "x.", "\r\n"};
    struct buf b = {0};
    unsigned i = 1;
    do {
        buf_printf(
            &b, "%s%.*s\r\n", starts[(i >> 16) % 7], (int)(i >> 24) % 70,
            "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
        i = i * 1103515245u + 12345u;
    } while (b.n < n);
    b.p[n - 2] = '\r';
    b.p[n - 1] = '\n';
    if (n > 2 && b.p[n - 3] == '\r') {
        b.p[n - 3] = 'x';
    }
    return b.p;
}

static void assert_whole(struct hop_world *w, struct slice octets)
{
    assert_int_equal(w->got.n, strlen(TRACE_TEXT) + octets.n);
    assert_memory_equal(w->got.p, TRACE_TEXT, strlen(TRACE_TEXT));
    assert_memory_equal(w->got.p + strlen(TRACE_TEXT), octets.p, octets.n);
}

/* Every size around the spool's blocks and its file, with dots everywhere: what a plain reader
 * makes of the wire is what was put in. */
static void test_dots(void **state)
{
    (void)state;
    static script data = {HELLO, RECIPIENT, DATA, ".", OK, "QUIT", NULL};
    static const size_t sizes[] = {2,     3,     500,   16300, 16368, 16384, 16385,
                                   32767, 65000, 65536, 65537, 90000, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *octets = dotted(sizes[i]);
        clean(NULL);
        o.octets = (struct slice){octets, sizes[i]};
        struct hop_world *w = play(data);
        assert_int_equal(o.committed, 0);
        assert_true(w->r[0]->confirmed);
        assert_whole(w, o.octets);
        assert_string_equal(o.kind, "smtp");
        world_free(w);
        free(octets);
    }
}

/* Wherever the spool cuts a message, some line begins with a dot just there. */
static void test_dots_at_cuts(void **state)
{
    (void)state;
    static script data = {HELLO, RECIPIENT, DATA, ".", OK, "QUIT", NULL};
    static char octets[150003];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(octets, 'x', shift);
        for (size_t n = shift; n + 3 <= sizeof octets; n += 3) {
            memcpy(octets + n, ".\r\n", 3);
        }
        o.octets = (struct slice){octets, shift + (sizeof octets - shift) / 3 * 3};
        struct hop_world *w = play(data);
        assert_true(w->r[0]->confirmed);
        assert_whole(w, o.octets);
        world_free(w);
    }
}

static void test_dot_first(void **state)
{
    (void)state;
    static script data = {HELLO, RECIPIENT, DATA, ".", OK, "QUIT", NULL};
    static const char *const each[] = {".", ".\r\n", "..\r\n", ".\r\n.\r\n", "a\r\n.", ".a.\r\n.b"};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        clean(NULL);
        o.octets = slice_of(each[i]);
        struct hop_world *w = play(data);
        bool whole = w->message.ends_in_crlf;
        assert_int_equal(w->got.n, strlen(TRACE_TEXT) + strlen(each[i]) + (whole ? 0 : 2));
        assert_memory_equal(w->got.p + strlen(TRACE_TEXT), each[i], strlen(each[i]));
        assert_memory_equal(w->got.p + w->got.n - 2, "\r\n", 2);
        world_free(w);
    }
}

static void deliver_empty(struct hop_world *w)
{
    struct hop *h = begin(w);
    load(w, "");
    ask(w, h, 1);
    o.prepared = prepare(w, h, 1);
    o.committed = commit(w, h, 1);
    hop_end(h);
}

static void test_empty(void **state)
{
    (void)state;
    static script data = {HELLO, RECIPIENT, DATA, ".", OK, "QUIT", NULL};
    static script bdat = {BDAT_HELLO, RECIPIENT, "BDAT 23 LAST", "#23", OK, "QUIT", NULL};
    const char *const *const each[] = {data, bdat};
    for (size_t i = 0; i < 2; i++) {
        struct hop_world *w = world_new();
        world_play(w, deliver_empty, &each[i], 1);
        assert_int_equal(o.committed, 0);
        assert_got(w, TRACE_TEXT);
        world_free(w);
    }
}

/* Until hop_commit nothing is sent that could end the message, and without it the connection is
 * reset, whatever the message looks like. */
static void test_never_committed(void **state)
{
    (void)state;
    static script data = {HELLO, RECIPIENT, DATA, "!reset", NULL};
    static script bdat = {BDAT_HELLO, RECIPIENT, "!reset", NULL};
    static script bdat_long = {BDAT_HELLO, RECIPIENT, "BDAT 3639", "#3639",
                               OK,         "!quiet",  "!reset",    NULL};
    static const char *const each[] = {"a", "a\r\n", ".", ".\r\n", "\r\n.\r\n"};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        clean(NULL);
        o.give_up = true;
        o.pause = USEC_SEC;
        o.octets = slice_of(each[i]);
        struct hop_world *w = play(data);
        assert_false(w->r[0]->committed);
        assert_int_equal(w->got.n, 0);
        world_free(w);
        w = play(bdat);
        assert_int_equal(w->got.n, 0);
        world_free(w);
    }
    char *octets = dotted(20000);
    o.octets = (struct slice){octets, 20000};
    struct hop_world *w = play(data);
    assert_true(w->got.n > 10000);
    assert_null(memmem(w->got.p, w->got.n, "\r\n.\r\n", 5));
    world_free(w);
    w = play(bdat_long);
    assert_int_equal(w->got.n, 3639);
    world_free(w);
    free(octets);
}

static void test_data_refused(void **state)
{
    (void)state;
    static script no = {HELLO, RECIPIENT, "DATA", "> 554 5.5.1 no", "RSET", OK, "QUIT", NULL};
    static script yes = {HELLO, RECIPIENT, "DATA", "> 250 ok", "!reset", NULL};
    static script bye = {HELLO, RECIPIENT, "DATA", "> 421 bye", "!reset", NULL};
    static script gone = {HELLO, RECIPIENT, "DATA", "!cut", NULL};
    struct hop_world *w = play(no);
    assert_answer(w->r[0], 554, "5.5.1", "no");
    assert_int_equal(o.committed, 1);
    world_free(w);
    const char *const *const each[] = {yes, bye, gone};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        clean(NULL);
        w = play(each[i]);
        assert_answer(w->r[0], 451, "4.4.1", NULL);
        assert_int_equal(o.prepared, 0);
        assert_false(w->r[0]->committed);
        world_free(w);
    }
}

/* ---- BDAT ---- */

static void test_bdat(void **state)
{
    (void)state;
    static script one = {BDAT_HELLO, RECIPIENT, "!quiet", "BDAT 45 LAST", "#45", OK, "QUIT", NULL};
    o.pause = 2 * USEC_SEC;
    struct hop_world *w = play(one);
    assert_int_equal(o.committed, 0);
    assert_true(w->r[0]->confirmed);
    assert_whole(w, slice_of(text));
    assert_string_equal(o.kind, "smtp+bdat");
    world_free(w);

    static script bare = {BDAT_HELLO, RECIPIENT, "BDAT 31 LAST", "#31", OK, "QUIT", NULL};
    o.octets = SLICE_LIT("a\nb\rc\n.\n");
    o.by_bdat = true;
    w = play(bare);
    assert_whole(w, o.octets);
    world_free(w);
}

static void test_bdat_chunks(void **state)
{
    (void)state;
    static script chunks = {
        BDAT_HELLO, RECIPIENT, "BDAT 262144",     "#262144", OK, "BDAT 21495", "#21495",
        OK,         "!quiet",  "BDAT 16384 LAST", "#16384",  OK, "QUIT",       NULL};
    char *octets = dotted(300000);
    o.octets = (struct slice){octets, 300000};
    o.pause = 5 * USEC_SEC;
    struct hop_world *w = play(chunks);
    assert_int_equal(o.committed, 0);
    assert_whole(w, o.octets);
    world_free(w);

    static script no = {BDAT_HELLO, RECIPIENT, "BDAT 262144", "#262144", "> 552 5.3.4 too big",
                        "!reset",   NULL};
    static script odd = {BDAT_HELLO, RECIPIENT, "BDAT 262144", "#262144",
                         "> 354 go", "!reset",  NULL};
    clean(NULL);
    o.octets = (struct slice){octets, 300000};
    w = play(no);
    assert_answer(w->r[0], 552, "5.3.4", "too big");
    assert_int_equal(o.committed, 1);
    world_free(w);
    w = play(odd);
    assert_answer(w->r[0], 451, "4.4.1", NULL);
    assert_int_equal(o.committed, 1);
    world_free(w);
    free(octets);
}

/* What may be left of the transaction after a refused last chunk is reset. */
static void test_bdat_last_refused(void **state)
{
    (void)state;
    static script no = {BDAT_HELLO, RECIPIENT, "BDAT 45 LAST", "#45", "> 554 5.6.0 no",
                        "RSET",     OK,        "QUIT",         NULL};
    struct hop_world *w = play(no);
    assert_int_equal(o.committed, 0);
    assert_answer(w->r[0], 554, "5.6.0", "no");
    assert_false(w->r[0]->confirmed);
    world_free(w);
}

static void test_message_not_for_hop(void **state)
{
    (void)state;
    static script plain = {HELLO, RECIPIENT, "RSET", OK, "QUIT", NULL};
    o.octets = SLICE_LIT("a\nb\r\n");
    o.by_bdat = true;
    struct hop_world *w = play(plain);
    assert_answer(w->r[0], 550, "5.6.11", NULL);
    assert_int_equal(o.committed, 1);
    world_free(w);

    static script small = {"> 220 hop",
                           "EHLO mx.example",
                           "> 250-hop",
                           "> 250-SIZE 44",
                           "> 250 PIPELINING",
                           RECIPIENT,
                           "RSET",
                           OK,
                           "QUIT",
                           NULL};
    clean(NULL);
    w = play(small);
    assert_answer(w->r[0], 552, "5.3.4", NULL);
    assert_int_equal(o.committed, 1);
    world_free(w);
}

/* ---- replies before their time ---- */

static void test_early_reply(void **state)
{
    (void)state;
    static script no = {HELLO, RECIPIENT, DATA, "> 552 5.3.4 too big", "!reset", NULL};
    static script no_gone = {HELLO, RECIPIENT, DATA, "> 552 5.3.4 too big", "!close", NULL};
    static script yes = {HELLO, RECIPIENT, DATA, "> 250 2.0.0 ok", "!reset", NULL};
    static script half = {HELLO, RECIPIENT, DATA, "> 250-2.0.0 ok", "!reset", NULL};
    static script gone = {HELLO, RECIPIENT, DATA, "!close", NULL};
    static script bdat_yes = {BDAT_HELLO, RECIPIENT, "> 250 2.0.0 ok", "!reset", NULL};
    const char *const *const refusals[] = {no, no_gone};
    const char *const *const nonsense[] = {yes, half, gone, bdat_yes};
    o.pause = 5 * USEC_SEC;
    for (size_t i = 0; i < 2; i++) {
        struct hop_world *w = play(refusals[i]);
        assert_answer(w->r[0], 552, "5.3.4", "too big");
        assert_true(w->r[0]->answer.from_hop);
        assert_int_equal(o.committed, 0);
        assert_false(w->r[0]->committed || w->r[0]->confirmed);
        world_free(w);
    }
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        struct hop_world *w = play(nonsense[i]);
        assert_answer(w->r[0], 451, "4.4.1", NULL);
        assert_int_equal(o.committed, 0);
        assert_false(w->r[0]->committed || w->r[0]->confirmed);
        assert_null(w->got.n > 0 ? memmem(w->got.p, w->got.n, "\r\n.\r\n", 5) : NULL);
        world_free(w);
    }
}

/* The hop refuses in the middle of a long upload, and closes, reads on, or does nothing any more.
 */
static void test_refused_in_upload(void **state)
{
    (void)state;
    static script closes = {HELLO, RECIPIENT, DATA, "> 552 5.3.4 too big", "!close", NULL};
    static script reads = {HELLO, RECIPIENT, DATA, "> 552 5.3.4 too big", "!reset", NULL};
    static script rests = {HELLO, RECIPIENT, DATA, "> 552 5.3.4 too big", "!sleep", "!reset", NULL};
    const char *const *const each[] = {closes, reads, rests};
    char *octets = dotted(2000000);
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        clean(NULL);
        o.octets = (struct slice){octets, 2000000};
        struct hop_world *w = play(each[i]);
        assert_answer(w->r[0], 552, "5.3.4", "too big");
        assert_int_equal(o.committed, 1);
        assert_true(w->got.n < 500000); /* noticed long before the end */
        world_free(w);
    }
    free(octets);
}

/* ---- the answer ---- */

static void test_final_answers(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        unsigned code;
        const char *enhanced;
        const char *text;
        bool yes;
        const char *then;
    } cases[] = {
        {"> 250 2.6.0 queued as 17", 250, "2.6.0", "queued as 17", true, "QUIT"},
        {"> 550 5.7.1 spam", 550, "5.7.1", "spam", false, "QUIT"},
        {"> 452 4.2.2 full", 452, "4.2.2", "full", false, "QUIT"},
        {"> 421 4.3.2 going down", 451, "4.3.2", "going down", false, "!end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script data = {HELLO, RECIPIENT, DATA, ".", cases[i].said, cases[i].then, NULL};
        clean(NULL);
        struct hop_world *w = play(data);
        assert_int_equal(o.committed, 0);
        assert_true(w->r[0]->committed);
        assert_int_equal(w->r[0]->confirmed, cases[i].yes);
        assert_answer(w->r[0], cases[i].code, cases[i].enhanced, cases[i].text);
        assert_true(w->r[0]->answer.from_hop);
        world_free(w);
    }
}

/* No valid answer: the outcome is unknown, and no more is written to the connection. */
static void test_no_answer(void **state)
{
    (void)state;
    static const struct {
        const char *said[2];
        int error;
    } cases[] = {
        {{"> 354 more", "!end"}, -EPROTO}, {{"> 150 wait", "!end"}, -EPROTO},
        {{"> what", "!end"}, -EPROTO},     {{"> 250-a", "!close"}, -ECONNRESET},
        {{"!close", NULL}, -ECONNRESET},   {{"!cut", NULL}, -ECONNRESET},
        {{"!sleep", "!end"}, -ETIMEDOUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script data = {HELLO, RECIPIENT, DATA, ".", cases[i].said[0], cases[i].said[1], NULL};
        clean(NULL);
        struct hop_world *w = play(data);
        assert_int_equal(o.committed, cases[i].error);
        assert_true(w->r[0]->committed);
        assert_false(w->r[0]->confirmed);
        world_free(w);
    }
}

/* The answer comes after 300 s, also in two parts around the deadline. */
static void test_late_answer(void **state)
{
    (void)state;
    static script late = {HELLO,  RECIPIENT, DATA, ".", "!sleep", "> 250 2.0.0 at last",
                          "QUIT", NULL};
    static script parts = {HELLO,    RECIPIENT,   DATA,   ".", "> 250-2.0.0 one",
                           "!sleep", "> 250 two", "QUIT", NULL};
    o.wait = true;
    struct hop_world *w = play(late);
    assert_int_equal(o.committed, 0);
    assert_true(w->r[0]->confirmed);
    assert_answer(w->r[0], 250, "2.0.0", "at last");
    world_free(w);
    w = play(parts);
    assert_int_equal(o.committed, 0);
    assert_answer(w->r[0], 250, "2.0.0", "one\ntwo");
    world_free(w);
}

/* The hop stops reading just before the last piece, and its end stays with us: that is certain. */
static void test_stuck_in_last_piece(void **state)
{
    (void)state;
    static script rests = {HELLO, RECIPIENT, DATA, "!sleep", "!reset", NULL};
    static script refuses = {HELLO,    RECIPIENT, DATA, "!rest", "> 452 4.3.1 full",
                             "!sleep", "!reset",  NULL};
    static script cuts = {HELLO, RECIPIENT, DATA, "!rest", "!cut", NULL};
    const char *const *const each[] = {rests, refuses, cuts};
    static char octets[70000]; /* the simulated network takes 65536 that nobody reads */
    memset(octets, 'x', sizeof octets);
    memcpy(octets + sizeof octets - 2, "\r\n", 2);
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        clean(NULL);
        o.octets = (struct slice){octets, sizeof octets};
        struct hop_world *w = play(each[i]);
        assert_int_equal(o.prepared, 0);
        assert_int_equal(o.committed, 0);
        assert_false(w->r[0]->committed || w->r[0]->confirmed);
        if (i == 1) {
            assert_answer(w->r[0], 452, "4.3.1", "full");
        } else {
            assert_answer(w->r[0], 451, "4.4.1", NULL);
        }
        assert_null(w->got.n > 0 ? memmem(w->got.p, w->got.n, "\r\n.\r\n", 5) : NULL);
        world_free(w);
    }
}

/* ---- cancelled ---- */

struct cancel {
    struct hop_world *w;
    uint64_t at;
    uint64_t awaits;
};

static void cancel_at(void *arg, uint64_t n)
{
    struct cancel *c = arg;
    c->awaits = n;
    if (n == c->at) {
        scope_cancel(&c->w->scope, -ECONNRESET);
    }
}

/* Cancelled at each single await: before the commit the hop never sees the end of a message, from
 * it on the answer always arrives. */
static void sweep(const char *const *steps, struct slice octets)
{
    uint64_t awaits = 1;
    size_t gone = 0;
    size_t delivered = 0;
    for (uint64_t at = 1; at <= awaits + 1; at++) {
        clean(NULL);
        o.octets = octets;
        struct hop_world *w = world_new();
        struct cancel c = {.w = w, .at = at};
        const char *const *const scripts[] = {steps};
        sim_on_await(w->worker, cancel_at, &c);
        world_play(w, deliver, scripts, 1);
        awaits = c.awaits > awaits ? c.awaits : awaits;
        bool saw_end = w->completed == 1;
        assert_int_equal(w->r[0]->confirmed, saw_end);
        assert_int_equal(w->r[0]->committed, saw_end);
        gone += !saw_end;
        delivered += saw_end;
        w->failure[0] = '\0';
        w->script_count = w->accepted;
        world_free(w);
    }
    assert_true(awaits >= 6);
    assert_int_equal(gone + delivered, awaits + 1);
    assert_true(delivered >= 2);
    assert_true(gone >= 5);
}

static void test_cancelled(void **state)
{
    (void)state;
    static script data = {HELLO, RECIPIENT, DATA, ".", OK, NULL};
    static script bdat = {BDAT_HELLO, RECIPIENT, "BDAT 45 LAST", "#45", OK, NULL};
    static script chunks = {BDAT_HELLO,        RECIPIENT, "BDAT 53639", "#53639", OK,
                            "BDAT 16384 LAST", "#16384",  OK,           NULL};
    sweep(data, slice_of(text));
    sweep(bdat, slice_of(text));
    char *octets = dotted(70000);
    sweep(data, (struct slice){octets, 70000});
    sweep(chunks, (struct slice){octets, 70000});
    free(octets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_dots, clean),
        cmocka_unit_test_setup(test_dots_at_cuts, clean),
        cmocka_unit_test_setup(test_dot_first, clean),
        cmocka_unit_test_setup(test_empty, clean),
        cmocka_unit_test_setup(test_never_committed, clean),
        cmocka_unit_test_setup(test_data_refused, clean),
        cmocka_unit_test_setup(test_bdat, clean),
        cmocka_unit_test_setup(test_bdat_chunks, clean),
        cmocka_unit_test_setup(test_bdat_last_refused, clean),
        cmocka_unit_test_setup(test_message_not_for_hop, clean),
        cmocka_unit_test_setup(test_early_reply, clean),
        cmocka_unit_test_setup(test_refused_in_upload, clean),
        cmocka_unit_test_setup(test_final_answers, clean),
        cmocka_unit_test_setup(test_no_answer, clean),
        cmocka_unit_test_setup(test_late_answer, clean),
        cmocka_unit_test_setup(test_stuck_in_last_piece, clean),
        cmocka_unit_test_setup(test_cancelled, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
