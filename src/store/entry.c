/* The value of an entry: format 1, when it expires (microseconds since 1970, 8 octets), and for a
 * refusal its code (2), the length of its enhanced code (1), the length of its text (2), and both;
 * for a note whatever its writer put there. Numbers have their most significant octet first. */
#include <string.h>

#include "base/octets.h"
#include "store/backend.h"

#define FORMAT       1
#define HEAD_LEN     9
#define REFUSAL_HEAD 5

size_t entry_encode(uint8_t ret[static ENTRY_MAX], usec_t expires, const struct refusal *r)
{
    ret[0] = FORMAT;
    octets_put(ret + 1, 8, (uint64_t)expires);
    if (r == NULL) {
        return HEAD_LEN;
    }
    size_t enhanced_n = strnlen(r->enhanced, sizeof(r->enhanced) - 1);
    size_t text_n = strnlen(r->text, sizeof(r->text) - 1);
    uint8_t *p = ret + HEAD_LEN;
    octets_put(p, 2, r->code);
    octets_put(p + 2, 1, enhanced_n);
    octets_put(p + 3, 2, text_n);
    memcpy(p + REFUSAL_HEAD, r->enhanced, enhanced_n);
    memcpy(p + REFUSAL_HEAD + enhanced_n, r->text, text_n);
    return HEAD_LEN + REFUSAL_HEAD + enhanced_n + text_n;
}

_Static_assert(HEAD_LEN + NOTE_MAX <= ENTRY_MAX, "a note does not fit an entry");

size_t entry_encode_note(uint8_t ret[static ENTRY_MAX], usec_t expires, const void *p, size_t n)
{
    size_t head_n = entry_encode(ret, expires, NULL);
    if (n > 0) {
        memcpy(ret + head_n, p, n);
    }
    return head_n + n;
}

static bool decode_refusal(const uint8_t *p, size_t n, struct refusal *ret)
{
    if (n < REFUSAL_HEAD) {
        return false;
    }
    size_t enhanced_n = p[2];
    size_t text_n = octets_get(p + 3, 2);
    if (enhanced_n >= sizeof(ret->enhanced) || text_n >= sizeof(ret->text) ||
        n != REFUSAL_HEAD + enhanced_n + text_n) {
        return false;
    }
    memset(ret, 0, sizeof(*ret));
    ret->code = (uint16_t)octets_get(p, 2);
    memcpy(ret->enhanced, p + REFUSAL_HEAD, enhanced_n);
    memcpy(ret->text, p + REFUSAL_HEAD + enhanced_n, text_n);
    return true;
}

usec_t entry_expires(const void *p, size_t n)
{
    const uint8_t *octets = p;
    return n < HEAD_LEN || octets[0] != FORMAT ? 0 : (usec_t)octets_get(octets + 1, 8);
}

bool entry_decode(const void *p, size_t n, usec_t wall, struct refusal *ret)
{
    const uint8_t *octets = p;
    usec_t expires = entry_expires(p, n);
    if (expires == 0 || expires <= wall) {
        return false;
    }
    return ret == NULL || decode_refusal(octets + HEAD_LEN, n - HEAD_LEN, ret);
}

bool entry_decode_note(const void *p, size_t n, usec_t wall, struct slice *ret)
{
    if (!entry_decode(p, n, wall, NULL)) {
        return false;
    }
    *ret = (struct slice){(const char *)p + HEAD_LEN, n - HEAD_LEN};
    return true;
}
