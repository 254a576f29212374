/* A next hop that speaks SMTP (RFC 5321, client side) or LMTP (RFC 2033): the envelope. The message
 * is smtp_body.c's, and which hop of the route has the transaction is smtp_open.c's.
 * Must never leave a transaction on a connection that somebody else will use, and never take an
 * answer to one command for the answer to another.
 *
 * One transaction, told in order:
 *
 *   hop_begin    IDLE, no connection. Nothing is sent for a client that has no recipient yet.
 *
 *   hop_rcpt     The first one takes the newest kept connection, or connects and says EHLO. What
 *                the hop cannot take by its EHLO reply is answered here without a word to it. Then
 *                MAIL and RCPT go out together where the hop offers PIPELINING, else one by one.
 *                A kept connection may have died in the pool without a sign: when it ends, or says
 *                421, before MAIL was answered, all is said once more on a fresh one.
 *                MAIL accepted: OPEN. Refused: IDLE, and the refusal answers every recipient.
 *                Each further recipient is one RCPT. A connection found dead before that RCPT is
 *                replaced, with MAIL said anew; one that dies over it gives 451 4.4.1, unless
 *                another hop of the route takes over. One that has seen so many refusals that the
 *                hop may be about to end it is renewed first. Between two calls it may be lent.
 *
 *   hop_hold     If the open transaction holds exactly the wanted recipients, nothing is redone.
 *                Otherwise RSET (where one is open), MAIL and all RCPTs are said again and their
 *                answers looked at: one refusal, and it ends here. The client has taken its time
 *                over the message, so the connection may have died: then on another one.
 *
 *   hop_prepare  The same, unless it was done. Then BODY: with CHUNKING all chunks but the last are
 *                sent, each reply read; without, DATA, 354, and all of the message but its last
 *                piece. A hop that is lost over this, or over the envelope, leaves the whole to
 *                another of the route.
 *
 *   hop_commit   ANSWER: the last piece with the final dot, or the last chunk, in one write; then
 *                one reply, or from LMTP one for each recipient. 2xx or a refusal: IDLE again
 *                (OPEN after a refused chunk, as RFC 3030 does not say what is left of the
 *                transaction then). When the write fails before the end of the message has gone
 *                out, nothing was delivered, and the connection is reset. Anything else leaves the
 *                outcome of what is not answered unknown, and the connection is closed.
 *
 *   hop_end      IDLE: the connection is kept. OPEN: RSET is written, and its reply is owed: the
 *                next user reads it in front of its own. BODY: the connection is reset, so that
 *                the hop cannot take what it has for a message. ANSWER: closed in order, because
 *                what is still under way must arrive.
 *
 * Every error on the way (the connection lost, 421, nonsense, no reply in time, cancelled) drops
 * the connection at once: replies not read can then never be mistaken for others. */
#include "route/smtp_hop.h"

#include <errno.h>

#include "route/junk_address.h"

/* Commands sent before their replies are read. RFC 2920 3.1 warns of both sides waiting for the
 * other to read; the replies to so few always fit into the socket's buffers. */
#define PIPELINED_MAX 64

/* ---- small things both halves use ---- */

void smtp_hop_drop(struct smtp_hop *h)
{
    h->conn = hop_conn_abort(h->conn);
    h->state = SMTP_HOP_IDLE;
    h->transaction = 0;
}

usec_t smtp_hop_until(usec_t deadline, usec_t limit)
{
    usec_t until = rt_now() + limit;
    return until < deadline ? until : deadline;
}

int smtp_hop_answer(struct smtp_hop *h, const struct reply *reply, struct answer *ret)
{
    if (reply->code == 421 || reply->code == 221) {
        return -ECONNRESET;
    }
    if (reply->code >= 300 && reply->code < 400) {
        return -EPROTO;
    }
    h->conn->refusals += reply->code >= 400;
    *ret = (struct answer){
        .code = reply->code < 300 && reply->code > 252 ? 250 : reply->code,
        .enhanced = arena_copy(h->arena, reply->enhanced),
        .text = arena_copy(h->arena, reply->text),
        .from_hop = true,
    };
    return 0;
}

/* ---- MAIL and RCPT ---- */

/* Commands to be said, counted from 0: where the transaction is a new one XFORWARDs and MAIL, then
 * RCPTs. */
struct dialogue {
    struct hop_recipient *const *r;
    size_t count;
    bool with_mail;
    uint64_t size; /* for MAIL's SIZE parameter; 0 when not known */
    size_t said;
    size_t heard;
};

