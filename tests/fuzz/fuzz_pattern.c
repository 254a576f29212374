/* Any pattern on any text, within its limits, and the JIT against the interpreter. */
#include "fuzz.h"

#include <errno.h>

#include "parse/pattern.h"

static struct pattern *compile(struct slice text, bool caseless)
{
    struct pattern *const untouched = (void *)1;
    struct pattern *p = untouched;
    char why[300];
    size_t offset = SIZE_MAX;
    const int r = pattern_compile(text, caseless, &p, why, sizeof(why), &offset);

    FUZZ_CHECK(r == 0 || r == -EINVAL);
    FUZZ_CHECK((p == untouched) == (r < 0));
    if (r < 0) {
        FUZZ_CHECK(offset <= text.n);
        FUZZ_CHECK(memchr(why, '\0', sizeof(why)) != NULL && why[0] != '\0');
        return NULL;
    }
    return p;
}

static int match(const struct pattern *p, struct slice subject)
{
    const int r = pattern_match(p, subject);

    FUZZ_CHECK(r == 0 || r == 1 || r == -E2BIG);
    return r;
}

/* The interpreter counts its work differently: only answers are compared. */
static void compare(struct slice pattern, bool caseless, struct slice subject, int answer)
{
    static const char prefix[] = "(*NO_JIT)";
    char *text = malloc(sizeof(prefix) - 1 + pattern.n);

    FUZZ_CHECK(text);
    memcpy(text, prefix, sizeof(prefix) - 1);
    if (pattern.n > 0)
        memcpy(text + sizeof(prefix) - 1, pattern.p, pattern.n);
    struct pattern *p = compile((struct slice){text, sizeof(prefix) - 1 + pattern.n}, caseless);
    if (p) {
        const int interpreted = match(p, subject);
        FUZZ_CHECK(answer == interpreted || answer == -E2BIG || interpreted == -E2BIG);
    }
    (void)pattern_free(p);
    free(text);
}

/* Case or not, the pattern up to the first NUL, then how often the rest is repeated, and the rest:
 * the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const bool caseless = (data[0] & 1) != 0;
    const uint8_t *nul = memchr(data + 1, 0, size - 1);
    const size_t n = nul ? (size_t)(nul - data) - 1 : size - 1;
    char *text = fuzz_copy(data + 1, n);
    const struct slice pattern = {text, n};
    const size_t left = size - 1 - n;
    const size_t unit = left > 2 ? left - 2 : 0;
    const size_t repeats = left > 2 ? (size_t)data[n + 2] * data[n + 2] / 16 + 1 : 1;
    const size_t length = unit * repeats;

    struct pattern *p = compile(pattern, caseless);
    if (p && length <= PATTERN_SUBJECT_LIMIT * 2) {
        char *subject = malloc(length);
        FUZZ_CHECK(subject || length == 0);
        for (size_t i = 0; i < repeats && unit > 0; i++)
            memcpy(subject + i * unit, data + n + 3, unit);
        const struct slice s = {subject, length};
        const int r = match(p, s);
        FUZZ_CHECK(match(p, s) == r);
        compare(pattern, caseless, s, r);
        free(subject);
    }
    (void)pattern_free(p);
    free(text);
    return 0;
}
