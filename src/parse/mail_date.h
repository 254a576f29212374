/* Points in time as mail writes them (RFC 5322 3.3, with the obsolete forms of 4.3). */
#pragma once

#include "base/slice.h"
#include "base/time.h"

/* Reads the body of a Date field, with its folds and comments. Beyond the RFC a missing day of the
 * month's leading zero, a month's name in full, a missing comma, and a zone of other letters (which
 * counts as +0000, RFC 5322 4.3) are understood; the weekday need not be right. Years are from 1900
 * to 9999. 0; or -EINVAL. */
int mail_date_parse(struct slice body, usec_t *ret_wall);
