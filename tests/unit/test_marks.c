/* Marks in doubt: all or none, owners and epochs, expiry, capacity, and processes that die with
 * the lock in their hands. */
#include "shm_world.h"

#include <errno.h>

#include "store/marks.h"

#define CAPACITY 64

static struct digest key(uint32_t n)
{
    struct digest d = {{0}};
    memcpy(d.octets, &n, sizeof(n));
    return d;
}

static int setup(void **state)
{
    *state = marks_init(map_shared(marks_memory(CAPACITY)), CAPACITY);
    return 0;
}

static int teardown(void **state)
{
    marks_fini(*state);
    return munmap(*state, marks_memory(CAPACITY));
}

static void all_or_none(void **state)
{
    struct marks *m = *state;
    struct owner a = marks_new_epoch(m, 0);
    struct owner b = marks_new_epoch(m, 1);
    struct digest first[] = {key(1), key(2), key(3)};
    struct digest second[] = {key(4), key(3), key(5)};

    assert_int_equal(marks_place(m, a, first, 3, 0, 100), 0);
    assert_int_equal(marks_place(m, b, second, 3, 0, 100), -EBUSY);
    assert_false(marks_any(m, &second[0], 1, 0));
    assert_false(marks_any(m, &second[2], 1, 0));
    assert_int_equal(marks_place(m, a, &first[1], 1, 0, 100), -EBUSY);
    assert_int_equal(marks_count(m, 0), 3);
    assert_true(marks_any(m, second, 3, 0));

    marks_clear(m, b, first, 3);
    assert_int_equal(marks_count(m, 0), 3);
    marks_clear(m, a, first, 3);
    assert_int_equal(marks_count(m, 0), 0);
    assert_int_equal(marks_place(m, b, second, 3, 0, 100), 0);
}

static void the_same_key_twice(void **state)
{
    struct marks *m = *state;
    struct owner a = marks_new_epoch(m, 0);
    struct digest twice[] = {key(7), key(7)};
    assert_int_equal(marks_place(m, a, twice, 2, 0, 100), 0);
    assert_int_equal(marks_count(m, 0), 1);
    marks_clear(m, a, twice, 2);
    assert_int_equal(marks_count(m, 0), 0);
}

static void ends_by_itself(void **state)
{
    struct marks *m = *state;
    struct owner a = marks_new_epoch(m, 0);
    struct digest k = key(1);
    assert_int_equal(marks_place(m, a, &k, 1, 0, 100), 0);
    assert_true(marks_any(m, &k, 1, 99));
    assert_int_equal(marks_place(m, a, &k, 1, 99, 200), -EBUSY);
    assert_false(marks_any(m, &k, 1, 100));
    assert_int_equal(marks_place(m, a, &k, 1, 100, 200), 0);
    assert_true(marks_any(m, &k, 1, 150));
    assert_int_equal(marks_count(m, 150), 1);
}

static void a_dead_owner_is_void(void **state)
{
    struct marks *m = *state;
    struct owner old = marks_new_epoch(m, 5);
    struct owner other = marks_new_epoch(m, 6);
    struct digest k = key(1);
    struct digest l = key(2);
    assert_int_equal(marks_place(m, old, &k, 1, 0, 100), 0);
    assert_int_equal(marks_place(m, other, &l, 1, 0, 100), 0);

    struct owner heir = marks_new_epoch(m, 5);
    assert_int_not_equal(heir.epoch, old.epoch);
    assert_false(marks_any(m, &k, 1, 0));
    assert_true(marks_any(m, &l, 1, 0));
    assert_int_equal(marks_place(m, old, &k, 1, 0, 100), -ESTALE);
    assert_int_equal(marks_place(m, heir, &k, 1, 0, 100), 0);
    marks_clear(m, old, &k, 1);
    assert_true(marks_any(m, &k, 1, 0));
}

static void a_second_table(void **state)
{
    struct marks *m = *state;
    void *memory = map_shared(marks_memory(CAPACITY));
    struct marks *second = marks_init(memory, CAPACITY);
    struct digest k = key(1);
    struct owner old = marks_new_epoch(m, 5);
    assert_int_equal(marks_place(second, old, &k, 1, 0, 100), -ESTALE);
    marks_take_epoch(second, old);
    assert_int_equal(marks_place(second, old, &k, 1, 0, 100), 0);
    marks_take_epoch(second, marks_new_epoch(m, 6));
    assert_true(marks_any(second, &k, 1, 0));
    assert_false(marks_any(m, &k, 1, 0));
    marks_take_epoch(second, marks_new_epoch(m, 5));
    assert_false(marks_any(second, &k, 1, 0));
    marks_fini(second);
    assert_int_equal(munmap(memory, marks_memory(CAPACITY)), 0);
}

/* Fills the table; returns how many marks it took. */
static uint32_t fill(struct marks *m, struct owner who, usec_t now, usec_t expires)
{
    for (uint32_t n = 0;; n++) {
        struct digest k = key(1000 + n);
        int rc = marks_place(m, who, &k, 1, now, expires);
        if (rc < 0) {
            assert_int_equal(rc, -ENOSPC);
            return n;
        }
    }
}

