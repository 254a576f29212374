/* The memory's front end: changes are queued and applied in batches by the store thread.
 *
 *  - A change keeps, beside what is to be added, the record that this handle finds from then on:
 *    what the back end had, or what an earlier pending change made of it. What other processes
 *    change meanwhile is seen when the batch has ended, some milliseconds later; the back end adds
 *    to whatever is there then.
 *  - What is added to a name while a change that adds to it waits in the queue is added to that.
 *  - A transaction asks for the same few records again and again: the last ones that were read are
 *    kept as they were decoded, until anything is changed there, by whomever.
 *  - A batch that fails goes back to the queue and is tried again a second later, together with
 * what came since; until then nothing can be relied on, and reading says so. What does not fit the
 *    queue meanwhile is lost. */
#include "store/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "store/memory_impl.h"
#include "store/shm.h"
#include "store/wall_watch.h"

#define PENDING_MAX 16384 /* changes; some 300 octets each */
#define TRY_AGAIN   USEC_SEC

/* Changes in a batch: each may change a page of its own, LMDB needs three times as many for that,
 * and the smallest memory has 1024 to spare. Nor is the ledger to wait for long. */
#define BATCH_MOST 128

/* What is learned of the same name within so long becomes one change. */
#define GATHER     (100 * USEC_MSEC)
#define INDEX_SIZE 1024 /* lists of pending changes, by their key's first octets */

#define KEPT_MOST  64 /* records; a transaction asks for some ten */

/* A name, its key, and what was read of it, without regard to the time. */
struct kept {
    struct memory_key key;
    bool valid; /* what was read is; the key always */
    bool there; /* else nothing is, and of the record only kind and name count */
    struct record record;
};

struct memory {
    struct rt *rt; /* NULL: a command's */
    struct memory_backend *backend;
    struct batches batches; /* of struct memory_change */
    struct wall_watch watch;
    struct digest_stream *digest;
    size_t pending;
    struct list index[INDEX_SIZE]; /* newest first */
    struct kept kept[KEPT_MOST];
    uint64_t kept_version; /* of the back end, that they are of */
    usec_t kept_looked;    /* when it was last asked for */
    int error;
    uint64_t changes;
    uint64_t lost;
};

static const struct batches_ops memory_batches;

struct memory *memory_new(struct rt *rt, struct memory_backend *b)
{
    struct memory *m = xcalloc(1, sizeof(*m));
    m->rt = rt;
    m->backend = b;
    m->digest = digest_stream_new();
    batches_init(&m->batches, rt, &memory_batches, m, b);
    m->batches.most = BATCH_MOST;
    m->batches.gather = GATHER;
    for (size_t i = 0; i < INDEX_SIZE; i++) {
        list_init(&m->index[i]);
    }
    if (rt != NULL) {
        wall_watch_see(&m->watch, rt_wall_of(rt), rt_now_of(rt));
    }
    return m;
}

const struct record_rules *memory_rules(const struct memory *m)
{
    return &m->backend->setup.rules;
}

/* ---- time ---- */

/* A command does not live for long enough to know whether the clock is steady. */
static void note_time(struct memory *m)
{
    struct batch_time *time = &m->batches.time;
    if (m->rt == NULL) {
        time->wall = clock_wall();
        return;
    }
    usec_t now = rt_now_of(m->rt);
    time->wall = rt_wall_of(m->rt);
    wall_watch_see(&m->watch, time->wall, now);
    time->steady = wall_watch_steady(&m->watch, now);
}

/* ---- what is pending ---- */

/* `cut`: as record_name_cut makes it. */
static struct memory_key key_of(struct memory *m, enum record_kind kind, struct slice cut)
{
    uint8_t octet = (uint8_t)kind;
    digest_stream_init(m->digest);
    digest_stream_update(m->digest, &octet, sizeof(octet));
    digest_stream_update(m->digest, cut.p, cut.n);
    struct digest digest = digest_stream_finish(m->digest);
    struct memory_key key;
    memcpy(key.octets, digest.octets, sizeof(key.octets));
    return key;
}

static struct list *index_of(struct memory *m, const struct memory_key *key)
{
    return &m->index[((size_t)key->octets[0] << 8 | key->octets[1]) % INDEX_SIZE];
}

