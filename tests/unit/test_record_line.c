/* Records as lines of JSON, names as they are typed, and lines of correspondents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/record_form.h"
#include "store/record_line.h"

#define WALL ((usec_t)1795323000 * USEC_SEC) /* 2026-11-22 */

static struct record parsed(const char *line)
{
    char why[RECORD_LINE_WHY] = "?";
    struct record r;

    if (record_line_parse(slice_of(line), WALL, &r, why) != 0) {
        fail_msg("%s: %s", line, why);
    }
    return r;
}

static char *written(const struct record *r)
{
    struct buf b = {0};

    record_line_write(&b, r);
    buf_append(&b, "", 1);
    return b.p;
}

static const char full[] =
    "{\"kind\":\"spf\",\"name\":\"example.org\",\"first\":\"2026-11-21T04:49:30.123456Z\","
    "\"last\":\"2026-11-22T04:49:31.000001Z\",\"returned\":\"2026-11-22T04:49:00.000000Z\","
    "\"day\":\"2026-11-22\",\"days\":4,\"note\":\"x \\u00e9\",\"tally\":{\"accepted\":12.5,"
    "\"refused_at_connect\":0.100000001,\"unknown_recipients\":3},\"rate\":{\"messages\":0.25,"
    "\"bytes\":123456792}}";

static void there_and_back(void **state)
{
    (void)state;
    const struct record r = parsed(full);
    char *line;

    assert_int_equal(r.kind, RECORD_SPF);
    assert_true(slice_eq(record_name(&r), SLICE_LIT("example.org")));
    assert_int_equal(r.last % USEC_SEC, 1);
    assert_int_equal(r.days, 4);
    assert_int_equal(r.day, r.last / USEC_SEC / 86400);
    assert_true(r.tally[TALLY_ACCEPTED] == 12.5F);
    assert_true(r.tally[TALLY_REFUSED_CONNECT] == 0.1F);
    assert_true(r.rate[RATE_OCTETS] == 123456792.0F);
    line = written(&r);
    assert_string_equal(line, full);
    free(line);
}

/* All kinds, with numbers that no decimal fraction is, and octets that are no text. */
static void any_record(void **state)
{
    (void)state;
    static const char *const names[RECORD_KINDS] = {
        [RECORD_CLIENT] = "2001:db8:0:1::/64",
        [RECORD_NETWORK] = "192.0.2.0/24",
        [RECORD_HOST] = "example.org",
        [RECORD_SPF] = "example.org",
        [RECORD_DKIM] = "example.org",
        [RECORD_RECIPIENT] = "anna@example.org",
        [RECORD_DEFERRAL] = "spf a.example \xff\x01 <> b@example.org",
        [RECORD_CORRESPONDENT] = "b@example.org",
        [RECORD_BAN] = "192.0.2.1",
    };

    srandom(1);
    for (int n = 0; n < 2000; n++) {
        const enum record_kind kind = (enum record_kind)(1 + n % (RECORD_KINDS - 1));
        struct record r, again;
        record_init(&r, kind, slice_of(names[kind]), WALL - random());
        r.first = r.last - random();
        r.returned = n % 3 == 0 ? random() : 0;
        r.until = kind == RECORD_BAN ? WALL + random() : 0;
        r.days = (uint32_t)(n % 5);
        r.day = r.days > 0 ? 20000 : 0;
        record_set_note(&r, n % 2 == 0 ? SLICE_LIT("\xc3") : SLICE_LIT("why \"so\"\n"));
        for (int i = 0; i < TALLY_COUNT; i++) {
            r.tally[i] = n % 7 == i ? 0 : (float)random() / 7919.0F;
        }
        for (int i = 0; i < RATE_COUNT; i++) {
            r.rate[i] = n % 5 == i ? 0 : 1.0F / (float)(1 + random());
        }
        char *line = written(&r);
        again = parsed(line);
        assert_memory_equal(record_name(&again).p, record_name(&r).p, r.name_n);
        assert_true(slice_eq(record_note(&again), record_note(&r)));
        assert_memory_equal(again.tally, r.tally, sizeof(r.tally));
        assert_memory_equal(again.rate, r.rate, sizeof(r.rate));
        assert_true(again.first == r.first && again.last == r.last && again.until == r.until);
        assert_true(again.returned == r.returned && again.day == r.day && again.days == r.days);
        free(line);
    }
}

