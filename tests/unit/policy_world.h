/* What the tests of the evaluator have in common: conditions and rules made by hand, over facts
 * whose value, cost and time each test sets, and which count how often they are computed. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "policy/evaluate.h"
#include "policy/expression.h"
#include "policy/needs.h"
#include "policy/template.h"
#include "rt/rt.h"
#include "rt/sim.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A fact of a test. */
struct stand_in {
    struct fact fact;
    struct fact_use use;
    struct slice self; /* its parameter: points to itself */
    struct value value;
    usec_t takes; /* computing it */
    int error;    /* what computing it returns instead of a value */
    unsigned computed;
    unsigned order; /* when it was computed first, from 1; 0: never */
    usec_t began;
};

#define STAND_INS_MOST 16
#define RULES_MOST     32

struct policy_world {
    struct arena arena;
    struct evidence e;
    struct fact_counters counters;
    struct stand_in facts[STAND_INS_MOST];
    size_t fact_count;
    unsigned computed; /* facts, so far */

    struct rule rules[RULES_MOST];
    const struct rule *in_order[RULES_MOST];
    size_t rule_count;
    struct policy policy;
    struct policy_run run;
    struct ruling ruling;
};

int policy_world_setup(void **state);
int policy_world_teardown(void **state);

/* ---- facts ---- */

/* A remembered fact that is known to be `v` once it is computed. */
struct stand_in *stand_in(struct policy_world *w, enum fact_cost cost, struct value v);
/* The same, computed already. */
struct stand_in *known(struct policy_world *w, struct value v);
/* A bool that costs something. */
struct stand_in *costly(struct policy_world *w, enum fact_cost cost, bool b);

struct value text_value(const char *text);
struct value set_value(struct policy_world *w, size_t count, ...); /* of const char * */
struct value ip_value(const char *text);

/* ---- conditions ---- */

struct expression *constant(struct policy_world *w, struct value v);
struct expression *fact_of(struct policy_world *w, const struct stand_in *f);
/* A row of tbl/facts.h without parameters. */
struct expression *real_fact(struct policy_world *w, enum fact_id id);
struct expression *unknown_of(struct policy_world *w, const struct stand_in *f);
/* NOT, AND, OR and comparisons. */
struct expression *join(struct policy_world *w, enum expression_kind kind, struct expression *left,
                        struct expression *right);
/* `text`: entries, separated by blanks, in a table that lives as long as the world. */
struct expression *in(struct policy_world *w, struct expression *left, const char *text);
struct expression *match(struct policy_world *w, enum expression_kind kind, struct expression *left,
                         const char *pattern);

/* ---- rules ---- */

/* Appends a rule to the phase rcpt; conditions may be NULL. */
struct rule *rule(struct policy_world *w, enum rule_kind kind, struct expression *condition);
/* A text with a fact behind it, or without one. */
const struct text_template *text_with(struct policy_world *w, const char *literal,
                                      const struct fact_use *use);

/* Begins the phase rcpt at the moment 0; then steps. */
void begin(struct policy_world *w);
enum policy_step step_at(struct policy_world *w, usec_t now);
enum policy_step step(struct policy_world *w);

/* Has the rule fired, as the `n`th (from 0) of all that have? */
void assert_fired(const struct policy_world *w, size_t n, const struct rule *rule);
void assert_fired_count(const struct policy_world *w, size_t count);
void assert_slice(struct slice s, const char *expected);

/* Runs `fn` as a task in a simulated world; returns how long it took there. */
usec_t run_in_task(void (*fn)(void *arg), void *arg);
