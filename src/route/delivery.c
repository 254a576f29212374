/* A transaction on its way through its routes, up to the end of the data; commit.c has the rest. */
#include "route/leg.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "route/isolation.h"

struct delivery *delivery_new(struct delivery_host *host)
{
    struct delivery *d = xcalloc(1, sizeof(*d));
    d->host = host;
    arena_init(&d->arena);
    return d;
}

static void end_legs(struct delivery *d)
{
    for (struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        leg->hop = hop_end(leg->hop);
    }
}

struct delivery *delivery_free(struct delivery *d)
{
    if (d != NULL && d->holders > 0) {
        d->left = true;
    } else if (d != NULL) {
        end_legs(d);
        arena_free(&d->arena);
        free(d);
    }
    return NULL;
}

struct delivery *delivery_leave(struct delivery *d)
{
    if (d->holders > 0) {
        return delivery_free(d);
    }
    end_legs(d);
    struct delivery_host *host = d->host;
    struct arena arena = d->arena;
    arena_reset(&arena);
    *d = (struct delivery){.host = host, .arena = arena};
    return d;
}

void delivery_begin(struct delivery *d, const struct addr *client, const struct envelope *e)
{
    d->network = addr_network(client);
    d->envelope = *e;
    d->envelope.sender = arena_copy(&d->arena, e->sender);
    d->envelope.dsn.ret = arena_copy(&d->arena, e->dsn.ret);
    d->envelope.dsn.envid = arena_copy(&d->arena, e->dsn.envid);
    d->envelope.origin.helo = arena_copy(&d->arena, e->origin.helo);
    d->envelope.origin.id = arena_copy(&d->arena, e->origin.id);
}

void delivery_slow(struct delivery *d)
{
    d->envelope.slowed = true;
}

/* The same mailbox twice in one transaction is one recipient (it gets one copy). */
bool delivery_has_rcpt(const struct delivery *d, struct slice local_part, struct slice domain)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct hop_recipient *r = d->recipients[i];
        if (slice_eq(r->local_part, local_part) && slice_eq_nocase(r->domain, domain)) {
            return true;
        }
    }
    return false;
}

static void add_recipient(struct delivery *d, struct hop_recipient *r)
{
    if (d->count == d->cap) {
        size_t cap = d->cap == 0 ? 8 : d->cap * 2;
        struct hop_recipient **more = arena_alloc(&d->arena, cap * sizeof(struct hop_recipient *));
        if (d->count > 0) {
            memcpy(more, d->recipients, d->count * sizeof(struct hop_recipient *));
        }
        d->recipients = more;
        d->cap = cap;
    }
    d->recipients[d->count++] = r;
}

/* While the ledger cannot be written, the retry of a message that some have would bring them
 * another copy, each time. So those whose answers can differ come one by one. */
static bool must_come_alone(const struct delivery *d, const struct conf_route *route)
{
    return d->host->ledger_failing && d->count > 0 &&
           (route->kind != CONF_ROUTE_SMTP || route != d->recipients[0]->leg->route);
}

/* What an earlier delivery has taught about this recipient: true when *ret is already the reply. */
static bool remembered(struct delivery *d, const struct conf_route *route, struct slice mailbox,
                       struct answer *ret)
{
    struct digest key = refusal_key(&d->network, d->envelope.sender, mailbox);
    struct refusal r;
    if (refusal_find(d->host->store, REFUSAL_AT_RCPT, &key, rt_wall(), &r) == 1) {
        *ret = (struct answer){
            .code = r.code,
            .enhanced = arena_copy(&d->arena, slice_of(r.enhanced)),
            .text = arena_copy(&d->arena, slice_of(r.text)),
            .from_hop = true,
        };
        return true;
    }
    if (must_come_alone(d, route) || isolation_turns_away(d, mailbox)) {
        d->host->counts->rcpt_apart++;
        *ret = reply_answer(REPLY_ISOLATED);
        return true;
    }
    return false;
}

