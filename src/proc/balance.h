/* Who of the workers accepts connections. They all wait for them at the same sockets, and the
 * kernel shares them out as it likes: one whose descriptors come to an end leaves further
 * connections to the others until it has room again. The last one that accepts always goes on, and
 * turns away for all of them what cannot be kept. */
#pragma once

#include "proc/shared.h"
#include "rt/real.h"
#include "smtp/server.h"

struct balance {
    const struct shared *shared;
    struct owner owner;
    struct smtp_server *server;
    struct real_listener **listeners;
    size_t listener_count;
    unsigned clients_most; /* that it can have, for want of descriptors */
    bool holding;
    struct rt_timer again;
};

/* It accepts; the other members are set. */
void balance_begin(struct balance *b);

/* It will never accept again; its listeners are about to be freed. */
void balance_end(struct balance *b);

/* To be called at the end of each turn of the loop. */
void balance_look(struct balance *b);
