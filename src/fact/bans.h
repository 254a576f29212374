/* Whom the memory holds banned (store/ban.h), for the conversation, which never sees a store. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/time.h"

struct memory;

/* Is the client banned at `wall`? Also true where the memory cannot tell, or there is none: for who
 * asks in order to learn nothing of the banned. Never waits. */
bool bans_may_hold(struct memory *m, const struct addr *client, usec_t wall);
