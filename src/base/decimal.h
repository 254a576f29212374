/* Decimal numbers with up to three digits behind the point, as thousandths in an integer: scores of
 * scanners. Never a float, so that 0.1 is what it says. */
#pragma once

#include <stdint.h>

#include "base/slice.h"

/* What is larger, or smaller than its negative, is no decimal of ours. */
#define DECIMAL_MOST INT64_C(99999999999)

/* Room for decimal_format with the terminating NUL. */
#define DECIMAL_TEXT_MAX 24

/* "7", "7.5", "-0.25": digits, and perhaps a point and more digits; what is beyond the third is
 * rounded. 0; -EINVAL for another form; -ERANGE beyond DECIMAL_MOST. */
int decimal_parse(struct slice text, int64_t *ret);

/* The nearest decimal; what is not finite is 0, and what is too large the largest. */
int64_t decimal_of_real(double number);

/* Without zeros at its end: "7", "7.5", "-0.25". Returns `ret_text`. */
const char *decimal_format(int64_t thousandths, char ret_text[static DECIMAL_TEXT_MAX]);
