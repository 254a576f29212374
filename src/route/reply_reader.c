#include "route/reply_reader.h"

#include <errno.h>
#include <string.h>

#include "parse/smtp_reply.h"
#include "rt/stream.h"

/* One read takes this much at most: some dozens of ordinary replies. */
#define READ_SIZE ((size_t)1024)

void reply_reader_init(struct reply_reader *r)
{
    *r = (struct reply_reader){.lines_max = REPLY_LINES_KEPT, .text_max = REPLY_TEXT_KEPT};
}

void reply_reader_free(struct reply_reader *r)
{
    buf_free(&r->in);
    buf_free(&r->text);
}

void reply_reader_shrink(struct reply_reader *r)
{
    if (!reply_reader_busy(r) && r->in.cap + r->text.cap > 4 * READ_SIZE) {
        reply_reader_free(r);
        r->at = r->scanned = 0;
    }
}

/* Appends one line of text. RFC 5321 4.2 allows HT, SP and printable ASCII in it; whatever else a
 * hop sent must not reach a client or a terminal. */
static void keep_line(struct reply_reader *r, struct slice text)
{
    size_t separator = r->lines > 0 ? 1 : 0;
    if (r->lines >= r->lines_max || r->text.n + separator >= r->text_max) {
        return;
    }
    size_t room = r->text_max - r->text.n - separator;
    size_t n = text.n < room ? text.n : room;
    char *to = buf_reserve(&r->text, n + separator);
    if (separator > 0) {
        *to++ = '\n';
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        to[i] = c >= 0x7f ? '?' : c < ' ' ? ' ' : (char)c;
    }
    r->text.n += n + separator;
}

/* Takes one line in: 1 when it was the reply's last, 0, or -EPROTO. */
static int take_line(struct reply_reader *r, struct slice line)
{
    struct smtp_reply_line parsed;
    if (smtp_reply_parse_line(line, &parsed) < 0 || (r->code != 0 && r->code != parsed.code)) {
        return -EPROTO;
    }
    if (r->code == 0) {
        r->code = parsed.code;
        r->lines = 0;
        r->octets = 0;
        r->text.n = 0;
        r->enhanced_n = 0;
    }
    r->octets += line.n;
    struct slice text = parsed.text;
    struct slice rest;
    size_t n = smtp_enhanced_code(parsed.code, text, &rest);
    if (n > 0 && n < sizeof r->enhanced && (r->lines == 0 || r->enhanced_n > 0)) {
        if (r->lines == 0) {
            memcpy(r->enhanced, text.p, n);
            r->enhanced_n = (uint8_t)n;
        }
        text = rest;
        while (text.n > 0 && text.p[0] == ' ') {
            text = (struct slice){text.p + 1, text.n - 1};
        }
    }
    keep_line(r, text);
    r->lines++;
    return parsed.last ? 1 : 0;
}

int reply_next(struct reply_reader *r, struct reply *ret)
{
    while (r->scanned < r->in.n) {
        const char *from = r->in.p + r->scanned;
        const char *end = memchr(from, '\n', r->in.n - r->scanned);
        if (end == NULL) {
            break;
        }
        struct slice line = {r->in.p + r->at, (size_t)(end - (r->in.p + r->at))};
        if (line.n > 0 && line.p[line.n - 1] == '\r') {
            line.n--;
        }
        r->at = r->scanned = (size_t)(end + 1 - r->in.p);
        int rc = take_line(r, line);
        if (rc < 0 || r->octets > REPLY_OCTETS_MAX) {
            return -EPROTO;
        }
        if (rc > 0) {
            ret->code = r->code;
            ret->enhanced = (struct slice){r->enhanced, r->enhanced_n};
            ret->text = buf_slice(&r->text);
            r->code = 0;
            return 1;
        }
    }
    if (r->at > 0) {
        buf_consume(&r->in, r->at);
        r->at = 0;
    }
    r->scanned = r->in.n;
    size_t before = r->code != 0 ? r->octets : 0;
    return before + r->in.n > REPLY_OCTETS_MAX ? -EPROTO : 0;
}

bool reply_reader_excess(const struct reply_reader *r)
{
    size_t n = r->in.n - r->at;
    return r->code != 0 || (n > 0 && memcmp(r->in.p + r->at, "421", n < 3 ? n : 3) != 0);
}

int reply_fill(struct reply_reader *r, struct stream *s)
{
    while (r->in.n - r->at <= REPLY_OCTETS_MAX) {
        ssize_t n = s->ops->try_read(s, buf_reserve(&r->in, READ_SIZE), READ_SIZE);
        if (n == -EAGAIN) {
            return 0;
        }
        if (n <= 0) {
            return n < 0 ? (int)n : -ECONNRESET;
        }
        r->in.n += (size_t)n;
    }
    return 0;
}

int reply_read(struct reply_reader *r, struct stream *s, usec_t deadline, struct reply *ret)
{
    for (;;) {
        int rc = reply_next(r, ret);
        if (rc != 0) {
            return rc < 0 ? rc : 0;
        }
        ssize_t n = stream_read(s, buf_reserve(&r->in, READ_SIZE), READ_SIZE, deadline);
        if (n <= 0) {
            return n < 0 ? (int)n : -ECONNRESET;
        }
        r->in.n += (size_t)n;
    }
}
