/* A world with a zone for a DNS, and a task in it that asks. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/clock.h"
#include "base/arena.h"
#include "client/resolver.h"
#include "client/zone.h"
#include "rt/sim.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct dns_world {
    struct sim *sim;
    struct rt *rt;
    struct zone *zone;
    struct resolver *resolver;
    struct arena arena;
    void (*fn)(struct dns_world *w);
    bool done;
};

static inline void dns_world_task(void *arg)
{
    struct dns_world *w = arg;

    w->fn(w);
    w->done = true;
}

static inline void dns_world_add(struct dns_world *w, const char *zone)
{
    struct zone_problem problem;

    if (zone_read(w->zone, slice_of(zone), &problem) < 0) {
        fail_msg("zone, line %u: %s", problem.line, problem.text);
    }
}

/* Begins a world with that zone. */
static inline void dns_world_init(struct dns_world *w, const char *zone)
{
    *w = (struct dns_world){.sim = sim_new(1), .zone = zone_new()};
    w->rt = sim_rt(w->sim);
    dns_world_add(w, zone);
    w->resolver = resolver_of_zone(w->rt, w->zone);
    arena_init(&w->arena);
}

/* Runs fn in a task to its end. */
static inline void dns_world_do(struct dns_world *w, void (*fn)(struct dns_world *w))
{
    w->fn = fn;
    w->done = false;
    assert_int_equal(task_spawn(w->rt, rt_root_of(w->rt), dns_world_task, w), 0);
    assert_true(sim_run_until(w->sim, &w->done));
}

static inline void dns_world_fini(struct dns_world *w)
{
    sim_run(w->sim, USEC_NEVER);
    resolver_free(w->resolver);
    zone_free(w->zone);
    sim_rt_free(w->rt);
    sim_free(w->sim);
    arena_free(&w->arena);
}

/* Five seconds a question, fifteen in all. */
static inline struct auth_clock dns_world_clock(void)
{
    return (struct auth_clock){.question_time = 5 * USEC_SEC, .deadline = rt_now() + 15 * USEC_SEC};
}

static inline struct addr dns_world_address(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(slice_of(text), &a), 0);
    return a;
}
