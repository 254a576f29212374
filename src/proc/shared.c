/* See proc/shared.h. */
#include "proc/shared.h"

#include <errno.h>
#include <sys/mman.h>

/* Recipients in doubt at a time, ledger entries disarmed within a few milliseconds, different
 * clients and networks connected at a time, that came within a minute, and banned. */
#define MARKS_MOST    65536
#define DISARMED_MOST 16384
#define CLIENTS_MOST  131072
#define RATES_MOST    32768
#define BANS_MOST     65536

static void *map(size_t n)
{
    void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory != MAP_FAILED ? memory : NULL;
}

static void unmap(void *memory, size_t n)
{
    if (memory != NULL) {
        munmap(memory, n);
    }
}

int shared_map(struct shared *ret)
{
    void *marks = map(marks_memory(MARKS_MOST));
    void *disarmed = map(marks_memory(DISARMED_MOST));
    void *presence = map(presence_memory(CLIENTS_MOST));
    void *rates = map(rates_memory(RATES_MOST));
    void *bans = map(bans_memory(BANS_MOST));

    if (marks == NULL || disarmed == NULL || presence == NULL || rates == NULL || bans == NULL) {
        int r = -errno;
        unmap(marks, marks_memory(MARKS_MOST));
        unmap(disarmed, marks_memory(DISARMED_MOST));
        unmap(presence, presence_memory(CLIENTS_MOST));
        unmap(rates, rates_memory(RATES_MOST));
        unmap(bans, bans_memory(BANS_MOST));
        return r;
    }
    ret->marks = marks_init(marks, MARKS_MOST);
    ret->disarmed = marks_init(disarmed, DISARMED_MOST);
    ret->presence = presence_init(presence, CLIENTS_MOST);
    ret->rates = rates_init(rates, RATES_MOST);
    ret->bans = bans_init(bans, BANS_MOST);
    return 0;
}

struct owner shared_new_owner(const struct shared *s, uint16_t slot)
{
    struct owner who = marks_new_epoch(s->marks, slot);

    marks_take_epoch(s->disarmed, who);
    presence_new_epoch(s->presence, who);
    return who;
}

void shared_unmap(struct shared *s)
{
    marks_fini(s->marks);
    marks_fini(s->disarmed);
    presence_fini(s->presence);
    rates_fini(s->rates);
    bans_fini(s->bans);
    unmap(s->marks, marks_memory(MARKS_MOST));
    unmap(s->disarmed, marks_memory(DISARMED_MOST));
    unmap(s->presence, presence_memory(CLIENTS_MOST));
    unmap(s->rates, rates_memory(RATES_MOST));
    unmap(s->bans, bans_memory(BANS_MOST));
}
