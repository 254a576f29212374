/* The simulated world: its clock, its runtimes, its pretended threads. */
#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "rt/sim_impl.h"

/* 2026-11-22 00:00:00 UTC */
#define WALL_START ((usec_t)1795305600 * USEC_SEC)

static struct sim_world *world_of(struct rt *rt)
{
    return (struct sim_world *)rt;
}

/* splitmix64 */
uint64_t sim_random(struct sim *sim, uint64_t below)
{
    uint64_t z = (sim->seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return below == 0 ? z : z % below;
}

static usec_t world_wall(struct rt *rt)
{
    const struct sim *sim = world_of(rt)->sim;
    return sim->wall_base + sim->now;
}

static void world_random(struct rt *rt, void *ret, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)ret)[i] = (uint8_t)sim_random(world_of(rt)->sim, 256);
    }
}

static void world_await(struct rt *rt)
{
    struct sim_world *w = world_of(rt);
    if (w->on_await != NULL && !rt->dead) {
        w->on_await(w->on_await_arg, rt->stats.awaits);
    }
}

/* ---- pretended threads ---- */

struct sim_job {
    struct rt_timer timer;
    struct sim_world *world;
    int (*fn)(void *arg);
    void (*done)(void *arg, int result);
    void *arg;
    int error;
};

static void on_job(void *arg)
{
    struct sim_job *j = arg;
    struct sim *sim = j->world->sim;
    int r = j->error;
    if (j->world->rt.dead && r == 0) {
        /* The process was killed while its thread was at work: perhaps it came to it. */
        r = sim_random(sim, 2) == 0 ? -ECANCELED : 0;
    }
    if (r == 0) {
        r = j->fn(j->arg);
    }
    j->done(j->arg, r);
    free(j);
}

static void world_post(struct rt *rt, enum rt_call_kind kind, int (*fn)(void *),
                       void (*done)(void *, int), void *arg)
{
    struct sim_world *w = world_of(rt);
    struct sim *sim = w->sim;
    struct sim_job *j = xcalloc(1, sizeof(*j));
    *j = (struct sim_job){.world = w, .fn = fn, .done = done, .arg = arg};
    j->timer = (struct rt_timer){.fn = on_job, .arg = j};
    j->error = rt->dead ? -ECANCELED : w->calls[kind].error;
    usec_t start = w->calls[kind].busy_until > sim->now ? w->calls[kind].busy_until : sim->now;
    usec_t end = start + 20 + (usec_t)sim_random(sim, 200) + w->calls[kind].delay;
    w->calls[kind].busy_until = end;
    w->calls[kind].error = 0;
    w->calls[kind].delay = 0;
    rt_timer_set(&sim->clock, &j->timer, end);
}

void sim_next_call(struct rt *rt, enum rt_call_kind kind, int error, usec_t delay)
{
    world_of(rt)->calls[kind].error = error;
    world_of(rt)->calls[kind].delay = delay;
}

/* ---- the world ---- */

static const struct world_ops sim_ops = {
    .wall = world_wall,
    .random = world_random,
    .connect = sim_net_connect,
    .connect_path = sim_net_connect_path,
    .post = world_post,
    .await = world_await,
};

struct sim *sim_new(uint64_t seed)
{
    struct sim *sim = xcalloc(1, sizeof(*sim));
    sim->seed = seed;
    sim->now = 1000 * USEC_SEC;
    sim->wall_base = WALL_START;
    list_init(&sim->rts);
    list_init(&sim->listeners);
    rt_init(&sim->clock, &sim_ops);
    return sim;
}

struct sim *sim_free(struct sim *sim)
{
    rt_fini(&sim->clock);
    free(sim);
    return NULL;
}

struct rt *sim_rt(struct sim *sim)
{
    struct sim_world *w = xcalloc(1, sizeof(*w));
    rt_init(&w->rt, &sim_ops);
    w->sim = sim;
    w->rt.now = sim->now;
    w->address = (struct addr){.family = ADDR_V4, .octets = {192, 0, 2, 1}};
    w->next_port = 20000;
    list_init(&w->ends);
    list_push_back(&sim->rts, &w->link);
    return &w->rt;
}

struct rt *sim_rt_free(struct rt *rt)
{
    struct sim_world *w = world_of(rt);
    list_remove(&w->link);
    rt_fini(&w->rt);
    free(w);
    return NULL;
}

void sim_on_await(struct rt *rt, void (*fn)(void *arg, uint64_t n), void *arg)
{
    world_of(rt)->on_await = fn;
    world_of(rt)->on_await_arg = arg;
}

void sim_fail_connects(struct rt *rt, int error)
{
    world_of(rt)->connect_error = error;
}

void sim_set_address(struct rt *rt, const struct addr *from)
{
    world_of(rt)->address = *from;
}

void sim_kill(struct rt *rt)
{
    struct sim_world *w = world_of(rt);
    sim_net_kill(w);
    rt->dead = true;
    scope_cancel(&rt->root, -ECANCELED);
    /* Tasks behind shields do not hear of the cancellation; a dead process has no shields. */
    rt_kill_parked(rt);
}

usec_t sim_now(const struct sim *sim)
{
    return sim->now;
}

static void set_now(struct sim *sim, usec_t now)
{
    sim->now = now;
    sim->clock.now = now;
    list_for_each (it, &sim->rts) {
        list_entry(it, struct sim_world, link)->rt.now = now;
    }
}

void sim_set_wall(struct sim *sim, usec_t wall)
{
    sim->wall_base = wall - sim->now;
}

void sim_set_seed(struct sim *sim, uint64_t seed)
{
    sim->seed = seed;
}

static bool run_ready(struct sim *sim)
{
    bool any = false;
    list_for_each_safe (it, next, &sim->rts) {
        struct rt *rt = &list_entry(it, struct sim_world, link)->rt;
        if (!list_empty(&rt->ready) || (!list_empty(&rt->later) && !rt->dead)) {
            any = true;
            rt_run_ready(rt, 64);
        }
    }
    return any;
}

static usec_t next_event(struct sim *sim)
{
    usec_t next = rt_next_timer(&sim->clock);
    list_for_each (it, &sim->rts) {
        usec_t t = rt_next_timer(&list_entry(it, struct sim_world, link)->rt);
        next = t < next ? t : next;
    }
    return next;
}

static void run_timers(struct sim *sim)
{
    rt_run_timers(&sim->clock);
    list_for_each (it, &sim->rts) {
        rt_run_timers(&list_entry(it, struct sim_world, link)->rt);
    }
}

/* One step: everything that is ready, or else the next event not after `until`. */
static bool step(struct sim *sim, usec_t until)
{
    if (run_ready(sim)) {
        return true;
    }
    usec_t next = next_event(sim);
    if (next == USEC_NEVER || next > until) {
        return false;
    }
    if (next > sim->now) {
        set_now(sim, next);
    }
    run_timers(sim);
    return true;
}

void sim_run(struct sim *sim, usec_t until)
{
    while (step(sim, until)) {
    }
    if (until != USEC_NEVER && until > sim->now) {
        set_now(sim, until);
    }
}

bool sim_run_until(struct sim *sim, const bool *flag)
{
    while (!*flag && step(sim, USEC_NEVER)) {
    }
    return *flag;
}
