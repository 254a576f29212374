/* See parse/literal_scan.h.
 *
 * For each literal four octets of it are chosen that few others have; or three, where it has no
 * more, in a table of their own: three are in much text by chance. A bit for the hash of such a few
 * tells at each place of the text whether any literal may be there; a bit that is set leads to a
 * short chain of literals that are compared. The bits are 8 KiB: they stay in the processor's first
 * cache. */
#include "parse/literal_scan.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "parse/ascii.h"

#define GRAM      4
#define SHORT     3
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
    uint8_t before; /* octets before those */
    uint8_t n;
    char octets[32];
};

/* Literals by so many of their octets. */
struct grams {
    unsigned n;
    bool any;
    uint8_t present[HASHES / 8];
    uint32_t bucket[BUCKETS];
    uint16_t load[BUCKETS]; /* literals in it */
};

struct literal_scan {
    struct grams fours, threes;
    struct literal *literals;
    uint32_t count, room;
};

static void empty(struct grams *g, unsigned n)
{
    g->n = n;
    for (size_t i = 0; i < BUCKETS; i++) {
        g->bucket[i] = NOBODY;
    }
}

struct literal_scan *literal_scan_new(void)
{
    struct literal_scan *s = xcalloc(1, sizeof(*s));

    empty(&s->fours, GRAM);
    empty(&s->threes, SHORT);
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

static uint32_t gram_at(const char *p, unsigned n)
{
    uint32_t gram = 0;

    for (unsigned i = 0; i < n; i++) {
        gram = gram << 8 | (unsigned char)p[i];
    }
    return gram;
}

/* Where the few octets stand whose bucket is the emptiest. */
static size_t choose(const struct grams *g, struct slice literal)
{
    size_t best = 0;

    for (size_t i = 1; i + g->n <= literal.n; i++) {
        if (g->load[hash_of(gram_at(literal.p + i, g->n)) % BUCKETS] <
            g->load[hash_of(gram_at(literal.p + best, g->n)) % BUCKETS]) {
            best = i;
        }
    }
    return best;
}

static void file_under(struct grams *g, struct literal *l, uint32_t index)
{
    l->before = (uint8_t)choose(g, (struct slice){l->octets, l->n});
    l->gram = gram_at(l->octets + l->before, g->n);
    const uint32_t hash = hash_of(l->gram);
    const uint32_t bucket = hash % BUCKETS;
    g->any = true;
    g->present[hash / 8] |= (uint8_t)(1U << hash % 8);
    l->next = g->bucket[bucket];
    g->bucket[bucket] = index;
    g->load[bucket] = (uint16_t)(g->load[bucket] + (g->load[bucket] < UINT16_MAX));
}

void literal_scan_add(struct literal_scan *s, struct slice literal, uint32_t number)
{
    struct literal l = {.number = number};

    if (literal.n < SHORT) {
        panic("a literal of %zu octets", literal.n);
    }
    if (s->count == s->room) {
        s->room = s->room == 0 ? 64 : s->room * 2;
        s->literals = xrealloc(s->literals, s->room * sizeof(*s->literals));
    }
    l.n = (uint8_t)(literal.n < sizeof(l.octets) ? literal.n : sizeof(l.octets));
    memcpy(l.octets, literal.p, l.n);
    file_under(l.n < GRAM ? &s->threes : &s->fours, &l, s->count);
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

/* Is it there, whose chosen octets begin at text.p[at]? */
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

struct scanning {
    const struct literal_scan *s;
    struct slice text;
    literal_found *found;
    void *arg;
    size_t work; /* literals that were compared */
};

/* Tells of those that are where these octets end. */
static void compare(struct scanning *c, const struct grams *g, uint32_t gram, uint32_t hash,
                    size_t end)
{
    const size_t at = end + 1 - g->n;

    for (uint32_t i = g->bucket[hash % BUCKETS]; i != NOBODY; i = c->s->literals[i].next) {
        const struct literal *l = &c->s->literals[i];
        c->work++;
        if (l->gram == gram && is_at(l, c->text, at)) {
            c->found(c->arg, l->number, at - l->before);
        }
    }
}

static inline bool may_be(const struct grams *g, uint32_t hash)
{
    return (g->present[hash / 8] >> hash % 8 & 1) != 0;
}

bool literal_scan_run(const struct literal_scan *s, struct slice text, literal_found *found,
                      void *arg)
{
    struct scanning c = {s, text, found, arg, 0};
    const uint8_t *lower = lower_table();
    const size_t most = text.n * WORK_EACH + WORK_MORE;
    const bool threes = s->threes.any;
    uint32_t gram = 0;

    for (size_t i = 0; s->count > 0 && i < text.n; i++) {
        gram = gram << 8 | lower[(unsigned char)text.p[i]];
        const uint32_t hash = hash_of(gram);
        if (may_be(&s->fours, hash) && i + 1 >= GRAM) {
            compare(&c, &s->fours, gram, hash, i);
        }
        const uint32_t hash3 = threes ? hash_of(gram & 0xffffff) : 0;
        if (threes && may_be(&s->threes, hash3) && i + 1 >= SHORT) {
            compare(&c, &s->threes, gram & 0xffffff, hash3, i);
        }
        if (c.work > most) {
            return false;
        }
    }
    return true;
}
