/* What came of those whom rules hit, over all records of a while: `gatepost rules` tells it.
 *
 * *Contradicted* is a hit, observed or real, of a rule that refuses, defers, doubts or bans, on
 * somebody whose mail is otherwise accepted: by one of the names that vouched for that connection
 * or message (by its network where none did), more messages were accepted in that while than other
 * rules refused.
 *
 * A *deferral* is of a sender (as parse/sender_form.h makes him), a recipient, and the names of the
 * other side; told again in the window it is the same one. It came back when that recipient got
 * mail from that sender, by one of these names, within the window. */
#pragma once

#include "journal/rule_events.h"

struct rule_outcome {
    uint64_t contradicted; /* records */
    uint64_t deferred;     /* deferrals begun */
    uint64_t came_back;    /* of these, accepted within the window */
    usec_t delay_median;   /* of those; to a second, beyond an hour to a minute */
    usec_t delay_longest;
};

/* How much may be held in memory at a time; beyond that less is told, and said so. */
struct rule_history_bounds {
    size_t names;     /* that had mail accepted */
    size_t deferrals; /* that are open */
};
extern const struct rule_history_bounds rule_history_standard;

struct rule_history {
    struct rule_outcome *outcomes; /* by the index of the rule in tally->then */
    size_t count;
    bool names_left_out; /* there were too many: contradicted is at least so often */
    unsigned sampled; /* deferrals: one of so many was followed, and counts for all; 1: each was */
};

/* Works it out, from the files in the order of the records, which are read from their beginning
 * several times. `window`: within which a deferral is to come back. 0 and *ret, for
 * rule_history_free; or -EBADMSG, -EIO. */
int rule_history_make(FILE *const *files, size_t file_count, struct replay_tally *t, usec_t window,
                      const struct rule_history_bounds *bounds, struct rule_history *ret);
void rule_history_free(struct rule_history *h);
