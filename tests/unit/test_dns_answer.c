/* Answers of the DNS: addresses behind names and pointers, every truncation of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse/dns_answer.h"

#define HEADER(flags, answers) "\x12\x34" flags "\0\1\0" answers "\0\0\0\0"
#define QUESTION               "\4mail\7example\3org\0\0\1\0\1"
#define TTL                    "\0\0\1\54"
#define CNAME                  "\300\14\0\5\0\1" TTL "\0\7\4host\300\21"
#define A1                     "\4host\300\21\0\1\0\1" TTL "\0\4\300\0\2\1"
#define A2                     "\300\14\0\1\0\1" TTL "\0\4\300\0\2\2"
#define AAAA                   "\300\14\0\34\0\1" TTL "\0\20\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\7"
#define CHAOS                  "\300\14\0\1\0\3" TTL "\0\4\300\0\2\3"
#define SHORT                  "\300\14\0\1\0\1" TTL "\0\3\300\0\2"

static struct addr found[8];
static size_t count;
static unsigned rcode;

static int take(const char *p, size_t n, enum dns_type type, size_t max)
{
    char *exact = malloc(n > 0 ? n : 1); /* so that the sanitizer sees what is read beyond it */
    memcpy(exact, p, n);
    count = 99;
    rcode = 99;
    int r = dns_answer_addresses((struct slice){exact, n}, type, found, max, &count, &rcode);
    free(exact);
    return r;
}

#define TAKE(text, type) take(text, sizeof(text) - 1, type, 8)

static void assert_address(size_t i, const char *expected)
{
    char text[ADDR_TEXT_MAX];
    assert_true(i < count);
    assert_string_equal(addr_format(&found[i], text), expected);
    assert_int_equal(found[i].port, 0);
}

static void addresses(void **state)
{
    (void)state;
    static const char whole[] = HEADER("\x81\x80", "\6") QUESTION CNAME A1 CHAOS SHORT AAAA A2;
    assert_int_equal(TAKE(whole, DNS_A), 0);
    assert_int_equal(rcode, DNS_NOERROR);
    assert_int_equal(count, 2);
    assert_address(0, "192.0.2.1");
    assert_address(1, "192.0.2.2");
    assert_int_equal(TAKE(whole, DNS_AAAA), 0);
    assert_int_equal(count, 1);
    assert_address(0, "2001:db8::7");
    assert_int_equal(take(whole, sizeof(whole) - 1, DNS_A, 1), 0);
    assert_int_equal(count, 1);
    assert_int_equal(take(whole, sizeof(whole) - 1, DNS_A, 0), 0);
    assert_int_equal(count, 0);
}

static void without_answers(void **state)
{
    (void)state;
    assert_int_equal(TAKE(HEADER("\x81\x83", "\0") QUESTION, DNS_A), 0);
    assert_int_equal(rcode, DNS_NXDOMAIN);
    assert_int_equal(count, 0);
    assert_int_equal(TAKE(HEADER("\x81\x82", "\0") QUESTION, DNS_A), 0);
    assert_int_equal(rcode, DNS_SERVFAIL);
}

static void damaged(void **state)
{
    (void)state;
    static const char whole[] = HEADER("\x81\x80", "\2") QUESTION A1 A2;
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        assert_int_equal(take(whole, n, DNS_A, 8), -EBADMSG);
        assert_int_equal(count, 99);
    }
    assert_int_equal(TAKE(whole, DNS_A), 0);
    /* Labels that are neither octets nor a pointer (RFC 1035 4.1.4: reserved). */
    assert_int_equal(TAKE(HEADER("\x81\x80", "\1") "\100a\0\0\1\0\1" A2, DNS_A), -EBADMSG);
    /* More questions than there are. */
    assert_int_equal(TAKE("\x12\x34\x81\x80\xff\xff\0\0\0\0\0\0" QUESTION, DNS_A), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(without_answers),
        cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
