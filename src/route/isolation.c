#include "route/isolation.h"

#include <string.h>

#include "route/leg.h"

#define KEPT_FOR (24 * 3600 * USEC_SEC)

/* ---- as octets, in the store's notes ---- */

#define FORMAT 1

/* Octets of the host's own store: numbers as it has them. */
struct octets {
    uint8_t format;
    uint8_t class;
    uint8_t yielded;
    uint8_t message[DIGEST_LEN];
    uint8_t since[sizeof(usec_t)];
};

static struct digest key_of(const struct delivery *d, struct slice mailbox)
{
    return refusal_key(&d->network, d->envelope.sender, mailbox);
}

static struct isolation find(const struct delivery *d, const struct digest *key)
{
    struct isolation group = {.class = ISOLATION_NONE};
    struct octets o;
    size_t n;
    if (note_find(d->host->store, NOTE_ISOLATION, key, rt_wall(), &o, sizeof o, &n) == 1 &&
        n == sizeof o && o.format == FORMAT && o.class <= ISOLATION_SUSPECTED) {
        group.class = (enum isolation_class)o.class;
        group.yielded = o.yielded != 0;
        memcpy(group.message.octets, o.message, sizeof o.message);
        memcpy(&group.since, o.since, sizeof o.since);
    }
    return group;
}

static void keep(const struct delivery *d, const struct digest *key, const struct isolation *group)
{
    struct octets o = {.format = FORMAT, .class = (uint8_t)group->class, .yielded = group->yielded};
    memcpy(o.message, group->message.octets, sizeof o.message);
    memcpy(o.since, &group->since, sizeof o.since);
    note_keep(d->host->store, NOTE_ISOLATION, key, &o, sizeof o, rt_wall(),
              group->since + KEPT_FOR);
}

/* ---- at RCPT ---- */

static bool same_message(const struct digest *a, const struct digest *b)
{
    return memcmp(a->octets, b->octets, DIGEST_LEN) == 0;
}

static bool same_group(const struct isolation *a, const struct isolation *b)
{
    return a->class == b->class &&
           (a->class == ISOLATION_NONE || same_message(&a->message, &b->message));
}

bool isolation_turns_away(struct delivery *d, struct slice mailbox)
{
    struct digest key = key_of(d, mailbox);
    struct isolation group = find(d, &key);
    if (group.class == ISOLATION_SUSPECTED) {
        group.class = ISOLATION_NONE;
    }
    bool taken = d->count > 0 ? same_group(&group, &d->group)
                              : group.class == ISOLATION_NONE || group.yielded;
    if (taken) {
        d->candidate_group = group;
        return false;
    }
    if (group.class != ISOLATION_NONE && !group.yielded) {
        group.yielded = true;
        keep(d, &key, &group);
    }
    d->turned_away = true;
    return true;
}

void isolation_join(struct delivery *d)
{
    if (d->count == 0) {
        d->group = d->candidate_group;
    }
}

/* ---- at the end ---- */

/* Not one that is heard at RCPT from now on, nor one that was ready while a neighbour was not. */
static bool stands_in_the_way(const struct leg *leg, const struct hop_recipient *r)
{
    return !r->confirmed && !answer_is_yes(&r->answer) && !leg_refused_at_rcpt(leg, r);
}

static enum isolation_class class_of(const struct delivery *d, const struct digest *key,
                                     const struct answer *a)
{
    if (answer_is_no(a) || a->from_hop) {
        return answer_is_no(a) ? ISOLATION_REFUSED : ISOLATION_DEFERRED;
    }
    struct isolation before = find(d, key);
    bool once =
        before.class == ISOLATION_NONE || (before.class == ISOLATION_SUSPECTED &&
                                           !same_message(&before.message, &d->message->digest));
    return once ? ISOLATION_SUSPECTED : ISOLATION_DEFERRED;
}

static void note_one(struct leg *leg, const struct hop_recipient *r, enum delivery_end end,
                     bool apart)
{
    struct delivery *d = leg->delivery;
    struct isolation group = d->group;
    struct digest key = key_of(d, r->mailbox);
    bool in_the_way = end == DELIVERY_DEFERRED && stands_in_the_way(leg, r);
    group.yielded = false;
    if (in_the_way && apart) {
        group.class = class_of(d, &key, &r->answer);
        group.message = d->message->digest;
        group.since = rt_wall();
        keep(d, &key, &group);
    } else if (group.class != ISOLATION_NONE && !in_the_way &&
               same_message(&group.message, &d->message->digest)) {
        note_drop(d->host->store, NOTE_ISOLATION, &key, rt_wall());
    } else if (group.class != ISOLATION_NONE && d->turned_away) {
        keep(d, &key, &group);
    }
}

void isolation_note(struct delivery *d, enum delivery_end end, bool mixed)
{
    bool apart = mixed || d->turned_away;
    if (!apart && d->group.class == ISOLATION_NONE) {
        return;
    }
    for (struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        for (size_t i = 0; i < leg->count; i++) {
            note_one(leg, leg->recipients[i], end, apart);
        }
    }
}
