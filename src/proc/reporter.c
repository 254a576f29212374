/* See proc/reporter.h. */
#include "proc/reporter.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/dns_list.h"
#include "base/text.h"
#include "client/resolver.h"
#include "client/scanners.h"
#include "rt/real.h"
#include "store/memory.h"

#define REPORT_EVERY (250 * USEC_MSEC)

/* What no more than the newest of them fit into. */
#define ACCEPT_ALL_MAX 16

static void put_accept_all(const struct recipients *recipients, char ret[static BOARD_ACCEPT_ALL])
{
    struct accept_all_figure figures[ACCEPT_ALL_MAX];
    size_t count = recipients_accepting_all(recipients, figures, ACCEPT_ALL_MAX);
    size_t at = 0;

    for (size_t i = 0; i < count && i < ACCEPT_ALL_MAX; i++) {
        size_t needed = strlen(figures[i].server) + strlen(figures[i].domain) + 2;
        if (at + needed < BOARD_ACCEPT_ALL) {
            (void)snprintf(ret + at, BOARD_ACCEPT_ALL - at, "%s\n%s\n", figures[i].server,
                           figures[i].domain);
            at += needed;
        }
    }
}

static void put_hops(const struct hop_pools *pools, struct board_worker *w)
{
    struct hop_figures f;
    size_t count = hop_pools_count(pools);

    w->hop_count = (unsigned)(count < BOARD_HOPS ? count : BOARD_HOPS);
    w->hops_unshown = (unsigned)count - w->hop_count;
    for (size_t i = 0; i < w->hop_count; i++) {
        struct board_hop *h = &w->hops[i];
        hop_pools_figures(pools, i, &f);
        (void)snprintf(h->name, sizeof(h->name), "%s", f.name);
        (void)snprintf(h->error, sizeof(h->error), "%s", f.error);
        text_clean(h->error, strlen(h->error));
        h->down = f.down;
        h->since = f.since;
        h->in_use = f.in_use;
        h->kept = f.kept;
        h->waiting = f.waiting;
        h->messages = f.messages;
        h->failures = f.failures;
    }
}

static void put_dns(const struct resolver *resolver, struct board_worker *w)
{
    if (resolver == NULL) {
        return;
    }
    const struct resolver_health *h = resolver_health(resolver);
    const struct resolver_stats *stats = resolver_stats(resolver);
    w->dns = (struct board_dns){
        .asked = true,
        .validates = resolver_validates(resolver),
        .known = h->known,
        .well = h->trouble == NULL,
        .since = h->since,
        .under_way = (unsigned)stats->under_way,
        .waiting = (unsigned)stats->waiting,
    };
    (void)snprintf(w->dns.trouble, sizeof(w->dns.trouble), "%s",
                   h->trouble != NULL ? h->trouble : "");
}

static void put_memory(const struct reporter *r, struct board_worker *w)
{
    const struct memory *memory = r->server->memory;
    int error = r->memory_error;

    w->memory.limit = (uint64_t)r->server->conf->limits.memory_size;
    if (memory != NULL) {
        struct memory_stats stats;
        memory_stats(memory, &stats);
        w->memory.records = stats.records;
        w->memory.octets = stats.octets;
        w->counters.memory_changes = stats.changes;
        w->counters.memory_lost = stats.lost;
        w->counters.memory_evicted = stats.evicted;
        error = stats.error;
    }
    (void)snprintf(w->memory.trouble, sizeof(w->memory.trouble), "%s",
                   error < 0 ? strerror(-error) : "");
}

