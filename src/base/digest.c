/* SHA-256 by OpenSSL. The algorithm is fetched once per stream: an implicit fetch at each message
 * would take locks and cost more than hashing a small one. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/fatal.h"

struct digest_stream {
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
};

struct digest_stream *digest_stream_new(void)
{
    struct digest_stream *d = xmalloc(sizeof(*d));

    d->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    d->context = EVP_MD_CTX_new();
    if (d->algorithm == NULL || d->context == NULL) {
        fatal("OpenSSL cannot provide SHA-256");
    }
    return d;
}

void digest_stream_free(struct digest_stream *d)
{
    if (d == NULL) {
        return;
    }
    EVP_MD_CTX_free(d->context);
    EVP_MD_free(d->algorithm);
    free(d);
}

void digest_stream_init(struct digest_stream *d)
{
    if (EVP_DigestInit_ex2(d->context, d->algorithm, NULL) != 1) {
        fatal("OpenSSL cannot start SHA-256");
    }
}

void digest_stream_update(struct digest_stream *d, const void *p, size_t n)
{
    if (n > 0 && EVP_DigestUpdate(d->context, p, n) != 1) {
        panic("digest_stream_update without digest_stream_init");
    }
}

void digest_stream_copy(struct digest_stream *to, const struct digest_stream *from)
{
    if (EVP_MD_CTX_copy_ex(to->context, from->context) != 1) {
        fatal("OpenSSL cannot copy SHA-256");
    }
}

struct digest digest_stream_finish(struct digest_stream *d)
{
    struct digest result;
    unsigned length = 0;

    if (EVP_DigestFinal_ex(d->context, result.octets, &length) != 1 || length != DIGEST_LEN) {
        panic("digest_stream_finish without digest_stream_init");
    }
    return result;
}
