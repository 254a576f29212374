/* The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): what a load balancer in
 * front of us says, before anything else, about the connection it relays.
 *
 * Whether a peer may say so is the caller's to decide. */
#pragma once

#include "base/addr.h"
#include "base/slice.h"

/* The longest header there is: room to have when waiting for the rest of one. */
#define PROXY_HEADER_MOST ((size_t)16 + 4096)

struct proxy_header {
    enum {
        PROXY_RELAYED, /* `client` has connected to `local` */
        PROXY_LOCAL,   /* the proxy's own connection, a health check: its real addresses count */
        PROXY_UNKNOWN, /* relayed, but the proxy cannot say for whom by TCP addresses */
    } kind;
    struct addr client; /* ADDR_NONE unless PROXY_RELAYED; IPv4-mapped addresses are IPv4 */
    struct addr local;
};

/* Looks at the first octets of a connection. Returns the header's length in octets, at most
 * octets.n; -EAGAIN when they are the beginning of a header and more are needed; -EINVAL when they
 * can be no header, whatever follows. Told field by field: a wrong one is found once its end is
 * there, a wrong octet in one at once. */
int proxy_header_parse(struct slice octets, struct proxy_header *ret);
