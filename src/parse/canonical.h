/* The canonical forms of RFC 6376 3.4, in which a message is hashed: of a field of its header, and
 * of its body while that comes in.
 *
 * Only CRLF ends a line of a body; a CR or LF alone is an octet like another (3.4.3, 3.4.4). Must
 * never judge a message, and allocates nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum canonical {
    CANONICAL_SIMPLE,
    CANONICAL_RELAXED,
};

/* Appends a field's canonical form, without a line end. `field` is all of it as it stands in the
 * message, name and colon included, without its last line end. `hole` is a part of it that is left
 * out (the value of b=, 3.5), or empty. */
void canonical_field(struct buf *ret, enum canonical how, struct slice field, struct slice hole);

/* Takes octets of a canonical body: at least one. */
typedef void canonical_sink(void *arg, const char *p, size_t n);

/* A body on its way. Where there is nothing to change, whole runs of what was fed are handed on. */
struct canonical_body {
    enum canonical how;
    uint64_t most;   /* l=: so many octets are handed on */
    uint64_t length; /* of the canonical body so far; no longer counted when over `most` */
    canonical_sink *sink;
    void *arg;
    /* What has been taken and not handed on, in this order. */
    uint64_t line_ends; /* dropped, but for one, if nothing else comes */
    bool blank;         /* relaxed: white space */
    bool cr;            /* a CR, which may become a line end */
    uint16_t staged;
    char stage[512]; /* what had to be changed goes out from here */
};

void canonical_body_init(struct canonical_body *b, enum canonical how, uint64_t most,
                         canonical_sink *sink, void *arg);
void canonical_body_feed(struct canonical_body *b, const char *p, size_t n);
/* The end of the message. Afterwards b->length < b->most means that the body has fewer octets than
 * l= says; b->length > b->most that l= leaves some out. */
void canonical_body_end(struct canonical_body *b);
