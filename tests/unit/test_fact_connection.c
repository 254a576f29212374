/* The facts of a connection: the client, and what it says of itself. */
#include "fact_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <time.h>

static void the_client(void **state)
{
    struct fact_world *w = *state;
    struct value v = world_ask(w, FACT_client_ip);
    struct addr expected;

    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), &expected), 0);
    assert_true(addr_same_host(&v.address, &expected));
    assert_number(world_ask(w, FACT_client_port), 40000);
    assert_text(world_ask(w, FACT_listener), "0.0.0.0:25");
    w->e.listener = NULL;
    assert_unknown(world_ask(w, FACT_listener), UNKNOWN_NOT_AVAILABLE);
}

static void its_manners(void **state)
{
    struct fact_world *w = *state;

    assert_bool(world_ask(w, FACT_client_early), false);
    assert_bool(world_ask(w, FACT_client_unpipelined), false);
    w->e.early = true;
    assert_bool(world_ask(w, FACT_client_early), true);
    assert_bool(world_ask(w, FACT_client_unpipelined), false);
    w->e.early = false;
    w->e.unpipelined = true;
    assert_bool(world_ask(w, FACT_client_early), false);
    assert_bool(world_ask(w, FACT_client_unpipelined), true);
}

static void what_others_know_of_it(void **state)
{
    struct fact_world *w = *state;

    w->sessions = 12;
    assert_number(world_ask(w, FACT_client_sessions), 12);
    assert_number(world_ask(w, FACT_client_network_sessions), 12);
    assert_bool(world_ask(w, FACT_client_banned), false);
    w->banned = true;
    assert_bool(world_ask(w, FACT_client_banned), true);
    w->banned = -ENOSPC;
    assert_unknown(world_ask(w, FACT_client_banned), UNKNOWN_TEMPORARY);
    w->banned = -ENODATA;
    assert_unknown(world_ask(w, FACT_client_banned), UNKNOWN_NOT_AVAILABLE);

    static const struct evidence_ops none = {0};
    const struct evidence_ops *const without[] = {NULL, &none};
    for (size_t i = 0; i < COUNT(without); i++) {
        w->e.ops = without[i];
        assert_unknown(world_ask(w, FACT_client_sessions), UNKNOWN_NOT_AVAILABLE);
        assert_unknown(world_ask(w, FACT_client_network_sessions), UNKNOWN_NOT_AVAILABLE);
        assert_unknown(world_ask(w, FACT_client_banned), UNKNOWN_NOT_AVAILABLE);
    }
}

static void the_hour_is_the_hosts(void **state)
{
    static const struct {
        const char *zone;
        usec_t wall; /* seconds */
        int hour;
    } rows[] = {
        {"UTC0", 0, 0},
        {"UTC0", 3599, 0},
        {"UTC0", 3600, 1},
        {"UTC0", 86399, 23},
        {"EST5", 0, 19},
        {"IST-5:30", 0, 5},
        {"IST-5:30", 1800, 6},
        /* central Europe on 2026-03-29: at 01:00 UTC it is 03:00, a moment before 01:59 */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774745999, 1},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 3},
    };
    struct fact_world *w = *state;
    const char *zone = getenv("TZ");
    char *before = zone != NULL ? strdup(zone) : NULL;

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(setenv("TZ", rows[i].zone, 1), 0);
        tzset();
        w->e.wall = rows[i].wall * USEC_SEC + 999999;
        assert_number(world_ask(w, FACT_time_hour), rows[i].hour);
    }
    assert_int_equal(before != NULL ? setenv("TZ", before, 1) : unsetenv("TZ"), 0);
    tzset();
    free(before);
}

static void tls_or_not(void **state)
{
    struct fact_world *w = *state;

    assert_bool(world_ask(w, FACT_tls), false);
    assert_text(world_ask(w, FACT_tls_version), "");
    w->e.tls = true;
    w->e.tls_version = "TLSv1.3";
    assert_bool(world_ask(w, FACT_tls), true);
    assert_text(world_ask(w, FACT_tls_version), "TLSv1.3");
}

static const char *form_of(struct fact_world *w, struct slice helo)
{
    w->e.helo = helo;
    struct value v = world_ask(w, FACT_helo_form);
    assert_int_equal(v.state, VALUE_KNOWN);
    assert_in_range(v.number, 0, 4);
    return helo_form_words[v.number];
}

