/* Time. Every duration and every point in time in Gatepost is a usec_t. */
#pragma once

#include <stdint.h>

#include "base/slice.h"

/* Microseconds: a duration, a point on the monotonic clock, or (where a name ends in
 * _wall) since 1970-01-01 UTC. */
typedef int64_t usec_t;

#define USEC_MSEC  ((usec_t)1000)
#define USEC_SEC   ((usec_t)1000000)
#define USEC_NEVER INT64_MAX

/* Room for time_format_rfc5322 with its terminating NUL. */
#define TIME_RFC5322_MAX 40

/* Writes `wall` as an RFC 5322 3.3 date-time in UTC ("Sun, 22 Nov 2026 04:49:30 +0000"),
 * NUL-terminated. */
void time_format_rfc5322(usec_t wall, char ret_text[static TIME_RFC5322_MAX]);

/* Room for time_format_rfc3339 with its terminating NUL. */
#define TIME_RFC3339_MAX 32

/* Writes `wall` as an RFC 3339 timestamp with milliseconds ("2026-11-22T04:49:30.123Z"). */
void time_format_rfc3339(usec_t wall, char ret_text[static TIME_RFC3339_MAX]);

/* Reads such a timestamp, of UTC, with no or up to nine decimals of the second (those beyond the
 * sixth are dropped) and a year from 1970 to 9999: 0 or -EINVAL. */
int time_parse_rfc3339(struct slice text, usec_t *ret_wall);
