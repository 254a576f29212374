/* The commit: from a complete message to the answer that the client is to hear.
 *
 * In order, and why in this order:
 *
 *  1. Marks are placed for every recipient. From here on a second copy of this message, in this
 *     worker or another, is told 451. Only then is the ledger asked: whoever held the marks before
 *     us had written the ledger before it took them away, so what it delivered is seen.
 *  2. Recipients that the ledger has are done: they got the message from an earlier attempt whose
 *     250 was lost, or that others did not let end in one. The others are made ready at their hops,
 *     all legs at the same time once each has its connection. A leg that one recipient's refusal
 *     stops is not committed; that refusal is remembered so that the retry makes progress. It does
 *     not stop the other legs: what they deliver is in the ledger, so that the retry brings only
 *     what is missing.
 *  3. The commit, behind a shield, of all legs that are ready, at the same time: the final dot, the
 *     hop's answers, then the ledger, then the marks come off, each leg for itself (route/leg.c).
 *     The client's reply is sent after that. So a 250 is never sent without all the hops', and what
 *     a 250 that gets lost stood for is in the ledger.
 *
 * When a hop takes longer than the client is kept waiting, a task of its own waits on; the marks of
 * that leg stay until it knows. */
#include <errno.h>
#include <string.h>

#include "route/isolation.h"
#include "route/leg.h"

static void make_keys(struct delivery *d, const struct message *m)
{
    size_t n = 0;
    d->keys = arena_alloc(&d->arena, d->count * sizeof(*d->keys));
    d->refs = arena_alloc(&d->arena, d->count * sizeof(*d->refs));
    for (struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        leg->keys = d->keys + n;
        leg->refs = d->refs + n;
        for (size_t i = 0; i < leg->count; i++) {
            struct slice mailbox = leg->recipients[i]->mailbox;
            leg->keys[i] = ledger_key(d->envelope.sender, mailbox, &m->digest);
            leg->refs[i] = (struct ledger_ref){.key = leg->keys[i]};
        }
        n += leg->count;
    }
}

