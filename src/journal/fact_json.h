/* Facts read back from a record: the other side of what judgement.c writes. Internal to
 * src/journal.
 */
#pragma once

#include <jansson.h>

#include "fact/fact.h"

/* The value that `recorded` stands for, which belongs to the fact; its texts are those of
 * `recorded`, a set's list is in `arena`. *ret_cut: it is the beginning of a text. False for NULL
 * and for what is no value of that fact; then nothing is set. */
bool fact_from_json(const struct fact *fact, const json_t *recorded, struct arena *arena,
                    struct value *ret, bool *ret_cut);
