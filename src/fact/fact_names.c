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

/* What the DNS says of the client's address: the names, or the one that is confirmed. */
static int client_fact(const struct evidence *e, enum value_type type, struct value *ret)
{
    struct client_names names;

    if (e->resolver == NULL) {
        *ret = value_unknown(type, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    int r = find_client(e, &names);
    if (r < 0) {
        return r;
    }
    const enum dns_state state = type == TYPE_SET ? names.ptr_state : names.name_state;
    *ret = state != DNS_ANSWER ? fact_dns_unknown(type, state)
           : type == TYPE_SET  ? value_set(names.ptr, names.ptr_count)
                               : value_text(names.name);
    return 0;
}

int fact_client_ptr(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return client_fact(e, TYPE_SET, ret);
}

int fact_client_name(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return client_fact(e, TYPE_TEXT, ret);
}

/* ---- helo.resolves, helo.matches ---- */

static int helo_fact(const struct evidence *e, bool matches, struct value *ret)
{
    struct helo_names names;

    if (e->resolver == NULL) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    const struct auth_clock clock = fact_clock(e);
    int r = helo_names_find(e->resolver, e->helo, &e->client, &clock, &names);
    if (r == 0) {
        *ret = matches ? fact_dns_bool(names.matches_state, names.matches)
                       : fact_dns_bool(names.resolves_state, names.resolves);
    }
    return r;
}

int fact_helo_resolves(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return helo_fact(e, false, ret);
}

int fact_helo_matches(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return helo_fact(e, true, ret);
}

/* ---- sender.exists, sender.null_mx ---- */

static int sender_fact(const struct evidence *e, bool null_mx, struct value *ret)
{
    struct mail_domain domain;

    if (e->resolver == NULL) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    if (e->sender.n == 0) {
        *ret = value_bool(!null_mx); /* <> has no domain that could be missing */
        return 0;
    }
    const struct auth_clock clock = fact_clock(e);
    int r = mail_domain_find(e->resolver, smtp_mailbox_domain(e->sender), &clock, &domain);
    if (r == 0) {
        *ret = null_mx ? fact_dns_bool(domain.null_mx_state, domain.null_mx)
                       : fact_dns_bool(domain.exists_state, domain.exists);
    }
    return r;
}

int fact_sender_exists(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return sender_fact(e, false, ret);
}

int fact_sender_null_mx(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return sender_fact(e, true, ret);
}
