/* A message on its way past, hashed as its DKIM and ARC signatures want it (RFC 6376 3.7, RFC 8617
 * 5.1.1): the header is kept, and of the body a hash is taken for each way in which a signature
 * wants it. A message without signatures is not hashed.
 *
 * Knows no key and asks nobody: auth/dkim.h and auth/arc.h do, when the message is there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/signed_header.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/slice.h"
#include "message/spool.h"
#include "parse/dkim_signature.h"

/* A longer header is kept up to here, and none of its signatures is verified. */
#define SIGNED_HEADER_MOST (256 * 1024)

/* So many signatures of each kind are looked at, from the top of the header on. */
#define DKIM_SIGNATURES_MOST 10
#define ARC_SIGNATURES_MOST  50 /* RFC 8617 4.2.1 */

/* Ways in which the body is hashed; signatures that want another one are not verified. One or two
 * are usual: signatures with l= have one each. */
#define BODY_HASHES_MOST 8

/* What the signature says of the body. */
enum body_match {
    BODY_SAME,
    BODY_CHANGED,
    BODY_SHORT,    /* l= is more than there is */
    BODY_UNHASHED, /* over BODY_HASHES_MOST */
};

/* A DKIM-Signature or ARC-Message-Signature of the message. */
struct message_signature {
    size_t field; /* its index in signed_message_header */
    int error;    /* what dkim_signature_parse said; with it, the rest is not set */
    enum body_match body;
    bool partial; /* l= leaves octets of the body out */
    struct dkim_signature s;
};

struct message_signatures {
    const struct message_signature *list; /* from the top of the header on */
    size_t count;
    size_t ignored; /* further ones */
};

struct signed_message;

/* `arena` must last as long. */
struct signed_message *signed_message_new(struct arena *arena);

/* Has the memory for the header counted against the budget, a little at a time; before the first
 * octet. */
void signed_message_charge(struct signed_message *m, struct budget *budget);

/* NULL allowed; returns NULL. */
struct signed_message *signed_message_free(struct signed_message *m);

/* The octets of the message in pieces, as received: lines end in CRLF (of a header also in LF, as
 * BDAT can bring it). When the header has ended, its signatures are read. Nothing is allocated for
 * a piece of the body. */
void signed_message_feed(struct signed_message *m, const char *p, size_t n);

/* All of it has come. */
void signed_message_end(struct signed_message *m);

/* The fields of the header, once it has ended: of none before. */
struct signed_header *signed_message_header(struct signed_message *m);

/* The header as it came, with the empty line behind it: empty before it has ended. */
struct slice signed_message_text(const struct signed_message *m);

/* "", or why nothing can be verified: the header is too large, or has too many fields. */
const char *signed_message_problem(const struct signed_message *m);

/* Did the budget not allow as much as the header needs? Then nothing of it is kept, and what there
 * is to say about its signatures is not known: whoever feeds it gives the message up. */
bool signed_message_lacks_memory(const struct signed_message *m);

/* After signed_message_end: DKIM_SIGNATURE or ARC_MESSAGE_SIGNATURE. */
struct message_signatures signed_message_signatures(const struct signed_message *m,
                                                    enum dkim_field kind);

/* SHA-256 of what the signature signs of the header (RFC 6376 3.7): its fields, and itself without
 * b=. */
struct digest signed_message_hash(struct signed_message *m, const struct message_signature *s);
