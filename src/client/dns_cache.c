/* See client/dns_cache.h. Entries are found by open addressing: slots hold a hash and a pointer,
 * the next free slot takes what does not fit, and what stood behind one that is taken away moves
 * up. A list has the entries in the order in which they were last asked for. */
#include "client/dns_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/list.h"
#include "base/siphash.h"

#define SLOTS_LEAST 64
/* Beside what was asked for, malloc takes so much for a block. */
#define BLOCK_OVERHEAD 16

struct entry {
    struct list used; /* in the cache's `used` */
    uint64_t hash;
    usec_t until;
    uint32_t size; /* of the block */
    uint16_t type;
    uint16_t count;
    uint8_t state;
    bool secure, cut;
    uint8_t name_n;
    uint8_t canonical_n; /* 0: none */
    /* One behind the other: the name, the canonical name, the records. An address is 4 or 16
     * octets, a name a length and as many, a text 4 octets of length and as many, MX 2 octets and a
     * name. */
    uint8_t data[];
};

struct slot {
    uint64_t hash;
    struct entry *entry; /* NULL: free */
};

struct dns_cache {
    struct slot *slots;
    size_t mask; /* how many there are, less one */
    size_t entries;
    size_t octets;
    size_t most;
    struct list used; /* struct entry, last asked for first */
    uint8_t secret[DNS_CACHE_SECRET];
};

/* ---- slots ---- */

static uint64_t hash_of(const struct dns_cache *c, const struct dns_name *name, enum dns_type type)
{
    return siphash24(c->secret, name->wire, name->n) ^ (uint64_t)type * 0x9e3779b97f4a7c15U;
}

static bool is_of(const struct entry *e, const struct dns_name *name, enum dns_type type)
{
    return e->type == (uint16_t)type && e->name_n == name->n &&
           memcmp(e->data, name->wire, name->n) == 0;
}

/* Where the entry is, or where it would be: a free slot. */
static struct slot *slot_of(const struct dns_cache *c, uint64_t hash, const struct dns_name *name,
                            enum dns_type type)
{
    for (size_t i = hash & c->mask;; i = (i + 1) & c->mask) {
        struct slot *s = &c->slots[i];
        if (s->entry == NULL || (s->hash == hash && is_of(s->entry, name, type))) {
            return s;
        }
    }
}

static struct slot *slot_with(const struct dns_cache *c, const struct entry *e)
{
    size_t i = e->hash & c->mask;
    while (c->slots[i].entry != e) {
        i = (i + 1) & c->mask;
    }
    return &c->slots[i];
}

/* Makes a slot free; those behind it that would not be found any more move up. */
static void empty_slot(struct dns_cache *c, struct slot *s)
{
    size_t hole = (size_t)(s - c->slots);
    for (size_t i = (hole + 1) & c->mask; c->slots[i].entry != NULL; i = (i + 1) & c->mask) {
        size_t home = c->slots[i].hash & c->mask;
        if (((i - home) & c->mask) >= ((i - hole) & c->mask)) {
            c->slots[hole] = c->slots[i];
            hole = i;
        }
    }
    c->slots[hole].entry = NULL;
}

static void make_slots(struct dns_cache *c, size_t count)
{
    c->slots = xcalloc(count, sizeof(*c->slots));
    c->mask = count - 1;
    c->octets += count * sizeof(*c->slots);
}

/* Twice as many, in which all find their places again. */
static void grow(struct dns_cache *c)
{
    struct slot *old = c->slots;
    size_t count = c->mask + 1;
    make_slots(c, 2 * count);
    for (size_t i = 0; i < count; i++) {
        if (old[i].entry != NULL) {
            size_t at = old[i].hash & c->mask;
            while (c->slots[at].entry != NULL) {
                at = (at + 1) & c->mask;
            }
            c->slots[at] = old[i];
        }
    }
    c->octets -= count * sizeof(*old);
    free(old);
}

/* ---- entries ---- */

static void drop(struct dns_cache *c, struct slot *s)
{
    struct entry *e = s->entry;
    empty_slot(c, s);
    list_remove(&e->used);
    c->entries--;
    c->octets -= e->size + BLOCK_OVERHEAD;
    free(e);
}

