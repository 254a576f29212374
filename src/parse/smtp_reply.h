/* Replies of a next hop (RFC 5321 4.2), line by line, tolerant of the forms servers really send. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct smtp_reply_line {
    uint16_t code;     /* 200…599 */
    bool last;         /* "250 text" or a bare "250", as against "250-text" */
    struct slice text; /* behind code and separator */
};

/* One line without its line end: 0 or -EINVAL. */
int smtp_reply_parse_line(struct slice line, struct smtp_reply_line *ret);

/* An enhanced status code (RFC 3463) at the start of `text`, whose class must be that of `code`:
 * its length ("5.1.1" → 5) or 0. `ret_rest`, where not NULL, is the text behind it and the blanks
 * that follow; untouched when there was no code. */
size_t smtp_enhanced_code(uint16_t code, struct slice text, struct slice *ret_rest);
