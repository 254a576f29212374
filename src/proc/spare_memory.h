/* Gives the kernel back, about once a minute (once an hour at least), what the worker keeps without
 * having needed it lately: blocks for reuse, and the pages of malloc's holes. Without it a worker's
 * memory would only ever follow the most that it once needed. */
#pragma once

#include "rt/rt.h"
#include "smtp/server.h"

struct spare_memory {
    /* set by the worker before */
    struct rt *rt;
    struct smtp_server *server;
    /* private */
    struct rt_timer timer;
};

void spare_memory_begin(struct spare_memory *s);

void spare_memory_end(struct spare_memory *s);
