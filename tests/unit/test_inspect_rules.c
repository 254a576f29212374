/* Patterns that a policy looks for in a message. */
#include "inspect_world.h"

#include <errno.h>

#define LINE(text)                                                                                 \
    {                                                                                              \
        {(text), sizeof(text) - 1}, false                                                          \
    }
#define CASELESS(text)                                                                             \
    {                                                                                              \
        {(text), sizeof(text) - 1}, true                                                           \
    }

static int set(struct inspect_world *w, const struct pattern_group *groups, size_t count)
{
    struct buf octets = {0};

    w->request.work = INSPECT_PATTERNS;
    pattern_groups_write(groups, count, &octets);
    const int r = inspect_set_rules(w->inspect, buf_slice(&octets));
    buf_free(&octets);
    return r;
}

static void answers(const struct inspect_world *w, const int32_t *expected, size_t count)
{
    assert_int_equal(w->found.group_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(w->found.groups[i], expected[i]);
    }
}

static void test_places(void **state)
{
    static const struct pattern_line header[] = {LINE("(?m)^Subject: caf\xc3\xa9 long subject$")};
    static const struct pattern_line body[] = {LINE("nothing"), LINE("Hello wide\\s+world"),
                                               LINE("Hello")};
    static const struct pattern_line raw[] = {LINE("=20")};
    static const struct pattern_line caseless[] = {CASELESS("hELLO"), LINE("b[au]d(")};
    static const struct pattern_line elsewhere[] = {LINE("Subject")};
    static const struct pattern_group groups[] = {
        {PATTERN_IN_HEADER, header, 1},  {PATTERN_IN_BODY, body, 3},
        {PATTERN_IN_RAW, raw, 1},        {PATTERN_IN_BODY, caseless, 2},
        {PATTERN_IN_BODY, elsewhere, 1}, {PATTERN_IN_HEADER, body, 3},
    };
    static const int32_t expected[] = {1, 2, 1, 1, 0, 0};
    struct inspect_world *w = *state;

    assert_int_equal(set(w, groups, 6), 0);
    inspect_text(w, "Subject: =?iso-8859-1?q?caf=E9?=\n long subject\nMIME-Version: 1.0\n"
                    "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n"
                    "<p>Hel<b>lo</b>=20\n  wide<br>world</p>\n");
    answers(w, expected, 6);
    assert_int_equal(w->found.of[FINDING_OF_INSPECT_LIMITS].count, 0);
}

static void test_not_asked(void **state)
{
    struct inspect_world *w = *state;

    w->request.work = INSPECT_HEADER | INSPECT_TEXT | INSPECT_PARTS;
    inspect_text(w, "Subject: x\n\nhello\n");
    assert_int_equal(w->found.group_count, 0);
    assert_int_equal(inspect_set_rules(w->inspect, SLICE_LIT("nonsense")), -EBADMSG);
    w->request.work = INSPECT_PATTERNS;
    inspect_text(w, "Subject: x\n\nhello\n");
    assert_int_equal(w->found.group_count, 0);
}

/* Backtracking without end, and texts without end. */
static void test_limits(void **state)
{
    static const struct pattern_line endless[] = {LINE("(?:a|aa)+[bx]"), LINE("hello")};
    static const struct pattern_line late[] = {LINE("at the very end")};
    static const struct pattern_group groups[] = {{PATTERN_IN_BODY, endless, 1},
                                                  {PATTERN_IN_BODY, endless, 2},
                                                  {PATTERN_IN_BODY, late, 1},
                                                  {PATTERN_IN_RAW, late, 1}};
    static const int32_t expected[] = {PATTERNS_OPEN, 2, 0, 1};
    static const int32_t expected_long[] = {PATTERNS_OPEN, 2, PATTERNS_OPEN, 1};
    struct inspect_world *w = *state;
    struct buf text = {0};

    assert_int_equal(set(w, groups, 4), 0);
    inspect_text(w, "X: at the very end\n\nhello aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\n");
    answers(w, expected, 4);
    buf_printf(&text, "X: y\n\nhello aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\n");
    while (text.n < 2000000) {
        buf_append_slice(&text, SLICE_LIT("words and words, "));
    }
    buf_append(&text, "at the very end\n", 17);
    inspect_text(w, text.p);
    answers(w, expected_long, 4);
    buf_free(&text);
}

