/* See proc/list_sums.h. */
#include "proc/list_sums.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

static struct list_sum *list_sum_of(struct list_sums *sums, const struct board_list *l)
{
    for (size_t i = 0; i < sums->count; i++) {
        struct list_sum *s = &sums->items[i];
        if (s->list.domains == l->domains && strcmp(s->list.zone, l->zone) == 0) {
            return s;
        }
    }
    sums->items = xrealloc(sums->items, (sums->count + 1) * sizeof(*sums->items));
    struct list_sum *s = &sums->items[sums->count++];
    *s = (struct list_sum){.list = {.domains = l->domains, .well = true}};
    memcpy(s->list.zone, l->zone, sizeof(l->zone));
    return s;
}

void list_sums_add(struct list_sums *sums, const struct board_worker *w)
{
    for (unsigned i = 0; i < w->list_count; i++) {
        const struct board_list *l = &w->lists[i];
        struct list_sum *s = list_sum_of(sums, l);
        s->workers++;
        s->unwell_in += !l->well;
        if (!l->well && (s->list.well || l->since < s->list.since)) {
            s->list = *l;
        }
    }
    sums->unshown = w->lists_unshown > sums->unshown ? w->lists_unshown : sums->unshown;
}

const char *list_sum_state(const struct list_sum *s)
{
    return s->unwell_in == 0 ? "well" : s->unwell_in == s->workers ? "unwell" : "partly unwell";
}

void list_sums_free(struct list_sums *sums)
{
    free(sums->items);
    *sums = (struct list_sums){0};
}
