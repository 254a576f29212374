/* DKIM's verdicts: keys of every kind and fault, times, l=, i=, fields from the bottom up, limits,
 * and how questions are asked. Messages are signed here; canonical forms have their own test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "auth/dkim.h"
#include "auth/signature.h"
#include "client/zone.h"
#include "dkim_signer.h"
#include "rt/sim.h"

#define COUNT(array) (sizeof(array) / sizeof(array[0]))
#define WALL         ((usec_t)1600000000 * USEC_SEC)
#define BODY         "Hi.\r\n\r\nWe lost the game.\r\n"

/* ---- a message ---- */

static const char header[] = "From: Joe <joe@example.org>\r\n"
                             "To: Suzie <suzie@example.net>\r\n"
                             "Subject: Is dinner ready?\r\n";

struct made {
    struct buf signatures; /* DKIM-Signature fields, the last one made on top */
    struct buf records;    /* a zone */
};

static struct made *made_new(void)
{
    static struct made m;
    buf_free(&m.signatures);
    buf_free(&m.records);
    return &m;
}

static void add_record(struct made *m, const char *name, struct slice record)
{
    buf_printf(&m->records, "%s. TXT", name);
    for (size_t at = 0; at < record.n || at == 0; at += 200) { /* a string has 255 octets at most */
        const size_t n = record.n - at < 200 ? record.n - at : 200;
        buf_printf(&m->records, " \"" SLICE_FMT "\"", (int)n, record.p + at);
    }
    buf_printf(&m->records, "\n");
}

/* The key's record at sel._domainkey.example.org. */
static void add_key(struct made *m, EVP_PKEY *key, const char *extra)
{
    struct buf b = {0};

    add_record(m, "sel._domainkey.example.org", dkim_key_record(key, extra, &b));
    buf_free(&b);
}

struct how {
    const char *tags;        /* further ones, ";" behind each */
    const char *domain;      /* NULL: example.org */
    const char *fields;      /* h=; NULL: from:to:subject */
    const char *fields_text; /* what that means, each with its line end; NULL: the header */
    const char *body;        /* NULL: BODY */
};

/* Signs with c=simple/simple. */
static void add_signature(struct made *m, EVP_PKEY *key, struct how how)
{
    struct buf field = {0}, text = {0}, b = {0};
    const char *fields = how.fields_text != NULL ? how.fields_text : header;
    const struct slice hash = dkim_body_hash(how.body != NULL ? how.body : BODY, &b);

    buf_printf(&field,
               "DKIM-Signature: v=1; a=%s; d=%s; s=sel; %s\r\n\th=%s;\r\n\tbh=" SLICE_FMT
               ";\r\n\tb=",
               EVP_PKEY_is_a(key, "RSA") ? "rsa-sha256" : "ed25519-sha256",
               how.domain != NULL ? how.domain : "example.org", how.tags != NULL ? how.tags : "",
               how.fields != NULL ? how.fields : "from:to:subject", SLICE_ARG(hash));
    buf_printf(&text, "%s" SLICE_FMT, fields, SLICE_ARG(buf_slice(&field)));
    dkim_sign(key, buf_slice(&text), &field);
    buf_printf(&field, "\r\n" SLICE_FMT, SLICE_ARG(buf_slice(&m->signatures)));
    buf_free(&m->signatures);
    m->signatures = field;
    buf_free(&text);
    buf_free(&b);
}

/* ---- verifying it ---- */

struct play {
    const char *header, *body; /* NULL: as signed */
    usec_t wall;               /* 0: WALL */
    usec_t cancelled_at;       /* 0: not */
    bool no_resolver;

    const struct made *made;
    struct resolver *resolver;
    struct arena arena;
    struct signed_message *m;
    struct dkim_outcome outcome;
    usec_t took;
    uint64_t asked;
    int r;
};

static struct play play;

