/* See proc/dns_sum.h. */
#include "proc/dns_sum.h"

#include <string.h>

void dns_sum_add(struct dns_sum *sum, const struct board_worker *w)
{
    const struct board_dns *d = &w->dns;

    sum->dns.asked = sum->dns.asked || d->asked;
    sum->dns.validates = sum->dns.validates || d->validates;
    sum->dns.under_way += d->under_way;
    sum->dns.waiting += d->waiting;
    if (!d->asked || !d->known) {
        return;
    }
    bool worse = !d->well && sum->down_in == 0;
    bool earlier = d->well == (sum->down_in == 0) && d->since < sum->dns.since;
    if (sum->workers == 0 || worse || earlier) {
        sum->dns.since = d->since;
        memcpy(sum->dns.trouble, d->trouble, sizeof(d->trouble));
    }
    sum->workers++;
    sum->down_in += !d->well;
}

const char *dns_sum_state(const struct dns_sum *s)
{
    return !s->dns.asked             ? "none"
           : s->workers == 0         ? "unknown"
           : s->down_in == 0         ? "well"
           : s->down_in < s->workers ? "partly down"
                                     : "down";
}
