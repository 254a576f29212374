/* Who is connected, in shared memory; see store/presence.h for what it is for and store/shm.h for
 * how the table survives the death of a process that holds its lock.
 *
 * A cell counts what one client, or one network, has in one worker, waiting or greeted, so that the
 * death of a worker voids exactly its own share; a client's count is the sum over the workers'
 * cells. How many of all wait and how many are greeted is counted for each worker alone. */
#include "store/presence.h"

#include <string.h>

#include "base/fatal.h"
#include "store/shm.h"

/* How far from its home cell a client may lie. In a table that is half full, as it should be,
 * nearly all lie within ten; what this bounds is the time that a crowd can make everybody wait. */
#define PROBES_MOST ((size_t)256)

_Static_assert(PROBES_MOST <= UINT16_MAX, "how far is kept in 16 bits");

/* Who is counted: comparable octet by octet. */
struct key {
    uint8_t octets[16];
    uint8_t kind; /* the family, with NETWORK for its network */
};

#define NETWORK 0x80

struct cell {
    struct key key;
    uint16_t slot;
    uint32_t home; /* where the client would lie if there were no others */
    uint32_t epoch;
    uint32_t count;   /* 0: void; written last when filling */
    uint32_t greeted; /* of these */
};

struct worker {
    uint32_t epoch; /* 0: none yet */
    uint32_t waiting;
    uint32_t greeted;
    bool accepts;
};

struct presence {
    pthread_mutex_t lock;
    uint64_t seed;
    size_t cells;   /* a power of two */
    uint32_t slots; /* workers with a slot at or above this have never been */
    struct worker worker[OWNER_SLOTS];
    struct cell cell[];
};

static uint16_t *reach_of(struct presence *p, size_t home)
{
    return (uint16_t *)(void *)(p->cell + p->cells) + home;
}

size_t presence_memory(size_t clients)
{
    size_t cells = shm_cells(clients);
    return sizeof(struct presence) + cells * (sizeof(struct cell) + sizeof(uint16_t));
}

struct presence *presence_init(void *memory, size_t clients)
{
    struct presence *p = memory;
    memset(p, 0, presence_memory(clients));
    shm_lock_init(&p->lock);
    p->seed = shm_seed();
    p->cells = shm_cells(clients);
    return p;
}

void presence_fini(struct presence *p)
{
    pthread_mutex_destroy(&p->lock);
}

static uint32_t slots_of(const struct presence *p)
{
    uint32_t slots = __atomic_load_n(&p->slots, __ATOMIC_ACQUIRE);

    return slots < OWNER_SLOTS ? slots : OWNER_SLOTS;
}

/* Without the lock, which the master never takes (store/shm.h). The worker is gone, so nobody else
 * writes what is its slot's; and whoever holds the lock may find it void a moment earlier or later.
 */
void presence_new_epoch(struct presence *p, struct owner who)
{
    if (who.slot >= OWNER_SLOTS) {
        panic("worker slot %u is out of range", (unsigned)who.slot);
    }
    struct worker *w = &p->worker[who.slot];
    __atomic_store_n(&w->waiting, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&w->greeted, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&w->accepts, false, __ATOMIC_RELAXED);
    __atomic_store_n(&w->epoch, who.epoch, __ATOMIC_RELEASE);
    if (slots_of(p) <= who.slot) {
        __atomic_store_n(&p->slots, who.slot + 1u, __ATOMIC_RELEASE);
    }
}

/* Of a slot's worker, which the master may put to nothing meanwhile. */
static uint32_t epoch_of(const struct presence *p, uint32_t slot)
{
    return slot < OWNER_SLOTS ? __atomic_load_n(&p->worker[slot].epoch, __ATOMIC_ACQUIRE) : 0;
}

static bool accepts(const struct presence *p, uint32_t slot)
{
    return __atomic_load_n(&p->worker[slot].accepts, __ATOMIC_RELAXED);
}

static bool is_current(const struct presence *p, struct owner who)
{
    return who.epoch != 0 && epoch_of(p, who.slot) == who.epoch;
}

