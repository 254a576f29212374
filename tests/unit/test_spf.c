/* SPF over zones of our own: which record is found, what each mechanism matches, every limit, what
 * the DNS does not say, and what hostile records cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "auth/spf.h"
#include "base/buf.h"
#include "client/zone.h"
#include "rt/sim.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* ---- one check in a world of its own ---- */

struct play {
    const char *zone;
    const char *client, *helo, *sender; /* sender NULL: the HELO identity */
    usec_t question_time, whole_time;   /* 0: 5 s, 20 s */
    usec_t cancelled_at;                /* 0: not */

    struct arena arena;
    struct spf_outcome outcome;
    int r;
    usec_t took;    /* in the simulated world */
    uint64_t asked; /* questions */
};

static struct resolver *resolver;

static void check_task(void *arg)
{
    struct play *p = arg;
    struct spf_query q = {
        .resolver = resolver,
        .helo = slice_of(p->helo),
        .sender = slice_of(p->sender != NULL ? p->sender : ""),
        .local_host = SLICE_LIT("mx.example.net"),
        .wall = 1795729000 * USEC_SEC + 1,
        .question_time = p->question_time > 0 ? p->question_time : 5 * USEC_SEC,
        .deadline = rt_now() + (p->whole_time > 0 ? p->whole_time : 20 * USEC_SEC),
    };
    usec_t began = rt_now();
    if (p->client[0] != '\0') {
        assert_int_equal(addr_parse(slice_of(p->client), &q.client), 0);
    }
    p->r = p->sender != NULL ? spf_check_sender(&q, &p->arena, &p->outcome)
                             : spf_check_helo(&q, &p->arena, &p->outcome);
    p->took = rt_now() - began;
}

static void cancelling_task(void *arg)
{
    struct play *p = arg;
    struct scope scope;
    scope_enter(&scope);
    assert_int_equal(task_spawn(rt_self(), &scope, check_task, p), 0);
    assert_int_equal(task_sleep(rt_now() + p->cancelled_at), 0);
    scope_cancel(&scope, -ECONNRESET);
    scope_join(&scope);
    scope_leave(&scope);
}

static void play_in(struct play *p, const struct zone *zone)
{
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    arena_init(&p->arena);
    resolver = resolver_of_zone(rt, zone);
    assert_int_equal(
        task_spawn(rt, rt_root_of(rt), p->cancelled_at > 0 ? cancelling_task : check_task, p), 0);
    sim_run(sim, USEC_NEVER);
    assert_int_equal(rt_stats(rt)->tasks, 0);
    p->asked = resolver_stats(resolver)->asked;
    resolver_free(resolver);
    sim_rt_free(rt);
    sim_free(sim);
}

static void play(struct play *p)
{
    struct zone *zone = zone_new();
    struct zone_problem problem;
    if (zone_read(zone, slice_of(p->zone), &problem) != 0) {
        fail_msg("zone, line %u: %s", problem.line, problem.text);
    }
    play_in(p, zone);
    zone_free(zone);
}

static void end(struct play *p)
{
    arena_free(&p->arena);
}

static bool is(struct slice text, const char *expected)
{
    return slice_eq(text, slice_of(expected));
}

/* ---- tables of checks ---- */

struct row {
    const char *client, *helo, *sender;
    enum auth_result result;
    const char *mechanism;
    const char *domain; /* NULL: no matter */
};

static void play_rows(const char *zone, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct play p = {
            .zone = zone, .client = rows[i].client, .helo = rows[i].helo, .sender = rows[i].sender};
        play(&p);
        const struct spf_outcome *o = &p.outcome;
        if (p.r != 0 || o->result != rows[i].result || !is(o->mechanism, rows[i].mechanism) ||
            (rows[i].domain != NULL && !is(o->domain, rows[i].domain))) {
            fail_msg("%s %s %s: %d, %s by \"" SLICE_FMT "\" of \"" SLICE_FMT "\" (" SLICE_FMT ")",
                     rows[i].client, rows[i].helo, rows[i].sender ? rows[i].sender : "(helo)", p.r,
                     auth_result_name(o->result), SLICE_ARG(o->mechanism), SLICE_ARG(o->domain),
                     SLICE_ARG(o->problem));
        }
        assert_int_equal(o->problem.n > 0,
                         o->result == AUTH_PERMERROR || o->result == AUTH_TEMPERROR);
        end(&p);
    }
}

#define ME   "192.0.2.1"
#define ME6  "2001:db8::1"
#define HELO "mail.example.org"

