/* DMARC beside what tests/suite/dmarc says of its results: how long it takes, what it asks, what
 * ends it, and alignment for its own sake. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/dmarc.h"
#include "base/buf.h"
#include "client/resolver.h"
#include "client/zone.h"
#include "rt/rt.h"
#include "rt/sim.h"

static const char zone_text[] = "$LATENCY 200ms\n"
                                "_dmarc.example.com. TXT \"v=DMARC1; p=none; np=reject\"\n"
                                "_dmarc.example.net. TXT \"v=DMARC1; p=reject\"\n"
                                "_dmarc.cut.example.net. TXT \"v=DMARC1; p=reject; psd=n\"\n"
                                "_dmarc.lost.example.net. TIMEOUT\n"
                                "_dmarc.silent.example. TIMEOUT\n";

/* A case, played in a world of its own. */
struct world {
    struct zone *zone;
    struct resolver *resolver;
    struct arena arena;
    void (*fn)(struct world *w);
    bool done;
};

static void play(void *arg)
{
    struct world *w = arg;

    w->resolver = resolver_of_zone(rt_self(), w->zone);
    w->fn(w);
    w->resolver = resolver_free(w->resolver);
    w->done = true;
}

static void run(void (*fn)(struct world *w))
{
    struct world w = {.zone = zone_new(), .fn = fn};
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    struct zone_problem problem;

    arena_init(&w.arena);
    assert_int_equal(zone_read(w.zone, slice_of(zone_text), &problem), 0);
    assert_int_equal(task_spawn(rt, rt_root_of(rt), play, &w), 0);
    sim_run(sim, USEC_NEVER);
    assert_true(w.done);
    sim_rt_free(rt);
    sim_free(sim);
    zone_free(w.zone);
    arena_free(&w.arena);
}

/* The header is "From: FROM", SPF passed for `spf`. Returns how long it took. */
static usec_t check(struct world *w, const char *from, const char *spf, struct dmarc_outcome *ret)
{
    usec_t began = rt_now();
    const struct spf_outcome passed = {.result = AUTH_PASS, .domain = slice_of(spf)};
    const struct dmarc_query q = {
        .resolver = w->resolver,
        .clock = {.question_time = 5 * USEC_SEC, .deadline = began + 20 * USEC_SEC},
        .header = arena_printf(&w->arena, "From: %s\r\n", from),
        .spf = &passed,
    };
    assert_int_equal(dmarc_check(&q, &w->arena, ret), 0);
    return rt_now() - began;
}

static uint64_t asked(const struct world *w)
{
    return resolver_stats(w->resolver)->asked;
}

/* ---- time and questions ---- */

static void in_one_round(struct world *w)
{
    struct dmarc_outcome o;

    assert_int_equal(check(w, "a@x.y.example.net", "example.net", &o), 200 * USEC_MSEC);
    assert_int_equal(o.result, AUTH_PASS);
    assert_int_equal(asked(w), 4); /* the identifier lies on the author's way */
}

static void in_three_rounds(struct world *w)
{
    struct dmarc_outcome o;

    assert_int_equal(check(w, "a@x.example.net", "b.c.example.net", &o), 400 * USEC_MSEC);
    assert_int_equal(o.result, AUTH_PASS);
    assert_int_equal(asked(w), 5); /* _dmarc. x., example.net, net; b.c., c. */
    assert_int_equal(check(w, "a@x.example.com", "cut.example.com.attacker.example", &o),
                     400 * USEC_MSEC);
    assert_int_equal(o.result, AUTH_FAIL);
    assert_int_equal(o.policy, DMARC_REJECT);
    assert_int_equal(asked(w), 5 + 4); /* … and whether x.example.com exists */
}

static void in_time(struct world *w)
{
    struct dmarc_outcome o;

    assert_int_equal(check(w, "a@silent.example", "silent.example", &o), 5 * USEC_SEC);
    assert_int_equal(o.result, AUTH_TEMPERROR);
    assert_true(o.problem.n > 0);
}

static void without_questions(struct world *w)
{
    struct dmarc_outcome o;

    assert_int_equal(check(w, "nobody", "example.com", &o), 0);
    assert_int_equal(o.result, AUTH_PERMERROR);
    assert_int_equal(asked(w), 0);
}

