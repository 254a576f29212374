#include "parse/dns_name.h"
#include "parse/ascii.h"

#include <errno.h>
#include <idn2.h>
#include <stdio.h>
#include <string.h>

/* No longer text is given to IDNA: in a name that fits, an octet of an A-label stands for at least
 * a character, which has four octets at most. */
#define IDN_TEXT_MOST ((size_t)4 * DNS_NAME_MOST)

void dns_name_root(struct dns_name *ret)
{
    ret->n = 1;
    ret->wire[0] = 0;
}

struct dns_name *dns_name_copy(struct arena *arena, const struct dns_name *name)
{
    struct dns_name *copy = arena_alloc(arena, sizeof(*copy));
    *copy = *name;
    return copy;
}

static bool label_fits(const struct dns_name *name, struct slice label)
{
    return label.n > 0 && label.n <= DNS_LABEL_MOST && name->n + label.n + 1 <= DNS_NAME_MOST;
}

static void put_label(uint8_t *p, struct slice label)
{
    *p = (uint8_t)label.n;
    for (size_t i = 0; i < label.n; i++) {
        p[1 + i] = (uint8_t)ascii_lower(label.p[i]);
    }
}

int dns_name_append(struct dns_name *name, struct slice label)
{
    if (!label_fits(name, label)) {
        return -EINVAL;
    }
    put_label(name->wire + name->n - 1, label);
    name->n = (uint8_t)(name->n + label.n + 1);
    name->wire[name->n - 1] = 0;
    return 0;
}

int dns_name_prepend(struct dns_name *name, struct slice label)
{
    if (!label_fits(name, label)) {
        return -EINVAL;
    }
    memmove(name->wire + label.n + 1, name->wire, name->n);
    put_label(name->wire, label);
    name->n = (uint8_t)(name->n + label.n + 1);
    return 0;
}

int dns_name_join(struct dns_name *front, const struct dns_name *zone)
{
    if (front->n - 1 + zone->n > DNS_NAME_MOST) {
        return -EINVAL;
    }
    memmove(front->wire + front->n - 1, zone->wire, zone->n);
    front->n = (uint8_t)(front->n - 1 + zone->n);
    return 0;
}

int dns_name_parse(struct slice text, struct dns_name *ret)
{
    struct dns_name name;
    dns_name_root(&name);
    if (text.n == 0) {
        return -EINVAL;
    }
    if (slice_eq(text, SLICE_LIT("."))) {
        text.n = 0;
    }
    while (text.n > 0) {
        const char *dot = memchr(text.p, '.', text.n);
        size_t n = dot != NULL ? (size_t)(dot - text.p) : text.n;
        if (dns_name_append(&name, (struct slice){text.p, n}) < 0) {
            return -EINVAL;
        }
        n += dot != NULL;
        text = (struct slice){text.p + n, text.n - n};
    }
    *ret = name;
    return 0;
}

static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

int dns_name_parse_idn(struct slice text, struct dns_name *ret)
{
    char whole[IDN_TEXT_MOST + 1];
    uint8_t *ascii = NULL;
    if (is_ascii(text)) {
        return dns_name_parse(text, ret);
    }
    if (text.n > IDN_TEXT_MOST || memchr(text.p, '\0', text.n) != NULL) {
        return -EINVAL;
    }
    memcpy(whole, text.p, text.n);
    whole[text.n] = '\0';
    if (idn2_lookup_u8((const uint8_t *)whole, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
        IDN2_OK) {
        return -EINVAL;
    }
    int r = dns_name_parse(slice_of((const char *)ascii), ret);
    idn2_free(ascii);
    return r;
}

static size_t format_octet(uint8_t c, char *ret)
{
    if (c > ' ' && c <= '~' && c != '.' && c != '\\') {
        *ret = (char)c;
        return 1;
    }
    ret[0] = '\\';
    ret[1] = (char)('0' + c / 100);
    ret[2] = (char)('0' + c / 10 % 10);
    ret[3] = (char)('0' + c % 10);
    return 4;
}

size_t dns_name_format(const struct dns_name *name, char ret[static DNS_NAME_TEXT_MAX])
{
    size_t n = 0;
    for (size_t at = 0; name->wire[at] != 0; at += name->wire[at] + 1u) {
        if (at > 0) {
            ret[n++] = '.';
        }
        for (size_t i = 1; i <= name->wire[at]; i++) {
            n += format_octet(name->wire[at + i], ret + n);
        }
    }
    if (n == 0) {
        ret[n++] = '.';
    }
    ret[n] = '\0';
    return n;
}

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
    return a->n == b->n && memcmp(a->wire, b->wire, a->n) == 0;
}

bool dns_name_is_below(const struct dns_name *name, const struct dns_name *zone)
{
    size_t at = 0;
    while (name->n - at > zone->n) {
        at += name->wire[at] + 1u;
    }
    return name->n - at == zone->n && memcmp(name->wire + at, zone->wire, zone->n) == 0;
}

unsigned dns_name_labels(const struct dns_name *name)
{
    unsigned n = 0;
    for (size_t at = 0; name->wire[at] != 0; at += name->wire[at] + 1u) {
        n++;
    }
    return n;
}

struct slice dns_name_first(const struct dns_name *name)
{
    return (struct slice){(const char *)name->wire + 1, name->wire[0]};
}

bool dns_name_parent(struct dns_name *name)
{
    size_t n = name->wire[0] + 1u;
    if (n == 1) {
        return false;
    }
    name->n = (uint8_t)(name->n - n);
    memmove(name->wire, name->wire + n, name->n);
    return true;
}

int dns_name_reverse(const struct addr *a, const struct dns_name *zone, struct dns_name *ret)
{
    static const char digits[] = "0123456789abcdef";
    struct dns_name name;
    char octet[4];
    int r = a->family == ADDR_NONE ? -EINVAL : 0;
    dns_name_root(&name);
    for (size_t i = a->family == ADDR_V4 ? 4 : 16; r == 0 && i-- > 0;) {
        uint8_t o = a->octets[i];
        if (a->family == ADDR_V4) {
            int n = snprintf(octet, sizeof(octet), "%u", o);
            r = dns_name_append(&name, (struct slice){octet, (size_t)n});
        } else {
            (void)dns_name_append(&name, (struct slice){&digits[o & 15], 1});
            r = dns_name_append(&name, (struct slice){&digits[o >> 4], 1});
        }
    }
    r = r < 0 ? r : dns_name_join(&name, zone);
    if (r == 0) {
        *ret = name;
    }
    return r;
}

void dns_name_arpa(const struct addr *a, struct dns_name *ret)
{
    dns_name_root(ret);
    (void)dns_name_append(ret, a->family == ADDR_V4 ? SLICE_LIT("in-addr") : SLICE_LIT("ip6"));
    (void)dns_name_append(ret, SLICE_LIT("arpa"));
}
