/* Questions under way, in virtual time: who joins whom, what becomes of late answers, turns, the
 * cache in front, and the probe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "client/resolver_impl.h"
#include "client/zone.h"
#include "rt/rt.h"
#include "rt/sim.h"

struct world {
    struct rt *rt;
    struct zone *zone;
    struct resolver *resolver;
    struct arena arena;
};

static void in_world(const char *text, void (*fn)(void *arg))
{
    struct sim *sim = sim_new(1);
    struct world w = {.rt = sim_rt(sim), .zone = zone_new()};
    struct zone_problem problem;
    arena_init(&w.arena);
    assert_int_equal(zone_read(w.zone, slice_of(text), &problem), 0);
    w.resolver = resolver_of_zone(w.rt, w.zone);
    w.resolver->question_time = 5 * USEC_SEC;
    w.resolver->cache = dns_cache_new(1 << 20, w.resolver->secret);
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), fn, &w), 0);
    sim_run(sim, USEC_NEVER);
    resolver_free(w.resolver);
    zone_free(w.zone);
    arena_free(&w.arena);
    sim_rt_free(w.rt);
    sim_free(sim);
}

static struct dns_answer ask(struct world *w, const char *text, usec_t time)
{
    struct dns_name name;
    struct dns_answer a;
    assert_int_equal(dns_name_parse(slice_of(text), &name), 0);
    assert_int_equal(resolver_ask_one(w->resolver, &name, DNS_A, rt_now() + time, &w->arena, &a),
                     0);
    return a;
}

static const struct resolver_stats *stats(const struct world *w)
{
    return resolver_stats(w->resolver);
}

/* ---- joining ---- */

struct other {
    struct world *w;
    const char *name;
    usec_t time;
    struct dns_answer answer;
    usec_t at;
};

static void other_task(void *arg)
{
    struct other *o = arg;
    o->answer = ask(o->w, o->name, o->time);
    o->at = rt_now();
}

static void joining_task(void *arg)
{
    struct world *w = arg;
    struct other others[3] = {{w, "A.example", USEC_SEC, {0}, 0},
                              {w, "a.EXAMPLE", USEC_SEC, {0}, 0},
                              {w, "a.example", 50 * USEC_MSEC, {0}, 0}};
    struct scope scope;
    usec_t began = rt_now();
    scope_enter(&scope);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(task_spawn(w->rt, &scope, other_task, &others[i]), 0);
    }
    assert_int_equal(task_sleep(began + 100 * USEC_MSEC), 0);
    assert_int_equal(stats(w)->under_way, 1);
    assert_int_equal(stats(w)->joined, 2);
    struct dns_answer a = ask(w, "a.example", USEC_SEC);
    scope_join(&scope);
    scope_leave(&scope);
    assert_int_equal(rt_now(), began + 200 * USEC_MSEC);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(others[i].answer.state, DNS_ANSWER);
        assert_int_equal(others[i].at, began + 200 * USEC_MSEC);
        assert_ptr_not_equal(others[i].answer.records, a.records);
    }
    assert_int_equal(others[2].answer.state, DNS_TIMED_OUT); /* its own time alone was over */
    assert_int_equal(others[2].at, began + 50 * USEC_MSEC);
    assert_int_equal(stats(w)->asked, 1);
    assert_int_equal(stats(w)->cached, 0);
    assert_true(ask(w, "a.example", USEC_SEC).cached);
    assert_int_equal(stats(w)->asked, 1);
    assert_int_equal(stats(w)->cached, 1);
}

static void joining(void **state)
{
    (void)state;
    in_world("$LATENCY 200ms\na.example 60 A 192.0.2.1\n", joining_task);
}

/* The same question twice in one call. */
static void twice_task(void *arg)
{
    struct world *w = arg;
    struct dns_question q[2] = {{.type = DNS_A}, {.type = DNS_A}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(dns_name_parse(SLICE_LIT("a.example"), &q[i].name), 0);
    }
    assert_int_equal(resolver_ask(w->resolver, q, 2, rt_now() + USEC_SEC, &w->arena), 0);
    assert_int_equal(q[0].answer.count, 1);
    assert_int_equal(q[1].answer.count, 1);
    assert_int_equal(stats(w)->asked, 1);
}

static void twice(void **state)
{
    (void)state;
    in_world("$LATENCY 200ms\na.example 60 A 192.0.2.1\n", twice_task);
    in_world("a.example 60 A 192.0.2.1\n", twice_task);
}

