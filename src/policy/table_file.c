/* A table's file: one entry a line, in the words that a policy has too. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/table_content.h"

/* Some editors put U+FEFF in front of UTF-8. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct table_reader {
    struct lexer lexer;
    struct token token; /* the next one */
    char *why;
    size_t why_size;
};

static void advance(struct table_reader *r)
{
    r->token = lexer_next(&r->lexer);
}

/* "expected WHAT, found …", or what the lexer had to say. */
static int expected(struct table_reader *r, const char *what)
{
    const struct token *t = &r->token;
    char shown[ENTRY_SHOWN_MAX];

    if (t->kind == TOKEN_BAD) {
        (void)snprintf(r->why, r->why_size, SLICE_FMT, SLICE_ARG(t->text));
    } else if (t->kind == TOKEN_END || t->kind == TOKEN_NEWLINE) {
        (void)snprintf(r->why, r->why_size, "expected %s, found the end of the line", what);
    } else {
        (void)snprintf(r->why, r->why_size, "expected %s, found %s", what,
                       entry_show(t->text, shown));
    }
    return -EINVAL;
}

/* Takes one entry. */
static int take_entry(struct table_reader *r, struct table_entry *ret)
{
    *ret = (struct table_entry){.place = r->token.place};
    if (r->token.kind == TOKEN_WORD && r->token.text.p[0] == '!') {
        ret->negated = true;
        r->token.text.p++;
        r->token.text.n--;
        if (r->token.text.n == 0) {
            advance(r);
            if (r->token.kind != TOKEN_STRING) {
                return expected(r, "an entry right behind \"!\"");
            }
        }
    }
    if (r->token.kind != TOKEN_WORD && r->token.kind != TOKEN_STRING) {
        return expected(r, "one entry a line");
    }
    ret->text = r->token.text;
    ret->quoted = r->token.kind == TOKEN_STRING;
    advance(r);
    if (r->token.kind != TOKEN_NEWLINE && r->token.kind != TOKEN_END) {
        return expected(r, "one entry a line");
    }
    return 0;
}

static struct place in_file(unsigned line, unsigned column)
{
    return (struct place){.line = line, .column = column};
}

/* Where an entry is wrong: at the token that does not fit, unless its line has ended. */
static struct place wrong_at(const struct table_reader *r, const struct table_entry *entry)
{
    const struct place *at =
        r->token.place.line == entry->place.line ? &r->token.place : &entry->place;

    return in_file(at->line, at->column);
}

static int read_entries(struct table_reader *r, struct table_content *c, struct place *ret_at)
{
    struct table_entry entry;
    uint32_t number = 0;
    int error = 0;

    for (advance(r); r->token.kind != TOKEN_END;) {
        if (r->token.kind == TOKEN_NEWLINE) {
            advance(r);
            continue;
        }
        error = take_entry(r, &entry);
        if (error < 0) {
            *ret_at = wrong_at(r, &entry);
            return error;
        }
        number = entry.place.line;
        error = table_content_add(c, &entry, number, r->why, r->why_size);
        if (error < 0) {
            *ret_at = in_file(number, entry.place.column);
            return error;
        }
    }
    error = table_content_finish(c, &number, r->why, r->why_size);
    if (error < 0) {
        *ret_at = in_file(number, 1);
    }
    return error;
}

static struct place place_of(struct slice text, const char *at)
{
    struct place place = in_file(1, 1);

    for (const char *p = text.p; p < at; p++) {
        place.column++;
        if (*p == '\n') {
            place = in_file(place.line + 1, 1);
        }
    }
    return place;
}

/* What is no text at all, or too much of it. */
static int check_octets(struct slice text, struct place *ret_at, char *ret_why, size_t why_size)
{
    const char *nul = text.n > 0 ? memchr(text.p, '\0', text.n) : NULL;

    if (text.n > TABLE_FILE_MOST) {
        *ret_at = in_file(1, 1);
        (void)snprintf(ret_why, why_size, "expected at most %zu MiB", TABLE_FILE_MOST >> 20);
        return -EINVAL;
    }
    if (nul != NULL) {
        *ret_at = place_of(text, nul);
        (void)snprintf(ret_why, why_size, "expected text, found the octet 0x00");
        return -EINVAL;
    }
    return 0;
}

static struct digest digest_of(struct slice text)
{
    struct digest_stream *d = digest_stream_new();

    digest_stream_init(d);
    digest_stream_update(d, text.p, text.n);
    struct digest digest = digest_stream_finish(d);
    digest_stream_free(d);
    return digest;
}

int table_content_parse(struct slice text, struct table_content **ret, struct place *ret_at,
                        char *ret_why, size_t why_size)
{
    static const struct slice mark = SLICE_LIT(BYTE_ORDER_MARK);
    struct source source = {.name = ""};
    struct table_reader r = {.why = ret_why, .why_size = why_size};
    struct arena arena;

    /* The configuration's reader takes it off already: it makes no difference. */
    if (text.n >= mark.n && memcmp(text.p, mark.p, mark.n) == 0) {
        text = (struct slice){text.p + mark.n, text.n - mark.n};
    }
    int error = check_octets(text, ret_at, ret_why, why_size);
    if (error < 0) {
        return error;
    }
    source.text = text;
    struct table_content *c = table_content_begin();
    c->from_file = true;
    c->digest = digest_of(text);
    arena_init(&arena);
    lexer_init(&r.lexer, &source, &arena);
    r.lexer.mode = LEXER_ENTRIES;
    error = read_entries(&r, c, ret_at);
    arena_free(&arena);
    if (error < 0) {
        (void)table_content_free(c);
        return error;
    }
    *ret = c;
    return 0;
}
