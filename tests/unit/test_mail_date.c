/* Dates as mail writes them, and forms of Message-IDs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "parse/mail_date.h"
#include "parse/message_id.h"

/* Sun, 22 Nov 2026 04:49:30 +0000 */
#define THEN 1795322970

static void dates(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"Sun, 22 Nov 2026 04:49:30 +0000", THEN},
        {" Sun, 22 Nov 2026 04:49:30 +0000 (UTC)", THEN},
        {"22 Nov 2026 04:49:30 +0000", THEN},
        {"Sun,\r\n 22 Nov 2026\r\n 04:49:30 +0000", THEN},
        {"Sun, 22 Nov 2026 05:49:30 +0100", THEN},
        {"Sat, 21 Nov 2026 23:19:30 -0530", THEN},
        {"Sun 22 november 2026 04:49:30 GMT", THEN},
        {"Sun, 22-Nov-2026 04:49:30 UT", THEN},
        {"Sun, 22 Nov 26 04:49:30 Z", THEN},
        {"Sun, 22 Nov 126 04:49:30 Z", THEN},
        {"Sat, 21 Nov 2026 23:49:30 EST", THEN},
        {"Sat, 21 Nov 2026 20:49:30 PST", THEN},
        {"(a) Sun (b), 22 (c) Nov 2026 04 : 49 : 30 XYZ", THEN},
        {"Sun, 22 Nov 2026 04:49 +0000", THEN - 30},
        {"1 Jan 1970 0:00:00 +0000", 0},
        {"1 Jan 70 0:00:00 +0000", 0},
        {"29 Feb 2000 00:00:00 +0000", 951782400},
        {"1 Mar 2000 00:00:00 +0000", 951868800},
        {"31 Dec 1899 00:00:00 +0000", INT64_MIN},
        {"1 Jan 1900 00:00:00 +0000", -2208988800},
        {"31 Dec 9999 23:59:60 +0000", 253402300800},
        {"29 Feb 1900 00:00:00 +0000", INT64_MIN},
        {"31 Apr 2026 00:00:00 +0000", INT64_MIN},
        {"0 Apr 2026 00:00:00 +0000", INT64_MIN},
        {"1 Foo 2026 00:00:00 +0000", INT64_MIN},
        {"1 Apr 2026 24:00:00 +0000", INT64_MIN},
        {"1 Apr 2026 00:60:00 +0000", INT64_MIN},
        {"1 Apr 2026 00:00:61 +0000", INT64_MIN},
        {"1 Apr 2026 00:00:00 +0060", INT64_MIN},
        {"1 Apr 2026 00:00:00 +000", INT64_MIN},
        {"1 Apr 2026 00:00:00 +00000", INT64_MIN},
        {"1 Apr 2026 00:00:00", INT64_MIN},
        {"1 Apr 20260 00:00:00 Z", INT64_MIN},
        {"2026-04-01T00:00:00Z", INT64_MIN},
        {"Sun,", INT64_MIN},
        {"Su, 22 Nov 2026 04:49:30 +0000", INT64_MIN},
        {"(", INT64_MIN},
        {"", INT64_MIN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        usec_t wall = INT64_MIN;
        const int r = mail_date_parse(slice_of(rows[i].text), &wall);
        if (rows[i].seconds == INT64_MIN) {
            assert_int_equal(r, -EINVAL);
            assert_int_equal(wall, INT64_MIN);
        } else {
            assert_int_equal(r, 0);
            assert_int_equal(wall, rows[i].seconds * USEC_SEC);
        }
    }
}

/* What is written is read, day by day over some centuries. */
static void all_days(void **state)
{
    char text[TIME_RFC5322_MAX];

    (void)state;
    for (usec_t wall = 0; wall < 150000 * 86400LL * USEC_SEC; wall += 86399 * USEC_SEC) {
        usec_t read = -1;
        time_format_rfc5322(wall, text);
        assert_int_equal(mail_date_parse(slice_of(text), &read), 0);
        assert_int_equal(read, wall);
    }
}

static void message_ids(void **state)
{
    static const struct {
        const char *body;
        enum message_id_form form;
    } rows[] = {
        {"", MESSAGE_ID_NONE},
        {" \r\n ", MESSAGE_ID_NONE},
        {" <a@b.c>", MESSAGE_ID_NORMAL},
        {"\r\n <a.b$c@d.example> (c)", MESSAGE_ID_NORMAL},
        {"<a@b@c>", MESSAGE_ID_BARE},
        {"<\"a\"@b.c>", MESSAGE_ID_NORMAL},
        {"<a@[192.0.2.1]>", MESSAGE_ID_ADDRESS},
        {"<a@192.0.2.1>", MESSAGE_ID_ADDRESS},
        {"<a@[IPv6:2001:db8::1]>", MESSAGE_ID_ADDRESS},
        {"<a@[x]>", MESSAGE_ID_BARE},
        {"<abc>", MESSAGE_ID_BARE},
        {"<>", MESSAGE_ID_MALFORMED},
        {"<@b>", MESSAGE_ID_MALFORMED},
        {"<a@>", MESSAGE_ID_MALFORMED},
        {"a@b", MESSAGE_ID_MALFORMED},
        {"<a@b", MESSAGE_ID_MALFORMED},
        {"<a b@c>", MESSAGE_ID_MALFORMED},
        {"<a@b> <c@d>", MESSAGE_ID_MALFORMED},
        {"<a@b>x", MESSAGE_ID_MALFORMED},
        {"(", MESSAGE_ID_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(message_id_form_of(slice_of(rows[i].body)), rows[i].form);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates),
        cmocka_unit_test(all_days),
        cmocka_unit_test(message_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
