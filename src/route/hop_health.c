#include "route/hop_health.h"

#include <errno.h>
#include <stdio.h>

#include "route/hop_conn.h"
#include "route/hop_pool.h"

/* A failure that took no longer costs nobody anything; nobody waits longer for a trial. */
#define AT_ONCE (1 * USEC_SEC)

/* The first wait for a trial. */
#define RETRY_FIRST (1 * USEC_SEC)

/* Transactions in succession that come to nothing before the hop is taken to be down. */
#define DOUBTS_MAX 3

void hop_health_init(struct hop_health *s)
{
    *s = (struct hop_health){0};
    cond_init(&s->tried);
}

static void count_failure(struct hop_pool *p, const char *error)
{
    p->failures++;
    p->pools->counts->hop_failures++;
    (void)snprintf(p->health.error, sizeof p->health.error, "%s", error);
}

/* ---- down, and well again ---- */

static void put_off_trial(struct hop_pool *p, usec_t now)
{
    struct hop_health *s = &p->health;
    usec_t most = p->pools->conf->limits.hop_retry_time;
    s->backoff = s->backoff == 0 ? RETRY_FIRST : 2 * s->backoff;
    if (s->backoff > most) {
        s->backoff = most;
    }
    s->retry_at = now + s->backoff;
}

void hop_health_failed(struct hop_pool *p, const char *error, usec_t took)
{
    struct hop_health *s = &p->health;
    usec_t now = rt_now_of(p->pools->rt);
    count_failure(p, error);
    s->quick = took <= AT_ONCE;
    if (!s->down || now >= s->retry_at) {
        put_off_trial(p, now);
    }
    if (!s->down) {
        s->down = true;
        s->since = now;
        hop_pools_say(p->pools, true, "next hop %s is down: %s", p->hop->name, s->error);
        hop_pool_disperse(p);
    }
}

void hop_health_doubt(struct hop_pool *p, const char *error)
{
    struct hop_health *s = &p->health;
    if (++s->doubts >= DOUBTS_MAX) {
        s->doubts = 0;
        hop_health_failed(p, error, 0);
    } else {
        count_failure(p, error);
    }
}

void hop_health_well(struct hop_pool *p)
{
    struct hop_health *s = &p->health;
    if (!s->down) {
        return;
    }
    usec_t seconds = (rt_now_of(p->pools->rt) - s->since) / USEC_SEC;
    s->down = false;
    hop_pools_say(p->pools, false, "next hop %s is well again, after %lld s", p->hop->name,
                  (long long)seconds);
}

void hop_health_served(struct hop_pool *p)
{
    struct hop_health *s = &p->health;
    s->doubts = 0;
    s->backoff = 0;
}

/* ---- trials ---- */

static void trial(struct hop_pool *p)
{
    struct hop_health *s = &p->health;
    struct hop_fault fault = {0};
    struct hop_conn *c = NULL;
    struct scope scope;
    usec_t began = rt_now();
    scope_enter(&scope);
    s->trial = &scope;
    p->in_use++;
    int rc = p->pools->draining
                 ? -ECANCELED
                 : hop_connect(p, began + p->pools->conf->limits.connect_time, &c, &fault);
    s->trial = NULL;
    scope_leave(&scope);
    if (rc == 0) {
        hop_health_well(p);
        hop_pool_give(c);
        return;
    }
    hop_pool_release(p);
    if (hop_want_of_ours(p, rc)) {
        put_off_trial(p, rt_now());
    } else if (rc != -ECANCELED) {
        char error[HOP_FAULT_TEXT_MAX];
        hop_health_failed(p, hop_fault_text(&fault, rc, error), rt_now() - began);
    }
}

static void trial_task(void *arg)
{
    struct hop_pool *p = arg;
    trial(p);
    p->health.trying = false;
    cond_wake_all(&p->health.tried);
    hop_pools_trial_over(p->pools);
}

static void begin_trial(struct hop_pool *p)
{
    struct rt *rt = p->pools->rt;
    if (!p->pools->draining && task_spawn(rt, rt_root_of(rt), trial_task, p) == 0) {
        p->health.trying = true;
        p->pools->trials++;
    }
}

void hop_health_look(struct hop_pool *p)
{
    const struct hop_health *s = &p->health;
    if (s->down && !s->trying && rt_now_of(p->pools->rt) >= s->retry_at) {
        begin_trial(p);
    }
}

int hop_health_await(struct hop_pool *p, usec_t deadline)
{
    struct hop_health *s = &p->health;
    usec_t until = rt_now() + AT_ONCE < deadline ? rt_now() + AT_ONCE : deadline;
    if (s->down && !s->trying && (s->quick || rt_now() >= s->retry_at)) {
        begin_trial(p);
    }
    int rc = 0;
    while (s->down && s->trying && rc == 0) {
        rc = cond_wait(&s->tried, until);
    }
    if (rc == -ECANCELED) {
        return rc;
    }
    return s->down ? -EHOSTDOWN : 0;
}

void hop_health_stop(struct hop_pool *p)
{
    if (p->health.trial != NULL) {
        scope_cancel(p->health.trial, -ECANCELED);
    }
}
