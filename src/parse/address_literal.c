/* See parse/address_literal.h. */
#include "parse/address_literal.h"

#include "parse/ascii.h"

bool ipv4_literal_parse(struct slice text, struct addr *ret)
{
    struct addr a = {.family = ADDR_V4};
    size_t at = 0;

    for (int i = 0; i < 4; i++) {
        if (i > 0 && (at == text.n || text.p[at++] != '.')) {
            return false;
        }
        const size_t start = at;
        int value = 0;
        while (at < text.n && at - start < 3 && ascii_is_digit(text.p[at])) {
            value = 10 * value + (text.p[at++] - '0');
        }
        if (at == start || value > 255) {
            return false;
        }
        a.octets[i] = (uint8_t)value;
    }
    if (at < text.n) {
        return false;
    }
    *ret = a;
    return true;
}

bool ipv6_literal_parse(struct slice text, struct addr *ret)
{
    return text.n > 0 && memchr(text.p, ':', text.n) != NULL && addr_parse(text, ret) == 0;
}

bool address_literal_parse(struct slice text, struct addr *ret)
{
    static const struct slice tag = {"IPv6:", 5};

    if (text.n < 2 || text.p[0] != '[' || text.p[text.n - 1] != ']') {
        return false;
    }
    text = (struct slice){text.p + 1, text.n - 2};
    if (text.n > tag.n && slice_eq_nocase((struct slice){text.p, tag.n}, tag)) {
        return ipv6_literal_parse((struct slice){text.p + tag.n, text.n - tag.n}, ret);
    }
    return ipv4_literal_parse(text, ret);
}
