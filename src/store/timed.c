/* See store/timed.h for what the table is and store/shm.h for how it survives the death of a
 * process that holds its lock. */
#include "store/timed.h"

#include <string.h>

#include "store/shm.h"

/* How far from its home cell a key may lie. In a table that is half full, as it should be, nearly
 * all lie within ten. */
#define PROBES_MOST 128

struct cell {
    struct timed_key key;
    uint64_t home; /* where the key would lie if there were no others */
    usec_t until;  /* over: void; written last when filling */
};

_Static_assert(sizeof(struct timed) % _Alignof(struct cell) == 0, "the cells come right behind");

static struct cell *cells_of(const struct timed *t)
{
    return (struct cell *)(t + 1);
}

static uint8_t *reach_of(struct timed *t, size_t home)
{
    return (uint8_t *)(cells_of(t) + t->cells) + home;
}

static struct cell *cell_at(const struct timed *t, size_t home, size_t i)
{
    return &cells_of(t)[(home + i) & (t->cells - 1)];
}

size_t timed_memory(size_t capacity)
{
    return sizeof(struct timed) + shm_cells(capacity) * (sizeof(struct cell) + sizeof(uint8_t));
}

void timed_init(struct timed *t, size_t capacity)
{
    memset(t, 0, timed_memory(capacity));
    shm_lock_init(&t->lock);
    t->seed = shm_seed();
    t->cells = shm_cells(capacity);
}

void timed_fini(struct timed *t)
{
    pthread_mutex_destroy(&t->lock);
}

void timed_lock(struct timed *t)
{
    shm_lock(&t->lock);
}

void timed_unlock(struct timed *t)
{
    shm_unlock(&t->lock);
}

struct timed_key timed_key(const struct addr *a, size_t octets, uint64_t flag)
{
    struct timed_key k = {.kind = a->family | flag};
    memcpy(k.octets, a->octets, octets);
    return k;
}

/* The living cell of the key, or NULL. */
static struct cell *find(struct timed *t, const struct timed_key *k, size_t home, usec_t now)
{
    uint8_t *reach = reach_of(t, home);
    uint8_t needed = 0;
    struct cell *found = NULL;
    for (uint8_t i = 0; i < *reach; i++) {
        struct cell *c = cell_at(t, home, i);
        if (c->home != home || c->until <= now) {
            continue;
        }
        needed = (uint8_t)(i + 1);
        if (memcmp(&c->key, k, sizeof(*k)) == 0) {
            found = c;
        }
    }
    *reach = needed;
    return found;
}

/* Fills the first void cell near the key's home, or the one whose entry ends first. */
static void place(struct timed *t, const struct timed_key *k, size_t home, usec_t until, usec_t now)
{
    uint8_t *reach = reach_of(t, home);
    uint8_t best = 0;
    for (uint8_t i = 0; i < PROBES_MOST; i++) {
        usec_t ends = cell_at(t, home, i)->until;
        if (ends < cell_at(t, home, best)->until || ends <= now) {
            best = i;
        }
        if (ends <= now) {
            break;
        }
    }
    if (*reach < best + 1) {
        *reach = (uint8_t)(best + 1);
    }
    struct cell *c = cell_at(t, home, best);
    c->until = 0;
    shm_ordered();
    c->key = *k;
    c->home = home;
    shm_ordered();
    c->until = until;
}

static size_t home_of(const struct timed *t, const struct timed_key *k)
{
    return (size_t)shm_hash(t->seed, k, sizeof(*k)) & (t->cells - 1);
}

usec_t timed_until(struct timed *t, const struct timed_key *k, usec_t now)
{
    const struct cell *c = find(t, k, home_of(t, k), now);
    return c != NULL ? c->until : 0;
}

void timed_set(struct timed *t, const struct timed_key *k, usec_t until, usec_t now)
{
    if (until <= now) {
        return;
    }
    size_t home = home_of(t, k);
    struct cell *c = find(t, k, home, now);
    if (c != NULL) {
        c->until = until;
    } else {
        place(t, k, home, until, now);
    }
}

size_t timed_count(const struct timed *t, usec_t now)
{
    size_t living = 0;
    for (size_t i = 0; i < t->cells; i++) {
        living += cells_of(t)[i].until > now;
    }
    return living;
}
