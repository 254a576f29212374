/* DMARC evaluated over a hostile zone: four lines are the domain that SPF tells of, its result, the
 * domains of signatures and how many of them pass; then a header; behind an empty line a zone file.
 * Whatever they say, the check keeps its bounds, its time and its form. */
#include "fuzz.h"

#include "auth/dmarc.h"
#include "client/resolver.h"
#include "client/zone.h"
#include "parse/header_fields.h"
#include "rt/rt.h"
#include "rt/sim.h"

#define QUESTIONS_MOST ((DMARC_AUTHORS_MOST + DMARC_IDENTIFIERS_MOST) * 8 + DMARC_AUTHORS_MOST)
#define WHOLE          (20 * USEC_SEC)

enum { SIGNATURES_MOST = 40 };

struct check {
    struct spf_outcome spf;
    struct dkim_result signatures[SIGNATURES_MOST];
    struct dkim_outcome dkim;
    struct slice header;
    struct zone *zone;
    bool done;
};

static void check_text(struct slice text)
{
    FUZZ_CHECK(text.p != NULL && text.n < DNS_NAME_TEXT_MAX);
    for (size_t i = 0; i < text.n; i++) {
        FUZZ_CHECK(text.p[i] >= ' ' && text.p[i] <= '~');
    }
}

static void check_outcome(const struct dmarc_outcome *o)
{
    const struct slice texts[] = {o->from,        o->domain,       o->organisation,
                                  o->aligned_spf, o->aligned_dkim, o->problem};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        check_text(texts[i]);
    }
    FUZZ_CHECK(o->result == AUTH_PASS || o->result == AUTH_FAIL || o->result == AUTH_NONE ||
               o->result == AUTH_TEMPERROR || o->result == AUTH_PERMERROR);
    FUZZ_CHECK((o->problem.n > 0) == (o->result == AUTH_TEMPERROR || o->result == AUTH_PERMERROR));
    FUZZ_CHECK(o->result != AUTH_PASS || o->aligned_spf.n > 0 || o->aligned_dkim.n > 0);
    FUZZ_CHECK(o->result != AUTH_FAIL || (o->aligned_spf.n == 0 && o->aligned_dkim.n == 0));
    FUZZ_CHECK(o->result != AUTH_FAIL || (o->policy != DMARC_NO_POLICY && o->domain.n > 0));
    FUZZ_CHECK(o->result != AUTH_NONE || (o->policy == DMARC_NO_POLICY && o->domain.n == 0));
    FUZZ_CHECK(!o->testing || o->policy != DMARC_REJECT);
}

static void check_task(void *arg)
{
    struct check *c = arg;
    struct resolver *resolver = resolver_of_zone(rt_self(), c->zone);
    usec_t began = rt_now();
    struct dmarc_query q = {
        .resolver = resolver,
        .clock = {.question_time = 5 * USEC_SEC, .deadline = began + WHOLE},
        .header = c->header,
        .spf = &c->spf,
        .dkim = &c->dkim,
    };
    struct dmarc_outcome outcome;
    struct arena arena;

    arena_init(&arena);
    FUZZ_CHECK(dmarc_check(&q, &arena, &outcome) == 0);
    check_outcome(&outcome);
    FUZZ_CHECK(rt_now() - began <= WHOLE);
    FUZZ_CHECK(resolver_stats(resolver)->asked <= QUESTIONS_MOST);
    arena_free(&arena);
    resolver_free(resolver);
    c->done = true;
}

/* Takes what stands before the first `end` off `text`. */
static struct slice take(struct slice *text, char end)
{
    const char *found = text->n > 0 ? memchr(text->p, end, text->n) : NULL;
    size_t n = found != NULL ? (size_t)(found - text->p) : text->n;
    struct slice taken = {text->p, n};

    n += found != NULL;
    *text = (struct slice){text->p + n, text->n - n};
    return taken;
}

static void read_results(struct check *c, struct slice *rest)
{
    static const enum auth_result results[] = {AUTH_PASS, AUTH_TEMPERROR, AUTH_FAIL, AUTH_NONE};
    c->spf.domain = take(rest, '\n');
    struct slice line = take(rest, '\n');
    c->spf.result = results[line.n % 4];
    line = take(rest, '\n');
    while (line.n > 0 && c->dkim.count < SIGNATURES_MOST) {
        struct dkim_result *d = &c->signatures[c->dkim.count++];
        d->domain = take(&line, ' ');
    }
    line = take(rest, '\n');
    for (size_t i = 0; i < c->dkim.count; i++) {
        c->signatures[i].result = results[i < line.n ? (unsigned char)line.p[i] % 4 : 0];
    }
    c->dkim.signatures = c->signatures;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *octets = fuzz_copy(data, size);
    struct slice rest = {octets != NULL ? octets : "", size};
    struct check c = {.zone = zone_new()};
    struct zone_problem problem;
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    size_t from = 0;

    read_results(&c, &rest);
    size_t n = header_length(rest, &from);
    c.header = (struct slice){rest.p, n > 0 ? n : rest.n};
    zone_read(c.zone, (struct slice){rest.p + c.header.n, rest.n - c.header.n}, &problem);
    FUZZ_CHECK(task_spawn(rt, rt_root_of(rt), check_task, &c) == 0);
    sim_run(sim, USEC_NEVER);
    FUZZ_CHECK(c.done);
    sim_rt_free(rt);
    sim_free(sim);
    zone_free(c.zone);
    free(octets);
    return 0;
}
