/* The words of configuration files, policies and tables (docs/GRAMMAR.md). Takes any octets apart
 * and never fails otherwise than by a TOKEN_BAD; knows nothing of statements and rules.
 *
 * Words end at blanks, control characters, commas, quotes, parentheses and braces; "%{" opens a
 * brace that belongs to the word. Parentheses and braces on their own are reserved. "#" where a
 * word could begin is a comment. Strings are JSON strings (RFC 8259 7) in one line.
 *
 * A newline is a token, but not behind a comma, not in front of the word "and", "or", "when" or
 * "unless" (unless entries are read), and not inside the parentheses of an expression. Newlines
 * that follow each other over blank and comment lines are one token, at the first of them. Inside
 * the braces of a table or list newlines are tokens; the parser takes them for separators.
 *
 * What a word is made of depends on the mode, which the parser may change between tokens: before it
 * has looked at the next one. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

/* A file that was read, for the wording of findings. */
struct source {
    const char *name; /* as given for the first file; absolute for those that others name */
    struct slice text;
    const struct source *from; /* the file that names this one; NULL for the first */
};

struct place {
    unsigned line;
    unsigned column; /* in octets, from 1 */
    const struct source *source;
};

enum lexer_mode {
    LEXER_STATEMENTS,
    LEXER_EXPRESSIONS, /* operators are tokens of their own and end words; a "!" that is not part of
                          one is bad; newlines inside parentheses do not count */
    LEXER_ENTRIES,     /* of a table or list: a word that begins with "/" or "!/" is a pattern and
                          runs to the next "/" in its line that no backslash escapes, and an "i"
                          behind; whatever is between belongs to it. A "!" in front of a string, or
                          alone, is a word of its own */
};

enum token_kind {
    TOKEN_WORD, /* a pattern with its slashes and "i" */
    TOKEN_STRING,
    TOKEN_COMMA,
    TOKEN_OPERATOR, /* == != < <= > >= ~ !~ = */
    TOKEN_RESERVED, /* ( ) { } */
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
    enum lexer_mode mode; /* of the next token; the caller may change it */
    unsigned parentheses; /* open in LEXER_EXPRESSIONS; set to 0 to go on after an error */
    const struct source *source;
    const char *next; /* behind the last token */
    const char *end;
    const char *line_start;
    unsigned line;
    bool skip_lines;     /* the last token was a comma or a newline */
    struct arena *arena; /* holds strings that had escapes, and causes */
};

/* Begins with the first octet of a file, in LEXER_STATEMENTS. `source` and its text must live as
 * long as the tokens and their places. */
void lexer_init(struct lexer *l, const struct source *source, struct arena *arena);

/* The same with a part of it, which begins at `of_part`, such as a struct conf_block. */
void lexer_init_part(struct lexer *l, const struct source *source, struct slice part,
                     struct place of_part, struct arena *arena);

/* The next token. Behind the last one TOKEN_END for ever; behind a TOKEN_BAD do not go on. */
struct token lexer_next(struct lexer *l);
