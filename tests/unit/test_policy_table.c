/* Tables: what an entry is, and which one decides. */
#include "table_parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- addresses ---- */

static void the_longest_network_decides(void **state)
{
    struct policy_table t = parse("10.0.0.0/8\n!10.1.0.0/16\n10.1.2.0/24\n!10.1.2.3\n"
                                  "2001:db8::/32\n!2001:db8:1::/48\n2001:db8:1::25\n");

    (void)state;
    assert_int_equal(has_address(&t, "10.200.0.1"), 1);
    assert_int_equal(has_address(&t, "10.1.200.1"), 0);
    assert_int_equal(has_address(&t, "10.1.2.200"), 1);
    assert_int_equal(has_address(&t, "10.1.2.3"), 0);
    assert_int_equal(has_address(&t, "11.0.0.0"), 0);
    assert_int_equal(has_address(&t, "9.255.255.255"), 0);
    assert_int_equal(has_address(&t, "2001:db8:2::1"), 1);
    assert_int_equal(has_address(&t, "2001:db8:1::1"), 0);
    assert_int_equal(has_address(&t, "2001:db8:1::25"), 1);
    assert_int_equal(has_address(&t, "2001:db9::"), 0);
    /* The same octets in the other family. */
    assert_int_equal(has_address(&t, "a00:1::"), 0);
    assert_int_equal(table_content_count(t.content), 7);
    assert_true(table_content_has_networks(t.content));
    assert_false(table_content_has_texts(t.content));
    (void)table_content_free(t.content);
}

static void every_length_of_network(void **state)
{
    (void)state;
    for (unsigned family = 0; family < 2; family++) {
        const unsigned most = family == 0 ? 32 : 128;
        for (unsigned bits = 0; bits <= most; bits++) {
            /* All ones, then the octets behind the prefix cleared. */
            struct addr a = {.family = family == 0 ? ADDR_V4 : ADDR_V6};
            for (unsigned i = 0; i < bits; i++) {
                a.octets[i / 8] |= (uint8_t)(0x80 >> (i % 8));
            }
            char text[ADDR_TEXT_MAX + 8], host[ADDR_TEXT_MAX];
            (void)snprintf(text, sizeof(text), "%s/%u", addr_format(&a, host), bits);
            struct policy_table t = parse(text);
            assert_int_equal(table_has_address(&t, &a), 1);
            if (bits < most) {
                a.octets[most / 8 - 1] |= 1; /* a bit behind it */
                assert_int_equal(table_has_address(&t, &a), 1);
            }
            if (bits > 0) {
                a.octets[(bits - 1) / 8] ^= (uint8_t)(0x80 >> ((bits - 1) % 8));
                assert_int_equal(table_has_address(&t, &a), 0);
            }
            (void)table_content_free(t.content);
        }
    }
}

static void an_address_is_no_text(void **state)
{
    struct policy_table t = parse("192.0.2.1\n\"198.51.100.1\"\n");
    const struct addr none = {.family = ADDR_NONE};

    (void)state;
    assert_int_equal(has_address(&t, "192.0.2.1"), 1);
    assert_int_equal(has_text(&t, "192.0.2.1"), 0);
    /* But in quotes it is nothing else. */
    assert_int_equal(has_address(&t, "198.51.100.1"), 0);
    assert_int_equal(has_text(&t, "198.51.100.1"), 1);
    assert_int_equal(table_has_address(&t, &none), 0);
    (void)table_content_free(t.content);
}

static void mapped_addresses_are_ipv4(void **state)
{
    struct policy_table t = parse("::ffff:192.0.2.1\n::ffff:198.51.100.0/120\n");

    (void)state;
    assert_int_equal(has_address(&t, "192.0.2.1"), 1);
    assert_int_equal(has_address(&t, "192.0.2.2"), 0);
    assert_int_equal(has_address(&t, "198.51.100.77"), 1);
    assert_int_equal(has_address(&t, "198.51.101.77"), 0);
    (void)table_content_free(t.content);
}

