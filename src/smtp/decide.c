/* From the state of a session, or of a guest, to its decision line. */
#include "fact/names.h"
#include "smtp/count.h"
#include "smtp/lobby.h"
#include "smtp/session.h"

static const char *verdict_of(const struct answer *a)
{
    if (a->code == 0) {
        return a->rule != NULL ? "refused" : "gone"; /* without a word; before there was one */
    }
    return answer_is_yes(a) ? "accepted" : answer_is_no(a) ? "refused" : "deferred";
}

/* ---- the policy's part ---- */

/* What a judgement points to while its line is written. */
struct judgement {
    const struct ruling *rulings[PHASE_COUNT];
    struct decision_facts facts[SCOPE_COUNT];
};

static void add_facts(struct decision_judgement *j, struct judgement *parts,
                      const struct policy *policy, enum fact_scope scope,
                      const struct fact_memo *memo)
{
    parts->facts[j->fact_scopes] = (struct decision_facts){policy->uses[scope], memo};
    j->facts = parts->facts;
    j->fact_scopes++;
}

static void add_ruling(struct decision_judgement *j, struct judgement *parts,
                       const struct ruling *r)
{
    parts->rulings[j->ruling_count++] = r;
    j->rulings = parts->rulings;
    j->doubts = &r->doubts;
}

static struct decision_judgement of_connection(const struct session *s, const struct answer *a,
                                               struct judgement *parts)
{
    struct decision_judgement j = {.rule = a != NULL ? a->rule : NULL};
    add_ruling(&j, parts, &s->course.rulings[PHASE_CONNECT]);
    add_ruling(&j, parts, &s->course.rulings[PHASE_HELO]);
    add_facts(&j, parts, s->server->policy, SCOPE_CONNECTION, s->evidence.memos[SCOPE_CONNECTION]);
    return j;
}

static struct decision_judgement of_transaction(const struct session *s, const struct answer *a,
                                                struct judgement *parts)
{
    struct decision_judgement j = of_connection(s, a, parts);
    add_ruling(&j, parts, &s->course.rulings[PHASE_MAIL]);
    if (s->evidence.message != NULL) {
        add_ruling(&j, parts, &s->course.rulings[PHASE_MESSAGE]);
    }
    add_facts(&j, parts, s->server->policy, SCOPE_TRANSACTION,
              s->evidence.memos[SCOPE_TRANSACTION]);
    if (s->evidence.message != NULL) { /* what was asked of all recipients together */
        add_facts(&j, parts, s->server->policy, SCOPE_RECIPIENT,
                  s->evidence.memos[SCOPE_RECIPIENT]);
    }
    return j;
}

/* Of what changes in the course of a connection, what was another value at that recipient. */
static void add_passed(struct decision_judgement *j, struct judgement *parts,
                       const struct session *s, const struct recipient_record *r,
                       struct arena *scratch)
{
    const struct fact_memo *last = s->evidence.memos[SCOPE_CONNECTION];
    struct fact_memo *then = fact_memo_new(scratch, r->live.memo->count);
    memcpy(then, r->live.memo, sizeof(*then) + r->live.memo->count * sizeof(struct value));
    for (size_t i = 0; i < then->count; i++) {
        if (value_same(&then->values[i], &last->values[r->live.uses[i]->index])) {
            then->values[i].state = VALUE_UNASKED;
        }
    }
    parts->facts[j->fact_scopes] = (struct decision_facts){r->live.uses, then};
    j->fact_scopes++;
}

static struct decision_judgement of_recipient(const struct session *s,
                                              const struct recipient_record *r,
                                              struct judgement *parts, struct arena *scratch)
{
    const struct policy *policy = s->server->policy;
    struct decision_judgement j = {.rule = r->answer.rule};
    if (r->ruling != NULL) {
        struct fact_memo *memo = fact_memo_new(scratch, policy->use_count[SCOPE_RECIPIENT]);
        fact_memo_unpack(r->facts, memo);
        add_ruling(&j, parts, r->ruling);
        add_facts(&j, parts, policy, SCOPE_RECIPIENT, memo);
        if (r->live.uses != NULL) {
            add_passed(&j, parts, s, r, scratch);
        }
    }
    return j;
}

/* The reply that mattered; NULL: there was none. */
static void set_answer(struct decision *x, const struct answer *a)
{
    if (a != NULL) {
        x->code = a->code;
        x->enhanced = a->enhanced;
        x->text = a->text;
        x->hop_reply = a->from_hop;
    }
}

