/* Names of the DNS: their limits, what they look like, IDN, and addresses turned around. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "parse/dns_name.h"

static struct dns_name name_of(const char *text)
{
    struct dns_name name;
    assert_int_equal(dns_name_parse(slice_of(text), &name), 0);
    assert_int_equal(name.wire[name.n - 1], 0);
    return name;
}

static void assert_name(const struct dns_name *name, const char *expected)
{
    char text[DNS_NAME_TEXT_MAX];
    assert_int_equal(dns_name_format(name, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void assert_parsed(struct slice text, const char *expected)
{
    struct dns_name name;
    assert_int_equal(dns_name_parse(text, &name), 0);
    assert_name(&name, expected);
}

static void texts(void **state)
{
    (void)state;
    assert_parsed(SLICE_LIT("Mail.EXAMPLE.org"), "mail.example.org");
    assert_parsed(SLICE_LIT("mail.example.org."), "mail.example.org");
    assert_parsed(SLICE_LIT("."), ".");
    assert_parsed(SLICE_LIT("_dmarc.a-b.x"), "_dmarc.a-b.x");
    assert_parsed(SLICE_LIT("a\\b.c d.\0\xff\x7f"), "a\\092b.c\\032d.\\000\\255\\127");
    struct dns_name name = name_of("a.bc");
    assert_int_equal(name.n, 6);
    assert_memory_equal(name.wire, "\1a\2bc\0", 6);
    struct dns_name dotted;
    dns_name_root(&dotted);
    assert_int_equal(dns_name_append(&dotted, SLICE_LIT("x.y")), 0);
    assert_name(&dotted, "x\\046y");
}

static void refused(struct slice text)
{
    struct dns_name name = {.n = 77};
    assert_int_equal(dns_name_parse(text, &name), -EINVAL);
    assert_int_equal(name.n, 77);
}

/* `n` labels of 63 octets and one of `last`. */
static struct slice long_text(size_t n, size_t last)
{
    static char text[1024];
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        memset(text + at, 'x', 63);
        text[at + 63] = '.';
        at += 64;
    }
    memset(text + at, 'y', last);
    return (struct slice){text, at + last};
}

static void limits(void **state)
{
    (void)state;
    struct dns_name name;
    refused(SLICE_LIT(""));
    refused(SLICE_LIT(".."));
    refused(SLICE_LIT(".a"));
    refused(SLICE_LIT("a..b"));
    refused(SLICE_LIT("a.."));
    assert_int_equal(dns_name_parse(long_text(0, 63), &name), 0);
    refused(long_text(0, 64));
    assert_int_equal(dns_name_parse(long_text(3, 61), &name), 0);
    assert_int_equal(name.n, 255);
    refused(long_text(3, 62));
    refused(long_text(15, 10));

    assert_int_equal(dns_name_parse(long_text(3, 59), &name), 0);
    struct dns_name before = name;
    assert_int_equal(dns_name_prepend(&name, SLICE_LIT("ab")), -EINVAL);
    assert_int_equal(dns_name_append(&name, SLICE_LIT("ab")), -EINVAL);
    assert_int_equal(dns_name_prepend(&name, SLICE_LIT("")), -EINVAL);
    assert_true(dns_name_eq(&name, &before));
    assert_int_equal(dns_name_prepend(&name, SLICE_LIT("A")), 0);
    assert_int_equal(name.n, 255);
    assert_memory_equal(name.wire, "\1a\77x", 4);
    struct dns_name front = name_of("a");
    assert_int_equal(dns_name_join(&front, &name), -EINVAL);
    assert_name(&front, "a");

    char text[DNS_NAME_TEXT_MAX]; /* the longest text there is */
    char octets[255];
    memset(octets, 0xff, sizeof(octets));
    octets[63] = octets[127] = octets[191] = '.';
    assert_int_equal(dns_name_parse((struct slice){octets, 253}, &name), 0);
    assert_int_equal(dns_name_format(&name, text), 250 * 4 + 3);
}