/* The most that a message can make it ask. */
static void within_bounds(struct world *w)
{
    struct dkim_result signatures[100];
    struct buf from = {0};
    struct dmarc_outcome o;

    for (size_t i = 0; i < 100; i++) {
        signatures[i] = (struct dkim_result){
            .result = AUTH_PASS,
            .domain = arena_printf(&w->arena, "a.b.c.d.e.f.g%zu.example.net", i),
        };
        buf_printf(&from, "%sa@a.b.c.d.e.f.g.h.i%zu.example.net", i > 0 ? "," : "From: ", i);
    }
    const struct dmarc_query q = {
        .resolver = w->resolver,
        .clock = {.question_time = 5 * USEC_SEC, .deadline = rt_now() + 20 * USEC_SEC},
        .header = buf_slice(&from),
        .dkim = &(struct dkim_outcome){.signatures = signatures, .count = 100},
    };
    assert_int_equal(dmarc_check(&q, &w->arena, &o), 0);
    assert_int_equal(o.result, AUTH_PERMERROR);
    assert_true(asked(w) > 50);
    assert_true(asked(w) <= (DMARC_AUTHORS_MOST + DMARC_IDENTIFIERS_MOST) * 8);
    buf_free(&from);
}

static void test_time_and_questions(void **state)
{
    (void)state;
    run(in_one_round);
    run(in_three_rounds);
    run(in_time);
    run(without_questions);
    run(within_bounds);
}

/* ---- an end from outside ---- */

struct cancelled {
    struct world *w;
    int result;
    bool done;
};

static void check_until_cancelled(void *arg)
{
    struct cancelled *c = arg;
    struct dmarc_outcome o = {.result = AUTH_POLICY};
    const struct dmarc_query q = {
        .resolver = c->w->resolver,
        .clock = {.question_time = 5 * USEC_SEC, .deadline = rt_now() + 20 * USEC_SEC},
        .header = SLICE_LIT("From: a@silent.example\r\n"),
    };
    c->result = dmarc_check(&q, &c->w->arena, &o);
    assert_int_equal(o.result, AUTH_POLICY);
    c->done = true;
}

static void cancel(struct world *w)
{
    struct cancelled c = {.w = w};
    struct scope scope;

    scope_enter(&scope);
    assert_int_equal(task_spawn(rt_self(), &scope, check_until_cancelled, &c), 0);
    assert_int_equal(task_sleep(USEC_SEC), 0);
    assert_false(c.done);
    scope_cancel(&scope, -ECANCELED);
    scope_join(&scope);
    scope_leave(&scope);
    assert_true(c.done);
    assert_int_equal(c.result, -ECANCELED);
}

static void test_cancelled(void **state)
{
    (void)state;
    run(cancel);
}

/* ---- alignment ---- */

static void align(struct world *w)
{
    static const struct {
        struct slice domain;
        enum dmarc_alignment expected;
    } rows[] = {
        {SLICE_LIT("a.example.net"), DMARC_ALIGNED},
        {SLICE_LIT("A.EXAMPLE.NET"), DMARC_ALIGNED},
        {SLICE_LIT("example.net"), DMARC_ALIGNED},
        {SLICE_LIT("b.c.example.net"), DMARC_ALIGNED},
        {SLICE_LIT("net"), DMARC_NOT_ALIGNED},
        {SLICE_LIT("example.com"), DMARC_NOT_ALIGNED},
        {SLICE_LIT("cut.example.net"), DMARC_NOT_ALIGNED},
        {SLICE_LIT("x.cut.example.net"), DMARC_NOT_ALIGNED},
        {SLICE_LIT("lost.example.net"), DMARC_ALIGNMENT_UNKNOWN},
        {SLICE_LIT(""), DMARC_NOT_ALIGNED},
        {SLICE_LIT("not..a.domain"), DMARC_NOT_ALIGNED},
    };
    enum { N = sizeof(rows) / sizeof(rows[0]) };
    const struct auth_clock clock = {.question_time = 5 * USEC_SEC,
                                     .deadline = rt_now() + 20 * USEC_SEC};
    enum dmarc_alignment found[N];
    struct slice domains[N];

    for (size_t i = 0; i < N; i++) {
        domains[i] = rows[i].domain;
    }
    assert_int_equal(
        dmarc_align(w->resolver, &clock, SLICE_LIT("a.example.net"), domains, N, &w->arena, found),
        0);
    for (size_t i = 0; i < N; i++) {
        if (found[i] != rows[i].expected) {
            fail_msg(SLICE_FMT ": %d", SLICE_ARG(rows[i].domain), (int)found[i]);
        }
    }
    assert_int_equal(
        dmarc_align(w->resolver, &clock, SLICE_LIT("[192.0.2.1]"), domains, 1, &w->arena, found),
        0);
    assert_int_equal(found[0], DMARC_NOT_ALIGNED);
    assert_int_equal(
        dmarc_align(w->resolver, &clock, SLICE_LIT("silent.example"),
                    (struct slice[]){SLICE_LIT("silent.example"), SLICE_LIT("x.silent.example")}, 2,
                    &w->arena, found),
        0);
    assert_int_equal(found[0], DMARC_ALIGNED);
    assert_int_equal(found[1], DMARC_ALIGNMENT_UNKNOWN);
}

static void test_alignment(void **state)
{
    (void)state;
    run(align);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_and_questions),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
