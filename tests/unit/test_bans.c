/* Bans: who is banned until when, a full table, several processes at a time, and processes that die
 * with the lock in their hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/bans.h"
#include "store/shm.h"

/* The smallest table there is has 16 cells, all of them near each home. */
#define CAPACITY 8
#define CELLS    16

static struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_of(text), &a), 0);
    a.port = (uint16_t)random();
    return a;
}

static struct addr client(unsigned n)
{
    struct addr a = {.family = ADDR_V4, .port = (uint16_t)random()};
    a.octets[0] = 10;
    a.octets[1] = (uint8_t)(n >> 16);
    a.octets[2] = (uint8_t)(n >> 8);
    a.octets[3] = (uint8_t)n;
    return a;
}

static void ban(struct bans *b, unsigned n, usec_t until, usec_t now)
{
    struct addr a = client(n);
    bans_add(b, &a, until, now);
}

static usec_t until(struct bans *b, unsigned n, usec_t now)
{
    struct addr a = client(n);
    return bans_until(b, &a, now);
}

static struct bans *table(size_t capacity)
{
    size_t n = bans_memory(capacity);
    void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    memset(memory, 0xa5, n);
    return bans_init(memory, capacity);
}

static void table_free(struct bans *b, size_t capacity)
{
    bans_fini(b);
    assert_int_equal(munmap(b, bans_memory(capacity)), 0);
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
    struct bans *b = *state;
    assert_int_equal(until(b, 1, 10), 0);
    ban(b, 1, 100, 10);
    assert_int_equal(until(b, 1, 10), 100);
    assert_int_equal(until(b, 1, 99), 100);
    assert_int_equal(until(b, 2, 10), 0);
    assert_int_equal(bans_count(b, 99), 1);
    assert_int_equal(until(b, 1, 100), 0);
    assert_int_equal(bans_count(b, 100), 0);
    ban(b, 1, 200, 100);
    assert_int_equal(until(b, 1, 100), 200);
}

static void the_longer_one_stays(void **state)
{
    struct bans *b = *state;
    ban(b, 1, 100, 10);
    ban(b, 1, 50, 10);
    assert_int_equal(until(b, 1, 60), 100);
    ban(b, 1, 300, 60);
    assert_int_equal(until(b, 1, 60), 300);
    assert_int_equal(until(b, 1, 299), 300);
    assert_int_equal(bans_count(b, 60), 1);
    ban(b, 1, USEC_NEVER, 299);
    assert_int_equal(until(b, 1, USEC_NEVER - 1), USEC_NEVER);
}

static void no_ban(void **state)
{
    struct bans *b = *state;
    struct addr none = {.family = ADDR_NONE};
    ban(b, 1, 10, 10);
    ban(b, 1, 9, 10);
    ban(b, 1, 0, 10);
    bans_add(b, &none, 100, 10);
    assert_int_equal(bans_count(b, 1), 0);
    ban(b, 2, 100, 10);
    assert_int_equal(bans_until(b, &none, 10), 0);
    assert_int_equal(until(b, 1, 1), 0);
}

/* IPv4 one by one, IPv6 by the /64, and never one for the other. */
static void who_is_banned(void **state)
{
    struct bans *b = *state;
    static const char *const banned[] = {"192.0.2.1", "2001:db8:0:1::", "2001:db8:0:1::1",
                                         "2001:db8:0:1:ffff:ffff:ffff:ffff", "::ffff:192.0.2.1"};
    static const char *const others[] = {"192.0.2.0",
                                         "192.0.2.2",
                                         "193.0.2.1",
                                         "2001:db8:0:2::1",
                                         "2001:db8:0:0:ffff:ffff:ffff:ffff",
                                         "c000:201::",
                                         "::192.0.2.1"};
    struct addr v4 = address("192.0.2.1");
    struct addr v6 = address("2001:db8:0:1:2:3:4:5");
    bans_add(b, &v4, 100, 10);
    bans_add(b, &v6, 200, 10);
    assert_int_equal(bans_count(b, 10), 2);
    for (size_t i = 0; i < sizeof(banned) / sizeof(banned[0]); i++) {
        struct addr a = address(banned[i]);
        assert_int_equal(bans_until(b, &a, 10), a.family == ADDR_V4 ? 100 : 200);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct addr a = address(others[i]);
        assert_int_equal(bans_until(b, &a, 10), 0);
    }
}