static int place_marks(struct delivery *d)
{
    const struct conf_limits *l = &d->host->conf->limits;
    d->hand_over_until = rt_now() + l->hand_over_time;
    int rc = marks_place(d->host->marks, d->host->owner, d->keys, d->count, rt_now(),
                         d->hand_over_until + DELIVERY_ANSWER_TIME);
    for (size_t i = 0; rc == 0 && i < d->count; i++) {
        d->recipients[i]->marked = true;
    }
    return rc;
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

/* Which recipients of a leg are still to get the message. A ledger that cannot be read is taken as
 * empty: the message is better delivered twice than not at all. */
static void select_wanted(struct leg *leg)
{
    struct delivery *d = leg->delivery;
    for (size_t i = 0; i < leg->count; i++) {
        struct hop_recipient *r = leg->recipients[i];
        struct refusal refusal;
        r->committed = r->confirmed = r->wanted = false;
        if (ledger_find(d->host->store, &leg->keys[i], rt_wall(), &leg->refs[i].expires) == 1) {
            r->confirmed = true;
            r->answer = reply_answer(REPLY_DELIVERED_BEFORE);
            d->suppressed++;
            d->host->counts->ledger_suppressed++;
        } else if (refusal_find(d->host->store, REFUSAL_MESSAGE, &leg->keys[i], rt_wall(),
                                &refusal) == 1) {
            r->answer = answer_from(d, &refusal);
        } else {
            r->wanted = true;
            leg->wanted++;
        }
    }
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
 * before the data is heard at RCPT, one of the data itself when this message comes again. Failing
 * to remember costs another round and nothing else. */
static void remember(struct leg *leg, size_t i, usec_t deadline)
{
    struct delivery *d = leg->delivery;
    const struct hop_recipient *r = leg->recipients[i];
    struct refusal refusal = refusal_from(&r->answer);
    bool at_rcpt = leg_refused_at_rcpt(leg, r);
    enum refusal_kind kind = at_rcpt ? REFUSAL_AT_RCPT : REFUSAL_MESSAGE;
    struct digest key =
        at_rcpt ? refusal_key(&d->network, d->envelope.sender, r->mailbox) : leg->keys[i];
    refusal_keep(d->host->store, kind, &key, &refusal, rt_wall(), deadline);
}

static void remember_refusals(struct delivery *d)
{
    usec_t deadline = rt_now() + DELIVERY_LEDGER_TIME; /* for all of them together */
    for (struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        for (size_t i = 0; i < leg->count; i++) {
            const struct hop_recipient *r = leg->recipients[i];
            if (r->wanted && !r->confirmed && answer_is_no(&r->answer)) {
                remember(leg, i, deadline); /* others are remembered already */
            }
        }
    }
}

/* ---- the answer for all ---- */

struct tally {
    size_t delivered; /* now or before */
    size_t refused;
    size_t put_off;
    const struct answer *yes;      /* of now */
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

/* Recipients for which a hop was ready, and that got nothing because of another of its leg. */
static void put_off_neighbours(struct delivery *d)
{
    for (size_t i = 0; i < d->count; i++) {
        struct hop_recipient *r = d->recipients[i];
        if (!r->confirmed && answer_is_yes(&r->answer)) {
            r->answer = reply_answer(REPLY_PARTLY);
        }
    }
}

/* All yes → 250, all refused → 5xx, anything else → 4xx, and the retry delivers what is missing. */
static enum delivery_end conclude(struct delivery *d, struct answer *ret)
{
    struct tally t = count_up(d);
    enum delivery_end end = DELIVERY_DEFERRED;
    bool mixed = false;
    if (t.delivered == d->count) {
        end = DELIVERY_ACCEPTED;
        *ret = t.yes != NULL ? *t.yes : reply_answer(REPLY_DELIVERED_BEFORE);
    } else if (t.refused == d->count) {
        end = DELIVERY_REFUSED;
        *ret = *t.first_no;
    } else {
        mixed = t.put_off < d->count;
        *ret = mixed || t.first_no == NULL ? reply_answer(REPLY_PARTLY) : *t.first_no;
        remember_refusals(d);
    }
    isolation_note(d, end, mixed);
    put_off_neighbours(d);
    return end;
}

/* ---- all legs at the same time ---- */

/* Does `work` for each leg that has `todo` set: for the first here, for others in tasks of their
 * own. A leg that can have no task is given up. */
static void work_on_legs(struct delivery *d, void (*work)(void *leg))
{
    struct leg *here = NULL;
    bool several = false;
    struct scope scope;
    for (struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        if (!leg->todo) {
            continue;
        }
        leg->todo = false;
        if (here == NULL) {
            here = leg;
            continue;
        }
        if (!several) {
            several = true;
            scope_enter(&scope);
        }
        if (task_spawn(d->host->rt, &scope, work, leg) < 0) {
            leg_give_up(leg, REPLY_HOP_FAILED);
        }
    }
    if (here != NULL) {
        work(here);
    }
    if (several) {
        scope_join(&scope);
        scope_leave(&scope);
    }
}

static void prepare_leg(void *arg)
{
    struct leg *leg = arg;
    if (leg_prepare(leg, leg->delivery->message) < 0) {
        leg->delivery->cancelled = true;
    }
}

static void commit_leg(void *arg)
{
    leg_commit(arg);
}

/* The leg whose route comes next in the configuration behind `last`, of those to be prepared. */
static struct leg *next_by_route(const struct delivery *d, const struct leg *last)
{
    struct leg *next = NULL;
    for (struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        if (leg->todo && (last == NULL || leg->route->index > last->route->index) &&
            (next == NULL || leg->route->index < next->route->index)) {
            next = leg;
        }
    }
    return next;
}

/* A leg that is ready keeps its connection until all are. So those who have several legs take their
 * connections in one order, that of the routes, and lend those that they do not hold yet:
 * otherwise two of them could each have what the other stands in line for, until their time is
 * over. Costs nothing where the transactions are still open. */
static int hold_in_order(struct delivery *d)
{
    struct leg *leg = NULL;
    while ((leg = next_by_route(d, leg)) != NULL) {
        if (leg_hold(leg, d->message) < 0) {
            return -ECANCELED;
        }
        leg->todo = leg->ready;
    }
    return 0;
}

/* Everything up to the point of no return: 0, or -ECANCELED. */
static int prepare(struct delivery *d)
{
    size_t todo = 0;
    for (struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        select_wanted(leg);
        leg->todo = leg->wanted > 0;
        todo += leg->todo;
        if (!leg->todo) {
            leg_end(leg);
        }
    }
    if (todo > 1 && hold_in_order(d) < 0) {
        return -ECANCELED;
    }
    work_on_legs(d, prepare_leg);
    return d->cancelled ? -ECANCELED : 0;
}

/* The commit of all that is ready, and then the answer. */
static enum delivery_end commit(struct delivery *d, struct answer *ret)
{
    struct scope shield;
    scope_enter_shield(&shield);
    for (struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        leg->todo = leg->ready;
    }
    work_on_legs(d, commit_leg);
    enum delivery_end end = conclude(d, ret);
    for (struct leg *leg = d->legs; end != DELIVERY_DEFERRED && leg != NULL; leg = leg->next) {
        leg_clear_marks(leg);
    }
    /* Last, so that no late answer comes between the others and their sum. */
    for (struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        if (leg->late) {
            leg_wait_on(leg);
        }
    }
    scope_leave(&shield);
    return end;
}

static void end_all_legs(struct delivery *d)
{
    for (struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        leg_end(leg);
    }
}

enum delivery_end delivery_message(struct delivery *d, struct message *m, struct answer *ret)
{
    d->message = m;
    make_keys(d, m);
    int rc = place_marks(d);
    if (rc < 0) {
        d->host->counts->in_doubt_451++;
        *ret = reply_answer(rc == -EBUSY ? REPLY_IN_DOUBT : REPLY_MARKS_FULL);
        for (size_t i = 0; i < d->count; i++) {
            d->recipients[i]->answer = *ret;
        }
        return DELIVERY_DEFERRED;
    }
    if (prepare(d) < 0) {
        end_all_legs(d);
        return DELIVERY_GONE;
    }
    return commit(d, ret);
}
