/* Names by reverse DNS, HELO names, and the domains of senders. */
#include "dns_world.h"

#include <errno.h>
#include <stdio.h>

#include "auth/client_names.h"
#include "base/buf.h"

static const char zone[] =
    "$TTL 300\n"
    /* confirmed, of several */
    "1.2.0.192.in-addr.arpa. PTR mx.example.\n"
    "mx.example. A 192.0.2.1\n"
    "2.2.0.192.in-addr.arpa. PTR zz.example.\n"
    "2.2.0.192.in-addr.arpa. PTR bb.example.\n"
    "2.2.0.192.in-addr.arpa. PTR AA.example.\n"
    "2.2.0.192.in-addr.arpa. PTR bb.example.\n"
    "zz.example. A 192.0.2.2\n"
    "bb.example. A 192.0.2.99\n"
    "bb.example. A 192.0.2.2\n"
    "aa.example. A 192.0.2.99\n"
    /* none confirmed; one that cannot be asked */
    "3.2.0.192.in-addr.arpa. PTR elsewhere.example.\n"
    "elsewhere.example. A 192.0.2.99\n"
    "4.2.0.192.in-addr.arpa. PTR elsewhere.example.\n"
    "4.2.0.192.in-addr.arpa. PTR broken.example.\n"
    "broken.example. SERVFAIL\n"
    "5.2.0.192.in-addr.arpa. PTR broken.example.\n"
    "5.2.0.192.in-addr.arpa. PTR fine.example.\n"
    "fine.example. A 192.0.2.5\n"
    "6.2.0.192.in-addr.arpa. SERVFAIL\n"
    "7.2.0.192.in-addr.arpa. TIMEOUT\n"
    "8.2.0.192.in-addr.arpa. BOGUS\n"
    "9.2.0.192.in-addr.arpa. PTR slow.example.\n"
    "slow.example. TIMEOUT\n"
    "10.2.0.192.in-addr.arpa. TXT \"no name\"\n"
    /* by a CNAME (RFC 2317) */
    "11.2.0.192.in-addr.arpa. CNAME 11.0-15.2.0.192.in-addr.arpa.\n"
    "11.0-15.2.0.192.in-addr.arpa. PTR delegated.example.\n"
    "delegated.example. CNAME real.example.\n"
    "real.example. A 192.0.2.11\n"
    /* names that are none */
    "12.2.0.192.in-addr.arpa. PTR a\\.b\\010c.example.\n"
    "a\\.b\\010c.example. A 192.0.2.12\n"
    "13.2.0.192.in-addr.arpa. PTR .\n"
    /* IPv6 */
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR six.example.\n"
    "six.example. AAAA 2001:db8::1\n"
    "six.example. A 192.0.2.1\n"
    /* HELO */
    "both.example. A 192.0.2.50\n"
    "both.example. AAAA 2001:db8::50\n"
    "half.example. SERVFAIL A\n"
    "half.example. AAAA 2001:db8::50\n"
    "mail.example. MX 10 mx.example.\n"
    "lost.example. TIMEOUT A\n"
    "lost.example. TXT \"x\"\n"
    "under_score.example. A 192.0.2.50\n"
    "label. A 192.0.2.50\n"
    /* senders */
    "nowhere.example. MX 10 gone.example.\n"
    "nowhere.example. MX 20 192.0.2.1.\n"
    "nowhere.example. A 192.0.2.1\n"
    "null.example. MX 0 .\n"
    "nullish.example. MX 0 .\n"
    "nullish.example. MX 10 mx.example.\n"
    "second.example. MX 20 mx.example.\n"
    "second.example. MX 10 gone.example.\n"
    "unsure.example. MX 10 broken.example.\n"
    "unsure.example. MX 20 gone.example.\n"
    "sure.example. MX 10 broken.example.\n"
    "sure.example. MX 20 mx.example.\n"
    "sixmail.example. MX 10 sixonly.example.\n"
    "sixonly.example. AAAA 2001:db8::7\n"
    "textonly.example. TXT \"x\"\n"
    "mxfails.example. SERVFAIL MX\n"
    "mxfails.example. A 192.0.2.1\n"
    "mxslow.example. TIMEOUT MX\n"
    "afails.example. TXT \"x\"\n"
    "afails.example. SERVFAIL A\n"
    "alias.example. CNAME mail.example.\n"
    "xn--bcher-kva.example. MX 10 mx.example.\n";

