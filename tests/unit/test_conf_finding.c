/* Findings: how they are worded, shown with their line, ordered and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/text.h"
#include "conf/finding.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void assert_text(struct buf *b, const char *expected)
{
    buf_append(b, "", 1);
    assert_string_equal(b->p, expected);
    buf_free(b);
}

static void assert_excerpt(struct slice text, unsigned line, unsigned column, const char *expected)
{
    struct source source = {.name = "test", .text = text};
    struct buf b = {0};

    place_excerpt((struct place){line, column, &source}, &b);
    assert_text(&b, expected);
}

static void excerpts(void **state)
{
    (void)state;
    assert_excerpt(SLICE_LIT("one\ntwo three\nfour"), 1, 1, "    one\n    ^\n");
    assert_excerpt(SLICE_LIT("one\ntwo three\nfour"), 2, 5, "    two three\n        ^\n");
    assert_excerpt(SLICE_LIT("one\ntwo three\nfour"), 3, 5, "    four\n        ^\n");
    assert_excerpt(SLICE_LIT("one\r\ntwo\r\n"), 1, 4, "    one\n       ^\n");
    assert_excerpt(SLICE_LIT("one\n"), 2, 1, "    \n    ^\n");
    assert_excerpt(SLICE_LIT("one\n\ntwo"), 2, 1, "    \n    ^\n");
    assert_excerpt(SLICE_LIT(""), 1, 1, "    \n    ^\n");
    assert_excerpt((struct slice){NULL, 0}, 1, 1, "    \n    ^\n");
    /* Tabs and what a terminal would interpret take one cell, as do letters beyond ASCII. */
    assert_excerpt(SLICE_LIT("\ta\tb"), 1, 4, "     a b\n       ^\n");
    assert_excerpt(SLICE_LIT("m\303\274nchen x"), 1, 10, "    m\303\274nchen x\n            ^\n");
    assert_excerpt(SLICE_LIT("a\033[m\377 x"), 1, 7, "    a?[m? x\n          ^\n");
    assert_excerpt(SLICE_LIT("a\rb"), 1, 3, "    a?b\n      ^\n");
    /* A column behind the line's end is its end. */
    assert_excerpt(SLICE_LIT("one\ntwo"), 1, 99, "    one\n       ^\n");
}

static void no_excerpts(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_excerpt(SLICE_LIT("one\ntwo"), 3, 1, "");
    assert_excerpt(SLICE_LIT("one\ntwo"), 0, 1, "");
    assert_excerpt(SLICE_LIT("one\ntwo"), 1, 0, "");
    place_excerpt((struct place){.line = 1, .column = 1}, &b);
    assert_int_equal(b.n, 0);
}

/* The octet above the caret of the excerpt of `text` at `column`. */
static char pointed_at(struct slice text, unsigned column, size_t *ret_width)
{
    struct source source = {.name = "test", .text = text};
    struct buf b = {0};

    place_excerpt((struct place){1, column, &source}, &b);
    const char *feed = memchr(b.p, '\n', b.n);
    assert_non_null(feed);
    const char *caret = memchr(feed, '^', b.n - (size_t)(feed - b.p));
    assert_non_null(caret);
    char octet = b.p[caret - feed - 1];
    *ret_width = (size_t)(feed - b.p);
    assert_true(text_clean_length(b.p, *ret_width) == *ret_width);
    buf_free(&b);
    return octet;
}

/* Of a long line the part around the column is shown, and the caret is below the same octet. */
static void long_lines(void **state)
{
    char line[1000];
    size_t width;

    (void)state;
    for (size_t i = 0; i < sizeof(line); i++) {
        line[i] = (char)('a' + i % 23);
    }
    for (unsigned column = 1; column <= sizeof(line); column++) {
        assert_int_equal(pointed_at((struct slice){line, sizeof(line)}, column, &width),
                         line[column - 1]);
        assert_true(width <= 4 + 120 + 6);
    }
    assert_excerpt((struct slice){line, 121}, 1, 1,
                   "    abcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvw"
                   "abcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvwabcde...\n    ^\n");
    assert_excerpt((struct slice){line, 121}, 1, 122,
                   "    ...bcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvw"
                   "abcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvwabcdef\n"
                   "                                                                           "
                   "                                                    ^\n");
    assert_excerpt((struct slice){line, 120}, 1, 1,
                   "    abcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvw"
                   "abcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvwabcde\n    ^\n");
}

/* Characters are not cut in two, wherever the column is. */
static void long_lines_of_characters(void **state)
{
    char line[1200];
    size_t width;

    (void)state;
    for (size_t i = 0; i + 3 <= sizeof(line); i += 3) {
        memcpy(line + i, "\342\202\254", 3);
    }
    for (unsigned column = 1; column <= sizeof(line); column++) {
        struct source source = {.name = "test", .text = {line, sizeof(line)}};
        struct buf b = {0};
        place_excerpt((struct place){1, column, &source}, &b);
        assert_null(memchr(b.p, '?', b.n));
        buf_free(&b);
        (void)pointed_at((struct slice){line, sizeof(line)}, column, &width);
    }
    /* Octets that are no characters at all have no border to be cut at. */
    memset(line, 0x80, sizeof(line));
    for (unsigned column = 1; column <= sizeof(line); column++) {
        assert_int_equal(pointed_at((struct slice){line, sizeof(line)}, column, &width), '?');
    }
}