static void forms_of_names(void **state)
{
    static const struct {
        struct slice helo;
        const char *form;
    } rows[] = {
        {SLICE_LIT("mx.example.org"), "domain"},
        {SLICE_LIT("MX.Example.ORG"), "domain"},
        {SLICE_LIT("mx.example.org."), "domain"},
        {SLICE_LIT("a.b"), "domain"},
        {SLICE_LIT("xn--bcher-kva.example"), "domain"},
        {SLICE_LIT("my_host.example.org"), "domain"},
        {SLICE_LIT("_a_._b_"), "domain"},
        {SLICE_LIT("1.example"), "domain"},
        {SLICE_LIT("192-0-2-1.dsl.example.net"), "domain"},
        {SLICE_LIT("1.2.3"), "domain"},
        {SLICE_LIT("1.2.3.4.5"), "domain"},
        {SLICE_LIT("192.0.2.256"), "domain"},
        {SLICE_LIT("192.0.2.0001"), "domain"},
        {SLICE_LIT("localhost"), "label"},
        {SLICE_LIT("localhost."), "label"},
        {SLICE_LIT("DESKTOP-4711"), "label"},
        {SLICE_LIT("my_pc"), "label"},
        {SLICE_LIT("4711"), "label"},
        {SLICE_LIT("x"), "label"},
        {SLICE_LIT("[192.0.2.1]"), "literal"},
        {SLICE_LIT("[255.255.255.255]"), "literal"},
        {SLICE_LIT("[010.000.002.001]"), "literal"},
        {SLICE_LIT("[IPv6:2001:db8::1]"), "literal"},
        {SLICE_LIT("[ipV6:::1]"), "literal"},
        {SLICE_LIT("[IPv6:::ffff:192.0.2.1]"), "literal"},
        {SLICE_LIT("192.0.2.1"), "address"},
        {SLICE_LIT("192.0.2.1."), "address"},
        {SLICE_LIT("192.000.002.001"), "address"},
        {SLICE_LIT("2001:db8::1"), "address"},
        {SLICE_LIT("::"), "address"},
        {SLICE_LIT("::ffff:192.0.2.1"), "address"},
        {SLICE_LIT(""), "invalid"},
        {SLICE_LIT("."), "invalid"},
        {SLICE_LIT(".."), "invalid"},
        {SLICE_LIT(".example.org"), "invalid"},
        {SLICE_LIT("mx..example.org"), "invalid"},
        {SLICE_LIT("mx.example.org.."), "invalid"},
        {SLICE_LIT("-mx.example.org"), "invalid"},
        {SLICE_LIT("mx-.example.org"), "invalid"},
        {SLICE_LIT("mx.-example.org"), "invalid"},
        {SLICE_LIT("mx.example-"), "invalid"},
        {SLICE_LIT("-"), "invalid"},
        {SLICE_LIT("mx example.org"), "invalid"},
        {SLICE_LIT("mx.example.org "), "invalid"},
        {SLICE_LIT("mx!example"), "invalid"},
        {SLICE_LIT("mx:example"), "invalid"},
        {SLICE_LIT("m\303\274nchen.example"), "invalid"},
        {SLICE_LIT("mx\0.example"), "invalid"},
        {SLICE_LIT("192.0.2.1\0"), "invalid"},
        {SLICE_LIT("[mx.example.org]"), "invalid"},
        {SLICE_LIT("[]"), "invalid"},
        {SLICE_LIT("["), "invalid"},
        {SLICE_LIT("]"), "invalid"},
        {SLICE_LIT("[192.0.2.1"), "invalid"},
        {SLICE_LIT("192.0.2.1]"), "invalid"},
        {SLICE_LIT("[192.0.2.1]."), "invalid"},
        {SLICE_LIT("[192.0.2.1.]"), "invalid"},
        {SLICE_LIT("[192.0.2.256]"), "invalid"},
        {SLICE_LIT("[192.0.2]"), "invalid"},
        {SLICE_LIT("[192.0.2.1.2]"), "invalid"},
        {SLICE_LIT("[192.0.2.0001]"), "invalid"},
        {SLICE_LIT("[192.0..1]"), "invalid"},
        {SLICE_LIT("[2001:db8::1]"), "invalid"},
        {SLICE_LIT("[IPv6:192.0.2.1]"), "invalid"},
        {SLICE_LIT("[IPv6:]"), "invalid"},
        {SLICE_LIT("[IPv6]"), "invalid"},
        {SLICE_LIT("[IPv6:2001:db8::1::2]"), "invalid"},
        {SLICE_LIT("IPv6:2001:db8::1"), "invalid"},
        {SLICE_LIT("[X-tag:something]"), "invalid"},
    };
    struct fact_world *w = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *form = form_of(w, rows[i].helo);
        if (strcmp(form, rows[i].form) != 0) {
            fail_msg("\"%.*s\" is %s, not %s", SLICE_ARG(rows[i].helo), form, rows[i].form);
        }
    }
}

static void names_have_a_length(void **state)
{
    struct fact_world *w = *state;
    char name[257];

    memset(name, 'a', sizeof(name));
    assert_string_equal(form_of(w, (struct slice){name, 63}), "label");
    assert_string_equal(form_of(w, (struct slice){name, 64}), "invalid");
    for (size_t i = 63; i < sizeof(name); i += 64) {
        name[i] = '.';
    }
    assert_string_equal(form_of(w, (struct slice){name, 127}), "domain");
    name[63] = 'a';
    assert_string_equal(form_of(w, (struct slice){name, 127}), "invalid");
    name[63] = '.';
    /* 255 octets, and a dot at the end that does not count */
    assert_string_equal(form_of(w, (struct slice){name, 255}), "domain");
    assert_string_equal(form_of(w, (struct slice){name, 256}), "domain");
    assert_string_equal(form_of(w, (struct slice){name, 257}), "invalid");
    name[253] = '.';
    assert_string_equal(form_of(w, (struct slice){name, 255}), "domain");
    name[255] = 'a';
    assert_string_equal(form_of(w, (struct slice){name, 256}), "invalid");
}

