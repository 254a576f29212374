/* The key record of DKIM (RFC 6376 3.6.1, RFC 8463 4), as its domain has it in the DNS; ARC uses
 * the same.
 *
 * Reads what the record says. The key's numbers are found without the help of OpenSSL, so that the
 * size of a key is known before anything is computed with it (and its decoder takes several times
 * as long as a verification). Must never verify anything. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Keys with more octets than this are not read at all: RSA of 16,384 bits has some 2,090. */
#define DKIM_KEY_OCTETS_MOST 2200

#define DKIM_ED25519_OCTETS  32

enum dkim_key_type {
    DKIM_KEY_RSA,
    DKIM_KEY_ED25519,
};

struct dkim_key {
    enum dkim_key_type type;
    bool testing; /* t=y */
    bool strict;  /* t=s: i= has the very domain of d= */
    bool sha1;    /* h= lets these be used; both where there is no h= */
    bool sha256;
    unsigned bits;         /* of the modulus; 256 of Ed25519 */
    struct slice modulus;  /* RSA: big-endian, without zeros in front; in `octets` */
    struct slice exponent; /* likewise */
    const char *problem;   /* where the key is not to be used: why, in a few plain words */
    size_t count;
    uint8_t octets[DKIM_KEY_OCTETS_MOST]; /* what p= says */
};

/* Of the text of a TXT record. 0; or -EBADMSG with ret->problem, for what is no such record, is
 * revoked (empty p=), meant for something other than mail (s=), of an unknown type, or has no key
 * that can be read; ret->testing holds then, too, where that much could be read. RSA keys are read
 * as SubjectPublicKeyInfo or RSAPublicKey (RFC 6376's text says the one, its examples the other);
 * whatever their size is. */
int dkim_key_parse(struct slice record, struct dkim_key *ret);
