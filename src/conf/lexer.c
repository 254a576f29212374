/* See lexer.h for what a token is. */
#include "conf/lexer.h"

#include <errno.h>
#include <stdint.h>

#include "base/text.h"

void lexer_init(struct lexer *l, struct slice text, struct arena *arena)
{
    *l = (struct lexer){
        .next = text.p,
        .end = text.n > 0 ? text.p + text.n : text.p,
        .line_start = text.p,
        .line = 1,
        .arena = arena,
    };
}

static struct place place_of(const struct lexer *l, const char *p)
{
    return (struct place){l->line, (unsigned)(p - l->line_start) + 1};
}

static struct token token_at(const struct lexer *l, enum token_kind kind, const char *p, size_t n)
{
    return (struct token){kind, {p, n}, place_of(l, p)};
}

static struct token bad_at(const struct lexer *l, const char *p, struct slice cause)
{
    return (struct token){TOKEN_BAD, cause, place_of(l, p)};
}

static struct token bad_octet(const struct lexer *l, const char *p)
{
    return bad_at(l, p,
                  arena_printf(l->arena, "expected printable UTF-8 text, found the octet 0x%02x",
                               (unsigned)(unsigned char)*p));
}

static const char *line_end(const struct lexer *l, const char *p)
{
    const char *feed = p < l->end ? memchr(p, '\n', (size_t)(l->end - p)) : NULL;

    return feed != NULL ? feed : l->end;
}

static bool is_blank(const struct lexer *l, const char *p)
{
    /* A file from elsewhere may end its lines with CR LF. */
    return *p == ' ' || *p == '\t' || (*p == '\r' && p + 1 < l->end && p[1] == '\n');
}

static bool is_reserved(char c)
{
    return c == '(' || c == ')' || c == '{' || c == '}';
}

/* Blanks, comments and, behind a comma, line ends. */
static void skip(struct lexer *l)
{
    while (l->next < l->end) {
        if (is_blank(l, l->next)) {
            l->next++;
        } else if (*l->next == '#') {
            l->next = line_end(l, l->next);
        } else if (*l->next == '\n' && l->after_comma) {
            l->next++;
            l->line++;
            l->line_start = l->next;
        } else {
            return;
        }
    }
}

/* What follows a word or string must not look like a part of it. */
static bool ends_token(const struct lexer *l, const char *p)
{
    return p == l->end || *p == '\n' || *p == ',' || is_blank(l, p) || is_reserved(*p);
}

static struct token not_ended(const struct lexer *l, const char *p)
{
    if (text_clean_length(p, (size_t)(l->end - p)) == 0) {
        return bad_octet(l, p);
    }
    return bad_at(l, p,
                  arena_printf(l->arena,
                               "expected a blank, a comma or the end of the line, found \"%c\"",
                               *p));
}

static const char *word_end(const struct lexer *l)
{
    const char *p = l->next;
    bool in_template = false;

    for (; p < l->end; p++) {
        if (*p == '{' && p > l->next && p[-1] == '%') {
            in_template = true;
        } else if (*p == '}' && in_template) {
            in_template = false;
        } else if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == ',' || *p == '"' ||
                   is_reserved(*p)) {
            break;
        }
    }
    return p;
}

static struct token lex_word(struct lexer *l)
{
    const char *end = word_end(l);
    size_t n = (size_t)(end - l->next);
    struct token token = token_at(l, TOKEN_WORD, l->next, n);
    size_t clean = text_clean_length(l->next, n);

    if (clean < n || n == 0) {
        return bad_octet(l, l->next + clean);
    }
    if (!ends_token(l, end)) {
        return not_ended(l, end);
    }
    l->next = end;
    return token;
}

/* The closing quote of the string whose opening one is at `p`; NULL for none in this line. */
static const char *closing_quote(const struct lexer *l, const char *p)
{
    const char *limit = line_end(l, p);

    for (p++; p < limit && *p != '"'; p++) {
        if (*p == '\\') {
            p++;
        }
    }
    return p < limit ? p : NULL;
}

