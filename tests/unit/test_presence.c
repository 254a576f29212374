/* Who waits and who is greeted, of each client and in all: limits, owners and epochs, full tables,
 * and processes that die with the lock in their hands. */
#include "shm_world.h"

#include "store/presence.h"

#define CLIENTS 32
#define ENOUGH  1000000

static struct addr client(unsigned n)
{
    struct addr a = {.family = ADDR_V4, .port = (uint16_t)random()};
    a.octets[0] = 192;
    a.octets[1] = (uint8_t)(n >> 16);
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
    *state = presence_init(map_shared(presence_memory(CLIENTS)), CLIENTS);
    return 0;
}

static int teardown(void **state)
{
    presence_fini(*state);
    return munmap(*state, presence_memory(CLIENTS));
}

/* One comes to wait. */
static enum presence_answer enter(struct presence *p, struct owner who, unsigned n,
                                  unsigned per_client, unsigned waiting_most)
{
    struct addr a = client(n);
    struct presence_limits most = {per_client, ENOUGH, waiting_most};
    unsigned network;
    return presence_enter(p, who, &a, &most, &network);
}

/* One that waits is greeted. */
static enum presence_answer greet(struct presence *p, struct owner who, unsigned n, unsigned most)
{
    struct addr a = client(n);
    return presence_greet(p, who, &a, most, false);
}

/* One goes that waits. */
static void leave(struct presence *p, struct owner who, unsigned n)
{
    struct addr a = client(n);
    presence_leave(p, who, &a, false);
}

/* One goes that was greeted. */
static void end(struct presence *p, struct owner who, unsigned n)
{
    struct addr a = client(n);
    presence_leave(p, who, &a, true);
}

static unsigned of(struct presence *p, unsigned n)
{
    struct addr a = client(n);
    return presence_of(p, &a);
}

static void assert_counts(struct presence *p, unsigned waiting, unsigned greeted)
{
    assert_int_equal(presence_waiting(p), waiting);
    assert_int_equal(presence_total(p), greeted);
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
    assert_counts(p, 5, 0);
    assert_int_equal(of(p, 1), 3);
    assert_int_equal(of(p, 2), 1);
    assert_int_equal(of(p, 4), 0);

    leave(p, b, 1);
    assert_counts(p, 4, 0);
    assert_int_equal(of(p, 1), 2);
    assert_int_equal(enter(p, a, 1, 3, 5), PRESENCE_OK);
    assert_int_equal(enter(p, a, 1, 3, 6), PRESENCE_CLIENT_FULL);
}

static void two_levels(void **state)
{
    struct presence *p = *state;
    struct owner a = owner(0, 1);
    struct owner b = owner(1, 1);
    presence_new_epoch(p, a);
    presence_new_epoch(p, b);
    assert_int_equal(enter(p, a, 1, 3, 2), PRESENCE_OK);
    assert_int_equal(enter(p, b, 1, 3, 2), PRESENCE_OK);
    assert_int_equal(enter(p, b, 2, 3, 2), PRESENCE_FULL);
    assert_int_equal(greet(p, a, 1, 1), PRESENCE_OK);
    assert_counts(p, 1, 1);
    /* Greeted ones make room for waiting ones, and count for the client as before. */
    assert_int_equal(enter(p, b, 1, 3, 2), PRESENCE_OK);
    assert_int_equal(of(p, 1), 3);
    assert_int_equal(enter(p, a, 1, 3, 10), PRESENCE_CLIENT_FULL);

    /* Where there are sessions enough, over all workers, one goes on waiting. */
    assert_int_equal(greet(p, b, 1, 1), PRESENCE_FULL);
    assert_counts(p, 2, 1);
    assert_int_equal(greet(p, b, 1, 0), PRESENCE_FULL);
    assert_int_equal(greet(p, b, 1, 2), PRESENCE_OK);
    assert_counts(p, 1, 2);

    end(p, a, 1);
    assert_counts(p, 1, 1);
    leave(p, b, 1);
    assert_counts(p, 0, 1);
    assert_int_equal(of(p, 1), 1);
    end(p, b, 1);
    assert_counts(p, 0, 0);
    assert_int_equal(of(p, 1), 0);
}

static void families_are_apart(void **state)
{
    struct presence *p = *state;
    struct owner a = owner(0, 1);
    presence_new_epoch(p, a);
    struct addr v4 = client(1);
    struct addr v6 = v4;
    v6.family = ADDR_V6;
    struct presence_limits most = {2, 3, 10};
    unsigned network;
    assert_int_equal(presence_enter(p, a, &v4, &most, &network), PRESENCE_OK);
    assert_int_equal(presence_enter(p, a, &v4, &most, &network), PRESENCE_OK);
    assert_int_equal(presence_enter(p, a, &v6, &most, &network), PRESENCE_OK);
    assert_int_equal(network, 0);
    assert_int_equal(presence_enter(p, a, &v4, &most, &network), PRESENCE_CLIENT_FULL);
    assert_int_equal(network, 2);
    assert_int_equal(presence_of_network(p, &v4), 2);
    assert_int_equal(presence_of_network(p, &v6), 1);
    assert_int_equal(presence_of(p, &v4), 2);
    assert_int_equal(presence_of(p, &v6), 1);
}

