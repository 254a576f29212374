/* The "from" clause of Received fields as real servers write them, and as a greeting forges them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "parse/received.h"

static const struct {
    const char *body;
    const char *helo; /* NULL: no "from" clause */
    const char *address;
} rows[] = {
    /* servers as they are */
    {" from a.example (b.example [192.0.2.1])\r\n\tby mx (Postfix) with ESMTP id 1", "a.example",
     "192.0.2.1"},
    {" from a.example (unknown [IPv6:2001:db8::1])\r\n by mx", "a.example", "2001:db8::1"},
    {" from a.example ([192.0.2.7])\r\n\tby mx.example.org with ESMTPS (TLSv1.3) id X", "a.example",
     "192.0.2.7"},
    {" from b.example ([192.0.2.1]:4711 helo=a.example)\r\n by mx with esmtp (Exim)", "a.example",
     "192.0.2.1"},
    {" from b.example ([192.0.2.1] helo=[10.0.0.1])\r\n by mx", "[10.0.0.1]", "192.0.2.1"},
    {" from [192.0.2.1] (port=4711 helo=a.example)\r\n by mx", "a.example", "192.0.2.1"},
    {" from [192.0.2.1] (port=4711)\r\n by mx", "[192.0.2.1]", "192.0.2.1"},
    {" from a.example (b.example [192.0.2.1] (may be forged))\r\n by mx (8.17/8.17)", "a.example",
     "192.0.2.1"},
    {" from unknown (HELO a.example) (192.0.2.1)\r\n  by 0 with SMTP", "a.example", "192.0.2.1"},
    {" from unknown (HELO [10.0.0.1]) ([192.0.2.1])\r\n  by 0 with SMTP", "[10.0.0.1]",
     "192.0.2.1"},
    {" from A.example (2001:db8::5) by B.example (2001:db8::6) with Microsoft SMTP Server",
     "A.example", "2001:db8::5"},
    {" from mail.example (mail.example. [192.0.2.9])\r\n by mx.example with ESMTPS id a1"
     " for <b@example.org> (version=TLS1_3 [10.0.0.1])",
     "mail.example", "192.0.2.9"},
    {"FROM a.example (b [192.0.2.1]) BY mx", "a.example", "192.0.2.1"},
    {" from a.example by mx (mx [192.0.2.1])", "a.example", ""},
    {" from a.example", "a.example", ""},
    {" from\r\n\ta.example\r\n\t(b\r\n\t[192.0.2.1])\r\n\tby mx", "a.example", "192.0.2.1"},
    /* not received from anybody */
    {" by mx.example.org (Postfix, from userid 1000) id 1; date", NULL, ""},
    {" (qmail 42 invoked by uid 0); date", NULL, ""},
    {"", NULL, ""},
    {" fromage", NULL, ""},
    {" from", "", ""},
    {" from by mx (mx [192.0.2.1])", "", ""},
    /* greetings that pretend */
    {" from [10.0.0.1] (unknown [192.0.2.1])\r\n by mx", "[10.0.0.1]", "192.0.2.1"},
    {" from a([10.0.0.1]) (unknown [192.0.2.1])\r\n by mx", "a([10.0.0.1])", "192.0.2.1"},
    {" from a( (unknown [192.0.2.1])\r\n by mx (b) for <x>", "a(", "192.0.2.1"},
    {" from 10.0.0.1 (unknown)\r\n by mx", "10.0.0.1", ""},
    {" from a (b [192.0.2.1]) (using TLSv1.3) (Client CN \"x [10.0.0.1]\", Issuer \"y\" (ok))\r\n "
     "by mx",
     "a", "192.0.2.1"},
    {" from a (b [192.0.2.1]) (Client CN \"x\\\" [10.0.0.1]\" (ok))\r\n by mx", "a", "192.0.2.1"},
    {" from a (b \" [192.0.2.1])\r\n by mx", "a", "192.0.2.1"},
    /* no addresses */
    {" from a.example (b [999.0.2.1])\r\n by mx", "a.example", ""},
    {" from a.example (b [192.0.2.1)\r\n by mx", "a.example", ""},
    {" from a.example (b [])\r\n by mx", "a.example", ""},
    {" from a.example ([192.0.2.1] 10.0.0.1)\r\n by mx", "a.example", "192.0.2.1"},
    {" from a.example (10.0.0.1 [192.0.2.1])\r\n by mx", "a.example", "192.0.2.1"},
};

static void clauses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct received_from from = {0};
        char text[ADDR_TEXT_MAX] = "";
        bool found = received_from_parse(slice_of(rows[i].body), &from);
        if (found != (rows[i].helo != NULL)) {
            fail_msg("row %zu: %s", i, rows[i].body);
        }
        if (!found) {
            continue;
        }
        if (from.address.family != ADDR_NONE) {
            addr_format(&from.address, text);
        }
        assert_string_equal(text, rows[i].address);
        assert_true(slice_eq(from.helo, slice_of(rows[i].helo)));
    }
}

/* What stands behind the bound is not looked at. */
static void long_clause(void **state)
{
    static char body[100000];
    struct received_from from;
    (void)state;
    memset(body, 'x', sizeof(body));
    memcpy(body, "from a (b ", 10);
    memcpy(body + sizeof(body) - 12, " [192.0.2.1]", 12);
    assert_true(received_from_parse((struct slice){body, sizeof(body)}, &from));
    assert_int_equal(from.address.family, ADDR_NONE);
    memset(body, '(', sizeof(body));
    memcpy(body, "from ", 5);
    assert_true(received_from_parse((struct slice){body, sizeof(body)}, &from));
    assert_int_equal(from.address.family, ADDR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clauses),
        cmocka_unit_test(long_clause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
