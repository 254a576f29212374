/* See proc/hop_sums.h. */
#include "proc/hop_sums.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

static struct hop_sum *hop_sum_of(struct hop_sums *sums, const char *name)
{
    for (size_t i = 0; i < sums->count; i++) {
        if (strcmp(sums->items[i].hop.name, name) == 0) {
            return &sums->items[i];
        }
    }
    sums->items = xrealloc(sums->items, (sums->count + 1) * sizeof(*sums->items));
    struct hop_sum *s = &sums->items[sums->count++];
    *s = (struct hop_sum){0};
    memcpy(s->hop.name, name, strlen(name) + 1);
    return s;
}

static void add_hop(struct hop_sums *sums, const struct board_hop *h)
{
    struct hop_sum *s = hop_sum_of(sums, h->name);

    s->workers++;
    s->down_in += h->down;
    if (h->down && (s->hop.since == 0 || h->since < s->hop.since)) {
        s->hop.since = h->since;
        memcpy(s->hop.error, h->error, sizeof(s->hop.error));
    } else if (s->hop.error[0] == '\0') {
        memcpy(s->hop.error, h->error, sizeof(s->hop.error));
    }
    s->hop.in_use += h->in_use;
    s->hop.kept += h->kept;
    s->hop.waiting += h->waiting;
    s->hop.messages += h->messages;
    s->hop.failures += h->failures;
}

void hop_sums_add(struct hop_sums *sums, const struct board_worker *w)
{
    for (unsigned i = 0; i < w->hop_count; i++) {
        add_hop(sums, &w->hops[i]);
    }
    sums->unshown = w->hops_unshown > sums->unshown ? w->hops_unshown : sums->unshown;
}

const char *hop_sum_state(const struct hop_sum *s)
{
    return s->down_in == 0 ? "well" : s->down_in == s->workers ? "down" : "partly down";
}

void hop_sums_free(struct hop_sums *sums)
{
    free(sums->items);
    *sums = (struct hop_sums){0};
}