static void make_room(struct dns_cache *c, size_t needed)
{
    while (c->octets + needed > c->most && !list_empty(&c->used)) {
        drop(c, slot_with(c, list_entry(c->used.prev, struct entry, used)));
    }
}

static usec_t time_of(const struct dns_answer *a)
{
    switch (a->state) {
    case DNS_ANSWER: return a->ttl < DNS_CACHE_ANSWER_TIME ? a->ttl : DNS_CACHE_ANSWER_TIME;
    case DNS_NODATA:
    case DNS_NO_NAME: return a->ttl < DNS_CACHE_NEGATIVE_TIME ? a->ttl : DNS_CACHE_NEGATIVE_TIME;
    case DNS_BOGUS: return DNS_CACHE_BOGUS_TIME;
    case DNS_FAILED:
    case DNS_TIMED_OUT: break;
    }
    return DNS_CACHE_FAILURE_TIME;
}

/* ---- packing ---- */

enum form { FORM_V4, FORM_V6, FORM_NAME, FORM_MX, FORM_TEXT };

static enum form form_of(enum dns_type type)
{
    switch (type) {
    case DNS_A: return FORM_V4;
    case DNS_AAAA: return FORM_V6;
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
    case DNS_DNAME: return FORM_NAME;
    case DNS_MX: return FORM_MX;
    default: return FORM_TEXT;
    }
}

static size_t packed_size(enum form form, const struct dns_record *r)
{
    switch (form) {
    case FORM_V4: return 4;
    case FORM_V6: return 16;
    case FORM_NAME: return 1 + (size_t)r->name->n;
    case FORM_MX: return 3 + (size_t)r->mx.exchange->n;
    case FORM_TEXT: break;
    }
    return 4 + r->text.n;
}

static uint8_t *put(uint8_t *p, const void *from, size_t n)
{
    if (n > 0) {
        memcpy(p, from, n);
    }
    return p + n;
}

static uint8_t *put_name(uint8_t *p, const struct dns_name *name)
{
    *p++ = name->n;
    return put(p, name->wire, name->n);
}

static uint8_t *put_record(uint8_t *p, enum form form, const struct dns_record *r)
{
    uint32_t n = (uint32_t)r->text.n;
    switch (form) {
    case FORM_V4: return put(p, r->address.octets, 4);
    case FORM_V6: return put(p, r->address.octets, 16);
    case FORM_NAME: return put_name(p, r->name);
    case FORM_MX: return put_name(put(p, &r->mx.preference, 2), r->mx.exchange);
    case FORM_TEXT: break;
    }
    return put(put(p, &n, 4), r->text.p, n);
}

static const uint8_t *take(const uint8_t *p, void *ret, size_t n)
{
    memcpy(ret, p, n);
    return p + n;
}

static const uint8_t *take_name(const uint8_t *p, struct arena *arena, const struct dns_name **ret)
{
    struct dns_name *name = arena_alloc(arena, sizeof(*name));
    name->n = *p++;
    *ret = name;
    return take(p, name->wire, name->n);
}

static const uint8_t *take_record(const uint8_t *p, enum form form, struct arena *arena,
                                  struct dns_record *ret)
{
    uint32_t n;
    *ret = (struct dns_record){0};
    switch (form) {
    case FORM_V4: ret->address.family = ADDR_V4; return take(p, ret->address.octets, 4);
    case FORM_V6: ret->address.family = ADDR_V6; return take(p, ret->address.octets, 16);
    case FORM_NAME: return take_name(p, arena, &ret->name);
    case FORM_MX: return take_name(take(p, &ret->mx.preference, 2), arena, &ret->mx.exchange);
    case FORM_TEXT: break;
    }
    p = take(p, &n, 4);
    ret->text = arena_copy(arena, (struct slice){(const char *)p, n});
    return p + n;
}

