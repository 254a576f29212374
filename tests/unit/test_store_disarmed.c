/* What is disarmed: one entry and not the next of the same key, seen by all that share the marks,
 * in the simulated world and between processes on LMDB. */
#include <errno.h>
#include <sys/mman.h>

#include "rt/real.h"
#include "store_world.h"

/* ---- one handle ---- */

/* A removal takes one entry away, whatever is queued or written after it. */
static void newer_task(void *arg)
{
    struct world *w = arg;
    struct store *s = w->store;
    usec_t now = rt_wall(), expires = 0;
    struct digest k = key(1);
    assert_int_equal(ledger_arm(s, &k, 1, now, USEC_NEVER), 0);
    assert_int_equal(ledger_find(s, &k, now, &expires), 1);
    assert_int_equal(expires, now + LEDGER_ARMED_FOR);
    assert_int_equal(expires, ledger_expires(now));

    /* All queued: a removal, the newer entry, the removal once more. */
    disarm(s, &k, 1, now);
    assert_int_equal(ledger_arm(s, &k, 1, now + 1, 0), -ETIMEDOUT);
    disarm(s, &k, 1, now);
    assert_int_equal(ledger_find(s, &k, now, &expires), 1);
    assert_int_equal(expires, ledger_expires(now + 1));
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_int_equal(ledger_find(s, &k, now, &expires), 1);
    assert_int_equal(expires, ledger_expires(now + 1));

    /* A removal of the newer one, before and after it is applied. */
    assert_int_equal(ledger_arm(s, &k, 1, now + 2, 0), -ETIMEDOUT);
    disarm(s, &k, 1, now + 2);
    expires = 77;
    assert_int_equal(ledger_find(s, &k, now, &expires), 0);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_int_equal(ledger_find(s, &k, now, &expires), 0);
    assert_int_equal(expires, 77);
    assert_int_equal(store_stats(s)->failed, 0);
    assert_int_equal(store_shared_count(w->shared), 0);

    /* In the order in which they were queued, even where the clock has stood still. */
    assert_int_equal(ledger_arm(s, &k, 1, now, USEC_NEVER), 0);
    disarm(s, &k, 1, now);
    assert_int_equal(armed(s, &k, now), 0);
    assert_int_equal(ledger_arm(s, &k, 1, now, 0), -ETIMEDOUT);
    assert_int_equal(armed(s, &k, now), 1);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_int_equal(armed(s, &k, now), 1);
}

static void newer_entries_stay(void **state)
{
    (void)state;
    in_sim(newer_task);
}

/* ---- what is disarmed, for others ---- */

#define DISARMED 16

/* Two stores of one host, each in a worker of its own, and a third that shares no marks. */
struct pair {
    struct store *a;
    struct store *b;
    struct store *apart;
    struct owner owner_a;
    struct owner owner_b;
    struct marks *disarmed;
};

static struct pair pair_open(struct world *w)
{
    struct pair p = {.disarmed = marks_init(malloc(marks_memory(DISARMED)), DISARMED)};
    p.owner_a = marks_new_epoch(p.disarmed, 1);
    p.owner_b = marks_new_epoch(p.disarmed, 2);
    p.a = store_open_memory(w->rt, &w->shared);
    p.b = store_open_memory(w->rt, &w->shared);
    p.apart = store_open_memory(w->rt, &w->shared);
    store_share_disarmed(p.a, p.disarmed, p.owner_a);
    store_share_disarmed(p.b, p.disarmed, p.owner_b);
    return p;
}

static void pair_close(struct pair *p)
{
    store_close(p->a);
    store_close(p->b);
    store_close(p->apart);
    assert_int_equal(marks_count(p->disarmed, rt_now()), 0);
    marks_fini(p->disarmed);
    free(p->disarmed);
}

