/* How a next hop is told who the client is, so that its own checks and logs see it: XFORWARD, and
 * where the configuration wants it XCLIENT (both as in Postfix's XFORWARD_README and
 * XCLIENT_README).
 *
 * XFORWARD goes out in front of each MAIL, with it where the hop takes pipelined commands, and says
 * what is to be logged. A refusal does no harm: then this connection hears no more of it.
 *
 * XCLIENT makes the hop take us for the client, in all that it checks. It sets the hop's session
 * back to its beginning, so EHLO follows. It is said again when the connection is used for another
 * client. A hop that does not offer it, or refuses it, gets the mail all the same, and the decision
 * says so; it then judges the mail as ours. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"
#include "route/hop.h"
#include "route/hop_conn.h"

/* The longest command line, its CRLF included: RFC 5321 4.5.3.1.4. */
#define HOP_FORWARD_LINE_MAX ((size_t)512)
/* More lines than all attributes need. */
#define HOP_FORWARD_LINES 4

struct hop_forward {
    struct slice lines[HOP_FORWARD_LINES]; /* without their CRLF */
    unsigned count;
};

/* The XFORWARD commands for this connection and this client; none where it does not take them, or
 * where no client is known. In `arena`. */
void hop_forward_prepare(const struct hop_conn *c, const struct origin *origin, struct arena *arena,
                         struct hop_forward *ret);

/* Says XCLIENT, and EHLO again, unless the connection has this client already. No transaction is
 * open. 0, also when the hop does not take it: then *ret_unused says why, in `arena`. Or an error,
 * after which the connection is of no use: so where it has a client and there is none now. */
int hop_forward_impersonate(struct hop_conn *c, const struct conf_hop *hop, const char *hostname,
                            const struct origin *origin, struct arena *arena, usec_t deadline,
                            struct slice *ret_unused);
