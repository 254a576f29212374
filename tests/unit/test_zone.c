/* A zone's answers, and the resolver that gives them: in virtual time, with latency. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "client/resolver.h"
#include "client/zone.h"
#include "rt/sim.h"

static struct zone *zone_of(struct slice text)
{
    struct zone *z = zone_new();
    struct zone_problem problem;
    assert_int_equal(zone_read(z, text, &problem), 0);
    return z;
}

/* An answer in one line: its state, or the records; where CNAMEs led; the TTL. */
static const char *show(const struct dns_answer *a, enum dns_type type)
{
    static char line[2048];
    struct buf b = {0};
    char text[DNS_NAME_TEXT_MAX] = "";
    assert_int_equal(a->count > 0, a->state == DNS_ANSWER);
    buf_printf(&b, "%s", a->state == DNS_ANSWER ? "" : dns_state_name(a->state));
    for (size_t i = 0; i < a->count; i++) {
        const struct dns_record *x = &a->records[i];
        buf_printf(&b, "%s", i > 0 ? ", " : "");
        if (type == DNS_A || type == DNS_AAAA) {
            buf_printf(&b, "%s", addr_format(&x->address, text));
        } else if (type == DNS_TXT) {
            buf_append_slice(&b, x->text);
        } else {
            (void)dns_name_format(type == DNS_MX ? x->mx.exchange : x->name, text);
            buf_printf(&b, "%s", text);
        }
    }
    if (a->canonical != NULL) {
        (void)dns_name_format(a->canonical, text);
        buf_printf(&b, " (%s %lld)", text, (long long)(a->ttl / USEC_SEC));
    }
    buf_append(&b, "", 1);
    assert_true(b.n <= sizeof(line));
    memcpy(line, b.p, b.n);
    buf_free(&b);
    return line;
}

static const char *find(const struct zone *z, const char *text, enum dns_type type)
{
    struct dns_name name;
    struct dns_answer a;
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(dns_name_parse(slice_of(text), &name), 0);
    zone_find(z, &name, type, &arena, &a);
    const char *line = show(&a, type);
    arena_free(&arena);
    return line;
}

static void finds(void **state)
{
    (void)state;
    struct zone *z = zone_of(SLICE_LIT("$ORIGIN example.org.\n$TTL 300\n"
                                       "@ SOA ns root 1 2 3 4 60\n"
                                       "@ MX 10 mail\n@ 20 MX 20 other\n"
                                       "mail A 192.0.2.1\nmail A 192.0.2.2\n"
                                       "a.b.deep TXT \"text\"\n"
                                       "both 7 A 192.0.2.3\nboth 8 A 192.0.2.4\n"
                                       "$ORIGIN sub.example.org.\n@ 50 SOA ns root 1 2 3 4 60\n"
                                       "$ORIGIN example.org.\n"
                                       "dnskey DNSKEY 1 2 3 AAAA\n"));
    assert_string_equal(find(z, "example.org", DNS_MX),
                        "mail.example.org, other.example.org (example.org 20)");
    assert_string_equal(find(z, "MAIL.example.org.", DNS_A),
                        "192.0.2.1, 192.0.2.2 (mail.example.org 300)");
    assert_string_equal(find(z, "mail.example.org", DNS_AAAA), "nodata (mail.example.org 60)");
    assert_string_equal(find(z, "no.example.org", DNS_A), "nxdomain (no.example.org 60)");
    assert_string_equal(find(z, "both.example.org", DNS_A),
                        "192.0.2.3, 192.0.2.4 (both.example.org 7)");
    assert_string_equal(find(z, "no.sub.example.org", DNS_A), "nxdomain (no.sub.example.org 50)");
    /* A name with others below it is there. */
    assert_string_equal(find(z, "b.deep.example.org", DNS_A), "nodata (b.deep.example.org 60)");
    assert_string_equal(find(z, "deep.example.org", DNS_TXT), "nodata (deep.example.org 60)");
    assert_string_equal(find(z, "c.deep.example.org", DNS_A), "nxdomain (c.deep.example.org 60)");
    assert_string_equal(find(z, "dnskey.example.org", DNS_A), "nodata (dnskey.example.org 60)");
    assert_string_equal(find(z, "org", DNS_A), "nodata (org 0)");
    assert_string_equal(find(z, "example.net", DNS_A), "nxdomain (example.net 0)");
    assert_null(zone_free(z));
    assert_null(zone_free(NULL));
}

