/* The address by which a server is told that a message belongs into the junk folder. */
#pragma once

#include "base/arena.h"
#include "base/slice.h"

/* "user@example.org" with the detail "+Junk": "user+Junk@example.org". A detail that the local part
 * has already, behind the same delimiter, makes room; within quotes it stands in front of the
 * closing one. `domain` is the mailbox's; of one that does not end in it ("postmaster") the mailbox
 * is returned. */
struct slice junk_address(struct slice mailbox, struct slice domain, const char *detail,
                          struct arena *arena);
