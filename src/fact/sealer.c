/* See fact/sealer.h. */
#include "fact/sealer.h"

#include <errno.h>

#include "fact/fact.h"
#include "fact/sender_checks.h"
#include "parse/auth_results.h"
#include "parse/smtp_address.h"

static bool is(const struct auth_method *m, const char *method)
{
    return slice_eq_nocase(m->method, slice_of(method));
}

static bool passes(const struct auth_method *m)
{
    return slice_eq_nocase(m->result, SLICE_LIT("pass"));
}

/* The domain that a result of SPF or DKIM is about. */
static struct slice domain_of(const struct auth_method *m)
{
    if (is(m, "dkim")) { /* some tell the identity alone */
        struct slice domain = auth_method_property(m, SLICE_LIT("header"), SLICE_LIT("d"));
        return domain.n > 0 ? domain
                            : smtp_mailbox_domain(
                                  auth_method_property(m, SLICE_LIT("header"), SLICE_LIT("i")));
    }
    if (!is(m, "spf")) {
        return SLICE_LIT("");
    }
    struct slice from = auth_method_property(m, SLICE_LIT("smtp"), SLICE_LIT("mailfrom"));
    struct slice domain = smtp_mailbox_domain(from);
    return domain.n > 0 ? domain : from;
}

/* DMARC's word is taken for the author it names, who must be this message's. */
static bool dmarc_vouches(const struct auth_method *m, struct slice author)
{
    struct slice from = auth_method_property(m, SLICE_LIT("header"), SLICE_LIT("from"));
    return passes(m) && (from.n == 0 || slice_eq_nocase(from, author));
}

/* Did SPF or DKIM pass for a domain that is aligned with the author's? 1, 0, -EAGAIN, -ECANCELED.
 */
static int any_aligned(const struct evidence *e, const struct auth_results *results,
                       struct slice author)
{
    const struct auth_clock clock = sender_clock(e);
    struct slice domains[AUTH_RESULTS_MOST];
    enum dmarc_alignment aligned[AUTH_RESULTS_MOST];
    bool unsure = false;
    size_t n = 0;

    for (const struct auth_method *m = results->methods; m != NULL && n < AUTH_RESULTS_MOST;
         m = m->next) {
        struct slice domain = domain_of(m);
        if (passes(m) && domain.n > 0) {
            domains[n++] = domain;
        }
    }
    int r = n > 0 ? dmarc_align(e->resolver, &clock, author, domains, n, e->arena, aligned) : 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (aligned[i] == DMARC_ALIGNED) {
            return 1;
        }
        unsure = unsure || aligned[i] == DMARC_ALIGNMENT_UNKNOWN;
    }
    return r < 0 ? r : unsure ? -EAGAIN : 0;
}

/* What one sealer found: 1, 0, -EAGAIN or -ECANCELED. */
static int results_vouch(const struct evidence *e, struct slice payload, struct slice author)
{
    struct auth_results results;

    if (auth_results_parse(payload, e->arena, &results) < 0) {
        return 0;
    }
    for (const struct auth_method *m = results.methods; m != NULL; m = m->next) {
        if (is(m, "dmarc")) {
            return dmarc_vouches(m, author);
        }
    }
    return any_aligned(e, &results, author);
}

static bool is_sealer(const struct evidence *e, struct slice domain)
{
    return e->ops != NULL && e->ops->table_has_text != NULL &&
           e->ops->table_has_text(e, FACT_TABLE_SEALERS, domain);
}

/* Of those in an unbroken row from the newest on; it is unsure only where none does for certain. */
static int any_vouches(const struct evidence *e, const struct arc_outcome *arc, struct slice author,
                       bool *ret)
{
    bool unsure = false;

    for (size_t i = 0; i < arc->count && is_sealer(e, arc->sets[i].domain); i++) {
        const int r = results_vouch(e, arc->sets[i].results, author);
        if (r == -ECANCELED) {
            return r;
        }
        if (r == 1) {
            *ret = true;
            return 0;
        }
        unsure = unsure || r < 0;
    }
    return unsure ? -EAGAIN : 0;
}

int sealer_vouches(const struct evidence *e, bool *ret)
{
    const struct arc_outcome *arc;
    struct value author;

    *ret = false;
    if (e->ops != NULL && e->ops->table_has_texts != NULL &&
        !e->ops->table_has_texts(e, FACT_TABLE_SEALERS)) {
        return 0; /* whatever the chain, and the DNS, would say */
    }
    int r = sender_arc(e, &arc);
    if (r < 0) {
        return r;
    }
    /* Who is not in the table vouches for nothing, whatever becomes of his keys: those of his own
     * domain anybody can put out of reach. */
    if (arc->count == 0 || !arc->from_signed || !is_sealer(e, arc->sets[0].domain)) {
        return 0;
    }
    if (arc->result != AUTH_PASS) {
        return arc->result == AUTH_TEMPERROR ? -EAGAIN : 0;
    }
    r = fact_from_domain(e, NULL, &author);
    if (r < 0 || author.state == VALUE_UNKNOWN || author.text.n == 0) {
        return r;
    }
    return any_vouches(e, arc, author.text, ret);
}
