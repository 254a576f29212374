/* See auth/dmarc.h. The steps are those of RFC 9989 5.3: extract the Author Domain, find its
 * record, hold the Authenticated Identifiers against it, say pass or fail, find the policy. */
#include "auth/dmarc.h"

#include "auth/dmarc_tree.h"

/* A domain that SPF or DKIM tells of. */
struct identifier {
    struct dns_name name;
    bool by_dkim;
    bool passed; /* else it could not be checked for now */
};

/* One Author Domain, and what comes of it. */
struct author {
    struct dns_name name;
    struct dmarc_walk walk;
    enum auth_result result;
    enum dmarc_policy policy;
    const struct identifier *spf, *dkim; /* those that make it pass */
    const char *problem;
};

struct check {
    const struct dmarc_query *query;
    struct dmarc_tree tree;
    struct from_field from;
    struct author authors[DMARC_AUTHORS_MOST];
    size_t author_count;
    struct identifier identifiers[DMARC_IDENTIFIERS_MOST];
    size_t identifier_count;
    const char *problem; /* why nothing can be aligned, or NULL */
    bool incomplete;     /* there are further author domains (11.5) */
};

/* ---- alignment ---- */

/* Can relaxed alignment only be told by a walk from `name`? Not where the author's organisation is
 * unknown or `name` lies outside of it: the organisation of a domain is that domain, or above it.
 */
static bool needs_walk(const struct dmarc_walk *author, const struct dns_name *author_name,
                       const struct dns_name *name)
{
    return author->organisation != NULL && !dns_name_eq(author_name, name) &&
           dns_name_is_below(name, author->organisation);
}

static enum dmarc_alignment relaxed(const struct dmarc_tree *t, const struct dmarc_walk *author,
                                    const struct dns_name *author_name, const struct dns_name *name)
{
    struct dmarc_walk walk;

    if (dns_name_eq(author_name, name)) {
        return DMARC_ALIGNED;
    }
    if (author->organisation == NULL) {
        return DMARC_ALIGNMENT_UNKNOWN;
    }
    if (!needs_walk(author, author_name, name)) {
        return DMARC_NOT_ALIGNED;
    }
    dmarc_tree_walk(t, name, &walk);
    if (walk.organisation == NULL) {
        return DMARC_ALIGNMENT_UNKNOWN;
    }
    return dns_name_eq(walk.organisation, author->organisation) ? DMARC_ALIGNED : DMARC_NOT_ALIGNED;
}

static enum dmarc_alignment alignment(const struct check *c, const struct author *a,
                                      const struct identifier *id)
{
    if (id->by_dkim ? a->walk.record->strict_dkim : a->walk.record->strict_spf) {
        return dns_name_eq(&a->name, &id->name) ? DMARC_ALIGNED : DMARC_NOT_ALIGNED;
    }
    return relaxed(&c->tree, &a->walk, &a->name, &id->name);
}

int dmarc_align(struct resolver *r, const struct auth_clock *clock, struct slice author,
                const struct slice *domains, size_t n, struct arena *arena,
                enum dmarc_alignment *ret)
{
    struct dmarc_tree t = {.resolver = r, .clock = clock, .arena = arena};
    struct dns_name *names = arena_alloc(arena, n * sizeof(*names));
    struct dns_name author_name;
    struct dmarc_walk walk;

    for (size_t i = 0; i < n; i++) {
        ret[i] = DMARC_NOT_ALIGNED;
    }
    if (dns_name_parse_idn(author, &author_name) < 0) {
        return 0;
    }
    dmarc_tree_want(&t, &author_name);
    int failed = dmarc_tree_ask(&t);
    if (failed < 0) {
        return failed;
    }
    dmarc_tree_walk(&t, &author_name, &walk);
    for (size_t i = 0; i < n; i++) {
        if (dns_name_parse_idn(domains[i], &names[i]) < 0) {
            dns_name_root(&names[i]);
        } else if (needs_walk(&walk, &author_name, &names[i])) {
            dmarc_tree_want(&t, &names[i]);
        }
    }
    failed = dmarc_tree_ask(&t);
    for (size_t i = 0; i < n && failed == 0; i++) {
        if (names[i].n > 1) {
            ret[i] = relaxed(&t, &walk, &author_name, &names[i]);
        }
    }
    return failed;
}

/* ---- 5.3.1: Author Domains ---- */

static void add_author(struct check *c, const struct dns_name *name)
{
    for (size_t i = 0; i < c->author_count; i++) {
        if (dns_name_eq(&c->authors[i].name, name)) {
            return;
        }
    }
    if (c->author_count == DMARC_AUTHORS_MOST) {
        c->incomplete = true;
        return;
    }
    c->authors[c->author_count++] = (struct author){.name = *name};
}

static void extract_authors(struct check *c)
{
    from_field_parse(c->query->header, c->tree.arena, &c->from);
    c->problem = c->from.problem;
    c->incomplete = c->from.cut;
    for (size_t i = 0; i < c->from.count; i++) {
        struct slice domain = c->from.addresses[i].domain;
        struct dns_name name;
        if (domain.p[0] != '[' && dns_name_parse_idn(domain, &name) == 0 && name.n > 1) {
            add_author(c, &name);
        } else if (c->problem == NULL) {
            c->problem = "the From field names something that is no domain";
        }
    }
}

