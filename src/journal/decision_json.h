/* What the files that format a decision share. Internal to src/journal. */
#pragma once

#include <jansson.h>

#include "journal/decision.h"

/* Sets a member; `value` is taken over. */
void decision_put(json_t *object, const char *key, json_t *value);
/* Text of any octets. */
json_t *decision_text(struct slice text);
void decision_put_text(json_t *object, const char *key, struct slice text);

/* rule, fired, observed, doubt, why, facts: those that say something. */
void decision_put_judgement(json_t *object, const struct decision_judgement *j);
