/* PROXY headers: what they say, every truncation of them, and how soon a wrong one is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

#define V4_BLOCK  "\300\0\2\1\313\0\161\5\200\1\0\31" /* 192.0.2.1:32769 to 203.0.113.5:25 */
#define V6_CLIENT "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"
#define V6_LOCAL  "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\2"
#define V6_BLOCK  V6_CLIENT V6_LOCAL "\377\377\0\31"
#define V6_MAPPED "\0\0\0\0\0\0\0\0\0\0\377\377\300\0\2\1"
#define SIXTEEN   "0123456789abcdef"
#define UNIX_BLOCK                                                                                 \
    SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN        \
        SIXTEEN SIXTEEN "01234567"

/* An octet string of exactly this length in memory of its own, so that tools see what is read
 * beyond it. */
static struct slice exact(const char *p, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);

    assert_non_null(copy);
    memcpy(copy, p, n);
    return (struct slice){copy, n};
}

static int parse(const char *p, size_t n, struct proxy_header *ret)
{
    struct slice octets = exact(p, n);
    int r = proxy_header_parse(octets, ret);

    free((char *)octets.p);
    return r;
}

static void assert_untouched(const char *p, size_t n, int wanted)
{
    struct proxy_header h, before;

    memset(&h, 0x5a, sizeof(h));
    before = h;
    assert_int_equal(parse(p, n, &h), wanted);
    assert_memory_equal(&h, &before, sizeof(h));
}

static const struct {
    struct slice text;
    int kind;
    const char *client;
    const char *local;
} good[] = {
    {SLICE_LIT("PROXY TCP4 192.0.2.1 203.0.113.5 32769 25\r\n"), PROXY_RELAYED, "192.0.2.1:32769",
     "203.0.113.5:25"},
    {SLICE_LIT("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n"), PROXY_RELAYED, "0.0.0.0:0",
     "255.255.255.255:65535"},
    {SLICE_LIT("PROXY TCP6 2001:db8::1 2001:DB8::2 65535 25\r\n"), PROXY_RELAYED,
     "[2001:db8::1]:65535", "[2001:db8::2]:25"},
    {SLICE_LIT("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65534\r\n"),
     PROXY_RELAYED, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65534"},
    {SLICE_LIT("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), PROXY_RELAYED, "192.0.2.1:1", "[::1]:2"},
    {SLICE_LIT("PROXY TCP6 ::ffff:c000:201 :: 1 2\r\n"), PROXY_RELAYED, "192.0.2.1:1", "[::]:2"},
    {SLICE_LIT("PROXY UNKNOWN\r\n"), PROXY_UNKNOWN, NULL, NULL},
    {SLICE_LIT("PROXY UNKNOWN \r\n"), PROXY_UNKNOWN, NULL, NULL},
    {SLICE_LIT("PROXY UNKNOWN ffff:f...f:ffff \0\377 65535 65535 999999999999999999999999999999"
               "99999999999999999999999999\r\n"),
     PROXY_UNKNOWN, NULL, NULL},
    {SLICE_LIT(SIGNATURE "\x21\x11\0\14" V4_BLOCK), PROXY_RELAYED, "192.0.2.1:32769",
     "203.0.113.5:25"},
    {SLICE_LIT(SIGNATURE "\x21\x11\0\20" V4_BLOCK "\4\0\1x"), PROXY_RELAYED, "192.0.2.1:32769",
     "203.0.113.5:25"},
    {SLICE_LIT(SIGNATURE "\x21\x21\0\44" V6_BLOCK), PROXY_RELAYED, "[2001:db8::1]:65535",
     "[2001:db8::2]:25"},
    {SLICE_LIT(SIGNATURE "\x21\x21\0\50" V6_BLOCK "rest"), PROXY_RELAYED, "[2001:db8::1]:65535",
     "[2001:db8::2]:25"},
    {SLICE_LIT(SIGNATURE "\x21\x21\0\44" V6_MAPPED V6_LOCAL "\0\1\0\2"), PROXY_RELAYED,
     "192.0.2.1:1", "[2001:db8::2]:2"},
    {SLICE_LIT(SIGNATURE "\x20\0\0\0"), PROXY_LOCAL, NULL, NULL},
    {SLICE_LIT(SIGNATURE "\x20\x11\0\14" V4_BLOCK), PROXY_LOCAL, NULL, NULL},
    {SLICE_LIT(SIGNATURE "\x20\xff\0\3xyz"), PROXY_LOCAL, NULL, NULL},
    {SLICE_LIT(SIGNATURE "\x21\0\0\0"), PROXY_UNKNOWN, NULL, NULL},
    {SLICE_LIT(SIGNATURE "\x21\1\0\4abcd"), PROXY_UNKNOWN, NULL, NULL},
    {SLICE_LIT(SIGNATURE "\x21\x10\0\14" V4_BLOCK), PROXY_UNKNOWN, NULL, NULL},
    {SLICE_LIT(SIGNATURE "\x21\x12\0\14" V4_BLOCK), PROXY_UNKNOWN, NULL, NULL},
    {SLICE_LIT(SIGNATURE "\x21\x22\0\44" V6_BLOCK), PROXY_UNKNOWN, NULL, NULL},
    {SLICE_LIT(SIGNATURE "\x21\x31\0\330" UNIX_BLOCK), PROXY_UNKNOWN, NULL, NULL},
};

static void assert_address(const struct addr *a, const char *wanted)
{
    char text[ADDR_TEXT_MAX];

    if (wanted) {
        assert_string_equal(addr_format_port(a, text), wanted);
    } else {
        assert_int_equal(a->family, ADDR_NONE);
        assert_int_equal(a->port, 0);
    }
}

static void test_good(void **state)
{
    char longer[512];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct slice text = good[i].text;

        /* What follows belongs to the client, and changes nothing. */
        memset(longer, 'P', sizeof(longer));
        memcpy(longer, text.p, text.n);
        for (size_t more = 0; more <= 130; more += 13) {
            struct proxy_header h;

            assert_int_equal(parse(longer, text.n + more, &h), text.n);
            assert_int_equal(h.kind, good[i].kind);
            assert_address(&h.client, good[i].client);
            assert_address(&h.local, good[i].local);
        }
    }
}

static void test_every_truncation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        for (size_t n = 0; n < good[i].text.n; n++)
            assert_untouched(good[i].text.p, n, -EAGAIN);
    }
}

