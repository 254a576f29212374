/* The client's validated names (RFC 7208 5.5): by PTR, and confirmed by the addresses of each. What
 * the DNS cannot say here only means that there is no such name. */
#include "auth/spf_impl.h"
#include "rt/rt.h"

static bool is_void(const struct dns_answer *answer)
{
    return answer->state == DNS_NODATA || answer->state == DNS_NO_NAME;
}

/* The question for the PTR records: 0 with c->names, of which there may be none; or as in
 * spf_impl.h. */
static int ask_names(struct spf_check *c)
{
    struct dns_question *q = arena_zalloc(&c->scratch, sizeof(*q));
    struct dns_name arpa;

    q->type = DNS_PTR;
    dns_name_arpa(&c->client, &arpa);
    dns_name_reverse(&c->client, &arpa, &q->name);
    int r = spf_ask(c, q, 1, &c->scratch);
    if (r < 0) {
        return r;
    }
    c->names.asked = true;
    c->names.is_void = is_void(&q->answer);
    c->names.names = arena_zalloc(&c->kept, SPF_PTR_MOST * sizeof(*c->names.names));
    for (size_t i = 0; i < q->answer.count && i < SPF_PTR_MOST; i++) {
        c->names.names[c->names.count++].name = *q->answer.records[i].name;
    }
    return 0;
}

static enum spf_name_state confirmed(const struct spf_check *c, const struct dns_answer *answer)
{
    if (is_void(answer)) {
        return SPF_NAME_VOID;
    }
    return answer->state == DNS_ANSWER &&
                   spf_has_client(c, answer, c->client.family == ADDR_V6 ? 128 : 32)
               ? SPF_NAME_VALID
               : SPF_NAME_INVALID;
}

/* Names that cannot match are not asked for: `below` NULL takes all. */
static bool is_wanted(const struct spf_name *n, const struct dns_name *below)
{
    return below == NULL || dns_name_is_below(&n->name, below);
}

/* Has those names confirmed that are `below`, where they have not been, and counts what is void for
 * this term. */
static int confirm(struct spf_check *c, const struct dns_name *below)
{
    struct dns_question *q = arena_zalloc(&c->scratch, SPF_PTR_MOST * sizeof(*q));
    struct spf_name *asked[SPF_PTR_MOST];
    bool nothing = c->names.is_void;
    size_t n = 0;
    int r;

    for (size_t i = 0; i < c->names.count; i++) {
        struct spf_name *name = &c->names.names[i];
        if (is_wanted(name, below) && name->state == SPF_NAME_UNTRIED) {
            asked[n] = name;
            q[n].name = name->name;
            q[n++].type = spf_address_type(c);
        }
    }
    if (n > 0 && (r = spf_ask(c, q, n, &c->scratch)) < 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        asked[i]->state = confirmed(c, &q[i].answer);
    }
    for (size_t i = 0; i < c->names.count; i++) {
        const struct spf_name *name = &c->names.names[i];
        nothing |= is_wanted(name, below) && name->state == SPF_NAME_VOID;
    }
    return nothing ? spf_count_void(c) : 0;
}

/* A validated name that is `domain` or below it (NULL: any); one that is the domain itself comes
 * before the others. */
static const struct spf_name *find(const struct spf_check *c, const struct dns_name *domain)
{
    const struct spf_name *found = NULL;

    for (size_t i = 0; i < c->names.count; i++) {
        const struct spf_name *n = &c->names.names[i];
        if (n->state != SPF_NAME_VALID ||
            (domain != NULL && !dns_name_is_below(&n->name, domain))) {
            continue;
        }
        if (found == NULL || (domain != NULL && dns_name_eq(&n->name, domain))) {
            found = n;
        }
    }
    return found;
}

int spf_names_match(struct spf_check *c, struct slice target)
{
    struct dns_name *domain = arena_alloc(&c->scratch, sizeof(*domain));
    int r;

    if (dns_name_parse(target, domain) < 0) {
        return 0;
    }
    if ((!c->names.asked && (r = ask_names(c)) < 0) || (r = confirm(c, domain)) < 0) {
        return r;
    }
    return find(c, domain) != NULL;
}

/* 4.6.4: the question for PTR records counts as a term's would, once. */
int spf_names_expand(struct spf_check *c)
{
    const struct spf_name *found = NULL;
    char text[DNS_NAME_TEXT_MAX];
    int r;

    c->values.of[SPF_MACRO_VALIDATED] = SLICE_LIT("unknown");
    if (!c->names.asked && ((r = spf_count_lookup(c)) < 0 || (r = ask_names(c)) < 0)) {
        return r;
    }
    if ((r = confirm(c, NULL)) < 0) {
        return r;
    }
    if (dns_name_parse(c->values.of[SPF_MACRO_DOMAIN], &c->name) == 0) {
        found = find(c, &c->name);
    }
    if (found == NULL) {
        found = find(c, NULL);
    }
    if (found != NULL) {
        size_t n = dns_name_format(&found->name, text);
        c->values.of[SPF_MACRO_VALIDATED] = arena_copy(&c->kept, (struct slice){text, n});
    }
    return 0;
}