/* IPv4 networks are /24s, IPv6 networks /64s. */
static void networks(void **state)
{
    struct presence *p = *state;
    struct owner a = owner(0, 1);
    struct owner b = owner(1, 1);
    struct presence_limits most = {2, 3, 10};
    unsigned network;
    presence_new_epoch(p, a);
    presence_new_epoch(p, b);
    for (unsigned family = ADDR_V4; family <= ADDR_V6; family += 2) {
        size_t host = family == ADDR_V4 ? 3 : 8;
        struct addr c = {.family = (uint8_t)family, .octets = {10, 1, 2}};
        for (uint8_t n = 0; n < 3; n++) {
            c.octets[host] = n;
            assert_int_equal(presence_enter(p, n == 1 ? b : a, &c, &most, &network), PRESENCE_OK);
            assert_int_equal(network, n);
        }
        c.octets[host] = 9;
        assert_int_equal(presence_enter(p, b, &c, &most, &network), PRESENCE_NETWORK_FULL);
        assert_int_equal(network, 3);
        assert_int_equal(presence_of(p, &c), 0);
        c.octets[host - 1]++; /* the network beside it */
        assert_int_equal(presence_enter(p, b, &c, &most, &network), PRESENCE_OK);
        assert_int_equal(network, 0);
        c.octets[host - 1]--;
        c.octets[host] = 1;
        presence_leave(p, b, &c, false);
        assert_int_equal(presence_of_network(p, &c), 2);
        assert_int_equal(presence_enter(p, b, &c, &most, &network), PRESENCE_OK);
    }
}

/* Nobody gets more places than are left. */
static void fair_shares(void **state)
{
    struct presence *p = *state;
    struct owner a = owner(0, 1);
    struct presence_limits most = {ENOUGH, ENOUGH, ENOUGH};
    unsigned network;
    unsigned got[3] = {0};
    presence_new_epoch(p, a);
    for (unsigned n = 0; n < 3; n++) {
        struct addr c = client(n << 8);
        for (unsigned i = 0; i < 30; i++) {
            assert_int_equal(presence_enter(p, a, &c, &most, &network), PRESENCE_OK);
            got[n] += presence_greet(p, a, &c, 20, true) == PRESENCE_OK;
        }
    }
    assert_int_equal(got[0], 10); /* half of 20, */
    assert_int_equal(got[1], 5);  /* of 10, */
    assert_int_equal(got[2], 3);  /* of 5 */
    assert_counts(p, 72, 18);
    struct addr c = client(0);
    assert_int_equal(presence_greet(p, a, &c, 20, true), PRESENCE_NETWORK_FULL);
    assert_int_equal(presence_greet(p, a, &c, 20, false), PRESENCE_OK);
    assert_int_equal(presence_greet(p, a, &c, 20, false), PRESENCE_OK);
    assert_int_equal(presence_greet(p, a, &c, 20, false), PRESENCE_FULL);
    /* Who goes makes room for those with less. */
    presence_leave(p, a, &c, true);
    presence_leave(p, a, &c, true);
    presence_leave(p, a, &c, true);
    presence_leave(p, a, &c, true);
    assert_int_equal(presence_greet(p, a, &c, 20, true), PRESENCE_NETWORK_FULL);
    c = client(2 << 8);
    assert_int_equal(presence_greet(p, a, &c, 20, true), PRESENCE_OK);
    assert_int_equal(presence_greet(p, a, &c, 20, true), PRESENCE_NETWORK_FULL);
}

