/* Tables: what their files may hold, and how much of it. */
#include "table_parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- files ---- */

static void a_file_has_lines(void **state)
{
    struct policy_table t = parse("\xef\xbb\xbf# a comment, \xff included\r\n"
                                  "  example.org\t# another\r\n"
                                  "\r\n\t\r\n"
                                  "a#b\r\n"
                                  "! \"c\" # negated\r\n"
                                  "!/d # e/ # f\n"
                                  "last.example");

    (void)state;
    assert_int_equal(has_text(&t, "example.org"), 1);
    assert_int_equal(has_text(&t, "a#b"), 1);
    assert_int_equal(has_text(&t, "a"), 0);
    assert_int_equal(has_text(&t, "last.example"), 1);
    assert_int_equal(table_content_count(t.content), 5);
    (void)table_content_free(t.content);
}

static void empty_files(void **state)
{
    static const char *const texts[] = {"", "\n", "# nothing", " \r\n\t\n#\n", "\xef\xbb\xbf"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct policy_table t = parse(texts[i]);
        assert_int_equal(table_content_count(t.content), 0);
        assert_int_equal(has_text(&t, ""), 0);
        assert_int_equal(has_text(&t, "a.b"), 0);
        assert_int_equal(has_address(&t, "192.0.2.1"), 0);
        assert_false(table_content_has_networks(t.content));
        assert_false(table_content_has_texts(t.content));
        (void)table_content_free(t.content);
    }
    struct policy_table t = parse_octets((struct slice){NULL, 0});
    assert_int_equal(table_content_count(t.content), 0);
    (void)table_content_free(t.content);
}

static void garbage(void **state)
{
    struct slice huge = {calloc(1, TABLE_FILE_MOST + 1), TABLE_FILE_MOST + 1};

    (void)state;
    assert_bad("a b", 1, "expected one entry a line, found \"b\"");
    assert_bad("a,\nb", 1, "expected one entry a line, found \",\"");
    assert_bad("a\n\n  { b }", 3, "expected one entry a line, found \"{\"");
    assert_bad("<a href=x>", 1, "expected one entry a line, found \"href=x>\"");
    assert_bad("a \"b", 1, "expected a closing quote, found the end of the line");
    assert_bad("\"b", 1, "expected a closing quote, found the end of the line");
    assert_bad("!", 1, "expected an entry right behind \"!\", found the end of the line");
    assert_bad("a\n!\n\"b\"", 2, "expected an entry right behind \"!\", found the end of the line");
    assert_bad("! b", 1, "expected an entry right behind \"!\", found \"b\"");
    assert_bad("a\nb\xff", 2, "expected printable UTF-8 text, found the octet 0xff");
    assert_bad("a\n\x1b[31m", 2, "expected printable UTF-8 text, found the octet 0x1b");
    assert_bad("a\rb", 1, "expected printable UTF-8 text, found the octet 0x0d");
    assert_bad_octets(SLICE_LIT("a\n# b\0"), 2, "expected text, found the octet 0x00");
    assert_bad_octets(SLICE_LIT("\0"), 1, "expected text, found the octet 0x00");
    assert_bad_octets(huge, 1, "expected at most 16 MiB");
    free((char *)huge.p);
}

