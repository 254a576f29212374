/* DMARC (RFC 9989): does the domain that a message names as its author's stand behind it, and if
 * not, what does that domain ask for?
 *
 * Tells what the author's domain authorises; what becomes of the message is for others to say. */
#pragma once

#include "auth/clock.h"
#include "auth/dkim.h"
#include "auth/result.h"
#include "auth/spf.h"
#include "base/arena.h"
#include "base/slice.h"
#include "parse/dmarc_record.h"
#include "parse/from_field.h"

struct resolver;

/* Of one message so many author domains are checked (11.5), and so many domains that SPF and DKIM
 * authenticated are compared with them where that takes questions. So it asks at most
 * (4 + 16) × 8 questions for records, in two rounds, and 4 whether a domain exists. */
#define DMARC_AUTHORS_MOST     4
#define DMARC_IDENTIFIERS_MOST 16

struct dmarc_query {
    struct resolver *resolver;
    struct auth_clock clock;
    struct slice header;             /* of the message, for From */
    const struct spf_outcome *spf;   /* of MAIL FROM, or of HELO for the null reverse-path (RFC 7208
                                      * 2.4); NULL: not checked */
    const struct dkim_outcome *dkim; /* NULL: not checked */
};

/* Texts of domains are A-labels without a dot at the end, or "". */
struct dmarc_outcome {
    enum auth_result result;   /* PASS FAIL NONE TEMPERROR PERMERROR */
    struct slice from;         /* Author Domain (5.3.1); of several the one that decided */
    struct slice domain;       /* where the record that applies was found */
    struct slice organisation; /* Organizational Domain of the Author Domain */
    enum dmarc_policy
        policy;   /* of p, sp or np, whichever applies (4.10.1), and one less with t=y */
    bool testing; /* t=y */
    struct slice aligned_spf; /* the domain that passed and is aligned (4.4) */
    struct slice aligned_dkim;
    struct slice problem; /* one plain phrase when the result is an error; else "" */
};

/* Reads From, finds the record and holds the results of SPF and DKIM against it.
 *
 * - PERMERROR when From is absent, repeated, cannot be read, or names no domain: then nothing can
 *   be aligned (4.4). `policy` is the strictest that any domain in it asks for. PERMERROR also when
 *   the record cannot be used (4.10.1).
 * - With several author domains (11.5) each is checked, and of those that fail the strictest
 *   policy is the outcome; PASS only when all pass.
 * - TEMPERROR when a look-up failed without which neither PASS nor FAIL can be said, whether of
 *   ours or of SPF's or DKIM's for a domain that is aligned.
 *
 * Texts are in `arena`. Suspends until the clock says no. 0, or -ECANCELED. */
int dmarc_check(const struct dmarc_query *q, struct arena *arena, struct dmarc_outcome *ret);

enum dmarc_alignment { DMARC_NOT_ALIGNED, DMARC_ALIGNED, DMARC_ALIGNMENT_UNKNOWN };

/* Which of the `n` domains are in relaxed alignment with `author` (3.2.10.1)? UNKNOWN where a
 * look-up failed. All look-ups of a round go together; at most (1 + n) × 8 questions. Uses `arena`
 * for its work. Suspends. 0, or -ECANCELED. */
int dmarc_align(struct resolver *r, const struct auth_clock *clock, struct slice author,
                const struct slice *domains, size_t n, struct arena *arena,
                enum dmarc_alignment *ret);
