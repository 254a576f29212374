/* The memory's front end, over plain memory in the simulated world: what is found when, by whom;
 * failing batches; room; clocks that jump; closing. */
#include "memory_world.h"

struct world {
    struct sim *sim;
    struct rt *rt;
    struct memory_setup setup;
    struct memory_shared *shared;
    struct memory *memory;
};

static void in_sim_with(const struct memory_setup *setup, void (*fn)(void *arg))
{
    struct world w = {.sim = sim_new(1), .setup = *setup};
    w.rt = sim_rt(w.sim);
    sim_set_wall(w.sim, 20000 * DAY);
    w.memory = memory_open_plain(w.rt, &w.setup, &w.shared);
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), fn, &w), 0);
    sim_run(w.sim, USEC_NEVER);
    assert_int_equal(rt_stats(w.rt)->tasks, 0);
    assert_null(memory_close(w.memory));
    memory_shared_free(w.shared);
    sim_rt_free(w.rt);
    sim_free(w.sim);
}

static void in_sim(void (*fn)(void *arg))
{
    in_sim_with(&memory_roomy, fn);
}

static void a_while(usec_t time)
{
    assert_int_equal(task_sleep(rt_now() + time), 0);
}

static struct memory_stats stats_of(const struct memory *m)
{
    struct memory_stats stats;
    memory_stats(m, &stats);
    return stats;
}

/* ---- finding and changing ---- */

static void basics(void *arg)
{
    struct world *w = arg;
    struct memory *m = w->memory, *other = memory_open_plain(w->rt, &w->setup, &w->shared);
    usec_t now = rt_wall();
    struct record r;
    assert_int_equal(find(m, RECORD_HOST, "example.org", now, &r), 0);
    add(m, RECORD_HOST, "example.org", now);
    assert_int_equal(count(m, RECORD_HOST, "example.org", now), 1); /* its own, at once */
    assert_int_equal(count(other, RECORD_HOST, "example.org", now), 0);
    add(m, RECORD_HOST, "example.org", now);
    assert_int_equal(count(m, RECORD_HOST, "example.org", now), 2);
    assert_int_equal(count(m, RECORD_SPF, "example.org", now), 0);
    assert_int_equal(count(m, RECORD_HOST, "Example.org", now), 0);
    a_while(USEC_SEC);
    assert_int_equal(count(other, RECORD_HOST, "example.org", now), 2);

    /* What two handles add at the same time is added up. */
    add(m, RECORD_HOST, "example.org", now);
    add(other, RECORD_HOST, "example.org", now);
    a_while(USEC_SEC);
    assert_int_equal(count(m, RECORD_HOST, "example.org", now), 4);
    assert_int_equal(count(other, RECORD_HOST, "example.org", now), 4);

    struct record edited = seen(RECORD_HOST, "example.org", now);
    memory_put(m, &edited);
    assert_int_equal(count(m, RECORD_HOST, "example.org", now), 0);
    assert_int_equal(find(m, RECORD_HOST, "example.org", now, &r), 1);
    add(m, RECORD_HOST, "example.org", now);
    a_while(USEC_SEC);
    assert_int_equal(count(other, RECORD_HOST, "example.org", now), 1);

    memory_forget(m, RECORD_HOST, SLICE_LIT("example.org"));
    assert_int_equal(find(m, RECORD_HOST, "example.org", now, &r), 0);
    assert_int_equal(find(other, RECORD_HOST, "example.org", now, &r), 1);
    a_while(USEC_SEC);
    assert_int_equal(find(other, RECORD_HOST, "example.org", now, &r), 0);
    struct memory_stats stats = stats_of(m);
    assert_int_equal(stats.changes, 6);
    assert_int_equal(stats.lost, 0);
    assert_int_equal(stats.records, 0);
    assert_int_equal(stats.error, 0);
    memory_close(other);
}

static void find_add_put_forget(void **state)
{
    (void)state;
    in_sim(basics);
}