static void full(void **state)
{
    struct bans *b = *state;
    for (unsigned n = 0; n < CELLS; n++) {
        ban(b, n, 1000 - n, 10);
    }
    assert_int_equal(bans_count(b, 10), CELLS);
    /* Again and again the one that ends first goes, though it may be the last that came. */
    ban(b, 100, 5000, 10);
    assert_int_equal(until(b, 100, 10), 5000);
    assert_int_equal(until(b, CELLS - 1, 10), 0);
    ban(b, 101, 20, 10);
    assert_int_equal(until(b, 101, 10), 20);
    assert_int_equal(until(b, CELLS - 2, 10), 0);
    ban(b, 102, 5000, 10);
    assert_int_equal(until(b, 101, 10), 0);
    for (unsigned n = 0; n < CELLS - 2; n++) {
        assert_int_equal(until(b, n, 10), 1000 - n);
    }
    /* A longer ban for one who has one takes no place, and neither does one that is over. */
    ban(b, 104, 10, 10);
    ban(b, 0, 6000, 10);
    assert_int_equal(until(b, CELLS - 3, 10), 1000 - (CELLS - 3));
    assert_int_equal(bans_count(b, 10), CELLS);

    /* What is over makes room, before anything that is not. */
    ban(b, 103, 7000, 1000);
    assert_int_equal(bans_count(b, 1000), 4);
    assert_int_equal(until(b, 0, 1000), 6000);
    assert_int_equal(until(b, 100, 1000), 5000);
    assert_int_equal(until(b, 102, 1000), 5000);
    assert_int_equal(until(b, 103, 1000), 7000);
}

/* As many as promised are all kept; of more than there are cells each new one finds a place, and
 * looking for it goes not so far that all cells would be used. */
static void crowds(void **state)
{
    (void)state;
    enum { MANY = 65536 };
    struct bans *b = table(MANY);
    for (unsigned n = 0; n < MANY; n++) {
        ban(b, n, 1000 + n, 10);
    }
    for (unsigned n = 0; n < MANY; n++) {
        assert_int_equal(until(b, n, 10), 1000 + n);
    }
    assert_int_equal(bans_count(b, 10), MANY);
    for (unsigned n = MANY; n < 2 * MANY; n++) {
        ban(b, n, 1000 + n, 10);
        assert_int_equal(until(b, n, 10), 1000 + n);
    }
    assert_in_range(bans_count(b, 10), 2 * MANY / 1000 * 960, 2 * MANY / 1000 * 985);
    for (unsigned n = 0; n < MANY; n++) {
        ban(b, n, 500000 + n, 400000);
    }
    assert_int_equal(bans_count(b, 400000), MANY);
    table_free(b, MANY);
}

/* Random bans compared with a plain array. Not more than fit, for those are never forgotten. */
static void like_a_plain_array(void **state)
{
    struct bans *b = *state;
    usec_t ends[CELLS] = {0};
    usec_t now = 1;
    srandom(1);
    for (int step = 0; step < 200000; step++, now += random() % 3) {
        unsigned n = (unsigned)random() % CELLS;
        assert_int_equal(until(b, n, now), ends[n] > now ? ends[n] : 0);
        if (random() % 2 == 0) {
            usec_t new = now + random() % 60 - 5;
            ban(b, n, new, now);
            ends[n] = ends[n] > new ? ends[n] : new;
        }
    }
}

static pid_t start(void (*run)(struct bans *, unsigned), struct bans *b, unsigned argument)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(b, argument);
        _exit(0);
    }
    return pid;
}

static void ban_every_fourth(struct bans *b, unsigned first)
{
    for (unsigned n = first; n < 20000; n += 4) {
        ban(b, n, 1000 + n, 10);
        /* Everybody bans this one, longer and longer. */
        ban(b, 50000, 1000 + n, 10);
    }
}

