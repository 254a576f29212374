/* Responses of the DNS taken apart: each type, chains, TTLs, and what a hostile server can send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/octets.h"
#include "parse/dns_record.h"

#define HEADER(flags, answers, others) "\x12\x34" flags "\0\1\0" answers "\0\0\0" others
#define OK                             "\x81\x80"
/* Names: at 12 mail.example.org, at 17 example.org. */
#define QUESTION(type)       "\4mail\7example\3org\0\0" type "\0\1"
#define RR(name, type, data) name "\0" type "\0\1\0\0\1\54\0" data
#define MAIL                 "\300\14"
#define HOST                 "\4host\300\21"
#define A1                   RR(HOST, "\1", "\4\300\0\2\1")
#define A2                   RR(MAIL, "\1", "\4\300\0\2\2")
#define A3                   RR(MAIL, "\1", "\4\300\0\2\3")
#define TO_HOST              RR(MAIL, "\5", "\7" HOST)
#define AAAA                 RR(MAIL, "\34", "\20\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\7")

static struct arena arena;
static struct dns_message message;
static struct dns_name mail;

static int take_named(const char *p, size_t n, const struct dns_name *name, enum dns_type type)
{
    char *exact = malloc(n > 0 ? n : 1); /* so that the sanitizer sees what is read beyond it */
    memcpy(exact, p, n);
    arena_reset(&arena);
    message = (struct dns_message){.count = 99};
    int r = dns_message_parse((struct slice){exact, n}, name, type, &arena, &message);
    free(exact); /* and what points into it */
    assert_int_equal(r, r == 0 ? 0 : -EBADMSG);
    assert_true(r == 0 || message.count == 99);
    return r;
}

#define TAKE(text, type)      take_named(text, sizeof(text) - 1, &mail, type)
#define ASSERT_TAKEN(text, t) assert_int_equal(TAKE(text, t), 0)
#define ASSERT_BAD(text, t)   assert_int_equal(TAKE(text, t), -EBADMSG)

static void assert_address(size_t i, const char *expected)
{
    char text[ADDR_TEXT_MAX];
    assert_true(i < message.count);
    assert_string_equal(addr_format(&message.records[i].address, text), expected);
    assert_int_equal(message.records[i].address.port, 0);
}

static void assert_name(const struct dns_name *name, const char *expected)
{
    char text[DNS_NAME_TEXT_MAX];
    (void)dns_name_format(name, text);
    assert_string_equal(text, expected);
}

static void addresses(void **state)
{
    (void)state;
    ASSERT_TAKEN(HEADER(OK, "\5", "\0") QUESTION("\1") A2 AAAA A1
                 "\300\14\0\1\0\3\0\0\1\54\0\4\300\0\2\7" /* class CHAOS */
                 A3,
                 DNS_A);
    assert_int_equal(message.rcode, DNS_NOERROR);
    assert_int_equal(message.count, 2);
    assert_address(0, "192.0.2.2");
    assert_address(1, "192.0.2.3");
    assert_int_equal(message.ttl, 300);
    assert_false(message.cut);
    assert_name(message.canonical, "mail.example.org");
    ASSERT_TAKEN(HEADER(OK, "\3", "\0") QUESTION("\34") A2 AAAA A1, DNS_AAAA);
    assert_int_equal(message.count, 1);
    assert_address(0, "2001:db8::7");
    /* Octets behind the last record; letters in upper case. */
    ASSERT_TAKEN(HEADER(OK, "\1", "\0") "\4MAIL\7Example\3org\0\0\1\0\1" A2 "more", DNS_A);
    assert_int_equal(message.count, 1);
}

static void chains(void **state)
{
    (void)state;
    ASSERT_TAKEN(HEADER(OK, "\3", "\0") QUESTION("\1") TO_HOST A2 A1, DNS_A);
    assert_int_equal(message.count, 1);
    assert_address(0, "192.0.2.1");
    assert_name(message.canonical, "host.example.org");
    /* Asked for, a CNAME is a record, and leads nowhere. */
    ASSERT_TAKEN(HEADER(OK, "\2", "\0") QUESTION("\5") TO_HOST A1, DNS_CNAME);
    assert_int_equal(message.count, 1);
    assert_name(message.records[0].name, "host.example.org");
    assert_name(message.canonical, "mail.example.org");
    /* One behind the records says nothing any more. */
    ASSERT_TAKEN(HEADER(OK, "\2", "\0") QUESTION("\1") A2 TO_HOST, DNS_A);
    assert_int_equal(message.count, 1);
    assert_name(message.canonical, "mail.example.org");
    /* A chain that leads to nothing, with the least TTL. */
    ASSERT_TAKEN(HEADER("\x81\x83", "\1", "\0") QUESTION("\1") TO_HOST, DNS_A);
    assert_int_equal(message.rcode, DNS_NXDOMAIN);
    assert_int_equal(message.count, 0);
    assert_int_equal(message.ttl, 0);
    assert_name(message.canonical, "host.example.org");
    /* To itself, and around. */
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\1") RR(MAIL, "\5", "\2" MAIL), DNS_A);
    ASSERT_BAD(HEADER(OK, "\2", "\0") QUESTION("\1") TO_HOST RR(HOST, "\5", "\2" MAIL), DNS_A);
}

