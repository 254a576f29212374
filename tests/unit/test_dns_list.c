/* DNS lists: who is on them, what they say of it, and when they are believed. */
#include "dns_world.h"

#include <errno.h>
#include <stdio.h>

#include "auth/dns_list.h"
#include "base/buf.h"

static const char zone[] =
    "$TTL 60\n"
    "$ORIGIN good.example.\n"
    "2.0.0.127 A 127.0.0.2\n"
    "test A 127.0.0.2\n"
    "1.2.0.192 A 127.0.0.4\n"
    "1.2.0.192 A 127.0.0.11\n"
    "1.2.0.192 A 127.0.0.4\n"
    "1.2.0.192 TXT \"second reason\"\n"
    "1.2.0.192 TXT \"first\" \" reason\"\n"
    "2.2.0.192 A 127.0.0.2\n"
    "2.2.0.192 TXT \"\\027[31mred\\010\\013 \\226\\128\\174x\"\n"
    "3.2.0.192 A 127.0.0.2\n"
    "4.2.0.192 SERVFAIL A\n"
    "5.2.0.192 TIMEOUT A\n"
    "6.2.0.192 A 127.0.0.2\n"
    "6.2.0.192 SERVFAIL TXT\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 A 127.0.0.3\n"
    "bad.sender.example A 127.0.1.2\n"
    "xn--bcher-kva.example A 127.0.1.4\n"
    "192.0.2.1 A 127.0.1.255\n" /* "no addresses here", as lists of domains say */
    "2001:db8::1 A 127.0.1.255\n"
    "$ORIGIN none.example.\n" /* given up: lists nobody */
    "@ SOA . . 1 1 1 1 1\n"
    "$ORIGIN all.example.\n" /* sold: lists everybody */
    "* A 127.0.0.2\n"
    "$ORIGIN parked.example.\n"
    "* A 203.0.113.80\n"
    "$ORIGIN refusing.example.\n"
    "* A 127.255.255.254\n"
    "$ORIGIN dead.example.\n"
    "* SERVFAIL\n"
    "$ORIGIN mute.example.\n"
    "* TIMEOUT\n"
    "$ORIGIN quirky.example.\n" /* well, but for what it says of one client */
    "2.0.0.127 A 127.0.0.2\n"
    "9.2.0.192 A 127.255.255.252\n"
    "10.2.0.192 A 127.0.0.2\n"
    "10.2.0.192 A 192.0.2.1\n";

struct lists_world {
    struct dns_world w; /* first */
    struct dns_lists *lists;
    struct buf told;
};

static void on_told(void *arg, bool trouble, const char *line)
{
    struct lists_world *w = arg;

    buf_printf(&w->told, "%s%s\n", trouble ? "! " : "", line);
}

static void lists_world_init(struct lists_world *w, const char *more)
{
    struct buf text = {0};

    buf_printf(&text, "%s%s", zone, more);
    buf_append(&text, "", 1);
    dns_world_init(&w->w, text.p);
    w->told = (struct buf){0};
    w->lists = dns_lists_new(w->w.rt, w->w.resolver, on_told, w);
    buf_free(&text);
}

static void lists_world_fini(struct lists_world *w)
{
    sim_run(w->w.sim, USEC_NEVER);
    assert_null(dns_lists_free(w->lists));
    dns_world_fini(&w->w);
    buf_free(&w->told);
}

static struct list_filter filter_of(const char *text)
{
    struct list_filter f;
    const char *problem;

    assert_int_equal(list_filter_parse(slice_of(text), &f, &problem), 0);
    return f;
}

static struct dns_list_answer ask(struct lists_world *w, const char *list, const char *client)
{
    const struct list_filter f = filter_of(list);
    const struct addr a = dns_world_address(client);
    const struct auth_clock clock = dns_world_clock();
    struct dns_list_answer answer;

    assert_int_equal(dns_list_ask_address(w->lists, &f, &a, &clock, &w->w.arena, &answer), 0);
    return answer;
}

static struct dns_list_answer ask_domain(struct lists_world *w, const char *list,
                                         const char *domain)
{
    const struct list_filter f = filter_of(list);
    const struct auth_clock clock = dns_world_clock();
    struct dns_list_answer answer;

    assert_int_equal(
        dns_list_ask_domain(w->lists, &f, slice_of(domain), &clock, &w->w.arena, &answer), 0);
    return answer;
}

