/* The configuration file's words. Takes any octets apart and never fails otherwise than by a
 * TOKEN_BAD; knows nothing of statements.
 *
 * A newline ends a statement except after a comma. Words end at blanks, commas, quotes, parentheses
 * and braces; "%{" opens a brace that belongs to the word. Parentheses and braces on their own are
 * reserved. "#" where a word could begin is a comment. Strings are JSON strings (RFC 8259 7). */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

struct place {
    unsigned line;
    unsigned column; /* in octets, from 1 */
};

enum token_kind {
    TOKEN_WORD,
    TOKEN_STRING,
    TOKEN_COMMA,
    TOKEN_RESERVED,
    TOKEN_NEWLINE,
    TOKEN_END,
    TOKEN_BAD,
};

struct token {
    enum token_kind kind;
    struct slice text; /* a string's without quotes and escapes; what is wrong, for TOKEN_BAD */
    struct place place;
};

struct lexer {
    const char *next;
    const char *end;
    const char *line_start;
    unsigned line;
    bool after_comma;
    struct arena *arena; /* holds strings that had escapes, and causes */
};

/* `text` must live as long as the tokens. */
void lexer_init(struct lexer *l, struct slice text, struct arena *arena);

/* The next token. Behind the last one TOKEN_END for ever; behind a TOKEN_BAD do not go on. */
struct token lexer_next(struct lexer *l);
