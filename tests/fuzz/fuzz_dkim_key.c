/* Tag lists and key records of DKIM: what is found lies within the text or the key, lists have no
 * tag twice, and base64 is what OpenSSL writes for those octets. */
#include "fuzz.h"

#include <openssl/evp.h>

#include "parse/dkim_key.h"
#include "parse/tag_list.h"

static void check_list(struct slice text)
{
    struct tag_list list;

    if (tag_list_parse(text, &list) < 0) {
        return;
    }
    FUZZ_CHECK(list.count > 0 && list.count <= TAG_LIST_MOST);
    for (size_t i = 0; i < list.count; i++) {
        const struct tag *t = &list.tags[i];
        FUZZ_CHECK(t->name.n > 0 && fuzz_within(t->name, text) && fuzz_within(t->whole, text));
        FUZZ_CHECK(fuzz_within(t->value, t->whole));
        for (size_t k = 0; k < i; k++) {
            FUZZ_CHECK(!slice_eq(t->name, list.tags[k].name));
        }
    }
}

static void check_base64(struct slice text)
{
    uint8_t octets[256], again[256];
    unsigned char digits[400];
    size_t n, m;

    if (tag_base64(text, octets, sizeof(octets), &n) < 0) {
        return;
    }
    FUZZ_CHECK(n <= sizeof(octets));
    int length = EVP_EncodeBlock(digits, octets, (int)n);
    struct slice encoded = {(const char *)digits, (size_t)length};
    FUZZ_CHECK(tag_base64(encoded, again, sizeof(again), &m) == 0);
    FUZZ_CHECK(m == n && memcmp(again, octets, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size};
    struct dkim_key key;

    check_list(text);
    check_base64(text);
    if (dkim_key_parse(text, &key) == 0) {
        struct slice octets = {(const char *)key.octets, key.count};
        FUZZ_CHECK(key.problem[0] == '\0' && key.count > 0 && key.bits > 0);
        FUZZ_CHECK(key.type == DKIM_KEY_ED25519 ||
                   (fuzz_within(key.modulus, octets) && fuzz_within(key.exponent, octets) &&
                    key.modulus.p[0] != '\0' && key.bits <= key.modulus.n * 8));
    } else {
        FUZZ_CHECK(key.problem[0] != '\0');
    }
    free((char *)text.p);
    return 0;
}