static struct entry *pack(const struct dns_name *name, enum dns_type type,
                          const struct dns_answer *a, size_t size)
{
    struct entry *e = xcalloc(1, size);
    e->size = (uint32_t)size;
    e->type = (uint16_t)type;
    e->count = (uint16_t)a->count;
    e->state = (uint8_t)a->state;
    e->secure = a->secure;
    e->cut = a->cut;
    e->name_n = name->n;
    uint8_t *p = put(e->data, name->wire, name->n);
    if (a->canonical != NULL) {
        e->canonical_n = a->canonical->n;
        p = put(p, a->canonical->wire, a->canonical->n);
    }
    for (size_t i = 0; i < a->count; i++) {
        p = put_record(p, form_of(type), &a->records[i]);
    }
    return e;
}

static void unpack(const struct entry *e, usec_t now, struct arena *arena, struct dns_answer *ret)
{
    const uint8_t *p = e->data + e->name_n;
    struct dns_record *records = arena_alloc(arena, e->count * sizeof(*records));
    *ret = (struct dns_answer){
        .state = (enum dns_state)e->state,
        .secure = e->secure,
        .cached = true,
        .cut = e->cut,
        .ttl = e->until - now,
        .records = records,
        .count = e->count,
    };
    if (e->canonical_n > 0) {
        struct dns_name *canonical = arena_alloc(arena, sizeof(*canonical));
        canonical->n = e->canonical_n;
        p = take(p, canonical->wire, canonical->n);
        ret->canonical = canonical;
    }
    for (size_t i = 0; i < e->count; i++) {
        p = take_record(p, form_of((enum dns_type)e->type), arena, &records[i]);
    }
}

static size_t size_of(const struct dns_name *name, enum dns_type type, const struct dns_answer *a)
{
    size_t n = sizeof(struct entry) + name->n + (a->canonical != NULL ? a->canonical->n : 0U);
    for (size_t i = 0; i < a->count; i++) {
        n += packed_size(form_of(type), &a->records[i]);
    }
    return n;
}

/* ---- all of it ---- */

struct dns_cache *dns_cache_new(size_t octets, const uint8_t secret[static DNS_CACHE_SECRET])
{
    struct dns_cache *c = xcalloc(1, sizeof(*c));
    c->most = octets;
    memcpy(c->secret, secret, sizeof(c->secret));
    list_init(&c->used);
    c->octets = sizeof(*c);
    make_slots(c, SLOTS_LEAST);
    return c;
}

struct dns_cache *dns_cache_free(struct dns_cache *c)
{
    if (c != NULL) {
        for (struct list *it = list_pop_front(&c->used); it != NULL;
             it = list_pop_front(&c->used)) {
            free(list_entry(it, struct entry, used));
        }
        free(c->slots);
        free(c);
    }
    return NULL;
}

bool dns_cache_find(struct dns_cache *c, const struct dns_name *name, enum dns_type type,
                    usec_t now, struct arena *arena, struct dns_answer *ret)
{
    struct slot *s = slot_of(c, hash_of(c, name, type), name, type);
    struct entry *e = s->entry;
    if (e == NULL) {
        return false;
    }
    if (e->until <= now) {
        drop(c, s);
        return false;
    }
    list_remove(&e->used);
    list_push_front(&c->used, &e->used);
    unpack(e, now, arena, ret);
    return true;
}

void dns_cache_keep(struct dns_cache *c, const struct dns_name *name, enum dns_type type,
                    const struct dns_answer *answer, usec_t now)
{
    uint64_t hash = hash_of(c, name, type);
    struct slot *s = slot_of(c, hash, name, type);
    size_t size = size_of(name, type, answer);
    usec_t time = time_of(answer);
    if (s->entry != NULL) {
        drop(c, s);
    }
    if (time <= 0 || size > c->most / 16) {
        return;
    }
    if (4 * (c->entries + 1) > 3 * (c->mask + 1)) {
        grow(c);
    }
    make_room(c, size + BLOCK_OVERHEAD);
    struct entry *e = pack(name, type, answer, size);
    e->hash = hash;
    e->until = now + time;
    *slot_of(c, hash, name, type) = (struct slot){hash, e};
    list_push_front(&c->used, &e->used);
    c->entries++;
    c->octets += size + BLOCK_OVERHEAD;
}

struct dns_cache_figures dns_cache_figures(const struct dns_cache *c)
{
    return (struct dns_cache_figures){.entries = c->entries, .octets = c->octets};
}