/* What is not looked at is not said not to be there. */
static void test_cut(void **state)
{
    static const struct pattern_line word[] = {LINE("hello")};
    static const struct pattern_group groups[] = {
        {PATTERN_IN_BODY, word, 1}, {PATTERN_IN_HEADER, word, 1}, {PATTERN_IN_RAW, word, 1}};
    static const int32_t expected[] = {PATTERNS_OPEN, PATTERNS_OPEN, 1};
    struct inspect_world *w = *state;
    const uint64_t parts = w->request.limits.parts;

    assert_int_equal(set(w, groups, 3), 0);
    w->request.limits.parts = 1;
    inspect_text(w, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
                    "--b\n\nhello\n--b--\n");
    w->request.limits.parts = parts;
    answers(w, expected, 3);
}

/* Characters that are an "s" and a "k" without case. */
static void test_long_letters(void **state)
{
    static const struct pattern_line word[] = {CASELESS("skin")};
    static const struct pattern_group groups[] = {{PATTERN_IN_BODY, word, 1}};
    static const int32_t expected[] = {1};
    struct inspect_world *w = *state;

    assert_int_equal(set(w, groups, 1), 0);
    inspect_text(w, "X: y\n\n\xc5\xbf\xe2\x84\xaain\n");
    answers(w, expected, 1);
}

/* Lines that are tried where their words stand only: what is in front of these counts, each of the
 * places does, and octets that are no characters do not move them. */
static void test_where_words_stand(void **state)
{
    static const struct pattern_line lines[] = {
        LINE("\\bfree money\\b"), LINE("(?<=no )reason"),       LINE("free.{0,10}lunch"),
        LINE("^free\\s"),         LINE("(?i)last (?:one|two)"), LINE("(?m)^line\r?$"),
    };
    static const struct pattern_group groups[] = {
        {PATTERN_IN_RAW, &lines[0], 1}, {PATTERN_IN_RAW, &lines[1], 1},
        {PATTERN_IN_RAW, &lines[2], 1}, {PATTERN_IN_RAW, &lines[3], 1},
        {PATTERN_IN_RAW, &lines[4], 1}, {PATTERN_IN_RAW, &lines[5], 1},
        {PATTERN_IN_RAW, lines, 6},
    };
    static const int32_t none[] = {0, 0, 0, 0, 0, 0, 0};
    static const int32_t all[] = {1, 1, 1, 0, 1, 1, 1};
    static const int32_t last[] = {0, 0, 0, 0, 1, 0, 5};
    struct inspect_world *w = *state;

    assert_int_equal(set(w, groups, 7), 0);
    inspect_text(w,
                 "X: afree money\n\nfree moneys, a reason, free of course and no lunch, last on, "
                 "line by line\n");
    answers(w, none, 7);
    inspect_text(
        w, "X: \xff\xe9\n\nfree moneys, free \xff money, \xe9 free money, a reason, no reason, "
           "free of course, free of lunch, last on, LAST one\nline\n");
    answers(w, all, 7);
    inspect_text(w, "X: \xff\xff\xff\n\n\xff last tw, last\xfftwo, Last tWo");
    answers(w, last, 7);
}

/* More places than are kept: it is found all the same. */
static void test_words_everywhere(void **state)
{
    static const struct pattern_line lines[] = {LINE("word [yz]"), LINE("other")};
    static const struct pattern_group groups[] = {{PATTERN_IN_RAW, lines, 1},
                                                  {PATTERN_IN_RAW, lines, 2}};
    static const int32_t none[] = {0, 0};
    static const int32_t both[] = {1, 1};
    struct inspect_world *w = *state;
    struct buf text = {0};

    assert_int_equal(set(w, groups, 2), 0);
    buf_printf(&text, "X: y\n\n");
    while (text.n < 600000) {
        buf_append_slice(&text, SLICE_LIT("word x, "));
    }
    buf_append(&text, "\0", 1);
    inspect_text(w, text.p);
    answers(w, none, 2);
    text.n--;
    buf_append(&text, "word z\n", 8);
    inspect_text(w, text.p);
    answers(w, both, 2);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),           cmocka_unit_test(test_not_asked),
        cmocka_unit_test(test_limits),           cmocka_unit_test(test_cut),
        cmocka_unit_test(test_long_letters),     cmocka_unit_test(test_where_words_stand),
        cmocka_unit_test(test_words_everywhere),
    };

    return cmocka_run_group_tests(tests, inspect_world_open, inspect_world_close);
}