/* Who is cancelled lets go; the question goes on, for others and for the cache. */
static void cancelled_task(void *arg)
{
    struct world *w = arg;
    struct scope scope;
    struct dns_name name;
    struct dns_answer a;
    usec_t began = rt_now();
    assert_int_equal(dns_name_parse(SLICE_LIT("a.example"), &name), 0);
    scope_enter(&scope);
    scope_cancel(&scope, -ECONNRESET);
    assert_int_equal(resolver_ask_one(w->resolver, &name, DNS_A, USEC_NEVER, &w->arena, &a),
                     -ECANCELED);
    scope_leave(&scope);
    assert_int_equal(rt_now(), began);
    assert_int_equal(stats(w)->under_way, 1);
    assert_int_equal(task_sleep(began + 201 * USEC_MSEC), 0);
    assert_int_equal(stats(w)->under_way, 0);
    assert_true(ask(w, "a.example", 0).cached);
}

static void cancelled(void **state)
{
    (void)state;
    in_world("$LATENCY 200ms\na.example 60 A 192.0.2.1\n", cancelled_task);
}

/* ---- late answers ---- */

static void late_task(void *arg)
{
    struct world *w = arg;
    usec_t began = rt_now();
    struct dns_answer a = ask(w, "a.example", 30 * USEC_SEC);
    assert_int_equal(a.state, DNS_TIMED_OUT); /* after the time of one question */
    assert_int_equal(rt_now(), began + 5 * USEC_SEC);
    assert_int_equal(stats(w)->timed_out, 1);
    assert_int_equal(stats(w)->under_way, 1);

    a = ask(w, "a.example", 30 * USEC_SEC); /* so it is said to all for a while, at once */
    assert_int_equal(a.state, DNS_TIMED_OUT);
    assert_true(a.cached);
    assert_int_equal(rt_now(), began + 5 * USEC_SEC);

    assert_int_equal(task_sleep(began + 10 * USEC_SEC), 0);
    a = ask(w, "a.example", 30 * USEC_SEC); /* then the same question is joined */
    assert_int_equal(a.state, DNS_ANSWER);
    assert_int_equal(rt_now(), began + 12 * USEC_SEC);
    assert_int_equal(stats(w)->asked, 1);
    assert_int_equal(stats(w)->joined, 1);
    assert_int_equal(stats(w)->failed, 0);
}

static void late(void **state)
{
    (void)state;
    in_world("$LATENCY 12s\na.example 60 A 192.0.2.1\n", late_task);
}

/* An answer that comes while "timeout" is still said takes its place. */
static void just_late_task(void *arg)
{
    struct world *w = arg;
    usec_t began = rt_now();
    assert_int_equal(ask(w, "a.example", 30 * USEC_SEC).state, DNS_TIMED_OUT);
    assert_int_equal(task_sleep(began + 6 * USEC_SEC + 1), 0);
    struct dns_answer a = ask(w, "a.example", 0);
    assert_int_equal(a.state, DNS_ANSWER);
    assert_true(a.cached);
}

static void just_late(void **state)
{
    (void)state;
    in_world("$LATENCY 6s\na.example 60 A 192.0.2.1\n", just_late_task);
}

/* SERVFAIL is remembered for a moment, too. */
static void failing_task(void *arg)
{
    struct world *w = arg;
    assert_int_equal(ask(w, "bad.example", USEC_SEC).state, DNS_FAILED);
    assert_true(ask(w, "bad.example", USEC_SEC).cached);
    assert_int_equal(stats(w)->failed, 1);
    assert_int_equal(task_sleep(rt_now() + 5 * USEC_SEC), 0);
    assert_false(ask(w, "bad.example", USEC_SEC).cached);
    assert_int_equal(stats(w)->failed, 2);
}

static void failing(void **state)
{
    (void)state;
    in_world("bad.example SERVFAIL\n", failing_task);
}

/* ---- turns ---- */

#define EXTRA 50

