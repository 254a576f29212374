/* A borrowed run of octets: pointer and length, no terminator, never owned. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *p;
    size_t n;
};

#define SLICE_LIT(s) ((struct slice){(s), sizeof(s) - 1})
#define SLICE_FMT    "%.*s"
#define SLICE_ARG(s) (int)(s).n, (s).p

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Equality with ASCII letters compared without case. */
static inline bool slice_eq_nocase(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

/* Does `text` begin with `prefix`? Then *ret_rest is what follows. */
static inline bool slice_prefix(struct slice text, const char *prefix, struct slice *ret_rest)
{
    size_t n = strlen(prefix);

    if (text.n < n || (n > 0 && memcmp(text.p, prefix, n) != 0)) {
        return false;
    }
    *ret_rest = (struct slice){text.p + n, text.n - n};
    return true;
}

/* Without octets of `these` at its ends. */
static inline struct slice slice_trim(struct slice text, const char *these)
{
    const size_t n = strlen(these);

    while (text.n > 0 && memchr(these, text.p[0], n) != NULL) {
        text = (struct slice){text.p + 1, text.n - 1};
    }
    while (text.n > 0 && memchr(these, text.p[text.n - 1], n) != NULL) {
        text.n--;
    }
    return text;
}

/* Takes a line off, without its end: CRLF, or LF alone. False when it has not ended yet. */
static inline bool slice_take_line(struct slice *text, struct slice *ret)
{
    const char *end = text->n > 0 ? (const char *)memchr(text->p, '\n', text->n) : NULL;

    if (end == NULL) {
        return false;
    }
    const size_t n = (size_t)(end - text->p);
    *ret = (struct slice){text->p, n > 0 && text->p[n - 1] == '\r' ? n - 1 : n};
    *text = (struct slice){end + 1, text->n - n - 1};
    return true;
}