/* ---- the client ---- */

static const struct {
    const char *client, *ptr, *name;
    enum dns_state ptr_state, name_state;
} clients[] = {
    {"192.0.2.1", "mx.example", "mx.example", DNS_ANSWER, DNS_ANSWER},
    {"192.0.2.2", "aa.example bb.example zz.example", "bb.example", DNS_ANSWER, DNS_ANSWER},
    {"192.0.2.3", "elsewhere.example", "", DNS_ANSWER, DNS_ANSWER},
    {"192.0.2.4", "broken.example elsewhere.example", "", DNS_ANSWER, DNS_FAILED},
    {"192.0.2.5", "broken.example fine.example", "fine.example", DNS_ANSWER, DNS_ANSWER},
    {"192.0.2.6", "", "", DNS_FAILED, DNS_FAILED},
    {"192.0.2.7", "", "", DNS_TIMED_OUT, DNS_TIMED_OUT},
    {"192.0.2.8", "", "", DNS_BOGUS, DNS_BOGUS},
    {"192.0.2.9", "slow.example", "", DNS_ANSWER, DNS_TIMED_OUT},
    {"192.0.2.10", "", "", DNS_ANSWER, DNS_ANSWER},
    {"192.0.2.11", "delegated.example", "delegated.example", DNS_ANSWER, DNS_ANSWER},
    {"192.0.2.12", "a\\046b\\010c.example", "a\\046b\\010c.example", DNS_ANSWER, DNS_ANSWER},
    {"192.0.2.13", ".", "", DNS_ANSWER, DNS_ANSWER},
    {"192.0.2.77", "", "", DNS_ANSWER, DNS_ANSWER},
    {"2001:db8::1", "six.example", "six.example", DNS_ANSWER, DNS_ANSWER},
    {"2001:db8::2", "", "", DNS_ANSWER, DNS_ANSWER},
};

static void join(const struct client_names *n, struct buf *ret)
{
    for (size_t i = 0; i < n->ptr_count; i++) {
        buf_printf(ret, "%s" SLICE_FMT, i > 0 ? " " : "", SLICE_ARG(n->ptr[i]));
    }
    buf_append(ret, "", 1);
}

static void ask_clients(struct dns_world *w)
{
    for (size_t i = 0; i < COUNT(clients); i++) {
        const struct addr client = dns_world_address(clients[i].client);
        const struct auth_clock clock = dns_world_clock();
        struct client_names n;
        struct buf ptr = {0};
        assert_int_equal(client_names_find(w->resolver, &client, &clock, &w->arena, &n), 0);
        join(&n, &ptr);
        if (n.ptr_state != clients[i].ptr_state || n.name_state != clients[i].name_state ||
            strcmp(ptr.p, clients[i].ptr) != 0 || !slice_eq(n.name, slice_of(clients[i].name))) {
            fail_msg("%s: %s %s, " SLICE_FMT " %s", clients[i].client, ptr.p,
                     dns_state_name(n.ptr_state), SLICE_ARG(n.name), dns_state_name(n.name_state));
        }
        buf_free(&ptr);
    }
}

static void the_clients_names(void **state)
{
    struct dns_world w;

    (void)state;
    dns_world_init(&w, zone);
    dns_world_do(&w, ask_clients);
    dns_world_fini(&w);
}

/* 500 names: the first ten are followed, always the same ones, and what is kept is little. */
static void ask_crowded(struct dns_world *w)
{
    const struct addr client = dns_world_address("192.0.2.200");
    const struct auth_clock clock = dns_world_clock();
    struct client_names n;

    const uint64_t before = resolver_stats(w->resolver)->asked;
    assert_int_equal(client_names_find(w->resolver, &client, &clock, &w->arena, &n), 0);
    assert_true(resolver_stats(w->resolver)->asked - before <= 11);
    assert_int_equal(n.ptr_count, NAMES_FOLLOWED_MOST);
    assert_true(slice_eq(n.ptr[0], SLICE_LIT("n000.example")));
    assert_true(slice_eq(n.ptr[9], SLICE_LIT("n009.example")));
    assert_true(slice_eq(n.name, SLICE_LIT("n009.example")));
}

