/* Evidence with a memory behind it, in a world whose clock the test sets. */
#pragma once

#include "fact_world.h"

#include <string.h>

#include "fact/names.h"
#include "rt/sim.h"
#include "store/memory.h"

#define MEMORY_WALL ((usec_t)1800000000 * USEC_SEC)
#define MINUTE      ((usec_t)60 * USEC_SEC)
#define HOUR        (60 * MINUTE)
#define DAY         (24 * HOUR)

struct memory_world {
    struct fact_world f; /* first */
    struct sim *sim;
    struct rt *rt;
    struct memory_shared *shared;
};

static inline int memory_world_setup(void **state)
{
    static struct memory_world w;
    const struct memory_setup setup = {
        .rules = {.half_life = 30 * DAY, .returned_time = 36 * DAY, .window = DAY},
        .size = 1 << 24,
    };
    w = (struct memory_world){.sim = sim_new(1)};
    world_init(&w.f);
    w.rt = sim_rt(w.sim);
    w.f.e.memory = memory_open_plain(w.rt, &setup, &w.shared);
    w.f.e.wall = MEMORY_WALL;
    w.f.e.message = NULL;
    w.f.conf.limits.deferral_time = MINUTE;
    w.f.conf.limits.deferral_window = DAY;
    w.f.conf.limits.returned_time = 36 * DAY;
    w.f.conf.limits.harvest_recipients = 20;
    *state = &w;
    return 0;
}

static inline int memory_world_teardown(void **state)
{
    struct memory_world *w = *state;
    if (w->f.e.memory != NULL) {
        memory_close(w->f.e.memory);
    }
    memory_shared_free(w->shared);
    sim_rt_free(w->rt);
    sim_free(w->sim);
    arena_free(&w->f.arena);
    return 0;
}

/* A record of that name, seen now for the first time; more is set by the test. */
static inline struct record seen(const struct memory_world *w, enum record_kind kind,
                                 const char *name)
{
    struct record r;
    record_init(&r, kind, slice_of(name), w->f.e.wall);
    return r;
}

static inline void add_record(struct memory_world *w, struct record r)
{
    memory_add(w->f.e.memory, &r);
}