static void seen_task(void *arg)
{
    struct world *w = arg;
    struct pair p = pair_open(w);
    usec_t now = rt_wall(), expires = 0;
    struct digest keys[] = {key(1), key(2)};
    assert_int_equal(ledger_arm(p.a, keys, 2, now, USEC_NEVER), 0);
    assert_int_equal(ledger_find(p.b, &keys[0], now, &expires), 1);
    assert_int_equal(expires, ledger_expires(now));

    /* Seen by the other at once, though nothing has been applied. */
    uint64_t batches = store_stats(p.a)->batches;
    disarm(p.a, keys, 1, now);
    assert_int_equal(armed(p.a, &keys[0], now), 0);
    assert_int_equal(armed(p.b, &keys[0], now), 0);
    assert_int_equal(armed(p.b, &keys[1], now), 1);
    assert_int_equal(armed(p.apart, &keys[0], now), 1);
    assert_int_equal(marks_count(p.disarmed, rt_now()), 1);

    /* The other delivers the same message anew: that entry stays, before and after the removal. */
    assert_int_equal(ledger_arm(p.b, keys, 1, now + 1, USEC_NEVER), 0);
    assert_int_equal(store_stats(p.a)->batches, batches);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ledger_find(p.a, &keys[0], now, &expires), 1);
        assert_int_equal(expires, ledger_expires(now + 1));
        assert_int_equal(ledger_find(p.b, &keys[0], now, &expires), 1);
        assert_int_equal(expires, ledger_expires(now + 1));
        assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    }
    assert_int_equal(store_stats(p.a)->batches, batches + 1);
    assert_int_equal(marks_count(p.disarmed, rt_now()), 0);

    /* Both disarm the same: the marks of one do for both, and keep nobody from the others. */
    disarm(p.a, &keys[1], 1, now);
    struct ledger_ref refs[] = {{keys[1], ledger_expires(now)},
                                {keys[0], ledger_expires(now + 1)},
                                {keys[1], ledger_expires(now)}};
    ledger_disarm(p.b, refs, 3);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(armed(p.a, &keys[i], now), 0);
        assert_int_equal(armed(p.b, &keys[i], now), 0);
    }
    assert_int_equal(marks_count(p.disarmed, rt_now()), 2);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_int_equal(marks_count(p.disarmed, rt_now()), 0);
    assert_int_equal(armed(p.apart, &keys[0], now), 0);
    assert_int_equal(armed(p.apart, &keys[1], now), 0);
    assert_int_equal(store_stats(p.a)->unmarked + store_stats(p.b)->unmarked, 0);
    pair_close(&p);
}

static void disarmed_for_all(void **state)
{
    (void)state;
    in_sim(seen_task);
}

static void killed_task(void *arg)
{
    struct world *w = arg;
    struct pair p = pair_open(w);
    usec_t now = rt_wall();
    struct digest k = key(1);
    assert_int_equal(ledger_arm(p.a, &k, 1, now, USEC_NEVER), 0);
    disarm(p.a, &k, 1, now);
    assert_int_equal(armed(p.b, &k, now), 0);
    /* Killed before the removal was applied: the entry is armed again. */
    p.owner_a = marks_new_epoch(p.disarmed, p.owner_a.slot);
    store_abandon(p.a);
    assert_int_equal(armed(p.b, &k, now), 1);
    assert_int_equal(marks_count(p.disarmed, rt_now()), 0);
    p.a = store_open_memory(w->rt, &w->shared);
    store_share_disarmed(p.a, p.disarmed, p.owner_a);
    assert_int_equal(armed(p.a, &k, now), 1);
    /* Its successor disarms like anybody else, and closing is as good as a batch. */
    disarm(p.a, &k, 1, now);
    assert_int_equal(armed(p.b, &k, now), 0);
    p.a = store_close(p.a);
    assert_int_equal(marks_count(p.disarmed, rt_now()), 0);
    assert_int_equal(armed(p.b, &k, now), 0);
    pair_close(&p);
}

static void killed_before_removal(void **state)
{
    (void)state;
    in_sim(killed_task);
}

static void hung_task(void *arg)
{
    struct world *w = arg;
    struct pair p = pair_open(w);
    usec_t now = rt_wall();
    struct digest k = key(1), other = key(2);
    assert_int_equal(ledger_arm(p.a, &k, 1, now, USEC_NEVER), 0);
    /* Removals that fail: their marks stay for a minute. */
    sim_next_call(w->rt, RT_CALL_STORE, -EIO, 0);
    disarm(p.a, &k, 1, now);
    assert_int_equal(task_sleep(rt_now() + 59 * USEC_SEC), 0);
    assert_int_equal(armed(p.b, &k, now), 0);
    assert_int_equal(armed(p.apart, &k, now), 1);
    assert_int_equal(task_sleep(rt_now() + 2 * USEC_SEC), 0);
    assert_int_equal(armed(p.b, &k, now), 1);
    assert_int_equal(armed(p.a, &k, now), 0);
    assert_int_equal(ledger_arm(p.a, &other, 1, now, USEC_NEVER), 0);
    assert_int_equal(armed(p.b, &k, now), 0);
    pair_close(&p);
}

