/* A next hop that speaks SMTP or LMTP: the message, by DATA (RFC 5321 4.1.1.4) or BDAT (RFC 3030),
 * and its answer. Must never send the end of a message before hop_commit, never twice, and never
 * believe a reply that came before it.
 *
 * The octets of the message are written as they lie in the spool: what goes out of a block is
 * queued as pieces of one writev and nothing is copied, save the last chunk of a message of several
 * blocks by BDAT. The last piece stays queued for hop_commit. */
#include <errno.h>
#include <stdio.h>

#include "route/smtp_hop.h"
#include "rt/stream.h"

/* Chunks before the last one; each costs a round trip, and none needs memory. */
#define CHUNK_MAX ((uint64_t)262144)

/* ---- replies that nobody asked for ---- */

/* A refusal becomes the answer of all wanted recipients: 1. A yes or worse is an error here. */
static int take_refusal(struct smtp_hop *h, const struct reply *reply,
                        struct hop_recipient *const *r, size_t count)
{
    struct answer answer;
    int rc = smtp_hop_answer(h, reply, &answer);
    if (rc < 0 || answer_is_yes(&answer)) {
        return rc < 0 ? rc : -EPROTO;
    }
    hop_answer_all(r, count, &answer);
    return 1;
}

/* Has the hop spoken or gone although it is our turn? 0 when not; 1 when it refused the message; or
 * an error. Never waits. */
static int look(struct smtp_hop *h, struct hop_recipient *const *r, size_t count)
{
    struct reply reply;
    int gone = reply_fill(&h->conn->replies, h->conn->stream);
    int rc = reply_next(&h->conn->replies, &reply);
    if (rc != 0) {
        return rc < 0 ? rc : take_refusal(h, &reply, r, count);
    }
    if (gone == 0 && reply_reader_busy(&h->conn->replies)) {
        return -EPROTO;
    }
    return gone;
}

/* After a failed write: the hop may have said why it went. What it said has arrived by now, or is
 * about to. 1 when it refused the message, or an error. */
static int last_words(struct smtp_hop *h, int rc, struct hop_recipient *const *r, size_t count,
                      usec_t deadline)
{
    struct reply reply;
    if (rc == -ETIMEDOUT) { /* it may have said it, and not read on */
        return look(h, r, count) == 1 ? 1 : rc;
    }
    if (rc == -ECANCELED) {
        return rc;
    }
    usec_t until = smtp_hop_until(deadline, h->limits->hop_reply_time);
    if (reply_read(&h->conn->replies, h->conn->stream, until, &reply) < 0) {
        return rc;
    }
    return take_refusal(h, &reply, r, count);
}

/* ---- the queue ---- */

static int flush(struct smtp_hop *h, usec_t deadline)
{
    if (h->iov_count == 0) {
        return 0;
    }
    int rc = stream_write(h->conn->stream, h->iov, h->iov_count, deadline, NULL);
    h->iov_count = 0;
    h->write_failed = rc < 0;
    return rc;
}

/* Queues a piece, which must stay where it is until the next flush. One place is left free for the
 * final dot. */
static int queue(struct smtp_hop *h, const char *p, size_t n, usec_t deadline)
{
    if (n == 0) {
        return 0;
    }
    int rc = h->iov_count == SMTP_HOP_IOV - 1 ? flush(h, deadline) : 0;
    if (rc == 0) {
        h->iov[h->iov_count++] = (struct iovec){(char *)p, n};
    }
    return rc;
}

/* ---- DATA ---- */

/* RFC 5321 4.5.2: a line that begins with a dot gets another one in front. Messages with a bare LF
 * do not come here, so what follows an LF follows a CRLF. */
static int queue_stuffed(struct smtp_hop *h, struct slice s, usec_t deadline)
{
    const char *end = s.p + s.n;
    const char *from = s.p; /* not queued yet */
    const char *line = h->line_start ? s.p : memchr(s.p, '\n', s.n);
    int rc = 0;
    if (line != NULL && !h->line_start) {
        line++;
    }
    while (rc == 0 && line != NULL && line < end) {
        if (*line == '.') {
            rc = queue(h, from, (size_t)(line - from), deadline);
            if (rc == 0) {
                rc = queue(h, ".", 1, deadline);
            }
            from = line;
        }
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        line = newline != NULL ? newline + 1 : NULL;
    }
    h->line_start = s.n > 0 ? end[-1] == '\n' : h->line_start;
    return rc < 0 ? rc : queue(h, from, (size_t)(end - from), deadline);
}

