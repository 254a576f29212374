/* The answer of one inspection, from its beginning to its end. */
#pragma once

#include "inspect/inspect_impl.h"

/* An empty answer, and the run's scratch memory. */
void inspect_answer_begin(struct inspect_run *run);

/* Enters the sets of texts and what is open; scratch memory is given back. */
void inspect_answer_end(struct inspect_run *run);

/* Writes the text as UTF-8 into `out`, which has that room; what is none becomes U+FFFD. Returns
 * how many octets there are. */
size_t inspect_utf8(struct slice text, char *out, size_t room, bool *ret_cut);