static struct memory_change *newest(struct memory *m, const struct memory_key *key)
{
    list_for_each (it, index_of(m, key)) {
        struct memory_change *c = list_entry(it, struct memory_change, by_key);
        if (memcmp(&c->key, key, sizeof(*key)) == 0) {
            return c;
        }
    }
    return NULL;
}

/* What this handle finds: 1, 0 or a negative errno. */
static int read_octets(struct memory *m, const struct memory_key *key,
                       uint8_t ret[static RECORD_OCTETS_MAX], size_t *ret_n)
{
    const struct memory_change *pending = newest(m, key);
    if (pending == NULL) {
        return m->backend->ops->get(m->backend, key, ret, ret_n);
    }
    *ret_n = pending->value_n;
    memcpy(ret, pending->octets + pending->record_n, pending->value_n);
    return pending->value_n > 0;
}

/* ---- what was read last ---- */

static bool is_of(const struct record *r, enum record_kind kind, struct slice name)
{
    return r->kind == kind && slice_eq(record_name(r), name);
}

static void forget_all_kept(struct memory *m)
{
    for (size_t i = 0; i < KEPT_MOST; i++) {
        m->kept[i].valid = false;
    }
}

/* The one place for that name, made its own. */
static struct kept *place_of(struct memory *m, enum record_kind kind, struct slice cut)
{
    struct kept *k = &m->kept[shm_hash((uint64_t)kind, cut.p, cut.n) % KEPT_MOST];
    if (!is_of(&k->record, kind, cut)) {
        k->key = key_of(m, kind, cut);
        k->valid = false;
        record_init(&k->record, kind, cut, 0);
    }
    return k;
}

/* Reads it: 0 or a negative errno. */
static int read_and_keep(struct memory *m, struct kept *k)
{
    uint8_t octets[RECORD_OCTETS_MAX];
    size_t n;
    int rc = read_octets(m, &k->key, octets, &n);
    k->valid = rc >= 0;
    k->there = rc == 1 && record_decode(octets, n, &k->record);
    return rc < 0 ? rc : 0;
}

/* Forgets what others may have changed. In one turn of the loop none is heard of but our own. */
static void forget_changed(struct memory *m)
{
    usec_t now = m->rt != NULL ? rt_now_of(m->rt) : USEC_NEVER;
    if (now == m->kept_looked && m->rt != NULL && m->kept_version != 0) {
        return;
    }
    uint64_t version = m->backend->ops->version(m->backend);
    if (version != m->kept_version || version == 0) {
        forget_all_kept(m);
    }
    m->kept_version = version;
    m->kept_looked = now;
}

/* Has it hold what there is of its name: 0 or a negative errno. */
static int freshen(struct memory *m, struct kept *k)
{
    forget_changed(m);
    return k->valid ? 0 : read_and_keep(m, k);
}

/* ---- changing ---- */

static void free_change(struct memory *m, struct memory_change *c)
{
    list_remove(&c->by_key);
    m->pending--;
    free(c);
}

static struct memory_change *change_new(struct memory *m, enum memory_change_kind kind,
                                        const struct memory_key *key, const struct record *r)
{
    uint8_t record[RECORD_OCTETS_MAX];
    size_t n = r != NULL ? record_encode(r, record) : 0;
    struct memory_change *c = xmalloc(sizeof(*c) + n + RECORD_OCTETS_MAX);
    *c = (struct memory_change){.kind = kind, .key = *key, .count = 1, .record_n = (uint16_t)n};
    c->steady = m->batches.time.steady;
    c->jumped = m->rt != NULL && wall_watch_jumped(&m->watch, rt_now_of(m->rt));
    memcpy(c->octets, record, n);
    list_init(&c->link);
    list_init(&c->by_key);
    return c;
}

/* Is there a place in the queue? A command makes one. */
static bool has_place(struct memory *m)
{
    if (m->rt == NULL && m->error == 0 && m->pending >= PENDING_MAX / 4) {
        (void)batches_flush(&m->batches); /* m->error tells */
    }
    return m->pending < PENDING_MAX;
}

