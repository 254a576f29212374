/* The inside of the runtime, for src/rt and the worlds only. */
#pragma once

#include "base/addr.h"
#include "rt/rt.h"
#include "rt/stream.h"

/* What a world provides. */
struct world_ops {
    usec_t (*wall)(struct rt *rt);
    void (*random)(struct rt *rt, void *ret, size_t n);
    int (*connect)(struct rt *rt, const struct addr *to, usec_t deadline, struct stream **ret);
    int (*connect_path)(struct rt *rt, const char *path, usec_t deadline, struct stream **ret);
    void (*post)(struct rt *rt, enum rt_call_kind kind, int (*fn)(void *),
                 void (*done)(void *, int), void *arg);
    /* Called at the entry of every wait; NULL in the real world. */
    void (*await)(struct rt *rt);
};

struct timer_heap {
    struct rt_timer **items; /* items[1 … count], the earliest first */
    size_t count;
    size_t cap;
};

struct stack_pool {
    struct list kept; /* struct stack; those with their pages first, most recently used in front */
    unsigned kept_count;
    unsigned warm_count; /* of them, those with their pages */
};

struct rt {
    const struct world_ops *ops;
    usec_t now;
    struct list ready;
    struct list later; /* struct rt_later */
    struct task *current;
    struct scope root;
    struct timer_heap timers;
    struct stack_pool stacks;
    struct list untrimmed; /* tasks whose stacks may have pages to give back */
    struct rt_timer trim;
    struct rt_stats stats;
    void *main_fake_stack; /* AddressSanitizer's */
    const void *main_stack;
    size_t main_stack_size;
    bool dead; /* a killed pretended process: every wait fails, nothing has an effect */
};

void rt_init(struct rt *rt, const struct world_ops *ops);
/* All tasks must have ended. */
void rt_fini(struct rt *rt);

/* Runs ready tasks until there are none, or `most` switches were made; then what was left for
 * later. */
void rt_run_ready(struct rt *rt, unsigned most);

/* ---- timer.c ---- */
/* The earliest timer's time, USEC_NEVER when there is none. */
usec_t rt_next_timer(const struct rt *rt);
/* Fires all timers that are due at rt->now. */
void rt_run_timers(struct rt *rt);

/* ---- task.c ---- */
/* Counts the wait and lets the simulated world put a fault here; every waiting function calls it
 * first. 0, or -ECANCELED when the scope is cancelled already. */
int task_await(void);

/* Called in front of what may be had without waiting, again and again: lets the loop turn when the
 * task has done so too often in this turn. 0, -ETIMEDOUT when the deadline is over by then, or
 * -ECANCELED. */
int task_give_way(usec_t deadline);

/* Suspends the running task, listed in `queue` where not NULL, until task_wake or the deadline.
 * Without `cancellable` only task_wake ends it. */
int task_park(struct list *queue, usec_t deadline, bool cancellable);

/* Makes a parked task ready; the park returns `result`. Harmless for a task that is not parked. */
void task_wake(struct task *t, int result);

/* Wakes every cancellable wait, also behind shields: the simulated world's kill. */
void rt_kill_parked(struct rt *rt);

struct task *task_self(void);
bool task_cancelled(const struct task *t);
struct scope **task_scope(struct task *t);
struct list *task_scope_link(struct task *t);
struct task *task_from_link(struct list *link);
struct task *task_from_scope_link(struct list *link);

/* ---- scope.c ---- */
void scope_init(struct scope *s, struct scope *parent);

/* ---- stack.c ---- */
struct stack {
    struct list link;
    char *base; /* lowest usable octet, above the guard page */
    size_t size;
};

/* A stack with a guard page below it; NULL when the kernel has no memory. The struct itself lies
 * at its upper end. */
struct stack *stack_get(struct stack_pool *p, struct rt_stats *stats);
void stack_put(struct stack_pool *p, struct stack *s, struct rt_stats *stats);
void stack_pool_free(struct stack_pool *p, struct rt_stats *stats);
/* Gives back the whole pages below `sp`. */
void stack_trim(struct stack *s, const void *sp);
