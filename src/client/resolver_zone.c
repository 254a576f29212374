/* A zone as the source of answers: each comes after the zone's latency, by a timer, or at once
 * where it has none. What is never answered is let go of after a minute, when nobody waits any
 * more. */
#include <stdlib.h>

#include "base/fatal.h"
#include "client/resolver_impl.h"
#include "client/zone.h"

#define SILENCE_TIME (60 * USEC_SEC)

struct zone_source {
    struct resolver_source source;
    struct rt *rt;
    const struct zone *zone;
    struct list held; /* struct dns_cell, each with its timer */
};

static struct zone_source *of(struct resolver_source *s)
{
    return container_of(s, struct zone_source, source);
}

static void on_time(void *arg)
{
    struct dns_cell *cell = arg;
    list_remove(&cell->source_link);
    dns_cell_end(cell);
}

static void zone_ask(struct resolver_source *source, struct dns_cell *cell)
{
    struct zone_source *s = of(source);
    zone_find(s->zone, &cell->name, cell->type, &cell->arena, &cell->answer);
    usec_t time = cell->answer.state == DNS_TIMED_OUT ? SILENCE_TIME : zone_latency(s->zone);
    if (time == 0) {
        dns_cell_end(cell);
        return;
    }
    cell->timer = (struct rt_timer){.fn = on_time, .arg = cell};
    list_push_back(&s->held, &cell->source_link);
    rt_timer_set(s->rt, &cell->timer, rt_now_of(s->rt) + time);
}

static void zone_source_free(struct resolver_source *source)
{
    struct zone_source *s = of(source);
    for (struct list *it = list_pop_front(&s->held); it != NULL; it = list_pop_front(&s->held)) {
        struct dns_cell *cell = list_entry(it, struct dns_cell, source_link);
        rt_timer_clear(s->rt, &cell->timer);
        cell->answer = (struct dns_answer){.state = DNS_FAILED};
        dns_cell_end(cell);
    }
    free(s);
}

struct resolver_source *resolver_source_zone(struct rt *rt, const struct zone *zone)
{
    static const struct resolver_source_ops ops = {zone_ask, zone_source_free};
    struct zone_source *s = xcalloc(1, sizeof(*s));
    s->source.ops = &ops;
    s->rt = rt;
    s->zone = zone;
    list_init(&s->held);
    return &s->source;
}

void resolver_source_set_zone(struct resolver_source *source, const struct zone *zone)
{
    of(source)->zone = zone;
}
