/* What a rush has left behind is given back to the kernel, later and unasked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sanitizer.h"
#include "proc/spare_memory.h"
#include "rt/sim.h"
#include "smtp/session.h"

#define MINUTE (60 * USEC_SEC)
/* By then it has come twice, however slow this machine is. */
#define LONG (121 * MINUTE)

static struct sim *sim;
static struct smtp_server server;
static struct spare_memory spare;

static int setup(void **state)
{
    (void)state;
    sim = sim_new(1);
    server = (struct smtp_server){.rt = sim_rt(sim)};
    budget_init(&server.budget, 1 << 20);
    block_pool_init(&server.input_blocks, INPUT_BLOCK);
    spare = (struct spare_memory){.rt = server.rt, .server = &server};
    spare_memory_begin(&spare);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    spare_memory_end(&spare);
    budget_fini(&server.budget);
    block_pool_free(&server.input_blocks);
    sim_rt_free(server.rt);
    sim_free(sim);
    return 0;
}

static void rush(struct block_pool *p)
{
    void *block[BLOCK_POOL_MOST];

    for (size_t i = 0; i < BLOCK_POOL_MOST; i++) {
        block[i] = block_pool_get(p);
    }
    for (size_t i = 0; i < BLOCK_POOL_MOST; i++) {
        block_pool_put(p, block[i]);
    }
}

/* Kept for a while for the next rush, then no longer; and again after the next. */
static void blocks_kept_are_freed(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        usec_t began = sim_now(sim);

        rush(&server.input_blocks);
        rush(&server.budget.blocks);
        sim_run(sim, began + MINUTE / 2);
        assert_int_equal(server.input_blocks.count, BLOCK_POOL_MOST);
        assert_int_equal(server.budget.blocks.count, BLOCK_POOL_MOST);
        sim_run(sim, began + LONG);
        assert_int_equal(server.input_blocks.count, 0);
        assert_int_equal(server.budget.blocks.count, 0);
    }
}

/* Octets of this process that are in memory. */
static size_t resident(void)
{
    unsigned long all, here;
    FILE *f = fopen("/proc/self/statm", "re");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &all, &here), 2);
    (void)fclose(f);
    return here * (size_t)sysconf(_SC_PAGESIZE);
}

/* As after sessions in TLS: much is free, but behind each hole lies something small that lives on.
 */
static void holes_are_given_back(void **state)
{
    enum { HOLES = 1000, LARGE = 16384, SMALL = 2000 };
    static char *large[HOLES], *small[HOLES];

    (void)state;
#ifdef WITH_ASAN
    skip(); /* its malloc has holes of its own */
#endif
    for (size_t i = 0; i < HOLES; i++) {
        large[i] = malloc(LARGE);
        small[i] = malloc(SMALL);
        assert_true(large[i] != NULL && small[i] != NULL);
        memset(large[i], 1, LARGE);
        memset(small[i], 2, SMALL);
    }
    for (size_t i = 0; i < HOLES; i++) {
        free(large[i]);
    }
    size_t before = resident();
    sim_run(sim, sim_now(sim) + LONG);
    size_t after = resident();
    assert_true(after < before);
    assert_true(before - after > (size_t)HOLES * LARGE / 2);
    for (size_t i = 0; i < HOLES; i++) {
        for (size_t k = 0; k < SMALL; k++) {
            assert_int_equal(small[i][k], 2);
        }
        free(small[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blocks_kept_are_freed, setup, teardown),
        cmocka_unit_test_setup_teardown(holes_are_given_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
