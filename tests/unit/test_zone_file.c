/* The master format: what it can say, and where it is not understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "parse/zone_file.h"

static void put_name(struct buf *b, const struct dns_name *name)
{
    char text[DNS_NAME_TEXT_MAX];
    buf_append(b, text, dns_name_format(name, text));
}

static void put_data(struct buf *b, const struct zone_entry *x)
{
    char text[ADDR_TEXT_MAX];
    switch ((enum dns_type)x->type) {
    case DNS_A:
    case DNS_AAAA: buf_printf(b, "%s", addr_format(&x->record.address, text)); break;
    case DNS_MX:
        buf_printf(b, "%u ", x->record.mx.preference);
        put_name(b, x->record.mx.exchange);
        break;
    case DNS_TXT:
    case DNS_SPF: buf_append_slice(b, x->record.text); break;
    case DNS_SOA:
        for (size_t i = 0; i < x->record.data.n; i++) {
            buf_printf(b, "%02x", (unsigned char)x->record.data.p[i]);
        }
        break;
    default: put_name(b, x->record.name); break;
    }
}

/* An entry as a line: name, seconds, type, data. */
static void put_entry(struct buf *b, const struct zone_entry *x)
{
    static const char *const words[] = {[ZONE_OTHER] = "other",
                                        [ZONE_TIMEOUT] = "timeout",
                                        [ZONE_SERVFAIL] = "servfail",
                                        [ZONE_BOGUS] = "bogus"};
    if (x->kind == ZONE_LATENCY) {
        buf_printf(b, "latency %lld\n", (long long)x->latency);
        return;
    }
    put_name(b, &x->owner);
    if (x->kind == ZONE_RECORD) {
        buf_printf(b, " %u %s ", x->ttl, dns_type_name((enum dns_type)x->type));
        put_data(b, x);
    } else {
        buf_printf(b, " %s%s%s", words[x->kind], x->type != 0 ? " " : "",
                   x->type != 0 ? dns_type_name((enum dns_type)x->type) : "");
    }
    buf_append(b, "\n", 1);
}

/* All entries, and "LINE:COLUMN: TEXT" where the file is wrong. */
static void reads(struct slice text, const char *expected)
{
    struct zone_reader r;
    struct zone_entry entry;
    struct zone_problem problem;
    struct arena arena;
    struct buf b = {0};
    int rc;
    arena_init(&arena);
    zone_reader_init(&r, text);
    while ((rc = zone_reader_next(&r, &arena, &entry, &problem)) > 0) {
        put_entry(&b, &entry);
    }
    if (rc < 0) {
        assert_int_equal(rc, -EINVAL);
        buf_printf(&b, "%u:%u: %s", problem.line, problem.column, problem.text);
    }
    buf_append(&b, "", 1);
    assert_string_equal(b.p, expected);
    assert_int_equal(b.n, strlen(expected) + 1);
    buf_free(&b);
    arena_free(&arena);
}

#define READS(text, expected) reads(SLICE_LIT(text), expected)