static void decay(void *arg)
{
    struct world *w = arg;
    usec_t now = rt_wall();
    struct record r;
    add(w->memory, RECORD_SPF, "example.org", now);
    a_while(30 * DAY);
    usec_t then = rt_wall();
    assert_int_equal(find(w->memory, RECORD_SPF, "example.org", then, &r), 1);
    assert_true(record_good(&r) > 0.499 && record_good(&r) < 0.501);
    assert_int_equal(r.first, now);
    assert_int_equal(memory_look(w->memory, RECORD_SPF, SLICE_LIT("example.org"), then, &r), 1);
    assert_int_equal(r.last, now);
    assert_true(record_good(&r) == 1);
    add(w->memory, RECORD_SPF, "example.org", then);
    assert_int_equal(find(w->memory, RECORD_SPF, "example.org", then, &r), 1);
    assert_true(record_good(&r) > 1.499 && record_good(&r) < 1.501);
    assert_true(record_is_proven(&r));
}

static void what_is_found_has_decayed(void **state)
{
    (void)state;
    in_sim(decay);
}

static void ends(void *arg)
{
    struct world *w = arg;
    usec_t now = rt_wall();
    struct record ban = seen(RECORD_BAN, "192.0.2.1", now), r;
    ban.until = now + HOUR;
    record_set_note(&ban, SLICE_LIT("harvest"));
    memory_add(w->memory, &ban);
    assert_int_equal(find(w->memory, RECORD_BAN, "192.0.2.1", now + HOUR - 1, &r), 1);
    assert_true(slice_eq(record_note(&r), SLICE_LIT("harvest")));
    assert_int_equal(find(w->memory, RECORD_BAN, "192.0.2.1", now + HOUR, &r), 0);

    /* What is over is nothing to add to. */
    struct record deferral = seen(RECORD_DEFERRAL, "x", now);
    memory_add(w->memory, &deferral);
    a_while(2 * DAY);
    now = rt_wall();
    assert_int_equal(find(w->memory, RECORD_DEFERRAL, "x", now, &r), 0);
    deferral = seen(RECORD_DEFERRAL, "x", now);
    memory_add(w->memory, &deferral);
    assert_int_equal(find(w->memory, RECORD_DEFERRAL, "x", now, &r), 1);
    assert_int_equal(r.first, now);
    a_while(HOUR);
    assert_int_equal(find(w->memory, RECORD_DEFERRAL, "x", rt_wall(), &r), 1);
    assert_int_equal(r.first, now);
    a_while(DAY);
    for (int i = 0; i < 20; i++) { /* and goes by itself */
        add(w->memory, RECORD_HOST, "example.org", rt_wall());
        a_while(USEC_SEC);
    }
    assert_int_equal(stats_of(w->memory).records, 1);
    assert_int_equal(stats_of(w->memory).evicted, 0);
}

static void records_end(void **state)
{
    (void)state;
    in_sim(ends);
}

struct tally {
    struct memory *memory;
    int count;
    int most;
};

static int tally_one(void *arg, const struct record *r)
{
    struct tally *t = arg;
    t->count++;
    memory_forget(t->memory, (enum record_kind)r->kind, record_name(r));
    return t->count == t->most ? 77 : 0;
}

static void each(void *arg)
{
    struct world *w = arg;
    usec_t now = rt_wall();
    for (int i = 0; i < 1000; i++) {
        char name[20];
        snprintf(name, sizeof(name), "%d", i);
        add(w->memory, i % 10 == 0 ? RECORD_SPF : RECORD_HOST, name, now);
    }
    struct tally t = {.memory = w->memory};
    assert_int_equal(memory_each(w->memory, RECORD_SPF, now + 401 * DAY, tally_one, &t), 0);
    assert_int_equal(t.count, 0);
    assert_int_equal(memory_each(w->memory, RECORD_SPF, now, tally_one, &t), 0);
    assert_int_equal(t.count, 100);
    t.count = 0;
    t.most = 50;
    assert_int_equal(memory_each(w->memory, 0, now, tally_one, &t), 77);
    assert_int_equal(t.count, 50);
    assert_int_equal(memory_flush(w->memory), 0);
    assert_int_equal(stats_of(w->memory).records, 850);
}

static void all_of_them(void **state)
{
    (void)state;
    in_sim(each);
}

static void long_name(void *arg)
{
    struct world *w = arg;
    usec_t now = rt_wall();
    char name[900];
    struct record r;
    memset(name, 'x', sizeof(name));
    struct record d;
    record_init(&d, RECORD_DEFERRAL, (struct slice){name, sizeof(name)}, now);
    memory_add(w->memory, &d);
    assert_int_equal(
        memory_find(w->memory, RECORD_DEFERRAL, (struct slice){name, sizeof(name)}, now, &r), 1);
    assert_int_equal(memory_find(w->memory, RECORD_DEFERRAL, record_name(&r), now, &r), 1);
    assert_int_equal(
        memory_find(w->memory, RECORD_DEFERRAL, (struct slice){name, sizeof(name) - 1}, now, &r),
        0);
}