static void identities(void **state)
{
    static const char zone[] =
        "$TTL 60\n"
        "mail.example.org. TXT \"v=spf1 ip4:192.0.2.1 -exists:%{l}.not.postmaster.example ?all\"\n"
        "postmaster.not.postmaster.example. A 127.0.0.2\n"
        "example.org. TXT \"v=spf1 -all\"\n"
        "Mixed.example.org. TXT \"v=spf1 ip4:192.0.2.1\"\n"
        "xn--bcher-kva.example. TXT \"v=spf1 exists:%{d}.is.example -all\"\n"
        "xn--bcher-kva.example.is.example. A 127.0.0.2\n"
        "l.example. TXT \"v=spf1 -exists:%{l}.any.example ip4:192.0.2.1 -all\"\n"
        "*.any.example. A 127.0.0.2\n"
        "who.example. TXT \"v=spf1 exists:%{l}.who.of.example -all\"\n"
        "postmaster.who.of.example. A 127.0.0.2\n"
        "1.2.3.4. TXT \"v=spf1 +all\"\n"
        "single. TXT \"v=spf1 +all\"\n";
    static const struct row rows[] = {
        /* 2.3, 2.4 */
        {ME, HELO, NULL, AUTH_PASS, "ip4:192.0.2.1", "mail.example.org"},
        {ME, "MAIL.Example.org.", NULL, AUTH_PASS, "ip4:192.0.2.1", "mail.example.org"},
        {ME, HELO, "", AUTH_PASS, "ip4:192.0.2.1", "mail.example.org"},
        {"192.0.2.2", HELO, "", AUTH_FAIL, "-exists:%{l}.not.postmaster.example", NULL},
        {ME, HELO, "a@example.org", AUTH_FAIL, "-all", "example.org"},
        {ME, HELO, "\"a@b\"@mixed.EXAMPLE.org", AUTH_PASS, "ip4:192.0.2.1", "mixed.example.org"},
        /* 4.3: the domain */
        {ME, "[192.0.2.1]", NULL, AUTH_NONE, "", "[192.0.2.1]"},
        {ME, "1.2.3.4", NULL, AUTH_NONE, "", "1.2.3.4"},
        {ME, "single", NULL, AUTH_NONE, "", "single"},
        {ME, "", NULL, AUTH_NONE, "", ""},
        {ME, ".", NULL, AUTH_NONE, "", NULL},
        {ME, "a b", NULL, AUTH_NONE, "", NULL},
        {ME, HELO, "a@x..example.org", AUTH_NONE, "", "x..example.org"},
        {ME, HELO, "a@.example.org", AUTH_NONE, "", NULL},
        {ME, HELO, "a@[IPv6:2001:db8::1]", AUTH_NONE, "", NULL},
        {ME, HELO, "a@none.example.org", AUTH_NONE, "", "none.example.org"},
        {ME, HELO, "a@a23456789012345678901234567890123456789012345678901234567890123x.example",
         AUTH_NONE, "", NULL},
        {ME, HELO, "a\x1b@b\x1b", AUTH_NONE, "", "b\\027"},
        /* 4.3: the local part */
        {ME, HELO, "@who.example", AUTH_PASS, "exists:%{l}.who.of.example", NULL},
        {ME, HELO, "who.example", AUTH_PASS, "exists:%{l}.who.of.example", NULL},
        /* RFC 8616 4: U-labels, and local parts that are not ASCII */
        {ME, HELO,
         "a@b\xc3\xbc"
         "cher.example",
         AUTH_PASS, "exists:%{d}.is.example", "xn--bcher-kva.example"},
        {ME, HELO, "a@l.example", AUTH_FAIL, "-exists:%{l}.any.example", NULL},
        {ME, HELO, "\xc3\xbc@l.example", AUTH_PASS, "ip4:192.0.2.1", NULL},
        /* without an address */
        {"", HELO, "a@example.org", AUTH_NONE, "", "example.org"},
    };
    (void)state;
    play_rows(zone, rows, COUNT(rows));
}

static void records(void **state)
{
    static const char zone[] = "$TTL 60\n"
                               "two.example. TXT \"v=spf1 +all\"\n"
                               "two.example. TXT \"V=SPF1 +all\"\n"
                               "other.example. TXT \"v=spf10 -all\"\n"
                               "other.example. TXT \"v=spf1 +all\"\n"
                               "other.example. TXT \"\\255\\000 +all\"\n"
                               "joined.example. TXT \"v=sp\" \"f1 ip4:192.\" \"0.2.1 -a\" \"ll\"\n"
                               "no.example. TXT \"v=spf1\\009+all\"\n"
                               "spf.example. SPF \"v=spf1 +all\"\n"
                               "alias.example. CNAME joined.example.\n"
                               "empty.example. TXT \"v=spf1\"\n"
                               "error.example. TXT \"v=spf1 +all moo\"\n"
                               "broken.example. SERVFAIL TXT\n"
                               "mute.example. TIMEOUT TXT\n"
                               "forged.example. BOGUS TXT\n";
    static const struct row rows[] = {
        {ME, HELO, "a@two.example", AUTH_PERMERROR, "", NULL},
        {ME, HELO, "a@other.example", AUTH_PASS, "+all", NULL},
        {ME, HELO, "a@joined.example", AUTH_PASS, "ip4:192.0.2.1", NULL},
        {"192.0.2.2", HELO, "a@alias.example", AUTH_FAIL, "-all", "alias.example"},
        {ME, HELO, "a@no.example", AUTH_NONE, "", NULL},
        {ME, HELO, "a@spf.example", AUTH_NONE, "", NULL},
        {ME, HELO, "a@empty.example", AUTH_NEUTRAL, "default", NULL},
        {ME, HELO, "a@error.example", AUTH_PERMERROR, "", NULL},
        {ME, HELO, "a@broken.example", AUTH_TEMPERROR, "", NULL},
        {ME, HELO, "a@mute.example", AUTH_TEMPERROR, "", NULL},
        {ME, HELO, "a@forged.example", AUTH_TEMPERROR, "", NULL},
    };
    (void)state;
    play_rows(zone, rows, COUNT(rows));
}

