/* The mechanisms that hold the client against addresses (RFC 7208 5.3 to 5.7), and target names. */
#include "auth/spf_impl.h"
#include "conf/network.h"

int spf_target(struct spf_check *c, const struct spf_term *term, struct arena *arena,
               struct slice *ret)
{
    const unsigned sender = SPF_MACRO_BIT(SPF_MACRO_SENDER) | SPF_MACRO_BIT(SPF_MACRO_LOCAL_PART);
    int r;

    if (term->domain.n == 0) {
        *ret = c->values.of[SPF_MACRO_DOMAIN];
        return 1;
    }
    /* RFC 8616 4: a local part that is not ASCII matches nothing. */
    if ((term->macros & sender) != 0 && c->odd_local_part) {
        return 0;
    }
    if ((term->macros & SPF_MACRO_BIT(SPF_MACRO_VALIDATED)) != 0 && (r = spf_names_expand(c)) < 0) {
        return r;
    }
    char *name = arena_alloc(arena, SPF_NAME_MOST);
    size_t n = spf_expand_name(term->domain, &c->values, name);
    *ret = (struct slice){name, n};
    return n > 0;
}

static bool is_within(const struct spf_check *c, const struct addr *address, unsigned bits)
{
    const struct conf_network network = {*address, bits};

    return network_has(&network, &c->client);
}

bool spf_has_client(const struct spf_check *c, const struct dns_answer *answer, unsigned bits)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (is_within(c, &answer->records[i].address, bits)) {
            return true;
        }
    }
    return false;
}

enum dns_type spf_address_type(const struct spf_check *c)
{
    return c->client.family == ADDR_V6 ? DNS_AAAA : DNS_A;
}

static unsigned prefix(const struct spf_check *c, const struct spf_term *term)
{
    return c->client.family == ADDR_V6 ? term->bits6 : term->bits4;
}

static int match_a(struct spf_check *c, const struct spf_term *term, struct slice target)
{
    const struct dns_answer *answer;
    int r = spf_look_up(c, target, spf_address_type(c), &answer);

    return r > 0 ? spf_has_client(c, answer, prefix(c, term)) : r;
}

/* By preference; equal ones as the answer has them. */
static void sort_exchanges(const struct dns_record **mx, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct dns_record *moved = mx[i];
        size_t j = i;
        for (; j > 0 && mx[j - 1]->mx.preference > moved->mx.preference; j--) {
            mx[j] = mx[j - 1];
        }
        mx[j] = moved;
    }
}

/* The hosts of an MX answer as questions for their addresses, in order of preference. A null MX
 * (RFC 7505) is no host. */
static size_t exchange_questions(struct spf_check *c, const struct dns_answer *answer,
                                 struct dns_question *ret)
{
    const struct dns_record *mx[SPF_MX_MOST];
    size_t n = 0;

    for (size_t i = 0; i < answer->count; i++) {
        if (dns_name_labels(answer->records[i].mx.exchange) > 0) {
            mx[n++] = &answer->records[i];
        }
    }
    sort_exchanges(mx, n);
    for (size_t i = 0; i < n; i++) {
        ret[i].name = *mx[i]->mx.exchange;
        ret[i].type = spf_address_type(c);
    }
    return n;
}

/* 5.4. All hosts are asked for together; what their answers mean goes by preference, as if one had
 * been asked for after the other. */
static int match_mx(struct spf_check *c, const struct spf_term *term, struct slice target)
{
    const struct dns_answer *answer;
    int r = spf_look_up(c, target, DNS_MX, &answer);

    if (r <= 0) {
        return r;
    }
    if (answer->count > SPF_MX_MOST) {
        struct slice shown = spf_clean(c->arena, target);
        return spf_problem(c, SPF_PERMERROR, SLICE_FMT " has more than %d MX hosts",
                           SLICE_ARG(shown), SPF_MX_MOST);
    }
    struct dns_question *hosts = arena_zalloc(&c->scratch, SPF_MX_MOST * sizeof(*hosts));
    size_t n = exchange_questions(c, answer, hosts);
    if (n > 0 && (r = spf_ask(c, hosts, n, &c->scratch)) < 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        if ((r = spf_use(c, &hosts[i])) < 0) {
            return r;
        }
        if (r > 0 && spf_has_client(c, &hosts[i].answer, prefix(c, term))) {
            return 1;
        }
    }
    return 0;
}

/* 5.7: always A, whatever the client's address is. */
static int match_exists(struct spf_check *c, struct slice target)
{
    const struct dns_answer *answer;

    return spf_look_up(c, target, DNS_A, &answer);
}

int spf_match(struct spf_check *c, const struct spf_term *term)
{
    struct slice target;
    int r;

    if (term->kind == SPF_IP4 || term->kind == SPF_IP6) {
        return is_within(c, &term->network, prefix(c, term));
    }
    if ((r = spf_count_lookup(c)) < 0 || (r = spf_target(c, term, &c->scratch, &target)) <= 0) {
        return r;
    }
    switch (term->kind) {
    case SPF_A: return match_a(c, term, target);
    case SPF_MX: return match_mx(c, term, target);
    case SPF_PTR: return spf_names_match(c, target);
    default: return match_exists(c, target);
    }
}
