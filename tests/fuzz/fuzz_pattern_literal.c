/* What a pattern needs is in every text it matches. The input is a pattern, a line feed, and a
 * text. */
#include "fuzz.h"

#include "parse/literal_scan.h"
#include "parse/pattern.h"
#include "parse/pattern_literal.h"

/* Characters that PCRE2 takes for an "s" or a "k" without case. */
static bool has_long_letters(struct slice text)
{
    return memmem(text.p, text.n, "\xc5\xbf", 2) != NULL ||
           memmem(text.p, text.n, "\xe2\x84\xaa", 3) != NULL;
}

static bool needs_are_there(struct slice pattern, struct slice text)
{
    struct pattern_literals l;
    uint8_t bits[PATTERN_LITERALS_MOST / 8 + 1] = {0};
    bool any = false;

    pattern_literals_find(pattern, &l);
    FUZZ_CHECK(l.count <= PATTERN_LITERALS_MOST);
    struct literal_scan *s = literal_scan_new();
    for (size_t i = 0; i < l.count; i++) {
        literal_scan_add(s, (struct slice){l.of[i].octets, l.of[i].n}, (uint32_t)i);
    }
    FUZZ_CHECK(literal_scan_run(s, text, bits));
    for (size_t i = 0; i < l.count; i++) {
        any = any || (bits[i / 8] >> i % 8 & 1) != 0;
    }
    literal_scan_free(s);
    return l.count == 0 || any;
}

static void check(struct slice pattern, struct slice text, bool caseless)
{
    struct pattern *p;
    char why[200];
    size_t at;

    if (pattern_compile(pattern, caseless, &p, why, sizeof(why), &at) == 0) {
        if (pattern_match(p, text) == 1 && !has_long_letters(text)) {
            FUZZ_CHECK(needs_are_there(pattern, text));
        }
        pattern_free(p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    const size_t n = end != NULL ? (size_t)(end - data) : size;
    const size_t skipped = n + (end != NULL);

    if (n > 200) {
        return 0;
    }
    const struct slice pattern = {fuzz_copy(data, n), n};
    const struct slice text = {fuzz_copy(data + skipped, size - skipped), size - skipped};
    check(pattern, text, false);
    check(pattern, text, true);
    check(pattern, pattern, true); /* texts that it matches are often like it */
    free((char *)pattern.p);
    free((char *)text.p);
    return 0;
}
