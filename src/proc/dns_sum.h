/* The DNS as all workers together find it, from the status board. */
#pragma once

#include "proc/board.h"

struct dns_sum {
    struct board_dns dns; /* its figures summed up; since and trouble of one that has it, else of
                             the first to know */
    unsigned workers;     /* that ask it, and know how it is */
    unsigned down_in;     /* of these */
};

/* Adds what one worker sees. */
void dns_sum_add(struct dns_sum *sum, const struct board_worker *w);

/* "none" (by configuration), "unknown" (yet), "well", "down" or "partly down". */
const char *dns_sum_state(const struct dns_sum *s);
