/* How deep brackets of a JSON text stand within each other: jansson goes one call deeper for each,
 * on a small stack. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* More than `most`? Strings may hold brackets as well, which do not count. */
static inline bool json_is_deeper(struct slice text, size_t most)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > most) {
                return true;
            }
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        }
    }
    return false;
}