static void mechanisms(void **state)
{
    static const char zone[] =
        "$TTL 60\n"
        "a.example. TXT \"v=spf1 a ~a:host.example/24 ?a:%{d}//64 -all\"\n"
        "a.example. A 192.0.2.1\n"
        "a.example. AAAA 2001:db8::ff\n"
        "host.example. A 192.0.3.77\n"
        "mx.example. TXT \"v=spf1 mx -all\"\n"
        "mx.example. MX 10 first.example.\n"
        "mx.example. MX 20 second.example.\n"
        "first.example. A 192.0.2.1\n"
        "second.example. SERVFAIL\n"
        "order.example. TXT \"v=spf1 mx -all\"\n"
        "order.example. MX 20 first.example.\n"
        "order.example. MX 10 second.example.\n"
        "null.example. TXT \"v=spf1 mx -all\"\n"
        "null.example. MX 0 .\n"
        "nomx.example. TXT \"v=spf1 mx -all\"\n"
        "nomx.example. A 192.0.2.1\n"
        "net.example. TXT \"v=spf1 ip4:192.0.2.255/24 ~ip4:10.0.0.0/7 ip6:2001:db8::/127 -all\"\n"
        "zero.example. TXT \"v=spf1 ip6:::ffff:0.0.0.0/0 ?ip4:1.2.3.4/0 -all\"\n"
        "exists.example. TXT \"v=spf1 exists:%{ir}.%{v}.list.example -all\"\n"
        "1.2.0.192.in-addr.list.example. A 127.0.0.2\n"
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.list.example. A "
        "127.0.0.2\n"
        "2.2.0.192.in-addr.list.example. AAAA ::1\n"
        "ptr.example. TXT \"v=spf1 ptr ~ptr:other.example -all\"\n"
        "1.2.0.192.in-addr.arpa. PTR bad.example.\n"
        "1.2.0.192.in-addr.arpa. PTR broken.ptr.example.\n"
        "1.2.0.192.in-addr.arpa. PTR mail.PTR.example.\n"
        "broken.ptr.example. TIMEOUT\n"
        "mail.ptr.example. A 192.0.2.1\n"
        "2.2.0.192.in-addr.arpa. PTR other.example.\n"
        "other.example. A 192.0.2.2\n"
        "3.2.0.192.in-addr.arpa. PTR liar.ptr.example.\n"
        "liar.ptr.example. A 192.0.2.4\n"
        "4.2.0.192.in-addr.arpa. SERVFAIL\n"
        "suffix.example. TXT \"v=spf1 ptr:er.example -all\"\n"
        "name.example. TXT \"v=spf1 a:x..example a:%{h} include:%{d1r}.%{o1} -all\"\n"
        "name.example. A 192.0.2.1\n"
        "atemp.example. TXT \"v=spf1 a:second.example +all\"\n"
        "etemp.example. TXT \"v=spf1 exists:second.example +all\"\n"
        "mtemp.example. TXT \"v=spf1 mx:second.example +all\"\n"
        "cut.example. TXT \"v=spf1 a:%{l}.%{d} -all\"\n";
    static const struct row rows[] = {
        {ME, HELO, "a@a.example", AUTH_PASS, "a", NULL},
        {"192.0.3.1", HELO, "a@a.example", AUTH_SOFTFAIL, "~a:host.example/24", NULL},
        {ME6, HELO, "a@a.example", AUTH_NEUTRAL, "?a:%{d}//64", NULL},
        {"2001:db8:1::1", HELO, "a@a.example", AUTH_FAIL, "-all", NULL},
        /* the host that matches comes before the one that fails, by preference */
        {ME, HELO, "a@mx.example", AUTH_PASS, "mx", NULL},
        {"192.0.2.2", HELO, "a@mx.example", AUTH_TEMPERROR, "", NULL},
        {ME, HELO, "a@order.example", AUTH_TEMPERROR, "", NULL},
        {ME, HELO, "a@null.example", AUTH_FAIL, "-all", NULL},
        {ME, HELO, "a@nomx.example", AUTH_FAIL, "-all", NULL},
        {"192.0.2.9", HELO, "a@net.example", AUTH_PASS, "ip4:192.0.2.255/24", NULL},
        {"11.255.0.1", HELO, "a@net.example", AUTH_SOFTFAIL, "~ip4:10.0.0.0/7", NULL},
        {ME6, HELO, "a@net.example", AUTH_PASS, "ip6:2001:db8::/127", NULL},
        {"2001:db8::2", HELO, "a@net.example", AUTH_FAIL, "-all", NULL},
        /* 5: IPv4 never matches ip6, mapped or not, and the other way round */
        {ME, HELO, "a@zero.example", AUTH_NEUTRAL, "?ip4:1.2.3.4/0", NULL},
        {"::ffff:192.0.2.1", HELO, "a@zero.example", AUTH_NEUTRAL, "?ip4:1.2.3.4/0", NULL},
        {ME6, HELO, "a@zero.example", AUTH_PASS, "ip6:::ffff:0.0.0.0/0", NULL},
        {ME, HELO, "a@exists.example", AUTH_PASS, "exists:%{ir}.%{v}.list.example", NULL},
        {ME6, HELO, "a@exists.example", AUTH_PASS, "exists:%{ir}.%{v}.list.example", NULL},
        {"192.0.2.2", HELO, "a@exists.example", AUTH_FAIL, "-all", NULL},
        /* 5.5: what cannot be looked up is passed over */
        {ME, HELO, "a@ptr.example", AUTH_PASS, "ptr", NULL},
        {"192.0.2.2", HELO, "a@ptr.example", AUTH_SOFTFAIL, "~ptr:other.example", NULL},
        {"192.0.2.3", HELO, "a@ptr.example", AUTH_FAIL, "-all", NULL},
        {"192.0.2.4", HELO, "a@ptr.example", AUTH_FAIL, "-all", NULL},
        {"192.0.2.2", HELO, "a@suffix.example", AUTH_FAIL, "-all", NULL},
        /* names that are none match nothing; "include" then leads nowhere */
        {ME, "host.example", "a@name.example", AUTH_PERMERROR, "", NULL},
        {ME, "name.example", "a@name.example", AUTH_PASS, "a:%{h}", NULL},
        {ME, HELO, "a@atemp.example", AUTH_TEMPERROR, "", NULL},
        {ME, HELO, "a@etemp.example", AUTH_TEMPERROR, "", NULL},
        {ME, HELO, "a@mtemp.example", AUTH_TEMPERROR, "", NULL},
        {ME, HELO, "a..b@cut.example", AUTH_FAIL, "-all", NULL},
    };
    (void)state;
    play_rows(zone, rows, COUNT(rows));
}