static void a_client_with_500_names(void **state)
{
    struct dns_world w;
    struct buf text = {0};

    (void)state;
    for (int i = 499; i >= 0; i--) {
        buf_printf(&text, "200.2.0.192.in-addr.arpa. PTR n%03d.example.\n", i);
    }
    buf_printf(&text, "n009.example. A 192.0.2.200\nn010.example. A 192.0.2.200\n");
    buf_append(&text, "", 1);
    dns_world_init(&w, text.p);
    dns_world_do(&w, ask_crowded);
    dns_world_fini(&w);
    buf_free(&text);
}

/* ---- HELO ---- */

static const struct {
    const char *helo, *client;
    bool resolves, matches;
    enum dns_state resolves_state, matches_state;
} helos[] = {
    {"both.example", "192.0.2.50", true, true, DNS_ANSWER, DNS_ANSWER},
    {"BOTH.Example.", "192.0.2.50", true, true, DNS_ANSWER, DNS_ANSWER},
    {"both.example", "2001:db8::50", true, true, DNS_ANSWER, DNS_ANSWER},
    {"both.example", "192.0.2.51", true, false, DNS_ANSWER, DNS_ANSWER},
    {"half.example", "2001:db8::50", true, true, DNS_ANSWER, DNS_ANSWER},
    {"half.example", "192.0.2.50", true, false, DNS_ANSWER, DNS_FAILED},
    {"broken.example", "192.0.2.50", false, false, DNS_FAILED, DNS_FAILED},
    {"sixonly.example", "192.0.2.50", true, false, DNS_ANSWER, DNS_ANSWER},
    {"lost.example", "192.0.2.50", false, false, DNS_TIMED_OUT, DNS_TIMED_OUT},
    {"lost.example", "2001:db8::50", false, false, DNS_TIMED_OUT, DNS_ANSWER},
    {"slow.example", "192.0.2.50", false, false, DNS_TIMED_OUT, DNS_TIMED_OUT},
    {"none.example", "192.0.2.50", false, false, DNS_ANSWER, DNS_ANSWER},
    {"mail.example", "192.0.2.1", false, false, DNS_ANSWER, DNS_ANSWER},
    {"under_score.example", "192.0.2.50", true, true, DNS_ANSWER, DNS_ANSWER},
    {"label", "192.0.2.50", true, true, DNS_ANSWER, DNS_ANSWER},
    {"localhost", "192.0.2.50", false, false, DNS_ANSWER, DNS_ANSWER},
    {"[192.0.2.50]", "192.0.2.50", true, true, DNS_ANSWER, DNS_ANSWER},
    {"[192.0.2.50]", "192.0.2.51", true, false, DNS_ANSWER, DNS_ANSWER},
    {"[IPv6:2001:db8::50]", "2001:db8::50", true, true, DNS_ANSWER, DNS_ANSWER},
    {"[IPv6:2001:db8::50]", "192.0.2.50", true, false, DNS_ANSWER, DNS_ANSWER},
    {"192.0.2.50", "192.0.2.50", false, false, DNS_ANSWER, DNS_ANSWER},
    {"2001:db8::50", "2001:db8::50", false, false, DNS_ANSWER, DNS_ANSWER},
    {"-a-.example", "192.0.2.50", false, false, DNS_ANSWER, DNS_ANSWER},
    {"a..b", "192.0.2.50", false, false, DNS_ANSWER, DNS_ANSWER},
    {"*", "192.0.2.50", false, false, DNS_ANSWER, DNS_ANSWER},
    {"", "192.0.2.50", false, false, DNS_ANSWER, DNS_ANSWER},
    {".", "192.0.2.50", false, false, DNS_ANSWER, DNS_ANSWER},
};

static void ask_helos(struct dns_world *w)
{
    for (size_t i = 0; i < COUNT(helos); i++) {
        const struct addr client = dns_world_address(helos[i].client);
        const struct auth_clock clock = dns_world_clock();
        struct helo_names n;
        assert_int_equal(helo_names_find(w->resolver, slice_of(helos[i].helo), &client, &clock, &n),
                         0);
        if (n.resolves != helos[i].resolves || n.matches != helos[i].matches ||
            n.resolves_state != helos[i].resolves_state ||
            n.matches_state != helos[i].matches_state) {
            fail_msg("%s: resolves %d %s, matches %d %s", helos[i].helo, n.resolves,
                     dns_state_name(n.resolves_state), n.matches, dns_state_name(n.matches_state));
        }
    }
}

