/* libunbound made ready: whom it asks, what it validates from, what differs from its own standard.
 */
#pragma once

#include "client/resolver.h"

struct event_base;
struct ub_ctx;

#define UNBOUND_CLASS_IN 1

/* A context on that loop, which has read all its files; see resolver_new for the errors. The caller
 * gives it to ub_ctx_delete. */
int unbound_context_new(struct event_base *base, const struct resolver_setup *setup,
                        resolver_tell *tell, void *arg, struct ub_ctx **ret);
