/* STARTTLS towards a scripted hop: opportunistic, verified, and all the ways in which it fails. */
#include "hop_world.h"

#include <stdio.h>
#include <unistd.h>

#include "../sim/certificate.h"
#include "base/counters.h"

#define NAME     "hop.site.example"
#define GREETING "> 220 hop", "EHLO mx.example"
#define OFFER    GREETING, "> 250-hop", "> 250-PIPELINING", "> 250 STARTTLS", "STARTTLS"
#define AGAIN    "EHLO mx.example", "> 250-hop", "> 250 PIPELINING"
#define PLAIN    GREETING, "> 250-hop", "> 250-STARTTLS", "> 250 PIPELINING"
#define MESSAGE                                                                                    \
    "MAIL FROM:<a@x.example>", "RCPT TO:<r@y.example>", "> 250 2.1.0 ok", "> 250 2.1.5 ok",        \
        "DATA", "> 354 go", ".", "> 250 2.0.0 ok"

/* ---- the hop's certificate ---- */

static char ca_file[64], cert_file[64], key_file[64];
static struct certificate_authority *ca;

static void serve(struct hop_world *w, const struct certificate_authority *by, const char *name,
                  long expires)
{
    struct certificate_wish wish = {.name = name, .begins = -7200, .expires = expires};
    char why[200];
    certificate_issue(by, &wish, cert_file, key_file);
    assert_int_equal(tls_context_server(cert_file, key_file, &w->tls, why, sizeof why), 0);
}

static struct hop_world *opportunistic(void)
{
    struct hop_world *w = world_new();
    serve(w, NULL, "other.example", -3600); /* as bad as can be */
    return w;
}

static struct hop_world *verified(void)
{
    struct hop_world *w = world_new();
    w->hop.tls = CONF_HOP_TLS_VERIFIED;
    w->hop.tls_name = (char *)NAME;
    w->hop.tls_ca = ca_file;
    return w;
}

/* ---- the worker ---- */

static struct hop_story story;

/* One message; what became of it is seen in w->r[0]->answer. */
static void send_one(struct hop_world *w)
{
    struct hop *h = begin(w);
    load(w, "Subject: hi\r\n\r\nhello\r\n");
    if (ask(w, h, 1) == 1 && prepare(w, h, 1) == 0) {
        (void)commit(w, h, 1);
    }
    story = *hop_story(h);
    w->r[0]->wanted = w->r[0]->committed = w->r[0]->confirmed = false;
    hop_end(h);
}

static void assert_story(const char *tls, const char *unused)
{
    if (story.tls.n < strlen(tls) || (tls[0] == '\0' && story.tls.n > 0) ||
        (story.tls.n > 0 && memcmp(story.tls.p, tls, strlen(tls)) != 0)) {
        fail_msg("\"" SLICE_FMT "\" is not \"%s\"", SLICE_ARG(story.tls), tls);
    }
    if (!slice_eq(story.tls_unused, slice_of(unused))) {
        fail_msg("\"" SLICE_FMT "\" is not \"%s\"", SLICE_ARG(story.tls_unused), unused);
    }
}

/* ---- opportunistic ---- */

static void test_used(void **state)
{
    (void)state;
    static script one = {OFFER, "> 220 go", "!tls", AGAIN, MESSAGE, "QUIT", NULL};
    struct hop_world *w = opportunistic();
    PLAY(w, send_one, one);
    assert_int_equal(w->r[0]->answer.code, 250);
    assert_story("TLSv1.3 TLS_", "");
    world_free(w);
}

/* RFC 3207 4.2: what was offered in the clear is forgotten, also where nothing takes its place. */
static void test_forgets(void **state)
{
    (void)state;
    static script one = {OFFER,
                         "> 220 go",
                         "!tls",
                         "EHLO mx.example",
                         "> 250 hop",
                         "MAIL FROM:<a@x.example>",
                         "!quiet",
                         "> 250 2.1.0 ok",
                         "RCPT TO:<r@y.example>",
                         "> 250 2.1.5 ok",
                         "DATA",
                         "> 354 go",
                         ".",
                         "> 250 2.0.0 ok",
                         "QUIT",
                         NULL};
    struct hop_world *w = opportunistic();
    PLAY(w, send_one, one);
    assert_int_equal(w->r[0]->answer.code, 250);
    world_free(w);
}