static void verify(void *arg)
{
    struct play *p = arg;
    const struct auth_clock clock = {.wall = p->wall != 0 ? p->wall : WALL,
                                     .question_time = 5 * USEC_SEC,
                                     .deadline = rt_now() + 20 * USEC_SEC};
    const char *parts[] = {p->made->signatures.n > 0 ? p->made->signatures.p : "",
                           p->header != NULL ? p->header : header, "\r\n",
                           p->body != NULL ? p->body : BODY};
    const size_t lengths[] = {p->made->signatures.n, strlen(parts[1]), 2, strlen(parts[3])};
    const usec_t began = rt_now();

    for (size_t i = 0; i < 4; i++) {
        signed_message_feed(p->m, parts[i], lengths[i]);
    }
    signed_message_end(p->m);
    p->r = dkim_verify(p->m, p->no_resolver ? NULL : p->resolver, &clock, &p->arena, &p->outcome);
    p->took = rt_now() - began;
}

static void verify_cancelled(void *arg)
{
    struct play *p = arg;
    struct scope scope;

    scope_enter(&scope);
    assert_int_equal(task_spawn(rt_self(), &scope, verify, p), 0);
    assert_int_equal(task_sleep(rt_now() + p->cancelled_at), 0);
    scope_cancel(&scope, -ECONNRESET);
    scope_join(&scope);
    scope_leave(&scope);
}

static void end_play(void)
{
    play.m = signed_message_free(play.m);
    arena_free(&play.arena);
}

/* Verifies; the outcome stands in `play` until the next one. */
static void run(const struct made *made, struct play how)
{
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    struct zone *zone = zone_new();
    struct zone_problem problem;

    end_play();
    play = how;
    play.made = made;
    if (zone_read(zone, buf_slice(&made->records), &problem) < 0) {
        fail_msg("%u: %s", problem.line, problem.text);
    }
    arena_init(&play.arena);
    play.resolver = resolver_of_zone(rt, zone);
    play.m = signed_message_new(&play.arena);
    assert_int_equal(
        task_spawn(rt, rt_root_of(rt), how.cancelled_at > 0 ? verify_cancelled : verify, &play), 0);
    sim_run(sim, USEC_NEVER);
    play.asked = resolver_stats(play.resolver)->asked;
    resolver_free(play.resolver);
    zone_free(zone);
    sim_rt_free(rt);
    sim_free(sim);
}

static void assert_slice(struct slice s, const char *wanted)
{
    assert_int_equal(s.n, strlen(wanted));
    assert_memory_equal(s.p, wanted, s.n);
}

/* The only signature, or the topmost one, comes to that. */
static void assert_result(enum auth_result result, const char *problem)
{
    assert_int_equal(play.r, 0);
    assert_true(play.outcome.count > 0);
    const struct dkim_result *r = &play.outcome.signatures[0];
    if (r->result != result || !slice_eq(r->problem, slice_of(problem))) {
        fail_msg("%s: " SLICE_FMT, auth_result_name(r->result), SLICE_ARG(r->problem));
    }
}

/* One signature with this key and record. */
static struct made *made_with(EVP_PKEY *key, const char *extra, struct how how)
{
    struct made *m = made_new();

    add_key(m, key, extra);
    add_signature(m, key, how);
    return m;
}

/* ---- keys ---- */

static void test_pass(void **state)
{
    (void)state;
    run(made_with(dkim_signer()->rsa, "", (struct how){0}), (struct play){0});
    assert_result(AUTH_PASS, "");
    const struct dkim_result *r = play.outcome.signatures;
    assert_slice(r->domain, "example.org");
    assert_slice(r->selector, "sel");
    assert_slice(r->identity, "@example.org");
    assert_slice(r->algorithm, "rsa-sha256");
    assert_int_equal(r->b.n, 8);
    assert_int_equal(r->key_bits, 1024);
    assert_false(r->partial || r->testing);
    assert_int_equal(play.asked, 1);

    run(made_with(dkim_signer()->ed25519, "", (struct how){0}), (struct play){0});
    assert_result(AUTH_PASS, "");
    assert_int_equal(play.outcome.signatures->key_bits, 256);
    assert_slice(play.outcome.signatures->algorithm, "ed25519-sha256");
}

