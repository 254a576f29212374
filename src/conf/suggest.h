/* "Did you mean": the known name that a misspelt one is closest to. */
#pragma once

#include "base/slice.h"

/* The closest of `names`, letters compared without case, or NULL when none is close. `names[i]` is
 * read at `stride` octets from the one before, so that a column of a table can be passed. */
const char *suggest(struct slice misspelt, const char *const *names, size_t count, size_t stride);
