/* A message on its way out: the octets of its spool without what is cut out (message.h), in order
 * and in place. Nothing is copied, and a message without cuts is its spool's pieces as they are.
 *
 * What stands in front, `trace`, is not among them. Every sender of a message reads it here and
 * counts its octets here; the spool itself is for those who look at what was received. */
#pragma once

#include "message/message.h"

/* Starts zeroed. */
struct message_cursor {
    struct spool_cursor spool;
    struct slice left; /* of the spool's piece at hand, what is still to be given: never cut out */
    uint64_t at;       /* where that begins, in the spool */
    size_t cut;        /* the first cut that is not behind us */
};

/* The next octets to go out; n = 0 at the end. They are valid until the spool's next piece is read:
 * message_more_at_hand says when that is. 0, -EIO, -ECANCELED. */
int message_next(struct message *m, struct message_cursor *c, struct slice *ret);

/* Will message_next give octets beside the last ones? Then those stay where they are. */
bool message_more_at_hand(const struct message_cursor *c);

/* Lies all that is still to come beside the last octets that were given? Then message_next will not
 * wait any more, and all of it stays where it is until message_cursor_end. */
bool message_rest_at_hand(const struct message *m, const struct message_cursor *c);

/* Frees the buffer that there is while a file is read. */
void message_cursor_end(struct message *m, struct message_cursor *c);

/* Octets of the spool that go out. */
uint64_t message_size(const struct message *m);

/* Do they end with a line's end, or are there none? */
bool message_ends_in_line(const struct message *m);
