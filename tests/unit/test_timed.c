/* The table of times that processes share: what is remembered until when, a full table, several
 * processes at a time, and processes that die with the lock in their hands. */
#include "shm_world.h"

#include "store/timed.h"

/* The smallest table there is has 16 cells, all of them near each home. */
#define CAPACITY 8
#define CELLS    16

static struct timed_key key(unsigned n)
{
    struct addr a = {.family = ADDR_V4, .port = (uint16_t)random()};
    a.octets[0] = 10;
    a.octets[1] = (uint8_t)(n >> 16);
    a.octets[2] = (uint8_t)(n >> 8);
    a.octets[3] = (uint8_t)n;
    return timed_key(&a, sizeof(a.octets), 0);
}

/* Remembers it until then, or for longer if it was already. */
static void keep(struct timed *t, unsigned n, usec_t until, usec_t now)
{
    struct timed_key k = key(n);
    timed_lock(t);
    if (timed_until(t, &k, now) < until) {
        timed_set(t, &k, until, now);
    }
    timed_unlock(t);
}

static usec_t until(struct timed *t, unsigned n, usec_t now)
{
    struct timed_key k = key(n);
    timed_lock(t);
    usec_t ends = timed_until(t, &k, now);
    timed_unlock(t);
    return ends;
}

static size_t count(struct timed *t, usec_t now)
{
    timed_lock(t);
    size_t n = timed_count(t, now);
    timed_unlock(t);
    return n;
}

static struct timed *table(size_t capacity)
{
    struct timed *t = map_shared(timed_memory(capacity));
    timed_init(t, capacity);
    return t;
}

static void table_free(struct timed *t, size_t capacity)
{
    timed_fini(t);
    assert_int_equal(munmap(t, timed_memory(capacity)), 0);
}

static int setup(void **state)
{
    *state = table(CAPACITY);
    return 0;
}

static int teardown(void **state)
{
    table_free(*state, CAPACITY);
    return 0;
}

static void ends_by_itself(void **state)
{
    struct timed *t = *state;
    assert_int_equal(until(t, 1, 10), 0);
    keep(t, 1, 100, 10);
    assert_int_equal(until(t, 1, 10), 100);
    assert_int_equal(until(t, 1, 99), 100);
    assert_int_equal(until(t, 2, 10), 0);
    assert_int_equal(count(t, 99), 1);
    assert_int_equal(until(t, 1, 100), 0);
    assert_int_equal(count(t, 100), 0);
    keep(t, 1, 200, 100);
    assert_int_equal(until(t, 1, 100), 200);
}

static void the_longer_one_stays(void **state)
{
    struct timed *t = *state;
    keep(t, 1, 100, 10);
    keep(t, 1, 50, 10);
    assert_int_equal(until(t, 1, 60), 100);
    keep(t, 1, 300, 60);
    assert_int_equal(until(t, 1, 60), 300);
    assert_int_equal(until(t, 1, 299), 300);
    assert_int_equal(count(t, 60), 1);
    keep(t, 1, USEC_NEVER, 299);
    assert_int_equal(until(t, 1, USEC_NEVER - 1), USEC_NEVER);
}

static void over_already(void **state)
{
    struct timed *t = *state;
    keep(t, 1, 10, 10);
    keep(t, 1, 9, 10);
    keep(t, 1, 0, 10);
    assert_int_equal(count(t, 1), 0);
    keep(t, 2, 100, 10);
    assert_int_equal(until(t, 1, 1), 0);
}

static void full(void **state)
{
    struct timed *t = *state;
    for (unsigned n = 0; n < CELLS; n++) {
        keep(t, n, 1000 - n, 10);
    }
    assert_int_equal(count(t, 10), CELLS);
    /* Again and again the one that ends first goes, though it may be the last that came. */
    keep(t, 100, 5000, 10);
    assert_int_equal(until(t, 100, 10), 5000);
    assert_int_equal(until(t, CELLS - 1, 10), 0);
    keep(t, 101, 20, 10);
    assert_int_equal(until(t, 101, 10), 20);
    assert_int_equal(until(t, CELLS - 2, 10), 0);
    keep(t, 102, 5000, 10);
    assert_int_equal(until(t, 101, 10), 0);
    for (unsigned n = 0; n < CELLS - 2; n++) {
        assert_int_equal(until(t, n, 10), 1000 - n);
    }
    /* A longer time for one who has one takes no place, and neither does one that is over. */
    keep(t, 104, 10, 10);
    keep(t, 0, 6000, 10);
    assert_int_equal(until(t, CELLS - 3, 10), 1000 - (CELLS - 3));
    assert_int_equal(count(t, 10), CELLS);

    /* What is over makes room, before anything that is not. */
    keep(t, 103, 7000, 1000);
    assert_int_equal(count(t, 1000), 4);
    assert_int_equal(until(t, 0, 1000), 6000);
    assert_int_equal(until(t, 100, 1000), 5000);
    assert_int_equal(until(t, 102, 1000), 5000);
    assert_int_equal(until(t, 103, 1000), 7000);
}

