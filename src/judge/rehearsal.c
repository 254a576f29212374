/* See judge/rehearsal.h. */
#include "judge/rehearsal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "client/inspector.h"
#include "rt/sim.h"
#include "smtp/server.h"

/* What is random is the same for every message. */
#define SEED 1
/* The port of a client that has none: any above the reserved ones would do. */
#define CLIENT_PORT 49152
/* No worker has such a slot in its decision ids. */
#define SLOT 1023
/* More pretended time than anything lasts behind a session's end: last words, a store's batch. */
#define AFTERWARDS (30 * USEC_SEC)

struct rehearsal {
    struct conf conf; /* the given one, but for what a rehearsal needs otherwise */
    const struct zone *dns;
    struct sim *sim;
    struct rt *rt; /* the worker's */
    struct rt *outside;
    struct store_shared *shared;
    void *marks_memory;
    struct counters counts;
    struct delivery_host deliveries;
    struct smtp_server server;
    struct tls_context *tls; /* NULL: not wanted yet */
    struct arena texts;      /* the outcome's */
    struct judge_outcome outcome;
    struct buf line;
    unsigned lines;
    struct judge_client client;
    const struct judge_case *now;
};

/* ---- making it ---- */

/* A configuration for it: memory is no matter, and whoever is named as the client is the client,
 * also where the configuration has a proxy there. */
static struct conf conf_for(const struct conf *given)
{
    struct conf c = *given;
    c.proxy_count = 0;
    c.limits.spool_memory = INT64_MAX / 4;
    c.limits.message_memory = INT64_MAX / 4; /* no file is ever spooled */
    return c;
}

static void make_deliveries(struct rehearsal *r, rehearsal_tell *tell, void *arg)
{
    struct delivery_host *d = &r->deliveries;
    size_t marks = (size_t)r->conf.limits.recipients + 1;
    r->marks_memory = xcalloc(1, marks_memory(marks));
    *d = (struct delivery_host){
        .rt = r->rt,
        .conf = &r->conf,
        .pools = hop_pools_new(r->rt, &r->conf),
        .resolver = resolver_of_table(r->rt, SLICE_LIT("")),
        .store = store_open_memory(r->rt, &r->shared),
        .marks = marks_init(r->marks_memory, marks),
        .counts = &r->counts,
    };
    d->owner = marks_new_epoch(d->marks, 0);
    hop_pools_assume(d->pools);
    hop_pools_count_in(d->pools, &r->counts);
    d->recipients = recipients_new(r->rt, &r->conf, d->pools, d->store, tell, arg);
    recipients_assume(d->recipients);
}

struct rehearsal *rehearsal_new(const struct conf *conf, const struct policy *policy,
                                const struct zone *dns, int door, rehearsal_tell *tell, void *arg)
{
    struct rehearsal *r = xcalloc(1, sizeof(*r));
    r->dns = dns;
    r->conf = conf_for(conf);
    arena_init(&r->texts);
    r->sim = sim_new(SEED);
    r->rt = sim_rt(r->sim);
    r->outside = sim_rt(r->sim);
    make_deliveries(r, tell, arg);
    r->server = (struct smtp_server){
        .rt = r->rt,
        .conf = &r->conf,
        .deliveries = &r->deliveries,
        .policy = policy,
        .counts = &r->counts,
    };
    if (door >= 0) {
        r->server.inspected_by.inspector = inspector_new(r->rt, door, true);
    }
    smtp_server_init(&r->server, SLOT);
    return r;
}

struct rehearsal *rehearsal_free(struct rehearsal *r)
{
    if (r == NULL) {
        return NULL;
    }
    smtp_server_fini(&r->server);
    (void)inspector_free(r->server.inspected_by.inspector);
    (void)recipients_free(r->deliveries.recipients);
    (void)hop_pools_free(r->deliveries.pools);
    (void)store_close(r->deliveries.store);
    (void)resolver_free(r->deliveries.resolver);
    (void)resolver_free(r->server.resolver);
    (void)sim_rt_free(r->outside);
    (void)sim_rt_free(r->rt);
    (void)sim_free(r->sim);
    store_shared_free(r->shared);
    marks_fini(r->deliveries.marks);
    free(r->marks_memory);
    (void)tls_context_free(r->tls);
    (void)tls_context_free(r->client.tls);
    buf_free(&r->client.reply);
    buf_free(&r->line);
    arena_free(&r->texts);
    free(r);
    return NULL;
}

/* ---- one message ---- */

static void on_decision(void *arg, struct slice line)
{
    struct rehearsal *r = arg;
    r->line.n = 0;
    buf_append_slice(&r->line, line);
    r->line.n -= line.n > 0 && line.p[line.n - 1] == '\n';
    r->lines++;
}

