/* Inside src/store only: what stands between the front end (store/store.c: queue, batches, waiters)
 * and what keeps the entries (store/store_lmdb.c, store/store_plain.c).
 *
 * An entry is a key and a value made by store/entry.c. All kinds live in one tree under keys that
 * begin with the kind: a write then changes one tree instead of two, which costs a fifth less. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/list.h"
#include "rt/rt.h"
#include "store/store.h"

enum store_table {
    TABLE_LEDGER = 1,
    TABLE_REFUSAL_AT_RCPT = 2,
    /* 3 was for refusals that isolate, which are notes now. */
    TABLE_REFUSAL_MESSAGE = 4,
    TABLE_NOTE = 16, /* plus the enum note_kind */
};

#define STORE_KEY_LEN (1 + DIGEST_LEN)

struct store_key {
    uint8_t octets[STORE_KEY_LEN]; /* enum store_table, then the digest */
};

/* ---- entries as octets (store/entry.c) ---- */

#define ENTRY_MAX 512

/* Writes an entry; `r` is NULL for an armed ledger entry. Returns its length. */
size_t entry_encode(uint8_t ret[static ENTRY_MAX], usec_t expires, const struct refusal *r);

/* The same with `n` octets (at most NOTE_MAX) that mean something only to who reads them. */
size_t entry_encode_note(uint8_t ret[static ENTRY_MAX], usec_t expires, const void *p, size_t n);

/* Is it an entry, of a format we know, that has not expired? Fills *ret where not NULL. */
bool entry_decode(const void *p, size_t n, usec_t wall, struct refusal *ret);

/* The octets of such an entry behind its head, in place. */
bool entry_decode_note(const void *p, size_t n, usec_t wall, struct slice *ret);

/* When an entry of a format we know expires; 0 when it is none. */
usec_t entry_expires(const void *p, size_t n);

/* ---- writes, as the front end queues them ---- */

struct store_write;

struct store_op {
    struct list by_key; /* the front end's index of what is pending */
    struct store_write *write;
    struct store_key key;
    usec_t expires; /* of a removal: only the entry that expires then is removed, or ENTRY_ANY */
};

#define ENTRY_ANY ((usec_t)0)

/* Entries to be put under one value, or to be removed. Once a batch has begun the back end's thread
 * reads it, so that nothing below the line changes until the batch has ended. */
struct store_write {
    struct list link;
    unsigned refs;  /* the queue's, and each waiter's */
    bool unawaited; /* as removals are */
    bool done;
    int result;
    struct cond changed;
    /* ---- */
    bool remove;
    size_t count;
    size_t value_n;
    uint8_t *value;
    struct store_op op[];
};

/* ---- back ends ---- */

struct store_backend;

struct store_backend_ops {
    /* Copies the value: 1, 0 when there is none, or a negative errno. On the loop; never waits. */
    int (*get)(struct store_backend *b, const struct store_key *key, uint8_t ret[static ENTRY_MAX],
               size_t *ret_n);

    /* Applies a list of struct store_write, all or nothing: 0 or a negative errno. In the store
     * thread. Entries that have expired at `wall` may be purged. */
    int (*apply)(struct store_backend *b, const struct list *writes, usec_t wall);

    void (*close)(struct store_backend *b);
};

struct store_backend {
    const struct store_backend_ops *ops;
};

/* A front end that owns `b`. */
struct store *store_new(struct rt *rt, struct store_backend *b);

/* ---- the front end's, for store/notes.c ---- */

/* Copies the value of a key as it is after all that this handle has queued, expired or not: 1, 0
 * when there is none, or a negative errno. */
int store_read(struct store *s, const struct store_key *key, usec_t wall,
               uint8_t ret[static ENTRY_MAX], size_t *ret_n);

/* Queues a value for a key, or where `value` is NULL the removal of whatever the key has then.
 * Where too much is queued already that is counted as failed. */
void store_queue(struct store *s, const struct store_key *key, const uint8_t *value, size_t n,
                 usec_t wall);

/* Entries in a memory back end, expired ones that have not been purged included. */
size_t store_shared_count(const struct store_shared *s);

/* The LMDB back end; store_open_lmdb says the rest. `map_size` is the most the file can grow to. */
int lmdb_backend_open(const char *folder, size_t map_size, struct store_backend **ret,
                      const char **ret_note);
