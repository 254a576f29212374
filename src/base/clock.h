/* The kernel's clocks. What also runs in the simulated world asks rt_now and rt_wall instead. */
#pragma once

#include "base/time.h"

usec_t clock_monotonic(void);

/* Since 1970-01-01 UTC. */
usec_t clock_wall(void);
