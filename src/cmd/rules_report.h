/* The tables of `gatepost rules`. */
#pragma once

#include "journal/rule_history.h"

/* Prints each policy's rules to standard output; `mine`: the one of which it is known which rules
 * decided alone, or NULL. Reads the rules of others from the journal. False: it could not, which
 * standard error tells. */
bool rules_report(const struct replay_tally *t, const struct rule_history *h,
                  const struct policy *mine, const char *journal, bool json);
