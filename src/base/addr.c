/* Internet addresses: text, socket addresses and the networks clients are known by. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static struct addr addr_v4(const void *octets, uint16_t port)
{
    struct addr a = {.port = port, .family = ADDR_V4};

    memcpy(a.octets, octets, 4);
    return a;
}

/* An IPv4-mapped address (RFC 4291 2.5.5.2) is the IPv4 address that it stands for. */
static struct addr addr_v6(const void *octets, uint16_t port)
{
    struct addr a = {.port = port, .family = ADDR_V6};

    if (memcmp(octets, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        return addr_v4((const uint8_t *)octets + sizeof(mapped_prefix), port);
    }
    memcpy(a.octets, octets, 16);
    return a;
}

int addr_parse(struct slice text, struct addr *ret)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t octets[16];

    if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n) != NULL) {
        return -EINVAL;
    }
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, octets) == 1) {
        *ret = addr_v4(octets, 0);
        return 0;
    }
    if (inet_pton(AF_INET6, copy, octets) == 1) {
        *ret = addr_v6(octets, 0);
        return 0;
    }
    return -EINVAL;
}

static int parse_port(struct slice text, uint16_t *ret)
{
    unsigned port = 0;

    if (text.n == 0 || text.n > 5) {
        return -EINVAL;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return -EINVAL;
        }
        port = port * 10 + (unsigned)(text.p[i] - '0');
    }
    if (port > UINT16_MAX) {
        return -EINVAL;
    }
    *ret = (uint16_t)port;
    return 0;
}

int addr_parse_port(struct slice text, struct addr *ret)
{
    const char *colon = text.n > 0 ? memrchr(text.p, ':', text.n) : NULL;
    struct addr a;
    uint16_t port;

    if (colon == NULL) {
        return -EINVAL;
    }
    struct slice host = {text.p, (size_t)(colon - text.p)};
    struct slice digits = {colon + 1, text.n - host.n - 1};
    bool bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (bracketed) {
        host = (struct slice){host.p + 1, host.n - 2};
    }
    /* Brackets are for IPv6 and IPv6 needs them: without them its last group would be the port. */
    bool has_colon = host.n > 0 && memchr(host.p, ':', host.n) != NULL;
    if (has_colon != bracketed || parse_port(digits, &port) < 0 || addr_parse(host, &a) < 0) {
        return -EINVAL;
    }
    a.port = port;
    *ret = a;
    return 0;
}

static char *put_octet(char *p, unsigned value)
{
    if (value >= 100) {
        *p++ = (char)('0' + value / 100);
    }
    if (value >= 10) {
        *p++ = (char)('0' + value / 10 % 10);
    }
    *p++ = (char)('0' + value % 10);
    return p;
}

/* inet_ntop goes by sprintf, and a message's addresses are written a dozen times. */
static void format_v4(const uint8_t octets[static 4], char *p)
{
    for (int i = 0; i < 4; i++) {
        p = put_octet(p, octets[i]);
        *p++ = i < 3 ? '.' : '\0';
    }
}

const char *addr_format(const struct addr *a, char ret_text[static ADDR_TEXT_MAX])
{
    if (a->family == ADDR_V4) {
        format_v4(a->octets, ret_text);
    } else if (a->family == ADDR_NONE ||
               inet_ntop(AF_INET6, a->octets, ret_text, ADDR_TEXT_MAX) == NULL) {
        memcpy(ret_text, "unknown", sizeof("unknown"));
    }
    return ret_text;
}

const char *addr_format_port(const struct addr *a, char ret_text[static ADDR_TEXT_MAX])
{
    char host[ADDR_TEXT_MAX];
    const char *format = a->family == ADDR_V6 ? "[%.46s]:%u" : "%.46s:%u";

    (void)snprintf(ret_text, ADDR_TEXT_MAX, format, addr_format(a, host), (unsigned)a->port);
    return ret_text;
}

struct addr addr_from_sockaddr(const struct sockaddr_storage *ss)
{
    if (ss->ss_family == AF_INET) {
        struct sockaddr_in sin;
        memcpy(&sin, ss, sizeof(sin));
        return addr_v4(&sin.sin_addr, ntohs(sin.sin_port));
    }
    if (ss->ss_family == AF_INET6) {
        struct sockaddr_in6 sin6;
        memcpy(&sin6, ss, sizeof(sin6));
        return addr_v6(&sin6.sin6_addr, ntohs(sin6.sin6_port));
    }
    return (struct addr){.family = ADDR_NONE};
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (a->family == ADDR_V4) {
        struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&sin.sin_addr, a->octets, 4);
        memcpy(ret, &sin, sizeof(sin));
        return sizeof(sin);
    }
    if (a->family == ADDR_V6) {
        struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
        memcpy(&sin6.sin6_addr, a->octets, 16);
        memcpy(ret, &sin6, sizeof(sin6));
        return sizeof(sin6);
    }
    ret->ss_family = AF_UNSPEC;
    return sizeof(ret->ss_family);
}

bool addr_same_host(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

struct addr addr_network(const struct addr *a)
{
    struct addr network = *a;
    size_t kept = a->family == ADDR_V4 ? 3 : 8;

    memset(network.octets + kept, 0, sizeof(network.octets) - kept);
    network.port = 0;
    return network;
}