static void long_names(void **state)
{
    (void)state;
    in_sim(long_name);
}

/* ---- trouble ---- */

static void failing(void *arg)
{
    struct world *w = arg;
    usec_t now = rt_wall();
    sim_next_call(w->rt, RT_CALL_STORE, -ENOSPC, 0);
    add(w->memory, RECORD_HOST, "a.example", now);
    a_while(200 * USEC_MSEC);
    assert_int_equal(stats_of(w->memory).error, -ENOSPC);
    assert_int_equal(count(w->memory, RECORD_HOST, "a.example", now), -ENOSPC);
    assert_int_equal(count(w->memory, RECORD_HOST, "b.example", now), -ENOSPC);
    add(w->memory, RECORD_HOST, "a.example", now);
    a_while(500 * USEC_MSEC);
    assert_int_equal(stats_of(w->memory).error, -ENOSPC); /* not tried again yet */
    a_while(USEC_SEC);
    assert_int_equal(stats_of(w->memory).error, 0);
    assert_int_equal(count(w->memory, RECORD_HOST, "a.example", now), 2);
    assert_int_equal(stats_of(w->memory).lost, 0);

    /* For long: what does not fit the queue is lost. */
    for (int i = 0; i < 30000; i++) {
        char name[20];
        snprintf(name, sizeof(name), "%d", i);
        add(w->memory, RECORD_HOST, name, now);
    }
    assert_in_range(stats_of(w->memory).lost, 10000, 20000);
    a_while(USEC_SEC);
    assert_int_equal(stats_of(w->memory).changes + stats_of(w->memory).lost, 30002);
    assert_int_equal(count(w->memory, RECORD_HOST, "1", now), 1);
    assert_int_equal(count(w->memory, RECORD_HOST, "29999", now), 0);
}

static void failing_batches(void **state)
{
    (void)state;
    in_sim(failing);
}

/* A world of two processes, one of which ends. */
static void ending(void *arg)
{
    struct world *w = arg;
    usec_t now = rt_wall();
    struct memory *killed = memory_open_plain(w->rt, &w->setup, &w->shared);
    add(killed, RECORD_HOST, "before.example", now);
    a_while(USEC_SEC);
    add(killed, RECORD_HOST, "after.example", now);
    memory_abandon(killed);
    struct memory *closed = memory_open_plain(w->rt, &w->setup, &w->shared);
    add(closed, RECORD_HOST, "closed.example", now);
    memory_close(closed);
    assert_int_equal(count(w->memory, RECORD_HOST, "before.example", now), 1);
    assert_int_equal(count(w->memory, RECORD_HOST, "after.example", now), 0);
    assert_int_equal(count(w->memory, RECORD_HOST, "closed.example", now), 1);
    assert_null(memory_close(NULL));
    assert_null(memory_abandon(NULL));
}

static void closing_and_being_killed(void **state)
{
    (void)state;
    in_sim(ending);
}

static void commands_have_no_loop(void **state)
{
    (void)state;
    struct memory_shared *shared = NULL;
    struct memory *m = memory_open_plain(NULL, &memory_roomy, &shared);
    struct memory *other = memory_open_plain(NULL, &memory_roomy, &shared);
    usec_t now = 20000 * DAY;
    add(m, RECORD_HOST, "example.org", now);
    assert_int_equal(count(m, RECORD_HOST, "example.org", now), 1);
    assert_int_equal(count(other, RECORD_HOST, "example.org", now), 0);
    assert_int_equal(memory_flush(m), 0);
    assert_int_equal(memory_flush(m), 0);
    assert_int_equal(count(other, RECORD_HOST, "example.org", now), 1);
    for (int i = 0; i < 50000; i++) { /* as many as an import has */
        char name[20];
        snprintf(name, sizeof(name), "%d", i);
        add(m, RECORD_CORRESPONDENT, name, now);
    }
    memory_close(m);
    assert_int_equal(stats_of(other).records, 50001);
    memory_close(other);
    memory_shared_free(shared);
}

/* ---- room ---- */

