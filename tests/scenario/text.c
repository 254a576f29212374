/* Words, strings and patterns of the scenario language. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

static bool glob(const char *pattern, const char *pattern_end, struct slice text, bool whole)
{
    while (pattern < pattern_end && *pattern != '*') {
        if (text.n == 0 || *text.p != *pattern) {
            return false;
        }
        pattern++;
        text = (struct slice){text.p + 1, text.n - 1};
    }
    if (pattern == pattern_end) {
        return !whole || text.n == 0;
    }
    for (size_t skip = 0; skip <= text.n; skip++) {
        struct slice rest = {text.p + skip, text.n - skip};
        if (glob(pattern + 1, pattern_end, rest, whole)) {
            return true;
        }
    }
    return false;
}

bool text_matches(const char *pattern, struct slice text, bool whole)
{
    const char *end = pattern + strlen(pattern);
    if (!whole && end > pattern && end[-1] == '$') {
        end--;
        whole = true;
    }
    if (text.p == NULL) {
        text.p = "";
    }
    return glob(pattern, end, text, whole);
}

/* "{X*N}" at `p`: its length, X and N; or 0. */
static size_t repetition(struct slice text, size_t at, struct slice *ret_what, size_t *ret_times)
{
    const char *p = text.p + at;
    const char *close = text.p[at] == '{' ? memchr(p, '}', text.n - at) : NULL;
    const char *star = close != NULL ? memrchr(p, '*', (size_t)(close - p)) : NULL;
    if (star == NULL || star + 1 == close) {
        return 0;
    }
    for (const char *digit = star + 1; digit < close; digit++) {
        if (!isdigit((unsigned char)*digit)) {
            return 0;
        }
    }
    *ret_what = (struct slice){p + 1, (size_t)(star - p - 1)};
    *ret_times = strtoul(star + 1, NULL, 10);
    return (size_t)(close - p) + 1;
}

void text_expand(struct buf *ret, struct slice text)
{
    for (size_t i = 0; i < text.n;) {
        struct slice what;
        size_t times;
        size_t length = repetition(text, i, &what, &times);
        if (length == 0) {
            buf_append(ret, text.p + i, 1);
            i++;
            continue;
        }
        for (size_t n = 0; n < times; n++) {
            buf_append_slice(ret, what);
        }
        i += length;
    }
}

/* One escape behind its backslash: the octet, or -1. Moves `*p` to behind it. */
static int escape(const char **p)
{
    static const char names[] = "rnt0\\\"";
    static const char octets[] = "\r\n\t\0\\\"";
    char c = *(*p)++;
    const char *name = c != '\0' ? strchr(names, c) : NULL;
    if (name != NULL) {
        return octets[name - names];
    }
    if (c == 'x' && isxdigit((unsigned char)(*p)[0]) && isxdigit((unsigned char)(*p)[1])) {
        char hex[] = {(*p)[0], (*p)[1], '\0'};
        *p += 2;
        return (int)strtoul(hex, NULL, 16);
    }
    return -1;
}

const char *text_string(struct buf *ret, const char *text)
{
    struct buf plain = {0};
    if (*text++ != '"') {
        return NULL;
    }
    while (*text != '"') {
        int octet = (unsigned char)*text;
        if (octet == '\0') {
            buf_free(&plain);
            return NULL;
        }
        text++;
        octet = octet == '\\' ? escape(&text) : octet;
        if (octet < 0) {
            buf_free(&plain);
            return NULL;
        }
        char c = (char)octet;
        buf_append(&plain, &c, 1);
    }
    text_expand(ret, buf_slice(&plain));
    buf_free(&plain);
    return text + 1;
}

usec_t text_duration(const char *text, const char **ret_rest)
{
    static const struct {
        const char *name;
        usec_t unit;
    } units[] = {
        {"ms", 1000},           {"s", USEC_SEC},         {"m", 60 * USEC_SEC},
        {"h", 3600 * USEC_SEC}, {"d", 86400 * USEC_SEC},
    };
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (end == text) {
        return -1;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t length = strlen(units[i].name);
        if (strncmp(end, units[i].name, length) == 0 && !isalpha((unsigned char)end[length])) {
            *ret_rest = end + length + strspn(end + length, " ");
            return (usec_t)n * units[i].unit;
        }
    }
    return -1;
}

int64_t text_size(const char *text)
{
    char *end;
    long long n = strtoll(text, &end, 10);
    if (end == text || n < 0) {
        return -1;
    }
    n *= *end == 'K' ? 1024 : *end == 'M' ? 1024 * 1024 : 1;
    return *end == 'K' || *end == 'M' || *end == '\0' ? n : -1;
}

bool text_word(const char **text, char *ret, size_t size)
{
    const char *p = *text + strspn(*text, " ");
    size_t n = strcspn(p, " ");
    if (n == 0) {
        return false;
    }
    snprintf(ret, size, "%.*s", (int)n, p);
    *text = p + n + strspn(p + n, " ");
    return true;
}
