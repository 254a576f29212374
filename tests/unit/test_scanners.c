/* Outside scanners in the simulated world: what is asked and understood, who shares a scan, and
 * what happens when one hangs, answers nonsense or without end, or is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "client/scanners.h"
#include "conf_parsed.h"
#include "rt/sim.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define FLOOD      ((size_t)100 << 20)

#define TASKS_MOST 8

static const char config[] = MINIMAL "clamd tcp://10.0.0.1\n"
                                     "rspamd unix:/run/rspamd.sock\n"
                                     "spamassassin tcp://10.0.0.3:783 user filter\n"
                                     "limit scan_connections 2\n"
                                     "limit virus_time 10s\n"
                                     "limit spam_time 20s\n"
                                     "limit scan_size 64K\n"
                                     "limit scan_memory_time 5m\n";

/* What a scanner does with a request. */
enum manner { ANSWERS, HANGS, CLOSES, HALF, FLOODS };

struct world {
    struct sim *sim;
    struct rt *rt, *internet;
    struct conf *conf;
    struct scanners *scanners;
    struct sim_listener *listeners[CONF_SCANNERS];
    struct budget budget;
    struct spool_config spool;
    struct message message;
    enum manner manner;
    bool mute; /* no answer to a ping */
    struct slice reply;
    usec_t takes; /* until it answers */
    unsigned asked, pinged, open, open_most;
    struct buf got; /* the last request */
    struct buf told;

    /* The tasks that ask. */
    enum conf_scanner_kind kind;
    struct asker {
        struct world *w;
        struct scan_request q;
        struct arena arena;
        struct scan_result result;
        struct scope scope;
        int error;
        usec_t took;
        bool over;
    } askers[TASKS_MOST];
};

static struct world w;

/* ---- the scanners ---- */

static size_t chunk_length(const char *p)
{
    const unsigned char *o = (const unsigned char *)p;

    return (size_t)o[0] << 24 | (size_t)o[1] << 16 | (size_t)o[2] << 8 | o[3];
}

static bool chunks_are_whole(const struct buf *b)
{
    for (size_t at = sizeof("zINSTREAM"); at + 4 <= b->n;) {
        const size_t n = chunk_length(b->p + at);
        if (n == 0) {
            return at + 4 == b->n;
        }
        at += 4 + n;
    }
    return false;
}

static bool is_whole(struct buf *b)
{
    buf_append(b, "", 1);
    b->n--;
    if (b->p[0] == 'z') {
        return b->n >= sizeof("zPING") &&
               (memcmp(b->p, "zPING", sizeof("zPING")) == 0 || chunks_are_whole(b));
    }
    const char *end = strstr(b->p, "\r\n\r\n"), *length = strstr(b->p, "ontent-");
    if (end == NULL || length == NULL || length > end) {
        return end != NULL;
    }
    return b->n == (size_t)(end + 4 - b->p) + strtoul(length + strlen("ontent-length: "), NULL, 10);
}

static bool is_ping(const struct buf *b)
{
    return memmem(b->p, b->n < 16 ? b->n : 16, "PING", 4) != NULL ||
           memmem(b->p, b->n < 16 ? b->n : 16, "/ping", 5) != NULL;
}

static void say(struct stream *s, const void *p, size_t n)
{
    struct iovec iov = {(void *)(uintptr_t)p, n};

    (void)stream_write(s, &iov, 1, USEC_NEVER, NULL);
}

static void flood(struct stream *s)
{
    static char nonsense[65536];
    struct iovec iov = {nonsense, sizeof(nonsense)};
    int r = 0;

    memset(nonsense, 'x', sizeof(nonsense));
    for (size_t n = 0; n < FLOOD && r == 0; n += sizeof(nonsense)) {
        iov = (struct iovec){nonsense, sizeof(nonsense)};
        r = stream_write(s, &iov, 1, USEC_NEVER, NULL);
    }
    assert_true(r < 0); /* it did not take all of it */
}

