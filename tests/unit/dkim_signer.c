/* See dkim_signer.h. */
#include "dkim_signer.h"

#include <openssl/x509.h>
#include <string.h>

#include "base/digest.h"
#include "base/fatal.h"

const struct dkim_signer *dkim_signer(void)
{
    static struct dkim_signer s;

    if (s.rsa == NULL) {
        s.rsa = EVP_RSA_gen(1024U);
        s.shorter = EVP_RSA_gen(512U);
        s.ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        if (s.rsa == NULL || s.shorter == NULL || s.ed25519 == NULL) {
            panic("no keys");
        }
    }
    return &s;
}

static void append_base64(struct buf *ret, const void *p, size_t n)
{
    ret->n += (size_t)EVP_EncodeBlock((unsigned char *)buf_reserve(ret, n / 3 * 4 + 5), p, (int)n);
}

struct slice dkim_key_record(EVP_PKEY *key, const char *extra, struct buf *ret)
{
    const bool is_rsa = EVP_PKEY_is_a(key, "RSA");
    unsigned char raw[32], *der = NULL;
    size_t n = sizeof(raw);

    ret->n = 0;
    buf_printf(ret, "v=DKIM1; k=%s; %sp=", is_rsa ? "rsa" : "ed25519", extra);
    if (is_rsa) {
        const int length = i2d_PUBKEY(key, &der);
        append_base64(ret, der, (size_t)length);
        OPENSSL_free(der);
    } else if (EVP_PKEY_get_raw_public_key(key, raw, &n) == 1) {
        append_base64(ret, raw, n);
    }
    return buf_slice(ret);
}

static struct digest digest_of(const char *p, size_t n)
{
    struct digest_stream *stream = digest_stream_new();

    digest_stream_init(stream);
    digest_stream_update(stream, p, n);
    const struct digest ret = digest_stream_finish(stream);
    digest_stream_free(stream);
    return ret;
}

struct slice dkim_body_hash(const char *body, struct buf *ret)
{
    const struct digest d = digest_of(body, strlen(body));

    ret->n = 0;
    append_base64(ret, d.octets, sizeof(d.octets));
    return buf_slice(ret);
}

void dkim_sign(EVP_PKEY *key, struct slice text, struct buf *ret)
{
    const bool is_rsa = EVP_PKEY_is_a(key, "RSA");
    const struct digest d = digest_of(text.p, text.n);
    const void *what = is_rsa ? (const void *)text.p : d.octets; /* RFC 8463 3 */
    const size_t n = is_rsa ? text.n : sizeof(d.octets);
    unsigned char signature[512];
    size_t length = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (EVP_DigestSignInit(context, NULL, is_rsa ? EVP_sha256() : NULL, NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &length, what, n) != 1) {
        panic("cannot sign");
    }
    EVP_MD_CTX_free(context);
    append_base64(ret, signature, length);
}