static void assert_told(struct lists_world *w, const char *expected)
{
    buf_append(&w->told, "", 1);
    assert_string_equal(w->told.p, expected);
    w->told.n = 0;
}

/* ---- who is listed ---- */

static const struct {
    const char *list, *client, *answers;
    enum dns_state state;
} rows[] = {
    {"good.example", "192.0.2.1", "127.0.0.4 127.0.0.11", DNS_ANSWER},
    {"GOOD.example.", "192.0.2.1", "127.0.0.4 127.0.0.11", DNS_ANSWER},
    {"good.example=127.0.0.[2..4]", "192.0.2.1", "127.0.0.4", DNS_ANSWER},
    {"good.example=127.0.0.2", "192.0.2.1", "", DNS_ANSWER},
    {"good.example", "192.0.2.99", "", DNS_ANSWER},
    {"good.example", "192.0.2.4", "", DNS_FAILED},
    {"good.example", "192.0.2.5", "", DNS_TIMED_OUT},
    {"good.example", "2001:db8::1", "127.0.0.3", DNS_ANSWER},
    {"good.example", "2001:db8::2", "", DNS_ANSWER},
    {"none.example", "192.0.2.1", "", DNS_FAILED},
    {"all.example", "192.0.2.1", "", DNS_FAILED},
    {"parked.example", "192.0.2.1", "", DNS_FAILED},
    {"refusing.example", "192.0.2.1", "", DNS_FAILED},
    {"dead.example", "192.0.2.1", "", DNS_FAILED},
    {"mute.example", "192.0.2.1", "", DNS_TIMED_OUT},
    {"quirky.example", "192.0.2.1", "", DNS_ANSWER},
};

static void check_rows(struct dns_world *d)
{
    struct lists_world *w = (struct lists_world *)d;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct dns_list_answer a = ask(w, rows[i].list, rows[i].client);
        struct buf answers = {0};
        for (size_t k = 0; k < a.count; k++) {
            buf_printf(&answers, "%s" SLICE_FMT, k > 0 ? " " : "", SLICE_ARG(a.answers[k]));
        }
        buf_append(&answers, "", 1);
        if (a.state != rows[i].state || strcmp(answers.p, rows[i].answers) != 0 ||
            a.listed != (rows[i].answers[0] != '\0')) {
            fail_msg("%s of %s: %s %d %s", rows[i].list, rows[i].client, dns_state_name(a.state),
                     a.listed, answers.p);
        }
        buf_free(&answers);
    }
}

static void who_is_listed(void **state)
{
    struct lists_world w;

    (void)state;
    lists_world_init(&w, "");
    dns_world_do(&w.w, check_rows);
    lists_world_fini(&w);
}

static void check_domains(struct dns_world *d)
{
    static const struct {
        const char *list, *domain;
        bool listed;
        enum dns_state state;
    } domains[] = {
        {"good.example", "bad.sender.example", true, DNS_ANSWER},
        {"good.example", "Bad.Sender.EXAMPLE.", true, DNS_ANSWER},
        {"good.example=127.0.1.[2..3]", "bad.sender.example", true, DNS_ANSWER},
        {"good.example=127.0.1.3", "bad.sender.example", false, DNS_ANSWER},
        {"good.example", "sender.example", false, DNS_ANSWER},
        {"good.example",
         "b\xc3\xbc"
         "cher.example",
         true, DNS_ANSWER},
        {"good.example", "[192.0.2.1]", false, DNS_ANSWER},
        {"good.example", "192.0.2.1", false, DNS_ANSWER},
        {"good.example", "192.0.2.1.", false, DNS_ANSWER},
        {"good.example", "2001:db8::1", false, DNS_ANSWER},
        {"good.example", "", false, DNS_ANSWER},
        {"good.example", ".", false, DNS_ANSWER},
        {"good.example", "a..b", false, DNS_ANSWER},
        {"none.example", "bad.sender.example", false, DNS_FAILED},
        {"all.example", "bad.sender.example", false, DNS_FAILED},
    };
    struct lists_world *w = (struct lists_world *)d;
    char longest[240];

    for (size_t i = 0; i < COUNT(domains); i++) {
        const struct dns_list_answer a = ask_domain(w, domains[i].list, domains[i].domain);
        if (a.state != domains[i].state || a.listed != domains[i].listed) {
            fail_msg("%s of %s: %s %d", domains[i].list, domains[i].domain, dns_state_name(a.state),
                     a.listed);
        }
    }
    /* with the zone behind it, it is no name any more */
    memset(longest, 'a', sizeof(longest) - 1);
    for (size_t i = 60; i < sizeof(longest) - 1; i += 60) {
        longest[i] = '.';
    }
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(ask_domain(w, "good.example", longest).state, DNS_ANSWER);
    const struct dns_list_answer a =
        ask_domain(w, "a-rather-long-name-of-a-list.good.example", longest);
    assert_int_equal(a.state, DNS_ANSWER);
    assert_false(a.listed);
}

