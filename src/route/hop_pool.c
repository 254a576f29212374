#include "route/hop_pool.h"
#include "base/counters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "route/hop_conn.h"

/* A hop that greets with 421 while it serves others of our connections has enough of them: for so
 * long no more are made. */
#define ENOUGH_TIME (10 * USEC_SEC)

/* A transaction that has rested so long can be made to give its connection up. */
#define REST_LEAST (1 * USEC_SEC)

/* ---- all of them ---- */

static void make_wealth(struct hop_pools *p, const struct conf *conf)
{
    p->wealth = xcalloc(conf->route_count + 1, sizeof *p->wealth);
    for (size_t i = 0; i < conf->route_count; i++) {
        p->wealth[i] = xcalloc(conf->routes[i]->hop_count + 1, sizeof **p->wealth);
    }
}

struct hop_pools *hop_pools_new(struct rt *rt, const struct conf *conf)
{
    struct hop_pools *p = xcalloc(1, sizeof *p + conf->hop_count * sizeof p->pool[0]);
    p->rt = rt;
    p->conf = conf;
    p->count = conf->hop_count;
    p->counts = &p->uncounted;
    for (size_t i = 0; i < p->count; i++) {
        p->pool[i].pools = p;
        p->pool[i].hop = conf->hops[i];
        list_init(&p->pool[i].kept);
        list_init(&p->pool[i].line);
        list_init(&p->pool[i].resting);
        hop_health_init(&p->pool[i].health);
    }
    make_wealth(p, conf);
    return p;
}

void hop_pools_trust(struct hop_pools *p, const struct hop_trust *trust)
{
    for (size_t i = 0; i < p->count; i++) {
        hop_tls_init(&p->pool[i].tls, trust, p->pool[i].hop);
    }
}

void hop_pools_resolve(struct hop_pools *p, struct resolver *resolver)
{
    p->resolver = resolver;
}

void hop_pools_tell(struct hop_pools *p, hop_tell *tell, void *arg)
{
    p->tell = tell;
    p->tell_arg = arg;
}

void hop_pools_assume(struct hop_pools *p)
{
    p->assumed = true;
}

void hop_pools_count_in(struct hop_pools *p, struct counters *counts)
{
    p->counts = counts;
}

void hop_pools_say(struct hop_pools *p, bool trouble, const char *format, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    if (p->tell != NULL) {
        p->tell(p->tell_arg, trouble, line);
    }
}

struct hop_pool *hop_pool_of(struct hop_pools *p, const struct conf_hop *hop)
{
    return &p->pool[hop->index];
}

size_t hop_pools_count(const struct hop_pools *p)
{
    return p->count;
}

void hop_pools_figures(const struct hop_pools *p, size_t i, struct hop_figures *ret)
{
    const struct hop_pool *pool = &p->pool[i];
    const struct hop_health *s = &pool->health;
    *ret = (struct hop_figures){
        .name = pool->hop->name,
        .down = s->down,
        .since = s->down ? s->since : 0,
        .retry_at = s->down ? s->retry_at : 0,
        .error = s->error,
        .in_use = pool->in_use,
        .kept = pool->kept_count,
        .waiting = pool->line_count,
        .messages = pool->messages,
        .failures = pool->failures,
    };
}

/* ---- who gets one ---- */

struct waiter {
    struct list link;
    struct cond changed;
    enum hop_want want;
};

/* In the order in which they come, of those who want it for the same. */
static void line_up(struct hop_pool *p, struct waiter *w)
{
    struct list *at = p->line.next;
    while (at != &p->line && list_entry(at, struct waiter, link)->want >= w->want) {
        at = at->next;
    }
    list_insert_before(at, &w->link);
    p->line_count++;
}

/* Something may be to be had: the first in line looks. */
static void call_next(struct hop_pool *p)
{
    if (!list_empty(&p->line)) {
        cond_wake_one(&list_entry(p->line.next, struct waiter, link)->changed);
    }
}

void hop_pool_release(struct hop_pool *p)
{
    p->in_use--;
    call_next(p);
}

void hop_pool_forget(struct hop_conn *c)
{
    if (c->kept) {
        hop_keep_end(c);
    }
    hop_pool_release(c->pool);
}

bool hop_pool_worn(const struct hop_conn *c)
{
    return c->refusals >= c->pool->pools->conf->limits.hop_errors;
}

/* Would it be kept if there were room? */
static bool is_worth_keeping(const struct hop_conn *c)
{
    const struct hop_pool *p = c->pool;
    const struct conf_limits *limits = &p->pools->conf->limits;
    if (p->pools->draining || hop_pool_worn(c) || c->mails >= limits->hop_messages) {
        return false;
    }
    return !list_empty(&p->line) ||
           (limits->hop_idle_time > 0 && p->kept_count < limits->hop_idle_connections);
}

