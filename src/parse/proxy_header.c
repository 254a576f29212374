/* Version 1 is a line for people, version 2 is binary; their first octets tell them apart. Must
 * never guess: who speaks this is configured, so what is not exactly right is somebody else. */
#include "parse/proxy_header.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

struct cursor {
    struct slice all;
    size_t at;
};

static struct slice left(const struct cursor *c)
{
    return (struct slice){c->all.p + c->at, c->all.n - c->at};
}

/* Exactly these octets. 0, -EAGAIN or -EINVAL, as all that take. */
static int take(struct cursor *c, struct slice wanted)
{
    struct slice in = left(c);
    size_t n = in.n < wanted.n ? in.n : wanted.n;

    if (n > 0 && memcmp(in.p, wanted.p, n) != 0)
        return -EINVAL;
    if (n < wanted.n)
        return -EAGAIN;
    c->at += wanted.n;
    return 0;
}

/* ---- version 1 ----
 *
 *   "PROXY" SP ("TCP4" / "TCP6") SP address SP address SP port SP port CRLF
 *   "PROXY" SP "UNKNOWN" [SP anything] CRLF
 */

/* With its CRLF. */
#define LINE_MOST ((size_t)107)

#define DIGITS    "0123456789"

/* What an address and a port are made of, and how long they can be. */
struct form {
    struct slice octets;
    size_t most;
    bool has_colon;
};

static const struct form port_form = {SLICE_LIT(DIGITS), 5, false};
static const struct form tcp4_form = {SLICE_LIT(DIGITS "."), INET_ADDRSTRLEN - 1, false};
static const struct form tcp6_form = {SLICE_LIT(DIGITS "abcdefABCDEF:."), INET6_ADDRSTRLEN - 1,
                                      true};

/* One octet or more of that form, up to the octet `end`, which is taken but not returned. */
static int take_field(struct cursor *c, const struct form *form, char end, struct slice *ret)
{
    struct slice in = left(c);
    size_t n = 0;

    while (n < in.n && n < form->most && memchr(form->octets.p, in.p[n], form->octets.n))
        n++;
    if (n < in.n && (n == 0 || in.p[n] != end))
        return -EINVAL;
    if (n == in.n)
        return -EAGAIN;
    *ret = (struct slice){in.p, n};
    c->at += n + 1;
    return 0;
}

static int take_address(struct cursor *c, const struct form *form, struct addr *ret)
{
    struct slice text;
    int r = take_field(c, form, ' ', &text);

    if (r < 0)
        return r;
    if ((memchr(text.p, ':', text.n) != NULL) != form->has_colon)
        return -EINVAL;
    return addr_parse(text, ret);
}

static int take_port(struct cursor *c, char end, uint16_t *ret)
{
    struct slice text;
    unsigned port = 0;
    int r = take_field(c, &port_form, end, &text);

    if (r < 0)
        return r;
    if (text.n > 1 && text.p[0] == '0')
        return -EINVAL;
    for (size_t i = 0; i < text.n; i++)
        port = port * 10 + (unsigned)(text.p[i] - '0');
    if (port > UINT16_MAX)
        return -EINVAL;
    *ret = (uint16_t)port;
    return 0;
}

static int take_addresses(struct cursor *c, const struct form *form, struct proxy_header *h)
{
    int r = take_address(c, form, &h->client);

    r = r < 0 ? r : take_address(c, form, &h->local);
    r = r < 0 ? r : take_port(c, ' ', &h->client.port);
    r = r < 0 ? r : take_port(c, '\r', &h->local.port);
    r = r < 0 ? r : take(c, SLICE_LIT("\n"));
    h->kind = PROXY_RELAYED;
    return r;
}

/* The rest of the line, whatever it is; but a CR or LF alone would leave open where it ends. */
static int take_ignored(struct cursor *c)
{
    struct slice in = left(c);
    const char *cr = in.n > 0 ? memchr(in.p, '\r', in.n) : NULL;
    size_t n = cr ? (size_t)(cr - in.p) : in.n;

    if (n > 0 && (in.p[0] != ' ' || memchr(in.p, '\n', n)))
        return -EINVAL;
    c->at += n;
    return take(c, SLICE_LIT("\r\n"));
}

static int take_line(struct cursor *c, struct proxy_header *h)
{
    static const struct {
        struct slice word;
        const struct form *form;
    } kinds[] = {
        {SLICE_LIT("TCP4 "), &tcp4_form},
        {SLICE_LIT("TCP6 "), &tcp6_form},
        {SLICE_LIT("UNKNOWN"), NULL},
    };
    int r = take(c, SLICE_LIT("PROXY "));

    if (r < 0)
        return r;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        r = take(c, kinds[i].word);
        if (r == 0)
            return kinds[i].form ? take_addresses(c, kinds[i].form, h) : take_ignored(c);
        if (r == -EAGAIN)
            break;
    }
    return r;
}

