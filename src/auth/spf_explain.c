/* The explanation of a fail (RFC 7208 6.2). Whatever goes wrong on the way: there is none. */
#include "auth/spf_impl.h"

/* The explain-string at a name: 1, or 0 without one. */
static int find_text(struct spf_check *c, struct slice name, struct slice *ret)
{
    const struct dns_answer *answer;

    arena_reset(&c->scratch);
    int r = spf_look_up(c, name, DNS_TXT, &answer);
    if (r <= 0 || answer->count != 1) {
        return r < 0 ? r : 0;
    }
    *ret = arena_copy(&c->kept, answer->records[0].text);
    return 1;
}

static int explain(struct spf_check *c, const struct spf_verdict *verdict, struct slice *ret)
{
    struct spf_term term = {.kind = SPF_EXP, .domain = verdict->exp};
    struct spf_fault fault;
    struct slice name, text;
    unsigned macros;
    int r;

    if (term.domain.n == 0 ||
        spf_text_check(term.domain, SPF_DOMAIN_SPEC, &term.macros, &fault) < 0) {
        return 0;
    }
    if ((r = spf_target(c, &term, &c->kept, &name)) <= 0 || (r = find_text(c, name, &text)) <= 0) {
        return r;
    }
    if (spf_text_check(text, SPF_EXPLAIN_STRING, &macros, &fault) < 0) {
        return 0;
    }
    if ((macros & SPF_MACRO_BIT(SPF_MACRO_VALIDATED)) != 0 && (r = spf_names_expand(c)) < 0) {
        return r;
    }
    char *clean = arena_alloc(c->arena, SPF_TEXT_MOST);
    *ret = (struct slice){clean, spf_expand_explanation(text, &c->values, clean, SPF_TEXT_MOST)};
    return 0;
}

int spf_explain(struct spf_check *c, const struct spf_verdict *verdict, struct slice *ret)
{
    struct slice outer = c->values.of[SPF_MACRO_DOMAIN];

    c->explaining = true;
    c->values.of[SPF_MACRO_DOMAIN] = verdict->domain;
    *ret = SLICE_LIT("");
    int r = explain(c, verdict, ret);
    c->values.of[SPF_MACRO_DOMAIN] = outer;
    c->explaining = false;
    c->problem = SLICE_LIT("");
    return r == -ECANCELED ? r : 0;
}