static void behave(struct stream *s)
{
    if (is_ping(&w.got)) {
        w.pinged++;
        if (w.mute) {
            return;
        }
        say(s,
            w.got.p[0] == 'z'   ? "PONG"
            : w.got.p[0] == 'G' ? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong\r\n"
                                : "SPAMD/1.5 0 PONG\r\n",
            w.got.p[0] == 'z'   ? 5
            : w.got.p[0] == 'G' ? 45
                                : 18);
        return;
    }
    w.asked++;
    (void)task_sleep(rt_now() + w.takes);
    switch (w.manner) {
    case ANSWERS: say(s, w.reply.p, w.reply.n); break;
    case HALF: say(s, w.reply.p, w.reply.n / 2); break;
    case FLOODS: flood(s); break;
    case HANGS: (void)task_sleep(rt_now() + 3600 * USEC_SEC); break;
    case CLOSES: break;
    }
}

static void serve(void *arg)
{
    struct stream *s = arg;
    struct buf in = {0};
    ssize_t n;

    w.open++;
    w.open_most = w.open > w.open_most ? w.open : w.open_most;
    do {
        n = stream_read(s, buf_reserve(&in, 8192), 8192, USEC_NEVER);
        in.n += n > 0 ? (size_t)n : 0;
    } while (n > 0 && !is_whole(&in));
    if (n > 0) {
        buf_free(&w.got);
        w.got = in;
        behave(s);
    } else {
        buf_free(&in);
    }
    stream_close(s);
    w.open--;
}

static void on_accept(void *arg, struct stream *s, const struct addr *client,
                      const struct addr *local)
{
    (void)arg;
    (void)client;
    (void)local;
    assert_int_equal(task_spawn(w.internet, rt_root_of(w.internet), serve, s), 0);
}

static void listen_all(bool on)
{
    for (size_t i = 0; i < CONF_SCANNERS; i++) {
        const struct conf_scanner *c = &w.conf->scanners[i];
        w.listeners[i] = !on               ? sim_listener_free(w.listeners[i])
                         : c->path != NULL ? sim_listen_path(w.internet, c->path, on_accept, NULL)
                                           : sim_listen(w.internet, &c->addr, on_accept, NULL);
    }
}

/* ---- the world ---- */

static void on_told(void *arg, bool trouble, const char *line)
{
    (void)arg;
    buf_printf(&w.told, "%s%s\n", trouble ? "! " : "", line);
}

static void fill_message(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 1000; i++) {
        char line[32];
        const int n = snprintf(line, sizeof(line), "line number %04u of it\r\n", i);
        assert_int_equal(spool_append(&w.message.spool, line, (size_t)n, USEC_NEVER), 0);
    }
}

static void run(usec_t time)
{
    sim_run(w.sim, sim_now(w.sim) + time);
}

static int set_up(void **state)
{
    static const struct slice recipients[] = {SLICE_LIT("r@y.example"), SLICE_LIT("s@y.example")};

    (void)state;
    w = (struct world){.sim = sim_new(7), .conf = parsed(slice_of(config))};
    w.rt = sim_rt(w.sim);
    w.internet = sim_rt(w.sim);
    w.scanners = scanners_new(w.rt, w.conf, NULL, on_told, NULL);
    budget_init(&w.budget, 1 << 20);
    w.spool = (struct spool_config){.budget = &w.budget, .folder = "/tmp", .memory_each = 1 << 19};
    spool_init(&w.message.spool, &w.spool);
    listen_all(true);
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), fill_message, NULL), 0);
    run(USEC_SEC);
    for (size_t i = 0; i < TASKS_MOST; i++) {
        w.askers[i] = (struct asker){
            .w = &w,
            .q = {.message = &w.message,
                  .client = {.family = ADDR_V4, .octets = {192, 0, 2, 7}},
                  .client_name = SLICE_LIT("mail.x.example"),
                  .helo = SLICE_LIT("helo.x.example"),
                  .sender = SLICE_LIT("a@x.example"),
                  .recipients = recipients,
                  .recipient_count = 2,
                  .id = SLICE_LIT("0123456789ABCD.1"),
                  .tls_version = "TLSv1.3",
                  .wall = 1795785709 * USEC_SEC},
        };
        arena_init(&w.askers[i].arena);
    }
    return 0;
}

