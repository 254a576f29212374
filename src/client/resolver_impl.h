/* Internal to client/resolver*.c: the front, which tasks wait at; cells, where questions that are
 * under way meet those who wait; and the sources behind it, which know the answers. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "client/dns_cache.h"
#include "client/resolver.h"
#include "rt/rt.h"

/* ---- cells (resolver_cells.c) ---- */

/* A question under way, and then its answer: one for all that ask it meanwhile. It belongs, by
 * reference count, to those that wait and to the source: who is cancelled or out of time lets go,
 * and the question goes on. */
struct dns_cell {
    struct resolver *resolver;
    struct dns_name name;
    enum dns_type type;
    unsigned refs;
    bool asked;            /* the source has it */
    bool ended;            /* there is something to hear: the answer, or that the time is over */
    bool answered;         /* `answer` is there; before, it is the source's own */
    bool late;             /* its time is over, and the source has it still */
    struct list listeners; /* struct dns_listener */
    struct list link;      /* in a bucket of those under way */
    struct list queue;     /* in `waiting`, until it is asked */
    struct rt_timer limit; /* the time of one question */
    struct arena arena;    /* of the answer */
    struct dns_answer answer;

    /* the source's own, while it has the cell */
    struct list source_link;
    struct rt_timer timer;
};

/* Questions that a source has at a time; further ones wait. A question takes libunbound some KiB,
 * and one for a server that keeps silent up to half a minute, so those whose time is over are
 * counted apart: otherwise they would take the turns of all others. */
#define DNS_IN_TIME_MOST   2000
#define DNS_UNDER_WAY_MOST 8000
#define DNS_BUCKETS        1024

struct dns_cells {
    struct list buckets[DNS_BUCKETS]; /* struct dns_cell, by name and type */
    struct list waiting;              /* struct dns_cell, in their order */
    size_t late;                      /* of those under way */
    size_t listeners;
    bool giving, ending;
};

void dns_cells_init(struct dns_cells *c);
/* With the source; nobody may listen any more. */
void dns_cells_end(struct resolver *r);

/* True and the answer where it is at hand, in the cache or because nobody can be asked. */
bool dns_cells_known(struct resolver *r, const struct dns_name *name, enum dns_type type,
                     struct arena *arena, struct dns_answer *ret);

/* Somebody who waits for an answer. */
struct dns_listener {
    /* set before: one of these is told when there is something to hear */
    struct cond *changed;
    void (*fn)(void *arg); /* where `changed` is NULL */
    void *arg;
    /* private */
    struct list link; /* in the cell's `listeners` */
    struct dns_cell *cell;
    struct dns_answer known; /* where there is no cell */
};

/* Asks, or joins who has asked. An answer at hand is in `arena`, and is heard at once. */
void dns_listener_begin(struct dns_listener *l, struct resolver *r, const struct dns_name *name,
                        enum dns_type type, struct arena *arena);
bool dns_listener_heard(const struct dns_listener *l);
/* What was heard; DNS_TIMED_OUT where nothing was. Without its records, or with them in `arena`. */
enum dns_state dns_listener_state(const struct dns_listener *l);
void dns_listener_take(const struct dns_listener *l, struct arena *arena, struct dns_answer *ret);
void dns_listener_end(struct dns_listener *l);

/* ---- sources ---- */

/* What stands behind the front. */
struct resolver_source {
    const struct resolver_source_ops *ops;
};

struct resolver_source_ops {
    /* Takes the cell: sets `answer`, whose memory is the cell's arena, and calls dns_cell_end, now
     * or later. Called on a task's stack, or on the loop's. */
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

/* ---- the front ---- */

/* Is the DNS there at all (resolver_probe.c)? */
struct resolver_probe {
    struct dns_listener listener;
    struct rt_timer timer;
    struct arena arena;
    bool asking;
    usec_t began;          /* when it last asked */
    unsigned failures;     /* of others' questions, one behind the other */
    resolver_turned *tell; /* NULL: nothing is probed */
    void *arg;
};

struct resolver {
    struct rt *rt;
    struct host_table *hosts;
    struct resolver_source *source; /* NULL: the table is all */
    struct dns_cache *cache;        /* NULL: none */
    size_t cache_octets;            /* of a zone's */
    usec_t question_time;           /* 0: without end */
    bool simulated;                 /* the table stands for the DNS, too */
    bool validates;
    uint8_t secret[DNS_CACHE_SECRET];
    struct dns_cells cells;
    struct resolver_stats stats;
    struct resolver_health health;
    struct resolver_probe probe;
};

/* Another question has come to its end; the probe's own does not count. */
void resolver_probe_note(struct resolver *r, enum dns_state state);
void resolver_probe_end(struct resolver *r);

/* A file's text; 0 or a negative errno. */
int resolver_read_file(const char *path, struct buf *ret);
/* Tells "FILE: WHAT". */
void resolver_tell_about(resolver_tell *tell, void *arg, const char *file, const char *what);
