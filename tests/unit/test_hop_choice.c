/* Which hop of a route is chosen: shares by weight, and who is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "route/hop_choice.h"
#include "route/hop_pool.h"
#include "rt/sim.h"

struct world {
    struct sim *sim;
    struct rt *rt;
    struct conf *conf;
    struct hop_pools *pools;
};

static struct world *world_new(const char *route)
{
    struct world *w = calloc(1, sizeof *w);
    struct conf_error error;
    struct buf text = {0};
    buf_printf(&text, "hostname mx.example\nlisten 127.0.0.1:25\nroute . to %s\n", route);
    if (conf_parse(buf_slice(&text), "t", &w->conf, &error) < 0) {
        fail_msg("%s", error.text);
    }
    buf_free(&text);
    w->sim = sim_new(1);
    w->rt = sim_rt(w->sim);
    w->pools = hop_pools_new(w->rt, w->conf);
    return w;
}

static void world_free(struct world *w)
{
    hop_pools_free(w->pools);
    sim_run(w->sim, USEC_NEVER);
    sim_rt_free(w->rt);
    sim_free(w->sim);
    conf_free(w->conf);
    free(w);
}

/* The next `n` choices as letters. */
static const char *choices(struct world *w, size_t n, hop_set passed_over)
{
    static char text[101];
    for (size_t i = 0; i < n; i++) {
        int place = hop_choose(w->pools, w->conf->routes[0], passed_over);
        text[i] = place < 0 ? '-' : (char)('A' + place);
    }
    text[n] = '\0';
    return text;
}

static void down(struct world *w, size_t i)
{
    w->pools->pool[i].health.down = true;
    w->pools->pool[i].health.retry_at = USEC_NEVER; /* no trial */
}

static void busy(struct world *w, size_t i, bool yes)
{
    w->pools->pool[i].in_use = yes ? (unsigned)w->conf->limits.hop_connections : 0;
}

static void test_one(void **state)
{
    (void)state;
    struct world *w = world_new("smtp://10.0.0.1");
    assert_string_equal(choices(w, 3, 0), "AAA");
    down(w, 0);
    assert_string_equal(choices(w, 3, 0), "AAA");
    assert_string_equal(choices(w, 1, 1), "-");
    world_free(w);
}

/* Exact shares in each round, and spread over it. */
static void test_weights(void **state)
{
    (void)state;
    struct world *w = world_new("smtp://10.0.0.1 weight 5, smtp://10.0.0.2, smtp://10.0.0.3");
    assert_string_equal(choices(w, 7, 0), "AABACAA");
    assert_string_equal(choices(w, 7, 0), "AABACAA");
    world_free(w);
    w = world_new("smtp://10.0.0.1, smtp://10.0.0.2");
    assert_string_equal(choices(w, 6, 0), "ABABAB");
    world_free(w);
    w = world_new("smtp://10.0.0.1 weight 1000, smtp://10.0.0.2 weight 1");
    for (size_t i = 0, b = 0; i < 10; i++) {
        const char *text = choices(w, 100, 0);
        for (size_t k = 0; k < 100; k++) {
            b += text[k] == 'B';
        }
        assert_true(b <= 1);
    }
    world_free(w);
}

/* Who has the route's transactions just now takes nobody's turn, and does not depend on whose it
 * is. */
static void test_serving(void **state)
{
    (void)state;
    struct world *w = world_new("smtp://10.0.0.1, smtp://10.0.0.2, smtp://10.0.0.3 standby");
    const struct conf_route *route = w->conf->routes[0];
    assert_int_equal(hop_serving(w->pools, route), 3);
    busy(w, 0, true);
    assert_int_equal(hop_serving(w->pools, route), 3);
    busy(w, 0, false);
    assert_string_equal(choices(w, 4, 0), "ABAB");
    down(w, 0);
    assert_int_equal(hop_serving(w->pools, route), 2);
    down(w, 1);
    assert_int_equal(hop_serving(w->pools, route), 4);
    down(w, 2);
    assert_int_equal(hop_serving(w->pools, route), 3);
    world_free(w);
    w = world_new("smtp://10.0.0.1");
    down(w, 0);
    assert_int_equal(hop_serving(w->pools, w->conf->routes[0]), 1);
    world_free(w);
}

