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
