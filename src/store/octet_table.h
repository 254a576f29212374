/* Inside src/store only: a hash table of octets under keys of one length, in plain memory. Keys
 * have a digest from their second octet on at the latest, which is as good as a hash. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct octet_entry {
    struct octet_entry *next;
    size_t n;
    const uint8_t *value;
    uint8_t key[]; /* and the value */
};

struct octet_table {
    size_t key_n;
    size_t buckets; /* a power of two */
    size_t count;
    size_t sweep_at;
    struct octet_entry **bucket;
};

/* `key_n` is at least 9. */
void octet_table_init(struct octet_table *t, size_t key_n);
void octet_table_fini(struct octet_table *t);
void octet_table_clear(struct octet_table *t);

/* NULL when there is none. Lasts until the table is changed. */
const struct octet_entry *octet_table_find(const struct octet_table *t, const void *key);

/* In place of any other under that key. */
void octet_table_put(struct octet_table *t, const void *key, const void *value, size_t n);
void octet_table_remove(struct octet_table *t, const void *key);

/* Goes on through the next `buckets` buckets, round and round, and removes what `is_over` says. */
void octet_table_sweep(struct octet_table *t, size_t buckets,
                       bool (*is_over)(void *arg, const struct octet_entry *e), void *arg);
