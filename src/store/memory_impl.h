/* Inside src/store only: what stands between the memory's front end (store/memory.c) and what keeps
 * the records (store/memory_plain.c, store/memory_lmdb.c). */
#pragma once

#include <stdatomic.h>

#include "base/digest.h"
#include "base/list.h"
#include "store/batches.h"
#include "store/memory.h"

/* The first octets of the SHA-256 of kind and name: evenly spread, so that neighbours in a tree are
 * a random sample of all there is, and nobody can aim at a place. */
#define MEMORY_KEY_LEN 16

struct memory_key {
    uint8_t octets[MEMORY_KEY_LEN];
};

/* ---- changes (store/memory_change.c) ---- */

enum memory_change_kind { CHANGE_ADD, CHANGE_PUT, CHANGE_FORGET };

/* Once a batch has begun the back end's thread reads it. */
struct memory_change {
    struct list link;
    struct list by_key; /* the front end's index of what is pending */
    struct memory_key key;
    enum memory_change_kind kind;
    bool taken;        /* is the store thread's, or on its way there */
    unsigned count;    /* changes that it is made of */
    bool steady;       /* the clock was, when it was made, see store/wall_watch.h */
    bool jumped;       /* it had, a short time ago */
    uint16_t record_n; /* 0: none, to forget */
    uint16_t value_n;  /* what this handle finds since; 0: nothing */
    uint8_t octets[];  /* the record and the value, as record_encode makes them */
};

/* Adds to what is there the record of a CHANGE_ADD, `delta`, or puts that in its place when what is
 * there is over. Pure. */
void memory_change_add(const struct memory_change *c, struct record *r, const struct record *delta,
                       const struct record_rules *rules);

/* What there is after a change, where `old` (old_n 0: nothing) was before: its octets, 0 when
 * nothing. Pure. */
size_t memory_change_apply(const struct memory_change *c, const uint8_t *old, size_t old_n,
                           const struct record_rules *rules, uint8_t ret[static RECORD_OCTETS_MAX]);

/* ---- what goes when there is no room ---- */

#define MEMORY_SAMPLE_MOST 128

/* Looks at records one after the other until it has seen enough of them. */
struct memory_sample {
    const struct record_rules *rules;
    struct batch_time time;
    unsigned seen;
    bool found;   /* one that may go: */
    bool telling; /* it is a loss */
    double worth; /* its */
    struct memory_key key;
};

enum memory_sight {
    SIGHT_KEEP,
    SIGHT_EXPIRED, /* may be removed at once */
};

/* Looks at one; is it of no more use? */
enum memory_sight memory_sample_see(struct memory_sample *s, const struct memory_key *key,
                                    const uint8_t *p, size_t n);

/* Is that enough? */
bool memory_sample_done(const struct memory_sample *s);

/* May it be purged at that time? Also what is no record. */
bool memory_is_over(const uint8_t *p, size_t n, const struct record_rules *rules,
                    const struct batch_time *time);

/* ---- back ends ---- */

struct memory_backend;

struct memory_backend_ops {
    /* Copies the octets: 1, 0 when there are none, or a negative errno. On the loop; never waits.
     */
    int (*get)(struct memory_backend *b, const struct memory_key *key,
               uint8_t ret[static RECORD_OCTETS_MAX], size_t *ret_n);

    /* A number that is another one whenever what `get` gives may have changed, whoever changed it;
     * 0: that cannot be told. On the loop; never waits. */
    uint64_t (*version)(struct memory_backend *b);

    /* Applies a list of struct memory_change, all or nothing: 0 or a negative errno. In the store
     * thread. Makes room where there is none, and may purge. */
    int (*apply)(struct memory_backend *b, const struct list *changes,
                 const struct batch_time *time);

    /* Calls fn with each until it returns other than 0. It may use the memory. */
    int (*each)(struct memory_backend *b, int (*fn)(void *arg, const uint8_t *p, size_t n),
                void *arg);

    void (*figures)(struct memory_backend *b, uint64_t *ret_records, uint64_t *ret_octets);
    void (*close)(struct memory_backend *b);
};

struct memory_backend {
    const struct memory_backend_ops *ops;
    struct memory_setup setup;
    /* The store thread's to count: */
    atomic_uint_fast64_t evicted;
    atomic_uint_fast64_t no_room; /* new records where all that could go must stay */
};

/* The LMDB back end; memory_open_lmdb says the rest. */
int memory_backend_open(const char *state, const struct memory_setup *setup,
                        struct memory_backend **ret, const char **ret_note);

/* A front end that owns `b`. */
struct memory *memory_new(struct rt *rt, struct memory_backend *b);
