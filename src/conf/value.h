/* Single values of the configuration: numbers with units, names, paths. Says yes or no; the parser
 * words the error. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum value_kind { VALUE_COUNT, VALUE_SIZE, VALUE_TIME };

/* "12", "64K" or "90s"; 0, -EINVAL for another form, -ERANGE for more than an int64_t holds. A size
 * may have a unit; a time must, unless it is 0. */
int value_parse(enum value_kind kind, struct slice text, int64_t *ret);

/* Room for value_format with the terminating NUL. */
#define VALUE_TEXT_MAX 32

/* In the largest unit that leaves no fraction, as value_parse reads it back. Returns `ret_text`. */
const char *value_format(enum value_kind kind, int64_t value, char ret_text[static VALUE_TEXT_MAX]);

/* The name of a host by RFC 5321 2.3.5: labels of letters, digits and hyphens, no address. */
bool value_is_host(struct slice text);

/* The domain of a mail address: like a host, but RFC 6531 3.3 allows labels in UTF-8. */
bool value_is_domain(struct slice text);

/* An absolute path that fits into PATH_MAX and has no control characters. */
bool value_is_path(struct slice text);

/* The name of a system user as useradd(8) takes it. */
bool value_is_user(struct slice text);

/* A folder in which "%" only begins %{rcpt.local_part} or %{rcpt.domain}. */
bool value_is_template(struct slice text);

/* A name that `table` or `set` gives: a letter or "_", then letters, digits, "_", "-" and ".". */
bool value_is_name(struct slice text);
