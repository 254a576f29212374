/* What the master makes of a clerk that is silent, talks too much, or says what it should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "proc/master_impl.h"

static int clerks_end;

/* A master whose clerk is a process that does nothing, not even end when it is told to; what it
 * says is written to clerks_end. */
static int setup(void **state)
{
    struct master *m = xcalloc(1, sizeof(*m));
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    reload_init(m);
    m->notify.fd = -1;
    clerk_keeper_init(&m->clerk, &m->shared, &m->clerk_who);
    m->clerk.hang_time = 1 * USEC_SEC;
    m->clerk.link = ends[0];
    clerks_end = ends[1];
    void (*before)(int) = signal(SIGTERM, SIG_IGN);
    m->clerk.pid = fork();
    assert_true(m->clerk.pid >= 0);
    if (m->clerk.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        _exit(pause());
    }
    (void)signal(SIGTERM, before);
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    struct master *m = *state;

    if (m->clerk.pid != 0) {
        (void)kill(m->clerk.pid, SIGKILL);
        (void)waitpid(m->clerk.pid, NULL, 0);
    }
    clerk_keeper_close(&m->clerk);
    close(clerks_end);
    reload_cancel(m);
    free(m);
    return 0;
}

static void say(enum clerk_order order)
{
    const struct clerk_head head = {.order = order, .id = 1};

    assert_int_equal(write(clerks_end, &head, sizeof(head)), sizeof(head));
}

static void assert_killed(struct master *m)
{
    int status;

    assert_true(m->clerk.given_up);
    assert_int_equal(m->clerk.link, -1);
    assert_int_equal(waitpid(m->clerk.pid, &status, 0), m->clerk.pid);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_true(clerk_keeper_buried(&m->clerk, m->clerk.pid, status, clock_monotonic()));
    assert_int_equal(m->clerk.pid, 0);
}

/* The master was busy for long; what the clerk has said meanwhile counts. */
static void silent(void **state)
{
    struct master *m = *state;

    m->clerk.moved_at = 1;
    say(CLERK_MOVES);
    clerk_check(m);
    assert_false(m->clerk.given_up);
    clerk_check(m);
    assert_false(m->clerk.given_up);
    m->clerk.moved_at = 1;
    m->awake_since = clock_monotonic(); /* all of us stood still */
    clerk_check(m);
    assert_false(m->clerk.given_up);
    m->awake_since = 0;
    clerk_check(m);
    assert_killed(m);
}

/* One that moves, and was told to end, but does not. */
static void does_not_end(void **state)
{
    struct master *m = *state;

    clerk_keeper_end(&m->clerk, clock_monotonic());
    say(CLERK_MOVES);
    clerk_check(m);
    assert_false(m->clerk.given_up);
    m->clerk.told_at = 1;
    clerk_check(m);
    assert_killed(m);
    const struct clerk_parts parts = {.control = -1, .records = -1, .hang_time = USEC_SEC};
    assert_true(clerk_keeper_start_due(&m->clerk, &parts, clock_monotonic()) == USEC_NEVER);
}

static bool is_told_to_end(const struct master *m)
{
    return m->clerk.told_at != 0;
}

/* One that is outdated is replaced, but not before the orders it has passed on are answered. */
static void answers_before_it_is_replaced(void **state)
{
    struct master *m = *state;

    say(CLERK_RELOAD);
    clerk_hear(m);
    clerk_keeper_replace(&m->clerk, clock_monotonic());
    assert_false(is_told_to_end(m));
    reload_cancel(m); /* tells who waits */
    assert_true(is_told_to_end(m));
}

/* One of the program before is waited for, and killed when it does not end. */
static void adopted(void **state)
{
    struct master *m = *state;
    pid_t pid = m->clerk.pid;
    const struct clerk_parts parts = {.control = -1, .records = -1, .hang_time = USEC_SEC};

    clerk_keeper_adopt(&m->clerk, pid, 1);
    clerk_keeper_init(&m->clerk, &m->shared, &m->clerk_who);
    assert_int_equal(m->clerk.pid, pid);
    assert_true(clerk_keeper_start_due(&m->clerk, &parts, clock_monotonic()) == USEC_NEVER);
    m->awake_since = clock_monotonic();
    clerk_check(m);
    assert_false(m->clerk.given_up);
    m->awake_since = 0;
    clerk_check(m);
    assert_killed(m);
    assert_true(m->clerk.start_at < USEC_NEVER); /* another one follows */
}

static void says_nonsense(void **state)
{
    struct master *m = *state;

    m->clerk.moved_at = clock_monotonic();
    say(CLERK_ORDERS);
    clerk_hear(m);
    assert_killed(m);
    assert_false(m->reload.asked[RELOAD_ASKED]);
}

/* Words without end are no reason to listen without end, nor to keep them all. */
static void talks_and_talks(void **state)
{
    struct master *m = *state;

    for (unsigned i = 0; i < 100; i++) {
        say(CLERK_MOVES);
    }
    say(CLERK_RELOAD);
    clerk_hear(m);
    assert_false(m->reload.asked[RELOAD_ASKED]); /* not yet */
    clerk_hear(m);
    assert_true(m->reload.asked[RELOAD_ASKED]);
    for (unsigned i = 0; i < 1024 && !m->clerk.given_up; i++) {
        say(CLERK_RELOAD);
        clerk_hear(m);
    }
    assert_killed(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(silent, setup, teardown),
        cmocka_unit_test_setup_teardown(does_not_end, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_before_it_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(adopted, setup, teardown),
        cmocka_unit_test_setup_teardown(says_nonsense, setup, teardown),
        cmocka_unit_test_setup_teardown(talks_and_talks, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
