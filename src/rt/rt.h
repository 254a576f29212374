/* The runtime: coroutines, scopes, deadlines, and the world they run in.
 *
 * One struct rt is one single-threaded scheduler: a worker process has one; a simulation has one
 * for each pretended worker and one for the pretended rest of the internet. Code below this
 * interface never learns whether the world is the real one (rt/real.h) or the simulated one
 * (rt/sim.h).
 *
 * Rules that hold for everything that waits:
 *  - it takes a deadline on rt_now()'s clock (USEC_NEVER where the caller's scope is the limit);
 *  - it returns -ETIMEDOUT when the deadline passes, and -ECANCELED when the scope it runs in was
 *    cancelled, at once and every time, until that scope is left;
 *  - it returns to its caller: no suspended stack is ever dropped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/time.h"

struct rt;
struct task;

/* ---- the world ---- */

/* The runtime whose task is running; never NULL inside a task. */
struct rt *rt_self(void);

/* The monotonic clock, read once for each turn of the loop. */
usec_t rt_now(void);

/* Microseconds since 1970 UTC. */
usec_t rt_wall(void);

/* `n` unpredictable octets (in the simulated world: from its seed). */
void rt_random(void *ret, size_t n);

/* The same for callbacks that are not tasks. */
usec_t rt_now_of(const struct rt *rt);
usec_t rt_wall_of(struct rt *rt);
void rt_random_of(struct rt *rt, void *ret, size_t n);

/* ---- scopes ---- */

/* A scope bounds tasks and waits. It is opened on a task's stack, and nests. Cancelling it makes
 * every wait inside it, at any depth and in every task spawned into it, return -ECANCELED; a
 * shield among its children stops that: what runs inside the shield is not cancelled from
 * outside. */
struct scope {
    struct scope *parent; /* NULL for a runtime's root scope */
    struct list children; /* struct scope, by `sibling` */
    struct list sibling;
    struct list inside; /* struct task, by its scope_link: tasks whose innermost scope this is */
    struct list joiners;
    unsigned spawned; /* tasks spawned into it and not ended */
    int cancelled;    /* 0, or the negative errno given to scope_cancel, kept for the curious */
    bool shield;
};

/* Makes the running task's innermost scope a new child of what it was. */
void scope_enter(struct scope *s);

/* The same with a shield. */
void scope_enter_shield(struct scope *s);

/* Leaves the innermost scope, which must be `s`. Tasks spawned into it must have ended: call
 * scope_join first where there may be any. */
void scope_leave(struct scope *s);

/* Cancels; idempotent: the first reason stays. `reason` is a negative errno such as -ECONNRESET
 * and is what scope_reason returns afterwards. May be called from any task or callback. */
void scope_cancel(struct scope *s, int reason);

/* Waits, whatever happens, until every task spawned into `s` has ended. */
void scope_join(struct scope *s);

/* Was the running task cancelled, and why: the reason of the innermost cancelled scope that
 * reaches it, or 0. */
int scope_reason(void);

/* A runtime's root scope, for tasks that belong to nobody else. */
struct scope *rt_root_of(struct rt *rt);

/* ---- tasks ---- */

/* Starts `fn(arg)` as a coroutine inside `scope`. It runs at the next turn, not at once. 0, or
 * -ENOMEM when no stack can be had (the caller answers 421). May be called from a callback that is
 * not a task. */
int task_spawn(struct rt *rt, struct scope *scope, void (*fn)(void *arg), void *arg);

/* Waits until the deadline: 0, or -ECANCELED. */
int task_sleep(usec_t deadline);

/* Lets every other ready task run once: 0, or -ECANCELED. */
int task_yield(void);

/* ---- conditions ---- */

/* Tasks waiting for something that another task or a callback makes true. */
struct cond {
    struct list waiting;
};

void cond_init(struct cond *c);

/* Waits until woken: 0, -ETIMEDOUT or -ECANCELED. Wakes may be spurious: test and wait again. */
int cond_wait(struct cond *c, usec_t deadline);

/* Wakes the longest waiting task, or all. Safe when there is none. */
void cond_wake_one(struct cond *c);
void cond_wake_all(struct cond *c);

/* ---- work in a thread ---- */

enum rt_call_kind { RT_CALL_FILE, RT_CALL_STORE };

/* Runs fn(arg), which may block (files, fsync, the store), in a thread and waits until it is
 * done; returns what it returned. Not cancellable and without a deadline, because the kernel
 * cannot abandon file work half-way: when the scope is already cancelled fn is not run and
 * -ECANCELED is returned, otherwise its result is, and the next wait tells of the cancellation. */
int rt_call(enum rt_call_kind kind, int (*fn)(void *arg), void *arg);

/* The same without waiting, from any context: fn(arg) runs in the thread of that kind, in order
 * with others of the kind, then done(arg, result) on the loop. */
void rt_post(struct rt *rt, enum rt_call_kind kind, int (*fn)(void *arg),
             void (*done)(void *arg, int result), void *arg);

/* ---- timers outside tasks ---- */

/* Calls fn(arg) on the loop at `when`; for housekeeping. Cancel before freeing what arg owns. */
struct rt_timer {
    usec_t when;
    size_t heap_index; /* 0: not armed */
    void (*fn)(void *arg);
    void *arg;
};

void rt_timer_set(struct rt *rt, struct rt_timer *t, usec_t when);
void rt_timer_clear(struct rt *rt, struct rt_timer *t);

/* ---- the end of a turn ---- */

/* Calls fn(arg) once when the tasks that are ready now have run: for work that is better done for
 * all of them together. Cancel before freeing what arg owns. */
struct rt_later {
    struct list link;
    void (*fn)(void *arg);
    void *arg;
};

void rt_later_init(struct rt_later *l, void (*fn)(void *arg), void *arg);
/* Harmless when it is set already. */
void rt_later_set(struct rt *rt, struct rt_later *l);
void rt_later_clear(struct rt_later *l);

/* ---- figures ---- */

struct rt_stats {
    uint64_t switches; /* jumps into a task */
    uint64_t awaits;   /* waits entered, whether or not they had to wait */
    uint64_t tasks;    /* living */
    uint64_t stacks;   /* mapped, in use or kept */
};

const struct rt_stats *rt_stats(const struct rt *rt);

/* Give back the unused pages of stacks whose task has waited for more than this. */
#define RT_STACK_TRIM_AFTER (1 * USEC_SEC)
