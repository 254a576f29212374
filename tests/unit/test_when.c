/* Points in time as they are typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/when.h"

#define NOW  ((usec_t)1795322970123456)      /* 2026-11-22 04:49:30.123456 UTC */
#define DAY  ((usec_t)1795305600 * USEC_SEC) /* 2026-11-22 00:00:00 UTC */
#define HOUR (3600 * USEC_SEC)

static void assert_when(const char *text, usec_t expected)
{
    usec_t at = -1;

    if (!when_parse(slice_of(text), NOW, &at)) {
        fail_msg("not taken: %s", text);
    }
    assert_int_equal(at, expected);
}

static void so_long_ago(void **state)
{
    (void)state;
    assert_when("2h", NOW - 2 * HOUR);
    assert_when("7d", NOW - 7 * 24 * HOUR);
    assert_when("90s", NOW - 90 * USEC_SEC);
    assert_when("0", NOW);
    assert_when("100000d", 1); /* before there was anything */
}

static void points(void **state)
{
    (void)state;
    const usec_t at = DAY + 4 * HOUR + 49 * 60 * USEC_SEC;
    assert_when("2026-11-22", DAY);
    assert_when("2026-11-22T04:49", at);
    assert_when("2026-11-22 04:49", at);
    assert_when("2026-11-22T04:49:30Z", at + 30 * USEC_SEC);
    assert_when("2026-11-22t04:49:30z", at + 30 * USEC_SEC);
    assert_when("2026-11-22T04:49:30.25", at + 30 * USEC_SEC + 250000);
    assert_when("2026-11-22T05:49+01:00", at);
    assert_when("2026-11-21T23:19:00-05:30", at);
    assert_when("2024-02-29", (usec_t)1709164800 * USEC_SEC);
}

static void none(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "x",
                                        "2",
                                        "2x",
                                        "2026",
                                        "2026-11",
                                        "2026-11-31",
                                        "2026-13-01",
                                        "2026-02-29",
                                        "22.11.2026",
                                        "2026-11-22T",
                                        "2026-11-22T4:49",
                                        "2026-11-22T25:00",
                                        "2026-11-22T04:60",
                                        "2026-11-22x04:49",
                                        "2026-11-22T04:49+1:00",
                                        "2026-11-22T04:49+24:00",
                                        "2026-11-22T04:49+01:60",
                                        "2026-11-22Z04:49Z",
                                        "-2h",
                                        "+01:00",
                                        "2026-11-22T04:49:30ZZ"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        usec_t at = -1;
        if (when_parse(slice_of(texts[i]), NOW, &at)) {
            fail_msg("taken: %s", texts[i]);
        }
        assert_int_equal(at, -1);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_long_ago),
        cmocka_unit_test(points),
        cmocka_unit_test(none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
