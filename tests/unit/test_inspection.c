/* What worker and inspector say to each other: octets that come back as they were, and octets that
 * are no answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "parse/inspection.h"
#include "parse/inspection_request.h"

static const struct slice names[] = {{"a.exe", 5}, {"b.doc", 5}};
static const int32_t groups[] = {PATTERNS_NONE, 7, PATTERNS_OPEN};

static struct inspection made(void)
{
    return (struct inspection){
        .of = {[FINDING_OF_SUBJECT] = {.text = SLICE_LIT("hello")},
               [FINDING_OF_DATE_SKEW] = {.number = -5},
               [FINDING_OF_ATTACHMENT_NAMES] = {.texts = names, .count = 2, .open = true},
               [FINDING_OF_URL_MISMATCH] = {.number = 1}},
        .groups = groups,
        .group_count = 3,
    };
}

static void test_answer_comes_back(void **state)
{
    struct inspection in = made(), back;
    struct buf b = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    inspection_write(&in, &b);
    assert_int_equal(inspection_read(buf_slice(&b), 3, &arena, &back), 0);
    assert_true(slice_eq(back.of[FINDING_OF_SUBJECT].text, SLICE_LIT("hello")));
    assert_int_equal(back.of[FINDING_OF_DATE_SKEW].number, -5);
    assert_int_equal(back.of[FINDING_OF_ATTACHMENT_NAMES].count, 2);
    assert_true(back.of[FINDING_OF_ATTACHMENT_NAMES].open);
    assert_true(slice_eq(back.of[FINDING_OF_ATTACHMENT_NAMES].texts[1], names[1]));
    assert_int_equal(back.of[FINDING_OF_URL_MISMATCH].number, 1);
    assert_false(back.of[FINDING_OF_URL_MISMATCH].open);
    assert_int_equal(back.groups[1], 7);
    assert_int_equal(back.groups[2], PATTERNS_OPEN);
    arena_free(&arena);
    buf_free(&b);
}

/* Every part of it that is not the whole, one octet more, another count. */
static void test_no_answer(void **state)
{
    struct inspection in = made(), back = {.group_count = 99};
    struct buf b = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    inspection_write(&in, &b);
    for (size_t n = 0; n < b.n; n++) {
        assert_int_equal(inspection_read((struct slice){b.p, n}, 3, &arena, &back), -EBADMSG);
    }
    assert_int_equal(inspection_read(buf_slice(&b), 2, &arena, &back), -EBADMSG);
    buf_append(&b, "", 1);
    assert_int_equal(inspection_read(buf_slice(&b), 3, &arena, &back), -EBADMSG);
    assert_int_equal(back.group_count, 99);
    arena_free(&arena);
    buf_free(&b);
}

/* What is too much is cut where it is written, and told. */
static void test_answer_is_bounded(void **state)
{
    static char text[FINDING_OCTETS_MOST + 9];
    struct slice many[FINDING_TEXTS_MOST + 3];
    struct inspection in = {.of = {[FINDING_OF_URL_DOMAINS] = {.texts = many}}}, back;
    struct buf b = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < FINDING_TEXTS_MOST + 3; i++) {
        many[i] = (struct slice){text, sizeof(text)};
    }
    in.of[FINDING_OF_URL_DOMAINS].count = FINDING_TEXTS_MOST + 3;
    inspection_write(&in, &b);
    assert_true(b.n <= INSPECTION_MOST);
    assert_int_equal(inspection_read(buf_slice(&b), 0, &arena, &back), 0);
    assert_int_equal(back.of[FINDING_OF_URL_DOMAINS].count, FINDING_TEXTS_MOST);
    assert_int_equal(back.of[FINDING_OF_URL_DOMAINS].texts[0].n, FINDING_OCTETS_MOST);
    assert_true(back.of[FINDING_OF_URL_DOMAINS].open);
    arena_free(&arena);
    buf_free(&b);
}

static void test_request(void **state)
{
    const struct inspection_request r = {
        .size = 123456789012,
        .wall = 77,
        .work = INSPECT_HEADER | INSPECT_PATTERNS,
        .limits = {.depth = 1,
                   .parts = 2,
                   .fields = 3,
                   .decoded = 4,
                   .members = 5,
                   .ratio = 6,
                   .time = 7},
        .rules = {.octets = {9, 8}},
    };
    struct inspection_request back = {.work = 99};
    char octets[INSPECTION_REQUEST_OCTETS];

    (void)state;
    inspection_request_write(&r, octets);
    assert_int_equal(inspection_request_read((struct slice){octets, sizeof(octets) - 1}, &back),
                     -EBADMSG);
    assert_int_equal(back.work, 99);
    assert_int_equal(inspection_request_read((struct slice){octets, sizeof(octets)}, &back), 0);
    assert_int_equal(back.size, r.size);
    assert_int_equal(back.wall, 77);
    assert_int_equal(back.work, r.work);
    assert_int_equal(back.limits.depth, 1);
    assert_int_equal(back.limits.ratio, 6);
    assert_int_equal(back.limits.time, 7);
    assert_memory_equal(back.rules.octets, r.rules.octets, DIGEST_LEN);
    octets[0] ^= 1;
    assert_int_equal(inspection_request_read((struct slice){octets, sizeof(octets)}, &back),
                     -EBADMSG);
}

static void test_pattern_groups(void **state)
{
    const struct pattern_line lines[] = {{{"a.c", 3}, true}, {{"", 0}, false}};
    const struct pattern_group in[] = {{PATTERN_IN_RAW, lines, 2}, {PATTERN_IN_HEADER, NULL, 0}};
    const struct pattern_group *back;
    struct buf b = {0};
    struct arena arena;
    size_t count;

    (void)state;
    arena_init(&arena);
    pattern_groups_write(in, 2, &b);
    assert_int_equal(pattern_groups_read(buf_slice(&b), &arena, &back, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(back[0].place, PATTERN_IN_RAW);
    assert_int_equal(back[0].count, 2);
    assert_true(back[0].lines[0].caseless);
    assert_true(slice_eq(back[0].lines[0].text, lines[0].text));
    assert_int_equal(back[1].count, 0);
    for (size_t n = 0; n < b.n; n++) {
        assert_int_equal(pattern_groups_read((struct slice){b.p, n}, &arena, &back, &count),
                         -EBADMSG);
    }
    arena_free(&arena);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_comes_back), cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_answer_is_bounded), cmocka_unit_test(test_request),
        cmocka_unit_test(test_pattern_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