static const char *modelled_form(const char *helo, const regex_t *name)
{
    unsigned char octets[16];
    char whole[16];
    size_t n = strlen(helo);

    n -= n > 0 && helo[n - 1] == '.';
    memcpy(whole, helo, n);
    whole[n] = '\0';
    if (inet_pton(AF_INET, whole, octets) == 1 || inet_pton(AF_INET6, whole, octets) == 1) {
        return "address";
    }
    if (regexec(name, whole, 0, NULL, 0) != 0) {
        return "invalid";
    }
    return strchr(whole, '.') != NULL ? "domain" : "label";
}

/* All there is of up to five octets, in room that ends where they end, against the same said with a
 * regular expression. No literal is that short. */
static void forms_of_everything_short(void **state)
{
    static const char octets[] = "a1-_.:[]";
    struct fact_world *w = *state;
    regex_t name;

    assert_int_equal(regcomp(&name, "^[a1_]([a1_-]*[a1_])?([.][a1_]([a1_-]*[a1_])?)*$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    for (size_t length = 0; length <= 5; length++) {
        char helo[8] = "";
        char *exact = malloc(length > 0 ? length : 1);
        for (size_t code = 0; code < (size_t)1 << (3 * length); code++) {
            for (size_t i = 0; i < length; i++) {
                helo[i] = octets[code >> (3 * i) & 7];
            }
            memcpy(exact, helo, length);
            const char *form = form_of(w, (struct slice){exact, length});
            if (strcmp(form, modelled_form(helo, &name)) != 0) {
                fail_msg("\"%s\" is %s, not %s", helo, form, modelled_form(helo, &name));
            }
        }
        free(exact);
    }
    regfree(&name);
}

static bool claims_to_be_us(struct fact_world *w, const char *helo)
{
    w->e.helo = slice_of(helo);
    struct value v = world_ask(w, FACT_helo_mine);
    assert_int_equal(v.state, VALUE_KNOWN);
    return v.boolean;
}

static void our_own_name(void **state)
{
    static char with_dot[] = "mx.example.org.";
    struct fact_world *w = *state;

    for (int i = 0; i < 2; i++) {
        assert_true(claims_to_be_us(w, "mx.example.org"));
        assert_true(claims_to_be_us(w, "MX.EXAMPLE.org"));
        assert_true(claims_to_be_us(w, "mx.example.org."));
        assert_false(claims_to_be_us(w, "mx.example.org.."));
        assert_false(claims_to_be_us(w, "mx.example.or"));
        assert_false(claims_to_be_us(w, "x.example.org"));
        assert_false(claims_to_be_us(w, "a.mx.example.org"));
        assert_false(claims_to_be_us(w, "[mx.example.org]"));
        assert_false(claims_to_be_us(w, ""));
        assert_false(claims_to_be_us(w, "."));
        w->conf.hostname = with_dot;
    }
}

static void our_own_address(void **state)
{
    struct fact_world *w = *state;

    assert_true(claims_to_be_us(w, "[198.51.100.1]"));
    assert_true(claims_to_be_us(w, "198.51.100.1"));
    assert_true(claims_to_be_us(w, "[198.051.100.001]"));
    assert_true(claims_to_be_us(w, "[IPv6:::ffff:198.51.100.1]"));
    assert_false(claims_to_be_us(w, "[198.51.100.2]"));
    assert_false(claims_to_be_us(w, "198.51.100.10"));
    assert_false(claims_to_be_us(w, "[192.0.2.1]"));
    assert_false(claims_to_be_us(w, "[IPv6:2001:db8::1]"));
    assert_false(claims_to_be_us(w, "[198.51.100.1"));

    assert_int_equal(addr_parse_port(SLICE_LIT("[2001:db8::1]:25"), &w->e.local), 0);
    assert_true(claims_to_be_us(w, "[IPv6:2001:db8::1]"));
    assert_true(claims_to_be_us(w, "[IPv6:2001:DB8:0:0:0:0:0:1]"));
    assert_true(claims_to_be_us(w, "2001:db8::1"));
    assert_false(claims_to_be_us(w, "[IPv6:2001:db8::2]"));
    assert_false(claims_to_be_us(w, "[198.51.100.1]"));
    assert_true(claims_to_be_us(w, "mx.example.org"));

    w->e.local = (struct addr){.family = ADDR_NONE};
    assert_false(claims_to_be_us(w, "[0.0.0.0]"));
}

static void the_name_as_given(void **state)
{
    struct fact_world *w = *state;

    assert_text(world_ask(w, FACT_helo), "client.example");
    w->e.helo = SLICE_LIT("[IPv6:::1]");
    assert_text(world_ask(w, FACT_helo), "[IPv6:::1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_client, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(its_manners, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_others_know_of_it, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_hour_is_the_hosts, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(tls_or_not, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_name_as_given, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(forms_of_names, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(names_have_a_length, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(forms_of_everything_short, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(our_own_name, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(our_own_address, world_setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
