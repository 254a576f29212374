/* Regular expressions: what they match, and that neither they nor the texts can make a match last
 * or need more stack than a task has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/pattern.h"
#include "stack_used.h"

static struct pattern *compile_as(const char *text, bool caseless)
{
    struct pattern *p = NULL;
    char why[256];
    size_t at;

    assert_int_equal(pattern_compile(slice_of(text), caseless, &p, why, sizeof(why), &at), 0);
    return p;
}

static int match_octets(const char *text, struct slice subject)
{
    struct pattern *p = compile_as(text, false);
    const int r = pattern_match(p, subject);

    assert_null(pattern_free(p));
    return r;
}

static int match(const char *text, const char *subject)
{
    return match_octets(text, slice_of(subject));
}

/* ---- matching ---- */

static void matches(void **state)
{
    (void)state;
    assert_int_equal(match("b", "abc"), 1);
    assert_int_equal(match("^b", "abc"), 0);
    assert_int_equal(match("^abc$", "abc"), 1);
    assert_int_equal(match("(dyn|dsl)[0-9]+\\.", "host.dsl12.example.net"), 1);
    assert_int_equal(match("", ""), 1);
    assert_int_equal(match("^$", ""), 1);
    assert_int_equal(match(".", ""), 0);
    assert_int_equal(match("(a+)\\1b", "aaaab"), 1);
    assert_int_equal(match_octets("^$", (struct slice){NULL, 0}), 1);
}

static void letters(void **state)
{
    struct pattern *p = compile_as("spam", true);

    (void)state;
    assert_int_equal(match("spam", "SPAM"), 0);
    assert_int_equal(match("(?i)spam", "SpAm"), 1);
    assert_int_equal(pattern_match(p, SLICE_LIT("no SPAM here")), 1);
    assert_null(pattern_free(p));
    p = compile_as("^\xc3\xa4$", true);
    assert_int_equal(pattern_match(p, SLICE_LIT("\xc3\x84")), 1);
    assert_null(pattern_free(p));
}

