/* What the sender's domain authorises: SPF, DKIM, ARC, DMARC, and whom a forwarder speaks for. The
 * work is src/auth's; see fact/sender_checks.h. */
#include <errno.h>

#include "fact/fact.h"
#include "fact/sealer.h"
#include "fact/sender_checks.h"

const char *const dmarc_policy_words[] = {
    [DMARC_NO_POLICY] = "absent",
    [DMARC_NONE] = "none",
    [DMARC_QUARANTINE] = "quarantine",
    [DMARC_REJECT] = "reject",
    NULL,
};

/* What a fact is when what it needs said `error`. */
static int without(int error, enum value_type type, struct value *ret)
{
    if (error == -ECANCELED) {
        return error;
    }
    *ret = value_unknown(type, error == -ENODATA ? UNKNOWN_NOT_AVAILABLE : UNKNOWN_TEMPORARY);
    return 0;
}

static struct value value_result(enum auth_result result)
{
    return value_number(TYPE_RESULT, (int64_t)result);
}

/* ---- SPF ---- */

/* Of a forwarder's mail it was the message's header that told whom to judge. */
static struct value of_spf(const struct evidence *e, struct value v)
{
    const struct message_origin *origin = &e->checks->origin;

    return origin->known && !origin->forwarded ? v : value_from(SOURCE_MESSAGE, v);
}

int fact_spf(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct spf_outcome *spf;
    int r = sender_spf(e, &spf);

    (void)parameters;
    if (r < 0) {
        return without(r, TYPE_RESULT, ret);
    }
    *ret = of_spf(e, value_result(spf->result));
    return 0;
}

int fact_spf_helo(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct spf_outcome spf;
    int r = sender_spf_helo(e, &spf);

    (void)parameters;
    if (r < 0) {
        return without(r, TYPE_RESULT, ret);
    }
    *ret = value_result(spf.result);
    return 0;
}

/* One of the outcome's texts. */
static int spf_text(const struct evidence *e, size_t member, struct value *ret)
{
    const struct spf_outcome *spf;
    int r = sender_spf(e, &spf);

    if (r < 0) {
        return without(r, TYPE_TEXT, ret);
    }
    *ret = of_spf(e, value_text(*(const struct slice *)(const void *)((const char *)spf + member)));
    return 0;
}

int fact_spf_domain(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return spf_text(e, offsetof(struct spf_outcome, domain), ret);
}

int fact_spf_mechanism(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return spf_text(e, offsetof(struct spf_outcome, mechanism), ret);
}

int fact_spf_explanation(const struct evidence *e, const struct slice *parameters,
                         struct value *ret)
{
    (void)parameters;
    return spf_text(e, offsetof(struct spf_outcome, explanation), ret);
}

int fact_spf_problem(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return spf_text(e, offsetof(struct spf_outcome, problem), ret);
}

/* ---- DKIM ---- */

/* Results from the best to the worst. */
static unsigned rank(enum auth_result result)
{
    static const enum auth_result order[] = {
        AUTH_PASS, AUTH_TEMPERROR, AUTH_POLICY, AUTH_NEUTRAL, AUTH_FAIL, AUTH_PERMERROR,
    };
    unsigned i = 0;

    while (i < sizeof(order) / sizeof(order[0]) && order[i] != result) {
        i++;
    }
    return i;
}

/* The best result among aligned signatures. A pass of which the DNS could not say whether it is
 * aligned is as good as a temporary error. */
static int best_aligned(const struct evidence *e, const struct dkim_outcome *dkim,
                        struct slice author, enum auth_result *ret)
{
    const struct auth_clock clock = sender_clock(e);
    struct slice *domains = arena_alloc(e->arena, dkim->count * sizeof(*domains) + 1);
    enum dmarc_alignment *aligned = arena_alloc(e->arena, dkim->count * sizeof(*aligned) + 1);

    for (size_t i = 0; i < dkim->count; i++) {
        domains[i] = dkim->signatures[i].domain;
    }
    int r = dmarc_align(e->resolver, &clock, author, domains, dkim->count, e->arena, aligned);
    for (size_t i = 0; r == 0 && i < dkim->count; i++) {
        enum auth_result result = dkim->signatures[i].result;
        if (aligned[i] == DMARC_ALIGNMENT_UNKNOWN && result == AUTH_PASS) {
            result = AUTH_TEMPERROR;
        } else if (aligned[i] != DMARC_ALIGNED) {
            continue;
        }
        *ret = rank(result) < rank(*ret) ? result : *ret;
    }
    return r;
}

/* Of a message whose author is unknown: the best result, but for one that only alignment can make
 * worth something. False: there is such a one. */
static bool best_of_unaligned(const struct dkim_outcome *dkim, enum auth_result *ret)
{
    for (size_t i = 0; i < dkim->count; i++) {
        const enum auth_result result = dkim->signatures[i].result;
        *ret = rank(result) < rank(*ret) ? result : *ret;
    }
    return *ret != AUTH_PASS && *ret != AUTH_TEMPERROR;
}