static void includes_and_redirects(void **state)
{
    static const char zone[] =
        "$TTL 60\n"
        "pass.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
        "outer.example. TXT \"v=spf1 -include:pass.example +all\"\n"
        "fails.example. TXT \"v=spf1 include:none.example +all\"\n"
        "wrong.example. TXT \"v=spf1 include:error.example +all\"\n"
        "error.example. TXT \"v=spf1 +all a:\"\n"
        "temp.example. TXT \"v=spf1 include:mute.example +all\"\n"
        "mute.example. TIMEOUT\n"
        "go.example. TXT \"v=spf1 redirect=pass.example\"\n"
        "late.example. TXT \"v=spf1 redirect=pass.example ip4:192.0.2.2\"\n"
        "never.example. TXT \"v=spf1 ~all redirect=error.example\"\n"
        "nowhere.example. TXT \"v=spf1 redirect=none.example\"\n"
        "single.example. TXT \"v=spf1 redirect=%{d1}\"\n"
        "chain.example. TXT \"v=spf1 redirect=go.example\"\n"
        /* the domain changes with "include" and "redirect", and back again; the sender never */
        "d.example. TXT \"v=spf1 include:e.example exists:%{d}.%{o}.at.example -all\"\n"
        "e.example. TXT \"v=spf1 ?exists:%{d}.%{o}.at.example\"\n"
        "e.example.d.example.at.example. A 127.0.0.2\n"
        "d.example.d.example.at.example. A 127.0.0.2\n"
        "f.example. TXT \"v=spf1 redirect=g.example\"\n"
        "g.example. TXT \"v=spf1 exists:%{d}.%{o}.at.example -all\"\n"
        "g.example.f.example.at.example. A 127.0.0.2\n";
    static const struct row rows[] = {
        {ME, HELO, "a@outer.example", AUTH_FAIL, "-include:pass.example", NULL},
        {"192.0.2.2", HELO, "a@outer.example", AUTH_PASS, "+all", NULL},
        {ME, HELO, "a@fails.example", AUTH_PERMERROR, "", NULL},
        {ME, HELO, "a@wrong.example", AUTH_PERMERROR, "", NULL},
        {ME, HELO, "a@temp.example", AUTH_TEMPERROR, "", NULL},
        {ME, HELO, "a@go.example", AUTH_PASS, "ip4:192.0.2.1", "go.example"},
        {"192.0.2.2", HELO, "a@late.example", AUTH_PASS, "ip4:192.0.2.2", NULL},
        {"192.0.2.3", HELO, "a@late.example", AUTH_FAIL, "-all", NULL},
        {ME, HELO, "a@never.example", AUTH_SOFTFAIL, "~all", NULL},
        {ME, HELO, "a@nowhere.example", AUTH_PERMERROR, "", NULL},
        {ME, HELO, "a@single.example", AUTH_PERMERROR, "", NULL},
        {ME, HELO, "a@chain.example", AUTH_PASS, "ip4:192.0.2.1", "chain.example"},
        {ME, HELO, "a@d.example", AUTH_PASS, "exists:%{d}.%{o}.at.example", NULL},
        {ME, HELO, "a@f.example", AUTH_PASS, "exists:%{d}.%{o}.at.example", NULL},
    };
    (void)state;
    play_rows(zone, rows, COUNT(rows));
}

/* ---- limits ---- */

/* One check of a@d.example. */
static void check_one(struct play *p, const char *zone)
{
    *p = (struct play){.zone = zone, .client = ME, .helo = HELO, .sender = "a@d.example"};
    play(p);
    assert_int_equal(p->r, 0);
}

