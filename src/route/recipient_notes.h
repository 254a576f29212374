/* What servers have said of recipients, kept in the store's notes: shared by all workers and across
 * restarts. Private to src/route.
 *
 * A yes is kept for `limit recipient_yes_time`, and counts only while the server cannot be asked. A
 * no (5.1.1, 5.1.10 or a bare 550 to RCPT) is kept for `limit recipient_no_time`, and is given in
 * the server's place. A bare 550 is given only to mail from the same sender and network: servers
 * without enhanced codes say the same when they do not want a sender or a client (Exim does).
 * Nothing else that a server may say is kept: a full mailbox, an unwanted sender or a 4xx say
 * nothing of whether there is such a recipient. */
#pragma once

#include "conf/conf.h"
#include "route/answer.h"
#include "route/recipients.h"
#include "store/store.h"

enum recipient_note { RECIPIENT_NOTE_NONE, RECIPIENT_NOTE_YES, RECIPIENT_NOTE_NO };

/* What is noted of a server's recipient. Of a no, *ret becomes what it said. */
enum recipient_note recipient_note_find(struct store *store, const struct conf *conf,
                                        const struct conf_route *server,
                                        const struct recipient_question *q, usec_t wall,
                                        struct answer *ret);

/* Notes what the server has just said, where that is a yes or a no. Not called when it could not be
 * asked. Never waits. */
void recipient_note_keep(struct store *store, const struct conf *conf,
                         const struct conf_route *server, const struct recipient_question *q,
                         usec_t wall, const struct answer *answer);

/* Forgets a yes, or no, because of a refusal at delivery. Never waits. */
void recipient_note_drop(struct store *store, const struct conf_route *server, struct slice mailbox,
                         usec_t wall);
