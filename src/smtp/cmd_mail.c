/* MAIL (RFC 5321 4.1.1.2).
 *
 *   mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
 *
 * A space behind the colon is let pass: many senders write it, and it means nothing else. */
#include <errno.h>

#include "parse/smtp_address.h"
#include "parse/smtp_command.h"
#include "smtp/session.h"

struct mail {
    struct smtp_path path;
    struct envelope envelope;
    bool dsn; /* offered to this client */
    bool has_size;
    bool has_body;
};

static const struct slice prefix = SLICE_LIT("FROM:");

/* RET and ENVID, RFC 3461. */
static enum reply_name take_dsn(const struct smtp_param *p, struct mail *m)
{
    enum dsn_param taken = m->dsn ? dsn_take_mail(p, &m->envelope.dsn) : DSN_OTHER;
    return taken == DSN_TAKEN ? REPLY_OK : taken == DSN_BAD ? REPLY_BAD_PARAM : REPLY_UNKNOWN_PARAM;
}

/* Sets what says that a parameter has been there. Given twice it could be read in two ways. */
static bool is_first(bool *seen)
{
    bool first = !*seen;
    *seen = true;
    return first;
}

/* SIZE is RFC 1870, BODY RFC 6152, SMTPUTF8 RFC 6531. */
static enum reply_name take_param(const struct smtp_param *p, struct mail *m)
{
    if (slice_eq_nocase(p->keyword, SLICE_LIT("SIZE"))) {
        int r = smtp_number_parse(p->value, &m->envelope.size_declared);
        if (r == -ERANGE) {
            m->envelope.size_declared = UINT64_MAX;
        }
        return is_first(&m->has_size) && r != -EINVAL ? REPLY_OK : REPLY_BAD_PARAM;
    }
    if (slice_eq_nocase(p->keyword, SLICE_LIT("BODY"))) {
        m->envelope.body_8bitmime = slice_eq_nocase(p->value, SLICE_LIT("8BITMIME"));
        bool known = m->envelope.body_8bitmime || slice_eq_nocase(p->value, SLICE_LIT("7BIT"));
        return is_first(&m->has_body) && known ? REPLY_OK : REPLY_BAD_PARAM;
    }
    if (slice_eq_nocase(p->keyword, SLICE_LIT("SMTPUTF8"))) {
        return is_first(&m->envelope.smtputf8) && !p->has_value ? REPLY_OK : REPLY_BAD_PARAM;
    }
    return take_dsn(p, m);
}

static enum reply_name take_params(struct slice rest, struct mail *m)
{
    struct smtp_param p;
    int more;
    while ((more = smtp_param_next(&rest, &p)) > 0) {
        enum reply_name r = take_param(&p, m);
        if (r != REPLY_OK) {
            return r;
        }
    }
    return more < 0 ? REPLY_BAD_PARAM : REPLY_OK;
}

/* Where the parameters begin is only known once the path is parsed, and whether the path may hold
 * UTF-8 only once they are: so the path is read leniently, then held against SMTPUTF8. */
static enum reply_name parse(const struct session *s, struct slice argument, struct mail *m)
{
    if (argument.n < prefix.n || !slice_eq_nocase((struct slice){argument.p, prefix.n}, prefix)) {
        return REPLY_BAD_SENDER;
    }
    struct slice text = {argument.p + prefix.n, argument.n - prefix.n};
    while (text.n > 0 && text.p[0] == ' ') {
        text.p++;
        text.n--;
    }
    struct slice rest;
    enum smtp_path_error e = smtp_path_parse(text, SMTP_REVERSE_PATH, true, &m->path, &rest);
    if (e != SMTP_PATH_OK) {
        return e == SMTP_PATH_LONG ? REPLY_LONG_SENDER : REPLY_BAD_SENDER;
    }
    if (text.n - rest.n > (size_t)s->server->conf->limits.path) {
        return REPLY_LONG_SENDER;
    }
    if (rest.n > 0 && rest.p[0] != ' ') {
        return REPLY_BAD_SENDER;
    }
    enum reply_name r = take_params(rest, m);
    if (r == REPLY_OK && m->path.utf8 && !m->envelope.smtputf8) {
        r = REPLY_NEEDS_UTF8;
    }
    return r;
}

void cmd_mail(struct session *s, struct slice argument)
{
    struct mail m = {.dsn = s->dsn};
    enum reply_name r = parse(s, argument, &m);
    if (r != REPLY_OK) {
        reply_error(s, r);
        return;
    }
    m.envelope.sender = m.path.mailbox;
    if (m.envelope.size_declared > (uint64_t)s->server->conf->limits.message_size) {
        struct answer a = reply_answer(REPLY_SIZE_DECLARED);
        decide_mail_refused(s, &m.envelope, &a);
        s->naming = s->transactions;
        reply_with(s, &a);
        s->naming = 0;
        session_count_talk(s);
        return;
    }
    transaction_begin(s, &m.envelope);
    struct answer a = reply_answer(REPLY_SENDER_OK);
    enum judged j = judge_mail(s, &a);
    if (j == JUDGED_ENDED) {
        return;
    }
    reply_with(s, &a);
    if (j == JUDGED_ANSWER) {
        s->txn.verdict = a;
        decide_transaction(s, "mail", answer_is_no(&a) ? "refused" : "deferred", &a, "");
        transaction_end(s);
        session_count_talk(s);
    }
}
