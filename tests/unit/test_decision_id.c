/* Decision ids: form, uniqueness and order, also when the clock misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/decision_id.h"

#define EPOCH (1767225600 * USEC_SEC) /* 2026-01-01T00:00:00Z */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static struct decision_ids ids_of(const char *hostname, unsigned slot)
{
    struct decision_ids ids;

    decision_ids_init(&ids, slice_of(hostname), slot);
    return ids;
}

static uint64_t value_of(const char *text, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++) {
        const char *at = memchr(alphabet, text[i], 32);
        assert_non_null(at);
        value = value * 32 + (uint64_t)(at - alphabet);
    }
    return value;
}

static void parts(void **state)
{
    struct decision_ids ids = ids_of("mx1.example.org", 1023);
    char id[DECISION_ID_LEN + 1];

    (void)state;
    decision_id_next(&ids, EPOCH + 123456789 * USEC_MSEC + 999, id);
    assert_int_equal(strlen(id), DECISION_ID_LEN);
    assert_int_equal(value_of(id, 2), value_of(ids.host, 2));
    assert_int_equal(value_of(id + 2, 8), 123456789);
    assert_int_equal(value_of(id + 10, 2), 1023);
    assert_int_equal(value_of(id + 12, 2), 0);
    decision_id_next(&ids, EPOCH + 123456789 * USEC_MSEC + 999, id);
    assert_int_equal(value_of(id + 2, 8), 123456789);
    assert_int_equal(value_of(id + 12, 2), 1);
    decision_id_next(&ids, EPOCH + 123456790 * USEC_MSEC, id);
    assert_int_equal(value_of(id + 2, 8), 123456790);
    assert_int_equal(value_of(id + 12, 2), 0);
}

/* Crockford leaves out I, L, O and U; sorting the letters sorts the values. */
static void letters(void **state)
{
    struct decision_ids ids = ids_of("mx1.example.org", 5);
    char id[DECISION_ID_LEN + 1];
    unsigned seen = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        decision_id_next(&ids, EPOCH + (usec_t)i * 7919 * USEC_SEC, id);
        assert_int_equal(strspn(id, alphabet), DECISION_ID_LEN);
        for (size_t k = 0; k < DECISION_ID_LEN; k++) {
            seen |= 1U << value_of(id + k, 1);
        }
    }
    assert_int_equal(seen, 0xffffffff);
}

/* Each id must be greater than the one before, which also makes them unique. */
static void in_order(struct decision_ids *ids, char last[static DECISION_ID_LEN + 1], usec_t wall)
{
    char id[DECISION_ID_LEN + 1];

    decision_id_next(ids, wall, id);
    assert_true(strcmp(id, last) > 0);
    memcpy(last, id, sizeof(id));
}

static void more_than_1024_in_a_millisecond(void **state)
{
    struct decision_ids ids = ids_of("mx1.example.org", 0);
    char last[DECISION_ID_LEN + 1] = "";

    (void)state;
    for (int i = 0; i < 5000; i++) {
        in_order(&ids, last, EPOCH + 1000 * USEC_MSEC);
    }
    assert_int_equal(value_of(last + 2, 8), 1000 + 4999 / 1024);
    /* The clock has not caught up yet, then it has. */
    in_order(&ids, last, EPOCH + 1002 * USEC_MSEC);
    assert_int_equal(value_of(last + 2, 8), 1000 + 4999 / 1024);
    in_order(&ids, last, EPOCH + 2000 * USEC_MSEC);
    assert_int_equal(value_of(last + 2, 8), 2000);
}

static void clock_steps_back(void **state)
{
    struct decision_ids ids = ids_of("mx1.example.org", 0);
    char last[DECISION_ID_LEN + 1] = "";

    (void)state;
    in_order(&ids, last, EPOCH + 3600 * USEC_SEC);
    for (int i = 0; i < 3000; i++) {
        in_order(&ids, last, EPOCH + (usec_t)i * USEC_MSEC);
    }
    in_order(&ids, last, EPOCH + 3601 * USEC_SEC);
    assert_int_equal(value_of(last + 2, 8), 3601 * 1000);
}

static void clock_before_the_epoch(void **state)
{
    struct decision_ids ids = ids_of("mx1.example.org", 0);
    char last[DECISION_ID_LEN + 1] = "";

    (void)state;
    in_order(&ids, last, 0);
    assert_int_equal(value_of(last + 2, 8), 0);
    for (int i = 0; i < 3000; i++) {
        in_order(&ids, last, -1);
    }
    in_order(&ids, last, EPOCH + 10 * USEC_MSEC);
    assert_int_equal(value_of(last + 2, 8), 10);
}

static void hosts_and_slots_differ(void **state)
{
    struct decision_ids a = ids_of("mx1.example.org", 1), b = ids_of("mx1.example.org", 2);
    struct decision_ids upper = ids_of("MX1.Example.ORG", 1), c = ids_of("mx2.example.org", 1);
    char of_a[DECISION_ID_LEN + 1], of_b[DECISION_ID_LEN + 1];

    (void)state;
    decision_id_next(&a, EPOCH, of_a);
    decision_id_next(&b, EPOCH, of_b);
    assert_string_not_equal(of_a, of_b);
    assert_memory_equal(a.host, upper.host, 2);
    assert_memory_not_equal(a.host, c.host, 2);
}

static void time_of_an_id(void **state)
{
    struct decision_ids ids = ids_of("mx1.example.org", 3);
    char id[DECISION_ID_LEN + 1];

    (void)state;
    decision_id_next(&ids, EPOCH + 12345678901 * USEC_MSEC + 999, id);
    assert_int_equal(decision_id_wall(id), EPOCH + 12345678901 * USEC_MSEC);
    assert_int_equal(decision_id_wall("ZZ00000000ZZZZ"), EPOCH);
    assert_int_equal(decision_id_wall("00ZZZZZZZZ0000"),
                     EPOCH + (((int64_t)1 << 40) - 1) * USEC_MSEC);
    assert_int_equal(decision_id_wall("00u000000100ZZ"), EPOCH + USEC_MSEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts),
        cmocka_unit_test(letters),
        cmocka_unit_test(more_than_1024_in_a_millisecond),
        cmocka_unit_test(clock_steps_back),
        cmocka_unit_test(clock_before_the_epoch),
        cmocka_unit_test(hosts_and_slots_differ),
        cmocka_unit_test(time_of_an_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
