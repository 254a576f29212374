/* The policy's part in a decision line. Internal to src/journal. */
#pragma once

#include "base/emit.h"
#include "journal/decision.h"

/* Members of the object that is open: rule, fired, observed, doubt, why, facts; those that say
 * something. */
void decision_put_judgement(struct emit *e, const struct decision_judgement *j);
