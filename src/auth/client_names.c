/* See auth/client_names.h. Answers are kept in an arena of the call's own: an address with 500
 * names would otherwise fill the connection's. */
#include "auth/client_names.h"

#include <stdlib.h>

#include "parse/address_literal.h"
#include "parse/helo_name.h"

/* What to tell of a question that was not answered with records: that there are none is sure. */
static enum dns_state sureness(enum dns_state s)
{
    return dns_state_is_sure(s) ? DNS_ANSWER : s;
}

static enum dns_type type_of(const struct addr *a)
{
    return a->family == ADDR_V6 ? DNS_AAAA : DNS_A;
}

static bool has_address(const struct dns_answer *answer, const struct addr *a)
{
    for (size_t i = 0; answer->state == DNS_ANSWER && i < answer->count; i++) {
        if (addr_same_host(&answer->records[i].address, a)) {
            return true;
        }
    }
    return false;
}

/* ---- the client ---- */

/* A name of an answer, as it is and as it is shown. */
struct named {
    const struct dns_name *name;
    struct slice text;
};

static int compare_names(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    const size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
    const int c = memcmp(x->text.p, y->text.p, n);

    return c != 0 ? c : (x->text.n > y->text.n) - (x->text.n < y->text.n);
}

/* The names of an answer, sorted, each once: how many, at most NAMES_FOLLOWED_MOST. */
static size_t sort_names(const struct dns_answer *answer, struct arena *scratch, struct named **ret)
{
    struct named *names = arena_alloc(scratch, answer->count * sizeof(*names));
    char text[DNS_NAME_TEXT_MAX];
    size_t count = 0;

    for (size_t i = 0; i < answer->count; i++) {
        const size_t n = dns_name_format(answer->records[i].name, text);
        names[i].name = answer->records[i].name;
        names[i].text = arena_copy(scratch, (struct slice){text, n});
    }
    qsort(names, answer->count, sizeof(*names), compare_names);
    for (size_t i = 0; i < answer->count && count < NAMES_FOLLOWED_MOST; i++) {
        if (count == 0 || !slice_eq(names[count - 1].text, names[i].text)) {
            names[count++] = names[i];
        }
    }
    *ret = names;
    return count;
}

/* Which of the names leads back: their place in *ret_index and DNS_ANSWER in *ret_state; or
 * `count`, and in *ret_state whether that is sure. 0 or -ECANCELED. */
static int confirm(struct resolver *r, const struct addr *client, const struct auth_clock *c,
                   struct arena *scratch, const struct named *names, size_t count,
                   size_t *ret_index, enum dns_state *ret_state)
{
    struct dns_question *q = arena_zalloc(scratch, count * sizeof(*q));

    for (size_t i = 0; i < count; i++) {
        q[i] = (struct dns_question){.name = *names[i].name, .type = type_of(client)};
    }
    int error = resolver_ask(r, q, count, auth_question_end(c), scratch);
    if (error < 0) {
        return error;
    }
    *ret_index = count;
    *ret_state = DNS_ANSWER;
    for (size_t i = 0; i < count; i++) {
        if (has_address(&q[i].answer, client)) {
            *ret_index = i;
            *ret_state = DNS_ANSWER;
            return 0;
        }
        if (!dns_state_is_sure(q[i].answer.state)) {
            *ret_state = q[i].answer.state;
        }
    }
    return 0;
}

/* Moves the texts out of the scratch. */
static void keep(const struct named *names, size_t count, size_t confirmed, struct arena *arena,
                 struct client_names *ret)
{
    struct slice *kept = arena_alloc(arena, count * sizeof(*kept));

    for (size_t i = 0; i < count; i++) {
        kept[i] = arena_copy(arena, names[i].text);
    }
    ret->ptr = kept;
    ret->ptr_count = count;
    if (confirmed < count) {
        ret->name = kept[confirmed];
    }
}

static int find_names(struct resolver *r, const struct addr *client, const struct auth_clock *c,
                      struct arena *scratch, struct arena *arena, struct client_names *ret)
{
    struct dns_answer answer;
    struct dns_name arpa, reverse;
    struct named *names;
    size_t confirmed;

