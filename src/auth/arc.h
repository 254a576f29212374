/* ARC (RFC 8617): whether the chain of those who passed a message on holds, and who they are.
 *
 * A chain that holds says that its sealers wrote what stands in their sets, and that the message is
 * as the newest of them left it: not that any of it is true. Whose word counts is the caller's to
 * decide (a table of trusted sealers). A chain that fails is worth as much as none.
 *
 * What a hostile chain can cost: reading ends at the first field that no chain has. A message that
 * was changed since, or whose newest signature or seal does not hold, costs 2 questions and 2
 * verifications at most; a whole chain of 50 sets 59 of each, in two rounds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "auth/clock.h"
#include "auth/result.h"
#include "auth/signed_message.h"
#include "base/arena.h"
#include "base/slice.h"

struct resolver;

/* So many signatures before the newest are looked at, to find out since when the message is as it
 * is (5.2, step 5, which is optional). */
#define ARC_OLDER_MOST 8

/* One set. Its results are PASS, FAIL, TEMPERROR, or NONE: not looked at. */
struct arc_set {
    unsigned instance;
    struct slice domain;      /* d= of the seal, as it stands there */
    struct slice selector;    /* s= of the seal */
    struct slice results;     /* ARC-Authentication-Results behind its instance and ";", for
                                 parse/auth_results.h */
    enum auth_result seal;    /* ARC-Seal */
    enum auth_result message; /* ARC-Message-Signature */
};

struct arc_outcome {
    /* PASS and FAIL are those of 4.4, NONE: there is no chain. TEMPERROR: a key that it depends on
     * could not be looked up, and nothing that was looked at fails. RFC 8617 5.2.1 has a chain fail
     * for good then, because a sealer must say one or the other; we seal nothing, and a question
     * that was not answered is no answer (docs/decisions/021-arc.md). */
    enum auth_result result;
    unsigned oldest_pass; /* of a PASS: the instance since which the message is unchanged, as far
                             as was looked at; 0: all signatures hold */
    bool from_signed;     /* the newest signature signs From. Nothing demands it, but without
                             anybody may have written another From since */
    const struct arc_set *sets; /* the newest first; none where the fields are no chain */
    size_t count;
    struct slice problem; /* one plain phrase; "" for PASS and NONE */
};

/* Validates the chain (5.2). `m` has ended, and lives as long as the outcome, whose texts lie in it
 * and in `arena`. Without a resolver a chain that does not fail on its face is TEMPERROR. Suspends
 * while it asks, until c->deadline at most; others have their turn between verifications.
 * 0 or -ECANCELED. */
int arc_verify(struct signed_message *m, struct resolver *r, const struct auth_clock *c,
               struct arena *arena, struct arc_outcome *ret);