static void terms_that_ask_are_ten(void **state)
{
    static const char *const hosts = "h.example. A 10.0.0.1\nh.example. TXT \"v=spf1 "
                                     "?exists:h.example\"\nh.example. MX 0 h.example.\n";
    static const struct {
        const char *record;
        enum auth_result result;
        unsigned lookups;
    } rows[] = {
        {"a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example "
         "a:h.example a:h.example a:h.example +all",
         AUTH_PASS, 10},
        {"a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example "
         "a:h.example a:h.example a:h.example a:h.example +all",
         AUTH_PERMERROR, 10},
        {"include:h.example include:h.example include:h.example include:h.example mx:h.example "
         "a:h.example +all",
         AUTH_PASS, 10},
        {"include:h.example include:h.example include:h.example include:h.example mx:h.example "
         "a:h.example ptr +all",
         AUTH_PERMERROR, 10},
        {"include:h.example include:h.example include:h.example include:h.example mx:h.example "
         "a:h.example redirect=h.example",
         AUTH_PERMERROR, 10},
        {"include:h.example include:h.example include:h.example include:h.example "
         "redirect=h.example",
         AUTH_NEUTRAL, 10},
        {"ip4:10.0.0.1 ip4:10.0.0.2 ip6:::1 x=y include:h.example include:h.example "
         "include:h.example include:h.example exp=h.example -all",
         AUTH_FAIL, 8},
        /* 4.6.4: the PTR question of %{p} is counted as well, once */
        {"include:h.example include:h.example include:h.example include:h.example "
         "a:%{p}.h.example +all",
         AUTH_PASS, 10},
        {"include:h.example include:h.example include:h.example a:h.example a:h.example "
         "a:%{p}.h.example a:%{p}.h.example +all",
         AUTH_PERMERROR, 10},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char zone[2000];
        struct play p;
        snprintf(zone, sizeof(zone), "$TTL 60\nd.example. TXT \"v=spf1 \" \"%.150s\" \"%s\"\n%s",
                 rows[i].record, strlen(rows[i].record) > 150 ? rows[i].record + 150 : "", hosts);
        check_one(&p, zone);
        if (p.outcome.result != rows[i].result || p.outcome.lookups != rows[i].lookups) {
            fail_msg("%s: %s with %u (" SLICE_FMT ")", rows[i].record,
                     auth_result_name(p.outcome.result), p.outcome.lookups,
                     SLICE_ARG(p.outcome.problem));
        }
        if (p.outcome.result == AUTH_PERMERROR) {
            assert_true(is(p.outcome.problem, "more than 10 terms that ask the DNS"));
        }
        end(&p);
    }
}

static void voids_are_two(void **state)
{
    static const char *const hosts = "$TTL 60\n"
                                     "h.example. A 10.0.0.1\n"
                                     "some.example. AAAA ::1\n"
                                     "gone.example. MX 1 gone1.example.\n"
                                     "gone.example. MX 2 gone2.example.\n"
                                     "gone.example. MX 3 gone3.example.\n"
                                     "gone.example. MX 4 h.example.\n"
                                     "text.example. TXT \"nothing\"\n"
                                     "broken.example. SERVFAIL\n";
    static const struct {
        const char *record;
        enum auth_result result;
        unsigned voids;
    } rows[] = {
        {"a:n1.example exists:some.example +all", AUTH_PASS, 2},
        {"a:n1.example exists:some.example mx:h.example +all", AUTH_PERMERROR, 2},
        {"a:n1.example a:n2.example a:n3.example -all", AUTH_PERMERROR, 2},
        {"a:n1.example ptr a:x..example -all", AUTH_FAIL, 2},
        {"ptr ptr -all", AUTH_FAIL, 2}, /* asked once, counted for each */
        {"ptr ptr ptr -all", AUTH_PERMERROR, 2},
        {"mx:gone.example -all", AUTH_FAIL, 1}, /* a term counts once */
        {"mx:gone.example mx:gone.example mx:gone.example -all", AUTH_PERMERROR, 2},
        {"a:n1.example a:n2.example a:h.example -all", AUTH_FAIL, 2},
        {"a:n1.example a:n2.example exp=n3.example -all", AUTH_FAIL, 2},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char zone[2000];
        struct play p;
        snprintf(zone, sizeof(zone), "%sd.example. TXT \"v=spf1 %s\"\n", hosts, rows[i].record);
        check_one(&p, zone);
        if (p.outcome.result != rows[i].result || p.outcome.voids != rows[i].voids) {
            fail_msg("%s: %s with %u (" SLICE_FMT ")", rows[i].record,
                     auth_result_name(p.outcome.result), p.outcome.voids,
                     SLICE_ARG(p.outcome.problem));
        }
        end(&p);
    }
    struct play none = {.zone = hosts, .client = ME, .helo = HELO, .sender = "a@n.example"};
    play(&none);
    assert_int_equal(none.outcome.result, AUTH_NONE);
    assert_int_equal(none.outcome.voids, 0);
    end(&none);
}

