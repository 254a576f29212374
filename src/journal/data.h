/* What the commands print with --json, built of jansson's values from texts that came from outside.
 * Internal to src/journal and src/cmd. */
#pragma once

#include <jansson.h>

#include "base/slice.h"

/* Sets a member; `value` is taken over. */
void data_put(json_t *object, const char *key, json_t *value);

/* Text of any octets: one that is not UTF-8 becomes the character of the same number, as in a
 * decision line. */
json_t *data_text(struct slice text);
void data_put_text(json_t *object, const char *key, struct slice text);
/* The same, unless it is empty. */
void data_put_some(json_t *object, const char *key, struct slice text);

/* A text made by printf. */
void data_put_format(json_t *object, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The object that a text is, for json_decref; NULL where it is none, as where it is empty. */
json_t *data_load(struct slice text);
