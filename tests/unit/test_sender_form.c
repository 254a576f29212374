/* Senders as they are the same each time: what is taken out, and what stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parse/sender_form.h"

struct row {
    const char *mailbox, *form;
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char form[SENDER_FORM_MAX], again[SENDER_FORM_MAX];
        const struct slice f = sender_form(slice_of(rows[i].mailbox), form);
        if (!slice_eq(f, slice_of(rows[i].form))) {
            fail_msg("%s: %.*s, not %s", rows[i].mailbox, SLICE_ARG(f), rows[i].form);
        }
        const struct slice g = sender_form(f, again);
        if (!slice_eq(f, g)) {
            fail_msg("%s: %.*s, and again %.*s", rows[i].mailbox, SLICE_ARG(f), SLICE_ARG(g));
        }
    }
}

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        static const struct row rows[] = {__VA_ARGS__};                                            \
        check(rows, sizeof rows / sizeof rows[0]);                                                 \
    } while (0)

static void ordinary_addresses_stay(void **state)
{
    (void)state;
    CHECK({"", ""}, {"anna.smith@example.org", "anna.smith@example.org"},
          {"info2@example.org", "info2@example.org"},
          {"j-p.dupont@example.org", "j-p.dupont@example.org"},
          {"Anna@Example.ORG", "anna@example.org"},
          {"13800138000@example.cn", "13800138000@example.cn"},
          {"anna1987@example.org", "anna1987@example.org"},
          {"sales-2026@example.org", "sales-2026@example.org"},
          {"deadbeef@example.org", "deadbeef@example.org"},
          {"dead-beef-cafe@example.org", "dead-beef-cafe@example.org"},
          {"return@example.org", "return@example.org"},
          {"bounces@example.org", "bounces@example.org"},
          {"list-bounces@example.org", "list-bounces@example.org"},
          {"bounce2@example.org", "bounce2@example.org"}, {"a=b@example.org", "a=b@example.org"},
          {"+41791234567@example.org", "+41791234567@example.org"},
          {"*x**y@example.org", "*x**y@example.org"}, {"postmaster", "postmaster"},
          {"\xc3\x84nna@example.org", "\xc3\x84nna@example.org"},
          {"anna@[192.0.2.1]", "anna@[192.0.2.1]"},
          {"anna@mx12345678.example.org", "anna@mx12345678.example.org"});
}

static void tokens_behind_a_plus_go(void **state)
{
    (void)state;
    CHECK({"user+token@example.org", "user@example.org"},
          {"user+a+b@example.org", "user@example.org"}, {"user+@example.org", "user@example.org"},
          {"owner-list+M123@example.org", "owner-list@example.org"},
          {"bounces+123456-abcd-anna=example.net@em1.example.org", "bounces@em1.example.org"},
          {"list-bounces+anna=example.net@example.org", "list-bounces@example.org"},
          {"owner-LIST*anna**EXAMPLE.NET@lists.example.org", "owner-list@lists.example.org"});
}

static void batv(void **state)
{
    (void)state;
    CHECK({"prvs=1234abcdef=user@example.org", "user@example.org"},
          {"PRVS=1234ABCDEF=User@example.org", "user@example.org"},
          {"prvs=user=1234abcdef@example.org", "user@example.org"},
          {"prvs=user/1234abcdef@example.org", "user@example.org"},
          {"prvs=1234abcdef=user+token@example.org", "user@example.org"},
          {"prvs=1234abcdef=bounce-7-anna=example.net@example.org", "bounce-#@example.org"},
          {"prvs=0123456789=0123456789@example.org", "0123456789@example.org"},
          {"msprvs1=18203EZzVrULHNmi_x=bounces-1234-5678@example.org", "bounces-#@example.org"},
          {"btv1==0123456789a==user@example.org", "user@example.org"},
          {"prvs==user@example.org", "prvs==user@example.org"},
          {"prvs=user@example.org", "prvs=user@example.org"},
          {"prvs=1234abcdef=@example.org", "prvs=#=@example.org"},
          {"btv1==x=y@example.org", "btv1==x=y@example.org"},
          {"btv1==@example.org", "btv1==@example.org"});
}

static void verp(void **state)
{
    (void)state;
    CHECK({"bounce-123-x=y@example.org", "bounce-#@example.org"},
          {"bounce-123-anna=example.net@example.org", "bounce-#@example.org"},
          {"bounce-124-j-p.dupont=example.net@example.org", "bounce-#@example.org"},
          {"list-return-42-anna=example.net@example.org", "list-return-#@example.org"},
          {"list-return-43-anna-b=example.net@example.org", "list-return-#@example.org"},
          {"list2-return-43-anna=example.net@example.org", "list2-return-#@example.org"},
          {"7news-43-anna=example.net@example.org", "7news-#@example.org"},
          {"bounce-123=example.net@example.org", "bounce-#@example.org"},
          {"list-bounces-anna=example.net@example.org", "list-bounces@example.org"},
          {"list-bounces-j-p=example.net@example.org", "list-bounces@example.org"},
          {"news-anna=example.net@example.org", "news@example.org"},
          {"sentto-123-456-1234567890-anna=example.net@example.org", "sentto-#@example.org"},
          {"bounce-mc.us1_12345.67890-anna=example.net@example.org", "bounce@example.org"},
          {"anna=example.net@example.org", "#@example.org"},
          {"a-b=c@example.org", "a-b=c@example.org"},
          {"bounce-anna=!@example.org", "bounce-anna=!@example.org"});
}

static void srs(void **state)
{
    (void)state;
    CHECK({"SRS0=HHH=TT=example.net=user@example.org", "srs0=#=example.net@example.org"},
          {"SRS0+HHH=TT=example.net=user@example.org", "srs0=#=example.net@example.org"},
          {"srs0-HHH=TT=example.net=user+x=y@example.org", "srs0=#=example.net@example.org"},
          {"SRS0=ab/+=TT=example.net=user@example.org", "srs0=#=example.net@example.org"},
          {"SRS1=HHH=first.example==HHH=TT=example.net=user@example.org",
           "srs1=#=first.example=example.net@example.org"},
          {"SRS1+HHH=first.example=+HHH=TT=example.net=user@example.org",
           "srs1=#=first.example=example.net@example.org"},
          {"SRS1-HHH=first.example=-HHH=TT=example.net=user@example.org",
           "srs1=#=first.example=example.net@example.org"},
          {"srs0=user@example.org", "srs0=user@example.org"},
          {"srs0@example.org", "srs0@example.org"}, {"srs1=@example.org", "srs1=@example.org"},
          {"srs1===@example.org", "srs1===@example.org"},
          {"srs0====@example.org", "srs0====@example.org"});
}

static void numbers_of_a_message_go(void **state)
{
    (void)state;
    CHECK({"bounce-123@example.org", "bounce-#@example.org"},
          {"bounces-a1b2@example.org", "bounces-#@example.org"},
          {"bounce-123_HTML-4567-89@example.org", "bounce-#_html-#@example.org"},
          {"news-20261127@example.org", "news-#@example.org"},
          {"0100018c12345678-550e8400-e29b-41d4-a716-446655440000-000000@example.org",
           "#-000000@example.org"},
          {"x.550e8400-e29b-41d4-a716-446655440000@example.org", "x.#@example.org"},
          {"550e8400-e29b-41d4-a716-44665544@example.org", "#-e29b-41d4-a716-#@example.org"},
          {"550e8400e29b41d4a716446655440000@example.org", "#@example.org"},
          {"m.9f86d081884c7d65@example.org", "m.#@example.org"},
          {"reply-k3jx9q2m7w4p@example.org", "reply-#@example.org"});
}

static void quoted(void **state)
{
    (void)state;
    CHECK({"\"user+token\"@example.org", "user@example.org"},
          {"\"anna.smith\"@example.org", "anna.smith@example.org"},
          {"\"Anna Smith\"@example.org", "\"anna smith\"@example.org"},
          {"\"a@b+c\"@example.org", "\"a@b+c\"@example.org"},
          {"\"\\\"a\\\"\"@example.org", "\"\\\"a\\\"\"@example.org"},
          {"\"\"@example.org", "\"\"@example.org"}, {"\"@example.org", "\"@example.org"});
}

static void long_ones_are_cut(void **state)
{
    char text[1000], form[SENDER_FORM_MAX];
    (void)state;
    memset(text, 'a', sizeof text);
    struct slice f = sender_form((struct slice){text, sizeof text}, form);
    assert_true(f.n == SENDER_FORM_MAX);
    memset(text, '=', sizeof text);
    f = sender_form((struct slice){text, sizeof text}, form);
    assert_true(f.n == SENDER_FORM_MAX && form[0] == '=');
    memset(text, '+', sizeof text);
    text[0] = 'a';
    f = sender_form((struct slice){text, sizeof text}, form);
    assert_true(slice_eq(f, SLICE_LIT("a")));
}

static void any_octets(void **state)
{
    char form[SENDER_FORM_MAX];
    (void)state;
    const struct slice f = sender_form((struct slice){"\0a\0+b@\xff", 7}, form);
    assert_true(slice_eq(f, (struct slice){"\0a\0@\xff", 5}));
    const struct slice q = sender_form((struct slice){"\"\0\"@x", 5}, form);
    assert_true(slice_eq(q, (struct slice){"\"\0\"@x", 5}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_addresses_stay),
        cmocka_unit_test(tokens_behind_a_plus_go),
        cmocka_unit_test(batv),
        cmocka_unit_test(verp),
        cmocka_unit_test(srs),
        cmocka_unit_test(numbers_of_a_message_go),
        cmocka_unit_test(quoted),
        cmocka_unit_test(long_ones_are_cut),
        cmocka_unit_test(any_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
