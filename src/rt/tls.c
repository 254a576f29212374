/* TLS over any stream. OpenSSL reads and writes through a BIO that calls the stream below; when
 * that would wait, so does the task. */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "rt/rt_impl.h"
#include "rt/tls.h"

/* One TLS record's worth of plain text. */
#define GATHER_MAX ((size_t)16384)

struct tls_context {
    SSL_CTX *ctx;
    BIO_METHOD *method;
};

struct tls_stream {
    struct stream stream; /* first */
    struct stream *under;
    SSL *ssl;
    int under_error;  /* the last error of the stream below */
    bool drained;     /* nothing can be read before more comes in from below */
    bool broken;      /* no close_notify can be sent */
    bool under_ended; /* the stream below has come to its end */
};

static struct tls_stream *tls_of(const struct stream *s)
{
    return (struct tls_stream *)(uintptr_t)s;
}

/* ---- the BIO ---- */

static int bio_read(BIO *bio, char *ret, int n)
{
    struct tls_stream *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t r = t->under->ops->try_read(t->under, ret, (size_t)n);
    if (r == -EAGAIN) {
        BIO_set_retry_read(bio);
    } else if (r < 0) {
        t->under_error = (int)r;
    }
    t->under_ended |= r == 0;
    return r < 0 ? -1 : (int)r;
}

static int bio_write(BIO *bio, const char *p, int n)
{
    struct tls_stream *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    struct iovec iov = {.iov_base = (char *)(uintptr_t)p, .iov_len = (size_t)n};
    ssize_t r = t->under->ops->try_writev(t->under, &iov, 1);
    if (r == -EAGAIN) {
        BIO_set_retry_write(bio);
    } else if (r < 0) {
        t->under_error = (int)r;
    }
    return r < 0 ? -1 : (int)r;
}

static long bio_ctrl(BIO *bio, int command, long n, void *p)
{
    (void)n;
    (void)p;
    if (command == BIO_CTRL_EOF) {
        /* An end without close_notify is an end (SSL_OP_IGNORE_UNEXPECTED_EOF asks here). */
        return ((struct tls_stream *)BIO_get_data(bio))->under_ended;
    }
    return command == BIO_CTRL_FLUSH;
}

/* ---- contexts ---- */

static struct tls_context *context_new(const SSL_METHOD *method)
{
    struct tls_context *c = xcalloc(1, sizeof(*c));
    c->ctx = SSL_CTX_new(method);
    c->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (c->ctx == NULL || c->method == NULL) {
        fatal("cannot make a TLS context");
    }
    BIO_meth_set_read(c->method, bio_read);
    BIO_meth_set_write(c->method, bio_write);
    BIO_meth_set_ctrl(c->method, bio_ctrl);
    SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* No read-ahead: records that wait in OpenSSL's buffer could not be counted by `pending`. */
    SSL_CTX_set_read_ahead(c->ctx, 0);
    return c;
}

int tls_context_server(const char *cert_file, const char *key_file, struct tls_context **ret,
                       char *ret_why, size_t why_size)
{
    struct tls_context *c = context_new(TLS_server_method());
    const char *what = NULL;
    if (SSL_CTX_use_certificate_chain_file(c->ctx, cert_file) != 1) {
        what = cert_file;
    } else if (SSL_CTX_use_PrivateKey_file(c->ctx, key_file, SSL_FILETYPE_PEM) != 1 ||
               SSL_CTX_check_private_key(c->ctx) != 1) {
        what = key_file;
    }
    if (what != NULL) {
        unsigned long error = ERR_peek_error();
        const char *reason = ERR_SYSTEM_ERROR(error) ? strerror((int)ERR_GET_REASON(error))
                                                     : ERR_reason_error_string(error);
        snprintf(ret_why, why_size, "%s: %s", what, reason != NULL ? reason : "cannot be used");
        ERR_clear_error();
        tls_context_free(c);
        return -EINVAL;
    }
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(c->ctx, (const unsigned char *)"gatepost", 8);
    *ret = c;
    return 0;
}

struct tls_context *tls_context_client(void)
{
    struct tls_context *c = context_new(TLS_client_method());
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_NONE, NULL);
    return c;
}

struct tls_context *tls_context_free(struct tls_context *c)
{
    if (c != NULL) {
        SSL_CTX_free(c->ctx);
        BIO_meth_free(c->method);
        free(c);
    }
    return NULL;
}

/* ---- stream operations ---- */

/* What an OpenSSL call that did not succeed means: 0 for the end of the stream, -EAGAIN with *ret
 * what to wait for, or an error. */
static int outcome(struct tls_stream *t, int r, unsigned *ret_events)
{
    int error = SSL_get_error(t->ssl, r);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        *ret_events = error == SSL_ERROR_WANT_READ ? STREAM_READABLE : STREAM_WRITABLE;
        return -EAGAIN;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }
    t->broken = true;
    ERR_clear_error();
    return t->under_error != 0 ? t->under_error : -EPROTO;
}

static ssize_t tls_try_read(struct stream *s, void *ret, size_t n)
{
    struct tls_stream *t = tls_of(s);
    size_t got = 0;
    unsigned events;
    if (SSL_read_ex(t->ssl, ret, n, &got) == 1) {
        t->drained = false;
        return (ssize_t)got;
    }
    int r = outcome(t, 0, &events);
    t->drained = r == -EAGAIN;
    return r;
}

