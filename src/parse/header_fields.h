/* The fields of a message's header (RFC 5322 2.2), read in place.
 *
 * A header is one slice from the message's first octet on; the body may follow. A line ends in LF,
 * with a CR before it or not, because BDAT can bring such lines; the first empty line ends the
 * header. Nothing a stranger writes is an error here: a line that is no field is passed on as such.
 * Names are compared without case. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct header_field {
    struct slice name; /* empty for what is no field: no colon, or no name that RFC 5322 allows */
    struct slice body; /* behind the colon, with its folds, without the final CRLF; of what is no
                        * field all of it */
};

/* Takes the next field, or what stands in its place, off the front of *rest. A line that begins
 * with a blank belongs to the one before. False at the empty line, and where nothing is left; both
 * arguments stay as they are then. Blanks between name and colon are tolerated (RFC 5322 4.5). */
bool header_next(struct slice *rest, struct header_field *ret);

/* The body of the first field of that name; false when there is none. */
bool header_find(struct slice header, struct slice name, struct slice *ret_body);

/* How many fields have that name. */
size_t header_count(struct slice header, struct slice name);

/* A body in one line (RFC 5322 2.2.3): each line end with a blank behind it is taken out and the
 * blank stays; then blanks at both ends are removed. `out` has room for body.n octets and does not
 * overlap it; the result lies inside. */
struct slice header_unfold(struct slice body, char *out);

/* The header's length with its empty line, or 0 when `start`, the first octets of a message, has no
 * empty line yet. For more octets of the same message call it again with the same *from, 0 at
 * first: what was searched is not searched again. */
size_t header_length(struct slice start, size_t *from);
