/* The DNS Tree Walk (RFC 9989 4.10): which DMARC Policy Records lie on the way from a domain to the
 * top of the DNS, and which domain is therefore its Organizational Domain.
 *
 * A tree keeps what was found for one message, so that walks which meet ask once. All that is
 * wanted is asked for together: waiting for one answer before the next question would save a
 * question now and then, and cost a delay for every label. */
#pragma once

#include "auth/clock.h"
#include "base/arena.h"
#include "client/resolver.h"
#include "parse/dmarc_record.h"

/* The most questions that one walk asks, however many labels (4.10). */
#define DMARC_WALK_MOST 8

struct dmarc_tree {
    struct resolver *resolver;
    const struct auth_clock *clock;
    struct arena *arena;      /* holds the tree, and what walks point to */
    struct dmarc_node *nodes; /* private */
};

/* What one walk found. */
struct dmarc_walk {
    const struct dns_name *organisation; /* NULL: unknown, a look-up failed on the way */
    const struct dns_name *domain;       /* where the record that applies to the start was found;
                                          * NULL: there is none, or it is not known */
    const struct dmarc_record *record;   /* that record */
    bool failed;                         /* a look-up failed before all was known */
};

/* The walk from `start` will be wanted. */
void dmarc_tree_want(struct dmarc_tree *t, const struct dns_name *start);

/* Asks for whatever is wanted and not known yet, all at once. Suspends until all is answered, or
 * the clock says no. 0 or -ECANCELED. */
int dmarc_tree_ask(struct dmarc_tree *t);

/* The walk from `start`, which was wanted and asked for. */
void dmarc_tree_walk(const struct dmarc_tree *t, const struct dns_name *start,
                     struct dmarc_walk *ret);
