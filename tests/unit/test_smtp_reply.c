/* Reply lines of next hops, good, odd and bad, and enhanced status codes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parse/smtp_reply.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_lines(void **state)
{
    static const struct {
        const char *line;
        uint16_t code;
        bool last;
        const char *text;
    } rows[] = {
        {"250 OK", 250, true, "OK"},
        {"250-SIZE 1000", 250, false, "SIZE 1000"},
        {"250", 250, true, ""},
        {"250 ", 250, true, ""},
        {"250-", 250, false, ""},
        {"250\ttext", 250, true, "text"},
        {"250  two blanks", 250, true, " two blanks"},
        {"354 go ahead", 354, true, "go ahead"},
        {"200 lowest", 200, true, "lowest"},
        {"599-highest", 599, false, "highest"},
        {"550-5.1.1 - no", 550, false, "5.1.1 - no"},
        {"421 \xc3\xa4", 421, true, "\xc3\xa4"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct smtp_reply_line reply;

        assert_int_equal(smtp_reply_parse_line(slice_of(rows[i].line), &reply), 0);
        assert_int_equal(reply.code, rows[i].code);
        assert_int_equal(reply.last, rows[i].last);
        assert_int_equal(reply.text.n, strlen(rows[i].text));
        assert_memory_equal(reply.text.p, rows[i].text, reply.text.n);
    }
}

static void test_bad_lines(void **state)
{
    static const struct slice rows[] = {
        SLICE_LIT(""),        SLICE_LIT("2"),
        SLICE_LIT("25"),      SLICE_LIT("25 OK"),
        SLICE_LIT("2500 OK"), SLICE_LIT("250OK"),
        SLICE_LIT(" 250 OK"), SLICE_LIT("199 OK"),
        SLICE_LIT("099 OK"),  SLICE_LIT("600 OK"),
        SLICE_LIT("2x0 OK"),  SLICE_LIT("25x OK"),
        SLICE_LIT("+25 OK"),  SLICE_LIT("250\0OK"),
        SLICE_LIT("OK"),      SLICE_LIT("\xb2\xb5\xb0 OK"),
        SLICE_LIT("250_OK"),  SLICE_LIT("250\r"),
        SLICE_LIT("250.OK"),  SLICE_LIT("HTTP/1.1 200"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct smtp_reply_line reply = {.code = 7};

        assert_int_equal(smtp_reply_parse_line(rows[i], &reply), -EINVAL);
        assert_int_equal(reply.code, 7);
    }
}

static void test_enhanced_codes(void **state)
{
    static const struct {
        uint16_t code;
        const char *text;
        size_t length;
        const char *rest;
    } rows[] = {
        {550, "5.1.1 no such user", 5, "no such user"},
        {250, "2.0.0", 5, ""},
        {451, "4.7.100 later", 7, "later"},
        {550, "5.123.456\tx", 9, "x"},
        {550, "5.1.1   x", 5, "x"},
        {550, "5.1.1: x", 5, ": x"},
        {550, "5.7.1<x@example.org>", 5, "<x@example.org>"},
        {250, "5.1.1 other class", 0, NULL},
        {550, "4.1.1 other class", 0, NULL},
        {354, "3.0.0 no such class", 0, NULL},
        {550, "5.1.1.4 is an address", 0, NULL},
        {550, "5.1234.1 x", 0, NULL},
        {550, "5.1.1234 x", 0, NULL},
        {550, "5.1 x", 0, NULL},
        {550, "5..1 x", 0, NULL},
        {550, "5.1. x", 0, NULL},
        {550, "5.1.x", 0, NULL},
        {550, "5.1.1a", 0, NULL},
        {550, " 5.1.1 x", 0, NULL},
        {550, "55.1.1 x", 0, NULL},
        {550, "5", 0, NULL},
        {550, "5.", 0, NULL},
        {550, "", 0, NULL},
        {0, "0.1.1", 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice text = slice_of(rows[i].text);
        struct slice rest = SLICE_LIT("untouched");
        const char *expected = rows[i].length == 0 ? "untouched" : rows[i].rest;

        assert_int_equal(smtp_enhanced_code(rows[i].code, text, &rest), rows[i].length);
        assert_int_equal(rest.n, strlen(expected));
        assert_memory_equal(rest.p, expected, rest.n);
        assert_int_equal(smtp_enhanced_code(rows[i].code, text, NULL), rows[i].length);
    }
}

/* Digits behind the slice's end belong to nobody. */
static void test_ends_at_the_slice(void **state)
{
    struct smtp_reply_line reply;

    (void)state;
    assert_int_equal(smtp_reply_parse_line((struct slice){"2501", 3}, &reply), 0);
    assert_int_equal(reply.text.n, 0);
    assert_int_equal(smtp_enhanced_code(550, (struct slice){"5.1.12", 5}, NULL), 5);
    assert_int_equal(smtp_enhanced_code(550, (struct slice){"5.1.1", 4}, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_enhanced_codes),
        cmocka_unit_test(test_ends_at_the_slice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