/* ---- 5.3.3: Authenticated Identifiers ---- */

static void add_identifier(struct check *c, struct slice domain, enum auth_result result, bool dkim)
{
    struct identifier id = {.by_dkim = dkim, .passed = result == AUTH_PASS};

    if ((result != AUTH_PASS && result != AUTH_TEMPERROR) ||
        c->identifier_count == DMARC_IDENTIFIERS_MOST || dns_name_parse_idn(domain, &id.name) < 0) {
        return;
    }
    for (size_t i = 0; i < c->identifier_count; i++) {
        const struct identifier *known = &c->identifiers[i];
        if (known->by_dkim == id.by_dkim && known->passed == id.passed &&
            dns_name_eq(&known->name, &id.name)) {
            return;
        }
    }
    c->identifiers[c->identifier_count++] = id;
}

static void collect_identifiers(struct check *c)
{
    const struct spf_outcome *spf = c->query->spf;
    const struct dkim_outcome *dkim = c->query->dkim;

    if (spf != NULL) {
        add_identifier(c, spf->domain, spf->result, false);
    }
    for (size_t i = 0; dkim != NULL && i < dkim->count; i++) {
        add_identifier(c, dkim->signatures[i].domain, dkim->signatures[i].result, true);
    }
}

/* ---- 5.3.2: records; 5.3.4 and 5.3.5: pass or fail ---- */

static int find_records(struct check *c)
{
    for (size_t i = 0; i < c->author_count; i++) {
        dmarc_tree_want(&c->tree, &c->authors[i].name);
    }
    int r = dmarc_tree_ask(&c->tree);
    for (size_t i = 0; i < c->author_count && r == 0; i++) {
        struct author *a = &c->authors[i];
        dmarc_tree_walk(&c->tree, &a->name, &a->walk);
        a->result = AUTH_FAIL;
        if (a->walk.record == NULL) {
            a->result = a->walk.failed ? AUTH_TEMPERROR : AUTH_NONE;
            a->problem = a->walk.failed ? "the policy record could not be looked up" : NULL;
        } else if (a->walk.record->unusable) {
            a->result = AUTH_PERMERROR;
            a->problem = "the policy record says no valid policy";
        }
    }
    return r;
}

static void align(const struct check *c, struct author *a)
{
    bool unknown = false;

    for (size_t i = 0; i < c->identifier_count; i++) {
        const struct identifier *id = &c->identifiers[i];
        const struct identifier **aligned = id->by_dkim ? &a->dkim : &a->spf;
        enum dmarc_alignment found = alignment(c, a, id);
        if (found == DMARC_ALIGNED && id->passed) {
            a->result = AUTH_PASS;
            *aligned = *aligned != NULL ? *aligned : id;
        }
        unknown |= found == DMARC_ALIGNMENT_UNKNOWN || (found == DMARC_ALIGNED && !id->passed);
    }
    if (a->result == AUTH_FAIL && unknown) {
        a->result = AUTH_TEMPERROR;
        a->problem = "whether it is aligned could not be looked up";
    }
}

static int align_all(struct check *c)
{
    for (size_t i = 0; i < c->author_count; i++) {
        const struct author *a = &c->authors[i];
        for (size_t j = 0; a->result == AUTH_FAIL && j < c->identifier_count; j++) {
            const struct identifier *id = &c->identifiers[j];
            bool strict = id->by_dkim ? a->walk.record->strict_dkim : a->walk.record->strict_spf;
            if (!strict && needs_walk(&a->walk, &a->name, &id->name)) {
                dmarc_tree_want(&c->tree, &id->name);
            }
        }
    }
    int r = dmarc_tree_ask(&c->tree);
    for (size_t i = 0; i < c->author_count && r == 0; i++) {
        if (c->authors[i].result == AUTH_FAIL) {
            align(c, &c->authors[i]);
        }
    }
    return r;
}

/* ---- 4.10.1: the policy ---- */

/* The policy for a subdomain that exists. */
static enum dmarc_policy subdomain_policy(const struct dmarc_record *record)
{
    return record->sp != DMARC_NO_POLICY ? record->sp : record->p;
}

static bool is_subdomain(const struct author *a)
{
    return !dns_name_eq(&a->name, a->walk.domain);
}

/* Does it make a difference whether the Author Domain exists? */
static bool must_exist(const struct author *a)
{
    const struct dmarc_record *record = a->walk.record;

    return a->result == AUTH_FAIL && is_subdomain(a) && record->np != DMARC_NO_POLICY &&
           record->np != subdomain_policy(record);
}

/* A name exists unless the answer to any question about it is NXDOMAIN (3.2.13, A.4); of a name
 * that is an alias NXDOMAIN is said of what it leads to. */
