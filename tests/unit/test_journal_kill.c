/* A process that writes the journal and is killed, again and again, at any moment: the file is
 * whole each time, what it says of the records is true, and what was sent is what is stored and
 * lost. */
#include "writer_world.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define WORKERS 3
#define ENOUGH  1000 /* records stored, so that there was something to lose */

/* What the workers have sent, as in the memory that the processes share. */
struct board {
    _Atomic uint64_t sent[WORKERS];
};

/* Sends records of all workers, a few of which never arrive, until it is killed. */
static void send_records(struct board *b, unsigned seed)
{
    struct journal_writer *w = world_writer();

    srandom(seed);
    for (unsigned i = 0;; i++) {
        unsigned worker = (unsigned)random() % WORKERS;
        uint64_t sequence = atomic_fetch_add(&b->sent[worker], 1);
        if (random() % 50 == 0) {
            continue; /* dropped by the worker */
        }
        while (!journal_writer_take(w, world_line(worker, sequence))) {
            usleep(1000);
        }
        if (i % 64 == 0) {
            usleep((useconds_t)(random() % 8000));
        }
    }
}

/* A number in the file, before anything is written to it again; 0 when there is none. */
static uint64_t number_in_file(const char *sql)
{
    char *rows = world_rows(world_path, sql);
    uint64_t number = strtoull(rows, NULL, 10);
    free(rows);
    return number;
}

static uint64_t next_of(unsigned worker)
{
    char sql[80];

    snprintf(sql, sizeof(sql), "SELECT next FROM stream WHERE worker = %u", worker);
    return number_in_file(sql);
}

static void killed_at_any_moment(void **state)
{
    const char *all = getenv("GATEPOST_TEST_ALL");
    const unsigned rounds = all != NULL && all[0] == '1' ? 36 : 12;
    const unsigned looked_at = rounds / 6; /* the file grows, and looking at all of it with it */
    struct board *b =
        mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t before[WORKERS] = {0}, stored = 0;
    int status;
    (void)state;

    assert_true(b != MAP_FAILED);
    /* More of them on a machine that had no time for them. */
    for (unsigned i = 0; i < rounds || (stored <= ENOUGH && i < 10 * rounds); i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            send_records(b, i);
        }
        /* From before it has opened the file to some transactions later. */
        usleep((useconds_t)(i * 104729 % 700000));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        if (access(world_path, F_OK) < 0) {
            continue;
        }
        struct journal_writer *w = world_writer(); /* recovers, and nothing else */
        assert_int_equal(journal_writer_end(w, 0), 0);
        if (i % looked_at == 0) {
            world_check_complete(world_path);
        }
        for (unsigned k = 0; k < WORKERS; k++) {
            uint64_t next = next_of(k);
            assert_in_range(next, before[k], b->sent[k]);
            before[k] = next;
        }
        stored = number_in_file("SELECT sum(stored) FROM stream");
    }
    struct journal_writer *w = world_writer();
    struct journal_writer_state s;
    uint64_t sent = 0;
    for (unsigned k = 0; k < WORKERS; k++) {
        journal_writer_expect(w, k, b->sent[k]);
        sent += b->sent[k];
    }
    world_take(w, WORKERS, 0, 0);
    do {
        journal_writer_state(w, &s);
    } while (s.waiting > 0 && usleep(1000) == 0);
    assert_int_equal(s.stored + s.lost, sent + 1);
    assert_true(s.stored > ENOUGH && s.lost > 0);
    world_end(w);
    world_check_complete(world_path);
    world_expect_rows("SELECT sum(next) = sum(stored) + sum(lost) FROM stream", "1\n");
    munmap(b, sizeof(*b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_at_any_moment, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
