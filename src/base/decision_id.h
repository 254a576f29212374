/* Decision ids: 14 characters of Crockford base32 that name one connection for ever.
 *
 * host 2 characters, milliseconds since 2026-01-01 UTC 8, worker slot 2, counter 2. Written
 * with ".transaction.recipient" behind it; transaction 0 is the connection itself. */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"

#define DECISION_ID_LEN 14

/* Crockford's base32: no I, L, O and U. */
#define DECISION_ID_ALPHABET "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

struct decision_ids {
    char host[2];
    uint16_t slot;    /* 0…1023, unique among the living workers of this host */
    uint16_t counter; /* within one millisecond */
    int64_t last_ms;
};

/* `hostname` is folded into the two host characters. */
void decision_ids_init(struct decision_ids *ids, struct slice hostname, unsigned slot);

/* The next id; `ret` is NUL-terminated. Ids of one worker never repeat, also when more than 1024
 * fall into one millisecond or the clock steps back (the time part is then run ahead). */
void decision_id_next(struct decision_ids *ids, usec_t wall, char ret[static DECISION_ID_LEN + 1]);

/* The time in an id: that of the connection's beginning, or a little later. A letter that is not of
 * the alphabet counts as 0. */
usec_t decision_id_wall(const char id[static DECISION_ID_LEN]);