static void empty_message(void *arg)
{
    (void)arg;
    spool_reset(&w.message.spool);
}

static int tear_down(void **state)
{
    (void)state;
    scanners_drain(w.scanners);
    listen_all(false);
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), empty_message, NULL), 0);
    run(7200 * USEC_SEC);
    assert_int_equal(w.open, 0);
    assert_true(scanners_rest(w.scanners));
    scanners_free(w.scanners);
    for (size_t i = 0; i < TASKS_MOST; i++) {
        arena_free(&w.askers[i].arena);
    }
    budget_fini(&w.budget);
    sim_rt_free(w.rt);
    sim_rt_free(w.internet);
    sim_free(w.sim);
    conf_free(w.conf);
    buf_free(&w.got);
    buf_free(&w.told);
    return 0;
}

static void ask_task(void *arg)
{
    struct asker *a = arg;
    const usec_t began = rt_now();

    scope_enter(&a->scope);
    a->error = scanners_scan(w.scanners, w.kind, &a->q, &a->arena, &a->result);
    scope_leave(&a->scope);
    a->took = rt_now() - began;
    a->over = true;
}

static void begin(struct asker *a)
{
    a->over = false;
    a->result = (struct scan_result){.state = SCAN_FAILED};
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), ask_task, a), 0);
}

/* One asks, to the end. */
static const struct scan_result *ask(enum conf_scanner_kind kind)
{
    struct asker *a = &w.askers[0];

    w.kind = kind;
    begin(a);
    assert_true(sim_run_until(w.sim, &a->over));
    assert_int_equal(a->error, 0);
    return &a->result;
}

/* Another message from now on. */
static void change_message(void)
{
    w.message.digest.octets[0]++;
}

static void assert_text(struct slice text, const char *wanted)
{
    if (!slice_eq(text, slice_of(wanted))) {
        fail_msg("\"" SLICE_FMT "\" is not \"%s\"", SLICE_ARG(text), wanted);
    }
}

static void assert_told(const char *wanted)
{
    assert_text(buf_slice(&w.told), wanted);
    buf_free(&w.told);
}

#define JSON(text) SLICE_LIT("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" text)
#define CLEAN                                                                                      \
    {                                                                                              \
        "stream: OK", 11                                                                           \
    }
#define SPAMD(text) SLICE_LIT("SPAMD/1.1 0 EX_OK\r\n" text)
#define GOOD_JSON                                                                                  \
    JSON("{\"score\":15.25,\"action\":\"reject\",\"symbols\":{\"A_B\":{\"name\":\"A_B\"},\"C\":{}" \
         "}}")
#define GOOD_SPAMD SPAMD("Content-length: 9\r\nSpam: True ; 7.5 / 5.0\r\n\r\nA_B,C\r\n\r\n")

static const struct slice good[CONF_SCANNERS] = {
    [CONF_CLAMD] = CLEAN, [CONF_RSPAMD] = GOOD_JSON, [CONF_SPAMASSASSIN] = GOOD_SPAMD};

/* ---- what is said and understood ---- */

