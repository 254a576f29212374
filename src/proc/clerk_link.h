/* What master and clerk say to each other over a socket pair: the clerk passes on what a control
 * client wants of the master, the master answers. Now and then the clerk says that it moves.
 * Nothing here comes from the network as it is: an order has no content but its number. */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "parse/control_request.h"

/* In front of each message; both ends are the same program on the same host. */
struct clerk_head {
    uint32_t order;  /* to the master: enum clerk_order */
    uint32_t id;     /* of the order, the clerk's; the answer has it too */
    int32_t status;  /* of an answer: the exit status for the control client */
    uint32_t length; /* of an answer: octets of text behind this, at most CLERK_TEXT_MOST */
};

/* The first two are not answered. */
enum clerk_order { CLERK_READY, CLERK_MOVES, CLERK_RELOAD, CLERK_UPGRADE, CLERK_ORDERS };

#define CLERK_TEXT_MOST ((size_t)32768)
