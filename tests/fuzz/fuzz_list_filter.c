/* A DNS list with its filter: what is understood can be written down again from what it matches,
 * and no filter is taken that nothing can pass. */
#include "fuzz.h"

#include <errno.h>

#include "parse/list_filter.h"

static bool passes(const struct list_octet *o, unsigned value)
{
    return (o->bits[value / 64] >> value % 64 & 1) != 0;
}

/* The lowest value that passes, or the highest; 256 for none. */
static unsigned extreme(const struct list_octet *o, bool highest)
{
    for (unsigned i = 0; i < 256; i++) {
        const unsigned value = highest ? 255 - i : i;
        if (passes(o, value)) {
            return value;
        }
    }
    return 256;
}

/* Is there an answer that passes and counts? */
static bool has_answer(const struct list_filter *f)
{
    bool found = f->any;

    for (unsigned i = 0; i < 4 && !found; i++) {
        const unsigned second = extreme(&f->octets[1], (i & 1) != 0);
        const unsigned third = extreme(&f->octets[2], (i & 2) != 0);
        const unsigned last = extreme(&f->octets[3], false);
        FUZZ_CHECK(second < 256 && third < 256 && last < 256);
        const struct addr a = {.family = ADDR_V4,
                               .octets = {127, (uint8_t)second, (uint8_t)third, (uint8_t)last}};
        found = list_filter_matches(f, &a) && list_answer_counts(&a);
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size};
    struct list_filter f = {.zone = {NULL, 0}};
    const char *problem = NULL;
    int r = list_filter_parse(text, &f, &problem);

    if (r == 0) {
        FUZZ_CHECK(problem == NULL && f.zone.p == text.p && f.zone.n > 0);
        FUZZ_CHECK(f.any == (memchr(text.p, '=', text.n) == NULL));
        FUZZ_CHECK(f.any || text.n >= f.zone.n + sizeof("=0.0.0.0") - 1);
        FUZZ_CHECK(has_answer(&f));
        const struct addr v6 = {.family = ADDR_V6, .octets = {127}};
        FUZZ_CHECK(!list_filter_matches(&f, &v6));
    } else {
        FUZZ_CHECK(r == -EINVAL && problem != NULL && f.zone.p == NULL);
    }
    free((char *)text.p);
    return 0;
}
