/* A worker's door: what its SMTP server asks before it lets somebody in, answered from the memory
 * that all workers share and from the limits of the configuration. Never blocks. */
#pragma once

#include "proc/descriptors.h"
#include "proc/shared.h"
#include "smtp/server.h"

struct gate {
    const struct shared *shared;
    struct owner owner;
    const struct smtp_server *server; /* whose rt and conf count */
    struct descriptors descriptors;
};

/* Its functions, with `g` as their arg; it must stay where it is. */
struct smtp_gate gate_functions(struct gate *g);