static void somebody_accepts(void **state)
{
    struct presence *p = *state;
    struct owner a = owner(0, 1);
    struct owner b = owner(1, 1);
    presence_new_epoch(p, a);
    presence_new_epoch(p, b);
    assert_false(presence_anybody_accepts(p));
    assert_false(presence_stand_back(p, a));
    presence_accept(p, a, true);
    assert_false(presence_stand_back(p, a)); /* there is nobody else */
    presence_accept(p, b, true);
    assert_true(presence_stand_back(p, a));
    assert_false(presence_stand_back(p, b));
    assert_true(presence_anybody_accepts(p));
    presence_accept(p, a, true);
    assert_true(presence_stand_back(p, b));
    /* The heir of one that died accepts when it says so. */
    struct owner heir = owner(0, 2);
    presence_new_epoch(p, heir);
    assert_false(presence_anybody_accepts(p));
    presence_accept(p, a, true);
    assert_false(presence_anybody_accepts(p));
    presence_accept(p, heir, true);
    assert_true(presence_anybody_accepts(p));
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
    assert_int_equal(greet(p, old, 1, 10), PRESENCE_OK);
    assert_int_equal(enter(p, b, 2, 2, 10), PRESENCE_OK);
    assert_int_equal(enter(p, b, 2, 2, 10), PRESENCE_OK);
    assert_int_equal(greet(p, b, 2, 10), PRESENCE_OK);
    assert_counts(p, 2, 2);

    struct owner heir = owner(0, 2);
    presence_new_epoch(p, heir);
    assert_counts(p, 1, 1);
    assert_int_equal(of(p, 1), 0);
    assert_int_equal(enter(p, heir, 1, 1, 10), PRESENCE_OK);
    assert_int_equal(greet(p, heir, 1, 2), PRESENCE_OK);
    /* What is left of the old one changes nothing. */
    leave(p, old, 1);
    end(p, old, 1);
    assert_int_equal(enter(p, old, 9, 0, 0), PRESENCE_OK);
    assert_int_equal(greet(p, old, 9, 0), PRESENCE_OK);
    assert_counts(p, 1, 2);
    assert_int_equal(of(p, 1), 1);
    assert_int_equal(of(p, 9), 0);
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
    assert_int_equal(of(p, 4 * CLIENTS - 1), 0);
    assert_int_equal(enter(p, a, 4 * CLIENTS - 1, 1, 4 * CLIENTS), PRESENCE_FULL);
    assert_counts(p, 4 * CLIENTS, 0);
    for (unsigned n = 0; n < 4 * CLIENTS; n++) {
        leave(p, a, n);
    }
    assert_counts(p, 0, 0);
    for (unsigned n = 0; n < CLIENTS; n++) {
        assert_int_equal(enter(p, a, 100 + n, 1, 1000), PRESENCE_OK);
        assert_int_equal(enter(p, a, 100 + n, 1, 1000), PRESENCE_CLIENT_FULL);
    }
}

/* ---- crowds ---- */

static struct presence *crowd_table(unsigned clients)
{
    void *memory = malloc(presence_memory(clients));
    assert_non_null(memory);
    struct presence *p = presence_init(memory, clients);
    presence_new_epoch(p, owner(0, 1));
    presence_new_epoch(p, owner(1, 1));
    return p;
}

/* `clients` come, and go; returns how many of them could be told apart. */
static unsigned crowd(struct presence *p, unsigned clients)
{
    unsigned told = 0;
    for (unsigned n = 0; n < clients; n++) {
        assert_int_equal(enter(p, owner(n & 1, 1), n, 1, ENOUGH), PRESENCE_OK);
    }
    assert_counts(p, clients, 0);
    for (unsigned n = 0; n < clients; n++) {
        unsigned own = of(p, n);
        assert_true(own <= 1);
        told += own;
    }
    for (unsigned n = 0; n < clients; n++) {
        leave(p, owner(n & 1, 1), n);
        assert_int_equal(of(p, n), 0);
    }
    assert_counts(p, 0, 0);
    return told;
}

static void as_many_as_promised(void **state)
{
    (void)state;
    static const unsigned sizes[] = {CLIENTS, 65536, 200000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct presence *p = crowd_table(sizes[i]);
        assert_int_equal(crowd(p, sizes[i]), sizes[i]);
        /* What a crowd has left behind does not matter to the next. */
        assert_int_equal(crowd(p, sizes[i]), sizes[i]);
        presence_fini(p);
        free(p);
    }
}

/* As many clients as there are cells: if the search for a place had no end each would find one.
 * That 2 % find none shows that it ends after a few hundred cells (1 % would be a thousand cells).
 */
static void more_than_promised(void **state)
{
    (void)state;
    struct presence *p = crowd_table(65536);
    unsigned cells = 2 * 65536;
    unsigned told = crowd(p, cells);
    assert_in_range(told, cells / 1000 * 965, cells / 1000 * 987);
    told = crowd(p, 200000);
    assert_in_range(told, cells / 1000 * 965, cells);
    assert_int_equal(crowd(p, 65536), 65536);
    presence_fini(p);
    free(p);
}

/* ---- all of it ---- */

#define NAMES 10

struct plain {
    unsigned waiting[3][NAMES];
    unsigned greeted[3][NAMES];
    unsigned epoch[3];
};

static unsigned sum(unsigned counts[3][NAMES], unsigned from, unsigned to)
{
    unsigned all = 0;
    for (unsigned w = 0; w < 3; w++) {
        for (unsigned n = from; n < to; n++) {
            all += counts[w][n];
        }
    }
    return all;
}

