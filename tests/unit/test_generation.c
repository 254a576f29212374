/* Worker numbers: shared out among all generations, given back when one has ended, never twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "proc/master_impl.h"
#include "proc/worker.h"

static struct configuration *configured(unsigned workers)
{
    char path[] = "/tmp/test-generation-XXXXXX";
    int fd = mkstemp(path);
    struct configuration *c = NULL;
    struct configuration_words words;

    assert_true(fd >= 0);
    assert_true(dprintf(fd,
                        "hostname mx.test\nlisten 127.0.0.1:25\n"
                        "route . to smtp://127.0.0.1\nworkers %u\n",
                        workers) > 0);
    close(fd);
    assert_int_equal(configuration_load(path, NULL, &c, &words), 0);
    buf_free(&words.text);
    (void)unlink(path);
    return c;
}

static struct master *new_master(void)
{
    struct master *m = xcalloc(1, sizeof(*m));

    list_init(&m->generations);
    assert_int_equal(records_open(&m->records), 0);
    return m;
}

static void free_master(struct master *m)
{
    records_close(&m->records);
    free(m);
}

/* One with so many workers; NULL when there is no room. */
static struct generation *add(struct master *m, unsigned workers)
{
    struct generation_parts parts = {.configuration = configured(workers)};
    struct generation *g = NULL;
    int r = generation_new(m, &parts, &g);

    if (r < 0) {
        assert_int_equal(r, -EAGAIN);
        (void)configuration_free(parts.configuration);
    }
    return g;
}

static size_t slots_of(const struct master *m, const struct generation *g)
{
    size_t count = 0;

    for (size_t i = 0; i < OWNER_SLOTS; i++) {
        count += m->slots[i].generation == g;
    }
    return count;
}

static void test_slots(void **state)
{
    (void)state;
    struct master *m = new_master();
    struct generation *all[4];

    for (size_t i = 0; i < 4; i++) {
        all[i] = add(m, 256);
        assert_non_null(all[i]);
        assert_int_equal(all[i]->number, i + 1);
        assert_int_equal(all[i]->state, GENERATION_STARTING);
    }
    assert_int_equal(slots_of(m, NULL), 0);
    assert_null(add(m, 1));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(slots_of(m, all[i]), 256);
    }
    /* One whose workers have all ended gives its numbers back. */
    generation_retire(m, all[1], 0);
    assert_int_equal(slots_of(m, NULL), 256);
    assert_int_equal(generations_retiring(m), 0);
    assert_non_null(add(m, 255));
    assert_null(add(m, 2));
    assert_non_null(add(m, 1));
    generations_free(m);
    free_master(m);
}

/* While one of its workers lives, that one keeps its number, and the others' are free. */
static void test_kept_to_the_end(void **state)
{
    (void)state;
    struct master *m = new_master();
    struct generation *first = add(m, 3);

    m->slots[1].pid = getpid(); /* WORKER_RETIRE is ignored here */
    assert_true(signal(WORKER_RETIRE, SIG_IGN) != SIG_ERR);
    generation_retire(m, first, 0);
    assert_int_equal(slots_of(m, first), 1);
    assert_ptr_equal(m->slots[1].generation, first);
    assert_int_equal(generations_retiring(m), 1);
    struct generation *second = add(m, 3);
    assert_non_null(second);
    assert_ptr_equal(m->slots[0].generation, second);
    assert_ptr_equal(m->slots[1].generation, first);
    assert_ptr_equal(m->slots[2].generation, second);
    assert_ptr_equal(m->slots[3].generation, second);
    assert_false(generation_is_ready(m, second));
    for (size_t i = 0; i < 4; i++) {
        m->slots[i].served = true;
    }
    assert_true(generation_is_ready(m, second));
    generations_free(m);
    free_master(m);
}

/* A process that does nothing, and hears of no signal that it can ignore. */
static pid_t start_sleeper(void)
{
    pid_t pid;

    assert_true(signal(SIGTERM, SIG_IGN) != SIG_ERR);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        _exit(pause());
    }
    assert_true(signal(SIGTERM, SIG_DFL) != SIG_ERR);
    return pid;
}

/* One that does not end is told to, and in the end killed, while others go on or all ends. */
static void test_never_ends(void **state)
{
    (void)state;

    for (int ending = 0; ending < 2; ending++) {
        struct master *m = new_master();
        struct generation *g = add(m, 1);
        usec_t most = g->configuration->conf->limits.drain_time + 1800 * USEC_SEC;
        int status;

        m->ending = ending;
        m->slots[0].pid = start_sleeper();
        g->state = GENERATION_RETIRING;
        if (ending) {
            generations_end(m);
        } else {
            g->deadline = 1; /* limit reload_time is over */
            (void)generations_step(m);
        }
        assert_true(g->told_to_end);
        assert_in_range(generations_step(m) - clock_monotonic(), most - 10 * USEC_SEC, most);
        assert_int_equal(waitpid(m->slots[0].pid, &status, WNOHANG), 0);
        g->deadline = 1;
        assert_true(generations_step(m) == USEC_NEVER);
        assert_int_equal(waitpid(m->slots[0].pid, &status, 0), m->slots[0].pid);
        assert_int_equal(WTERMSIG(status), SIGKILL);
        generations_free(m);
        free_master(m);
    }
}

/* A worker whose heart says that it will beat to the end of time has said nothing. */
static void test_forged_heart(void **state)
{
    (void)state;
    struct master *m = new_master();
    struct heartbeat hearts[OWNER_SLOTS] = {{.at = USEC_NEVER}, {.at = clock_monotonic()}};
    int status;

    m->shared.hearts = hearts;
    m->serving = add(m, 2);
    for (size_t i = 0; i < 2; i++) {
        m->slots[i].pid = start_sleeper();
        m->slots[i].ready_at = 1; /* long ago */
    }
    assert_true(generations_check_hearts(m));
    assert_int_equal(waitpid(m->slots[0].pid, &status, 0), m->slots[0].pid);
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_int_equal(m->slots[1].aborted_at, 0);
    assert_int_equal(kill(m->slots[1].pid, SIGKILL), 0);
    assert_int_equal(waitpid(m->slots[1].pid, &status, 0), m->slots[1].pid);
    generations_free(m);
    free_master(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_kept_to_the_end),
        cmocka_unit_test(test_never_ends),
        cmocka_unit_test(test_forged_heart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
