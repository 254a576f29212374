/* See proc/inspector_own.h. Between the caller and the inspector stands a process that does nothing
 * but start the next one: the caller cannot wait for a child's death beside what it does. */
#include "proc/inspector_own.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fatal.h"
#include "proc/child.h"
#include "proc/inspector.h"

struct inspector_own {
    int door;
    pid_t starter;
};

/* In a child: dies with its parent, whatever that dies of. */
static void die_with(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) {
        _exit(EXIT_FAILURE);
    }
}

static pid_t start(const struct inspector_setup *setup)
{
    pid_t self = getpid();
    pid_t pid = child_fork("gatepost-insp");

    if (pid == 0) {
        die_with(self);
        _exit(inspector_run(setup));
    }
    return pid;
}

/* One life after the other, until each has ended by itself: nobody can ask any more, or it cannot
 * begin. */
static int keep(const struct inspector_setup *setup, unsigned count)
{
    int status;

    while (count > 0 && start(setup) > 0) {
        count--;
    }
    while (wait(&status) > 0) {
        if (WIFSIGNALED(status)) {
            (void)start(setup);
        }
    }
    return EXIT_SUCCESS;
}

int inspector_own_new(const struct conf *conf, unsigned count, struct inspector_own **ret)
{
    struct inspector_heart heart = {0}; /* nobody looks at it */
    struct inspector_setup setup = {.time = conf->limits.inspect_time,
                                    .memory = (uint64_t)conf->limits.inspect_memory,
                                    .heart = &heart};
    pid_t self = getpid();
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    setup.door = ends[1];
    pid_t pid = fork();
    if (pid == 0) {
        int kept[] = {setup.door};
        die_with(self);
        child_close_others(kept, 1);
        _exit(keep(&setup, count));
    }
    int r = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (r < 0) {
        close(ends[0]);
        return r;
    }
    *ret = xmalloc(sizeof(**ret));
    **ret = (struct inspector_own){.door = ends[0], .starter = pid};
    return 0;
}

int inspector_own_door(const struct inspector_own *i)
{
    int fd = fcntl(i->door, F_DUPFD_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

struct inspector_own *inspector_own_free(struct inspector_own *i)
{
    if (i != NULL) {
        close(i->door);
        (void)waitpid(i->starter, NULL, 0);
        free(i);
    }
    return NULL;
}
