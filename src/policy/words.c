/* See words.h. */
#include "policy/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void words_init(struct words *w, struct slice text, struct place place, struct arena *arena,
                struct findings *findings)
{
    *w = (struct words){.findings = findings};
    lexer_init_part(&w->lexer, place.source, text, place, arena);
}

void words_free(struct words *w)
{
    buf_free(&w->shown);
}

struct token words_peek(struct words *w, enum lexer_mode mode)
{
    if (w->has_token && w->before.mode != mode) {
        w->lexer = w->before;
        w->has_token = false;
    }
    if (!w->has_token) {
        w->lexer.mode = mode;
        w->before = w->lexer;
        w->token = lexer_next(&w->lexer);
        w->has_token = true;
    }
    return w->token;
}

/* Where the token just read begins; it ends in the line the lexer is in. */
static const char *raw_of(const struct words *w, const struct token *t)
{
    return w->lexer.line_start + t->place.column - 1;
}

/* Whatever is between two words, a line end or a comment even, is one blank. */
static void show(struct words *w, const struct token *t)
{
    if (t->kind == TOKEN_NEWLINE || t->kind == TOKEN_END || t->kind == TOKEN_BAD) {
        return;
    }
    const char *raw = raw_of(w, t);
    if (w->taken_end != NULL && raw > w->taken_end) {
        buf_append(&w->shown, " ", 1);
    }
    buf_append(&w->shown, raw, (size_t)(w->lexer.next - raw));
    w->taken_end = w->lexer.next;
}

void words_show_begin(struct words *w)
{
    w->shown.n = 0;
    w->taken_end = NULL;
}

struct token words_take(struct words *w, enum lexer_mode mode)
{
    struct token token = words_peek(w, mode);

    show(w, &token);
    w->has_token = false;
    return token;
}

struct word words_take_word(struct words *w, enum lexer_mode mode)
{
    struct token token = words_take(w, mode);

    return (struct word){token.text, token.place, raw_of(w, &token)};
}

bool words_next_is(struct words *w, enum lexer_mode mode, const char *text)
{
    struct token token = words_peek(w, mode);

    return (token.kind == TOKEN_WORD || token.kind == TOKEN_RESERVED ||
            token.kind == TOKEN_OPERATOR) &&
           slice_eq(token.text, slice_of(text));
}

bool words_accept(struct words *w, enum lexer_mode mode, const char *text)
{
    if (!words_next_is(w, mode, text)) {
        return false;
    }
    (void)words_take(w, mode);
    return true;
}

int words_expected(struct words *w, const struct token *found, const char *advice, const char *what)
{
    char text[WORD_SHOWN_MAX];
    const char *shown = text;

    switch (found->kind) {
    case TOKEN_BAD:
        finding_add(w->findings, FINDING_ERROR, found->place, NULL, SLICE_FMT,
                    SLICE_ARG(found->text));
        return -EINVAL;
    case TOKEN_END: shown = "the end"; break;
    case TOKEN_NEWLINE: shown = "the end of the line"; break;
    case TOKEN_WORD:
    case TOKEN_STRING:
    case TOKEN_COMMA:
    case TOKEN_OPERATOR:
    case TOKEN_RESERVED: (void)word_show(found->text, text); break;
    }
    finding_add(w->findings, FINDING_ERROR, found->place, advice, "expected %s, found %s", what,
                shown);
    return -EINVAL;
}

/* Nothing can be made of what is behind a bad token in its line. */
static void skip_bad(struct words *w)
{
    const char *p = w->lexer.next;
    const char *feed = memchr(p, '\n', (size_t)(w->lexer.end - p));

    w->lexer.next = feed != NULL ? feed : w->lexer.end;
    w->lexer.skip_lines = false;
    w->has_token = false;
}

