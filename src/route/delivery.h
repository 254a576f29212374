/* From the first RCPT to the next hops' answers: one transaction on its way through its routes,
 * with everything that keeps it from being lost or doubled (DESIGN "Commit and ledger").
 *
 * delivery_begin → delivery_ask and delivery_join for each recipient → delivery_message →
 * delivery_leave. Each route that a recipient has is a leg (route/leg.h), with a transaction of its
 * own at its next hop. A delivery owns the envelope and every text of the transaction in its own
 * arena, because it may outlive the conversation: when a hop's answer takes longer than the client
 * is kept waiting, a task waits on for it and enters it into the ledger. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/counters.h"
#include "client/resolver.h"
#include "conf/conf.h"
#include "message/message.h"
#include "route/answer.h"
#include "route/hop.h"
#include "route/recipients.h"
#include "rt/rt.h"
#include "store/marks.h"
#include "store/store.h"

/* What a worker has once, and each delivery uses. */
struct delivery_host {
    struct rt *rt;
    const struct conf *conf;
    struct hop_pools *pools;
    struct resolver *resolver;
    struct recipients *recipients; /* NULL: nothing is remembered of them */
    struct store *store;
    struct marks *marks;
    struct owner owner;
    struct counters *counts;
    bool ledger_failing;   /* it could not be written the last time */
    unsigned late_running; /* tasks that wait for a late answer */
};

/* How a message ended. */
enum delivery_end {
    DELIVERY_ACCEPTED, /* 250: every recipient confirmed, now or before */
    DELIVERY_REFUSED,  /* 5xx: nobody got it */
    DELIVERY_DEFERRED, /* 4xx */
    DELIVERY_GONE,     /* cancelled before the commit: nobody got it, and no reply is owed */
};

/* Recipients that have to come by themselves, and are alike in that: route/isolation.h. */
struct isolation {
    enum isolation_class {
        ISOLATION_NONE,
        ISOLATION_REFUSED,
        ISOLATION_DEFERRED,
        ISOLATION_SUSPECTED, /* was put off once, for a reason of ours: as good as none */
    } class;
    bool yielded;          /* has given way to others, and is taken the next time */
    struct digest message; /* to which they gave that answer */
    usec_t since;          /* by rt_wall */
};

struct leg;

struct delivery {
    struct delivery_host *host;
    struct arena arena;
    struct addr network; /* the client's, see addr_network */
    struct envelope envelope;
    struct leg *legs;                  /* one for each route that was asked */
    struct hop_recipient **recipients; /* accepted at RCPT, in order */
    struct digest *keys;     /* their ledger keys, leg by leg, once the message is there */
    struct ledger_ref *refs; /* and their ledger entries, in the same order */
    size_t count;
    size_t cap;
    size_t suppressed;               /* of the message: recipients the ledger had already */
    struct isolation group;          /* of the first recipient, and so of all */
    bool turned_away;                /* some recipient was, because of its group */
    struct hop_recipient *candidate; /* the hop has said yes; not yet in `recipients` */
    struct isolation candidate_group;
    struct message *message; /* NULL before delivery_message */
    usec_t hand_over_until;  /* all hops are prepared by then, or have failed */
    usec_t committed_at;     /* when the first leg's commit began; 0: not yet */
    bool cancelled;          /* before the commit */
    unsigned holders;        /* tasks that wait on for late answers */
    bool left;               /* the conversation has: the last holder frees it */
};

/* DESIGN "Commit": an answer is waited for this long in all. */
#define DELIVERY_ANSWER_TIME (630 * USEC_SEC)
/* The ledger may hold up a 250 this long. */
#define DELIVERY_LEDGER_TIME (2 * USEC_SEC)

struct delivery *delivery_new(struct delivery_host *host);
/* Frees it, or leaves that to the tasks that still wait for answers. NULL allowed; returns NULL. */
struct delivery *delivery_free(struct delivery *d);

/* Begins a transaction: copies what it keeps. */
void delivery_begin(struct delivery *d, const struct addr *client, const struct envelope *e);

/* Its client is made to wait for its recipients: from now on it comes behind others where they want
 * the same hop, and holds nothing there that they need. */
void delivery_slow(struct delivery *d);

/* Is the recipient in the transaction already? `local_part` is unquoted. */
bool delivery_has_rcpt(const struct delivery *d, struct slice local_part, struct slice domain);

/* May this recipient join, and what does the hop say: *ret is what RCPT would be answered. A 2xx
 * makes it the candidate, which delivery_join makes one of the transaction; one that does not join
 * gets nothing. `local_part` is unquoted. Suspends. 0 or -ECANCELED. */
int delivery_ask(struct delivery *d, const struct conf_route *route, struct slice mailbox,
                 struct slice local_part, struct slice domain, const struct dsn_rcpt *dsn,
                 struct answer *ret);
void delivery_join(struct delivery *d);

/* Does the server that is asked about such a recipient accept any address of its domain? Like
 * recipients_accept_all (route/recipients.h). */
int delivery_accepts_all(struct delivery *d, const struct conf_route *route, struct slice domain,
                         bool *ret, enum value_source *ret_source);

/* Hands the message over to all its routes and gets the answer that the client is to hear. What
 * happens after the first commit cannot be cancelled. Each recipient's answer is then its own: the
 * next hop's where it gave one. `m` is not used any more. */
enum delivery_end delivery_message(struct delivery *d, struct message *m, struct answer *ret);

/* Did delivery_message leave a hop that has not answered in time, but may yet? */
static inline bool delivery_is_late(const struct delivery *d)
{
    return d->holders > 0;
}

/* What is told of the hop of a recipient. */
struct hop_story delivery_story(const struct hop_recipient *r);

/* Have its recipients several routes? If not, what is told of the only one's hop, or of the last's
 * that was asked where no recipient was taken; empty where there are several, or none was asked. */
bool delivery_has_routes(const struct delivery *d);
struct hop_story delivery_only_story(const struct delivery *d);

/* Ends the transaction, whatever its state. Returns `d` ready for the next one, or NULL: tasks that
 * wait for late answers keep it, until they know. */
struct delivery *delivery_leave(struct delivery *d);

/* The client has shown that it got our 250 for these: a further message like it is meant. */
void delivery_confirmed(struct delivery_host *host, const struct ledger_ref *refs, size_t count);
