/* See auth/rsa_keys.h. OpenSSL is given numbers, not DER: a decoder of its own takes several times
 * as long as the verification (docs/decisions/020-dkim.md). */
#include "auth/rsa_keys.h"

#include <openssl/core_names.h>
#include <stdint.h>
#include <string.h>

#include "auth/signature.h"
#include "base/fatal.h"
#include "base/octets.h"

struct kept {
    EVP_PKEY_CTX *verifying; /* NULL: nothing is kept here */
    size_t modulus_count;
    uint64_t exponent;
    uint8_t modulus[RSA_BITS_MOST / 8];
};

static _Thread_local struct kept all[RSA_KEYS_KEPT];

/* NULL: OpenSSL does not take the numbers. Its own are little-endian where the machine is. */
static EVP_PKEY *public_key(struct slice number, uint64_t exponent)
{
    uint8_t modulus[RSA_BITS_MOST / 8];
    EVP_PKEY *ret = NULL;

    for (size_t i = 0; i < number.n; i++) {
        const size_t at = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? number.n - 1 - i : i;
        modulus[i] = (uint8_t)number.p[at];
    }
    OSSL_PARAM numbers[] = {
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, modulus, number.n),
        OSSL_PARAM_construct_uint64(OSSL_PKEY_PARAM_RSA_E, &exponent),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &ret, EVP_PKEY_PUBLIC_KEY, numbers) != 1) {
        ret = NULL;
    }
    EVP_PKEY_CTX_free(context);
    return ret;
}

static EVP_PKEY_CTX *make_ready(const struct dkim_key *key, uint64_t exponent)
{
    EVP_PKEY *number = public_key(key->modulus, exponent);
    EVP_PKEY_CTX *ret = number != NULL ? EVP_PKEY_CTX_new(number, NULL) : NULL;

    if (ret != NULL &&
        (EVP_PKEY_verify_init(ret) != 1 || EVP_PKEY_CTX_set_signature_md(ret, EVP_sha256()) != 1)) {
        EVP_PKEY_CTX_free(ret);
        ret = NULL;
    }
    EVP_PKEY_free(number);
    return ret;
}

/* A modulus is as good as random in its last octets. Who aims at a place of others makes them wait
 * some 10 us a message, as they did with nothing kept. */
static struct kept *place_of(struct slice modulus)
{
    const uint8_t *last = (const uint8_t *)modulus.p + modulus.n - 1;
    const size_t number = modulus.n > 1 ? (size_t)last[-1] << 8 | last[0] : last[0];

    return &all[(number >> 1) % RSA_KEYS_KEPT]; /* it is odd */
}

EVP_PKEY_CTX *rsa_key_ready(const struct dkim_key *key)
{
    const struct slice modulus = key->modulus;
    const uint64_t exponent = octets_get((const uint8_t *)key->exponent.p, key->exponent.n);

    if (modulus.n == 0 || modulus.n > RSA_BITS_MOST / 8 || key->exponent.n > RSA_EXPONENT_MOST) {
        panic("an RSA key of a size that is not computed with");
    }
    struct kept *k = place_of(modulus);
    if (k->verifying != NULL && k->exponent == exponent && k->modulus_count == modulus.n &&
        memcmp(k->modulus, modulus.p, modulus.n) == 0) {
        return k->verifying;
    }
    EVP_PKEY_CTX_free(k->verifying);
    k->verifying = make_ready(key, exponent);
    k->exponent = exponent;
    k->modulus_count = modulus.n;
    memcpy(k->modulus, modulus.p, modulus.n);
    return k->verifying;
}
