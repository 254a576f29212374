/* See base/decimal.h. */
#include "base/decimal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#define THOUSAND 1000

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits from `*at` on, as a number; *at is behind them. -ERANGE beyond what may be. */
static int64_t whole_part(struct slice text, size_t *at)
{
    int64_t n = 0;

    for (; *at < text.n && is_digit(text.p[*at]); ++*at) {
        n = n <= DECIMAL_MOST ? n * 10 + (text.p[*at] - '0') : n;
    }
    return n <= DECIMAL_MOST / THOUSAND ? n : -ERANGE;
}

/* The digits behind the point, as thousandths. */
static int64_t fraction(struct slice text, size_t *at)
{
    int64_t n = 0, worth = THOUSAND / 10;
    const size_t first = *at;

    for (; *at < text.n && is_digit(text.p[*at]); ++*at, worth /= 10) {
        n += worth * (text.p[*at] - '0');
        n += *at - first == 3 && text.p[*at] >= '5';
    }
    return n;
}

int decimal_parse(struct slice text, int64_t *ret)
{
    const bool negative = text.n > 0 && text.p[0] == '-';
    size_t at = negative, digits = at;
    int64_t n = whole_part(text, &at), rest = 0;

    if (at == digits) {
        return -EINVAL;
    }
    if (at < text.n && text.p[at] == '.') {
        digits = ++at;
        rest = fraction(text, &at);
        if (at == digits) {
            return -EINVAL;
        }
    }
    if (at < text.n) {
        return -EINVAL;
    }
    if (n < 0 || n * THOUSAND + rest > DECIMAL_MOST) {
        return -ERANGE;
    }
    n = n * THOUSAND + rest;
    *ret = negative ? -n : n;
    return 0;
}

int64_t decimal_of_real(double number)
{
    if (!isfinite(number)) {
        return 0;
    }
    const double most = (double)DECIMAL_MOST;
    const double n = number * THOUSAND;
    return n > most ? DECIMAL_MOST : n < -most ? -DECIMAL_MOST : llround(n);
}

const char *decimal_format(int64_t thousandths, char ret_text[static DECIMAL_TEXT_MAX])
{
    const uint64_t n = thousandths < 0 ? 0 - (uint64_t)thousandths : (uint64_t)thousandths;
    unsigned rest = (unsigned)(n % THOUSAND);
    int digits = 3;

    for (; rest > 0 && rest % 10 == 0; rest /= 10) {
        digits--;
    }
    int end = snprintf(ret_text, DECIMAL_TEXT_MAX, "%s%" PRIu64, thousandths < 0 ? "-" : "",
                       n / THOUSAND);
    if (rest > 0) {
        (void)snprintf(ret_text + end, DECIMAL_TEXT_MAX - (size_t)end, ".%0*u", digits, rest);
    }
    return ret_text;
}
