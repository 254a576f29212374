/* What a change makes of a record, and which record goes first. Pure. */
#include <string.h>

#include "store/memory_impl.h"

/* A record that lies further in the future than clocks of one host differ is from a clock that was
 * wrong. */
#define FUTURE (60 * USEC_SEC)

/* Records looked at for one that goes; more where all of these would be a loss. */
#define SAMPLE 16

/* ---- changes ---- */

/* Does what was there go on? After a clock has jumped, what seems to be over may not be. What
 * stands for a span of time is over by the clock all the same. */
static bool goes_on(const struct memory_change *c, const struct record *r, usec_t wall,
                    const struct record_rules *rules)
{
    return record_expires(r, rules) > wall ||
           (c->jumped && r->kind != RECORD_DEFERRAL && r->kind != RECORD_BAN);
}

void memory_change_add(const struct memory_change *c, struct record *r, const struct record *delta,
                       const struct record_rules *rules)
{
    if (!goes_on(c, r, delta->last, rules)) {
        *r = *delta;
        return;
    }
    if (c->steady && r->last - FUTURE > delta->last) {
        record_clamp(r, delta->last);
    }
    record_add(r, delta, rules);
}

size_t memory_change_apply(const struct memory_change *c, const uint8_t *old, size_t old_n,
                           const struct record_rules *rules, uint8_t ret[static RECORD_OCTETS_MAX])
{
    struct record there, delta;
    if (c->kind == CHANGE_ADD && record_decode(old, old_n, &there) &&
        record_decode(c->octets, c->record_n, &delta)) {
        memory_change_add(c, &there, &delta, rules);
        return record_encode(&there, ret);
    }
    memcpy(ret, c->octets, c->record_n);
    return c->record_n;
}

/* ---- what goes ---- */

bool memory_is_over(const uint8_t *p, size_t n, const struct record_rules *rules,
                    const struct batch_time *time)
{
    struct record r;
    return !record_decode(p, n, &r) || (time->steady && record_expires(&r, rules) <= time->wall);
}

enum memory_sight memory_sample_see(struct memory_sample *s, const struct memory_key *key,
                                    const uint8_t *p, size_t n)
{
    struct record r;
    s->seen++;
    if (memory_is_over(p, n, s->rules, &s->time)) {
        return SIGHT_EXPIRED;
    }
    if (!record_decode(p, n, &r) ||
        (r.kind == RECORD_BAN && (r.until > s->time.wall || !s->time.steady))) {
        return SIGHT_KEEP;
    }
    bool over = record_expires(&r, s->rules) <= s->time.wall;
    double worth = over ? 0 : record_worth(&r, s->time.wall);
    if (!s->found || worth < s->worth) {
        s->found = true;
        s->worth = worth;
        s->telling = record_is_telling(&r);
        s->key = *key;
    }
    return SIGHT_KEEP;
}

bool memory_sample_done(const struct memory_sample *s)
{
    return s->seen >= MEMORY_SAMPLE_MOST || (s->seen >= SAMPLE && s->found && !s->telling);
}