static bool is_living(const struct presence *p, const struct cell *c)
{
    return c->count > 0 && c->epoch != 0 && epoch_of(p, c->slot) == c->epoch;
}

static struct key key_of(const struct addr *client)
{
    struct key k = {.kind = client->family};
    memcpy(k.octets, client->octets, sizeof(k.octets));
    return k;
}

static struct key network_key(const struct addr *client)
{
    struct addr network = addr_network(client);
    struct key k = key_of(&network);
    k.kind |= NETWORK;
    return k;
}

static size_t home_of(const struct presence *p, const struct key *k)
{
    return (size_t)shm_hash(p->seed, k, sizeof(*k)) & (p->cells - 1);
}

/* What there is of a key. */
struct tally {
    unsigned count; /* in all workers */
    unsigned greeted;
    struct cell *own; /* the owner's own cell, or NULL */
};

static struct tally tally_of(struct presence *p, struct owner who, const struct key *k)
{
    size_t home = home_of(p, k);
    uint16_t *reach = reach_of(p, home);
    uint16_t needed = 0;
    struct tally t = {0};

    for (uint16_t i = 0; i < *reach; i++) {
        struct cell *c = &p->cell[(home + i) & (p->cells - 1)];
        if (c->home != home || !is_living(p, c)) {
            continue;
        }
        needed = (uint16_t)(i + 1);
        if (memcmp(&c->key, k, sizeof(*k)) == 0) {
            t.count += c->count;
            t.greeted += c->greeted;
            if (c->slot == who.slot && c->epoch == who.epoch) {
                t.own = c;
            }
        }
    }
    *reach = needed;
    return t;
}

/* Fills a void cell near the key's home with a count of one, if there is any. */
static void place(struct presence *p, struct owner who, const struct key *k)
{
    size_t home = home_of(p, k);
    uint16_t *reach = reach_of(p, home);

    for (size_t i = 0; i < PROBES_MOST; i++) {
        struct cell *c = &p->cell[(home + i) & (p->cells - 1)];
        if (is_living(p, c)) {
            continue;
        }
        if (*reach < i + 1) {
            *reach = (uint16_t)(i + 1);
        }
        c->count = 0;
        shm_ordered();
        c->key = *k;
        c->home = (uint32_t)home;
        c->slot = who.slot;
        c->epoch = who.epoch;
        c->greeted = 0;
        shm_ordered();
        c->count = 1;
        return;
    }
}

static void add_one(struct presence *p, struct owner who, const struct key *k,
                    const struct tally *t)
{
    if (t->own != NULL) {
        t->own->count++;
    } else {
        place(p, who, k);
    }
}

static unsigned waiting_in_all(const struct presence *p)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < slots_of(p); i++) {
        sum += __atomic_load_n(&p->worker[i].waiting, __ATOMIC_RELAXED);
    }
    return sum;
}

static unsigned greeted_in_all(const struct presence *p)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < slots_of(p); i++) {
        sum += __atomic_load_n(&p->worker[i].greeted, __ATOMIC_RELAXED);
    }
    return sum;
}

static enum presence_answer enter(struct presence *p, struct owner who, const struct addr *client,
                                  const struct presence_limits *limits, unsigned *ret_network)
{
    struct key key = key_of(client);
    struct key network_of = network_key(client);
    struct tally own = tally_of(p, who, &key);
    struct tally network = tally_of(p, who, &network_of);

    *ret_network = network.count;
    if (own.count >= limits->client) {
        return PRESENCE_CLIENT_FULL;
    }
    if (network.count >= limits->network) {
        return PRESENCE_NETWORK_FULL;
    }
    if (waiting_in_all(p) >= limits->waiting) {
        return PRESENCE_FULL;
    }
    p->worker[who.slot].waiting++;
    add_one(p, who, &key, &own);
    add_one(p, who, &network_of, &network);
    return PRESENCE_OK;
}

enum presence_answer presence_enter(struct presence *p, struct owner who, const struct addr *client,
                                    const struct presence_limits *limits, unsigned *ret_network)
{
    enum presence_answer answer = PRESENCE_OK;
    *ret_network = 0;
    shm_lock(&p->lock);
    if (is_current(p, who)) {
        answer = enter(p, who, client, limits, ret_network);
    }
    shm_unlock(&p->lock);
    return answer;
}

