/* Classes of US-ASCII characters, whatever the locale says. Takes an octet as a plain or unsigned
 * char, or -1 for none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "parse/ascii.h"

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

/* A hexadecimal digit's value, in either case; -1 for what is none. */
static inline int ascii_hex(int c)
{
    return ascii_is_digit(c)      ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Copies `n` octets, letters in lower case; `p` may be `ret`. */
static inline void ascii_lower_copy(char *ret, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ret[i] = ascii_lower(p[i]);
    }
}

/* The text in lower case, in the arena. */
static inline struct slice ascii_lowered(struct arena *a, struct slice text)
{
    char *copy = arena_alloc(a, text.n + 1);

    ascii_lower_copy(copy, text.p, text.n);
    return (struct slice){copy, text.n};
}

/* Has it octets that are no US-ASCII? */
static inline bool ascii_has_8bit(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (((unsigned char)text.p[i] & 0x80) != 0) {
            return true;
        }
    }
    return false;
}
