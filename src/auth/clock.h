/* The time in which a check has to be done. */
#pragma once

#include "rt/rt.h"

struct auth_clock {
    usec_t wall;          /* since 1970 UTC: what signatures' t= and x= are held against */
    usec_t question_time; /* the longest that one question to the DNS is waited for */
    usec_t deadline;      /* of the whole, on rt_now()'s clock: behind it all is temperror */
};

/* Until when a question that is asked now may take, on rt_now()'s clock. */
static inline usec_t auth_question_end(const struct auth_clock *c)
{
    const usec_t end = rt_now() + c->question_time;

    return end < c->deadline ? end : c->deadline;
}