static void answers(void **state)
{
    static const struct {
        enum conf_scanner_kind kind;
        struct slice reply;
        enum scan_state result;
        const char *text;
        int64_t score;
        size_t names;
    } rows[] = {
        {CONF_CLAMD, CLEAN, SCAN_KNOWN, "", 0, 0},
        {CONF_CLAMD, {"stream: Eicar-Test FOUND", 25}, SCAN_KNOWN, "Eicar-Test", 0, 0},
        {CONF_CLAMD, {"INSTREAM size limit exceeded. ERROR", 36}, SCAN_TOO_LARGE, "", 0, 0},
        {CONF_CLAMD, {"stream: Can't open file ERROR", 30}, SCAN_FAILED, "", 0, 0},
        {CONF_CLAMD, {"stream: perhaps", 16}, SCAN_FAILED, "", 0, 0},
        {CONF_CLAMD, {"stream: OK", 10}, SCAN_FAILED, "", 0, 0}, /* no NUL */
        {CONF_RSPAMD, GOOD_JSON, SCAN_KNOWN, "reject", 15250, 2},
        {CONF_RSPAMD, JSON("{\"score\":-3,\"action\":\"no action\"}"), SCAN_KNOWN, "no action",
         -3000, 0},
        {CONF_RSPAMD, JSON("{\"is_skipped\":true}"), SCAN_KNOWN, "no action", 0, 0},
        {CONF_RSPAMD, JSON("{\"score\":\"3\",\"action\":\"reject\"}"), SCAN_FAILED, "", 0, 0},
        {CONF_RSPAMD, JSON("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["), SCAN_FAILED, "", 0, 0},
        {CONF_RSPAMD, SLICE_LIT("HTTP/1.1 413 Too Large\r\n\r\n"), SCAN_TOO_LARGE, "", 0, 0},
        {CONF_RSPAMD, SLICE_LIT("HTTP/1.1 500 Oh\r\n\r\n"), SCAN_FAILED, "", 0, 0},
        {CONF_RSPAMD,
         SLICE_LIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "a;x=y\r\n{\"score\":1\r\n13\r\n,\"action\":\"reject\"}\r\n0\r\n\r\n"),
         SCAN_KNOWN, "reject", 1000, 0},
        {CONF_SPAMASSASSIN, GOOD_SPAMD, SCAN_KNOWN, "", 7500, 2},
        {CONF_SPAMASSASSIN, SPAMD("Spam: False ; -0.1 / 5.0\r\n\r\nONE"), SCAN_KNOWN, "", -100, 1},
        {CONF_SPAMASSASSIN, SPAMD("Spam: False ; x / 5.0\r\n\r\n"), SCAN_FAILED, "", 0, 0},
        {CONF_SPAMASSASSIN, SPAMD("\r\n"), SCAN_FAILED, "", 0, 0},
        {CONF_SPAMASSASSIN, SLICE_LIT("SPAMD/1.0 75 EX_TEMPFAIL\r\n"), SCAN_FAILED, "", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        change_message();
        w.reply = rows[i].reply;
        const struct scan_result *r = ask(rows[i].kind);
        if (r->state != rows[i].result) {
            fail_msg("row %zu: state %d", i, (int)r->state);
        }
        if (r->state == SCAN_KNOWN) {
            assert_text(r->text, rows[i].text);
            assert_int_equal(r->score, rows[i].score);
            assert_int_equal(r->name_count, rows[i].names);
            assert_false(r->kept);
        }
        w.reply = good[rows[i].kind];
        change_message();
        (void)ask(rows[i].kind); /* so that it is not taken to be down */
    }
    assert_int_equal(w.asked, 2 * COUNT(rows));
    assert_told("");
}

static bool got(const char *text)
{
    return memmem(w.got.p, w.got.n, text, strlen(text)) != NULL;
}

/* The message's octets are there as they are, each chunk's length in front of it. */
static void clamd_gets_the_octets(void **state)
{
    (void)state;
    w.reply = good[CONF_CLAMD];
    assert_int_equal(ask(CONF_CLAMD)->state, SCAN_KNOWN);
    size_t octets = 0, chunks = 0;
    for (size_t at = sizeof("zINSTREAM"), n = 1; n > 0; at += 4 + n, chunks++) {
        n = chunk_length(w.got.p + at);
        octets += n;
    }
    assert_int_equal(octets, w.message.spool.size);
    assert_in_range(chunks, 3, 10);
    assert_true(got("line number 0000 of it\r\nline number 0001"));
}