/* As many as promised are all kept; of more than there are cells each new one finds a place, and
 * looking for it goes not so far that all cells would be used. */
static void crowds(void **state)
{
    (void)state;
    enum { MANY = 65536 };
    struct timed *t = table(MANY);
    for (unsigned n = 0; n < MANY; n++) {
        keep(t, n, 1000 + n, 10);
    }
    for (unsigned n = 0; n < MANY; n++) {
        assert_int_equal(until(t, n, 10), 1000 + n);
    }
    assert_int_equal(count(t, 10), MANY);
    for (unsigned n = MANY; n < 2 * MANY; n++) {
        keep(t, n, 1000 + n, 10);
        assert_int_equal(until(t, n, 10), 1000 + n);
    }
    assert_in_range(count(t, 10), 2 * MANY / 1000 * 960, 2 * MANY / 1000 * 985);
    for (unsigned n = 0; n < MANY; n++) {
        keep(t, n, 500000 + n, 400000);
    }
    assert_int_equal(count(t, 400000), MANY);
    table_free(t, MANY);
}

/* Random entries compared with a plain array. Not more than fit, for those are never forgotten. */
static void like_a_plain_array(void **state)
{
    struct timed *t = *state;
    usec_t ends[CELLS] = {0};
    usec_t now = 1;
    srandom(1);
    for (int step = 0; step < 200000; step++, now += random() % 3) {
        unsigned n = (unsigned)random() % CELLS;
        assert_int_equal(until(t, n, now), ends[n] > now ? ends[n] : 0);
        if (random() % 2 == 0) {
            usec_t new = now + random() % 60 - 5;
            keep(t, n, new, now);
            ends[n] = ends[n] > new ? ends[n] : new;
        }
    }
}

static pid_t start(void (*run)(struct timed *, unsigned), struct timed *t, unsigned argument)
{
    pid_t pid = begin_process();
    if (pid == 0) {
        run(t, argument);
        _exit(0);
    }
    return pid;
}

static void keep_every_fourth(struct timed *t, unsigned first)
{
    for (unsigned n = first; n < 20000; n += 4) {
        keep(t, n, 1000 + n, 10);
        /* Everybody keeps this one, longer and longer. */
        keep(t, 50000, 1000 + n, 10);
    }
}

static void several_processes(void **state)
{
    (void)state;
    struct timed *t = table(20001);
    pid_t pid[4];
    alarm(60);
    for (unsigned i = 0; i < 4; i++) {
        pid[i] = start(keep_every_fourth, t, i);
    }
    for (unsigned i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    alarm(0);
    for (unsigned n = 0; n < 20000; n++) {
        assert_int_equal(until(t, n, 10), 1000 + n);
    }
    assert_int_equal(until(t, 50000, 10), 20999);
    assert_int_equal(count(t, 10), 20001);
    table_free(t, 20001);
}

static void dies_with_the_lock(void **state)
{
    struct timed *t = *state;
    keep(t, 1, 100, 10);
    die_with_the_lock_of(t);
    alarm(10);
    assert_int_equal(until(t, 1, 10), 100);
    keep(t, 2, 200, 10);
    assert_int_equal(until(t, 2, 10), 200);
    alarm(0);
}

static void keep_for_ever(struct timed *t, unsigned first)
{
    for (unsigned n = 0;; n++) {
        keep(t, first + n % 64, 100 + n % 50, n % 100);
        (void)until(t, first + n % 7, n % 100);
    }
}

/* Two processes write all the time; one after the other is killed and replaced. What this process
 * has written stays, and the lock always comes back. */
static void killed_at_any_moment(void **state)
{
    (void)state;
    struct timed *t = table(256);
    pid_t pid[2] = {0, 0};
    keep(t, 500, 1000, 1);
    srandom(2);
    alarm(60);
    for (unsigned round = 0; round < 400; round++) {
        unsigned w = round % 2;
        if (pid[w] > 0) {
            kill_process(pid[w]);
        }
        pid[w] = start(keep_for_ever, t, 64 * w);
        usleep((useconds_t)(random() % 3000));
        assert_int_equal(until(t, 500, 149), 1000);
        keep(t, 501, 1000 + round, 149);
        assert_int_equal(until(t, 501, 149), 1000 + round);
    }
    for (unsigned w = 0; w < 2; w++) {
        kill_process(pid[w]);
    }
    alarm(0);
    assert_int_equal(count(t, 149), 2);
    for (unsigned n = 0; n < 256; n++) {
        keep(t, n, 300, 150);
        assert_int_equal(until(t, n, 150), 300);
    }
    assert_int_equal(count(t, 150), 258);
    table_free(t, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(the_longer_one_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(over_already, setup, teardown),
        cmocka_unit_test_setup_teardown(full, setup, teardown),
        cmocka_unit_test(crowds),
        cmocka_unit_test_setup_teardown(like_a_plain_array, setup, teardown),
        cmocka_unit_test(several_processes),
        cmocka_unit_test_setup_teardown(dies_with_the_lock, setup, teardown),
        cmocka_unit_test(killed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
