/* See proc/inspector_keeper.h. */
#include "proc/inspector_keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/log.h"
#include "proc/child.h"
#include "proc/inspector.h"

/* One that could not even begin: the next waits, longer each time. */
#define DELAY_FIRST (100 * USEC_MSEC)
#define DELAY_MOST  (10 * USEC_SEC)
/* How often the log may tell of inspectors that died of messages. */
#define TELL_EVERY (60 * USEC_SEC)

struct keeping {
    pid_t pid;       /* 0: none lives */
    usec_t start_at; /* when the next is due, while none lives */
    usec_t delay;    /* the last wait before a start */
};

struct inspector_keeper {
    const struct conf *conf;
    const struct identity *who;
    int door[DOOR_ENDS];
    struct inspector_heart *hearts; /* by place, shared with them */
    unsigned count;
    unsigned died; /* since the log told of it */
    usec_t told_at;
    struct keeping places[];
};

static size_t hearts_size(unsigned count)
{
    return count * sizeof(struct inspector_heart);
}

int inspector_keeper_new(const struct conf *conf, const struct identity *who, unsigned count,
                         struct inspector_keeper **ret)
{
    struct inspector_keeper *k = xcalloc(1, sizeof(*k) + count * sizeof(k->places[0]));
    int r = 0;

    k->conf = conf;
    k->who = who;
    k->count = count;
    k->hearts =
        mmap(NULL, hearts_size(count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (k->hearts == MAP_FAILED) {
        r = -errno;
    } else if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, k->door) < 0) {
        r = -errno;
        munmap(k->hearts, hearts_size(count));
    }
    if (r < 0) {
        free(k);
        return r;
    }
    *ret = k;
    return 0;
}

static void drop_end(struct inspector_keeper *k, enum door_end end)
{
    if (k->door[end] >= 0) {
        close(k->door[end]);
    }
    k->door[end] = -1;
}

struct inspector_keeper *inspector_keeper_free(struct inspector_keeper *k)
{
    if (k == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < k->count; i++) {
        if (k->places[i].pid != 0) {
            (void)kill(k->places[i].pid, SIGKILL);
            (void)waitpid(k->places[i].pid, NULL, 0);
        }
    }
    drop_end(k, DOOR_WORKERS);
    drop_end(k, DOOR_INSPECTORS);
    munmap(k->hearts, hearts_size(k->count));
    free(k);
    return NULL;
}

int inspector_keeper_door(const struct inspector_keeper *k)
{
    return k != NULL ? k->door[DOOR_WORKERS] : -1;
}

void inspector_keeper_close(struct inspector_keeper *k, bool keep_workers_end)
{
    if (k != NULL) {
        drop_end(k, DOOR_INSPECTORS);
        if (!keep_workers_end) {
            drop_end(k, DOOR_WORKERS);
        }
    }
}

/* ---- one inspector ---- */

static usec_t longer(usec_t delay)
{
    return delay == 0 ? DELAY_FIRST : delay < DELAY_MOST / 2 ? delay * 2 : DELAY_MOST;
}

static void start(struct inspector_keeper *k, unsigned number, usec_t now)
{
    struct keeping *p = &k->places[number];
    struct inspector_setup setup = {
        .door = k->door[DOOR_INSPECTORS],
        .who = k->who,
        .time = k->conf->limits.inspect_time,
        .memory = (uint64_t)k->conf->limits.inspect_memory,
        .heart = &k->hearts[number],
    };

    atomic_store_explicit(&setup.heart->began, 0, memory_order_relaxed);
    pid_t pid = child_fork("gatepost-insp");
    if (pid == 0) {
        int kept[] = {setup.door};
        child_close_others(kept, 1);
        log_reopen();
        exit(inspector_run(&setup));
    }
    if (pid < 0) {
        log_line(LOG_ERROR, "cannot start an inspector: %s", strerror(errno));
        p->start_at = now + DELAY_MOST;
        return;
    }
    p->pid = pid;
}

usec_t inspector_keeper_start_due(struct inspector_keeper *k, usec_t now)
{
    usec_t next = USEC_NEVER;

    for (unsigned i = 0; k != NULL && i < k->count; i++) {
        struct keeping *p = &k->places[i];
        if (p->pid == 0 && p->start_at <= now) {
            start(k, i, now);
        }
        if (p->pid == 0 && p->start_at < next) {
            next = p->start_at;
        }
    }
    return next;
}

/* Which messages they are the workers tell, each in its decision. */
static void tell_death(struct inspector_keeper *k, pid_t pid, int status, usec_t now)
{
    k->died++;
    if (k->told_at != 0 && now - k->told_at < TELL_EVERY) {
        return;
    }
    k->told_at = now;
    if (WIFSIGNALED(status)) {
        log_line(LOG_WARNING,
                 "an inspector (process %d) was killed by signal %d (%s)%s; it is replaced",
                 (int)pid, WTERMSIG(status), strsignal(WTERMSIG(status)),
                 k->died > 1 ? ", not the first one" : "");
    } else {
        log_line(LOG_WARNING, "an inspector (process %d) ended with status %d; it is replaced",
                 (int)pid, WEXITSTATUS(status));
    }
}

bool inspector_keeper_buried(struct inspector_keeper *k, pid_t pid, int status, usec_t now)
{
    unsigned i = 0;

    while (k != NULL && i < k->count && k->places[i].pid != pid) {
        i++;
    }
    if (k == NULL || i == k->count) {
        return false;
    }
    struct keeping *p = &k->places[i];
    bool cannot = WIFEXITED(status) && WEXITSTATUS(status) == INSPECTOR_CANNOT_START;

    p->pid = 0;
    p->delay = cannot ? longer(p->delay) : 0;
    p->start_at = now + p->delay;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        tell_death(k, pid, status, now);
    }
    return true;
}

void inspector_keeper_check(struct inspector_keeper *k, usec_t now, usec_t awake_since)
{
    for (unsigned i = 0; k != NULL && i < k->count; i++) {
        usec_t began = atomic_load_explicit(&k->hearts[i].began, memory_order_acquire);
        usec_t since = began > awake_since ? began : awake_since;
        if (k->places[i].pid != 0 && began != 0 &&
            now - since >= k->conf->limits.inspect_time + 2 * INSPECTOR_GRACE) {
            log_line(LOG_ERROR,
                     "an inspector (process %d) does not end with a message: it is killed",
                     (int)k->places[i].pid);
            (void)kill(k->places[i].pid, SIGKILL);
            atomic_store_explicit(&k->hearts[i].began, 0, memory_order_relaxed);
        }
    }
}