static void domains_on_lists(void **state)
{
    struct lists_world w;

    (void)state;
    lists_world_init(&w, "");
    dns_world_do(&w.w, check_domains);
    lists_world_fini(&w);
}

/* ---- reasons ---- */

static void check_reasons(struct dns_world *d)
{
    static const struct {
        const char *list, *client, *reason;
        enum dns_state state;
    } reasons[] = {
        {"good.example", "192.0.2.1", "first reason; second reason", DNS_ANSWER},
        {"good.example=127.0.0.2", "192.0.2.1", "", DNS_ANSWER},
        {"good.example", "192.0.2.2", "?[31mred?? \xe2\x80\xaex", DNS_ANSWER},
        {"good.example", "192.0.2.3", "", DNS_ANSWER},
        {"good.example", "192.0.2.99", "", DNS_ANSWER},
        {"good.example", "192.0.2.4", "", DNS_FAILED},
        {"good.example", "192.0.2.6", "", DNS_FAILED},
        {"all.example", "192.0.2.1", "", DNS_FAILED},
    };
    struct lists_world *w = (struct lists_world *)d;

    for (size_t i = 0; i < COUNT(reasons); i++) {
        const struct list_filter f = filter_of(reasons[i].list);
        const struct addr a = dns_world_address(reasons[i].client);
        const struct auth_clock clock = dns_world_clock();
        enum dns_state state = DNS_BOGUS;
        struct slice reason = SLICE_LIT("");
        assert_int_equal(dns_list_reason(w->lists, &f, &a, &clock, &w->w.arena, &state, &reason),
                         0);
        if (state != reasons[i].state ||
            (state == DNS_ANSWER && !slice_eq(reason, slice_of(reasons[i].reason)))) {
            fail_msg("%s: %s \"" SLICE_FMT "\"", reasons[i].client, dns_state_name(state),
                     SLICE_ARG(reason));
        }
    }
}

static void what_lists_say(void **state)
{
    struct lists_world w;

    (void)state;
    lists_world_init(&w, "");
    dns_world_do(&w.w, check_reasons);
    lists_world_fini(&w);
}

/* 64 KB of TXT come to 200 octets. */
static void check_long_reason(struct dns_world *d)
{
    struct lists_world *w = (struct lists_world *)d;
    const struct list_filter f = filter_of("good.example");
    const struct addr a = dns_world_address("192.0.2.50");
    const struct auth_clock clock = dns_world_clock();
    enum dns_state state = DNS_BOGUS;
    struct slice reason = SLICE_LIT("");

    assert_int_equal(dns_list_reason(w->lists, &f, &a, &clock, &w->w.arena, &state, &reason), 0);
    assert_int_equal(state, DNS_ANSWER);
    assert_int_equal(reason.n, DNS_LIST_REASON_MOST);
}

static void a_list_that_talks_too_much(void **state)
{
    struct lists_world w;
    struct buf text = {0};

    (void)state;
    buf_printf(&text, "$ORIGIN good.example.\n50.2.0.192 A 127.0.0.2\n50.2.0.192 TXT (");
    for (int i = 0; i < 255; i++) {
        buf_printf(&text, " \"%0250d\"\n", i);
    }
    buf_printf(&text, ")\n");
    buf_append(&text, "", 1);
    lists_world_init(&w, text.p);
    dns_world_do(&w.w, check_long_reason);
    lists_world_fini(&w);
    buf_free(&text);
}

/* ---- health ---- */

static void use_all(struct dns_world *d)
{
    struct lists_world *w = (struct lists_world *)d;

    for (size_t i = 0; i < COUNT(rows); i++) {
        (void)ask(w, rows[i].list, rows[i].client);
        (void)ask(w, rows[i].list, "192.0.2.123");
    }
    (void)ask_domain(w, "good.example", "sender.example");
    (void)ask_domain(w, "none.example", "sender.example");
    (void)ask_domain(w, "all.example", "sender.example");
}