static void wildcards(void **state)
{
    (void)state;
    /* RFC 4592 2.2.1 */
    struct zone *z = zone_of(SLICE_LIT("$ORIGIN example.\n"
                                       "* 3600 TXT \"this is a wildcard\"\n"
                                       "* 3600 MX 10 host1\n"
                                       "sub.* 3600 TXT \"this is not a wildcard\"\n"
                                       "host1 3600 A 192.0.2.1\n"
                                       "_ssh._tcp.host1 SRV 0 0 22 host1\n"
                                       "*.alias CNAME host1\n"));
    assert_string_equal(find(z, "host3.example", DNS_MX), "host1.example (host3.example 3600)");
    assert_string_equal(find(z, "host3.example", DNS_A), "nodata (host3.example 0)");
    assert_string_equal(find(z, "foo.bar.example", DNS_TXT),
                        "this is a wildcard (foo.bar.example 3600)");
    assert_string_equal(find(z, "host1.example", DNS_MX), "nodata (host1.example 0)");
    assert_string_equal(find(z, "sub.*.example", DNS_MX), "nodata (sub.*.example 0)");
    assert_string_equal(find(z, "_telnet._tcp.host1.example", DNS_TXT),
                        "nxdomain (_telnet._tcp.host1.example 0)");
    assert_string_equal(find(z, "ghost.*.example", DNS_MX), "nxdomain (ghost.*.example 0)");
    assert_string_equal(find(z, "x.alias.example", DNS_A), "192.0.2.1 (host1.example 3600)");
    zone_free(z);
}

static void chains(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_printf(&b,
               "a 50 CNAME b\nb 40 CNAME c\nc 60 A 192.0.2.1\nd CNAME gone\n"
               "loop CNAME pool\npool CNAME loop\nself CNAME self\n"
               "old 30 DNAME example.org\nx.example.org 90 A 192.0.2.3\nlong DNAME %s.%s.%s\n",
               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    for (int i = 0; i < DNS_CNAMES_MOST; i++) {
        buf_printf(&b, "chain%d CNAME chain%d\n", i, i + 1);
    }
    buf_printf(&b, "chain%d A 192.0.2.2\nover CNAME chain0\n", DNS_CNAMES_MOST);
    struct zone *z = zone_of(buf_slice(&b));
    assert_string_equal(find(z, "a", DNS_A), "192.0.2.1 (c 40)");
    assert_string_equal(find(z, "a", DNS_CNAME), "b (a 50)");
    assert_string_equal(find(z, "a", DNS_TXT), "nodata (c 0)");
    assert_string_equal(find(z, "d", DNS_A), "nxdomain (gone 0)");
    assert_string_equal(find(z, "chain0", DNS_A), "192.0.2.2 (chain12 90)");
    assert_non_null(strstr(find(z, "over", DNS_A), "servfail"));
    assert_non_null(strstr(find(z, "loop", DNS_A), "servfail"));
    assert_non_null(strstr(find(z, "self", DNS_A), "servfail"));
    assert_string_equal(find(z, "x.old", DNS_A), "192.0.2.3 (x.example.org 30)");
    assert_string_equal(find(z, "old", DNS_A), "nodata (old 0)");
    assert_string_equal(find(z, "old", DNS_DNAME), "example.org (old 30)");
    assert_non_null(strstr(
        find(z, "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy.long", DNS_A),
        "servfail"));
    zone_free(z);
    buf_free(&b);
}

static void broken(void **state)
{
    (void)state;
    struct zone *z = zone_of(SLICE_LIT("a TIMEOUT\na A 192.0.2.1\nb SERVFAIL MX\nb MX 0 a\n"
                                       "c BOGUS TXT\nc A 192.0.2.2\n*.d TIMEOUT\ne CNAME a\n"
                                       "g SERVFAIL CNAME\nh SERVFAIL DNAME\nx.h A 192.0.2.4\n"));
    assert_string_equal(find(z, "a", DNS_A), "192.0.2.1 (a 3600)");
    assert_non_null(strstr(find(z, "a", DNS_AAAA), "timeout"));
    assert_non_null(strstr(find(z, "b", DNS_MX), "servfail"));
    assert_string_equal(find(z, "b", DNS_A), "nodata (b 0)");
    assert_non_null(strstr(find(z, "c", DNS_TXT), "bogus"));
    assert_string_equal(find(z, "c", DNS_A), "192.0.2.2 (c 3600)");
    assert_non_null(strstr(find(z, "x.y.d", DNS_TXT), "timeout"));
    assert_string_equal(find(z, "d", DNS_TXT), "nodata (d 0)");
    assert_non_null(strstr(find(z, "e", DNS_TXT), "timeout"));
    /* That there is no answer about a CNAME matters to who asks for one. */
    assert_non_null(strstr(find(z, "g", DNS_CNAME), "servfail"));
    assert_string_equal(find(z, "g", DNS_A), "nodata (g 0)");
    assert_string_equal(find(z, "y.h", DNS_A), "nxdomain (y.h 0)");
    struct zone_problem problem;
    assert_int_equal(zone_read(z, SLICE_LIT("f A 192.0.2.3\nf B\n"), &problem), -EINVAL);
    assert_int_equal(problem.line, 2);
    assert_string_equal(find(z, "f", DNS_A), "192.0.2.3 (f 3600)");
    zone_free(z);
}

static void large(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 2000; i++) {
        buf_printf(&b, "n%d.example.org A 192.0.2.%d\nmany TXT %d\n", i, i % 256, i);
    }
    struct zone *z = zone_of(buf_slice(&b));
    struct dns_name name;
    struct dns_answer a;
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(find(z, "n1999.example.org", DNS_A),
                        "192.0.2.207 (n1999.example.org 3600)");
    assert_string_equal(find(z, "n0.example.org", DNS_A), "192.0.2.0 (n0.example.org 3600)");
    assert_int_equal(dns_name_parse(SLICE_LIT("many"), &name), 0);
    zone_find(z, &name, DNS_TXT, &arena, &a);
    assert_int_equal(a.count, DNS_RECORDS_MOST);
    assert_true(a.cut);
    arena_free(&arena);
    zone_free(z);
    buf_free(&b);
}

