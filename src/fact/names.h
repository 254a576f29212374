/* The names of the other side (DESIGN "Identity"): its network; the organisational domain of its
 * confirmed name; the domain that authorised it by SPF, when that passes; at message, the author's
 * domain when an aligned DKIM signature passes. Whoever relays for others, a forwarder by the table
 * `forwarders`, vouches only by its own first two.
 *
 * What the DNS cannot say gives no name, and is no failure: the network is always there. */
#pragma once

#include "fact/evidence.h"
#include "store/memory.h"

#define NAMES_MOST 4

struct names {
    size_t count;
    struct {
        enum record_kind kind; /* RECORD_NETWORK, _HOST, _SPF or _DKIM */
        struct slice name;     /* in the transaction's arena, in lower case */
    } item[NAMES_MOST];
};

/* All of them, looked up where need be, each once for the transaction; with the message's when
 * there is one (e->message). Suspends. 0 or -ECANCELED. */
int names_find(const struct evidence *e, struct names *ret);

/* Those that are known by now; asks for nothing. Outside a transaction the network and, where it is
 * known, the host's. */
void names_known(const struct evidence *e, struct names *ret);

/* The confirmed organisation of the client's name where that has been looked up, else "". */
struct slice names_organisation(const struct evidence *e);
