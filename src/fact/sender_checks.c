/* See fact/sender_checks.h. */
#include "fact/sender_checks.h"

#include <errno.h>

#include "fact/fact.h"
#include "fact/origin.h"
#include "parse/smtp_address.h"
#include "rt/rt.h"

struct auth_clock sender_clock(const struct evidence *e)
{
    return (struct auth_clock){
        .wall = e->wall,
        .question_time = e->conf->limits.dns_time,
        .deadline = rt_now() + e->conf->limits.auth_time,
    };
}

/* Runs `check` unless it is done; what was cancelled is done by the next who asks. */
static int do_once(const struct evidence *e, struct once *once,
                   int (*check)(const struct evidence *e, struct sender_checks *c))
{
    int r = once_begin(once);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = check(e, e->checks);
    once_end(once, r == 0);
    return r;
}

/* ---- where the message comes from ---- */

int sender_by_forwarder(const struct evidence *e, bool *ret)
{
    const struct evidence_ops *ops = e->ops;
    struct value name;

    *ret = false;
    if (ops == NULL || ops->table_has_address == NULL) {
        return 0;
    }
    *ret = ops->table_has_address(e, FACT_TABLE_FORWARDERS, &e->client);
    if (*ret || !ops->table_has_texts(e, FACT_TABLE_FORWARDERS)) {
        return 0;
    }
    int r = fact_client_name(e, NULL, &name);
    if (r < 0) {
        return r;
    }
    if (name.state == VALUE_UNKNOWN) {
        return -EAGAIN;
    }
    *ret = name.text.n > 0 && ops->table_has_text(e, FACT_TABLE_FORWARDERS, name.text);
    return 0;
}

static int find_origin(const struct evidence *e, struct sender_checks *c)
{
    bool by_forwarder;
    int r = sender_by_forwarder(e, &by_forwarder);

    if (r == -ECANCELED) {
        return r;
    }
    if (r == 0 && !by_forwarder) {
        c->origin = (struct message_origin){.known = true, .host = e->client, .helo = e->helo};
        return 0;
    }
    if (e->message == NULL) {
        c->awaits_origin = true;
        return -ENODATA;
    }
    if (r < 0) { /* anybody can see to it that his own name cannot be looked up: his word is none */
        c->origin = (struct message_origin){.unsure = true};
        return 0;
    }
    return origin_read(e, &c->origin);
}

int sender_origin(const struct evidence *e, const struct message_origin **ret)
{
    if (e->checks == NULL) {
        return -ENODATA;
    }
    *ret = &e->checks->origin;
    return do_once(e, &e->checks->origin_once, find_origin);
}

/* ---- SPF ---- */

static struct spf_query spf_query_of(const struct evidence *e)
{
    const struct auth_clock clock = sender_clock(e);

    return (struct spf_query){
        .resolver = e->resolver,
        .client = e->client,
        .helo = e->helo,
        .sender = e->sender,
        .local_host = slice_of(e->conf->hostname),
        .wall = clock.wall,
        .question_time = clock.question_time,
        .deadline = clock.deadline,
    };
}

/* Nobody knows the host that is to be judged. */
static void spf_without_origin(const struct evidence *e, bool unsure, struct spf_outcome *ret)
{
    *ret = (struct spf_outcome){
        .result = AUTH_NONE,
        .problem = SLICE_LIT("the forwarder does not say whom it had the message from"),
    };
    if (unsure) { /* it may still pass for that domain */
        ret->result = AUTH_TEMPERROR;
        ret->domain = e->sender.n > 0 ? smtp_mailbox_domain(e->sender) : e->helo;
        ret->problem = SLICE_LIT("whether the client is a forwarder could not be looked up");
    }
}

static int check_spf(const struct evidence *e, struct sender_checks *c)
{
    struct spf_query query = spf_query_of(e);
    const struct message_origin *origin;
    int r = sender_origin(e, &origin);

    if (r < 0) {
        return r;
    }
    if (!origin->known) {
        spf_without_origin(e, origin->unsure, &c->spf);
        return 0;
    }
    query.client = origin->host;
    query.helo = origin->helo;
    return spf_check_sender(&query, e->arena, &c->spf);
}

int sender_spf(const struct evidence *e, const struct spf_outcome **ret)
{
    if (e->checks == NULL || e->resolver == NULL) {
        return -ENODATA;
    }
    *ret = &e->checks->spf;
    return do_once(e, &e->checks->spf_once, check_spf);
}

int sender_spf_helo(const struct evidence *e, struct spf_outcome *ret)
{
    if (e->resolver == NULL) {
        return -ENODATA;
    }
    const struct spf_query query = spf_query_of(e);
    return spf_check_helo(&query, e->helo_arena, ret);
}

/* ---- signatures ---- */

static bool has_message(const struct evidence *e)
{
    return e->checks != NULL && e->resolver != NULL && e->message != NULL &&
           e->checks->message != NULL;
}

static int check_dkim(const struct evidence *e, struct sender_checks *c)
{
    const struct auth_clock clock = sender_clock(e);

    return dkim_verify(c->message, e->resolver, &clock, e->arena, &c->dkim);
}

int sender_dkim(const struct evidence *e, const struct dkim_outcome **ret)
{
    if (!has_message(e)) {
        return -ENODATA;
    }
    *ret = &e->checks->dkim;
    return do_once(e, &e->checks->dkim_once, check_dkim);
}

static int check_arc(const struct evidence *e, struct sender_checks *c)
{
    const struct auth_clock clock = sender_clock(e);

    return arc_verify(c->message, e->resolver, &clock, e->arena, &c->arc);
}

int sender_arc(const struct evidence *e, const struct arc_outcome **ret)
{
    if (!has_message(e)) {
        return -ENODATA;
    }
    *ret = &e->checks->arc;
    return do_once(e, &e->checks->arc_once, check_arc);
}

/* ---- DMARC ---- */

/* The header goes on behind what could be read, perhaps with another From: what fails, fails, but
 * nothing passes. */
static void take_back_pass(struct dmarc_outcome *dmarc)
{
    if (dmarc->result == AUTH_PASS || dmarc->result == AUTH_NONE) {
        dmarc->result = AUTH_PERMERROR;
        dmarc->policy = DMARC_NO_POLICY;
        dmarc->problem = SLICE_LIT("the header could not be read whole");
    }
}

static int check_dmarc(const struct evidence *e, struct sender_checks *c)
{
    struct dmarc_query query = {.resolver = e->resolver};
    int r = sender_spf(e, &query.spf);

    r = r < 0 ? r : sender_dkim(e, &query.dkim);
    if (r < 0) {
        return r;
    }
    r = e->ops->message_header(e, &query.header);
    const bool cut = r == -E2BIG;
    if (r == -ECANCELED) {
        return r;
    }
    if (r < 0 && !cut) {
        c->dmarc = (struct dmarc_outcome){.result = AUTH_TEMPERROR,
                                          .problem = SLICE_LIT("the header could not be read")};
        return 0;
    }
    query.clock = sender_clock(e);
    r = dmarc_check(&query, e->arena, &c->dmarc);
    if (r == 0 && cut) {
        take_back_pass(&c->dmarc);
    }
    return r;
}

int sender_dmarc(const struct evidence *e, const struct dmarc_outcome **ret)
{
    if (!has_message(e) || e->ops == NULL || e->ops->message_header == NULL) {
        return -ENODATA;
    }
    *ret = &e->checks->dmarc;
    return do_once(e, &e->checks->dmarc_once, check_dmarc);
}