/* More than a source may have at a time wait for their turn, and get it. */
static void turns_task(void *arg)
{
    struct world *w = arg;
    const size_t count = DNS_IN_TIME_MOST + EXTRA;
    struct dns_question *q = arena_zalloc(&w->arena, count * sizeof(*q));
    usec_t began = rt_now();
    for (size_t i = 0; i < count; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "n%zu.example", i);
        assert_int_equal(dns_name_parse(slice_of(text), &q[i].name), 0);
        q[i].type = DNS_A;
    }
    assert_int_equal(resolver_ask(w->resolver, q, count, began + 100 * USEC_MSEC, &w->arena), 0);
    assert_int_equal(stats(w)->under_way, DNS_IN_TIME_MOST);
    assert_int_equal(stats(w)->waiting, EXTRA);
    assert_int_equal(q[0].answer.state, DNS_TIMED_OUT);
    /* All have gone: those that were not asked never are, but for one that is wanted again. */
    assert_int_equal(resolver_ask(w->resolver, &q[count - 1], 1, began + USEC_SEC, &w->arena), 0);
    assert_int_equal(q[count - 1].answer.state, DNS_ANSWER);
    assert_int_equal(rt_now(), began + 400 * USEC_MSEC);
    assert_int_equal(stats(w)->asked, DNS_IN_TIME_MOST + 1);
    assert_int_equal(stats(w)->waiting, 0);
    assert_int_equal(stats(w)->under_way, 0);
}

static void turns(void **state)
{
    (void)state;
    in_world("$LATENCY 200ms\n*.example 60 A 192.0.2.1\n", turns_task);
}

/* Whose time is over before its turn comes hears that, and is not asked any more. */
static void never_asked_task(void *arg)
{
    struct world *w = arg;
    const size_t count = DNS_IN_TIME_MOST + 1;
    struct dns_question *q = arena_zalloc(&w->arena, count * sizeof(*q));
    usec_t began = rt_now();
    for (size_t i = 0; i < count; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "n%zu.mute", i);
        assert_int_equal(dns_name_parse(slice_of(text), &q[i].name), 0);
        q[i].type = DNS_A;
    }
    assert_int_equal(resolver_ask(w->resolver, q, count, USEC_NEVER, &w->arena), 0);
    assert_int_equal(rt_now(), began + 5 * USEC_SEC);
    assert_int_equal(q[count - 1].answer.state, DNS_TIMED_OUT);
    assert_int_equal(stats(w)->asked, DNS_IN_TIME_MOST);
    assert_int_equal(stats(w)->waiting, 0);
    assert_int_equal(stats(w)->timed_out, count);
    w->resolver = resolver_free(w->resolver); /* with all that is under way */
}

static void never_asked(void **state)
{
    (void)state;
    in_world("*.mute TIMEOUT\n", never_asked_task);
}

/* Servers that keep silent hold questions for long, but not the turns of others. */
static void silent_crowd_task(void *arg)
{
    struct world *w = arg;
    struct dns_question *q = arena_zalloc(&w->arena, DNS_IN_TIME_MOST * sizeof(*q));
    for (unsigned round = 1; round <= DNS_UNDER_WAY_MOST / DNS_IN_TIME_MOST; round++) {
        for (size_t i = 0; i < DNS_IN_TIME_MOST; i++) {
            char text[32];
            (void)snprintf(text, sizeof(text), "n%u-%zu.mute", round, i);
            assert_int_equal(dns_name_parse(slice_of(text), &q[i].name), 0);
            q[i].type = DNS_A;
        }
        struct dns_answer a = ask(w, "a.example", USEC_SEC);
        assert_int_equal(a.state, DNS_ANSWER);
        assert_false(a.cached);
        assert_int_equal(resolver_ask(w->resolver, q, DNS_IN_TIME_MOST, USEC_NEVER, &w->arena), 0);
        assert_int_equal(stats(w)->under_way, round * DNS_IN_TIME_MOST);
        assert_int_equal(q[0].answer.state, DNS_TIMED_OUT);
    }
    /* Until there are too many of them. */
    assert_int_equal(ask(w, "b.example", USEC_SEC).state, DNS_TIMED_OUT);
    assert_int_equal(stats(w)->waiting, 1);
    w->resolver = resolver_free(w->resolver);
}

static void silent_crowd(void **state)
{
    (void)state;
    in_world("*.mute TIMEOUT\na.example 1 A 192.0.2.1\nb.example A 192.0.2.2\n", silent_crowd_task);
}

/* ---- the probe ---- */

static void on_turned(void *arg, bool broken, const char *why)
{
    buf_printf(arg, "%s%s\n", broken ? "broken: " : "well", why);
}

static const char *told(struct buf *b)
{
    buf_append(b, "", 1);
    b->n--;
    return b->p;
}

