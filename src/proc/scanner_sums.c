/* See proc/scanner_sums.h. */
#include "proc/scanner_sums.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

static struct scanner_sum *sum_of(struct scanner_sums *sums, const char *name)
{
    for (size_t i = 0; i < sums->count; i++) {
        if (strcmp(sums->items[i].scanner.name, name) == 0) {
            return &sums->items[i];
        }
    }
    sums->items = xrealloc(sums->items, (sums->count + 1) * sizeof(*sums->items));
    struct scanner_sum *s = &sums->items[sums->count++];
    *s = (struct scanner_sum){0};
    memcpy(s->scanner.name, name, strlen(name) + 1);
    return s;
}

static void add(struct scanner_sums *sums, const struct board_scanner *b)
{
    struct scanner_sum *s = sum_of(sums, b->name);

    s->workers++;
    s->down_in += b->down;
    if (b->down && (s->scanner.since == 0 || b->since < s->scanner.since)) {
        s->scanner.since = b->since;
        memcpy(s->scanner.error, b->error, sizeof(s->scanner.error));
    } else if (s->scanner.error[0] == '\0') {
        memcpy(s->scanner.error, b->error, sizeof(s->scanner.error));
    }
    s->scanner.in_use += b->in_use;
    s->scanner.waiting += b->waiting;
    s->scanner.scanned += b->scanned;
    s->scanner.kept += b->kept;
    s->scanner.unknown += b->unknown;
}

void scanner_sums_add(struct scanner_sums *sums, const struct board_worker *w)
{
    for (unsigned i = 0; i < w->scanner_count; i++) {
        add(sums, &w->scanners[i]);
    }
}

const char *scanner_sum_state(const struct scanner_sum *s)
{
    return s->down_in == 0 ? "well" : s->down_in == s->workers ? "down" : "partly down";
}

void scanner_sums_free(struct scanner_sums *sums)
{
    free(sums->items);
    *sums = (struct scanner_sums){0};
}
