/* What a text must hold where a pattern matches, and finding many such literals at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "parse/literal_scan.h"
#include "parse/pattern_literal.h"

static void literals(void **state)
{
    static const struct {
        const char *pattern, *expected;
    } rows[] = {
        {"", ""},
        {"ab", ""},
        {"abc", "abc|"},
        {"aBC dEf", "abc def|"},
        {"^abc$", "abc|"},
        {"abc|de", ""},
        {"abc|defg", "abc|defg|"},
        {"ab?c", ""},
        {"abcd?e", "abc|"},
        {"abcd*efgh", "efgh|"},
        {"abcd+e", "abcd|"},
        {"abcd{2}", "abc|"},
        {"abcd{0,2}?xyz", "abc|"},
        {"abcd{x", ""},
        {"(abc|defg)x", "abc|defg|"},
        {"(abc|defg)?xyz", "xyz|"},
        {"(abc|de)xyz", "xyz|"},
        {"(?:abc)+", "abc|"},
        {"(?i:abc)", "abc|"},
        {"(?i)abc", "abc|"},
        {"(?x) a b c", ""},
        {"(?=abc)de", ""},
        {"(?!abc)def", "def|"},
        {"(?<!abc)def", "def|"},
        {"(?>abc)", "abc|"},
        {"(?<n>abc)", ""},
        {"(?R)abc", ""},
        {"(*UTF)abc", ""},
        {"\\babc\\b", "abc|"},
        {"a\\.b\\$c", "a.b$c|"},
        {"\\x41bcd", ""},
        {"\\p{L}abc", ""},
        {"\\Qabc\\E", ""},
        {"abc\\12def", "abc|"},
        {"[abc]def", "def|"},
        {"[]abc]def", "def|"},
        {"[^]abc]def", "def|"},
        {"[[:alpha:]]def", "def|"},
        {"[\\]abc]def", "def|"},
        {"abc.def", "abc|"},
        {"abc\xc3\xa4?defg", "defg|"},
        {"abc)", ""},
        {"v[i1]agra|cialis", "agra|cialis|"},
        {"abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz012345|"},
        {"abcdefghijklmnopqrstuvwxyz012345?", "abcdefghijklmnopqrstuvwxyz01234|"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pattern_literals l;
        struct buf all = {0};
        pattern_literals_find(slice_of(rows[i].pattern), &l);
        for (size_t k = 0; k < l.count; k++) {
            buf_printf(&all, "%.*s|", (int)l.of[k].n, l.of[k].octets);
        }
        buf_append(&all, "", 1);
        assert_string_equal(all.p, rows[i].expected);
        buf_free(&all);
    }
}

static void scanned(const struct literal_scan *s, const char *text, uint8_t expected)
{
    uint8_t bits = 0;

    assert_true(literal_scan_run(s, slice_of(text), &bits));
    assert_int_equal(bits, expected);
}

static void scan(void **state)
{
    struct literal_scan *s = literal_scan_new();

    (void)state;
    scanned(s, "abc", 0);
    literal_scan_add(s, SLICE_LIT("abc"), 0);
    literal_scan_add(s, SLICE_LIT("abcd"), 1);
    literal_scan_add(s, SLICE_LIT("xyz"), 2);
    literal_scan_add(s, SLICE_LIT("other"), 2);
    literal_scan_add(s, SLICE_LIT("a b"), 3);
    scanned(s, "", 0);
    scanned(s, "ab", 0);
    scanned(s, "abc", 1);
    scanned(s, "-ABCD", 3);
    scanned(s, "abc OTHER", 5);
    scanned(s, "xy xyz", 4);
    scanned(s, "aa b", 8);
    scanned(s, "bcd", 0);
    assert_null(literal_scan_free(s));
    assert_null(literal_scan_free(NULL));
}

/* Ten thousand that are alike, and a text that is like them everywhere: it gives up. */
static void hostile(void **state)
{
    struct literal_scan *s = literal_scan_new();
    static uint8_t bits[20000 / 8];
    struct buf text = {0};
    char literal[32];

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        snprintf(literal, sizeof(literal), "aaaaaaaaaaaa%c%c%c", (char)('b' + i % 20),
                 (char)('b' + i / 20 % 20), (char)('b' + i / 400 % 20));
        literal_scan_add(s, slice_of(literal), i);
    }
    while (text.n < 4000000) {
        buf_append(&text, "aaaaaaaaaaaabb", 14);
    }
    (void)literal_scan_run(s, buf_slice(&text), bits);
    buf_free(&text);
    assert_null(literal_scan_free(s));
    s = literal_scan_new();
    for (uint32_t i = 0; i < 20000; i++) {
        literal_scan_add(s, SLICE_LIT("abcabcabcd"), i % 100);
    }
    while (text.n < 1000000) {
        buf_append(&text, "abcabcabc", 9);
    }
    assert_false(literal_scan_run(s, buf_slice(&text), bits));
    buf_free(&text);
    assert_null(literal_scan_free(s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals),
        cmocka_unit_test(scan),
        cmocka_unit_test(hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
