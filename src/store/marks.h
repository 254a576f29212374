/* Marks on digests, seen by all workers of this host. One table has the messages "in doubt",
 * between their final dot and a durable ledger entry; another the ledger entries that are disarmed
 * but not removed yet (DESIGN "Commit and ledger").
 *
 * Lives in memory that the master maps before it forks, guarded by a process-shared robust mutex
 * that is held for a few hundred nanoseconds. An owner is a worker slot and its epoch; the master
 * raises the epoch when the worker has died, which voids all its marks and counts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/digest.h"
#include "base/time.h"

struct marks; /* the shared memory's content */

struct owner {
    uint16_t slot;
    uint32_t epoch;
};

/* Octets to map for `capacity` marks at a time, and the same memory made ready (once, by the
 * master). */
size_t marks_memory(size_t capacity);
struct marks *marks_init(void *memory, size_t capacity);
void marks_fini(struct marks *m);

/* Called by the master: the next epoch of `slot`; all that earlier epochs own is void. */
struct owner marks_new_epoch(struct marks *m, uint16_t slot);

/* The same for another table of the same owners: takes over what marks_new_epoch gave for the
 * first. */
void marks_take_epoch(struct marks *m, struct owner who);

/* Marks all `count` keys or none: 0; -EBUSY when one is marked by a living owner, this one
 * included; -ENOSPC when the table is full (never below its capacity); -ESTALE when the epoch of
 * `who` is void. A mark ends by itself at `expires` (rt_now's clock, the same in all processes of a
 * host). */
int marks_place(struct marks *m, struct owner who, const struct digest *keys, size_t count,
                usec_t now, usec_t expires);

/* Removes those of the keys that `who` marked; does nothing for a void epoch. */
void marks_clear(struct marks *m, struct owner who, const struct digest *keys, size_t count);

/* Is any of the keys marked by a living owner? */
bool marks_any(struct marks *m, const struct digest *keys, size_t count, usec_t now);

/* Living marks, for tests and figures. */
size_t marks_count(struct marks *m, usec_t now);
