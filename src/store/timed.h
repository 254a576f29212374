/* Addresses, each with a time until which something is to be remembered of it; what that is, the
 * user of the table knows (store/rates.h). In memory shared by the workers of this
 * host, like store/marks.h, but without owners: an entry ends by its time alone, or with the
 * master.
 *
 * All but the first three functions want the lock held. Times are
 * rt_now's clock, which is the same in all processes of a host. There is always a place: where far
 * more than the capacity would be remembered, the entry nearby that ends first is forgotten. */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

/* Whom an entry is of: comparable octet by octet. */
struct timed_key {
    uint8_t octets[16];
    uint64_t kind; /* the address's family, with what else tells the user's keys apart */
};

/* Nothing in it is for users to look at. The cells, and how far each one's keys lie, come behind.
 */
struct timed {
    pthread_mutex_t lock;
    uint64_t seed;
    size_t cells; /* a power of two */
};

/* Octets to map for `capacity` entries at a time, and the same memory made ready (once, by the
 * master). */
size_t timed_memory(size_t capacity);
void timed_init(struct timed *t, size_t capacity);
void timed_fini(struct timed *t);

void timed_lock(struct timed *t);
void timed_unlock(struct timed *t);

/* The key of the first `octets` of an address; its port is not looked at. */
struct timed_key timed_key(const struct addr *a, size_t octets, uint64_t flag);

/* When the key's entry ends; 0 when it has none. */
usec_t timed_until(struct timed *t, const struct timed_key *k, usec_t now);

/* The key's entry ends at `until` from now on. Does nothing when that is over. */
void timed_set(struct timed *t, const struct timed_key *k, usec_t until, usec_t now);

/* Entries that have not ended. */
size_t timed_count(const struct timed *t, usec_t now);