static void bad_networks(void **state)
{
    (void)state;
    assert_bad("192.0.2.1/24", 1, "192.0.2.1/24 has bits behind /24; the network is 192.0.2.0/24");
    assert_bad("2001:db8::1/64", 1,
               "2001:db8::1/64 has bits behind /64; the network is 2001:db8::/64");
    assert_bad("\n192.0.2.0/33", 2,
               "expected a prefix length from 0 to 32 behind the slash, found \"33\"");
    assert_bad("192.0.2.0/", 1,
               "expected a prefix length from 0 to 32 behind the slash, found \"\"");
    assert_bad("192.0.2.0/255.255.255.0", 1,
               "expected a prefix length from 0 to 32 behind the slash, found \"255.255.255.0\"");
    assert_bad("2001:db8::/129", 1,
               "expected a prefix length from 0 to 128 behind the slash, found \"129\"");
    assert_bad("192.0.2.0/-1", 1,
               "expected a prefix length from 0 to 32 behind the slash, found \"-1\"");
    assert_bad("::ffff:192.0.2.0/95", 1,
               "expected a prefix length from 96 to 128 behind the slash, found \"95\"");
#define NO_NETWORK(text)                                                                           \
    "expected an address or a network, found \"" text                                              \
    "\"; a text that looks like one is written in quotes"
    assert_bad("192.0.2", 1, NO_NETWORK("192.0.2"));
    assert_bad("192.0.2.256", 1, NO_NETWORK("192.0.2.256"));
    assert_bad("192.0.2.1.", 1, NO_NETWORK("192.0.2.1."));
    assert_bad("10/8", 1, NO_NETWORK("10/8"));
    assert_bad("2001:db8:::/32", 1, NO_NETWORK("2001:db8:::/32"));
    assert_bad("00:11:22:33:44:55", 1, NO_NETWORK("00:11:22:33:44:55"));
    assert_bad("192.0.2.*", 1, NO_NETWORK("192.0.2.*"));
    assert_bad("192.0.2.1-192.0.2.9", 1, NO_NETWORK("192.0.2.1-192.0.2.9"));
}

static void what_only_resembles_a_network_is_text(void **state)
{
    static const char *const texts[] = {
        "4711",     "192.0.2.1:25", "[192.0.2.1]", "[2001:db8::1]",
        "mail-1.2", "a/24",         "dead:beef",   "1-2",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_int_equal(is_in(texts[i], texts[i]), 1);
    }
}

/* ---- texts ---- */

static void exact_texts(void **state)
{
    struct policy_table t = parse("example.org\nSomeone@Example.NET\n\"two words\"\n\"\"\n"
                                  "b\xc3\xbc"
                                  "cher.example\n");

    (void)state;
    assert_int_equal(has_text(&t, "EXAMPLE.org"), 1);
    assert_int_equal(has_text(&t, "www.example.org"), 0);
    assert_int_equal(has_text(&t, "example.or"), 0);
    assert_int_equal(has_text(&t, "example.orgs"), 0);
    assert_int_equal(has_text(&t, "someone@example.net"), 1);
    assert_int_equal(has_text(&t, "Two Words"), 1);
    assert_int_equal(has_text(&t, ""), 1);
    assert_int_equal(table_has_text(&t, (struct slice){NULL, 0}), 1);
    assert_int_equal(has_text(&t, "b\xc3\xbc"
                                  "cher.EXAMPLE"),
                     1);
    assert_int_equal(has_address(&t, "192.0.2.1"), 0);
    assert_false(table_content_has_networks(t.content));
    assert_true(table_content_has_texts(t.content));
    (void)table_content_free(t.content);
    assert_int_equal(is_in("example.org", ""), 0);
    assert_int_equal(is_in("\"\"", "a"), 0);
}

static void the_longest_suffix_decides(void **state)
{
    struct policy_table t = parse(".example.org\n!bad.example.org\n!.deep.example.org\n"
                                  "ok.deep.example.org\n.net\n");

    (void)state;
    assert_int_equal(has_text(&t, "www.Example.org"), 1);
    assert_int_equal(has_text(&t, "a.b.c.example.org"), 1);
    assert_int_equal(has_text(&t, "example.org"), 0); /* not itself */
    assert_int_equal(has_text(&t, ".example.org"), 0);
    assert_int_equal(has_text(&t, "badexample.org"), 0);
    assert_int_equal(has_text(&t, "bad.example.org"), 0);
    assert_int_equal(has_text(&t, "www.bad.example.org"), 1);
    assert_int_equal(has_text(&t, "x.deep.example.org"), 0);
    assert_int_equal(has_text(&t, "deep.example.org"), 1);
    assert_int_equal(has_text(&t, "ok.deep.example.org"), 1);
    assert_int_equal(has_text(&t, "example.net"), 1);
    assert_int_equal(has_text(&t, "net"), 0);
    assert_int_equal(has_text(&t, "a@www.example.org"), 1);
    (void)table_content_free(t.content);
}

