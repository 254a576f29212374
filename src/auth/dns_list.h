/* DNS lists (RFC 5782): is an address, or a domain, on one, and what does the list say of it?
 *
 * A list is believed only while it is well: what every list has on it must be listed (127.0.0.2,
 * "test"), and what none has must not (127.0.0.1, "invalid"). That is looked into with a list's
 * first use, beside the real question, and then every five minutes while the list is in use; a list
 * that is not well is looked at each minute. Until it is well again nothing is known of anybody: a
 * list that has been given up lists nobody, or everybody.
 *
 * Answers outside 127.0.0.0/8 are no list's, and those in 127.255.255.0/24 say that the list does
 * not answer us: with any of these nothing is known either, and the list is not well.
 *
 * One for each worker. Never refuses and never weighs: that is for rules. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "auth/clock.h"
#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "client/resolver.h"
#include "parse/list_filter.h"

struct dns_lists;

/* A line for the operator: a list is not well, which is trouble, or well again; once for each. */
typedef void dns_lists_tell(void *arg, bool trouble, const char *line);

/* `tell` may be NULL. */
struct dns_lists *dns_lists_new(struct rt *rt, struct resolver *r, dns_lists_tell *tell, void *arg);
/* Ends what looks into the lists' health, soon, and begins no more of it. */
void dns_lists_drain(struct dns_lists *l);
/* Is a list being looked into just now? Not for longer than one question takes. */
bool dns_lists_look(const struct dns_lists *l);
/* All tasks have ended. NULL allowed; returns NULL. */
struct dns_lists *dns_lists_free(struct dns_lists *l);

/* Can that be the zone of a list of addresses, with the longest address in front of it? */
bool dns_list_zone_fits(struct slice zone);

struct dns_list_answer {
    enum dns_state
        state; /* DNS_ANSWER: what follows is sure. DNS_FAILED also: the list is not well */
    bool listed;
    const struct slice *answers; /* as texts, sorted: those the filter lets pass */
    size_t count;
};

/* Is the address on the list? 0 or -ECANCELED; texts are in `arena`. Suspends for the time of a
 * question; the first use of a list at most as long again as the longer of two others asked at the
 * same time. */
int dns_list_ask_address(struct dns_lists *l, const struct list_filter *f, const struct addr *a,
                         const struct auth_clock *c, struct arena *arena,
                         struct dns_list_answer *ret);

/* The same of a domain, also with U-labels. What is no name of the DNS ("") or an
 * address (a literal, or without brackets) is on no list. */
int dns_list_ask_domain(struct dns_lists *l, const struct list_filter *f, struct slice domain,
                        const struct auth_clock *c, struct arena *arena,
                        struct dns_list_answer *ret);

/* Octets of a reason; what is longer is cut. */
#define DNS_LIST_REASON_MOST 200

/* Why the address is listed: the list's TXT records, sorted, "; " between them, fit to be shown;
 * "" where it is not listed, or the list does not say. 0 with *ret_state, and *ret where that is
 * DNS_ANSWER; or -ECANCELED. Suspends. */
int dns_list_reason(struct dns_lists *l, const struct list_filter *f, const struct addr *a,
                    const struct auth_clock *c, struct arena *arena, enum dns_state *ret_state,
                    struct slice *ret);

/* How a list that has been in use is; for `gatepost status`. */
struct dns_list_figure {
    const char *zone; /* valid as long as the lists */
    bool domains;     /* as a list of domains, not of addresses */
    bool well;
    usec_t since;    /* on rt_now()'s clock; of one that is not well */
    const char *why; /* valid until anything here is called; "" */
};

/* At most `max`, in the order of their first use; returns how many there are. One that has not been
 * looked into yet is not told. */
size_t dns_lists_figures(const struct dns_lists *l, struct dns_list_figure *ret, size_t max);