/* mail → 1 → 2 → … */
static int long_chain(unsigned links)
{
    struct buf b = {0};
    char rr[] = RR("\1x\300\21", "\5", "\4\1y\300\21");
    buf_append(&b, HEADER(OK, "\0", "\0") QUESTION("\1"),
               sizeof(HEADER(OK, "\0", "\0") QUESTION("\1")) - 1);
    b.p[7] = (char)links;
    for (unsigned i = 0; i < links; i++) {
        rr[1] = (char)('a' + i);
        rr[15] = (char)('b' + i);
        if (i == 0) {
            buf_append(&b, RR(MAIL, "\5", "\4\1b\300\21"),
                       sizeof(RR(MAIL, "\5", "\4\1b\300\21")) - 1);
        } else {
            buf_append(&b, rr, sizeof(rr) - 1);
        }
    }
    int r = take_named(b.p, b.n, &mail, DNS_A);
    buf_free(&b);
    return r;
}

static void long_chains(void **state)
{
    (void)state;
    assert_int_equal(long_chain(DNS_CNAMES_MOST), 0);
    assert_name(message.canonical, "m.example.org");
    assert_int_equal(long_chain(DNS_CNAMES_MOST + 1), -EBADMSG);
}

static void types(void **state)
{
    (void)state;
    ASSERT_TAKEN(HEADER(OK, "\2", "\0") QUESTION("\17") RR(MAIL, "\17", "\11\1\4" HOST)
                     RR(MAIL, "\17", "\3\0\0\0"),
                 DNS_MX);
    assert_int_equal(message.count, 2);
    assert_int_equal(message.records[0].mx.preference, 260);
    assert_name(message.records[0].mx.exchange, "host.example.org");
    assert_int_equal(message.records[1].mx.exchange->n, 1);
    ASSERT_TAKEN(HEADER(OK, "\2", "\0") QUESTION("\20") RR(MAIL, "\20", "\10\3a b\0\2\0c")
                     RR(MAIL, "\20", "\1\0"),
                 DNS_TXT);
    assert_int_equal(message.count, 2);
    assert_true(slice_eq(message.records[0].text, SLICE_LIT("a b\0c")));
    assert_int_equal(message.records[1].text.n, 0);
    ASSERT_TAKEN(HEADER(OK, "\1", "\0") QUESTION("\14") RR(MAIL, "\14", "\7" HOST), DNS_PTR);
    assert_name(message.records[0].name, "host.example.org");
    ASSERT_TAKEN(HEADER(OK, "\1", "\0") QUESTION("\60") RR(MAIL, "\60", "\5\1\1\3\10k"),
                 DNS_DNSKEY);
    assert_true(slice_eq(message.records[0].data, SLICE_LIT("\1\1\3\10k")));

    /* Data that are not what the type has. */
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\1") RR(MAIL, "\1", "\3\300\0\2"), DNS_A);
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\1") RR(MAIL, "\1", "\5\300\0\2\1\0"), DNS_A);
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\34") RR(MAIL, "\34", "\4\300\0\2\1"), DNS_AAAA);
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\17") RR(MAIL, "\17", "\1\0"), DNS_MX);
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\17") RR(MAIL, "\17", "\12\0\1" HOST "\0"), DNS_MX);
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\20") RR(MAIL, "\20", "\0"), DNS_TXT);
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\20") RR(MAIL, "\20", "\3\3ab"), DNS_TXT);
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\14") RR(MAIL, "\14", "\5\4host"), DNS_PTR);
    /* Of another name or type they are nobody's business. */
    ASSERT_TAKEN(HEADER(OK, "\2", "\0") QUESTION("\1") RR(HOST, "\1", "\3\300\0\2") A2, DNS_A);
    ASSERT_TAKEN(HEADER(OK, "\2", "\0") QUESTION("\1") RR(MAIL, "\20", "\0") A2, DNS_A);
}

