/* What the sessions of one worker share: made, and told to end. */
#include <errno.h>

#include "auth/dns_list.h"
#include "policy/ahead.h"
#include "smtp/crowd.h"
#include "smtp/foresight.h"
#include "smtp/session.h"

struct resolver *smtp_server_resolve(struct smtp_server *srv, struct resolver *r)
{
    struct resolver *before = srv->resolver;
    srv->resolver = r;
    srv->lists = dns_lists_free(srv->lists);
    if (r != NULL) {
        srv->lists = dns_lists_new(srv->rt, r, srv->tell, srv->tell_arg);
    }
    return before;
}

bool smtp_server_rests(const struct smtp_server *srv)
{
    return smtp_server_clients(srv) == 0 && srv->foresight_count == 0 &&
           (srv->lists == NULL || !dns_lists_look(srv->lists));
}

void smtp_server_init(struct smtp_server *srv, unsigned slot)
{
    const struct conf *conf = srv->conf;
    list_init(&srv->sessions);
    list_init(&srv->lobby);
    list_init(&srv->foresights);
    srv->asks_ahead = policy_asks_ahead(srv->policy);
    crowd_init(srv);
    block_pool_init(&srv->input_blocks, INPUT_BLOCK);
    decision_ids_init(&srv->ids, slice_of(conf->hostname), slot);
    budget_init(&srv->budget, (size_t)conf->limits.spool_memory);
    srv->spool = (struct spool_config){
        .budget = &srv->budget,
        .folder = conf->spool,
        .memory_each = (size_t)conf->limits.message_memory,
    };
    srv->inspected_by.conf = conf;
    srv->inspected_by.counts = srv->counts;
    srv->inspected_by.work = srv->policy->inspect_work;
    (void)smtp_server_resolve(srv, srv->resolver);
    arena_init(&srv->arena);
    srv->guest_memo = fact_memo_new(&srv->arena, srv->policy->use_count[SCOPE_CONNECTION]);
    srv->listener_names = arena_alloc(&srv->arena, conf->listen_count * ADDR_TEXT_MAX);
    for (size_t i = 0; i < conf->listen_count; i++) {
        addr_format_port(&conf->listen[i], srv->listener_names[i]);
    }
}

unsigned smtp_server_clients(const struct smtp_server *srv)
{
    return srv->session_count + srv->guest_count;
}

void smtp_server_fini(struct smtp_server *srv)
{
    rt_timer_clear(srv->rt, &srv->drain_timer);
    lobby_fini(srv);
    srv->lists = dns_lists_free(srv->lists);
    arena_free(&srv->arena);
    budget_fini(&srv->budget);
    block_pool_free(&srv->input_blocks);
}

void smtp_server_trim(struct smtp_server *srv)
{
    budget_trim(&srv->budget);
    block_pool_trim(&srv->input_blocks);
}

static void on_drain_time(void *arg)
{
    struct smtp_server *srv = arg;
    list_for_each (it, &srv->sessions) {
        struct session *s = list_entry(it, struct session, link);
        if (s->scope != NULL) {
            scope_cancel(s->scope, -ESHUTDOWN);
        }
    }
}

void smtp_server_drain(struct smtp_server *srv)
{
    if (srv->draining) {
        return;
    }
    srv->draining = true;
    lobby_drain(srv);
    foresights_drain(srv);
    if (srv->lists != NULL) {
        dns_lists_drain(srv->lists);
    }
    list_for_each (it, &srv->sessions) {
        struct session *s = list_entry(it, struct session, link);
        if (s->idle != NULL) {
            scope_cancel(s->idle, -ESHUTDOWN);
        }
    }
    srv->drain_timer = (struct rt_timer){.fn = on_drain_time, .arg = srv};
    rt_timer_set(srv->rt, &srv->drain_timer, rt_now_of(srv->rt) + srv->conf->limits.drain_time);
}