int fact_dkim(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct dkim_outcome *dkim;
    enum auth_result result = AUTH_NONE;
    struct value author;
    int r = sender_dkim(e, &dkim);

    (void)parameters;
    if (r < 0) {
        return without(r, TYPE_RESULT, ret);
    }
    r = fact_from_domain(e, NULL, &author);
    if (r < 0) {
        return r;
    }
    if (author.state == VALUE_UNKNOWN) {
        *ret = best_of_unaligned(dkim, &result)
                   ? value_result(result)
                   : value_unknown(TYPE_RESULT, (enum unknown_reason)author.reason);
        return 0;
    }
    if (dkim->count > 0 && author.text.n > 0) {
        r = best_aligned(e, dkim, author.text, &result);
    }
    *ret = value_result(result);
    return r;
}

static bool has(const struct slice *items, size_t count, struct slice text)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(items[i], text)) {
            return true;
        }
    }
    return false;
}

/* A set of what `text_of` makes of each signature; empty texts are left out. */
static int dkim_set(const struct evidence *e,
                    struct slice (*text_of)(const struct dkim_result *s, struct arena *arena),
                    struct value *ret)
{
    const struct dkim_outcome *dkim;
    int r = sender_dkim(e, &dkim);

    if (r < 0) {
        return without(r, TYPE_SET, ret);
    }
    struct slice *items = arena_alloc(e->arena, dkim->count * sizeof(*items) + 1);
    *ret = (struct value){.type = TYPE_SET, .state = VALUE_KNOWN, .set.items = items};
    for (size_t i = 0; i < dkim->count; i++) {
        struct slice text = text_of(&dkim->signatures[i], e->arena);
        if (text.n > 0 && !has(items, ret->set.count, text)) {
            items[ret->set.count++] = text;
        }
    }
    return 0;
}

static struct slice domain_that_passes(const struct dkim_result *s, struct arena *arena)
{
    (void)arena;
    return s->result == AUTH_PASS ? s->domain : SLICE_LIT("");
}

int fact_dkim_domains(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return dkim_set(e, domain_that_passes, ret);
}

static struct slice result_in_words(const struct dkim_result *s, struct arena *arena)
{
    return arena_printf(arena, SLICE_FMT "=%s%s" SLICE_FMT "%s", SLICE_ARG(s->domain),
                        auth_result_name(s->result), s->problem.n > 0 ? " (" : "",
                        SLICE_ARG(s->problem), s->problem.n > 0 ? ")" : "");
}

int fact_dkim_results(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return dkim_set(e, result_in_words, ret);
}

/* ---- ARC ---- */

int fact_arc(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct arc_outcome *arc;
    int r = sender_arc(e, &arc);

    (void)parameters;
    if (r < 0) {
        return without(r, TYPE_RESULT, ret);
    }
    *ret = value_result(arc->result);
    return 0;
}

int fact_arc_sealers(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct arc_outcome *arc;
    int r = sender_arc(e, &arc);

    (void)parameters;
    if (r < 0) {
        return without(r, TYPE_SET, ret);
    }
    struct slice *items = arena_alloc(e->arena, arc->count * sizeof(*items) + 1);
    *ret = (struct value){.type = TYPE_SET, .state = VALUE_KNOWN, .set.items = items};
    for (size_t i = 0; arc->result == AUTH_PASS && i < arc->count; i++) {
        if (!has(items, ret->set.count, arc->sets[i].domain)) {
            items[ret->set.count++] = arc->sets[i].domain;
        }
    }
    return 0;
}

int fact_arc_trusted(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    bool vouched;
    int r = sealer_vouches(e, &vouched);

    (void)parameters;
    if (r < 0) {
        return without(r, TYPE_BOOL, ret);
    }
    *ret = value_bool(vouched);
    return 0;
}

/* ---- DMARC ---- */

int fact_dmarc(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct dmarc_outcome *dmarc;
    int r = sender_dmarc(e, &dmarc);

    (void)parameters;
    if (r < 0) {
        return without(r, TYPE_RESULT, ret);
    }
    *ret = value_result(dmarc->result);
    return 0;
}

int fact_dmarc_policy(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct dmarc_outcome *dmarc;
    int r = sender_dmarc(e, &dmarc);

    (void)parameters;
    if (r < 0) {
        return without(r, TYPE_RESULT, ret);
    }
    *ret = dmarc->result == AUTH_TEMPERROR ? value_unknown(TYPE_RESULT, UNKNOWN_TEMPORARY)
                                           : value_number(TYPE_RESULT, (int64_t)dmarc->policy);
    return 0;
}

int fact_dmarc_domain(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct dmarc_outcome *dmarc;
    int r = sender_dmarc(e, &dmarc);

    (void)parameters;
    if (r < 0) {
        return without(r, TYPE_TEXT, ret);
    }
    *ret = value_text(dmarc->domain);
    return 0;
}

/* ---- forwarders ---- */

int fact_client_forwarder(const struct evidence *e, const struct slice *parameters,
                          struct value *ret)
{
    bool is;
    int r = sender_by_forwarder(e, &is);

    (void)parameters;
    if (r < 0) {
        return without(r, TYPE_BOOL, ret);
    }
    *ret = value_bool(is);
    return 0;
}

int fact_client_origin(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct message_origin *origin;
    int r = sender_origin(e, &origin);

    (void)parameters;
    if (r == 0 && !origin->known) {
        r = origin->unsure ? -EAGAIN : -ENODATA;
    }
    if (r < 0) {
        return without(r, TYPE_ADDRESS, ret);
    }
    *ret = value_from(origin->forwarded ? SOURCE_MESSAGE : SOURCE_CONVERSATION,
                      value_address(&origin->host));
    return 0;
}
