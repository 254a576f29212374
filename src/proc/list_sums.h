/* DNS lists as all workers together see them, from the status board. */
#pragma once

#include <stddef.h>

#include "proc/board.h"

struct list_sum {
    struct board_list list; /* since and why of one that finds it unwell */
    unsigned workers;       /* that use it */
    unsigned unwell_in;     /* of these */
};

struct list_sums {
    struct list_sum *items;
    size_t count;
    unsigned unshown; /* further ones, of which workers tell nothing */
};

/* Adds what one worker sees. */
void list_sums_add(struct list_sums *sums, const struct board_worker *w);

/* "well", "unwell" or "partly unwell". */
const char *list_sum_state(const struct list_sum *s);

void list_sums_free(struct list_sums *sums);