static void what_the_operator_is_told(void **state)
{
    static const struct {
        const char *zone, *why;
    } expected[] = {
        {"good.example", ""},
        {"none.example", "does not list 127.0.0.2"},
        {"all.example", "lists 127.0.0.1"},
        {"parked.example", "answers as no list does, by 203.0.113.80"},
        {"refusing.example", "does not answer us, and says so by 127.255.255.254"},
        {"dead.example", "has no answer: servfail"},
        {"mute.example", "has no answer: timeout"},
        {"quirky.example", ""},
        {"good.example", ""},
        {"none.example", "does not list test"},
        {"all.example", "lists invalid"},
    };
    struct lists_world w;
    struct dns_list_figure figures[COUNT(expected) + 1];

    (void)state;
    lists_world_init(&w, "");
    assert_int_equal(dns_lists_figures(w.lists, figures, COUNT(figures)), 0);
    dns_world_do(&w.w, use_all);
    assert_int_equal(dns_lists_figures(w.lists, figures, COUNT(figures)), COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_string_equal(figures[i].zone, expected[i].zone);
        assert_string_equal(figures[i].why, expected[i].why);
        assert_int_equal(figures[i].well, expected[i].why[0] == '\0');
        assert_int_equal(figures[i].domains, i >= 8);
    }
    assert_int_equal(dns_lists_figures(w.lists, figures, 2), COUNT(expected));
    buf_append(&w.told, "", 1);
    size_t lines = 0;
    for (size_t i = 0; i < w.told.n; i++) {
        lines += w.told.p[i] == '\n';
    }
    assert_int_equal(lines, 8); /* once for each */
    assert_non_null(strstr(w.told.p,
                           "! DNS list none.example is not well, and does not count until "
                           "it is: it does not list 127.0.0.2\n"));
    lists_world_fini(&w);
}

static void use_quirky(struct dns_world *d)
{
    struct lists_world *w = (struct lists_world *)d;

    assert_int_equal(ask(w, "quirky.example", "192.0.2.1").state, DNS_ANSWER);
    assert_told(w, "");
    /* what it says of this one shows that it does not want us */
    assert_int_equal(ask(w, "quirky.example", "192.0.2.9").state, DNS_FAILED);
    assert_told(w, "! DNS list quirky.example is not well, and does not count until it is: it does "
                   "not answer us, and says so by 127.255.255.252\n");
    assert_int_equal(ask(w, "quirky.example", "192.0.2.1").state, DNS_FAILED);
    /* until it has been looked at again */
    assert_int_equal(task_sleep(rt_now() + 301 * USEC_SEC), 0);
    assert_int_equal(ask(w, "quirky.example", "192.0.2.1").state, DNS_FAILED);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_int_equal(ask(w, "quirky.example", "192.0.2.1").state, DNS_ANSWER);
    assert_told(w, "DNS list quirky.example is well again and counts\n");
    /* a record beside others that is none of a list */
    assert_int_equal(ask(w, "quirky.example", "192.0.2.10").state, DNS_FAILED);
}

static void a_list_that_does_not_want_us(void **state)
{
    struct lists_world w;

    (void)state;
    lists_world_init(&w, "");
    dns_world_do(&w.w, use_quirky);
    lists_world_fini(&w);
}

static void use_recovering(struct dns_world *d)
{
    struct lists_world *w = (struct lists_world *)d;

    assert_int_equal(ask(w, "none.example", "192.0.2.1").state, DNS_FAILED);
    dns_world_add(d, "$ORIGIN none.example.\n2.0.0.127 A 127.0.0.2\n1.2.0.192 A 127.0.0.2\n");
    assert_int_equal(ask(w, "none.example", "192.0.2.1").state, DNS_FAILED);
    /* looked at each minute, but only when it is used, beside that use, which does not wait */
    assert_int_equal(task_sleep(rt_now() + 61 * USEC_SEC), 0);
    assert_int_equal(ask(w, "none.example", "192.0.2.1").state, DNS_FAILED);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    const struct dns_list_answer a = ask(w, "none.example", "192.0.2.1");
    assert_int_equal(a.state, DNS_ANSWER);
    assert_true(a.listed);
    /* and then every five minutes */
    const uint64_t asked = resolver_stats(d->resolver)->asked;
    assert_int_equal(task_sleep(rt_now() + 290 * USEC_SEC), 0);
    (void)ask(w, "none.example", "192.0.2.1");
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_true(resolver_stats(d->resolver)->asked <= asked + 1);
    assert_int_equal(task_sleep(rt_now() + 20 * USEC_SEC), 0);
    dns_world_add(d, "1.0.0.127.none.example. A 127.0.0.2\n");
    assert_true(ask(w, "none.example", "192.0.2.1").listed);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_int_equal(ask(w, "none.example", "192.0.2.1").state, DNS_FAILED);
}