#define SOA(ttl, minimum)                                                                          \
    "\300\21\0\6\0\1\0\0" ttl "\0\30\300\14\300\14\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0" minimum

static void times(void **state)
{
    (void)state;
    static const char nothing[] = "\x12\x34" OK "\0\1\0\0\0\1\0\0" QUESTION("\1");
    ASSERT_TAKEN("\x12\x34" OK "\0\1\0\0\0\1\0\0" QUESTION("\1") SOA("\0\100", "\0\77"), DNS_A);
    assert_int_equal(message.ttl, 63);
    ASSERT_TAKEN("\x12\x34" OK "\0\1\0\0\0\1\0\0" QUESTION("\1") SOA("\0\76", "\0\77"), DNS_A);
    assert_int_equal(message.ttl, 62);
    ASSERT_TAKEN("\x12\x34" OK
                 "\0\1\0\0\0\1\0\0" QUESTION("\1") "\300\21\0\6\0\1\0\0\0\100\0\30\300\14\300\14"
                                                   "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\200\0\0\0",
                 DNS_A);
    assert_int_equal(message.ttl, 0);
    ASSERT_TAKEN(HEADER(OK, "\0", "\0") QUESTION("\1"), DNS_A);
    assert_int_equal(message.ttl, 0);
    assert_int_equal(take_named(nothing, sizeof(nothing) - 1, &mail, DNS_A), -EBADMSG);
    /* RFC 2181 8: with the highest bit it is 0. */
    ASSERT_TAKEN(HEADER(OK, "\1", "\0") QUESTION("\1") "\300\14\0\1\0\1\200\0\0\7\0\4\1\2\3\4",
                 DNS_A);
    assert_int_equal(message.ttl, 0);
    /* The least of the chain and all records. */
    ASSERT_TAKEN(HEADER(OK, "\2", "\0") QUESTION("\1") A2 "\300\14\0\1\0\1\0\0\0\7\0\4\1\2\3\4",
                 DNS_A);
    assert_int_equal(message.ttl, 7);
    ASSERT_TAKEN(HEADER(OK, "\2", "\0") QUESTION("\1") "\300\14\0\5\0\1\0\0\0\11\0\7" HOST A1,
                 DNS_A);
    assert_int_equal(message.ttl, 9);
}

static void headers(void **state)
{
    (void)state;
    ASSERT_TAKEN(HEADER("\x81\x82", "\0", "\0") QUESTION("\1"), DNS_A);
    assert_int_equal(message.rcode, DNS_SERVFAIL);
    /* EDNS's upper bits of the code: BADVERS is 16. */
    ASSERT_TAKEN(HEADER(OK, "\0", "\1") QUESTION("\1") "\0\0\51\20\0\1\0\0\0\0\0", DNS_A);
    assert_int_equal(message.rcode, 16);
    ASSERT_BAD(HEADER("\x01\x80", "\1", "\0") QUESTION("\1") A2, DNS_A); /* a query */
    ASSERT_BAD(HEADER("\x83\x80", "\1", "\0") QUESTION("\1") A2, DNS_A); /* TC */
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\34") A2, DNS_A);
    ASSERT_BAD(HEADER(OK, "\1", "\0") "\4mail\7example\3net\0\0\1\0\1" A2, DNS_A);
    ASSERT_BAD(HEADER(OK, "\1", "\0") "\4mail\7example\3org\0\0\1\0\3" A2, DNS_A);
    ASSERT_BAD("\x12\x34" OK "\0\0\0\0\0\0\0\0", DNS_A);
    ASSERT_BAD("\x12\x34" OK "\0\2\0\0\0\0\0\0" QUESTION("\1") QUESTION("\1"), DNS_A);
    ASSERT_BAD("\x12\x34" OK "\xff\xff\xff\xff\xff\xff\xff\xff" QUESTION("\1"), DNS_A);
    ASSERT_BAD(HEADER(OK, "\2", "\0") QUESTION("\1") A2, DNS_A);
    ASSERT_BAD(HEADER(OK, "\1", "\1") QUESTION("\1") A2, DNS_A);
}

static void cut_anywhere(void **state)
{
    (void)state;
    static const char whole[] = "\x12\x34" OK "\0\1\0\2\0\1\0\1" QUESTION("\1")
        TO_HOST A1 SOA("\0\0", "\0\0") "\0\0\51\20\0\0\0\0\0\0\0";
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        assert_int_equal(take_named(whole, n, &mail, DNS_A), -EBADMSG);
    }
    ASSERT_TAKEN(whole, DNS_A);
}

/* ---- names that do not end, or cost much ---- */