/* The first octet alone. */
static void test_first_octet(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char octet = (char)c;

        assert_untouched(&octet, 1, c == 'P' || c == '\r' ? -EAGAIN : -EINVAL);
    }
    assert_int_equal(proxy_header_parse((struct slice){NULL, 0}, NULL), -EAGAIN);
}

#define HUNDRED                                                                                    \
    "0123456789012345678901234567890123456789012345678901234567890123456789"                       \
    "012345678901234567890123456789"

/* `known`: with so many octets it is clear that this is no header, and not before. */
static const struct {
    struct slice text;
    size_t known;
} bad[] = {
    {SLICE_LIT("EHLO a\r\n"), 1},
    {SLICE_LIT("proxy TCP4"), 1},
    {SLICE_LIT(" PROXY"), 1},
    {SLICE_LIT("PROXIES"), 5},
    {SLICE_LIT("PROXY\r\n"), 6},
    {SLICE_LIT("PROXY\tTCP4"), 6},
    {SLICE_LIT("PROXY  TCP4"), 7},
    {SLICE_LIT("PROXY \r\n"), 7},
    {SLICE_LIT("PROXY tcp4"), 7},
    {SLICE_LIT("PROXY TCP5 "), 10},
    {SLICE_LIT("PROXY TCP\r\n"), 10},
    {SLICE_LIT("PROXY UDP4"), 8},
    {SLICE_LIT("PROXY TCP4\r\n"), 11},
    {SLICE_LIT("PROXY TCP44"), 11},
    {SLICE_LIT("PROXY TCP4  1.2.3.4"), 12},
    {SLICE_LIT("PROXY TCP4 \r\n"), 12},
    {SLICE_LIT("PROXY TCP4 1.2.3.4\r\n"), 19},
    {SLICE_LIT("PROXY TCP4 1.2.3.4\t"), 19},
    {SLICE_LIT("PROXY TCP4 1.2.3 "), 17},
    {SLICE_LIT("PROXY TCP4 1.2.3.256 "), 21},
    {SLICE_LIT("PROXY TCP4 1.2.3.04 "), 20},
    {SLICE_LIT("PROXY TCP4 1.2.3.4. "), 20},
    {SLICE_LIT("PROXY TCP4 0x1.2.3.4 "), 13},
    {SLICE_LIT("PROXY TCP4 -1.2.3.4 "), 12},
    {SLICE_LIT("PROXY TCP4 ::1 "), 12},
    {SLICE_LIT("PROXY TCP4 1.2.3.4\0"), 19},
    {SLICE_LIT("PROXY TCP4 1234567890123456"), 27},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8  1 2"), 28},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 01 2"), 30},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 00 2"), 30},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 65536 2"), 33},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 123456 2"), 33},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2"), 28},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n"), 29},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n"), 30},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n"), 31},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"), 31},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rE"), 32},
    {SLICE_LIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n"), 35},
    {SLICE_LIT("PROXY TCP6 1.2.3.4 "), 19},
    {SLICE_LIT("PROXY TCP6 1::2::3 "), 19},
    {SLICE_LIT("PROXY TCP6 1:2:3:4:5:6:7 "), 25},
    {SLICE_LIT("PROXY TCP6 [::1] "), 12},
    {SLICE_LIT("PROXY TCP6 fe80::1%eth0 "), 19},
    {SLICE_LIT("PROXY TCP6 ::12345 "), 19},
    {SLICE_LIT("PROXY TCP6 ::ffff:1.2.3.4.5 "), 28},
    {SLICE_LIT("PROXY TCP6 0123456789012345678901234567890123456789012345"), 57},
    {SLICE_LIT("PROXY UNKNOWNX"), 14},
    {SLICE_LIT("PROXY UNKNOWN\n"), 14},
    {SLICE_LIT("PROXY UNKNOWN a\n"), 16},
    {SLICE_LIT("PROXY UNKNOWN a\rb"), 17},
    {SLICE_LIT("PROXY UNKNOWN " HUNDRED), 107},
    /* The longest addresses there are come to more than a line may have. */
    {SLICE_LIT("PROXY TCP6 0000:0000:0000:0000:0000:ffff:255.255.255.255 "
               "0000:0000:0000:0000:0000:ffff:255.255.255.255 12345 12345\r\n"),
     107},
    {SLICE_LIT("\r\n\r\n\1"), 5},
    {SLICE_LIT("\r\nEHLO"), 3},
    {SLICE_LIT("\r\n\r\n\0\r\nQUIT\r\n"), 12},
    {SLICE_LIT(SIGNATURE "\x11\x11\0\14"), 13},
    {SLICE_LIT(SIGNATURE "\x31\x11\0\14"), 13},
    {SLICE_LIT(SIGNATURE "\x22\x11\0\14"), 13},
    {SLICE_LIT(SIGNATURE "\x2f\x11\0\14"), 13},
    {SLICE_LIT(SIGNATURE "\x21\x41\0\14"), 14},
    {SLICE_LIT(SIGNATURE "\x21\x13\0\14"), 14},
    {SLICE_LIT(SIGNATURE "\x21\x11\0\13" V4_BLOCK), 16},
    {SLICE_LIT(SIGNATURE "\x21\x12\0\0"), 16},
    {SLICE_LIT(SIGNATURE "\x21\x21\0\43" V6_BLOCK), 16},
    {SLICE_LIT(SIGNATURE "\x21\x31\0\327" UNIX_BLOCK), 16},
    {SLICE_LIT(SIGNATURE "\x21\x11\x10\1"), 16},
    {SLICE_LIT(SIGNATURE "\x20\0\377\377"), 16},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(bad[i].known <= bad[i].text.n);
        for (size_t n = 0; n <= bad[i].text.n; n++)
            assert_untouched(bad[i].text.p, n, n < bad[i].known ? -EAGAIN : -EINVAL);
    }
}

