/* A message's header as signatures see it: its fields one by one, and which of them a list of names
 * (h= of RFC 6376 3.5) means. Must not hash or judge anything. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* A header with more fields is not verified: looking for each name of h= among them takes its time.
 */
#define SIGNED_FIELDS_MOST 1000

struct signed_field {
    struct slice name;  /* empty for a line that is no field */
    struct slice body;  /* behind the colon, with its folds, without its last line end */
    struct slice whole; /* both, with the colon and what blanks there are */
    uint32_t hash;      /* of the name in lower case */
    uint32_t taken;     /* the last round in which it was taken */
};

struct signed_header {
    struct signed_field *fields; /* as they stand in the message, at most SIGNED_FIELDS_MOST */
    size_t count;
    bool cut; /* there are more */
    uint32_t round;
};

/* Finds the fields of `text`, which must live as long; the rest is in `arena`. */
void signed_header_init(struct signed_header *h, struct slice text, struct arena *arena);

/* Begins anew with taking fields, of which `but` (an index) is never taken: a signature does not
 * sign itself. */
void signed_header_begin(struct signed_header *h, size_t but);

/* The lowest field of that name that was not taken yet, from the bottom up (RFC 6376 5.4.2); NULL:
 * there is none, and the name stands for an empty string. Names are compared without case. */
const struct signed_field *signed_header_take(struct signed_header *h, struct slice name);
