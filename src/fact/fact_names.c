/* Names that the DNS confirms or does not: the client's, the one it greets with, the sender's
 * domain. */
#include "fact/dns.h"
#include "fact/known_client.h"
#include "parse/smtp_address.h"

/* Look-ups that a fact makes one after the other, at most. */
#define ROUNDS_MOST 3

struct auth_clock fact_clock(const struct evidence *e)
{
    const usec_t each = e->conf->limits.dns_time;

    return (struct auth_clock){
        .wall = e->wall, .question_time = each, .deadline = rt_now() + ROUNDS_MOST * each};
}

struct value fact_dns_unknown(enum value_type type, enum dns_state state)
{
    return value_unknown(type, state == DNS_TIMED_OUT ? UNKNOWN_TIMEOUT : UNKNOWN_TEMPORARY);
}

struct value fact_dns_bool(enum dns_state state, bool b)
{
    return state == DNS_ANSWER ? value_bool(b) : fact_dns_unknown(TYPE_BOOL, state);
}

/* ---- client.ptr, client.name ---- */

static int look_up_client(const struct evidence *e, struct client_names *ret)
{
    const struct auth_clock clock = fact_clock(e);

    return client_names_find(e->resolver, &e->client, &clock, e->connection_arena, ret);
}

/* Once for each connection, where there is a place to keep it. */
static int find_client(const struct evidence *e, struct client_names *ret)
{
    struct known_client *known = e->known_client;

    if (known == NULL) {
        return look_up_client(e, ret);
    }
    int r = once_begin(&known->once);
    if (r == 0) {
        r = look_up_client(e, &known->names);
        once_end(&known->once, r == 0);
    }
    if (r < 0) {
        return r;
    }
    *ret = known->names;
    return 0;
}

int fact_client_ptr(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct client_names names;

    (void)parameters;
    if (e->resolver == NULL) {
        *ret = value_unknown(TYPE_SET, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    int r = find_client(e, &names);
    if (r < 0) {
        return r;
    }
    *ret = names.ptr_state == DNS_ANSWER ? value_set(names.ptr, names.ptr_count)
                                         : fact_dns_unknown(TYPE_SET, names.ptr_state);
    return 0;
}

int fact_client_name(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct client_names names;

    (void)parameters;
    if (e->resolver == NULL) {
        *ret = value_unknown(TYPE_TEXT, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    int r = find_client(e, &names);
    if (r < 0) {
        return r;
    }
    *ret = names.name_state == DNS_ANSWER ? value_text(names.name)
                                          : fact_dns_unknown(TYPE_TEXT, names.name_state);
    return 0;
}

/* ---- helo.resolves, helo.matches ---- */

/* 0; 1 and *ret, which is unknown; -ECANCELED. */
static int find_helo(const struct evidence *e, struct helo_names *ret_names, struct value *ret)
{
    if (e->resolver == NULL) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE);
        return 1;
    }
    const struct auth_clock clock = fact_clock(e);
    return helo_names_find(e->resolver, e->helo, &e->client, &clock, ret_names);
}

int fact_helo_resolves(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct helo_names names;

    (void)parameters;
    int r = find_helo(e, &names, ret);
    if (r == 0) {
        *ret = fact_dns_bool(names.resolves_state, names.resolves);
    }
    return r < 0 ? r : 0;
}

int fact_helo_matches(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct helo_names names;

    (void)parameters;
    int r = find_helo(e, &names, ret);
    if (r == 0) {
        *ret = fact_dns_bool(names.matches_state, names.matches);
    }
    return r < 0 ? r : 0;
}

/* ---- sender.exists, sender.null_mx ---- */

static int find_sender(const struct evidence *e, struct mail_domain *ret_domain, struct value *ret)
{
    if (e->resolver == NULL) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE);
        return 1;
    }
    if (e->sender.n == 0) {
        /* <> has no domain that could be missing */
        *ret_domain = (struct mail_domain){.exists = true};
        return 0;
    }
    const struct auth_clock clock = fact_clock(e);
    return mail_domain_find(e->resolver, smtp_mailbox_domain(e->sender), &clock, ret_domain);
}

int fact_sender_exists(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct mail_domain domain;

    (void)parameters;
    int r = find_sender(e, &domain, ret);
    if (r == 0) {
        *ret = fact_dns_bool(domain.exists_state, domain.exists);
    }
    return r < 0 ? r : 0;
}

int fact_sender_null_mx(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct mail_domain domain;

    (void)parameters;
    int r = find_sender(e, &domain, ret);
    if (r == 0) {
        *ret = fact_dns_bool(domain.null_mx_state, domain.null_mx);
    }
    return r < 0 ? r : 0;
}
