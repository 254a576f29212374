/* From the state of a session to its decision line. */
#include "smtp/session.h"

static const char *verdict_of(const struct answer *a)
{
    return answer_is_yes(a) ? "accepted" : answer_is_no(a) ? "refused" : "deferred";
}

/* What is known of the connection and of the reply, whatever ended. */
static struct decision begin(struct session *s, unsigned transaction, const char *phase,
                             const char *verdict, const struct answer *a, const char *note)
{
    static char id[DECISION_ID_LEN + 16];
    int n = snprintf(id, sizeof id, "%s.%u", s->id, transaction);
    struct decision x = {
        .id = {id, (size_t)n},
        .time_wall = rt_wall(),
        .client = s->client,
        .helo = s->helo,
        .protocol = message_protocol(s),
        .tls = s->tls_text,
        .phase = phase,
        .verdict = verdict,
        .note = note,
    };
    if (a != NULL) {
        x.code = a->code;
        x.enhanced = a->enhanced;
        x.text = a->text;
        x.hop_reply = a->from_hop;
    }
    return x;
}

/* A recipient whose RCPT was answered yes shares the message's fate. */
static struct decision_recipient recipient(const struct recipient_record *r, const char *verdict,
                                           const struct answer *a, const struct hop_recipient *h)
{
    const struct answer *last = answer_is_yes(&r->answer) && a != NULL ? a : &r->answer;
    return (struct decision_recipient){
        .mailbox = r->mailbox,
        .verdict = answer_is_yes(&r->answer) ? verdict : verdict_of(&r->answer),
        .code = last->code,
        .enhanced = last->enhanced,
        .text = last->text,
        .delivered_before = h != NULL && h->confirmed && !h->committed,
    };
}

void decide_transaction(struct session *s, const char *phase, const char *verdict,
                        const struct answer *a, const char *note)
{
    const struct transaction *t = &s->txn;
    const struct delivery *d = s->delivery;
    struct decision x = begin(s, s->transactions, phase, verdict, a, note);
    struct decision_recipient *list = NULL;
    struct arena scratch;
    arena_init(&scratch);
    if (t->record_count > 0) {
        list = arena_alloc(&scratch, t->record_count * sizeof(*list));
    }
    size_t accepted = 0;
    for (size_t i = 0; i < t->record_count; i++) {
        bool yes = answer_is_yes(&t->records[i].answer);
        bool known = yes && d != NULL && accepted < d->count;
        list[i] = recipient(&t->records[i], verdict, a, known ? d->recipients[accepted] : NULL);
        accepted += yes;
    }
    x.has_transaction = true;
    x.duration = rt_now() - t->began;
    x.sender = t->envelope.sender;
    x.recipients = list;
    x.recipient_count = t->record_count;
    x.size = t->message_octets;
    x.hop = d != NULL && d->route != NULL ? slice_of(d->route->name) : (struct slice){0};
    decision_write(s->server->decisions, &x);
    arena_free(&scratch);
    s->decided = s->transactions;
}

void decide_mail_refused(struct session *s, struct slice sender, const struct answer *a)
{
    s->transactions++;
    struct decision x = begin(s, s->transactions, "mail", verdict_of(a), a, "");
    x.has_transaction = true;
    x.sender = sender;
    decision_write(s->server->decisions, &x);
    s->decided = s->transactions;
}

void decide_connection(struct session *s, const struct answer *a, const char *note)
{
    const char *phase = s->state == STATE_NEW ? "connect" : "helo";
    struct decision x = begin(s, 0, phase, a != NULL ? verdict_of(a) : "ended", a, note);
    x.duration = rt_now() - s->began;
    decision_write(s->server->decisions, &x);
}