static void step(struct presence *p, struct plain *m, unsigned w, unsigned n)
{
    struct owner who = owner(w, m->epoch[w]);
    unsigned of_client = sum(m->waiting, n, n + 1) + sum(m->greeted, n, n + 1);
    unsigned waiting = sum(m->waiting, 0, NAMES);
    unsigned greeted = sum(m->greeted, 0, NAMES);
    enum presence_answer expected = PRESENCE_OK;

    assert_counts(p, waiting, greeted);
    assert_int_equal(of(p, n), of_client);
    if (random() % 1000 == 0) {
        presence_new_epoch(p, owner(w, ++m->epoch[w]));
        memset(m->waiting[w], 0, sizeof(m->waiting[w]));
        memset(m->greeted[w], 0, sizeof(m->greeted[w]));
        return;
    }
    switch (random() % 4) {
    case 0:
        expected = of_client >= 4  ? PRESENCE_CLIENT_FULL
                   : waiting >= 12 ? PRESENCE_FULL
                                   : PRESENCE_OK;
        assert_int_equal(enter(p, who, n, 4, 12), expected);
        m->waiting[w][n] += expected == PRESENCE_OK;
        break;
    case 1:
        if (m->waiting[w][n] > 0) {
            expected = greeted >= 8 ? PRESENCE_FULL : PRESENCE_OK;
            assert_int_equal(greet(p, who, n, 8), expected);
            m->waiting[w][n] -= expected == PRESENCE_OK;
            m->greeted[w][n] += expected == PRESENCE_OK;
        }
        break;
    case 2:
        if (m->waiting[w][n] > 0) {
            leave(p, who, n);
            m->waiting[w][n]--;
        }
        break;
    default:
        if (m->greeted[w][n] > 0 && random() % 4 == 0) {
            end(p, who, n);
            m->greeted[w][n]--;
        }
    }
}

/* Random comings and goings compared with plain counts. */
static void like_plain_counts(void **state)
{
    struct plain m = {.epoch = {1, 1, 1}};
    for (unsigned w = 0; w < 3; w++) {
        presence_new_epoch(*state, owner(w, 1));
    }
    srandom(3);
    for (int i = 0; i < 200000; i++) {
        step(*state, &m, (unsigned)random() % 3, (unsigned)random() % NAMES);
    }
}

_Noreturn static void come_and_go(struct presence *p, struct owner who)
{
    for (unsigned n = 0;; n++) {
        if (enter(p, who, n % 20, 100, 10000) != PRESENCE_OK || n % 7 == 0) {
            continue;
        }
        if (n % 2 == 0 && greet(p, who, n % 20, 10000) == PRESENCE_OK) {
            end(p, who, n % 20);
        } else {
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
    assert_int_equal(enter(p, own, 500, 2, 10000), PRESENCE_OK);
    assert_int_equal(enter(p, own, 500, 2, 10000), PRESENCE_OK);
    assert_int_equal(greet(p, own, 500, 10000), PRESENCE_OK);
    srandom(4);
    alarm(60);
    for (unsigned round = 0; round < 400; round++) {
        unsigned w = round % 2;
        if (pid[w] > 0) {
            kill_process(pid[w]);
        }
        presence_new_epoch(p, owner(w, round + 1));
        pid[w] = begin_process();
        if (pid[w] == 0) {
            come_and_go(p, owner(w, round + 1));
        }
        usleep((useconds_t)(random() % 3000));
        assert_int_equal(enter(p, own, 500, 2, 10000), PRESENCE_CLIENT_FULL);
        assert_int_equal(of(p, 500), 2);
    }
    for (unsigned w = 0; w < 2; w++) {
        kill_process(pid[w]);
        presence_new_epoch(p, owner(w, 1000));
    }
    alarm(0);
    assert_counts(p, 1, 1);
    for (unsigned n = 0; n < 20; n++) {
        assert_int_equal(of(p, n), 0);
        assert_int_equal(enter(p, own, n, 1, 10000), PRESENCE_OK);
    }
}

static void dies_with_the_lock(void **state)
{
    struct presence *p = *state;
    die_with_the_lock_of(p);
    alarm(10);
    presence_new_epoch(p, owner(0, 1));
    assert_int_equal(enter(p, owner(0, 1), 1, 1, 1), PRESENCE_OK);
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(limits_over_all_workers, setup, teardown),
        cmocka_unit_test_setup_teardown(two_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(families_are_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(networks, setup, teardown),
        cmocka_unit_test_setup_teardown(fair_shares, setup, teardown),
        cmocka_unit_test_setup_teardown(somebody_accepts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_worker_counts_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(full_table, setup, teardown),
        cmocka_unit_test(as_many_as_promised),
        cmocka_unit_test(more_than_promised),
        cmocka_unit_test_setup_teardown(like_plain_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_at_any_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(dies_with_the_lock, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
