/* Something that is done once, although several tasks that run together want it. */
#pragma once

#include <stdbool.h>

#include "rt/rt.h"

struct once {
    bool done;
    bool running; /* a task is at it; the others wait on `cond` */
    struct cond cond;
};

/* 1: it is done. 0: the caller has to do it, and calls once_end. -ECANCELED. Suspends while another
 * task is at it. */
int once_begin(struct once *o);

/* `done`: nobody needs to do it again; otherwise one of those that wait takes over. */
void once_end(struct once *o, bool done);