static void on_shown(void *arg, const struct decision *x)
{
    struct rehearsal *r = arg;
    r->outcome = (struct judge_outcome){
        .verdict = slice_of(x->verdict),
        .code = x->code,
        .enhanced = arena_copy(&r->texts, x->enhanced),
        .text = arena_copy(&r->texts, x->text),
        .rule = slice_of(x->judgement.rule != NULL ? x->judgement.rule->where : ""),
    };
}

/* Where it connects to. Of a listener for all addresses nobody knows which one it was: then it is
 * one that is nobody's (RFC 5737, RFC 3849). */
static struct addr local_of(const struct rehearsal *r, const struct judge_case *c)
{
    static const struct addr v4 = {.family = ADDR_V4, .octets = {192, 0, 2, 25}};
    static const struct addr v6 = {.family = ADDR_V6, .octets = {0x20, 1, 0x0d, 0xb8, [15] = 0x25}};
    struct addr listener = r->conf.listen[c->listener];
    struct addr all = {.family = listener.family};
    struct addr local = c->local.family != ADDR_NONE       ? c->local
                        : !addr_same_host(&listener, &all) ? listener
                        : c->client.family == ADDR_V6      ? v6
                                                           : v4;
    local.port = listener.port;
    return local;
}

struct arrival {
    struct rehearsal *rehearsal;
    struct stream *stream;
    struct addr client;
    struct addr local;
};

static void take_in(struct arrival *a)
{
    smtp_server_accept(&a->rehearsal->server, a->stream, &a->client, &a->local);
}

static void on_early_octets(void *arg)
{
    struct arrival *a = arg;
    stream_on_arrival(a->stream, NULL, NULL);
    take_in(a);
}

/* The connection is there; that of an early talker is taken in when its octets are. */
static void on_connection(void *arg, struct stream *s, const struct addr *client,
                          const struct addr *local)
{
    struct arrival *a = arg;
    a->stream = s;
    a->client = *client;
    a->local = *local;
    if (a->rehearsal->now->early) {
        stream_on_arrival(s, on_early_octets, a);
    } else {
        take_in(a);
    }
}

/* As if nothing had ever been there: the clock at a full second, so that what is rounded to a tick
 * is so in the same way; ids and what is random from their beginning; nothing remembered, by the
 * resolver neither. */
static void begin(struct rehearsal *r, const struct judge_case *c)
{
    usec_t second = (sim_now(r->sim) / USEC_SEC + 1) * USEC_SEC;
    sim_run(r->sim, second);
    sim_set_wall(r->sim, c->at_wall);
    sim_set_seed(r->sim, SEED);
    decision_ids_init(&r->server.ids, slice_of(r->conf.hostname), SLOT);
    store_shared_clear(r->shared);
    struct resolver *dns = r->dns != NULL ? resolver_of_zone(r->rt, r->dns) : NULL;
    if (dns != NULL) {
        resolver_keep_answers(dns, (size_t)r->conf.limits.dns_cache);
    }
    (void)resolver_free(smtp_server_resolve(&r->server, dns));
    struct addr client = c->client;
    client.port = client.port != 0 ? client.port : CLIENT_PORT;
    sim_set_address(r->outside, &client);
    if (c->tls && r->tls == NULL) {
        r->tls = tls_context_unproven();
        r->client.tls = tls_context_client();
    }
    r->server.tls = c->tls ? r->tls : NULL;
    r->now = c;
    r->lines = 0;
    r->line.n = 0;
    arena_reset(&r->texts);
    r->client.reply.n = 0;
    r->client.done = false;
}

/* Until the server has forgotten the client, too, and what it asks is answered. */
static void play(struct rehearsal *r)
{
    if (task_spawn(r->outside, rt_root_of(r->outside), judge_client_main, &r->client) < 0) {
        fatal("no memory for a stack");
    }
    bool done = sim_run_until(r->sim, &r->client.done);
    usec_t until = sim_now(r->sim) + AFTERWARDS;
    while (done && !smtp_server_rests(&r->server) && sim_now(r->sim) < until) {
        sim_run(r->sim, sim_now(r->sim) + USEC_SEC);
    }
    if (!done || !smtp_server_rests(&r->server)) {
        panic("a rehearsed session does not end");
    }
}

int rehearsal_run(struct rehearsal *r, const struct judge_case *c, struct judge_outcome *ret)
{
    struct arrival arrival = {.rehearsal = r};
    struct decision_sink *sink = decision_sink_to(on_decision, r);
    decision_sink_show(sink, on_shown, r);
    begin(r, c);
    r->server.decisions = sink;
    r->client.c = c;
    r->client.server = local_of(r, c);
    struct sim_listener *listener = sim_listen(r->rt, &r->client.server, on_connection, &arrival);
    play(r);
    (void)sim_listener_free(listener);
    (void)decision_sink_free(sink);
    r->server.decisions = NULL;
    if (r->lines != 1) {
        return -EPROTO;
    }
    *ret = r->outcome;
    ret->line = buf_slice(&r->line);
    ret->reply = buf_slice(&r->client.reply);
    return 0;
}