static void formats(void **state)
{
    struct source source = {.name = "/etc/gate\npost.conf", .text = SLICE_LIT("a\n  bcd \033\n")};
    struct findings f;
    struct buf b = {0};

    (void)state;
    findings_init(&f);
    finding_add(&f, FINDING_ERROR, (struct place){2, 3, &source}, NULL, "unknown \"%s\" %d", "b\tc",
                7);
    finding_add(&f, FINDING_WARNING, (struct place){1, 1, &source}, "do\nsomething", "odd %s",
                "a\377");
    finding_add(&f, FINDING_ERROR, (struct place){0}, "", "nowhere");
    assert_int_equal(f.count, 3);
    assert_int_equal(f.errors, 2);
    finding_format(&f.items[0], &b);
    assert_text(&b, "/etc/gate?post.conf:2:3: error: unknown \"b?c\" 7\n      bcd ?\n      ^\n");
    finding_format(&f.items[1], &b);
    assert_text(&b, "/etc/gate?post.conf:1:1: warning: odd a?\n    a\n    ^\n    do?something\n");
    finding_format(&f.items[2], &b);
    assert_text(&b, "error: nowhere\n");
    findings_free(&f);
    assert_int_equal(f.count, 0);
    assert_int_equal(f.errors, 0);
}

/* Texts are copied, and a long one is cut. */
static void texts_are_kept(void **state)
{
    char text[5000], advice[] = "advice";
    struct findings f;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    findings_init(&f);
    finding_add(&f, FINDING_ERROR, (struct place){0}, advice, "%s", text);
    memset(text, 'y', 100);
    memset(advice, 'y', 3);
    assert_int_equal(f.items[0].text[0], 'x');
    assert_true(strlen(f.items[0].text) >= 500 && strlen(f.items[0].text) < sizeof(text) - 1);
    assert_string_equal(f.items[0].advice, "advice");
    findings_free(&f);
}

static void sorted(void **state)
{
    struct source one = {.name = "one"}, two = {.name = "two"};
    static const char *const expected[] = {"a", "b", "c", "d", "e", "f", "g"};
    struct findings f;

    (void)state;
    findings_init(&f);
    findings_sort(&f);
    finding_add(&f, FINDING_ERROR, (struct place){7, 1, &two}, NULL, "d");
    findings_sort(&f);
    finding_add(&f, FINDING_ERROR, (struct place){2, 9, &one}, NULL, "f");
    finding_add(&f, FINDING_ERROR, (struct place){2, 2, &one}, NULL, "e");
    finding_add(&f, FINDING_WARNING, (struct place){1, 5, &two}, NULL, "a");
    finding_add(&f, FINDING_ERROR, (struct place){1, 5, &two}, NULL, "b");
    finding_add(&f, FINDING_WARNING, (struct place){10, 1, &one}, NULL, "g");
    finding_add(&f, FINDING_ERROR, (struct place){1, 6, &two}, NULL, "c");
    findings_sort(&f);
    assert_int_equal(f.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_string_equal(f.items[i].text, expected[i]);
    }
    assert_int_equal(f.errors, 5);
    findings_free(&f);
}

/* At most FINDINGS_MOST are kept, errors before warnings, and all errors are counted. */
static void bounded(void **state)
{
    struct findings f;

    (void)state;
    findings_init(&f);
    finding_add(&f, FINDING_ERROR, (struct place){0}, NULL, "first");
    for (int i = 0; i < FINDINGS_MOST; i++) {
        finding_add(&f, FINDING_WARNING, (struct place){0}, NULL, "warning %d", i);
    }
    assert_int_equal(f.count, FINDINGS_MOST);
    assert_int_equal(f.errors, 1);
    assert_string_equal(f.items[FINDINGS_MOST - 1].text, "warning 198");
    finding_add(&f, FINDING_ERROR, (struct place){0}, NULL, "second");
    assert_int_equal(f.count, FINDINGS_MOST);
    assert_string_equal(f.items[FINDINGS_MOST - 1].text, "second");
    assert_string_equal(f.items[FINDINGS_MOST - 2].text, "warning 197");
    for (int i = 0; i < 1000; i++) {
        finding_add(&f, FINDING_ERROR, (struct place){0}, NULL, "error %d", i);
    }
    finding_add(&f, FINDING_WARNING, (struct place){0}, NULL, "late");
    assert_int_equal(f.count, FINDINGS_MOST);
    assert_int_equal(f.errors, 1002);
    assert_string_equal(f.items[0].text, "first");
    assert_string_equal(f.items[1].text, "second");
    assert_string_equal(f.items[2].text, "error 0");
    assert_string_equal(f.items[FINDINGS_MOST - 1].text, "error 197");
    findings_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(excerpts),   cmocka_unit_test(no_excerpts),
        cmocka_unit_test(long_lines), cmocka_unit_test(long_lines_of_characters),
        cmocka_unit_test(formats),    cmocka_unit_test(texts_are_kept),
        cmocka_unit_test(sorted),     cmocka_unit_test(bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
