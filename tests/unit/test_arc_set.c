/* ARC sets: which fields make a chain, what is none, and what the seals say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "parse/arc_set.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define AAR(i)       "ARC-Authentication-Results: i=" #i "; mx.example; none\r\n"
#define AMS(i)       "ARC-Message-Signature: i=" #i "; a=rsa-sha256; b=AAAA\r\n"
#define AS(i, cv)                                                                                  \
    "ARC-Seal: i=" #i "; a=rsa-sha256; cv=" cv "; d=example.org; s=k;\r\n\tb=AA\r\n AA\r\n"
#define SEAL(tags) AAR(1) AMS(1) "ARC-Seal: " tags "\r\n"

static struct arc_chain chain;

/* In memory of exactly that length, so that tools see what is read beyond it. */
static int parse(const char *text)
{
    static char *copy;

    free(copy);
    copy = malloc(strlen(text) + 1);
    assert_non_null(copy);
    memcpy(copy, text, strlen(text));
    memset(&chain, 0xAA, sizeof(chain));
    return arc_chain_parse((struct slice){copy, strlen(text)}, &chain);
}

static void assert_slice(struct slice s, const char *wanted)
{
    assert_int_equal(s.n, strlen(wanted));
    assert_memory_equal(s.p, wanted, s.n);
}

static void nothing(void **state)
{
    (void)state;
    assert_int_equal(parse(""), -ENOENT);
    assert_int_equal(parse("\r\n"), -ENOENT);
    assert_int_equal(parse("From: a@example.org\r\nARC: x\r\nARC-Seals: i=1\r\n\r\n"), -ENOENT);
    /* What stands in the body is no field. */
    assert_int_equal(parse("From: a@example.org\r\n\r\n" AAR(1)), -ENOENT);
}

/* The parts of sets may come in any order, and other fields among them. */
static void whole(void **state)
{
    (void)state;
    assert_int_equal(parse("Received: x\r\n" AMS(2) AS(1, "none") "From: a\r\n" AAR(1) AAR(2)
                               AS(2, "PASS") AMS(1) "Subject: y\r\n\r\n" AAR(1)),
                     0);
    assert_int_equal(chain.count, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct arc_fields *set = &chain.sets[i];
        char results[80], tags[80], field[120];
        snprintf(results, sizeof(results), "ARC-Authentication-Results: i=%u; mx.example; none",
                 i + 1);
        snprintf(tags, sizeof(tags), " i=%u; a=rsa-sha256; b=AAAA", i + 1);
        snprintf(field, sizeof(field), "ARC-Message-Signature:%s", tags);
        assert_slice(set->field[ARC_PART_RESULTS], results);
        assert_slice(set->results, " mx.example; none");
        assert_slice(set->field[ARC_PART_SIGNATURE], field);
        assert_slice(set->body[ARC_PART_SIGNATURE], tags);
        assert_memory_equal(set->field[ARC_PART_SEAL].p, "ARC-Seal: i=", 12);
        assert_slice(set->chain, i == 0 ? "none" : "PASS");
        assert_memory_equal(set->body[ARC_PART_SEAL].p + set->body[ARC_PART_SEAL].n - 7,
                            "AA\r\n AA", 7);
        assert_memory_equal(set->field[ARC_PART_SEAL].p + set->field[ARC_PART_SEAL].n - 7,
                            "AA\r\n AA", 7);
    }
}

