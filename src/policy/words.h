/* The words of a policy one by one, looked at and then taken, and how reading goes on behind an
 * error. Internal to src/policy. */
#pragma once

#include "base/buf.h"
#include "conf/finding.h"
#include "conf/lexer.h"
#include "policy/syntax.h"

struct words {
    struct lexer lexer;
    struct lexer before; /* as it was in front of `token` */
    struct token token;  /* the next one, when has_token, read in before.mode */
    bool has_token;
    bool in_braces;   /* of a table or list */
    bool cut_short;   /* the line ends where an operand was expected: the next may have it */
    struct buf shown; /* what was taken since words_show_begin, in one line */
    const char *taken_end;
    struct findings *findings;
};

/* The words of `text`, which stands at `place`. To be freed, but for what the arena has. */
void words_init(struct words *w, struct slice text, struct place place, struct arena *arena,
                struct findings *findings);

void words_free(struct words *w);

/* The next token, left in place or taken. How it is read is the caller's to know; a token that is
 * looked at in another mode is read again. */
struct token words_peek(struct words *w, enum lexer_mode mode);
struct token words_take(struct words *w, enum lexer_mode mode);
/* The same as a word of the syntax, which it must be. */
struct word words_take_word(struct words *w, enum lexer_mode mode);

/* Is the word, operator or brace `text` next? words_accept takes it then. */
bool words_next_is(struct words *w, enum lexer_mode mode, const char *text);
bool words_accept(struct words *w, enum lexer_mode mode, const char *text);

/* Begins to keep what is taken, from the next token on. */
void words_show_begin(struct words *w);

/* Adds the error "expected WHAT, found …", or what the lexer had to say; always -EINVAL. `advice`
 * may be NULL. */
int words_expected(struct words *w, const struct token *found, const char *advice,
                   const char *what);

/* Is it a word with which a statement, a part of a policy or a rule begins? */
bool begins_statement(struct slice word);

/* Behind an error: goes on to the end of the statement, or to the brace that ends what it is in;
 * neither is taken. */
void words_skip_statement(struct words *w);
