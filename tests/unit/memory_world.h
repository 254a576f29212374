/* What the tests of the memory have in common: records, and memories in the simulated world. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt/sim.h"
#include "store/memory.h"

#define HOUR ((usec_t)3600 * USEC_SEC)
#define DAY  (24 * HOUR)

static const struct memory_setup memory_roomy = {
    .rules = {.half_life = 30 * DAY, .returned_time = 36 * DAY, .window = DAY},
    .size = 64 << 20,
};

static inline struct record seen(enum record_kind kind, const char *name, usec_t wall)
{
    struct record r;
    record_init(&r, kind, slice_of(name), wall);
    return r;
}

static inline struct record accepted(enum record_kind kind, const char *name, usec_t wall)
{
    struct record r = seen(kind, name, wall);
    r.tally[TALLY_ACCEPTED] = 1;
    r.day = (uint32_t)(wall / DAY);
    r.days = 1;
    return r;
}

/* Adds one accepted message. */
static inline void add(struct memory *m, enum record_kind kind, const char *name, usec_t wall)
{
    struct record d = accepted(kind, name, wall);
    memory_add(m, &d);
}

static inline int find(struct memory *m, enum record_kind kind, const char *name, usec_t wall,
                       struct record *ret)
{
    return memory_find(m, kind, slice_of(name), wall, ret);
}

/* How many accepted messages of it are remembered, rounded; or a negative errno. */
static inline int count(struct memory *m, enum record_kind kind, const char *name, usec_t wall)
{
    struct record r;
    int rc = find(m, kind, name, wall, &r);
    return rc <= 0 ? rc : (int)(record_good(&r) + 0.5);
}
