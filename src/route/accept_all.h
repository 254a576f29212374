/* Does a hop accept any address of a domain? Then its yes to a recipient says nothing, and what it
 * cannot deliver it will bounce. Private to src/route.
 *
 * Found out by a probe: MAIL with a real reverse-path and RCPT with a random address, on a
 * connection of its own, then RSET; nothing is ever sent. One at a time for each hop and domain,
 * few in a minute, and what was found is kept in the store for `limit accept_all_time`, for all
 * workers. Where the hop could not say, it is asked again after five minutes at the earliest.
 *
 * Each hop of a route stands for itself: what a standby accepts says nothing of the others. */
#pragma once

#include <stdbool.h>

#include "conf/conf.h"
#include "route/hop.h"
#include "route/recipients.h"
#include "store/store.h"

struct accept_all;

/* A line for the operator, when a hop is found to accept all. */
struct accept_all *accept_all_new(struct rt *rt, const struct conf *conf, struct hop_pools *pools,
                                  struct store *store, recipients_tell *tell, void *arg);
/* Ends probes soon, and begins no more. */
void accept_all_drain(struct accept_all *a);
/* All tasks have ended. NULL allowed; returns NULL. */
struct accept_all *accept_all_free(struct accept_all *a);

/* A hop of the server, by its name, has just said yes to this sender for a recipient of the domain:
 * has it looked into, in a task of its own, if that was not done of late. Never waits. */
void accept_all_suspect(struct accept_all *a, const struct conf_route *server, struct slice hop,
                        struct slice domain, const struct envelope *envelope);

/* Does one of the server's hops that serve just now accept all? 0 and *ret; -EAGAIN: it cannot be
 * said just now; -ETIMEDOUT, -ECANCELED. Suspends while it is looked into. */
int accept_all_ask(struct accept_all *a, const struct conf_route *server, struct slice domain,
                   const struct envelope *envelope, usec_t deadline, bool *ret);

/* What this worker has seen accepting all, newest first: at most `max`, returns how many there are.
 * Texts are valid until the next call of anything here. */
size_t accept_all_list(const struct accept_all *a, struct accept_all_figure *ret, size_t max);
