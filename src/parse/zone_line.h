/* Internal to parse/zone_file.c: the words of a zone file, one after the other, and how it is told
 * that one is not what was expected. */
#pragma once

#include <stdbool.h>

#include "parse/zone_file.h"

enum zone_token_kind { ZONE_TOKEN_WORD, ZONE_TOKEN_STRING, ZONE_TOKEN_LINE_END, ZONE_TOKEN_END };

struct zone_token {
    enum zone_token_kind kind;
    struct slice text; /* without the quotes; escapes as they are */
    unsigned line;
    unsigned column;
};

/* What is shared while one entry is read. */
struct zone_line {
    struct zone_reader *r;
    struct arena *arena;
    struct zone_entry *entry;
    struct zone_problem *problem;
    struct zone_token t; /* the one to be looked at */
};

/* Tells what is wrong, and where; always -EINVAL. */
int zone_fail_at(const struct zone_line *e, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same of the token: "expected a TTL, not "x"". */
int zone_expected(const struct zone_line *e, const char *what);

/* Takes the next token: 0 or -EINVAL. Blanks, comments, and what parentheses join lie behind it
 * then. */
int zone_advance(struct zone_line *e);

/* Does a blank stand next in the file? */
bool zone_blank_is_next(const struct zone_reader *r);

/* The octet at *at of a token's text, which goes on behind it: 0…255, with 256 added where it was
 * escaped; -1: \ and three digits that are no octet. */
int zone_next_octet(struct slice text, size_t *at);

static inline bool zone_at_line_end(const struct zone_line *e)
{
    return e->t.kind == ZONE_TOKEN_LINE_END || e->t.kind == ZONE_TOKEN_END;
}

static inline bool zone_is_word(const struct zone_line *e, const char *word)
{
    return e->t.kind == ZONE_TOKEN_WORD && slice_eq_nocase(e->t.text, slice_of(word));
}
