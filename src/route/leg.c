/* One leg of a delivery: how its hop is prepared, committed, and its answers entered.
 *
 * A recipient that the hop has answered is settled at once: the ledger has the yes, then its mark
 * comes off. So a hop that answers for some and is lost then leaves only the others in doubt. */
#include "route/leg.h"

#include <errno.h>
#include <string.h>

void leg_add(struct leg *leg, struct hop_recipient *r)
{
    if (leg->count == leg->cap) {
        struct arena *arena = &leg->delivery->arena;
        size_t cap = leg->cap == 0 ? 8 : leg->cap * 2;
        struct hop_recipient **more = arena_alloc(arena, cap * sizeof(struct hop_recipient *));
        if (leg->count > 0) {
            memcpy(more, leg->recipients, leg->count * sizeof(struct hop_recipient *));
        }
        leg->recipients = more;
        leg->cap = cap;
    }
    leg->recipients[leg->count++] = r;
}

/* ---- marks ---- */

static void clear_marks(struct leg *leg, bool unanswered_too)
{
    struct delivery *d = leg->delivery;
    struct digest *keys = arena_alloc(&d->arena, (leg->count + 1) * sizeof(*keys));
    size_t n = 0;
    for (size_t i = 0; i < leg->count; i++) {
        struct hop_recipient *r = leg->recipients[i];
        if (r->marked && !r->unrecorded && (unanswered_too || !r->wanted || r->answered)) {
            r->marked = false; /* once: somebody else may mark it again */
            keys[n++] = leg->keys[i];
        }
    }
    marks_clear(d->host->marks, d->host->owner, keys, n);
}

void leg_clear_marks(struct leg *leg)
{
    if (!leg->unrecorded) {
        return; /* they are off */
    }
    leg->unrecorded = false;
    for (size_t i = 0; i < leg->count; i++) {
        leg->recipients[i]->unrecorded = false;
    }
    clear_marks(leg, true);
}

/* ---- before the final dot ---- */

void leg_end(struct leg *leg)
{
    leg->ready = false;
    leg->hop = hop_end(leg->hop);
    clear_marks(leg, true);
}

void leg_give_up(struct leg *leg, enum reply_name name)
{
    struct answer answer = reply_answer(name);
    for (size_t i = 0; i < leg->count; i++) {
        if (leg->recipients[i]->wanted) {
            leg->recipients[i]->answer = answer;
        }
    }
    leg_end(leg);
}

/* For how many of the wanted recipients the hop is ready. */
static size_t count_ready(const struct leg *leg)
{
    size_t ready = 0;
    for (size_t i = 0; i < leg->count; i++) {
        const struct hop_recipient *r = leg->recipients[i];
        ready += r->wanted && answer_is_yes(&r->answer);
    }
    return ready;
}

/* DESIGN "Refusals": the hop knew them at RCPT, and does so no more. */
static void forget_refused(const struct leg *leg)
{
    for (size_t i = 0; i < leg->count; i++) {
        const struct hop_recipient *r = leg->recipients[i];
        if (r->wanted && answer_is_no(&r->answer)) {
            recipients_refused(leg->delivery->host->recipients, leg->route, r->mailbox);
        }
    }
}

/* After hop_hold or hop_prepare, which returned `rc`. */
static int look_at_answers(struct leg *leg, int rc)
{
    if (rc < 0) {
        leg_give_up(leg, REPLY_HOP_FAILED);
        return rc == -ECANCELED ? rc : 0;
    }
    size_t ready = count_ready(leg);
    leg->ready = ready == leg->wanted;
    if (!leg->ready) {
        /* Where only some are refused, it was at RCPT; where all are, it may be for what the
         * message is, and must not stand in the way of another. */
        leg->at_envelope = ready > 0;
        forget_refused(leg);
        leg_end(leg);
    }
    return 0;
}

int leg_hold(struct leg *leg, struct message *m)
{
    usec_t until = leg->delivery->hand_over_until;
    return look_at_answers(leg, hop_hold(leg->hop, m, leg->recipients, leg->count, until));
}

int leg_prepare(struct leg *leg, struct message *m)
{
    usec_t until = leg->delivery->hand_over_until;
    return look_at_answers(leg, hop_prepare(leg->hop, m, leg->recipients, leg->count, until));
}