static void spam_scanners_see_the_client(void **state)
{
    static const char *const fields[] = {
        "POST /checkv2 HTTP/1.1\r\nHost: localhost\r\n",
        "\r\nIP: 192.0.2.7\r\n",
        "\r\nHelo: helo.x.example\r\n",
        "\r\nHostname: mail.x.example\r\n",
        "\r\nFrom: a@x.example\r\n",
        "\r\nRcpt: r@y.example\r\n",
        "\r\nRcpt: s@y.example\r\n",
        "\r\nQueue-Id: 0123456789ABCD.1\r\n",
        "\r\nTLS-Version: TLSv1.3\r\n",
        "\r\n\r\nline number 0000 of it\r\n",
    };

    (void)state;
    w.reply = good[CONF_RSPAMD];
    (void)ask(CONF_RSPAMD);
    for (size_t i = 0; i < COUNT(fields); i++) {
        if (!got(fields[i])) {
            fail_msg("rspamd is not told %s in %.400s", fields[i], w.got.p);
        }
    }
    w.reply = good[CONF_SPAMASSASSIN];
    (void)ask(CONF_SPAMASSASSIN);
    if (!got("SYMBOLS SPAMC/1.5\r\nContent-length: ") ||
        !got("\r\nUser: filter\r\n\r\nReturn-Path: ") ||
        !got("Return-Path: <a@x.example>\r\n"
             "Received: from helo.x.example (mail.x.example [192.0.2.7])\r\n"
             "\tby mx.example.org with ESMTPS id 0123456789ABCD.1;\r\n\tFri, 27 Nov 2026 ") ||
        !got(" +0000\r\nline number 0000 of it\r\n")) {
        fail_msg("%.600s", w.got.p);
    }
}

/* Nothing that a client says can add a field, or look like another host. */
static void clients_cannot_forge(void **state)
{
    struct scan_request *q = &w.askers[0].q;

    (void)state;
    q->helo = SLICE_LIT("x (y [198.51.100.1]) by z");
    q->sender = SLICE_LIT("a\r\nIP: 198.51.100.1\r\n@x.example");
    w.reply = good[CONF_SPAMASSASSIN];
    (void)ask(CONF_SPAMASSASSIN);
    assert_true(got("Return-Path: <>\r\nReceived: from unknown (mail.x.example [192.0.2.7])\r\n"));
    assert_false(got("198.51.100.1"));
    w.reply = good[CONF_RSPAMD];
    (void)ask(CONF_RSPAMD);
    assert_false(got("\r\nIP: 198.51.100.1"));
    assert_false(got("\r\nFrom: "));
}

/* ---- what goes wrong ---- */

static void faults(void **state)
{
    static const struct {
        enum manner manner;
        enum scan_state result;
    } rows[] = {
        {HANGS, SCAN_TIMED_OUT}, {CLOSES, SCAN_FAILED}, {HALF, SCAN_FAILED}, {FLOODS, SCAN_FAILED}};

    (void)state;
    for (unsigned kind = 0; kind < CONF_SCANNERS; kind++) {
        w.reply = good[kind];
        for (size_t i = 0; i < COUNT(rows); i++) {
            w.manner = rows[i].manner;
            change_message();
            assert_int_equal(ask((enum conf_scanner_kind)kind)->state, rows[i].result);
            if (rows[i].manner == HANGS) {
                assert_in_range(w.askers[0].took, kind == CONF_CLAMD ? 10000000 : 20000000,
                                kind == CONF_CLAMD ? 10000001 : 20000001);
            } else {
                assert_in_range(w.askers[0].took, 0, USEC_SEC);
            }
            w.manner = ANSWERS;
            assert_int_equal(ask((enum conf_scanner_kind)kind)->state, SCAN_KNOWN);
        }
    }
    assert_told(""); /* none of it three times in succession */
}

