/* Two numbers under each of many hashes, in little room: 16 octets a slot, never more than half of
 * them used. What has the same hash is taken for the same. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct number_slot {
    uint64_t key; /* 0: free */
    uint32_t a;
    uint32_t b;
};

/* Begins as {0}; to be freed. */
struct numbers {
    struct number_slot *slots;
    size_t count;
    size_t size; /* of slots, a power of two */
};

/* Its slot, or NULL; valid until the next one is made. */
struct number_slot *numbers_find(const struct numbers *n, uint64_t hash);

/* The same, which is made where there is none, with zeros; NULL when there are `most` of them. */
struct number_slot *numbers_of(struct numbers *n, uint64_t hash, size_t most);

void numbers_free(struct numbers *n);

/* One more, unless it is the greatest there is. */
void numbers_count(uint32_t *number);
