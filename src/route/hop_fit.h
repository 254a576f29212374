/* Can a hop take this, by what it said to EHLO? What it cannot is refused here, without a word to
 * it, with the code that says why. Each returns false with the answer. */
#pragma once

#include <stdbool.h>

#include "parse/ehlo_reply.h"
#include "route/hop.h"

/* SMTPUTF8: 553 5.6.7 (RFC 6531 3.5). 8BITMIME: 550 5.6.3 (RFC 6152 3). A message of `size` octets,
 * 0 when that is not known: 552 5.3.4 (RFC 1870 6). */
bool hop_fits_envelope(const struct hop_capabilities *can, const struct envelope *e, uint64_t size,
                       struct answer *ret_answer);

/* A recipient with NOTIFY=SUCCESS or NEVER, at a hop that does not offer DSN though all did when
 * the client said EHLO: 451 4.3.3. We send no "relayed" notification (RFC 3461 5.2.2), and cannot
 * keep the hop from bouncing; at its next EHLO the client sees that DSN is not offered any more,
 * and does itself what is then due. All other parameters only word notifications that such a hop
 * does not word so: they are left out. */
bool hop_fits_recipient(const struct hop_capabilities *can, const struct hop_recipient *r,
                        struct answer *ret_answer);

/* The octets that are handed over. */
uint64_t hop_message_size(const struct message *m);

/* Bare CR or LF needs CHUNKING: 550 5.6.11. Its size: 552 5.3.4. */
bool hop_fits_message(const struct hop_capabilities *can, const struct message *m,
                      struct answer *ret_answer);
