/* See parse/dkim_key.h. */
#include "parse/dkim_key.h"

#include <errno.h>

#include "base/octets.h"
#include "parse/tag_list.h"

/* ---- DER (X.690 8.1): only as much as a public RSA key has ---- */

enum {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OBJECT = 0x06,
    DER_SEQUENCE = 0x30,
};

/* Takes an element with that tag off the front of *rest. */
static bool take_element(struct slice *rest, int tag, struct slice *ret)
{
    const uint8_t *p = (const uint8_t *)rest->p;
    size_t head = 2, n;

    if (rest->n < 2 || p[0] != tag) {
        return false;
    }
    n = p[1];
    if (n >= 0x80) { /* the low bits say how many octets the length has */
        const size_t count = n & 0x7f;
        if (count == 0 || count > 2 || rest->n < head + count) {
            return false;
        }
        n = (size_t)octets_get(p + head, count);
        head += count;
    }
    if (n > rest->n - head) {
        return false;
    }
    *ret = (struct slice){rest->p + head, n};
    *rest = (struct slice){rest->p + head + n, rest->n - head - n};
    return true;
}

/* A positive number, without the zeros in front. */
static bool take_number(struct slice *rest, struct slice *ret)
{
    struct slice s;

    if (!take_element(rest, DER_INTEGER, &s) || s.n == 0 || ((uint8_t)s.p[0] & 0x80) != 0) {
        return false;
    }
    while (s.n > 0 && s.p[0] == '\0') {
        s = (struct slice){s.p + 1, s.n - 1};
    }
    *ret = s;
    return s.n > 0;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 A.1.1), and
 * nothing behind it. */
static bool parse_rsa(struct slice der, struct dkim_key *ret)
{
    struct slice numbers;

    return take_element(&der, DER_SEQUENCE, &numbers) && der.n == 0 &&
           take_number(&numbers, &ret->modulus) && take_number(&numbers, &ret->exponent) &&
           numbers.n == 0;
}

/* SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { OBJECT rsaEncryption, NULL }, BIT STRING }
 * (RFC 3279 2.3.1); the key is in the string, behind the octet that counts its unused bits. */
static bool unwrap(struct slice der, struct slice *ret)
{
    static const struct slice rsa_encryption = SLICE_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
    struct slice info, algorithm, object, bits;

    if (!take_element(&der, DER_SEQUENCE, &info) || der.n > 0 ||
        !take_element(&info, DER_SEQUENCE, &algorithm) ||
        !take_element(&algorithm, DER_OBJECT, &object) || !slice_eq(object, rsa_encryption) ||
        !take_element(&info, DER_BIT_STRING, &bits) || info.n > 0 || bits.n == 0 ||
        bits.p[0] != '\0') {
        return false;
    }
    *ret = (struct slice){bits.p + 1, bits.n - 1};
    return true;
}

static unsigned bit_length(struct slice number)
{
    unsigned bits = (unsigned)(number.n - 1) * 8;

    for (unsigned top = (uint8_t)number.p[0]; top > 0; top >>= 1) {
        bits++;
    }
    return bits;
}

/* ---- the record ---- */

static int problem(struct dkim_key *k, const char *what)
{
    k->problem = what;
    return -EBADMSG;
}

static bool has_item(struct slice list, const char *item)
{
    struct slice s;

    while (tag_next_item(&list, &s)) {
        if (slice_eq_nocase(s, slice_of(item))) {
            return true;
        }
    }
    return false;
}

/* v=, which comes first if it is there. */
static bool is_ours(const struct tag_list *list)
{
    const struct tag *version = tag_list_find(list, "v");

    return version == NULL ||
           (version == &list->tags[0] && slice_eq(version->value, SLICE_LIT("DKIM1")));
}

/* h=, s=, t= and k=: what the key is for. */
static int parse_purpose(const struct tag_list *list, struct dkim_key *ret)
{
    const struct tag *flags = tag_list_find(list, "t"), *hashes = tag_list_find(list, "h"),
                     *services = tag_list_find(list, "s"), *type = tag_list_find(list, "k");

    ret->testing = flags != NULL && has_item(flags->value, "y");
    ret->strict = flags != NULL && has_item(flags->value, "s");
    ret->sha1 = hashes == NULL || has_item(hashes->value, "sha1");
    ret->sha256 = hashes == NULL || has_item(hashes->value, "sha256");
    if (services != NULL && !has_item(services->value, "*") &&
        !has_item(services->value, "email")) {
        return problem(ret, "the key is not meant for mail");
    }
    if (type == NULL || slice_eq_nocase(type->value, SLICE_LIT("rsa"))) {
        ret->type = DKIM_KEY_RSA;
    } else if (slice_eq_nocase(type->value, SLICE_LIT("ed25519"))) {
        ret->type = DKIM_KEY_ED25519;
    } else {
        return problem(ret, "the key is of an unknown type");
    }
    return 0;
}

/* p= */
static int parse_octets(struct slice text, struct dkim_key *ret)
{
    struct slice key;

    if (text.n == 0) {
        return problem(ret, "the key is revoked");
    }
    int r = tag_base64(text, ret->octets, sizeof(ret->octets), &ret->count);
    if (r < 0) {
        return problem(ret, r == -EMSGSIZE ? "the key is too large" : "the key is not base64");
    }
    key = (struct slice){(const char *)ret->octets, ret->count};
    if (ret->type == DKIM_KEY_ED25519) { /* RFC 8463 4.2: as it is */
        ret->bits = 256;
        return ret->count == DKIM_ED25519_OCTETS
                   ? 0
                   : problem(ret, "the Ed25519 key has a wrong length");
    }
    (void)unwrap(key, &key);
    if (!parse_rsa(key, ret)) {
        return problem(ret, "the RSA key cannot be read");
    }
    ret->bits = bit_length(ret->modulus);
    return 0;
}

int dkim_key_parse(struct slice record, struct dkim_key *ret)
{
    struct tag_list list;

    *ret = (struct dkim_key){.problem = ""};
    int r = tag_list_parse(record, &list);
    if (r < 0) {
        return problem(ret, "the key record is no list of tags");
    }
    const struct tag *p = tag_list_find(&list, "p");
    if (!is_ours(&list) || p == NULL) {
        return problem(ret, p == NULL ? "the record has no key" : "the key record is no DKIM1");
    }
    r = parse_purpose(&list, ret);
    return r < 0 ? r : parse_octets(p->value, ret);
}
