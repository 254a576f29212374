/* See auth/signature.h. */
#include "auth/signature.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdint.h>

#include "auth/rsa_keys.h"
#include "parse/dkim_key.h"

static void say(struct signature_verdict *v, enum auth_result result, const char *problem)
{
    v->result = result;
    v->problem = problem;
}

/* Seconds since 1970 as a point in time: what is too far away is very far away. */
static usec_t seconds(uint64_t s)
{
    return s > (uint64_t)(USEC_NEVER / USEC_SEC) ? USEC_NEVER : (usec_t)s * USEC_SEC;
}

bool signature_check(const struct message_signature *m, usec_t wall, struct signature_verdict *ret)
{
    const struct dkim_signature *s = &m->s;

    *ret = (struct signature_verdict){.problem = ""};
    if (s->algorithm == DKIM_RSA_SHA1) { /* whatever else is wrong with it */
        say(ret, AUTH_POLICY, "rsa-sha1 is not used any more");
    } else if (m->error < 0) {
        say(ret,
            m->error == -ENODATA ? AUTH_PERMERROR
            : m->error == -E2BIG ? AUTH_POLICY
                                 : AUTH_NEUTRAL,
            s->problem);
    } else if (m->body == BODY_UNHASHED) {
        say(ret, AUTH_POLICY, "too many signatures hash the body each in their own way");
    } else if (m->body == BODY_SHORT) {
        say(ret, AUTH_PERMERROR, "l= is more than the body has");
    } else if (seconds(s->signed_at) > wall + SIGNATURE_CLOCKS_DIFFER) {
        say(ret, AUTH_POLICY, "t= is in the future");
    } else if (seconds(s->expires) < wall - SIGNATURE_CLOCKS_DIFFER) {
        say(ret, AUTH_PERMERROR, "the signature is expired");
    } else {
        return true;
    }
    return false;
}

int signature_key_name(const struct dkim_signature *s, struct dns_name *ret)
{
    struct dns_name domain;

    if (dns_name_parse_idn(s->selector, ret) < 0 || dns_name_parse_idn(s->domain, &domain) < 0 ||
        dns_name_append(ret, SLICE_LIT("_domainkey")) < 0 || dns_name_join(ret, &domain) < 0) {
        return -EINVAL;
    }
    return 0;
}

/* ---- mathematics ---- */

/* RSASSA-PKCS1-v1_5 (RFC 6376 3.3) */
static bool rsa_holds(const struct dkim_key *key, const struct dkim_signature *s,
                      const struct digest *hash)
{
    EVP_PKEY_CTX *ready = rsa_key_ready(key);

    return ready != NULL && EVP_PKEY_verify(ready, s->signature, s->signature_count, hash->octets,
                                            sizeof(hash->octets)) == 1;
}

/* PureEdDSA over the digest (RFC 8463 3) */
static bool ed25519_holds(const struct dkim_key *key, const struct dkim_signature *s,
                          const struct digest *hash)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->octets, key->count);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool holds = pkey != NULL && context != NULL &&
                       EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
                       EVP_DigestVerify(context, s->signature, s->signature_count, hash->octets,
                                        sizeof(hash->octets)) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    return holds;
}

static bool holds(const struct dkim_key *key, const struct dkim_signature *s,
                  const struct digest *hash)
{
    const bool ret =
        key->type == DKIM_KEY_RSA ? rsa_holds(key, s, hash) : ed25519_holds(key, s, hash);

    ERR_clear_error(); /* TLS would take it for its own */
    return ret;
}

/* ---- the key ---- */

/* May this key have made such a signature (RFC 6376 6.1.2)? False: *ret says why not. */
static bool fits(const struct dkim_key *key, const struct dkim_signature *s,
                 struct signature_verdict *ret)
{
    const bool is_rsa = key->type == DKIM_KEY_RSA;

    if (is_rsa != (s->algorithm == DKIM_RSA_SHA256)) {
        say(ret, AUTH_PERMERROR, "the key is of another type than a=");
    } else if (!key->sha256) {
        say(ret, AUTH_PERMERROR, "the key does not allow SHA-256");
    } else if (key->strict && s->below) {
        say(ret, AUTH_PERMERROR, "the key does not allow i= below d=");
    } else if (is_rsa && key->bits < RSA_BITS_LEAST) {
        say(ret, AUTH_POLICY, "the key has less than 1,024 bits");
    } else if (is_rsa && key->bits > RSA_BITS_MOST) {
        say(ret, AUTH_POLICY, "the key has more than 4,096 bits");
    } else if (is_rsa && key->exponent.n > RSA_EXPONENT_MOST) {
        say(ret, AUTH_POLICY, "the key's exponent is too large");
    } else {
        return true;
    }
    return false;
}

static void try_record(const struct dkim_signature *s, struct slice record,
                       const struct digest *hash, struct signature_verdict *ret)
{
    struct dkim_key key;
    int r = dkim_key_parse(record, &key);

    *ret = (struct signature_verdict){.key_bits = key.bits, .testing = key.testing, .problem = ""};
    if (r < 0) {
        say(ret, AUTH_PERMERROR, key.problem);
    } else if (fits(&key, s, ret)) {
        const bool good = hash != NULL && holds(&key, s, hash);
        say(ret, good ? AUTH_PASS : AUTH_FAIL, good ? "" : "the signature does not match");
    }
}

/* How far the key got, of a result. */
static int rank(enum auth_result result)
{
    return result == AUTH_PASS ? 3 : result == AUTH_FAIL ? 2 : result == AUTH_POLICY ? 1 : 0;
}

void signature_verify(const struct dkim_signature *s, const struct dns_answer *key,
                      const struct digest *hash, struct signature_verdict *ret)
{
    *ret = (struct signature_verdict){.result = AUTH_PERMERROR, .problem = "there is no key"};
    if (key->state == DNS_BOGUS || key->state == DNS_FAILED || key->state == DNS_TIMED_OUT) {
        say(ret, AUTH_TEMPERROR, "the key could not be looked up");
    }
    for (size_t i = 0; i < key->count && i < KEY_RECORDS_MOST && ret->result != AUTH_PASS; i++) {
        struct signature_verdict v;
        try_record(s, key->records[i].text, hash, &v);
        if (i == 0 || rank(v.result) > rank(ret->result)) {
            *ret = v;
        }
    }
}