static void many_hosts_and_names(void **state)
{
    (void)state;
    for (int n = 10; n <= 12; n++) {
        struct buf zone = {0};
        struct play p;
        buf_printf(&zone, "$TTL 60\nd.example. TXT \"v=spf1 mx -all\"\n");
        for (int i = 1; i <= n; i++) {
            buf_printf(&zone, "d.example. MX %d m%d.example.\nm%d.example. A 192.0.2.%d\n", i, i, i,
                       11 - i > 0 ? 11 - i : 100 + i);
        }
        buf_append(&zone, "", 1);
        check_one(&p, zone.p);
        assert_int_equal(p.outcome.result, n == 10 ? AUTH_PASS : AUTH_PERMERROR);
        assert_int_equal(p.asked, n == 10 ? 12 : 2);
        if (n > 10) {
            assert_true(is(p.outcome.problem, "d.example has more than 10 MX hosts"));
        }
        end(&p);
        buf_free(&zone);
    }
    /* Of the client's names ten are looked at, even if it has 500. */
    for (int good = 9; good <= 10; good++) {
        struct buf zone = {0};
        struct play p;
        buf_printf(&zone, "$TTL 60\nd.example. TXT \"v=spf1 ptr -all\"\n");
        for (int i = 0; i < 500; i++) {
            buf_printf(&zone, "1.2.0.192.in-addr.arpa. PTR n%d.d.example.\n", i);
        }
        buf_printf(&zone, "n%d.d.example. A 192.0.2.1\n", good);
        buf_append(&zone, "", 1);
        check_one(&p, zone.p);
        assert_int_equal(p.outcome.result, good == 9 ? AUTH_PASS : AUTH_FAIL);
        assert_int_equal(p.asked, 12);
        end(&p);
        buf_free(&zone);
    }
}

/* ---- hostile records ---- */

static void records_that_lead_to_themselves(void **state)
{
    static const char *const zones[] = {
        "d.example. 60 TXT \"v=spf1 include:d.example -all\"\n",
        "d.example. 60 TXT \"v=spf1 redirect=d.example\"\n",
        "d.example. 60 TXT \"v=spf1 include:%{d} include:%{d} redirect=%{d}\"\n",
        "d.example. 60 TXT \"v=spf1 include:e.example\"\ne.example. 60 TXT \"v=spf1 "
        "redirect=d.example\"\n",
        "*.d.example. 60 TXT \"v=spf1 include:x.%{d} -all\"\nd.example. 60 TXT \"v=spf1 "
        "include:x.%{d} -all\"\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(zones); i++) {
        struct play p;
        check_one(&p, zones[i]);
        assert_int_equal(p.outcome.result, AUTH_PERMERROR);
        assert_true(is(p.outcome.problem, "more than 10 terms that ask the DNS"));
        assert_int_equal(p.asked, 11);
        end(&p);
    }
}

/* Adds a TXT record of this text to a zone. */
static void add_text(struct zone *zone, const char *owner, struct slice text)
{
    struct zone_entry entry = {.kind = ZONE_RECORD, .type = DNS_TXT, .ttl = 60};
    assert_int_equal(dns_name_parse(slice_of(owner), &entry.owner), 0);
    entry.record.text = text;
    zone_add(zone, &entry);
}

/* As many of a term as fit into a message of the DNS, with a fault or without at the end. */
static struct slice long_record(char *room, const char *term, const char *last)
{
    size_t n = (size_t)sprintf(room, "v=spf1");
    while (n + strlen(term) + strlen(last) < 65000) {
        n += (size_t)sprintf(room + n, " %s", term);
    }
    n += (size_t)sprintf(room + n, " %s", last);
    return (struct slice){room, n};
}

static void long_records_cost_little(void **state)
{
    static const struct {
        const char *term, *last;
        enum auth_result result;
    } rows[] = {
        {"ip4:10.0.0.1", "ip4:192.0.2.1", AUTH_PASS},
        {"ip4:10.0.0.1", "include:d.example", AUTH_PERMERROR},
        {"a", "-all", AUTH_PERMERROR},
        {"x=%{d}", "-all", AUTH_FAIL},
        {"ip6:2001:db8::1/128", "redirect=d.example", AUTH_PERMERROR},
        {"include:d.example", "-all", AUTH_PERMERROR},
        {"ip4:10.0.0.1", "moo", AUTH_PERMERROR},
    };
    char *room = malloc(70000);
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct zone *zone = zone_new();
        struct play p = {.client = ME, .helo = HELO, .sender = "a@d.example"};
        add_text(zone, "d.example", long_record(room, rows[i].term, rows[i].last));
        clock_t began = clock();
        play_in(&p, zone);
        double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
        if (p.outcome.result != rows[i].result || seconds > 2) {
            fail_msg("%s: %s after %.3f s", rows[i].term, auth_result_name(p.outcome.result),
                     seconds);
        }
        assert_true(p.outcome.mechanism.n <= SPF_TEXT_MOST && p.outcome.problem.n <= SPF_TEXT_MOST);
        assert_true(p.asked <= 11);
        print_message("%s: %.1f ms\n", rows[i].term, seconds * 1000);
        end(&p);
        zone_free(zone);
    }
    free(room);
}

