/* Signatures that no verifier may take any more: by rsa-sha1 or a short key (RFC 8301), or of the
 * drafts before RFC 4871 (no v=, or 0.5; no bh=; c=nowsp). Old vectors have many of them.
 *
 * That Gatepost does not let them pass is one thing to show; here the vectors' own results are held
 * against the parts they are made of (lists of tags, canonical forms, keys), with the rest of a
 * verifier as its time had it. Only for tests. */
#pragma once

#include <stdbool.h>

#include "auth/signed_message.h"
#include "client/zone.h"

/* Is the signature one of these? */
bool historic_is(const struct message_signature *s, unsigned key_bits);

/* Is bh= of the message's field of that index the hash of the body? */
bool historic_body_holds(struct signed_message *m, size_t field, struct slice message);

/* Is a key of the message's signatures one that cannot be looked up? */
bool historic_key_is_out_of_reach(struct signed_message *m, const struct zone *zone,
                                  struct arena *arena);

/* Does one of the message's signatures hold by the rules of its time? `message` is all of it. */
bool historic_holds(struct signed_message *m, struct slice message, const struct zone *zone,
                    struct arena *arena);