/* ---- after it ---- */

/* One that fails is tried once more: where the client is told 451 all the same, because of others,
 * its retry depends on it. */
static int arm(struct delivery_host *host, const struct digest *keys, size_t n, usec_t wall)
{
    usec_t deadline = rt_now() + DELIVERY_LEDGER_TIME;
    int rc = ledger_arm(host->store, keys, n, wall, deadline);
    if (rc < 0 && rc != -ETIMEDOUT && rc != -ECANCELED) {
        rc = ledger_arm(host->store, keys, n, wall, deadline);
    }
    host->ledger_failing = rc < 0;
    host->counts->ledger_failed += rc < 0;
    return rc;
}

/* Enters into the ledger what the hop has confirmed since the last time. */
static void write_ledger(struct leg *leg)
{
    struct delivery *d = leg->delivery;
    struct digest *done = arena_alloc(&d->arena, (leg->count + 1) * sizeof(*done));
    size_t n = 0, from = leg->count;
    usec_t wall = rt_wall();
    for (size_t i = 0; i < leg->count; i++) {
        struct hop_recipient *r = leg->recipients[i];
        if (r->answered && !r->settled) {
            r->settled = true;
            from = from < i ? from : i;
            if (r->confirmed && r->committed) {
                r->unrecorded = true;
                leg->refs[i].expires = ledger_expires(wall);
                done[n++] = leg->keys[i];
            }
        }
    }
    if (n > 0 && arm(d->host, done, n, wall) < 0) {
        leg->unrecorded = true;
        return;
    }
    for (size_t i = from; i < leg->count; i++) {
        leg->recipients[i]->unrecorded = false;
    }
}

/* The answers to recipients that the hop has not answered. */
static void put_off(struct leg *leg, enum reply_name name)
{
    struct answer answer = reply_answer(name);
    for (size_t i = 0; i < leg->count; i++) {
        if (leg->recipients[i]->wanted && !leg->recipients[i]->answered) {
            leg->recipients[i]->answer = answer;
        }
    }
}

/* What hop_commit or hop_commit_wait has brought; `error` is what it returned. */
static void take_answers(struct leg *leg, int error, bool may_wait_on)
{
    struct counters *counts = leg->delivery->host->counts;
    write_ledger(leg);
    leg->late = error == -ETIMEDOUT && may_wait_on;
    if (error == 0) {
        counts->commits_settled++;
    } else if (leg->late) {
        put_off(leg, REPLY_NO_ANSWER);
    } else {
        counts->commits_unknown++;
        put_off(leg, REPLY_UNKNOWN_OUTCOME);
    }
    clear_marks(leg, !leg->late);
}

void leg_commit(struct leg *leg)
{
    struct delivery_host *host = leg->delivery->host;
    host->counts->commits++;
    if (leg->delivery->committed_at == 0) {
        leg->delivery->committed_at = rt_now();
    }
    usec_t deadline = rt_now() + host->conf->limits.answer_time;
    int rc = hop_commit(leg->hop, leg->recipients, leg->count, deadline);
    take_answers(leg, rc, true);
    if (!leg->late) {
        leg->hop = hop_end(leg->hop); /* others may need the connection before all legs are done */
    }
}

static void late_task(void *arg)
{
    struct leg *leg = arg;
    struct delivery *d = leg->delivery;
    struct delivery_host *host = d->host;
    struct scope shield;
    scope_enter_shield(&shield);
    usec_t deadline = rt_now() + DELIVERY_ANSWER_TIME - host->conf->limits.answer_time;
    int rc = hop_commit_wait(leg->hop, leg->recipients, leg->count, deadline);
    host->counts->late_answers += rc == 0;
    take_answers(leg, rc, false);
    leg->hop = hop_end(leg->hop);
    scope_leave(&shield);
    d->holders--;
    if (d->left) {
        delivery_free(d); /* unless there are others */
    }
    host->late_running--;
}

void leg_wait_on(struct leg *leg)
{
    struct delivery *d = leg->delivery;
    struct rt *rt = d->host->rt;
    if (task_spawn(rt, rt_root_of(rt), late_task, leg) < 0) {
        take_answers(leg, -ETIMEDOUT, false);
        return;
    }
    d->host->late_running++;
    d->holders++;
}
