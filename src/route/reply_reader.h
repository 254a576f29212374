/* Reads the replies of a next hop (RFC 5321 4.2) off a stream, one after the other.
 *
 * Keeps at most a few lines of each, cleaned so that they can be passed on to a client, but always
 * reads a reply to its end. Never waits without being asked to, and never decides what a reply
 * means. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "base/time.h"

struct stream;

/* A reply longer than this is taken for nonsense: -EPROTO. */
#define REPLY_OCTETS_MAX ((size_t)65536)

/* What is kept of a reply's text, unless the reader is told otherwise. */
#define REPLY_LINES_KEPT 10
#define REPLY_TEXT_KEPT  ((size_t)2048)

/* One reply. The slices are valid until the next call with the same reader. */
struct reply {
    uint16_t code;         /* 200…599 */
    struct slice enhanced; /* of the first line; empty when there is none */
    struct slice text; /* lines joined by '\n', printable ASCII only, enhanced codes taken off */
};

struct reply_reader {
    struct buf in;      /* what was read; from `at` on not yet taken apart */
    size_t at;          /* start of the next line */
    size_t scanned;     /* no line end between `at` and here */
    struct buf text;    /* kept of the reply being read */
    size_t octets;      /* of the reply being read */
    unsigned lines;     /* of the reply being read */
    unsigned lines_max; /* to keep */
    size_t text_max;    /* to keep */
    uint16_t code;      /* of the reply being read; 0 between replies */
    uint8_t enhanced_n;
    char enhanced[15];
};

void reply_reader_init(struct reply_reader *r);
void reply_reader_free(struct reply_reader *r);

/* Between replies: gives back the memory that an unusually long one took. */
void reply_reader_shrink(struct reply_reader *r);

/* The next reply, if it is complete in memory: 1; 0 when more has to be read; -EPROTO when what
 * stands there is no reply. */
int reply_next(struct reply_reader *r, struct reply *ret);

/* Takes over what has arrived, without waiting: 0, or -ECONNRESET (also at the end of the stream)
 * and other errors of the stream. */
int reply_fill(struct reply_reader *r, struct stream *s);

/* Waits for the next reply: 0, -EPROTO, -ECONNRESET, -ETIMEDOUT, -ECANCELED. After -ETIMEDOUT it
 * may be called again and goes on where it was. */
int reply_read(struct reply_reader *r, struct stream *s, usec_t deadline, struct reply *ret);

/* Has anything been read that is not part of a reply already returned? */
static inline bool reply_reader_busy(const struct reply_reader *r)
{
    return r->code != 0 || r->at < r->in.n;
}

/* The same, but for a 421, which a hop may say at any time (RFC 5321 3.8). */
bool reply_reader_excess(const struct reply_reader *r);