static struct leg *leg_of(struct delivery *d, const struct conf_route *route)
{
    struct leg **at = &d->legs;
    while (*at != NULL && (*at)->route != route) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        *at = arena_zalloc(&d->arena, sizeof(**at));
        (*at)->delivery = d;
        (*at)->route = route;
        (*at)->hop = hop_begin(d->host->pools, route, &d->envelope, &d->arena);
        (*at)->story = hop_story((*at)->hop);
    }
    return *at;
}

struct hop_story delivery_story(const struct hop_recipient *r)
{
    return *r->leg->story;
}

bool delivery_has_routes(const struct delivery *d)
{
    size_t used = 0;
    for (const struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        used += leg->count > 0;
    }
    return used > 1;
}

struct hop_story delivery_only_story(const struct delivery *d)
{
    struct hop_story story = {.route = {0}};
    if (delivery_has_routes(d)) {
        return story;
    }
    for (const struct leg *leg = d->legs; leg != NULL; leg = leg->next) {
        if (leg->count > 0 || d->count == 0) {
            story = *leg->story;
        }
    }
    return story;
}

static struct recipient_question question(struct delivery *d, const struct conf_route *route,
                                          struct slice mailbox, struct slice local_part,
                                          struct slice domain)
{
    return (struct recipient_question){
        .route = route,
        .envelope = &d->envelope,
        .mailbox = mailbox,
        .local_part = local_part,
        .domain = domain,
        .arena = &d->arena,
    };
}

int delivery_ask(struct delivery *d, const struct conf_route *route, struct slice mailbox,
                 struct slice local_part, struct slice domain, const struct dsn_rcpt *dsn,
                 struct answer *ret)
{
    const struct conf_limits *l = &d->host->conf->limits;
    d->candidate = NULL;
    if (remembered(d, route, mailbox, ret)) {
        return 0;
    }
    const struct recipient_question q = question(d, route, mailbox, local_part, domain);
    int answered = recipients_before(d->host->recipients, &q, ret);
    if (answered != 0) {
        d->host->counts->rcpt_unasked += answered > 0;
        return answered < 0 ? answered : 0;
    }
    struct hop_recipient *r = arena_zalloc(&d->arena, sizeof(*r));
    r->mailbox = arena_copy(&d->arena, mailbox);
    r->local_part = arena_copy(&d->arena, local_part);
    r->domain = arena_copy(&d->arena, domain);
    r->dsn = (struct dsn_rcpt){
        .notify = arena_copy(&d->arena, dsn->notify),
        .orcpt = arena_copy(&d->arena, dsn->orcpt),
        .promises = dsn->promises,
    };
    r->leg = leg_of(d, route);
    int error = hop_rcpt(r->leg->hop, r, rt_now() + l->connect_time + l->hop_reply_time);
    if (error < 0) {
        return error;
    }
    recipients_after(d->host->recipients, &q, r->leg->story->hop, &r->answer);
    d->host->counts->rcpt_known_before += r->answer.known_before;
    *ret = r->answer;
    d->candidate = answer_is_yes(&r->answer) ? r : NULL;
    return 0;
}

int delivery_accepts_all(struct delivery *d, const struct conf_route *route, struct slice domain,
                         bool *ret, enum value_source *ret_source)
{
    static const struct slice none = {0};
    const struct recipient_question q = question(d, route, none, none, domain);
    return recipients_accept_all(d->host->recipients, &q, ret, ret_source);
}

void delivery_join(struct delivery *d)
{
    if (d->candidate == NULL) {
        return;
    }
    isolation_join(d);
    add_recipient(d, d->candidate);
    leg_add(d->candidate->leg, d->candidate);
    d->candidate = NULL;
}

void delivery_confirmed(struct delivery_host *host, const struct ledger_ref *refs, size_t count)
{
    ledger_disarm(host->store, refs, count);
}
