/* The facts of outside scanners: what they are without one, and that each is asked once however
 * many facts want it. */
#include "fact_world.h"

#include <string.h>

#include "client/scanners.h"
#include "fact/message_scans.h"
#include "rt/sim.h"

static const enum fact_id ids[] = {
    FACT_virus,          FACT_rspamd_score,       FACT_rspamd_action,
    FACT_rspamd_symbols, FACT_spamassassin_score, FACT_spamassassin_rules};

static void configure(struct fact_world *w)
{
    static char names[CONF_SCANNERS][8] = {"clamd", "rspamd", "spamd"};

    for (size_t i = 0; i < CONF_SCANNERS; i++) {
        w->conf.scanners[i] = (struct conf_scanner){
            .configured = true,
            .addr = {.family = ADDR_V4, .octets = {10, 0, 0, (uint8_t)(i + 1)}, .port = 1000},
            .name = names[i],
        };
    }
    w->conf.limits.virus_time = w->conf.limits.spam_time = 10 * USEC_SEC;
    w->conf.limits.connect_time = 10 * USEC_SEC;
    w->conf.limits.scan_connections = 10;
    w->conf.limits.scan_size = 1 << 20;
}

/* As of a clean message. */
static void not_configured(void **state)
{
    struct fact_world *w = *state;

    assert_text(world_ask(w, FACT_virus), "");
    assert_text(world_ask(w, FACT_rspamd_action), "");
    for (size_t i = 0; i < COUNT(ids); i++) {
        const struct value v = world_ask(w, ids[i]);
        assert_int_equal(v.state, VALUE_KNOWN);
        if (v.type == TYPE_DECIMAL) {
            assert_int_equal(v.number, 0);
        } else if (v.type == TYPE_SET) {
            assert_int_equal(v.set.count, 0);
        }
    }
}

/* A rehearsal asks none. */
static void nobody_to_ask(void **state)
{
    struct fact_world *w = *state;

    configure(w);
    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_unknown(world_ask(w, ids[i]), UNKNOWN_NOT_AVAILABLE);
    }
}

/* ---- with scanners ---- */

struct scan_world {
    struct fact_world *f;
    struct sim *sim;
    struct rt *rt, *internet;
    unsigned asked;
    struct value values[COUNT(ids)];
    unsigned over;
};

static struct scan_world s;

static const char *const replies[CONF_SCANNERS] = {
    [CONF_CLAMD] = "stream: Some.Name FOUND",
    [CONF_RSPAMD] = ("HTTP/1.1 200 OK\r\n\r\n{\"score\":7.5,\"action\":\"add header\","
                     "\"symbols\":{\"ONE\":{},\"TWO\":{}}}"),
    [CONF_SPAMASSASSIN] = "SPAMD/1.1 75 EX_TEMPFAIL\r\n",
};

static void serve(void *arg)
{
    char octets[4096];
    size_t n = 0;
    struct stream *stream = arg;

    while (n < 4 || (memcmp(octets + n - 4, "\0\0\0\0", 4) != 0 &&
                     memcmp(octets + n - 4, "\r\n\r\n", 4) != 0 && octets[0] != 'S')) {
        const ssize_t r = stream_read(stream, octets + n, sizeof(octets) - n, USEC_NEVER);
        assert_true(r > 0);
        n += (size_t)r;
    }
    const char *reply = replies[octets[0] == 'z'   ? CONF_CLAMD
                                : octets[0] == 'P' ? CONF_RSPAMD
                                                   : CONF_SPAMASSASSIN];
    struct iovec iov = {(char *)(uintptr_t)reply, strlen(reply) + (octets[0] == 'z')};
    s.asked++;
    (void)task_sleep(rt_now() + USEC_SEC);
    (void)stream_write(stream, &iov, 1, USEC_NEVER, NULL);
    stream_close(stream);
}

static void on_accept(void *arg, struct stream *stream, const struct addr *client,
                      const struct addr *local)
{
    (void)arg;
    (void)client;
    (void)local;
    assert_int_equal(task_spawn(s.internet, rt_root_of(s.internet), serve, stream), 0);
}

static void ask_task(void *arg)
{
    struct value *v = arg;

    *v = world_ask(s.f, ids[v - s.values]);
    s.over++;
}

static void ask_all(void)
{
    s.over = 0;
    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_int_equal(task_spawn(s.rt, rt_root_of(s.rt), ask_task, &s.values[i]), 0);
    }
    sim_run(s.sim, sim_now(s.sim) + 60 * USEC_SEC);
    assert_int_equal(s.over, COUNT(ids));
}

static void check_values(enum value_source source)
{
    assert_text(s.values[0], "Some.Name");
    assert_int_equal(s.values[1].number, 7500);
    assert_text(s.values[2], "add header");
    assert_int_equal(s.values[3].set.count, 2);
    assert_slice(s.values[3].set.items[1], "TWO");
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(s.values[i].source, source);
    }
    assert_unknown(s.values[4], UNKNOWN_TEMPORARY);
    assert_unknown(s.values[5], UNKNOWN_TEMPORARY);
}

/* Six facts ask at once, and again: three connections. The next transaction's too, as far as there
 * was an answer. */
static void each_is_asked_once(void **state)
{
    struct sim_listener *listeners[CONF_SCANNERS];

    s = (struct scan_world){.f = *state, .sim = sim_new(3)};
    s.rt = sim_rt(s.sim);
    s.internet = sim_rt(s.sim);
    configure(s.f);
    s.f->conf.limits.scan_memory_time = 3600 * USEC_SEC;
    for (size_t i = 0; i < CONF_SCANNERS; i++) {
        listeners[i] = sim_listen(s.internet, &s.f->conf.scanners[i].addr, on_accept, NULL);
    }
    spool_init(&s.f->message.spool, NULL);
    s.f->e.scanners = scanners_new(s.rt, &s.f->conf, NULL, NULL, NULL);
    s.f->e.scans = message_scans_new(&s.f->arena, &s.f->message);
    ask_all();
    check_values(SOURCE_SCANNER);
    ask_all();
    check_values(SOURCE_SCANNER);
    assert_int_equal(s.asked, 3);
    s.f->e.scans = message_scans_new(&s.f->arena, &s.f->message);
    ask_all();
    check_values(SOURCE_CACHE);
    assert_int_equal(s.asked, 4);
    scanners_free(s.f->e.scanners);
    for (size_t i = 0; i < CONF_SCANNERS; i++) {
        sim_listener_free(listeners[i]);
    }
    sim_rt_free(s.rt);
    sim_rt_free(s.internet);
    sim_free(s.sim);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(not_configured),
        TEST(nobody_to_ask),
        TEST(each_is_asked_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
