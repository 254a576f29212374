/* The store's front end, over both back ends: keys, what is found when, waiters, failing batches,
 * closing; in the simulated world, and with LMDB and a real thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt/real.h"
#include "store_world.h"

#define HOUR ((usec_t)3600 * USEC_SEC)
#define DAY  (24 * HOUR)

/* ---- keys ---- */

static struct digest ledger(const char *sender, const char *recipient, uint32_t message)
{
    struct digest m = key(message);
    return ledger_key(slice_of(sender), slice_of(recipient), &m);
}

static bool same(struct digest a, struct digest b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static void ledger_keys(void **state)
{
    (void)state;
    struct digest k = ledger("Ann@example.org", "bob@example.net", 1);
    assert_true(same(k, ledger("Ann@EXAMPLE.org", "bob@Example.NET", 1)));
    assert_false(same(k, ledger("ann@example.org", "bob@example.net", 1)));
    assert_false(same(k, ledger("Ann@example.org", "Bob@example.net", 1)));
    assert_false(same(k, ledger("Ann@example.org", "bob@example.net", 2)));
    assert_false(same(k, ledger("", "bob@example.net", 1)));
    /* The same octets in other fields. */
    assert_false(same(ledger("ab", "c", 1), ledger("a", "bc", 1)));
    assert_false(same(ledger("", "ab", 1), ledger("ab", "", 1)));
    /* A quoted local part may have an @ of its own. */
    assert_false(same(ledger("\"A@B\"@x", "c", 1), ledger("\"a@b\"@x", "c", 1)));
    assert_true(same(ledger("\"A@B\"@x", "c", 1), ledger("\"A@B\"@X", "c", 1)));
    assert_true(same(ledger("", "postmaster", 1), ledger("", "postmaster", 1)));
    char domain[1000] = "a@";
    memset(domain + 2, 'X', 900);
    struct digest upper = ledger(domain, "", 1);
    memset(domain + 2, 'x', 900);
    assert_true(same(upper, ledger(domain, "", 1)));
}

static void refusal_keys(void **state)
{
    (void)state;
    struct addr a = {.family = ADDR_V4, .octets = {192, 0, 2}};
    struct addr b = {.family = ADDR_V4, .octets = {192, 0, 3}};
    struct addr c = {.family = ADDR_V6, .octets = {192, 0, 2}};
    struct slice from = SLICE_LIT("a@example.org"), to = SLICE_LIT("b@example.org");
    struct digest k = refusal_key(&a, from, to);
    assert_true(same(k, refusal_key(&a, from, SLICE_LIT("b@EXAMPLE.org"))));
    assert_false(same(k, refusal_key(&b, from, to)));
    assert_false(same(k, refusal_key(&c, from, to)));
    assert_false(same(k, refusal_key(&a, to, from)));
}

/* ---- entries ---- */

static void entries(void **state)
{
    (void)state;
    uint8_t octets[ENTRY_MAX];
    struct refusal r = {.code = 550, .enhanced = "5.1.1", .text = "no such user"}, back;
    size_t n = entry_encode(octets, 0x0102030405060708, &r);
    static const uint8_t expected[] = {1, 1, 2, 3, 4, 5, 6, 7, 8, 550 >> 8, 550 & 255, 5, 0, 12};
    assert_memory_equal(octets, expected, sizeof(expected));
    assert_int_equal(n, sizeof(expected) + 5 + 12);
    assert_true(entry_decode(octets, n, 0, &back));
    assert_memory_equal(&back, &r, sizeof(r));
    assert_true(entry_decode(octets, n, 0x0102030405060707, &back));
    assert_false(entry_decode(octets, n, 0x0102030405060708, &back));
    assert_int_equal(entry_expires(octets, n), 0x0102030405060708);
    assert_int_equal(entry_expires(octets, 9), 0x0102030405060708);
    assert_int_equal(entry_expires(octets, 8), 0);
    for (size_t i = 0; i < n; i++) {
        assert_false(entry_decode(octets, i, 0, &back));
    }
    assert_false(entry_decode(octets, n + 1, 0, &back));
    octets[0] = 2; /* a format to come */
    assert_false(entry_decode(octets, n, 0, &back));
    assert_int_equal(entry_expires(octets, n), 0);

    memset(&r, 'x', sizeof(r));
    n = entry_encode(octets, 1, &r);
    assert_true(n <= ENTRY_MAX);
    assert_true(entry_decode(octets, n, 0, &back));
    assert_int_equal(strlen(back.enhanced), sizeof(r.enhanced) - 1);
    assert_int_equal(strlen(back.text), REFUSAL_TEXT_MAX - 1);
}

/* ---- the simulated world ---- */

static void ledger_task(void *arg)
{
    struct world *w = arg;
    struct store *s = w->store;
    usec_t now = rt_wall();
    struct digest keys[] = {key(1), key(2), key(3)};
    assert_int_equal(armed(s, &keys[0], now), 0);
    assert_int_equal(ledger_arm(s, keys, 2, now, USEC_NEVER), 0);
    assert_int_equal(armed(s, &keys[0], now), 1);
    assert_int_equal(armed(s, &keys[1], now), 1);
    assert_int_equal(armed(s, &keys[2], now), 0);
    assert_int_equal(armed(s, &keys[0], now + LEDGER_ARMED_FOR - 1), 1);
    assert_int_equal(armed(s, &keys[0], now + LEDGER_ARMED_FOR), 0);

    struct store *other = store_open_memory(w->rt, &w->shared);
    assert_int_equal(armed(other, &keys[0], now), 1);
    disarm(s, keys, 1, now);
    assert_int_equal(armed(s, &keys[0], now), 0); /* its own, at once */
    assert_int_equal(armed(other, &keys[0], now), 1);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_int_equal(armed(other, &keys[0], now), 0);
    assert_int_equal(armed(other, &keys[1], now), 1);

    /* Armed anew it lives from then on. */
    assert_int_equal(ledger_arm(s, keys, 2, now + DAY, USEC_NEVER), 0);
    assert_int_equal(armed(other, &keys[1], now + LEDGER_ARMED_FOR), 1);
    assert_int_equal(armed(other, &keys[1], now + DAY + LEDGER_ARMED_FOR), 0);
    assert_int_equal(ledger_arm(s, keys, 0, now, 0), 0);
    store_close(other);
}

static void arm_find_disarm(void **state)
{
    (void)state;
    in_sim(ledger_task);
}

static void refusals_task(void *arg)
{
    struct world *w = arg;
    struct store *s = w->store;
    usec_t now = rt_wall();
    struct digest k = key(9);
    struct refusal r = {.code = 550, .enhanced = "5.7.1", .text = "not from you\nnot ever"}, back;
    memset(&back, 'x', sizeof(back));
    assert_int_equal(refusal_find(s, REFUSAL_AT_RCPT, &k, now, &back), 0);
    assert_int_equal(back.text[0], 'x');
    assert_int_equal(refusal_keep(s, REFUSAL_AT_RCPT, &k, &r, now, USEC_NEVER), 0);
    assert_int_equal(refusal_find(s, REFUSAL_AT_RCPT, &k, now, &back), 1);
    assert_memory_equal(&back, &r, sizeof(r));
    /* The kinds and the ledger are apart. */
    assert_int_equal(refusal_find(s, REFUSAL_MESSAGE, &k, now, &back), 0);
    assert_int_equal(armed(s, &k, now), 0);
    assert_int_equal(refusal_keep(s, REFUSAL_MESSAGE, &k, &r, now, USEC_NEVER), 0);
    disarm(s, &k, 1, now + 6 * HOUR - LEDGER_ARMED_FOR);
    disarm(s, &k, 1, now + DAY - LEDGER_ARMED_FOR);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);

    assert_int_equal(refusal_find(s, REFUSAL_AT_RCPT, &k, now + 6 * HOUR - 1, &back), 1);
    assert_int_equal(refusal_find(s, REFUSAL_AT_RCPT, &k, now + 6 * HOUR, &back), 0);
    assert_int_equal(refusal_find(s, REFUSAL_MESSAGE, &k, now + DAY - 1, &back), 1);
    assert_int_equal(refusal_find(s, REFUSAL_MESSAGE, &k, now + DAY, &back), 0);
}

