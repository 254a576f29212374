/* See parse/url_host.h. */
#include "parse/url_host.h"

#include <errno.h>
#include <stdint.h>

#include "base/addr.h"
#include "parse/ascii.h"
#include "parse/dns_name.h"

/* Octets of a host as written; with escapes three times those of a name, which may be UTF-8. */
#define HOST_MOST 3072

/* With % escapes taken back. */
static struct slice unescaped(struct slice text, struct arena *arena, bool *ret_any)
{
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;

    *ret_any = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%' && i + 2 < text.n && ascii_hex(text.p[i + 1]) >= 0 &&
            ascii_hex(text.p[i + 2]) >= 0) {
            c = (char)(ascii_hex(text.p[i + 1]) << 4 | ascii_hex(text.p[i + 2]));
            i += 2;
            *ret_any = true;
        }
        out[n++] = c;
    }
    return (struct slice){out, n};
}

/* ---- IPv4 addresses in all forms ---- */

/* A number, decimal, 0octal or 0xhexadecimal; *plain is false for what is not decimal. */
static bool read_number(struct slice text, uint64_t *ret, bool *plain)
{
    unsigned base = 10;
    uint64_t value = 0;

    if (text.n > 1 && text.p[0] == '0') {
        const bool hex = ascii_lower(text.p[1]) == 'x';
        base = hex ? 16 : 8;
        text = (struct slice){text.p + (hex ? 2 : 1), text.n - (hex ? 2 : 1)};
        *plain = false;
    }
    if (text.n == 0 && base != 16) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        const int digit = ascii_hex(text.p[i]);
        if (digit < 0 || digit >= (int)base) {
            return false;
        }
        if (value <= UINT32_MAX) {
            value = value * base + (unsigned)digit;
        }
    }
    *ret = value;
    return true;
}

/* One to four numbers with dots between; the last one fills what is left of 32 bits. */
static bool read_address(struct slice text, uint32_t *ret, bool *ret_plain)
{
    uint64_t value = 0;
    unsigned count = 0;
    bool plain = true;

    for (;;) {
        const char *dot = memchr(text.p, '.', text.n);
        const struct slice part = {text.p, dot != NULL ? (size_t)(dot - text.p) : text.n};
        uint64_t number;
        if (count == 4 || !read_number(part, &number, &plain)) {
            return false;
        }
        if (dot == NULL) {
            const unsigned bits = 8 * (4 - count);
            *ret = (uint32_t)(value << (bits == 32 ? 0 : bits) | number);
            *ret_plain = plain && count == 3;
            return number < (uint64_t)1 << bits;
        }
        if (number > 255) {
            return false;
        }
        value = value << 8 | number;
        count++;
        text = (struct slice){dot + 1, text.n - part.n - 1};
    }
}

/* Browsers hold a host whose last label is a number for an address, or for nothing. */
static bool ends_in_number(struct slice text)
{
    const char *dot = memrchr(text.p, '.', text.n);
    const struct slice last =
        dot == NULL ? text : (struct slice){dot + 1, (size_t)(text.p + text.n - dot - 1)};
    uint64_t number;
    bool plain, digits = last.n > 0;

    for (size_t i = 0; i < last.n; i++) {
        digits = digits && ascii_is_digit(last.p[i]);
    }
    return digits || (last.n > 1 && read_number(last, &number, &plain));
}

static int take_v4(struct slice text, struct arena *arena, struct url_host *h)
{
    uint32_t a;
    bool plain;

    if (!read_address(text, &a, &plain)) {
        return -EINVAL;
    }
    h->name = arena_printf(arena, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
    h->address = true;
    h->numeric = !plain;
    return 0;
}

static int take_v6(struct slice text, struct arena *arena, struct url_host *h)
{
    char shown[ADDR_TEXT_MAX];
    struct addr a;

    if (text.n < 2 || text.p[text.n - 1] != ']' ||
        addr_parse((struct slice){text.p + 1, text.n - 2}, &a) < 0 || a.family != ADDR_V6) {
        return -EINVAL;
    }
    h->name = arena_copy(arena, slice_of(addr_format(&a, shown)));
    h->address = true;
    return 0;
}

/* ---- names ---- */

static bool may_be_in_name(char c)
{
    return ascii_is_let_dig(c) || c == '-' || c == '_' || c == '.';
}

static int take_name(struct slice text, struct arena *arena, struct url_host *h)
{
    char shown[DNS_NAME_TEXT_MAX];
    struct dns_name name;

    if (dns_name_parse_idn(text, &name) < 0) {
        return -EINVAL;
    }
    const struct slice ascii = {shown, dns_name_format(&name, shown)};
    bool dots = false;
    for (size_t i = 0; i < ascii.n; i++) {
        dots = dots || ascii.p[i] == '.';
        if (!may_be_in_name(ascii.p[i])) {
            return -EINVAL;
        }
    }
    if (ends_in_number(ascii)) {
        return take_v4(ascii, arena, h);
    }
    h->name = arena_copy(arena, ascii);
    return dots && ascii.n > 1 ? 0 : -EINVAL;
}

int url_host_parse(struct slice text, struct arena *arena, struct url_host *ret)
{
    struct url_host h = {.address = false};
    int r;

    if (text.n == 0 || text.n > HOST_MOST) {
        return -EINVAL;
    }
    if (text.p[0] == '[') {
        r = take_v6(text, arena, &h);
    } else {
        text = unescaped(text, arena, &h.escaped);
        r = take_name(text, arena, &h);
    }
    if (r == 0) {
        *ret = h;
    }
    return r;
}