static void test_changed(void **state)
{
    (void)state;
    run(made_with(dkim_signer()->rsa, "", (struct how){0}), (struct play){.body = "Hi.\r\n"});
    assert_result(AUTH_FAIL, "the body was changed");
    run(made_with(dkim_signer()->rsa, "", (struct how){0}),
        (struct play){.header = "From: Joe <joe@example.org>\r\nTo: a@example.net\r\n"
                                "Subject: Is dinner ready?\r\n"});
    assert_result(AUTH_FAIL, "the signature does not match");
    run(made_with(dkim_signer()->ed25519, "", (struct how){0}),
        (struct play){.header = "From: Joe <joe@example.org>\r\n"});
    assert_result(AUTH_FAIL, "the signature does not match");

    /* RFC 6376 3.6.1: where the key says t=y, as good as unsigned. */
    run(made_with(dkim_signer()->rsa, "t=y; ", (struct how){0}), (struct play){.body = "Hi.\r\n"});
    assert_result(AUTH_NEUTRAL, "the body was changed");
    assert_true(play.outcome.signatures->testing);
    run(made_with(dkim_signer()->rsa, "t=y; ", (struct how){0}), (struct play){0});
    assert_result(AUTH_PASS, "");
    assert_true(play.outcome.signatures->testing);
}

