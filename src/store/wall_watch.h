/* Does the wall clock run with the monotonic one, or has it jumped?
 *
 * A clock that is set wrong for a while must not cost what is remembered. So what cannot be undone,
 * purging and bringing back times that lie in the future, waits until the clock has been steady for
 * some time; reading goes by the clock as it is. Pure. */
#pragma once

#include <stdbool.h>

#include "base/time.h"

#define WALL_JUMP   (10 * USEC_SEC)      /* a difference that is no slewing */
#define WALL_SETTLE (15 * 60 * USEC_SEC) /* after which a clock is believed */

struct wall_watch {
    bool begun;
    bool jumped;  /* ever */
    usec_t ahead; /* of the monotonic clock */
    usec_t since; /* monotonic: steady */
};

/* Both clocks now. */
static inline void wall_watch_see(struct wall_watch *w, usec_t wall, usec_t monotonic)
{
    usec_t ahead = wall - monotonic;
    usec_t by = ahead > w->ahead ? ahead - w->ahead : w->ahead - ahead;
    if (!w->begun || by > WALL_JUMP) {
        w->jumped = w->begun;
        w->begun = true;
        w->since = monotonic;
    }
    w->ahead = ahead;
}

/* Has it been steady for long enough since we watch? */
static inline bool wall_watch_steady(const struct wall_watch *w, usec_t monotonic)
{
    return w->begun && monotonic - w->since >= WALL_SETTLE;
}

/* Did we see it jump a short time ago? */
static inline bool wall_watch_jumped(const struct wall_watch *w, usec_t monotonic)
{
    return w->jumped && !wall_watch_steady(w, monotonic);
}
