/* From a policy's text to its syntax (docs/GRAMMAR.md). Errors go to the findings and reading goes
 * on behind them, so that all of them are told. Internal to src/policy. */
#pragma once

#include "conf/conf.h"
#include "policy/syntax.h"
#include "policy/words.h"

/* Of parentheses and `not`s inside each other. */
#define NESTING_MOST 100

struct policy_parser {
    struct words words;
    const struct conf *conf;
    struct findings *findings;
    struct arena *arena; /* as long as the policy */
    struct syntax *syntax;
    bool standard; /* what is read is the standard policy */
    unsigned nesting;
    unsigned order;              /* tables and sets so far */
    struct place standard_place; /* of `policy standard`; line 0: none yet */
    size_t policies;
};

/* Reads all blocks of the configuration, and the standard policy where they ask for it or have no
 * policy. */
void policy_parse(const struct conf *conf, struct findings *findings, struct arena *arena,
                  struct syntax *ret);

void syntax_free(struct syntax *s);

/* conf/standard.policy, for the places of its findings. */
extern const struct source policy_standard_source;

/* ---- the parser's files among themselves; 0, or -EINVAL when an error was added ---- */

/* What follows `table` and `set`. The name is known afterwards even if what it stands for is not.
 */
int syntax_table(struct policy_parser *p);
int syntax_set(struct policy_parser *p);

/* Entries and the closing brace; the opening one has been taken. */
int syntax_entries(struct policy_parser *p, struct table_syntax *ret);

/* One rule. */
int syntax_rule(struct policy_parser *p, enum phase phase);

/* An expression; NULL when an error was added. */
struct term *syntax_expression(struct policy_parser *p);

/* "expected WHAT, found …" for the next token. */
int syntax_expected(struct policy_parser *p, enum lexer_mode mode, const char *advice,
                    const char *what);

/* Takes a string; `what` says which, for the error. */
int syntax_string(struct policy_parser *p, enum lexer_mode mode, const char *what,
                  struct word *ret);