static void test_key_record(void **state)
{
    static const struct {
        const char *record;
        enum auth_result result;
        const char *problem;
    } rows[] = {
        {"sel._domainkey.example.org. TXT \"v=DKIM1; p=\"\n", AUTH_PERMERROR, "the key is revoked"},
        {"sel._domainkey.example.org. TXT \"v=DKIM1; p=a\"\n", AUTH_PERMERROR,
         "the key is not base64"},
        {"sel._domainkey.example.org. TXT \"\"\n", AUTH_PERMERROR,
         "the key record is no list of tags"},
        {"sel._domainkey.example.org. A 192.0.2.1\n", AUTH_PERMERROR, "there is no key"},
        {"example.org. A 192.0.2.1\n", AUTH_PERMERROR, "there is no key"},
        {"sel._domainkey.example.org. TIMEOUT\n", AUTH_TEMPERROR, "the key could not be looked up"},
        {"sel._domainkey.example.org. SERVFAIL\n", AUTH_TEMPERROR,
         "the key could not be looked up"},
        {"sel._domainkey.example.org. BOGUS\n", AUTH_TEMPERROR, "the key could not be looked up"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct made *m = made_new();
        add_signature(m, dkim_signer()->rsa, (struct how){0});
        buf_printf(&m->records, "%s", rows[i].record);
        run(m, (struct play){0});
        assert_result(rows[i].result, rows[i].problem);
    }
    run(made_with(dkim_signer()->rsa, "", (struct how){0}), (struct play){.no_resolver = true});
    assert_result(AUTH_TEMPERROR, "the key could not be looked up");
}

static void test_key_fits(void **state)
{
    const struct dkim_signer *s = dkim_signer();

    (void)state;
    run(made_with(s->rsa, "h=sha1; ", (struct how){0}), (struct play){0});
    assert_result(AUTH_PERMERROR, "the key does not allow SHA-256");
    run(made_with(s->rsa, "h=sha1:sha256; s=*; ", (struct how){0}), (struct play){0});
    assert_result(AUTH_PASS, "");
    run(made_with(s->shorter, "", (struct how){0}), (struct play){0});
    assert_result(AUTH_POLICY, "the key has less than 1,024 bits");
    assert_int_equal(play.outcome.signatures->key_bits, 512);

    struct made *m = made_new();
    add_signature(m, s->rsa, (struct how){0});
    add_key(m, s->ed25519, "");
    run(m, (struct play){0});
    assert_result(AUTH_PERMERROR, "the key is of another type than a=");

    /* i= below d= */
    run(made_with(s->rsa, "t=s; ", (struct how){.tags = "i=a@sub.example.org;"}), (struct play){0});
    assert_result(AUTH_PERMERROR, "the key does not allow i= below d=");
    run(made_with(s->rsa, "t=s; ", (struct how){.tags = "i=a@Example.ORG;"}), (struct play){0});
    assert_result(AUTH_PASS, "");
    run(made_with(s->rsa, "", (struct how){.tags = "i=a@sub.example.org;"}), (struct play){0});
    assert_result(AUTH_PASS, "");
    assert_slice(play.outcome.signatures->identity, "a@sub.example.org");
}

/* A key with so many octets that nobody has. */
static void add_large_key(struct made *m, size_t octets, size_t exponent, char last)
{
    struct buf der = {0}, record = {0};
    const size_t n = octets + 5 + exponent + 4;
    const char head[] = {0x30,
                         (char)0x82,
                         (char)(n >> 8),
                         (char)n,
                         0x02,
                         (char)0x82,
                         (char)((octets + 1) >> 8),
                         (char)(octets + 1),
                         0};
    const char middle[] = {0x02, (char)0x82, (char)(exponent >> 8), (char)exponent};

    buf_append(&der, head, sizeof(head));
    memset(buf_reserve(&der, octets), 0xff, octets);
    der.n += octets;
    der.p[der.n - 1] = last;
    buf_append(&der, middle, sizeof(middle));
    memset(buf_reserve(&der, exponent), 1, exponent);
    der.n += exponent;
    buf_printf(&record, "p=");
    record.n += (size_t)EVP_EncodeBlock((unsigned char *)buf_reserve(&record, der.n * 2),
                                        (unsigned char *)der.p, (int)der.n);
    add_record(m, "sel._domainkey.example.org", buf_slice(&record));
    buf_free(&der);
    buf_free(&record);
}

static void test_large_keys(void **state)
{
    static const struct {
        size_t octets, exponent;
        enum auth_result result;
        const char *problem;
        bool even;
    } rows[] = {
        {512, 3, AUTH_FAIL, "the signature does not match"},
        {256, 4, AUTH_FAIL, "the signature does not match", true}, /* no RSA modulus is */
        {513, 3, AUTH_POLICY, "the key has more than 4,096 bits"},
        {2048, 3, AUTH_POLICY, "the key has more than 4,096 bits"},
        {2200, 3, AUTH_PERMERROR, "the key is too large"},
        {8000, 3, AUTH_PERMERROR, "the key is too large"},
        {256, 5, AUTH_POLICY, "the key's exponent is too large"},
        {256, 256, AUTH_POLICY, "the key's exponent is too large"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct made *m = made_new();
        add_signature(m, dkim_signer()->rsa, (struct how){0});
        add_large_key(m, rows[i].octets, rows[i].exponent, rows[i].even ? '\xfe' : '\xff');
        run(m, (struct play){0});
        assert_result(rows[i].result, rows[i].problem);
    }
}

/* Several records at one name: the first that holds counts, of the first four. */
static void test_records(void **state)
{
    struct made *m = made_new();

    (void)state;
    add_signature(m, dkim_signer()->rsa, (struct how){0});
    add_record(m, "sel._domainkey.example.org", SLICE_LIT("v=spf1 -all"));
    add_key(m, dkim_signer()->ed25519, "");
    add_key(m, dkim_signer()->shorter, "");
    run(m, (struct play){0});
    assert_result(AUTH_POLICY, "the key has less than 1,024 bits");
    add_key(m, dkim_signer()->rsa, "n=x; ");
    run(m, (struct play){0});
    assert_result(AUTH_PASS, "");

    m = made_new();
    add_signature(m, dkim_signer()->rsa, (struct how){0});
    for (int i = 0; i < KEY_RECORDS_MOST; i++) {
        char text[20];
        add_record(m, "sel._domainkey.example.org",
                   (struct slice){text, (size_t)sprintf(text, "some text %d", i)});
    }
    add_key(m, dkim_signer()->rsa, "");
    run(m, (struct play){0});
    assert_result(AUTH_PERMERROR, "the key record is no list of tags");
}

/* ---- tags ---- */

static void test_times(void **state)
{
    static const struct {
        const char *tags;
        enum auth_result result;
        const char *problem;
    } rows[] = {
        {"t=1600000000;", AUTH_PASS, ""},
        {"t=1600000300;", AUTH_PASS, ""},
        {"t=1600000301;", AUTH_POLICY, "t= is in the future"},
        {"t=999999999999;", AUTH_POLICY, "t= is in the future"},
        {"t=1500000000; x=1600000001;", AUTH_PASS, ""},
        {"t=1500000000; x=1599999700;", AUTH_PASS, ""},
        {"t=1500000000; x=1599999699;", AUTH_PERMERROR, "the signature is expired"},
        {"x=1;", AUTH_PERMERROR, "the signature is expired"},
        {"t=1500000000; x=999999999999;", AUTH_PASS, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        run(made_with(dkim_signer()->rsa, "", (struct how){.tags = rows[i].tags}),
            (struct play){0});
        assert_result(rows[i].result, rows[i].problem);
    }
    run(made_with(dkim_signer()->rsa, "", (struct how){.tags = "t=1600000301;"}),
        (struct play){.wall = WALL + USEC_SEC});
    assert_result(AUTH_PASS, "");
}

static void test_length(void **state)
{
    (void)state;
    run(made_with(dkim_signer()->rsa, "", (struct how){.tags = "l=5;", .body = "Hi.\r\n"}),
        (struct play){0});
    assert_result(AUTH_PASS, "");
    assert_true(play.outcome.signatures->partial);
    run(made_with(dkim_signer()->rsa, "", (struct how){.tags = "l=0;", .body = ""}),
        (struct play){.body = "Buy this.\r\n"});
    assert_result(AUTH_PASS, "");
    assert_true(play.outcome.signatures->partial);
    run(made_with(dkim_signer()->rsa, "", (struct how){.tags = "l=26;"}), (struct play){0});
    assert_result(AUTH_PASS, "");
    assert_false(play.outcome.signatures->partial);
    run(made_with(dkim_signer()->rsa, "", (struct how){.tags = "l=27;"}), (struct play){0});
    assert_result(AUTH_PERMERROR, "l= is more than the body has");
    run(made_with(dkim_signer()->rsa, "",
                  (struct how){.tags = "l=99999999999999999999999999999999;"}),
        (struct play){0});
    assert_result(AUTH_PERMERROR, "l= is more than the body has");
}

/* What cannot be used is told without asking for its key. */
static void test_unusable(void **state)
{
    static const struct {
        const char *field;
        enum auth_result result;
        const char *problem;
    } rows[] = {
        {"synerr", AUTH_NEUTRAL, "not a list of tags"},
        {"v=1; a=rsa-sha256; d=example.org; s=sel; h=to; b=Zm9v; bh=Zm9v", AUTH_NEUTRAL,
         "bh= has a wrong length"},
        {"v=1; a=rsa-sha256; d=example.org; s=sel; h=to; b=Zm9v;"
         " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
         AUTH_PERMERROR, "From is not signed"},
        {"v=1; a=rsa-sha1; d=example.org; s=sel; h=from; b=Zm9v; bh=a1tsxn+Nkk390KsMynntsb/bycM=",
         AUTH_POLICY, "rsa-sha1 is not used any more"},
        {"v=0.5; a=rsa-sha1; d=example.org", AUTH_POLICY, "rsa-sha1 is not used any more"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct made *m = made_new();
        buf_printf(&m->signatures, "DKIM-Signature: %s\r\n", rows[i].field);
        run(m, (struct play){0});
        assert_result(rows[i].result, rows[i].problem);
        assert_int_equal(play.asked, 0);
    }
    struct made *m = made_new(); /* RFC 6376 6.1: none at all */
    run(m, (struct play){0});
    assert_int_equal(play.outcome.count, 0);
}

/* Names in h= take fields from the bottom up; one that finds none stands for nothing, and forbids
 * that one is added (RFC 6376 5.4.2, 8.15). */
static void test_fields(void **state)
{
    static const char twice[] = "Received: one\r\nFrom: a@example.org\r\nReceived: two\r\n";
    static const char added[] = "From: x@example.net\r\nReceived: one\r\nFrom: a@example.org\r\n"
                                "Received: two\r\n";
    const struct how once = {.fields = "received:From:received",
                             .fields_text =
                                 "Received: two\r\nFrom: a@example.org\r\nReceived: one\r\n"};
    const struct how over = {.fields = "received:from:received:from:x-none:received",
                             .fields_text = once.fields_text};

    (void)state;
    run(made_with(dkim_signer()->rsa, "", once), (struct play){.header = twice});
    assert_result(AUTH_PASS, "");
    run(made_with(dkim_signer()->rsa, "", once), (struct play){.header = added});
    assert_result(AUTH_PASS, "");
    run(made_with(dkim_signer()->rsa, "", over), (struct play){.header = twice});
    assert_result(AUTH_PASS, "");
    run(made_with(dkim_signer()->rsa, "", over), (struct play){.header = added});
    assert_result(AUTH_FAIL, "the signature does not match");

    /* A signature does not sign itself, but others. */
    struct made *m = made_new();
    buf_printf(&m->signatures, "DKIM-Signature: other\r\n");
    add_key(m, dkim_signer()->rsa, "");
    add_signature(
        m, dkim_signer()->rsa,
        (struct how){.fields = "from:dkim-signature:dkim-signature",
                     .fields_text = "From: Joe <joe@example.org>\r\nDKIM-Signature: other\r\n"});
    run(m, (struct play){0});
    assert_result(AUTH_PASS, "");
}

/* RFC 8616 5: names in Unicode are asked for as A-labels. */
static void test_unicode(void **state)
{
    struct made *m = made_new();
    struct buf b = {0};

    (void)state;
    add_record(m, "sel._domainkey.xn--bcher-kva.example",
               dkim_key_record(dkim_signer()->rsa, "", &b));
    add_signature(m, dkim_signer()->rsa, (struct how){.domain = "b\303\274cher.example"});
    run(m, (struct play){0});
    assert_result(AUTH_PASS, "");
    assert_slice(play.outcome.signatures->domain, "b\303\274cher.example");
    buf_free(&b);
}

/* ---- several, and many ---- */

static void test_several(void **state)
{
    struct made *m = made_new();
    struct buf b = {0};

    (void)state;
    buf_printf(&m->records, "$LATENCY 200ms\n");
    add_key(m, dkim_signer()->rsa, "");
    add_record(m, "sel._domainkey.a.example", dkim_key_record(dkim_signer()->ed25519, "", &b));
    add_signature(m, dkim_signer()->rsa, (struct how){0});
    add_signature(m, dkim_signer()->ed25519, (struct how){.domain = "a.example"});
    add_signature(m, dkim_signer()->rsa, (struct how){.domain = "b.example"});
    add_signature(m, dkim_signer()->rsa, (struct how){.body = "other"});
    run(m, (struct play){0});
    assert_int_equal(play.outcome.count, 4);
    assert_int_equal(play.outcome.signatures[0].result, AUTH_FAIL);
    assert_int_equal(play.outcome.signatures[1].result, AUTH_PERMERROR);
    assert_int_equal(play.outcome.signatures[2].result, AUTH_PASS);
    assert_int_equal(play.outcome.signatures[3].result, AUTH_PASS);
    /* Together, and each key once. */
    assert_int_equal(play.took, 200 * USEC_MSEC);
    assert_int_equal(play.asked, 3);

    run(m, (struct play){.cancelled_at = 100 * USEC_MSEC});
    assert_int_equal(play.r, -ECANCELED);
    buf_free(&b);
}

/* b= is shown to 8 octets, or as many as tell the signatures apart (RFC 6008). */
static void test_b(void **state)
{
    struct made *m = made_new();

    (void)state;
    buf_printf(&m->signatures, "DKIM-Signature: v=1; b=aaaa\r\n\taaaaaaB\r\n"
                               "DKIM-Signature: v=1; b=aaaaaaaaaaC1\r\n"
                               "DKIM-Signature: v=1; b=x\r\n");
    run(m, (struct play){0});
    assert_slice(play.outcome.signatures[0].b, "aaaaaaaaaaB");
    assert_slice(play.outcome.signatures[1].b, "aaaaaaaaaaC");
    assert_slice(play.outcome.signatures[2].b, "x");
}

static void test_too_many(void **state)
{
    struct made *m = made_new();

    (void)state;
    add_key(m, dkim_signer()->ed25519, "");
    for (int i = 0; i < 12; i++) {
        add_signature(m, dkim_signer()->ed25519, (struct how){0});
    }
    run(m, (struct play){0});
    assert_int_equal(play.outcome.count, DKIM_SIGNATURES_MOST);
    assert_int_equal(play.outcome.ignored, 2);
    for (size_t i = 0; i < play.outcome.count; i++) {
        assert_int_equal(play.outcome.signatures[i].result, AUTH_PASS);
    }

    /* Each with a hash of its own. */
    m = made_new();
    add_key(m, dkim_signer()->ed25519, "");
    for (int i = 0; i < DKIM_SIGNATURES_MOST; i++) {
        char tags[16];
        sprintf(tags, "l=%d;", i);
        add_signature(m, dkim_signer()->ed25519, (struct how){.tags = tags});
    }
    run(m, (struct play){0});
    for (size_t i = 0; i < play.outcome.count; i++) {
        const struct dkim_result *r = &play.outcome.signatures[i];
        assert_int_equal(r->result, i < BODY_HASHES_MOST ? AUTH_FAIL : AUTH_POLICY);
    }
}

/* The header as a whole. */
static void test_header_bounds(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_printf(&b, "%s", header);
    while (b.n < 1024 * 1024) {
        buf_printf(&b, "X-Filler: %0900d\r\n", 0);
    }
    buf_append(&b, "", 1);
    run(made_with(dkim_signer()->rsa, "", (struct how){0}), (struct play){.header = b.p});
    assert_result(AUTH_POLICY, "the header is larger than 256 KiB");
    assert_int_equal(play.asked, 0);
    assert_int_equal(signed_message_text(play.m).n, SIGNED_HEADER_MOST);

    for (int most = 0; most < 2; most++) { /* the signature's own field, and 3 of `header` */
        b.n = 0;
        for (int i = 4 + most; i <= SIGNED_FIELDS_MOST; i++) {
            buf_printf(&b, "A: %d\r\n", i);
        }
        buf_printf(&b, "%s%s", header, most ? "" : "A: one more\r\n");
        buf_append(&b, "", 1);
        run(made_with(dkim_signer()->rsa, "", (struct how){0}), (struct play){.header = b.p});
        assert_result(most ? AUTH_PASS : AUTH_POLICY,
                      most ? "" : "the header has more than 1,000 fields");
    }

    /* 10,000 signatures, of which some 25 fit: a second is a hundred times what it takes. */
    struct made *m = made_new();
    for (int i = 0; i < 10000; i++) {
        buf_printf(&m->signatures, "DKIM-Signature: v=1\r\n");
    }
    const clock_t began = clock();
    run(m, (struct play){0});
    assert_result(AUTH_POLICY, "the header has more than 1,000 fields");
    assert_int_equal(play.outcome.ignored, 9999);
    assert_true(clock() - began < CLOCKS_PER_SEC);
    buf_free(&b);
}

/* Every name in h= is searched for among all fields: the worst that both bounds allow. */
static void test_worst_fields(void **state)
{
    struct buf fields = {0}, b = {0};
    struct made *m = made_new();

    (void)state;
    buf_printf(&fields, "from");
    for (int i = 1; i < DKIM_FIELDS_MOST; i++) {
        buf_printf(&fields, ":x");
    }
    buf_append(&fields, "", 1);
    add_key(m, dkim_signer()->ed25519, "");
    for (int i = 0; i < DKIM_SIGNATURES_MOST; i++) {
        add_signature(m, dkim_signer()->ed25519, (struct how){.fields = fields.p});
    }
    for (int i = 0; i < 900; i++) {
        buf_printf(&b, "y: %d\r\n", i);
    }
    buf_printf(&b, "%s", header);
    buf_append(&b, "", 1);
    const clock_t began = clock();
    run(m, (struct play){.header = b.p});
    assert_int_equal(play.outcome.count, DKIM_SIGNATURES_MOST);
    assert_result(AUTH_FAIL, "the signature does not match");
    assert_true(clock() - began < CLOCKS_PER_SEC);
    buf_free(&fields);
    buf_free(&b);
}

/* Pieces of any size, and a header that nothing follows. */
static void test_pieces(void **state)
{
    struct made *m = made_with(dkim_signer()->rsa, "", (struct how){0});
    struct buf whole = {0};
    struct digest first = {{0}};

    (void)state;
    buf_printf(&whole, SLICE_FMT "%s\r\n%s", SLICE_ARG(buf_slice(&m->signatures)), header, BODY);
    for (size_t step = 1; step < whole.n; step++) {
        struct arena arena;
        arena_init(&arena);
        struct signed_message *s = signed_message_new(&arena);
        for (size_t at = 0; at < whole.n; at += step) {
            signed_message_feed(s, whole.p + at, step < whole.n - at ? step : whole.n - at);
        }
        signed_message_end(s);
        struct message_signatures found = signed_message_signatures(s, DKIM_SIGNATURE);
        assert_int_equal(found.count, 1);
        assert_int_equal(found.list[0].body, BODY_SAME);
        struct digest hash = signed_message_hash(s, &found.list[0]);
        if (step == 1) {
            first = hash;
        }
        assert_memory_equal(hash.octets, first.octets, sizeof(hash.octets));
        signed_message_free(s);
        arena_free(&arena);
    }
    buf_free(&whole);

    m = made_with(dkim_signer()->rsa, "", (struct how){.body = "\r\n"});
    run(m, (struct play){.body = ""});
    assert_result(AUTH_PASS, "");
}

/* What the header takes is counted, and given back; where there is no more nothing of it is kept.
 */
static void test_header_is_charged(void **state)
{
    static char octets[65536];
    struct budget budget;
    struct arena arena;

    (void)state;
    memset(octets, 'x', sizeof(octets));
    budget_init(&budget, 100000);
    arena_init(&arena);
    struct signed_message *m = signed_message_new(&arena);
    signed_message_charge(m, &budget);
    signed_message_feed(m, octets, 5000);
    assert_in_range(budget.used, 5000, 10000);
    signed_message_feed(m, octets, sizeof(octets));
    assert_in_range(budget.used, 5000 + sizeof(octets), 5000 + sizeof(octets) + 5000);
    assert_false(signed_message_lacks_memory(m));
    signed_message_feed(m, octets, sizeof(octets));
    assert_true(signed_message_lacks_memory(m));
    assert_int_equal(signed_message_text(m).n, 0);
    assert_int_equal(budget.used, 0);
    signed_message_feed(m, octets, sizeof(octets));
    signed_message_end(m);
    signed_message_free(m);

    m = signed_message_new(&arena);
    signed_message_charge(m, &budget);
    signed_message_feed(m, octets, 5000);
    signed_message_feed(m, "\r\n\r\n", 4);
    const size_t before = budget.used;
    signed_message_feed(m, octets, sizeof(octets)); /* the body takes nothing */
    assert_int_equal(budget.used, before);
    signed_message_end(m);
    signed_message_free(m);
    assert_int_equal(budget.used, 0);
    budget_fini(&budget);
    arena_free(&arena);
}

static int teardown(void **state)
{
    (void)state;
    end_play();
    (void)made_new();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pass),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_key_record),
        cmocka_unit_test(test_key_fits),
        cmocka_unit_test(test_large_keys),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_unusable),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_unicode),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_b),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_header_bounds),
        cmocka_unit_test(test_worst_fields),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_header_is_charged),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
