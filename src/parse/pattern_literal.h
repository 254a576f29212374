/* What every text must hold that a pattern matches: short runs of letters that are looked for all
 * at once (parse/literal_scan.h) before any pattern is tried. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

#define PATTERN_LITERAL_LEAST 3
#define PATTERN_LITERAL_MOST  32 /* octets that are kept of one */
#define PATTERN_LITERALS_MOST 256

struct pattern_literal {
    uint8_t n;
    char octets[PATTERN_LITERAL_MOST]; /* ASCII, letters in lower case */
};

/* One at least of these is in every text that the pattern matches, if letters of ASCII are compared
 * without case and U+017F and U+212A, which are an "s" and a "k" where PCRE2 compares without case,
 * do not occur in it. None: nothing is known, and the pattern must be tried on every text. */
struct pattern_literals {
    const struct pattern_literal *of;
    size_t count;
    bool begin; /* a match begins with one of them: nowhere else need it be tried */
};

/* For a pattern that compiles; in `arena`. It understands what most patterns are made of, and says
 * nothing about others. */
void pattern_literals_find(struct slice pattern, struct arena *arena, struct pattern_literals *ret);