static int hex4(const char *p, const char *end, uint32_t *ret)
{
    uint32_t value = 0;

    if (end - p < 4) {
        return -EINVAL;
    }
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        char c = p[i] >= 'A' && p[i] <= 'F' ? (char)(p[i] | 0x20) : p[i];
        const char *at = memchr(digits, c, 16);
        if (at == NULL) {
            return -EINVAL;
        }
        value = value << 4 | (uint32_t)(at - digits);
    }
    *ret = value;
    return 0;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* "\uXXXX" or, above U+FFFF, two of them that form a surrogate pair. `*p` is at the "u". */
static int unescape_unicode(const char **p, const char *end, char **out)
{
    uint32_t c, low;

    if (hex4(*p + 1, end, &c) < 0 || (c >= 0xdc00 && c <= 0xdfff)) {
        return -EINVAL;
    }
    *p += 5;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (end - *p < 2 || (*p)[0] != '\\' || (*p)[1] != 'u' || hex4(*p + 2, end, &low) < 0 ||
            low < 0xdc00 || low > 0xdfff) {
            return -EINVAL;
        }
        *p += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    *out = put_utf8(*out, c);
    return 0;
}

/* `*p` is behind the backslash, which another octet always follows. */
static int unescape(const char **p, const char *end, char **out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";

    if (**p == 'u') {
        return unescape_unicode(p, end, out);
    }
    const char *at = memchr(letters, **p, sizeof(letters) - 1);
    if (at == NULL) {
        return -EINVAL;
    }
    *(*out)++ = meanings[at - letters];
    (*p)++;
    return 0;
}

static struct token bad_escape(const struct lexer *l, const char *escape, const char *closing)
{
    int shown = escape[1] == 'u' ? 6 : 2;

    if (shown > closing - escape) {
        shown = (int)(closing - escape);
    }
    return bad_at(l, escape,
                  arena_printf(l->arena,
                               "expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t, \\uXXXX or a "
                               "surrogate pair of these, found %.*s",
                               shown, escape));
}

static struct token lex_string(struct lexer *l)
{
    const char *p = l->next + 1;
    const char *closing = closing_quote(l, l->next);
    struct token token = token_at(l, TOKEN_STRING, l->next, 0);

    if (closing == NULL) {
        return bad_at(l, l->next, SLICE_LIT("expected a closing quote, found the end of the line"));
    }
    char *decoded = arena_alloc(l->arena, (size_t)(closing - p)); /* escapes only ever shrink */
    char *out = decoded;
    while (p < closing) {
        const char *escape = memchr(p, '\\', (size_t)(closing - p));
        size_t plain = (size_t)((escape != NULL ? escape : closing) - p);
        size_t clean = text_clean_length(p, plain);
        if (clean < plain) {
            return bad_octet(l, p + clean);
        }
        out = mempcpy(out, p, plain);
        p += plain;
        if (escape != NULL) {
            p++;
            if (unescape(&p, closing, &out) < 0) {
                return bad_escape(l, escape, closing);
            }
        }
    }
    token.text = (struct slice){decoded, (size_t)(out - decoded)};
    l->next = closing + 1;
    return ends_token(l, l->next) ? token : not_ended(l, l->next);
}

/* One octet that is a token by itself. */
static struct token lex_single(struct lexer *l, enum token_kind kind)
{
    struct token token = token_at(l, kind, l->next, 1);

    l->next++;
    if (kind == TOKEN_NEWLINE) {
        l->line++;
        l->line_start = l->next;
    }
    return token;
}

struct token lexer_next(struct lexer *l)
{
    skip(l);
    l->after_comma = false;
    if (l->next == l->end) {
        return token_at(l, TOKEN_END, l->next, 0);
    }
    switch (*l->next) {
    case '\n': return lex_single(l, TOKEN_NEWLINE);
    case ',': l->after_comma = true; return lex_single(l, TOKEN_COMMA);
    case '(':
    case ')':
    case '{':
    case '}': return lex_single(l, TOKEN_RESERVED);
    case '"': return lex_string(l);
    default: return lex_word(l);
    }
}