static void helo_names(void **state)
{
    struct dns_world w;

    (void)state;
    dns_world_init(&w, zone);
    dns_world_do(&w, ask_helos);
    dns_world_fini(&w);
}

/* What reverse DNS has brought need not be asked again: one question for a name that is there or is
 * not, two for one that has addresses of the other family alone. */
static void count_helo_questions(struct dns_world *w)
{
    static const struct {
        const char *helo;
        unsigned questions;
    } names[] = {{"both.example", 1}, {"none.example", 1}, {"sixonly.example", 2}};
    const struct addr client = dns_world_address("192.0.2.50");

    for (size_t i = 0; i < COUNT(names); i++) {
        const struct auth_clock clock = dns_world_clock();
        const uint64_t before = resolver_stats(w->resolver)->asked;
        struct helo_names n;
        assert_int_equal(helo_names_find(w->resolver, slice_of(names[i].helo), &client, &clock, &n),
                         0);
        assert_int_equal(resolver_stats(w->resolver)->asked - before, names[i].questions);
    }
}

static void questions_for_helo(void **state)
{
    struct dns_world w;

    (void)state;
    dns_world_init(&w, zone);
    dns_world_do(&w, count_helo_questions);
    dns_world_fini(&w);
}

/* ---- senders ---- */

static const struct {
    const char *domain;
    bool exists, null_mx;
    enum dns_state exists_state, null_mx_state;
} domains[] = {
    {"mail.example", true, false, DNS_ANSWER, DNS_ANSWER},
    {"Mail.EXAMPLE", true, false, DNS_ANSWER, DNS_ANSWER},
    {"mx.example", true, false, DNS_ANSWER, DNS_ANSWER},
    {"sixonly.example", true, false, DNS_ANSWER, DNS_ANSWER},
    {"sixmail.example", true, false, DNS_ANSWER, DNS_ANSWER},
    {"alias.example", true, false, DNS_ANSWER, DNS_ANSWER},
    {"none.example", false, false, DNS_ANSWER, DNS_ANSWER},
    {"textonly.example", false, false, DNS_ANSWER, DNS_ANSWER},
    /* an MX that leads nowhere is not made good by an address (RFC 5321 5.1) */
    {"nowhere.example", false, false, DNS_ANSWER, DNS_ANSWER},
    {"null.example", true, true, DNS_ANSWER, DNS_ANSWER},
    /* RFC 7505 3: with others beside it, it is none */
    {"nullish.example", true, false, DNS_ANSWER, DNS_ANSWER},
    {"second.example", true, false, DNS_ANSWER, DNS_ANSWER},
    {"sure.example", true, false, DNS_ANSWER, DNS_ANSWER},
    {"unsure.example", false, false, DNS_FAILED, DNS_ANSWER},
    {"broken.example", false, false, DNS_FAILED, DNS_FAILED},
    {"slow.example", false, false, DNS_TIMED_OUT, DNS_TIMED_OUT},
    {"mxfails.example", false, false, DNS_FAILED, DNS_FAILED},
    {"mxslow.example", false, false, DNS_TIMED_OUT, DNS_TIMED_OUT},
    {"afails.example", false, false, DNS_FAILED, DNS_ANSWER},
    {"[192.0.2.1]", true, false, DNS_ANSWER, DNS_ANSWER},
    {"[IPv6:2001:db8::1]", true, false, DNS_ANSWER, DNS_ANSWER},
    {"[X-tag:something]", false, false, DNS_ANSWER, DNS_ANSWER},
    {"b\xc3\xbc"
     "cher.example",
     true, false, DNS_ANSWER, DNS_ANSWER},
    {"B\xc3\x9c"
     "CHER.example",
     true, false, DNS_ANSWER, DNS_ANSWER},
    {"xn--bcher-kva.example", true, false, DNS_ANSWER, DNS_ANSWER},
    {"\xff.example", false, false, DNS_ANSWER, DNS_ANSWER},
    {"\xe2\x80\xae.example", false, false, DNS_ANSWER, DNS_ANSWER},
    {"a..b", false, false, DNS_ANSWER, DNS_ANSWER},
    {"", false, false, DNS_ANSWER, DNS_ANSWER},
};

