#include "smtp/learn.h"

#include <string.h>

#include "fact/bans.h"
#include "fact/deferral.h"
#include "parse/ascii.h"
#include "policy/table.h"
#include "rt/rt.h"

#define DAY ((usec_t)86400 * USEC_SEC)

/* ---- adding to records ---- */

/* Adds what has happened, which `what` has without a name, to the record of that name. */
static void add(struct memory *m, const struct record *what, enum record_kind kind,
                struct slice name)
{
    struct record r;
    record_init(&r, kind, name, what->last);
    memcpy(r.tally, what->tally, sizeof(r.tally));
    memcpy(r.rate, what->rate, sizeof(r.rate));
    r.returned = what->returned;
    r.day = what->day;
    r.days = what->days;
    record_set_note(&r, record_note(what));
    memory_add(m, &r);
}

static struct record nothing(const struct smtp_server *srv)
{
    struct record r;
    record_init(&r, RECORD_CLIENT, SLICE_LIT(""), rt_wall_of(srv->rt));
    return r;
}

static void add_to_client(struct memory *m, const struct record *what, const struct addr *client)
{
    char text[MEMORY_ADDRESS_MAX];
    add(m, what, RECORD_CLIENT, memory_client_name(client, text));
}

static void add_to_network(struct memory *m, const struct record *what, const struct addr *client)
{
    char text[MEMORY_ADDRESS_MAX];
    add(m, what, RECORD_NETWORK, memory_network_name(client, text));
}

/* ---- connections ---- */

/* Is there anything to learn of that client now? */
static bool is_learned(const struct smtp_server *srv, const struct addr *client)
{
    return client->family != ADDR_NONE && !bans_may_hold(srv->memory, client, rt_wall_of(srv->rt));
}

void learn_connection(const struct smtp_server *srv, const struct addr *client)
{
    if (is_learned(srv, client)) {
        struct record what = nothing(srv);
        what.rate[RATE_CONNECTIONS] = 1;
        add_to_client(srv->memory, &what, client);
        add_to_network(srv->memory, &what, client);
    }
}

/* What a rule has done to a command, a recipient or a message; TALLY_COUNT: neither refused nor
 * deferred it. */
static enum record_tally tally_of(const struct rule *rule, uint16_t code)
{
    static const enum record_tally refused[PHASE_COUNT] = {
        [PHASE_CONNECT] = TALLY_REFUSED_CONNECT, [PHASE_HELO] = TALLY_REFUSED_HELO,
        [PHASE_MAIL] = TALLY_REFUSED_MAIL,       [PHASE_RCPT] = TALLY_REFUSED_RCPT,
        [PHASE_MESSAGE] = TALLY_REFUSED_MESSAGE,
    };
    if (rule == NULL || (code > 0 && code < 400)) {
        return TALLY_COUNT;
    }
    return code > 0 && code < 500 ? TALLY_DEFERRED : refused[rule->phase];
}

void learn_refused_connection(const struct smtp_server *srv, const struct addr *client,
                              const struct rule *rule, uint16_t code)
{
    enum record_tally tally = tally_of(rule, code);
    if (tally != TALLY_COUNT && is_learned(srv, client)) {
        struct record what = nothing(srv);
        what.tally[tally] = 1;
        add_to_client(srv->memory, &what, client);
        add_to_network(srv->memory, &what, client);
    }
}

/* ---- recipients ---- */

static bool is_trap(const struct smtp_server *srv, struct slice mailbox)
{
    const struct policy_table *traps = srv->policy->fact_tables[FACT_TABLE_TRAPS];
    return traps != NULL && table_has_text(traps, mailbox) == 1;
}

static void learn_unknown(const struct session *s)
{
    struct record what = nothing(s->server);
    what.tally[TALLY_UNKNOWN_RECIPIENT] = 1;
    what.rate[RATE_UNKNOWN_RECIPIENTS] = 1;
    add_to_client(s->server->memory, &what, &s->client);
    add_to_network(s->server->memory, &what, &s->client);
}

static bool is_deferred(const struct answer *a)
{
    return a->rule != NULL && a->rule->kind == RULE_DEFER && a->code >= 400;
}

void learn_recipient(struct session *s, const struct recipient_record *r)
{
    struct transaction *t = &s->txn;
    if (s->server->memory == NULL) {
        return;
    }
    t->traps += is_trap(s->server, r->mailbox);
    if (answer_says_unknown(&r->answer)) {
        t->unknown_recipients++;
        learn_unknown(s);
    }
    if (is_deferred(&r->answer)) {
        struct names names;
        names_known(&s->evidence, &names);
        deferral_begin(&s->evidence, &names, s->txn.envelope.sender, r->mailbox);
    }
}

/* ---- transactions ---- */

