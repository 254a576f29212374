/* What a message says in our name: Authentication-Results fields with our authserv-id, which only
 * we may write (RFC 8601 5), and fields of the names that we mark messages with. They are cut out
 * of what goes out; what was received stays as it is.
 *
 * Never touches a field of anybody else, and never believes one. */
#pragma once

#include "base/arena.h"
#include "message/message.h"

/* Forged fields in more places than this are -E2BIG; those side by side are one place. */
#define FORGED_PLACES_MOST 500

/* A field that is longer is cut out whatever it says. */
#define FORGED_FIELD_MOST ((size_t)262144)

/* What is ours. */
struct forged_names {
    struct slice authserv_id;  /* empty: Authentication-Results fields are let be */
    const struct slice *marks; /* names of fields, letters in lower case */
    size_t mark_count;         /* fewer than FIELD_NAMES_MOST */
};

/* Sets the cuts of `m`, which must have none, in `arena`, and m->removed: all fields that claim to
 * be ours, and lines that the message begins with and that would belong to the last field in front
 * of it. The header is searched to its end, however long it is; where receive has counted no such
 * field nothing is read. May suspend. 0; -E2BIG, then the message must not go out; -EIO,
 * -ECANCELED. */
int message_cut_forged(struct message *m, const struct forged_names *ours, struct arena *arena);
