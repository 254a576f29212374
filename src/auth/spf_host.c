/* check_host() of RFC 7208 4: finds a domain's record and goes through its terms. */
#include "auth/spf_impl.h"

/* 4.3: "malformed … or is not a multi-label domain name"; nor is it an address, in brackets or
 * without. */
static bool is_domain(struct spf_check *c, struct slice domain)
{
    if (domain.n == 0 || domain.p[0] == '[' || dns_name_parse(domain, &c->name) < 0) {
        return false;
    }
    struct addr a;
    return dns_name_labels(&c->name) >= 2 && addr_parse(domain, &a) < 0;
}

/* 4.4, 4.5: 1 with the record, kept; 0: there is none, or no such domain. */
static int find_record(struct spf_check *c, struct slice domain, struct slice *ret)
{
    const struct dns_answer *answer;
    const struct dns_record *found = NULL;

    if (!is_domain(c, domain)) {
        return 0;
    }
    arena_reset(&c->scratch);
    int r = spf_look_up(c, domain, DNS_TXT, &answer);
    for (size_t i = 0; r > 0 && i < answer->count; i++) {
        if (!spf_record_is(answer->records[i].text)) {
            continue;
        }
        if (found != NULL) {
            struct slice shown = spf_clean(c->arena, domain);
            return spf_problem(c, SPF_PERMERROR, SLICE_FMT " has more than one SPF record",
                               SLICE_ARG(shown));
        }
        found = &answer->records[i];
    }
    if (found == NULL) {
        return r < 0 ? r : 0;
    }
    *ret = arena_copy(&c->kept, found->text);
    return 1;
}

static int parse(struct spf_check *c, struct slice domain, struct slice text,
                 struct spf_record *ret)
{
    struct spf_record_fault fault;

    if (spf_record_parse(text, ret, &fault) == 0) {
        return 0;
    }
    if (fault.term.n > 80) {
        fault.term.n = 80;
    }
    struct slice term = spf_clean(c->arena, fault.term), shown = spf_clean(c->arena, domain);
    return spf_problem(c, SPF_PERMERROR,
                       "%s at octet %zu of the SPF record of " SLICE_FMT ": \"" SLICE_FMT "\"",
                       fault.what, fault.at + 1, SLICE_ARG(shown), SLICE_ARG(term));
}

static int no_record(struct spf_check *c, struct slice term)
{
    struct slice shown = spf_clean(c->arena, term);

    return spf_problem(c, SPF_PERMERROR, SLICE_FMT " leads to no SPF record", SLICE_ARG(shown));
}

/* 5.2: only a pass of the other domain matches; what its check cannot say, this one cannot. */
static int match_include(struct spf_check *c, const struct spf_term *term)
{
    struct spf_verdict inner = {.result = AUTH_NONE};
    struct slice target;
    int r = spf_count_lookup(c);

    if (r < 0 || (r = spf_target(c, term, &c->kept, &target)) < 0) {
        return r;
    }
    if (r > 0 && (r = spf_check_host(c, target, &inner)) < 0) {
        return r;
    }
    switch (inner.result) {
    case AUTH_PASS: return 1;
    case AUTH_FAIL:
    case AUTH_SOFTFAIL:
    case AUTH_NEUTRAL: return 0;
    case AUTH_TEMPERROR: return SPF_TEMPERROR;
    case AUTH_PERMERROR: return SPF_PERMERROR;
    default: return no_record(c, term->text);
    }
}

static int match_term(struct spf_check *c, const struct spf_term *term)
{
    switch (term->kind) {
    case SPF_ALL: return 1;
    case SPF_INCLUDE: return match_include(c, term);
    case SPF_REDIRECT:
    case SPF_EXP:
    case SPF_UNKNOWN_MODIFIER: return 0;
    default: return spf_match(c, term);
    }
}

static enum auth_result qualified(char qualifier)
{
    switch (qualifier) {
    case '-': return AUTH_FAIL;
    case '~': return AUTH_SOFTFAIL;
    case '?': return AUTH_NEUTRAL;
    default: return AUTH_PASS;
    }
}

/* 4.6.2: directives from left to right, until one matches: 1 with result and mechanism, or 0. */
static int walk(struct spf_check *c, struct slice terms, struct spf_verdict *ret)
{
    struct spf_term term;

    while (spf_record_next(&terms, &term)) {
        c->void_counted = false;
        arena_reset(&c->scratch);
        int r = match_term(c, &term);
        if (r < 0) {
            return r;
        }
        if (r > 0) {
            ret->result = qualified(term.qualifier);
            ret->mechanism = term.text;
            return 1;
        }
    }
    return 0;
}

/* 6.1: 0 with the domain whose check this one becomes. */
static int redirect(struct spf_check *c, const struct spf_term *term, struct slice *ret)
{
    c->void_counted = false;
    int r = spf_count_lookup(c);
    if (r < 0 || (r = spf_target(c, term, &c->kept, ret)) < 0) {
        return r;
    }
    if (r == 0) {
        *ret = SLICE_LIT("");
    }
    return 0;
}

/* Follows redirects up to the record that decides: 0 with *ret; without a record NONE. */
static int evaluate(struct spf_check *c, struct slice domain, struct spf_verdict *ret)
{
    struct slice from = SLICE_LIT(""); /* the redirect that led here */
    struct spf_record record;
    struct slice text = SLICE_LIT("");

    for (;;) {
        c->values.of[SPF_MACRO_DOMAIN] = domain;
        int r = find_record(c, domain, &text);
        if (r <= 0) {
            return r == 0 && from.n > 0 ? no_record(c, from) : r;
        }
        if ((r = parse(c, domain, text, &record)) < 0 || (r = walk(c, record.terms, ret)) < 0) {
            return r;
        }
        ret->domain = domain;
        ret->exp = record.exp.domain;
        if (r > 0) {
            return 0;
        }
        if (record.redirect.domain.n == 0) {
            ret->result = AUTH_NEUTRAL;
            ret->mechanism = SLICE_LIT("default");
            return 0;
        }
        from = record.redirect.text;
        if ((r = redirect(c, &record.redirect, &domain)) < 0) {
            return r;
        }
    }
}

int spf_check_host(struct spf_check *c, struct slice domain, struct spf_verdict *ret)
{
    struct slice outer = c->values.of[SPF_MACRO_DOMAIN];

    *ret = (struct spf_verdict){AUTH_NONE, SLICE_LIT(""), SLICE_LIT(""), SLICE_LIT("")};
    int r = evaluate(c, domain, ret);
    c->values.of[SPF_MACRO_DOMAIN] = outer;
    if (r == SPF_TEMPERROR || r == SPF_PERMERROR) {
        ret->result = r == SPF_TEMPERROR ? AUTH_TEMPERROR : AUTH_PERMERROR;
        ret->mechanism = SLICE_LIT("");
        return 0;
    }
    return r;
}
