/* ARC's verdicts: chains that hold and chains that do not, keys that cannot be had, since when the
 * message is unchanged, and what the longest chain costs. The chains are sealed here; that others
 * seal them in the same way is for the suite and the peers to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/arc.h"
#include "dkim_signer.h"
#include "dns_world.h"
#include "parse/arc_set.h"
#include "rt/rt.h"

#define WALL ((usec_t)1600000000 * USEC_SEC)
#define BODY "Hi.\r\n"

/* ---- a chain. All fields are in relaxed form already: what is signed is what stands there. ----
 */

#define FROM "from:joe@example.org\r\n"
#define TO   "to:suzie@example.net\r\n"

struct how {
    EVP_PKEY *key;                          /* NULL: RSA */
    const char *selector, *seal_selector;   /* NULL: "s" */
    const char *cv;                         /* NULL: as its place asks for */
    const char *algorithm, *seal_algorithm; /* NULL: the key's */
    const char *tags;                       /* further ones of the signature, ";" behind each */
    const char *fields, *fields_text;       /* h= and what that means; NULL: from:to */
    const char *body;                       /* NULL: BODY */
    bool bad_signature, bad_seal;           /* somebody else's */
};

static struct chain {
    struct buf below;  /* what a seal signs of the sets below */
    struct buf header; /* the newest set on top */
    struct buf zone;
    unsigned count;
} chain;

static void begin(void)
{
    buf_free(&chain.below);
    buf_free(&chain.header);
    buf_free(&chain.zone);
    chain.count = 0;
}

/* SELECTOR._domainkey.example.org has that key. */
static void add_key(const char *selector, EVP_PKEY *key)
{
    struct buf b = {0};
    struct slice record = dkim_key_record(key, "", &b);

    buf_printf(&chain.zone, "%s._domainkey.example.org. TXT", selector);
    for (size_t at = 0; at < record.n; at += 200) { /* a string has 255 octets at most */
        buf_printf(&chain.zone, " \"%.*s\"", (int)(record.n - at < 200 ? record.n - at : 200),
                   record.p + at);
    }
    buf_printf(&chain.zone, "\n");
    buf_free(&b);
}

