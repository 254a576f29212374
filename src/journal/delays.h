/* How long many things took, counted by seconds up to an hour and by minutes beyond, up to a year.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

/* Begins as {0}; to be freed. */
struct delays {
    uint32_t *counts;
    size_t size;
};

/* delay: from 0. */
void delays_add(struct delays *d, usec_t delay);

/* The one in the middle, rounded down to what is counted by; 0 of none. */
usec_t delays_median(const struct delays *d);

void delays_free(struct delays *d);
