/* See client/zone.h. Each name, and each above it, is a node in a hash by the whole name; a node
 * has a set of records for each type, whose records lie in one row. */
#include "client/zone.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/octets.h"

#define BUCKETS_FIRST 64

struct record_set {
    struct record_set *next;
    unsigned type;
    enum dns_state state; /* DNS_ANSWER; or how each question for this type ends */
    uint32_t ttl;
    struct dns_record *records;
    size_t count;
    size_t room;
};

struct node {
    struct node *next; /* in its bucket */
    struct dns_name name;
    struct record_set *sets;
    enum dns_state otherwise; /* what is said of types without a set; DNS_NODATA usually */
};

struct zone {
    struct arena arena;
    struct node **buckets;
    size_t bucket_count; /* a power of two */
    size_t node_count;
    usec_t latency;
};

/* ---- nodes ---- */

/* FNV-1a */
static size_t hash(const struct dns_name *name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name->n; i++) {
        h = (h ^ name->wire[i]) * 16777619u;
    }
    return h;
}

static struct node **bucket(const struct zone *z, const struct dns_name *name)
{
    return &z->buckets[hash(name) & (z->bucket_count - 1)];
}

static struct node *find_node(const struct zone *z, const struct dns_name *name)
{
    struct node *n = *bucket(z, name);
    while (n != NULL && !dns_name_eq(&n->name, name)) {
        n = n->next;
    }
    return n;
}

static void grow(struct zone *z)
{
    struct node **old = z->buckets;
    size_t old_count = z->bucket_count;
    z->bucket_count = 2 * old_count;
    z->buckets = xcalloc(z->bucket_count, sizeof(struct node *));
    for (size_t i = 0; i < old_count; i++) {
        for (struct node *n = old[i], *next; n != NULL; n = next) {
            struct node **to = bucket(z, &n->name);
            next = n->next;
            n->next = *to;
            *to = n;
        }
    }
    free(old);
}

/* The node of a name, made where there is none, as are those above it. */
static struct node *need_node(struct zone *z, const struct dns_name *name)
{
    struct node *found = find_node(z, name), *first = found;
    for (struct dns_name at = *name; found == NULL;) {
        struct node *n = arena_zalloc(&z->arena, sizeof(*n));
        struct node **to = bucket(z, &at);
        n->name = at;
        n->otherwise = DNS_NODATA;
        n->next = *to;
        *to = n;
        first = first == NULL ? n : first;
        if (++z->node_count > z->bucket_count) {
            grow(z);
        }
        found = dns_name_parent(&at) ? find_node(z, &at) : n;
    }
    return first;
}

static struct record_set *find_set(const struct node *n, unsigned type)
{
    struct record_set *s = n->sets;
    while (s != NULL && s->type != type) {
        s = s->next;
    }
    return s;
}

static struct record_set *need_set(struct zone *z, struct node *n, unsigned type)
{
    struct record_set *s = find_set(n, type);
    if (s == NULL) {
        s = arena_zalloc(&z->arena, sizeof(*s));
        s->type = type;
        s->next = n->sets;
        s->ttl = UINT32_MAX;
        n->sets = s;
    }
    return s;
}

/* ---- making ---- */

struct zone *zone_new(void)
{
    struct zone *z = xcalloc(1, sizeof(*z));
    struct dns_name root;
    arena_init(&z->arena);
    z->bucket_count = BUCKETS_FIRST;
    z->buckets = xcalloc(z->bucket_count, sizeof(struct node *));
    dns_name_root(&root);
    (void)need_node(z, &root);
    return z;
}

struct zone *zone_free(struct zone *z)
{
    if (z != NULL) {
        arena_free(&z->arena);
        free(z->buckets);
        free(z);
    }
    return NULL;
}

static void add_record(struct zone *z, struct record_set *s, const struct zone_entry *entry)
{
    enum dns_type type = (enum dns_type)entry->type;
    if (s->count == s->room) {
        size_t room = s->room > 0 ? 2 * s->room : 1;
        struct dns_record *records = arena_alloc(&z->arena, room * sizeof(*records));
        if (s->count > 0) {
            memcpy(records, s->records, s->count * sizeof(*records));
        }
        s->records = records;
        s->room = room;
    }
    s->records[s->count++] = *dns_records_copy(&z->arena, type, &entry->record, 1);
    s->ttl = entry->ttl < s->ttl ? entry->ttl : s->ttl;
}

static enum dns_state pseudo_state(enum zone_entry_kind kind)
{
    return kind == ZONE_TIMEOUT ? DNS_TIMED_OUT : kind == ZONE_BOGUS ? DNS_BOGUS : DNS_FAILED;
}

void zone_add(struct zone *z, const struct zone_entry *entry)
{
    if (entry->kind == ZONE_LATENCY) {
        z->latency = entry->latency;
        return;
    }
    struct node *n = need_node(z, &entry->owner);
    if (entry->kind == ZONE_RECORD) {
        add_record(z, need_set(z, n, entry->type), entry);
    } else if (entry->kind != ZONE_OTHER && entry->type == 0) {
        n->otherwise = pseudo_state(entry->kind);
    } else if (entry->kind != ZONE_OTHER) {
        need_set(z, n, entry->type)->state = pseudo_state(entry->kind);
    }
}

