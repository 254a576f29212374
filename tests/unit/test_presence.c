/* Sessions of each client and in all: limits, owners and epochs, a full table, and processes that
 * die with the lock in their hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/presence.h"
#include "store/shm.h"

#define CLIENTS 32

static struct addr client(unsigned n)
{
    struct addr a = {.family = ADDR_V4, .port = (uint16_t)random()};
    a.octets[0] = 192;
    a.octets[2] = (uint8_t)(n >> 8);
    a.octets[3] = (uint8_t)n;
    return a;
}

static struct owner owner(unsigned slot, unsigned epoch)
{
    return (struct owner){.slot = (uint16_t)slot, .epoch = epoch};
}

static int setup(void **state)
{
    size_t n = presence_memory(CLIENTS);
    void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    memset(memory, 0xa5, n);
    *state = presence_init(memory, CLIENTS);
    return 0;
}

static int teardown(void **state)
{
    presence_fini(*state);
    return munmap(*state, presence_memory(CLIENTS));
}

static enum presence_answer enter(struct presence *p, struct owner who, unsigned n,
                                  unsigned per_client, unsigned in_all)
{
    struct addr a = client(n);
    return presence_enter(p, who, &a, per_client, in_all);
}

static void leave(struct presence *p, struct owner who, unsigned n)
{
    struct addr a = client(n);
    presence_leave(p, who, &a);
}

static void limits_over_all_workers(void **state)
{
    struct presence *p = *state;
    struct owner a = owner(0, 1);
    struct owner b = owner(1, 1);
    presence_new_epoch(p, a);
    presence_new_epoch(p, b);
    assert_int_equal(enter(p, a, 1, 3, 5), PRESENCE_OK);
    assert_int_equal(enter(p, b, 1, 3, 5), PRESENCE_OK);
    assert_int_equal(enter(p, b, 1, 3, 5), PRESENCE_OK);
    assert_int_equal(enter(p, a, 1, 3, 5), PRESENCE_CLIENT_FULL);
    assert_int_equal(enter(p, b, 1, 3, 5), PRESENCE_CLIENT_FULL);
    assert_int_equal(enter(p, a, 2, 3, 5), PRESENCE_OK);
    assert_int_equal(enter(p, a, 3, 3, 5), PRESENCE_OK);
    assert_int_equal(enter(p, a, 4, 3, 5), PRESENCE_FULL);
    assert_int_equal(presence_total(p), 5);

    leave(p, b, 1);
    assert_int_equal(presence_total(p), 4);
    assert_int_equal(enter(p, a, 1, 3, 5), PRESENCE_OK);
    assert_int_equal(enter(p, a, 1, 3, 6), PRESENCE_CLIENT_FULL);
}

static void families_are_apart(void **state)
{
    struct presence *p = *state;
    struct owner a = owner(0, 1);
    presence_new_epoch(p, a);
    struct addr v4 = client(1);
    struct addr v6 = v4;
    v6.family = ADDR_V6;
    assert_int_equal(presence_enter(p, a, &v4, 1, 10), PRESENCE_OK);
    assert_int_equal(presence_enter(p, a, &v6, 1, 10), PRESENCE_OK);
    assert_int_equal(presence_enter(p, a, &v4, 1, 10), PRESENCE_CLIENT_FULL);
}

static void a_dead_worker_counts_nothing(void **state)
{
    struct presence *p = *state;
    struct owner old = owner(0, 1);
    struct owner b = owner(1, 7);
    presence_new_epoch(p, old);
    presence_new_epoch(p, b);
    assert_int_equal(enter(p, old, 1, 2, 10), PRESENCE_OK);
    assert_int_equal(enter(p, old, 1, 2, 10), PRESENCE_OK);
    assert_int_equal(enter(p, b, 2, 2, 10), PRESENCE_OK);

    struct owner heir = owner(0, 2);
    presence_new_epoch(p, heir);
    assert_int_equal(presence_total(p), 1);
    assert_int_equal(enter(p, heir, 1, 1, 10), PRESENCE_OK);
    leave(p, old, 1);
    assert_int_equal(presence_total(p), 2);
    assert_int_equal(enter(p, old, 9, 1, 10), PRESENCE_OK);
    assert_int_equal(presence_total(p), 2);
    assert_int_equal(enter(p, b, 1, 1, 10), PRESENCE_CLIENT_FULL);
}

static void full_table(void **state)
{
    struct presence *p = *state;
    struct owner a = owner(0, 1);
    presence_new_epoch(p, a);
    for (unsigned n = 0; n < 4 * CLIENTS; n++) {
        assert_int_equal(enter(p, a, n, 1, 4 * CLIENTS), PRESENCE_OK);
    }
    for (unsigned n = 0; n < CLIENTS; n++) {
        assert_int_equal(enter(p, a, n, 1, 10000), PRESENCE_CLIENT_FULL);
    }
    /* This one was not counted for itself, but in all it is. */
    assert_int_equal(enter(p, a, 4 * CLIENTS - 1, 1, 4 * CLIENTS), PRESENCE_FULL);
    assert_int_equal(presence_total(p), 4 * CLIENTS);
    for (unsigned n = 0; n < 4 * CLIENTS; n++) {
        leave(p, a, n);
    }
    assert_int_equal(presence_total(p), 0);
    for (unsigned n = 0; n < CLIENTS; n++) {
        assert_int_equal(enter(p, a, 100 + n, 1, 1000), PRESENCE_OK);
        assert_int_equal(enter(p, a, 100 + n, 1, 1000), PRESENCE_CLIENT_FULL);
    }
}

