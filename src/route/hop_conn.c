#include "route/hop_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "route/hop_pool.h"
#include "rt/stream.h"

/* ---- commands and replies ---- */

/* Takes a reply to RSET or NOOP. 250 is the only one RFC 5321 4.1.1.5 and 4.1.1.9 allow; after
 * another the connection is as good as gone. */
static int pay(struct hop_conn *c, const struct reply *reply)
{
    c->owed--;
    return reply->code == 250 ? 0 : -ECONNRESET;
}

bool hop_conn_alive(struct hop_conn *c)
{
    if (reply_fill(&c->replies, c->stream) < 0) {
        return false;
    }
    struct reply reply;
    while (c->owed > 0) {
        int rc = reply_next(&c->replies, &reply);
        if (rc == 0) {
            return true; /* still on its way */
        }
        if (rc < 0 || pay(c, &reply) < 0) {
            return false;
        }
    }
    return !reply_reader_busy(&c->replies);
}

void hop_conn_put_reset(struct hop_conn *c)
{
    buf_append(&c->out, "RSET\r\n", 6);
    c->owed++;
}

void hop_conn_put_noop(struct hop_conn *c)
{
    buf_append(&c->out, "NOOP\r\n", 6);
    c->owed++;
}

int hop_conn_send(struct hop_conn *c, usec_t deadline)
{
    struct iovec iov = {c->out.p, c->out.n};
    int rc = stream_write(c->stream, &iov, 1, deadline, NULL);
    c->out.n = 0;
    return rc;
}

bool hop_conn_send_now(struct hop_conn *c)
{
    struct iovec iov = {c->out.p, c->out.n};
    ssize_t n = c->stream->ops->try_writev(c->stream, &iov, 1);
    bool whole = n >= 0 && (size_t)n == c->out.n;
    c->out.n = 0;
    return whole;
}

bool hop_conn_reset_now(struct hop_conn *c)
{
    if (!hop_conn_alive(c)) {
        return false;
    }
    hop_conn_put_reset(c);
    return hop_conn_send_now(c);
}

int hop_conn_settle(struct hop_conn *c, usec_t deadline)
{
    while (c->owed > 0) {
        struct reply reply;
        int rc = reply_read(&c->replies, c->stream, deadline, &reply);
        if (rc == 0) {
            rc = pay(c, &reply);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int hop_conn_reply(struct hop_conn *c, usec_t deadline, struct reply *ret)
{
    int rc = hop_conn_settle(c, deadline);
    return rc < 0 ? rc : reply_read(&c->replies, c->stream, deadline, ret);
}

/* ---- words ---- */

const char *hop_fault_text(const struct hop_fault *fault, int error,
                           char ret_text[static HOP_FAULT_TEXT_MAX])
{
    const char *why = fault->why[0] != '\0'     ? fault->why
                      : fault->enhanced != NULL ? fault->tls
                      : error == -ETIMEDOUT     ? "no answer in time"
                      : error == -EPROTO        ? "it does not speak SMTP"
                                                : strerror(-error);
    int n = snprintf(ret_text, HOP_FAULT_TEXT_MAX, "%s", why);
    text_clean(ret_text, n < HOP_FAULT_TEXT_MAX ? (size_t)n : HOP_FAULT_TEXT_MAX - 1);
    return ret_text;
}

/* ---- ending ---- */

static struct hop_conn *end(struct hop_conn *c, bool reset)
{
    if (c->pool != NULL) {
        hop_pool_forget(c);
    }
    c->stream->ops->close(c->stream, reset);
    reply_reader_free(&c->replies);
    buf_free(&c->out);
    buf_free(&c->client);
    free(c);
    return NULL;
}

struct hop_conn *hop_conn_quit(struct hop_conn *c)
{
    if (c == NULL) {
        return NULL;
    }
    c->out.n = 0;
    buf_append(&c->out, "QUIT\r\n", 6);
    (void)hop_conn_send_now(c);
    return end(c, false);
}

struct hop_conn *hop_conn_close(struct hop_conn *c)
{
    return c == NULL ? NULL : end(c, false);
}

struct hop_conn *hop_conn_abort(struct hop_conn *c)
{
    return c == NULL ? NULL : end(c, true);
}