void hop_pool_give(struct hop_conn *c)
{
    struct hop_pool *p = c->pool;
    if (reply_reader_busy(&c->replies)) { /* it said more than it was asked */
        hop_conn_close(c);
    } else if (is_worth_keeping(c)) {
        hop_keep(c);
        call_next(p);
    } else {
        hop_conn_quit(c);
    }
}

void hop_pool_disperse(struct hop_pool *p)
{
    list_for_each (it, &p->line) {
        cond_wake_all(&list_entry(it, struct waiter, link)->changed);
    }
}

/* Does the hop want no more than there are? Where there are none it has to be asked. */
static bool has_enough(const struct hop_pool *p)
{
    return p->in_use + p->kept_count > 0 && rt_now_of(p->pools->rt) < p->enough_until;
}

/* May one more be made? */
static bool may_make(const struct hop_pool *p)
{
    return !has_enough(p) && p->in_use + p->kept_count < p->pools->conf->limits.hop_connections;
}

bool hop_pool_has_room(const struct hop_pool *p)
{
    return list_empty(&p->line) && (p->kept_count > 0 || may_make(p));
}

void hop_pool_rest(struct hop_pool *p, struct hop_rest *r, bool at_once)
{
    r->since = at_once ? rt_now() - REST_LEAST : rt_now();
    if (at_once) {
        list_push_front(&p->resting, &r->link);
    } else {
        list_push_back(&p->resting, &r->link);
    }
    call_next(p); /* it knows now when to look again */
}

void hop_pool_rouse(struct hop_rest *r)
{
    list_remove(&r->link);
}

static struct hop_rest *longest_resting(const struct hop_pool *p)
{
    return list_empty(&p->resting) ? NULL : list_entry(p->resting.next, struct hop_rest, link);
}

/* From a transaction that rests; NULL when none has rested enough. */
static struct hop_conn *take_resting(struct hop_pool *p)
{
    struct hop_rest *r = longest_resting(p);
    if (r == NULL || rt_now() < r->since + REST_LEAST) {
        return NULL;
    }
    hop_pool_rouse(r);
    p->pools->counts->hop_lent++;
    return r->yield(r);
}

/* Without waiting: a connection, or with *ret NULL leave to make one; both are counted as in use.
 * False when there is neither. */
static bool get(struct hop_pool *p, const struct hop_wish *wish, struct hop_conn **ret)
{
    *ret = wish->fresh && !has_enough(p) ? NULL : hop_keep_take(p);
    if (*ret == NULL && !may_make(p)) {
        if (!list_empty(&p->kept)) { /* it does not answer, or is not wanted: a fresh one instead */
            hop_conn_quit(hop_keep_end(list_entry(p->kept.prev, struct hop_conn, link)));
        } else if (wish->want > HOP_WANT_UNHURRIED) {
            *ret = take_resting(p);
        }
    }
    if (*ret != NULL) {
        return true;
    }
    if (!may_make(p)) {
        return false;
    }
    p->in_use++;
    return true;
}

/* When something may be to be had without anybody calling. */
static usec_t look_again(const struct hop_pool *p, usec_t until)
{
    const struct hop_rest *r = longest_resting(p);
    usec_t now = rt_now();
    if (p->enough_until > now && p->enough_until < until) {
        until = p->enough_until;
    }
    if (r != NULL && r->since + REST_LEAST > now && r->since + REST_LEAST < until) {
        until = r->since + REST_LEAST;
    }
    return until;
}

static int stand_in_line(struct hop_pool *p, struct waiter *w, const struct hop_wish *wish,
                         struct hop_conn **ret)
{
    for (;;) {
        if (p->line.next == &w->link && get(p, wish, ret)) {
            return 0;
        }
        if (p->health.down) {
            return -EHOSTDOWN;
        }
        int rc = cond_wait(&w->changed, look_again(p, wish->until));
        if (rc == -ECANCELED) {
            return rc;
        }
        if (rt_now() >= wish->until) {
            return -EBUSY;
        }
    }
}

/* A connection, or leave to make one: 0, -EBUSY, -EHOSTDOWN or -ECANCELED. */
static int get_in_turn(struct hop_pool *p, const struct hop_wish *wish, struct hop_conn **ret)
{
    if (list_empty(&p->line) && get(p, wish, ret)) {
        return 0;
    }
    struct waiter w = {.want = wish->want};
    p->pools->counts->hop_waits++;
    cond_init(&w.changed);
    line_up(p, &w);
    int rc = stand_in_line(p, &w, wish, ret);
    list_remove(&w.link);
    p->line_count--;
    call_next(p);
    return rc;
}