static int parse_v1(struct slice octets, struct proxy_header *h)
{
    struct cursor c = {.all = {octets.p, octets.n < LINE_MOST ? octets.n : LINE_MOST}};
    int r = take_line(&c, h);

    if (r == -EAGAIN && c.all.n == LINE_MOST)
        return -EINVAL;
    return r < 0 ? r : (int)c.at;
}

/* ---- version 2 ---- */

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

#define SIGNATURE_LENGTH (sizeof(signature) - 1)
#define FIXED_LENGTH     (SIGNATURE_LENGTH + 4)

enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 }; /* with the version, which is 2 */
enum { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX, FAMILY_COUNT };
enum { PROTOCOL_STREAM = 1, PROTOCOL_COUNT = 3 };

/* How many octets both addresses and both ports take; TLVs may follow. */
static const size_t addresses_length[FAMILY_COUNT] = {
    [FAMILY_INET] = 12, [FAMILY_INET6] = 36, [FAMILY_UNIX] = 216};

static struct addr address_v4(const char *octets, const char *port)
{
    struct sockaddr_storage ss;
    struct sockaddr_in sin = {.sin_family = AF_INET};

    memcpy(&sin.sin_addr, octets, 4);
    memcpy(&sin.sin_port, port, 2);
    memcpy(&ss, &sin, sizeof(sin));
    return addr_from_sockaddr(&ss);
}

static struct addr address_v6(const char *octets, const char *port)
{
    struct sockaddr_storage ss;
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};

    memcpy(&sin6.sin6_addr, octets, 16);
    memcpy(&sin6.sin6_port, port, 2);
    memcpy(&ss, &sin6, sizeof(sin6));
    return addr_from_sockaddr(&ss);
}

static void read_addresses(unsigned family, const char *p, struct proxy_header *h)
{
    h->kind = PROXY_RELAYED;
    if (family == FAMILY_INET) {
        h->client = address_v4(p, p + 8);
        h->local = address_v4(p + 4, p + 10);
    } else {
        h->client = address_v6(p, p + 32);
        h->local = address_v6(p + 16, p + 34);
    }
}

/* Command, family and protocol, those of them that are there: can a header begin so? */
static bool is_possible_v2(const unsigned char *p, size_t n)
{
    if (n > 12 && p[12] != COMMAND_LOCAL && p[12] != COMMAND_PROXY)
        return false;
    /* LOCAL makes the rest meaningless. */
    return n <= 13 || p[12] == COMMAND_LOCAL ||
           (p[13] >> 4 < FAMILY_COUNT && (p[13] & 15) < PROTOCOL_COUNT);
}

static int parse_v2(struct slice octets, struct proxy_header *h)
{
    const unsigned char *p = (const unsigned char *)octets.p;
    struct cursor c = {.all = octets};
    int r = take(&c, (struct slice){signature, SIGNATURE_LENGTH});

    if (r < 0)
        return r;
    if (!is_possible_v2(p, octets.n))
        return -EINVAL;
    if (octets.n < FIXED_LENGTH)
        return -EAGAIN;

    unsigned family = p[13] >> 4;
    size_t length = (size_t)p[14] << 8 | p[15];
    bool proxied = p[12] == COMMAND_PROXY;
    if (FIXED_LENGTH + length > PROXY_HEADER_MOST)
        return -EINVAL;
    if (proxied && length < addresses_length[family])
        return -EINVAL;
    if (octets.n < FIXED_LENGTH + length)
        return -EAGAIN;

    h->kind = proxied ? PROXY_UNKNOWN : PROXY_LOCAL;
    if (proxied && (family == FAMILY_INET || family == FAMILY_INET6) &&
        (p[13] & 15) == PROTOCOL_STREAM)
        read_addresses(family, octets.p + FIXED_LENGTH, h);
    return (int)(FIXED_LENGTH + length);
}

int proxy_header_parse(struct slice octets, struct proxy_header *ret)
{
    struct proxy_header h = {.kind = PROXY_UNKNOWN};
    int r;

    if (octets.n == 0)
        return -EAGAIN;
    r = octets.p[0] == signature[0] ? parse_v2(octets, &h) : parse_v1(octets, &h);
    if (r > 0)
        *ret = h;
    return r;
}
