/* What the tests of the store's front end have in common: keys, and a store in the simulated world.
 */
#pragma once

#include "process_world.h"

#include <errno.h>

#include "rt/sim.h"
#include "store/backend.h"

static inline struct digest key(uint32_t n)
{
    struct digest d = {{0}};
    memcpy(d.octets, &n, sizeof(n));
    return d;
}

/* ledger_find, where it does not matter which entry it is. */
static inline int armed(struct store *s, const struct digest *k, usec_t wall)
{
    usec_t expires;
    return ledger_find(s, k, wall, &expires);
}

/* Disarms what was armed at `wall`. */
static inline void disarm(struct store *s, const struct digest *keys, size_t count, usec_t wall)
{
    struct ledger_ref *refs = calloc(count, sizeof(*refs));
    for (size_t i = 0; i < count; i++) {
        refs[i] = (struct ledger_ref){.key = keys[i], .expires = ledger_expires(wall)};
    }
    ledger_disarm(s, refs, count);
    free(refs);
}

struct world {
    struct sim *sim;
    struct rt *rt;
    struct store_shared *shared;
    struct store *store;
    bool failed;
};

static inline void in_sim(void (*fn)(void *arg))
{
    struct world w = {.sim = sim_new(1)};
    w.rt = sim_rt(w.sim);
    w.store = store_open_memory(w.rt, &w.shared);
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), fn, &w), 0);
    sim_run(w.sim, USEC_NEVER);
    assert_int_equal(rt_stats(w.rt)->tasks, 0);
    assert_null(store_close(w.store));
    store_shared_free(w.shared);
    sim_rt_free(w.rt);
    sim_free(w.sim);
}
