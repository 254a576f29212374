/* Signs messages for the tests of DKIM and ARC: what is signed they spell out themselves, in its
 * canonical form. */
#pragma once

#include <openssl/evp.h>

#include "base/buf.h"

struct dkim_signer {
    EVP_PKEY *rsa, *ed25519, *shorter; /* 1,024 and 512 bits */
};

/* Keys are made once for a program. */
const struct dkim_signer *dkim_signer(void);

/* "v=DKIM1; k=…; p=…" of a key; what is in `extra` stands before p=. */
struct slice dkim_key_record(EVP_PKEY *key, const char *extra, struct buf *ret);

/* Base64 of SHA-256, as bh= has it. */
struct slice dkim_body_hash(const char *body, struct buf *ret);

/* Appends to *ret the base64 of a signature over the SHA-256 of `text`. */
void dkim_sign(EVP_PKEY *key, struct slice text, struct buf *ret);
