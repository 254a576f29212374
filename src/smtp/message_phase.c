/* The end of the data: what the message itself has earned, the hand-over, the one reply. */
#include <errno.h>

#include "message/forged.h"
#include "smtp/session.h"

bool message_receive_refusal(struct session *s, struct answer *ret)
{
    const struct transaction *t = &s->txn;
    const struct message *m = &t->message;
    enum reply_name name;
    if (t->failure != RECEIVE_OK) {
        name = t->failure == RECEIVE_SIZE     ? REPLY_SIZE_REAL
               : t->failure == RECEIVE_MEMORY ? REPLY_SPOOL_MEMORY
                                              : REPLY_SPOOL_FAILED;
    } else if (m->has_nul) {
        name = REPLY_NUL;
    } else if (m->bare_cr_or_lf && !m->by_bdat) {
        name = REPLY_BARE;
    } else if (m->received_count > (uint64_t)s->server->conf->limits.received) {
        name = REPLY_LOOP;
    } else {
        return false;
    }
    *ret = reply_answer(name);
    return true;
}

const char *message_protocol(const struct session *s)
{
    if (s->txn.envelope.smtputf8) {
        return s->tls ? "UTF8SMTPS" : "UTF8SMTP"; /* RFC 6531 4.3 */
    }
    return !s->esmtp ? "SMTP" : s->tls ? "ESMTPS" : "ESMTP"; /* RFC 3848 */
}

/* RFC 5321 4.4. The recipient is named only when there is just one: naming several would tell each
 * of the others (7.2). */
static struct slice make_trace(struct session *s)
{
    struct delivery *d = s->delivery;
    char ip[ADDR_TEXT_MAX], date[TIME_RFC5322_MAX];
    addr_format(&s->client, ip);
    time_format_rfc5322(rt_wall(), date);
    struct slice one = d->count == 1 ? d->recipients[0]->mailbox : (struct slice){"", 0};
    return arena_printf(&d->arena,
                        "Received: from " SLICE_FMT " ([%s%s])\r\n"
                        "\tby %s with %s%s" SLICE_FMT "%s id %s.%u%s" SLICE_FMT "%s;\r\n"
                        "\t%s\r\n",
                        SLICE_ARG(s->helo), s->client.family == ADDR_V6 ? "IPv6:" : "", ip,
                        s->server->conf->hostname, message_protocol(s), s->tls ? " (" : "",
                        SLICE_ARG(s->tls_text), s->tls ? ")" : "", s->id, s->transactions,
                        one.n > 0 ? "\r\n\tfor <" : "", SLICE_ARG(one), one.n > 0 ? ">" : "", date);
}

/* Hands over, and stops before the commit when the client goes away. */
static enum delivery_end hand_over(struct session *s, struct answer *ret)
{
    struct client_watch watch;
    client_watch_begin(s, &watch);
    enum delivery_end end = delivery_message(s->delivery, &s->txn.message, ret);
    int r = client_watch_end(s, &watch, end == DELIVERY_GONE ? -ECANCELED : 0);
    if (r < 0) {
        session_end_by(s, r);
    }
    return end;
}

static void answer_message(struct session *s, enum delivery_end end, const struct answer *a)
{
    static const char *const verdicts[] = {
        [DELIVERY_ACCEPTED] = "accepted",
        [DELIVERY_REFUSED] = "refused",
        [DELIVERY_DEFERRED] = "deferred",
        [DELIVERY_GONE] = "gone",
    };
    decide_transaction(s, "commit", verdicts[end], end == DELIVERY_GONE ? NULL : a,
                       delivery_is_late(s->delivery) ? "answer late"
                       : s->delivery->suppressed > 0 ? "delivered before"
                       : end == DELIVERY_GONE        ? "ended before the commit"
                                                     : "");
    if (end == DELIVERY_GONE) {
        return;
    }
    s->txn.verdict = *a;
    /* The commit is done: nothing may come between it and the reply that tells of it. */
    struct scope shield;
    scope_enter_shield(&shield);
    reply_with(s, a);
    if (end == DELIVERY_ACCEPTED) {
        s->commands = 0;
        s->kept_waiting = 0;
        session_await_confirmation(s, s->delivery->refs, s->delivery->count);
    }
    scope_leave(&shield);
}

/* What was found out about the sender, our Received field, and below it what the policy marks the
 * message with. */
static void make_fields(struct session *s)
{
    struct buf fields = {0};
    sender_report_write(s, &fields);
    buf_append_slice(&fields, make_trace(s));
    judge_marks(s, &fields);
    s->txn.message.trace = arena_copy(&s->delivery->arena, buf_slice(&fields));
    buf_free(&fields);
}

static void refuse(struct session *s, const struct answer *a)
{
    s->txn.verdict = *a;
    decide_transaction(s, "message", answer_is_no(a) ? "refused" : "deferred", a, "");
    reply_with(s, a);
}

/* What it says in our name goes: 0; 1 when it cannot go out at all, with the answer; -ECANCELED. */
static int remove_forged(struct session *s, struct answer *ret)
{
    const struct conf *conf = s->server->conf;
    const struct forged_names ours = {
        .authserv_id =
            conf->authentication_results ? slice_of(conf->authserv_id) : (struct slice){0},
        .marks = conf->claims,
        .mark_count = conf->claim_count,
    };
    if (!conf->authentication_results && conf->claim_count == 0) {
        return 0;
    }
    int r = message_cut_forged(&s->txn.message, &ours, &s->delivery->arena);
    if (r == 0 || r == -ECANCELED) {
        return r;
    }
    *ret = reply_answer(r == -E2BIG ? REPLY_FORGED : REPLY_SPOOL_FAILED);
    return 1;
}

static void deliver(struct session *s)
{
    struct answer a = {0};
    int r = sender_report_check(s);
    if (r == 0) {
        r = remove_forged(s, &a);
    }
    if (r < 0) {
        session_end_by(s, r);
        return;
    }
    if (r > 0) {
        refuse(s, &a);
        return;
    }
    make_fields(s);
    judge_junk(s);
    session_enter(s, SESSION_COMMIT);
    enum delivery_end end = hand_over(s, &a);
    answer_message(s, end, &a);
}

void message_phase(struct session *s)
{
    struct answer a = {0};
    receive_end(s);
    session_enter(s, SESSION_MESSAGE);
    if (message_receive_refusal(s, &a)) {
        refuse(s, &a);
    } else {
        enum judged j = judge_message(s, &a);
        if (j == JUDGED_ANSWER) {
            refuse(s, &a);
        } else if (j == JUDGED_GO_ON) {
            deliver(s);
        }
    }
    transaction_end(s);
}
