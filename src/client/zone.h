/* The DNS as a zone file tells it (parse/zone_file.h): what a name server and a resolver in front
 * of it would answer. For tests and rehearsals; nothing here waits or asks anybody.
 *
 * A zone is all there is: a name that is not in it, nor covered by a wildcard of it, does not
 * exist. Delegations are not looked at, so that one file can hold many domains. */
#pragma once

#include "base/arena.h"
#include "base/slice.h"
#include "base/time.h"
#include "client/resolver.h"
#include "parse/zone_file.h"

struct zone;

struct zone *zone_new(void);
/* NULL allowed; returns NULL. */
struct zone *zone_free(struct zone *z);

/* Adds what the text says. 0; or -EINVAL with *ret_problem: what is in front of it has been added.
 */
int zone_read(struct zone *z, struct slice text, struct zone_problem *ret_problem);

/* Adds one entry; its texts are copied. */
void zone_add(struct zone *z, const struct zone_entry *entry);

/* How long each answer takes: $LATENCY, or 0. */
usec_t zone_latency(const struct zone *z);

/* What the zone answers, as resolver_ask would: `cached` and `secure` are false, DNS_TIMED_OUT is
 * for what is never answered. CNAMEs and DNAMEs (RFC 6672) are followed, wildcards expanded (RFC
 * 4592); a name with others below it exists (RFC 8020). A chain that is too long, or turns in a
 * circle, is DNS_FAILED. Of a negative answer the TTL is that of the SOA above the name (RFC 2308),
 * 0 without one. Records are the zone's own, `canonical` is in `arena`. */
void zone_find(const struct zone *z, const struct dns_name *name, enum dns_type type,
               struct arena *arena, struct dns_answer *ret);
