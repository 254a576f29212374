/* See parse/field_cursor.h. */
#include "parse/field_cursor.h"

#include "parse/ascii.h"

struct field_cursor field_cursor_of(struct slice body)
{
    return (struct field_cursor){body.p, body.n > 0 ? body.p + body.n : body.p};
}

int field_peek(const struct field_cursor *c)
{
    return c->at < c->end ? (unsigned char)*c->at : -1;
}

bool field_skip(struct field_cursor *c, char expected)
{
    if (field_peek(c) != (unsigned char)expected) {
        return false;
    }
    c->at++;
    return true;
}

struct slice field_since(const struct field_cursor *c, const char *from)
{
    return (struct slice){from, (size_t)(c->at - from)};
}

static bool is_line_end(int c)
{
    return c == '\r' || c == '\n';
}

/* comment = "(" *([FWS] ccontent) [FWS] ")", from its "(" on */
static bool skip_comment(struct field_cursor *c)
{
    size_t depth = 0;

    while (c->at < c->end) {
        char octet = *c->at++;
        if (octet == '\\' && c->at < c->end) {
            c->at++;
        } else if (octet == '(') {
            depth++;
        } else if (octet == ')' && --depth == 0) {
            return true;
        }
    }
    return false;
}

bool field_skip_cfws(struct field_cursor *c)
{
    for (;;) {
        int octet = field_peek(c);
        if (ascii_is_blank(octet) || is_line_end(octet)) {
            c->at++;
        } else if (octet != '(') {
            return true;
        } else if (!skip_comment(c)) {
            return false;
        }
    }
}

/* The quote that ends the string whose first quote is at the cursor; NULL: none does. */
static const char *closing_quote(const struct field_cursor *c)
{
    if (field_peek(c) != '"') {
        return NULL;
    }
    for (const char *p = c->at + 1; p < c->end; p++) {
        if (*p == '"') {
            return p;
        }
        if (*p == '\\') {
            p++;
        }
    }
    return NULL;
}

bool field_skip_quoted(struct field_cursor *c)
{
    const char *quote = closing_quote(c);

    if (quote == NULL) {
        return false;
    }
    c->at = quote + 1;
    return true;
}

bool field_quoted(struct field_cursor *c, struct arena *arena, struct slice *ret)
{
    const char *quote = closing_quote(c);

    if (quote == NULL) {
        return false;
    }
    char *out = arena_alloc(arena, (size_t)(quote - c->at));
    size_t n = 0;
    for (const char *p = c->at + 1; p < quote; p++) {
        if (*p == '\\') {
            p++;
        }
        if (!is_line_end(*p)) {
            out[n++] = *p;
        }
    }
    *ret = (struct slice){out, n};
    c->at = quote + 1;
    return true;
}

bool field_is_atext(int c)
{
    static const char others[] = "!#$%&'*+-/=?^_`{|}~";

    return ascii_is_let_dig(c) || c > 127 || (c > 0 && memchr(others, c, sizeof(others) - 1));
}

bool field_atom(struct field_cursor *c)
{
    const char *from = c->at;

    while (field_is_atext(field_peek(c))) {
        c->at++;
    }
    return c->at > from;
}
