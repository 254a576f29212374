/* TLS over any stream, by OpenSSL 3. */
#pragma once

#include "base/time.h"
#include "rt/stream.h"

struct tls_context; /* a certificate and key, or the trust of a client; shared by many streams */

/* Loads a PEM chain and key for accepting. 0, or -EINVAL with a sentence in `ret_why`. */
int tls_context_server(const char *cert_file, const char *key_file, struct tls_context **ret,
                       char *ret_why, size_t why_size);

/* For connecting without checking the peer (opportunistic TLS, RFC 7435). */
struct tls_context *tls_context_client(void);

struct tls_context *tls_context_free(struct tls_context *c);

/* Handshakes over `under`. On success *ret owns `under`; on failure (-EPROTO, -ETIMEDOUT,
 * -ECANCELED, -ECONNRESET) the caller still does. */
int tls_accept(struct tls_context *c, struct stream *under, usec_t deadline, struct stream **ret);
int tls_connect(struct tls_context *c, struct stream *under, const char *name, usec_t deadline,
                struct stream **ret);

/* "TLSv1.3" and the cipher suite's name, for Received and the decision; static text. */
const char *tls_version(const struct stream *s);
const char *tls_cipher(const struct stream *s);
