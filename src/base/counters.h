/* Everything that is counted, a member for each row of tbl/counters.h. One for each worker, in its
 * own memory: plain ++ is how to count. */
#pragma once

#include <stdint.h>

struct counters {
#define COUNTER(name, prose) uint64_t name;
#include "tbl/counters.h"
#undef COUNTER
};

#define COUNTER_COUNT (sizeof(struct counters) / sizeof(uint64_t))
