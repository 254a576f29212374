/* TLS towards next hops: whom to trust, and how far it may fail (RFC 3207, RFC 7435, RFC 9525).
 *
 *   none           never asked for
 *   opportunistic  used where it works, whoever's certificate it is. Where it is not offered or
 *                  fails, mail goes in the clear, and the decision says why.
 *   verified       a certificate that is valid, from a trusted issuer and for the hop's name; else
 *                  the hop cannot be used. Never in the clear. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"
#include "conf/conf.h"
#include "rt/tls.h"

/* The contexts of all hops: made before a worker confines itself, because files are read. */
struct hop_trust;

/* 0 and *ret; or -EINVAL with a sentence in `ret_why` and the hop to blame in *ret_hop. */
int hop_trust_new(const struct conf *conf, struct hop_trust **ret, const struct conf_hop **ret_hop,
                  char *ret_why, size_t why_size);
/* No connection to a hop may be left. NULL allowed; returns NULL. */
struct hop_trust *hop_trust_free(struct hop_trust *t);

/* TLS to one hop, as one worker knows it. Zeroed: TLS is not used. */
struct hop_tls {
    struct tls_context *context; /* NULL: TLS is not used */
    bool required;
    struct tls_peer peer;
    usec_t plain_until; /* its handshakes hang: not tried again before */
};

void hop_tls_init(struct hop_tls *t, const struct hop_trust *trust, const struct conf_hop *hop);
void hop_tls_fini(struct hop_tls *t);

/* A handshake that hangs costs a whole `limit connect_time`: for so long afterwards an
 * opportunistic hop is spoken to in the clear. */
#define HOP_TLS_PLAIN_TIME (600 * USEC_SEC)