static void take_one(uint32_t *count)
{
    if (*count > 0) {
        (*count)--;
    }
}

static enum presence_answer greet(struct presence *p, struct owner who, const struct addr *client,
                                  unsigned most, bool fair)
{
    struct key key = key_of(client);
    struct key network_of = network_key(client);
    struct tally own = tally_of(p, who, &key);
    struct tally network = tally_of(p, who, &network_of);
    unsigned greeted = greeted_in_all(p);

    if (greeted >= most) {
        return PRESENCE_FULL;
    }
    if (fair && network.greeted >= most - greeted) {
        return PRESENCE_NETWORK_FULL;
    }
    take_one(&p->worker[who.slot].waiting);
    p->worker[who.slot].greeted++;
    /* There is none where the table was full when the client came. */
    if (own.own != NULL) {
        own.own->greeted++;
    }
    if (network.own != NULL) {
        network.own->greeted++;
    }
    return PRESENCE_OK;
}

enum presence_answer presence_greet(struct presence *p, struct owner who, const struct addr *client,
                                    unsigned most, bool fair)
{
    enum presence_answer answer = PRESENCE_OK;
    shm_lock(&p->lock);
    if (is_current(p, who)) {
        answer = greet(p, who, client, most, fair);
    }
    shm_unlock(&p->lock);
    return answer;
}

static void leave(struct presence *p, struct owner who, const struct key *k, bool greeted)
{
    struct cell *own = tally_of(p, who, k).own;
    if (own != NULL) {
        own->count--;
        if (greeted) {
            take_one(&own->greeted);
        }
    }
}

void presence_leave(struct presence *p, struct owner who, const struct addr *client, bool greeted)
{
    struct key key = key_of(client);
    struct key network = network_key(client);
    shm_lock(&p->lock);
    if (is_current(p, who)) {
        struct worker *w = &p->worker[who.slot];
        leave(p, who, &key, greeted);
        leave(p, who, &network, greeted);
        take_one(greeted ? &w->greeted : &w->waiting);
    }
    shm_unlock(&p->lock);
}

static unsigned count_of(struct presence *p, const struct key *k)
{
    shm_lock(&p->lock);
    unsigned count = tally_of(p, (struct owner){.epoch = 0}, k).count;
    shm_unlock(&p->lock);
    return count;
}

unsigned presence_of(struct presence *p, const struct addr *client)
{
    struct key key = key_of(client);
    return count_of(p, &key);
}

unsigned presence_of_network(struct presence *p, const struct addr *client)
{
    struct key key = network_key(client);
    return count_of(p, &key);
}

unsigned presence_total(struct presence *p)
{
    shm_lock(&p->lock);
    unsigned sum = greeted_in_all(p);
    shm_unlock(&p->lock);
    return sum;
}

unsigned presence_waiting(struct presence *p)
{
    shm_lock(&p->lock);
    unsigned sum = waiting_in_all(p);
    shm_unlock(&p->lock);
    return sum;
}

/* ---- who accepts ---- */

static bool accepts_beside(const struct presence *p, uint32_t slot)
{
    for (uint32_t i = 0; i < slots_of(p); i++) {
        if (i != slot && accepts(p, i)) {
            return true;
        }
    }
    return false;
}

void presence_accept(struct presence *p, struct owner who, bool accepts)
{
    shm_lock(&p->lock);
    if (is_current(p, who)) {
        p->worker[who.slot].accepts = accepts;
    }
    shm_unlock(&p->lock);
}

bool presence_stand_back(struct presence *p, struct owner who)
{
    bool others = false;
    shm_lock(&p->lock);
    if (is_current(p, who) && accepts_beside(p, who.slot)) {
        p->worker[who.slot].accepts = false;
        others = true;
    }
    shm_unlock(&p->lock);
    return others;
}

bool presence_anybody_accepts(struct presence *p)
{
    shm_lock(&p->lock);
    bool any = accepts_beside(p, OWNER_SLOTS);
    shm_unlock(&p->lock);
    return any;
}
