/* The tables of `gatepost rules`. */
#pragma once

#include "journal/replay_tally.h"

/* Prints each policy's rules to standard output; `mine`: the one of which it is known which rules
 * decided alone, or NULL. Reads the rules of others from the journal. False: it could not, which
 * standard error tells. */
bool rules_report(const struct replay_tally *t, const struct policy *mine, const char *journal,
                  bool json);
