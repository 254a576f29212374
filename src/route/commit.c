/* The commit: from a complete message to the answer that the client is to hear.
 *
 * In order, and why in this order:
 *
 *  1. Marks are placed for every recipient. From here on a second copy of this message, in this
 *     worker or another, is told 451. Only then is the ledger asked: whoever held the marks before
 *     us had written the ledger before it took them away, so what it delivered is seen.
 *  2. Recipients that the ledger has are done: they got the message from an earlier attempt whose
 *     250 was lost. The others are made ready at the hop. If one of them is refused now, nothing is
 *     sent; the client hears 451, and the refusal is remembered so that its retry makes progress.
 *  3. The commit, behind a shield: the final dot, the hop's answer, then the ledger, then the marks
 *     come off. The client's 250 is sent after that. So a 250 is never sent without the hop's, and
 * a 250 that gets lost is in the ledger.
 *
 * When the hop takes longer than the client is kept waiting, a task of its own waits on; it owns
 * the delivery from then on, and the marks stay until it knows. */
#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "route/delivery.h"

/* DESIGN "Commit": an answer is waited for this long in all. */
#define ANSWER_TIME_MAX (630 * USEC_SEC)
/* The ledger may hold up a 250 this long. */
#define LEDGER_TIME (2 * USEC_SEC)

static void make_keys(struct delivery *d, const struct message *m)
{
    d->keys = arena_alloc(&d->arena, d->count * sizeof(*d->keys));
    d->refs = arena_alloc(&d->arena, d->count * sizeof(*d->refs));
    for (size_t i = 0; i < d->count; i++) {
        d->keys[i] = ledger_key(d->envelope.sender, d->recipients[i]->mailbox, &m->digest);
        d->refs[i] = (struct ledger_ref){.key = d->keys[i]};
    }
}

static void clear_marks(struct delivery *d)
{
    marks_clear(d->host->marks, d->host->owner, d->keys, d->count);
}

/* ---- the ledger's and the refusals' memory ---- */

static struct answer answer_from(struct delivery *d, const struct refusal *r)
{
    return (struct answer){
        .code = r->code,
        .enhanced = arena_copy(&d->arena, slice_of(r->enhanced)),
        .text = arena_copy(&d->arena, slice_of(r->text)),
        .from_hop = true,
    };
}

/* Which recipients are still to get the message. A ledger that cannot be read is taken as empty:
 * the message is better delivered twice than not at all. Returns how many. */
static size_t select_wanted(struct delivery *d)
{
    size_t wanted = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct hop_recipient *r = d->recipients[i];
        struct refusal refusal;
        r->committed = r->confirmed = r->wanted = false;
        if (ledger_find(d->host->store, &d->keys[i], rt_wall(), &d->refs[i].expires) == 1) {
            r->confirmed = true;
            d->suppressed++;
            d->host->stats.suppressed++;
        } else if (refusal_find(d->host->store, REFUSAL_MESSAGE, &d->keys[i], rt_wall(),
                                &refusal) == 1) {
            r->answer = answer_from(d, &refusal);
        } else {
            r->wanted = true;
            wanted++;
        }
    }
    return wanted;
}

static void copy_text(char *ret, size_t size, struct slice text)
{
    size_t n = text.n < size - 1 ? text.n : size - 1;
    if (n > 0) {
        memcpy(ret, text.p, n);
    }
    ret[n] = '\0';
}

static struct refusal refusal_from(const struct answer *a)
{
    struct refusal r = {.code = a->code};
    copy_text(r.enhanced, sizeof r.enhanced, a->enhanced);
    copy_text(r.text, sizeof r.text, a->text);
    return r;
}

/* Remembers a refusal so that the retry of a message that was put off makes progress: one from
 * before the data is heard at RCPT; one of the data itself only isolates its recipient. Failing to
 * remember costs another round and nothing else. */
static void remember(struct delivery *d, size_t i, bool at_envelope, usec_t deadline)
{
    const struct hop_recipient *r = d->recipients[i];
    struct refusal refusal = refusal_from(&r->answer);
    struct digest who = refusal_key(&d->network, d->envelope.sender, r->mailbox);
    if (at_envelope) {
        refusal_keep(d->host->store, REFUSAL_AT_RCPT, &who, &refusal, rt_wall(), deadline);
    } else {
        refusal_keep(d->host->store, REFUSAL_MESSAGE, &d->keys[i], &refusal, rt_wall(), deadline);
        refusal_keep(d->host->store, REFUSAL_ISOLATE, &who, &refusal, rt_wall(), deadline);
    }
}

/* ---- the answer for all ---- */

struct tally {
    size_t delivered; /* now or before */
    size_t refused;
    size_t put_off;
    const struct answer *yes;
    const struct answer *first_no; /* refused or put off */
};

static struct tally count_up(const struct delivery *d)
{
    struct tally t = {0};
    for (size_t i = 0; i < d->count; i++) {
        const struct hop_recipient *r = d->recipients[i];
        if (r->confirmed) {
            t.delivered++;
            if (r->committed) {
                t.yes = &r->answer;
            }
        } else {
            bool no = answer_is_no(&r->answer);
            t.refused += no;
            t.put_off += !no;
            if (t.first_no == NULL && !answer_is_yes(&r->answer)) {
                t.first_no = &r->answer;
            }
        }
    }
    return t;
}

