/* Next hops as all workers together see them, from the status board. */
#pragma once

#include <stddef.h>

#include "proc/board.h"

struct hop_sum {
    struct board_hop hop; /* its figures summed up; since and error of one that finds it down */
    unsigned workers;     /* that know it */
    unsigned down_in;     /* of these */
};

struct hop_sums {
    struct hop_sum *items;
    size_t count;
    unsigned unshown; /* further ones, of which workers tell nothing */
};

/* Adds what one worker sees. */
void hop_sums_add(struct hop_sums *sums, const struct board_worker *w);

/* "well", "down" or "partly down". */
const char *hop_sum_state(const struct hop_sum *s);

void hop_sums_free(struct hop_sums *sums);
