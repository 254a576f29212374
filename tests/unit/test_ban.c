/* Bans in the memory: of whom, until when, and which of two. */
#include "memory_world.h"
#include "store/ban.h"

#define WALL (20000 * DAY)

struct world {
    struct sim *sim;
    struct rt *rt;
    struct memory_shared *shared;
    struct memory *memory;
};

static int setup(void **state)
{
    static struct world w;
    w = (struct world){.sim = sim_new(1)};
    w.rt = sim_rt(w.sim);
    sim_set_wall(w.sim, WALL);
    w.memory = memory_open_plain(w.rt, &memory_roomy, &w.shared);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    (void)memory_close(w->memory);
    memory_shared_free(w->shared);
    (void)sim_rt_free(w->rt);
    (void)sim_free(w->sim);
    return 0;
}

static struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_of(text), &a), 0);
    return a;
}

static void ban(const struct world *w, const char *client, usec_t wall, usec_t until)
{
    struct addr a = address(client);
    ban_add(w->memory, &a, wall, until, SLICE_LIT("gatepost.conf:3: helo.mine"));
}

/* When it ends; 0: there is none. */
static usec_t until(const struct world *w, const char *client, usec_t wall)
{
    struct addr a = address(client);
    usec_t ends = 0;
    int r = ban_find(w->memory, &a, wall, &ends);
    assert_int_equal(r, ends != 0);
    return ends;
}

static void ends_by_itself(void **state)
{
    const struct world *w = *state;
    ban(w, "192.0.2.1", WALL, WALL + HOUR);
    assert_int_equal(until(w, "192.0.2.1", WALL), WALL + HOUR);
    assert_int_equal(until(w, "192.0.2.1", WALL + HOUR - 1), WALL + HOUR);
    assert_int_equal(until(w, "192.0.2.1", WALL + HOUR), 0);
}

static void the_longer_one_stays(void **state)
{
    const struct world *w = *state;
    ban(w, "192.0.2.1", WALL, WALL + 2 * HOUR);
    ban(w, "192.0.2.1", WALL + 1, WALL + HOUR);
    assert_int_equal(until(w, "192.0.2.1", WALL + 1), WALL + 2 * HOUR);
    ban(w, "192.0.2.1", WALL + 2, WALL + 3 * HOUR);
    assert_int_equal(until(w, "192.0.2.1", WALL + 2), WALL + 3 * HOUR);
}

/* IPv4 one by one, IPv6 by the /64. */
static void of_a_client(void **state)
{
    const struct world *w = *state;
    ban(w, "192.0.2.1", WALL, WALL + HOUR);
    ban(w, "2001:db8:0:1::1", WALL, WALL + HOUR);
    assert_int_equal(until(w, "192.0.2.2", WALL), 0);
    assert_int_equal(until(w, "192.0.2.0", WALL), 0);
    assert_int_equal(until(w, "2001:db8:0:1:ffff::2", WALL), WALL + HOUR);
    assert_int_equal(until(w, "2001:db8:0:2::1", WALL), 0);
}

static void of_a_network(void **state)
{
    const struct world *w = *state;
    struct record r = seen(RECORD_BAN, "198.51.100.0/24", WALL);
    r.until = WALL + HOUR;
    memory_put(w->memory, &r);
    assert_int_equal(until(w, "198.51.100.77", WALL), WALL + HOUR);
    assert_int_equal(until(w, "198.51.101.77", WALL), 0);
    /* The one that ends later counts, whichever it is. */
    ban(w, "198.51.100.77", WALL, WALL + 2 * HOUR);
    assert_int_equal(until(w, "198.51.100.77", WALL), WALL + 2 * HOUR);
    assert_int_equal(until(w, "198.51.100.77", WALL + HOUR + 1), WALL + 2 * HOUR);
    ban(w, "198.51.100.78", WALL, WALL + 1);
    assert_int_equal(until(w, "198.51.100.78", WALL), WALL + HOUR);
}

static void why(void **state)
{
    const struct world *w = *state;
    struct record r;
    ban(w, "192.0.2.1", WALL, WALL + HOUR);
    assert_int_equal(find(w->memory, RECORD_BAN, "192.0.2.1", WALL, &r), 1);
    assert_true(slice_eq(record_note(&r), SLICE_LIT("gatepost.conf:3: helo.mine")));
}

static void of_nobody(void **state)
{
    const struct world *w = *state;
    struct addr none = {.family = ADDR_NONE};
    usec_t ends = 7;
    ban_add(w->memory, &none, WALL, WALL + HOUR, SLICE_LIT(""));
    assert_int_equal(ban_find(w->memory, &none, WALL, &ends), 0);
    assert_int_equal(ends, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(the_longer_one_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_client, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_network, setup, teardown),
        cmocka_unit_test_setup_teardown(why, setup, teardown),
        cmocka_unit_test_setup_teardown(of_nobody, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
