/* Signature fields of DKIM and ARC: every tag, what it may be, and what is read of a bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "parse/dkim_signature.h"
#include "parse/tag_list.h"

#define COUNT(array) (sizeof(array) / sizeof(array[0]))
#define BH           "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static void assert_slice(struct slice s, const char *wanted)
{
    assert_int_equal(s.n, strlen(wanted));
    assert_memory_equal(s.p, wanted, s.n);
}

/* A tag in a signature that is right otherwise; "-x" leaves x away. */
static const struct {
    const char *tag;
    const char *problem; /* "" for none */
    int r;
} rows[] = {
    {"z=From:x", "", 0},
    {"foo=bar", "", 0},
    {"-v", "there is no v=", -EBADMSG},
    {"v=0.5", "v= is not 1", -EBADMSG},
    {"v=01", "v= is not 1", -EBADMSG},
    {"-a", "there is no a=", -EBADMSG},
    {"a=RSA-SHA256", "", 0},
    {"a=rsa-sha512", "a= is an unknown algorithm", -EBADMSG},
    {"a=", "a= is an unknown algorithm", -EBADMSG},
    {"-b", "there is no b=", -EBADMSG},
    {"b=", "b= is not base64", -EBADMSG},
    {"b=Zm9v\r\n\tYg==", "", 0},
    {"b=Zm9v*", "b= is not base64", -EBADMSG},
    {"-bh", "there is no bh=", -EBADMSG},
    {"bh=", "bh= has a wrong length", -EBADMSG},
    {"bh=Zm9v", "bh= has a wrong length", -EBADMSG},
    {"bh=" BH BH, "bh= is not base64", -EBADMSG},
    {"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUAA", "bh= has a wrong length", -EBADMSG},
    {"-c", "", 0},
    {"c=simple", "", 0},
    {"c=relaxed/simple", "", 0},
    {"c=simple/Relaxed", "", 0},
    {"c=foobar", "c= is an unknown canonical form", -EBADMSG},
    {"c=relaxed/", "c= is an unknown canonical form", -EBADMSG},
    {"c=/relaxed", "c= is an unknown canonical form", -EBADMSG},
    {"c=relaxed/relaxed/simple", "c= is an unknown canonical form", -EBADMSG},
    {"-d", "there is no d=", -EBADMSG},
    {"d=", "d= is no domain", -EBADMSG},
    {"d=example", "d= is no domain", -EBADMSG},
    {"d=example.org.", "d= is no domain", -EBADMSG},
    {"d=-a.example.org", "d= is no domain", -EBADMSG},
    {"d=a b.example.org", "d= is no domain", -EBADMSG},
    {"d=b\303\274cher.example", "", 0},
    {"-s", "there is no s=", -EBADMSG},
    {"s=", "s= is no selector", -EBADMSG},
    {"s=a..b", "s= is no selector", -EBADMSG},
    {"s=a.b_c.d-e", "", 0},
    {"s=a/b", "s= is no selector", -EBADMSG},
    {"-h", "there is no h=", -EBADMSG},
    {"h=", "h= is no list of fields", -EBADMSG},
    {"h=from:", "h= is no list of fields", -EBADMSG},
    {"h=to:fr om", "h= is no list of fields", -EBADMSG},
    {"h=to : FROM\r\n :from", "", 0},
    {"h=to:subject:x-from", "From is not signed", -ENODATA},
    {"i=@example.org", "", 0},
    {"i=", "i= is no address", -EBADMSG},
    {"i=example.org", "i= is no address", -EBADMSG},
    {"i=a@b=40c@Sub.Example.ORG", "", 0},
    {"i=a=40example.org", "", 0},
    {"i=a@example.com", "i= is not at d= or below", -EBADMSG},
    {"i=a@badexample.org", "i= is not at d= or below", -EBADMSG},
    {"i=a@org", "i= is no address", -EBADMSG},
    {"i=a=4@example.org", "i= is no address", -EBADMSG},
    {"i=a=0A@example.org", "i= is no address", -EBADMSG},
    {"i=a@example.org=4", "i= is no address", -EBADMSG},
    {"i=@b\303\274cher.example.org", "", 0},
    {"d=b\303\274cher.example; i=a@sub.xn--bcher-kva.example", "", 0}, /* RFC 8616 5 */
    {"d=xn--bcher-kva.example; i=a@b\303\274cher.example", "", 0},
    {"d=b\303\274cher.example; i=a@xn--bcher-kvb.example", "i= is not at d= or below", -EBADMSG},
    {"d=a\357\277\275b.example", "d= is no domain", -EBADMSG},
    {"l=0", "", 0},
    {"l=9999999999999999999999999999", "", 0},
    {"l=-1", "l= is no number", -EBADMSG},
    {"l=", "l= is no number", -EBADMSG},
    {"q=dns/txt", "", 0},
    {"q=foo/bar:dns/txt:exam/ple", "", 0},
    {"q=dns", "q= is no known way to get the key", -EBADMSG},
    {"t=1", "", 0},
    {"t=yesterday", "t= is no time", -EBADMSG},
    {"t=1234567890123", "t= is no time", -EBADMSG},
    {"x=2000000000", "", 0},
    {"x=1500000000", "x= is not later than t=", -EBADMSG},
    {"x=0", "x= is not later than t=", -EBADMSG},
    {"x=never", "x= is no time", -EBADMSG},
    {"c=nofws; l=x", "c= is an unknown canonical form",
     -EBADMSG}, /* the first one in our order is told */
    {"d=example.org; d=example.org", "a tag occurs twice", -EBADMSG},
    {"nothing", "not a list of tags", -EBADMSG},
};

