/* Keeps a worker's cell of the status board up to date: at most some times a second, and soon after
 * the last change. */
#pragma once

#include "journal/decision.h"
#include "proc/board.h"
#include "proc/sandbox.h"
#include "rt/rt.h"

struct reporter {
    /* set by the worker before */
    struct board *board;
    struct rt *rt;
    struct owner owner;
    uint32_t generation;
    const struct smtp_server *server;
    const struct decision_sink *decisions;
    struct sandbox_level level;
    int memory_error; /* why server->memory could not be opened; 0 */
    /* private */
    usec_t began;
    usec_t written_at;
    struct rt_timer timer; /* for what changed since then */
    bool due;
};

/* Tells at once, and from now on. */
void reporter_begin(struct reporter *r);

/* Something may have changed: called at the end of each turn of the loop. */
void reporter_turn(struct reporter *r);

void reporter_end(struct reporter *r);
