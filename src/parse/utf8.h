/* Characters of UTF-8 (RFC 3629), one at a time. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What is shown for octets that are no character. */
#define UTF8_REPLACEMENT ((uint32_t)0xfffd)
/* Octets of the longest character. */
#define UTF8_MOST 4

/* Octets of the character that begins at `p`, by the table of RFC 3629 4, and which it is; 0 when
 * the octets there are none. `n` is 1 at least. */
static inline size_t utf8_take(const char *p, size_t n, uint32_t *ret)
{
    const unsigned char *u = (const unsigned char *)p;

    if (u[0] < 0x80) {
        *ret = u[0];
        return 1;
    }
    const size_t length = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    uint32_t c = u[0] & (0x7fU >> length);
    if (u[0] < 0xc2 || u[0] > 0xf4 || n < length) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((u[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (u[i] & 0x3f);
    }
    if ((length == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
        (length == 4 && (c < 0x10000 || c > 0x10ffff))) {
        return 0;
    }
    *ret = c;
    return length;
}

/* Writes the character, U+FFFD for what is none; how many octets that took. */
static inline size_t utf8_put(uint32_t c, char ret[static UTF8_MOST])
{
    if (c < 0x80) {
        ret[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        ret[0] = (char)(0xc0 | c >> 6);
        ret[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff) {
        c = UTF8_REPLACEMENT;
    }
    if (c < 0x10000) {
        ret[0] = (char)(0xe0 | c >> 12);
        ret[1] = (char)(0x80 | (c >> 6 & 0x3f));
        ret[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    ret[0] = (char)(0xf0 | c >> 18);
    ret[1] = (char)(0x80 | (c >> 12 & 0x3f));
    ret[2] = (char)(0x80 | (c >> 6 & 0x3f));
    ret[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* How many octets are no part of a character; 0: it is UTF-8. */
static inline size_t utf8_wrong(const char *p, size_t n)
{
    const uint64_t high = 0x8080808080808080U;
    size_t wrong = 0, i = 0;
    uint64_t eight;
    uint32_t c;

    while (i < n) {
        if (n - i >= sizeof(eight)) {
            memcpy(&eight, p + i, sizeof(eight));
            if ((eight & high) == 0) {
                i += sizeof(eight);
                continue;
            }
        }
        const size_t took = utf8_take(p + i, n - i, &c);
        wrong += took == 0;
        i += took > 0 ? took : 1;
    }
    return wrong;
}