/* ---- taking one ---- */

bool hop_want_of_ours(struct hop_pool *p, int rc)
{
    bool want = rc == -EMFILE || rc == -ENFILE || rc == -ENOBUFS || rc == -ENOMEM ||
                rc == -EADDRNOTAVAIL; /* no port is left */
    p->pools->counts->hop_wants += want;
    return want;
}

/* A connection could not be made. A timeout of a short time says nothing of the hop, nor does what
 * we lack ourselves. */
static void note_failure(struct hop_pool *p, int rc, const struct hop_fault *fault, usec_t took)
{
    usec_t least = p->pools->conf->limits.connect_time / 4;
    char error[HOP_FAULT_TEXT_MAX];
    if (least > 4 * USEC_SEC) {
        least = 4 * USEC_SEC;
    }
    if (hop_want_of_ours(p, rc)) {
        return;
    }
    if (rt_now() < p->tls.plain_until) {
        took = 0; /* the next connection goes without what hung */
    }
    if (rc != -ECANCELED && (rc != -ETIMEDOUT || took == 0 || took >= least)) {
        hop_health_failed(p, hop_fault_text(fault, rc, error), took);
    }
}

/* Makes one, which is counted already: 0; 1 when the hop has enough of us; or an error. */
static int make(struct hop_pool *p, usec_t until, struct hop_conn **ret,
                struct hop_fault *ret_fault)
{
    usec_t began = rt_now();
    int rc = hop_connect(p, until, ret, ret_fault);
    if (rc == 0) {
        hop_health_well(p);
        return 0;
    }
    bool enough = ret_fault->enough && p->in_use + p->kept_count > 1;
    if (enough) {
        p->enough_until = rt_now() + ENOUGH_TIME;
    } else {
        note_failure(p, rc, ret_fault, rt_now() - began);
    }
    hop_pool_release(p);
    return enough ? 1 : rc;
}

static int take(struct hop_pool *p, const struct hop_wish *wish, struct hop_conn **ret,
                struct hop_fault *ret_fault)
{
    int rc = p->health.down ? hop_health_await(p, wish->until) : 0;
    while (rc == 0) {
        rc = get_in_turn(p, wish, ret);
        if (rc < 0 || *ret != NULL) {
            return rc;
        }
        rc = make(p, wish->until, ret, ret_fault);
        if (rc <= 0) {
            return rc;
        }
        rc = wish->elsewhere ? -EBUSY : 0; /* in line for one of those that there are */
    }
    return rc;
}

int hop_pool_take(struct hop_pool *p, const struct hop_wish *wish, struct hop_conn **ret,
                  struct hop_fault *ret_fault)
{
    *ret_fault = (struct hop_fault){0};
    int rc = take(p, wish, ret, ret_fault);
    if (rc == -EHOSTDOWN && ret_fault->why[0] == '\0') {
        (void)snprintf(ret_fault->why, sizeof ret_fault->why, "%s", p->health.error);
    } else if (rc == -EBUSY) {
        p->pools->counts->hop_busy_451 += rt_now() >= wish->until;
        ret_fault->reply = REPLY_HOP_BUSY;
        if (ret_fault->why[0] == '\0') {
            (void)snprintf(ret_fault->why, sizeof ret_fault->why, "all connections are in use");
        }
    }
    return rc;
}

/* ---- the end ---- */

void hop_pools_drain(struct hop_pools *p)
{
    p->draining = true;
    for (size_t i = 0; i < p->count; i++) {
        struct hop_pool *pool = &p->pool[i];
        hop_health_stop(pool);
        while (!list_empty(&pool->kept)) {
            hop_conn_quit(hop_keep_end(list_entry(pool->kept.next, struct hop_conn, link)));
        }
    }
}

static void free_now(struct hop_pools *p)
{
    for (size_t i = 0; i < p->count; i++) {
        hop_tls_fini(&p->pool[i].tls);
    }
    for (size_t i = 0; i < p->conf->route_count; i++) {
        free(p->wealth[i]);
    }
    free(p->wealth);
    free(p);
}

void hop_pools_trial_over(struct hop_pools *p)
{
    p->trials--;
    if (p->freed && p->trials == 0) {
        free_now(p);
    }
}

struct hop_pools *hop_pools_free(struct hop_pools *p)
{
    if (p != NULL) {
        hop_pools_drain(p);
        p->freed = true;
        if (p->trials == 0) {
            free_now(p);
        }
    }
    return NULL;
}
