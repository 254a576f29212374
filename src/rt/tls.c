/* TLS over any stream. OpenSSL reads and writes through a BIO that calls the stream below; when
 * that would wait, so does the task. Contexts are tls_context.c's. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "rt/rt_impl.h"
#include "rt/tls_impl.h"

/* One TLS record's worth of plain text. */
#define GATHER_MAX ((size_t)16384)

static struct tls_stream *tls_of(const struct stream *s)
{
    return (struct tls_stream *)(uintptr_t)s;
}

/* ---- the BIO ---- */

int tls_bio_read(BIO *bio, char *ret, int n)
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

int tls_bio_write(BIO *bio, const char *p, int n)
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

long tls_bio_ctrl(BIO *bio, int command, long n, void *p)
{
    (void)n;
    (void)p;
    if (command == BIO_CTRL_EOF) {
        /* An end without close_notify is an end (SSL_OP_IGNORE_UNEXPECTED_EOF asks here). */
        return ((struct tls_stream *)BIO_get_data(bio))->under_ended;
    }
    return command == BIO_CTRL_FLUSH;
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
    t->reason = ERR_peek_error();
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

/* New streams wait for nothing but their handshake. */
static struct tls_stream *stream_new(struct tls_context *c, struct stream *under)
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
    SSL_set_app_data(t->ssl, t);
    return t;
}

/* Shakes hands. On failure t->ssl is still there, to be asked why. */
static int handshake(struct tls_stream *t, usec_t deadline, struct stream **ret)
{
    int r = shake(t, deadline);
    if (r < 0) {
        return r;
    }
    t->stream.hung_up = t->under->hung_up;
    t->under->above = &t->stream;
    *ret = &t->stream;
    return 0;
}

static void give_up(struct tls_stream *t)
{
    SSL_free(t->ssl);
    free(t);
}

int tls_accept(struct tls_context *c, struct stream *under, usec_t deadline, struct stream **ret)
{
    struct tls_stream *t = stream_new(c, under);
    SSL_set_accept_state(t->ssl);
    int r = handshake(t, deadline, ret);
    if (r < 0) {
        give_up(t);
    }
    return r;
}

/* ---- a client's side ---- */

static const char *why_not_trusted(long verdict)
{
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return "certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "certificate is not valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH: return "certificate is for another name";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "certificate is self-signed";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "certificate of an issuer that is not trusted";
    default: return X509_verify_cert_error_string(verdict);
    }
}

/* The error that a failed handshake means, and the words for it. */
static int why_failed(const struct tls_stream *t, int error, const char **ret)
{
    long verdict = SSL_get_verify_result(t->ssl);
    if (error == -EPROTO && SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE &&
        verdict != X509_V_OK) {
        *ret = why_not_trusted(verdict);
        return -EKEYREJECTED;
    }
    const char *reason = t->reason != 0 ? ERR_reason_error_string(t->reason) : NULL;
    *ret = error == -ETIMEDOUT ? "handshake took too long"
           : error == -EPROTO  ? (reason != NULL ? reason : "handshake failed")
                               : "connection lost in the handshake";
    return error;
}

static void set_peer(struct tls_stream *t, const struct tls_context *c, const struct tls_peer *peer)
{
    if (peer->only_tls13) {
        SSL_set_min_proto_version(t->ssl, TLS1_3_VERSION);
    }
    if (peer->name != NULL) {
        SSL_set_tlsext_host_name(t->ssl, peer->name);
    }
    if (peer->name != NULL && c->verifying && SSL_set1_host(t->ssl, peer->name) != 1) {
        fatal("cannot begin TLS: no memory");
    }
}

/* Offers the remembered session, unless its certificates were looked at too long ago. */
static void recall_session(struct tls_stream *t, struct tls_memory *m)
{
    t->memory = m;
    t->proven_at = rt_now();
    if (m == NULL || m->session == NULL) {
        return;
    }
    if (rt_now() - m->proven_at > TLS_MEMORY_TIME) {
        tls_forget_session(m);
    } else {
        SSL_set_session(t->ssl, m->session);
    }
}

int tls_keep_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls_stream *t = SSL_get_app_data(ssl);
    struct tls_memory *m = t->memory;
    if (m == NULL || !SSL_SESSION_is_resumable(session)) {
        return 0;
    }
    SSL_SESSION_free(m->session);
    m->session = session;
    if (!SSL_session_reused(ssl)) {
        m->proven_at = t->proven_at;
    }
    return 1;
}

int tls_connect(struct tls_context *c, struct stream *under, const struct tls_peer *peer,
                usec_t deadline, struct stream **ret, char *ret_why, size_t why_size)
{
    struct tls_stream *t = stream_new(c, under);
    SSL_set_connect_state(t->ssl);
    set_peer(t, c, peer);
    recall_session(t, peer->memory);
    int r = handshake(t, deadline, ret);
    if (r < 0) {
        const char *why;
        r = why_failed(t, r, &why);
        snprintf(ret_why, why_size, "%s", why);
        if (peer->memory != NULL) {
            tls_forget_session(peer->memory);
        }
        give_up(t);
    }
    return r;
}

/* ---- what became of it ---- */

const char *tls_version(const struct stream *s)
{
    return SSL_get_version(tls_of(s)->ssl);
}

const char *tls_cipher(const struct stream *s)
{
    return SSL_get_cipher_name(tls_of(s)->ssl);
}

bool tls_resumed(const struct stream *s)
{
    return SSL_session_reused(tls_of(s)->ssl) == 1;
}
