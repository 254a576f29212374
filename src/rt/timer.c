/* Timers in a binary heap, the same for both worlds. */
#include "base/fatal.h"
#include "rt/rt_impl.h"

static void place(struct timer_heap *h, size_t i, struct rt_timer *t)
{
    h->items[i] = t;
    t->heap_index = i;
}

static void sift_up(struct timer_heap *h, size_t i)
{
    struct rt_timer *t = h->items[i];
    while (i > 1 && h->items[i / 2]->when > t->when) {
        place(h, i, h->items[i / 2]);
        i /= 2;
    }
    place(h, i, t);
}

static void sift_down(struct timer_heap *h, size_t i)
{
    struct rt_timer *t = h->items[i];
    for (;;) {
        size_t child = i * 2;
        if (child > h->count) {
            break;
        }
        if (child < h->count && h->items[child + 1]->when < h->items[child]->when) {
            child++;
        }
        if (h->items[child]->when >= t->when) {
            break;
        }
        place(h, i, h->items[child]);
        i = child;
    }
    place(h, i, t);
}

void rt_timer_clear(struct rt *rt, struct rt_timer *t)
{
    struct timer_heap *h = &rt->timers;
    size_t i = t->heap_index;
    if (i == 0) {
        return;
    }
    t->heap_index = 0;
    struct rt_timer *last = h->items[h->count--];
    if (last != t) {
        place(h, i, last);
        sift_up(h, i);
        sift_down(h, last->heap_index);
    }
}

void rt_timer_set(struct rt *rt, struct rt_timer *t, usec_t when)
{
    struct timer_heap *h = &rt->timers;
    rt_timer_clear(rt, t);
    if (h->count + 1 >= h->cap) {
        h->cap = h->cap == 0 ? 64 : h->cap * 2;
        h->items = xrealloc(h->items, h->cap * sizeof(struct rt_timer *));
    }
    t->when = when;
    h->count++;
    place(h, h->count, t);
    sift_up(h, h->count);
}

usec_t rt_next_timer(const struct rt *rt)
{
    return rt->timers.count == 0 ? USEC_NEVER : rt->timers.items[1]->when;
}

void rt_run_timers(struct rt *rt)
{
    while (rt->timers.count > 0 && rt->timers.items[1]->when <= rt->now) {
        struct rt_timer *t = rt->timers.items[1];
        rt_timer_clear(rt, t);
        t->fn(t->arg);
    }
}
