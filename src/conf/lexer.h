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

/* A file that was read, for the wording of findings. */
struct source {
    const char *name;
    struct slice text;
};

struct place {
    unsigned line;
    unsigned column; /* in octets, from 1 */
    const struct source *source;
};

/* What words are made of, see docs/GRAMMAR.md. */
enum lexer_mode {
    LEXER_STATEMENTS,
    LEXER_EXPRESSIONS, /* operators are tokens of their own and end words */
    LEXER_ENTRIES,     /* of a table: a word that begins with "/" or "!/" is a pattern and runs to the
                          next "/" without a backslash before it, and an "i" behind; whatever is
                          between belongs to it */
};

enum token_kind {
    TOKEN_WORD,
    TOKEN_STRING,
    TOKEN_COMMA,
    TOKEN_OPERATOR, /* == != < <= > >= ~ !~ = */
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
