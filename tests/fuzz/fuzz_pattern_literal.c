/* What a pattern needs is in every text it matches, and a match begins where it says. The input is
 * a pattern, a line feed, and a text. */
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

struct tried {
    const struct pattern *pattern;
    struct pattern_subject subject;
    bool begin;
    bool any; /* of the literals was there, and a match begins there, if it begins with it */
};

static void found(void *arg, uint32_t number, size_t at)
{
    struct tried *t = arg;

    (void)number;
    t->any = t->any || !t->begin || pattern_try_at(t->pattern, &t->subject, at) != 0;
}

static bool needs_are_there(struct slice pattern, const struct pattern *p, struct slice text)
{
    struct tried t = {.pattern = p};
    struct pattern_literals l;
    struct arena arena;

    arena_init(&arena);
    pattern_literals_find(pattern, &arena, &l);
    FUZZ_CHECK(l.count <= PATTERN_LITERALS_MOST);
    struct literal_scan *s = literal_scan_new();
    for (size_t i = 0; i < l.count; i++) {
        literal_scan_add(s, (struct slice){l.of[i].octets, l.of[i].n}, (uint32_t)i);
    }
    t.begin = l.begin;
    pattern_subject_init(&t.subject, text);
    pattern_subject_settle(&t.subject);
    FUZZ_CHECK(literal_scan_run(s, t.subject.text, found, &t));
    pattern_subject_fini(&t.subject);
    literal_scan_free(s);
    const bool none = l.count == 0;
    arena_free(&arena);
    return none || t.any;
}

static void check(struct slice pattern, struct slice text, bool caseless)
{
    struct pattern *p;
    char why[200];
    size_t at;

    if (pattern_compile(pattern, caseless, &p, why, sizeof(why), &at) == 0) {
        if (pattern_match(p, text) == 1 && !has_long_letters(text)) {
            FUZZ_CHECK(needs_are_there(pattern, p, text));
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