static void put_param(struct buf *out, const char *keyword, struct slice value)
{
    if (value.n > 0) {
        buf_printf(out, " %s=" SLICE_FMT, keyword, SLICE_ARG(value));
    }
}

static void put_mail(struct smtp_hop *h, uint64_t size)
{
    const struct envelope *e = h->envelope;
    const struct hop_capabilities *can = &h->conn->can;
    struct buf *out = &h->conn->out;
    buf_printf(out, "MAIL FROM:<" SLICE_FMT ">", SLICE_ARG(e->sender));
    if (can->size && size > 0) {
        buf_printf(out, " SIZE=%llu", (unsigned long long)size);
    }
    if (e->body_8bitmime) {
        buf_printf(out, " BODY=8BITMIME");
    }
    if (e->smtputf8) {
        buf_printf(out, " SMTPUTF8");
    }
    if (can->dsn) {
        put_param(out, "RET", e->dsn.ret);
        put_param(out, "ENVID", e->dsn.envid);
    }
    buf_printf(out, "\r\n");
}

/* Is this hop to be told of the recipient by its address for junk? */
static bool wants_detail(const struct smtp_hop *h, const struct hop_recipient *r)
{
    return r->junk && !r->no_detail && h->pool->hop->junk_detail != NULL;
}

static struct slice junk_address_of(struct smtp_hop *h, const struct hop_recipient *r)
{
    return junk_address(r->mailbox, r->domain, h->pool->hop->junk_detail, h->arena);
}

static void put_rcpt(struct smtp_hop *h, const struct hop_recipient *r)
{
    struct buf *out = &h->conn->out;
    const struct slice mailbox = wants_detail(h, r) ? junk_address_of(h, r) : r->mailbox;
    buf_printf(out, "RCPT TO:<" SLICE_FMT ">", SLICE_ARG(mailbox));
    if (h->conn->can.dsn) {
        put_param(out, "NOTIFY", r->dsn.notify);
        put_param(out, "ORCPT", r->dsn.orcpt);
    }
    buf_printf(out, "\r\n");
}

/* How many commands come in front of the first RCPT. */
static size_t preamble(const struct smtp_hop *h, const struct dialogue *d)
{
    return d->with_mail ? h->forward.count + 1 : 0;
}

static void put_command(struct smtp_hop *h, const struct dialogue *d, size_t i)
{
    size_t first = preamble(h, d);
    if (i >= first) {
        put_rcpt(h, d->r[i - first]);
    } else if (i == h->forward.count) {
        put_mail(h, d->size);
    } else {
        buf_printf(&h->conn->out, SLICE_FMT "\r\n", SLICE_ARG(h->forward.lines[i]));
    }
}

/* XFORWARD is a courtesy: what the hop says to it changes nothing. */
static int take_forward_reply(struct smtp_hop *h, const struct reply *reply)
{
    struct answer answer;
    int rc = smtp_hop_answer(h, reply, &answer);
    if (rc == 0 && !answer_is_yes(&answer)) {
        h->conn->forward_refused = true;
    }
    return rc;
}

static int take_mail_reply(struct smtp_hop *h, const struct reply *reply)
{
    struct answer answer;
    if (reply->code == 530) {
        return -EACCES; /* it wants TLS or a password of us: nothing that the sender could mend */
    }
    int rc = smtp_hop_answer(h, reply, &answer);
    if (rc < 0) {
        return rc;
    }
    h->mail_answered = true;
    h->conn->mails++;
    if (answer_is_yes(&answer)) {
        h->state = SMTP_HOP_OPEN;
        h->transaction = ++h->pools->transactions;
        h->accepted = 0;
    } else {
        answer.of_mail = true;
        h->refused = true;
        h->refusal = answer;
    }
    return 0;
}

static int take_rcpt_reply(struct smtp_hop *h, struct hop_recipient *r, const struct reply *reply)
{
    struct answer answer;
    int rc = smtp_hop_answer(h, reply, &answer);
    if (rc < 0) {
        return rc;
    }
    if (h->transaction == 0) { /* MAIL was refused, and that is the answer */
        if (answer_is_yes(&answer)) {
            h->state = SMTP_HOP_OPEN; /* it thinks otherwise: hop_end must say RSET */
        }
        return 0;
    }
    r->answer = answer;
    r->detailed = wants_detail(h, r);
    if (answer_is_yes(&answer) && r->transaction != h->transaction) {
        r->transaction = h->transaction;
        r->position = ++h->accepted;
    }
    return 0;
}

