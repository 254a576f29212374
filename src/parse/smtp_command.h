/* Command lines: verb, argument, and the parameters of MAIL and RCPT (RFC 5321 4.1.1, 4.1.2). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Splits a line (without CRLF) at the first space: `verb` is what is before, `argument` the rest
 * with surrounding spaces and tabs removed. */
void smtp_command_split(struct slice line, struct slice *ret_verb, struct slice *ret_argument);

/* One "KEYWORD[=value]" of MAIL or RCPT. */
struct smtp_param {
    struct slice keyword;
    struct slice value;
    bool has_value;
};

/* Takes the next parameter off `*rest` (leading spaces skipped). 1 when there was one, 0 at the
 * end, -EINVAL for what RFC 5321 esmtp-param does not allow (then nothing is taken off). */
int smtp_param_next(struct slice *rest, struct smtp_param *ret);

/* A decimal number of at most 20 digits: 0, or -EINVAL (empty, other characters) or -ERANGE. */
int smtp_number_parse(struct slice text, uint64_t *ret);

/* BDAT's argument, "SIZE [LAST]" (RFC 3030): 0, -EINVAL or -ERANGE. */
int smtp_bdat_parse(struct slice argument, uint64_t *ret_size, bool *ret_last);
