/* A record as JSON, in the form of a decision line (gatepost(8)), for those who read the journal by
 * `gatepost log`. */
#pragma once

#include <jansson.h>

#include "journal/record.h"

/* Never NULL; the caller gives it to json_decref. Members are those of a decision line, with the
 * record's number in the journal as `n` in front. */
json_t *journal_record_json(const struct journal_record *r);