static void ask_domains(struct dns_world *w)
{
    for (size_t i = 0; i < COUNT(domains); i++) {
        const struct auth_clock clock = dns_world_clock();
        struct mail_domain d;
        assert_int_equal(mail_domain_find(w->resolver, slice_of(domains[i].domain), &clock, &d), 0);
        if (d.exists != domains[i].exists || d.null_mx != domains[i].null_mx ||
            d.exists_state != domains[i].exists_state ||
            d.null_mx_state != domains[i].null_mx_state) {
            fail_msg("%s: exists %d %s, null MX %d %s", domains[i].domain, d.exists,
                     dns_state_name(d.exists_state), d.null_mx, dns_state_name(d.null_mx_state));
        }
    }
}

static void senders_domains(void **state)
{
    struct dns_world w;

    (void)state;
    dns_world_init(&w, zone);
    dns_world_do(&w, ask_domains);
    dns_world_fini(&w);
}

/* The exchanger that mail would go to first settles it. */
static void ask_in_order(struct dns_world *w)
{
    const struct auth_clock clock = dns_world_clock();
    const uint64_t before = resolver_stats(w->resolver)->asked;
    struct mail_domain d;

    assert_int_equal(mail_domain_find(w->resolver, SLICE_LIT("ordered.example"), &clock, &d), 0);
    assert_true(d.exists && d.exists_state == DNS_ANSWER);
    assert_int_equal(resolver_stats(w->resolver)->asked - before, 2);
}

static void exchangers_in_their_order(void **state)
{
    struct dns_world w;

    (void)state;
    dns_world_init(&w, "ordered.example. MX 30 slow.example.\n"
                       "ordered.example. MX 10 mx.example.\n"
                       "ordered.example. MX 20 gone.example.\n"
                       "mx.example. A 192.0.2.1\n"
                       "slow.example. TIMEOUT\n");
    dns_world_do(&w, ask_in_order);
    dns_world_fini(&w);
}

/* ---- time ---- */

static struct scope cancelled_scope;

static void cancel_soon(void *arg)
{
    (void)arg;
    (void)task_sleep(rt_now() + USEC_SEC);
    scope_cancel(&cancelled_scope, -ECONNRESET);
}

static void ask_in_vain(struct dns_world *w)
{
    const struct addr client = dns_world_address("192.0.2.9");
    struct auth_clock clock = dns_world_clock();
    struct client_names names;
    struct helo_names helo;
    struct mail_domain domain;
    const usec_t began = rt_now();

    clock.deadline = began + 7 * USEC_SEC;
    assert_int_equal(client_names_find(w->resolver, &client, &clock, &w->arena, &names), 0);
    assert_int_equal(names.name_state, DNS_TIMED_OUT);
    assert_true(rt_now() - began >= 5 * USEC_SEC && rt_now() - began <= 7 * USEC_SEC);

    assert_int_equal(task_spawn(w->rt, rt_root_of(w->rt), cancel_soon, NULL), 0);
    clock = dns_world_clock();
    scope_enter(&cancelled_scope);
    assert_int_equal(client_names_find(w->resolver, &client, &clock, &w->arena, &names),
                     -ECANCELED);
    assert_int_equal(
        helo_names_find(w->resolver, SLICE_LIT("slow.example"), &client, &clock, &helo),
        -ECANCELED);
    assert_int_equal(mail_domain_find(w->resolver, SLICE_LIT("slow.example"), &clock, &domain),
                     -ECANCELED);
    scope_leave(&cancelled_scope);
}

static void a_silent_dns(void **state)
{
    struct dns_world w;

    (void)state;
    dns_world_init(&w, zone);
    dns_world_do(&w, ask_in_vain);
    dns_world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clients_names),  cmocka_unit_test(a_client_with_500_names),
        cmocka_unit_test(helo_names),         cmocka_unit_test(senders_domains),
        cmocka_unit_test(questions_for_helo), cmocka_unit_test(exchangers_in_their_order),
        cmocka_unit_test(a_silent_dns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
