/* A DNS list with its filter: what is understood can be written down again from what it matches,
 * and no filter is taken that nothing can pass. */
#include "fuzz.h"

#include <errno.h>

#include "parse/list_filter.h"

/* How many of the values that an octet can have pass, the others being those of `a`. */
static unsigned passing(const struct list_filter *f, struct addr a, size_t octet)
{
    unsigned count = 0;

    for (unsigned value = 0; value < 256; value++) {
        a.octets[octet] = (uint8_t)value;
        count += list_filter_matches(f, &a);
    }
    return count;
}

/* An answer that passes and counts, octet by octet. */
static bool find_answer(const struct list_filter *f, struct addr *ret)
{
    struct addr a = {.family = ADDR_V4, .octets = {127}};

    for (unsigned i = 0; i < 256 * 256; i++) {
        a.octets[1] = (uint8_t)(i >> 8);
        a.octets[2] = (uint8_t)i;
        for (unsigned last = 0; last < 256; last++) {
            a.octets[3] = (uint8_t)last;
            if (list_filter_matches(f, &a) && list_answer_counts(&a)) {
                *ret = a;
                return true;
            }
            /* the second and third octets alone decide it nearly always */
            if (last == 0 && passing(f, a, 3) == 0) {
                break;
            }
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size};
    struct list_filter f = {.zone = {NULL, 0}};
    const char *problem = NULL;
    int r = list_filter_parse(text, &f, &problem);

    if (r == 0) {
        struct addr answer;
        FUZZ_CHECK(problem == NULL && f.zone.p == text.p && f.zone.n > 0);
        FUZZ_CHECK(f.any == (memchr(text.p, '=', text.n) == NULL));
        FUZZ_CHECK(f.any || text.n >= f.zone.n + sizeof("=0.0.0.0") - 1);
        FUZZ_CHECK(find_answer(&f, &answer));
        const struct addr v6 = {.family = ADDR_V6, .octets = {127}};
        FUZZ_CHECK(!list_filter_matches(&f, &v6));
    } else {
        FUZZ_CHECK(r == -EINVAL && problem != NULL && f.zone.p == NULL);
    }
    free((char *)text.p);
    return 0;
}
