/* RCPT (RFC 5321 4.1.1.3).
 *
 *   rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path )
 *          [SP Rcpt-parameters] CRLF
 *
 * The next hop is asked here, so that what it does not know is refused before the message is sent.
 * Source routes are stripped, and addresses that ask for relaying behind our back are refused. */
#include <errno.h>

#include "parse/smtp_address.h"
#include "parse/smtp_command.h"
#include "smtp/session.h"

static const struct slice prefix = SLICE_LIT("TO:");

/* NOTIFY and ORCPT, RFC 3461; there are no others. */
static enum reply_name take_params(const struct session *s, struct slice rest, struct dsn_rcpt *ret)
{
    struct smtp_param p;
    int more;
    while ((more = smtp_param_next(&rest, &p)) > 0) {
        enum dsn_param taken = s->dsn ? dsn_take_rcpt(&p, ret) : DSN_OTHER;
        if (taken != DSN_TAKEN) {
            return taken == DSN_BAD ? REPLY_BAD_PARAM : REPLY_UNKNOWN_PARAM;
        }
    }
    return more < 0 ? REPLY_BAD_PARAM : REPLY_OK;
}

static enum reply_name parse(struct session *s, struct slice argument, struct smtp_path *ret,
                             struct dsn_rcpt *ret_dsn)
{
    if (argument.n < prefix.n || !slice_eq_nocase((struct slice){argument.p, prefix.n}, prefix)) {
        return REPLY_BAD_RCPT;
    }
    struct slice text = {argument.p + prefix.n, argument.n - prefix.n};
    while (text.n > 0 && text.p[0] == ' ') {
        text.p++;
        text.n--;
    }
    struct slice rest;
    enum smtp_path_error e =
        smtp_path_parse(text, SMTP_FORWARD_PATH, s->txn.envelope.smtputf8, ret, &rest);
    switch (e) {
    case SMTP_PATH_OK: break;
    case SMTP_PATH_SYNTAX: return REPLY_BAD_RCPT;
    case SMTP_PATH_LONG: return REPLY_LONG_RCPT;
    case SMTP_PATH_NEEDS_UTF8: return REPLY_NEEDS_UTF8;
    case SMTP_PATH_RELAY: return REPLY_RELAY_TRICK;
    }
    if (text.n - rest.n > (size_t)s->server->conf->limits.path) {
        return REPLY_LONG_RCPT;
    }
    if (rest.n > 0 && rest.p[0] != ' ') {
        return REPLY_BAD_RCPT;
    }
    return take_params(s, rest, ret_dsn);
}

/* RFC 5321 4.5.1: <Postmaster> without a domain is ours: the first domain that has a name of its
 * own, or where all routes are for patterns, this host at the first route. */
static const struct conf_route *expand_postmaster(struct session *s, struct smtp_path *path)
{
    const struct conf *conf = s->server->conf;
    struct slice domain = slice_of(conf->hostname);
    const struct conf_route *route = conf->domains[0].route;
    for (size_t i = 0; i < conf->domain_count; i++) {
        if (conf->domains[i].pattern.p[0] != '.') {
            domain = conf->domains[i].pattern;
            route = conf->domains[i].route;
            break;
        }
    }
    struct slice whole =
        arena_printf(&s->delivery->arena, "postmaster@" SLICE_FMT, SLICE_ARG(domain));
    path->mailbox = whole;
    path->local_part = (struct slice){whole.p, sizeof("postmaster") - 1};
    path->domain = (struct slice){whole.p + sizeof("postmaster"), domain.n};
    return route;
}

/* Stops asking when the client goes away meanwhile. */
static int ask(struct session *s)
{
    struct client_watch watch;
    client_watch_begin(s, &watch);
    return client_watch_end(s, &watch, session_ask_hop(s));
}

