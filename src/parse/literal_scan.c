/* See parse/literal_scan.h.
 *
 * For each literal three octets of it are chosen that few others have. A bit for the hash of such
 * three tells at each place of the text whether any literal may be there; a bit that is set leads
 * to a short chain of literals that are compared. The bits are 8 KiB: they stay in the processor's
 * first cache. */
#include "parse/literal_scan.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "parse/ascii.h"

#define GRAM      3
#define HASH_BITS 16
#define HASHES    (1U << HASH_BITS)
#define BUCKETS   4096U
#define NOBODY    UINT32_MAX

/* Comparisons for a text: so many for each octet of it, and some more. */
#define WORK_EACH 4
#define WORK_MORE 100000

struct literal {
    uint32_t gram;
    uint32_t number;
    uint32_t next;  /* in the bucket */
    uint8_t before; /* octets before the three */
    uint8_t n;
    char octets[32];
};

struct literal_scan {
    uint8_t present[HASHES / 8];
    uint32_t bucket[BUCKETS];
    uint16_t load[BUCKETS]; /* literals in it */
    struct literal *literals;
    uint32_t count, room;
};

struct literal_scan *literal_scan_new(void)
{
    struct literal_scan *s = xcalloc(1, sizeof(*s));

    for (size_t i = 0; i < BUCKETS; i++) {
        s->bucket[i] = NOBODY;
    }
    return s;
}

struct literal_scan *literal_scan_free(struct literal_scan *s)
{
    if (s != NULL) {
        free(s->literals);
        free(s);
    }
    return NULL;
}

static uint32_t hash_of(uint32_t gram)
{
    return gram * 0x9e3779b1U >> (32 - HASH_BITS);
}

static uint32_t gram_at(const char *p)
{
    return (uint32_t)(unsigned char)p[0] << 16 | (uint32_t)(unsigned char)p[1] << 8 |
           (unsigned char)p[2];
}

/* Where the three octets stand whose bucket is the emptiest. */
static size_t choose(const struct literal_scan *s, struct slice literal)
{
    size_t best = 0;

    for (size_t i = 1; i + GRAM <= literal.n; i++) {
        if (s->load[hash_of(gram_at(literal.p + i)) % BUCKETS] <
            s->load[hash_of(gram_at(literal.p + best)) % BUCKETS]) {
            best = i;
        }
    }
    return best;
}

void literal_scan_add(struct literal_scan *s, struct slice literal, uint32_t number)
{
    struct literal l = {.number = number};

    if (literal.n < GRAM) {
        panic("a literal of %zu octets", literal.n);
    }
    if (s->count == s->room) {
        s->room = s->room == 0 ? 64 : s->room * 2;
        s->literals = xrealloc(s->literals, s->room * sizeof(*s->literals));
    }
    l.n = (uint8_t)(literal.n < sizeof(l.octets) ? literal.n : sizeof(l.octets));
    memcpy(l.octets, literal.p, l.n);
    l.before = (uint8_t)choose(s, (struct slice){l.octets, l.n});
    l.gram = gram_at(l.octets + l.before);
    const uint32_t hash = hash_of(l.gram);
    const uint32_t bucket = hash % BUCKETS;
    s->present[hash / 8] |= (uint8_t)(1U << hash % 8);
    l.next = s->bucket[bucket];
    s->bucket[bucket] = s->count;
    s->load[bucket] = (uint16_t)(s->load[bucket] + (s->load[bucket] < UINT16_MAX));
    s->literals[s->count++] = l;
}

static const uint8_t *lower_table(void)
{
    static uint8_t table[256];

    if (table['a'] == 0) {
        for (unsigned i = 0; i < 256; i++) {
            table[i] = (uint8_t)(i >= 'A' && i <= 'Z' ? i + 32 : i);
        }
    }
    return table;
}

/* Is it there, whose three octets begin at text.p[at]? */
static bool is_at(const struct literal *l, struct slice text, size_t at)
{
    if (at < l->before || text.n - (at - l->before) < l->n) {
        return false;
    }
    const char *p = text.p + at - l->before;
    for (size_t i = 0; i < l->n; i++) {
        if (ascii_lower(p[i]) != l->octets[i]) {
            return false;
        }
    }
    return true;
}

/* Tells of those that are at this place; how many were compared. */
static size_t compare(const struct literal_scan *s, struct slice text, size_t at, uint32_t gram,
                      uint32_t hash, literal_found *found, void *arg)
{
    size_t work = 0;

    for (uint32_t i = s->bucket[hash % BUCKETS]; i != NOBODY; i = s->literals[i].next) {
        const struct literal *l = &s->literals[i];
        work++;
        if (l->gram == gram && is_at(l, text, at)) {
            found(arg, l->number, at - l->before);
        }
    }
    return work;
}

bool literal_scan_run(const struct literal_scan *s, struct slice text, literal_found *found,
                      void *arg)
{
    const uint8_t *lower = lower_table();
    const size_t most = text.n * WORK_EACH + WORK_MORE;
    size_t work = 0;
    uint32_t gram = 0;

    if (s->count == 0) {
        return true;
    }
    for (size_t i = 0; i < text.n; i++) {
        gram = (gram << 8 | lower[(unsigned char)text.p[i]]) & 0xffffff;
        const uint32_t hash = hash_of(gram);
        if ((s->present[hash / 8] >> hash % 8 & 1) == 0 || i + 1 < GRAM) {
            continue;
        }
        work += compare(s, text, i + 1 - GRAM, gram, hash, found, arg);
        if (work > most) {
            return false;
        }
    }
    return true;
}
