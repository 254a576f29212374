/* The store's front end: writes are queued, applied in batches by the store thread, one batch at a
 * time, and waited for by whoever needs to know.
 *
 *  - A write belongs to the queue and to its waiter, by reference count: a waiter whose deadline
 *    passes or who is cancelled lets go, and the write is applied all the same.
 *  - Reads look at pending writes first, then ask the back end, so that what this handle has queued
 *    is what it sees.
 *  - A batch that fails gives its error to its waiters. Removals have none; they stay queued and go
 *    with the next batch, because an entry that should be gone would suppress a later delivery.
 *  - A removal takes away one entry and never a newer one of the same key, however late it comes.
 *    What other processes must not take for armed until then is marked in memory they share.
 *
 * Everything here runs on the loop but `apply`, which the store thread runs. */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "store/backend.h"
#include "store/batches.h"

/* Keys pending at most; beyond it, as when the file system hangs, writes fail at once. */
#define PENDING_MAX 65536

/* Marks of disarmed entries end by themselves where a removal cannot be applied for so long. */
#define DISARMED_FOR        (60 * USEC_SEC)

#define INDEX_SIZE          256 /* lists of pending keys, by their digest's first octet */

#define REFUSAL_AT_RCPT_FOR (6 * 3600 * USEC_SEC)
#define REFUSAL_DATA_FOR    (24 * 3600 * USEC_SEC)

struct store {
    struct rt *rt;
    struct store_backend *backend;
    struct batches batches;        /* of struct store_write; its time is the latest we were told */
    size_t pending;                /* keys in `queued` and in flight */
    struct list index[INDEX_SIZE]; /* struct store_op, newest first */
    struct marks *disarmed;        /* shared with other processes; NULL: none */
    struct owner owner;            /* of our marks there */
    struct store_stats stats;
};

static const struct batches_ops store_batches;

struct store *store_new(struct rt *rt, struct store_backend *b)
{
    struct store *s = xcalloc(1, sizeof(*s));
    s->rt = rt;
    s->backend = b;
    batches_init(&s->batches, rt, &store_batches, s, b);
    for (size_t i = 0; i < INDEX_SIZE; i++) {
        list_init(&s->index[i]);
    }
    return s;
}

void store_share_disarmed(struct store *s, struct marks *disarmed, struct owner who)
{
    s->disarmed = disarmed;
    s->owner = who;
}

const struct store_stats *store_stats(const struct store *s)
{
    return &s->stats;
}

/* ---- writes ---- */

static struct store_key key_of(enum store_table table, const struct digest *digest)
{
    struct store_key key;
    key.octets[0] = (uint8_t)table;
    memcpy(key.octets + 1, digest->octets, DIGEST_LEN);
    return key;
}

static struct list *index_of(struct store *s, const struct store_key *key)
{
    return &s->index[key->octets[1]];
}

/* A write of `count` keys, which are still to be set, with room for its value behind it. */
static struct store_write *write_new(size_t count, size_t value_n)
{
    struct store_write *w = xmalloc(sizeof(*w) + count * sizeof(w->op[0]) + value_n);
    *w = (struct store_write){.count = count, .value_n = value_n};
    w->value = (uint8_t *)(w->op + count);
    list_init(&w->link);
    cond_init(&w->changed);
    return w;
}

static void set_op(struct store_write *w, size_t i, struct store_key key, usec_t expires)
{
    w->op[i] = (struct store_op){.write = w, .key = key, .expires = expires};
    list_init(&w->op[i].by_key);
}

static void write_unref(struct store_write *w)
{
    if (--w->refs == 0) {
        free(w);
    }
}

static void enqueue(struct store *s, struct store_write *w)
{
    w->refs++;
    for (size_t i = 0; i < w->count; i++) {
        list_push_front(index_of(s, &w->op[i].key), &w->op[i].by_key);
    }
    s->pending += w->count;
    batches_push(&s->batches, &w->link, !w->remove && !w->unawaited);
}

/* ---- what is disarmed, in memory that processes share ---- */

/* The key of a mark: of one entry, where the ledger's key is that of all its successors as well. */
static struct digest mark_of(const uint8_t digest[static DIGEST_LEN], usec_t expires)
{
    struct digest mark;
    uint64_t stamp;
    memcpy(&mark, digest, DIGEST_LEN);
    memcpy(&stamp, mark.octets, sizeof(stamp));
    stamp ^= (uint64_t)expires;
    memcpy(mark.octets, &stamp, sizeof(stamp));
    return mark;
}

static bool is_marked(const struct store *s, const struct digest *key, usec_t expires)
{
    if (s->disarmed == NULL) {
        return false;
    }
    struct digest mark = mark_of(key->octets, expires);
    return marks_any(s->disarmed, &mark, 1, rt_now_of(s->rt));
}