/* The change that this one, which adds, can become one with: NULL when there is none. */
static struct memory_change *to_join(struct memory *m, const struct memory_change *c)
{
    struct memory_change *before = c->kind == CHANGE_ADD ? newest(m, &c->key) : NULL;
    bool can = before != NULL && before->kind == CHANGE_ADD && !before->taken &&
               before->steady == c->steady && before->jumped == c->jumped;
    return can ? before : NULL;
}

/* Puts one in the place of both. */
static void join(struct memory *m, struct memory_change *before, struct memory_change *c,
                 const struct record *delta)
{
    struct record sum;
    if (!record_decode(before->octets, before->record_n, &sum)) {
        panic("a change that cannot be read");
    }
    record_add(&sum, delta, memory_rules(m));
    struct memory_change *both = change_new(m, CHANGE_ADD, &c->key, &sum);
    both->count = before->count + 1;
    both->value_n = c->value_n;
    memcpy(both->octets + both->record_n, c->octets + c->record_n, c->value_n);
    list_insert_before(&before->link, &both->link);
    list_remove(&before->link);
    list_push_front(index_of(m, &c->key), &both->by_key);
    free_change(m, before);
    free(c);
}

/* Bans are not gathered: all workers are to know them. */
static void enqueue(struct memory *m, struct memory_change *c, bool urgent)
{
    struct memory_change *less = realloc(c, sizeof(*c) + c->record_n + c->value_n);
    c = less != NULL ? less : c;
    list_init(&c->link);
    list_init(&c->by_key);
    list_push_front(index_of(m, &c->key), &c->by_key);
    batches_push(&m->batches, &c->link, urgent);
}

/* Makes of what there is what there is from then on. */
static void change_kept(struct memory *m, struct kept *k, const struct memory_change *c,
                        const struct record *r)
{
    if (c->kind == CHANGE_ADD && freshen(m, k) == 0 && k->there) {
        memory_change_add(c, &k->record, r, memory_rules(m));
    } else if (c->kind != CHANGE_FORGET) {
        k->record = *r;
    }
    k->there = c->kind != CHANGE_FORGET;
    k->valid = true;
}

static void change(struct memory *m, enum memory_change_kind kind, enum record_kind record_kind,
                   struct slice name, const struct record *r)
{
    note_time(m);
    if (!has_place(m)) {
        m->lost++;
        return;
    }
    char room[RECORD_NAME_MAX];
    struct kept *k = place_of(m, record_kind, record_name_cut(name, room));
    struct memory_change *c = change_new(m, kind, &k->key, r);
    change_kept(m, k, c, r);
    if (k->there) {
        c->value_n = (uint16_t)record_encode(&k->record, c->octets + c->record_n);
    }
    m->pending++;
    struct memory_change *before = to_join(m, c);
    if (before != NULL) {
        join(m, before, c, r);
    } else {
        enqueue(m, c, record_kind == RECORD_BAN);
    }
}

void memory_add(struct memory *m, const struct record *delta)
{
    change(m, CHANGE_ADD, (enum record_kind)delta->kind, record_name(delta), delta);
}

void memory_put(struct memory *m, const struct record *r)
{
    change(m, CHANGE_PUT, (enum record_kind)r->kind, record_name(r), r);
}

void memory_forget(struct memory *m, enum record_kind kind, struct slice name)
{
    change(m, CHANGE_FORGET, kind, name, NULL);
}

/* ---- batches ---- */

/* In the store thread. */
static int apply(void *target, const struct list *work, const struct batch_time *time)
{
    struct memory_backend *b = target;
    return b->ops->apply(b, work, time);
}

static void ended(void *owner, struct list *work, int result)
{
    struct memory *m = owner;
    m->error = result;
    forget_all_kept(m); /* what found no room is no longer pending, and no commit may tell */
    /* Cancelled: the process is dying, and its thread does nothing any more. */
    if (result < 0 && result != -ECANCELED && !m->batches.ending) {
        list_for_each (it, work) {
            list_entry(it, struct memory_change, link)->taken = false;
        }
        batches_again(&m->batches, work, TRY_AGAIN);
        return;
    }
    for (struct list *it = list_pop_front(work); it != NULL; it = list_pop_front(work)) {
        struct memory_change *c = list_entry(it, struct memory_change, link);
        m->changes += result == 0 ? c->count : 0;
        m->lost += result < 0 ? c->count : 0;
        free_change(m, c);
    }
}