int zone_read(struct zone *z, struct slice text, struct zone_problem *ret_problem)
{
    struct zone_reader reader;
    struct arena arena;
    int r;
    zone_reader_init(&reader, text);
    arena_init(&arena);
    do {
        struct zone_entry entry;
        arena_reset(&arena);
        r = zone_reader_next(&reader, &arena, &entry, ret_problem);
        if (r > 0) {
            zone_add(z, &entry);
        }
    } while (r > 0);
    arena_free(&arena);
    return r;
}

usec_t zone_latency(const struct zone *z)
{
    return z->latency;
}

/* ---- finding ---- */

/* What a question is followed through. */
struct search {
    const struct zone *zone;
    struct dns_name name; /* asked for now */
    uint32_t ttl;         /* of the chain up to it */
};

/* The node that speaks for a name which has none: the wildcard below the closest name above it that
 * is there (RFC 4592 2.2.1), or NULL. With a DNAME above it: *ret_dname, whose owner is *ret_above.
 */
static const struct node *find_above(const struct search *s, struct dns_name *ret_above,
                                     const struct record_set **ret_dname)
{
    struct dns_name wildcard;
    const struct node *closest = NULL, *found = NULL;
    *ret_above = s->name;
    *ret_dname = NULL;
    while (dns_name_parent(ret_above)) {
        const struct node *n = find_node(s->zone, ret_above);
        if (n != NULL && closest == NULL) {
            closest = n;
            wildcard = *ret_above;
            found = dns_name_prepend(&wildcard, SLICE_LIT("*")) == 0 ? find_node(s->zone, &wildcard)
                                                                     : NULL;
        }
        *ret_dname = n != NULL ? find_set(n, DNS_DNAME) : NULL;
        if (*ret_dname != NULL && (*ret_dname)->count > 0) {
            break;
        }
        *ret_dname = NULL;
    }
    return found;
}

/* The name with `above` at its end replaced (RFC 6672 2.2): 0, or -EINVAL where it gets too long.
 */
static int substitute(struct dns_name *name, const struct dns_name *above,
                      const struct dns_name *target)
{
    struct dns_name front = *name;
    front.n = (uint8_t)(name->n - above->n + 1);
    front.wire[front.n - 1] = 0;
    if (dns_name_join(&front, target) < 0) {
        return -EINVAL;
    }
    *name = front;
    return 0;
}

/* RFC 2308 5: the least of the chain's, the SOA's, and what the SOA says; 0 without a SOA. */
static uint32_t negative_ttl(const struct search *s)
{
    uint32_t ttl = 0;
    struct dns_name at = s->name;
    do {
        const struct node *n = find_node(s->zone, &at);
        const struct record_set *soa = n != NULL ? find_set(n, DNS_SOA) : NULL;
        if (soa != NULL && soa->count > 0) {
            struct slice data = soa->records[0].data;
            ttl = (uint32_t)octets_get((const uint8_t *)data.p + data.n - 4, 4);
            ttl = soa->ttl < ttl ? soa->ttl : ttl;
            break;
        }
    } while (dns_name_parent(&at));
    return ttl < s->ttl ? ttl : s->ttl;
}

static void answer_records(const struct search *s, const struct record_set *set,
                           struct dns_answer *a)
{
    a->state = set->state;
    if (set->state == DNS_ANSWER) {
        a->cut = set->count > DNS_RECORDS_MOST;
        a->count = a->cut ? DNS_RECORDS_MOST : set->count;
        a->records = set->records;
        a->ttl = (set->ttl < s->ttl ? set->ttl : s->ttl) * USEC_SEC;
    }
}

/* Answers, or leads on to another name: then true. */
static bool step(struct search *s, enum dns_type type, struct dns_answer *a)
{
    struct dns_name above;
    const struct record_set *dname = NULL;
    const struct node *n = find_node(s->zone, &s->name);
    n = n != NULL ? n : find_above(s, &above, &dname);
    if (dname != NULL) {
        s->ttl = dname->ttl < s->ttl ? dname->ttl : s->ttl;
        a->state = DNS_FAILED; /* YXDOMAIN */
        return substitute(&s->name, &above, dname->records[0].name) == 0;
    }
    const struct record_set *set = n != NULL ? find_set(n, type) : NULL;
    const struct record_set *cname = n != NULL && set == NULL ? find_set(n, DNS_CNAME) : NULL;
    if (set != NULL) {
        answer_records(s, set, a);
        return false;
    }
    if (cname != NULL && cname->count > 0) {
        s->ttl = cname->ttl < s->ttl ? cname->ttl : s->ttl;
        s->name = *cname->records[0].name;
        return true;
    }
    a->state = n != NULL ? n->otherwise : DNS_NO_NAME;
    if (a->state == DNS_NODATA || a->state == DNS_NO_NAME) {
        a->ttl = negative_ttl(s) * USEC_SEC;
    }
    return false;
}

void zone_find(const struct zone *z, const struct dns_name *name, enum dns_type type,
               struct arena *arena, struct dns_answer *ret)
{
    struct search s = {.zone = z, .name = *name, .ttl = UINT32_MAX};
    struct dns_answer answer = {0};
    unsigned links = 0;
    while (step(&s, type, &answer)) {
        if (++links > DNS_CNAMES_MOST) {
            answer.state = DNS_FAILED;
            break;
        }
    }
    if (answer.state <= DNS_NO_NAME) {
        answer.canonical = dns_name_copy(arena, &s.name);
    }
    *ret = answer;
}