/* One term of 64 KB, of literals or macros. */
static void long_terms_cost_little(void **state)
{
    char *room = malloc(70000);
    size_t n = (size_t)sprintf(room, "v=spf1 -exists:");
    (void)state;
    memset(room + n, 'x', 60000);
    n += 60000;
    n += (size_t)sprintf(room + n, ".example -all");
    struct zone *zone = zone_new();
    struct play p = {.client = ME, .helo = HELO, .sender = "a@d.example"};
    add_text(zone, "d.example", (struct slice){room, n});
    play_in(&p, zone);
    /* It is cut to "example", which does not exist. */
    assert_int_equal(p.outcome.result, AUTH_FAIL);
    assert_true(is(p.outcome.mechanism, "-all"));
    assert_int_equal(p.outcome.voids, 1);
    end(&p);
    zone_free(zone);

    n = (size_t)sprintf(room, "v=spf1 exists:");
    while (n < 60000) {
        n += (size_t)sprintf(room + n, "%%{l128r.-+,/_=}");
    }
    zone = zone_new();
    p = (struct play){.client = ME, .helo = HELO, .sender = "a@d.example"};
    add_text(zone, "d.example", (struct slice){room, n});
    play_in(&p, zone);
    assert_int_equal(p.outcome.result, AUTH_PERMERROR);
    assert_true(p.outcome.problem.n > 15 &&
                memcmp(p.outcome.problem.p, "too many macros", 15) == 0);
    assert_true(p.outcome.problem.n <= 200);
    end(&p);
    zone_free(zone);
    free(room);
}

/* ---- time ---- */

static void questions_go_out_together(void **state)
{
    static const char zone[] = "$LATENCY 100ms\n$TTL 60\n"
                               "d.example. TXT \"v=spf1 mx ptr -all\"\n"
                               "d.example. MX 1 m1.example.\nd.example. MX 2 m2.example.\n"
                               "d.example. MX 3 m3.example.\nm1.example. A 10.0.0.1\n"
                               "m2.example. A 10.0.0.2\nm3.example. A 10.0.0.3\n"
                               "1.2.0.192.in-addr.arpa. PTR n1.d.example.\n"
                               "1.2.0.192.in-addr.arpa. PTR n2.d.example.\n"
                               "1.2.0.192.in-addr.arpa. PTR n3.else.example.\n"
                               "n1.d.example. A 10.0.0.1\nn2.d.example. A 192.0.2.1\n";
    struct play p;
    (void)state;
    check_one(&p, zone);
    assert_int_equal(p.outcome.result, AUTH_PASS);
    assert_true(is(p.outcome.mechanism, "ptr"));
    /* TXT, MX, its hosts, PTR, those of its names that matter */
    assert_int_equal(p.took, 500 * USEC_MSEC);
    assert_int_equal(p.asked, 1 + 1 + 3 + 1 + 2);
    end(&p);
}

static void silence_is_temperror_in_time(void **state)
{
    static const char *const zones[] = {
        "d.example. TIMEOUT\n",
        "d.example. 60 TXT \"v=spf1 a:mute.example -all\"\nmute.example. TIMEOUT\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(zones); i++) {
        struct play p;
        check_one(&p, zones[i]);
        assert_int_equal(p.outcome.result, AUTH_TEMPERROR);
        assert_true(is(p.outcome.problem,
                       i == 0 ? "timeout for TXT of d.example" : "timeout for A of mute.example"));
        assert_int_equal(p.took, 5 * USEC_SEC);
        end(&p);
    }
    /* The whole has an end, though each answer comes in time (4.6.4). */
    struct play slow = {.zone = "$LATENCY 3s\nd.example. 60 TXT \"v=spf1 a a a a a a a a a +all\"\n"
                                "d.example. 60 A 10.0.0.1\n",
                        .client = ME,
                        .helo = HELO,
                        .sender = "a@d.example"};
    play(&slow);
    assert_int_equal(slow.outcome.result, AUTH_TEMPERROR);
    assert_int_equal(slow.took, 20 * USEC_SEC);
    assert_true(is(slow.outcome.problem, "the DNS took too long in all"));
    end(&slow);
    /* Even where silence would only mean that there is no such name. */
    struct play names = {.zone = "d.example. 60 TXT \"v=spf1 ptr -all\"\n"
                                 "1.2.0.192.in-addr.arpa. TIMEOUT\n",
                         .client = ME,
                         .helo = HELO,
                         .sender = "a@d.example",
                         .question_time = 30 * USEC_SEC};
    play(&names);
    assert_int_equal(names.outcome.result, AUTH_TEMPERROR);
    assert_int_equal(names.took, 20 * USEC_SEC);
    end(&names);
    names.question_time = 5 * USEC_SEC;
    play(&names);
    assert_int_equal(names.outcome.result, AUTH_FAIL);
    assert_int_equal(names.took, 5 * USEC_SEC);
    end(&names);
}

static void who_is_cancelled_unwinds(void **state)
{
    (void)state;
    for (usec_t at = 50; at <= 1450; at += 100) {
        struct play p = {
            .zone = "$LATENCY 100ms\n$TTL 60\nd.example. TXT \"v=spf1 include:e.example -all\"\n"
                    "e.example. TXT \"v=spf1 include:f.example mx ptr exp=x.example -all\"\n"
                    "f.example. TXT \"v=spf1 exists:%{p}.f.example -all\"\n"
                    "e.example. MX 1 m.example.\nm.example. A 10.0.0.1\n"
                    "1.2.0.192.in-addr.arpa. PTR n1.d.example.\nn1.d.example. A 192.0.2.1\n",
            .client = ME,
            .helo = HELO,
            .sender = "a@d.example",
            .cancelled_at = at * USEC_MSEC};
        play(&p);
        assert_true(p.r == (at < 800 ? -ECANCELED : 0));
        end(&p);
    }
}

