/* What a walk through the rules finds worth asking for. Internal to src/policy. */
#pragma once

#include "policy/evaluate.h"

struct needs {
    const struct fact_use **uses; /* each once; in the evidence's arena */
    size_t count;
    size_t cap;
};

/* Adds a use that is not there yet. */
void needs_add(struct needs *n, const struct fact_use *use, struct arena *arena);

/* expression_truth of a condition, all of which matters only in so far as it may become true. What
 * is open and could decide that goes to `needs`. */
unsigned expression_weigh(const struct expression *x, const struct evidence *e, bool doubt_open,
                          struct needs *needs);

/* Asks for these facts together, each in a task of its own but the last. 0 or -ECANCELED. Suspends.
 */
int needs_ask_together(const struct fact_use **uses, size_t count, const struct evidence *e);

/* Adds what a text would like to know. Are there any? */
bool template_weigh(const struct text_template *t, const struct evidence *e, struct needs *needs);

/* Appends to the ruling what a rule does that fires; its own effect is the caller's, but for doubt.
 * `filled`: its text is wanted. */
void ruling_fire(struct ruling *r, const struct rule *rule, const struct evidence *e, bool filled);
