/* Bans as the memory has them (store/ban.h), for the conversation, which never sees a store. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/slice.h"
#include "base/time.h"

struct memory;

/* Is the client banned at `wall`? 1, 0, or a negative errno where the memory cannot tell, -ENODATA
 * where there is none. Never waits. */
int bans_find(struct memory *m, const struct addr *client, usec_t wall);

/* Bans the client's address, of IPv6 its /64, from `wall` until then; see ban_add. */
void bans_add(struct memory *m, const struct addr *client, usec_t wall, usec_t until,
              struct slice why);

/* Is the client banned at `wall`? Also true where the memory cannot tell, or there is none: for who
 * asks in order to learn nothing of the banned. Never waits. */
bool bans_may_hold(struct memory *m, const struct addr *client, usec_t wall);
