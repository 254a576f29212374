/* Answers of the DNS that are at hand at once: one cache for each worker, in front of whatever
 * finds them out (libunbound has caches of its own, but takes 20 times as long to look there).
 *
 * An answer is kept for its TTL, and packed: one block of memory each, which no arena's end
 * touches. Names come from strangers, so where an entry stands depends on a secret of the cache's
 * own. It never asks for anything, and never suspends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/time.h"
#include "client/resolver.h"

/* How long answers are kept at most, whatever their TTL is. */
#define DNS_CACHE_ANSWER_TIME   (24 * 3600 * USEC_SEC)
#define DNS_CACHE_NEGATIVE_TIME (300 * USEC_SEC) /* nodata, nxdomain */
#define DNS_CACHE_BOGUS_TIME    (60 * USEC_SEC)  /* these have no TTL: so long exactly */
#define DNS_CACHE_FAILURE_TIME  (5 * USEC_SEC)   /* servfail, timeout */

#define DNS_CACHE_SECRET        16 /* octets */

struct dns_cache;

/* For so many octets, its own tables included; an answer that would take more than a sixteenth of
 * them is never kept. The secret is unpredictable and is copied. */
struct dns_cache *dns_cache_new(size_t octets, const uint8_t secret[static DNS_CACHE_SECRET]);
/* NULL allowed; returns NULL. */
struct dns_cache *dns_cache_free(struct dns_cache *c);

/* True and the answer that is kept for the question, with what is left of its TTL and `cached` set;
 * what it points to is in `arena`. `now` is of the monotonic clock and never goes back. */
bool dns_cache_find(struct dns_cache *c, const struct dns_name *name, enum dns_type type,
                    usec_t now, struct arena *arena, struct dns_answer *ret);

/* Keeps an answer, in place of the one before. What has no time to live is not kept, and ends what
 * was; those that were not asked for the longest time make room. */
void dns_cache_keep(struct dns_cache *c, const struct dns_name *name, enum dns_type type,
                    const struct dns_answer *answer, usec_t now);

struct dns_cache_figures {
    size_t entries;
    size_t octets; /* that all of it takes, as it counts it */
};

struct dns_cache_figures dns_cache_figures(const struct dns_cache *c);