/* One by one: where another has marked an entry already, the others still need theirs. */
static void mark_disarmed(struct store *s, const struct store_write *w)
{
    usec_t now = rt_now_of(s->rt);
    for (size_t i = 0; s->disarmed != NULL && i < w->count; i++) {
        struct digest mark = mark_of(w->op[i].key.octets + 1, w->op[i].expires);
        int rc = marks_place(s->disarmed, s->owner, &mark, 1, now, now + DISARMED_FOR);
        s->stats.unmarked += rc < 0 && rc != -EBUSY;
    }
}

static void unmark_disarmed(struct store *s, const struct store_write *w)
{
    for (size_t i = 0; s->disarmed != NULL && i < w->count; i++) {
        if (w->op[i].key.octets[0] != TABLE_LEDGER) {
            continue;
        }
        struct digest mark = mark_of(w->op[i].key.octets + 1, w->op[i].expires);
        marks_clear(s->disarmed, s->owner, &mark, 1);
    }
}

/* ---- the ends of writes ---- */

/* Takes a write out of the queue or batch and tells its waiter. */
static void write_end(struct store *s, struct store_write *w, int result)
{
    list_remove(&w->link);
    if (w->remove && result == 0) {
        unmark_disarmed(s, w);
    }
    for (size_t i = 0; i < w->count; i++) {
        list_remove(&w->op[i].by_key);
    }
    s->pending -= w->count;
    s->stats.writes += w->count;
    s->stats.failed += result < 0 ? w->count : 0;
    w->done = true;
    w->result = result;
    cond_wake_all(&w->changed);
    write_unref(w);
}

/* Queues a value for `count` keys and waits until it is applied. */
static int write_and_wait(struct store *s, enum store_table table, const struct digest *keys,
                          size_t count, usec_t expires, const struct refusal *r, usec_t deadline)
{
    if (count == 0) {
        return 0;
    }
    if (count > PENDING_MAX - s->pending) {
        s->stats.failed += count;
        return -EAGAIN;
    }
    uint8_t value[ENTRY_MAX];
    size_t value_n = entry_encode(value, expires, r);
    struct store_write *w = write_new(count, value_n);
    memcpy(w->value, value, value_n);
    for (size_t i = 0; i < count; i++) {
        set_op(w, i, key_of(table, &keys[i]), expires);
    }
    w->refs++;
    enqueue(s, w);
    int rc = 0;
    while (!w->done && rc == 0) {
        rc = cond_wait(&w->changed, deadline);
    }
    if (w->done) {
        rc = w->result;
    }
    write_unref(w);
    return rc;
}

/* ---- batches ---- */

/* In the store thread. */
static int apply(void *target, const struct list *work, const struct batch_time *time)
{
    struct store_backend *b = target;
    return b->ops->apply(b, work, time->wall);
}

/* Ends the writes of a batch. Removals that failed go back to the head of the queue. */
static void ended(void *owner, struct list *work, int result)
{
    struct store *s = owner;
    struct list again;
    list_init(&again);
    s->stats.batches++;
    for (struct list *it = list_pop_front(work); it != NULL; it = list_pop_front(work)) {
        struct store_write *w = list_entry(it, struct store_write, link);
        if (result < 0 && w->remove && !s->batches.ending) {
            list_push_back(&again, it);
        } else {
            write_end(s, w, result);
        }
    }
    batches_again(&s->batches, &again, 0);
}

static const struct batches_ops store_batches = {.apply = apply, .ended = ended};

static struct store *store_end(struct store *s, bool apply_queued)
{
    if (s == NULL) {
        return NULL;
    }
    batches_end(&s->batches, apply_queued);
    s->backend->ops->close(s->backend);
    free(s);
    return NULL;
}

struct store *store_close(struct store *s)
{
    return store_end(s, true);
}

struct store *store_abandon(struct store *s)
{
    return store_end(s, false);
}

/* ---- reads ---- */

static const struct store_op *op_at(const struct list *it, const struct store_key *key)
{
    const struct store_op *op = list_entry(it, struct store_op, by_key);
    return memcmp(&op->key, key, sizeof(*key)) == 0 ? op : NULL;
}

/* The newest value that is pending for a key, or NULL. */
static const struct store_op *pending_value(struct store *s, const struct store_key *key)
{
    list_for_each (it, index_of(s, key)) {
        const struct store_op *op = op_at(it, key);
        if (op != NULL && !op->write->remove) {
            return op;
        }
    }
    return NULL;
}

/* Is the removal of the entry that expires then pending, and was it queued after `value`, where
 * that is not NULL? */