/* ---- the resolver ---- */

struct world {
    struct sim *sim;
    struct rt *rt;
    struct zone *zone;
    struct resolver *resolver;
    struct arena arena;
};

static void in_world(struct slice text, void (*fn)(void *arg))
{
    struct world w = {.sim = sim_new(1), .zone = zone_of(text)};
    w.rt = sim_rt(w.sim);
    w.resolver = resolver_of_zone(w.rt, w.zone);
    arena_init(&w.arena);
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), fn, &w), 0);
    sim_run(w.sim, USEC_NEVER);
    arena_free(&w.arena);
    resolver_free(w.resolver);
    sim_rt_free(w.rt);
    sim_free(w.sim);
    zone_free(w.zone);
}

static const char *ask(struct world *w, const char *text, enum dns_type type, usec_t deadline)
{
    struct dns_name name;
    struct dns_answer a;
    assert_int_equal(dns_name_parse(slice_of(text), &name), 0);
    int r = resolver_ask_one(w->resolver, &name, type, deadline, &w->arena, &a);
    return r == -ECANCELED ? "cancelled" : show(&a, type);
}

static void together_task(void *arg)
{
    struct world *w = arg;
    usec_t began = rt_now();
    struct dns_question q[4] = {
        {.type = DNS_A}, {.type = DNS_MX}, {.type = DNS_TXT}, {.type = DNS_A}};
    static const char *const names[] = {"a", "b", "gone", "mute"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(dns_name_parse(slice_of(names[i]), &q[i].name), 0);
    }
    assert_int_equal(resolver_ask(w->resolver, q, 0, USEC_NEVER, &w->arena), 0);
    assert_int_equal(resolver_ask(w->resolver, q, 3, began + USEC_SEC, &w->arena), 0);
    assert_int_equal(rt_now(), began + 200 * USEC_MSEC);
    assert_string_equal(show(&q[0].answer, DNS_A), "192.0.2.1 (a 3600)");
    assert_string_equal(show(&q[1].answer, DNS_MX), "a (b 3600)");
    assert_string_equal(show(&q[2].answer, DNS_TXT), "nxdomain (gone 0)");
    assert_int_equal(resolver_stats(w->resolver)->under_way, 0);

    began = rt_now();
    assert_int_equal(resolver_ask(w->resolver, q, 4, began + USEC_SEC, &w->arena), 0);
    assert_int_equal(rt_now(), began + USEC_SEC);
    assert_string_equal(show(&q[0].answer, DNS_A), "192.0.2.1 (a 3600)");
    assert_string_equal(show(&q[3].answer, DNS_A), "timeout");
    assert_int_equal(resolver_stats(w->resolver)->under_way, 1);

    /* No time is left, or too little. */
    assert_string_equal(ask(w, "a", DNS_A, rt_now()), "timeout");
    began = rt_now();
    assert_string_equal(ask(w, "a", DNS_A, began + 199 * USEC_MSEC), "timeout");
    assert_int_equal(rt_now(), began + 199 * USEC_MSEC);
    /* What is never answered ends some day. */
    assert_string_equal(ask(w, "mute", DNS_A, USEC_NEVER), "timeout");
    assert_int_equal(resolver_stats(w->resolver)->under_way, 0);
}