    dns_name_arpa(client, &arpa);
    (void)dns_name_reverse(client, &arpa, &reverse); /* fits */
    int error = resolver_ask_one(r, &reverse, DNS_PTR, auth_question_end(c), scratch, &answer);
    if (error < 0) {
        return error;
    }
    *ret = (struct client_names){
        .ptr_state = sureness(answer.state),
        .name_state = sureness(answer.state),
        .name = SLICE_LIT(""),
    };
    if (answer.state != DNS_ANSWER) {
        return 0;
    }
    const size_t count = sort_names(&answer, scratch, &names);
    error = confirm(r, client, c, scratch, names, count, &confirmed, &ret->name_state);
    if (error == 0) {
        keep(names, count, confirmed, arena, ret);
    }
    return error;
}

int client_names_find(struct resolver *r, const struct addr *client, const struct auth_clock *c,
                      struct arena *arena, struct client_names *ret)
{
    struct client_names names;
    struct arena scratch;

    arena_init(&scratch);
    int error = find_names(r, client, c, &scratch, arena, &names);
    if (error == 0) {
        *ret = names;
    }
    arena_free(&scratch);
    return error;
}

/* ---- HELO ---- */

/* A and AAAA of a name. 0 or -ECANCELED; `ret` has two places. */
static int ask_addresses(struct resolver *r, const struct dns_name *name, usec_t deadline,
                         struct arena *scratch, struct dns_question *ret)
{
    ret[0] = (struct dns_question){.name = *name, .type = DNS_A};
    ret[1] = (struct dns_question){.name = *name, .type = DNS_AAAA};
    return resolver_ask(r, ret, 2, deadline, scratch);
}

/* Whether one of the questions has brought an address: true, or false and *ret_state. */
static bool any_address(const struct dns_question *q, size_t n, enum dns_state *ret_state)
{
    *ret_state = DNS_ANSWER;
    for (size_t i = 0; i < n; i++) {
        if (q[i].answer.state == DNS_ANSWER) {
            *ret_state = DNS_ANSWER;
            return true;
        }
        if (!dns_state_is_sure(q[i].answer.state)) {
            *ret_state = q[i].answer.state;
        }
    }
    return false;
}

/* Of the client's own family first: that answers both questions nearly always, and where the client
 * greets with the name that reverse DNS has for it, it has been asked before. */
static int look_helo_up(struct resolver *r, const struct dns_name *name, const struct addr *client,
                        const struct auth_clock *c, struct arena *scratch, struct helo_names *ret)
{
    const enum dns_type own = type_of(client);
    struct dns_answer answer;

    int error = resolver_ask_one(r, name, own, auth_question_end(c), scratch, &answer);
    if (error < 0) {
        return error;
    }
    ret->matches = has_address(&answer, client);
    ret->matches_state = ret->resolves_state = sureness(answer.state);
    ret->resolves = answer.state == DNS_ANSWER;
    if (ret->resolves || answer.state == DNS_NO_NAME) {
        return 0;
    }
    const enum dns_state first = ret->resolves_state;
    error = resolver_ask_one(r, name, own == DNS_A ? DNS_AAAA : DNS_A, auth_question_end(c),
                             scratch, &answer);
    if (error == 0) {
        ret->resolves = answer.state == DNS_ANSWER;
        ret->resolves_state = ret->resolves || first == DNS_ANSWER ? sureness(answer.state) : first;
    }
    return error;
}

int helo_names_find(struct resolver *r, struct slice helo, const struct addr *client,
                    const struct auth_clock *c, struct helo_names *ret)
{
    struct addr literal;
    struct dns_name name;
    struct arena scratch;
    int error = 0;

    *ret = (struct helo_names){.resolves_state = DNS_ANSWER, .matches_state = DNS_ANSWER};
    switch (helo_form_of(helo, &literal)) {
    case HELO_LITERAL:
        ret->resolves = true;
        ret->matches = addr_same_host(&literal, client);
        break;
    case HELO_DOMAIN:
    case HELO_LABEL:
        if (dns_name_parse(helo, &name) == 0) {
            arena_init(&scratch);
            error = look_helo_up(r, &name, client, c, &scratch, ret);
            arena_free(&scratch);
        }
        break;
    case HELO_ADDRESS:
    case HELO_INVALID: break;
    }
    return error;
}

/* ---- mail domains ---- */

