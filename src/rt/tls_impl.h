/* What contexts (tls_context.c) and streams (tls.c) of TLS share. Private to src/rt. */
#pragma once

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "rt/tls.h"

struct tls_context {
    SSL_CTX *ctx;
    BIO_METHOD *method;
    bool verifying;
};

/* What all contexts have in common. */
struct tls_context *tls_context_new(const SSL_METHOD *method);

struct tls_memory {
    SSL_SESSION *session; /* the newest; NULL: none */
    usec_t proven_at;     /* when the full handshake was from which it descends */
};

struct tls_stream {
    struct stream stream; /* first */
    struct stream *under;
    SSL *ssl;
    struct tls_memory *memory; /* a client's; NULL: none */
    usec_t proven_at;          /* when the handshake began */
    int under_error;           /* the last error of the stream below */
    unsigned long reason;      /* OpenSSL's error that broke it */
    bool drained;              /* nothing can be read before more comes in from below */
    bool broken;               /* no close_notify can be sent */
    bool under_ended;          /* the stream below has come to its end */
};

/* The BIO's operations; its data is the struct tls_stream. */
int tls_bio_read(BIO *bio, char *ret, int n);
int tls_bio_write(BIO *bio, const char *p, int n);
long tls_bio_ctrl(BIO *bio, int command, long n, void *p);

/* OpenSSL has got a session that may be resumed: 1 when it was kept. */
int tls_keep_session(SSL *ssl, SSL_SESSION *session);
void tls_forget_session(struct tls_memory *m);
