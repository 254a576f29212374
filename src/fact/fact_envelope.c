/* The envelope: who sends, how much, to whom, and what the next hop says about the recipient. */
#include <errno.h>

#include "fact/fact.h"
#include "parse/smtp_address.h"

int fact_sender(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_text(e->sender);
    return 0;
}

int fact_sender_domain(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_text(smtp_mailbox_domain(e->sender));
    return 0;
}

int fact_sender_null(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_bool(e->sender.n == 0);
    return 0;
}

int fact_sender_mine(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_bool(conf_has_own_route(e->conf, smtp_mailbox_domain(e->sender)));
    return 0;
}

int fact_size_declared(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_amount(TYPE_SIZE, e->size_declared);
    return 0;
}

int fact_rcpt(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_text(e->rcpt);
    return 0;
}

int fact_rcpt_domain(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_text(e->rcpt_domain);
    return 0;
}

/* 0 and *ret; 1 and *ret_unknown, of that type; or -ECANCELED. */
static int ask_recipient(const struct evidence *e, enum value_type type,
                         struct recipient_truth *ret, struct value *ret_unknown)
{
    if (e->ops == NULL || e->ops->ask_recipient == NULL) {
        *ret_unknown = value_unknown(type, UNKNOWN_NOT_AVAILABLE);
        return 1;
    }
    int r = e->ops->ask_recipient(e, ret);
    if (r < 0) {
        return r;
    }
    if (ret->state == RECIPIENT_CANNOT_BE_ASKED || ret->state == RECIPIENT_NOT_ANSWERED) {
        *ret_unknown =
            value_from(ret->source, value_unknown(type, ret->state == RECIPIENT_NOT_ANSWERED
                                                            ? UNKNOWN_TIMEOUT
                                                            : UNKNOWN_TEMPORARY));
        return 1;
    }
    return 0;
}

int fact_rcpt_known(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct recipient_truth truth;

    (void)parameters;
    int r = ask_recipient(e, TYPE_BOOL, &truth, ret);
    if (r == 0) {
        *ret = value_from(truth.source, value_bool(truth.state != RECIPIENT_NOT_KNOWN));
    }
    return r < 0 ? r : 0;
}

int fact_rcpt_answer(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct recipient_truth truth;

    (void)parameters;
    int r = ask_recipient(e, TYPE_TEXT, &truth, ret);
    if (r == 0) {
        *ret = truth.state == RECIPIENT_KNOWN_BEFORE
                   ? value_unknown(TYPE_TEXT, UNKNOWN_TEMPORARY)
                   : value_from(truth.source, value_text(truth.answer));
    }
    return r < 0 ? r : 0;
}

int fact_route_accept_all(const struct evidence *e, const struct slice *parameters,
                          struct value *ret)
{
    enum value_source source = SOURCE_NEXT_HOP;
    bool all = false;

    (void)parameters;
    if (e->ops == NULL || e->ops->accepts_all == NULL) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    int r = e->ops->accepts_all(e, &all, &source);
    if (r == -ECANCELED) {
        return r;
    }
    *ret = r == 0 ? value_from(source, value_bool(all))
                  : value_unknown(TYPE_BOOL, r == -ETIMEDOUT ? UNKNOWN_TIMEOUT : UNKNOWN_TEMPORARY);
    return 0;
}

int fact_rcpt_count(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_number(TYPE_NUMBER, e->rcpt_count);
    return 0;
}

int fact_rcpt_failures(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_number(TYPE_NUMBER, e->rcpt_failures);
    return 0;
}