static void marks_end(void **state)
{
    (void)state;
    in_sim(hung_task);
}

static void full_task(void *arg)
{
    struct world *w = arg;
    struct pair p = pair_open(w);
    usec_t now = rt_wall();
    struct digest keys[10 * DISARMED];
    for (uint32_t i = 0; i < 10 * DISARMED; i++) {
        keys[i] = key(i);
    }
    assert_int_equal(ledger_arm(p.a, keys, 10 * DISARMED, now, USEC_NEVER), 0);
    disarm(p.a, keys, 10 * DISARMED, now);
    /* What has found no room is seen by others later, and that is all. */
    size_t seen = 0;
    for (int i = 0; i < 10 * DISARMED; i++) {
        seen += armed(p.b, &keys[i], now) == 0;
        assert_int_equal(armed(p.a, &keys[i], now), 0);
    }
    assert_true(seen >= DISARMED && seen < 10 * DISARMED);
    assert_int_equal(store_stats(p.a)->unmarked, 10 * DISARMED - seen);
    assert_int_equal(store_stats(p.a)->failed, 0);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    for (int i = 0; i < 10 * DISARMED; i++) {
        assert_int_equal(armed(p.b, &keys[i], now), 0);
    }
    assert_int_equal(marks_count(p.disarmed, rt_now()), 0);
    pair_close(&p);
}

static void no_room_for_marks(void **state)
{
    (void)state;
    in_sim(full_task);
}

/* ---- a batch of another process that ends while we look ---- */

/* Holds one entry. Right after it was read another's batch ends: it is removed, or replaced where
 * `next` is set, and its mark goes. */
struct passing {
    struct store_backend backend;
    struct marks *disarmed;
    struct owner other;
    struct digest mark;
    usec_t expires; /* 0: there is none */
    usec_t next;
};

static int passing_get(struct store_backend *b, const struct store_key *k,
                       uint8_t ret[static ENTRY_MAX], size_t *ret_n)
{
    struct passing *p = container_of(b, struct passing, backend);
    (void)k;
    if (p->expires == 0) {
        return 0;
    }
    *ret_n = entry_encode(ret, p->expires, NULL);
    p->expires = p->next;
    marks_clear(p->disarmed, p->other, &p->mark, 1);
    return 1;
}

static void passing_close(struct store_backend *b)
{
    (void)b;
}

static const struct store_backend_ops passing_ops = {.get = passing_get, .close = passing_close};

static void passing_task(void *arg)
{
    struct world *w = arg;
    struct pair p = pair_open(w);
    struct digest k = key(1);
    usec_t now = rt_wall(), first = ledger_expires(now), expires;
    for (usec_t next = 0; next <= first + 1; next += first + 1) {
        struct passing b = {.backend = {&passing_ops}, .disarmed = p.disarmed, .other = p.owner_b};
        struct store *s = store_new(w->rt, &b.backend);
        store_share_disarmed(s, p.disarmed, p.owner_a);
        b.expires = first;
        b.next = next;
        b.mark = k;
        uint64_t stamp;
        memcpy(&stamp, b.mark.octets, sizeof(stamp));
        stamp ^= (uint64_t)first;
        memcpy(b.mark.octets, &stamp, sizeof(stamp));
        assert_int_equal(marks_place(p.disarmed, b.other, &b.mark, 1, rt_now(), USEC_NEVER), 0);
        expires = 0;
        assert_int_equal(ledger_find(s, &k, now, &expires), next > 0);
        assert_int_equal(expires, next);
        store_close(s);
    }
    pair_close(&p);
}

static void batch_ends_meanwhile(void **state)
{
    (void)state;
    in_sim(passing_task);
}

