/* What `gatepost status --json` prints, made from the status board. */
#pragma once

#include <jansson.h>

#include "base/time.h"
#include "proc/board.h"

/* `now` is the monotonic clock's. Running out of memory is fatal. */
json_t *status_json(const struct board *b, usec_t now, usec_t wall);