static void together(void **state)
{
    (void)state;
    in_world(SLICE_LIT("$LATENCY 200ms\na A 192.0.2.1\nb MX 0 a\nmute TIMEOUT\n"), together_task);
}

static void asking_task(void *arg)
{
    struct world *w = arg;
    assert_string_equal(ask(w, "mute", DNS_A, USEC_NEVER), "cancelled");
}

static void cancelled_task(void *arg)
{
    struct world *w = arg;
    struct scope scope;
    scope_enter(&scope);
    assert_int_equal(task_spawn(w->rt, &scope, asking_task, w), 0);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    scope_cancel(&scope, -ECONNRESET);
    scope_join(&scope);
    scope_leave(&scope);
    /* At once, where nothing says how long it takes. */
    usec_t began = rt_now();
    assert_string_equal(ask(w, "a", DNS_A, USEC_NEVER), "192.0.2.1 (a 3600)");
    assert_int_equal(rt_now(), began);
    assert_int_equal(resolver_stats(w->resolver)->asked, 2);
    assert_int_equal(resolver_stats(w->resolver)->under_way, 1);
    w->resolver = resolver_free(w->resolver); /* and what is still under way */
}

static void cancelled(void **state)
{
    (void)state;
    in_world(SLICE_LIT("a A 192.0.2.1\nmute TIMEOUT\n"), cancelled_task);
}

static void addresses_task(void *arg)
{
    struct world *w = arg;
    struct addr found[4];
    size_t n = 0;
    usec_t later = rt_now() + 10 * USEC_SEC;
    assert_int_equal(resolver_addresses(w->resolver, "both", later, found, 4, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(found[0].family, ADDR_V6);
    assert_int_equal(found[1].family, ADDR_V4);
    assert_int_equal(resolver_addresses(w->resolver, "both", later, found, 1, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(resolver_addresses(w->resolver, "gone", later, found, 4, &n), -ENOENT);
    assert_int_equal(resolver_addresses(w->resolver, "half", later, found, 4, &n), 0);
    assert_int_equal(found[0].family, ADDR_V4);
    assert_int_equal(resolver_addresses(w->resolver, "fails", later, found, 4, &n), -EAGAIN);
    /* The one family's addresses wait half a second for the other's. */
    usec_t began = rt_now();
    assert_int_equal(resolver_addresses(w->resolver, "slow", later, found, 4, &n), 0);
    assert_int_equal(rt_now(), began + 500 * USEC_MSEC);
    assert_int_equal(resolver_addresses(w->resolver, "mute", later, found, 4, &n), -ETIMEDOUT);
    assert_int_equal(rt_now(), later);
    /* A table in front. */
    resolver_set_table(w->resolver, SLICE_LIT("192.0.2.9 gone"));
    assert_int_equal(resolver_addresses(w->resolver, "gone", later, found, 4, &n), 0);
}

static void addresses(void **state)
{
    (void)state;
    in_world(SLICE_LIT("both A 192.0.2.1\nboth AAAA 2001:db8::1\nhalf A 192.0.2.2\n"
                       "half SERVFAIL AAAA\nfails SERVFAIL\nslow A 192.0.2.3\nslow TIMEOUT AAAA\n"
                       "mute TIMEOUT\n"),
             addresses_task);
}

static void table_task(void *arg)
{
    struct world *w = arg;
    struct resolver *zone = w->resolver;
    w->resolver = resolver_of_table(w->rt, SLICE_LIT("192.0.2.1 a\n"));
    assert_string_equal(ask(w, "a", DNS_A, USEC_NEVER), "servfail"); /* it has no DNS */
    resolver_free(w->resolver);
    w->resolver = zone;
}

static void table(void **state)
{
    (void)state;
    in_world(SLICE_LIT(""), table_task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),     cmocka_unit_test(wildcards), cmocka_unit_test(chains),
        cmocka_unit_test(broken),    cmocka_unit_test(large),     cmocka_unit_test(together),
        cmocka_unit_test(cancelled), cmocka_unit_test(addresses), cmocka_unit_test(table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
