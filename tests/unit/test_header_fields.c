/* The fields of a header: names, bodies, folds, what is no field, and where the header ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "parse/header_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

/* In memory of exactly that length, so that tools see what is read beyond it. */
static struct slice exact(struct slice s)
{
    char *copy = malloc(s.n > 0 ? s.n : 1);

    assert_non_null(copy);
    memcpy(copy, s.p, s.n);
    return (struct slice){copy, s.n};
}

static void assert_slice(struct slice s, const char *wanted)
{
    assert_int_equal(s.n, strlen(wanted));
    assert_memory_equal(s.p, wanted, s.n);
}

/* Fields as name, body; the name of what is no field is "". The last name is NULL. */
static const struct {
    struct slice text;
    const char *fields[10];
    size_t rest; /* octets of the text that are left: the empty line and the body */
} rows[] = {
    {SLICE_LIT(""), {NULL}, 0},
    {SLICE_LIT("\r\n"), {NULL}, 2},
    {SLICE_LIT("\nTo: a\r\n"), {NULL}, 8},
    {SLICE_LIT("\r\nTo: a\r\n\r\n"), {NULL}, 11},
    {SLICE_LIT("To: a\r\n"), {"To", " a"}, 0},
    {SLICE_LIT("To: a\r\nSubject:b\r\n\r\nFrom: c\r\n"), {"To", " a", "Subject", "b"}, 11},
    {SLICE_LIT("To: a\nSubject:b\n\nFrom: c\n"), {"To", " a", "Subject", "b"}, 9},
    {SLICE_LIT("To: a\r\nSubject: b"), {"To", " a", "Subject", " b"}, 0},
    {SLICE_LIT("To:"), {"To", ""}, 0},
    {SLICE_LIT("To:\r\n\r\n"), {"To", ""}, 2},
    {SLICE_LIT("To:\r\n"), {"To", ""}, 0},
    {SLICE_LIT("To"), {"", "To"}, 0},
    {SLICE_LIT("To: a\r\n b\r\n\tc\r\nCc: d\r\n"), {"To", " a\r\n b\r\n\tc", "Cc", " d"}, 0},
    {SLICE_LIT("To: a\n b\n\tc\nCc: d\n"), {"To", " a\n b\n\tc", "Cc", " d"}, 0},
    {SLICE_LIT("To:\r\n a\r\n"), {"To", "\r\n a"}, 0},
    /* A line of blanks is a fold, no empty line. */
    {SLICE_LIT("To: a\r\n \r\n\t\r\nCc: b\r\n\r\nx"), {"To", " a\r\n \r\n\t", "Cc", " b"}, 3},
    /* Blanks in front of the colon. */
    {SLICE_LIT("To : a\r\nCc\t \t: b\r\n\r\n"), {"To", " a", "Cc", " b"}, 2},
    {SLICE_LIT("To::a:\r\n"), {"To", ":a:"}, 0},
    {SLICE_LIT("!#$%&'*+-/=?^_`{|}~\"(),.;<>@[\\]: x\r\n"),
     {"!#$%&'*+-/=?^_`{|}~\"(),.;<>@[\\]", " x"},
     0},
    /* No fields, and the header goes on. */
    {SLICE_LIT("From a Mon Jan  1\r\nTo: b\r\n\r\n"), {"", "From a Mon Jan  1", "To", " b"}, 2},
    {SLICE_LIT("no field\r\n but folded: x\r\nTo: b\r\n"),
     {"", "no field\r\n but folded: x", "To", " b"},
     0},
    {SLICE_LIT(" To: a\r\n\tb\r\nCc: c\r\n"), {"", " To: a\r\n\tb", "Cc", " c"}, 0},
    {SLICE_LIT("T o: a\r\nT\to: a\r\nT\1o: a\r\nTo\177: a\r\n"),
     {"", "T o: a", "", "T\to: a", "", "T\1o: a", "", "To\177: a"},
     0},
    {SLICE_LIT("T\303\266: a\r\n: a\r\n : a\r\n"), {"", "T\303\266: a", "", ": a\r\n : a"}, 0},
    /* The colon must stand in the first line. */
    {SLICE_LIT("To\r\n : a\r\n"), {"", "To\r\n : a"}, 0},
    /* A CR alone is an octet like another. */
    {SLICE_LIT("\rTo: a\r\nTo: b\rCc: c\r\n\r\r\n"),
     {"", "\rTo: a", "To", " b\rCc: c", "", "\r"},
     0},
    {SLICE_LIT("To: a\r\r\n\r\n"), {"To", " a\r"}, 2},
    {SLICE_LIT("To: a\r"), {"To", " a\r"}, 0},
    {SLICE_LIT("To: a\r\n\r"), {"To", " a", "", "\r"}, 0},
    {SLICE_LIT("To: a\r\n\r\r\n\r\n"), {"To", " a", "", "\r"}, 2},
};