static const char *usual(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

static void append_signature(struct buf *field, struct slice signed_text, EVP_PKEY *key, bool bad)
{
    const struct slice other = SLICE_LIT("another text");

    dkim_sign(key, bad ? other : signed_text, field);
    buf_printf(field, "\r\n");
}

static void append_ams(struct buf *ret, EVP_PKEY *key, const struct how *how)
{
    struct buf text = {0}, hash = {0};

    buf_printf(ret,
               "arc-message-signature:i=%u; a=%s; c=relaxed/relaxed; d=example.org; s=%s; %sh=%s; "
               "bh=" SLICE_FMT "; b=",
               chain.count,
               usual(how->algorithm, EVP_PKEY_is_a(key, "RSA") ? "rsa-sha256" : "ed25519-sha256"),
               usual(how->selector, "s"), usual(how->tags, ""), usual(how->fields, "from:to"),
               SLICE_ARG(dkim_body_hash(usual(how->body, BODY), &hash)));
    buf_printf(&text, "%s" SLICE_FMT, usual(how->fields_text, FROM TO), SLICE_ARG(buf_slice(ret)));
    append_signature(ret, buf_slice(&text), key, how->bad_signature);
    buf_free(&text);
    buf_free(&hash);
}

/* A further set on top. */
static void seal(struct how how)
{
    EVP_PKEY *key = how.key != NULL ? how.key : dkim_signer()->rsa;
    struct buf ams = {0}, as = {0}, text = {0};

    chain.count++;
    append_ams(&ams, key, &how);
    buf_printf(
        &as, "arc-seal:i=%u; a=%s; cv=%s; d=example.org; s=%s; b=", chain.count,
        usual(how.seal_algorithm, EVP_PKEY_is_a(key, "RSA") ? "rsa-sha256" : "ed25519-sha256"),
        usual(how.cv, chain.count == 1 ? "none" : "pass"), usual(how.seal_selector, "s"));
    buf_printf(&chain.below, "arc-authentication-results:i=%u; mx%u.example; none\r\n" SLICE_FMT,
               chain.count, chain.count, SLICE_ARG(buf_slice(&ams)));
    buf_printf(&text, SLICE_FMT SLICE_FMT, SLICE_ARG(buf_slice(&chain.below)),
               SLICE_ARG(buf_slice(&as)));
    append_signature(&as, buf_slice(&text), key, how.bad_seal);
    buf_append_slice(&chain.below, buf_slice(&as));
    text.n = 0;
    buf_printf(&text,
               SLICE_FMT SLICE_FMT
               "arc-authentication-results:i=%u; mx%u.example; none\r\n" SLICE_FMT,
               SLICE_ARG(buf_slice(&as)), SLICE_ARG(buf_slice(&ams)), chain.count, chain.count,
               SLICE_ARG(buf_slice(&chain.header)));
    buf_free(&chain.header);
    chain.header = text;
    buf_free(&ams);
    buf_free(&as);
}

/* ---- validating it ---- */

struct play {
    const char *top, *fields, *body; /* NULL: nothing, FROM TO, BODY */
    bool no_resolver, cancelled;
    usec_t deadline; /* 0: that of dns_world_clock */

    struct signed_message *m;
    struct arc_outcome outcome;
    uint64_t asked;
    usec_t took;
    int rc;
};

static struct play play;
static struct dns_world world;

static void validate(struct dns_world *w)
{
    struct auth_clock clock = dns_world_clock();
    const char *parts[] = {usual(play.top, ""), usual(play.fields, FROM TO), "\r\n",
                           usual(play.body, BODY)};
    struct scope scope;

    clock.wall = WALL;
    clock.deadline = play.deadline > 0 ? rt_now() + play.deadline : clock.deadline;
    signed_message_feed(play.m, parts[0], strlen(parts[0]));
    signed_message_feed(play.m, chain.header.p, chain.header.n);
    for (size_t i = 1; i < COUNT(parts); i++) {
        signed_message_feed(play.m, parts[i], strlen(parts[i]));
    }
    signed_message_end(play.m);
    scope_enter(&scope);
    if (play.cancelled) {
        scope_cancel(&scope, -ECONNRESET);
    }
    const usec_t began = rt_now();
    play.rc =
        arc_verify(play.m, play.no_resolver ? NULL : w->resolver, &clock, &w->arena, &play.outcome);
    play.took = rt_now() - began;
    scope_leave(&scope);
}

static void end_play(void)
{
    if (play.m != NULL) {
        play.m = signed_message_free(play.m);
        dns_world_fini(&world);
    }
}

/* The outcome stands in `play` until the next one. */
static void run(struct play how)
{
    end_play();
    play = how;
    buf_append(&chain.zone, "", 1);
    chain.zone.n--;
    dns_world_init(&world, chain.zone.p);
    play.m = signed_message_new(&world.arena);
    dns_world_do(&world, validate);
    play.asked = resolver_stats(world.resolver)->asked;
    assert_int_equal(play.rc, play.cancelled ? -ECANCELED : 0);
}

static void assert_slice(struct slice s, const char *wanted)
{
    if (!slice_eq(s, slice_of(wanted))) {
        fail_msg("\"" SLICE_FMT "\", not \"%s\"", SLICE_ARG(s), wanted);
    }
}

static void assert_status(enum auth_result result, const char *problem)
{
    if (play.outcome.result != result) {
        fail_msg("%s: " SLICE_FMT, auth_result_name(play.outcome.result),
                 SLICE_ARG(play.outcome.problem));
    }
    assert_slice(play.outcome.problem, problem);
}

/* ---- chains that hold ---- */

static void holds(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        begin();
        add_key("s", dkim_signer()->rsa);
        for (unsigned i = 0; i < n; i++) {
            seal((struct how){0});
        }
        run((struct play){0});
        assert_status(AUTH_PASS, "");
        assert_int_equal(play.outcome.count, n);
        assert_int_equal(play.outcome.oldest_pass, 0);
        assert_true(play.outcome.from_signed);
        assert_int_equal(play.asked, 1); /* they all have the same key */
        for (unsigned i = 0; i < n; i++) {
            const struct arc_set *set = &play.outcome.sets[i];
            char results[64];
            snprintf(results, sizeof(results), " mx%u.example; none", n - i);
            assert_int_equal(set->instance, n - i);
            assert_slice(set->domain, "example.org");
            assert_slice(set->selector, "s");
            assert_slice(set->results, results);
            assert_int_equal(set->seal, AUTH_PASS);
            assert_int_equal(set->message, AUTH_PASS);
        }
    }
}

