/* Sessions of one worker: how they are made, counted and told to end. */
#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "smtp/session.h"

void smtp_server_init(struct smtp_server *srv, unsigned slot)
{
    const struct conf *conf = srv->conf;
    list_init(&srv->sessions);
    list_init(&srv->input_blocks);
    decision_ids_init(&srv->ids, slice_of(conf->hostname), slot);
    budget_init(&srv->budget, (size_t)conf->limits.spool_memory);
    srv->spool = (struct spool_config){
        .budget = &srv->budget,
        .folder = conf->spool,
        .memory_each = (size_t)conf->limits.message_memory,
    };
}

void smtp_server_fini(struct smtp_server *srv)
{
    struct list *block;
    rt_timer_clear(srv->rt, &srv->drain_timer);
    budget_fini(&srv->budget);
    while ((block = list_pop_front(&srv->input_blocks)) != NULL) {
        free(block);
    }
}

void smtp_server_accept(void *arg, struct stream *stream, const struct addr *client,
                        const struct addr *local)
{
    struct smtp_server *srv = arg;
    struct session *s = xcalloc(1, sizeof(*s));
    s->server = srv;
    s->stream = stream;
    s->client = *client;
    s->local = *local;
    s->state = STATE_NEW;
    s->began = rt_now_of(srv->rt);
    arena_init(&s->arena);
    decision_id_next(&srv->ids, rt_wall_of(srv->rt), s->id);
    if (srv->gate.enter != NULL) {
        s->admission = srv->gate.enter(srv->gate.arg, client);
    }
    if (task_spawn(srv->rt, rt_root_of(srv->rt), session_main, s) < 0) {
        /* No memory for a stack: nothing can be said in order. */
        if (s->admission == SMTP_ADMITTED && srv->gate.leave != NULL) {
            srv->gate.leave(srv->gate.arg, client);
        }
        stream_close(stream);
        free(s);
        return;
    }
    list_push_back(&srv->sessions, &s->link);
    srv->session_count++;
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
    list_for_each (it, &srv->sessions) {
        struct session *s = list_entry(it, struct session, link);
        if (s->idle != NULL) {
            scope_cancel(s->idle, -ESHUTDOWN);
        }
    }
    srv->drain_timer = (struct rt_timer){.fn = on_drain_time, .arg = srv};
    rt_timer_set(srv->rt, &srv->drain_timer, rt_now_of(srv->rt) + srv->conf->limits.drain_time);
}