static int take_reply(struct smtp_hop *h, const struct dialogue *d, const struct reply *reply)
{
    size_t first = preamble(h, d);
    return d->heard >= first              ? take_rcpt_reply(h, d->r[d->heard - first], reply)
           : d->heard == h->forward.count ? take_mail_reply(h, reply)
                                          : take_forward_reply(h, reply);
}

static int hear(struct smtp_hop *h, struct dialogue *d, usec_t deadline)
{
    while (d->heard < d->said) {
        struct reply reply;
        int rc =
            hop_conn_reply(h->conn, smtp_hop_until(deadline, h->limits->hop_reply_time), &reply);
        if (rc == 0) {
            rc = take_reply(h, d, &reply);
        }
        if (rc < 0) {
            return rc;
        }
        d->heard++;
    }
    return 0;
}

/* Has the hop said more than it was asked? Then nobody knows which reply is whose: one would be
 * taken for the answer to the next command, and in the end to the message. */
static bool said_too_much(const struct smtp_hop *h)
{
    return h->conn->owed == 0 && reply_reader_excess(&h->conn->replies);
}

/* Says all commands and hears their replies. After an error the connection is of no use. */
static int converse(struct smtp_hop *h, struct dialogue *d, usec_t deadline)
{
    size_t batch = h->conn->can.pipelining ? PIPELINED_MAX : 1;
    size_t first = preamble(h, d);
    size_t total = first + d->count;
    while (d->heard < total && !(first > 0 && d->heard >= first && h->transaction == 0)) {
        usec_t until = smtp_hop_until(deadline, h->limits->hop_reply_time);
        if (said_too_much(h)) {
            return -EPROTO;
        }
        for (size_t i = 0; i < batch && d->said < total; i++) {
            put_command(h, d, d->said++);
        }
        int rc = hop_conn_send(h->conn, until);
        if (rc == 0) {
            rc = hear(h, d, deadline);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return said_too_much(h) ? -EPROTO : 0;
}

/* Ends the transaction that is open; with PIPELINING the RSET goes out with what follows. */
static int reset(struct smtp_hop *h, usec_t deadline)
{
    if (h->state == SMTP_HOP_OPEN) {
        hop_conn_put_reset(h->conn);
        h->state = SMTP_HOP_IDLE;
    }
    h->transaction = 0;
    if (h->conn->owed == 0 || h->conn->can.pipelining) {
        return 0;
    }
    usec_t until = smtp_hop_until(deadline, h->limits->hop_reply_time);
    int rc = h->conn->out.n > 0 ? hop_conn_send(h->conn, until) : 0;
    return rc < 0 ? rc : hop_conn_settle(h->conn, until);
}

/* Tells the hop who the client is, or makes ready to, in front of MAIL. */
static int introduce_client(struct smtp_hop *h, usec_t deadline)
{
    const struct origin *origin = &h->envelope->origin;
    int rc = hop_forward_impersonate(h->conn, h->pool->hop, h->pools->conf->hostname, origin,
                                     h->arena, smtp_hop_until(deadline, h->limits->hop_reply_time),
                                     &h->base.story.xclient_unused);
    hop_forward_prepare(h->conn, origin, h->arena, &h->forward);
    return rc;
}

int smtp_hop_say(struct smtp_hop *h, struct hop_recipient *const *r, size_t count, uint64_t size,
                 usec_t deadline)
{
    struct dialogue d = {.r = r, .count = count, .with_mail = true, .size = size};
    int rc = reset(h, deadline);
    if (rc == 0) {
        rc = introduce_client(h, deadline);
    }
    return rc < 0 ? rc : converse(h, &d, deadline);
}

/* ---- hop_rcpt ---- */

/* The hop is out of reach, talks nonsense, or is not to be trusted. */
static struct answer unavailable(const struct smtp_hop *h, int error)
{
    struct answer a =
        reply_answer(h->fault.reply != REPLY_OK ? h->fault.reply : REPLY_HOP_UNREACHABLE);
    if (h->fault.enhanced != NULL) {
        a.enhanced = slice_of(h->fault.enhanced);
        a.text = arena_printf(h->arena, "the next hop cannot be used: %s", h->fault.tls);
    }
    a.timed_out = error == -ETIMEDOUT;
    return a;
}

/* Before one more RCPT: a connection that has died, or is worn, is not used for it. */
static void look_at_connection(struct smtp_hop *h)
{
    if (h->state == SMTP_HOP_OPEN && !hop_conn_alive(h->conn)) {
        smtp_hop_drop(h);
    } else if (h->state == SMTP_HOP_OPEN && hop_pool_worn(h->conn)) {
        hop_conn_put_reset(h->conn);
        (void)hop_conn_send_now(h->conn);
        h->conn = hop_conn_quit(h->conn);
        h->state = SMTP_HOP_IDLE;
        h->transaction = 0;
    }
}

/* One more recipient: in the open transaction, or in one that begins with it. */
static int ask(struct smtp_hop *h, struct hop_recipient *r, usec_t deadline)
{
    if (h->state == SMTP_HOP_OPEN && !hop_fits_recipient(&h->conn->can, r, &r->answer)) {
        return 0;
    }
    if (h->state == SMTP_HOP_OPEN) {
        struct dialogue d = {.r = &r, .count = 1};
        int rc = converse(h, &d, deadline);
        if (rc == 0 || !smtp_hop_lost(h, rc, "RCPT", deadline)) {
            return rc;
        }
    }
    int rc = smtp_hop_open(h, &r, 1, h->envelope->size_declared, deadline);
    if (rc < 0 && rc != -ECANCELED && !h->mail_answered) {
        /* Out of reach: further recipients need not wait for that again. */
        h->refused = true;
        h->refusal = unavailable(h, rc);
    }
    return rc;
}

static int smtp_rcpt(struct hop *base, struct hop_recipient *r, usec_t deadline)
{
    struct smtp_hop *h = container_of(base, struct smtp_hop, base);
    if (!hop_address_safe(h->envelope, r, &r->answer)) {
        return 0;
    }
    if (h->refused) {
        r->answer = h->refusal;
        return 0;
    }
    smtp_hop_go_on(h);
    h->passed_over = 0;
    look_at_connection(h);
    int rc = ask(h, r, deadline);
    if (rc < 0) {
        smtp_hop_drop(h);
        r->answer = unavailable(h, rc);
    }
    smtp_hop_rest(h);
    return rc == -ECANCELED ? rc : 0;
}

/* ---- hop_prepare ---- */

/* Does the open transaction have exactly the wanted recipients, in their order, which is that of
 * LMTP's answers? */
static bool transaction_fits(const struct smtp_hop *h, struct hop_recipient *const *r, size_t count,
                             size_t wanted)
{
    if (h->state != SMTP_HOP_OPEN || h->transaction == 0 || h->accepted != wanted) {
        return false;
    }
    size_t position = 0;
    for (size_t i = 0; i < count; i++) {
        if (r[i]->wanted && (r[i]->transaction != h->transaction || r[i]->position != ++position ||
                             r[i]->detailed != wants_detail(h, r[i]))) {
            return false;
        }
    }
    return true;
}

/* Of the wanted recipients those that the hop has refused by their addresses for junk are to be
 * said once more by their own. Are there any? */
static bool forgo_details(struct smtp_hop *h, struct hop_recipient *const *r, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (r[i]->wanted && r[i]->detailed && answer_is_no(&r[i]->answer)) {
            r[i]->no_detail = any = true;
        }
    }
    if (any && rt_now() >= h->pools->junk_quiet_until) {
        h->pools->junk_quiet_until = rt_now() + 60 * USEC_SEC;
        hop_pools_say(h->pools, true,
                      "next hop %s does not take addresses with %s: junk goes "
                      "where other mail goes",
                      h->pool->hop->name, h->pool->hop->junk_detail);
    }
    return any;
}

/* 0 when the hop has exactly the wanted recipients; 1 when it refused one; or an error. */
static int settle_envelope(struct smtp_hop *h, struct hop_recipient *const *r, size_t count,
                           usec_t deadline)
{
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        wanted += r[i]->wanted;
    }
    if (h->conn != NULL && !hop_conn_alive(h->conn)) {
        smtp_hop_drop(h);
    }
    if (transaction_fits(h, r, count, wanted)) {
        return 0;
    }
    struct hop_recipient **again = arena_alloc(h->arena, wanted * sizeof *again);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (r[i]->wanted) {
            again[n++] = r[i];
        }
    }
    if (h->conn != NULL) {
        h->conn->used = true;
    }
    int rc;
    do {
        rc = smtp_hop_open(h, again, n, hop_message_size(h->message), deadline);
    } while (rc == 0 && h->transaction != 0 && forgo_details(h, again, n));
    return rc < 0 ? rc : !transaction_fits(h, r, count, wanted);
}

