/* A crowd that waits for its greeting: the DNS is asked about few of them at a time, and all are
 * greeted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include "rt/stream.h"
#include "smtp/foresight.h"

#define CROWD 300

static const char conf_text[] =
    "hostname mx.example\n"
    "listen 192.0.2.10:25\n"
    "route example.org to smtp://" HOUSE_HOP "\n"
    "limit client_sessions 1000\n"
    "policy {\n"
    "    at connect { wait 4s }\n"
    "    at rcpt { reject \"%{client.name}\" when client.name != \"\" }\n"
    "}\n";

struct crowd {
    struct house *house;
    unsigned greeted;
    bool done;
};

static void come(void *arg)
{
    struct crowd *c = arg;
    const struct addr at = house_address(0);
    static struct stream *streams[CROWD];
    char octets[64];

    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(stream_connect(&at, rt_now() + USEC_SEC, &streams[i]), 0);
    }
    for (size_t i = 0; i < CROWD; i++) {
        const ssize_t n = stream_read(streams[i], octets, sizeof(octets), rt_now() + 10 * USEC_SEC);
        c->greeted += n > 4 && memcmp(octets, "220 ", 4) == 0;
    }
    for (size_t i = 0; i < CROWD; i++) {
        stream_close(streams[i]);
    }
    c->done = true;
}

/* All at once: so many as may are asked about. */
static void crowd_comes(struct crowd *c, const char *zone_text, unsigned asked)
{
    struct zone_problem problem;
    struct zone *zone = zone_new();
    const struct smtp_server *srv = &house_worker(c->house, 0)->server;

    assert_int_equal(zone_read(zone, slice_of(zone_text), &problem), 0);
    house_set_dns(c->house, zone);
    c->done = false;
    c->greeted = 0;
    const usec_t began = sim_now(c->house->sim);
    const uint64_t before = srv->counts->asked_ahead;
    assert_int_equal(task_spawn(c->house->outside, rt_root_of(c->house->outside), come, c), 0);
    sim_run(c->house->sim, began + 3 * USEC_SEC);
    assert_int_equal(srv->guest_count, CROWD);
    assert_int_equal(srv->counts->asked_ahead - before, asked);
    assert_int_equal(srv->foresight_count, FORESIGHTS_MOST);
    assert_true(sim_run_until(c->house->sim, &c->done));
    assert_int_equal(c->greeted, CROWD);
    sim_run(c->house->sim, sim_now(c->house->sim) + 90 * USEC_SEC);
    assert_true(smtp_server_rests(srv));
}

static void few_at_a_time(void **state)
{
    struct crowd c = {.house = house_new(1, conf_text, 1, false)};

    (void)state;
    crowd_comes(&c, "$LATENCY 1s\n", FORESIGHTS_MOST);
    /* and again, when the first have been answered; now by nobody */
    crowd_comes(&c, "*.in-addr.arpa. TIMEOUT\n", FORESIGHTS_MOST);
    house_free(c.house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(few_at_a_time)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