#define LAST "\"last\":\"2026-11-22T04:49:31Z\""
#define SPF  "\"kind\":\"spf\",\"name\":\"example.org\"," LAST

static void wrong_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *says;
    } cases[] = {
        {"", "no object"},
        {"[]", "no object"},
        {"{} {}", "no object"},
        {"{\"kind\":\"spf\",\"kind\":\"spf\"}", "no object"},
        {"{}", "\"last\" at least"},
        {"{\"kind\":\"spf\",\"name\":\"a.example\"}", "\"last\" at least"},
        {"{" SPF ",\"hello\":1}", "there is no member \"hello\""},
        {"{\"kind\":\"mail\",\"name\":\"a\"," LAST "}", "one of client, network, host"},
        {"{\"kind\":1,\"name\":\"a\"," LAST "}", "one of client, network, host"},
        {"{\"kind\":\"spf\",\"name\":\"\"," LAST "}", "1 to 320 octets"},
        {"{\"kind\":\"spf\",\"name\":\"Example.org\"," LAST "}", "would be example.org"},
        {"{\"kind\":\"spf\",\"name\":\"a@b\"," LAST "}", "a domain"},
        {"{\"kind\":\"network\",\"name\":\"192.0.2.0/25\"," LAST "}", "/24"},
        {"{\"kind\":\"network\",\"name\":\"192.0.2.1/24\"," LAST "}", "would be 192.0.2.0/24"},
        {"{\"kind\":\"client\",\"name\":\"192.0.2.0/24\"," LAST "}", "an address"},
        {"{\"kind\":\"client\",\"name\":\"2001:db8::1\"," LAST "}", "would be 2001:db8::/64"},
        {"{\"kind\":\"correspondent\",\"name\":\"a+b@c.example\"," LAST "}", "a@c.example"},
        {"{\"kind\":\"recipient\",\"name\":\"a b\"," LAST "}", "a mailbox"},
        {"{\"kind\":\"spf\",\"name_hex\":\"0\"," LAST "}", "pairs"},
        {"{\"kind\":\"spf\",\"name_hex\":\"0g\"," LAST "}", "pairs"},
        {"{" SPF ",\"first\":\"yesterday\"}", "\"first\" wants a time"},
        {"{" SPF ",\"first\":\"2026-11-22T04:49:32Z\"}", "later than \"last\""},
        {"{\"kind\":\"spf\",\"name\":\"a.example\",\"last\":\"2026-12-22T04:49:31Z\"}", "future"},
        {"{" SPF ",\"until\":\"2027-12-22T04:49:31Z\"}", "a ban, and nothing else"},
        {"{\"kind\":\"ban\",\"name\":\"192.0.2.1\"," LAST "}", "a ban, and nothing else"},
        {"{" SPF ",\"days\":1}", "want each other"},
        {"{" SPF ",\"days\":-1}", "number of days"},
        {"{" SPF ",\"day\":\"2027-01-01\",\"days\":1}", "a day that is past"},
        {"{" SPF ",\"day\":\"2026-13-01\",\"days\":1}", "a day that is past"},
        {"{" SPF ",\"tally\":[]}", "object of numbers"},
        {"{" SPF ",\"tally\":{\"mails\":1}}", "no \"mails\""},
        {"{" SPF ",\"tally\":{\"accepted\":-1}}", "from 0"},
        {"{" SPF ",\"tally\":{\"accepted\":\"1\"}}", "from 0"},
        {"{" SPF ",\"rate\":{\"accepted\":1}}", "no \"accepted\""},
        {"{" SPF ",\"rate\":{\"messages\":1e13}}", "from 0"},
        {"{" SPF ",\"note\":1}", "\"note\""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[RECORD_LINE_WHY] = "";
        struct record r;
        assert_int_equal(record_line_parse(slice_of(cases[i].line), WALL, &r, why), -EBADMSG);
        if (strstr(why, cases[i].says) == NULL) {
            fail_msg("%s: %s", cases[i].line, why);
        }
    }
}

