/* Is a DNS list well? For auth/dns_list.c alone. */
#pragma once

#include "auth/dns_list.h"

enum list_kind { LIST_OF_ADDRESSES, LIST_OF_DOMAINS };

struct list_health;

struct resolver *dns_lists_resolver(const struct dns_lists *l);

/* The list's, which is looked into from now on where that is due: in a task of its own, so that
 * this never suspends. Valid as long as the lists. */
struct list_health *list_health_of(struct dns_lists *l, enum list_kind kind,
                                   const struct dns_name *zone, const struct auth_clock *c);

/* Waits where nothing is known of the list yet. 0 with *ret: DNS_ANSWER when it is well, else why
 * nothing can be said by it; or -ECANCELED. */
int list_health_await(struct list_health *h, usec_t deadline, enum dns_state *ret);

/* Are these answers a list's? If not, it is not well from now on. */
bool list_health_believes(struct list_health *h, const struct dns_answer *a);
