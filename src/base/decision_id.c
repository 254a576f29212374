/* Decision ids, see decision_id.h. The time in an id is the id's own: it follows the clock upwards
 * and never goes back. */
#include "base/decision_id.h"

#include <string.h>

/* 2026-01-01T00:00:00Z */
#define EPOCH_WALL ((usec_t)1767225600 * USEC_SEC)

/* Two characters hold ten bits. */
#define TWO_CHARACTERS 1024U

static const char alphabet[] = DECISION_ID_ALPHABET;

#define HOST_CHARACTERS 2
#define TIME_CHARACTERS 8

static char *put_base32(char *p, uint64_t value, unsigned width)
{
    for (unsigned i = width; i > 0; i--) {
        p[i - 1] = alphabet[value & 31];
        value >>= 5;
    }
    return p + width;
}

void decision_ids_init(struct decision_ids *ids, struct slice hostname, unsigned slot)
{
    /* FNV-1a over the name without case: host names that differ in case are one host. */
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < hostname.n; i++) {
        unsigned char c = (unsigned char)hostname.p[i];
        if (c >= 'A' && c <= 'Z') {
            c = (unsigned char)(c | 0x20);
        }
        hash = (hash ^ c) * 16777619U;
    }
    hash ^= hash >> 20 ^ hash >> 10;
    *ids = (struct decision_ids){.slot = (uint16_t)(slot % TWO_CHARACTERS), .last_ms = -1};
    (void)put_base32(ids->host, hash % TWO_CHARACTERS, HOST_CHARACTERS);
}

void decision_id_next(struct decision_ids *ids, usec_t wall, char ret[static DECISION_ID_LEN + 1])
{
    int64_t ms = (wall - EPOCH_WALL) / USEC_MSEC;

    if (ms > ids->last_ms) {
        ids->last_ms = ms;
        ids->counter = 0;
    } else if (ids->last_ms < 0 || ids->counter == TWO_CHARACTERS - 1) {
        ids->last_ms++;
        ids->counter = 0;
    } else {
        ids->counter++;
    }
    char *p = mempcpy(ret, ids->host, sizeof(ids->host));
    p = put_base32(p, (uint64_t)ids->last_ms, TIME_CHARACTERS);
    p = put_base32(p, ids->slot, 2);
    p = put_base32(p, ids->counter, 2);
    *p = '\0';
}

usec_t decision_id_wall(const char id[static DECISION_ID_LEN])
{
    int64_t ms = 0;

    for (size_t i = HOST_CHARACTERS; i < HOST_CHARACTERS + TIME_CHARACTERS; i++) {
        const char *digit = memchr(alphabet, id[i], sizeof(alphabet) - 1);
        ms = ms << 5 | (digit != NULL ? digit - alphabet : 0);
    }
    return EPOCH_WALL + ms * USEC_MSEC;
}