/* An empty world says that no name exists, which is an answer. */
static void probe_well_task(void *arg)
{
    struct world *w = arg;
    struct buf words = {0};
    resolver_watch(w->resolver, on_turned, &words);
    assert_int_equal(task_sleep(rt_now() + 1000 * USEC_SEC), 0);
    assert_int_equal(stats(w)->asked, 4);
    assert_int_equal(stats(w)->cached, 0); /* for another name each time */
    assert_true(resolver_health(w->resolver)->known);
    assert_null(resolver_health(w->resolver)->trouble);
    assert_string_equal(told(&words), "");
    w->resolver = resolver_free(w->resolver);
    buf_free(&words);
}

static void probe_well(void **state)
{
    (void)state;
    in_world("$LATENCY 10ms\n", probe_well_task);
}

/* A source that says what it is told to. */
static struct dns_answer to_say;

static void said_ask(struct resolver_source *s, struct dns_cell *cell)
{
    (void)s;
    cell->answer = to_say;
    dns_cell_end(cell);
}

static void said_free(struct resolver_source *s)
{
    (void)s;
}

static struct buf said;

static void begin_saying(struct world *w)
{
    static const struct resolver_source_ops ops = {said_ask, said_free};
    static struct resolver_source source = {.ops = &ops};
    w->resolver->source->ops->free(w->resolver->source);
    w->resolver->source = &source;
    said.n = 0;
    resolver_watch(w->resolver, on_turned, &said);
}

static void assert_probed(enum dns_state state, bool secure, usec_t time, const char *expected)
{
    to_say = (struct dns_answer){.state = state, .secure = secure};
    assert_int_equal(task_sleep(rt_now() + time), 0);
    assert_string_equal(told(&said), expected);
    said.n = 0;
}

/* It breaks while nobody looks, is noticed by the questions that come to nothing, is said once, and
 * is asked often until it is well again. */
static void probe_turns_task(void *arg)
{
    struct world *w = arg;
    char text[32];
    begin_saying(w);
    assert_probed(DNS_NO_NAME, false, 20 * USEC_SEC, "");
    to_say.state = DNS_FAILED;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(stats(w)->asked, 1 + i);
        (void)snprintf(text, sizeof(text), "n%u.example", i);
        assert_int_equal(ask(w, text, USEC_SEC).state, DNS_FAILED);
    }
    usec_t since = rt_now();
    assert_probed(DNS_FAILED, false, USEC_SEC,
                  "broken: no server gives an answer that can be used\n");
    assert_int_equal(resolver_health(w->resolver)->since, since);
    assert_probed(DNS_FAILED, false, 99 * USEC_SEC, "");
    assert_int_equal(stats(w)->asked, 1 + 10 + 11);
    assert_probed(DNS_NODATA, false, 10 * USEC_SEC, "well\n");
    assert_true(resolver_health(w->resolver)->since > since);
    assert_probed(DNS_NO_NAME, false, 1000 * USEC_SEC, "");
    w->resolver = resolver_free(w->resolver);
    buf_free(&said);
}

static void probe_turns(void **state)
{
    (void)state;
    in_world("", probe_turns_task);
}

/* Where the root is validated, an answer that is not is none. */
static void probe_validates_task(void *arg)
{
    struct world *w = arg;
    w->resolver->validates = true;
    begin_saying(w);
    assert_probed(DNS_NO_NAME, false, USEC_SEC, "broken: what the root says is not signed\n");
    assert_probed(DNS_NO_NAME, true, 10 * USEC_SEC, "well\n");
    assert_probed(DNS_BOGUS, false, 300 * USEC_SEC, "broken: the root does not validate\n");
    assert_probed(DNS_TIMED_OUT, false, 10 * USEC_SEC, "");
    assert_string_equal(resolver_health(w->resolver)->trouble, "no server answers in time");
    assert_probed(DNS_ANSWER, true, 10 * USEC_SEC, "well\n");
    w->resolver = resolver_free(w->resolver);
    buf_free(&said);
}

static void probe_validates(void **state)
{
    (void)state;
    in_world("", probe_validates_task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joining),      cmocka_unit_test(twice),
        cmocka_unit_test(cancelled),    cmocka_unit_test(late),
        cmocka_unit_test(just_late),    cmocka_unit_test(failing),
        cmocka_unit_test(turns),        cmocka_unit_test(never_asked),
        cmocka_unit_test(silent_crowd), cmocka_unit_test(probe_well),
        cmocka_unit_test(probe_turns),  cmocka_unit_test(probe_validates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