/* Each kind of refusal counts once, however many recipients it was said to. */
static void take_answer(struct record *what, const struct rule *rule, uint16_t code)
{
    enum record_tally tally = tally_of(rule, code);
    if (tally != TALLY_COUNT) {
        what->tally[tally] = 1;
    }
}

static void take_answers(struct record *what, const struct session *s)
{
    const struct transaction *t = &s->txn;
    for (size_t i = 0; i < t->record_count; i++) {
        const struct answer *a = &t->records[i]->answer;
        take_answer(what, a->rule, a->code);
        what->rate[RATE_RECIPIENTS] += answer_is_yes(a);
    }
    take_answer(what, t->verdict.rule, t->verdict.code);
    if (s->last_refusal.code > 0) {
        take_answer(what, s->last_refusal.rule, s->last_refusal.code);
    }
    take_answer(what, s->dropped_by, 0);
}

static void take_message(struct record *what, const struct session *s)
{
    if (s->evidence.message != NULL) {
        what->rate[RATE_MESSAGES] = 1;
        what->rate[RATE_OCTETS] = (float)s->evidence.message->spool.size;
    }
    if (answer_is_yes(&s->txn.verdict)) {
        what->tally[TALLY_ACCEPTED] = 1;
        what->day = (uint32_t)(what->last / DAY);
        what->days = 1;
    }
}

/* How often and how much the mailbox gets. */
static void add_to_recipient(struct memory *m, const struct record *what, struct slice mailbox,
                             struct arena *arena)
{
    struct record r;
    record_init(&r, RECORD_RECIPIENT, ascii_lowered(arena, mailbox), what->last);
    r.tally[TALLY_ACCEPTED] = 1;
    r.rate[RATE_MESSAGES] = 1;
    r.rate[RATE_OCTETS] = what->rate[RATE_OCTETS];
    memory_add(m, &r);
}

/* Of those that get the message, or would have. */
static void take_recipients(struct record *what, const struct session *s, const struct names *names)
{
    const struct transaction *t = &s->txn;
    const struct evidence *e = &s->evidence;
    bool deferred = is_deferred(&t->verdict), accepted = answer_is_yes(&t->verdict);
    for (size_t i = 0; i < t->record_count && (deferred || accepted); i++) {
        struct slice mailbox = t->records[i]->mailbox;
        if (!answer_is_yes(&t->records[i]->answer)) {
            continue;
        }
        if (deferred) {
            deferral_begin(e, names, t->envelope.sender, mailbox);
            continue;
        }
        add_to_recipient(s->server->memory, what, mailbox, &s->delivery->arena);
        if (deferral_end(e, names, t->envelope.sender, mailbox)) {
            what->tally[TALLY_RETURNED] = 1;
            what->returned = what->last;
        }
    }
}

static bool is_nothing(const struct record *what)
{
    double sum = 0;
    for (size_t i = 0; i < TALLY_COUNT; i++) {
        sum += (double)what->tally[i];
    }
    for (size_t i = 0; i < RATE_COUNT; i++) {
        sum += (double)what->rate[i];
    }
    return sum <= 0;
}

/* One that came back is known for it for some time after its last accepted message. */
static usec_t returned_by_now(struct memory *m, const struct record *what, enum record_kind kind,
                              struct slice name)
{
    struct record before;
    bool still = what->returned == 0 && what->days > 0 &&
                 memory_find(m, kind, name, what->last, &before) == 1 &&
                 record_has_returned(&before, memory_rules(m), what->last);
    return still ? what->last : what->returned;
}

/* The client's network has learned of unknown recipients as they came. */
static void add_to_names(struct memory *m, const struct record *what, const struct names *names,
                         unsigned unknown_recipients)
{
    for (size_t i = 0; i < names->count; i++) {
        enum record_kind kind = names->item[i].kind;
        struct record more = *what;
        if (kind != RECORD_NETWORK) {
            more.tally[TALLY_UNKNOWN_RECIPIENT] = (float)unknown_recipients;
            more.rate[RATE_UNKNOWN_RECIPIENTS] = (float)unknown_recipients;
        }
        if (!is_nothing(&more)) {
            more.returned = returned_by_now(m, what, kind, names->item[i].name);
            add(m, &more, kind, names->item[i].name);
        }
    }
}

void learn_transaction(struct session *s)
{
    struct memory *m = s->server->memory;
    struct record what;
    struct names names;
    if (m == NULL) {
        return;
    }
    what = nothing(s->server);
    names_known(&s->evidence, &names);
    what.tally[TALLY_TRAP] = (float)s->txn.traps;
    take_answers(&what, s);
    take_message(&what, s);
    take_recipients(&what, s, &names);
    add_to_names(m, &what, &names, s->txn.unknown_recipients);
    if (what.days > 0) {
        record_set_note(&what, names_organisation(&s->evidence));
    }
    if (!is_nothing(&what)) {
        add_to_client(m, &what, &s->client);
    }
}