static void records(void **state)
{
    (void)state;
    READS("", "");
    READS("\n ; nothing\n\t\r\n", "");
    READS("$ORIGIN example.org.\n"
          "$TTL 1h\n"
          "@  IN SOA ns hostmaster ( 7 ; the serial\n 1d 2h 3w 300 )\n"
          "   IN NS ns\n"
          "   MX 10 mail\n"
          "   60 IN MX 0 .\n"
          "mail A 192.0.2.1\n"
          "\t5m AAAA 2001:DB8::1\n"
          "www IN 30 CNAME @\n"
          "old DNAME example.net.\r\n"
          "1.2.0.192.in-addr.arpa. PTR mail\n"
          "a TXT one \"two ;()three\"  four;five\n"
          "a SPF \"v=spf1 -all\"",
          "example.org 3600 SOA "
          "026e73076578616d706c65036f72670"
          "00a686f73746d6173746572076578616d706c65036f726700"
          "000000070001518000001c20001baf800000012c\n"
          "example.org 3600 NS ns.example.org\n"
          "example.org 3600 MX 10 mail.example.org\n"
          "example.org 60 MX 0 .\n"
          "mail.example.org 3600 A 192.0.2.1\n"
          "mail.example.org 300 AAAA 2001:db8::1\n"
          "www.example.org 30 CNAME example.org\n"
          "old.example.org 3600 DNAME example.net\n"
          "1.2.0.192.in-addr.arpa 3600 PTR mail.example.org\n"
          "a.example.org 3600 TXT onetwo ;()threefour\n"
          "a.example.org 3600 SPF v=spf1 -all\n");
    /* The origin is the root at first; a TTL is kept until $TTL says one (RFC 1035, RFC 2308). */
    READS("example.org A 192.0.2.1\na 7 A 192.0.2.2\n A 192.0.2.3\n$TTL 9\n 8 A 192.0.2.4\n"
          " A 192.0.2.5\n",
          "example.org 3600 A 192.0.2.1\na 7 A 192.0.2.2\na 7 A 192.0.2.3\na 8 A 192.0.2.4\n"
          "a 9 A 192.0.2.5\n");
    READS("$origin org.\n$ORIGIN example\na A 1.2.3.4", "a.example.org 3600 A 1.2.3.4\n");
    READS("( a\n in 5 (a) 1.2.3.4 )\n", "a 5 A 1.2.3.4\n");
}

static void escapes(void **state)
{
    (void)state;
    READS("\\@ A 1.2.3.4\na\\.b\\;.c\\032\\255 A 1.2.3.5\n\\$x A 1.2.3.6\n* A 1.2.3.7\n",
          "@ 3600 A 1.2.3.4\na\\046b;.c\\032\\255 3600 A 1.2.3.5\n$x 3600 A 1.2.3.6\n"
          "* 3600 A 1.2.3.7\n");
    READS("a TXT \"\\\"\\\\\\065\" \\ \\\"x \"\"\n", "a 3600 TXT \"\\A \"x\n");
    READS("a TXT \\25\n", "1:7: expected 000 to 255 behind \"\\\", not \"\\25\"");
    READS("a TXT \\256\n", "1:7: expected 000 to 255 behind \"\\\", not \"\\256\"");
    READS("\\999 A 1.2.3.4\n", "1:1: expected a name, not \"\\999\"");
    READS("a TXT \\", "1:8: expected an octet behind \"\\\"");
    READS("a TXT \"\\\n\"", "1:9: expected an octet behind \"\\\"");
    READS("a TXT \"b\n\"", "1:9: expected \" at the string's end");
    READS("a TXT \"b", "1:9: expected \" at the string's end");
}

static void pretended(void **state)
{
    (void)state;
    READS("$LATENCY 200ms\n$latency 2s\n$LATENCY 1\n", "latency 200000\nlatency 2000000\n"
                                                       "latency 1000000\n");
    READS("a TIMEOUT\nb servfail MX\n\tBOGUS txt\n*.c IN TIMEOUT A ; all below\n",
          "a timeout\nb servfail MX\nb bogus TXT\n*.c timeout A\n");
    READS("a SRV 0 0 25 mail\na TYPE65534 \\# 2 (\nab cd)\na DNSKEY 257 3 8 AwEAAQ==\n",
          "a other\na other\na other\n");
    READS("a TIMEOUT SRV\n", "1:11: expected a type of record, not \"SRV\"");
    READS("a TIMEOUT A B\n", "1:13: expected the line's end, not \"B\"");
    READS("$LATENCY fast\n", "1:10: expected a time such as 200ms, not \"fast\"");
    READS("$LATENCY ms\n", "1:10: expected a time such as 200ms, not \"ms\"");
}

