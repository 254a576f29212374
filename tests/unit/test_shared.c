/* What master and clerk read of the memory that they share with workers, and write into it:
 * whatever a worker that hangs, or is somebody else's by now, has made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "proc/shared.h"
#include "proc/status_json.h"

static struct shared shared;

static int setup(void **state)
{
    (void)state;
    return shared_map(&shared);
}

static int teardown(void **state)
{
    (void)state;
    shared_unmap(&shared);
    return 0;
}

/* Locks are the first members of what they guard. */
static pthread_mutex_t *lock_of(void *part)
{
    return part;
}

static void *const *locked_parts(void)
{
    static void *parts[4];

    parts[0] = shared.marks;
    parts[1] = shared.disarmed;
    parts[2] = shared.presence;
    return parts;
}

/* Another process, which does not outlive this one. */
static pid_t begin(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    }
    return pid;
}

/* One that holds all locks and does not let go. */
static pid_t start_holder(void)
{
    int ready[2];
    char octet;

    assert_int_equal(pipe(ready), 0);
    pid_t pid = begin();
    if (pid == 0) {
        for (void *const *part = locked_parts(); *part != NULL; part++) {
            shm_lock(lock_of(*part));
        }
        _exit(write(ready[1], "x", 1) == 1 ? pause() : 1);
    }
    assert_int_equal(read(ready[0], &octet, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The master buries one worker while another keeps the locks for ever. */
static void locks_are_not_waited_for(void **state)
{
    (void)state;
    pid_t holder = start_holder();

    (void)alarm(20);
    struct owner first = shared_new_owner(&shared, 7);
    struct owner second = shared_new_owner(&shared, 7);
    (void)alarm(0);
    assert_int_equal(first.slot, 7);
    assert_int_equal(second.epoch, first.epoch + 1);
    end(holder);
    /* And what it has made void is so for the others. */
    struct digest key = {{1}};
    assert_int_equal(marks_place(shared.marks, second, &key, 1, 0, 100), 0);
    assert_true(marks_any(shared.marks, &key, 1, 0));
    (void)shared_new_owner(&shared, 7);
    assert_false(marks_any(shared.marks, &key, 1, 0));
}

/* What an attacker has written over locks is nothing that the master follows. */
static void locks_may_be_forged(void **state)
{
    (void)state;
    char kept[3][sizeof(pthread_mutex_t)];
    void *const *parts = locked_parts();

    for (size_t i = 0; i < 3; i++) {
        memcpy(kept[i], parts[i], sizeof(kept[i]));
        memset(parts[i], 0x41, sizeof(kept[i]));
    }
    (void)shared_new_owner(&shared, 0);
    (void)shared_new_owner(&shared, OWNER_SLOTS - 1);
    for (size_t i = 0; i < 3; i++) {
        memcpy(parts[i], kept[i], sizeof(kept[i]));
    }
}

/* ---- decisions by number ---- */

/* What a worker did not send it never will: known when it is buried, and not before. */
static void numbers_outlive_workers(void **state)
{
    (void)state;
    struct record_stream *s = board_stream(shared.board, 3);
    uint64_t settled = 99;

    board_begin_stream(shared.board, 3, 1000);
    atomic_fetch_add(&s->next, 5);
    atomic_store(&s->settled, 2);
    assert_true(board_settled(shared.board, 3, 1000, &settled));
    assert_int_equal(settled, 2);
    (void)shared_new_owner(&shared, 3);
    board_begin_stream(shared.board, 3, 1000);
    assert_true(board_settled(shared.board, 3, 1000, &settled));
    assert_int_equal(settled, 5);
    assert_int_equal(atomic_load(&s->next), 5);
    assert_true(board_settled(shared.board, 4, 0, &settled)); /* a slot without any */
}

/* Another run is counted anew, and nobody takes the one's numbers for the other's. */
static void runs_are_apart(void **state)
{
    (void)state;
    uint64_t settled = 99;

    board_begin_stream(shared.board, 3, 1000);
    atomic_fetch_add(&board_stream(shared.board, 3)->next, 7);
    (void)shared_new_owner(&shared, 3);
    board_begin_stream(shared.board, 3, 2000);
    assert_false(board_settled(shared.board, 3, 1000, &settled));
    assert_int_equal(settled, 99);
    assert_true(board_settled(shared.board, 3, 2000, &settled));
    assert_int_equal(settled, 0);
    assert_int_equal(atomic_load(&board_stream(shared.board, 3)->next), 0);
}

/* ---- the status board ---- */

static json_t *status(void)
{
    return status_json(shared.board, 1000, 2000);
}

/* A text that ends in time, and that a terminal may be shown. */
static void assert_shown(const json_t *object, const char *key, size_t most)
{
    const char *text = json_string_value(json_object_get(object, key));

    assert_true(strlen(text) < most);
    assert_int_equal(text_clean_length(text, strlen(text)), strlen(text));
}

/* Texts without an end, counts and times beyond all bounds, and truths that are neither. */
static void figures_may_be_forged(void **state)
{
    (void)state;
    struct board_worker w;

    for (int octet = 1; octet < 256;
         octet += 0x7e) { /* 0x7f is a control character, 0xfd no UTF-8 */
        memset(&w, octet, sizeof(w));
        board_write(shared.board, 0, &w);
        memset(w.hops[0].name, 'x', sizeof(w.hops) + sizeof(w.accept_all));
        board_write(shared.board, 1, &w);
        json_t *object = status();
        const json_t *hops = json_object_get(object, "hops");
        assert_in_range(json_array_size(hops), 1, 2 * BOARD_HOPS);
        for (size_t i = 0; i < json_array_size(hops); i++) {
            assert_shown(json_array_get(hops, i), "name", sizeof(w.hops[0].name));
        }
        const json_t *lists = json_object_get(object, "dns_lists");
        assert_in_range(json_array_size(lists), 1, 2 * BOARD_LISTS);
        for (size_t i = 0; i < json_array_size(lists); i++) {
            assert_shown(json_array_get(lists, i), "zone", sizeof(w.lists[0].zone));
        }
        json_decref(object);
    }
}

static long long accepted(void)
{
    json_t *object = status();
    long long n =
        json_integer_value(json_object_get(json_object_get(object, "counters"), "accepted"));

    json_decref(object);
    return n;
}

/* A worker's count of five is buried, then one of five less: the sum is five or nothing. */
static void bury_for_ever(void)
{
    struct board_worker w = {.pid = 1, .counters = {.accepted = 5}};

    for (;;) {
        board_write(shared.board, 3, &w);
        board_new_epoch(shared.board, 3);
        w.counters.accepted = -w.counters.accepted;
        (void)usleep(50);
    }
}

/* No look at the board meets a dead worker's counts twice, or not at all. */
static void counts_are_there_once(void **state)
{
    (void)state;
    pid_t pid = begin();

    if (pid == 0) {
        bury_for_ever();
    }
    for (unsigned i = 0; i < 3000; i++) {
        long long n = accepted();
        assert_true(n == 0 || n == 5);
    }
    end(pid);
}

/* Stops that process for some milliseconds, again and again, as one is that loses its processor. */
_Noreturn static void stop_for_ever(pid_t pid)
{
    srandom(1);
    for (;;) {
        (void)usleep((useconds_t)random() % 100);
        (void)kill(pid, SIGSTOP);
        (void)usleep(2000);
        (void)kill(pid, SIGCONT);
    }
}

/* Nor does one that comes while the burial does not go on. A look that met one for longer than
 * anybody waits says nothing: this machine may be busy. */
static void counts_are_there_once_whoever_stops(void **state)
{
    (void)state;
    unsigned met = 0;
    pid_t writer = begin(), stopper;

    if (writer == 0) {
        bury_for_ever();
    }
    stopper = begin();
    if (stopper == 0) {
        stop_for_ever(writer);
    }
    usec_t until = clock_monotonic() + 3 * USEC_SEC, before;
    while ((before = clock_monotonic()) < until) {
        long long n = accepted();
        usec_t took = clock_monotonic() - before;
        met += took > USEC_MSEC && took < 100 * USEC_MSEC;
        assert_true(n == 0 || n == 5 || took >= 100 * USEC_MSEC);
    }
    assert_true(met > 0);
    end(stopper);
    end(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(locks_are_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(locks_may_be_forged, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_outlive_workers, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_are_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(figures_may_be_forged, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_are_there_once, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_are_there_once_whoever_stops, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
