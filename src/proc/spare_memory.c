/* See proc/spare_memory.h. */
#include "proc/spare_memory.h"

#include <malloc.h>

#include "base/clock.h"

#define TRIM_EVERY (60 * USEC_SEC)
/* malloc_trim holds the loop up, the longer the more holes there are: usually for a tenth of a
 * millisecond, for 10 ms where 100 MB have become free. The longer it takes the more rarely it
 * comes, so that it has at most one part in so many of all time; but now and then it does come,
 * since what was measured may be a process that was stopped. */
#define TRIM_SHARE      10000
#define TRIM_EVERY_MOST (3600 * USEC_SEC)

/* The heap grows in such steps, and is not cut off in between: changing its size waits for threads
 * that touch new memory just then, which may have lost the processor. A step takes no memory before
 * it is used. */
#define HEAP_STEP (4 << 20)
/* Larger pieces are mapped for themselves. */
#define MAPPED_LEAST (1 << 20)

static void grow_in_steps(void)
{
    (void)mallopt(M_TOP_PAD, HEAP_STEP);
    (void)mallopt(M_TRIM_THRESHOLD, 4 * HEAP_STEP);
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_LEAST);
}

static void on_timer(void *arg)
{
    struct spare_memory *s = arg;
    usec_t began = clock_monotonic();

    smtp_server_trim(s->server);
    (void)malloc_trim(0);

    usec_t took = clock_monotonic() - began;
    usec_t pause = took < TRIM_EVERY_MOST / TRIM_SHARE ? took * TRIM_SHARE : TRIM_EVERY_MOST;
    rt_timer_set(s->rt, &s->timer, rt_now_of(s->rt) + (pause > TRIM_EVERY ? pause : TRIM_EVERY));
}

void spare_memory_begin(struct spare_memory *s)
{
    grow_in_steps();
    s->timer = (struct rt_timer){.fn = on_timer, .arg = s};
    rt_timer_set(s->rt, &s->timer, rt_now_of(s->rt) + TRIM_EVERY);
}

void spare_memory_end(struct spare_memory *s)
{
    rt_timer_clear(s->rt, &s->timer);
}
