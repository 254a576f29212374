/* See auth/field_writer.h. */
#include "auth/field_writer.h"

#include "parse/ascii.h"

enum { LINE_MOST = 77 };

static void put(struct field_writer *w, struct slice s)
{
    buf_append_slice(&w->text, s);
    w->column += s.n;
}

/* A piece without blanks, with a blank in front of it that may begin a line. An empty one cannot:
 * a line of nothing but blanks would look like the end of the header to some. */
static void put_piece(struct field_writer *w, struct slice piece)
{
    bool over = w->column + 1 + piece.n > LINE_MOST && w->column > 1;

    if (piece.n > 0 && (over || w->new_line)) {
        buf_append(&w->text, "\r\n", 2);
        w->column = 0;
        w->new_line = false;
    }
    put(w, SLICE_LIT(" "));
    put(w, piece);
}

static void put_folded(struct field_writer *w, struct slice s)
{
    for (;;) {
        const char *blank = memchr(s.p, ' ', s.n);
        size_t n = blank != NULL ? (size_t)(blank - s.p) : s.n;
        put_piece(w, (struct slice){s.p, n});
        if (blank == NULL) {
            return;
        }
        s = (struct slice){blank + 1, s.n - n - 1};
    }
}

void field_begin(struct field_writer *w, const char *name)
{
    *w = (struct field_writer){.column = 0};
    put(w, slice_of(name));
    put(w, SLICE_LIT(":"));
}

void field_word(struct field_writer *w, const char *format, ...)
{
    struct buf word = {0};
    va_list ap;

    va_start(ap, format);
    buf_vprintf(&word, format, ap);
    va_end(ap);
    put_folded(w, buf_slice(&word));
    buf_free(&word);
}

/* Appends `s` so that it can stand between quotes, or brackets of a comment; `special` are those
 * that end them. */
static void append_escaped(struct buf *b, struct slice s, const char *special)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c < ' ' || c > '~') {
            c = '?';
        } else if (strchr(special, c) != NULL) {
            buf_append(b, "\\", 1);
        }
        buf_append(b, &c, 1);
    }
}

/* NAME="TEXT", or the text alone where the name is empty. */
static void put_quoted(struct field_writer *w, const char *name, struct slice s, const char *behind)
{
    struct buf b = {0};

    buf_printf(&b, "%s%s\"", name, name[0] != '\0' ? "=" : "");
    append_escaped(&b, s, "\"\\");
    buf_printf(&b, "%s\"", behind);
    put_folded(w, buf_slice(&b));
    buf_free(&b);
}

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("()<>@,;:\\\"/[]?=", s.p[i]) != NULL) {
            return false;
        }
    }
    return s.n > 0;
}

/* dot-atom (RFC 5322 3.2.3) */
static bool is_dot_atom(struct slice s)
{
    bool dot = true; /* may not come next */

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' ? dot
                          : s.p[i] <= ' ' || s.p[i] > '~' || strchr("()<>[]:;@\\,\"", s.p[i])) {
            return false;
        }
        dot = s.p[i] == '.';
    }
    return !dot;
}

/* domain-name of RFC 6376 3.5, with underscores */
static bool is_domain(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!ascii_is_let_dig(s.p[i]) && strchr("-_.", s.p[i]) == NULL) {
            return false;
        }
    }
    return is_dot_atom(s);
}

/* [local-part] "@" domain-name */
static bool is_address(struct slice s)
{
    const char *sign = s.n > 0 ? memchr(s.p, '@', s.n) : NULL;

    if (sign == NULL) {
        return false;
    }
    struct slice local = {s.p, (size_t)(sign - s.p)};
    return (local.n == 0 || is_dot_atom(local)) &&
           is_domain((struct slice){sign + 1, s.n - local.n - 1});
}

static void put_value(struct field_writer *w, const char *name, struct slice value, bool plain)
{
    if (plain) {
        field_word(w, "%s=" SLICE_FMT, name, SLICE_ARG(value));
    } else {
        put_quoted(w, name, value, "");
    }
}

void field_value(struct field_writer *w, struct slice value)
{
    if (is_token(value)) {
        field_word(w, SLICE_FMT, SLICE_ARG(value));
    } else {
        put_quoted(w, "", value, "");
    }
}

static bool is_worth_it(struct slice value)
{
    return value.n > 0 && value.n <= FIELD_VALUE_MOST;
}

void field_property(struct field_writer *w, const char *name, struct slice value)
{
    if (is_worth_it(value)) {
        put_value(w, name, value, is_token(value) || is_address(value));
    }
}

void field_pair(struct field_writer *w, const char *name, struct slice value)
{
    if (is_worth_it(value)) {
        put_value(w, name, value, is_dot_atom(value));
        field_semicolon(w, false);
    }
}

static struct slice cut(struct slice text)
{
    return (struct slice){text.p, text.n < FIELD_TEXT_MOST ? text.n : FIELD_TEXT_MOST};
}

void field_text(struct field_writer *w, const char *name, struct slice text)
{
    if (text.n > 0) {
        put_quoted(w, name, cut(text), text.n > FIELD_TEXT_MOST ? "..." : "");
    }
}

void field_comment(struct field_writer *w, struct slice text)
{
    struct buf b = {0};

    if (text.n == 0) {
        return;
    }
    buf_append(&b, "(", 1);
    append_escaped(&b, cut(text), "()\\");
    buf_printf(&b, "%s)", text.n > FIELD_TEXT_MOST ? "..." : "");
    put_folded(w, buf_slice(&b));
    buf_free(&b);
}

void field_semicolon(struct field_writer *w, bool new_line)
{
    put(w, SLICE_LIT(";"));
    w->new_line = new_line;
}

struct slice field_end(struct field_writer *w, struct arena *arena)
{
    buf_append(&w->text, "\r\n", 2);
    struct slice field = arena_copy(arena, buf_slice(&w->text));
    buf_free(&w->text);
    return field;
}