static void several_processes(void **state)
{
    (void)state;
    struct bans *b = table(20001);
    pid_t pid[4];
    alarm(60);
    for (unsigned i = 0; i < 4; i++) {
        pid[i] = start(ban_every_fourth, b, i);
    }
    for (unsigned i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    alarm(0);
    for (unsigned n = 0; n < 20000; n++) {
        assert_int_equal(until(b, n, 10), 1000 + n);
    }
    assert_int_equal(until(b, 50000, 10), 20999);
    assert_int_equal(bans_count(b, 10), 20001);
    table_free(b, 20001);
}

/* Nobody waits for the lock, here in hands that will not let it go, while nobody is banned. */
static void no_lock_without_bans(void **state)
{
    struct bans *b = *state;
    ban(b, 1, 100, 10);
    assert_int_equal(until(b, 1, 99), 100);
    shm_lock((pthread_mutex_t *)(void *)b);
    alarm(10);
    assert_int_equal(until(b, 1, 100), 0);
    alarm(0);
    shm_unlock((pthread_mutex_t *)(void *)b);
}

static void die_with_the_lock(struct bans *b, unsigned argument)
{
    (void)argument;
    /* The lock is the first member of the shared memory. */
    shm_lock((pthread_mutex_t *)(void *)b);
    kill(getpid(), SIGKILL);
}

static void dies_with_the_lock(void **state)
{
    struct bans *b = *state;
    ban(b, 1, 100, 10);
    pid_t pid = start(die_with_the_lock, b, 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    alarm(10);
    assert_int_equal(until(b, 1, 10), 100);
    ban(b, 2, 200, 10);
    assert_int_equal(until(b, 2, 10), 200);
    alarm(0);
}

static void ban_for_ever(struct bans *b, unsigned first)
{
    for (unsigned n = 0;; n++) {
        ban(b, first + n % 64, 100 + n % 50, n % 100);
        (void)until(b, first + n % 7, n % 100);
    }
}

/* Two processes ban all the time; one after the other is killed and replaced. What this process has
 * banned stays, and the lock always comes back. */
static void killed_at_any_moment(void **state)
{
    (void)state;
    struct bans *b = table(256);
    pid_t pid[2] = {0, 0};
    ban(b, 500, 1000, 1);
    srandom(2);
    alarm(60);
    for (unsigned round = 0; round < 400; round++) {
        unsigned w = round % 2;
        if (pid[w] > 0) {
            kill(pid[w], SIGKILL);
            assert_int_equal(waitpid(pid[w], NULL, 0), pid[w]);
        }
        pid[w] = start(ban_for_ever, b, 64 * w);
        usleep((useconds_t)(random() % 3000));
        assert_int_equal(until(b, 500, 149), 1000);
        ban(b, 501, 1000 + round, 149);
        assert_int_equal(until(b, 501, 149), 1000 + round);
    }
    for (unsigned w = 0; w < 2; w++) {
        kill(pid[w], SIGKILL);
        assert_int_equal(waitpid(pid[w], NULL, 0), pid[w]);
    }
    alarm(0);
    assert_int_equal(bans_count(b, 149), 2);
    for (unsigned n = 0; n < 256; n++) {
        ban(b, n, 300, 150);
        assert_int_equal(until(b, n, 150), 300);
    }
    assert_int_equal(bans_count(b, 150), 258);
    table_free(b, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(the_longer_one_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(no_ban, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_banned, setup, teardown),
        cmocka_unit_test_setup_teardown(full, setup, teardown),
        cmocka_unit_test(crowds),
        cmocka_unit_test_setup_teardown(like_a_plain_array, setup, teardown),
        cmocka_unit_test(several_processes),
        cmocka_unit_test_setup_teardown(no_lock_without_bans, setup, teardown),
        cmocka_unit_test_setup_teardown(dies_with_the_lock, setup, teardown),
        cmocka_unit_test(killed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
