/* The numbers at the end of `gatepost replay`. */
#pragma once

#include "journal/replay_tally.h"

/* In words and tables, or as one line of JSON. */
void replay_report(const struct replay_tally *t, const struct policy *policy, FILE *out);
void replay_report_json(const struct replay_tally *t, const struct policy *policy, FILE *out);