/* What RFC 8617 3.9 and 4.1.1 let an instance look like. */
static void instances(void **state)
{
    static const struct {
        const char *results; /* the body of ARC-Authentication-Results */
        const char *payload; /* NULL: none */
    } rows[] = {
        {"i=1;a", "a"},     {" (c(d)\\)) i (e) = (f)\r\n 01 (g) ; mx; spf=pass", " mx; spf=pass"},
        {"i=1;", ""},       {"I=1; a", NULL},
        {"i=; a", NULL},    {"i=0; a", NULL},
        {"i=001; a", NULL}, {"i=51; a", NULL},
        {"i=-1; a", NULL},  {"i=1 2; a", NULL},
        {"i=1", NULL},      {"i=1 (; a", NULL},
        {"a; i=1", NULL},   {"", NULL},
        {"i=a; b", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf text = {0};
        buf_printf(&text, "arc-authentication-results:%s\r\n%s%s", rows[i].results, AMS(1),
                   AS(1, "none"));
        buf_append(&text, "", 1);
        int rc = parse(text.p);
        buf_free(&text);
        assert_int_equal(rc, rows[i].payload ? 0 : -EBADMSG);
        if (rows[i].payload) {
            assert_slice(chain.sets[0].results, rows[i].payload);
        } else {
            assert_non_null(chain.problem);
        }
    }
}

static const struct {
    const char *header;
    const char *problem;
    unsigned instance;
} broken[] = {
    {AAR(1), "a field is missing", 1},
    {AAR(1) AMS(1), "a field is missing", 1},
    {AMS(1) AS(1, "none"), "a field is missing", 1},
    {AAR(1) AS(1, "none"), "a field is missing", 1},
    {AAR(2) AMS(2) AS(2, "pass"), "a field is missing", 1},
    {AAR(1) AMS(1) AS(1, "none") AAR(3) AMS(3) AS(3, "pass"), "a field is missing", 2},
    {AAR(1) AMS(1) AS(1, "none") AMS(2) AS(2, "pass"), "a field is missing", 2},
    {AAR(1) AMS(1) AS(1, "none") AMS(1), "a field occurs twice", 1},
    {AAR(1) AMS(1) AS(1, "none") AAR(1), "a field occurs twice", 1},
    {AAR(1) AMS(1) AS(1, "none") AS(1, "none"), "a field occurs twice", 1},
    {AAR(1) AMS(1) AS(1, "pass"), "cv= is not what its place asks for", 1},
    {AAR(1) AMS(1) AS(1, "fail"), "its sealer found the chain broken", 1},
    {AAR(1) AMS(1) AS(1, "none") AAR(2) AMS(2) AS(2, "none"), "cv= is not what its place asks for",
     2},
    {AAR(1) AMS(1) AS(1, "none") AAR(2) AMS(2) AS(2, "fail"), "its sealer found the chain broken",
     2},
    {AAR(1) AMS(1) AS(1, "none") AAR(51), "an instance is not 1 to 50", 0},
    {AAR(1) AMS(1) AS(1, "none") AMS(51), "an instance is not 1 to 50", 0},
    {AAR(1) AMS(1) AS(1, "none") AS(51, "pass"), "an instance is not 1 to 50", 0},
    {AAR(1) AMS(0) AS(1, "none"), "i= is no instance", 0},
    {AAR(1) AMS(100) AS(1, "none"), "i= is no instance", 0},
    {SEAL("a=rsa-sha256; b=yyyy; cv=none; d=e.f; s=f"), "there is no i=", 0},
    {SEAL("i=1; b=yyyy; cv=none; d=e.f; s=f"), "there is no a=", 0},
    {SEAL("i=1; a=x; b=yyyy; cv=none; d=e.f; s=f"), "a= is an unknown algorithm", 0},
    {SEAL("i=1; a=rsa-sha256; cv=none; d=e.f; s=f"), "there is no b=", 0},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; d=e.f; s=f"), "there is no cv=", 0},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; cv=none; s=f"), "there is no d=", 0},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; cv=none; d=e..f; s=f"), "d= is no domain", 0},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; cv=none; d=e.f"), "there is no s=", 0},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; cv=none; d=e.f; S=f"), "there is no s=", 0},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; cv=; d=e.f; s=f"), "cv= is not what its place asks for", 1},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; cv=nonesuch; d=e.f; s=f"),
     "cv= is not what its place asks for", 1},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; cv=none; d=e.f; s=f; h=from"), "h= may not be there", 0},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; cv=none; d=e.f; s=f; t="), "t= is no time", 0},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; cv=none; d=e.f; s=f; t=soon"), "t= is no time", 0},
    {SEAL("i=1; a=rsa-sha256; b=yyyy; cv=none; d=e.f; s=f; a=x"), "a tag occurs twice", 0},
    {SEAL("i=1;; a=rsa-sha256; b=yyyy; cv=none; d=e.f; s=f"), "not a list of tags", 0},
    {SEAL(""), "not a list of tags", 0},
};

static void not_a_chain(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        assert_int_equal(parse(broken[i].header), -EBADMSG);
        assert_string_equal(chain.problem, broken[i].problem);
        assert_int_equal(chain.instance, broken[i].instance);
    }
    /* What a seal may have. */
    assert_int_equal(
        parse(SEAL("w=cat; i=1; a=rsa-sha256; b=yyyy; cv=none; d=e.f; s=f; t=12345; v=1;")), 0);
}

/* As long as a chain may be, and one longer. */
static void longest(void **state)
{
    (void)state;
    for (unsigned n = ARC_SETS_MOST; n <= ARC_SETS_MOST + 1; n++) {
        struct buf text = {0};
        for (unsigned i = 1; i <= n; i++) {
            buf_printf(&text,
                       "ARC-Seal: i=%u; a=rsa-sha256; b=yyyy; cv=%s; d=e.f; "
                       "s=f\r\nARC-Message-Signature: i=%u\r\n"
                       "ARC-Authentication-Results: i=%u; none\r\n",
                       i, i == 1 ? "none" : "pass", i, i);
        }
        buf_append(&text, "", 1);
        assert_int_equal(parse(text.p), n == ARC_SETS_MOST ? 0 : -EBADMSG);
        assert_int_equal(chain.count, ARC_SETS_MOST);
        buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),     cmocka_unit_test(whole),   cmocka_unit_test(instances),
        cmocka_unit_test(not_a_chain), cmocka_unit_test(longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