static void test_not_offered(void **state)
{
    (void)state;
    static script one = {GREETING, "> 250-hop", "> 250 PIPELINING", MESSAGE, "QUIT", NULL};
    struct hop_world *w = opportunistic();
    PLAY(w, send_one, one);
    assert_story("", "not offered");
    world_free(w);
}

static void test_none(void **state)
{
    (void)state;
    static script one = {PLAIN, MESSAGE, "QUIT", NULL};
    struct hop_world *w = opportunistic();
    w->hop.tls = CONF_HOP_TLS_NONE;
    PLAY(w, send_one, one);
    assert_story("", "");
    world_free(w);
}

/* A refusal leaves the connection as good as it was. */
static void test_refused(void **state)
{
    (void)state;
    static script one = {OFFER, "> 454 4.7.0 not just now", MESSAGE, "QUIT", NULL};
    struct hop_world *w = opportunistic();
    PLAY(w, send_one, one);
    assert_story("", "refused: 454 not just now");
    world_free(w);
}

/* 421 is an end like any other: nothing was learned of TLS. */
static void test_goes_away(void **state)
{
    (void)state;
    static script one = {OFFER, "> 421 4.3.2 bye", "!reset", NULL};
    struct hop_world *w = opportunistic();
    PLAY(w, send_one, one);
    assert_int_equal(w->r[0]->answer.code, 451);
    world_free(w);
}

