/* Whether a signature holds: its key in the DNS, and the mathematics (RFC 6376 6.1.2 and 6.1.3, RFC
 * 8301, RFC 8463). DKIM's signatures and both of ARC's.
 *
 * Asks nobody and waits for nothing; what is signed, its caller has hashed. */
#pragma once

#include <stdbool.h>

#include "auth/result.h"
#include "auth/signed_message.h"
#include "base/digest.h"
#include "client/resolver.h"
#include "parse/dkim_signature.h"
#include "parse/dns_name.h"

/* RSA keys that are computed with (RFC 8301 3.2: at least 1,024 bits, verifiers up to 4,096). A
 * verification with the largest takes three times as long as with 2,048 bits; one with 16,384 would
 * take thirty times as long. */
#define RSA_BITS_LEAST 1024
#define RSA_BITS_MOST  4096

/* Octets of the public exponent, which decides how long a verification takes, too; it is 65,537 in
 * practice. */
#define RSA_EXPONENT_MOST 4

/* Of several records at one selector (RFC 6376 6.1.2 leaves open what is done with them) so many
 * are tried. */
#define KEY_RECORDS_MOST 4

struct signature_verdict {
    enum auth_result result; /* PASS FAIL PERMERROR (no such key, or not for this) TEMPERROR
                                POLICY (size of the key) */
    unsigned key_bits;       /* 0: no key could be read */
    bool testing;            /* t=y in the key */
    const char *problem;     /* "" for a pass */
};

/* So far clocks may differ: t= may lie in the future, and x= in the past. */
#define SIGNATURE_CLOCKS_DIFFER ((usec_t)300 * USEC_SEC)

/* What the signature says for itself (RFC 6376 6.1.1), `wall` being the time since 1970. True: it
 * may hold, as far as can be told without its key; a changed body is seen with the key. False: *ret
 * says what is wrong: NEUTRAL (it cannot be understood), PERMERROR or POLICY. */
bool signature_check(const struct message_signature *m, usec_t wall, struct signature_verdict *ret);

/* Where the key is: SELECTOR._domainkey.DOMAIN, of which names in Unicode become A-labels (RFC 8616
 * 5). 0; or -EINVAL: there can be no such name. */
int signature_key_name(const struct dkim_signature *s, struct dns_name *ret);

/* `s` without an error and not of rsa-sha1; `key` answers a question of type TXT for its key.
 * `hash` is the digest of what it signs; NULL: the signature is known not to hold, and only the key
 * may be a worse reason. */
void signature_verify(const struct dkim_signature *s, const struct dns_answer *key,
                      const struct digest *hash, struct signature_verdict *ret);
