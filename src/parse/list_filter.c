/* See parse/list_filter.h. */
#include "parse/list_filter.h"

#include <errno.h>

#include "parse/ascii.h"

static bool octet_has(const struct list_octet *o, unsigned value)
{
    return (o->bits[value / 64] >> value % 64 & 1) != 0;
}

static void octet_add(struct list_octet *o, unsigned first, unsigned last)
{
    for (unsigned value = first; value <= last; value++) {
        o->bits[value / 64] |= (uint64_t)1 << value % 64;
    }
}

static bool skip(struct slice *text, const char *expected)
{
    return slice_prefix(*text, expected, text);
}

/* 1*3DIGIT up to 255. NULL, or what is wrong. */
static const char *take_number(struct slice *text, unsigned *ret)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < text->n && n < 3 && ascii_is_digit(text->p[n])) {
        value = 10 * value + (unsigned)(text->p[n++] - '0');
    }
    if (n == 0 || value > 255 || (n < text->n && ascii_is_digit(text->p[n]))) {
        return "expected a number from 0 to 255";
    }
    *text = (struct slice){text->p + n, text->n - n};
    *ret = value;
    return NULL;
}

/* number [ ".." number ] */
static const char *take_range(struct slice *text, struct list_octet *ret)
{
    unsigned first = 0, last;
    const char *problem = take_number(text, &first);

    if (problem != NULL) {
        return problem;
    }
    last = first;
    if (skip(text, "..")) {
        problem = take_number(text, &last);
    }
    if (problem == NULL && last < first) {
        problem = "expected a range from the lower to the higher number";
    }
    if (problem == NULL) {
        octet_add(ret, first, last);
    }
    return problem;
}

/* number | "[" range *( ";" range ) "]" */
static const char *take_octet(struct slice *text, struct list_octet *ret)
{
    unsigned value = 0;

    *ret = (struct list_octet){0};
    if (!skip(text, "[")) {
        const char *problem = take_number(text, &value);
        if (problem == NULL) {
            octet_add(ret, value, value);
        }
        return problem;
    }
    do {
        const char *problem = take_range(text, ret);
        if (problem != NULL) {
            return problem;
        }
    } while (skip(text, ";"));
    return skip(text, "]") ? NULL : "expected \";\" or \"]\" behind the number";
}

static bool is_only(const struct list_octet *o, unsigned value)
{
    struct list_octet one = {0};

    octet_add(&one, value, value);
    return memcmp(o, &one, sizeof(one)) == 0;
}

/* Can an answer pass that counts? */
static bool is_of_use(const struct list_octet octets[4])
{
    return octet_has(&octets[0], 127) && !(is_only(&octets[1], 255) && is_only(&octets[2], 255));
}

static const char *take_octets(struct slice text, struct list_octet ret[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (i > 0 && !skip(&text, ".")) {
            return "expected an address of four numbers behind \"=\"";
        }
        const char *problem = take_octet(&text, &ret[i]);
        if (problem != NULL) {
            return problem;
        }
    }
    if (text.n > 0) {
        return "expected nothing behind the fourth number; weights are what `doubt` rules are for";
    }
    return is_of_use(ret) ? NULL
                          : "expected answers within 127.0.0.0/8 and outside 127.255.255.0/24, as "
                            "no others count";
}

int list_filter_parse(struct slice text, struct list_filter *ret, const char **ret_problem)
{
    const char *equals = text.n > 0 ? memchr(text.p, '=', text.n) : NULL;
    struct list_filter f = {.zone = text, .any = equals == NULL};
    const char *problem = NULL;

    if (equals != NULL) {
        f.zone.n = (size_t)(equals - text.p);
        problem = take_octets((struct slice){equals + 1, text.n - f.zone.n - 1}, f.octets);
    }
    if (problem == NULL && f.zone.n == 0) {
        problem = "expected the list's zone";
    }
    if (problem != NULL) {
        *ret_problem = problem;
        return -EINVAL;
    }
    *ret = f;
    return 0;
}

bool list_filter_matches(const struct list_filter *f, const struct addr *answer)
{
    bool matches = answer->family == ADDR_V4;

    for (size_t i = 0; i < 4 && matches && !f->any; i++) {
        matches = octet_has(&f->octets[i], answer->octets[i]);
    }
    return matches;
}

bool list_answer_counts(const struct addr *answer)
{
    return answer->family == ADDR_V4 && answer->octets[0] == 127 &&
           (answer->octets[1] != 255 || answer->octets[2] != 255);
}
