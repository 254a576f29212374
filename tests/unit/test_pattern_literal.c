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

/* "^" in front: matches begin with these. */
static const struct {
    const char *pattern, *expected;
} literal_rows[] = {
    {"", ""},
    {"ab", ""},
    {"abc", "^abc|"},
    {"aBC dEf", "^abc de|"},
    {"^abc$", "^abc|"},
    {"abc|de", ""},
    {"abc|defg", "^abc|defg|"},
    {"ab?c", ""},
    {"ab?cd", "^abcd|acd|"},
    {"abb?c", "^abbc|abc|"},
    {"abcd?e", "^abcde|abce|"},
    {"abcd*efgh", "^abcd|abcefg|"},
    {"abcd+e", "^abcd|"},
    {"abcd{2}", "^abcd|"},
    {"abcd{0,2}?xyz", "^abcd|abcxyz|"},
    {"abcd{x", ""},
    {"(abc|defg)x", "^abcx|defgx|"},
    {"(abc|defg)?xyz", "^abcxyz|defgxyz|xyz|"},
    {"(abc|de)xyz", "^abcxyz|dexyz|"},
    {"(?:abc)+", "^abc|"},
    {"(?:ab)+cd", ""},
    {"(?:ab)+cde", "cde|"},
    {"(?i:abc)", "^abc|"},
    {"(?i)abc", "^abc|"},
    {"(?x) a b c", ""},
    {"(?=abc)de", ""},
    {"(?!abc)def", "^def|"},
    {"(?<!abc)def", "^def|"},
    {"(?>abc)", "^abc|"},
    {"(?<n>abc)", ""},
    {"(?R)abc", ""},
    {"(*UTF)abc", ""},
    {"\\babc\\b", "^abc|"},
    {"\\Gabc", ""},
    {"a\\.b\\$c", "^a.b$c|"},
    {"\\x41bcd", ""},
    {"\\p{L}abc", ""},
    {"\\Qabc\\E", ""},
    {"abc\\12def", "^abc|"},
    {"\\d+ (pills|tablets)", "pills|tablets|"},
    {".abc|.*defg", "abc|defg|"},
    {".(abc|de)xyz", "xyz|"},
    {".(abc|defg)?xyz", "xyz|"},
    {".abcd?e", "abc|"},
    {".ab{2}{3}cd", ""},
    {".a?{2}bcde", "bcde|"},
    {"abc{2}{3}", "^abc|"},
    {"[abc]de", "^ade|bde|cde|"},
    {"[0-3]x[y-]", "^0xy|0x-|1xy|1x-|2xy|2x-|3xy|3x-|"},
    {"[]ab]de", "^]de|ade|bde|"},
    {"[^]abc]def", "def|"},
    {"[[:alpha:]]def", "def|"},
    {"[\\]a]de", "^]de|ade|"},
    {"[\\d]def", "def|"},
    {"[a-z]def", "def|"},
    {"[A-Ca]de", "^ade|bde|cde|"},
    {"[a\\-b]de", "^ade|-de|bde|"},
    {"abc.def", "^abc|"},
    {"abc\xc3\xa4?defg", "^abc|"},
    {"[\xc3\xa4]defg", "defg|"},
    {"abc)", ""},
    {"v[i1]agra|cialis", "^viagra|v1agra|cialis|"},
    {"((a|b)(c|d)|x)yz", "^acyz|adyz|bcyz|bdyz|xyz|"},
    {"[a-h][a-h][a-h]x", ""},
    {"abcdefghijklmnopqrstuvwxyz0123456789", "^abcdef|"},
    {".abcdefghijklmnopqrstuvwxyz012345?", "abcdefghijklmnopqrstuvwxyz01234|"},
};

static void literals(void **state)
{

    (void)state;
    for (size_t i = 0; i < sizeof(literal_rows) / sizeof(literal_rows[0]); i++) {
        struct pattern_literals l;
        struct buf all = {0};
        struct arena arena;
        arena_init(&arena);
        pattern_literals_find(slice_of(literal_rows[i].pattern), &arena, &l);
        buf_printf(&all, "%s", l.begin ? "^" : "");
        for (size_t k = 0; k < l.count; k++) {
            buf_printf(&all, "%.*s|", (int)l.of[k].n, l.of[k].octets);
        }
        buf_append(&all, "", 1);
        assert_string_equal(all.p, literal_rows[i].expected);
        buf_free(&all);
        arena_free(&arena);
    }
}