static int data_piece(struct smtp_hop *h, struct slice s, bool last, usec_t deadline)
{
    int rc =
        h->message->has_leading_dot ? queue_stuffed(h, s, deadline) : queue(h, s.p, s.n, deadline);
    return rc < 0 || last || message_more_at_hand(&h->cursor) ? rc : flush(h, deadline);
}

/* 0 after 354; 1 when the hop refused. */
static int data_begin(struct smtp_hop *h, struct hop_recipient *const *r, size_t count,
                      usec_t deadline)
{
    usec_t until = smtp_hop_until(deadline, h->limits->hop_reply_time);
    buf_append(&h->conn->out, "DATA\r\n", 6);
    int rc = hop_conn_send(h->conn, until);
    struct reply reply;
    if (rc == 0) {
        rc = hop_conn_reply(h->conn, until, &reply);
    }
    if (rc != 0) {
        return rc;
    }
    if (reply.code != 354) {
        return take_refusal(h, &reply, r, count);
    }
    h->state = SMTP_HOP_BODY;
    h->line_start = true; /* behind the trace */
    return queue(h, h->message->trace.p, h->message->trace.n, deadline);
}

/* ---- BDAT ---- */

static int queue_bdat(struct smtp_hop *h, uint64_t n, bool last, usec_t deadline)
{
    int length = snprintf(h->bdat_line, sizeof h->bdat_line, "BDAT %llu%s\r\n",
                          (unsigned long long)n, last ? " LAST" : "");
    h->state = SMTP_HOP_BODY;
    return queue(h, h->bdat_line, (size_t)length, deadline);
}

/* Sends what is queued of a chunk, whole now, and hears what the hop says to it. */
static int end_chunk(struct smtp_hop *h, struct hop_recipient *const *r, size_t count,
                     usec_t deadline)
{
    int rc = flush(h, deadline);
    struct reply reply;
    if (rc == 0) {
        rc = hop_conn_reply(h->conn, smtp_hop_until(deadline, h->limits->hop_reply_time), &reply);
    }
    if (rc != 0) {
        return rc;
    }
    return reply.code == 250 ? 0 : take_refusal(h, &reply, r, count);
}

/* Takes a piece into the chunks; what belongs to the last one is copied and waits for hop_commit.
 */
static int bdat_piece(struct smtp_hop *h, struct slice s, struct hop_recipient *const *r,
                      size_t count, usec_t deadline)
{
    int rc = 0;
    while (rc == 0 && s.n > 0 && h->to_come > 0) {
        if (h->chunk_left == 0) {
            h->chunk_left = h->to_come < CHUNK_MAX ? h->to_come : CHUNK_MAX;
            rc = queue_bdat(h, h->chunk_left, false, deadline);
        }
        size_t n = s.n < h->chunk_left ? s.n : (size_t)h->chunk_left;
        if (rc == 0) {
            rc = queue(h, s.p, n, deadline);
        }
        h->chunk_left -= n;
        h->to_come -= n;
        s = (struct slice){s.p + n, s.n - n};
        if (rc == 0 && h->chunk_left == 0) {
            rc = end_chunk(h, r, count, deadline);
        }
    }
    if (rc == 0 && !message_more_at_hand(&h->cursor)) {
        rc = flush(h, deadline); /* the piece may move now */
    }
    buf_append_slice(&h->tail, s);
    return rc;
}

/* All of the message is at hand: one chunk, nothing copied, and as long as there are not many cuts
 * nothing sent before hop_commit. */
static int bdat_whole(struct smtp_hop *h, struct slice s, usec_t deadline)
{
    struct slice trace = h->message->trace;
    int rc = queue_bdat(h, hop_message_size(h->message), true, deadline);
    if (rc == 0) {
        rc = queue(h, trace.p, trace.n, deadline);
    }
    while (rc == 0 && s.n > 0) {
        rc = queue(h, s.p, s.n, deadline);
        s.n = 0;
        if (rc == 0 && message_more_at_hand(&h->cursor)) {
            rc = message_next(h->message, &h->cursor, &s);
        }
    }
    return rc;
}

static int bdat_begin(struct smtp_hop *h, struct hop_recipient *const *r, size_t count,
                      usec_t deadline)
{
    uint64_t size = message_size(h->message);
    uint64_t held = size < SPOOL_BLOCK ? size : SPOOL_BLOCK;
    h->to_come = h->message->trace.n + size - held;
    h->chunk_left = 0;
    h->tail.n = 0;
    return bdat_piece(h, h->message->trace, r, count, deadline);
}

