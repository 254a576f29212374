/* Internet addresses: what is accepted as text, how they are written, networks, the socket API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/addr.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct addr parsed(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(slice_of(text), &a), 0);
    assert_int_equal(a.port, 0);
    return a;
}

static void hosts(void **state)
{
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"::", "::"},
        {"::1", "::1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* RFC 5952 4.2.2: not a lone 0 */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          /* 4.2.3: the longest run */
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* the first of equal ones */
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"::ffff:c000:0207", "192.0.2.7"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    char text[ADDR_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct addr a = parsed(rows[i][0]);
        assert_string_equal(addr_format(&a, text), rows[i][1]);
    }
    struct addr a = parsed("::ffff:192.0.2.7");
    assert_int_equal(a.family, ADDR_V4);
}

static void bad_hosts(void **state)
{
    static const struct slice rows[] = {
        SLICE_LIT(""),
        SLICE_LIT("192.0.2"),
        SLICE_LIT("192.0.2.256"),
        SLICE_LIT("192.0.2.1."),
        SLICE_LIT("192.0.2.01x"),
        SLICE_LIT(" 192.0.2.1"),
        SLICE_LIT("192.0.2.1\0"),
        SLICE_LIT("192.0.2.1:25"),
        SLICE_LIT("[::1]"),
        SLICE_LIT("1::2::3"),
        SLICE_LIT("12345::"),
        SLICE_LIT("::1%lo"),
        SLICE_LIT("mx.example.org"),
        SLICE_LIT("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct addr a = {.port = 4711};
        assert_int_equal(addr_parse(rows[i], &a), -EINVAL);
        assert_int_equal(a.port, 4711);
    }
}

static void ports(void **state)
{
    static const struct {
        const char *text;
        unsigned port;
        const char *formatted;
    } rows[] = {
        {"192.0.2.1:25", 25, "192.0.2.1:25"}, {"0.0.0.0:65535", 65535, "0.0.0.0:65535"},
        {"[::]:25", 25, "[::]:25"},           {"[2001:db8::25]:00025", 25, "[2001:db8::25]:25"},
        {"127.0.0.1:0", 0, "127.0.0.1:0"},    {"[::ffff:192.0.2.1]:25", 25, "192.0.2.1:25"},
    };
    char text[ADDR_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct addr a;
        assert_int_equal(addr_parse_port(slice_of(rows[i].text), &a), 0);
        assert_int_equal(a.port, rows[i].port);
        assert_string_equal(addr_format_port(&a, text), rows[i].formatted);
    }
}

static void bad_ports(void **state)
{
    static const char *const rows[] = {
        "",       "192.0.2.1",     "192.0.2.1:",      "192.0.2.1:65536", "192.0.2.1:+25",
        ":25",    "192.0.2.1: 25", "192.0.2.1:25x",   "[192.0.2.1]:25",  "2001:db8::25:25",
        "[::1]",  "[::1]25",       "[::1:25",         "::1]:25",         "[]:25",
        "[::1]:", "[[::1]]:25",    "192.0.2.1:000025"};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct addr a = {.port = 4711};
        assert_int_equal(addr_parse_port(slice_of(rows[i]), &a), -EINVAL);
        assert_int_equal(a.port, 4711);
    }
}

static void socket_addresses(void **state)
{
    struct addr v4, v6;
    struct sockaddr_storage ss;

    (void)state;
    assert_int_equal(addr_parse_port(SLICE_LIT("192.0.2.9:2525"), &v4), 0);
    assert_int_equal(addr_to_sockaddr(&v4, &ss), sizeof(struct sockaddr_in));
    const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)&ss;
    assert_int_equal(sin->sin_family, AF_INET);
    assert_int_equal(sin->sin_port, htons(2525));
    assert_int_equal(sin->sin_addr.s_addr, inet_addr("192.0.2.9"));
    struct addr back = addr_from_sockaddr(&ss);
    assert_memory_equal(&back, &v4, sizeof(v4));

    assert_int_equal(addr_parse_port(SLICE_LIT("[2001:db8::9]:2525"), &v6), 0);
    assert_int_equal(addr_to_sockaddr(&v6, &ss), sizeof(struct sockaddr_in6));
    back = addr_from_sockaddr(&ss);
    assert_memory_equal(&back, &v6, sizeof(v6));

    /* As a dual-stack socket reports an IPv4 client. */
    struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)(void *)&ss;
    memcpy(sin6->sin6_addr.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\x09", 16);
    back = addr_from_sockaddr(&ss);
    assert_memory_equal(&back, &v4, sizeof(v4));

    ss.ss_family = AF_UNIX;
    assert_int_equal(addr_from_sockaddr(&ss).family, ADDR_NONE);
    back = (struct addr){.family = ADDR_NONE};
    assert_true(addr_to_sockaddr(&back, &ss) > 0);
    assert_int_equal(ss.ss_family, AF_UNSPEC);
}

static void networks(void **state)
{
    struct addr a, network;
    char text[ADDR_TEXT_MAX];

    (void)state;
    assert_int_equal(addr_parse_port(SLICE_LIT("192.0.2.77:4000"), &a), 0);
    network = addr_network(&a);
    assert_string_equal(addr_format_port(&network, text), "192.0.2.0:0");
    assert_int_equal(addr_parse_port(SLICE_LIT("[2001:db8:1:2:3:4:5:6]:4000"), &a), 0);
    network = addr_network(&a);
    assert_string_equal(addr_format_port(&network, text), "[2001:db8:1:2::]:0");
}

static void same_hosts(void **state)
{
    struct addr a = parsed("192.0.2.1"), b = parsed("192.0.2.1"), c = parsed("192.0.2.2");
    struct addr d = parsed("c000:201::");

    (void)state;
    b.port = 99;
    assert_true(addr_same_host(&a, &b));
    assert_false(addr_same_host(&a, &c));
    assert_false(addr_same_host(&a, &d)); /* the same octets in another family */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts),      cmocka_unit_test(bad_hosts),
        cmocka_unit_test(ports),      cmocka_unit_test(bad_ports),
        cmocka_unit_test(networks),   cmocka_unit_test(socket_addresses),
        cmocka_unit_test(same_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