#define GOOD  500
#define BANS  100
#define BOTS  40000
#define SMALL (400 << 10)

static void good_names(struct memory *m, usec_t wall)
{
    char name[32];
    for (int i = 0; i < GOOD; i++) {
        snprintf(name, sizeof(name), "good%d.example", i);
        struct record r = accepted(RECORD_HOST, name, wall);
        r.days = 2;
        memory_add(m, &r);
    }
    for (int i = 0; i < BANS; i++) {
        snprintf(name, sizeof(name), "192.0.2.%d", i);
        struct record r = seen(RECORD_BAN, name, wall);
        r.until = wall + DAY;
        memory_add(m, &r);
    }
}

static void botnet(void *arg)
{
    struct world *w = arg;
    struct memory *m = w->memory;
    char name[32];
    good_names(m, rt_wall());
    a_while(USEC_SEC);
    for (int i = 0; i < BOTS; i++) {
        snprintf(name, sizeof(name), "198.51.%d.%d", i / 256, i % 256);
        struct record r = seen(RECORD_CLIENT, name, rt_wall());
        r.tally[TALLY_REFUSED_RCPT] = 3;
        memory_add(m, &r);
        if (i % 10 == 0) {
            a_while(36 * USEC_MSEC);
        }
        assert_true(stats_of(m).octets <= SMALL);
    }
    a_while(USEC_SEC);
    usec_t now = rt_wall();
    struct record r;
    for (int i = 0; i < GOOD; i++) {
        snprintf(name, sizeof(name), "good%d.example", i);
        assert_int_equal(find(m, RECORD_HOST, name, now, &r), 1);
    }
    for (int i = 0; i < BANS; i++) {
        snprintf(name, sizeof(name), "192.0.2.%d", i);
        assert_int_equal(find(m, RECORD_BAN, name, now, &r), 1);
    }
    struct memory_stats stats = stats_of(m);
    assert_int_equal(stats.evicted + stats.records, GOOD + BANS + BOTS);
    assert_in_range(stats.records, 2000, 4000);
    assert_int_equal(stats.lost, 0);
    /* The latest are still there: what was seen long ago goes first. */
    int kept = 0;
    for (int i = BOTS - 500; i < BOTS; i++) {
        snprintf(name, sizeof(name), "198.51.%d.%d", i / 256, i % 256);
        kept += find(m, RECORD_CLIENT, name, now, &r);
    }
    assert_true(kept > 450);
}

static void good_names_stay_while_a_botnet_comes(void **state)
{
    (void)state;
    struct memory_setup setup = memory_roomy;
    setup.size = SMALL;
    in_sim_with(&setup, botnet);
}

static void all_bans(void *arg)
{
    struct world *w = arg;
    char name[32];
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "198.51.%d.%d", i / 256, i % 256);
        struct record r = seen(RECORD_BAN, name, rt_wall());
        r.until = rt_wall() + DAY;
        memory_add(w->memory, &r);
    }
    a_while(USEC_SEC);
    struct memory_stats stats = stats_of(w->memory);
    struct record r;
    assert_int_equal(stats.evicted, 0);
    assert_int_equal(stats.records + stats.lost, 10000);
    assert_true(stats.octets <= SMALL && stats.octets > SMALL - 1000);
    assert_int_equal(find(w->memory, RECORD_BAN, "198.51.0.0", rt_wall(), &r), 1);
}

static void no_ban_makes_room(void **state)
{
    (void)state;
    struct memory_setup setup = memory_roomy;
    setup.size = SMALL;
    in_sim_with(&setup, all_bans);
}

/* ---- clocks ---- */