static void test_handshake_fails(void **state)
{
    (void)state;
    static script nonsense = {OFFER, "> 220 go", "!rest", "> what is that?", "!reset", NULL};
    static script closes = {OFFER, "> 220 go", "!close"};
    static script cuts = {OFFER, "> 220 go", "!cut"};
    static script plain = {PLAIN, MESSAGE, "QUIT", NULL};
    const struct {
        const char *const *first;
        const char *why;
    } cases[] = {
        {nonsense, "wrong version number"},
        {closes, "connection lost in the handshake"},
        {cuts, "connection lost in the handshake"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hop_world *w = opportunistic();
        PLAY(w, send_one, cases[i].first, plain);
        assert_int_equal(w->r[0]->answer.code, 250);
        assert_story("", cases[i].why);
        world_free(w);
    }
}

/* CVE-2011-0411: what stands behind the 220 in the clear was not said by the hop. */
static void test_injected(void **state)
{
    (void)state;
    static script injected = {OFFER, "> 220 go\r\n250 injected", "!reset", NULL};
    static script plain = {PLAIN, MESSAGE, "QUIT", NULL};
    struct hop_world *w = opportunistic();
    PLAY(w, send_one, injected, plain);
    assert_int_equal(w->r[0]->answer.code, 250);
    assert_story("", "octets in the clear behind the reply to STARTTLS");
    world_free(w);
    w = verified();
    serve(w, ca, NAME, 3600);
    PLAY(w, send_one, injected);
    assert_answer(w->r[0], 451, "4.7.5", NULL);
    world_free(w);
}

static usec_t hung_for;

static void send_thrice(struct hop_world *w)
{
    usec_t began = rt_now();
    send_one(w);
    hung_for = rt_now() - began;
    if (w->r[0]->answer.code != 451) {
        fail_hop(w, "answered %u", w->r[0]->answer.code);
    }
    send_one(w); /* in the clear, for it hung just now */
    assert_story("", "handshakes took too long before");
    task_sleep(rt_now() + HOP_TLS_PLAIN_TIME);
    send_one(w); /* it is asked again */
}

/* It costs a client half a minute once, not each of them. */
static void test_hangs(void **state)
{
    (void)state;
    static script hangs = {OFFER, "> 220 go", "!rest", "!rest", "!rest", "!rest", NULL};
    static script plain = {PLAIN, MESSAGE, "QUIT", NULL};
    static script good = {OFFER, "> 220 go", "!tls", AGAIN, MESSAGE, "QUIT", NULL};
    struct hop_world *w = opportunistic();
    world_play(w, send_thrice, (const char *const *const[]){hangs, plain, good}, 3);
    assert_true(hung_for <= w->conf.limits.connect_time + USEC_SEC);
    assert_int_equal(w->r[0]->answer.code, 250);
    assert_story("TLSv1.3", "");
    world_free(w);
}

static void send_twice(struct hop_world *w)
{
    send_one(w);
    task_sleep(rt_now() + 300 * USEC_SEC);
    send_one(w);
}

/* Connections are not kept so long, sessions are. */
static void test_resumed(void **state)
{
    (void)state;
    static script one = {OFFER, "> 220 go", "!tls", AGAIN, MESSAGE, "QUIT", NULL};
    struct hop_world *w = verified();
    serve(w, ca, NAME, 3600);
    world_play(w, send_twice, (const char *const *const[]){one, one}, 2);
    assert_int_equal(w->r[0]->answer.code, 250);
    assert_int_equal(w->resumed, 1);
    assert_story("TLSv1.3", "");
    world_free(w);
}

/* ---- verified ---- */

static void test_verified(void **state)
{
    (void)state;
    static script one = {OFFER, "> 220 go", "!tls", AGAIN, MESSAGE, "QUIT", NULL};
    struct hop_world *w = verified();
    serve(w, ca, NAME, 3600);
    PLAY(w, send_one, one);
    assert_int_equal(w->r[0]->answer.code, 250);
    assert_story("TLSv1.3 TLS_", "");
    world_free(w);
}

static void test_not_verified(void **state)
{
    (void)state;
    static const struct {
        bool by_itself;
        const char *name;
        long expires;
        const char *why;
    } cases[] = {
        {false, NAME, -3600, "certificate has expired"},
        {false, "other.example", 3600, "certificate is for another name"},
        {true, NAME, 3600, "certificate is self-signed"},
    };
    static script refused = {OFFER, "> 220 go", "!no tls", "!reset", NULL};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        struct hop_world *w = verified();
        serve(w, cases[i].by_itself ? NULL : ca, cases[i].name, cases[i].expires);
        PLAY(w, send_one, refused);
        snprintf(text, sizeof text, "the next hop cannot be used: %s", cases[i].why);
        assert_answer(w->r[0], 451, "4.7.5", text);
        assert_story("", cases[i].why);
        world_free(w);
    }
}