static void none(void **state)
{
    (void)state;
    begin();
    run((struct play){0});
    assert_status(AUTH_NONE, "");
    assert_int_equal(play.outcome.count, 0);
    run((struct play){.no_resolver = true});
    assert_status(AUTH_NONE, "");
}

/* RFC 8463's signatures, and different keys in one set. */
static void other_keys(void **state)
{
    const struct dkim_signer *s = dkim_signer();

    (void)state;
    begin();
    add_key("s", s->rsa);
    add_key("a", s->ed25519);
    add_key("b", s->ed25519);
    seal((struct how){0});
    seal((struct how){.key = s->ed25519, .selector = "a", .seal_selector = "b"});
    run((struct play){0});
    assert_status(AUTH_PASS, "");
    assert_int_equal(play.asked, 3);
    assert_slice(play.outcome.sets[0].selector, "b");

    begin();
    add_key("s", s->shorter);
    seal((struct how){.key = s->shorter});
    run((struct play){0});
    assert_status(AUTH_FAIL, "set 1: the key has less than 1,024 bits");
}

/* White space and case that do not count in relaxed form, and white space that does. */
static void refolded(void **state)
{
    static const struct {
        const char *was, *is;
        const char *problem;
    } others[] = {
        {"arc-seal:i=", "ARC-Seal :   \r\n\ti=", ""},
        {"results:i=1; mx1", "Results: i=1;\r\n  mx1", ""},
        {"; c=relaxed", ";\r\n c=relaxed", ""},
        {"; cv=none", ";cv=none", "set 1, the seal: the signature does not match"},
        {"i=1; mx1", "i=1;mx1", "set 1, the seal: the signature does not match"},
        {"; c=relaxed", ";c=relaxed", "set 1: the signature does not match"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        struct buf changed = {0};
        begin();
        add_key("s", dkim_signer()->rsa);
        seal((struct how){0});
        buf_append(&chain.header, "", 1);
        char *at = strstr(chain.header.p, others[i].was);
        assert_non_null(at);
        buf_printf(&changed, "%.*s%s%s", (int)(at - chain.header.p), chain.header.p, others[i].is,
                   at + strlen(others[i].was));
        buf_free(&chain.header);
        chain.header = changed;
        run((struct play){0});
        assert_status(others[i].problem[0] != '\0' ? AUTH_FAIL : AUTH_PASS, others[i].problem);
    }
}

/* ---- chains that do not ---- */

static void broken(void **state)
{
    (void)state;
    begin();
    add_key("s", dkim_signer()->rsa);
    seal((struct how){0});
    seal((struct how){0});
    run((struct play){.body = "Hi!\r\n"});
    assert_status(AUTH_FAIL, "set 2: the body was changed");
    assert_int_equal(play.asked, 0);
    run((struct play){.fields = "from:eve@example.org\r\n" TO});
    assert_status(AUTH_FAIL, "set 2: the signature does not match");
    assert_int_equal(play.outcome.sets[0].message, AUTH_FAIL);
    assert_int_equal(play.outcome.sets[0].seal, AUTH_NONE);
    run((struct play){.top = "arc-seal:i=3; a=rsa-sha256; cv=fail; d=e.f; s=s; b=AAAA\r\n"});
    assert_status(AUTH_FAIL, "set 3: a field is missing");
    assert_int_equal(play.outcome.count, 0);

    for (unsigned i = 1; i <= 3; i++) {
        char problem[64];
        begin();
        add_key("s", dkim_signer()->rsa);
        for (unsigned k = 1; k <= 3; k++) {
            seal((struct how){.bad_seal = k == i});
        }
        run((struct play){0});
        snprintf(problem, sizeof(problem), "set %u, the seal: the signature does not match", i);
        assert_status(AUTH_FAIL, problem);
        assert_int_equal(play.outcome.sets[3 - i].seal, AUTH_FAIL);
    }
}

/* What a signature or a seal says for itself. */
static void on_its_face(void **state)
{
    static const struct {
        struct how how;
        const char *problem;
    } rows[] = {
        {{.tags = "t=1600000400; "}, "set 1: t= is in the future"},
        {{.tags = "x=1599999000; "}, "set 1: the signature is expired"},
        {{.tags = "l=100; "}, "set 1: l= is more than the body has"},
        {{.tags = "q=smoke/signals; "}, "set 1: q= is no known way to get the key"},
        {{.algorithm = "rsa-sha1"}, "set 1: rsa-sha1 is not used any more"},
        {{.seal_algorithm = "rsa-sha1"}, "set 1, the seal: rsa-sha1 is not used any more"},
        {{.fields = "from:arc-seal"}, "set 1: h= has ARC-Seal in it"},
        {{.cv = "fail"}, "set 1: its sealer found the chain broken"},
        {{.cv = "pass"}, "set 1: cv= is not what its place asks for"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin();
        add_key("s", dkim_signer()->rsa);
        seal(rows[i].how);
        run((struct play){0});
        assert_status(AUTH_FAIL, rows[i].problem);
        assert_int_equal(play.asked, 0);
    }
    begin();
    add_key("s", dkim_signer()->rsa);
    seal((struct how){.tags = "t=1600000200; x=1600000300; "});
    run((struct play){0});
    assert_status(AUTH_PASS, "");
}

/* Nothing demands that From is signed; it is told. */
static void without_from(void **state)
{
    (void)state;
    begin();
    add_key("s", dkim_signer()->rsa);
    seal((struct how){0});
    seal((struct how){.fields = "to", .fields_text = TO});
    run((struct play){0});
    assert_status(AUTH_PASS, "");
    assert_false(play.outcome.from_signed);
    begin();
    add_key("s", dkim_signer()->rsa);
    seal((struct how){.fields = ":to::", .fields_text = TO});
    run((struct play){.fields = "no field\r\n" FROM TO});
    assert_status(AUTH_PASS, "");
    assert_false(play.outcome.from_signed);
}

/* A header that is not looked at. */
static void too_large(void **state)
{
    static char filler[SIGNED_HEADER_MOST + 64];

    (void)state;
    memset(filler, 'x', sizeof(filler) - 3);
    memcpy(filler, "x-filler:", 9);
    memcpy(filler + sizeof(filler) - 3, "\r\n", 3);
    begin();
    add_key("s", dkim_signer()->rsa);
    seal((struct how){0});
    run((struct play){.fields = filler});
    assert_status(AUTH_FAIL, "the header is larger than 256 KiB");
    assert_int_equal(play.asked, 0);
    begin();
    run((struct play){.fields = filler});
    assert_status(AUTH_NONE, "");
}

/* ---- the DNS ---- */

#define NOT_HAD "the key could not be looked up"

static void no_answer(void **state)
{
    static const char *const failures[] = {"TIMEOUT", "SERVFAIL", "BOGUS"};

    (void)state;
    for (size_t i = 0; i < COUNT(failures); i++) {
        begin();
        buf_printf(&chain.zone, "s._domainkey.example.org. %s\n", failures[i]);
        seal((struct how){0});
        run((struct play){0});
        assert_status(AUTH_TEMPERROR, "set 1: " NOT_HAD);
        assert_int_equal(play.outcome.sets[0].message, AUTH_TEMPERROR);

        begin();
        buf_printf(&chain.zone, "other._domainkey.example.org. %s\n", failures[i]);
        add_key("s", dkim_signer()->rsa);
        seal((struct how){.seal_selector = "other"});
        seal((struct how){0});
        run((struct play){0});
        assert_status(AUTH_TEMPERROR, "set 1, the seal: " NOT_HAD);
        run((struct play){.body = "changed\r\n"});
        assert_status(AUTH_FAIL, "set 2: the body was changed");
    }
    run((struct play){.no_resolver = true});
    assert_status(AUTH_TEMPERROR, "set 2: " NOT_HAD);
    run((struct play){.cancelled = true});
}

/* Two rounds of questions, each as long as one may be waited for, and none beyond the deadline. */
static void time_for_it(void **state)
{
    (void)state;
    begin();
    buf_printf(&chain.zone, "other._domainkey.example.org. TIMEOUT\n"
                            "silent._domainkey.example.org. TIMEOUT\n");
    add_key("s", dkim_signer()->rsa);
    seal((struct how){.selector = "silent", .seal_selector = "other"});
    seal((struct how){0});
    run((struct play){0});
    assert_status(AUTH_TEMPERROR, "set 1, the seal: " NOT_HAD);
    assert_int_equal(play.took, 5 * USEC_SEC);
    run((struct play){.deadline = 2 * USEC_SEC});
    assert_status(AUTH_TEMPERROR, "set 1, the seal: " NOT_HAD);
    assert_int_equal(play.took, 2 * USEC_SEC);
}

/* What fails for good fails the chain, whatever else is unknown. */
static void failure_wins(void **state)
{
    (void)state;
    begin();
    buf_printf(&chain.zone, "other._domainkey.example.org. TIMEOUT\n");
    add_key("s", dkim_signer()->rsa);
    seal((struct how){.bad_seal = true});
    seal((struct how){.seal_selector = "other"});
    seal((struct how){0});
    run((struct play){0});
    assert_status(AUTH_FAIL, "set 1, the seal: the signature does not match");
    assert_int_equal(play.outcome.sets[1].seal, AUTH_TEMPERROR);

    /* A forged seal, above a signature whose key its author has put out of reach. */
    begin();
    buf_printf(&chain.zone, "other._domainkey.example.org. SERVFAIL\n");
    add_key("s", dkim_signer()->rsa);
    seal((struct how){.selector = "other", .bad_seal = true});
    run((struct play){0});
    assert_status(AUTH_FAIL, "set 1, the seal: the signature does not match");
    assert_int_equal(play.outcome.sets[0].message, AUTH_TEMPERROR);
}

static void no_key(void **state)
{
    (void)state;
    begin();
    seal((struct how){0});
    run((struct play){0});
    assert_status(AUTH_FAIL, "set 1: there is no key");
    begin();
    add_key("s", dkim_signer()->rsa);
    seal((struct how){.seal_selector = "other"});
    run((struct play){0});
    assert_status(AUTH_FAIL, "set 1, the seal: there is no key");
}

/* ---- step 5 ---- */

static void oldest_pass(void **state)
{
    (void)state;
    begin();
    add_key("s", dkim_signer()->rsa);
    seal((struct how){0});
    seal((struct how){.body = "before the list\r\n"});
    seal((struct how){0});
    seal((struct how){0});
    run((struct play){0});
    assert_status(AUTH_PASS, "");
    assert_int_equal(play.outcome.oldest_pass, 3);
    assert_int_equal(play.outcome.sets[1].message, AUTH_PASS);
    assert_int_equal(play.outcome.sets[2].message, AUTH_FAIL);
    assert_int_equal(play.outcome.sets[3].message, AUTH_NONE); /* not looked at */

    begin();
    add_key("s", dkim_signer()->rsa);
    add_key("other", dkim_signer()->rsa);
    seal((struct how){.selector = "other"});
    seal((struct how){.body = "before the list\r\n"});
    seal((struct how){0});
    run((struct play){0});
    assert_status(AUTH_PASS, "");
    assert_int_equal(play.outcome.oldest_pass, 3);
    assert_int_equal(play.asked, 1); /* nor asked for */

    begin();
    add_key("s", dkim_signer()->rsa);
    seal((struct how){.bad_signature = true});
    seal((struct how){0});
    run((struct play){0});
    assert_status(AUTH_PASS, "");
    assert_int_equal(play.outcome.oldest_pass, 2);
    assert_int_equal(play.outcome.sets[1].message, AUTH_FAIL);

    begin();
    add_key("s", dkim_signer()->rsa);
    buf_printf(&chain.zone, "other._domainkey.example.org. TIMEOUT\n");
    seal((struct how){.selector = "other"});
    seal((struct how){0});
    run((struct play){0});
    assert_status(AUTH_PASS, "");
    assert_int_equal(play.outcome.oldest_pass, 2);
    assert_int_equal(play.outcome.sets[1].message, AUTH_TEMPERROR);
    /* One of a kind that is unknown here is no reason either. */
    begin();
    add_key("s", dkim_signer()->rsa);
    seal((struct how){.algorithm = "dilithium-sha3"});
    seal((struct how){0});
    run((struct play){0});
    assert_status(AUTH_PASS, "");
    assert_int_equal(play.outcome.oldest_pass, 2);
}

/* ---- what it costs ---- */

/* The longest chain, every key another one, and then one field more. */
static void longest(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 1; i <= ARC_SETS_MOST; i++) {
        char a[16], b[16];
        snprintf(a, sizeof(a), "a%u", i);
        snprintf(b, sizeof(b), "b%u", i);
        add_key(a, dkim_signer()->ed25519);
        add_key(b, dkim_signer()->ed25519);
        seal((struct how){.key = dkim_signer()->ed25519, .selector = a, .seal_selector = b});
    }
    run((struct play){0});
    assert_status(AUTH_PASS, "");
    assert_int_equal(play.outcome.count, ARC_SETS_MOST);
    assert_int_equal(play.outcome.oldest_pass, ARC_SETS_MOST - ARC_OLDER_MOST);
    assert_int_equal(play.asked, ARC_SETS_MOST + 1 + ARC_OLDER_MOST);
    run((struct play){.fields = "from:eve@example.org\r\n" TO});
    assert_status(AUTH_FAIL, "set 50: the signature does not match");
    assert_int_equal(play.asked, 2);
    seal((struct how){.key = dkim_signer()->ed25519});
    run((struct play){0});
    assert_status(AUTH_FAIL, "an instance is not 1 to 50");
    assert_int_equal(play.asked, 0);
}

static int group_end(void **state)
{
    (void)state;
    end_play();
    begin();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds),        cmocka_unit_test(none),
        cmocka_unit_test(other_keys),   cmocka_unit_test(refolded),
        cmocka_unit_test(broken),       cmocka_unit_test(on_its_face),
        cmocka_unit_test(without_from), cmocka_unit_test(too_large),
        cmocka_unit_test(no_answer),    cmocka_unit_test(time_for_it),
        cmocka_unit_test(failure_wins), cmocka_unit_test(no_key),
        cmocka_unit_test(oldest_pass),  cmocka_unit_test(longest),
    };

    return cmocka_run_group_tests(tests, NULL, group_end);
}