static void quotes_take_the_meaning(void **state)
{
    (void)state;
    assert_int_equal(is_in("\".example.org\"", "www.example.org"), 0);
    assert_int_equal(is_in("\".example.org\"", ".example.org"), 1);
    assert_int_equal(is_in("\"/a/\"", "a"), 0);
    assert_int_equal(is_in("\"/a/\"", "/a/"), 1);
    assert_int_equal(is_in("\"!a\"", "!a"), 1);
    assert_int_equal(is_in("\"*.a\"", "*.a"), 1);
    assert_int_equal(is_in("\"*@a\"", "*@a"), 1);
    assert_int_equal(is_in("\"@a\"", "@a"), 1);
    assert_int_equal(is_in("\"a@\"", "a@"), 1);
    assert_int_equal(is_in("\"a.\"", "a."), 1);
    assert_int_equal(is_in("\"192.0.2.*\"", "192.0.2.*"), 1);
    assert_int_equal(is_in("/a/\n!\"a b\"", "a b"), 0);
    assert_int_equal(is_in("/a/\n!\"a b\"", "a b c"), 1);
    assert_int_equal(is_in("\"a\\u0000b\"", "a"), 0);
}

static void patterns_come_last_in_their_order(void **state)
{
    (void)state;
    assert_int_equal(is_in("/^dyn/", "dyn1.example.org"), 1);
    assert_int_equal(is_in("/^dyn/", "DYN1.example.org"), 0);
    assert_int_equal(is_in("/^dyn/i", "DYN1.example.org"), 1);
    assert_int_equal(is_in("!/^dyn1/\n/^dyn/", "dyn1.example.org"), 0);
    assert_int_equal(is_in("/^dyn/\n!/^dyn1/", "dyn1.example.org"), 1);
    assert_int_equal(is_in("/^dyn/\n!.example.org", "dyn1.example.org"), 0);
    assert_int_equal(is_in("!/^dyn/\ndyn1.example.org", "dyn1.example.org"), 1);
    assert_int_equal(is_in("/a b, {c} # d\\/e/", "a b, {c} # d/e"), 1);
    assert_int_equal(is_in("/a\\\\/", "a\\"), 1);
    assert_int_equal(is_in("/^(a+)+$/\n/b/", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
                     -E2BIG);
    assert_int_equal(is_in("/b/\n/^(a+)+$/", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), 1);
}

static void bad_texts_and_patterns(void **state)
{
    (void)state;
    assert_bad(".", 1, "expected a domain behind the dot, found \".\"");
    assert_bad("..a", 1, "expected a domain behind the dot, found \"..a\"");
    assert_bad(".a..b", 1, "expected a domain behind the dot, found \".a..b\"");
    assert_bad(".a.", 1, "expected a domain behind the dot, found \".a.\"");
    assert_bad("*.example.org", 1,
               "expected \".example.org\", which is every name below that domain, found \"*.\"");
    assert_bad("*@example.org", 1,
               "expected a text without \"*\", found \"*@example.org\"; write /PATTERN/, or it in "
               "quotes");
    assert_bad(
        "a\n!mx*.example.org", 2,
        "expected a text without \"*\", found \"mx*.example.org\"; write /PATTERN/, or it in "
        "quotes");
    assert_bad("@example.org", 1,
               "expected a whole mail address, found \"@example.org\"; write /PATTERN/, or it in "
               "quotes");
    assert_bad("user@", 1,
               "expected a whole mail address, found \"user@\"; write /PATTERN/, or it in quotes");
    assert_bad("example.org.", 1,
               "expected no dot at the end, found \"example.org.\"; or it in quotes");
    assert_bad("!!a", 1, "expected \"!\" once, found it again");
    assert_bad("//", 1, "expected a pattern between the slashes, found nothing");
    assert_bad("//i", 1, "expected a pattern between the slashes, found nothing");
    assert_bad("/a(b/", 1,
               "expected a pattern, found \"a(b\": missing closing parenthesis (at octet 4)");
    assert_bad("a\n/etc/passwd", 2,
               "expected a blank, a comma or the end of the line, found \"p\"");
    assert_bad("/abc", 1, "expected a closing slash, found the end of the line");
    assert_bad("/abc\\/", 1, "expected a closing slash, found the end of the line");
}

static void there_is_an_end_to_patterns(void **state)
{
    struct buf text = {0};

    (void)state;
    for (int i = 0; i < TABLE_PATTERNS_MOST; i++) {
        buf_printf(&text, "/^%d$/\n", i);
    }
    struct policy_table t = parse_octets(buf_slice(&text));
    assert_int_equal(has_text(&t, "999"), 1);
    (void)table_content_free(t.content);
    buf_printf(&text, "/x/");
    assert_bad_octets(buf_slice(&text), TABLE_PATTERNS_MOST + 1, "expected at most 1000 patterns");
    buf_free(&text);
}

static void contradictions(void **state)
{
    (void)state;
    assert_bad("192.0.2.0/24\n10.0.0.0/8\n!192.0.2.0/24\nx", 3,
               "192.0.2.0/24 stands both with and without \"!\"");
    assert_bad("!2001:db8::\n10.0.0.0/8\n2001:DB8::/128", 3,
               "2001:db8::/128 stands both with and without \"!\"");
    assert_bad("a\nb\n!A", 3, "\"a\" stands both with and without \"!\"");
    assert_bad("!.a\n.a", 2, "\".a\" stands both with and without \"!\"");
    /* Said twice, or of two things. */
    assert_int_equal(is_in("a\na\nA\n\"a\"", "a"), 1);
    assert_int_equal(is_in("\".a\"\n!.a", "x.a"), 0);
    struct policy_table t = parse("192.0.2.0/24\n192.0.2.0/24\n!192.0.2.0/25\n192.0.2.0/24\n");
    assert_int_equal(has_address(&t, "192.0.2.1"), 0);
    assert_int_equal(has_address(&t, "192.0.2.128"), 1);
    assert_int_equal(table_content_count(t.content), 4);
    (void)table_content_free(t.content);
}

/* ---- entries from a policy ---- */

static void entries_from_a_policy(void **state)
{
    const struct table_entry entries[] = {
        {.text = SLICE_LIT("192.0.2.0/24")},
        {.text = SLICE_LIT("192.0.2.1"), .negated = true},
        {.text = SLICE_LIT("192.0.2.9"), .quoted = true},
        {.text = SLICE_LIT(".example.org")},
        {.text = SLICE_LIT("/^x, y/i"), .negated = true},
    };
    struct policy_table t = {.name = ""};
    const struct table_entry *bad = NULL;
    char why[256];

    (void)state;
    assert_int_equal(table_content_new(entries, COUNT(entries), &t.content, &bad, why, sizeof(why)),
                     0);
    assert_null(bad);
    assert_int_equal(has_address(&t, "192.0.2.2"), 1);
    assert_int_equal(has_address(&t, "192.0.2.1"), 0);
    assert_int_equal(has_text(&t, "192.0.2.9"), 1);
    assert_int_equal(has_text(&t, "a.example.org"), 1);
    assert_int_equal(table_content_count(t.content), COUNT(entries));
    (void)table_content_free(t.content);

    assert_int_equal(table_content_new(NULL, 0, &t.content, &bad, why, sizeof(why)), 0);
    assert_int_equal(has_text(&t, "a"), 0);
    (void)table_content_free(t.content);
}

static void bad_entries_from_a_policy(void **state)
{
    const struct table_entry entries[] = {
        {.text = SLICE_LIT("a")},     {.text = SLICE_LIT("")},
        {.text = SLICE_LIT("/ab")},   {.text = SLICE_LIT("/")},
        {.text = SLICE_LIT("/a/b/")}, {.text = SLICE_LIT("/a\\/")},
        {.text = SLICE_LIT("/i")},    {.text = SLICE_LIT("A"), .negated = true},
    };
    static const char *const causes[] = {
        NULL,
        "expected an entry, found nothing",
        "expected /PATTERN/ or /PATTERN/i, found \"/ab\"",
        "expected /PATTERN/ or /PATTERN/i, found \"/\"",
        "expected /PATTERN/ or /PATTERN/i, found \"/a/b/\"",
        "expected /PATTERN/ or /PATTERN/i, found \"/a\\/\"",
        "expected /PATTERN/ or /PATTERN/i, found \"/i\"",
        "\"a\" stands both with and without \"!\"",
    };

    (void)state;
    for (size_t i = 1; i < COUNT(entries); i++) {
        const struct table_entry two[] = {entries[0], entries[i]};
        struct table_content *c = NULL;
        const struct table_entry *bad = NULL;
        char why[256] = "";
        assert_int_equal(table_content_new(two, 2, &c, &bad, why, sizeof(why)), -EINVAL);
        assert_null(c);
        assert_ptr_equal(bad, &two[1]);
        assert_string_equal(why, causes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_network_decides),
        cmocka_unit_test(every_length_of_network),
        cmocka_unit_test(an_address_is_no_text),
        cmocka_unit_test(mapped_addresses_are_ipv4),
        cmocka_unit_test(bad_networks),
        cmocka_unit_test(what_only_resembles_a_network_is_text),
        cmocka_unit_test(exact_texts),
        cmocka_unit_test(the_longest_suffix_decides),
        cmocka_unit_test(quotes_take_the_meaning),
        cmocka_unit_test(patterns_come_last_in_their_order),
        cmocka_unit_test(bad_texts_and_patterns),
        cmocka_unit_test(there_is_an_end_to_patterns),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(entries_from_a_policy),
        cmocka_unit_test(bad_entries_from_a_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
