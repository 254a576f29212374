/* See proc/clerk_keeper.h. */
#include "proc/clerk_keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/clerk.h"

/* As for workers (master.c): one that ends so soon has died right after its start. */
#define QUICK_DEATH (100 * USEC_MSEC)
#define DELAY_FIRST (10 * USEC_MSEC)
#define DELAY_MOST  (5 * USEC_SEC)

void clerk_keeper_init(struct clerk_keeper *k, const struct shared *shared,
                       const struct identity *who, int control)
{
    *k = (struct clerk_keeper){.shared = shared, .who = who, .control = control, .link = -1};
}

/* ---- the child ---- */

static void close_between(int first, int last)
{
    if (first <= last) {
        (void)close_range((unsigned)first, (unsigned)last, 0);
    }
}

/* Everything but the standard descriptors and these two. */
static void close_others(int a, int b)
{
    int low = a < b ? a : b;
    int high = a < b ? b : a;

    close_between(STDERR_FILENO + 1, low - 1);
    close_between(low > STDERR_FILENO ? low + 1 : STDERR_FILENO + 1, high - 1);
    (void)close_range((unsigned)high + 1, ~0U, 0);
}

static void drop_link(struct clerk_keeper *k)
{
    if (k->link >= 0) {
        close(k->link);
    }
    k->link = -1;
    k->half_n = 0;
}

/* The child has its name from its first moment, for whoever looks for it among our children. */
static pid_t fork_named(const char *name)
{
    char own[16];

    (void)prctl(PR_GET_NAME, own, 0, 0, 0);
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
    pid_t pid = fork();
    if (pid != 0) {
        (void)prctl(PR_SET_NAME, own, 0, 0, 0);
    }
    return pid;
}

static int start(struct clerk_keeper *k)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    struct clerk_setup setup = {
        .shared = *k->shared,
        .who = k->who,
        .control = k->control,
        .link = ends[1],
        .master = getpid(),
    };
    pid_t pid = fork_named("gatepost-clerk");
    if (pid == 0) {
        close_others(setup.control, setup.link);
        log_reopen();
        exit(clerk_run(&setup));
    }
    int r = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (r < 0) {
        close(ends[0]);
        return r;
    }
    k->pid = pid;
    k->link = ends[0];
    k->ready_at = 0;
    return 0;
}

usec_t clerk_keeper_start_due(struct clerk_keeper *k, usec_t now)
{
    if (k->pid == 0 && k->start_at <= now) {
        int r = start(k);
        if (r < 0) {
            log_line(LOG_ERROR, "cannot start the clerk: %s", strerror(-r));
            k->start_at = now + DELAY_MOST;
            k->tried = true;
        }
    }
    return k->pid == 0 ? k->start_at : USEC_NEVER;
}

bool clerk_keeper_buried(struct clerk_keeper *k, pid_t pid, int status, usec_t now)
{
    if (pid != k->pid || k->pid == 0) {
        return false;
    }
    bool quick = k->ready_at == 0 || now - k->ready_at < QUICK_DEATH;

    if (WIFSIGNALED(status)) {
        log_line(LOG_ERROR, "the clerk (process %d) was killed by signal %d (%s)", (int)pid,
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0) {
        log_line(LOG_ERROR, "the clerk (process %d) ended with status %d", (int)pid,
                 WEXITSTATUS(status));
    }
    drop_link(k);
    k->pid = 0;
    k->tried = true;
    if (!quick) {
        k->delay = 0;
    } else if (k->delay == 0) {
        k->delay = DELAY_FIRST;
    } else {
        k->delay = k->delay < DELAY_MOST / 2 ? k->delay * 2 : DELAY_MOST;
    }
    k->start_at = k->start_at == USEC_NEVER ? USEC_NEVER : now + k->delay;
    return true;
}

void clerk_keeper_replace(struct clerk_keeper *k, int control)
{
    k->control = control;
    if (k->pid != 0) {
        (void)kill(k->pid, SIGTERM);
    }
}

void clerk_keeper_end(struct clerk_keeper *k)
{
    if (k->pid != 0 && k->start_at != USEC_NEVER) {
        (void)kill(k->pid, SIGTERM);
    }
    k->start_at = USEC_NEVER;
}

void clerk_keeper_close(struct clerk_keeper *k)
{
    drop_link(k);
}

/* ---- the link ---- */

/* A clerk that does not keep to the rules is replaced. */
static void give_up(struct clerk_keeper *k, const char *why)
{
    log_line(LOG_ERROR, "the clerk (process %d) %s: it is replaced", (int)k->pid, why);
    (void)kill(k->pid, SIGKILL);
    drop_link(k);
}

bool clerk_keeper_next(struct clerk_keeper *k, usec_t now, struct clerk_head *ret)
{
    while (k->link >= 0) {
        ssize_t n = read(k->link, k->half + k->half_n, sizeof(k->half) - k->half_n);
        if (n <= 0) {
            if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
                drop_link(k); /* it is dying: its death is heard otherwise */
            }
            return false;
        }
        k->half_n += (size_t)n;
        if (k->half_n < sizeof(k->half)) {
            continue;
        }
        memcpy(ret, k->half, sizeof(*ret));
        k->half_n = 0;
        if (ret->order != CLERK_READY) {
            return true;
        }
        k->ready_at = now;
        k->tried = true;
    }
    return false;
}

void clerk_keeper_answer(struct clerk_keeper *k, uint32_t id, int status, struct slice text)
{
    size_t n = text.n < CLERK_TEXT_MOST ? text.n : CLERK_TEXT_MOST;
    struct clerk_head head = {.id = id, .status = status, .length = (uint32_t)n};
    struct iovec iov[] = {{&head, sizeof(head)}, {(void *)(uintptr_t)text.p, n}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

    if (k->link >= 0 &&
        sendmsg(k->link, &m, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)(sizeof(head) + n)) {
        give_up(k, "does not take its answers");
    }
}
