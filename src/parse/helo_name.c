/* See parse/helo_name.h. */
#include "parse/helo_name.h"

#include "parse/address_literal.h"
#include "parse/ascii.h"

/* RFC 1035 2.3.4, RFC 5321 4.5.3.1.2 */
#define LABEL_MOST  63
#define DOMAIN_MOST 255

struct slice helo_without_last_dot(struct slice name)
{
    if (name.n > 0 && name.p[name.n - 1] == '.') {
        name.n--;
    }
    return name;
}

/* sub-domain = Let-dig [Ldh-str], and the underscore that real names have */
static bool is_label(struct slice label)
{
    if (label.n == 0 || label.n > LABEL_MOST || label.p[0] == '-' || label.p[label.n - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.n; i++) {
        if (!ascii_is_let_dig(label.p[i]) && label.p[i] != '-' && label.p[i] != '_') {
            return false;
        }
    }
    return true;
}

/* Domain = sub-domain *("." sub-domain) */
static enum helo_form form_of_name(struct slice name)
{
    enum helo_form form = HELO_LABEL;
    const char *dot;

    if (name.n == 0 || name.n > DOMAIN_MOST) {
        return HELO_INVALID;
    }
    while ((dot = memchr(name.p, '.', name.n)) != NULL) {
        struct slice label = {name.p, (size_t)(dot - name.p)};
        if (!is_label(label)) {
            return HELO_INVALID;
        }
        name = (struct slice){dot + 1, name.n - label.n - 1};
        form = HELO_DOMAIN;
    }
    return is_label(name) ? form : HELO_INVALID;
}

enum helo_form helo_form_of(struct slice helo, struct addr *ret)
{
    if (address_literal_parse(helo, ret)) {
        return HELO_LITERAL;
    }
    helo = helo_without_last_dot(helo);
    if (ipv4_literal_parse(helo, ret) || ipv6_literal_parse(helo, ret)) {
        return HELO_ADDRESS;
    }
    return form_of_name(helo);
}
