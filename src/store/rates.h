/* How often clients come: connections a minute of each client address and each network, over all
 * workers of this host. In shared memory (store/timed.h); what is remembered of a client ends by
 * its time alone.
 *
 * The measure is a leaky bucket (the generic cell rate algorithm): a client may come N times at
 * once, and from then on once in each Nth part of a minute; who has not come for a minute may again
 * come N times. What is refused does not count. */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/time.h"

struct rates;

/* Octets to map for `capacity` clients and networks at a time, and the same memory made ready
 * (once, by the master). */
size_t rates_memory(size_t capacity);
struct rates *rates_init(void *memory, size_t capacity);
void rates_fini(struct rates *r);

enum rates_answer { RATES_OK, RATES_CLIENT, RATES_NETWORK };

/* Counts a connection of `client` (its port is not looked at) at rt_now's `now`, unless that is
 * more than `per_client` or its network's `per_network` a minute; 0: no such limit. Where far more
 * clients than the capacity come, those nearby that may soonest come as they like are forgotten. */
enum rates_answer rates_take(struct rates *r, const struct addr *client, unsigned per_client,
                             unsigned per_network, usec_t now);

/* Clients and networks that are remembered, for tests and figures. */
size_t rates_count(struct rates *r, usec_t now);
