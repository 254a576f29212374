/* The memory that the master and all workers of the host share: marks in doubt, marks of disarmed
 * ledger entries, presence, rates and bans. */
#pragma once

#include "store/bans.h"
#include "store/marks.h"
#include "store/presence.h"
#include "store/rates.h"

struct shared {
    struct marks *marks;
    struct marks *disarmed;
    struct presence *presence;
    struct rates *rates;
    struct bans *bans;
};

/* Maps it, before the first fork. 0 or a negative errno. */
int shared_map(struct shared *ret);

/* The next owner for a worker's slot: what the slot's worker before left behind is void. Called
 * when that worker is gone, before the next one starts. */
struct owner shared_new_owner(const struct shared *s, uint16_t slot);

/* By the master, when all workers have ended. */
void shared_unmap(struct shared *s);