/* Never in the clear. */
static void test_required(void **state)
{
    (void)state;
    static script not_offered = {GREETING, "> 250-hop", "> 250 PIPELINING", "QUIT", NULL};
    static script only_helo = {GREETING,    "> 502 what", "HELO mx.example",
                               "> 250 hop", "QUIT",       NULL};
    static script refused = {OFFER, "> 454 4.7.0 not now", "QUIT", NULL};
    const struct {
        const char *const *script;
        const char *why;
    } cases[] = {
        {not_offered, "TLS not offered"},
        {only_helo, "TLS not offered"},
        {refused, "TLS refused: 454 not now"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        struct hop_world *w = verified();
        PLAY(w, send_one, cases[i].script);
        snprintf(text, sizeof text, "the next hop cannot be used: %s", cases[i].why);
        assert_answer(w->r[0], 451, "4.7.4", text);
        assert_story("", cases[i].why);
        world_free(w);
    }
}

static void test_minimum(void **state)
{
    (void)state;
    static script first = {OFFER, "> 220 go", "!tls", AGAIN, MESSAGE, "QUIT", NULL};
    struct hop_world *w = verified();
    serve(w, ca, NAME, 3600);
    w->hop.only_tls13 = true;
    PLAY(w, send_one, first);
    assert_story("TLSv1.3", "");
    world_free(w);
}

static void test_lmtp(void **state)
{
    (void)state;
    static script one = {
        "> 220 hop", "LHLO mx.example", "> 250-hop", "> 250 STARTTLS", "STARTTLS", "> 220 go",
        "!tls",      "LHLO mx.example", "> 502 no",  "QUIT",           NULL};
    struct hop_world *w = opportunistic();
    w->hop.kind = CONF_HOP_LMTP;
    PLAY(w, send_one, one);
    assert_int_equal(w->r[0]->answer.code, 451);
    world_free(w);
}

/* ---- the trust of a configuration ---- */

static void test_trust(void **state)
{
    (void)state;
    struct conf_hop a = {.tls = CONF_HOP_TLS_VERIFIED, .tls_ca = ca_file, .index = 0};
    struct conf_hop b = {.tls = CONF_HOP_TLS_VERIFIED, .tls_ca = ca_file, .index = 1};
    struct conf_hop c = {
        .tls = CONF_HOP_TLS_VERIFIED, .tls_ca = (char *)"/nonexistent", .index = 2};
    struct conf_hop *hops[] = {&a, &b, &c};
    struct conf conf = {.hops = hops, .hop_count = 2};
    const struct conf_hop *culprit;
    struct hop_trust *trust = NULL;
    char why[200];
    assert_int_equal(hop_trust_new(&conf, &trust, &culprit, why, sizeof why), 0);
    trust = hop_trust_free(trust);
    conf.hop_count = 3;
    assert_int_equal(hop_trust_new(&conf, &trust, &culprit, why, sizeof why), -EINVAL);
    assert_ptr_equal(culprit, &c);
    assert_string_equal(why, "/nonexistent: No such file or directory");
}

static struct counters counts;

static void count(struct hop_world *w)
{
    hop_pools_count_in(w->pools, &counts);
    send_one(w);
}

static void test_counted(void **state)
{
    (void)state;
    static script secure = {OFFER, "> 220 go", "!tls", AGAIN, MESSAGE, "QUIT", NULL};
    static script plain = {GREETING, "> 250-hop", "> 250 PIPELINING", MESSAGE, "QUIT", NULL};
    static script refused = {OFFER, "> 220 go", "!no tls", "!reset", NULL};
    struct hop_world *w = opportunistic();
    world_play(w, count, (const char *const *const[]){secure}, 1);
    world_free(w);
    w = opportunistic();
    world_play(w, count, (const char *const *const[]){plain}, 1);
    world_free(w);
    w = verified();
    serve(w, NULL, NAME, 3600);
    world_play(w, count, (const char *const *const[]){refused}, 1);
    world_free(w);
    assert_int_equal(counts.hop_connections, 2);
    assert_int_equal(counts.hop_tls, 1);
    assert_int_equal(counts.hop_tls_resumed, 0);
    assert_int_equal(counts.hop_clear, 1);
    assert_int_equal(counts.hop_tls_required, 1);
}

static int make_authority(void **state)
{
    (void)state;
    snprintf(ca_file, sizeof ca_file, "/tmp/gatepost-hop-ca-%d.pem", (int)getpid());
    snprintf(cert_file, sizeof cert_file, "/tmp/gatepost-hop-%d.pem", (int)getpid());
    snprintf(key_file, sizeof key_file, "/tmp/gatepost-hop-%d.key", (int)getpid());
    ca = certificate_authority_new(ca_file);
    return 0;
}

static int drop_authority(void **state)
{
    (void)state;
    unlink(ca_file);
    unlink(cert_file);
    unlink(key_file);
    ca = certificate_authority_free(ca);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_used),
        cmocka_unit_test(test_forgets),
        cmocka_unit_test(test_not_offered),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_goes_away),
        cmocka_unit_test(test_handshake_fails),
        cmocka_unit_test(test_injected),
        cmocka_unit_test(test_hangs),
        cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_verified),
        cmocka_unit_test(test_not_verified),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_minimum),
        cmocka_unit_test(test_lmtp),
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_counted),
    };
    return cmocka_run_group_tests(tests, make_authority, drop_authority);
}