static void pointers(void **state)
{
    (void)state;
    /* To itself, forwards, beyond the end, into the header (where a name may be, but is not). */
    ASSERT_BAD(HEADER(OK, "\0", "\0") "\300\14\0\1\0\1", DNS_A);
    ASSERT_BAD(HEADER(OK, "\0", "\0") "\300\22\0\1\0\1"
                                      "\4mail\7example\3org\0",
               DNS_A);
    ASSERT_BAD(HEADER(OK, "\0", "\0") "\377\377\0\1\0\1", DNS_A);
    ASSERT_BAD(HEADER(OK, "\1", "\0") QUESTION("\1") RR("\1x\300\42", "\1", "\4\1\2\3\4"), DNS_A);
    /* Labels that are neither octets nor a pointer (RFC 1035 4.1.4: reserved). */
    ASSERT_BAD(HEADER(OK, "\0", "\0") "\100a\0\0\1\0\1", DNS_A);
    ASSERT_BAD(HEADER(OK, "\0", "\0") "\200a\0\0\1\0\1", DNS_A);
}

static void put(struct buf *b, const char *p, size_t n)
{
    buf_append(b, p, n);
}
#define PUT(b, text) put(b, text, sizeof(text) - 1)

/* A message with one TXT record of another name, in whose data a chain of pointers lies, each to
 * the one before, and then a record whose name begins at its end. */