/* ---- explanations ---- */

static void explanations(void **state)
{
    static const char zone[] =
        "$TTL 60\n"
        "d.example. TXT \"v=spf1 ip4:10.0.0.1 exp=%{l}.why.example -all\"\n"
        "plain.why.example. TXT \"%{i} is not %{d}'s,%_%{L} of %{o}; %{c} %{r} %{t} %{p} %{h}\"\n"
        "two.why.example. TXT \"one\"\ntwo.why.example. TXT \"two\"\n"
        "joined.why.example. TXT \"see \" \"https://x.example/?%{S}\"\n"
        "odd.why.example. TXT \"b\\195\\188se\"\n"
        "control.why.example. TXT \"a\\010b\"\n"
        "wrong.why.example. TXT \"100%\"\n"
        "empty.why.example. TXT \"\"\n"
        "broken.why.example. SERVFAIL\n"
        "mute.why.example. TIMEOUT\n"
        "soft.example. TXT \"v=spf1 exp=plain.why.example ~all\"\n"
        "in.example. TXT \"v=spf1 include:d.example exp=in.why.example -all\"\n"
        "in.why.example. TXT \"outer\"\n"
        "bare.example. TXT \"v=spf1 include:d.example -all\"\n"
        "go.example. TXT \"v=spf1 exp=in.why.example redirect=to.example\"\n"
        "to.example. TXT \"v=spf1 exp=%{d}.why.example -all\"\n"
        "to.example.why.example. TXT \"at %{d}\"\n"
        "gone.example. TXT \"v=spf1 exp=in.why.example redirect=silent.example\"\n"
        "silent.example. TXT \"v=spf1 -all\"\n"
        "1.2.0.192.in-addr.arpa. PTR mail.else.example.\n"
        "mail.else.example. A 192.0.2.1\n";
    static const struct {
        const char *sender, *explanation;
        enum auth_result result;
    } rows[] = {
        {"plain@d.example",
         "192.0.2.1 is not d.example's, plain of d.example; 192.0.2.1 mx.example.net 1795729000 "
         "mail.else.example mail.example.org",
         AUTH_FAIL},
        {"two@d.example", "", AUTH_FAIL},
        {"joined@d.example", "see https://x.example/?joined%40d.example", AUTH_FAIL},
        {"odd@d.example", "", AUTH_FAIL},
        {"control@d.example", "", AUTH_FAIL},
        {"wrong@d.example", "", AUTH_FAIL},
        {"empty@d.example", "", AUTH_FAIL},
        {"none@d.example", "", AUTH_FAIL},
        {"broken@d.example", "", AUTH_FAIL},
        {"mute@d.example", "", AUTH_FAIL},
        {"\xc3\xbc@d.example", "", AUTH_FAIL},
        {"a@soft.example", "", AUTH_SOFTFAIL},
        {"plain@in.example", "outer", AUTH_FAIL},
        {"plain@bare.example", "", AUTH_FAIL},
        {"plain@go.example", "at to.example", AUTH_FAIL},
        {"plain@gone.example", "", AUTH_FAIL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct play p = {.zone = zone, .client = ME, .helo = HELO, .sender = rows[i].sender};
        play(&p);
        if (p.r != 0 || p.outcome.result != rows[i].result ||
            !is(p.outcome.explanation, rows[i].explanation)) {
            fail_msg("%s: %s \"" SLICE_FMT "\"", rows[i].sender, auth_result_name(p.outcome.result),
                     SLICE_ARG(p.outcome.explanation));
        }
        assert_int_equal(p.outcome.problem.n, 0);
        end(&p);
    }
}

/* What is told comes from anybody: nothing of it may disturb a terminal, or be endless. */
static void problems_are_told_cleanly(void **state)
{
    static const struct {
        const char *record, *problem;
    } rows[] = {
        {"+all moo\\027[2J",
         "an unknown mechanism at octet 13 of the SPF record of d.example: \"moo?[2J\""},
        {"a:museum", "a domain without a top label at octet 16 of the SPF record of d.example: "
                     "\"a:museum\""},
        {"include:none.example", "include:none.example leads to no SPF record"},
        {"redirect=none.example", "redirect=none.example leads to no SPF record"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char zone[200];
        struct play p;
        snprintf(zone, sizeof(zone), "d.example. 60 TXT \"v=spf1 %s\"\n", rows[i].record);
        check_one(&p, zone);
        if (!is(p.outcome.problem, rows[i].problem)) {
            fail_msg(SLICE_FMT, SLICE_ARG(p.outcome.problem));
        }
        end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities),
        cmocka_unit_test(records),
        cmocka_unit_test(mechanisms),
        cmocka_unit_test(includes_and_redirects),
        cmocka_unit_test(terms_that_ask_are_ten),
        cmocka_unit_test(voids_are_two),
        cmocka_unit_test(many_hosts_and_names),
        cmocka_unit_test(records_that_lead_to_themselves),
        cmocka_unit_test(long_records_cost_little),
        cmocka_unit_test(long_terms_cost_little),
        cmocka_unit_test(questions_go_out_together),
        cmocka_unit_test(silence_is_temperror_in_time),
        cmocka_unit_test(who_is_cancelled_unwinds),
        cmocka_unit_test(explanations),
        cmocka_unit_test(problems_are_told_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
