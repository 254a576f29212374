/* Names and what the DNS says of them: the client's own by reverse DNS, confirmed forwards; whether
 * the name it greets with leads to it; whether a sender's domain can take mail.
 *
 * A name that the DNS cannot speak about just now is never taken for one that does not exist: each
 * answer tells by a dns_state whether it is sure (DNS_ANSWER), and if not, what went wrong
 * (DNS_TIMED_OUT, DNS_FAILED, DNS_BOGUS). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "auth/clock.h"
#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "client/resolver.h"

/* Of a client's names as many are followed, the first in alphabetical order, and of a domain's mail
 * exchangers, those of the lowest preference (RFC 7208 4.6.4 has the same bound). */
#define NAMES_FOLLOWED_MOST 10

struct client_names {
    enum dns_state ptr_state; /* DNS_ANSWER, also for an address without a name */
    const struct slice *ptr;  /* in lower case, sorted, each once; at most NAMES_FOLLOWED_MOST */
    size_t ptr_count;
    enum dns_state name_state; /* DNS_ANSWER: `name` is sure */
    struct slice name;         /* the first of `ptr` that leads back to the address; "" for none */
};

/* Reverse DNS (RFC 1035 3.5, RFC 3596 2.5), then A or AAAA of all names together, as the client's
 * address is. Texts are in `arena`. 0 or -ECANCELED. Suspends until the clock's deadline at most.
 */
int client_names_find(struct resolver *r, const struct addr *client, const struct auth_clock *c,
                      struct arena *arena, struct client_names *ret);

struct helo_names {
    enum dns_state resolves_state; /* DNS_ANSWER: `resolves` is sure */
    enum dns_state matches_state;
    bool resolves; /* the name has an address, or is an address literal */
    bool matches;  /* one of them is the client's */
};

/* Of a name as the client gave it. What cannot be in the DNS does not resolve, and is not asked
 * for. 0 or -ECANCELED. Suspends. */
int helo_names_find(struct resolver *r, struct slice helo, const struct addr *client,
                    const struct auth_clock *c, struct helo_names *ret);

struct mail_domain {
    enum dns_state exists_state;  /* DNS_ANSWER: `exists` is sure */
    enum dns_state null_mx_state; /* of `null_mx` */
    bool exists;  /* MX that lead to an address, or none and an address of its own (RFC 5321 5.1); a
                     null MX too: it says that the domain is there and takes no mail */
    bool null_mx; /* RFC 7505 */
};

/* Of a domain as a mailbox has it: a name, also with U-labels (RFC 6531), or an address literal,
 * which exists. "" does not. 0 or -ECANCELED. Suspends. */
int mail_domain_find(struct resolver *r, struct slice domain, const struct auth_clock *c,
                     struct mail_domain *ret);
