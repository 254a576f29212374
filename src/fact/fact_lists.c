/* DNS lists: of client addresses, and of the domains that a client or a message names. What a list
 * says is a third party's opinion; rules weigh it. */
#include <errno.h>

#include "auth/dns_list.h"
#include "fact/dns.h"
#include "parse/from_field.h"
#include "parse/smtp_address.h"

/* Of so many authors of a message the domains are looked for. */
#define AUTHORS_MOST 4

/* What is looked for on a list. */
enum subject { OF_CLIENT, OF_HELO, OF_SENDER };

/* 0; 1 and *ret, which is unknown, of that type; -ECANCELED. Texts live in `arena`. */
static int ask_list(const struct evidence *e, enum subject subject, struct slice parameter,
                    enum value_type type, struct arena *arena, struct dns_list_answer *ret_answer,
                    struct value *ret)
{
    struct list_filter filter;
    const char *problem;
    int r = 0;

    if (e->lists == NULL || list_filter_parse(parameter, &filter, &problem) < 0) {
        *ret = value_unknown(type, UNKNOWN_NOT_AVAILABLE);
        return 1;
    }
    const struct auth_clock clock = fact_clock(e);
    switch (subject) {
    case OF_CLIENT:
        r = dns_list_ask_address(e->lists, &filter, &e->client, &clock, arena, ret_answer);
        break;
    case OF_HELO:
        r = dns_list_ask_domain(e->lists, &filter, e->helo, &clock, arena, ret_answer);
        break;
    case OF_SENDER:
        r = dns_list_ask_domain(e->lists, &filter, smtp_mailbox_domain(e->sender), &clock, arena,
                                ret_answer);
        break;
    }
    if (r == 0 && ret_answer->state != DNS_ANSWER) {
        *ret = fact_dns_unknown(type, ret_answer->state);
        return 1;
    }
    return r;
}

static int is_listed(const struct evidence *e, enum subject subject, struct slice parameter,
                     struct value *ret)
{
    struct dns_list_answer answer;
    struct arena scratch;

    arena_init(&scratch);
    int r = ask_list(e, subject, parameter, TYPE_BOOL, &scratch, &answer, ret);
    if (r == 0) {
        *ret = value_bool(answer.listed);
    }
    arena_free(&scratch);
    return r < 0 ? r : 0;
}

int fact_dnsbl(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    return is_listed(e, OF_CLIENT, parameters[0], ret);
}

int fact_dnswl(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    return is_listed(e, OF_CLIENT, parameters[0], ret);
}

int fact_dnsbl_helo(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    return is_listed(e, OF_HELO, parameters[0], ret);
}

int fact_dnsbl_sender(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    return is_listed(e, OF_SENDER, parameters[0], ret);
}

int fact_dnsbl_answers(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct dns_list_answer answer;

    int r = ask_list(e, OF_CLIENT, parameters[0], TYPE_SET, e->connection_arena, &answer, ret);
    if (r == 0) {
        *ret = value_set(answer.answers, answer.count);
    }
    return r < 0 ? r : 0;
}

int fact_dnsbl_reason(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct list_filter filter;
    struct slice reason;
    enum dns_state state;
    const char *problem;

    if (e->lists == NULL || list_filter_parse(parameters[0], &filter, &problem) < 0) {
        *ret = value_unknown(TYPE_TEXT, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    const struct auth_clock clock = fact_clock(e);
    int r = dns_list_reason(e->lists, &filter, &e->client, &clock, e->connection_arena, &state,
                            &reason);
    if (r == 0) {
        *ret = state == DNS_ANSWER ? value_text(reason) : fact_dns_unknown(TYPE_TEXT, state);
    }
    return r;
}

/* ---- dnsbl.from ---- */

/* Is one of the authors' domains listed? 0 and *ret; or -ECANCELED. */
static int ask_authors(const struct evidence *e, const struct list_filter *filter,
                       const struct from_field *from, struct arena *scratch, struct value *ret)
{
    *ret = value_bool(false);
    for (size_t i = 0; i < from->count && i < AUTHORS_MOST; i++) {
        const struct auth_clock clock = fact_clock(e);
        struct dns_list_answer answer;
        int r = dns_list_ask_domain(e->lists, filter, from->addresses[i].domain, &clock, scratch,
                                    &answer);
        if (r < 0) {
            return r;
        }
        if (answer.state != DNS_ANSWER) {
            *ret = fact_dns_unknown(TYPE_BOOL, answer.state);
        } else if (answer.listed) {
            *ret = value_bool(true);
            return 0;
        }
    }
    return 0;
}

int fact_dnsbl_from(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct list_filter filter;
    struct from_field from;
    struct arena scratch;
    struct slice header;
    const char *problem;

    *ret = value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE);
    if (e->lists == NULL || e->message == NULL || e->ops == NULL ||
        e->ops->message_header == NULL || list_filter_parse(parameters[0], &filter, &problem) < 0) {
        return 0;
    }
    int r = e->ops->message_header(e, &header);
    if (r < 0 && r != -E2BIG) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_TEMPORARY);
        return r == -ECANCELED ? r : 0;
    }
    const bool cut = r == -E2BIG;
    arena_init(&scratch);
    from_field_parse(header, &scratch, &from);
    r = ask_authors(e, &filter, &from, &scratch, ret);
    arena_free(&scratch);
    if (r == 0 && cut && !(ret->state == VALUE_KNOWN && ret->boolean)) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_OVER_BUDGET);
    }
    return r;
}
