/* Who is connected, in shared memory; see store/presence.h for what it is for and store/shm.h for
 * how the table survives the death of a process that holds its lock.
 *
 * A cell counts what one client has in one worker, waiting or greeted, so that the death of a
 * worker voids exactly its own share; a client's count is the sum over the workers' cells. How many
 * of all wait and how many are greeted is counted for each worker alone. */
#include "store/presence.h"

#include <string.h>

#include "base/fatal.h"
#include "store/shm.h"

/* How far from its home cell a client may lie. In a table that is half full, as it should be,
 * nearly all lie within ten; what this bounds is the time that a crowd can make everybody wait. */
#define PROBES_MOST ((size_t)256)

_Static_assert(PROBES_MOST <= UINT16_MAX, "how far is kept in 16 bits");

struct cell {
    uint8_t octets[16];
    uint32_t home; /* where the client would lie if there were no others */
    uint32_t epoch;
    uint32_t count; /* 0: void; written last when filling */
    uint16_t slot;
    uint8_t family;
};

struct worker {
    uint32_t epoch; /* 0: none yet */
    uint32_t waiting;
    uint32_t greeted;
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

void presence_new_epoch(struct presence *p, struct owner who)
{
    if (who.slot >= OWNER_SLOTS) {
        panic("worker slot %u is out of range", (unsigned)who.slot);
    }
    shm_lock(&p->lock);
    struct worker *w = &p->worker[who.slot];
    w->waiting = 0;
    w->greeted = 0;
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

/* What the client has in all workers; *ret_own becomes the owner's own cell of it, or NULL. */
static unsigned count_of(struct presence *p, struct owner who, const struct addr *client,
                         struct cell **ret_own)
{
    size_t home = home_of(p, client->octets);
    uint16_t *reach = reach_of(p, home);
    uint16_t needed = 0;
    unsigned count = 0;

    *ret_own = NULL;
    for (uint16_t i = 0; i < *reach; i++) {
        struct cell *c = &p->cell[(home + i) & (p->cells - 1)];
        if (c->home != home || !is_living(p, c)) {
            continue;
        }
        needed = (uint16_t)(i + 1);
        if (c->family == client->family && memcmp(c->octets, client->octets, 16) == 0) {
            count += c->count;
            if (c->slot == who.slot && c->epoch == who.epoch) {
                *ret_own = c;
            }
        }
    }
    *reach = needed;
    return count;
}

/* Fills a void cell near the client's home with a count of one, if there is any. */
static void place(struct presence *p, struct owner who, const struct addr *client)
{
    size_t home = home_of(p, client->octets);
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
        memcpy(c->octets, client->octets, sizeof(c->octets));
        c->home = (uint32_t)home;
        c->family = client->family;
        c->slot = who.slot;
        c->epoch = who.epoch;
        shm_ordered();
        c->count = 1;
        return;
    }
}

static unsigned waiting_in_all(const struct presence *p)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < p->slots; i++) {
        sum += p->worker[i].waiting;
    }
    return sum;
}

static unsigned greeted_in_all(const struct presence *p)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < p->slots; i++) {
        sum += p->worker[i].greeted;
    }
    return sum;
}

static enum presence_answer enter(struct presence *p, struct owner who, const struct addr *client,
                                  unsigned per_client, unsigned waiting_most)
{
    if (!is_current(p, who)) {
        return PRESENCE_OK;
    }
    struct cell *own;
    if (count_of(p, who, client, &own) >= per_client) {
        return PRESENCE_CLIENT_FULL;
    }
    if (waiting_in_all(p) >= waiting_most) {
        return PRESENCE_FULL;
    }
    p->worker[who.slot].waiting++;
    if (own != NULL) {
        own->count++;
    } else {
        place(p, who, client);
    }
    return PRESENCE_OK;
}

enum presence_answer presence_enter(struct presence *p, struct owner who, const struct addr *client,
                                    unsigned per_client, unsigned waiting_most)
{
    shm_lock(&p->lock);
    enum presence_answer answer = enter(p, who, client, per_client, waiting_most);
    shm_unlock(&p->lock);
    return answer;
}

static void take_one(uint32_t *count)
{
    if (*count > 0) {
        (*count)--;
    }
}

enum presence_answer presence_greet(struct presence *p, struct owner who, unsigned greeted_most)
{
    enum presence_answer answer = PRESENCE_OK;
    shm_lock(&p->lock);
    if (is_current(p, who)) {
        if (greeted_in_all(p) >= greeted_most) {
            answer = PRESENCE_FULL;
        } else {
            take_one(&p->worker[who.slot].waiting);
            p->worker[who.slot].greeted++;
        }
    }
    shm_unlock(&p->lock);
    return answer;
}

void presence_leave(struct presence *p, struct owner who, const struct addr *client, bool greeted)
{
    shm_lock(&p->lock);
    if (is_current(p, who)) {
        struct worker *w = &p->worker[who.slot];
        struct cell *own;
        (void)count_of(p, who, client, &own);
        /* There is none where the table was full when the client came. */
        if (own != NULL) {
            own->count--;
        }
        take_one(greeted ? &w->greeted : &w->waiting);
    }
    shm_unlock(&p->lock);
}

unsigned presence_of(struct presence *p, const struct addr *client)
{
    struct cell *own;
    shm_lock(&p->lock);
    unsigned count = count_of(p, (struct owner){.epoch = 0}, client, &own);
    shm_unlock(&p->lock);
    return count;
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
