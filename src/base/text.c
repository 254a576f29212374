/* Cleaning text for terminals and logs. */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* The length of the harmless character at `p`, by the table of RFC 3629 4; 0 when there is none.
 * U+0080 to U+009F are C1 control characters. */
static size_t shown_length(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80) {
        return p[0] >= 0x20 && p[0] != 0x7f;
    }
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        unsigned char lowest = p[0] == 0xc2 ? 0xa0 : 0x80;
        return n >= 2 && is_continuation(p[1]) && p[1] >= lowest ? 2 : 0;
    }
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        unsigned char lowest = p[0] == 0xe0 ? 0xa0 : 0x80;
        unsigned char highest = p[0] == 0xed ? 0x9f : 0xbf;
        return n >= 3 && p[1] >= lowest && p[1] <= highest && is_continuation(p[2]) ? 3 : 0;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        unsigned char lowest = p[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char highest = p[0] == 0xf4 ? 0x8f : 0xbf;
        return n >= 4 && p[1] >= lowest && p[1] <= highest && is_continuation(p[2]) &&
                       is_continuation(p[3])
                   ? 4
                   : 0;
    }
    return 0;
}

size_t text_clean_length(const char *p, size_t n)
{
    size_t i = 0;

    while (i < n) {
        size_t length = shown_length((const unsigned char *)p + i, n - i);
        if (length == 0) {
            break;
        }
        i += length;
    }
    return i;
}

void text_clean(char *p, size_t n)
{
    size_t i = text_clean_length(p, n);

    while (i < n) {
        p[i++] = '?';
        i += text_clean_length(p + i, n - i);
    }
}

/* Characters of UTF-8 that have no look of their own, but change that of others, or hide: U+061C,
 * U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF, U+FFF9 to U+FFFB, and the tags
 * U+E0000 to U+E007F. */
static bool is_unseen(const unsigned char *p, size_t n)
{
    if (n == 2) {
        return p[0] == 0xd8 && p[1] == 0x9c;
    }
    if (n == 3) {
        const unsigned c = (p[0] & 0x0fU) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU);
        return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
               (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb);
    }
    return n == 4 && p[0] == 0xf3 && p[1] == 0xa0 && (p[2] == 0x80 || p[2] == 0x81);
}

void text_show(struct buf *ret, struct slice text, size_t most)
{
    size_t i = 0;

    while (i < text.n) {
        const unsigned char *p = (const unsigned char *)text.p + i;
        const size_t length = shown_length(p, text.n - i);
        if (i + (length > 0 ? length : 1) > most) {
            buf_printf(ret, "... (%zu octets)", text.n);
            return;
        }
        if (*p == '\n') {
            buf_append(ret, " | ", i + 1 < text.n ? 3 : 0);
        } else if (length == 0 || is_unseen(p, length)) {
            buf_append(ret, "?", 1);
        } else {
            buf_append(ret, p, length);
        }
        i += length > 0 ? length : 1;
    }
}
