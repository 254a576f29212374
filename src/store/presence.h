/* Who is connected: sessions of each client address and in all, over all workers of the host. In
 * shared memory like store/marks.h, with the same owners. */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "store/marks.h"

struct presence;

size_t presence_memory(size_t clients);
struct presence *presence_init(void *memory, size_t clients);
void presence_fini(struct presence *p);

/* Called by the master with what marks_new_epoch gave: sessions of earlier epochs of the slot are
 * gone, those of `who` count. */
void presence_new_epoch(struct presence *p, struct owner who);

enum presence_answer {
    PRESENCE_OK,
    PRESENCE_CLIENT_FULL, /* this client has `per_client` sessions already */
    PRESENCE_FULL,        /* `in_all` sessions already */
};

/* Counts one more session of `client` (its port is not looked at), unless a limit is reached. Where
 * the table itself is full the client's limit cannot be told and only `in_all` counts. An owner
 * whose epoch is void counts nothing and is answered OK. */
enum presence_answer presence_enter(struct presence *p, struct owner who, const struct addr *client,
                                    unsigned per_client, unsigned in_all);

/* Undoes one presence_enter that answered OK. */
void presence_leave(struct presence *p, struct owner who, const struct addr *client);

/* Living sessions in all. */
unsigned presence_total(struct presence *p);