/* To the brace that ends a table or list. */
static void skip_braces(struct words *w)
{
    struct token token;

    while (w->in_braces) {
        token = words_peek(w, LEXER_ENTRIES);
        if (token.kind == TOKEN_BAD) {
            skip_bad(w);
            continue;
        }
        if (token.kind == TOKEN_END || words_next_is(w, LEXER_ENTRIES, "}")) {
            w->in_braces = false;
        }
        (void)words_take(w, LEXER_ENTRIES);
    }
}

/* To the end of the line, or the brace around it. */
static void skip_line(struct words *w)
{
    for (unsigned depth = 0;;) {
        struct token token = words_peek(w, LEXER_STATEMENTS);
        if (token.kind == TOKEN_BAD) {
            skip_bad(w);
            continue;
        }
        bool closing = words_next_is(w, LEXER_STATEMENTS, "}");
        if (token.kind == TOKEN_END || (depth == 0 && (token.kind == TOKEN_NEWLINE || closing))) {
            return;
        }
        depth += words_next_is(w, LEXER_STATEMENTS, "{");
        depth -= closing;
        (void)words_take(w, LEXER_STATEMENTS);
    }
}

bool begins_statement(struct slice word)
{
    static const char *const others[] = {"at", "table", "set", "include", "policy", "observe"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (slice_eq(word, slice_of(others[i]))) {
            return true;
        }
    }
    for (size_t i = 0; i < RULE_KIND_COUNT; i++) {
        if (slice_eq(word, slice_of(actions[i].name))) {
            return true;
        }
    }
    return false;
}

/* Does a statement or rule begin here, or end what it is in? */
static bool at_statement(struct words *w)
{
    struct token token = words_peek(w, LEXER_STATEMENTS);

    return token.kind == TOKEN_END || words_next_is(w, LEXER_STATEMENTS, "}") ||
           (token.kind == TOKEN_WORD && begins_statement(token.text));
}

void words_skip_statement(struct words *w)
{
    bool goes_on = w->cut_short || w->before.parentheses > 0 || w->lexer.parentheses > 0;

    w->cut_short = false;
    skip_braces(w);
    w->lexer.parentheses = 0;
    w->before.parentheses = 0;
    skip_line(w);
    /* What is open may go on in the next lines, which are no statements then. */
    while (goes_on && words_peek(w, LEXER_STATEMENTS).kind == TOKEN_NEWLINE) {
        struct words line = *w;
        (void)words_take(w, LEXER_STATEMENTS);
        if (at_statement(w)) {
            *w = line;
            return;
        }
        skip_line(w);
    }
}

const char *word_show(struct slice text, char ret_text[static WORD_SHOWN_MAX])
{
    size_t n = text.n;

    if (n > WORD_SHOWN_MAX - 8) {
        n = WORD_SHOWN_MAX - 8;
        while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    (void)snprintf(ret_text, WORD_SHOWN_MAX, "\"%.*s\"%s", (int)n, text.p, n < text.n ? "..." : "");
    return ret_text;
}

/* The length of the escape at `p`, which the lexer has found good, and of the text it stands for:
 * in UTF-8, one octet up to U+007F, two up to U+07FF, four for a surrogate pair. */
static size_t escape_length(const char *p, size_t *ret_decoded)
{
    char digits[5] = {0};

    *ret_decoded = 1;
    if (p[1] != 'u') {
        return 2;
    }
    memcpy(digits, p + 2, 4);
    unsigned long c = strtoul(digits, NULL, 16);
    if (c >= 0xd800 && c <= 0xdbff) {
        *ret_decoded = 4;
        return 12;
    }
    *ret_decoded = 1u + (c >= 0x80) + (c >= 0x800);
    return 6;
}

struct place word_place(const struct word *string, size_t offset)
{
    const char *p = string->raw + 1;
    struct place place = string->place;

    while (offset > 0) {
        size_t decoded = 1;
        size_t raw = *p == '\\' ? escape_length(p, &decoded) : 1;
        if (offset < decoded) {
            break;
        }
        offset -= decoded;
        p += raw;
    }
    place.column += (unsigned)(p - string->raw);
    return place;
}
