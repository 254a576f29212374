/* Classes of US-ASCII characters, whatever the locale says. Takes an octet as a plain or unsigned
 * char, or -1 for none. */
#pragma once

#include <stdbool.h>

static inline bool ascii_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* Let-dig of RFC 5321 4.1.2 */
static inline bool ascii_is_let_dig(int c)
{
    return ascii_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool ascii_is_blank(int c)
{
    return c == ' ' || c == '\t';
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}
