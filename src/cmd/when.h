/* Points in time as they are typed behind --since and --until. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/time.h"

/* "2h", "7d": so long before `now`. "2026-11-22": that day's beginning. "2026-11-22T04:49:30Z" and
 * the other forms of RFC 3339, with a blank for the T, without seconds, with the zone as "+01:00";
 * without a zone it is UTC, as all that Gatepost prints. `now` and *ret are since 1970. False: none
 * of these. */
bool when_parse(struct slice text, usec_t now, usec_t *ret);

/* Is there any time from `since` on and before `until`? 0: from, or up to, ever. */
static inline bool when_is_period(usec_t since, usec_t until)
{
    return until == 0 || since < until;
}