static struct slice name_text(enum record_kind kind, struct slice name, struct arena *scratch)
{
    return arena_printf(scratch, "%s " SLICE_FMT, record_kind_name(kind), SLICE_ARG(name));
}

/* By what the other side is known by now; in `scratch`. */
static void put_names(struct decision *x, const struct session *s, struct arena *scratch)
{
    struct names names;
    names_known(&s->evidence, &names);
    struct slice *texts = arena_alloc(scratch, names.count * sizeof(*texts));
    for (size_t i = 0; i < names.count; i++) {
        texts[i] = name_text(names.item[i].kind, names.item[i].name, scratch);
    }
    x->names = texts;
    x->name_count = names.count;
}

static void write_down(struct smtp_server *srv, const struct decision *x)
{
    count_end(srv->counts, x->phase, x->verdict);
    decision_write(srv->decisions, x);
}

static usec_t since(const struct session *s, usec_t at)
{
    return at != 0 ? at - s->began : -1;
}

static struct decision_timeline timeline(const struct session *s)
{
    return (struct decision_timeline){
        .early = s->evidence.early ? s->early_at - s->began : -1,
        .greeted = since(s, s->greeted_at),
        .helo = since(s, s->helo_at),
        .mail = -1,
        .data = -1,
        .received = -1,
        .committed = -1,
        .decided = rt_now() - s->began,
    };
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
        .policy = s->server->policy,
        .client = s->client,
        .local = s->local,
        .listener = s->evidence.listener,
        .early = s->evidence.early,
        .unpipelined = s->unpipelined_from < PHASE_COUNT ? phase_name(s->unpipelined_from) : NULL,
        .helo = s->helo,
        .protocol = message_protocol(s),
        .tls = s->tls_text,
        .phase = phase,
        .verdict = verdict,
        .timeline = timeline(s),
        .note = note,
    };
    if (a == NULL && s->dropped_by == NULL && s->told_error != REPLY_OK) {
        /* It came to no verdict: what the client was told last may be why. */
        const struct answer told = reply_answer(s->told_error);
        set_answer(&x, &told);
    } else {
        set_answer(&x, a);
    }
    return x;
}

/* Where the transaction has several routes. */
static struct hop_story own_story(const struct session *s, const struct hop_recipient *h)
{
    static const struct hop_story none;
    return h != NULL && delivery_has_routes(s->delivery) ? delivery_story(h) : none;
}

/* What a recipient was given: the refusal of its RCPT; its own answer once the message was handed
 * over; else it shares the message's fate. */
static struct decision_recipient recipient(const struct session *s,
                                           const struct recipient_record *r, const char *verdict,
                                           const struct answer *a, const struct hop_recipient *h,
                                           struct judgement *parts, struct arena *scratch)
{
    bool own = h != NULL && a != NULL && s->delivery->message != NULL;
    bool yes = answer_is_yes(&r->answer);
    const struct answer *last = own ? &h->answer : yes && a != NULL ? a : &r->answer;
    return (struct decision_recipient){
        .mailbox = r->mailbox,
        .phase = yes ? NULL : "rcpt",
        .at = r->at - s->began,
        .unpipelined = r->unpipelined,
        .verdict = yes && !own ? verdict : verdict_of(last),
        .code = last->code,
        .enhanced = last->enhanced,
        .text = last->text,
        .hop = own_story(s, h),
        .hop_reply = last->from_hop,
        .delivered_before = h != NULL && h->confirmed && !h->committed,
        .judgement = of_recipient(s, r, parts, scratch),
    };
}

/* All recipients, in `scratch`. */
static struct decision_recipient *recipients(const struct session *s, const char *verdict,
                                             const struct answer *a, struct arena *scratch)
{
    const struct transaction *t = &s->txn;
    const struct delivery *d = s->delivery;
    struct decision_recipient *list = arena_alloc(scratch, t->record_count * sizeof(*list));
    size_t accepted = 0;
    for (size_t i = 0; i < t->record_count; i++) {
        bool yes = answer_is_yes(&t->records[i]->answer);
        bool known = yes && d != NULL && accepted < d->count;
        struct judgement *parts = arena_zalloc(scratch, sizeof(*parts));
        list[i] = recipient(s, t->records[i], verdict, a, known ? d->recipients[accepted] : NULL,
                            parts, scratch);
        accepted += yes;
    }
    return list;
}

