/* How often clients may come: at once, later, with and without limits, in a full table, and beside
 * processes that die. */
#include "shm_world.h"

#include <stdio.h>

#include "store/rates.h"

#define CAPACITY 32
#define CELLS    64
#define START    (1000 * USEC_SEC)

static struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_of(text), &a), 0);
    a.port = (uint16_t)random();
    return a;
}

static int setup(void **state)
{
    *state = rates_init(map_shared(rates_memory(CAPACITY)), CAPACITY);
    return 0;
}

static int teardown(void **state)
{
    rates_fini(*state);
    return munmap(*state, rates_memory(CAPACITY));
}

static enum rates_answer take(struct rates *r, const char *client, unsigned per_client,
                              unsigned per_network, usec_t now)
{
    struct addr a = address(client);
    return rates_take(r, &a, per_client, per_network, now);
}

/* How many of `n` that come at once may. */
static unsigned at_once(struct rates *r, const char *client, unsigned per_client, usec_t now,
                        unsigned n)
{
    unsigned may = 0;
    for (unsigned i = 0; i < n; i++) {
        may += take(r, client, per_client, 0, now) == RATES_OK;
    }
    return may;
}

static void as_many_as_allowed(void **state)
{
    assert_int_equal(at_once(*state, "192.0.2.1", 6, START, 20), 6);
    assert_int_equal(at_once(*state, "192.0.2.2", 6, START, 20), 6); /* each for itself */
    assert_int_equal(at_once(*state, "192.0.2.1", 6, START + 10 * USEC_SEC - 1, 20), 0);
    assert_int_equal(at_once(*state, "192.0.2.1", 6, START + 10 * USEC_SEC, 20), 1);
    assert_int_equal(at_once(*state, "192.0.2.1", 6, START + 40 * USEC_SEC, 20), 3);
    assert_int_equal(at_once(*state, "192.0.2.1", 6, START + 100 * USEC_SEC, 20), 6);
    assert_int_equal(at_once(*state, "192.0.2.3", 1, START, 20), 1);
    assert_int_equal(at_once(*state, "192.0.2.3", 1, START + 60 * USEC_SEC, 20), 1);
}

/* Over a long time never more than the rate and what may come at once. */
static void over_a_long_time(void **state)
{
    unsigned may = 0;
    srandom(5);
    usec_t now = START;
    while (now < START + 3600 * USEC_SEC) {
        may += take(*state, "192.0.2.1", 30, 0, now) == RATES_OK;
        now += random() % (2 * USEC_SEC);
    }
    assert_in_range(may, 30 * 60, 30 * 60 + 30);
}

static void no_limits(void **state)
{
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(take(*state, "192.0.2.1", 0, 0, START), RATES_OK);
    }
    assert_int_equal(rates_count(*state, START), 0);
}

static void networks(void **state)
{
    assert_int_equal(take(*state, "192.0.2.1", 2, 3, START), RATES_OK);
    assert_int_equal(take(*state, "192.0.2.1", 2, 3, START), RATES_OK);
    assert_int_equal(take(*state, "192.0.2.1", 2, 3, START), RATES_CLIENT);
    /* What was refused does not count for the network. */
    assert_int_equal(take(*state, "192.0.2.2", 2, 3, START), RATES_OK);
    assert_int_equal(take(*state, "192.0.2.3", 2, 3, START), RATES_NETWORK);
    assert_int_equal(take(*state, "192.0.3.3", 2, 3, START), RATES_OK);
    assert_int_equal(rates_count(*state, START), 5);

    assert_int_equal(take(*state, "2001:db8::1", 0, 2, START), RATES_OK);
    assert_int_equal(take(*state, "2001:db8::2", 0, 2, START), RATES_OK);
    assert_int_equal(take(*state, "2001:db8::1:2:3:4", 0, 2, START), RATES_NETWORK);
    assert_int_equal(take(*state, "2001:db8:0:1::1", 0, 2, START), RATES_OK);
    assert_int_equal(rates_count(*state, START + 3600 * USEC_SEC), 0);
}

/* Far more clients than the table has room for: each may come, few are remembered. */
static void full_table(void **state)
{
    char text[32];
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(text, sizeof text, "10.0.%u.%u", i / 250, i % 250);
        assert_int_equal(take(*state, text, 1, 0, START + i), RATES_OK);
    }
    assert_in_range(rates_count(*state, START + 10000), CELLS / 2, CELLS);
    assert_int_equal(take(*state, "10.0.39.249", 1, 0, START + 10000), RATES_CLIENT);
    assert_int_equal(at_once(*state, "192.0.2.1", 5, START + 120 * USEC_SEC, 20), 5);
}

_Noreturn static void come_for_ever(struct rates *r, unsigned seed)
{
    srandom(seed);
    for (usec_t now = START;; now += 1000) {
        char text[32];
        (void)snprintf(text, sizeof text, "10.0.0.%u", (unsigned)random() % 50);
        (void)take(r, text, 10, 100, now);
    }
}

static void killed_at_any_moment(void **state)
{
    alarm(60);
    for (unsigned round = 0; round < 200; round++) {
        pid_t pid = begin_process();
        if (pid == 0) {
            come_for_ever(*state, round);
        }
        usleep((useconds_t)(random() % 3000));
        kill_process(pid);
        assert_true(rates_count(*state, START) <= CELLS);
    }
    alarm(0);
    assert_int_equal(at_once(*state, "10.0.0.1", 5, START + 86400 * USEC_SEC, 20), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_many_as_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(over_a_long_time, setup, teardown),
        cmocka_unit_test_setup_teardown(no_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(networks, setup, teardown),
        cmocka_unit_test_setup_teardown(full_table, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_at_any_moment, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
