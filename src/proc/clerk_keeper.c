/* See proc/clerk_keeper.h. */
#include "proc/clerk_keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/child.h"
#include "proc/clerk.h"

/* As for workers (master.c): one that ends so soon has died right after its start. */
#define QUICK_DEATH (100 * USEC_MSEC)
#define DELAY_FIRST (10 * USEC_MSEC)
#define DELAY_MOST  (5 * USEC_SEC)

/* For its end: its clients have ten seconds to take a reply. */
#define END_TIME (15 * USEC_SEC)

/* Far more than it has clients. */
#define ORDERS_MOST 1024

static void tell_to_end(struct clerk_keeper *k, usec_t now)
{
    if (k->pid != 0 && k->told_at == 0) {
        k->told_at = now;
        (void)kill(k->pid, SIGTERM);
    }
}

void clerk_keeper_adopt(struct clerk_keeper *k, pid_t pid, usec_t now)
{
    *k = (struct clerk_keeper){.link = -1, .pid = pid, .moved_at = now, .hang_time = END_TIME};
    tell_to_end(k, now);
}

void clerk_keeper_init(struct clerk_keeper *k, const struct shared *shared,
                       const struct identity *who)
{
    struct clerk_keeper adopted = *k;

    *k = (struct clerk_keeper){.shared = shared,
                               .who = who,
                               .link = -1,
                               .pid = adopted.pid,
                               .moved_at = adopted.moved_at,
                               .hang_time = adopted.hang_time,
                               .told_at = adopted.told_at};
}

/* ---- the child ---- */

static void drop_link(struct clerk_keeper *k)
{
    if (k->link >= 0) {
        close(k->link);
    }
    k->link = -1;
    k->half_n = 0;
}

static int start(struct clerk_keeper *k, const struct clerk_parts *parts, usec_t now)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    struct clerk_setup setup = {
        .shared = *k->shared,
        .who = k->who,
        .control = parts->control,
        .link = ends[1],
        .records = parts->records,
        .master = getpid(),
        .hang_time = parts->hang_time,
        .configuration = parts->configuration,
        .run = parts->run,
    };
    pid_t pid = child_fork("gatepost-clerk");
    if (pid == 0) {
        int kept[] = {setup.control, setup.link, setup.records};
        child_close_others(kept, sizeof(kept) / sizeof(kept[0]));
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
    k->moved_at = now;
    k->told_at = 0;
    k->given_up = false;
    k->outdated = false;
    k->generation = parts->generation;
    k->hang_time = parts->hang_time;
    k->orders = 0;
    return 0;
}

usec_t clerk_keeper_start_due(struct clerk_keeper *k, const struct clerk_parts *parts, usec_t now)
{
    if (k->pid == 0 && k->start_at <= now) {
        int r = start(k, parts, now);
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

static void replace_outdated(struct clerk_keeper *k, usec_t now)
{
    if (k->outdated && k->orders == 0) {
        tell_to_end(k, now);
    }
}

void clerk_keeper_replace(struct clerk_keeper *k, usec_t now)
{
    k->outdated = true;
    replace_outdated(k, now);
}

void clerk_keeper_end(struct clerk_keeper *k, usec_t now)
{
    tell_to_end(k, now);
    k->start_at = USEC_NEVER;
}

void clerk_keeper_close(struct clerk_keeper *k)
{
    drop_link(k);
}

/* A clerk that does not keep to the rules. */
static void give_up(struct clerk_keeper *k, const char *why)
{
    log_line(LOG_ERROR, "the clerk (process %d) %s: it is killed", (int)k->pid, why);
    (void)kill(k->pid, SIGKILL);
    k->given_up = true;
    drop_link(k);
}

static void check_since(struct clerk_keeper *k, const char *what, usec_t since, usec_t patience,
                        usec_t now)
{
    char why[64];

    if (k->pid != 0 && !k->given_up && now - since >= patience) {
        (void)snprintf(why, sizeof(why), "has not %s for %d s", what,
                       (int)((now - since) / USEC_SEC));
        give_up(k, why);
    }
}

void clerk_keeper_check(struct clerk_keeper *k, usec_t now, usec_t awake_since)
{
    usec_t moved = k->moved_at > awake_since ? k->moved_at : awake_since;
    usec_t told = k->told_at > awake_since ? k->told_at : awake_since;

    check_since(k, "moved", moved, k->hang_time, now);
    if (k->told_at != 0) {
        check_since(k, "ended", told, END_TIME, now);
    }
}

/* ---- the link ---- */

/* Has a whole head come? */
static bool hear(struct clerk_keeper *k, struct clerk_head *ret)
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
        if (k->half_n == sizeof(k->half)) {
            memcpy(ret, k->half, sizeof(*ret));
            k->half_n = 0;
            return true;
        }
    }
    return false;
}

bool clerk_keeper_next(struct clerk_keeper *k, usec_t now, struct clerk_head *ret)
{
    if (!hear(k, ret)) {
        return false;
    }
    if (ret->order >= CLERK_ORDERS) {
        give_up(k, "says what nobody understands");
        return false;
    }
    k->moved_at = now;
    if (ret->order == CLERK_READY) {
        k->ready_at = now;
        k->tried = true;
    } else if (ret->order != CLERK_MOVES && ++k->orders > ORDERS_MOST) {
        give_up(k, "asks for too much at once");
        return false;
    }
    return true;
}

void clerk_keeper_answer(struct clerk_keeper *k, uint32_t id, int status, struct slice text)
{
    size_t n = text.n < CLERK_TEXT_MOST ? text.n : CLERK_TEXT_MOST;
    struct clerk_head head = {.id = id, .status = status, .length = (uint32_t)n};
    struct iovec iov[] = {{&head, sizeof(head)}, {(void *)(uintptr_t)text.p, n}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

    k->orders -= k->orders > 0;
    if (k->link >= 0 &&
        sendmsg(k->link, &m, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)(sizeof(head) + n)) {
        give_up(k, "does not take its answers");
    }
    replace_outdated(k, clock_monotonic());
}
