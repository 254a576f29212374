/* The time in which a check has to be done. */
#pragma once

#include "base/time.h"

struct auth_clock {
    usec_t wall;          /* since 1970 UTC: what signatures' t= and x= are held against */
    usec_t question_time; /* the longest that one question to the DNS is waited for */
    usec_t deadline;      /* of the whole, on rt_now()'s clock: behind it all is temperror */
};
