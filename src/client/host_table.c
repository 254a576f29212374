#include "client/host_table.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fatal.h"
#include "parse/hosts_file.h"

struct host {
    struct slice name;
    enum host_state state;
    struct addr address;
    size_t number; /* in the order of the text */
};

struct host_table {
    struct arena arena;
    struct host *hosts; /* by name, see compare */
    size_t count;
};

static int compare_names(struct slice a, struct slice b)
{
    int order = strncasecmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare(const void *x, const void *y)
{
    const struct host *a = x, *b = y;
    int order = compare_names(a->name, b->name);
    if (order == 0) {
        order = (a->address.family < b->address.family) - (a->address.family > b->address.family);
    }
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static enum host_state state_of(const struct hosts_line *line, bool pretend)
{
    if (line->address.family != ADDR_NONE) {
        return HOST_FOUND;
    }
    if (!pretend) {
        return HOST_UNKNOWN;
    }
    return slice_eq(line->word, SLICE_LIT("fails"))    ? HOST_FAILS
           : slice_eq(line->word, SLICE_LIT("silent")) ? HOST_SILENT
                                                       : HOST_UNKNOWN;
}

struct host_table *host_table_new(struct slice text, bool pretend)
{
    struct host_table *t = xcalloc(1, sizeof(*t));
    struct hosts_line line;
    struct buf hosts = {0};
    arena_init(&t->arena);
    while (hosts_next_line(&text, &line)) {
        struct host h = {.state = state_of(&line, pretend), .address = line.address};
        while (h.state != HOST_UNKNOWN && hosts_next_word(&line.names, &h.name)) {
            h.name = arena_copy(&t->arena, h.name);
            h.number = t->count++;
            buf_append(&hosts, &h, sizeof(h));
        }
    }
    t->hosts = arena_alloc(&t->arena, hosts.n);
    if (hosts.p != NULL) {
        memcpy(t->hosts, hosts.p, hosts.n);
        qsort(t->hosts, t->count, sizeof(*t->hosts), compare);
    }
    buf_free(&hosts);
    return t;
}

struct host_table *host_table_free(struct host_table *t)
{
    if (t != NULL) {
        arena_free(&t->arena);
        free(t);
    }
    return NULL;
}

/* The first host of the name, or where it would be. */
static size_t lower_bound(const struct host_table *t, struct slice name)
{
    size_t from = 0, to = t->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare_names(t->hosts[middle].name, name) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

enum host_state host_table_find(const struct host_table *t, struct slice name, struct addr *ret,
                                size_t max, size_t *ret_n)
{
    size_t n = 0, i = lower_bound(t, name);
    enum host_state state = HOST_UNKNOWN;
    for (; i < t->count && compare_names(t->hosts[i].name, name) == 0; i++) {
        const struct host *h = &t->hosts[i];
        state = h->state;
        if (state == HOST_FOUND && n < max) {
            ret[n++] = h->address;
        }
    }
    *ret_n = n;
    return n > 0 ? HOST_FOUND : state;
}

size_t host_table_count(const struct host_table *t)
{
    return t->count;
}
