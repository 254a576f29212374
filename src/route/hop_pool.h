/* Kept connections: for each next hop the few that the last messages left open, newest first.
 *
 * One struct hop_pools belongs to one worker. Connections in it are quiet: no transaction, no task.
 * Each has a timer that ends it when nobody has wanted it for `limit hop_idle_time`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "conf/conf.h"
#include "route/hop_tls.h"
#include "rt/rt.h"

struct hop_conn;
struct hop_pools;

struct hop_pool {
    struct hop_pools *pools;
    const struct conf_hop *hop;
    struct hop_tls tls;
    struct list kept; /* struct hop_conn, newest first */
    unsigned count;
};

struct hop_pools {
    struct rt *rt;
    const struct conf *conf;
    uint64_t transactions; /* begun so far, over all hops: numbers them */
    uint64_t files;        /* Maildir files named so far */
    bool draining;
    size_t count;
    struct hop_pool pool[]; /* by hop->index */
};

/* The pool of a hop of the configuration. */
struct hop_pool *hop_pool_of(struct hop_pools *p, const struct conf_hop *hop);

/* The newest connection that is still alive, now the caller's; NULL when there is none. */
struct hop_conn *hop_pool_take(struct hop_pool *p);

/* Takes over a connection that has no transaction open (RSET may be owed): keeps it, or ends it
 * when there are enough. Never waits. */
void hop_pool_give(struct hop_pool *p, struct hop_conn *c);
