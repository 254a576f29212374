/* See parse/http_reply.h. */
#include "parse/http_reply.h"

#include <errno.h>
#include <stdint.h>

#include "parse/ascii.h"

/* How a body ends (RFC 9112 6.3). */
struct framing {
    bool chunked;
    bool has_length;
    uint64_t length;
};

/* HTTP/1.1 200 OK */
static int parse_status(struct slice line, unsigned *ret)
{
    struct slice rest;

    if (!slice_prefix(line, "HTTP/1.", &rest) || rest.n < 5 || !ascii_is_digit(rest.p[0]) ||
        rest.p[1] != ' ' || (rest.n > 5 && rest.p[5] != ' ')) {
        return -EPROTO;
    }
    unsigned code = 0;
    for (size_t i = 2; i < 5; i++) {
        if (!ascii_is_digit(rest.p[i])) {
            return -EPROTO;
        }
        code = code * 10 + (unsigned)(rest.p[i] - '0');
    }
    *ret = code;
    return code >= 200 ? 0 : -EPROTO;
}

static int parse_length(struct slice value, struct framing *f)
{
    uint64_t n = 0;

    if (value.n == 0 || value.n > 18) {
        return -EPROTO;
    }
    for (size_t i = 0; i < value.n; i++) {
        if (!ascii_is_digit(value.p[i])) {
            return -EPROTO;
        }
        n = n * 10 + (uint64_t)(value.p[i] - '0');
    }
    if (f->has_length && f->length != n) {
        return -EPROTO;
    }
    f->has_length = true;
    f->length = n;
    return 0;
}

static int parse_field(struct slice line, struct framing *f)
{
    const char *colon = memchr(line.p, ':', line.n);

    if (colon == NULL) {
        return -EPROTO;
    }
    const struct slice name = {line.p, (size_t)(colon - line.p)};
    const struct slice value = slice_trim((struct slice){colon + 1, line.n - name.n - 1}, " \t");
    if (slice_eq_nocase(name, SLICE_LIT("Content-Length"))) {
        return parse_length(value, f);
    }
    if (slice_eq_nocase(name, SLICE_LIT("Transfer-Encoding"))) {
        f->chunked = slice_eq_nocase(value, SLICE_LIT("chunked"));
        return f->chunked ? 0 : -EPROTO;
    }
    /* Nobody asked for a coding. */
    return slice_eq_nocase(name, SLICE_LIT("Content-Encoding")) ? -EPROTO : 0;
}

/* Status line and fields up to the empty line; what follows stays in *text. */
static int parse_header(struct slice *text, unsigned *ret_code, struct framing *ret)
{
    const struct slice whole = *text;
    struct slice line;
    bool first = true;

    while (slice_take_line(text, &line)) {
        if ((size_t)(text->p - whole.p) > HTTP_HEADER_MOST) {
            return -EPROTO;
        }
        if (!first && line.n == 0) {
            return 0;
        }
        int r = first ? parse_status(line, ret_code) : parse_field(line, ret);
        if (r < 0) {
            return r;
        }
        first = false;
    }
    return whole.n > HTTP_HEADER_MOST ? -EPROTO : -EAGAIN;
}

/* The size of a chunk, with or without extensions. */
static int parse_size(struct slice line, size_t *ret)
{
    size_t n = 0, at = 0;

    for (; at < line.n && ascii_hex(line.p[at]) >= 0; at++) {
        if (at == 8) {
            return -EPROTO;
        }
        n = n << 4 | (size_t)ascii_hex(line.p[at]);
    }
    if (at == 0 || (at < line.n && line.p[at] != ';' && line.p[at] != ' ')) {
        return -EPROTO;
    }
    *ret = n;
    return 0;
}

/* Chunks up to the last one, whose trailer is of no interest (RFC 9112 7.1). */
static int parse_chunks(struct slice text, struct arena *arena, struct slice *ret)
{
    char *body = NULL;
    size_t n = 0, size;
    struct slice line;

    while (slice_take_line(&text, &line)) {
        int r = parse_size(line, &size);
        if (r < 0) {
            return r;
        }
        if (size == 0) {
            *ret = (struct slice){n > 0 ? body : "", n};
            return 0;
        }
        if (text.n < size || text.n - size < 2) {
            return -EAGAIN;
        }
        if (text.p[size] != '\r' || text.p[size + 1] != '\n') {
            return -EPROTO;
        }
        body = body == NULL ? arena_alloc(arena, text.n) : body; /* all that can still come of it */
        memcpy(body + n, text.p, size);
        n += size;
        text = (struct slice){text.p + size + 2, text.n - size - 2};
    }
    return -EAGAIN;
}

static int parse_begun(struct slice text, bool ended, struct arena *arena, struct http_reply *r)
{
    struct framing f = {0};
    int e = parse_header(&text, &r->code, &f);

    if (e < 0) {
        return e;
    }
    if (f.chunked) {
        return f.has_length ? -EPROTO : parse_chunks(text, arena, &r->body);
    }
    if (f.has_length ? text.n < f.length : !ended) {
        return -EAGAIN;
    }
    r->body = (struct slice){text.p, f.has_length ? (size_t)f.length : text.n};
    return 0;
}

int http_reply_parse(struct slice octets, bool ended, struct arena *arena, struct http_reply *ret)
{
    struct http_reply r = {.body = {"", 0}};
    int e = parse_begun(octets, ended, arena, &r);

    if (e == 0) {
        *ret = r;
    }
    return e == -EAGAIN && ended ? -EPROTO : e;
}