static void refusals(void **state)
{
    (void)state;
    in_sim(refusals_task);
}

/* ---- waiters and batches ---- */

struct arm {
    struct world *w;
    uint32_t n;
    usec_t deadline;
    int result;
};

static void arm(void *arg)
{
    struct arm *a = arg;
    struct digest k = key(a->n);
    a->result = ledger_arm(a->w->store, &k, 1, rt_wall(), a->deadline);
}

static void batches_task(void *arg)
{
    struct world *w = arg;
    struct arm a[100];
    struct scope scope;
    scope_enter(&scope);
    for (uint32_t i = 0; i < 100; i++) {
        a[i] = (struct arm){w, i, USEC_NEVER, 1};
        assert_int_equal(task_spawn(w->rt, &scope, arm, &a[i]), 0);
    }
    scope_join(&scope);
    scope_leave(&scope);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(a[i].result, 0);
    }
    /* What a turn queues goes together, and so does all that comes while that is under way. */
    assert_int_equal(store_stats(w->store)->batches, 2);
    assert_int_equal(store_stats(w->store)->writes, 100);
    assert_int_equal(store_stats(w->store)->failed, 0);
}

static void one_batch_at_a_time(void **state)
{
    (void)state;
    in_sim(batches_task);
}

static void slow_task(void *arg)
{
    struct world *w = arg;
    struct digest keys[] = {key(1), key(2)};
    usec_t now = rt_wall(), start = rt_now();
    sim_next_call(w->rt, RT_CALL_STORE, 0, 10 * USEC_SEC);
    assert_int_equal(ledger_arm(w->store, &keys[0], 1, now, start + 2 * USEC_SEC), -ETIMEDOUT);
    assert_int_equal(rt_now(), start + 2 * USEC_SEC);

    /* A second one waits behind it, and its waiter is cancelled. */
    struct arm a = {w, 2, USEC_NEVER, 1};
    struct scope scope;
    scope_enter(&scope);
    assert_int_equal(task_spawn(w->rt, &scope, arm, &a), 0);
    assert_int_equal(task_yield(), 0);
    scope_cancel(&scope, -ECONNRESET);
    scope_join(&scope);
    scope_leave(&scope);
    assert_int_equal(a.result, -ECANCELED);

    /* This handle sees both, others when they are applied. */
    struct store *other = store_open_memory(w->rt, &w->shared);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(armed(w->store, &keys[i], now), 1);
        assert_int_equal(armed(other, &keys[i], now), 0);
    }
    assert_int_equal(task_sleep(start + 11 * USEC_SEC), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(armed(other, &keys[i], now), 1);
    }
    store_close(other);
}