static void test_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice text = exact(rows[i].text);
        struct slice rest = text;
        struct header_field field;
        size_t k = 0;

        for (; rows[i].fields[k]; k += 2) {
            assert_true(header_next(&rest, &field));
            assert_slice(field.name, rows[i].fields[k]);
            assert_slice(field.body, rows[i].fields[k + 1]);
        }
        /* At the end it stays, and changes nothing. */
        for (int again = 0; again < 2; again++) {
            struct header_field before = field;

            assert_false(header_next(&rest, &field));
            assert_memory_equal(&field, &before, sizeof(field));
            assert_int_equal(rest.n, rows[i].rest);
            assert_ptr_equal(rest.p + rest.n, text.p + text.n);
        }
        free((char *)text.p);
    }
}

/* A NUL in a name is a control character, in a body an octet like another. */
static void test_nul(void **state)
{
    struct slice rest = SLICE_LIT("T\0o: a\r\nTo: a\0b\r\n");
    struct header_field field;

    (void)state;
    assert_true(header_next(&rest, &field));
    assert_int_equal(field.name.n, 0);
    assert_int_equal(field.body.n, 6);
    assert_true(header_next(&rest, &field));
    assert_slice(field.name, "To");
    assert_true(slice_eq(field.body, SLICE_LIT(" a\0b")));
}

static void test_find_and_count(void **state)
{
    static const struct slice header = SLICE_LIT("no field\r\nTo: a\r\nto : b\r\nX-To: c\r\n"
                                                 "Tom: d\r\nSubject: To: e\r\n To: f\r\nTO:g\r\n"
                                                 "\r\nTo: body\r\nBcc: body\r\n");
    struct slice body = {NULL, 77};

    (void)state;
    assert_true(header_find(header, SLICE_LIT("tO"), &body));
    assert_slice(body, " a");
    assert_true(header_find(header, SLICE_LIT("SUBJECT"), &body));
    assert_slice(body, " To: e\r\n To: f");
    assert_int_equal(header_count(header, SLICE_LIT("To")), 3);
    assert_int_equal(header_count(header, SLICE_LIT("x-to")), 1);
    assert_int_equal(header_count(header, SLICE_LIT("T")), 0);
    assert_int_equal(header_count(header, SLICE_LIT("Bcc")), 0);
    assert_int_equal(header_count(header, SLICE_LIT("")), 0);

    body = (struct slice){NULL, 77};
    assert_false(header_find(header, SLICE_LIT("Bcc"), &body));
    assert_false(header_find(header, SLICE_LIT(""), &body));
    assert_false(header_find((struct slice){NULL, 0}, SLICE_LIT("To"), &body));
    assert_null(body.p);
    assert_int_equal(body.n, 77);
    assert_int_equal(header_count((struct slice){NULL, 0}, SLICE_LIT("To")), 0);
}

static const struct {
    struct slice body;
    const char *text;
} folds[] = {
    {SLICE_LIT(""), ""},
    {SLICE_LIT(" "), ""},
    {SLICE_LIT(" \r\n "), ""},
    {SLICE_LIT("a"), "a"},
    {SLICE_LIT(" \t a b\t "), "a b"},
    {SLICE_LIT(" a\r\n b"), "a b"},
    {SLICE_LIT(" a\r\n\tb"), "a\tb"},
    {SLICE_LIT(" a \r\n  b\r\n\t\r\n c"), "a   b\t c"},
    {SLICE_LIT("\r\n a"), "a"},
    {SLICE_LIT("a\n b\n\tc"), "a b\tc"},
    {SLICE_LIT("\n a"), "a"},
    {SLICE_LIT("a\r\r\n b"), "a\r b"},
    {SLICE_LIT("a\rb"), "a\rb"},
    {SLICE_LIT("a\r b"), "a\r b"},
    {SLICE_LIT("a\r\n\r\n b"), "a\r\n b"},
    /* No folds. */
    {SLICE_LIT("a\r\nb"), "a\r\nb"},
    {SLICE_LIT("a\r\n"), "a\r\n"},
    {SLICE_LIT("a\n"), "a\n"},
    {SLICE_LIT("\r\n"), "\r\n"},
};

