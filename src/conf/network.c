/* See network.h. */
#include "conf/network.h"

#include <errno.h>
#include <stdio.h>

static unsigned bits_of(const struct addr *a)
{
    return a->family == ADDR_V4 ? 32 : 128;
}

bool network_is_address(const struct conf_network *n)
{
    return n->bits == bits_of(&n->addr);
}

bool network_is_usual(const struct conf_network *n)
{
    return n->bits == (n->addr.family == ADDR_V4 ? 24 : 64);
}

/* A number without leading zeros, at most `most`. */
static int parse_bits(struct slice text, unsigned most, unsigned *ret)
{
    unsigned value = 0;

    if (text.n == 0 || text.n > 3 || (text.n > 1 && text.p[0] == '0')) {
        return -EINVAL;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return -EINVAL;
        }
        value = value * 10 + (unsigned)(text.p[i] - '0');
    }
    if (value > most) {
        return -EINVAL;
    }
    *ret = value;
    return 0;
}

int network_parse(struct slice text, struct conf_network *ret)
{
    const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
    struct slice address = {text.p, slash != NULL ? (size_t)(slash - text.p) : text.n};
    struct conf_network network;

    if (addr_parse(address, &network.addr) < 0) {
        return -EINVAL;
    }
    network.bits = bits_of(&network.addr);
    if (slash != NULL) {
        struct slice bits = {slash + 1, text.n - address.n - 1};
        /* ::ffff:192.0.2.0 was read as an IPv4 address; whose bits are meant would be a guess. */
        bool mapped = network.addr.family == ADDR_V4 && memchr(text.p, ':', address.n) != NULL;
        if (mapped || parse_bits(bits, network.bits, &network.bits) < 0) {
            return -EINVAL;
        }
    }
    *ret = network;
    return 0;
}

struct conf_network network_base(const struct conf_network *n)
{
    struct conf_network base = *n;

    for (unsigned i = 0; i < sizeof(base.addr.octets); i++) {
        unsigned kept = n->bits > i * 8 ? n->bits - i * 8 : 0;
        if (kept < 8) {
            base.addr.octets[i] &= (uint8_t)(0xff << (8 - kept));
        }
    }
    return base;
}

int network_order(const struct conf_network *a, const struct conf_network *b)
{
    if (a->addr.family != b->addr.family) {
        return a->addr.family < b->addr.family ? -1 : 1;
    }
    int order = memcmp(a->addr.octets, b->addr.octets, sizeof(a->addr.octets));
    return order != 0 ? order : (a->bits > b->bits) - (a->bits < b->bits);
}

bool network_has(const struct conf_network *n, const struct addr *a)
{
    struct conf_network other = {*a, n->bits};
    struct addr ours = network_base(n).addr;
    struct addr theirs = network_base(&other).addr;
    return addr_same_host(&ours, &theirs);
}

const char *network_format(const struct conf_network *n, char ret_text[static NETWORK_TEXT_MAX])
{
    char address[ADDR_TEXT_MAX];

    (void)snprintf(ret_text, NETWORK_TEXT_MAX, "%s/%u", addr_format(&n->addr, address), n->bits);
    return ret_text;
}
