/* TLS over any stream, by OpenSSL 3. TLS 1.2 is the least that is ever spoken (RFC 8996). */
#pragma once

#include "base/time.h"
#include "rt/stream.h"

struct tls_context; /* a certificate and key, or the trust of a client; shared by many streams */

/* Loads a PEM chain and key for accepting. 0, or -EINVAL with a sentence in `ret_why`. */
int tls_context_server(const char *cert_file, const char *key_file, struct tls_context **ret,
                       char *ret_why, size_t why_size);

/* For accepting where nobody checks who we are, as in a rehearsal: with a key and a certificate
 * that are made on the spot and are in no file. NULL when OpenSSL cannot. */
struct tls_context *tls_context_unproven(void);

/* For connecting without checking the peer (opportunistic TLS, RFC 7435). */
struct tls_context *tls_context_client(void);

/* For connecting to peers that must prove who they are, by a chain of certificates that ends at one
 * of `ca_file` (PEM; any certificate in it is trusted as it stands, a peer's own too), or where
 * that is NULL at one of the system's. All files are read now, none later. 0, or -EINVAL with a
 * sentence in `ret_why`. */
int tls_context_verifying(const char *ca_file, struct tls_context **ret, char *ret_why,
                          size_t why_size);

struct tls_context *tls_context_free(struct tls_context *c);

/* What a client remembers of its last session with one peer, for a shorter next handshake (TLS 1.3
 * tickets, sessions of TLS 1.2). Must outlive the streams that were made with it, and serve one
 * context and name only. */
struct tls_memory;
struct tls_memory *tls_memory_new(void);
struct tls_memory *tls_memory_free(struct tls_memory *m);

/* A session is resumed only so long after its certificates were looked at. */
#define TLS_MEMORY_TIME (3600 * USEC_SEC)

/* Whom a client wants to speak to. */
struct tls_peer {
    const char *name; /* a host name: told to the peer (SNI), and with a verifying context what its
                         certificate must be for. NULL: neither is asked */
    bool only_tls13;
    struct tls_memory *memory; /* NULL: none */
};

/* Handshakes over `under`. On success *ret owns `under`; on failure (-EPROTO, -ETIMEDOUT,
 * -ECANCELED, -ECONNRESET) the caller still does. */
int tls_accept(struct tls_context *c, struct stream *under, usec_t deadline, struct stream **ret);

/* The same as a client; -EKEYREJECTED when the peer did not prove to be `peer` (RFC 5280, RFC 9525:
 * only names in subjectAltName count, "*" only as a whole label). `ret_why` then has the reason,
 * and for -EPROTO and -ECONNRESET too: a few words, printable ASCII, none of them the peer's own.
 */
int tls_connect(struct tls_context *c, struct stream *under, const struct tls_peer *peer,
                usec_t deadline, struct stream **ret, char *ret_why, size_t why_size);

/* "TLSv1.3" and the cipher suite's name, for Received and the decision; static text. */
const char *tls_version(const struct stream *s);
const char *tls_cipher(const struct stream *s);

/* Did the handshake go on from an earlier session? */
bool tls_resumed(const struct stream *s);
