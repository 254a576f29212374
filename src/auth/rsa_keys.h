/* RSA keys made ready to verify with (RSASSA-PKCS1-v1_5 over SHA-256, RFC 6376 3.3), and kept: to
 * make one ready costs half as much as to verify with it.
 *
 * A key is found by its numbers, never by its name: what is kept cannot be out of date, and whether
 * a domain still has this key in the DNS is its record's affair. */
#pragma once

#include <openssl/evp.h>

#include "parse/dkim_key.h"

/* Keys kept in each thread; some 5 KiB each with 2,048 bits. A further one takes the place of
 * another, which its last octets say. */
#define RSA_KEYS_KEPT 128

/* `key` has RSA's numbers, of RSA_BITS_MOST and RSA_EXPONENT_MOST at most. What EVP_PKEY_verify
 * wants, which the caller borrows until the next call in its thread; NULL: OpenSSL does not take
 * the key. */
EVP_PKEY_CTX *rsa_key_ready(const struct dkim_key *key);