/* What there is of it. */
static void put_transaction(struct session *s, struct decision *x)
{
    const struct transaction *t = &s->txn;
    x->has_transaction = true;
    x->duration = rt_now() - t->began;
    x->sender = t->envelope.sender;
    x->size_declared = t->envelope.size_declared;
    x->failures_before = t->failures_before;
    x->size = t->message_octets;
    x->message = s->evidence.message;
    x->timeline.mail = since(s, t->began);
    x->timeline.data = since(s, t->data_at);
    x->timeline.received = since(s, t->received);
    if (s->delivery != NULL) {
        x->hop = delivery_only_story(s->delivery);
        x->timeline.committed = since(s, s->delivery->committed_at);
    }
}

void decide_transaction(struct session *s, const char *phase, const char *verdict,
                        const struct answer *a, const char *note)
{
    const struct transaction *t = &s->txn;
    struct decision x = begin(s, s->transactions, phase, verdict, a, note);
    struct judgement parts;
    struct arena scratch;
    arena_init(&scratch);
    put_names(&x, s, &scratch);
    put_transaction(s, &x);
    x.recipients = t->record_count > 0 ? recipients(s, verdict, a, &scratch) : NULL;
    x.recipient_count = t->record_count;
    x.judgement = of_transaction(s, a, &parts);
    write_down(s->server, &x);
    arena_free(&scratch);
    s->decided = s->transactions;
}

void decide_mail_refused(struct session *s, const struct envelope *e, const struct answer *a)
{
    struct judgement parts;
    struct arena scratch;
    arena_init(&scratch);
    s->transactions++;
    struct decision x = begin(s, s->transactions, "mail", verdict_of(a), a, "");
    x.has_transaction = true;
    x.sender = e->sender;
    x.size_declared = e->size_declared;
    x.failures_before = s->evidence.rcpt_failures;
    x.timeline.mail = x.timeline.decided;
    x.judgement = of_connection(s, a, &parts);
    put_names(&x, s, &scratch);
    write_down(s->server, &x);
    arena_free(&scratch);
    s->decided = s->transactions;
}

void decide_connection(struct session *s, const struct answer *a, const char *note)
{
    struct judgement parts;
    struct arena scratch;
    arena_init(&scratch);
    const struct rule *dropped = s->dropped_by;
    bool at_connect = s->state == STATE_NEW && s->helo.n == 0;
    const char *phase = at_connect || s->state == STATE_REFUSED ? "connect" : "helo";
    const char *verdict = a != NULL ? verdict_of(a) : dropped != NULL ? "refused" : "ended";
    struct decision x = begin(s, 0, phase, verdict, a, note);
    x.duration = rt_now() - s->began;
    x.judgement = of_connection(s, a, &parts);
    if (a == NULL) {
        x.judgement.rule = dropped;
    }
    put_names(&x, s, &scratch);
    write_down(s->server, &x);
    arena_free(&scratch);
}

void decide_guest(const struct guest *g, const char *id, const struct answer *a, const char *note)
{
    struct smtp_server *srv = g->server;
    const struct fired *v = g->ruling.verdict;
    struct decision_judgement j = {.rule = a != NULL ? a->rule : v != NULL ? v->rule : NULL};
    char whole[DECISION_ID_LEN + 16], network[MEMORY_ADDRESS_MAX];
    char name[sizeof("network ") + MEMORY_ADDRESS_MAX];
    struct judgement parts;
    const struct slice named = memory_network_name(&g->client, network);
    const int name_n = snprintf(name, sizeof name, "%s " SLICE_FMT,
                                record_kind_name(RECORD_NETWORK), SLICE_ARG(named));
    const struct slice names = {name, (size_t)name_n};
    int n = snprintf(whole, sizeof whole, "%s.0", id);
    add_ruling(&j, &parts, &g->ruling);
    guest_recall(g);
    add_facts(&j, &parts, srv->policy, SCOPE_CONNECTION, srv->guest_memo);
    struct decision x = {
        .id = {whole, (size_t)n},
        .time_wall = rt_wall_of(srv->rt),
        .duration = rt_now_of(srv->rt) - g->began,
        .policy = srv->policy,
        .client = g->client,
        .local = g->local,
        .listener = srv->listener_names[g->listener],
        .early = g->early,
        .names = &names,
        .name_count = g->client.family != ADDR_NONE ? 1 : 0,
        .protocol = "SMTP",
        .phase = "connect",
        .verdict = a != NULL   ? verdict_of(a)
                   : v != NULL ? "refused"
                               : "ended",
        .timeline = {g->early ? g->early_at - g->began : -1, -1, -1, -1, -1, -1, -1,
                     rt_now_of(srv->rt) - g->began},
        .note = note,
        .judgement = j,
    };
    set_answer(&x, a);
    write_down(srv, &x);
}