static void take_existence(struct author *a, const struct dns_answer *answer)
{
    if (answer->state == DNS_NO_NAME &&
        (answer->canonical == NULL || dns_name_eq(answer->canonical, &a->name))) {
        a->policy = a->walk.record->np;
    } else if (answer->state != DNS_ANSWER && answer->state != DNS_NODATA &&
               answer->state != DNS_NO_NAME) {
        a->result = AUTH_TEMPERROR;
        a->problem = "whether the author's domain exists could not be looked up";
    }
}

static int find_policies(struct check *c)
{
    struct dns_question questions[DMARC_AUTHORS_MOST];
    struct author *asked[DMARC_AUTHORS_MOST];
    size_t n = 0;

    for (size_t i = 0; i < c->author_count; i++) {
        struct author *a = &c->authors[i];
        if (a->walk.record == NULL) {
            continue;
        }
        a->policy = is_subdomain(a) ? subdomain_policy(a->walk.record) : a->walk.record->p;
        if (must_exist(a)) {
            questions[n] = (struct dns_question){.name = a->name, .type = DNS_MX};
            asked[n++] = a;
        }
    }
    if (n == 0) {
        return 0;
    }
    int r = resolver_ask(c->tree.resolver, questions, n, auth_question_end(c->tree.clock),
                         c->tree.arena);
    for (size_t i = 0; i < n && r == 0; i++) {
        take_existence(asked[i], &questions[i].answer);
    }
    return r;
}

static enum dmarc_policy lowered(enum dmarc_policy policy)
{
    return policy == DMARC_REJECT       ? DMARC_QUARANTINE
           : policy == DMARC_QUARANTINE ? DMARC_NONE
                                        : policy;
}

/* With t=y what is asked for is one less (4.7). */
static void lower_policies(struct check *c)
{
    for (size_t i = 0; i < c->author_count; i++) {
        struct author *a = &c->authors[i];
        if (a->walk.record != NULL && a->walk.record->testing) {
            a->policy = lowered(a->policy);
        }
    }
}

/* ---- the outcome ---- */

/* Of several domains that decides which comes first here: a failure, by its policy; then what is
 * not known; a pass only where all pass. */
static unsigned weight(const struct author *a)
{
    switch (a->result) {
    case AUTH_FAIL: return 10 + (unsigned)a->policy;
    case AUTH_TEMPERROR: return 3;
    case AUTH_PERMERROR: return 2;
    case AUTH_NONE: return 1;
    default: return 0;
    }
}

static struct slice name_text(struct arena *arena, const struct dns_name *name)
{
    char text[DNS_NAME_TEXT_MAX];

    if (name == NULL) {
        return SLICE_LIT("");
    }
    size_t n = dns_name_format(name, text);
    return arena_copy(arena, (struct slice){text, n});
}

static void tell(const struct check *c, const struct author *a, struct dmarc_outcome *ret)
{
    struct arena *arena = c->tree.arena;
    const char *problem = c->problem != NULL ? c->problem : a->problem;

    *ret = (struct dmarc_outcome){
        .result = c->problem != NULL ? AUTH_PERMERROR : a->result,
        .from = name_text(arena, &a->name),
        .domain = name_text(arena, a->walk.domain),
        .organisation = name_text(arena, a->walk.organisation),
        .policy = a->policy,
        .testing = a->walk.record != NULL && a->walk.record->testing,
        .aligned_spf = name_text(arena, a->spf != NULL ? &a->spf->name : NULL),
        .aligned_dkim = name_text(arena, a->dkim != NULL ? &a->dkim->name : NULL),
        .problem = problem != NULL ? slice_of(problem) : SLICE_LIT(""),
    };
    if (c->incomplete && ret->result != AUTH_FAIL && c->problem == NULL) {
        ret->result = AUTH_PERMERROR;
        ret->problem = SLICE_LIT("the From field names too many domains");
    }
}

static void conclude(const struct check *c, struct dmarc_outcome *ret)
{
    static const struct slice none = SLICE_LIT("");
    const struct author *decides = &c->authors[0];

    if (c->author_count == 0) {
        *ret = (struct dmarc_outcome){AUTH_PERMERROR,      none,  none, none,
                                      DMARC_NO_POLICY,     false, none, none,
                                      slice_of(c->problem)};
        return;
    }
    for (size_t i = 1; i < c->author_count; i++) {
        if (weight(&c->authors[i]) > weight(decides)) {
            decides = &c->authors[i];
        }
    }
    tell(c, decides, ret);
}

int dmarc_check(const struct dmarc_query *q, struct arena *arena, struct dmarc_outcome *ret)
{
    struct check *c = arena_zalloc(arena, sizeof(*c));

    c->query = q;
    c->tree = (struct dmarc_tree){.resolver = q->resolver, .clock = &q->clock, .arena = arena};
    extract_authors(c);
    int r = find_records(c);
    if (r == 0 && c->problem == NULL) {
        collect_identifiers(c);
        r = align_all(c);
    }
    if (r == 0) {
        r = find_policies(c);
    }
    if (r == 0) {
        lower_policies(c);
        conclude(c, ret);
    }
    return r;
}