/* Gone: nobody waits, one trial at a time finds it again, and the operator hears of it twice. */
static void down_and_well_again(void **state)
{
    (void)state;
    w.reply = good[CONF_CLAMD];
    listen_all(false);
    assert_int_equal(ask(CONF_CLAMD)->state, SCAN_FAILED);
    assert_told("! scanner clamd tcp://10.0.0.1 is down: Connection refused\n");
    listen_all(true);
    assert_int_equal(ask(CONF_CLAMD)->state, SCAN_FAILED); /* the trial is not due */
    assert_int_equal(w.asked + w.pinged, 0);
    run(USEC_SEC);
    assert_int_equal(ask(CONF_CLAMD)->state, SCAN_FAILED); /* this one begins it */
    run(USEC_SEC);
    assert_int_equal(w.pinged, 1);
    assert_told("scanner clamd tcp://10.0.0.1 is well again, after 1 s\n");
    assert_int_equal(ask(CONF_CLAMD)->state, SCAN_KNOWN);
    assert_int_equal(w.asked, 1);
}

/* A trial that fails puts the next one off, twice as long each time, half a minute at most. */
static void trials_become_rare(void **state)
{
    (void)state;
    listen_all(false);
    (void)ask(CONF_RSPAMD);
    listen_all(true);
    w.mute = true;
    for (unsigned second = 0; second < 300; second++) {
        run(USEC_SEC);
        assert_int_equal(ask(CONF_RSPAMD)->state, SCAN_FAILED);
    }
    run(USEC_SEC);
    assert_in_range(w.pinged, 12, 15);
    assert_int_equal(w.asked, 0);
    assert_told("! scanner rspamd unix:/run/rspamd.sock is down: Connection refused\n");
}

/* Hanging: after the third it is down, and those that wait for a place are let go at once. */
static void hanging_is_down(void **state)
{
    (void)state;
    w.manner = HANGS;
    w.kind = CONF_SPAMASSASSIN;
    for (size_t i = 0; i < 5; i++) {
        change_message();
        w.askers[i].q.helo = (struct slice){&"abcdefgh"[i], 1};
        begin(&w.askers[i]);
    }
    run(50 * USEC_SEC);
    for (size_t i = 0; i < 5; i++) {
        assert_true(w.askers[i].over);
        assert_int_equal(w.askers[i].result.state, SCAN_TIMED_OUT);
        assert_in_range(w.askers[i].took, 20000000, 20000001);
    }
    assert_int_equal(w.asked, 2); /* the places */
    assert_told("");
    change_message();
    assert_int_equal(ask(CONF_SPAMASSASSIN)->state, SCAN_TIMED_OUT);
    assert_told("! scanner spamassassin tcp://10.0.0.3:783 is down: it does not answer in time\n");
    change_message();
    assert_int_equal(ask(CONF_SPAMASSASSIN)->state, SCAN_FAILED);
    assert_in_range(w.askers[0].took, 0, 1000);
}

/* ---- lines and sharing ---- */

static void places(void **state)
{
    (void)state;
    w.reply = good[CONF_RSPAMD];
    w.takes = 2 * USEC_SEC;
    w.kind = CONF_RSPAMD;
    for (size_t i = 0; i < 6; i++) {
        w.askers[i].q.helo = (struct slice){&"abcdefgh"[i], 1};
        begin(&w.askers[i]);
    }
    run(USEC_SEC);
    struct scanner_figures f;
    assert_true(scanners_figures(w.scanners, CONF_RSPAMD, &f));
    assert_int_equal(f.in_use, 2);
    assert_int_equal(f.waiting, 4);
    run(10 * USEC_SEC);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(w.askers[i].result.state, SCAN_KNOWN);
    }
    assert_int_equal(w.open_most, 2);
    assert_int_equal(w.asked, 6);
}

static void the_same_is_scanned_once(void **state)
{
    (void)state;
    w.reply = good[CONF_RSPAMD];
    w.takes = USEC_SEC;
    w.kind = CONF_RSPAMD;
    for (size_t i = 0; i < 5; i++) {
        begin(&w.askers[i]);
    }
    run(5 * USEC_SEC);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(w.askers[i].result.state, SCAN_KNOWN);
        assert_int_equal(w.askers[i].result.kept, i > 0);
        assert_text(w.askers[i].result.names[1], "C");
        assert_text(w.askers[i].result.text, "reject");
    }
    assert_int_equal(w.asked, 1);
    run(200 * USEC_SEC);
    assert_true(ask(CONF_RSPAMD)->kept);
    run(100 * USEC_SEC);
    assert_false(ask(CONF_RSPAMD)->kept); /* that was 5 minutes */
    assert_int_equal(w.asked, 2);
}

