/* PROXY headers: every beginning of one asks for more, a refusal stays one whatever follows, and
 * what is understood can be said again. */
#include "fuzz.h"

#include <errno.h>

#include "parse/proxy_header.h"

static int parse(const uint8_t *data, size_t n, struct proxy_header *ret)
{
    struct proxy_header h, before;
    struct slice octets = {fuzz_copy(data, n), n};
    int r;

    memset(&h, 0x5a, sizeof(h));
    before = h;
    r = proxy_header_parse(octets, &h);
    FUZZ_CHECK(r == -EAGAIN || r == -EINVAL || (r > 0 && (size_t)r <= n));
    FUZZ_CHECK(r > 0 || memcmp(&h, &before, sizeof(h)) == 0);
    FUZZ_CHECK(r != -EAGAIN || n < PROXY_HEADER_MOST);
    free((char *)octets.p);
    *ret = h;
    return r;
}

static bool same(const struct addr *a, const struct addr *b)
{
    return addr_same_host(a, b) && a->port == b->port;
}

/* Says it again in both versions. */
static void check_again(const struct proxy_header *h)
{
    char client[ADDR_TEXT_MAX], local[ADDR_TEXT_MAX];
    uint8_t line[128];
    uint8_t binary[28] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\14";
    struct proxy_header again;
    int n;

    if (h->client.family != h->local.family)
        return;
    n = snprintf((char *)line, sizeof(line), "PROXY TCP%u %s %s %u %u\r\n", h->client.family,
                 addr_format(&h->client, client), addr_format(&h->local, local), h->client.port,
                 h->local.port);
    FUZZ_CHECK(parse(line, (size_t)n, &again) == n);
    FUZZ_CHECK(again.kind == PROXY_RELAYED);
    FUZZ_CHECK(same(&again.client, &h->client) && same(&again.local, &h->local));
    if (h->client.family != ADDR_V4)
        return;
    memcpy(binary + 16, h->client.octets, 4);
    memcpy(binary + 20, h->local.octets, 4);
    binary[24] = (uint8_t)(h->client.port >> 8);
    binary[25] = (uint8_t)h->client.port;
    binary[26] = (uint8_t)(h->local.port >> 8);
    binary[27] = (uint8_t)h->local.port;
    FUZZ_CHECK(parse(binary, sizeof(binary), &again) == sizeof(binary));
    FUZZ_CHECK(same(&again.client, &h->client) && same(&again.local, &h->local));
}

static void check_found(const struct proxy_header *h)
{
    if (h->kind == PROXY_RELAYED) {
        FUZZ_CHECK(h->client.family == ADDR_V4 || h->client.family == ADDR_V6);
        FUZZ_CHECK(h->local.family == ADDR_V4 || h->local.family == ADDR_V6);
        check_again(h);
        return;
    }
    FUZZ_CHECK(h->kind == PROXY_LOCAL || h->kind == PROXY_UNKNOWN);
    FUZZ_CHECK(h->client.family == ADDR_NONE && h->local.family == ADDR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header h, shorter;
    int r = parse(data, size, &h);
    bool refused = false;

    if (r > 0) {
        check_found(&h);
        FUZZ_CHECK(parse(data, (size_t)r, &shorter) == r);
    }
    /* Beginnings: at first EAGAIN, then what all of it gives. A long one tells nothing new. */
    for (size_t n = 0; n < size && n < 300; n++) {
        int part = parse(data, n, &shorter);

        FUZZ_CHECK(!refused || part == -EINVAL);
        refused |= part == -EINVAL;
        if (r > 0)
            FUZZ_CHECK(part == (n < (size_t)r ? -EAGAIN : r));
        if (r == -EAGAIN)
            FUZZ_CHECK(part == -EAGAIN);
    }
    FUZZ_CHECK(!refused || r == -EINVAL);
    return 0;
}
