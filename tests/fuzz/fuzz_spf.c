/* SPF evaluated over a hostile zone: the first line is "CLIENT HELO SENDER", what follows a zone
 * file. Whatever it says, the check keeps its limits, its time and its form. */
#include "fuzz.h"

#include "auth/spf.h"
#include "client/resolver.h"
#include "client/zone.h"
#include "rt/rt.h"
#include "rt/sim.h"

/* The record of the domain; for each term that asks one question and those for ten hosts; the
 * client's names; the explanation. */
#define QUESTIONS_MOST (1 + SPF_LOOKUPS_MOST * (1 + SPF_MX_MOST) + 1 + SPF_PTR_MOST + 1)
#define WHOLE          (20 * USEC_SEC)

struct check {
    struct slice client, helo, sender;
    struct zone *zone;
    bool done;
};

static void check_text(struct slice text)
{
    FUZZ_CHECK(text.p != NULL && text.n <= SPF_TEXT_MOST);
    for (size_t i = 0; i < text.n; i++)
        FUZZ_CHECK(text.p[i] >= ' ' && text.p[i] <= '~');
}

static void check_outcome(const struct spf_outcome *o)
{
    bool error = o->result == AUTH_PERMERROR || o->result == AUTH_TEMPERROR;

    FUZZ_CHECK(o->result <= AUTH_PERMERROR);
    FUZZ_CHECK(o->lookups <= SPF_LOOKUPS_MOST && o->voids <= SPF_VOIDS_MOST);
    check_text(o->domain);
    check_text(o->mechanism);
    check_text(o->explanation);
    check_text(o->problem);
    FUZZ_CHECK((o->problem.n > 0) == error);
    FUZZ_CHECK((o->mechanism.n == 0) == (error || o->result == AUTH_NONE));
    FUZZ_CHECK(o->explanation.n == 0 || o->result == AUTH_FAIL);
}

static void check_task(void *arg)
{
    struct check *c = arg;
    struct resolver *resolver = resolver_of_zone(rt_self(), c->zone);
    struct spf_query q = {
        .resolver = resolver,
        .helo = c->helo,
        .sender = c->sender,
        .local_host = SLICE_LIT("mx.example.net"),
        .wall = rt_wall(),
        .question_time = 5 * USEC_SEC,
        .deadline = rt_now() + WHOLE,
    };
    usec_t began = rt_now();
    struct spf_outcome outcome;
    struct arena arena;

    addr_parse(c->client, &q.client);
    arena_init(&arena);
    FUZZ_CHECK(spf_check_sender(&q, &arena, &outcome) == 0);
    check_outcome(&outcome);
    FUZZ_CHECK(rt_now() - began <= WHOLE);
    FUZZ_CHECK(resolver_stats(resolver)->asked <= QUESTIONS_MOST);
    FUZZ_CHECK(spf_check_helo(&q, &arena, &outcome) == 0);
    check_outcome(&outcome);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *octets = fuzz_copy(data, size);
    struct slice rest = {octets != NULL ? octets : "", size};
    struct slice line = take(&rest, '\n');
    struct check c = {.zone = zone_new()};
    struct zone_problem problem;
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);

    c.client = take(&line, ' ');
    c.helo = take(&line, ' ');
    c.sender = line;
    zone_read(c.zone, rest, &problem); /* what is in front of a mistake is there */
    FUZZ_CHECK(task_spawn(rt, rt_root_of(rt), check_task, &c) == 0);
    sim_run(sim, USEC_NEVER);
    FUZZ_CHECK(c.done);
    sim_rt_free(rt);
    sim_free(sim);
    zone_free(c.zone);
    free(octets);
    return 0;
}
