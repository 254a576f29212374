/* See parser.h. */
#include "conf/parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "conf/finding.h"
#include "conf/suggest.h"
#include "conf/value.h"
#include "parse/ascii.h"

/* Of a file's name, the end is shown, of text found in the file, the beginning. */
#define FILE_SHOWN  200
#define OTHER_SHOWN 60 /* of another file's name */
#define FOUND_SHOWN 40

/* Room for `"…"...` with the terminating NUL. */
#define FOUND_TEXT_MAX (FOUND_SHOWN + 16)

struct token parser_peek(struct parser *p)
{
    if (!p->has_token) {
        p->token = lexer_next(&p->lexer);
        p->has_token = true;
    }
    return p->token;
}

struct token parser_take(struct parser *p)
{
    struct token token = parser_peek(p);

    p->has_token = false;
    return token;
}

static void set_excerpt(struct conf_error *error, struct place place)
{
    struct buf lines = {0};

    place_excerpt(place, &lines);
    (void)snprintf(error->excerpt, sizeof(error->excerpt), SLICE_FMT, SLICE_ARG(buf_slice(&lines)));
    buf_free(&lines);
}

/* The end of a file's name. */
static const char *end_of(const char *file, size_t most)
{
    size_t n = strlen(file);

    return file + (n > most ? n - most : 0);
}

static void set_error(struct conf_error *error, const char *file, struct place place,
                      const char *cause)
{
    const int room = (int)sizeof(error->text) - FILE_SHOWN - 32;

    file = end_of(place.source != NULL ? place.source->name : file, FILE_SHOWN);
    if (place.line > 0) {
        (void)snprintf(error->text, sizeof(error->text), "%s:%u:%u: %.*s", file, place.line,
                       place.column, room, cause);
    } else {
        (void)snprintf(error->text, sizeof(error->text), "%s: %.*s", file, room, cause);
    }
    text_clean(error->text, strlen(error->text));
    set_excerpt(error, place);
}

void conf_error_set(struct conf_error *ret, const char *file, struct place place,
                    const char *format, ...)
{
    char cause[sizeof(ret->text)];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(cause, sizeof(cause), format, ap);
    va_end(ap);
    set_error(ret, file, place, cause);
}

int parser_fail(struct parser *p, struct place place, const char *format, ...)
{
    char cause[sizeof(p->error->text)];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(cause, sizeof(cause), format, ap);
    va_end(ap);
    set_error(p->error, p->file, place, cause);
    return -EINVAL;
}

/* Text from the file, cleaned and cut between two characters. */
static void show(struct slice text, char ret_text[static FOUND_TEXT_MAX])
{
    char shown[FOUND_SHOWN + 1];
    size_t n = text.n;

    if (n > FOUND_SHOWN) {
        n = FOUND_SHOWN;
        while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    memcpy(shown, text.p, n);
    shown[n] = '\0';
    text_clean(shown, n);
    (void)snprintf(ret_text, FOUND_TEXT_MAX, "\"%s\"%s", shown, n < text.n ? "..." : "");
}

int parser_expected(struct parser *p, const struct token *found, const char *what)
{
    char text[FOUND_TEXT_MAX];
    const char *shown = text;

    switch (found->kind) {
    case TOKEN_BAD: return parser_fail(p, found->place, SLICE_FMT, SLICE_ARG(found->text));
    case TOKEN_END: shown = "the end of the file"; break;
    case TOKEN_NEWLINE: shown = "the end of the line"; break;
    case TOKEN_COMMA:
    case TOKEN_OPERATOR:
    case TOKEN_RESERVED:
    case TOKEN_WORD:
    case TOKEN_STRING: show(found->text, text); break;
    }
    return parser_fail(p, found->place, "expected %s, found %s", what, shown);
}

int parser_unknown(struct parser *p, const struct token *found, const char *kind,
                   const char *const *names, size_t count, size_t stride, const char *expected)
{
    char text[FOUND_TEXT_MAX];
    const char *close = suggest(found->text, names, count, stride);

    show(found->text, text);
    if (close != NULL) {
        return parser_fail(p, found->place, "unknown %s %s, did you mean \"%s\"?", kind, text,
                           close);
    }
    return parser_fail(p, found->place, "unknown %s %s, expected %s", kind, text, expected);
}

int parser_repeated(struct parser *p, const struct token *found, const char *what,
                    struct place first)
{
    char text[FOUND_TEXT_MAX], where[OTHER_SHOWN + 4] = "";

    show(found->text, text);
    if (first.source != found->place.source) {
        (void)snprintf(where, sizeof(where), "%s, ", end_of(first.source->name, OTHER_SHOWN));
    }
    return parser_fail(p, found->place,
                       "expected each %s once, found %s again (the first is in %sline %u)", what,
                       text, where, first.line);
}

static bool is_value(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_STRING;
}

int parser_value(struct parser *p, const char *what, struct token *ret)
{
    struct token token = parser_peek(p);

    if (!is_value(&token)) {
        return parser_expected(p, &token, what);
    }
    *ret = parser_take(p);
    return 0;
}

int parser_keyword(struct parser *p, const char *keyword, const char *what)
{
    struct token token = parser_peek(p);

    if (token.kind != TOKEN_WORD || !slice_eq(token.text, slice_of(keyword))) {
        return parser_expected(p, &token, what);
    }
    (void)parser_take(p);
    return 0;
}

bool parser_comma(struct parser *p)
{
    if (parser_peek(p).kind != TOKEN_COMMA) {
        return false;
    }
    (void)parser_take(p);
    return true;
}

int parser_end(struct parser *p)
{
    struct token end = parser_peek(p);

    if (end.kind != TOKEN_NEWLINE && end.kind != TOKEN_END) {
        return parser_expected(p, &end, "the end of the line");
    }
    return 0;
}

char *parser_keep(struct parser *p, struct slice text)
{
    return (char *)arena_copy(&p->whole->arena, text).p;
}

char *parser_keep_lower(struct parser *p, struct slice text)
{
    char *kept = parser_keep(p, text);

    ascii_lower_copy(kept, kept, text.n);
    return kept;
}

int parser_switch(struct parser *p, bool *ret)
{
    static const char what[] = "on or off";
    struct token token = parser_peek(p);
    bool on = is_value(&token) && slice_eq(token.text, SLICE_LIT("on"));

    if (!on && !(is_value(&token) && slice_eq(token.text, SLICE_LIT("off")))) {
        return parser_expected(p, &token, what);
    }
    (void)parser_take(p);
    *ret = on;
    return 0;
}

int parser_path(struct parser *p, const char *what, char **ret)
{
    struct token token = parser_peek(p);

    if (!is_value(&token) || !value_is_path(token.text)) {
        return parser_expected(p, &token, what);
    }
    *ret = parser_keep(p, parser_take(p).text);
    return 0;
}
