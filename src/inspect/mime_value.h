/* The body of Content-Type or Content-Disposition (RFC 2045 5.1, RFC 2183, RFC 2231), read as the
 * most lenient readers do, with what is odd about it. */
#pragma once

#include "inspect/anomaly.h"

struct mime_parameter {
    struct slice name;  /* in lower case, without "*" and numbers */
    struct slice value; /* without quotes; not decoded */
    int piece;          /* its number (RFC 2231 3), or -1 */
    bool encoded;       /* by RFC 2231 4 */
    bool quoted;
};

#define MIME_PARAMETERS_MOST 64

struct mime_value {
    struct slice token; /* "text/html" or "attachment", in lower case */
    struct mime_parameter parameters[MIME_PARAMETERS_MOST];
    size_t count;
};

/* Reads it; what is in *ret is in scratch memory. */
void mime_value_read(struct inspect_run *run, struct slice body, struct mime_value *ret);

/* Calls fn for each reading of the parameter of that name: as one text decoded and in UTF-8, put
 * together from its pieces, and each one of several. Returns how many there were. */
size_t mime_value_each(struct inspect_run *run, const struct mime_value *v, const char *name,
                       void (*fn)(void *arg, struct slice value), void *arg);

/* The first of them, not decoded; "" when there is none. */
struct slice mime_value_first(const struct mime_value *v, const char *name, bool *ret_quoted);