static const char whole[] = "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=sel; "
                            "h=from:to; t=1500000000; bh=" BH "; b=Zm9vYmFy";

/* The whole one with a tag in place of its own, or left away. */
static struct buf with(const char *tag)
{
    struct tag_list list;
    struct buf b = {0};
    size_t n = strcspn(tag, "=");
    bool away = tag[0] == '-';

    assert_int_equal(tag_list_parse(slice_of(whole), &list), 0);
    for (size_t i = 0; i < list.count; i++) {
        struct slice name = list.tags[i].name;
        if (!slice_eq(name, (struct slice){tag + away, n - away})) {
            buf_printf(&b, SLICE_FMT "=" SLICE_FMT "; ", SLICE_ARG(name),
                       SLICE_ARG(list.tags[i].value));
        }
    }
    buf_printf(&b, "%s", away ? "" : tag);
    return b;
}

static void test_tags(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf b = with(rows[i].tag);
        struct dkim_signature s;
        int r = dkim_signature_parse(buf_slice(&b), DKIM_SIGNATURE, &s);

        if (r != rows[i].r || strcmp(s.problem, rows[i].problem) != 0) {
            fail_msg("%s: %d, \"%s\"", rows[i].tag, r, s.problem);
        }
        buf_free(&b);
    }
}

static void test_values(void **state)
{
    static const struct slice text = SLICE_LIT(
        " v=1; a=ed25519-sha256; c=relaxed; d=Example.org;\r\n\ts=sel.sub; l=12; h=a:From;"
        " t=5; x=9; i=j=20q@sub.example.org; bh=" BH ";\r\n\tb= Zm9v\r\n\t YmFy ; z=9");
    struct dkim_signature s;

    (void)state;
    assert_int_equal(dkim_signature_parse(text, DKIM_SIGNATURE, &s), 0);
    assert_slice(s.domain, "Example.org");
    assert_slice(s.selector, "sel.sub");
    assert_slice(s.identity, "j q@sub.example.org");
    assert_true(s.below);
    assert_slice(s.algorithm_text, "ed25519-sha256");
    assert_int_equal(s.algorithm, DKIM_ED25519_SHA256);
    assert_int_equal(s.header, CANONICAL_RELAXED);
    assert_int_equal(s.body, CANONICAL_SIMPLE);
    assert_slice(s.fields, "a:From");
    assert_int_equal(s.length, 12);
    assert_int_equal(s.signed_at, 5);
    assert_int_equal(s.expires, 9);
    assert_slice(s.b, "Zm9v\r\n\t YmFy");
    assert_slice(s.hole, " Zm9v\r\n\t YmFy ");
    assert_int_equal(s.signature_count, 6);
    assert_memory_equal(s.signature, "foobar", 6);
    assert_memory_equal(s.body_hash, "\xe3\xb0\xc4\x42", 4);

    assert_int_equal(dkim_signature_parse(slice_of(whole), DKIM_SIGNATURE, &s), 0);
    assert_slice(s.identity, "@example.org");
    assert_true(s.length == UINT64_MAX && s.expires == UINT64_MAX);
}

/* What could be read of a bad one is there, to be named in a result. */
static void test_bad(void **state)
{
    static const struct slice text =
        SLICE_LIT("v=1; a=rsa-sha1; c=who; d=example.org; s=sel; h=to; bh=Zm9v; b=Zm9vYmFy");
    struct dkim_signature s;

    (void)state;
    assert_int_equal(dkim_signature_parse(text, DKIM_SIGNATURE, &s), -EBADMSG);
    assert_string_equal(s.problem, "c= is an unknown canonical form");
    assert_slice(s.domain, "example.org");
    assert_slice(s.identity, "@example.org");
    assert_slice(s.b, "Zm9vYmFy");
    assert_int_equal(s.algorithm, DKIM_RSA_SHA1);
    assert_int_equal(dkim_signature_parse(SLICE_LIT("synerr"), DKIM_SIGNATURE, &s), -EBADMSG);
    assert_true(s.domain.n == 0 && s.identity.n == 0 && s.b.n == 0);
}

