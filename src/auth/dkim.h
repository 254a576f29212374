/* DKIM (RFC 6376, with 8301, 8463 and 8616): what the signatures on a message come to.
 *
 * A signature that fails is worth as much as none; whether its domain has to do with the author's
 * is DMARC's question. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "auth/clock.h"
#include "auth/result.h"
#include "auth/signed_message.h"
#include "base/arena.h"
#include "base/slice.h"

struct resolver;

/* One signature. The result is
 *   PASS       it holds;
 *   FAIL       the message, or the signature, was changed;
 *   NEUTRAL    it cannot be understood (syntax, version, algorithm …), or would be FAIL and its key
 *              says t=y: such mail is as good as unsigned (RFC 6376 3.6.1);
 *   TEMPERROR  its key could not be looked up;
 *   PERMERROR  it has no key, or one that is not for it; it is expired, or From is not signed;
 *   POLICY     it is not wanted here: rsa-sha1 and short keys (RFC 8301), t= in the future, more
 *              than one of the bounds allows. */
struct dkim_result {
    enum auth_result result;
    struct slice domain; /* d= as it stands there; "" where it could not be read. Here and below */
    struct slice selector;  /* s= */
    struct slice identity;  /* i=, or "@" and d= */
    struct slice algorithm; /* a= */
    struct slice b;         /* the first octets of b=, as header.b of RFC 6008 */
    unsigned key_bits;      /* 0: no key was read */
    bool partial;           /* l= leaves octets of the body unsigned */
    bool testing;           /* t=y in the key */
    struct slice problem;   /* one plain phrase; "" for a pass */
};

struct dkim_outcome {
    const struct dkim_result *signatures; /* from the top of the header on */
    size_t count;
    size_t ignored; /* further ones, which were not looked at */
};

/* Looks the keys of all signatures up together, and verifies. `m` has ended, and lives as long as
 * the outcome, whose texts lie in it and in `arena`. Without a resolver all is TEMPERROR. Suspends
 * while it asks, until c->deadline at most; a verification with RSA takes some 30 us for 2,048
 * bits, some 80 us for 4,096, and others have their turn between them. 0 or -ECANCELED. */
int dkim_verify(struct signed_message *m, struct resolver *r, const struct auth_clock *c,
                struct arena *arena, struct dkim_outcome *ret);