/* Small pieces are gathered, so that a reply or a message is one record and not many. A retry sees
 * the same octets, as OpenSSL demands. */
static ssize_t tls_try_writev(struct stream *s, const struct iovec *iov, int count)
{
    static _Thread_local char gathered[GATHER_MAX];
    struct tls_stream *t = tls_of(s);
    const char *p = iov[0].iov_base;
    size_t n = iov[0].iov_len;
    if (count > 1 && n < GATHER_MAX) {
        n = 0;
        for (int i = 0; i < count && n < GATHER_MAX; i++) {
            size_t part = iov[i].iov_len < GATHER_MAX - n ? iov[i].iov_len : GATHER_MAX - n;
            memcpy(gathered + n, iov[i].iov_base, part);
            n += part;
        }
        p = gathered;
    }
    size_t done = 0;
    unsigned events;
    if (SSL_write_ex(t->ssl, p, n, &done) == 1) {
        return (ssize_t)done;
    }
    int r = outcome(t, 0, &events);
    return r == 0 ? -EPIPE : r;
}

static int tls_wait(struct stream *s, unsigned events, usec_t deadline)
{
    struct tls_stream *t = tls_of(s);
    if ((events & STREAM_READABLE) != 0 && !t->drained && SSL_has_pending(t->ssl)) {
        return 0;
    }
    int r = t->under->ops->wait(t->under, events, deadline);
    if (r == 0) {
        t->drained = false;
    }
    return r;
}

static size_t tls_pending(struct stream *s)
{
    struct tls_stream *t = tls_of(s);
    char octet;
    size_t got;
    unsigned events;
    if (SSL_peek_ex(t->ssl, &octet, 1, &got) == 1) {
        t->drained = false;
        return (size_t)SSL_pending(t->ssl) + t->under->ops->pending(t->under);
    }
    /* A part of a record, whose octets cannot be counted yet, or the end. */
    return outcome(t, 0, &events) == -EAGAIN && SSL_has_pending(t->ssl) ? GATHER_MAX : 0;
}

static bool tls_acknowledged(struct stream *s)
{
    struct stream *under = tls_of(s)->under;
    return under->ops->acknowledged(under);
}

/* close_notify: one try, as much as the socket takes. */
static void say_end(struct tls_stream *t)
{
    if (!t->broken) {
        SSL_shutdown(t->ssl);
        ERR_clear_error();
    }
}

static void tls_end_writing(struct stream *s)
{
    struct tls_stream *t = tls_of(s);
    say_end(t);
    t->under->ops->end_writing(t->under);
}

static void tls_close(struct stream *s, bool reset)
{
    struct tls_stream *t = tls_of(s);
    if (!reset) {
        say_end(t);
    }
    SSL_free(t->ssl);
    t->under->above = NULL;
    t->under->ops->close(t->under, reset);
    free(t);
}

static const struct stream_ops tls_ops = {
    .try_read = tls_try_read,
    .try_writev = tls_try_writev,
    .wait = tls_wait,
    .pending = tls_pending,
    .acknowledged = tls_acknowledged,
    .end_writing = tls_end_writing,
    .close = tls_close,
};

/* ---- handshakes ---- */

static int shake(struct tls_stream *t, usec_t deadline)
{
    for (;;) {
        int r = task_await();
        if (r < 0) {
            return r;
        }
        int done = SSL_do_handshake(t->ssl);
        if (done == 1) {
            return 0;
        }
        unsigned events = 0;
        r = outcome(t, done, &events);
        if (r != -EAGAIN) {
            return r == 0 ? -ECONNRESET : r;
        }
        r = t->under->ops->wait(t->under, events, deadline);
        if (r < 0) {
            return r;
        }
    }
}

static int handshake(struct tls_context *c, struct stream *under, const char *name, usec_t deadline,
                     struct stream **ret)
{
    struct tls_stream *t = xcalloc(1, sizeof(*t));
    BIO *bio = BIO_new(c->method);
    t->stream.ops = &tls_ops;
    t->under = under;
    t->ssl = SSL_new(c->ctx);
    if (t->ssl == NULL || bio == NULL) {
        fatal("cannot begin TLS: no memory");
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    if (SSL_is_server(t->ssl)) {
        SSL_set_accept_state(t->ssl);
    } else {
        SSL_set_connect_state(t->ssl);
    }
    if (name != NULL) {
        SSL_set_tlsext_host_name(t->ssl, name);
    }
    int r = shake(t, deadline);
    if (r < 0) {
        SSL_free(t->ssl);
        free(t);
        return r;
    }
    t->stream.hung_up = under->hung_up;
    under->above = &t->stream;
    *ret = &t->stream;
    return 0;
}

int tls_accept(struct tls_context *c, struct stream *under, usec_t deadline, struct stream **ret)
{
    return handshake(c, under, NULL, deadline, ret);
}

int tls_connect(struct tls_context *c, struct stream *under, const char *name, usec_t deadline,
                struct stream **ret)
{
    return handshake(c, under, name, deadline, ret);
}

const char *tls_version(const struct stream *s)
{
    return SSL_get_version(tls_of(s)->ssl);
}

const char *tls_cipher(const struct stream *s)
{
    return SSL_get_cipher_name(tls_of(s)->ssl);
}
