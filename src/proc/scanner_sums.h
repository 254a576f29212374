/* Outside scanners as all workers together see them, from the status board. */
#pragma once

#include <stddef.h>

#include "proc/board.h"

struct scanner_sum {
    struct board_scanner scanner; /* figures summed up; since and error of one that finds it down */
    unsigned workers;             /* that know it */
    unsigned down_in;             /* of these */
};

struct scanner_sums {
    struct scanner_sum *items;
    size_t count;
};

/* Adds what one worker sees. */
void scanner_sums_add(struct scanner_sums *sums, const struct board_worker *w);

/* "well", "down" or "partly down". */
const char *scanner_sum_state(const struct scanner_sum *s);

void scanner_sums_free(struct scanner_sums *sums);