static void put_lists(const struct dns_lists *lists, struct board_worker *w)
{
    struct dns_list_figure figures[BOARD_LISTS];
    const size_t count = lists != NULL ? dns_lists_figures(lists, figures, BOARD_LISTS) : 0;

    w->list_count = (unsigned)(count < BOARD_LISTS ? count : BOARD_LISTS);
    w->lists_unshown = (unsigned)count - w->list_count;
    for (size_t i = 0; i < w->list_count; i++) {
        struct board_list *l = &w->lists[i];
        (void)snprintf(l->zone, sizeof(l->zone), "%s", figures[i].zone);
        (void)snprintf(l->why, sizeof(l->why), "%s", figures[i].why);
        l->domains = figures[i].domains;
        l->well = figures[i].well;
        l->since = figures[i].since;
    }
}

static void put_scanners(const struct scanners *scanners, struct board_worker *w)
{
    struct scanner_figures f;

    for (unsigned i = 0; i < CONF_SCANNERS; i++) {
        if (!scanners_figures(scanners, (enum conf_scanner_kind)i, &f)) {
            continue;
        }
        struct board_scanner *s = &w->scanners[w->scanner_count++];
        (void)snprintf(s->name, sizeof(s->name), "%s", f.name);
        (void)snprintf(s->error, sizeof(s->error), "%s", f.error);
        s->down = f.down;
        s->since = f.since;
        s->in_use = f.in_use;
        s->waiting = f.waiting;
        s->scanned = f.scanned;
        s->kept = f.kept;
        s->unknown = f.unknown;
    }
}

/* With what is counted where facts are asked, which has figures of its own for each fact, and where
 * the DNS is. */
static struct counters counters_of(const struct smtp_server *srv)
{
    struct counters c = *srv->counts;

    if (srv->resolver != NULL) {
        const struct resolver_stats *stats = resolver_stats(srv->resolver);
        c.dns_asked = stats->asked;
        c.dns_cached = stats->cached;
        c.dns_joined = stats->joined;
        c.dns_failed = stats->failed;
        c.dns_timed_out = stats->timed_out;
    }
    for (size_t i = 0; i < FACT_COUNT; i++) {
        c.facts_unknown += srv->counters.unknown[i];
    }
    c.patterns_stopped = srv->counters.pattern_limits;
    return c;
}

static void write_now(struct reporter *r)
{
    const struct smtp_server *srv = r->server;
    struct board_worker w = {
        .pid = getpid(),
        .epoch = r->owner.epoch,
        .generation = r->generation,
        .draining = srv->draining,
        .level = r->level,
        .began = r->began,
        .waiting = srv->guest_count,
        .late = srv->deliveries->late_running,
        .spool_used = srv->budget.used,
        .spool_limit = srv->budget.limit,
        .blocks = real_blocks(r->rt),
        .decisions_lost = decision_lost(r->decisions),
        .counters = counters_of(srv),
    };

    put_hops(srv->deliveries->pools, &w);
    put_dns(srv->resolver, &w);
    put_memory(r, &w);
    put_lists(srv->lists, &w);
    put_scanners(srv->scanners, &w);
    put_accept_all(srv->deliveries->recipients, w.accept_all);
    memcpy(w.in_phase, srv->in_phase, sizeof(w.in_phase));
    board_write(r->board, r->owner.slot, &w);
    rt_timer_clear(r->rt, &r->timer);
    r->due = false;
    r->written_at = rt_now_of(r->rt);
}

/* The end of the turn writes, when all that happens in it has happened. */
static void on_timer(void *arg)
{
    struct reporter *r = arg;

    r->due = true;
}

void reporter_begin(struct reporter *r)
{
    r->began = rt_now_of(r->rt);
    r->timer = (struct rt_timer){.fn = on_timer, .arg = r};
    write_now(r);
}

void reporter_turn(struct reporter *r)
{
    if (r->due || rt_now_of(r->rt) - r->written_at >= REPORT_EVERY) {
        write_now(r);
    } else if (r->timer.heap_index == 0) {
        rt_timer_set(r->rt, &r->timer, r->written_at + REPORT_EVERY);
    }
}

void reporter_end(struct reporter *r)
{
    rt_timer_clear(r->rt, &r->timer);
    write_now(r);
}
