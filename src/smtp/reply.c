/* Replies (RFC 5321 4.2): queued, folded to lines of at most 512 octets, sent together. */
#include <errno.h>

#include "smtp/session.h"

/* RFC 5321 4.5.3.1.5: a reply line with code and CRLF has at most 512 octets. */
#define LINE_TEXT_MAX 470
#define REPLY_TIME    (60 * USEC_SEC)
/* Queued replies are sent before they grow beyond this: a client that floods us with pipelined
 * commands and reads no reply is made to wait. */
#define QUEUE_MAX 8192

/* The next line of a text: up to '\n', and not longer than fits. */
static struct slice take_line(struct slice *text)
{
    const char *end = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - text->p) : text->n;
    size_t skip = end != NULL ? 1 : 0;
    if (n > LINE_TEXT_MAX) {
        n = LINE_TEXT_MAX;
        skip = 0;
        /* Not within a UTF-8 sequence. */
        while (n > LINE_TEXT_MAX - 4 && ((unsigned char)text->p[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    struct slice line = {text->p, n};
    text->p += n + skip;
    text->n -= n + skip;
    return line;
}

/* Appends the lines of a reply; where there is an id it stands behind the last line. */
static void format(struct buf *out, uint16_t code, struct slice enhanced, struct slice text,
                   const char *id)
{
    bool last;
    do {
        struct slice line = take_line(&text);
        last = text.n == 0;
        buf_printf(out, "%03u%c", code, last ? ' ' : '-');
        if (enhanced.n > 0) {
            buf_append_slice(out, enhanced);
            buf_append(out, " ", 1);
        }
        buf_append_slice(out, line);
        if (last && id != NULL) {
            buf_printf(out, " [%s]", id);
        }
        buf_append(out, "\r\n", 2);
    } while (!last);
}

void reply_format(struct buf *out, const struct answer *a, const char *id, unsigned transaction,
                  unsigned recipient)
{
    static const struct slice without[] = {SLICE_LIT("2.0.0"), SLICE_LIT("4.0.0"),
                                           SLICE_LIT("5.0.0")};
    struct slice enhanced = a->enhanced;
    char whole[DECISION_ID_LEN + 32];
    if (a->from_hop && enhanced.n == 0) {
        /* We offer ENHANCEDSTATUSCODES (RFC 2034); this hop does not. */
        enhanced = without[a->code >= 500 ? 2 : a->code >= 400 ? 1 : 0];
    }
    int n = snprintf(whole, sizeof whole, "%s.%u", id, transaction);
    if (recipient > 0) {
        (void)snprintf(whole + n, sizeof whole - (size_t)n, ".%u", recipient);
    }
    format(out, a->code, enhanced, a->text, a->code >= 400 ? whole : NULL);
}

/* What is queued is sent before it grows too long. */
static void queued(struct session *s)
{
    if (s->out.n > QUEUE_MAX) {
        int r = reply_flush(s);
        if (r < 0) {
            session_end_by(s, r);
        }
    }
}

void reply_with(struct session *s, const struct answer *a)
{
    reply_format(&s->out, a, s->id, s->naming, s->recipient);
    queued(s);
}

void reply(struct session *s, enum reply_name name)
{
    struct answer a = reply_answer(name);
    reply_with(s, &a);
}

void reply_lines(struct session *s, uint16_t code, struct slice lines)
{
    format(&s->out, code, (struct slice){NULL, 0}, lines, NULL);
    queued(s);
}

void reply_error(struct session *s, enum reply_name name)
{
    s->errors++;
    s->told_error = name;
    if (s->errors > s->server->conf->limits.errors) {
        session_goodbye(s, REPLY_ERRORS);
    } else {
        reply(s, name);
    }
}

int reply_flush(struct session *s)
{
    if (s->out.n == 0) {
        return 0;
    }
    struct iovec iov = {s->out.p, s->out.n};
    size_t written;
    int r = stream_write(s->stream, &iov, 1, rt_now() + REPLY_TIME, &written);
    if (r == -ECANCELED && written == 0) {
        return r; /* it can still be said, in front of a 421 */
    }
    s->mute = r < 0;
    s->out.n = 0;
    return r;
}