static void parts(void **state)
{
    (void)state;
    struct dns_name name = name_of("a.b.example.org"), zone = name_of("example.org");
    struct dns_name other = name_of("ample.org"), root;
    dns_name_root(&root);
    assert_true(dns_name_is_below(&name, &zone));
    assert_true(dns_name_is_below(&zone, &zone));
    assert_true(dns_name_is_below(&zone, &root));
    assert_false(dns_name_is_below(&zone, &name));
    assert_false(dns_name_is_below(&zone, &other));
    assert_int_equal(dns_name_labels(&name), 4);
    assert_int_equal(dns_name_labels(&root), 0);
    assert_true(slice_eq(dns_name_first(&name), SLICE_LIT("a")));
    assert_int_equal(dns_name_first(&root).n, 0);
    assert_true(dns_name_parent(&name));
    assert_name(&name, "b.example.org");
    assert_true(dns_name_parent(&name));
    assert_true(dns_name_eq(&name, &zone));
    assert_true(dns_name_parent(&name));
    assert_true(dns_name_parent(&name));
    assert_true(dns_name_eq(&name, &root));
    assert_false(dns_name_parent(&name));
    assert_int_equal(dns_name_prepend(&name, SLICE_LIT("Org")), 0);
    assert_int_equal(dns_name_append(&name, SLICE_LIT("ARPA")), 0);
    assert_name(&name, "org.arpa");
    struct dns_name front = name_of("x.y");
    assert_int_equal(dns_name_join(&front, &zone), 0);
    assert_name(&front, "x.y.example.org");
    assert_int_equal(dns_name_join(&root, &zone), 0);
    assert_name(&root, "example.org");
}

static void assert_idn(struct slice text, const char *expected)
{
    struct dns_name name;
    int r = dns_name_parse_idn(text, &name);
    assert_int_equal(r, expected != NULL ? 0 : -EINVAL);
    if (expected != NULL) {
        assert_name(&name, expected);
    }
}

static void idn(void **state)
{
    (void)state;
    assert_idn(SLICE_LIT("B\xc3\xbc"
                         "cher.Example"),
               "xn--bcher-kva.example");
    assert_idn(SLICE_LIT("b\xc3\x9c"
                         "cher.example."),
               "xn--bcher-kva.example");
    assert_idn(SLICE_LIT("fa\xc3\x9f.de"), "xn--fa-hia.de"); /* nontransitional */
    assert_idn(SLICE_LIT("_dmarc.\xe4\xbe\x8b\xe3\x80\x82jp"), "_dmarc.xn--fsq.jp");
    assert_idn(SLICE_LIT("_x y.example"), "_x\\032y.example");
    assert_idn(SLICE_LIT("xn--bcher-kva.example"), "xn--bcher-kva.example");
    assert_idn(SLICE_LIT(""), NULL);
    assert_idn(SLICE_LIT("\xff.example"), NULL);
    assert_idn(SLICE_LIT("\xc3\xbc\0.example"), NULL);
    assert_idn(SLICE_LIT("\xc3\xbc..example"), NULL);
    assert_idn(SLICE_LIT("\xe2\x80\xae.example"), NULL); /* a bidirectional control */
    char text[2000];
    for (size_t i = 0; i < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xbc", 2);
    }
    assert_idn((struct slice){text, sizeof(text)}, NULL);
    assert_idn((struct slice){text, 200}, NULL);
}

static void assert_reverse(const char *address, const char *expected)
{
    struct addr a;
    struct dns_name zone, name;
    assert_int_equal(addr_parse(slice_of(address), &a), 0);
    dns_name_arpa(&a, &zone);
    assert_int_equal(dns_name_reverse(&a, &zone, &name), 0);
    assert_name(&name, expected);
}

static void reverse(void **state)
{
    (void)state;
    assert_reverse("192.0.2.10", "10.2.0.192.in-addr.arpa");
    assert_reverse("2001:db8::4a", "a.4.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
                                   "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    struct addr a = {.family = ADDR_V4, .octets = {127, 0, 0, 2}}, none = {0};
    struct dns_name zone = name_of("list.example"), name = {.n = 77};
    assert_int_equal(dns_name_reverse(&none, &zone, &name), -EINVAL);
    assert_int_equal(name.n, 77);
    assert_int_equal(dns_name_reverse(&a, &zone, &name), 0);
    assert_name(&name, "2.0.0.127.list.example");
    assert_int_equal(dns_name_parse(long_text(3, 56), &zone), 0);
    assert_int_equal(dns_name_reverse(&a, &zone, &name), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts), cmocka_unit_test(limits),  cmocka_unit_test(parts),
        cmocka_unit_test(idn),   cmocka_unit_test(reverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