static void wrong_lines_have_columns(void **state)
{
    static const struct {
        struct slice text;
        unsigned line, column;
    } rows[] = {
        {SLICE_LIT("a\n  b c\n"), 2, 5},
        {SLICE_LIT("\xef\xbb\xbf  b c\n"), 1, 5},
        {SLICE_LIT("\xef\xbb\xbf"
                   "192.0.2.1/24"),
         1, 1},
        {SLICE_LIT("\n\t!192.0.2.1/24\n"), 2, 2},
        {SLICE_LIT(" a, b"), 1, 3},
        {SLICE_LIT("a\n ! # nothing\n\nb"), 2, 13},
        {SLICE_LIT("a\n !"), 2, 3},
        {SLICE_LIT("a\n  b\0"), 2, 4},
        {SLICE_LIT(" a\n !a"), 2, 1},
        {SLICE_LIT("a\n \"b"), 2, 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct table_content *c;
        struct place at = {0};
        char why[256];
        assert_int_equal(table_content_parse(rows[i].text, &c, &at, why, sizeof(why)), -EINVAL);
        assert_int_equal(at.line, rows[i].line);
        if (at.column != rows[i].column) {
            fail_msg("row %zu: %s at column %u", i, why, at.column);
        }
        assert_null(at.source);
    }
}

static void long_entries_are_shown_in_part(void **state)
{
    char text[300] = ".";

    (void)state;
    memset(text + 1, 'a', 200);
    strcpy(text + 201, ".");
    char cause[300] = "expected a domain behind the dot, found \".";
    memset(cause + strlen(cause), 'a', 59);
    assert_bad(text, 1, strcat(cause, "\"..."));
    /* No half character at the cut. */
    memcpy(text + 58, "\xe2\x82\xac", 3);
    cause[strlen("expected a domain behind the dot, found \"") + 58] = '\0';
    assert_bad(text, 1, strcat(cause, "\"..."));
}

static void the_same_text_is_known_again(void **state)
{
    struct policy_table a = parse("a\nb");
    struct policy_table b = parse("\xef\xbb\xbf"
                                  "a\nb"); /* as the configuration's reader has it */
    struct policy_table c = parse("a\nb\n");
    const struct table_entry entry = {.text = SLICE_LIT("a")};
    struct table_content *inline_, *other;
    const struct table_entry *bad;
    char why[256];

    (void)state;
    assert_true(table_content_same(a.content, b.content));
    assert_false(table_content_same(a.content, c.content));
    assert_int_equal(table_content_new(&entry, 1, &inline_, &bad, why, sizeof(why)), 0);
    assert_int_equal(table_content_new(&entry, 1, &other, &bad, why, sizeof(why)), 0);
    assert_false(table_content_same(inline_, other));
    assert_false(table_content_same(a.content, inline_));
    (void)table_content_free(inline_);
    (void)table_content_free(other);
    (void)table_content_free(a.content);
    (void)table_content_free(b.content);
    (void)table_content_free(c.content);
}

/* ---- size ---- */

/* Against asking each entry in turn, which is slow and simple. */
static void many_networks(void **state)
{
    enum { NETWORKS = 100000, QUESTIONS = 2000 };
    static struct {
        uint32_t address;
        unsigned bits;
    } networks[NETWORKS];
    struct buf text = {0};

    (void)state;
    srandom(3);
    for (size_t i = 0; i < NETWORKS; i++) {
        networks[i].bits = 12 + (unsigned)random() % 21;
        networks[i].address = (uint32_t)random() * 2u & ~0u << (32 - networks[i].bits);
        const uint32_t n = networks[i].address;
        buf_printf(&text, "%u.%u.%u.%u/%u\n", n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255,
                   networks[i].bits);
    }
    struct policy_table t = parse_octets(buf_slice(&text));
    assert_int_equal(table_content_count(t.content), NETWORKS);
    unsigned inside = 0;
    for (int q = 0; q < QUESTIONS; q++) {
        const uint32_t n =
            q % 2 == 0 ? networks[random() % NETWORKS].address + 1 : (uint32_t)random() * 2u;
        const uint32_t wire = htonl(n);
        struct addr a = {.family = ADDR_V4};
        int expected = 0;
        memcpy(a.octets, &wire, 4);
        for (size_t i = 0; i < NETWORKS && !expected; i++) {
            expected = ((n ^ networks[i].address) & ~0u << (32 - networks[i].bits)) == 0;
        }
        assert_int_equal(table_has_address(&t, &a), expected);
        inside += (unsigned)expected;
    }
    assert_in_range(inside, QUESTIONS / 4, QUESTIONS - QUESTIONS / 20);
    (void)table_content_free(t.content);
    buf_free(&text);
}

static void many_texts(void **state)
{
    enum { TEXTS = 100000 };
    struct buf text = {0};
    char question[64];

    (void)state;
    for (unsigned i = 0; i < TEXTS; i++) {
        buf_printf(&text, "%sD%u.example.org\n", i % 2 == 0 ? "." : "", i);
    }
    struct policy_table t = parse_octets(buf_slice(&text));
    for (unsigned i = 0; i < TEXTS; i++) {
        (void)snprintf(question, sizeof(question), "x.d%u.Example.org", i);
        assert_int_equal(has_text(&t, question), i % 2 == 0);
        assert_int_equal(has_text(&t, question + 2), i % 2 != 0);
        (void)snprintf(question, sizeof(question), "d%u.example.net", i);
        assert_int_equal(has_text(&t, question), 0);
    }
    (void)table_content_free(t.content);
    buf_free(&text);
}

/* A text of dots alone: each of its suffixes is looked for, and none is read whole each time. */
static void long_texts(void **state)
{
    enum { DOTS = 4000000 };
    char *dots = malloc(DOTS + 1);
    struct policy_table t = parse(".a\n.example.org\nb");

    (void)state;
    memset(dots, '.', DOTS);
    dots[DOTS] = '\0';
    assert_int_equal(has_text(&t, dots), 0);
    memcpy(dots + DOTS - 2, ".a", 2);
    assert_int_equal(has_text(&t, dots), 1);
    (void)table_content_free(t.content);
    free(dots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_lines),
        cmocka_unit_test(empty_files),
        cmocka_unit_test(garbage),
        cmocka_unit_test(wrong_lines_have_columns),
        cmocka_unit_test(long_entries_are_shown_in_part),
        cmocka_unit_test(the_same_text_is_known_again),
        cmocka_unit_test(many_networks),
        cmocka_unit_test(many_texts),
        cmocka_unit_test(long_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