static void test_bounds(void **state)
{
    struct buf b = {0};
    struct dkim_signature s;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        buf_printf(&b, "x%d=1;", i);
    }
    assert_int_equal(dkim_signature_parse(buf_slice(&b), DKIM_SIGNATURE, &s), -E2BIG);
    assert_string_equal(s.problem, "more than 100 tags");
    b.n = 0;
    buf_printf(&b, "%s; z=", whole);
    while (b.n <= DKIM_FIELD_MOST) {
        buf_append(&b, "x", 1);
    }
    assert_int_equal(dkim_signature_parse(buf_slice(&b), DKIM_SIGNATURE, &s), -E2BIG);
    assert_string_equal(s.problem, "the field is too long");
    b.n--;
    assert_int_equal(dkim_signature_parse(buf_slice(&b), DKIM_SIGNATURE, &s), 0);

    b.n = 0;
    buf_printf(&b, "h=from");
    for (int i = 1; i < DKIM_FIELDS_MOST; i++) {
        buf_append(&b, ":x", 2);
    }
    buf_append(&b, "", 1);
    struct buf names = with(b.p);
    assert_int_equal(dkim_signature_parse(buf_slice(&names), DKIM_SIGNATURE, &s), 0);
    buf_free(&names);
    b.p[b.n - 1] = ':';
    buf_append(&b, "x", 2);
    names = with(b.p);
    assert_int_equal(dkim_signature_parse(buf_slice(&names), DKIM_SIGNATURE, &s), -E2BIG);
    assert_string_equal(s.problem, "h= has more than 500 names");
    buf_free(&names);
    buf_free(&b);

    /* b= and i= that are too long. */
    for (int i = 0; i < 2; i++) {
        struct buf tag = {0};
        buf_printf(&tag, "%s", i == 0 ? "b=" : "i=");
        for (int k = 0; k < 172; k++) {
            buf_append(&tag, "AAAA", 4);
        }
        buf_printf(&tag, "%s", i == 0 ? "" : "@example.org");
        buf_append(&tag, "", 1);
        struct buf text = with(tag.p);
        assert_int_equal(dkim_signature_parse(buf_slice(&text), DKIM_SIGNATURE, &s), -EBADMSG);
        assert_string_equal(s.problem, i == 0 ? "b= is too long" : "i= is no address");
        buf_free(&text);
        buf_free(&tag);
    }
}

static void test_arc(void **state)
{
    static const struct slice seal = SLICE_LIT(
        "i=12; a=rsa-sha256; t=5; cv=none; d=example.org; s=sel; c=simple; v=7; x=1; b=Zm9vYmFy");
    struct buf b = with("i=3");
    struct dkim_signature s;

    (void)state;
    assert_int_equal(dkim_signature_parse(buf_slice(&b), ARC_MESSAGE_SIGNATURE, &s), 0);
    assert_int_equal(s.instance, 3);
    assert_int_equal(s.body, CANONICAL_RELAXED);
    buf_free(&b);
    b = with("h=to; i=0");
    assert_int_equal(dkim_signature_parse(buf_slice(&b), ARC_MESSAGE_SIGNATURE, &s), -EBADMSG);
    assert_string_equal(s.problem, "i= is no instance");
    buf_free(&b);
    assert_int_equal(dkim_signature_parse(slice_of(whole), ARC_MESSAGE_SIGNATURE, &s), -EBADMSG);
    assert_string_equal(s.problem, "there is no i=");
    static const struct {
        const char *tags;
        const char *problem;
    } signs[] = {
        {"h=; i=3", ""},
        {"h=from::to:; i=3", ""},
        {"h=from:arc-message-signature; i=3", ""},
        {"h=from:Arc-Seal :to; i=3", "h= has ARC-Seal in it"},
        {"h=from:a b; i=3", "h= is no list of fields"},
    };
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        b = with(signs[i].tags);
        assert_int_equal(dkim_signature_parse(buf_slice(&b), ARC_MESSAGE_SIGNATURE, &s),
                         signs[i].problem[0] != '\0' ? -EBADMSG : 0);
        assert_string_equal(s.problem, signs[i].problem);
        buf_free(&b);
    }

    assert_int_equal(dkim_signature_parse(seal, ARC_SEAL, &s), 0);
    assert_slice(s.chain, "none");
    assert_int_equal(s.instance, 12);
    assert_int_equal(s.header, CANONICAL_RELAXED);
    assert_int_equal(dkim_signature_parse(SLICE_LIT("i=1; a=rsa-sha256; cv=none; d=a.example; s=s; "
                                                    "h=from; b=Zm9v"),
                                          ARC_SEAL, &s),
                     -EBADMSG);
    assert_string_equal(s.problem, "h= may not be there");
    assert_int_equal(dkim_signature_parse(SLICE_LIT("i=1; a=rsa-sha256; d=a.example; s=s; b=Zm9v"),
                                          ARC_SEAL, &s),
                     -EBADMSG);
    assert_string_equal(s.problem, "there is no cv=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),   cmocka_unit_test(test_values), cmocka_unit_test(test_bad),
        cmocka_unit_test(test_bounds), cmocka_unit_test(test_arc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
