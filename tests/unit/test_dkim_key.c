/* Key records of DKIM: what they are for, and their keys, of every size and in both forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "parse/dkim_key.h"

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

/* Of 1,024 and 512 bits; of RFC 8463 A.2. */
#define P1024                                                                                      \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"     \
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZy"     \
    "VYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define P512                                                                                       \
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2leFxfS/AVJ+dYfY"     \
    "+hXqMsT7l+MZvvh/R1WzN4MO/kI/7XsCAwEAAQ=="
#define P25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct {
    const char *record;
    const char *problem; /* NULL: none */
    unsigned bits;
    bool testing, strict, sha256;
} rows[] = {
    {"v=DKIM1; k=rsa; p=" P1024, NULL, 1024, false, false, true},
    {"p=" P1024, NULL, 1024, false, false, true},
    {"k=rsa; v=DKIM1; p=" P1024, "the key record is no DKIM1", 0, false, false, false},
    {"v=DKIM1; n=a note; g=*; x1 = extra ; t = y:n:s; h=md5:sha256; s=web:email; p= " P512 " ; ",
     NULL, 512, true, true, true},
    {"v=DKIM1; h=sha1; p=" P512, NULL, 512, false, false, false},
    {"v=DKIM1; s=*; t=s; p=" P512, NULL, 512, false, true, true},
    {"v=DKIM1; k=ed25519; p=" P25519, NULL, 256, false, false, true},
    {"v=DKIM1; t=y; s=tlsrpt; p=" P1024, "the key is not meant for mail", 0, true, false, true},
    {"v=DKIM1; s=; p=" P1024, "the key is not meant for mail", 0, false, false, true},
    {"v=DKIM1; k=foobar; p=" P1024, "the key is of an unknown type", 0, false, false, true},
    {"v=DKIM1; t=y; p=", "the key is revoked", 0, true, false, true},
    {"v=DKIM1; p= \t", "the key is revoked", 0, false, false, true},
    {"v=DKIM1", "the record has no key", 0, false, false, false},
    {"v=DKIM3; p=" P1024, "the key record is no DKIM1", 0, false, false, false},
    {"v=DKIM1: g=*; k=rsa; p=" P1024, "the key record is no DKIM1", 0, false, false, false},
    {"v=spf1 -all", "the record has no key", 0, false, false, false},
    {"", "the key record is no list of tags", 0, false, false, false},
    {"k=rsa; t; p=" P1024, "the key record is no list of tags", 0, false, false, false},
    {"p=" P1024 "; p=" P1024, "the key record is no list of tags", 0, false, false, false},
    {"p=-", "the key is not base64", 0, false, false, true},
    {"p=AAAA", "the RSA key cannot be read", 0, false, false, true},
    /* One octet changed, as in dkimpy's test_bad.txt: the key is cut off. */
    {"p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2leFxfS/AVJ+dYfY"
     "+hXqMsT7l+MZvvh/R1WzN4MO/kI/7XsCAwEAAQ",
     NULL, 512, false, false, true},
    {"p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2leFxfS/AVJ+dYfY"
     "+hXqMsT7l+MZvvh/R1WzN4MO/kI/7XsCAwEAAA==",
     NULL, 512, false, false, true},
    {"p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2leFxfS/AVJ+dYfY"
     "+hXqMsT7l+MZvvh/R1WzN4MO/kI/7XsCAwEAA===",
     "the key is not base64", 0, false, false, true},
    {"p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2leFxfS/AVJ+dYfY"
     "+hXqMsT7l+MZvvh/R1WzN4MO/kI/7XsCAwEA",
     "the RSA key cannot be read", 0, false, false, true},
    /* An Ed25519 key is no RSA key, and none in a SubjectPublicKeyInfo. */
    {"p=" P25519, "the RSA key cannot be read", 0, false, false, true},
    {"k=ed25519; p=MCowBQYDK2VwAyEA3SUqa9UbfciWkk7tlcJ9P1VD5pXAasg0JUn/OgjVbKE=",
     "the Ed25519 key has a wrong length", 0, false, false, true},
};

static void test_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct dkim_key key;

        assert_int_equal(dkim_key_parse(slice_of(rows[i].record), &key),
                         rows[i].problem == NULL ? 0 : -EBADMSG);
        assert_string_equal(key.problem, rows[i].problem == NULL ? "" : rows[i].problem);
        assert_int_equal(key.testing, rows[i].testing);
        assert_int_equal(key.strict, rows[i].strict);
        assert_int_equal(key.sha256, rows[i].sha256);
        if (rows[i].problem == NULL) {
            assert_int_equal(key.bits, rows[i].bits);
        }
    }
}

/* A record with this DER, as base64. */
static struct buf record_of(const unsigned char *der, int n)
{
    struct buf b = {0};

    buf_append_slice(&b, SLICE_LIT("v=DKIM1; p="));
    b.n += (size_t)EVP_EncodeBlock((unsigned char *)buf_reserve(&b, (size_t)n * 2), der, n);
    return b;
}

static void check_der(const unsigned char *der, int n, unsigned bits)
{
    struct buf record = record_of(der, n);
    struct dkim_key key;

    assert_int_equal(dkim_key_parse(buf_slice(&record), &key), 0);
    assert_int_equal(key.bits, bits);
    assert_int_equal(key.modulus.n, (bits + 7) / 8);
    assert_memory_equal(key.exponent.p, "\1\0\1", 3);
    buf_free(&record);
    /* Cut anywhere it is none. */
    for (int cut = 1; cut < n; cut += 7) {
        record = record_of(der, cut);
        assert_int_equal(dkim_key_parse(buf_slice(&record), &key), -EBADMSG);
        buf_free(&record);
    }
}

/* Keys as OpenSSL makes them, in both forms. */
static void test_sizes(void **state)
{
    (void)state;
    for (unsigned bits = 512; bits <= 2048; bits += 509) {
        EVP_PKEY *pkey = EVP_RSA_gen(bits);
        unsigned char *info = NULL, *bare = NULL;

        assert_non_null(pkey);
        check_der((i2d_PUBKEY(pkey, &info), info), i2d_PUBKEY(pkey, NULL), bits);
        check_der((i2d_PublicKey(pkey, &bare), bare), i2d_PublicKey(pkey, NULL), bits);
        OPENSSL_free(info);
        OPENSSL_free(bare);
        EVP_PKEY_free(pkey);
    }
}

/* A number of `bits` bits as RSAPublicKey, in which no computation is put. */
static void test_large(void **state)
{
    struct buf der = {0}, record;
    struct dkim_key key;

    (void)state;
    buf_append(&der, "\x30\x82\x08\x0a\x02\x82\x08\x01\x00", 9);
    memset(buf_reserve(&der, 2048), 0xff, 2048);
    der.n += 2048;
    buf_append(&der, "\x02\x03\x01\x00\x01", 5);
    record = record_of((unsigned char *)der.p, (int)der.n);
    assert_int_equal(dkim_key_parse(buf_slice(&record), &key), 0);
    assert_int_equal(key.bits, 16384);
    buf_free(&record);

    memset(buf_reserve(&der, 48000), 0xff, 48000);
    der.n += 48000;
    record = record_of((unsigned char *)der.p, (int)der.n);
    assert_int_equal(dkim_key_parse(buf_slice(&record), &key), -EBADMSG);
    assert_string_equal(key.problem, "the key is too large");
    buf_free(&record);
    buf_free(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