/* On one hop: 0 when it is ready, or has given its answers; or an error. *ret_uploading says
 * whether the message was on its way by then. */
static int prepare_once(struct smtp_hop *h, struct hop_recipient *const *r, size_t count,
                        usec_t deadline, bool *ret_uploading)
{
    struct answer refusal;
    *ret_uploading = false;
    int rc = settle_envelope(h, r, count, deadline);
    if (rc == 0 && !hop_fits_message(&h->conn->can, h->message, &refusal)) {
        hop_answer_all(r, count, &refusal);
        return 0;
    }
    if (rc == 0) {
        *ret_uploading = true;
        rc = smtp_body_upload(h, r, count, deadline);
        h->pool->messages += rc == 0;
    }
    return rc < 0 ? rc : 0;
}

static void take_message(struct smtp_hop *h, struct message *m)
{
    smtp_hop_go_on(h);
    h->passed_over = 0;
    h->message = m;
}

/* What hop_hold and hop_prepare return after `rc`; a failure of the hop becomes its answer. */
static int conclude(struct smtp_hop *h, int rc, struct hop_recipient *const *r, size_t count,
                    usec_t deadline)
{
    if (rc < 0) {
        smtp_hop_drop(h);
        struct answer answer = unavailable(h, rc);
        hop_answer_all(r, count, &answer);
    }
    bool ours = rc == -ECANCELED || (rc == -ETIMEDOUT && rt_now() >= deadline);
    return ours ? rc : 0;
}

