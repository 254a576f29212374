/* DMARC evaluated over a hostile zone: four lines are the domain that SPF tells of, its result, the
 * domains of signatures and how many of them pass; then a header; behind an empty line a zone file.
 * Whatever they say, the check keeps its bounds, its time and its form; and organisation and record
 * are those that one finds who takes the steps of RFC 9989 4.10 one after the other. */
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

/* ---- RFC 9989 4.10, one step after the other ---- */

struct model {
    const struct zone *zone;
    struct arena arena;
    struct dns_name names[9]; /* where records were found, from the longest on */
    struct dmarc_record records[9];
    size_t count;
    bool failed;
};

/* Steps 1 and 2, or 5 and 6: does the walk stop here? */
static bool model_query(struct model *m, const struct dns_name *target)
{
    struct dns_name name = *target;
    struct dns_answer answer = {.state = DNS_NO_NAME};
    struct dmarc_record record;
    size_t count = 0;

    if (dns_name_prepend(&name, SLICE_LIT("_dmarc")) == 0) {
        zone_find(m->zone, &name, DNS_TXT, &m->arena, &answer);
    }
    if (answer.state != DNS_ANSWER) {
        m->failed = answer.state != DNS_NODATA && answer.state != DNS_NO_NAME;
        return m->failed;
    }
    for (size_t i = 0; i < answer.count; i++) {
        count += dmarc_record_parse(answer.records[i].text, &record);
    }
    if (count != 1) {
        return false;
    }
    m->names[m->count] = *target;
    m->records[m->count++] = record;
    return record.psd != DMARC_PSD_U;
}

static void model_walk(struct model *m, const struct dns_name *start)
{
    struct dns_name target = *start;

    m->count = 0;
    if (model_query(m, &target)) {
        return;
    }
    if (dns_name_labels(&target) < 8) {
        dns_name_parent(&target);
    }
    while (dns_name_labels(&target) > 7) {
        dns_name_parent(&target);
    }
    while (dns_name_labels(&target) > 0 && !model_query(m, &target)) {
        dns_name_parent(&target);
    }
}

/* 4.10.2, rules 1 to 3 */
static struct dns_name model_organisation(const struct model *m, const struct dns_name *start)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->records[i].psd == DMARC_PSD_N) {
            return m->names[i];
        }
        if (m->records[i].psd == DMARC_PSD_Y && !dns_name_eq(&m->names[i], start)) {
            struct dns_name below = *start;
            while (dns_name_labels(&below) > dns_name_labels(&m->names[i]) + 1) {
                dns_name_parent(&below);
            }
            return below;
        }
    }
    return m->count > 0 ? m->names[m->count - 1] : *start;
}

static bool model_has(const struct model *m, const struct dns_name *name)
{
    for (size_t i = 0; i < m->count; i++) {
        if (dns_name_eq(&m->names[i], name)) {
            return true;
        }
    }
    return false;
}

static void check_name(struct slice found, const struct dns_name *expected)
{
    char text[DNS_NAME_TEXT_MAX];

    FUZZ_CHECK(slice_eq(found, (struct slice){text, dns_name_format(expected, text)}));
}

/* Holds the outcome against the steps: 4.10.1 looks at the author's record, the organisation's,
 * the suffix's. Names with escapes in them are left out. */
static void check_walk(const struct zone *zone, const struct dmarc_outcome *o)
{
    struct model m = {.zone = zone};
    struct dns_name author, organisation;

    if (o->from.n == 0 || memchr(o->from.p, '\\', o->from.n) != NULL ||
        dns_name_parse(o->from, &author) < 0) {
        return;
    }
    arena_init(&m.arena);
    model_walk(&m, &author);
    FUZZ_CHECK(m.failed == (o->organisation.n == 0));
    if (!m.failed) {
        organisation = model_organisation(&m, &author);
        check_name(o->organisation, &organisation);
        if (m.count == 0) {
            FUZZ_CHECK(o->domain.n == 0);
        } else {
            check_name(o->domain, model_has(&m, &author)         ? &author
                                  : model_has(&m, &organisation) ? &organisation
                                                                 : &m.names[m.count - 1]);
        }
    }
    arena_free(&m.arena);
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
    check_walk(c->zone, &outcome);
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
