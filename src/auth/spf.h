/* Sender Policy Framework (RFC 7208): may this client send mail for that domain?
 *
 * This only finds out. What follows from it is the policy's; and nothing that a domain publishes
 * makes a check cost more than the limits of RFC 7208 4.6.4 and the deadline allow. */
#pragma once

#include "auth/result.h"
#include "base/addr.h"
#include "base/arena.h"
#include "base/time.h"

struct resolver;

/* RFC 7208 4.6.4: terms that ask the DNS, and those of them to which it answers that there is
 * nothing; MX hosts of one term (more: permerror), PTR names of the client (more: not looked at).
 */
#define SPF_LOOKUPS_MOST 10
#define SPF_VOIDS_MOST   2
#define SPF_MX_MOST      10
#define SPF_PTR_MOST     10

/* No text of an outcome is longer. */
#define SPF_TEXT_MOST 1000

struct spf_query {
    struct resolver *resolver; /* never NULL */
    struct addr client;
    struct slice helo;       /* as the client said it; may be a literal or nonsense */
    struct slice sender;     /* the mailbox of the reverse-path; empty: the null sender */
    struct slice local_host; /* %{r}: who we are */
    usec_t wall;             /* %{t} */
    usec_t question_time;    /* the longest that one question to the DNS is waited for */
    usec_t deadline;         /* of the whole, on rt_now()'s clock: then temperror (4.6.4) */
};

struct spf_outcome {
    enum auth_result result;
    struct slice domain;      /* whose record was asked for, in lower case; else as it was said */
    struct slice mechanism;   /* the term that matched, as it stands in the record; "default" where
                               * none did; "" without a record and after an error */
    struct slice explanation; /* of a fail, what "exp" leads to, in printable US-ASCII; else "" */
    struct slice problem;     /* of a permerror or temperror: a phrase, in printable US-ASCII */
    unsigned lookups;         /* of SPF_LOOKUPS_MOST */
    unsigned voids;           /* of SPF_VOIDS_MOST */
};

/* Checks the MAIL FROM identity (2.4); of the null sender that is "postmaster" at the HELO name.
 * Suspends, no longer than until the deadline. 0 with all of *ret, its texts in `arena`; or
 * -ECANCELED. */
int spf_check_sender(const struct spf_query *q, struct arena *arena, struct spf_outcome *ret);

/* Checks the HELO identity (2.3); q->sender does not matter. */
int spf_check_helo(const struct spf_query *q, struct arena *arena, struct spf_outcome *ret);
