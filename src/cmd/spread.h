/* Work in several processes at the same time, each with its part, and its output in order. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/slice.h"

struct spread {
    unsigned parts;
    /* Does a part, in a process of its own: writes lines for people or programs, and then what is
     * to be added up. False: it could not, and has said why on standard error. */
    bool (*work)(void *arg, unsigned part, FILE *lines, FILE *sum);
    /* Adds up: called here for each part in order. False: that is no sum. */
    bool (*add)(void *arg, struct slice sum);
    void *arg;
};

/* How many parts are worth their while for that many pieces of work: one for each processor that
 * this process may use. */
unsigned spread_parts(uint64_t pieces);

/* Does all parts; then copies their lines to `out` in the order of the parts. False when one could
 * not, or was killed, which standard error tells; `out` is the caller's to look at. */
bool spread_run(const struct spread *s, FILE *out);
