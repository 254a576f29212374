/* Canonical forms of RFC 6376 3.4: fields and bodies, these in any pieces, and l=. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "parse/canonical.h"

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

static void assert_slice(struct slice s, struct slice wanted)
{
    assert_int_equal(s.n, wanted.n);
    if (wanted.n > 0) {
        assert_memory_equal(s.p, wanted.p, s.n);
    }
}

static const struct {
    const char *field, *relaxed;
} fields[] = {
    /* RFC 6376 3.4.5 */
    {"A: X", "a:X"},
    {"B : Y\t\r\n\tZ  ", "b:Y Z"},
    {"Subject:", "subject:"},
    {"Subject:  ", "subject:"},
    {"SUBJect: AbC", "subject:AbC"},
    {"Subject \t :\t \r\n a   b \t c\r\n\t \r\n d\r\n ", "subject:a b c d"},
    {"To: a:b : c", "to:a:b : c"},
    {"To: a\n b", "to:a b"}, /* a line end by LF alone, which BDAT can bring */
    {"To: a\rb\r c", "to:a\rb\r c"},
    {"To: \303\266  \303\266", "to:\303\266 \303\266"},
};

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct buf b = {0};

        canonical_field(&b, CANONICAL_RELAXED, slice_of(fields[i].field), (struct slice){NULL, 0});
        assert_slice(buf_slice(&b), slice_of(fields[i].relaxed));
        b.n = 0;
        canonical_field(&b, CANONICAL_SIMPLE, slice_of(fields[i].field), (struct slice){NULL, 0});
        assert_slice(buf_slice(&b), slice_of(fields[i].field));
        buf_free(&b);
    }
}

static void test_hole(void **state)
{
    static const struct slice field = SLICE_LIT("DKIM-Signature: a=1; b= xyz\r\n\tz ; c=2");
    const struct slice hole = {field.p + 23, 9};
    struct buf b = {0};

    (void)state;
    assert_slice(hole, SLICE_LIT(" xyz\r\n\tz "));
    canonical_field(&b, CANONICAL_SIMPLE, field, hole);
    assert_slice(buf_slice(&b), SLICE_LIT("DKIM-Signature: a=1; b=; c=2"));
    b.n = 0;
    canonical_field(&b, CANONICAL_RELAXED, field, hole);
    assert_slice(buf_slice(&b), SLICE_LIT("dkim-signature:a=1; b=; c=2"));
    b.n = 0;
    canonical_field(&b, CANONICAL_RELAXED, (struct slice){field.p, 32}, hole);
    assert_slice(buf_slice(&b), SLICE_LIT("dkim-signature:a=1; b="));
    buf_free(&b);
}

static const struct {
    struct slice body, simple, relaxed;
} bodies[] = {
    {SLICE_LIT(""), SLICE_LIT("\r\n"), SLICE_LIT("")},
    {SLICE_LIT("\r\n"), SLICE_LIT("\r\n"), SLICE_LIT("")},
    {SLICE_LIT("\r\n\r\n\r\n"), SLICE_LIT("\r\n"), SLICE_LIT("")},
    {SLICE_LIT(" \r\n\t \r\n"), SLICE_LIT(" \r\n\t \r\n"), SLICE_LIT("")},
    {SLICE_LIT("  "), SLICE_LIT("  \r\n"), SLICE_LIT("")},
    {SLICE_LIT("a"), SLICE_LIT("a\r\n"), SLICE_LIT("a\r\n")},
    {SLICE_LIT("a\r\n"), SLICE_LIT("a\r\n"), SLICE_LIT("a\r\n")},
    {SLICE_LIT("a\r\n\r\n\r\n"), SLICE_LIT("a\r\n"), SLICE_LIT("a\r\n")},
    {SLICE_LIT("a\r\n\r\n\r\nb"), SLICE_LIT("a\r\n\r\n\r\nb\r\n"), SLICE_LIT("a\r\n\r\n\r\nb\r\n")},
    {SLICE_LIT("\r\n\r\na\r\n"), SLICE_LIT("\r\n\r\na\r\n"), SLICE_LIT("\r\n\r\na\r\n")},
    /* RFC 6376 3.4.5 */
    {SLICE_LIT(" C \r\nD \t E\r\n\r\n\r\n"), SLICE_LIT(" C \r\nD \t E\r\n"),
     SLICE_LIT(" C\r\nD E\r\n")},
    {SLICE_LIT("a \r\n\r\n \r\n"), SLICE_LIT("a \r\n\r\n \r\n"), SLICE_LIT("a\r\n")},
    {SLICE_LIT("a\tb  c \t \r\n"), SLICE_LIT("a\tb  c \t \r\n"), SLICE_LIT("a b c\r\n")},
    /* A CR or LF alone is an octet like another. */
    {SLICE_LIT("\r"), SLICE_LIT("\r\r\n"), SLICE_LIT("\r\r\n")},
    {SLICE_LIT("\n"), SLICE_LIT("\n\r\n"), SLICE_LIT("\n\r\n")},
    {SLICE_LIT("a\r\r\n"), SLICE_LIT("a\r\r\n"), SLICE_LIT("a\r\r\n")},
    {SLICE_LIT("a \r \n b\r"), SLICE_LIT("a \r \n b\r\r\n"), SLICE_LIT("a \r \n b\r\r\n")},
    {SLICE_LIT("a\n\n"), SLICE_LIT("a\n\n\r\n"), SLICE_LIT("a\n\n\r\n")},
    {SLICE_LIT("a\r\n\r"), SLICE_LIT("a\r\n\r\r\n"), SLICE_LIT("a\r\n\r\r\n")},
    {SLICE_LIT("a \0  b"), SLICE_LIT("a \0  b\r\n"), SLICE_LIT("a \0 b\r\n")},
};