static int bdat_end(struct smtp_hop *h, usec_t deadline)
{
    int rc = queue_bdat(h, h->tail.n, true, deadline);
    return rc < 0 ? rc : queue(h, h->tail.p, h->tail.n, deadline);
}

/* ---- all but the last piece ---- */

static int spool_failed(struct smtp_hop *h, int rc, struct hop_recipient *const *r, size_t count)
{
    if (rc == -ECANCELED) {
        return rc;
    }
    static const char why[] = "the message could not be read back, please retry later";
    struct answer answer = answer_ours(451, "4.3.0", why);
    smtp_hop_drop(h);
    hop_answer_all(r, count, &answer);
    return 1;
}

/* Hands the message's pieces on; `s` is the one already read. */
static int upload_pieces(struct smtp_hop *h, struct slice s, struct hop_recipient *const *r,
                         size_t count, usec_t deadline)
{
    uint64_t left = message_size(h->message);
    for (;;) {
        left -= s.n;
        bool last = left == 0;
        int rc = h->bdat ? bdat_piece(h, s, r, count, deadline) : data_piece(h, s, last, deadline);
        if (rc == 0 && !last && !message_more_at_hand(&h->cursor)) {
            rc = look(h, r, count); /* for the last piece hop_commit does */
        }
        if (rc != 0 || last) {
            return rc;
        }
        rc = message_next(h->message, &h->cursor, &s);
        if (rc < 0 || s.n == 0) {
            return spool_failed(h, rc < 0 ? rc : -EIO, r, count);
        }
    }
}

static int upload(struct smtp_hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline)
{
    struct slice first;
    int rc = message_next(h->message, &h->cursor, &first);
    if (rc < 0) {
        return spool_failed(h, rc, r, count);
    }
    if (h->bdat && message_rest_at_hand(h->message, &h->cursor)) {
        return bdat_whole(h, first, deadline);
    }
    rc = h->bdat ? bdat_begin(h, r, count, deadline) : data_begin(h, r, count, deadline);
    if (rc == 0) {
        rc = upload_pieces(h, first, r, count, deadline);
    }
    return rc == 0 && h->bdat ? bdat_end(h, deadline) : rc;
}

int smtp_body_upload(struct smtp_hop *h, struct hop_recipient *const *r, size_t count,
                     usec_t deadline)
{
    h->bdat = h->conn->can.chunking;
    h->iov_count = 0;
    h->write_failed = false;
    int rc = upload(h, r, count, deadline);
    return h->write_failed ? last_words(h, rc, r, count, deadline) : rc;
}

void smtp_body_forget(struct smtp_hop *h)
{
    if (h->message != NULL) {
        message_cursor_end(h->message, &h->cursor);
        h->message = NULL;
    }
    buf_free(&h->tail);
}

/* ---- the commit ---- */

static void set_committed(struct hop_recipient *const *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (r[i]->wanted) {
            r[i]->committed = true;
            r[i]->answered = r[i]->confirmed = false;
        }
    }
}

/* The end of the message has not left: then nothing was delivered, and that is certain. */
static int not_committed(struct smtp_hop *h, int rc, struct hop_recipient *const *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (r[i]->wanted) {
            r[i]->committed = false;
            r[i]->answered = true;
        }
    }
    if (rc != 1) {
        struct answer answer = reply_answer(REPLY_HOP_UNREACHABLE);
        hop_answer_all(r, count, &answer);
    }
    smtp_hop_drop(h);
    return rc == -ECANCELED ? rc : 0;
}

/* The connection is lost and with it the answers that have not come. */
static int outcome_unknown(struct smtp_hop *h, int rc, struct hop_recipient *const *r, size_t count)
{
    struct answer answer =
        answer_ours(451, "4.4.2", "the next hop's answer was lost, please retry later");
    for (size_t i = 0; i < count; i++) {
        if (r[i]->wanted && !r[i]->answered) {
            r[i]->answer = answer;
        }
    }
    h->conn = hop_conn_close(h->conn);
    return rc;
}

static size_t next_unanswered(struct hop_recipient *const *r, size_t count)
{
    size_t i = 0;
    while (i < count && (!r[i]->wanted || r[i]->answered)) {
        i++;
    }
    return i;
}

