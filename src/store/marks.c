/* Marks in shared memory; see store/marks.h for what they are for and store/shm.h for
 * how the table survives the death of a process that holds its lock. */
#include "store/marks.h"

#include <errno.h>
#include <string.h>

#include "base/fatal.h"
#include "store/shm.h"

struct cell {
    struct digest key;
    usec_t expires; /* 0: void; written last when filling, first when emptying */
    uint32_t epoch;
    uint16_t slot;
};

struct marks {
    pthread_mutex_t lock;
    uint64_t seed;
    size_t cells; /* a power of two */
    uint32_t epochs[OWNER_SLOTS];
    struct cell cell[];
};

static uint32_t *reach_of(struct marks *m)
{
    return (uint32_t *)(void *)(m->cell + m->cells);
}

size_t marks_memory(size_t capacity)
{
    size_t cells = shm_cells(capacity);
    return sizeof(struct marks) + cells * (sizeof(struct cell) + sizeof(uint32_t));
}

struct marks *marks_init(void *memory, size_t capacity)
{
    struct marks *m = memory;
    memset(m, 0, marks_memory(capacity));
    shm_lock_init(&m->lock);
    m->seed = shm_seed();
    m->cells = shm_cells(capacity);
    return m;
}

void marks_fini(struct marks *m)
{
    pthread_mutex_destroy(&m->lock);
}

static void check_slot(uint16_t slot)
{
    if (slot >= OWNER_SLOTS) {
        panic("worker slot %u is out of range", (unsigned)slot);
    }
}

/* The master may void a slot's epoch meanwhile. */
static uint32_t epoch_of(const struct marks *m, uint16_t slot)
{
    return slot < OWNER_SLOTS ? __atomic_load_n(&m->epochs[slot], __ATOMIC_ACQUIRE) : 0;
}

struct owner marks_new_epoch(struct marks *m, uint16_t slot)
{
    check_slot(slot);
    uint32_t before = epoch_of(m, slot);
    /* 0 is the epoch before the first, which no owner ever has. */
    struct owner who = {.slot = slot, .epoch = before == UINT32_MAX ? 1 : before + 1};
    marks_take_epoch(m, who);
    return who;
}

/* Without the lock, which the master never takes (store/shm.h): nobody else writes epochs, and
 * whoever holds the lock may find this one void a moment earlier or later. */
void marks_take_epoch(struct marks *m, struct owner who)
{
    check_slot(who.slot);
    __atomic_store_n(&m->epochs[who.slot], who.epoch, __ATOMIC_RELEASE);
}

static bool is_current(const struct marks *m, struct owner who)
{
    check_slot(who.slot);
    return who.epoch != 0 && epoch_of(m, who.slot) == who.epoch;
}

static bool is_living(const struct marks *m, const struct cell *c, usec_t now)
{
    return c->expires > now && epoch_of(m, c->slot) == c->epoch;
}

static size_t home_of(const struct marks *m, const struct digest *key)
{
    return (size_t)shm_hash(m->seed, key, sizeof(*key)) & (m->cells - 1);
}

/* The living cell of `key`, or NULL. */
static struct cell *find(struct marks *m, const struct digest *key, usec_t now)
{
    size_t home = home_of(m, key);
    uint32_t *reach = reach_of(m) + home;
    uint32_t needed = 0;
    for (uint32_t i = 0; i < *reach; i++) {
        struct cell *c = &m->cell[(home + i) & (m->cells - 1)];
        if (!is_living(m, c, now)) {
            continue;
        }
        if (memcmp(&c->key, key, sizeof(*key)) == 0) {
            return c;
        }
        if (home_of(m, &c->key) == home) {
            needed = i + 1;
        }
    }
    *reach = needed;
    return NULL;
}

/* Fills a void cell near the key's home. */
static int place(struct marks *m, struct owner who, const struct digest *key, usec_t now,
                 usec_t expires)
{
    size_t home = home_of(m, key);
    uint32_t *reach = reach_of(m) + home;
    for (size_t i = 0; i < m->cells; i++) {
        struct cell *c = &m->cell[(home + i) & (m->cells - 1)];
        if (is_living(m, c, now)) {
            continue;
        }
        if (*reach < i + 1) {
            *reach = (uint32_t)(i + 1);
        }
        c->expires = 0;
        shm_ordered();
        c->key = *key;
        c->slot = who.slot;
        c->epoch = who.epoch;
        shm_ordered();
        c->expires = expires;
        return 0;
    }
    return -ENOSPC;
}

static void clear(struct marks *m, struct owner who, const struct digest *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct cell *c = find(m, &keys[i], 0);
        if (c != NULL && c->slot == who.slot && c->epoch == who.epoch) {
            c->expires = 0;
        }
    }
}

static int place_all(struct marks *m, struct owner who, const struct digest *keys, size_t count,
                     usec_t now, usec_t expires)
{
    if (!is_current(m, who)) {
        return -ESTALE;
    }
    for (size_t i = 0; i < count; i++) {
        if (find(m, &keys[i], now) != NULL) {
            return -EBUSY;
        }
    }
    for (size_t i = 0; i < count; i++) {
        /* The same recipient may have been given twice: then this call has marked it already. */
        if (find(m, &keys[i], now) == NULL && place(m, who, &keys[i], now, expires) < 0) {
            clear(m, who, keys, i);
            return -ENOSPC;
        }
    }
    return 0;
}

int marks_place(struct marks *m, struct owner who, const struct digest *keys, size_t count,
                usec_t now, usec_t expires)
{
    shm_lock(&m->lock);
    int rc = place_all(m, who, keys, count, now, expires);
    shm_unlock(&m->lock);
    return rc;
}

void marks_clear(struct marks *m, struct owner who, const struct digest *keys, size_t count)
{
    shm_lock(&m->lock);
    if (is_current(m, who)) {
        clear(m, who, keys, count);
    }
    shm_unlock(&m->lock);
}

bool marks_any(struct marks *m, const struct digest *keys, size_t count, usec_t now)
{
    bool any = false;
    shm_lock(&m->lock);
    for (size_t i = 0; i < count && !any; i++) {
        any = find(m, &keys[i], now) != NULL;
    }
    shm_unlock(&m->lock);
    return any;
}

size_t marks_count(struct marks *m, usec_t now)
{
    size_t living = 0;
    shm_lock(&m->lock);
    for (size_t i = 0; i < m->cells; i++) {
        living += is_living(m, &m->cell[i], now);
    }
    shm_unlock(&m->lock);
    return living;
}