static void waiters_let_go(void **state)
{
    (void)state;
    in_sim(slow_task);
}

static void failing_task(void *arg)
{
    struct world *w = arg;
    struct digest keys[] = {key(1), key(2)};
    usec_t now = rt_wall();
    struct store *other = store_open_memory(w->rt, &w->shared);
    sim_next_call(w->rt, RT_CALL_STORE, -ENOSPC, 0);
    assert_int_equal(ledger_arm(w->store, keys, 2, now, USEC_NEVER), -ENOSPC);
    assert_int_equal(armed(w->store, &keys[0], now), 0);
    assert_int_equal(store_stats(w->store)->failed, 2);
    assert_int_equal(ledger_arm(w->store, keys, 2, now, USEC_NEVER), 0);

    /* A removal that failed is not forgotten. It goes in front of what was queued after it. */
    sim_next_call(w->rt, RT_CALL_STORE, -EIO, 0);
    disarm(w->store, keys, 2, now);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_int_equal(armed(w->store, &keys[0], now), 0);
    assert_int_equal(armed(other, &keys[0], now), 1);
    uint64_t batches = store_stats(w->store)->batches;
    assert_int_equal(task_sleep(rt_now() + HOUR), 0);
    assert_int_equal(store_stats(w->store)->batches, batches); /* not tried in vain all the time */
    assert_int_equal(ledger_arm(w->store, &keys[1], 1, now, USEC_NEVER), 0);
    assert_int_equal(armed(other, &keys[0], now), 0);
    assert_int_equal(armed(other, &keys[1], now), 1);
    assert_int_equal(armed(w->store, &keys[1], now), 1);
    assert_int_equal(store_stats(w->store)->failed, 2);
    store_close(other);
}

