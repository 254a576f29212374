/* What is too old, or too much, goes: a little at a time, so that the writer never stands still for
 * it. Internal to the writer. */
#pragma once

#include "journal/db.h"

/* Records that one step drops at most. */
#define RETENTION_STEP_MOST 2000

struct journal_retention {
    usec_t age;    /* 0: no matter how old */
    uint64_t size; /* octets; 0: no matter how large */
    uint64_t run;  /* under way */
};

/* Drops up to `most` of the oldest records, in one transaction, where there are such as are older
 * than age (`now` since 1970) or where the file is larger than size; and gives free pages back to
 * the file system. *ret_more: there is more to do. JOURNAL_DONE; or another one, nothing has
 * changed. */
enum journal_outcome journal_retention_step(const struct journal_retention *r, struct journal_db *d,
                                            usec_t now, unsigned most, bool *ret_more);

/* Drops what belongs to no record any more: policies, health, gaps, accounts of old runs. The
 * policy of `digest` is in use. To be called about once a minute. */
enum journal_outcome journal_retention_tidy(const struct journal_retention *r, struct journal_db *d,
                                            usec_t now, struct slice digest);