/* All that a version 2 header's fixed part can be. */
static void test_every_command_and_family(void **state)
{
    char text[16 + 216] = SIGNATURE;

    (void)state;
    text[15] = (char)216;
    for (int command = 0; command < 256; command++) {
        for (int family = 0; family < 256; family++) {
            struct proxy_header h;
            bool proxied = command == 0x21;
            bool possible = command == 0x20 || (proxied && family < 0x40 && (family & 15) < 3);
            bool told = family == 0x11 || family == 0x21;

            text[12] = (char)command;
            text[13] = (char)family;
            assert_int_equal(proxy_header_parse((struct slice){text, sizeof(text)}, &h),
                             possible ? (int)sizeof(text) : -EINVAL);
            if (possible)
                assert_int_equal(h.kind, !proxied ? PROXY_LOCAL
                                         : told   ? PROXY_RELAYED
                                                  : PROXY_UNKNOWN);
        }
    }
}

static void test_longest(void **state)
{
    static char text[PROXY_HEADER_MOST + 1] = SIGNATURE "\x21\x11\x10\0" V4_BLOCK;
    struct proxy_header h;

    (void)state;
    assert_int_equal(proxy_header_parse((struct slice){text, PROXY_HEADER_MOST - 1}, &h), -EAGAIN);
    for (size_t more = 0; more < 2; more++) {
        assert_int_equal(proxy_header_parse((struct slice){text, PROXY_HEADER_MOST + more}, &h),
                         PROXY_HEADER_MOST);
        assert_address(&h.client, "192.0.2.1:32769");
    }
    text[15] = 1;
    assert_int_equal(proxy_header_parse((struct slice){text, sizeof(text)}, &h), -EINVAL);
}

/* UNKNOWN lines around the longest. */
static void test_line_length(void **state)
{
    (void)state;
    for (size_t n = 100; n < 120; n++) {
        struct proxy_header h;
        char text[128] = "PROXY UNKNOWN ";

        memset(text + 14, '.', n - 16);
        memcpy(text + n - 2, "\r\n", 2);
        assert_int_equal(parse(text, n, &h), n <= 107 ? (int)n : -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_first_octet),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_every_command_and_family),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_line_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
