/* Regular expressions (PCRE2, JIT where the system allows it) with a bound on what one match may
 * cost. */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct pattern;

/* What one match may do before it is given up, and how much text it is given. */
#define PATTERN_MATCH_LIMIT   100000
#define PATTERN_SUBJECT_LIMIT ((size_t)65536)

/* Compiles; text and subjects are octets, UTF-8 where they are valid UTF-8. 0; or -EINVAL with the
 * cause in `ret_why` and the octet of `text` at fault in *ret_offset. */
int pattern_compile(struct slice text, bool caseless, struct pattern **ret, char *ret_why,
                    size_t why_size, size_t *ret_offset);
struct pattern *pattern_free(struct pattern *p);

/* 1 or 0; -E2BIG when a limit was reached. Never suspends, never uses much of the caller's stack. */
int pattern_match(const struct pattern *p, struct slice subject);
