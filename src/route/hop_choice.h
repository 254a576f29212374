/* Which of a route's hops gets the next transaction. Private to src/route.
 *
 * Hops that are well share transactions by weight, spread as evenly as can be (weights 5, 1, 1 give
 * A A B A C A A, not five times A first): each time every hop gains its weight, and the richest is
 * chosen and pays for all. Each worker does so for itself. A hop whose connections are all in use
 * is passed over while another has one to spare. Standbys serve when no other hop is well, and one
 * that is down is chosen only when none is well. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

struct hop_pools;

/* A set of a route's hops, by their place in route->hops. */
typedef uint64_t hop_set;

static inline hop_set hop_set_of(size_t i)
{
    return (hop_set)1 << i;
}

/* One of the route's hops that are not in `passed_over`: its place in route->hops, or -1. Hops that
 * are down and due for a trial get one meanwhile. */
int hop_choose(struct hop_pools *p, const struct conf_route *route, hop_set passed_over);

/* Those that have the route's transactions just now, busy or not; likewise with trials. */
hop_set hop_serving(struct hop_pools *p, const struct conf_route *route);

/* How many more could be chosen that are well. */
unsigned hop_choices(const struct hop_pools *p, const struct conf_route *route,
                     hop_set passed_over);
