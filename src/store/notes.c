/* Notes: small values under a name, which end by themselves. They share the tree, the queue and the
 * batches of the ledger, and cost nothing while nobody keeps any. */
#include <string.h>

#include "store/backend.h"

static struct store_key key_of(enum note_kind kind, const struct digest *digest)
{
    struct store_key key;
    key.octets[0] = (uint8_t)(TABLE_NOTE + kind);
    memcpy(key.octets + 1, digest->octets, DIGEST_LEN);
    return key;
}

int note_find(struct store *s, enum note_kind kind, const struct digest *key, usec_t wall,
              void *ret, size_t size, size_t *ret_n)
{
    struct store_key k = key_of(kind, key);
    uint8_t value[ENTRY_MAX];
    size_t n;
    struct slice octets;
    int rc = store_read(s, &k, wall, value, &n);
    if (rc <= 0) {
        return rc;
    }
    if (!entry_decode_note(value, n, wall, &octets) || octets.n > size) {
        return 0;
    }
    if (octets.n > 0) {
        memcpy(ret, octets.p, octets.n);
    }
    *ret_n = octets.n;
    return 1;
}

void note_keep(struct store *s, enum note_kind kind, const struct digest *key, const void *p,
               size_t n, usec_t wall, usec_t expires)
{
    struct store_key k = key_of(kind, key);
    uint8_t value[ENTRY_MAX];
    if (n > NOTE_MAX) {
        store_queue(s, &k, NULL, 0, wall);
        return;
    }
    store_queue(s, &k, value, entry_encode_note(value, expires, p, n), wall);
}

void note_drop(struct store *s, enum note_kind kind, const struct digest *key, usec_t wall)
{
    struct store_key k = key_of(kind, key);
    store_queue(s, &k, NULL, 0, wall);
}