/* ---- disarmed in one process, asked for in another ---- */

#define ROUNDS 3000

/* In memory that both map. */
struct told {
    uint32_t disarmed; /* keys 0 … disarmed - 1 are: told at once, before any batch */
    _Alignas(64) char marks[];
};

struct side {
    const char *folder;
    struct told *told;
    void (*fn)(void *arg); /* what its task does */
    struct owner owner;
    struct store *store;
    volatile bool stop;
    bool ok;
};

static void disarm_all(void *arg)
{
    struct side *side = arg;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct digest k = key(i);
        usec_t wall = rt_wall();
        MUST(ledger_arm(side->store, &k, 1, wall, rt_now() + 20 * USEC_SEC) == 0);
        disarm(side->store, &k, 1, wall);
        __atomic_store_n(&side->told->disarmed, i + 1, __ATOMIC_SEQ_CST);
    }
    side->ok = side->stop = true;
    real_wake(rt_self());
}

/* Nothing that was told is armed; every tenth is delivered again, and stays armed. */
static void ask_for_all(void *arg)
{
    struct side *side = arg;
    uint32_t asked = 0;
    while (asked < ROUNDS) {
        uint32_t disarmed = __atomic_load_n(&side->told->disarmed, __ATOMIC_SEQ_CST);
        if (disarmed > 0 && disarmed > asked) {
            struct digest newest = key(disarmed - 1);
            for (int i = 0; i < 50; i++) {
                MUST(armed(side->store, &newest, rt_wall()) == 0);
            }
        }
        MUST(task_sleep(rt_now() + 1) == 0);
        for (; asked < disarmed; asked++) {
            struct digest k = key(asked);
            MUST(armed(side->store, &k, rt_wall()) == 0);
            if (asked % 10 == 0) {
                MUST(ledger_arm(side->store, &k, 1, rt_wall(), rt_now() + 20 * USEC_SEC) == 0);
            }
        }
    }
    MUST(task_sleep(rt_now() + USEC_SEC) == 0); /* the other's last removals */
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct digest k = key(i);
        MUST(armed(side->store, &k, rt_wall()) == (i % 10 == 0));
    }
    side->ok = side->stop = true;
    real_wake(rt_self());
}

static void live(void *arg)
{
    struct side *side = arg;
    const char *note = "";
    struct rt *rt = real_new();
    MUST(store_open_lmdb(rt, side->folder, &side->store, &note) == 0);
    store_share_disarmed(side->store, (struct marks *)(void *)side->told->marks, side->owner);
    MUST(task_spawn(rt, rt_root_of(rt), side->fn, side) == 0);
    real_run(rt, &side->stop);
    MUST(side->ok);
    MUST(store_stats(side->store)->failed == 0 && store_stats(side->store)->unmarked == 0);
    store_close(side->store);
    real_free(rt);
}

static pid_t take_side(const char *folder, struct told *told, uint16_t slot, void (*fn)(void *arg))
{
    struct marks *disarmed = (struct marks *)(void *)told->marks;
    struct side side = {
        .told = told, .folder = folder, .fn = fn, .owner = marks_new_epoch(disarmed, slot)};
    return start_process(live, &side);
}

static void two_workers_on_lmdb(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_store.XXXXXX", store[64];
    assert_int_equal(make_folder(folder), 0);
    snprintf(store, sizeof(store), "%s/state", folder);
    size_t n = sizeof(struct told) + marks_memory(ROUNDS);
    struct told *told = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(told != MAP_FAILED);
    struct marks *disarmed = marks_init(told->marks, ROUNDS);
    pid_t asks = take_side(store, told, 1, ask_for_all);
    pid_t disarms = take_side(store, told, 2, disarm_all);
    assert_ends_well(disarms);
    assert_ends_well(asks);
    marks_fini(disarmed);
    assert_int_equal(munmap(told, n), 0);
    assert_int_equal(remove_folder(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_entries_stay),    cmocka_unit_test(disarmed_for_all),
        cmocka_unit_test(killed_before_removal), cmocka_unit_test(marks_end),
        cmocka_unit_test(no_room_for_marks),     cmocka_unit_test(batch_ends_meanwhile),
        cmocka_unit_test(two_workers_on_lmdb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