static void a_list_that_comes_and_goes(void **state)
{
    struct lists_world w;

    (void)state;
    lists_world_init(&w, "");
    dns_world_do(&w.w, use_recovering);
    assert_told(&w, "! DNS list none.example is not well, and does not count until it is: it does "
                    "not list 127.0.0.2\n"
                    "DNS list none.example is well again and counts\n"
                    "! DNS list none.example is not well, and does not count until it is: it lists "
                    "127.0.0.1\n");
    lists_world_fini(&w);
}

/* The first use waits for the look, which is beside it: no longer than for one answer. */
static void use_slow(struct dns_world *d)
{
    struct lists_world *w = (struct lists_world *)d;
    usec_t began = rt_now();

    assert_true(ask(w, "good.example", "192.0.2.1").listed);
    assert_true(rt_now() - began >= 200 * USEC_MSEC && rt_now() - began < 250 * USEC_MSEC);
    assert_int_equal(task_sleep(rt_now() + 400 * USEC_SEC), 0);
    began = rt_now();
    assert_true(ask(w, "good.example", "192.0.2.3").listed);
    assert_true(rt_now() - began < 250 * USEC_MSEC);
}

static void looking_costs_no_time(void **state)
{
    struct lists_world w;

    (void)state;
    lists_world_init(&w, "$LATENCY 200ms\n");
    dns_world_do(&w.w, use_slow);
    lists_world_fini(&w);
}

/* ---- the end ---- */

static void drain_soon(void *arg)
{
    struct lists_world *w = arg;

    (void)task_sleep(rt_now() + USEC_SEC);
    dns_lists_drain(w->lists);
}

static void use_at_the_end(struct dns_world *d)
{
    struct lists_world *w = (struct lists_world *)d;
    struct dns_list_figure figure;
    const usec_t began = rt_now();

    assert_int_equal(task_spawn(d->rt, rt_root_of(d->rt), drain_soon, w), 0);
    (void)ask(w, "mute.example", "192.0.2.1");
    assert_true(rt_now() - began <= 5 * USEC_SEC);
    assert_int_equal(dns_lists_figures(w->lists, &figure, 1), 0); /* nothing was found out */
    assert_int_equal(ask(w, "good.example", "192.0.2.1").state, DNS_FAILED);
    assert_told(w, "");
}

static void a_worker_that_ends(void **state)
{
    struct lists_world w;

    (void)state;
    lists_world_init(&w, "");
    dns_world_do(&w.w, use_at_the_end);
    lists_world_fini(&w);
}

static void which_zones_fit(void **state)
{
    char text[256];

    (void)state;
    assert_true(dns_list_zone_fits(SLICE_LIT("zen.example.net")));
    assert_true(dns_list_zone_fits(SLICE_LIT("zen.example.net.")));
    assert_true(dns_list_zone_fits(SLICE_LIT("key_123.zen.example.net")));
    assert_false(dns_list_zone_fits(SLICE_LIT("")));
    assert_false(dns_list_zone_fits(SLICE_LIT(".")));
    assert_false(dns_list_zone_fits(SLICE_LIT("a..b")));
    memset(text, 'a', sizeof(text));
    for (size_t i = 60; i < sizeof(text); i += 60) {
        text[i] = '.';
    }
    assert_true(dns_list_zone_fits((struct slice){text, 189}));
    assert_false(dns_list_zone_fits((struct slice){text, 190}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_listed),
        cmocka_unit_test(domains_on_lists),
        cmocka_unit_test(what_lists_say),
        cmocka_unit_test(a_list_that_talks_too_much),
        cmocka_unit_test(what_the_operator_is_told),
        cmocka_unit_test(a_list_that_does_not_want_us),
        cmocka_unit_test(a_list_that_comes_and_goes),
        cmocka_unit_test(looking_costs_no_time),
        cmocka_unit_test(a_worker_that_ends),
        cmocka_unit_test(which_zones_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
