/* Who is connected, over all workers of the host: clients that wait for their greeting, sessions
 * that have it, and both together for each client address and each network (addr_network: the /24
 * or the /64). In shared memory like store/marks.h, with the same owners. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "store/marks.h"

struct presence;

/* Octets to map for `clients` different clients and networks at a time, and the same memory made
 * ready (once, by the master). With more of them some cannot be told apart any more; nothing gets
 * slower. */
size_t presence_memory(size_t clients);
struct presence *presence_init(void *memory, size_t clients);
void presence_fini(struct presence *p);

/* Called by the master with what marks_new_epoch gave: what earlier epochs of the slot counted is
 * gone, what `who` counts is there. */
void presence_new_epoch(struct presence *p, struct owner who);

enum presence_answer {
    PRESENCE_OK,
    PRESENCE_CLIENT_FULL,  /* this client has `per_client`, waiting or greeted, already */
    PRESENCE_NETWORK_FULL, /* its network has `per_network` */
    PRESENCE_FULL,         /* so many in all, of that level, already */
};

struct presence_limits {
    unsigned client;  /* of one client, waiting or greeted */
    unsigned network; /* of one network */
    unsigned waiting; /* that wait in all */
};

/* Counts one more of `client` (its port is not looked at) as waiting, unless one of the limits is
 * reached. Where the table is full a client's or network's limit cannot be told and only the last
 * one counts. *ret_network, also where it is not counted, becomes what its network has without it.
 * An owner whose epoch is void counts nothing and is answered OK, here and below. */
enum presence_answer presence_enter(struct presence *p, struct owner who, const struct addr *client,
                                    const struct presence_limits *limits, unsigned *ret_network);

/* Makes one of those that wait with this owner a session: PRESENCE_OK; or PRESENCE_FULL where there
 * are `most` in all, or, if it is to be fair, PRESENCE_NETWORK_FULL where its network has as many
 * already as places are left; and then it still waits.
 *
 * Fair so, a single network gets half of all places at most, two get two thirds, and whoever comes
 * with nothing finds a place as long as there is one (Choudhury and Hahne, dynamic thresholds). */
enum presence_answer presence_greet(struct presence *p, struct owner who, const struct addr *client,
                                    unsigned most, bool fair);

/* Undoes one presence_enter that answered OK; `greeted`: and the presence_greet that did. */
void presence_leave(struct presence *p, struct owner who, const struct addr *client, bool greeted);

/* What the client, or its network, has just now in all workers, waiting or greeted; 0 where it
 * cannot be told. */
unsigned presence_of(struct presence *p, const struct addr *client);
unsigned presence_of_network(struct presence *p, const struct addr *client);

/* Says that the owner accepts connections, or that it does not. */
void presence_accept(struct presence *p, struct owner who, bool accepts);

/* Does any other worker accept connections? If so this owner is noted as one that does not. Of
 * several that ask at a time, the last that accepts is told no. */
bool presence_stand_back(struct presence *p, struct owner who);

/* Does any worker accept connections? */
bool presence_anybody_accepts(struct presence *p);

/* Greeted sessions in all, and waiting clients in all. */
unsigned presence_total(struct presence *p);
unsigned presence_waiting(struct presence *p);
