/* Bans: records of the memory (store/record.h) that say of whom no more is wanted for a while. They
 * are of one client's address, or of a whole network, the /24 of an IPv4 or the /64 of an IPv6
 * address. Who is never banned is for others to say (smtp/bans.h). */
#pragma once

#include "base/addr.h"
#include "store/memory.h"

/* Is the client banned at `wall`, by its address or its network? 1 and when the last of these bans
 * ends; 0; or a negative errno when the memory cannot tell. Of no address: 0. Never waits. */
int ban_find(struct memory *m, const struct addr *client, usec_t wall, usec_t *ret_until);

/* Bans the client's address, of IPv6 its /64, until then. A ban that ends later stays. `why` is for
 * operators, and cut at RECORD_NOTE_MAX octets. Never waits. */
void ban_add(struct memory *m, const struct addr *client, usec_t wall, usec_t until,
             struct slice why);
