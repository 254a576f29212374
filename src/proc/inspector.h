/* An inspector: a process that takes messages apart and has nothing else: no file, no network, no
 * key; only a door by which messages come (client/inspector.h), and so much memory and time. It
 * lives until nobody can ask any more, or for INSPECTOR_MESSAGES; it may die of a message. */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "base/time.h"
#include "proc/identity.h"

/* After so many messages, or seconds of processor time, it makes room for a fresh one. */
#define INSPECTOR_MESSAGES 100000
#define INSPECTOR_CPU_TIME 3600

/* Beyond the limit of its time, for what it is in the middle of. */
#define INSPECTOR_GRACE (3 * USEC_SEC)

/* Shared with who keeps it. */
struct inspector_heart {
    _Atomic usec_t began; /* when it began with a message, CLOCK_MONOTONIC; 0: it waits */
};

struct inspector_setup {
    int door;
    const struct identity *who; /* NULL: it stays who it is */
    usec_t time;                /* limit inspect_time */
    uint64_t memory;            /* limit inspect_memory */
    struct inspector_heart *heart;
};

/* The whole life of an inspector, in a freshly forked process, up to the exit status: 0 at its
 * natural end, INSPECTOR_CANNOT_START when it never came to serve (the cause is logged). */
int inspector_run(const struct inspector_setup *setup);

#define INSPECTOR_CANNOT_START 2

/* Leaves this process, which has one thread, no more than an inspector needs; part of
 * inspector_run. 0; or a negative errno, of which the log tells. */
int inspector_confine(const struct inspector_setup *setup);
