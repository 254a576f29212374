/* See client/scan_memory.h. Slots are found by their key, and stand in the order in which they were
 * filled, which is the order in which they go. */
#include "client/scan_memory.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/list.h"
#include "rt/rt.h"

#define SHELVES 1024
/* Results that are kept at most. */
#define KEPT_MOST 4096

struct scan_slot {
    struct list shelf;
    struct list age; /* in memory->kept, once it is good for later */
    struct digest key;
    bool running;
    bool over;      /* there is a result */
    unsigned users; /* who waits for it */
    usec_t until;
    struct cond changed;
    struct arena arena;
    struct scan_result result;
};

struct scan_memory {
    struct rt *rt;
    usec_t time;
    struct list shelves[SHELVES];
    struct list kept; /* the oldest first */
    size_t kept_count;
};

struct scan_memory *scan_memory_new(struct rt *rt, usec_t time)
{
    struct scan_memory *m = xcalloc(1, sizeof(*m));

    m->rt = rt;
    m->time = time;
    list_init(&m->kept);
    for (size_t i = 0; i < SHELVES; i++) {
        list_init(&m->shelves[i]);
    }
    return m;
}

/* Frees a slot that nobody uses, and that nobody finds any more or would find anything in. */
static void let_go(struct scan_slot *s)
{
    if (s->users > 0 || s->running) {
        return;
    }
    if (!s->over) {
        list_remove(&s->shelf);
    }
    if (list_empty(&s->shelf)) {
        arena_free(&s->arena);
        free(s);
    }
}

/* Nobody finds it any more; it is freed once nobody uses it. */
static void drop(struct scan_memory *m, struct scan_slot *s)
{
    if (!list_empty(&s->age)) {
        list_remove(&s->age);
        m->kept_count--;
    }
    list_remove(&s->shelf);
    let_go(s);
}

struct scan_memory *scan_memory_free(struct scan_memory *m)
{
    for (size_t i = 0; m != NULL && i < SHELVES; i++) {
        while (!list_empty(&m->shelves[i])) {
            struct scan_slot *s = list_entry(m->shelves[i].next, struct scan_slot, shelf);
            if (s->users > 0 || s->running) {
                panic("a scan outlived its worker");
            }
            drop(m, s);
        }
    }
    free(m);
    return NULL;
}

static void update(struct digest_stream *d, struct slice text)
{
    digest_stream_update(d, text.p, text.n);
    digest_stream_update(d, "", 1);
}

struct digest scan_key(enum conf_scanner_kind kind, const struct scan_request *q)
{
    struct digest_stream *d = digest_stream_new();
    const uint8_t kind_octet = (uint8_t)kind;

    digest_stream_init(d);
    digest_stream_update(d, &kind_octet, 1);
    digest_stream_update(d, q->message->digest.octets, DIGEST_LEN);
    if (kind != CONF_CLAMD) {
        digest_stream_update(d, q->client.octets, sizeof(q->client.octets));
        update(d, q->helo);
        update(d, q->sender);
        for (size_t i = 0; i < q->recipient_count; i++) {
            update(d, q->recipients[i]);
        }
    }
    const struct digest key = digest_stream_finish(d);
    digest_stream_free(d);
    return key;
}

static struct list *shelf_of(struct scan_memory *m, const struct digest *key)
{
    return &m->shelves[(key->octets[0] | key->octets[1] << 8) % SHELVES];
}

static void forget_old(struct scan_memory *m)
{
    while (!list_empty(&m->kept)) {
        struct scan_slot *s = list_entry(m->kept.next, struct scan_slot, age);
        if (m->kept_count <= KEPT_MOST && rt_now_of(m->rt) < s->until) {
            return;
        }
        drop(m, s);
    }
}

static struct scan_slot *find(struct scan_memory *m, const struct digest *key)
{
    list_for_each (it, shelf_of(m, key)) {
        struct scan_slot *s = list_entry(it, struct scan_slot, shelf);
        if (memcmp(s->key.octets, key->octets, DIGEST_LEN) == 0) {
            return s;
        }
    }
    return NULL;
}

static struct scan_slot *new_slot(struct scan_memory *m, const struct digest *key)
{
    struct scan_slot *s = xcalloc(1, sizeof(*s));

    s->key = *key;
    s->running = true;
    cond_init(&s->changed);
    arena_init(&s->arena);
    list_init(&s->age);
    list_init(&s->shelf);
    list_push_back(shelf_of(m, key), &s->shelf);
    return s;
}

static void copy_result(const struct scan_result *from, struct arena *arena,
                        struct scan_result *ret)
{
    struct slice *names = arena_alloc(arena, from->name_count * sizeof(*names) + 1);

    *ret = *from;
    ret->text = arena_copy(arena, from->text);
    ret->names = names;
    for (size_t i = 0; i < from->name_count; i++) {
        names[i] = arena_copy(arena, from->names[i]);
    }
}

/* Somebody else is at it. As scan_memory_get. */
static int await(struct scan_slot *s, usec_t deadline)
{
    int r = 0;

    s->users++;
    while (r == 0 && s->running) {
        r = cond_wait(&s->changed, deadline);
    }
    s->users--;
    if (r < 0) {
        return r;
    }
    if (s->over) {
        return 1;
    }
    s->running = true;
    return 0;
}

int scan_memory_get(struct scan_memory *m, const struct digest *key, usec_t deadline,
                    struct arena *arena, struct scan_result *ret, struct scan_slot **ret_slot)
{
    forget_old(m);
    struct scan_slot *s = find(m, key);
    if (s == NULL) {
        *ret_slot = new_slot(m, key);
        return 0;
    }
    int r = await(s, deadline);
    if (r == 0) {
        *ret_slot = s;
        return 0;
    }
    if (r == 1) {
        copy_result(&s->result, arena, ret);
        ret->kept = true;
    }
    let_go(s);
    return r;
}

void scan_memory_put(struct scan_memory *m, struct scan_slot *s, const struct scan_result *result)
{
    s->running = false;
    if (result != NULL) {
        s->over = true;
        copy_result(result, &s->arena, &s->result);
    }
    if (result != NULL && result->state == SCAN_KNOWN && m->time > 0) {
        s->until = rt_now_of(m->rt) + m->time;
        list_push_back(&m->kept, &s->age);
        m->kept_count++;
    } else if (result != NULL) {
        list_remove(&s->shelf); /* nobody else gets it */
    }
    cond_wake_all(&s->changed);
    let_go(s);
}