static void test_unfold(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(folds); i++) {
        struct slice body = exact(folds[i].body);
        char *out = malloc(body.n > 0 ? body.n : 1);

        assert_non_null(out);
        assert_slice(header_unfold(body, out), folds[i].text);
        free(out);
        free((char *)body.p);
    }
    assert_int_equal(header_unfold((struct slice){NULL, 0}, NULL).n, 0);
}

/* Lengths: 0 where the header has no end yet. */
static const struct {
    struct slice text;
    size_t length;
} lengths[] = {
    {SLICE_LIT(""), 0},
    {SLICE_LIT("\n"), 1},
    {SLICE_LIT("\r\n"), 2},
    {SLICE_LIT("\r\nbody\r\n\r\n"), 2},
    {SLICE_LIT("\r"), 0},
    {SLICE_LIT("\r\r\n"), 0},
    {SLICE_LIT("\r\r\n\r\n"), 5},
    {SLICE_LIT("To: a"), 0},
    {SLICE_LIT("To: a\r\n"), 0},
    {SLICE_LIT("To: a\r\n\r"), 0},
    {SLICE_LIT("To: a\r\n\r\n"), 9},
    {SLICE_LIT("To: a\r\n\r\nbody\n\n"), 9},
    {SLICE_LIT("To: a\n\nbody"), 7},
    {SLICE_LIT("To: a\n\r\nbody"), 8},
    {SLICE_LIT("To: a\r\n\nbody"), 8},
    {SLICE_LIT("To: a\r\n \r\nCc: b\r\n\r\n"), 19},
    {SLICE_LIT("To: a\r\n\r\r\n\r\n"), 12},
    {SLICE_LIT("To: a\r\n\rb\r\r\r\n"), 0},
    {SLICE_LIT("a\nb\nc\n\n"), 7},
};

/* In two pieces, cut everywhere, and octet by octet; then header_next agrees. */
static void test_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct slice text = exact(lengths[i].text);
        struct header_field field;
        struct slice rest = text;
        size_t steps = 0;

        for (size_t cut = 0; cut <= text.n; cut++) {
            size_t from = 0;
            size_t n = header_length((struct slice){text.p, cut}, &from);

            assert_int_equal(n, lengths[i].length > cut ? 0 : lengths[i].length);
            if (n == 0)
                n = header_length(text, &from);
            assert_int_equal(n, lengths[i].length);
        }
        for (size_t from = 0, n = 0; n == 0 && steps < text.n; steps++)
            n = header_length((struct slice){text.p, steps + 1}, &from);
        assert_int_equal(steps, lengths[i].length > 0 ? lengths[i].length : text.n);

        while (header_next(&rest, &field))
            continue;
        if (lengths[i].length > 0)
            assert_in_range(lengths[i].length - (text.n - rest.n), 1, 2);
        else
            assert_int_equal(rest.n, 0);
        free((char *)text.p);
    }
}

/* Growing by pieces, each octet is searched about once. */
static void test_length_goes_on(void **state)
{
    enum { MOST = 100000 };
    char *text = malloc(MOST);
    size_t from = 0;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', MOST);
    for (size_t n = 10; n <= MOST - 10; n += 10) {
        assert_int_equal(header_length((struct slice){text, n}, &from), 0);
        assert_int_equal(from, n);
    }
    text[MOST - 9] = '\n';
    assert_int_equal(header_length((struct slice){text, MOST}, &from), 0);
    assert_int_equal(from, MOST);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),           cmocka_unit_test(test_nul),
        cmocka_unit_test(test_find_and_count), cmocka_unit_test(test_unfold),
        cmocka_unit_test(test_length),         cmocka_unit_test(test_length_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
