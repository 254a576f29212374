#include "store/octet_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

#define BUCKETS_FIRST 64

void octet_table_init(struct octet_table *t, size_t key_n)
{
    *t = (struct octet_table){.key_n = key_n, .buckets = BUCKETS_FIRST};
    t->bucket = xcalloc(t->buckets, sizeof(struct octet_entry *));
}

static struct octet_entry **place_of(const struct octet_table *t, const void *key)
{
    size_t hash;
    memcpy(&hash, (const uint8_t *)key + 1, sizeof(hash));
    struct octet_entry **at = &t->bucket[hash & (t->buckets - 1)];
    while (*at != NULL && memcmp((*at)->key, key, t->key_n) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void drop(struct octet_table *t, struct octet_entry **at)
{
    struct octet_entry *e = *at;
    *at = e->next;
    free(e);
    t->count--;
}

static void grow(struct octet_table *t)
{
    struct octet_entry **old = t->bucket;
    size_t old_buckets = t->buckets;
    t->buckets *= 2;
    t->bucket = xcalloc(t->buckets, sizeof(struct octet_entry *));
    for (size_t i = 0; i < old_buckets; i++) {
        for (struct octet_entry *e = old[i], *next; e != NULL; e = next) {
            next = e->next;
            struct octet_entry **at = place_of(t, e->key);
            e->next = *at;
            *at = e;
        }
    }
    free(old);
}

const struct octet_entry *octet_table_find(const struct octet_table *t, const void *key)
{
    return *place_of(t, key);
}

void octet_table_put(struct octet_table *t, const void *key, const void *value, size_t n)
{
    struct octet_entry **at = place_of(t, key);
    if (*at != NULL) {
        drop(t, at);
    }
    struct octet_entry *e = xmalloc(sizeof(*e) + t->key_n + n);
    memcpy(e->key, key, t->key_n);
    memcpy(e->key + t->key_n, value, n);
    e->value = e->key + t->key_n;
    e->n = n;
    e->next = *at;
    *at = e;
    if (++t->count > t->buckets) {
        grow(t);
    }
}

void octet_table_remove(struct octet_table *t, const void *key)
{
    struct octet_entry **at = place_of(t, key);
    if (*at != NULL) {
        drop(t, at);
    }
}

void octet_table_sweep(struct octet_table *t, size_t buckets,
                       bool (*is_over)(void *arg, const struct octet_entry *e), void *arg)
{
    for (size_t i = 0; i < buckets; i++) {
        struct octet_entry **at = &t->bucket[t->sweep_at++ & (t->buckets - 1)];
        while (*at != NULL) {
            if (is_over(arg, *at)) {
                drop(t, at);
            } else {
                at = &(*at)->next;
            }
        }
    }
}

void octet_table_clear(struct octet_table *t)
{
    for (size_t i = 0; i < t->buckets && t->count > 0; i++) {
        while (t->bucket[i] != NULL) {
            drop(t, &t->bucket[i]);
        }
    }
}

void octet_table_fini(struct octet_table *t)
{
    octet_table_clear(t);
    free(t->bucket);
}
