/* xtext: what may stand in it, and how octets become it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parse/xtext.h"

static void what_is_xtext(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"", true},     {"abc", true},   {"!~;@<>\"", true},  {"+2B+3D", true}, {"a+20b", true},
        {"+7E", true},  {"+", false},    {"+2", false},       {"a+2", false},   {"+2b", false},
        {"+0A", false}, {"+00", false},  {"+7F", false},      {"+FF", false},   {"a b", false},
        {"a=b", false}, {"++2B", false}, {"\xc3\xa4", false}, {"a\tb", false},  {"+G0", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (xtext_is_printable(slice_of(rows[i].text)) != rows[i].good) {
            fail_msg("\"%s\"", rows[i].text);
        }
    }
}

static void encoded(void **state)
{
    static const struct {
        const char *octets, *text;
        size_t room;
    } rows[] = {
        {"client.example", "client.example", 100},
        {"a+b=c d", "a+2Bb+3Dc+20d", 100},
        {"\r\nRCPT", "+0D+0ARCPT", 100},
        {"\xff", "+FF", 100},
        {"a+b", "a", 3},
        {"a+b", "a+2B", 4},
        {"abc", "ab", 2},
        {"+", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[100];
        size_t n = xtext_encode(slice_of(rows[i].octets), text, rows[i].room);
        assert_true(slice_eq((struct slice){text, n}, slice_of(rows[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_xtext),
        cmocka_unit_test(encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
