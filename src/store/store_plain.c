/* The back end in plain memory, for the simulated world: a hash table that several handles share.
 * What is in it outlives the handles, as a file outlives the processes that write it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "store/backend.h"
#include "store/octet_table.h"

#define PURGE_BUCKETS 8 /* looked through for expired entries after each batch */

struct store_shared {
    pthread_mutex_t lock;
    struct octet_table table;
};

struct plain_backend {
    struct store_backend backend;
    struct store_shared *shared;
};

static struct store_shared *shared_of(struct store_backend *b)
{
    return container_of(b, struct plain_backend, backend)->shared;
}

static bool is_over(void *arg, const struct octet_entry *e)
{
    const usec_t *wall = arg;
    return !entry_decode(e->value, e->n, *wall, NULL);
}

static int plain_get(struct store_backend *b, const struct store_key *key,
                     uint8_t ret[static ENTRY_MAX], size_t *ret_n)
{
    struct store_shared *s = shared_of(b);
    pthread_mutex_lock(&s->lock);
    const struct octet_entry *e = octet_table_find(&s->table, key);
    if (e != NULL) {
        memcpy(ret, e->value, e->n);
        *ret_n = e->n;
    }
    pthread_mutex_unlock(&s->lock);
    return e != NULL;
}

static void remove_one(struct store_shared *s, const struct store_op *op)
{
    const struct octet_entry *e = octet_table_find(&s->table, &op->key);
    if (e != NULL && (op->expires == ENTRY_ANY || entry_expires(e->value, e->n) == op->expires)) {
        octet_table_remove(&s->table, &op->key);
    }
}

static int plain_apply(struct store_backend *b, const struct list *writes, usec_t wall)
{
    struct store_shared *s = shared_of(b);
    pthread_mutex_lock(&s->lock);
    list_for_each (it, writes) {
        const struct store_write *w = list_entry(it, struct store_write, link);
        for (size_t i = 0; i < w->count; i++) {
            if (w->remove) {
                remove_one(s, &w->op[i]);
            } else {
                octet_table_put(&s->table, &w->op[i].key, w->value, w->value_n);
            }
        }
    }
    octet_table_sweep(&s->table, PURGE_BUCKETS, is_over, &wall);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static void plain_close(struct store_backend *b)
{
    free(container_of(b, struct plain_backend, backend));
}

static const struct store_backend_ops plain_ops = {
    .get = plain_get,
    .apply = plain_apply,
    .close = plain_close,
};

static struct store_shared *shared_new(void)
{
    struct store_shared *s = xcalloc(1, sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    octet_table_init(&s->table, STORE_KEY_LEN);
    return s;
}

struct store *store_open_memory(struct rt *rt, struct store_shared **shared)
{
    if (*shared == NULL) {
        *shared = shared_new();
    }
    struct plain_backend *m = xmalloc(sizeof(*m));
    m->backend.ops = &plain_ops;
    m->shared = *shared;
    return store_new(rt, &m->backend);
}

size_t store_shared_count(const struct store_shared *s)
{
    return s->table.count;
}

void store_shared_clear(struct store_shared *s)
{
    octet_table_clear(&s->table);
}

void store_shared_free(struct store_shared *s)
{
    if (s == NULL) {
        return;
    }
    octet_table_fini(&s->table);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
