/* What the client says of itself with EHLO or HELO, and whether it says so within TLS.
 *
 * Session and parser let any name pass that can be written down; what kind of name it is, and
 * whether it can be one at all, is told here for the policy to judge. */
#include "fact/fact.h"
#include "parse/ascii.h"

enum form { FORM_DOMAIN, FORM_LABEL, FORM_LITERAL, FORM_ADDRESS, FORM_INVALID };

const char *const helo_form_words[] = {
    [FORM_DOMAIN] = "domain",   [FORM_LABEL] = "label",     [FORM_LITERAL] = "literal",
    [FORM_ADDRESS] = "address", [FORM_INVALID] = "invalid", NULL,
};

/* RFC 1035 2.3.4, RFC 5321 4.5.3.1.2 */
#define LABEL_MOST  63
#define DOMAIN_MOST 255

/* A dot at the end only says that the name is whole. */
static struct slice without_last_dot(struct slice name)
{
    if (name.n > 0 && name.p[name.n - 1] == '.') {
        name.n--;
    }
    return name;
}

/* IPv4-address-literal = Snum 3("."  Snum), Snum = 1*3DIGIT up to 255 (RFC 5321 4.1.3): leading
 * zeros are allowed and mean nothing. */
static bool parse_ipv4(struct slice text, struct addr *ret)
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

static bool parse_ipv6(struct slice text, struct addr *ret)
{
    return text.n > 0 && memchr(text.p, ':', text.n) != NULL && addr_parse(text, ret) == 0;
}

/* address-literal = "[" ( IPv4-address-literal / "IPv6:" IPv6-addr ) "]"; no other tag has ever
 * been registered. */
static bool parse_literal(struct slice text, struct addr *ret)
{
    static const struct slice tag = {"IPv6:", 5};

    if (text.n < 2 || text.p[0] != '[' || text.p[text.n - 1] != ']') {
        return false;
    }
    text = (struct slice){text.p + 1, text.n - 2};
    if (text.n > tag.n && slice_eq_nocase((struct slice){text.p, tag.n}, tag)) {
        return parse_ipv6((struct slice){text.p + tag.n, text.n - tag.n}, ret);
    }
    return parse_ipv4(text, ret);
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
static enum form form_of_name(struct slice name)
{
    enum form form = FORM_LABEL;
    const char *dot;

    if (name.n == 0 || name.n > DOMAIN_MOST) {
        return FORM_INVALID;
    }
    while ((dot = memchr(name.p, '.', name.n)) != NULL) {
        struct slice label = {name.p, (size_t)(dot - name.p)};
        if (!is_label(label)) {
            return FORM_INVALID;
        }
        name = (struct slice){dot + 1, name.n - label.n - 1};
        form = FORM_DOMAIN;
    }
    return is_label(name) ? form : FORM_INVALID;
}

/* *ret is only set for a LITERAL and an ADDRESS. */
static enum form form_of(struct slice helo, struct addr *ret)
{
    if (parse_literal(helo, ret)) {
        return FORM_LITERAL;
    }
    helo = without_last_dot(helo);
    if (parse_ipv4(helo, ret) || parse_ipv6(helo, ret)) {
        return FORM_ADDRESS;
    }
    return form_of_name(helo);
}

int fact_tls(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_bool(e->tls);
    return 0;
}

int fact_tls_version(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_text(slice_of(e->tls_version != NULL ? e->tls_version : ""));
    return 0;
}

int fact_helo(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_text(e->helo);
    return 0;
}

int fact_helo_form(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct addr ignored;

    (void)parameters;
    *ret = value_number(TYPE_RESULT, form_of(e->helo, &ignored));
    return 0;
}

int fact_helo_mine(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct slice hostname = without_last_dot(slice_of(e->conf->hostname));
    struct addr claimed;
    enum form form = form_of(e->helo, &claimed);

    (void)parameters;
    if (form == FORM_LITERAL || form == FORM_ADDRESS) {
        *ret = value_bool(addr_same_host(&claimed, &e->local));
    } else {
        *ret = value_bool(slice_eq_nocase(without_last_dot(e->helo), hostname));
    }
    return 0;
}
