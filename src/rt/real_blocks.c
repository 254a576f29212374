/* How long turns of the loop keep all others waiting, and what part of that is their own.
 *
 * A turn that takes long has worked all the while, or slept in a call to the system (a disk, a
 * lock), or was ready to go on while others had the processor. The system counts for each thread
 * its processor time, and how often it went to sleep: a turn that never slept owns its processor
 * time, and one that slept all of its time, since nobody tells for how long.
 *
 * To look at these counts costs a call to the system. It is made at the end of turns that took
 * long, and when a turn wakes up, unless it was made within OFTEN: by so much may an own part be
 * overstated, and all of it where the loop went to sleep since then. */
#include <sys/resource.h>

#include "rt/real_impl.h"

#define MINUTE (60 * USEC_SEC)
#define OFTEN  ((usec_t)100)
/* Turns that are shorter are taken for their own. */
#define LOOKED_INTO USEC_MSEC

static usec_t usec_of(struct timeval t)
{
    return (usec_t)t.tv_sec * USEC_SEC + t.tv_usec;
}

/* False where the system does not tell. */
static bool look(struct loop_use *ret, usec_t now)
{
    struct rusage u;

    if (getrusage(RUSAGE_THREAD, &u) < 0) {
        return false;
    }
    *ret = (struct loop_use){
        .at = now, .processor = usec_of(u.ru_utime) + usec_of(u.ru_stime), .slept = u.ru_nvcsw};
    return true;
}

void real_blocks_awake(struct block_meter *m, usec_t now)
{
    if (now - m->use.at >= OFTEN) {
        look(&m->use, now);
    }
}

static usec_t own_part(const struct block_meter *m, usec_t block, usec_t now)
{
    struct loop_use use;

    if (block < LOOKED_INTO || !look(&use, now) || use.slept != m->use.slept) {
        return block;
    }
    usec_t worked = use.processor - m->use.processor;
    return worked < block ? worked : block;
}

static void raise_to(usec_t *most, usec_t n)
{
    if (n > *most) {
        *most = n;
    }
}

static void begin_minute(struct block_meter *m, usec_t now)
{
    bool next = now - m->minute_began < 2 * MINUTE;

    m->last = next ? m->now : (struct block_minute){0};
    m->now = (struct block_minute){0};
    m->minute_began = now;
}

void real_blocks_turned(struct block_meter *m, usec_t awake_since, usec_t now)
{
    usec_t block = now - awake_since;
    usec_t own = own_part(m, block, now);

    if (now - m->minute_began >= MINUTE) {
        begin_minute(m, now);
    }
    if (block > m->blocks.longest) {
        m->blocks.longest = block;
        m->blocks.longest_at = now;
    }
    raise_to(&m->now.longest, block);
    raise_to(&m->now.own, own);
    raise_to(&m->blocks.own, own);
    m->blocks.own_long += own > REAL_BLOCK_LONG;
}

struct real_blocks real_blocks(const struct rt *rt)
{
    const struct block_meter *m = &((const struct real *)rt)->meter;
    struct real_blocks b = m->blocks;

    b.recent = m->now.longest;
    b.own_recent = m->now.own;
    raise_to(&b.recent, m->last.longest);
    raise_to(&b.own_recent, m->last.own);
    return b;
}