static void taken(void *owner, struct list *item)
{
    (void)owner;
    list_entry(item, struct memory_change, link)->taken = true;
}

static const struct batches_ops memory_batches = {.apply = apply, .taken = taken, .ended = ended};

int memory_flush(struct memory *m)
{
    return batches_flush(&m->batches);
}

static struct memory *memory_end(struct memory *m, bool apply_queued)
{
    if (m == NULL) {
        return NULL;
    }
    batches_end(&m->batches, apply_queued);
    m->backend->ops->close(m->backend);
    digest_stream_free(m->digest);
    free(m);
    return NULL;
}

struct memory *memory_close(struct memory *m)
{
    return memory_end(m, true);
}

struct memory *memory_abandon(struct memory *m)
{
    return memory_end(m, false);
}

/* ---- reading ---- */

static bool is_over(const struct memory *m, const struct record *r, usec_t wall)
{
    return record_expires(r, memory_rules(m)) <= wall;
}

int memory_look(struct memory *m, enum record_kind kind, struct slice name, usec_t wall,
                struct record *ret)
{
    char room[RECORD_NAME_MAX];
    struct slice cut = record_name_cut(name, room);
    note_time(m);
    if (m->error < 0) {
        return m->error;
    }
    struct kept *k = place_of(m, kind, cut);
    int rc = freshen(m, k);
    if (rc < 0 || !k->there || is_over(m, &k->record, wall)) {
        return rc;
    }
    *ret = k->record;
    record_clamp(ret, wall);
    return 1;
}

int memory_find(struct memory *m, enum record_kind kind, struct slice name, usec_t wall,
                struct record *ret)
{
    int rc = memory_look(m, kind, name, wall, ret);
    if (rc == 1) {
        record_decay(ret, memory_rules(m), wall);
    }
    return rc;
}

struct each {
    const struct memory *memory;
    enum record_kind kind;
    usec_t wall;
    int (*fn)(void *arg, const struct record *r);
    void *arg;
};

static int each_one(void *arg, const uint8_t *p, size_t n)
{
    const struct each *e = arg;
    struct record r;
    if (!record_decode(p, n, &r) || is_over(e->memory, &r, e->wall) ||
        (e->kind != 0 && r.kind != e->kind)) {
        return 0;
    }
    record_clamp(&r, e->wall);
    return e->fn(e->arg, &r);
}

int memory_each(struct memory *m, enum record_kind kind, usec_t wall,
                int (*fn)(void *arg, const struct record *r), void *arg)
{
    struct each e = {.memory = m, .kind = kind, .wall = wall, .fn = fn, .arg = arg};
    int rc = memory_flush(m);
    return rc < 0 ? rc : m->backend->ops->each(m->backend, each_one, &e);
}

int memory_error(const struct memory *m)
{
    return m->error;
}

void memory_stats(const struct memory *m, struct memory_stats *ret)
{
    struct memory_backend *b = m->backend;
    *ret = (struct memory_stats){.changes = m->changes, .lost = m->lost, .error = m->error};
    ret->lost += atomic_load_explicit(&b->no_room, memory_order_relaxed);
    ret->evicted = atomic_load_explicit(&b->evicted, memory_order_relaxed);
    b->ops->figures(b, &ret->records, &ret->octets);
}

/* ---- names as records have them ---- */

struct slice memory_client_name(const struct addr *client, char ret[static MEMORY_ADDRESS_MAX])
{
    if (client->family == ADDR_V6) {
        return memory_network_name(client, ret);
    }
    return slice_of(addr_format(client, ret));
}

struct slice memory_network_name(const struct addr *client, char ret[static MEMORY_ADDRESS_MAX])
{
    struct addr network = addr_network(client);
    size_t n = strlen(addr_format(&network, ret));
    memcpy(ret + n, client->family == ADDR_V6 ? "/64" : "/24", sizeof("/64"));
    return (struct slice){ret, n + sizeof("/64") - 1};
}
