/* The name that stands beside an address in a header field (RFC 5322 3.4). */
#pragma once

#include "base/arena.h"
#include "base/slice.h"

/* Of the first mailbox in a field's body: what stands before its "<", or else the comment behind a
 * bare address (the old form "somebody@example.org (Some Body)"). Quotes, and backslashes in them,
 * are taken away; encoded words and folds are left for parse/encoded_word.h. "" when there is none.
 * In `arena`. */
struct slice display_name_of(struct slice body, struct arena *arena);
