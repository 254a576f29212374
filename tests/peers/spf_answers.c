/* What our SPF says of cases on standard input, for kit/spf_compare.py. Each case is a line
 *
 *   CLIENT TAB HELO TAB SENDER TAB OCTETS
 *
 * and so many octets of a zone file. For each there is a line: result, explanation, mechanism and
 * problem, with tabs between. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/spf.h"
#include "base/buf.h"
#include "base/fatal.h"
#include "client/resolver.h"
#include "client/zone.h"
#include "rt/rt.h"
#include "rt/sim.h"

struct answer {
    struct addr client;
    struct slice helo, sender;
    struct zone *zone;
    struct arena arena;
};

static void check(void *arg)
{
    struct answer *a = arg;
    struct spf_query q = {
        .resolver = resolver_of_zone(rt_self(), a->zone),
        .client = a->client,
        .helo = a->helo,
        .sender = a->sender,
        .local_host = SLICE_LIT("mx.receiver.example"),
        .wall = 1795729000 * USEC_SEC,
        .question_time = 5 * USEC_SEC,
        /* A peer that knows no time answers as if there were no end. */
        .deadline = rt_now() + 3600 * USEC_SEC,
    };
    struct spf_outcome o;
    if (spf_check_sender(&q, &a->arena, &o) < 0) {
        panic("a check that nobody cancelled was");
    }
    printf("%s\t" SLICE_FMT "\t" SLICE_FMT "\t" SLICE_FMT "\n", auth_result_name(o.result),
           SLICE_ARG(o.explanation), SLICE_ARG(o.mechanism), SLICE_ARG(o.problem));
    resolver_free(q.resolver);
}

static void play(struct answer *a, struct slice zone)
{
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    struct zone_problem problem;
    a->zone = zone_new();
    if (zone_read(a->zone, zone, &problem) < 0) {
        fatal("zone, line %u, column %u: %s", problem.line, problem.column, problem.text);
    }
    arena_init(&a->arena);
    if (task_spawn(rt, rt_root_of(rt), check, a) < 0) {
        fatal("no stack");
    }
    sim_run(sim, USEC_NEVER);
    arena_free(&a->arena);
    zone_free(a->zone);
    sim_rt_free(rt);
    sim_free(sim);
}

/* Takes what stands before the first `end` off the input. */
static struct slice take(struct slice *rest, char end)
{
    const char *found = memchr(rest->p, end, rest->n);
    if (found == NULL) {
        fatal("a case without its line");
    }
    struct slice ret = {rest->p, (size_t)(found - rest->p)};
    *rest = (struct slice){found + 1, rest->n - ret.n - 1};
    return ret;
}

int main(void)
{
    struct buf all = {0};
    size_t n;
    while ((n = fread(buf_reserve(&all, 65536), 1, 65536, stdin)) > 0) {
        all.n += n;
    }
    struct slice rest = buf_slice(&all);
    while (rest.n > 0) {
        struct answer a;
        if (addr_parse(take(&rest, '\t'), &a.client) < 0) {
            fatal("a case without a client");
        }
        a.helo = take(&rest, '\t');
        a.sender = take(&rest, '\t');
        size_t octets = strtoul(take(&rest, '\n').p, NULL, 10);
        if (octets > rest.n) {
            fatal("a case without its zone");
        }
        play(&a, (struct slice){rest.p, octets});
        rest = (struct slice){rest.p + octets, rest.n - octets};
    }
    buf_free(&all);
    return 0;
}