static int smtp_hold(struct hop *base, struct message *m, struct hop_recipient *const *r,
                     size_t count, usec_t deadline)
{
    struct smtp_hop *h = container_of(base, struct smtp_hop, base);
    take_message(h, m);
    return conclude(h, settle_envelope(h, r, count, deadline), r, count, deadline);
}

static int smtp_prepare(struct hop *base, struct message *m, struct hop_recipient *const *r,
                        size_t count, usec_t deadline)
{
    struct smtp_hop *h = container_of(base, struct smtp_hop, base);
    bool uploading;
    take_message(h, m);
    int rc = prepare_once(h, r, count, deadline, &uploading);
    while (rc < 0 && uploading && smtp_hop_lost(h, rc, "DATA", deadline)) {
        smtp_body_forget(h);
        h->message = m; /* from its beginning, to another hop */
        h->cursor = (struct message_cursor){0};
        rc = prepare_once(h, r, count, deadline, &uploading);
    }
    return conclude(h, rc, r, count, deadline);
}

/* ---- the rest ---- */

static void smtp_end(struct hop *base)
{
    struct smtp_hop *h = container_of(base, struct smtp_hop, base);
    smtp_hop_go_on(h);
    smtp_body_forget(h);
    if (h->conn == NULL) {
        return;
    }
    switch (h->state) {
    case SMTP_HOP_IDLE: hop_pool_give(h->conn); break;
    case SMTP_HOP_OPEN:
        if (hop_conn_reset_now(h->conn)) {
            hop_pool_give(h->conn);
        } else {
            hop_conn_abort(h->conn);
        }
        break;
    case SMTP_HOP_BODY: hop_conn_abort(h->conn); break;
    case SMTP_HOP_ANSWER: hop_conn_close(h->conn); break;
    }
    h->conn = NULL;
}

static const char *smtp_kind(const struct hop *base)
{
    const struct smtp_hop *h = container_of(base, struct smtp_hop, base);
    return h->lmtp ? (h->bdat ? "lmtp+bdat" : "lmtp") : h->bdat ? "smtp+bdat" : "smtp";
}

static const struct hop_ops smtp_ops = {
    .rcpt = smtp_rcpt,
    .hold = smtp_hold,
    .prepare = smtp_prepare,
    .commit = smtp_body_commit,
    .commit_wait = smtp_body_commit_wait,
    .end = smtp_end,
    .kind = smtp_kind,
};

struct hop *smtp_hop_begin(struct hop_pools *pools, const struct conf_route *route,
                           const struct envelope *envelope, struct arena *arena)
{
    struct smtp_hop *h = arena_zalloc(arena, sizeof *h);
    h->base.ops = &smtp_ops;
    h->pools = pools;
    h->lmtp = route->kind == CONF_ROUTE_LMTP;
    h->route = route;
    list_init(&h->rest.link);
    h->limits = &pools->conf->limits;
    h->envelope = envelope;
    h->arena = arena;
    return &h->base;
}
