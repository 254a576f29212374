/* One decision told in plain language: what ended and how, who it was, what happened when, what was
 * known and what was not, which rules fired, what the sender was told, and what would have had to
 * differ. `gatepost explain` tells what is on record, `gatepost judge` what it has just judged.
 *
 * A story is made once, as data, and printed from that: both say the same. Nothing is asked, read
 * or waited for here, but by `find_rule`. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "journal/read.h"
#include "policy/policy.h"

struct story {
    const struct journal_record *record;
    unsigned recipient; /* the story of one of its recipients, by its number; 0: of all of it */
    /* The policy as it is now, or NULL. It is used where it is the one that judged. */
    const struct policy *policy;
    /* Finds a rule of the record's policy, as journal_rule does; NULL: there are none to be found.
     */
    int (*find_rule)(void *arg, struct slice policy, struct slice place, struct arena *arena,
                     struct journal_rule *ret);
    void *arg;
    /* All records of the same connection, in their order, this one too; none: not known. */
    const struct journal_record *connection;
    size_t connection_count;
};

/* The story as data (gatepost(8) describes it), which the caller gives to json_decref. Never NULL.
 * Texts from outside are in it as they are. */
json_t *story_tell(const struct story *s);

/* The story as text of lines of at most 78 columns, but for long words. All that would command a
 * terminal, or turn its text around, is replaced. */
void story_print(const json_t *story, struct buf *ret);
