/* The memory in plain memory, for the simulated world and tests: a hash table that several handles
 * share, and which outlives them, as a file outlives the processes that write it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "store/memory_impl.h"
#include "store/octet_table.h"

#define PURGE_BUCKETS 8  /* looked through for expired records after each batch */
#define OVERHEAD      64 /* of an entry, with the allocator's */

struct memory_shared {
    pthread_mutex_t lock;
    struct octet_table table;
    uint64_t octets;
    uint64_t version; /* batches that were applied */
};

struct plain_backend {
    struct memory_backend backend;
    struct memory_shared *shared;
};

static struct plain_backend *plain_of(struct memory_backend *b)
{
    return container_of(b, struct plain_backend, backend);
}

/* ---- entries ---- */

static void put(struct memory_shared *s, const struct memory_key *key, const uint8_t *p, size_t n)
{
    const struct octet_entry *before = octet_table_find(&s->table, key);
    s->octets -= before != NULL ? before->n + OVERHEAD : 0;
    if (n > 0) {
        s->octets += n + OVERHEAD;
        octet_table_put(&s->table, key, p, n);
    } else {
        octet_table_remove(&s->table, key);
    }
}

static int plain_get(struct memory_backend *b, const struct memory_key *key,
                     uint8_t ret[static RECORD_OCTETS_MAX], size_t *ret_n)
{
    struct memory_shared *s = plain_of(b)->shared;
    pthread_mutex_lock(&s->lock);
    const struct octet_entry *e = octet_table_find(&s->table, key);
    if (e != NULL) {
        memcpy(ret, e->value, e->n);
        *ret_n = e->n;
    }
    pthread_mutex_unlock(&s->lock);
    return e != NULL;
}

static uint64_t plain_version(struct memory_backend *b)
{
    struct memory_shared *s = plain_of(b)->shared;
    pthread_mutex_lock(&s->lock);
    uint64_t version = s->version + 1;
    pthread_mutex_unlock(&s->lock);
    return version;
}

/* ---- making room ---- */

struct sweep {
    struct memory_shared *shared;
    const struct record_rules *rules;
    const struct batch_time *time;
    struct memory_sample *sample; /* NULL: only what is over goes */
};

static bool is_over(void *arg, const struct octet_entry *e)
{
    struct sweep *w = arg;
    bool over;
    if (w->sample != NULL) {
        struct memory_key key;
        memcpy(&key, e->key, sizeof(key));
        over = memory_sample_see(w->sample, &key, e->value, e->n) == SIGHT_EXPIRED;
    } else {
        over = memory_is_over(e->value, e->n, w->rules, w->time);
    }
    w->shared->octets -= over ? e->n + OVERHEAD : 0;
    return over;
}

/* Removes what is over, or else one record; has anything gone? */
static bool make_room(struct plain_backend *p, const struct batch_time *time)
{
    struct memory_shared *s = p->shared;
    struct memory_sample sample = {.rules = &p->backend.setup.rules, .time = *time};
    struct sweep w = {.shared = s, .sample = &sample};
    size_t before = s->table.count;
    for (size_t i = 0; i < s->table.buckets && !memory_sample_done(&sample); i++) {
        octet_table_sweep(&s->table, 1, is_over, &w);
    }
    if (s->table.count < before) {
        return true;
    }
    if (sample.found) {
        put(s, &sample.key, NULL, 0);
        atomic_fetch_add_explicit(&p->backend.evicted, 1, memory_order_relaxed);
    }
    return sample.found;
}

static bool has_room(struct plain_backend *p, size_t n, const struct batch_time *time)
{
    while (p->shared->octets + n + OVERHEAD > p->backend.setup.size) {
        if (!make_room(p, time)) {
            return false;
        }
    }
    return true;
}

static void apply_one(struct plain_backend *p, const struct memory_change *c,
                      const struct batch_time *time)
{
    struct memory_shared *s = p->shared;
    uint8_t octets[RECORD_OCTETS_MAX];
    const struct octet_entry *e = octet_table_find(&s->table, &c->key);
    size_t n = memory_change_apply(c, e != NULL ? e->value : NULL, e != NULL ? e->n : 0,
                                   &p->backend.setup.rules, octets);
    if (e != NULL || n == 0 || has_room(p, n, time)) {
        put(s, &c->key, octets, n);
    } else {
        atomic_fetch_add_explicit(&p->backend.no_room, 1, memory_order_relaxed);
    }
}

static int plain_apply(struct memory_backend *b, const struct list *changes,
                       const struct batch_time *time)
{
    struct plain_backend *p = plain_of(b);
    struct sweep w = {.shared = p->shared, .rules = &b->setup.rules, .time = time};
    pthread_mutex_lock(&p->shared->lock);
    list_for_each (it, changes) {
        apply_one(p, list_entry(it, struct memory_change, link), time);
    }
    octet_table_sweep(&p->shared->table, PURGE_BUCKETS, is_over, &w);
    p->shared->version++;
    pthread_mutex_unlock(&p->shared->lock);
    return 0;
}

/* ---- all of them ---- */

struct copy {
    size_t n;
    uint8_t octets[RECORD_OCTETS_MAX];
};

/* As they are now, since fn may use the memory. */
static struct copy *copy_all(struct memory_shared *s, size_t *ret_count)
{
    pthread_mutex_lock(&s->lock);
    struct copy *copies = xcalloc(s->table.count + 1, sizeof(*copies));
    size_t count = 0;
    for (size_t i = 0; i < s->table.buckets; i++) {
        for (const struct octet_entry *e = s->table.bucket[i]; e != NULL; e = e->next) {
            copies[count].n = e->n;
            memcpy(copies[count++].octets, e->value, e->n);
        }
    }
    pthread_mutex_unlock(&s->lock);
    *ret_count = count;
    return copies;
}

static int plain_each(struct memory_backend *b, int (*fn)(void *arg, const uint8_t *p, size_t n),
                      void *arg)
{
    size_t count;
    struct copy *copies = copy_all(plain_of(b)->shared, &count);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = fn(arg, copies[i].octets, copies[i].n);
    }
    free(copies);
    return rc;
}

static void plain_figures(struct memory_backend *b, uint64_t *ret_records, uint64_t *ret_octets)
{
    struct memory_shared *s = plain_of(b)->shared;
    pthread_mutex_lock(&s->lock);
    *ret_records = s->table.count;
    *ret_octets = s->octets;
    pthread_mutex_unlock(&s->lock);
}

/* ---- opening and closing ---- */

static void plain_close(struct memory_backend *b)
{
    free(plain_of(b));
}

static const struct memory_backend_ops plain_ops = {
    .get = plain_get,
    .version = plain_version,
    .apply = plain_apply,
    .each = plain_each,
    .figures = plain_figures,
    .close = plain_close,
};

struct memory *memory_open_plain(struct rt *rt, const struct memory_setup *setup,
                                 struct memory_shared **shared)
{
    if (*shared == NULL) {
        *shared = xcalloc(1, sizeof(**shared));
        pthread_mutex_init(&(*shared)->lock, NULL);
        octet_table_init(&(*shared)->table, MEMORY_KEY_LEN);
    }
    struct plain_backend *p = xcalloc(1, sizeof(*p));
    p->backend.ops = &plain_ops;
    p->backend.setup = *setup;
    p->shared = *shared;
    return memory_new(rt, &p->backend);
}

void memory_shared_free(struct memory_shared *s)
{
    if (s == NULL) {
        return;
    }
    octet_table_fini(&s->table);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