static void wrong(void **state)
{
    (void)state;
    READS("a A 1.2.3.4\nb A 1.2.3\n",
          "a 3600 A 1.2.3.4\n2:5: expected an IPv4 address, not \"1.2.3\"");
    READS("a A ::1\n", "1:5: expected an IPv4 address, not \"::1\"");
    READS("a AAAA 1.2.3.4\n", "1:8: expected an IPv6 address, not \"1.2.3.4\"");
    READS("a A\n", "1:4: expected an IPv4 address, and the line ends");
    READS("a A \"1.2.3.4\"\n", "1:5: expected an IPv4 address, not \"1.2.3.4\"");
    READS("a A 1.2.3.4 5\n", "1:13: expected the line's end, not \"5\"");
    READS("a B 1.2.3.4\n", "1:3: expected a type of record, not \"B\"");
    READS("a CH A 1.2.3.4\n", "1:3: expected a type of record, not \"CH\"");
    READS("a\n", "1:2: expected a type of record, and the line ends");
    READS("a", "1:2: expected a type of record, and the line ends");
    READS("a IN IN A 1.2.3.4\n", "1:6: expected a type of record, not \"IN\"");
    READS("a 5 6 A 1.2.3.4\n", "1:5: expected a type of record, not \"6\"");
    READS("a 5x A 1.2.3.4\n", "1:3: expected a time such as 3600 or 1h30m, not \"5x\"");
    READS("a 1h30 A 1.2.3.4\n", "1:3: expected a time such as 3600 or 1h30m, not \"1h30\"");
    READS("a 2147483648 A 1.2.3.4\n",
          "1:3: expected a time such as 3600 or 1h30m, not \"2147483648\"");
    READS("a 3551w A 1.2.3.4\n", "1:3: expected a time such as 3600 or 1h30m, not \"3551w\"");
    READS(" A 1.2.3.4\n",
          "1:2: expected a name at the line's beginning, since no entry is above it, not \"A\"");
    READS("a..b A 1.2.3.4\n", "1:1: expected a name, not \"a..b\"");
    READS("\"a\" A 1.2.3.4\n", "1:1: expected a name, not \"a\"");
    READS("a MX mail\n", "1:6: expected a preference (0 to 65535), not \"mail\"");
    READS("a MX 65536 mail\n", "1:6: expected a preference (0 to 65535), not \"65536\"");
    READS("a MX 1\n", "1:7: expected a name, and the line ends");
    READS("a TXT ; none\n", "1:13: expected a string, and the line ends");
    READS("a SOA b c x 1 1 1 1\n", "1:11: expected a serial number, not \"x\"");
    READS("$INCLUDE other\n", "1:1: expected $ORIGIN, $TTL or $LATENCY, not \"$INCLUDE\"");
    READS("$ORIGIN\n", "1:8: expected a name, and the line ends");
    READS("$TTL x\n", "1:6: expected a time such as 3600 or 1h30m, not \"x\"");
    READS("a ( A\n1.2.3.4", "2:8: expected \")\", and the file ends");
    READS("a A 1.2.3.4 )\n", "1:13: \")\" without \"(\"");
    READS("a TYPE65536 \\# 0\n", "1:3: expected a type of record, not \"TYPE65536\"");
}

/* A TXT record of `strings` strings of `n` octets. */
static void strings(size_t count, size_t n, const char *expected)
{
    struct buf b = {0}, all = {0};
    buf_printf(&b, "a TXT");
    for (size_t i = 0; i < count; i++) {
        buf_append(&b, " ", 1);
        memset(buf_reserve(&b, n), 't', n);
        b.n += n;
    }
    if (expected == NULL) {
        buf_printf(&all, "a 3600 TXT ");
        memset(buf_reserve(&all, count * n), 't', count * n);
        all.n += count * n;
        buf_append(&all, "\n", 2);
    }
    reads(buf_slice(&b), expected != NULL ? expected : all.p);
    buf_free(&b);
    buf_free(&all);
}

static void sizes(void **state)
{
    (void)state;
    strings(1, 255, NULL);
    strings(1, 256, "1:7: expected strings of at most 255 octets, and 65535 in all");
    strings(255, 255, NULL);
    strings(257, 254, NULL);
    strings(256, 255, "1:65287: expected strings of at most 255 octets, and 65535 in all");
    READS("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx A 1.2.3.4",
          "1:1: expected a name, not \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records), cmocka_unit_test(escapes), cmocka_unit_test(pretended),
        cmocka_unit_test(wrong),   cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