/* Who sends to whom matters to those that judge it, and not to clamd. */
static void who_sends_matters_to_some(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < CONF_SCANNERS; kind++) {
        w.reply = good[kind];
        w.asked = 0;
        w.askers[0].q.recipient_count = 2;
        (void)ask((enum conf_scanner_kind)kind);
        w.askers[0].q.recipient_count = 1;
        (void)ask((enum conf_scanner_kind)kind);
        assert_int_equal(w.asked, kind == CONF_CLAMD ? 1 : 2);
    }
}

/* The one that asks is cancelled: another that waits for its result takes over. */
static void who_waits_takes_over(void **state)
{
    (void)state;
    w.reply = good[CONF_CLAMD];
    w.takes = 3 * USEC_SEC;
    w.kind = CONF_CLAMD;
    for (size_t i = 0; i < 3; i++) {
        begin(&w.askers[i]);
    }
    run(USEC_SEC);
    scope_cancel(&w.askers[0].scope, -ECONNRESET);
    run(10 * USEC_SEC);
    assert_int_equal(w.askers[0].error, -ECANCELED);
    for (size_t i = 1; i < 3; i++) {
        assert_true(w.askers[i].over);
        assert_int_equal(w.askers[i].error, 0);
        assert_int_equal(w.askers[i].result.state, SCAN_KNOWN);
    }
    assert_int_equal(w.asked, 2);
}

/* All are cancelled, whatever they wait for; nothing is left of it. */
static void all_are_cancelled(void **state)
{
    (void)state;
    w.manner = HANGS;
    w.kind = CONF_CLAMD;
    for (size_t i = 0; i < TASKS_MOST; i++) {
        if (i % 2 == 0) {
            change_message();
        }
        begin(&w.askers[i]);
        run(1000);
    }
    for (size_t i = 0; i < TASKS_MOST; i++) {
        scope_cancel(&w.askers[i].scope, -ESHUTDOWN);
    }
    run(USEC_SEC);
    for (size_t i = 0; i < TASKS_MOST; i++) {
        assert_true(w.askers[i].over);
        assert_int_equal(w.askers[i].error, -ECANCELED);
    }
    struct scanner_figures f;
    assert_true(scanners_figures(w.scanners, CONF_CLAMD, &f));
    assert_int_equal(f.in_use + f.waiting, 0);
    assert_int_equal(f.unknown, 0);
}

static void fill_more(void *arg)
{
    fill_message(arg);
    fill_message(arg);
}

static void larger_than_scan_size(void **state)
{
    (void)state;
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), fill_more, NULL), 0);
    run(USEC_SEC);
    assert_true(w.message.spool.size > 65536);
    assert_int_equal(ask(CONF_RSPAMD)->state, SCAN_TOO_LARGE);
    assert_int_equal(ask(CONF_SPAMASSASSIN)->state, SCAN_TOO_LARGE);
    assert_int_equal(w.asked, 0);
    w.reply = good[CONF_CLAMD];
    assert_int_equal(ask(CONF_CLAMD)->state, SCAN_KNOWN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(answers),
        TEST(clamd_gets_the_octets),
        TEST(spam_scanners_see_the_client),
        TEST(clients_cannot_forge),
        TEST(faults),
        TEST(down_and_well_again),
        TEST(trials_become_rare),
        TEST(hanging_is_down),
        TEST(places),
        TEST(the_same_is_scanned_once),
        TEST(who_sends_matters_to_some),
        TEST(who_waits_takes_over),
        TEST(all_are_cancelled),
        TEST(larger_than_scan_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
