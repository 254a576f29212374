/* RSA keys made ready, and kept: the right one for every record, whatever was kept before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <string.h>

#include "auth/rsa_keys.h"
#include "auth/signature.h"

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

/* A key of `n` octets that begin with `first` and end with 0x34 and `last`, or the next odd number.
 */
static struct dkim_key key_of(uint8_t first, size_t n, uint8_t last, const char *exponent)
{
    struct dkim_key ret = {.type = DKIM_KEY_RSA, .bits = (unsigned)n * 8};

    memset(ret.octets, 0x5a, n);
    ret.octets[0] = first;
    ret.octets[n - 2] = 0x34;
    ret.octets[n - 1] = last | 1;
    ret.count = n;
    ret.exponent = slice_of(exponent);
    return ret;
}

static void assert_is(EVP_PKEY_CTX *ready, const struct dkim_key *key)
{
    BIGNUM *n = NULL, *e = NULL;
    uint8_t modulus[RSA_BITS_MOST / 8], exponent[RSA_EXPONENT_MOST];

    assert_non_null(ready);
    EVP_PKEY *pkey = EVP_PKEY_CTX_get0_pkey(ready);
    assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e), 1);
    assert_int_equal(BN_bn2bin(n, modulus), key->modulus.n);
    assert_memory_equal(modulus, key->modulus.p, key->modulus.n);
    assert_int_equal(BN_num_bytes(e), key->exponent.n);
    assert_int_equal(BN_bn2bin(e, exponent), key->exponent.n);
    assert_memory_equal(exponent, key->exponent.p, key->exponent.n);
    BN_free(n);
    BN_free(e);
}

static EVP_PKEY_CTX *ready_for(struct dkim_key *key)
{
    key->modulus = (struct slice){(const char *)key->octets, key->count};
    EVP_PKEY_CTX *ret = rsa_key_ready(key);
    assert_is(ret, key);
    return ret;
}

static void kept(void **state)
{
    struct dkim_key key = key_of(0xc1, 256, 0x11, "\x01\x01\x01");
    EVP_PKEY_CTX *first = ready_for(&key);
    struct dkim_key again = key;

    (void)state;
    assert_ptr_equal(ready_for(&again), first); /* though the record stands elsewhere */
}

/* Keys of one place, in turns: each that is asked for is the one that comes. */
static void one_place(void **state)
{
    struct dkim_key keys[] = {
        key_of(0xc1, 256, 0x21, "\x01\x01\x01"), key_of(0xc2, 256, 0x21, "\x01\x01\x01"),
        key_of(0xc1, 256, 0x21, "\x03"),         key_of(0xc1, 128, 0x21, "\x01\x01\x01"),
        key_of(0xc1, 512, 0x21, "\x01\x01\x01"), key_of(0xc1, 512, 0x21, "\x01\x01\x01\x01"),
    };

    (void)state;
    for (size_t i = 0; i < 3 * COUNT(keys); i++) {
        ready_for(&keys[i % COUNT(keys)]);
        ready_for(&keys[(i * 5 + i / COUNT(keys)) % COUNT(keys)]);
    }
}

/* More than are kept. */
static void many(void **state)
{
    (void)state;
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < (size_t)2 * RSA_KEYS_KEPT; i++) {
            struct dkim_key key = key_of((uint8_t)(0x80 | i >> 7), 128, (uint8_t)(2 * i), "\x03");
            ready_for(&key);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept),
        cmocka_unit_test(one_place),
        cmocka_unit_test(many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
