/* Conditions as trees. Made by the parser, typed by the checker, read by the evaluator. A name that
 * `set` gives stands for its tree: several rules may share one. */
#pragma once

#include "conf/lexer.h"
#include "fact/fact.h"

struct pattern;
struct policy_table;

/* An evaluation goes through a condition as a tree, on the stack of a task: how high it is at most,
 * and how many parts it has where each name stands for all of its own. */
#define TREE_DEPTH_MOST  100
#define TREE_WEIGHT_MOST 4000

enum expression_kind {
    EXPRESSION_CONSTANT, /* value */
    EXPRESSION_FACT,     /* use */
    EXPRESSION_UNKNOWN,  /* unknown(use) */
    EXPRESSION_NOT,      /* left */
    EXPRESSION_AND,      /* left, right */
    EXPRESSION_OR,
    EXPRESSION_EQUAL, /* left, right, as all comparisons */
    EXPRESSION_NOT_EQUAL,
    EXPRESSION_LESS,
    EXPRESSION_LESS_EQUAL,
    EXPRESSION_GREATER,
    EXPRESSION_GREATER_EQUAL,
    EXPRESSION_IN,        /* left, table (a list in braces is a table without a name) */
    EXPRESSION_MATCH,     /* left, pattern */
    EXPRESSION_NOT_MATCH, /* left, pattern */
};

struct expression {
    enum expression_kind kind;
    enum value_type type; /* set by the checker; of all but CONSTANT and FACT a BOOL */
    struct place place;   /* where it begins */
    struct expression *left;
    struct expression *right;
    const struct fact_use *use;
    struct value value;
    struct slice word; /* of a constant: as written, a string without its quotes */
    struct policy_table *table;
    struct pattern *pattern;
};

/* Calls `fn` with each fact that a condition names, as often as it does; NULL: none. */
void expression_each_use(const struct expression *x,
                         void (*fn)(void *arg, const struct fact_use *use), void *arg);
