/* Whom a forwarder had a message from, by the Received fields that it and hosts behind it wrote. */
#pragma once

#include "fact/sender_checks.h"

/* Of further Received fields none is looked at. */
#define ORIGIN_HOPS_MOST 20

/* The client is a forwarder and the message is there. Its topmost Received field names the host
 * before it; where that is a forwarder too, or has a private address (RFC 1918, 4193, loopback, as
 * the hosts within an organisation), the next field was written by it and is read in turn.
 * Suspends. 0, or -ECANCELED. */
int origin_read(const struct evidence *e, struct message_origin *ret);
