/* Rates in shared memory; see store/rates.h for what they are and store/shm.h for how the table
 * survives the death of a process that holds its lock. */
#include "store/rates.h"

#include <string.h>

#include "store/shm.h"

/* How far from its home cell a key may lie. In a table that is half full, as it should be, nearly
 * all lie within ten. */
#define PROBES_MOST 64

#define WINDOW      (60 * USEC_SEC)

/* Who comes: comparable octet by octet. */
struct key {
    uint8_t octets[16];
    uint64_t kind; /* the family, with NETWORK for its network */
};

#define NETWORK 0x100

struct cell {
    struct key key;
    uint64_t home;
    usec_t until; /* the bucket is empty then; over: void; written last when filling */
};

struct rates {
    pthread_mutex_t lock;
    uint64_t seed;
    size_t cells; /* a power of two */
    struct cell cell[];
};

static uint8_t *reach_of(struct rates *r, size_t home)
{
    return (uint8_t *)(r->cell + r->cells) + home;
}

size_t rates_memory(size_t capacity)
{
    size_t cells = shm_cells(capacity);
    return sizeof(struct rates) + cells * (sizeof(struct cell) + sizeof(uint8_t));
}

struct rates *rates_init(void *memory, size_t capacity)
{
    struct rates *r = memory;
    memset(r, 0, rates_memory(capacity));
    shm_lock_init(&r->lock);
    r->seed = shm_seed();
    r->cells = shm_cells(capacity);
    return r;
}

void rates_fini(struct rates *r)
{
    pthread_mutex_destroy(&r->lock);
}

static struct key key_of(const struct addr *a, uint64_t flag)
{
    struct key k = {.kind = a->family | flag};
    memcpy(k.octets, a->octets, sizeof(k.octets));
    return k;
}

static size_t home_of(const struct rates *r, const struct key *k)
{
    return (size_t)shm_hash(r->seed, k, sizeof(*k)) & (r->cells - 1);
}

static struct cell *cell_at(struct rates *r, size_t home, size_t i)
{
    return &r->cell[(home + i) & (r->cells - 1)];
}

static struct cell *find(struct rates *r, const struct key *k, usec_t now)
{
    size_t home = home_of(r, k);
    uint8_t *reach = reach_of(r, home);
    uint8_t needed = 0;
    struct cell *found = NULL;
    for (uint8_t i = 0; i < *reach; i++) {
        struct cell *c = cell_at(r, home, i);
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

/* Fills the first void cell near the key's home, or the one whose bucket is empty first. */
static void place(struct rates *r, const struct key *k, usec_t until, usec_t now)
{
    size_t home = home_of(r, k);
    uint8_t *reach = reach_of(r, home);
    uint8_t best = 0;
    for (uint8_t i = 0; i < PROBES_MOST; i++) {
        usec_t ends = cell_at(r, home, i)->until;
        if (ends < cell_at(r, home, best)->until || ends <= now) {
            best = i;
        }
        if (ends <= now) {
            break;
        }
    }
    if (*reach < best + 1) {
        *reach = (uint8_t)(best + 1);
    }
    struct cell *c = cell_at(r, home, best);
    c->until = 0;
    shm_ordered();
    c->key = *k;
    c->home = home;
    shm_ordered();
    c->until = until;
}

/* One key's share of a connection. */
struct share {
    struct key key;
    unsigned a_minute; /* 0: no limit */
    struct cell *cell; /* NULL: nothing is remembered */
};

static void look(struct rates *r, struct share *s, usec_t now)
{
    s->cell = s->a_minute > 0 ? find(r, &s->key, now) : NULL;
}

static usec_t interval(const struct share *s)
{
    return WINDOW / s->a_minute;
}

static bool over(const struct share *s, usec_t now)
{
    return s->cell != NULL && s->cell->until - now > WINDOW - interval(s);
}

static void count(struct rates *r, const struct share *s, usec_t now)
{
    if (s->cell != NULL) {
        s->cell->until += interval(s);
    } else if (s->a_minute > 0) {
        place(r, &s->key, now + interval(s), now);
    }
}

static enum rates_answer take(struct rates *r, struct share *client, struct share *network,
                              usec_t now)
{
    look(r, client, now);
    look(r, network, now);
    if (over(client, now)) {
        return RATES_CLIENT;
    }
    if (over(network, now)) {
        return RATES_NETWORK;
    }
    count(r, client, now);
    look(r, network, now); /* the client's place may have been its */
    count(r, network, now);
    return RATES_OK;
}

enum rates_answer rates_take(struct rates *r, const struct addr *client, unsigned per_client,
                             unsigned per_network, usec_t now)
{
    struct addr network = addr_network(client);
    struct share of_client = {.key = key_of(client, 0), .a_minute = per_client};
    struct share of_network = {.key = key_of(&network, NETWORK), .a_minute = per_network};
    if (per_client == 0 && per_network == 0) {
        return RATES_OK;
    }
    shm_lock(&r->lock);
    enum rates_answer answer = take(r, &of_client, &of_network, now);
    shm_unlock(&r->lock);
    return answer;
}

size_t rates_count(struct rates *r, usec_t now)
{
    size_t living = 0;
    shm_lock(&r->lock);
    for (size_t i = 0; i < r->cells; i++) {
        living += r->cell[i].until > now;
    }
    shm_unlock(&r->lock);
    return living;
}