static void failing_batches(void **state)
{
    (void)state;
    in_sim(failing_task);
}

static void flood_task(void *arg)
{
    struct world *w = arg;
    struct digest *many = calloc(40000, sizeof(*many));
    usec_t now = rt_wall();
    sim_next_call(w->rt, RT_CALL_STORE, 0, 10 * USEC_SEC);
    assert_int_equal(ledger_arm(w->store, many, 40000, now, 0), -ETIMEDOUT);
    assert_int_equal(ledger_arm(w->store, many, 40000, now, USEC_NEVER), -EAGAIN);
    disarm(w->store, many, 40000, now);
    assert_int_equal(store_stats(w->store)->failed, 80000);
    assert_int_equal(ledger_arm(w->store, many, 1, now, USEC_NEVER), 0);
    assert_int_equal(ledger_arm(w->store, many, 40000, now, USEC_NEVER), 0);
    free(many);
}

static void too_much_queued(void **state)
{
    (void)state;
    in_sim(flood_task);
}

/* ---- closing ---- */

static void closing_task(void *arg)
{
    struct world *w = arg;
    struct digest keys[] = {key(1), key(2), key(3), key(4)};
    usec_t now = rt_wall();
    struct store *s = store_open_memory(w->rt, &w->shared);
    sim_next_call(w->rt, RT_CALL_STORE, 0, USEC_SEC);
    assert_int_equal(ledger_arm(s, &keys[0], 1, now, 0), -ETIMEDOUT); /* in flight */
    assert_int_equal(ledger_arm(s, &keys[1], 1, now, 0), -ETIMEDOUT); /* queued */
    store_close(s);
    assert_int_equal(armed(w->store, &keys[0], now), 1);
    assert_int_equal(armed(w->store, &keys[1], now), 1);

    s = store_open_memory(w->rt, &w->shared);
    sim_next_call(w->rt, RT_CALL_STORE, 0, USEC_SEC);
    assert_int_equal(ledger_arm(s, &keys[2], 1, now, 0), -ETIMEDOUT);
    assert_int_equal(ledger_arm(s, &keys[3], 1, now, 0), -ETIMEDOUT);
    assert_null(store_abandon(s));
    assert_int_equal(task_sleep(rt_now() + 10 * USEC_SEC), 0);
    assert_int_equal(armed(w->store, &keys[2], now), 0);
    assert_int_equal(armed(w->store, &keys[3], now), 0);
    assert_null(store_close(NULL));
    assert_null(store_abandon(NULL));
}

static void closing(void **state)
{
    (void)state;
    in_sim(closing_task);
}

/* ---- purging in memory ---- */

static void purge_task(void *arg)
{
    struct world *w = arg;
    struct digest k;
    usec_t now = rt_wall();
    for (uint32_t i = 0; i < 1000; i++) {
        k = key(i);
        assert_int_equal(ledger_arm(w->store, &k, 1, now, USEC_NEVER), 0);
    }
    assert_int_equal(store_shared_count(w->shared), 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        k = key(5000);
        assert_int_equal(ledger_arm(w->store, &k, 1, now + 7 * DAY, USEC_NEVER), 0);
    }
    assert_int_equal(store_shared_count(w->shared), 1);
}