static void take(void *arg, const char *p, size_t n)
{
    assert_true(n > 0);
    buf_append(arg, p, n);
}

/* The canonical form of `body`, fed in pieces of `step` octets. */
static struct buf canonical(enum canonical how, struct slice body, size_t step, uint64_t most,
                            uint64_t *ret_length)
{
    struct canonical_body b;
    struct buf ret = {0};

    canonical_body_init(&b, how, most, take, &ret);
    for (size_t i = 0; i < body.n; i += step) {
        canonical_body_feed(&b, body.p + i, step < body.n - i ? step : body.n - i);
    }
    canonical_body_end(&b);
    *ret_length = b.length;
    return ret;
}

static void check_body(enum canonical how, struct slice body, struct slice wanted)
{
    for (size_t step = 1; step <= body.n + 1; step++) {
        for (uint64_t most = 0; most <= wanted.n + 1; most++) {
            uint64_t length;
            struct buf b = canonical(how, body, step, most, &length);

            assert_slice(buf_slice(&b),
                         (struct slice){wanted.p, most < wanted.n ? most : wanted.n});
            assert_int_equal(length > most, wanted.n > most);
            assert_int_equal(length < most, wanted.n < most);
            buf_free(&b);
        }
    }
}

static void test_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        check_body(CANONICAL_SIMPLE, bodies[i].body, bodies[i].simple);
        check_body(CANONICAL_RELAXED, bodies[i].body, bodies[i].relaxed);
    }
}

/* Long ones, with runs that go out from where they are and others that are gathered. */
static void test_long(void **state)
{
    struct buf body = {0}, wanted = {0};
    uint64_t length;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        buf_printf(&body, "line %d \t of some length%s \r\n", i, i % 3 == 0 ? "\r\n\t" : "");
        buf_printf(&wanted, "line %d of some length%s\r\n", i, i % 3 == 0 ? "\r\n" : "");
    }
    for (size_t step = 1; step < 100000; step = step * 3 + 1) {
        struct buf b = canonical(CANONICAL_RELAXED, buf_slice(&body), step, UINT64_MAX, &length);

        assert_slice(buf_slice(&b), buf_slice(&wanted));
        assert_int_equal(length, wanted.n);
        buf_free(&b);
        b = canonical(CANONICAL_SIMPLE, buf_slice(&body), step, UINT64_MAX, &length);
        assert_slice(buf_slice(&b), buf_slice(&body));
        buf_free(&b);
    }
    buf_free(&body);
    buf_free(&wanted);
}

/* As many line ends as there may be are a number, and go out when something follows. */
static void test_many_line_ends(void **state)
{
    struct buf body = {0};
    uint64_t length;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        buf_append(&body, "\r\n", 2);
    }
    for (int relaxed = 0; relaxed < 2; relaxed++) {
        struct buf b = canonical(relaxed ? CANONICAL_RELAXED : CANONICAL_SIMPLE, buf_slice(&body),
                                 77, UINT64_MAX, &length);
        assert_int_equal(b.n, relaxed ? 0 : 2);
        buf_free(&b);
    }
    buf_append(&body, "x", 1);
    struct buf b = canonical(CANONICAL_SIMPLE, buf_slice(&body), 77, UINT64_MAX, &length);
    assert_int_equal(b.n, 2003);
    buf_free(&b);
    b = canonical(CANONICAL_SIMPLE, buf_slice(&body), 77, 5, &length);
    assert_int_equal(b.n, 5);
    buf_free(&b);
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),         cmocka_unit_test(test_hole),
        cmocka_unit_test(test_bodies),         cmocka_unit_test(test_long),
        cmocka_unit_test(test_many_line_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