static bool removal_pending(struct store *s, const struct store_key *key, usec_t expires,
                            const struct store_op *value)
{
    list_for_each (it, index_of(s, key)) {
        const struct store_op *op = op_at(it, key);
        if (op != NULL && op == value) {
            break;
        }
        if (op != NULL && op->write->remove &&
            (op->expires == ENTRY_ANY || op->expires == expires)) {
            return true;
        }
    }
    return false;
}

int store_read(struct store *s, const struct store_key *key, usec_t wall,
               uint8_t ret[static ENTRY_MAX], size_t *ret_n)
{
    if (s->batches.time.wall < wall) {
        s->batches.time.wall = wall;
    }
    const struct store_op *pending = pending_value(s, key);
    if (pending != NULL) {
        *ret_n = pending->write->value_n;
        memcpy(ret, pending->write->value, *ret_n);
    } else {
        int rc = s->backend->ops->get(s->backend, key, ret, ret_n);
        if (rc <= 0) {
            return rc;
        }
    }
    return !removal_pending(s, key, entry_expires(ret, *ret_n), pending);
}

static int find(struct store *s, enum store_table table, const struct digest *digest, usec_t wall,
                usec_t *ret_expires, struct refusal *ret)
{
    struct store_key key = key_of(table, digest);
    uint8_t value[ENTRY_MAX];
    size_t n;
    int rc = store_read(s, &key, wall, value, &n);
    if (rc <= 0) {
        return rc;
    }
    if (!entry_decode(value, n, wall, ret)) {
        return 0;
    }
    *ret_expires = entry_expires(value, n);
    return 1;
}

/* ---- writes that nobody waits for ---- */

void store_queue(struct store *s, const struct store_key *key, const uint8_t *value, size_t n,
                 usec_t wall)
{
    s->batches.time.wall = wall;
    if (s->pending >= PENDING_MAX) {
        s->stats.failed++;
        return;
    }
    struct store_write *w = write_new(1, n);
    w->remove = value == NULL;
    w->unawaited = true;
    if (value != NULL) {
        memcpy(w->value, value, n);
    }
    set_op(w, 0, *key, value != NULL ? entry_expires(value, n) : ENTRY_ANY);
    enqueue(s, w);
}

/* ---- ledger ---- */

int ledger_find(struct store *s, const struct digest *key, usec_t wall, usec_t *ret_expires)
{
    usec_t expires = 0, before;
    int rc = find(s, TABLE_LEDGER, key, wall, &expires, NULL);
    /* A mark goes when its entry has gone: that there is none says something only about an entry
     * that is still there afterwards. */
    do {
        before = expires;
        if (rc == 1 && is_marked(s, key, expires)) {
            return 0;
        }
        if (rc == 1 && s->disarmed != NULL) {
            rc = find(s, TABLE_LEDGER, key, wall, &expires, NULL);
        }
    } while (rc == 1 && expires != before);
    if (rc == 1) {
        *ret_expires = expires;
    }
    return rc;
}

int ledger_arm(struct store *s, const struct digest *keys, size_t count, usec_t wall,
               usec_t deadline)
{
    s->batches.time.wall = wall;
    return write_and_wait(s, TABLE_LEDGER, keys, count, ledger_expires(wall), NULL, deadline);
}

void ledger_disarm(struct store *s, const struct ledger_ref *refs, size_t count)
{
    if (count > PENDING_MAX - s->pending) {
        s->stats.failed += count;
        return;
    }
    struct store_write *w = write_new(count, 0);
    w->remove = true;
    for (size_t i = 0; i < count; i++) {
        set_op(w, i, key_of(TABLE_LEDGER, &refs[i].key), refs[i].expires);
    }
    mark_disarmed(s, w);
    enqueue(s, w);
}

/* ---- remembered refusals ---- */

static enum store_table table_of(enum refusal_kind kind)
{
    switch (kind) {
    case REFUSAL_AT_RCPT: return TABLE_REFUSAL_AT_RCPT;
    case REFUSAL_MESSAGE: return TABLE_REFUSAL_MESSAGE;
    }
    panic("refusal of kind %d", (int)kind);
}

int refusal_find(struct store *s, enum refusal_kind kind, const struct digest *key, usec_t wall,
                 struct refusal *ret)
{
    struct refusal r;
    usec_t expires;
    int rc = find(s, table_of(kind), key, wall, &expires, &r);
    if (rc == 1) {
        *ret = r;
    }
    return rc;
}

int refusal_keep(struct store *s, enum refusal_kind kind, const struct digest *key,
                 const struct refusal *r, usec_t wall, usec_t deadline)
{
    usec_t keep = kind == REFUSAL_AT_RCPT ? REFUSAL_AT_RCPT_FOR : REFUSAL_DATA_FOR;
    s->batches.time.wall = wall;
    return write_and_wait(s, table_of(kind), key, 1, wall + keep, r, deadline);
}
