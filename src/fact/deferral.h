/* Deferrals: that a rule has told a client to try again, and whether it did.
 *
 * One is kept under each name of the other side (fact/names.h) with the sender, as
 * parse/sender_form.h makes him the same each time, and the recipient; so a retry by another host
 * of the same network, organisation or SPF domain is known for one. It counts as a return from
 * `limit deferral_time` on and until `limit deferral_window` is over (RFC 6647); one that was then
 * accepted is known for `limit returned_time`. */
#pragma once

#include "fact/names.h"

struct deferral {
    usec_t age; /* since the first deferral; 0: there was none */
    usec_t
        wait; /* until a return counts: `limit deferral_time` when there was none yet; 0: it does */
    bool returned; /* this very sender came back to this recipient now, or did before */
};

/* What is known of one recipient. 0, or a negative errno when the memory cannot tell. */
int deferral_find(const struct evidence *e, const struct names *n, struct slice sender,
                  struct slice rcpt, struct deferral *ret);

/* Remembers that he was deferred now, by a rule. */
void deferral_begin(const struct evidence *e, const struct names *n, struct slice sender,
                    struct slice rcpt);

/* Remembers that his mail was accepted: where it had been deferred, it has returned. True if it had
 * not done so before. */
bool deferral_end(const struct evidence *e, const struct names *n, struct slice sender,
                  struct slice rcpt);
