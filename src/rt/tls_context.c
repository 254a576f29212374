/* What TLS streams are made from: a server's certificate and key, or whom a client trusts. Files
 * are read here and only here. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fatal.h"
#include "rt/tls_impl.h"

struct tls_context *tls_context_new(const SSL_METHOD *method)
{
    struct tls_context *c = xcalloc(1, sizeof(*c));
    c->ctx = SSL_CTX_new(method);
    c->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (c->ctx == NULL || c->method == NULL) {
        fatal("cannot make a TLS context");
    }
    BIO_meth_set_read(c->method, tls_bio_read);
    BIO_meth_set_write(c->method, tls_bio_write);
    BIO_meth_set_ctrl(c->method, tls_bio_ctrl);
    SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* No read-ahead: records that wait in OpenSSL's buffer could not be counted by `pending`. */
    SSL_CTX_set_read_ahead(c->ctx, 0);
    return c;
}

/* Says what the file lacks, or why it cannot be read, and drops the context. */
static int file_refused(struct tls_context *c, const char *file, const char *lacks, char *ret_why,
                        size_t why_size)
{
    unsigned long error = ERR_peek_error();

    snprintf(ret_why, why_size, "%s: %s", file,
             ERR_SYSTEM_ERROR(error) ? strerror((int)ERR_GET_REASON(error)) : lacks);
    ERR_clear_error();
    tls_context_free(c);
    return -EINVAL;
}

/* ---- servers ---- */

struct key_file {
    bool encrypted; /* somebody would have had to be asked for its pass phrase */
};

static int no_pass_phrase(char *ret, int size, int writing, void *arg)
{
    struct key_file *key = arg;

    (void)ret;
    (void)size;
    (void)writing;
    key->encrypted = true;
    return -1;
}

/* What is wrong with the key's file, or NULL. OpenSSL's own words would be "unsupported" for a file
 * without a key, and "no certificate assigned" for a key of another kind than the certificate's. */
static const char *use_key(struct tls_context *c, const char *file)
{
    struct key_file key = {.encrypted = false};

    SSL_CTX_set_default_passwd_cb(c->ctx, no_pass_phrase);
    SSL_CTX_set_default_passwd_cb_userdata(c->ctx, &key);
    bool loaded = SSL_CTX_use_PrivateKey_file(c->ctx, file, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(c->ctx, NULL);
    if (key.encrypted) {
        return "the key is encrypted, and nobody is there to be asked for the pass phrase";
    }
    if (!loaded && ERR_GET_REASON(ERR_peek_error()) != X509_R_KEY_VALUES_MISMATCH) {
        return "no private key in PEM is in it";
    }
    return loaded && SSL_CTX_check_private_key(c->ctx) == 1 ? NULL
                                                            : "this is not the certificate's key";
}

int tls_context_server(const char *cert_file, const char *key_file, struct tls_context **ret,
                       char *ret_why, size_t why_size)
{
    struct tls_context *c = tls_context_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(c->ctx, cert_file) != 1) {
        return file_refused(c, cert_file, "no certificate in PEM is in it", ret_why, why_size);
    }
    const char *wrong = use_key(c, key_file);
    if (wrong != NULL) {
        return file_refused(c, key_file, wrong, ret_why, why_size);
    }
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(c->ctx, (const unsigned char *)"gatepost", 8);
    *ret = c;
    return 0;
}

/* ---- clients ---- */

static struct tls_context *client_new(int verify)
{
    struct tls_context *c = tls_context_new(TLS_client_method());
    SSL_CTX_set_verify(c->ctx, verify, NULL);
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->ctx, tls_keep_session);
    return c;
}

struct tls_context *tls_context_client(void)
{
    return client_new(SSL_VERIFY_NONE);
}

/* Where systems keep the certificates they trust, in one file. A folder of hashed names would be
 * read during handshakes, when files cannot be opened any more. */
static const char *system_ca_file(void)
{
    const char *const files[] = {
        getenv(X509_get_default_cert_file_env()),
        X509_get_default_cert_file(),
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i] != NULL && access(files[i], R_OK) == 0) {
            return files[i];
        }
    }
    return NULL;
}

int tls_context_verifying(const char *ca_file, struct tls_context **ret, char *ret_why,
                          size_t why_size)
{
    const char *file = ca_file != NULL ? ca_file : system_ca_file();
    if (file == NULL) {
        snprintf(ret_why, why_size, "the system has no file of trusted certificates");
        return -EINVAL;
    }
    struct tls_context *c = client_new(SSL_VERIFY_PEER);
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(c->ctx);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (ca_file != NULL) {
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    }
    if (SSL_CTX_load_verify_file(c->ctx, file) != 1) {
        return file_refused(c, file, "no certificate in PEM is in it", ret_why, why_size);
    }
    c->verifying = true;
    *ret = c;
    return 0;
}

/* ---- both ---- */

struct tls_context *tls_context_free(struct tls_context *c)
{
    if (c != NULL) {
        SSL_CTX_free(c->ctx);
        BIO_meth_free(c->method);
        free(c);
    }
    return NULL;
}

/* ---- what a client remembers ---- */

struct tls_memory *tls_memory_new(void)
{
    return xcalloc(1, sizeof(struct tls_memory));
}

void tls_forget_session(struct tls_memory *m)
{
    SSL_SESSION_free(m->session);
    m->session = NULL;
}

struct tls_memory *tls_memory_free(struct tls_memory *m)
{
    if (m != NULL) {
        tls_forget_session(m);
        free(m);
    }
    return NULL;
}
