/* Counting for `gatepost status`: from verdicts and replies to the rows of tbl/counters.h. */
#pragma once

#include "base/counters.h"
#include "route/answer.h"

/* A decision: the words are those of the decision line. */
void count_end(struct counters *c, const char *phase, const char *verdict);
/* A 421 of ours that ends a connection. */
void count_goodbye(struct counters *c, enum reply_name name);
/* A reply to RCPT; one without a code was never given. */
void count_rcpt(struct counters *c, const struct answer *a);