static void test_passed_over(void **state)
{
    (void)state;
    struct world *w = world_new("smtp://10.0.0.1, smtp://10.0.0.2, smtp://10.0.0.3 standby");
    assert_int_equal(hop_choices(w->pools, w->conf->routes[0], 0), 3);
    assert_string_equal(choices(w, 4, 1), "BBBB");
    assert_string_equal(choices(w, 2, 3), "CC");
    assert_string_equal(choices(w, 1, 7), "-");
    assert_int_equal(hop_choices(w->pools, w->conf->routes[0], 3), 1);
    world_free(w);
}

/* The standby comes when no other is well, and goes when one is again; it is the last to be tried
 * when all are down. Being busy is not being down. */
static void test_standby(void **state)
{
    (void)state;
    struct world *w = world_new("smtp://10.0.0.1, smtp://10.0.0.2, smtp://10.0.0.3 standby");
    assert_string_equal(choices(w, 4, 0), "ABAB");
    busy(w, 0, true);
    assert_string_equal(choices(w, 4, 0), "BBBB");
    busy(w, 1, true);
    assert_null(strchr(choices(w, 10, 0), 'C'));
    down(w, 0);
    assert_string_equal(choices(w, 2, 0), "BB");
    down(w, 1);
    assert_string_equal(choices(w, 2, 0), "CC");
    assert_int_equal(hop_choices(w->pools, w->conf->routes[0], 0), 1);
    down(w, 2);
    assert_null(strchr(choices(w, 10, 0), 'C'));
    assert_string_equal(choices(w, 1, 3), "C");
    w->pools->pool[1].health.down = false;
    busy(w, 1, false);
    assert_string_equal(choices(w, 2, 0), "BB");
    world_free(w);
}

/* Two routes share a hop: its health is one, their turns are not. */
static void test_two_routes(void **state)
{
    (void)state;
    struct world *w = world_new("smtp://10.0.0.1, smtp://10.0.0.2\n"
                                "route x.example to smtp://10.0.0.2, smtp://10.0.0.3");
    assert_int_equal(w->conf->route_count, 2);
    assert_int_equal(hop_choose(w->pools, w->conf->routes[0], 0), 0);
    assert_int_equal(hop_choose(w->pools, w->conf->routes[1], 0), 0);
    assert_int_equal(hop_choose(w->pools, w->conf->routes[0], 0), 1);
    down(w, 1);
    assert_int_equal(hop_choose(w->pools, w->conf->routes[0], 0), 0);
    assert_int_equal(hop_choose(w->pools, w->conf->routes[1], 0), 1);
    assert_int_equal(hop_choose(w->pools, w->conf->routes[1], 0), 1);
    world_free(w);
}

/* ---- time ---- */

static void shares(void *arg)
{
    bool *done = arg;
    usec_t now = rt_now();
    assert_int_equal(hop_share(now + 30 * USEC_SEC, 1), now + 30 * USEC_SEC);
    assert_int_equal(hop_share(now + 30 * USEC_SEC, 0), now + 30 * USEC_SEC);
    assert_int_equal(hop_share(now + 30 * USEC_SEC, 2), now + 15 * USEC_SEC);
    assert_int_equal(hop_share(now + 30 * USEC_SEC, 64), now + 5 * USEC_SEC);
    assert_int_equal(hop_share(now + 3 * USEC_SEC, 3), now + 1500 * USEC_MSEC);
    assert_int_equal(hop_share(now, 3), now);
    *done = true;
}

static void test_shares(void **state)
{
    (void)state;
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    bool done = false;
    assert_int_equal(task_spawn(rt, rt_root_of(rt), shares, &done), 0);
    sim_run(sim, USEC_NEVER);
    assert_true(done);
    sim_rt_free(rt);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),     cmocka_unit_test(test_weights),
        cmocka_unit_test(test_serving), cmocka_unit_test(test_passed_over),
        cmocka_unit_test(test_standby), cmocka_unit_test(test_two_routes),
        cmocka_unit_test(test_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
