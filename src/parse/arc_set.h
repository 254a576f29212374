/* The ARC sets of a message's header (RFC 8617 4): which fields belong together.
 *
 * Reads in place, and judges whether the fields make a chain at all (5.2, steps 1 to 3); must never
 * verify a signature. The work grows linearly with the header, whoever wrote it: at the first field
 * that no chain can have, reading ends. */
#pragma once

#include <stddef.h>

#include "base/slice.h"

/* Instances are 1 to this (RFC 8617 4.2.1). */
#define ARC_SETS_MOST 50

/* In the order in which a seal signs them (5.1.1). */
enum arc_part {
    ARC_PART_RESULTS,   /* ARC-Authentication-Results */
    ARC_PART_SIGNATURE, /* ARC-Message-Signature */
    ARC_PART_SEAL,      /* ARC-Seal */
    ARC_PART_COUNT
};

struct arc_fields {
    struct slice field[ARC_PART_COUNT]; /* whole, without the last line end */
    struct slice body[ARC_PART_COUNT];  /* what is behind the colon */
    struct slice results;               /* ARC-Authentication-Results behind its instance and ";" */
    struct slice chain;                 /* cv= of the seal */
};

struct arc_chain {
    unsigned count;                        /* sets: the highest instance */
    struct arc_fields sets[ARC_SETS_MOST]; /* set i is sets[i - 1] */
    const char *problem;                   /* what is wrong, in a few plain words */
    unsigned instance;                     /* with which set, or 0 */
};

/* Of a header as parse/header_fields.h reads it. 0 with ret->count > 0: a chain, whose seals say
 * none, pass, pass and so on. -ENOENT: there is no ARC field. -EBADMSG with ret->problem: there are
 * some, and no chain (the Chain Validation Status is "fail"): an instance that is none, or over 50;
 * a part that is missing, occurs twice or cannot be read; a seal with h=, which a seal must not
 * have (4.1.3), or without one of its other tags; a cv= that is not what its place asks for. */
int arc_chain_parse(struct slice header, struct arc_chain *ret);
