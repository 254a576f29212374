/* A transaction's begin and end (RFC 5321 3.3, 4.1.4). */
#include "base/fatal.h"
#include "smtp/count.h"
#include "smtp/learn.h"
#include "smtp/session.h"

void transaction_begin(struct session *s, const struct envelope *e)
{
    if (s->delivery == NULL) {
        s->delivery = delivery_new(s->server->deliveries);
    }
    char id[DECISION_ID_LEN + 16];
    struct envelope whole = *e;
    s->transactions++;
    int n = snprintf(id, sizeof id, "%s.%u", s->id, s->transactions);
    whole.origin = (struct origin){
        .client = s->client, .helo = s->helo, .esmtp = s->esmtp, .id = {id, (size_t)n}};
    whole.slowed = s->slowed;
    delivery_begin(s->delivery, &s->client, &whole);
    s->txn = (struct transaction){
        .envelope = s->delivery->envelope,
        .began = rt_now(),
        .failures_before = s->evidence.rcpt_failures,
    };
    s->server->counts->transactions++;
    s->told_error = REPLY_OK;
    s->naming = s->transactions;
    s->state = STATE_MAIL;
    session_enter(s, SESSION_MAIL);
}

void transaction_record(struct session *s, const struct recipient_record *r)
{
    struct transaction *t = &s->txn;
    struct arena *arena = &s->delivery->arena;
    count_rcpt(s->server->counts, &r->answer);
    if (t->record_count >= 2 * (size_t)s->server->conf->limits.recipients) {
        return; /* answered 452 without being looked at */
    }
    if (t->record_count == t->record_cap) {
        size_t cap = t->record_cap == 0 ? 8 : t->record_cap * 2;
        struct recipient_record **more =
            arena_alloc(arena, cap * sizeof(struct recipient_record *));
        if (t->record_count > 0) {
            memcpy(more, t->records, t->record_count * sizeof(struct recipient_record *));
        }
        t->records = more;
        t->record_cap = cap;
    }
    struct recipient_record *kept = arena_alloc(arena, sizeof(*kept));
    *kept = *r;
    kept->mailbox = arena_copy(arena, r->mailbox);
    if (r->ruling != NULL) {
        kept->facts = fact_memo_pack(s->evidence.memos[SCOPE_RECIPIENT], arena);
    }
    t->records[t->record_count++] = kept;
    learn_recipient(s, kept);
}

/* The phase in which a transaction stands that goes no further. */
static const char *phase_of(const struct session *s)
{
    const struct transaction *t = &s->txn;
    return s->evidence.message != NULL ? "message"
           : t->spooling               ? "data"
           : t->record_count > 0       ? "rcpt"
                                       : "mail";
}

/* How a transaction ended that never came to its message's answer. */
static void decide_abandoned(struct session *s)
{
    const struct transaction *t = &s->txn;
    const struct answer *last = NULL;
    if (s->last_refusal.code != 0) { /* our own 421, or a rule's drop, ended it */
        decide_transaction(s, phase_of(s), answer_is_no(&s->last_refusal) ? "refused" : "deferred",
                           &s->last_refusal, "");
        return;
    }
    if (s->dropped_by != NULL) {
        struct answer none = {.rule = s->dropped_by};
        decide_transaction(s, phase_of(s), "refused", &none, "dropped");
        return;
    }
    for (size_t i = 0; i < t->record_count; i++) {
        if (answer_is_yes(&t->records[i]->answer)) {
            bool came = s->evidence.message != NULL;
            decide_transaction(s, came ? "message" : "data", "gone", NULL,
                               came ? "ended before the message was judged"
                                    : "ended before the message did");
            return;
        }
        if (last == NULL || answer_is_no(last)) {
            last = &t->records[i]->answer;
        }
    }
    if (t->record_count > 0 && t->records[t->record_count - 1]->answer.code == 0) {
        decide_transaction(s, "rcpt", "gone", NULL, "client went away");
    } else if (last == NULL) {
        decide_transaction(s, "mail", "gone", NULL, "ended before RCPT");
    } else {
        decide_transaction(s, "rcpt", answer_is_no(last) ? "refused" : "deferred", last, "");
    }
}

void transaction_end(struct session *s)
{
    if (s->state == STATE_NEW || s->state == STATE_READY || s->state == STATE_REFUSED) {
        return;
    }
    if (s->decided < s->transactions) {
        decide_abandoned(s);
    }
    learn_transaction(s);
    judge_forget_transaction(s);
    if (s->delivery != NULL) {
        s->delivery = delivery_leave(s->delivery);
    }
    if (s->txn.spooling) {
        spool_reset(&s->txn.message.spool);
    }
    s->txn = (struct transaction){0};
    s->naming = 0;
    s->state = STATE_READY;
    session_enter(s, SESSION_GREETED);
}
