#include "journal/numbers.h"

#include <stdlib.h>

#include "base/fatal.h"

static uint64_t key_of(uint64_t hash)
{
    return hash != 0 ? hash : 1;
}

/* Where the key is, or would be. */
static struct number_slot *slot_of(const struct numbers *n, uint64_t key)
{
    size_t at = (size_t)(key ^ key >> 32) & (n->size - 1);

    while (n->slots[at].key != 0 && n->slots[at].key != key) {
        at = (at + 1) & (n->size - 1);
    }
    return &n->slots[at];
}

struct number_slot *numbers_find(const struct numbers *n, uint64_t hash)
{
    struct number_slot *s = n->size > 0 ? slot_of(n, key_of(hash)) : NULL;

    return s != NULL && s->key != 0 ? s : NULL;
}

static void numbers_grow(struct numbers *n)
{
    const struct numbers old = *n;

    n->size = old.size > 0 ? 2 * old.size : 1024;
    n->slots = xcalloc(n->size, sizeof(*n->slots));
    for (size_t i = 0; i < old.size; i++) {
        if (old.slots[i].key != 0) {
            *slot_of(n, old.slots[i].key) = old.slots[i];
        }
    }
    free(old.slots);
}

struct number_slot *numbers_of(struct numbers *n, uint64_t hash, size_t most)
{
    struct number_slot *s = numbers_find(n, hash);

    if (s != NULL || n->count >= most) {
        return s;
    }
    if (2 * (n->count + 1) > n->size) {
        numbers_grow(n);
    }
    s = slot_of(n, key_of(hash));
    *s = (struct number_slot){key_of(hash), 0, 0};
    n->count++;
    return s;
}

void numbers_free(struct numbers *n)
{
    free(n->slots);
    *n = (struct numbers){0};
}

void numbers_count(uint32_t *number)
{
    *number += *number < UINT32_MAX;
}
