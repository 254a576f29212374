/* libunbound as the source of answers.
 *
 *  - Questions are handed to libunbound at the end of the turn, on the loop's own stack: it may do
 *    much at once, which a coroutine's stack has no room for, and its answer may come before
 *    ub_resolve_event has returned.
 *  - libunbound shares our event loop: no thread, no pipe, nothing that blocks.
 *  - When the source ends, libunbound calls back for some questions and forgets others; the cells
 *    left are ended then. */
#include <stdlib.h>
#include <unbound-event.h>
#include <unbound.h>

#include "base/fatal.h"
#include "client/resolver_impl.h"
#include "client/unbound_context.h"
#include "rt/real.h"

/* What libunbound says of an answer's security (unbound-event.h). */
enum { SECURITY_UNCHECKED, SECURITY_BOGUS, SECURITY_SECURE };

struct unbound_source {
    struct resolver_source source;
    struct ub_ctx *unbound;
    struct list begun; /* struct dns_cell, to be handed over at the end of the turn */
    struct list asked; /* struct dns_cell, which the library has */
    struct rt *rt;
    struct rt_later turn_end; /* hands them over */
};

static struct unbound_source *of(struct resolver_source *s)
{
    return container_of(s, struct unbound_source, source);
}

/* ---- questions ---- */

static void end_with(struct dns_cell *cell, struct dns_answer answer)
{
    list_remove(&cell->source_link);
    cell->answer = answer;
    dns_cell_end(cell);
}

static struct dns_answer understand(struct dns_cell *cell, int rcode, const void *packet, int n,
                                    int security)
{
    struct dns_message m;
    struct dns_answer failed = {.state = security == SECURITY_BOGUS ? DNS_BOGUS : DNS_FAILED};
    if ((rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN) || packet == NULL || n < 0 ||
        security == SECURITY_BOGUS ||
        dns_message_parse((struct slice){packet, (size_t)n}, &cell->name, cell->type, &cell->arena,
                          &m) < 0 ||
        (m.rcode != DNS_NOERROR && m.rcode != DNS_NXDOMAIN)) {
        return failed;
    }
    struct dns_answer a = {
        .state = m.rcode == DNS_NXDOMAIN ? DNS_NO_NAME
                 : m.count > 0           ? DNS_ANSWER
                                         : DNS_NODATA,
        .secure = security == SECURITY_SECURE,
        .ttl = m.ttl * USEC_SEC,
        .canonical = m.canonical,
    };
    if (a.state == DNS_ANSWER) {
        a.cut = m.cut;
        a.records = m.records;
        a.count = m.count;
    }
    return a;
}

/* On the loop; perhaps before ub_resolve_event has returned. */
static void on_answer(void *arg, int rcode, void *packet, int n, int security, char *why_bogus,
                      int was_ratelimited)
{
    struct dns_cell *cell = arg;
    (void)why_bogus;
    (void)was_ratelimited;
    end_with(cell, understand(cell, rcode, packet, n, security));
}

static void hand_over(void *arg)
{
    struct unbound_source *s = arg;
    for (struct list *it = list_pop_front(&s->begun); it != NULL; it = list_pop_front(&s->begun)) {
        struct dns_cell *cell = list_entry(it, struct dns_cell, source_link);
        char name[DNS_NAME_TEXT_MAX];
        (void)dns_name_format(&cell->name, name);
        list_push_back(&s->asked, &cell->source_link);
        if (ub_resolve_event(s->unbound, name, (int)cell->type, UNBOUND_CLASS_IN, cell, on_answer,
                             NULL) != 0) {
            end_with(cell, (struct dns_answer){.state = DNS_FAILED});
        }
    }
}

static void unbound_ask(struct resolver_source *source, struct dns_cell *cell)
{
    struct unbound_source *s = of(source);
    list_push_back(&s->begun, &cell->source_link);
    rt_later_set(s->rt, &s->turn_end);
}

static void end_all(struct list *cells)
{
    while (!list_empty(cells)) {
        end_with(list_entry(cells->next, struct dns_cell, source_link),
                 (struct dns_answer){.state = DNS_FAILED});
    }
}

static void unbound_free(struct resolver_source *source)
{
    struct unbound_source *s = of(source);
    rt_later_clear(&s->turn_end);
    end_all(&s->begun);
    ub_ctx_delete(s->unbound);
    end_all(&s->asked); /* those that the library has forgotten */
    free(s);
}

/* ---- making ---- */

int resolver_source_unbound(struct rt *rt, const struct resolver_setup *setup, resolver_tell *tell,
                            void *arg, struct resolver_source **ret)
{
    static const struct resolver_source_ops ops = {unbound_ask, unbound_free};
    struct ub_ctx *ub;
    int error = unbound_context_new(real_event_base(rt), setup, tell, arg, &ub);
    if (error < 0) {
        return error;
    }
    struct unbound_source *s = xcalloc(1, sizeof(*s));
    s->source.ops = &ops;
    s->unbound = ub;
    s->rt = rt;
    list_init(&s->begun);
    list_init(&s->asked);
    rt_later_init(&s->turn_end, hand_over, s);
    *ret = &s->source;
    return 0;
}
