/* What a confined worker needs goes on working, and confinement is refused where it would not hold.
 */
#include "confined_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int store_file(void)
{
    return open_file(inside("state/data.mdb"), O_RDWR | O_CREAT);
}
static int unlinked_spool(void)
{
    int fd = open(inside("spool"), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

    return fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) < 0;
}
static int deliver(void)
{
    char from[128], to[128];

    (void)snprintf(from, sizeof(from), "%s/mail/box/tmp/1", w.folder);
    (void)snprintf(to, sizeof(to), "%s/mail/box/new/1", w.folder);
    (void)mkdir(inside("mail/box/tmp"), 0700);
    (void)mkdir(inside("mail/box/new"), 0700);
    return open_file(from, O_WRONLY | O_CREAT | O_EXCL) != 0 || rename(from, to) < 0 ||
           unlink(to) < 0;
}
static int read_table(void)
{
    return open_file(inside("tables/t"), O_RDONLY);
}
static int connect_hop(void)
{
    return connect_to(w.hop_port);
}
static int connect_scanner(void)
{
    return connect_to(w.scanner_port);
}
static int datagram(void)
{
    return make_socket(AF_INET6, SOCK_DGRAM, 0);
}
static int unix_socket(void)
{
    return make_socket(AF_UNIX, SOCK_STREAM, 0);
}

static void *thread_main(void *arg)
{
    (void)pthread_setname_np(pthread_self(), "gatepost-files");
    return arg;
}
static int thread(void)
{
    pthread_t t;

    return pthread_create(&t, NULL, thread_main, NULL) != 0 || pthread_join(t, NULL) != 0;
}

static void possible(void **state)
{
    static const struct {
        const char *what;
        attempt_fn *attempt;
    } rows[] = {
        {"open the store", store_file},
        {"use the spool", unlinked_spool},
        {"deliver to a Maildir", deliver},
        {"read a table", read_table},
        {"connect to a hop", connect_hop},
        {"make a datagram socket", datagram},
        {"connecting to a scanner", connect_scanner},
        {"make a Unix socket", unix_socket},
        {"start a thread", thread},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (try_confined(rows[i].attempt) != DONE) {
            fail_msg("a confined worker cannot %s", rows[i].what);
        }
    }
}

static void *sleeps(void *arg)
{
    (void)arg;
    for (;;) {
        (void)pause();
    }
    return NULL;
}

/* Landlock would bind one thread alone. */
static void not_with_threads(void **state)
{
    struct sandbox_level level;
    pthread_t t;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        _exit(pthread_create(&t, NULL, sleeps, NULL) == 0 &&
                      worker_confine(w.conf, w.policy, &level) == -EBUSY
                  ? DONE
                  : REFUSED);
    }
    assert_int_equal(outcome_of(pid), DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(possible),
        cmocka_unit_test(not_with_threads),
    };

    return cmocka_run_group_tests(tests, make_world, free_world);
}
