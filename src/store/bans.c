/* Bans in shared memory; see store/bans.h for what they are and store/shm.h for how the table
 * survives the death of a process that holds its lock. */
#include "store/bans.h"

#include <string.h>

#include "store/shm.h"

/* How far from its home cell a ban may lie. In a table that is half full, as it should be, nearly
 * all lie within ten. */
#define PROBES_MOST 128

/* Who is banned: comparable octet by octet. */
struct key {
    uint8_t octets[8]; /* the /64, or all of an IPv4 address and zeros, see base/addr.h */
    uint64_t family;
};

struct cell {
    struct key key;
    usec_t until; /* over: void; written last when filling, first when emptying */
    uint64_t home;
};

struct bans {
    pthread_mutex_t lock;
    uint64_t seed;
    size_t cells;  /* a power of two */
    usec_t latest; /* no ban ends later; read without the lock */
    struct cell cell[];
};

static uint8_t *reach_of(struct bans *b, size_t home)
{
    return (uint8_t *)(b->cell + b->cells) + home;
}

size_t bans_memory(size_t capacity)
{
    size_t cells = shm_cells(capacity);
    return sizeof(struct bans) + cells * (sizeof(struct cell) + sizeof(uint8_t));
}

struct bans *bans_init(void *memory, size_t capacity)
{
    struct bans *b = memory;
    memset(b, 0, bans_memory(capacity));
    shm_lock_init(&b->lock);
    b->seed = shm_seed();
    b->cells = shm_cells(capacity);
    return b;
}

void bans_fini(struct bans *b)
{
    pthread_mutex_destroy(&b->lock);
}

static struct key key_of(const struct addr *client)
{
    struct key k = {.family = client->family};
    memcpy(k.octets, client->octets, sizeof(k.octets));
    return k;
}

static size_t home_of(const struct bans *b, const struct key *k)
{
    return (size_t)shm_hash(b->seed, k, sizeof(*k)) & (b->cells - 1);
}

static struct cell *cell_at(struct bans *b, size_t home, size_t i)
{
    return &b->cell[(home + i) & (b->cells - 1)];
}

/* The living ban of the key, or NULL. */
static struct cell *find(struct bans *b, const struct key *k, usec_t now)
{
    size_t home = home_of(b, k);
    uint8_t *reach = reach_of(b, home);
    uint8_t needed = 0;
    struct cell *found = NULL;
    for (uint8_t i = 0; i < *reach; i++) {
        struct cell *c = cell_at(b, home, i);
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

/* Fills the first void cell near the key's home, or the one whose ban ends first. */
static void place(struct bans *b, const struct key *k, usec_t until, usec_t now)
{
    size_t home = home_of(b, k);
    uint8_t *reach = reach_of(b, home);
    uint8_t best = 0;
    for (uint8_t i = 0; i < PROBES_MOST; i++) {
        usec_t ends = cell_at(b, home, i)->until;
        if (ends < cell_at(b, home, best)->until || ends <= now) {
            best = i;
        }
        if (ends <= now) {
            break;
        }
    }
    if (*reach < best + 1) {
        *reach = (uint8_t)(best + 1);
    }
    struct cell *c = cell_at(b, home, best);
    c->until = 0;
    shm_ordered();
    c->key = *k;
    c->home = home;
    shm_ordered();
    c->until = until;
}

void bans_add(struct bans *b, const struct addr *client, usec_t until, usec_t now)
{
    if (client->family == ADDR_NONE || until <= now) {
        return;
    }
    struct key k = key_of(client);
    shm_lock(&b->lock);
    /* Before the ban itself, so that whoever finds this process dead sees no ban beyond it. */
    if (b->latest < until) {
        __atomic_store_n(&b->latest, until, __ATOMIC_RELEASE);
    }
    struct cell *c = find(b, &k, now);
    if (c == NULL) {
        place(b, &k, until, now);
    } else if (c->until < until) {
        c->until = until;
    }
    shm_unlock(&b->lock);
}

usec_t bans_until(struct bans *b, const struct addr *client, usec_t now)
{
    if (__atomic_load_n(&b->latest, __ATOMIC_ACQUIRE) <= now) {
        return 0;
    }
    struct key k = key_of(client);
    shm_lock(&b->lock);
    const struct cell *c = find(b, &k, now);
    usec_t until = c != NULL ? c->until : 0;
    shm_unlock(&b->lock);
    return until;
}

size_t bans_count(struct bans *b, usec_t now)
{
    size_t living = 0;
    shm_lock(&b->lock);
    for (size_t i = 0; i < b->cells; i++) {
        living += b->cell[i].until > now;
    }
    shm_unlock(&b->lock);
    return living;
}
