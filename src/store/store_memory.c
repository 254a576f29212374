/* The back end in plain memory, for the simulated world: a hash table that several handles share.
 * What is in it outlives the handles, as a file outlives the processes that write it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "store/backend.h"

#define PURGE_BUCKETS 8 /* looked through for expired entries after each batch */

struct entry {
    struct entry *next;
    struct store_key key;
    size_t n;
    uint8_t value[];
};

struct store_shared {
    pthread_mutex_t lock;
    size_t buckets; /* a power of two */
    size_t count;
    size_t purge_at;
    struct entry **bucket;
};

struct memory_backend {
    struct store_backend backend;
    struct store_shared *shared;
};

static struct store_shared *shared_of(struct store_backend *b)
{
    return container_of(b, struct memory_backend, backend)->shared;
}

/* Keys are digests: their octets are as good as a hash. */
static struct entry **place_of(struct store_shared *s, const struct store_key *key)
{
    size_t hash;
    memcpy(&hash, key->octets + 1, sizeof(hash));
    struct entry **at = &s->bucket[hash & (s->buckets - 1)];
    while (*at != NULL && memcmp(&(*at)->key, key, sizeof(*key)) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void drop(struct store_shared *s, struct entry **at)
{
    struct entry *e = *at;
    *at = e->next;
    free(e);
    s->count--;
}

static void grow(struct store_shared *s)
{
    struct entry **old = s->bucket;
    size_t old_buckets = s->buckets;
    s->buckets *= 2;
    s->bucket = xcalloc(s->buckets, sizeof(s->bucket[0]));
    for (size_t i = 0; i < old_buckets; i++) {
        for (struct entry *e = old[i], *next; e != NULL; e = next) {
            next = e->next;
            struct entry **at = place_of(s, &e->key);
            e->next = *at;
            *at = e;
        }
    }
    free(old);
}

static void put(struct store_shared *s, const struct store_key *key, const uint8_t *value, size_t n)
{
    struct entry **at = place_of(s, key);
    if (*at != NULL) {
        drop(s, at);
    }
    struct entry *e = xmalloc(sizeof(*e) + n);
    e->key = *key;
    e->n = n;
    memcpy(e->value, value, n);
    e->next = *at;
    *at = e;
    if (++s->count > s->buckets) {
        grow(s);
    }
}

static void purge(struct store_shared *s, usec_t wall)
{
    for (int i = 0; i < PURGE_BUCKETS; i++) {
        struct entry **at = &s->bucket[s->purge_at++ & (s->buckets - 1)];
        while (*at != NULL) {
            if (entry_decode((*at)->value, (*at)->n, wall, NULL)) {
                at = &(*at)->next;
            } else {
                drop(s, at);
            }
        }
    }
}

static int memory_get(struct store_backend *b, const struct store_key *key,
                      uint8_t ret[static ENTRY_MAX], size_t *ret_n)
{
    struct store_shared *s = shared_of(b);
    pthread_mutex_lock(&s->lock);
    const struct entry *e = *place_of(s, key);
    if (e != NULL) {
        memcpy(ret, e->value, e->n);
        *ret_n = e->n;
    }
    pthread_mutex_unlock(&s->lock);
    return e != NULL;
}

static void remove_one(struct store_shared *s, const struct store_op *op)
{
    struct entry **at = place_of(s, &op->key);
    if (*at != NULL &&
        (op->expires == ENTRY_ANY || entry_expires((*at)->value, (*at)->n) == op->expires)) {
        drop(s, at);
    }
}

static int memory_apply(struct store_backend *b, const struct list *writes, usec_t wall)
{
    struct store_shared *s = shared_of(b);
    pthread_mutex_lock(&s->lock);
    list_for_each (it, writes) {
        const struct store_write *w = list_entry(it, struct store_write, link);
        for (size_t i = 0; i < w->count; i++) {
            if (w->remove) {
                remove_one(s, &w->op[i]);
            } else {
                put(s, &w->op[i].key, w->value, w->value_n);
            }
        }
    }
    purge(s, wall);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static void memory_close(struct store_backend *b)
{
    free(container_of(b, struct memory_backend, backend));
}

static const struct store_backend_ops memory_ops = {
    .get = memory_get,
    .apply = memory_apply,
    .close = memory_close,
};

static struct store_shared *shared_new(void)
{
    struct store_shared *s = xcalloc(1, sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    s->buckets = 64;
    s->bucket = xcalloc(s->buckets, sizeof(s->bucket[0]));
    return s;
}

struct store *store_open_memory(struct rt *rt, struct store_shared **shared)
{
    if (*shared == NULL) {
        *shared = shared_new();
    }
    struct memory_backend *m = xmalloc(sizeof(*m));
    m->backend.ops = &memory_ops;
    m->shared = *shared;
    return store_new(rt, &m->backend);
}

size_t store_shared_count(const struct store_shared *s)
{
    return s->count;
}

void store_shared_clear(struct store_shared *s)
{
    for (size_t i = 0; i < s->buckets && s->count > 0; i++) {
        while (s->bucket[i] != NULL) {
            drop(s, &s->bucket[i]);
        }
    }
}

void store_shared_free(struct store_shared *s)
{
    if (s == NULL) {
        return;
    }
    store_shared_clear(s);
    pthread_mutex_destroy(&s->lock);
    free(s->bucket);
    free(s);
}
