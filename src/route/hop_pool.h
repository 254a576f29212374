/* The connections to each next hop: how many there may be, who gets one, and those that are kept
 * for the next message. Private to src/route; what others see of it is in route/hop.h.
 *
 * One struct hop_pools belongs to one worker, one struct hop_pool in it to one hop. A connection
 * belongs to its pool from its first octet to its end, and is either *in use* or *kept*. `limit
 * hop_connections` bounds both together. Whoever finds none to spare stands in line, up to a
 * deadline; those who have a whole message stand in front, then who names recipients, then who
 * does so and is made to wait for it, and behind all mail what nobody waits for.
 *
 * A transaction holds its connection while its client sends the message, which may take minutes.
 * Between two of its client's commands it *rests*: then, when others stand in line, it can be made
 * to give its connection up, the longest resting first. It says MAIL and RCPT again on another when
 * the message is there. So slow clients cannot use up what a hop allows. One that has no recipient
 * yet, or whose client is made to wait, comes before all others, and need not have rested: so
 * clients that guess cannot, however many they are.
 *
 * A kept connection is quiet: no transaction, no task. A timer ends it when nobody has wanted it
 * for `limit hop_idle_time`, and asks it every `limit hop_probe_time` with a NOOP (RFC 5321
 * 4.1.1.9) whether it is still there; the answer is looked at by the next timer, or the next user.
 * No client pays for it: one whose answer is not there yet is passed over. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "conf/conf.h"
#include "route/hop.h"
#include "route/hop_abilities.h"
#include "route/hop_health.h"
#include "route/hop_tls.h"
#include "rt/rt.h"

struct hop_conn;
struct hop_fault;
struct hop_rest;
struct resolver;

struct hop_pool {
    struct hop_pools *pools;
    const struct conf_hop *hop;
    struct hop_tls tls;
    struct hop_abilities abilities;
    struct list kept; /* struct hop_conn, newest first */
    unsigned kept_count;
    unsigned in_use;     /* handed out, or being made */
    struct list line;    /* who waits for one; the first is the next */
    struct list resting; /* struct hop_rest, the longest resting first */
    unsigned line_count;
    usec_t enough_until; /* the hop has said that it takes no more connections for now */
    struct hop_health health;
    uint64_t messages; /* handed over up to their last piece */
    uint64_t failures; /* connections not made, and transactions that came to nothing */
};

struct hop_pools {
    struct rt *rt;
    const struct conf *conf;
    struct resolver *resolver; /* NULL: no hop may have a name */
    hop_tell *tell;            /* NULL: nobody wants to know */
    void *tell_arg;
    struct store *store; /* NULL: what hops can do is not kept */
    struct counters *counts;
    struct counters uncounted;  /* where nobody wants to know */
    uint64_t transactions;      /* begun so far, over all hops: numbers them */
    uint64_t files;             /* Maildir files named so far */
    usec_t maildir_quiet_until; /* what is wrong with Maildirs has been said */
    usec_t junk_quiet_until;    /* that a hop takes no address for junk has been said */
    bool assumed;               /* hop_pools_assume */
    bool draining;
    bool freed;       /* as soon as the last trial has ended */
    unsigned trials;  /* under way */
    int64_t **wealth; /* hop_choice.c's, by route->index, then by place in the route */
    size_t count;
    struct hop_pool pool[]; /* by hop->index */
};

/* The pool of a hop of the configuration. */
struct hop_pool *hop_pool_of(struct hop_pools *p, const struct conf_hop *hop);

/* What a connection is wanted for. Those with the greater one stand in front. */
enum hop_want {
    HOP_WANT_UNHURRIED, /* nobody waits: it makes no resting transaction give its own up */
    HOP_WANT_SLOWED,    /* a client that names its recipients, and is made to wait */
    HOP_WANT_ENVELOPE,  /* a client that names its recipients */
    HOP_WANT_MESSAGE,   /* a whole message */
};

/* How it is wanted. */
struct hop_wish {
    bool fresh; /* not a kept one, where another can be made: that has just turned out to be dead */
    enum hop_want want;
    bool elsewhere; /* another hop is well: one that says it takes no more is not waited for */
    usec_t until;
};

/* A connection, from now on in use: the newest kept one that is still alive, or a fresh one. 0;
 * -EBUSY when all were in use until the deadline, or at once where wish->elsewhere says so;
 * -EHOSTDOWN for a hop that is down, at once or within a second; what hop_connect returns when a
 * connection could not be made, and the hop is then down. `ret_fault` says more after a failure. */
int hop_pool_take(struct hop_pool *p, const struct hop_wish *wish, struct hop_conn **ret,
                  struct hop_fault *ret_fault);

/* Takes back a connection that has no transaction open (RSET may be owed): keeps it, or ends it
 * when there are enough of them, or when it has been used so much that the hop may be about to end
 * it. Never waits. */
void hop_pool_give(struct hop_conn *c);

/* Is a connection to be had at once? */
bool hop_pool_has_room(const struct hop_pool *p);

/* Has the connection seen so many refusals that the hop may be about to end it? */
bool hop_pool_worn(const struct hop_conn *c);

/* A connection that was being made, and counted, is not there. */
void hop_pool_release(struct hop_pool *p);

/* Those who stand in line go elsewhere: the hop is down. */
void hop_pool_disperse(struct hop_pool *p);

/* For hop_conn.c: this connection is ending. */
void hop_pool_forget(struct hop_conn *c);

/* ---- kept ones (hop_keep.c) ---- */

/* Keeps one that is in use. */
void hop_keep(struct hop_conn *c);
/* The newest that is certainly there, now in use; NULL when there is none. Never waits. */
struct hop_conn *hop_keep_take(struct hop_pool *p);
/* Takes one of them out: it is in use then. Returns `c`. */
struct hop_conn *hop_keep_end(struct hop_conn *c);

/* ---- transactions at rest ---- */

struct hop_rest {
    struct list link; /* list_init before first use */
    usec_t since;     /* on rt_now's clock; or so long ago that it counts as rested */
    /* Gives the connection up, free of any transaction; NULL when it broke over that. */
    struct hop_conn *(*yield)(struct hop_rest *r);
};

/* `at_once`: it need not have rested, and is taken first. */
void hop_pool_rest(struct hop_pool *p, struct hop_rest *r, bool at_once);
/* Harmless when it does not rest. */
void hop_pool_rouse(struct hop_rest *r);

/* ---- making one ---- */

/* Connects, wherever the hop is: a host name is looked up and its addresses are tried in their
 * order, each with a fair share of the time. Greeting and EHLO are hop_conn_open's. 0 and *ret,
 * which is counted by the caller; an error of hop_conn_open's; -EHOSTUNREACH when the name has no
 * address, as *ret_fault says. */
int hop_connect(struct hop_pool *p, usec_t until, struct hop_conn **ret,
                struct hop_fault *ret_fault);

/* The pace of trying several things, one after the other, until `until`: when the next is to be
 * given up, with `left` of them to go. */
usec_t hop_share(usec_t until, unsigned left);

/* Could a connection not be made because we lack something ourselves (descriptors, memory, ports)?
 * Counts it. It says nothing of the hop. */
bool hop_want_of_ours(struct hop_pool *p, int error);

/* Tells the operator. */
void hop_pools_say(struct hop_pools *p, bool trouble, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For hop_health.c. */
void hop_pools_trial_over(struct hop_pools *p);