static void octets(void **state)
{
    (void)state;
    /* One character where the text is UTF-8. */
    assert_int_equal(match("^.$", "\xe2\x82\xac"), 1);
    /* Where it is not, one for each octet that is none. */
    static const struct slice wrong[] = {
        SLICE_LIT("\xff"),
        SLICE_LIT("\x80"),
        SLICE_LIT("\xc3"),
        SLICE_LIT("\xc0\x80"),
        SLICE_LIT("\xe0\x80\x80"),
        SLICE_LIT("\xed\xa0\x80"),
        SLICE_LIT("\xe2\x82"),
        SLICE_LIT("\xf4\x90\x80\x80"),
        SLICE_LIT("\xf0\x80\x80\x80"),
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char pattern[64];
        char text[16] = "a";
        (void)snprintf(pattern, sizeof(pattern), "^a\\x{fffd}{%zu}\xc3\xa4$", wrong[i].n);
        memcpy(text + 1, wrong[i].p, wrong[i].n);
        strcpy(text + 1 + wrong[i].n, "\xc3\xa4");
        assert_int_equal(match(pattern, text), 1);
        assert_int_equal(match_octets("^.+$", wrong[i]), 1);
    }
    for (uint32_t c = 0x80; c < 0x110000; c += 0x3f) {
        char utf8[5] = {0};
        if (c < 0x800) {
            (void)snprintf(utf8, sizeof(utf8), "%c%c", (int)(0xc0 | c >> 6),
                           (int)(0x80 | (c & 63)));
        } else if (c < 0x10000) {
            (void)snprintf(utf8, sizeof(utf8), "%c%c%c", (int)(0xe0 | c >> 12),
                           (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
        } else {
            (void)snprintf(utf8, sizeof(utf8), "%c%c%c%c", (int)(0xf0 | c >> 18),
                           (int)(0x80 | (c >> 12 & 63)), (int)(0x80 | (c >> 6 & 63)),
                           (int)(0x80 | (c & 63)));
        }
        /* Behind an octet that has the text copied. */
        char text[8] = "\xff";
        assert_int_equal(match("^..$", strcat(text, utf8)), c < 0xd800 || c > 0xdfff);
    }
    assert_int_equal(match_octets("a\\x00b", SLICE_LIT("a\0b")), 1);
    assert_int_equal(match_octets("a$", SLICE_LIT("a\0")), 0);
}

/* ---- bad patterns ---- */

static void assert_bad(const char *text, size_t n, const char *cause, size_t offset)
{
    struct pattern *untouched = (struct pattern *)0x1;
    struct pattern *p = untouched;
    char why[256] = "";
    size_t at = 4711;

    assert_int_equal(pattern_compile((struct slice){text, n}, false, &p, why, sizeof(why), &at),
                     -EINVAL);
    assert_ptr_equal(p, untouched);
    assert_non_null(strstr(why, cause));
    assert_int_equal(at, offset);
}

static void bad_patterns_say_why_and_where(void **state)
{
    char nested[2 * (PATTERN_NEST_LIMIT + 1) + 1] = "";
    char *longest = malloc(PATTERN_LENGTH_LIMIT + 1);
    struct pattern *p;
    char why[8];
    size_t at;

    (void)state;
    assert_bad("a(b", 3, "missing closing parenthesis", 3);
    assert_bad("a[b", 3, "missing terminating ]", 3);
    assert_bad("*a", 2, "quantifier", 0);
    assert_bad("ab\xff", 3, "UTF-8", 2);
    assert_bad("a\\Cb", 4, "\\C", 3);
    assert_bad("a\\", 2, "end of pattern", 2);

    memset(nested, '(', PATTERN_NEST_LIMIT + 1);
    memset(nested + PATTERN_NEST_LIMIT + 1, ')', PATTERN_NEST_LIMIT + 1);
    assert_bad(nested, strlen(nested), "parentheses are too deeply nested", PATTERN_NEST_LIMIT + 1);
    (void)pattern_free(compile_as(strcat(strcpy(nested, "(((((((((a"), ")))))))))"), false));

    memset(longest, 'a', PATTERN_LENGTH_LIMIT + 1);
    assert_bad(longest, PATTERN_LENGTH_LIMIT + 1, "longer than the limit", 0);
    assert_int_equal(pattern_compile((struct slice){longest, PATTERN_LENGTH_LIMIT}, false, &p, why,
                                     sizeof(why), &at),
                     0);
    (void)pattern_free(p);
    free(longest);

    /* Little room for the cause. */
    assert_int_equal(pattern_compile(SLICE_LIT("("), false, &p, why, sizeof(why), &at), -EINVAL);
    assert_int_equal(strlen(why), sizeof(why) - 1);
}

/* A few octets that would become megabytes. */
static void patterns_that_explode_are_refused(void **state)
{
    static const char bomb[] = "(((a{1,200}){1,200}){1,200}){1,200}";

    (void)state;
    assert_bad(bomb, sizeof(bomb) - 1, "too large", sizeof(bomb) - 1);
}

/* ---- limits ---- */

static struct slice repeat(const char *unit, size_t count, const char *tail)
{
    const size_t n = strlen(unit);
    char *p = malloc(n * count + strlen(tail) + 1);

    assert_non_null(p);
    for (size_t i = 0; i < count; i++) {
        memcpy(p + i * n, unit, n);
    }
    strcpy(p + n * count, tail);
    return (struct slice){p, n * count + strlen(tail)};
}

static int match_repeated(const char *text, const char *unit, size_t count, const char *tail)
{
    struct slice subject = repeat(unit, count, tail);
    const int r = match_octets(text, subject);

    free((char *)subject.p);
    return r;
}

/* Each of these would take from seconds to ages. */
static void backtracking_is_stopped(void **state)
{
    (void)state;
    assert_int_equal(match_repeated("^(a+)+$", "a", 40, "b"), -E2BIG);
    assert_int_equal(match_repeated("^(a|aa)+$", "a", 60, "b"), -E2BIG);
    assert_int_equal(match_repeated("(.*)*x[0-9]", "ab", 20000, "x"), -E2BIG);
    assert_int_equal(match_repeated("a.*b.*c.*[0-9]", "abc", 20000, ""), -E2BIG);
    /* And these are below PCRE2's own limit, which is one for each place to begin at. */
    assert_int_equal(match_repeated("a[^b]*[0-9]", "a", 65000, ""), -E2BIG);
    assert_int_equal(match_repeated("[a-z]++@[a-z]+", "a", 65000, "@"), -E2BIG);
    assert_int_equal(match_repeated("viagra.*[0-9]cheap", "viagra", 10000, "cheap"), -E2BIG);
    assert_int_equal(match_repeated("([a-z]+[.])*[0-9]", "abc.", 16000, ""), -E2BIG);
    assert_int_equal(match_repeated("(.*)\\1\\1\\1[0-9]", "a", 5000, ""), -E2BIG);
}

/* What people write, on the longest texts there are. */
static void ordinary_patterns_are_not_stopped(void **state)
{
    (void)state;
    assert_int_equal(match_repeated("^.*foo", "a", 65000, "foo"), 1);
    assert_int_equal(match_repeated("foo$", "a foo ", 10000, "x"), 0);
    assert_int_equal(match_repeated("[0-9]{5,}", "12 ", 20000, ""), 0);
    assert_int_equal(match_repeated("\\bcheap\\b.*\\bpills\\b", "cheap pearls ", 10, ""), 0);
    assert_int_equal(match_repeated("\\w+@example[0-9]*\\.org", "someone@example.net, ", 3000, ""),
                     0);
    assert_int_equal(
        match_repeated("^(.*, )?x@example\\.org$", "someone@example.net, ", 3000, "x@example.org"),
        1);
}

static void long_texts_are_not_looked_at(void **state)
{
    (void)state;
    assert_int_equal(match_repeated("^a", "a", PATTERN_SUBJECT_LIMIT, ""), 1);
    assert_int_equal(match_repeated("^a", "a", PATTERN_SUBJECT_LIMIT + 1, ""), -E2BIG);
}

/* A match that was stopped leaves nothing behind that others would feel. */
static void the_next_match_begins_anew(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(match_repeated("^(a+)+$", "a", 40, "b"), -E2BIG);
        assert_int_equal(match_repeated("^(a+)+$", "a", 10, ""), 1);
        assert_int_equal(match_repeated("^(a+)+$", "a", 3, "b"), 0);
    }
}

/* Many patterns share what they may do; one that is stopped takes no more than its own part. */
static void many_patterns_on_one_text(void **state)
{
    struct slice text = repeat("a", 40, "b\xff");
    struct pattern *slow = compile_as("^(a+)+$", false);
    struct pattern *linear = compile_as("[ab]+x?\\x{fffd}", false);
    struct pattern_subject s;
    int stopped = 0;

    (void)state;
    pattern_subject_init(&s, text);
    assert_int_equal(pattern_try(linear, &s), 1);
    while (pattern_try(linear, &s) == 1) {
        assert_int_equal(pattern_try(slow, &s), -E2BIG);
        stopped++;
    }
    assert_in_range(stopped, 10, 100);
    assert_int_equal(pattern_try(linear, &s), -E2BIG); /* nothing is left */
    pattern_subject_fini(&s);
    assert_int_equal(pattern_match(linear, text), 1);
    (void)pattern_free(slow);
    (void)pattern_free(linear);
    free((char *)text.p);
}

/* ---- a task's stack ---- */

struct question {
    const struct pattern *pattern;
    struct slice subject;
    int answer;
};

/* Where a match begins, and what stands in front of that counts. */
static void at_a_place(void **state)
{
    struct pattern *p = compile_as("\\bword(?= here)", false);
    struct pattern_subject s;

    (void)state;
    pattern_subject_init(&s, SLICE_LIT("\xff word here, aword here, word there"));
    pattern_subject_settle(&s);
    assert_int_equal(s.text.n, sizeof("\xff word here, aword here, word there") - 1 + 2);
    assert_int_equal(pattern_try_at(p, &s, 3), 0);
    assert_int_equal(pattern_try_at(p, &s, 4), 1);
    assert_int_equal(pattern_try_at(p, &s, 16), 0);
    assert_int_equal(pattern_try_at(p, &s, 27), 0);
    assert_int_equal(pattern_try_at(p, &s, s.text.n), 0);
    assert_int_equal(pattern_try(p, &s), 1);
    pattern_subject_fini(&s);
    pattern_free(p);
}

static void *answer(void *arg)
{
    struct question *q = arg;

    q->answer = pattern_match(q->pattern, q->subject);
    return NULL;
}

static void assert_little_stack(const char *text, struct slice subject, int expected)
{
    struct pattern *p = compile_as(text, false);
    struct question q = {p, subject, 1000};

    assert_in_range(stack_used(answer, &q), 0, 12 * 1024);
    assert_int_equal(q.answer, expected);
    (void)pattern_free(p);
}

static void matching_needs_little_stack(void **state)
{
    struct slice as = repeat("a", 60000, "");
    char deep[256] = "";

    (void)state;
    memset(deep, '(', 40);
    strcat(deep, "a");
    for (int i = 0; i < 40; i++) {
        strcat(deep, ")+");
    }
    assert_little_stack(deep, (struct slice){as.p, 30}, 1);
    assert_little_stack("^(a|b)+$", (struct slice){as.p, 1000}, 1);
    assert_little_stack("^(a|b)+$", as, -E2BIG);
    assert_little_stack("^((a)|b(?1))+$", as, -E2BIG);
    assert_little_stack("(?:a(?R)?[0-9])", as, -E2BIG);
    free((char *)as.p);
}

#define FILE_THREAD_STACK (256 * 1024) /* rt/real_threads.c */

static void *compile_in_thread(void *arg)
{
    (void)pattern_free(compile_as(arg, false));
    return NULL;
}

/* Tables are read in threads, which have more, but not much. */
static void compiling_fits_a_threads_stack(void **state)
{
    char deep[PATTERN_LENGTH_LIMIT + 1] = "";

    (void)state;
    while (strlen(deep) + 4 * PATTERN_NEST_LIMIT + 10 < sizeof(deep)) {
        for (int i = 0; i < PATTERN_NEST_LIMIT; i++) {
            strcat(deep, "(");
        }
        strcat(deep, "[a-z]");
        for (int i = 0; i < PATTERN_NEST_LIMIT; i++) {
            strcat(deep, i % 2 == 0 ? ")*" : "|b)");
        }
    }
    assert_in_range(stack_used(compile_in_thread, deep), 1, FILE_THREAD_STACK / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(letters),
        cmocka_unit_test(octets),
        cmocka_unit_test(bad_patterns_say_why_and_where),
        cmocka_unit_test(patterns_that_explode_are_refused),
        cmocka_unit_test(backtracking_is_stopped),
        cmocka_unit_test(ordinary_patterns_are_not_stopped),
        cmocka_unit_test(long_texts_are_not_looked_at),
        cmocka_unit_test(the_next_match_begins_anew),
        cmocka_unit_test(many_patterns_on_one_text),
        cmocka_unit_test(at_a_place),
        cmocka_unit_test(matching_needs_little_stack),
        cmocka_unit_test(compiling_fits_a_threads_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
