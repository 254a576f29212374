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

static enum reply_name parse(struct session *s, struct slice argument, struct smtp_path *ret)
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
    struct smtp_param param;
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
    int more = smtp_param_next(&rest, &param);
    return more > 0 ? REPLY_UNKNOWN_PARAM : more < 0 ? REPLY_BAD_PARAM : REPLY_OK;
}

/* RFC 5321 4.5.1: <Postmaster> without a domain is ours: the first domain that has a name of its
 * own, or where all routes are for patterns, this host at the first route. */
static const struct conf_route *expand_postmaster(struct session *s, struct smtp_path *path)
{
    const struct conf *conf = s->server->conf;
    struct slice domain = slice_of(conf->hostname);
    const struct conf_route *route = conf->routes[0];
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

/* Asks the next hop, and stops asking when the client goes away meanwhile. */
static int ask(struct session *s, const struct conf_route *route, const struct smtp_path *path,
               struct answer *ret)
{
    char *local = arena_alloc(&s->delivery->arena, path->local_part.n + 1);
    struct slice unquoted = {local, smtp_local_part_unquote(path->local_part, local)};
    struct scope scope;
    scope_enter(&scope);
    stream_watch(s->stream, s->input.start == s->input.end ? &scope : NULL);
    int r = delivery_rcpt(s->delivery, route, path->mailbox, unquoted, path->domain, ret);
    stream_watch(s->stream, NULL);
    if (r == -ECANCELED && scope.cancelled != 0) {
        r = scope.cancelled;
    }
    scope_leave(&scope);
    return r;
}

static int judge(struct session *s, struct smtp_path *path, struct answer *ret)
{
    if (s->delivery->count >= (size_t)s->server->conf->limits.recipients) {
        *ret = reply_answer(REPLY_MANY_RCPT);
        return 0;
    }
    const struct conf_route *route = path->domain.n == 0
                                         ? expand_postmaster(s, path)
                                         : conf_route_find(s->server->conf, path->domain);
    if (route == NULL) {
        *ret = reply_answer(REPLY_NO_ROUTE);
        return 0;
    }
    if (s->delivery->count > 0 && s->delivery->route != route) {
        *ret = reply_answer(REPLY_OTHER_ROUTE);
        return 0;
    }
    return ask(s, route, path, ret);
}

void cmd_rcpt(struct session *s, struct slice argument)
{
    struct smtp_path path = {0};
    struct answer a;
    enum reply_name r = parse(s, argument, &path);
    if (r != REPLY_OK && r != REPLY_RELAY_TRICK) {
        reply_error(s, r);
        return;
    }
    if (r == REPLY_RELAY_TRICK) {
        a = reply_answer(r);
    } else {
        int error = judge(s, &path, &a);
        if (error < 0) {
            session_end_by(s, error);
            return;
        }
        if (error == DELIVERY_HAS_RCPT) {
            if (session_count_talk(s)) {
                reply_with(s, &a);
            }
            return;
        }
    }
    transaction_record(s, path.mailbox, &a);
    if (answer_is_yes(&a)) {
        s->state = STATE_RCPT;
    } else if (answer_is_no(&a) && !session_count_talk(s)) {
        return; /* guessing recipients is limited like other idle talk */
    }
    s->recipient = (unsigned)s->txn.record_count;
    reply_with(s, &a);
    s->recipient = 0;
}