/* A reply to the end of the message: the answer of all; from an LMTP hop that of the next recipient
 * in the order of the RCPTs it accepted (RFC 2033 4.2, also behind the last chunk). */
static int take_final_reply(struct smtp_hop *h, const struct reply *reply,
                            struct hop_recipient *const *r, size_t count)
{
    struct reply said = *reply;
    if (reply->code == 421) {
        said.code = 451; /* RFC 5321 4.2.3: 421 would tell the client of its own connection */
        h->closing = true;
    }
    struct answer answer;
    int rc = smtp_hop_answer(h, &said, &answer);
    if (rc < 0) {
        return rc;
    }
    size_t i = next_unanswered(r, count);
    do {
        r[i]->answer = answer;
        r[i]->confirmed = answer_is_yes(&answer);
        r[i]->answered = true;
        i += next_unanswered(r + i, count - i);
    } while (!h->lmtp && i < count);
    return 0;
}

/* All answers are there: what is the connection good for? */
static void conclude(struct smtp_hop *h, struct hop_recipient *const *r, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        all &= !r[i]->wanted || r[i]->confirmed;
    }
    h->state = h->bdat && !all ? SMTP_HOP_OPEN : SMTP_HOP_IDLE;
    h->transaction = 0;
    if (h->closing) {
        h->conn = hop_conn_close(h->conn);
    }
}

int smtp_body_commit_wait(struct hop *base, struct hop_recipient *const *r, size_t count,
                          usec_t deadline)
{
    struct smtp_hop *h = container_of(base, struct smtp_hop, base);
    if (h->conn == NULL || h->state != SMTP_HOP_ANSWER) {
        return -ENOTCONN;
    }
    while (next_unanswered(r, count) < count) {
        struct reply reply;
        int rc = reply_read(&h->conn->replies, h->conn->stream, deadline, &reply);
        if (rc == 0) {
            rc = take_final_reply(h, &reply, r, count);
        }
        if (rc < 0) {
            return rc == -ETIMEDOUT ? rc : outcome_unknown(h, rc, r, count);
        }
    }
    conclude(h, r, count);
    return 0;
}

/* What cannot be the end of a message yet, even to a hop that takes half of CRLF.CRLF for one: of a
 * chunk everything but its last octet. */
static size_t harmless_octets(const struct smtp_hop *h)
{
    size_t total = 0;
    for (int i = 0; i < h->iov_count; i++) {
        total += h->iov[i].iov_len;
    }
    return total - (h->bdat ? 1 : h->iov[h->iov_count - 1].iov_len);
}

/* The last piece has not gone out as a whole, and never will. */
static int write_failed(struct smtp_hop *h, int rc, bool harmless, struct hop_recipient *const *r,
                        size_t count, usec_t deadline)
{
    /* A yes to half a piece would be nonsense, and is never believed. A no from LMTP may be only
     * the first of several answers. */
    bool refused = last_words(h, rc, r, count, deadline) == 1;
    if (harmless || (refused && !h->lmtp)) {
        return not_committed(h, refused ? 1 : rc, r, count);
    }
    return outcome_unknown(h, rc == -ETIMEDOUT ? -ECONNABORTED : rc, r, count);
}

static void put_end(struct smtp_hop *h)
{
    /* RFC 5321 4.1.1.4: the end is CRLF.CRLF, and the first CRLF is the message's own where it has
     * one. Behind an empty message it is the trace's. */
    const char *end = message_ends_in_line(h->message) ? ".\r\n" : "\r\n.\r\n";
    h->iov[h->iov_count++] = (struct iovec){(char *)end, strlen(end)};
}

int smtp_body_commit(struct hop *base, struct hop_recipient *const *r, size_t count,
                     usec_t deadline)
{
    struct smtp_hop *h = container_of(base, struct smtp_hop, base);
    if (h->conn == NULL || h->state != SMTP_HOP_BODY) {
        return -ENOTCONN;
    }
    int rc = look(h, r, count);
    if (rc != 0) {
        return not_committed(h, rc, r, count);
    }
    if (!h->bdat) {
        put_end(h);
    }
    set_committed(r, count);
    h->state = SMTP_HOP_ANSWER;
    size_t harmless = harmless_octets(h);
    size_t written;
    rc = stream_write(h->conn->stream, h->iov, h->iov_count, deadline, &written);
    smtp_body_forget(h);
    if (rc < 0) {
        return write_failed(h, rc, written <= harmless, r, count, deadline);
    }
    return smtp_body_commit_wait(base, r, count, deadline);
}
