/* What a worker asks of an inspector beside the message itself, as structs and as octets.
 *
 * The patterns of a policy are the same for message after message: they stand in a text of their
 * own, which an inspector keeps compiled. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/slice.h"
#include "base/time.h"

/* How far a message is taken apart; reaching one is told by the finding INSPECT_LIMITS, by the
 * names of tbl/inspect_limits.h, which these members have. */
struct inspection_limits {
    uint64_t depth;   /* parts within parts, archives within archives */
    uint64_t parts;   /* of the message */
    uint64_t fields;  /* of one header */
    uint64_t decoded; /* octets that decoding and unpacking may make, in all */
    uint64_t members; /* of archives, in all */
    uint64_t ratio;   /* how many times its octets an archive may unpack to */
    usec_t time;      /* after this the rest is left; the process is killed a little later */
};

struct inspection_request {
    uint64_t size; /* octets of the message */
    usec_t wall;   /* now, for the finding DATE_SKEW */
    uint32_t work; /* of enum inspect_work */
    struct inspection_limits limits;
    struct digest rules; /* of the rules' octets; of no use without INSPECT_PATTERNS */
};

/* Octets of a request. */
#define INSPECTION_REQUEST_OCTETS ((size_t)136)

void inspection_request_write(const struct inspection_request *r,
                              char ret[static INSPECTION_REQUEST_OCTETS]);
/* 0 or -EBADMSG. */
int inspection_request_read(struct slice octets, struct inspection_request *ret);

/* ---- patterns ---- */

/* What a group of patterns is looked for in. */
enum pattern_place {
    PATTERN_IN_HEADER, /* the header's fields, decoded and unfolded, a line each */
    PATTERN_IN_BODY,   /* what people read, decoded, HTML without its tags */
    PATTERN_IN_RAW,    /* the message as it was received */
    PATTERN_PLACES
};

struct pattern_line {
    struct slice text; /* as PCRE2 has it */
    bool caseless;
};

/* Any of these; it is told which was found first. */
struct pattern_group {
    enum pattern_place place;
    const struct pattern_line *lines;
    size_t count;
};

/* Groups of one policy, and patterns in all. */
#define PATTERN_GROUPS_MOST 1000
#define PATTERN_LINES_MOST  10000

void pattern_groups_write(const struct pattern_group *groups, size_t count, struct buf *to);
/* Texts are in `octets`, the rest in `arena`. 0 or -EBADMSG. */
int pattern_groups_read(struct slice octets, struct arena *arena, const struct pattern_group **ret,
                        size_t *ret_count);