static void names(void **state)
{
    (void)state;
    static const struct {
        enum record_kind kind;
        const char *typed;
        const char *form; /* NULL: none */
    } cases[] = {
        {RECORD_CLIENT, "192.0.2.7", "192.0.2.7"},
        {RECORD_CLIENT, "2001:DB8::7", "2001:db8::/64"},
        {RECORD_CLIENT, "2001:db8::/64", "2001:db8::/64"},
        {RECORD_CLIENT, "2001:db8::/48", NULL},
        {RECORD_CLIENT, "host.example", NULL},
        {RECORD_NETWORK, "192.0.2.7", "192.0.2.0/24"},
        {RECORD_NETWORK, "192.0.2.7/24", "192.0.2.0/24"},
        {RECORD_NETWORK, "192.0.0.0/16", NULL},
        {RECORD_BAN, "192.0.2.7", "192.0.2.7"},
        {RECORD_BAN, "192.0.2.0/24", "192.0.2.0/24"},
        {RECORD_HOST, "Example.ORG", "example.org"},
        {RECORD_DKIM, "", NULL},
        {RECORD_SPF, ".example.org", NULL},
        {RECORD_RECIPIENT, "Anna@Example.org", "anna@example.org"},
        {RECORD_RECIPIENT, "Postmaster", "postmaster"},
        {RECORD_CORRESPONDENT, "Anna+news@Example.org", "anna@example.org"},
        {RECORD_CORRESPONDENT, "anna", NULL},
        {RECORD_CORRESPONDENT, "anna@example.org>", NULL},
        {RECORD_DEFERRAL, "spf a <> b", "spf a <> b"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char form[RECORD_NAME_MAX], why[RECORD_FORM_WHY] = "";
        struct slice name;
        const int r = record_name_form(cases[i].kind, slice_of(cases[i].typed), form, &name, why);
        if (cases[i].form == NULL) {
            assert_int_equal(r, -EINVAL);
            assert_true(why[0] != '\0');
            continue;
        }
        assert_int_equal(r, 0);
        if (!slice_eq(name, slice_of(cases[i].form))) {
            fail_msg("%s is " SLICE_FMT, cases[i].typed, SLICE_ARG(name));
        }
    }
}

static void correspondents(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *name; /* "" for a line with nothing in it; NULL: wrong */
    } cases[] = {
        {"", ""},
        {"  \t\r", ""},
        {"# a comment", ""},
        {"anna@example.org", "anna@example.org"},
        {"  Anna.B@Example.ORG\r", "anna.b@example.org"},
        {"<anna@example.org>", "anna@example.org"},
        {"anna@example.org # of sales", "anna@example.org"},
        {"anna#1@example.org", "anna#1@example.org"},
        {"anna+invoices@example.org", "anna@example.org"},
        {"anna", NULL},
        {"<>", NULL},
        {"anna@example.org, bert@example.org", NULL},
        {"@example.org", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[RECORD_NAME_MAX], why[RECORD_LINE_WHY] = "";
        struct slice found = {"", 0};
        const int r = record_correspondent_parse(slice_of(cases[i].line), name, &found, why);
        if (cases[i].name == NULL) {
            assert_int_equal(r, -EBADMSG);
            assert_non_null(strstr(why, "a mailbox is expected"));
            continue;
        }
        assert_int_equal(r, cases[i].name[0] != '\0');
        assert_true(slice_eq(found, slice_of(cases[i].name)));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back), cmocka_unit_test(any_record),
        cmocka_unit_test(wrong_lines),    cmocka_unit_test(names),
        cmocka_unit_test(correspondents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