static void memory_is_purged(void **state)
{
    (void)state;
    in_sim(purge_task);
}

/* ---- LMDB and a real thread, in processes as workers are ---- */

struct worker {
    const char *folder;
    uint32_t number;
    void (*fn)(void *arg); /* what its task does */
    struct store *store;
    struct rt *rt;
    volatile bool stop;
    bool ok;
};

static void deliver(void *arg)
{
    struct worker *w = arg;
    for (uint32_t i = 0; i < 200; i++) {
        struct digest keys[] = {key(w->number << 16 | i), key(w->number << 16 | i | 1 << 15)};
        usec_t deadline = rt_now() + 20 * USEC_SEC;
        usec_t wall = rt_wall();
        MUST(armed(w->store, &keys[0], wall) == 0);
        MUST(ledger_arm(w->store, keys, 2, wall, deadline) == 0);
        MUST(armed(w->store, &keys[0], rt_wall()) == 1);
        disarm(w->store, keys, 1, wall);
        MUST(armed(w->store, &keys[0], rt_wall()) == 0);
    }
}

static void deliver_much(void *arg)
{
    struct worker *w = arg;
    struct worker part[20];
    struct scope scope;
    scope_enter(&scope);
    for (uint32_t i = 0; i < 20; i++) {
        part[i] = (struct worker){.store = w->store, .number = w->number * 20 + i};
        MUST(task_spawn(rt_self(), &scope, deliver, &part[i]) == 0);
    }
    scope_join(&scope);
    scope_leave(&scope);
    w->ok = true;
    w->stop = true;
    real_wake(rt_self());
}

static void look(void *arg)
{
    struct worker *w = arg;
    w->stop = true;
    for (uint32_t n = 0; n < 60; n++) {
        for (uint32_t i = 0; i < 200; i++) {
            struct digest gone = key(n << 16 | i), there = key(n << 16 | i | 1 << 15);
            MUST(armed(w->store, &gone, rt_wall()) == 0);
            MUST(armed(w->store, &there, rt_wall()) == 1);
        }
    }
    w->ok = true;
    real_wake(rt_self());
}

static void live(void *arg)
{
    struct worker *w = arg;
    const char *note = "";
    w->rt = real_new();
    MUST(store_open_lmdb(w->rt, w->folder, &w->store, &note) == 0);
    MUST(note == NULL);
    MUST(task_spawn(w->rt, rt_root_of(w->rt), w->fn, w) == 0);
    real_run(w->rt, &w->stop);
    MUST(w->ok);
    const struct store_stats *stats = store_stats(w->store);
    MUST(stats->failed == 0);
    if (w->fn == deliver_much) {
        MUST(stats->batches < 20 * 400); /* what was queued meanwhile went together */
    }
    store_close(w->store);
    real_free(w->rt);
}

static pid_t work(const char *folder, uint32_t number, void (*fn)(void *arg))
{
    return start_process(live, &(struct worker){.folder = folder, .number = number, .fn = fn});
}

static void three_workers_on_lmdb(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_store.XXXXXX", store[64];
    assert_int_equal(make_folder(folder), 0);
    snprintf(store, sizeof(store), "%s/state", folder);
    pid_t pid[3];
    for (uint32_t i = 0; i < 3; i++) {
        pid[i] = work(store, i, deliver_much);
    }
    for (int i = 0; i < 3; i++) {
        assert_ends_well(pid[i]);
    }
    assert_ends_well(work(store, 0, look));
    assert_int_equal(remove_folder(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ledger_keys),      cmocka_unit_test(refusal_keys),
        cmocka_unit_test(entries),          cmocka_unit_test(arm_find_disarm),
        cmocka_unit_test(refusals),         cmocka_unit_test(one_batch_at_a_time),
        cmocka_unit_test(waiters_let_go),   cmocka_unit_test(failing_batches),
        cmocka_unit_test(too_much_queued),  cmocka_unit_test(closing),
        cmocka_unit_test(memory_is_purged), cmocka_unit_test(three_workers_on_lmdb),

    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
