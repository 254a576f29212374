#include "route/hop_conn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "parse/smtp_command.h"
#include "rt/stream.h"

/* An EHLO reply is read for its keywords, of which no server has more than some dozens. */
#define EHLO_LINES_KEPT 100
#define EHLO_TEXT_KEPT  ((size_t)8192)

/* ---- capabilities ---- */

static void note_keyword(struct hop_capabilities *can, struct slice line)
{
    struct slice keyword;
    struct slice argument;
    smtp_command_split(line, &keyword, &argument);
    if (slice_eq_nocase(keyword, SLICE_LIT("PIPELINING"))) {
        can->pipelining = true;
    } else if (slice_eq_nocase(keyword, SLICE_LIT("8BITMIME"))) {
        can->eightbitmime = true;
    } else if (slice_eq_nocase(keyword, SLICE_LIT("SMTPUTF8"))) {
        can->smtputf8 = true;
    } else if (slice_eq_nocase(keyword, SLICE_LIT("CHUNKING"))) {
        can->chunking = true;
    } else if (slice_eq_nocase(keyword, SLICE_LIT("ENHANCEDSTATUSCODES"))) {
        can->enhanced_codes = true;
    } else if (slice_eq_nocase(keyword, SLICE_LIT("SIZE"))) {
        can->size = true;
        uint64_t limit;
        if (smtp_number_parse(argument, &limit) == 0) {
            can->size_limit = limit;
        }
    }
}

/* The first line is the hop's name (RFC 5321 4.1.1.1), the others one keyword each. */
static void note_capabilities(struct hop_capabilities *can, struct slice text)
{
    const char *end = text.p + text.n;
    const char *line = text.n > 0 ? memchr(text.p, '\n', text.n) : NULL;
    while (line != NULL) {
        line++;
        const char *next = memchr(line, '\n', (size_t)(end - line));
        const char *stop = next != NULL ? next : end;
        note_keyword(can, (struct slice){line, (size_t)(stop - line)});
        line = next;
    }
}

/* ---- opening ---- */

static int ask(struct hop_conn *c, const char *verb, const char *hostname, usec_t deadline,
               struct reply *ret)
{
    buf_printf(&c->out, "%s %s\r\n", verb, hostname);
    int rc = hop_conn_send(c, deadline);
    return rc < 0 ? rc : reply_read(&c->replies, c->stream, deadline, ret);
}

/* RFC 5321 3.1 and 3.2: 220, then EHLO, or HELO for a hop that does not know EHLO. */
static int introduce(struct hop_conn *c, const char *hostname, usec_t deadline)
{
    struct reply reply;
    int rc = reply_read(&c->replies, c->stream, deadline, &reply);
    if (rc < 0 || reply.code != 220) {
        return rc < 0 ? rc : -EPROTO;
    }
    c->replies.lines_max = EHLO_LINES_KEPT;
    c->replies.text_max = EHLO_TEXT_KEPT;
    rc = ask(c, "EHLO", hostname, deadline, &reply);
    c->replies.lines_max = REPLY_LINES_KEPT;
    c->replies.text_max = REPLY_TEXT_KEPT;
    if (rc == 0 && reply.code == 250) {
        note_capabilities(&c->can, reply.text);
        return 0;
    }
    if (rc == 0 && reply.code >= 500) {
        rc = ask(c, "HELO", hostname, deadline, &reply);
        if (rc == 0 && reply.code == 250) {
            return 0;
        }
    }
    return rc < 0 ? rc : -EPROTO;
}

int hop_conn_open(const struct conf_hop *hop, const struct addr *to, const char *hostname,
                  usec_t deadline, struct hop_conn **ret)
{
    (void)hop;
    struct stream *stream;
    int rc = stream_connect(to, deadline, &stream);
    if (rc < 0) {
        return rc;
    }
    struct hop_conn *c = xcalloc(1, sizeof *c);
    c->stream = stream;
    list_init(&c->link);
    reply_reader_init(&c->replies);
    rc = introduce(c, hostname, deadline);
    if (rc < 0) {
        rc == -EPROTO ? hop_conn_quit(c) : hop_conn_abort(c);
        return rc;
    }
    *ret = c;
    return 0;
}

/* ---- commands and replies ---- */

/* Takes a reply to RSET. 250 is the only one RFC 5321 4.1.1.5 allows; after another the connection
 * is as good as gone. */
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

/* ---- ending ---- */

static struct hop_conn *end(struct hop_conn *c, bool reset)
{
    c->stream->ops->close(c->stream, reset);
    reply_reader_free(&c->replies);
    buf_free(&c->out);
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
