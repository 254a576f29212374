/* Internal to client/resolver*.c: the front, which tasks wait at, and the sources behind it, which
 * know the answers. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "client/resolver.h"
#include "rt/rt.h"

/* A question under way, and then its answer. It belongs, by reference count, to the tasks that wait
 * and to the source: a task that is cancelled or out of time lets go, and the question goes on. */
struct dns_cell {
    struct resolver *resolver;
    struct dns_name name;
    enum dns_type type;
    unsigned refs;
    bool ended;            /* `answer` is there */
    struct list listeners; /* struct dns_listener */
    struct arena arena;    /* of the answer */
    struct dns_answer answer;

    /* the source's own, while it has the cell */
    struct list source_link;
    struct rt_timer timer;
};

/* What stands behind the front. */
struct resolver_source {
    const struct resolver_source_ops *ops;
};

struct resolver_source_ops {
    /* Takes the cell: sets `answer`, whose memory is the cell's arena, and calls dns_cell_end, now
     * or later. Called on a task's stack. */
    void (*ask)(struct resolver_source *s, struct dns_cell *cell);
    /* Ends all cells that it still has, as DNS_FAILED. */
    void (*free)(struct resolver_source *s);
};

/* The source gives the cell back, with its answer. */
void dns_cell_end(struct dns_cell *cell);

/* libunbound on the loop of `rt`; see resolver_new. */
int resolver_source_unbound(struct rt *rt, const struct resolver_setup *setup, resolver_tell *tell,
                            void *arg, struct resolver_source **ret);
/* A zone; see resolver_of_zone. */
struct resolver_source *resolver_source_zone(struct rt *rt, const struct zone *zone);
void resolver_source_set_zone(struct resolver_source *s, const struct zone *zone);

/* A file's text; 0 or a negative errno. */
int resolver_read_file(const char *path, struct buf *ret);
/* Tells "FILE: WHAT". */
void resolver_tell_about(resolver_tell *tell, void *arg, const char *file, const char *what);