static int pointer_chain(size_t length)
{
    struct buf b = {0};
    PUT(&b, HEADER(OK, "\2", "\0") QUESTION("\1") RR(HOST, "\20", ""));
    char n = (char)(2 * length);
    buf_append(&b, &n, 1);
    size_t to = 12;
    for (size_t i = 0; i < length; i++) {
        char pointer[2] = {(char)(0xc0 | to >> 8), (char)to};
        to = b.n;
        buf_append(&b, pointer, 2);
    }
    char last[2] = {(char)(0xc0 | to >> 8), (char)to};
    buf_append(&b, last, 2);
    PUT(&b, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4");
    int r = take_named(b.p, b.n, &mail, DNS_A);
    buf_free(&b);
    return r;
}

static void pointer_chains(void **state)
{
    (void)state;
    assert_int_equal(pointer_chain(100), 0);
    assert_int_equal(message.count, 1);
    assert_int_equal(pointer_chain(126), 0);
    assert_int_equal(pointer_chain(127), -EBADMSG);
}

/* A name that doubles with each pointer would be a bomb, were it not over 255 octets soon. */
static void name_bomb(void **state)
{
    (void)state;
    struct buf b = {0};
    char label[64];
    memset(label, 'x', sizeof(label));
    label[0] = 63;
    PUT(&b, HEADER(OK, "\6", "\0") QUESTION("\1"));
    for (int i = 0; i < 6; i++) { /* each name: 63 octets and the name before */
        char pointer[2] = {(char)0xc0, 12};
        if (i > 0) {
            size_t before = b.n - 64 - 2 - 14;
            pointer[0] = (char)(0xc0 | before >> 8);
            pointer[1] = (char)before;
        }
        buf_append(&b, label, sizeof(label));
        buf_append(&b, pointer, 2);
        PUT(&b, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4");
    }
    assert_int_equal(take_named(b.p, b.n, &mail, DNS_A), -EBADMSG);
    b.p[7] = 3; /* three of them are still names */
    assert_int_equal(take_named(b.p, b.n, &mail, DNS_A), 0);
    buf_free(&b);
}

/* ---- much of everything ---- */

static void begin(struct buf *b, const char *question, size_t n, size_t answers)
{
    buf_append(b, question, n);
    octets_put((uint8_t *)b->p + 6, 2, answers);
}

static void many_records(void **state)
{
    (void)state;
    static const char question[] = HEADER(OK, "\0", "\0") QUESTION("\14");
    struct buf b = {0};
    begin(&b, question, sizeof(question) - 1, 3000);
    for (int i = 0; i < 3000; i++) {
        PUT(&b, RR(MAIL, "\14", "\7" HOST));
    }
    assert_true(b.n < 65535);
    assert_int_equal(take_named(b.p, b.n, &mail, DNS_PTR), 0);
    assert_int_equal(message.count, DNS_RECORDS_MOST);
    assert_true(message.cut);
    octets_put((uint8_t *)b.p + 6, 2, DNS_RECORDS_MOST);
    assert_int_equal(take_named(b.p, b.n, &mail, DNS_PTR), 0);
    assert_int_equal(message.count, DNS_RECORDS_MOST);
    assert_false(message.cut);
    buf_free(&b);
}

/* The dearest message there is: one record has 120 labels of one octet, each leading on by a
 * pointer to the one before, and thousands have the name that begins at the last. */
static void dear_names(void **state)
{
    (void)state;
    static const char question[] = HEADER(OK, "\0", "\0") QUESTION("\14");
    struct buf b = {0};
    size_t to = 12, records = 1;
    begin(&b, question, sizeof(question) - 1, 0);
    PUT(&b, RR(HOST, "\20", "") "\0");
    size_t length_at = b.n - 2;
    for (int i = 0; i < 110; i++) {
        char label[4] = {1, 'x', (char)(0xc0 | to >> 8), (char)to};
        to = b.n;
        buf_append(&b, label, 4);
    }
    octets_put((uint8_t *)b.p + length_at, 2, b.n - length_at - 2);
    while (b.n <= 65535 - 12) {
        char pointer[2] = {(char)(0xc0 | to >> 8), (char)to};
        buf_append(&b, pointer, 2);
        PUT(&b, "\0\14\0\1\0\0\0\1\0\0");
        records++;
    }
    octets_put((uint8_t *)b.p + 6, 2, records);
    assert_true(records > 5000);
    assert_int_equal(take_named(b.p, b.n, &mail, DNS_PTR), 0);
    assert_int_equal(message.count, 0);
    buf_free(&b);
}

/* A TXT record of `n` octets, strings of 255. */
static int long_text(size_t n, size_t *ret_packet)
{
    static const char question[] = HEADER(OK, "\0", "\0") QUESTION("\20");
    struct buf b = {0};
    char string[256];
    memset(string, 't', sizeof(string));
    begin(&b, question, sizeof(question) - 1, 1);
    PUT(&b, "\300\14\0\20\0\1\0\0\0\1");
    size_t strings = (n + 254) / 255;
    uint8_t length[2];
    octets_put(length, 2, n + strings);
    buf_append(&b, length, 2);
    for (size_t left = n; left > 0;) {
        size_t part = left < 255 ? left : 255;
        string[0] = (char)part;
        buf_append(&b, string, part + 1);
        left -= part;
    }
    *ret_packet = b.n;
    int r = take_named(b.p, b.n, &mail, DNS_TXT);
    buf_free(&b);
    return r;
}

static void long_texts(void **state)
{
    (void)state;
    size_t packet;
    assert_int_equal(long_text(65000, &packet), 0);
    assert_int_equal(message.records[0].text.n, 65000);
    assert_int_equal(message.records[0].text.p[64999], 't');
    assert_int_equal(long_text(65233, &packet), 0);
    assert_int_equal(packet, 65535);
    assert_int_equal(message.records[0].text.n, 65233);
    assert_int_equal(long_text(65234, &packet), -EBADMSG);
    assert_int_equal(packet, 65536);
}

static void copies(void **state)
{
    (void)state;
    struct arena other;
    arena_init(&other);
    ASSERT_TAKEN(HEADER(OK, "\2", "\0") QUESTION("\17") RR(MAIL, "\17", "\11\1\4" HOST)
                     RR(MAIL, "\17", "\3\0\0\0"),
                 DNS_MX);
    const struct dns_record *mx = dns_records_copy(&other, DNS_MX, message.records, 2);
    ASSERT_TAKEN(HEADER(OK, "\1", "\0") QUESTION("\20") RR(MAIL, "\20", "\3\2ab"), DNS_TXT);
    const struct dns_record *text = dns_records_copy(&other, DNS_TXT, message.records, 1);
    arena_free(&arena);
    assert_name(mx[0].mx.exchange, "host.example.org");
    assert_int_equal(mx[1].mx.exchange->n, 1);
    assert_true(slice_eq(text[0].text, SLICE_LIT("ab")));
    arena_free(&other);
    assert_string_equal(dns_type_name(DNS_MX), "MX");
    assert_string_equal(dns_type_name((enum dns_type)4711), "TYPE");
}

static int begin_tests(void **state)
{
    (void)state;
    arena_init(&arena);
    return dns_name_parse(SLICE_LIT("mail.example.org"), &mail);
}

static int end_tests(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),      cmocka_unit_test(chains),
        cmocka_unit_test(long_chains),    cmocka_unit_test(types),
        cmocka_unit_test(times),          cmocka_unit_test(headers),
        cmocka_unit_test(cut_anywhere),   cmocka_unit_test(pointers),
        cmocka_unit_test(pointer_chains), cmocka_unit_test(name_bomb),
        cmocka_unit_test(many_records),   cmocka_unit_test(long_texts),
        cmocka_unit_test(copies),         cmocka_unit_test(dear_names),
    };
    return cmocka_run_group_tests(tests, begin_tests, end_tests);
}