static void full(void **state)
{
    struct marks *m = *state;
    struct owner a = marks_new_epoch(m, 0);
    struct owner b = marks_new_epoch(m, 1);
    uint32_t n = fill(m, a, 0, 100);
    assert_true(n >= CAPACITY);
    assert_int_equal(marks_count(m, 0), n);
    for (uint32_t i = 0; i < n; i++) {
        struct digest k = key(1000 + i);
        assert_true(marks_any(m, &k, 1, 50));
    }

    /* None of several keys stays where not all fit. */
    struct digest k = key(1000);
    struct digest pair[] = {key(1), key(2)};
    marks_clear(m, a, &k, 1);
    assert_int_equal(marks_place(m, b, pair, 2, 0, 100), -ENOSPC);
    assert_int_equal(marks_count(m, 0), n - 1);
    assert_int_equal(marks_place(m, b, pair, 1, 0, 100), 0);

    /* Expired and void marks make room. */
    assert_int_equal(fill(m, b, 100, 200), n);
    marks_new_epoch(m, 1);
    assert_int_equal(marks_count(m, 100), 0);
    assert_int_equal(fill(m, a, 100, 200), n);
}

/* Random places and clears compared with a plain array. */
static void like_a_plain_array(void **state)
{
    struct marks *m = *state;
    struct owner who[2] = {marks_new_epoch(m, 0), marks_new_epoch(m, 1)};
    usec_t expires[48] = {0};
    unsigned owner[48] = {0};
    usec_t now = 1;
    srandom(1);
    for (int step = 0; step < 200000; step++, now += random() % 3) {
        uint32_t n = (uint32_t)random() % 48;
        unsigned w = (unsigned)random() % 2;
        struct digest k = key(n);
        bool living = expires[n] > now;
        assert_int_equal(marks_any(m, &k, 1, now), living);
        if (random() % 2 == 0) {
            assert_int_equal(marks_place(m, who[w], &k, 1, now, now + 40), living ? -EBUSY : 0);
            if (!living) {
                expires[n] = now + 40;
                owner[n] = w;
            }
        } else {
            marks_clear(m, who[w], &k, 1);
            if (owner[n] == w) {
                expires[n] = 0;
            }
        }
        if (random() % 1000 == 0) {
            who[w] = marks_new_epoch(m, (uint16_t)w);
            for (int i = 0; i < 48; i++) {
                expires[i] = owner[i] == w ? 0 : expires[i];
            }
        }
    }
}

static void dies_with_the_lock(void **state)
{
    struct marks *m = *state;
    struct owner a = marks_new_epoch(m, 0);
    struct digest k = key(1);
    die_with_the_lock_of(m);
    alarm(10);
    assert_int_equal(marks_place(m, a, &k, 1, 0, 100), 0);
    marks_clear(m, a, &k, 1);
    assert_false(marks_any(m, &k, 1, 0));
    alarm(0);
}

_Noreturn static void place_for_ever(struct marks *m, struct owner who)
{
    for (uint32_t n = 0;; n++) {
        struct digest keys[] = {key(n % 16), key(n % 16 + 16), key(n % 16 + 32)};
        if (marks_place(m, who, keys, 3, 0, 100) == 0 && n % 3 != 0) {
            marks_clear(m, who, keys, 3);
        }
    }
}

/* Two processes change the table all the time; one after the other is killed and replaced. What
 * this process has marked stays, what the dead had is void, and the lock always comes back. */
static void killed_at_any_moment(void **state)
{
    struct marks *m = *state;
    struct owner own = marks_new_epoch(m, 9);
    struct digest mine[] = {key(500), key(501)};
    assert_int_equal(marks_place(m, own, mine, 2, 0, 100), 0);
    pid_t pid[2] = {0, 0};
    srandom(2);
    alarm(60);
    for (int round = 0; round < 400; round++) {
        int w = round % 2;
        if (pid[w] > 0) {
            kill_process(pid[w]);
        }
        struct owner who = marks_new_epoch(m, (uint16_t)w);
        pid[w] = begin_process();
        if (pid[w] == 0) {
            place_for_ever(m, who);
        }
        usleep((useconds_t)(random() % 3000));
        assert_true(marks_any(m, &mine[0], 1, 0));
        assert_true(marks_any(m, &mine[1], 1, 0));
        assert_int_equal(marks_place(m, own, &mine[1], 1, 0, 100), -EBUSY);
    }
    for (uint16_t w = 0; w < 2; w++) {
        kill_process(pid[w]);
        marks_new_epoch(m, w);
    }
    alarm(0);
    assert_int_equal(marks_count(m, 0), 2);
    for (uint32_t n = 0; n < 48; n++) {
        struct digest k = key(n);
        assert_int_equal(marks_place(m, own, &k, 1, 0, 100), 0);
    }
    assert_int_equal(marks_count(m, 0), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_or_none, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_key_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_owner_is_void, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_table, setup, teardown),
        cmocka_unit_test_setup_teardown(full, setup, teardown),
        cmocka_unit_test_setup_teardown(like_a_plain_array, setup, teardown),
        cmocka_unit_test_setup_teardown(dies_with_the_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_at_any_moment, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
