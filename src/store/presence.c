/* Sessions of each client in shared memory; see store/presence.h for what it is for and store/shm.h
 * for how the table survives the death of a process that holds its lock.
 *
 * A cell counts the sessions of one client in one worker, so that the death of a worker voids
 * exactly its own share; a client's sessions are the sum over the workers' cells. */
#include "store/presence.h"

#include <string.h>

#include "base/fatal.h"
#include "store/shm.h"

struct cell {
    uint8_t octets[16];
    uint32_t epoch;
    uint32_t count; /* 0: void; written last when filling */
    uint16_t slot;
    uint8_t family;
};

struct worker {
    uint32_t epoch; /* 0: none yet */
    uint32_t sessions;
};

struct presence {
    pthread_mutex_t lock;
    uint64_t seed;
    size_t cells;   /* a power of two */
    uint32_t slots; /* workers with a slot at or above this have never been */
    struct worker worker[OWNER_SLOTS];
    struct cell cell[];
};

static uint32_t *reach_of(struct presence *p)
{
    return (uint32_t *)(void *)(p->cell + p->cells);
}

size_t presence_memory(size_t clients)
{
    size_t cells = shm_cells(clients);
    return sizeof(struct presence) + cells * (sizeof(struct cell) + sizeof(uint32_t));
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

void presence_new_epoch(struct presence *p, struct owner who)
{
    if (who.slot >= OWNER_SLOTS) {
        panic("worker slot %u is out of range", (unsigned)who.slot);
    }
    shm_lock(&p->lock);
    struct worker *w = &p->worker[who.slot];
    w->sessions = 0;
    w->epoch = who.epoch;
    if (p->slots <= who.slot) {
        p->slots = who.slot + 1u;
    }
    shm_unlock(&p->lock);
}

static bool is_current(const struct presence *p, struct owner who)
{
    return who.slot < OWNER_SLOTS && who.epoch != 0 && p->worker[who.slot].epoch == who.epoch;
}

static bool is_living(const struct presence *p, const struct cell *c)
{
    return c->count > 0 && p->worker[c->slot].epoch == c->epoch;
}

static size_t home_of(const struct presence *p, const uint8_t octets[static 16])
{
    return (size_t)shm_hash(p->seed, octets, 16) & (p->cells - 1);
}

/* The owner's own living cell of the client, or NULL, and the client's sessions in all workers. */
static struct cell *find(struct presence *p, struct owner who, const struct addr *client,
                         unsigned *ret_sessions)
{
    size_t home = home_of(p, client->octets);
    uint32_t *reach = reach_of(p) + home;
    uint32_t needed = 0;
    unsigned sessions = 0;
    struct cell *own = NULL;
    for (uint32_t i = 0; i < *reach; i++) {
        struct cell *c = &p->cell[(home + i) & (p->cells - 1)];
        if (!is_living(p, c) || home_of(p, c->octets) != home) {
            continue;
        }
        needed = i + 1;
        if (c->family == client->family && memcmp(c->octets, client->octets, 16) == 0) {
            sessions += c->count;
            if (c->slot == who.slot && c->epoch == who.epoch) {
                own = c;
            }
        }
    }
    *reach = needed;
    *ret_sessions = sessions;
    return own;
}

/* Fills a void cell near the client's home with a count of one, if there is any. */
static void place(struct presence *p, struct owner who, const struct addr *client)
{
    size_t home = home_of(p, client->octets);
    uint32_t *reach = reach_of(p) + home;
    for (size_t i = 0; i < p->cells; i++) {
        struct cell *c = &p->cell[(home + i) & (p->cells - 1)];
        if (is_living(p, c)) {
            continue;
        }
        if (*reach < i + 1) {
            *reach = (uint32_t)(i + 1);
        }
        c->count = 0;
        shm_ordered();
        memcpy(c->octets, client->octets, sizeof(c->octets));
        c->family = client->family;
        c->slot = who.slot;
        c->epoch = who.epoch;
        shm_ordered();
        c->count = 1;
        return;
    }
}

static unsigned total(const struct presence *p)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < p->slots; i++) {
        sum += p->worker[i].sessions;
    }
    return sum;
}

static enum presence_answer enter(struct presence *p, struct owner who, const struct addr *client,
                                  unsigned per_client, unsigned in_all)
{
    if (!is_current(p, who)) {
        return PRESENCE_OK;
    }
    unsigned sessions;
    struct cell *own = find(p, who, client, &sessions);
    if (sessions >= per_client) {
        return PRESENCE_CLIENT_FULL;
    }
    if (total(p) >= in_all) {
        return PRESENCE_FULL;
    }
    p->worker[who.slot].sessions++;
    if (own != NULL) {
        own->count++;
    } else {
        place(p, who, client);
    }
    return PRESENCE_OK;
}

enum presence_answer presence_enter(struct presence *p, struct owner who, const struct addr *client,
                                    unsigned per_client, unsigned in_all)
{
    shm_lock(&p->lock);
    enum presence_answer answer = enter(p, who, client, per_client, in_all);
    shm_unlock(&p->lock);
    return answer;
}

void presence_leave(struct presence *p, struct owner who, const struct addr *client)
{
    shm_lock(&p->lock);
    if (is_current(p, who)) {
        unsigned sessions;
        struct cell *own = find(p, who, client, &sessions);
        /* There is none where the table was full when the session came. */
        if (own != NULL) {
            own->count--;
        }
        if (p->worker[who.slot].sessions > 0) {
            p->worker[who.slot].sessions--;
        }
    }
    shm_unlock(&p->lock);
}

unsigned presence_total(struct presence *p)
{
    shm_lock(&p->lock);
    unsigned sum = total(p);
    shm_unlock(&p->lock);
    return sum;
}
