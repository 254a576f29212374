#include "parse/zone_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "parse/ascii.h"

int zone_fail_at(const struct zone_line *e, unsigned line, unsigned column, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    e->problem->line = line;
    e->problem->column = column;
    (void)vsnprintf(e->problem->text, sizeof(e->problem->text), format, ap);
    va_end(ap);
    return -EINVAL;
}

int zone_expected(const struct zone_line *e, const char *what)
{
    const struct zone_token *t = &e->t;
    if (zone_at_line_end(e)) {
        return zone_fail_at(e, t->line, t->column, "expected %s, and the line ends", what);
    }
    return zone_fail_at(e, t->line, t->column, "expected %s, not \"%.*s\"", what,
                        (int)(t->text.n < 48 ? t->text.n : 48), t->text.p);
}

static int peek(const struct zone_reader *r)
{
    return r->at < r->text.n ? (unsigned char)r->text.p[r->at] : -1;
}

static bool is_blank(int c)
{
    return ascii_is_blank(c) || c == '\r';
}

static void newline(struct zone_reader *r)
{
    r->at++;
    r->line++;
    r->line_at = r->at;
}

static unsigned column(const struct zone_reader *r)
{
    return (unsigned)(r->at - r->line_at) + 1;
}

/* Blanks, comments, parentheses, and ends of line between these. */
static int skip_blanks(const struct zone_line *e)
{
    struct zone_reader *r = e->r;
    for (int c = peek(r); c >= 0; c = peek(r)) {
        if (c == ';') {
            const char *end = memchr(r->text.p + r->at, '\n', r->text.n - r->at);
            r->at = end != NULL ? (size_t)(end - r->text.p) : r->text.n;
        } else if (c == '\n' && r->depth > 0) {
            newline(r);
        } else if (c == '(' || c == ')') {
            if (c == ')' && r->depth == 0) {
                return zone_fail_at(e, r->line, column(r), "\")\" without \"(\"");
            }
            r->depth += c == '(' ? 1u : -1u;
            r->at++;
        } else if (is_blank(c)) {
            r->at++;
        } else {
            return 0;
        }
    }
    return r->depth == 0 ? 0
                         : zone_fail_at(e, r->line, column(r), "expected \")\", and the file ends");
}

static bool ends_word(int c)
{
    return c < 0 || c == '\n' || c == ';' || c == '"' || c == '(' || c == ')' || is_blank(c);
}

static int take_octets(struct zone_line *e)
{
    struct zone_reader *r = e->r;
    bool quoted = peek(r) == '"';
    r->at += quoted;
    size_t from = r->at;
    for (int c = peek(r); quoted ? c != '"' : !ends_word(c); c = peek(r)) {
        if (c < 0 || c == '\n') {
            return zone_fail_at(e, r->line, column(r), "expected \" at the string's end");
        }
        r->at++;
        if (c == '\\') {
            if (peek(r) < 0 || peek(r) == '\n') {
                return zone_fail_at(e, r->line, column(r), "expected an octet behind \"\\\"");
            }
            r->at++;
        }
    }
    e->t.kind = quoted ? ZONE_TOKEN_STRING : ZONE_TOKEN_WORD;
    e->t.text = (struct slice){r->text.p + from, r->at - from};
    r->at += quoted;
    return 0;
}

int zone_advance(struct zone_line *e)
{
    struct zone_reader *r = e->r;
    int rc = skip_blanks(e);
    if (rc < 0) {
        return rc;
    }
    e->t = (struct zone_token){.line = r->line, .column = column(r)};
    if (peek(r) < 0) {
        e->t.kind = ZONE_TOKEN_END;
        return 0;
    }
    if (peek(r) == '\n') {
        e->t.kind = ZONE_TOKEN_LINE_END;
        newline(r);
        return 0;
    }
    return take_octets(e);
}

int zone_next_octet(struct slice text, size_t *at)
{
    unsigned char c = (unsigned char)text.p[(*at)++];
    if (c != '\\') {
        return c;
    }
    c = (unsigned char)text.p[(*at)++]; /* which take_octets has seen to be there */
    if (!ascii_is_digit(c)) {
        return 256 + c;
    }
    if (text.n - *at < 2 || !ascii_is_digit(text.p[*at]) || !ascii_is_digit(text.p[*at + 1])) {
        return -1;
    }
    int value = (c - '0') * 100 + (text.p[*at] - '0') * 10 + text.p[*at + 1] - '0';
    *at += 2;
    return value <= 255 ? 256 + value : -1;
}

bool zone_blank_is_next(const struct zone_reader *r)
{
    return is_blank(peek(r));
}
