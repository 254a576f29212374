/* A record as octets: a version (1), its kind (1), which of what follows there is (3), and that, in
 * the order of the bits from the lowest: times (8 each), day and days (4 each), the note's length
 * (1), tallies and rates (4 each, IEEE 754); then the name's length (2), the name and the note.
 * Numbers have their most significant octet first. What is zero is not there, so that a record has
 * one form; a decoder refuses any other. */
#include <math.h>
#include <string.h>

#include "base/octets.h"
#include "store/record.h"

#define VERSION    1
#define HEAD_LEN   5

#define BIT_FIRST  0 /* and last, returned, until */
#define BIT_DAY    4
#define BIT_DAYS   5
#define BIT_NOTE   6
#define BIT_FLOATS 7 /* tallies, then rates */
#define FLOATS     (TALLY_COUNT + RATE_COUNT)
#define BITS       (BIT_FLOATS + FLOATS)

_Static_assert(BITS <= 24, "more than three octets say");
_Static_assert(HEAD_LEN + 4 * 8 + 2 * 4 + 1 + FLOATS * 4 + 2 + RECORD_NAME_MAX + RECORD_NOTE_MAX <=
                   RECORD_OCTETS_MAX,
               "a record does not fit");
_Static_assert(RECORD_NOTE_MAX <= 255, "a note's length does not fit an octet");

/* ---- writing ---- */

struct writer {
    uint8_t *at;
    uint32_t bits;
};

static void write_number(struct writer *w, unsigned bit, size_t n, uint64_t value)
{
    if (value != 0) {
        w->bits |= UINT32_C(1) << bit;
        octets_put(w->at, n, value);
        w->at += n;
    }
}

static void write_float(struct writer *w, unsigned bit, float value)
{
    uint32_t octets = 0;
    if (isfinite(value) && value > 0) {
        memcpy(&octets, &value, sizeof(octets));
    }
    write_number(w, bit, sizeof(octets), octets);
}

static void write_text(struct writer *w, const char *p, size_t n)
{
    memcpy(w->at, p, n);
    w->at += n;
}

static uint64_t time_octets(usec_t time)
{
    return time > 0 ? (uint64_t)time : 0;
}

size_t record_encode(const struct record *r, uint8_t ret[static RECORD_OCTETS_MAX])
{
    struct writer w = {.at = ret + HEAD_LEN};
    size_t name_n = r->name_n < RECORD_NAME_MAX ? r->name_n : RECORD_NAME_MAX;
    size_t note_n = r->note_n < RECORD_NOTE_MAX ? r->note_n : RECORD_NOTE_MAX;
    write_number(&w, BIT_FIRST, 8, time_octets(r->first));
    write_number(&w, BIT_FIRST + 1, 8, time_octets(r->last));
    write_number(&w, BIT_FIRST + 2, 8, time_octets(r->returned));
    write_number(&w, BIT_FIRST + 3, 8, time_octets(r->until));
    write_number(&w, BIT_DAY, 4, r->day);
    write_number(&w, BIT_DAYS, 4, r->days);
    write_number(&w, BIT_NOTE, 1, note_n);
    for (unsigned i = 0; i < TALLY_COUNT; i++) {
        write_float(&w, BIT_FLOATS + i, r->tally[i]);
    }
    for (unsigned i = 0; i < RATE_COUNT; i++) {
        write_float(&w, BIT_FLOATS + TALLY_COUNT + i, r->rate[i]);
    }
    octets_put(w.at, 2, name_n);
    w.at += 2;
    write_text(&w, r->name, name_n);
    write_text(&w, r->note, note_n);
    ret[0] = VERSION;
    ret[1] = r->kind;
    octets_put(ret + 2, 3, w.bits);
    return (size_t)(w.at - ret);
}

/* ---- reading ---- */

struct reader {
    const uint8_t *at;
    size_t left;
    uint32_t bits;
    bool bad; /* sticky */
};

static const uint8_t *take(struct reader *r, size_t n)
{
    if (n > r->left) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += n;
    r->left -= n;
    return at;
}

/* The number of that bit, `most` at most; a zero that is there is bad. */
static uint64_t read_number(struct reader *r, unsigned bit, size_t n, uint64_t most)
{
    if ((r->bits >> bit & 1) == 0) {
        return 0;
    }
    const uint8_t *at = take(r, n);
    uint64_t value = at != NULL ? octets_get(at, n) : 0;
    r->bad |= value == 0 || value > most;
    return value;
}

static float read_float(struct reader *r, unsigned bit)
{
    uint32_t octets = (uint32_t)read_number(r, bit, 4, UINT32_MAX);
    float value;
    memcpy(&value, &octets, sizeof(value));
    r->bad |= !isfinite(value) || signbit(value);
    return value;
}

static void read_text(struct reader *r, char *ret, size_t n, size_t most)
{
    const uint8_t *at = n <= most ? take(r, n) : NULL;
    if (at == NULL) {
        r->bad = true;
    } else if (n > 0) {
        memcpy(ret, at, n);
    }
}

static void read_numbers(struct reader *in, struct record *ret)
{
    ret->first = (usec_t)read_number(in, BIT_FIRST, 8, INT64_MAX);
    ret->last = (usec_t)read_number(in, BIT_FIRST + 1, 8, INT64_MAX);
    ret->returned = (usec_t)read_number(in, BIT_FIRST + 2, 8, INT64_MAX);
    ret->until = (usec_t)read_number(in, BIT_FIRST + 3, 8, INT64_MAX);
    ret->day = (uint32_t)read_number(in, BIT_DAY, 4, UINT32_MAX);
    ret->days = (uint32_t)read_number(in, BIT_DAYS, 4, UINT32_MAX);
    ret->note_n = (uint16_t)read_number(in, BIT_NOTE, 1, RECORD_NOTE_MAX);
    for (unsigned i = 0; i < TALLY_COUNT; i++) {
        ret->tally[i] = read_float(in, BIT_FLOATS + i);
    }
    for (unsigned i = 0; i < RATE_COUNT; i++) {
        ret->rate[i] = read_float(in, BIT_FLOATS + TALLY_COUNT + i);
    }
}

bool record_decode(const void *p, size_t n, struct record *ret)
{
    struct reader in = {.at = p, .left = n};
    struct record r;
    const uint8_t *head = take(&in, HEAD_LEN);
    if (head == NULL || head[0] != VERSION || head[1] == 0 || head[1] >= RECORD_KINDS) {
        return false;
    }
    memset(&r, 0, sizeof(r));
    r.kind = head[1];
    in.bits = (uint32_t)octets_get(head + 2, 3);
    read_numbers(&in, &r);
    const uint8_t *name_n = take(&in, 2);
    r.name_n = (uint16_t)(name_n != NULL ? octets_get(name_n, 2) : 0);
    read_text(&in, r.name, r.name_n, RECORD_NAME_MAX);
    read_text(&in, r.note, r.note_n, RECORD_NOTE_MAX);
    if (in.bad || in.left > 0 || in.bits >> BITS != 0) {
        return false;
    }
    *ret = r;
    return true;
}
