/* The log of a process that has closed what it was born with still goes to the journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

static char folder[] = "/tmp/gatepost-log-XXXXXX";

/* A socket in the journal's place. */
static int make_journal(struct sockaddr_un *at)
{
    at->sun_family = AF_UNIX;
    (void)snprintf(at->sun_path, sizeof at->sun_path, "%s/journal", folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof *at), 0);
    assert_int_equal(setenv("GATEPOST_JOURNALD", at->sun_path, 1), 0);
    return fd;
}

static void assert_heard(int journal, const char *what)
{
    char entry[4096];
    ssize_t n = recv(journal, entry, sizeof entry - 1, 0);
    assert_true(n > 0);
    entry[n] = '\0';
    assert_non_null(strstr(entry, what));
}

static void opened_anew_after_all_was_closed(void **state)
{
    struct sockaddr_un at = {0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    int journal = make_journal(&at);
    int number = dup(journal); /* the log's descriptor will have this number */
    close(number);
    log_set_target(LOG_TO_JOURNALD);
    log_line(LOG_NOTICE, "one");
    assert_heard(journal, "MESSAGE=one\n");
    close(number);
    int other = open("/dev/null", O_WRONLY);
    assert_int_equal(other, number);
    log_reopen();
    log_line(LOG_NOTICE, "two");
    assert_heard(journal, "MESSAGE=two\n");
    assert_int_equal(write(other, "x", 1), 1); /* nobody has closed it */
    close(other);
    log_set_target(LOG_TO_STDERR);
    close(journal);
    unlink(at.sun_path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opened_anew_after_all_was_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
