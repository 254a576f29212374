/* A server's TLS context without a file: a fresh key, and a certificate that proves nothing. Must
 * never be used towards a real client. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "rt/tls_impl.h"

#define VALID_SECONDS 86400

/* NULL when OpenSSL cannot. */
static X509 *self_signed(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    bool made = cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(cert), -VALID_SECONDS) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SECONDS) != NULL &&
                X509_set_pubkey(cert, key) == 1 &&
                X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "O", MBSTRING_UTF8,
                                           (const unsigned char *)"a rehearsal", -1, -1, 0) == 1 &&
                X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
                X509_sign(cert, key, EVP_sha256()) > 0;
    if (!made) {
        X509_free(cert);
        cert = NULL;
    }
    return cert;
}

struct tls_context *tls_context_unproven(void)
{
    struct tls_context *c = tls_context_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key != NULL ? self_signed(key) : NULL;
    bool fits = cert != NULL && SSL_CTX_use_certificate(c->ctx, cert) == 1 &&
                SSL_CTX_use_PrivateKey(c->ctx, key) == 1;
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
    return fits ? c : tls_context_free(c);
}
