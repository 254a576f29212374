/* Regular expressions (PCRE2) with a bound on what one match may cost, whatever the pattern and the
 * text: both may be chosen so that backtracking never ends.
 *
 * PCRE2's own match limit begins anew at each octet of the text. So the work itself is counted too,
 * in octets passed: see pattern.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct pattern;

/* What one match may do before it is given up (the work takes a few milliseconds), and how much
 * text it is given. */
#define PATTERN_MATCH_LIMIT   100000
#define PATTERN_WORK_LIMIT    4000000
#define PATTERN_SUBJECT_LIMIT ((size_t)65536)

/* Of the pattern itself: octets, and parentheses within each other. */
#define PATTERN_LENGTH_LIMIT ((size_t)4096)
#define PATTERN_NEST_LIMIT   50

/* Compiles; `text` is UTF-8, and so are subjects: an octet of theirs that is no part of a character
 * is taken for U+FFFD. 0; or -EINVAL with the cause in `ret_why` and the octet of `text` at fault
 * in *ret_offset. May be called in any thread, but needs more stack than a task has. */
int pattern_compile(struct slice text, bool caseless, struct pattern **ret, char *ret_why,
                    size_t why_size, size_t *ret_offset);
struct pattern *pattern_free(struct pattern *p);

/* 1 or 0; -E2BIG when a limit was reached. Never suspends, never uses much of the caller's stack.
 * Not for two threads at a time: what it needs there is one for the process. */
int pattern_match(const struct pattern *p, struct slice subject);

/* What may be done where other bounds than those above are wanted. */
struct pattern_limits {
    size_t subject; /* octets of text */
    size_t each;    /* work of one match: about a nanosecond each */
    size_t all;     /* of all matches of one text */
};

/* A text that is tried against many patterns. */
struct pattern_subject {
    struct slice text;
    struct pattern_limits limits;
    char *copy;   /* what `text` is where it had to be changed */
    bool checked; /* it is UTF-8 */
    size_t work;  /* that is left */
};

/* With the limits above, and ten times the work of one match for all. */
void pattern_subject_init(struct pattern_subject *s, struct slice text);
void pattern_subject_init_within(struct pattern_subject *s, struct slice text,
                                 const struct pattern_limits *limits);
/* Makes the text UTF-8 at once: places in `text` stay what they are from now on. */
void pattern_subject_settle(struct pattern_subject *s);
/* As pattern_match. */
int pattern_try(const struct pattern *p, struct pattern_subject *s);
/* Whether a match begins at this octet of `text`, where a character begins. */
int pattern_try_at(const struct pattern *p, struct pattern_subject *s, size_t at);
void pattern_subject_fini(struct pattern_subject *s);
