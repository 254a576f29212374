/* A condition looked at afterwards, by values that are on record: what it was, and how it is
 * written. Nothing is computed and nobody is asked. */
#pragma once

#include "base/buf.h"
#include "policy/expression.h"

/* Tells the value that a fact had, in `arena`; false where that is not known. */
struct recall {
    bool (*value)(void *arg, const struct fact_use *use, struct arena *arena, struct value *ret);
    void *arg;
};

/* The set of truths (evaluate.h) that the condition had; what is not recalled is unknown. */
unsigned recall_truth(const struct expression *x, const struct recall *recall, struct arena *arena);

/* The condition as it stands in its source, in one line. For one that joins others, by `and`, `or`
 * or `not`, it is the beginning alone. */
void condition_written(const struct expression *x, struct arena *arena, struct buf *ret);
