/* Command lines, parameters, numbers and BDAT's argument. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parse/smtp_command.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void assert_slice(struct slice s, const char *expected)
{
    assert_int_equal(s.n, strlen(expected));
    assert_memory_equal(s.p, expected, s.n);
}

static void test_split(void **state)
{
    static const struct {
        const char *line, *verb, *argument;
    } rows[] = {
        {"QUIT", "QUIT", ""},
        {"QUIT ", "QUIT", ""},
        {"QUIT  \t ", "QUIT", ""},
        {"", "", ""},
        {" ", "", ""},
        {" NOOP", "", "NOOP"},
        {"MAIL FROM:<a@b> SIZE=1", "MAIL", "FROM:<a@b> SIZE=1"},
        {"EHLO   client.example\t", "EHLO", "client.example"},
        {"HELP\tme", "HELP\tme", ""},
        {"NOOP a  b", "NOOP", "a  b"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice verb, argument;

        smtp_command_split(slice_of(rows[i].line), &verb, &argument);
        assert_slice(verb, rows[i].verb);
        assert_slice(argument, rows[i].argument);
    }
}

static void test_split_keeps_nul(void **state)
{
    struct slice verb, argument;

    (void)state;
    smtp_command_split(SLICE_LIT("NO\0P a\0b"), &verb, &argument);
    assert_int_equal(verb.n, 4);
    assert_int_equal(argument.n, 3);
    smtp_command_split((struct slice){NULL, 0}, &verb, &argument);
    assert_int_equal(verb.n + argument.n, 0);
}

static void test_parameters(void **state)
{
    struct slice rest = SLICE_LIT("  SIZE=1000 BODY=8BITMIME   SMTPUTF8 X-a9=<>+3D/ ");
    struct smtp_param p;

    (void)state;
    assert_int_equal(smtp_param_next(&rest, &p), 1);
    assert_slice(p.keyword, "SIZE");
    assert_true(p.has_value);
    assert_slice(p.value, "1000");
    assert_int_equal(smtp_param_next(&rest, &p), 1);
    assert_slice(p.keyword, "BODY");
    assert_slice(p.value, "8BITMIME");
    assert_int_equal(smtp_param_next(&rest, &p), 1);
    assert_slice(p.keyword, "SMTPUTF8");
    assert_false(p.has_value);
    assert_slice(p.value, "");
    assert_int_equal(smtp_param_next(&rest, &p), 1);
    assert_slice(p.keyword, "X-a9");
    assert_slice(p.value, "<>+3D/");
    assert_int_equal(smtp_param_next(&rest, &p), 0);
    assert_int_equal(rest.n, 0);
    assert_slice(p.keyword, "X-a9");
}

static void test_bad_parameters(void **state)
{
    static const struct slice rows[] = {
        SLICE_LIT("SIZE="),      SLICE_LIT("SIZE= 1"),    SLICE_LIT("=1"),
        SLICE_LIT("-SIZE=1"),    SLICE_LIT("SI_ZE=1"),    SLICE_LIT("SIZE=1=2"),
        SLICE_LIT("SIZE\t=1"),   SLICE_LIT("\tSIZE=1"),   SLICE_LIT("SIZE=1\tBODY=7BIT"),
        SLICE_LIT("SIZE=1\0"),   SLICE_LIT("SI\0ZE"),     SLICE_LIT("A=\x7f"),
        SLICE_LIT("A=\xc3\xa4"), SLICE_LIT("\xc3\xa4=1"), SLICE_LIT("A=1\r"),
        SLICE_LIT("A=1\nB=2"),   SLICE_LIT("A,B"),        SLICE_LIT(">"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice rest = rows[i];
        struct smtp_param p = {.keyword = SLICE_LIT("before")};

        assert_int_equal(smtp_param_next(&rest, &p), -EINVAL);
        assert_ptr_equal(rest.p, rows[i].p);
        assert_int_equal(rest.n, rows[i].n);
        assert_slice(p.keyword, "before");
    }
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint64_t value;
    } rows[] = {
        {"0", 0, 0},
        {"1", 0, 1},
        {"00000000000000000010", 0, 10},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, 0},
        {"99999999999999999999", -ERANGE, 0},
        {"000000000000000000010", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"1e3", -EINVAL, 0},
        {"999999999999999999999999x", -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t value = 77;

        assert_int_equal(smtp_number_parse(slice_of(rows[i].text), &value), rows[i].result);
        assert_int_equal(value, rows[i].result == 0 ? rows[i].value : 77);
    }
}

static void test_bdat(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint64_t size;
        bool last;
    } rows[] = {
        {"0", 0, 0, false},
        {"0 LAST", 0, 0, true},
        {"86400 last", 0, 86400, true},
        {"10   LaSt ", 0, 10, true},
        {"10 ", 0, 10, false},
        {"", -EINVAL, 0, false},
        {"LAST", -EINVAL, 0, false},
        {"10LAST", -EINVAL, 0, false},
        {"10\tLAST", -EINVAL, 0, false},
        {"10 LAST LAST", -EINVAL, 0, false},
        {"10 LASTS", -EINVAL, 0, false},
        {"10 LAS", -EINVAL, 0, false},
        {"10 20", -EINVAL, 0, false},
        {"-1 LAST", -EINVAL, 0, false},
        {" 10", -EINVAL, 0, false},
        {"18446744073709551616 LAST", -ERANGE, 0, false},
        {"18446744073709551615 LAST", 0, UINT64_MAX, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t size = 77;
        bool last = !rows[i].last;

        assert_int_equal(smtp_bdat_parse(slice_of(rows[i].text), &size, &last), rows[i].result);
        assert_int_equal(size, rows[i].result == 0 ? rows[i].size : 77);
        assert_int_equal(last, rows[i].result == 0 ? rows[i].last : !rows[i].last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),      cmocka_unit_test(test_split_keeps_nul),
        cmocka_unit_test(test_parameters), cmocka_unit_test(test_bad_parameters),
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_bdat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