/* What the hop says of a recipient that the policy lets through. */
static enum judged ask_and_join(struct session *s, struct recipient_record *r)
{
    int error = ask(s);
    if (error < 0) {
        session_end_by(s, error);
        return JUDGED_ENDED;
    }
    r->answer = s->asked.answer;
    if (!answer_is_yes(&r->answer)) {
        return JUDGED_ANSWER;
    }
    if (!course_fits(&s->course, r->ruling, s->delivery->count == 0)) {
        r->answer = reply_answer(REPLY_OTHER_POLICY);
        return JUDGED_ANSWER;
    }
    course_join(&s->course, r->ruling);
    delivery_join(s->delivery);
    s->evidence.rcpt_count = (unsigned)s->delivery->count;
    return JUDGED_ANSWER;
}

/* May there be one more? Beyond twice the limit nothing is recorded either: a client that goes on
 * after so many refusals is not worth the memory. */
static bool is_full(const struct session *s)
{
    size_t most = (size_t)s->server->conf->limits.recipients;
    return s->delivery->count >= most || s->txn.record_count >= 2 * most;
}

/* The built-in rules in front of the policy's: true when they have decided. */
static bool judge_built_in(struct session *s, struct smtp_path *path, struct answer *ret)
{
    struct asked_recipient *q = &s->asked;
    if (is_full(s)) {
        *ret = reply_answer(REPLY_MANY_RCPT);
        return true;
    }
    q->route = path->domain.n == 0 ? expand_postmaster(s, path)
                                   : conf_route_find(s->server->conf, path->domain);
    if (q->route == NULL) {
        *ret = reply_answer(REPLY_NO_ROUTE);
        return true;
    }
    char *local = arena_alloc(&s->delivery->arena, path->local_part.n + 1);
    q->local_part = (struct slice){local, smtp_local_part_unquote(path->local_part, local)};
    q->mailbox = path->mailbox;
    q->domain = path->domain;
    return false;
}

/* Records the recipient and its answer, and says it. */
static void answer(struct session *s, struct recipient_record *r)
{
    transaction_record(s, r);
    if (answer_is_yes(&r->answer)) {
        s->state = STATE_RCPT;
    } else if (answer_is_no(&r->answer)) {
        s->evidence.rcpt_failures++;
        if (!session_count_talk(s)) {
            return; /* guessing recipients is limited like other idle talk */
        }
    }
    s->recipient = (unsigned)s->txn.record_count;
    reply_with(s, &r->answer);
    s->recipient = 0;
}

void cmd_rcpt(struct session *s, struct slice argument)
{
    struct smtp_path path = {0};
    struct recipient_record r = {.at = rt_now()};
    struct dsn_rcpt dsn = {0};
    enum reply_name name = parse(s, argument, &path, &dsn);
    enum judged j = JUDGED_ANSWER;
    if (name != REPLY_OK && name != REPLY_RELAY_TRICK) {
        reply_error(s, name);
        return;
    }
    session_enter(s, SESSION_RCPT);
    s->asked = (struct asked_recipient){.dsn = dsn};
    if (name == REPLY_RELAY_TRICK) {
        r.answer = reply_answer(name);
    } else if (!judge_built_in(s, &path, &r.answer)) {
        if (delivery_has_rcpt(s->delivery, s->asked.local_part, s->asked.domain)) {
            if (session_count_talk(s)) {
                reply(s, REPLY_RCPT_OK);
            }
            return;
        }
        s->recipient = (unsigned)s->txn.record_count + 1;
        j = judge_rcpt(s, &path, &r, &r.answer);
        j = j == JUDGED_GO_ON ? ask_and_join(s, &r) : j;
        s->recipient = 0;
    }
    r.mailbox = path.mailbox;
    r.unpipelined = s->evidence.unpipelined;
    if (j == JUDGED_ENDED) {
        r.answer = s->last_refusal;
        r.answer.rule = s->dropped_by != NULL ? s->dropped_by : r.answer.rule;
        transaction_record(s, &r);
        return;
    }
    answer(s, &r);
}
