/* Kept connections: quiet ones that wait for the next message (route/hop_pool.h). */
#include "route/hop_conn.h"
#include "route/hop_pool.h"

/* A quiet connection keeps a command buffer up to this size. */
#define OUT_KEPT ((size_t)4096)

/* How long the answer to a NOOP may take; it is not asked again before. */
#define PROBE_ANSWER (10 * USEC_SEC)

/* NOOPs on one connection: Exim counts them, and ends the connection at more than 10 commands that
 * bring no message on (smtp_accept_max_nonmail). */
#define PROBES_MAX 8

struct hop_conn *hop_keep_end(struct hop_conn *c)
{
    struct hop_pool *p = c->pool;
    rt_timer_clear(p->pools->rt, &c->idle);
    list_remove(&c->link);
    c->kept = false;
    p->kept_count--;
    p->in_use++;
    return c;
}

static void set_idle_timer(struct hop_conn *c, usec_t when)
{
    rt_timer_set(c->pool->pools->rt, &c->idle, when < c->idle_until ? when : c->idle_until);
}

/* Nothing is heard any more of a connection: others may be as dead, and the hop as well. */
static void lost_silently(struct hop_conn *c)
{
    struct hop_pool *p = c->pool;
    hop_conn_abort(hop_keep_end(c));
    p->failures++;
    p->pools->counts->hop_failures++;
}

/* Says NOOP, unless a reply is awaited already: its coming tells as much. */
static void probe(struct hop_conn *c, usec_t now)
{
    if (c->owed == 0) {
        hop_conn_put_noop(c);
        c->probes++;
        if (!hop_conn_send_now(c)) {
            lost_silently(c);
            return;
        }
    }
    c->probing = true;
    rt_timer_set(c->pool->pools->rt, &c->idle, now + PROBE_ANSWER);
}

/* The reply that was awaited is there, or none was. */
static bool is_quiet(struct hop_conn *c)
{
    c->probing = c->probing && c->owed > 0;
    return !c->probing;
}

static void on_idle(void *arg)
{
    struct hop_conn *c = arg;
    const struct hop_pool *p = c->pool;
    usec_t now = rt_now_of(p->pools->rt);
    bool was_asked = c->probing;
    if (!hop_conn_alive(c)) {
        hop_conn_close(hop_keep_end(c));
    } else if (!is_quiet(c)) {
        lost_silently(c);
    } else if (now >= c->idle_until || c->probes >= PROBES_MAX) {
        hop_conn_quit(hop_keep_end(c));
    } else if (was_asked) {
        usec_t pause = p->pools->conf->limits.hop_probe_time - PROBE_ANSWER;
        set_idle_timer(c, now + (pause > 0 ? pause : 0));
    } else {
        probe(c, now);
    }
}

struct hop_conn *hop_keep_take(struct hop_pool *p)
{
    list_for_each_safe (it, next, &p->kept) {
        struct hop_conn *c = list_entry(it, struct hop_conn, link);
        if (!hop_conn_alive(c)) {
            hop_conn_close(hop_keep_end(c));
        } else if (is_quiet(c)) {
            return hop_keep_end(c);
        }
    }
    return NULL;
}

void hop_keep(struct hop_conn *c)
{
    struct hop_pool *p = c->pool;
    const struct conf_limits *limits = &p->pools->conf->limits;
    usec_t now = rt_now_of(p->pools->rt);
    reply_reader_shrink(&c->replies);
    if (c->out.cap > OUT_KEPT) {
        buf_free(&c->out);
    }
    c->used = true;
    c->kept = true;
    list_push_front(&p->kept, &c->link);
    p->kept_count++;
    p->in_use--;
    c->idle = (struct rt_timer){.fn = on_idle, .arg = c};
    c->idle_until = now + limits->hop_idle_time;
    set_idle_timer(c, limits->hop_probe_time > 0 ? now + limits->hop_probe_time : c->idle_until);
}
