/* See rt/once.h. */
#include "rt/once.h"

int once_begin(struct once *o)
{
    while (!o->done) {
        if (!o->running) {
            o->running = true;
            cond_init(&o->cond);
            return 0;
        }
        int r = cond_wait(&o->cond, USEC_NEVER);
        if (r < 0) {
            return r;
        }
    }
    return 1;
}

void once_end(struct once *o, bool done)
{
    o->done = done;
    o->running = false;
    cond_wake_all(&o->cond);
}