/* All yes → 250, all refused → 5xx, anything else → 4xx, and the retry delivers what is missing. */
static enum delivery_end conclude(struct delivery *d, bool at_envelope, struct answer *ret)
{
    struct tally t = count_up(d);
    if (t.delivered == d->count) {
        *ret = t.yes != NULL ? *t.yes : reply_answer(REPLY_DELIVERED_BEFORE);
        return DELIVERY_ACCEPTED;
    }
    if (t.refused == d->count) {
        *ret = *t.first_no;
        return DELIVERY_REFUSED;
    }
    usec_t deadline = rt_now() + LEDGER_TIME; /* for all of them together */
    for (size_t i = 0; i < d->count; i++) {
        if (!d->recipients[i]->confirmed && answer_is_no(&d->recipients[i]->answer)) {
            remember(d, i, at_envelope, deadline);
        }
    }
    *ret = t.put_off == d->count && t.first_no != NULL ? *t.first_no : reply_answer(REPLY_PARTLY);
    return DELIVERY_DEFERRED;
}

/* ---- after the final dot ---- */

/* Enters what the hop has confirmed into the ledger; the marks come off after that. */
static void settle(struct delivery *d)
{
    struct digest *done = arena_alloc(&d->arena, (d->count + 1) * sizeof(*done));
    size_t n = 0;
    usec_t wall = rt_wall();
    for (size_t i = 0; i < d->count; i++) {
        if (d->recipients[i]->confirmed && d->recipients[i]->committed) {
            d->refs[i].expires = ledger_expires(wall);
            done[n++] = d->keys[i];
        }
    }
    if (n > 0 && ledger_arm(d->host->store, done, n, wall, rt_now() + LEDGER_TIME) < 0) {
        d->host->stats.ledger_failed++;
    }
    d->host->stats.settled++;
    clear_marks(d);
}

static void late_task(void *arg)
{
    struct delivery *d = arg;
    struct delivery_host *host = d->host;
    struct scope shield;
    scope_enter_shield(&shield);
    usec_t deadline = rt_now() + ANSWER_TIME_MAX - host->conf->limits.answer_time;
    int r = hop_commit_wait(d->hop, d->recipients, d->count, deadline);
    if (r == 0) {
        host->stats.late++;
        settle(d);
    } else {
        host->stats.unknown++;
        clear_marks(d);
    }
    scope_leave(&shield);
    delivery_free(d);
    host->late_running--;
}

/* Leaves the delivery to a task that waits on; false when there is no memory for one. */
static bool wait_on(struct delivery **dp)
{
    struct delivery *d = *dp;
    if (task_spawn(d->host->rt, rt_root_of(d->host->rt), late_task, d) < 0) {
        return false;
    }
    d->host->late_running++;
    *dp = NULL;
    return true;
}

static enum delivery_end commit(struct delivery **dp, struct answer *ret)
{
    struct delivery *d = *dp;
    d->host->stats.committed++;
    int r =
        hop_commit(d->hop, d->recipients, d->count, rt_now() + d->host->conf->limits.answer_time);
    if (r == 0) {
        settle(d);
        return conclude(d, false, ret);
    }
    if (r == -ETIMEDOUT && wait_on(dp)) {
        *ret = reply_answer(REPLY_NO_ANSWER);
        return DELIVERY_DEFERRED;
    }
    d->host->stats.unknown++;
    clear_marks(d);
    *ret = reply_answer(REPLY_UNKNOWN_OUTCOME);
    return DELIVERY_DEFERRED;
}

/* ---- before it ---- */

/* How many of the wanted recipients the hop is ready for. */
static size_t count_ready(const struct delivery *d)
{
    size_t ready = 0;
    for (size_t i = 0; i < d->count; i++) {
        ready += d->recipients[i]->wanted && answer_is_yes(&d->recipients[i]->answer);
    }
    return ready;
}

/* Everything up to the point of no return: 0 when the hop is ready to commit; 1 when *ret_end and
 * *ret are the outcome already. */
static int prepare(struct delivery *d, struct message *m, enum delivery_end *ret_end,
                   struct answer *ret)
{
    size_t wanted = select_wanted(d);
    if (wanted == 0) {
        *ret_end = conclude(d, false, ret);
        return 1;
    }
    int r = hop_prepare(d->hop, m, d->recipients, d->count,
                        rt_now() + d->host->conf->limits.hand_over_time);
    if (r < 0) {
        *ret_end = r == -ECANCELED ? DELIVERY_GONE : DELIVERY_DEFERRED;
        *ret = reply_answer(REPLY_HOP_FAILED);
        return 1;
    }
    size_t ready = count_ready(d);
    if (ready < wanted) {
        /* Where only some are refused, it was at RCPT; where all are, it may be for what the
         * message is, and must not stand in the way of another. */
        *ret_end = conclude(d, ready > 0, ret);
        return 1;
    }
    return 0;
}

enum delivery_end delivery_message(struct delivery **dp, struct message *m, struct answer *ret)
{
    struct delivery *d = *dp;
    const struct conf_limits *l = &d->host->conf->limits;
    make_keys(d, m);
    int r = marks_place(d->host->marks, d->host->owner, d->keys, d->count, rt_now(),
                        rt_now() + l->hand_over_time + ANSWER_TIME_MAX);
    if (r < 0) {
        d->host->stats.in_doubt++;
        *ret = reply_answer(r == -EBUSY ? REPLY_IN_DOUBT : REPLY_MARKS_FULL);
        return DELIVERY_DEFERRED;
    }
    enum delivery_end end;
    if (prepare(d, m, &end, ret) != 0) {
        clear_marks(d);
        return end;
    }
    struct scope shield;
    scope_enter_shield(&shield);
    end = commit(dp, ret);
    scope_leave(&shield);
    return end;
}