static int compare_exchanges(const void *a, const void *b)
{
    const struct dns_record *x = a, *y = b;
    const int c = (x->mx.preference > y->mx.preference) - (x->mx.preference < y->mx.preference);

    if (c != 0) {
        return c;
    }
    const uint8_t n = x->mx.exchange->n < y->mx.exchange->n ? x->mx.exchange->n : y->mx.exchange->n;
    return memcmp(x->mx.exchange->wire, y->mx.exchange->wire, n);
}

/* The exchangers that are names of hosts, lowest preference first: how many, at most
 * NAMES_FOLLOWED_MOST. */
static size_t sort_exchanges(const struct dns_answer *answer, struct arena *scratch,
                             struct dns_record **ret)
{
    struct dns_record *sorted = arena_alloc(scratch, answer->count * sizeof(*sorted));
    size_t count = 0;

    for (size_t i = 0; i < answer->count; i++) {
        if (dns_name_labels(answer->records[i].mx.exchange) > 0) {
            sorted[count++] = answer->records[i];
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_exchanges);
    *ret = sorted;
    return count < NAMES_FOLLOWED_MOST ? count : NAMES_FOLLOWED_MOST;
}

/* Has one of these exchangers an address? But for the A of the first, which has none. */
static int ask_others(struct resolver *r, const struct dns_record *mx, size_t count,
                      const struct auth_clock *c, struct arena *scratch, struct mail_domain *ret)
{
    struct dns_question *q = arena_zalloc(scratch, 2 * count * sizeof(*q));

    for (size_t i = 0; i < count; i++) {
        q[2 * i] = (struct dns_question){.name = *mx[i].mx.exchange, .type = DNS_A};
        q[2 * i + 1] = (struct dns_question){.name = *mx[i].mx.exchange, .type = DNS_AAAA};
    }
    int error = resolver_ask(r, q + 1, 2 * count - 1, auth_question_end(c), scratch);
    if (error == 0) {
        ret->exists = any_address(q + 1, 2 * count - 1, &ret->exists_state);
    }
    return error;
}

/* The first exchanger nearly always has an IPv4 address; all else is asked for, together, only
 * where it has none. */
static int follow_exchanges(struct resolver *r, const struct dns_answer *answer,
                            const struct auth_clock *c, struct arena *scratch,
                            struct mail_domain *ret)
{
    struct dns_record *mx;
    struct dns_answer first;
    const size_t count = sort_exchanges(answer, scratch, &mx);

    ret->null_mx = count == 0;
    ret->exists = true;
    if (count == 0) {
        return 0;
    }
    int error =
        resolver_ask_one(r, mx[0].mx.exchange, DNS_A, auth_question_end(c), scratch, &first);
    if (error < 0 || first.state == DNS_ANSWER) {
        return error;
    }
    error = ask_others(r, mx, count, c, scratch, ret);
    if (error == 0 && !ret->exists && !dns_state_is_sure(first.state)) {
        ret->exists_state = first.state;
    }
    return error;
}

static int look_domain_up(struct resolver *r, const struct dns_name *name,
                          const struct auth_clock *c, struct arena *scratch,
                          struct mail_domain *ret)
{
    struct dns_answer answer;

    int error = resolver_ask_one(r, name, DNS_MX, auth_question_end(c), scratch, &answer);
    if (error < 0) {
        return error;
    }
    ret->null_mx_state = ret->exists_state = sureness(answer.state);
    if (answer.state == DNS_ANSWER) {
        return follow_exchanges(r, &answer, c, scratch, ret);
    }
    if (answer.state == DNS_NODATA) {
        struct dns_question *q = arena_zalloc(scratch, 2 * sizeof(*q));
        error = ask_addresses(r, name, auth_question_end(c), scratch, q);
        if (error == 0) {
            ret->exists = any_address(q, 2, &ret->exists_state);
        }
    }
    return error;
}

int mail_domain_find(struct resolver *r, struct slice domain, const struct auth_clock *c,
                     struct mail_domain *ret)
{
    struct arena scratch;
    struct addr literal;
    struct dns_name name;

    *ret = (struct mail_domain){.exists_state = DNS_ANSWER, .null_mx_state = DNS_ANSWER};
    if (address_literal_parse(domain, &literal)) {
        ret->exists = true;
        return 0;
    }
    if (dns_name_parse_idn(domain, &name) < 0) {
        return 0;
    }
    arena_init(&scratch);
    int error = look_domain_up(r, &name, c, &scratch, ret);
    arena_free(&scratch);
    return error;
}
