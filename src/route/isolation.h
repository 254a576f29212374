/* Isolation: recipients whose answer to the message kept others from theirs come by themselves.
 * Private to src/route.
 *
 * There is one reply to the end of the data, so that a message which some recipients got, some were
 * refused and some are put off is answered 451, and the sender tries all of them again. What was
 * delivered is in the ledger; but the retry would end in the same 451. So the recipients that stood
 * in the way are remembered as a group: by the message, and by whether they were refused or put
 * off. A transaction is for recipients of one group, or of none; others get 451 4.5.3, and come in
 * a further one. There the delivered hear 250, the refused their 5xx, the put off what the hop says
 * now.
 *
 * Who goes first: senders name their recipients in the same order every time. A recipient of a
 * group that comes first in a transaction is turned away once, so that those behind it, who are
 * most often the many, have their turn; the next time it is taken. Where its turn ends in 4xx and
 * others were turned away for it, it yields again. So neither can keep the other waiting for ever.
 *
 * A recipient that is put off for a reason of ours (its hop was lost, or too slow) has most often
 * been unlucky, and is no group's until that happens with the same message again.
 *
 * A group says nothing of another message: that is judged and handed over as any other, and only
 * takes more transactions. What is remembered goes when the group's message has its final answer,
 * or after a day. */
#pragma once

#include "base/digest.h"
#include "base/slice.h"
#include "route/delivery.h"

/* Is this recipient to come in another transaction than the present one? Otherwise it is the
 * candidate's group that is noted. */
bool isolation_turns_away(struct delivery *d, struct slice mailbox);

/* The candidate joins: the first one decides the transaction's group. */
void isolation_join(struct delivery *d);

/* The message has its answer: `mixed` when its recipients did not fare alike. Notes the groups that
 * come of it; never waits, and costs nothing where there is none. */
void isolation_note(struct delivery *d, enum delivery_end end, bool mixed);
