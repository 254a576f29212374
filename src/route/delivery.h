/* From the first RCPT to the next hop's answer: one transaction on its way through a route, with
 * everything that keeps it from being lost or doubled (DESIGN "Commit and ledger").
 *
 * delivery_begin → delivery_ask and delivery_join for each recipient → delivery_message →
 * delivery_reset. A delivery owns the envelope and every text of the transaction in its own arena,
 * because it may outlive the conversation: when the hop's answer takes longer than the client is
 * kept waiting, a task of its own takes the delivery over and enters the answer into the ledger. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/counters.h"
#include "conf/conf.h"
#include "message/message.h"
#include "route/answer.h"
#include "route/hop.h"
#include "rt/rt.h"
#include "store/marks.h"
#include "store/store.h"

/* Counted for the operator and the tests. */
struct delivery_stats {
    uint64_t committed;     /* final dots sent */
    uint64_t settled;       /* of these: the answer came, and the ledger was written or given up */
    uint64_t unknown;       /* commits whose outcome cannot be known */
    uint64_t late;          /* answers that came after the client was told 451 */
    uint64_t ledger_failed; /* 250 was sent though the ledger could not be written */
    uint64_t suppressed;    /* recipients not delivered again because the ledger had them */
    uint64_t in_doubt;      /* messages put off because another worker has them under way */
};

/* What a worker has once, and each delivery uses. */
struct delivery_host {
    struct rt *rt;
    const struct conf *conf;
    struct hop_pools *pools;
    struct store *store;
    struct marks *marks;
    struct owner owner;
    struct counters *counts;
    unsigned late_running; /* tasks that wait for a late answer */
    struct delivery_stats stats;
};

/* How a message ended. */
enum delivery_end {
    DELIVERY_ACCEPTED, /* 250: every recipient confirmed, now or before */
    DELIVERY_REFUSED,  /* 5xx: nobody got it */
    DELIVERY_DEFERRED, /* 4xx */
    DELIVERY_GONE,     /* cancelled before the commit: nobody got it, and no reply is owed */
};

struct delivery {
    struct delivery_host *host;
    struct arena arena;
    const struct conf_route *route; /* of the first recipient; NULL before it */
    struct addr network;            /* the client's, see addr_network */
    struct envelope envelope;
    struct hop *hop;
    struct hop_recipient **recipients; /* accepted at RCPT, in order */
    struct digest *keys;               /* their ledger keys, once the message is there */
    struct ledger_ref *refs;           /* and their ledger entries, once it is accepted */
    size_t count;
    size_t cap;
    size_t suppressed;               /* of the message: recipients the ledger had already */
    bool isolated;                   /* the first recipient must stay alone */
    struct hop_recipient *candidate; /* the hop has said yes; not yet in `recipients` */
    bool candidate_isolates;         /* it would have to stay alone */
};

struct delivery *delivery_new(struct delivery_host *host);
struct delivery *delivery_free(struct delivery *d);

/* Begins a transaction: copies what it keeps. */
void delivery_begin(struct delivery *d, const struct addr *client, const struct envelope *e);

/* Is the recipient in the transaction already? `local_part` is unquoted. */
bool delivery_has_rcpt(const struct delivery *d, struct slice local_part, struct slice domain);

/* May this recipient join, and what does the hop say: *ret is what RCPT would be answered. A 2xx
 * makes it the candidate, which delivery_join makes one of the transaction; one that does not join
 * gets nothing. `local_part` is unquoted. Suspends. 0 or -ECANCELED. */
int delivery_ask(struct delivery *d, const struct conf_route *route, struct slice mailbox,
                 struct slice local_part, struct slice domain, struct answer *ret);
void delivery_join(struct delivery *d);

/* Hands the message over and gets the answer that the client is to hear. What happens after the
 * commit cannot be cancelled. *dp becomes NULL when a late answer keeps the delivery. */
enum delivery_end delivery_message(struct delivery **dp, struct message *m, struct answer *ret);

/* Ends the transaction, whatever its state, and makes `d` ready for the next. */
void delivery_reset(struct delivery *d);

/* The client has shown that it got our 250 for these: a further message like it is meant. */
void delivery_confirmed(struct delivery_host *host, const struct ledger_ref *refs, size_t count);
