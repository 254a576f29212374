/* What a policy's text says, as trees: made by the parser, which knows words but not what they
 * stand for, read by the compiler, which gives names and values their meaning. All of it lives as
 * long as the policy. Internal to src/policy. */
#pragma once

#include "base/buf.h"
#include "policy/expression.h"
#include "policy/policy.h"
#include "policy/table.h"

/* A word, or a string without quotes and escapes, where it stands. */
struct word {
    struct slice text;
    struct place place;
    const char *raw; /* its first octet in the source; NULL: there is none */
};

enum term_kind {
    TERM_WORD,    /* word: a fact, a set or a constant */
    TERM_CALL,    /* word, parameters: a fact */
    TERM_STRING,  /* word */
    TERM_UNKNOWN, /* left: WORD or CALL, or a MATCH of these */
    TERM_NOT,     /* left */
    TERM_AND,     /* items, two at least */
    TERM_OR,
    TERM_COMPARE, /* left, right, compare, word: the operator */
    TERM_IN,      /* left, and list or word: a table's name or a network */
    TERM_MATCH,   /* left, compare (MATCH or NOT_MATCH), word: the pattern, or a table's name */
};

struct term {
    enum term_kind kind;
    struct place place; /* where it begins */
    struct word word;
    struct term *left;
    struct term *right;
    struct term **items;
    const struct word *parameters;
    size_t count; /* of items or parameters */
    enum expression_kind compare;
    struct table_syntax *list;
};

struct table_syntax {
    struct word name; /* empty: a list in an expression, whose place it has */
    struct word path; /* of its file, or not given */
    const struct table_entry *entries;
    size_t entry_count;
    unsigned order; /* among all tables and sets */
    bool standard;  /* the standard policy has it */
    bool broken;    /* an error has been told already */
    bool used;
    struct policy_table *table; /* made by the compiler; NULL: broken */
};

enum set_state { SET_NEW, SET_BUILDING, SET_DONE };

struct set_syntax {
    struct word name;
    const struct term *value; /* NULL: an error has been told already */
    unsigned order;
    bool standard;
    bool used;
    enum set_state state;     /* of the compiler, as what follows */
    struct set_syntax *outer; /* while it is built: the set that asked for it */
    bool result;              /* when DONE: it is the word of a result, and has no node */
    struct node *node;        /* when DONE; NULL: broken */
};

struct rule_syntax {
    enum rule_kind kind;
    enum phase phase;
    bool observe;
    bool silent;
    bool all;
    struct word action;
    struct word now; /* these are not given where the rule has none */
    struct word code;
    struct word enhanced;
    struct word amount;
    struct word text;
    const struct term *when;
    const struct term *unless;
    struct place place;
    struct slice shown; /* its text in one line */
};

struct syntax {
    struct buf rules;  /* struct rule_syntax *, in their order */
    struct buf tables; /* struct table_syntax *, without lists */
    struct buf sets;   /* struct set_syntax * */
};

static inline bool word_given(const struct word *w)
{
    return w->raw != NULL;
}

/* Is it a string, and not a bare word? */
static inline bool word_is_string(const struct word *w)
{
    return w->raw != NULL && w->raw[0] == '"';
}

/* Where octet `offset` of a string's text stands in the source, whatever escapes come before. */
struct place word_place(const struct word *string, size_t offset);

/* Room for word_show with the terminating NUL. */
#define WORD_SHOWN_MAX 64

/* "TEXT" in quotes, cut when it is long, for findings. Returns `ret_text`. */
const char *word_show(struct slice text, char ret_text[static WORD_SHOWN_MAX]);
