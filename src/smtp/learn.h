/* What is learned of the other side, and when; it goes into the memory (store/memory.h), from which
 * facts read it.
 *
 *   admitted          client and network: a connection
 *   RCPT              of an unknown recipient, client and network: at once, because waits grow with
 *                     it; deferred by a rule: a deferral begins (fact/deferral.h)
 *   transaction over  every name by which the other side is known then (fact/names.h), and the
 *                     client: accepted, refused by a rule of which phase, deferred by one, came
 *                     back; unknown recipients, traps; the message, its recipients and octets
 *   accepted          the recipient: a message, its octets
 *
 * Only what the policy has decided counts as refused or deferred: of a full mailbox or a hop that
 * is down nobody is to blame. A trap (table `traps`) teaches, and is answered like any recipient.
 * Where there is no memory nothing is done. Nothing here waits, or says a word. */
#pragma once

#include "smtp/session.h"

/* A client is let in at the door. Of one that is banned nothing is learned, so that it costs no
 * writes. */
void learn_connection(const struct smtp_server *srv, const struct addr *client);

/* A rule has ended a connection in which there was no transaction; code 0: without a word. */
void learn_refused_connection(const struct smtp_server *srv, const struct addr *client,
                              const struct rule *rule, uint16_t code);

/* RCPT is answered. */
void learn_recipient(struct session *s, const struct recipient_record *r);

/* The transaction is over, its evidence still there. */
void learn_transaction(struct session *s);