/* Patterns that begin in more ways than are kept, or have more groups within each other: nothing is
 * said of them, and soon. */
static void many(void **state)
{
    struct pattern_literals l;
    struct buf pattern = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (int i = 0; i < 1000; i++) {
        buf_append(&pattern, "a?[bc]", 6);
    }
    pattern_literals_find(buf_slice(&pattern), &arena, &l);
    assert_true(l.count <= PATTERN_LITERALS_MOST);
    pattern.n = 0;
    for (int i = 0; i < 1000; i++) {
        buf_append(&pattern, "(abc|", 5);
    }
    pattern_literals_find(buf_slice(&pattern), &arena, &l);
    assert_int_equal(l.count, 0);
    pattern.n = 0;
    for (int i = 0; i < PATTERN_LITERALS_MOST; i++) {
        buf_printf(&pattern, "%sword%d", i > 0 ? "|" : "", i);
    }
    pattern_literals_find(buf_slice(&pattern), &arena, &l);
    assert_int_equal(l.count, PATTERN_LITERALS_MOST);
    assert_true(l.begin);
    buf_append(&pattern, "|word", 5);
    pattern_literals_find(buf_slice(&pattern), &arena, &l);
    assert_int_equal(l.count, 0);
    buf_free(&pattern);
    arena_free(&arena);
}

struct seen {
    char text[256];
    size_t n;
};

static void see(void *arg, uint32_t number, size_t at)
{
    struct seen *seen = arg;

    seen->n +=
        (size_t)snprintf(seen->text + seen->n, sizeof(seen->text) - seen->n, "%u@%zu ", number, at);
    assert_true(seen->n < sizeof(seen->text));
}

static void scanned(const struct literal_scan *s, const char *text, const char *expected)
{
    struct seen seen = {0};

    assert_true(literal_scan_run(s, slice_of(text), see, &seen));
    assert_string_equal(seen.text, expected);
}

static void scan(void **state)
{
    struct literal_scan *s = literal_scan_new();

    (void)state;
    scanned(s, "abc", "");
    literal_scan_add(s, SLICE_LIT("abc"), 0);
    literal_scan_add(s, SLICE_LIT("bcde"), 1);
    literal_scan_add(s, SLICE_LIT("xyz"), 2);
    literal_scan_add(s, SLICE_LIT("other"), 2);
    literal_scan_add(s, SLICE_LIT("a b"), 3);
    scanned(s, "", "");
    scanned(s, "ab", "");
    scanned(s, "abc", "0@0 ");
    scanned(s, "-ABCDEabc", "0@1 1@2 0@6 ");
    scanned(s, "abc OTHER", "0@0 2@4 ");
    scanned(s, "xy xyz", "2@3 ");
    scanned(s, "aa b", "3@1 ");
    scanned(s, "bcd", "");
    assert_null(literal_scan_free(s));
    assert_null(literal_scan_free(NULL));
}

static void count(void *arg, uint32_t number, size_t at)
{
    (void)number, (void)at;
    (*(size_t *)arg)++;
}

/* Ten thousand that are alike, and a text that is like them everywhere: it gives up. */
static void hostile(void **state)
{
    struct literal_scan *s = literal_scan_new();
    size_t told = 0;
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
    (void)literal_scan_run(s, buf_slice(&text), count, &told);
    buf_free(&text);
    assert_null(literal_scan_free(s));
    s = literal_scan_new();
    for (uint32_t i = 0; i < 20000; i++) {
        literal_scan_add(s, SLICE_LIT("abcabcabcd"), i % 100);
    }
    while (text.n < 1000000) {
        buf_append(&text, "abcabcabc", 9);
    }
    assert_false(literal_scan_run(s, buf_slice(&text), count, &told));
    buf_free(&text);
    assert_null(literal_scan_free(s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals),
        cmocka_unit_test(many),
        cmocka_unit_test(scan),
        cmocka_unit_test(hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
