/* Decimals: what is one, what is rounded, and that each text comes back as it was. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/decimal.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void good(void **state)
{
    static const struct {
        const char *text;
        int64_t thousandths;
        const char *back; /* NULL: as it was */
    } rows[] = {
        {"0", 0, NULL},
        {"7", 7000, NULL},
        {"7.5", 7500, NULL},
        {"-0.25", -250, NULL},
        {"0.001", 1, NULL},
        {"12.030", 12030, "12.03"},
        {"1.0004", 1000, "1"},
        {"1.0005", 1001, "1.001"},
        {"0.9999", 1000, "1"},
        {"007.50", 7500, "7.5"},
        {"99999999.999", DECIMAL_MOST, NULL},
        {"-99999999.999", -DECIMAL_MOST, NULL},
    };
    char text[DECIMAL_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t n = 77;
        assert_int_equal(decimal_parse(slice_of(rows[i].text), &n), 0);
        assert_int_equal(n, rows[i].thousandths);
        assert_string_equal(decimal_format(n, text),
                            rows[i].back != NULL ? rows[i].back : rows[i].text);
    }
}

static void bad(void **state)
{
    static const char *const forms[] = {"",    "-",   ".",    "5.",   ".5",  "1.2.3", "+1",
                                        "1e3", "nan", " 1",   "1 ",   "--1", "0x1",   "1,5",
                                        "-.5", "5.x", "5x.1", "1.-2", "inf"};
    static const char *const large[] = {"100000000", "-100000000", "99999999.9999",
                                        "99999999999999999999999999999999.5"};
    int64_t n = 77;

    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        assert_int_equal(decimal_parse(slice_of(forms[i]), &n), -EINVAL);
    }
    for (size_t i = 0; i < COUNT(large); i++) {
        assert_int_equal(decimal_parse(slice_of(large[i]), &n), -ERANGE);
    }
    assert_int_equal(n, 77);
}

static void of_reals(void **state)
{
    char text[DECIMAL_TEXT_MAX];

    (void)state;
    assert_int_equal(decimal_of_real(7.1), 7100);
    assert_int_equal(decimal_of_real(-0.0004), 0);
    assert_int_equal(decimal_of_real(1e300), DECIMAL_MOST);
    assert_int_equal(decimal_of_real(-1e300), -DECIMAL_MOST);
    assert_int_equal(decimal_of_real((double)NAN), 0);
    assert_int_equal(decimal_of_real((double)INFINITY), 0);
    assert_string_equal(decimal_format(INT64_MIN, text), "-9223372036854775.808");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(bad),
        cmocka_unit_test(of_reals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
