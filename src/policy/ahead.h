/* Asking ahead: what the rules up to rcpt will want to know of the DNS about a client that waits
 * for its greeting (DESIGN "Facts"). Nothing is decided by it; what was asked is at hand sooner. */
#pragma once

#include "policy/policy.h"

/* Is there anything in the policy that could be asked ahead? */
bool policy_asks_ahead(const struct policy *p);

/* Asks, together, for the facts of cost DNS that can be known at connect and that rules of connect,
 * helo, mail and rcpt may need: of a rule that rests on nothing else, only where they matter for
 * this client, and then for what its text has; of other rules all. `e` has a memo of the
 * connection's scope and no other, and is not to count. 0 or -ECANCELED. Suspends. */
int policy_ask_ahead(const struct policy *p, const struct evidence *e);