/* Random sessions compared with plain counts. */
static void like_plain_counts(void **state)
{
    struct presence *p = *state;
    unsigned count[3][10] = {{0}};
    unsigned epoch[3] = {1, 1, 1};
    for (unsigned w = 0; w < 3; w++) {
        presence_new_epoch(p, owner(w, 1));
    }
    srandom(3);
    for (int step = 0; step < 200000; step++) {
        unsigned w = (unsigned)random() % 3;
        unsigned n = (unsigned)random() % 10;
        unsigned of_client = count[0][n] + count[1][n] + count[2][n];
        unsigned all = 0;
        for (int i = 0; i < 30; i++) {
            all += count[i / 10][i % 10];
        }
        assert_int_equal(presence_total(p), all);
        if (random() % 1000 == 0) {
            presence_new_epoch(p, owner(w, ++epoch[w]));
            memset(count[w], 0, sizeof(count[w]));
        } else if (random() % 2 == 0) {
            enum presence_answer expected = of_client >= 4 ? PRESENCE_CLIENT_FULL
                                            : all >= 25    ? PRESENCE_FULL
                                                           : PRESENCE_OK;
            assert_int_equal(enter(p, owner(w, epoch[w]), n, 4, 25), expected);
            count[w][n] += expected == PRESENCE_OK;
        } else if (count[w][n] > 0) {
            leave(p, owner(w, epoch[w]), n);
            count[w][n]--;
        }
    }
}

_Noreturn static void come_and_go(struct presence *p, struct owner who)
{
    for (unsigned n = 0;; n++) {
        if (enter(p, who, n % 20, 100, 10000) == PRESENCE_OK && n % 7 != 0) {
            leave(p, who, n % 20);
        }
    }
}

static void killed_at_any_moment(void **state)
{
    struct presence *p = *state;
    struct owner own = owner(9, 1);
    pid_t pid[2] = {0, 0};
    presence_new_epoch(p, own);
    assert_int_equal(enter(p, own, 500, 1, 10000), PRESENCE_OK);
    srandom(4);
    alarm(60);
    for (unsigned round = 0; round < 400; round++) {
        unsigned w = round % 2;
        if (pid[w] > 0) {
            kill(pid[w], SIGKILL);
            assert_int_equal(waitpid(pid[w], NULL, 0), pid[w]);
        }
        presence_new_epoch(p, owner(w, round + 1));
        pid[w] = fork();
        assert_true(pid[w] >= 0);
        if (pid[w] == 0) {
            come_and_go(p, owner(w, round + 1));
        }
        usleep((useconds_t)(random() % 3000));
        assert_int_equal(enter(p, own, 500, 1, 10000), PRESENCE_CLIENT_FULL);
    }
    for (unsigned w = 0; w < 2; w++) {
        kill(pid[w], SIGKILL);
        assert_int_equal(waitpid(pid[w], NULL, 0), pid[w]);
        presence_new_epoch(p, owner(w, 1000));
    }
    alarm(0);
    assert_int_equal(presence_total(p), 1);
    for (unsigned n = 0; n < 20; n++) {
        assert_int_equal(enter(p, own, n, 1, 10000), PRESENCE_OK);
    }
}

static void dies_with_the_lock(void **state)
{
    struct presence *p = *state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* The lock is the first member of the shared memory. */
        shm_lock((pthread_mutex_t *)(void *)p);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    alarm(10);
    presence_new_epoch(p, owner(0, 1));
    assert_int_equal(enter(p, owner(0, 1), 1, 1, 1), PRESENCE_OK);
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(limits_over_all_workers, setup, teardown),
        cmocka_unit_test_setup_teardown(families_are_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_worker_counts_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(full_table, setup, teardown),
        cmocka_unit_test_setup_teardown(like_plain_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_at_any_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(dies_with_the_lock, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
