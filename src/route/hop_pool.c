#include "route/hop_pool.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "route/hop.h"
#include "route/hop_conn.h"

/* A quiet connection keeps a command buffer up to this size. */
#define OUT_KEPT ((size_t)4096)

struct hop_pools *hop_pools_new(struct rt *rt, const struct conf *conf)
{
    struct hop_pools *p = xcalloc(1, sizeof *p + conf->hop_count * sizeof p->pool[0]);
    p->rt = rt;
    p->conf = conf;
    p->count = conf->hop_count;
    for (size_t i = 0; i < p->count; i++) {
        p->pool[i].pools = p;
        p->pool[i].hop = conf->hops[i];
        list_init(&p->pool[i].kept);
    }
    return p;
}

void hop_pools_trust(struct hop_pools *p, const struct hop_trust *trust)
{
    for (size_t i = 0; i < p->count; i++) {
        hop_tls_init(&p->pool[i].tls, trust, p->pool[i].hop);
    }
}

struct hop_pool *hop_pool_of(struct hop_pools *p, const struct conf_hop *hop)
{
    return &p->pool[hop->index];
}

/* Takes `c` out of its pool. */
static struct hop_conn *unlink_conn(struct hop_conn *c)
{
    struct hop_pool *p = c->pool;
    rt_timer_clear(p->pools->rt, &c->idle);
    list_remove(&c->link);
    c->pool = NULL;
    p->count--;
    return c;
}

static void on_idle(void *arg)
{
    hop_conn_quit(unlink_conn(arg));
}

struct hop_conn *hop_pool_take(struct hop_pool *p)
{
    while (!list_empty(&p->kept)) {
        struct hop_conn *c = unlink_conn(list_entry(p->kept.next, struct hop_conn, link));
        if (hop_conn_alive(c)) {
            return c;
        }
        hop_conn_close(c);
    }
    return NULL;
}

void hop_pool_give(struct hop_pool *p, struct hop_conn *c)
{
    const struct conf_limits *limits = &p->pools->conf->limits;
    if (reply_reader_busy(&c->replies)) { /* it said more than it was asked */
        hop_conn_close(c);
        return;
    }
    if (p->pools->draining || p->count >= limits->hop_idle_connections ||
        limits->hop_idle_time == 0) {
        hop_conn_quit(c);
        return;
    }
    reply_reader_shrink(&c->replies);
    if (c->out.cap > OUT_KEPT) {
        buf_free(&c->out);
    }
    c->used = true;
    c->pool = p;
    list_push_front(&p->kept, &c->link);
    p->count++;
    c->idle.fn = on_idle;
    c->idle.arg = c;
    rt_timer_set(p->pools->rt, &c->idle, rt_now() + limits->hop_idle_time);
}

void hop_pools_drain(struct hop_pools *p)
{
    p->draining = true;
    for (size_t i = 0; i < p->count; i++) {
        while (!list_empty(&p->pool[i].kept)) {
            hop_conn_quit(unlink_conn(list_entry(p->pool[i].kept.next, struct hop_conn, link)));
        }
    }
}

struct hop_pools *hop_pools_free(struct hop_pools *p)
{
    if (p != NULL) {
        hop_pools_drain(p);
        for (size_t i = 0; i < p->count; i++) {
            hop_tls_fini(&p->pool[i].tls);
        }
        free(p);
    }
    return NULL;
}