/* Ten years ahead for a minute, and back; the memory is in use all the while. */
static void leap(void *arg)
{
    struct world *w = arg;
    struct memory *m = w->memory;
    usec_t begin = rt_wall();
    struct record r;
    char name[32];
    a_while(HOUR);
    good_names(m, rt_wall());
    add(m, RECORD_SPF, "touched.example", rt_wall());
    a_while(DAY);
    add(m, RECORD_SPF, "touched.example", rt_wall());
    a_while(HOUR);
    usec_t before = rt_wall();

    sim_set_wall(w->sim, before + 3650 * DAY);
    assert_int_equal(find(m, RECORD_SPF, "touched.example", rt_wall(), &r), 0);
    for (int i = 0; i < 60; i++) {
        add(m, RECORD_SPF, "touched.example", rt_wall());
        add(m, RECORD_HOST, "new.example", rt_wall());
        a_while(USEC_SEC);
    }
    sim_set_wall(w->sim, before + 60 * USEC_SEC);
    for (int i = 0; i < GOOD; i++) {
        snprintf(name, sizeof(name), "good%d.example", i);
        assert_int_equal(find(m, RECORD_HOST, name, rt_wall(), &r), 1);
        assert_true(record_is_proven(&r));
    }
    assert_int_equal(find(m, RECORD_SPF, "touched.example", rt_wall(), &r), 1);
    assert_true(record_is_proven(&r));
    assert_int_equal(r.first, begin + HOUR);
    assert_int_equal(r.last, rt_wall());
    assert_int_equal(find(m, RECORD_HOST, "new.example", rt_wall(), &r), 1);
    assert_int_equal(r.first, rt_wall());

    /* When the clock has been steady for a while, what is in the future comes back. */
    a_while(HOUR);
    struct record busy = seen(RECORD_HOST, "new.example", rt_wall());
    memory_add(m, &busy);
    a_while(7 * HOUR * 24);
    assert_int_equal(memory_look(m, RECORD_HOST, SLICE_LIT("new.example"), rt_wall(), &r), 1);
    assert_int_equal(r.last, busy.last);
}

static void a_clock_ten_years_ahead_for_a_minute(void **state)
{
    (void)state;
    in_sim(leap);
}

/* Ten years behind for a minute. */
static void lag(void *arg)
{
    struct world *w = arg;
    struct memory *m = w->memory;
    struct record r;
    a_while(HOUR);
    usec_t before = rt_wall();
    add(m, RECORD_SPF, "touched.example", before);
    a_while(DAY);
    add(m, RECORD_SPF, "touched.example", rt_wall());
    a_while(HOUR);
    sim_set_wall(w->sim, before - 3650 * DAY);
    assert_int_equal(find(m, RECORD_SPF, "touched.example", rt_wall(), &r), 1);
    assert_true(record_is_proven(&r));
    assert_int_equal(r.last, rt_wall()); /* the future is now */
    add(m, RECORD_SPF, "touched.example", rt_wall());
    struct record ban = seen(RECORD_BAN, "192.0.2.1", rt_wall());
    ban.until = rt_wall() + HOUR;
    memory_add(m, &ban);
    a_while(60 * USEC_SEC);
    assert_int_equal(find(m, RECORD_BAN, "192.0.2.1", rt_wall(), &r), 1);
    sim_set_wall(w->sim, before + 2 * DAY);
    assert_int_equal(find(m, RECORD_SPF, "touched.example", rt_wall(), &r), 1);
    assert_true(record_is_proven(&r));
    assert_int_equal(find(m, RECORD_BAN, "192.0.2.1", rt_wall(), &r), 0);
}

static void a_clock_ten_years_behind_for_a_minute(void **state)
{
    (void)state;
    in_sim(lag);
}

/* ---- names ---- */

static void addresses(void **state)
{
    (void)state;
    char room[MEMORY_ADDRESS_MAX];
    struct addr a;
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.77"), &a), 0);
    assert_true(slice_eq(memory_client_name(&a, room), SLICE_LIT("192.0.2.77")));
    assert_true(slice_eq(memory_network_name(&a, room), SLICE_LIT("192.0.2.0/24")));
    assert_int_equal(addr_parse(SLICE_LIT("2001:db8:1:2:3:4:5:6"), &a), 0);
    assert_true(slice_eq(memory_client_name(&a, room), SLICE_LIT("2001:db8:1:2::/64")));
    assert_true(slice_eq(memory_network_name(&a, room), SLICE_LIT("2001:db8:1:2::/64")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_add_put_forget),
        cmocka_unit_test(what_is_found_has_decayed),
        cmocka_unit_test(records_end),
        cmocka_unit_test(all_of_them),
        cmocka_unit_test(long_names),
        cmocka_unit_test(failing_batches),
        cmocka_unit_test(closing_and_being_killed),
        cmocka_unit_test(commands_have_no_loop),
        cmocka_unit_test(good_names_stay_while_a_botnet_comes),
        cmocka_unit_test(no_ban_makes_room),
        cmocka_unit_test(a_clock_ten_years_ahead_for_a_minute),
        cmocka_unit_test(a_clock_ten_years_behind_for_a_minute),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
