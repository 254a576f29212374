/* See proc/master.h. All signals are blocked and read from a descriptor, so that none can come at
 * the wrong moment; workers tell through a pipe that they serve. */
#include "proc/master.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/log.h"
#include "policy/reload.h"
#include "proc/environment.h"
#include "proc/listen.h"
#include "proc/shared.h"
#include "proc/worker.h"

/* A worker that ends sooner than this after it was ready, or never was, has died right after its
 * start: the next one waits, longer each time. */
#define QUICK_DEATH (100 * USEC_MSEC)
#define DELAY_FIRST (10 * USEC_MSEC)
#define DELAY_MOST  (5 * USEC_SEC)

struct slot {
    pid_t pid;       /* 0: none lives */
    usec_t ready_at; /* 0: not yet */
    usec_t start_at; /* when the next one is due, while none lives */
    usec_t delay;    /* the last wait before a start */
    bool served;     /* some worker has been ready here */
};

struct master {
    const struct conf *conf;
    const struct policy *policy;
    struct identity who;
    struct shared shared;
    int *listeners; /* NULL once the end has begun */
    struct slot *slots;
    int signals;
    int ready[2];
    unsigned served_count; /* slots that have been ready once */
    bool ending;
    int status;
};

static usec_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (usec_t)ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
}

/* ---- workers ---- */

static void tell_ready(const struct master *m)
{
    struct buf line = {0};
    char address[ADDR_TEXT_MAX];

    buf_printf(&line, "gatepost: ready on");
    for (size_t i = 0; i < m->conf->listen_count; i++) {
        buf_printf(&line, "%s %s", i > 0 ? "," : "",
                   addr_format_port(&m->conf->listen[i], address));
    }
    buf_printf(&line, " (%u worker%s)\n", m->conf->workers, m->conf->workers == 1 ? "" : "s");
    if (write(STDERR_FILENO, line.p, line.n) < 0) {
        log_line(LOG_NOTICE, "ready");
    }
    buf_free(&line);
}

static void hear_ready(struct master *m)
{
    unsigned char number;

    while (read(m->ready[0], &number, 1) == 1) {
        struct slot *slot = &m->slots[number];
        slot->ready_at = now();
        if (!slot->served) {
            slot->served = true;
            m->served_count++;
            if (m->served_count == m->conf->workers && !m->ending) {
                tell_ready(m);
            }
        }
    }
}

static void start_worker(struct master *m, unsigned number)
{
    struct slot *slot = &m->slots[number];
    /* Before the new worker begins, what the one before it left behind is void. */
    struct worker_setup setup = {
        .conf = m->conf,
        .policy = m->policy,
        .shared = &m->shared,
        .who = &m->who,
        .owner = shared_new_owner(&m->shared, (uint16_t)number),
        .listeners = m->listeners,
        .ready = m->ready[1],
        .master = getpid(),
    };
    if (slot->served) {
        tables_refresh(m->policy); /* what it replaces knew newer ones */
    }
    pid_t pid = fork();

    if (pid == 0) {
        close(m->signals);
        close(m->ready[0]);
        exit(worker_run(&setup));
    }
    if (pid < 0) {
        log_line(LOG_ERROR, "cannot start worker %u: %s", number, strerror(errno));
        slot->start_at = now() + DELAY_MOST;
        return;
    }
    slot->pid = pid;
    slot->ready_at = 0;
}

static void tell_death(unsigned number, pid_t pid, int status)
{
    if (WIFSIGNALED(status)) {
        log_line(LOG_ERROR, "worker %u (process %d) was killed by signal %d (%s)", number, (int)pid,
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0) {
        log_line(LOG_ERROR, "worker %u (process %d) ended with status %d", number, (int)pid,
                 WEXITSTATUS(status));
    }
}

static void begin_end(struct master *m)
{
    m->ending = true;
    m->listeners = listeners_close(m->conf, m->listeners);
    for (unsigned i = 0; i < m->conf->workers; i++) {
        if (m->slots[i].pid != 0) {
            (void)kill(m->slots[i].pid, SIGTERM);
        }
    }
}

static void worker_ended(struct master *m, unsigned number, int status)
{
    struct slot *slot = &m->slots[number];
    usec_t at = now();
    bool quick = slot->ready_at == 0 || at - slot->ready_at < QUICK_DEATH;

    tell_death(number, slot->pid, status);
    slot->pid = 0;
    if (m->ending) {
        /* Its sessions did not end as they should have. */
        m->status = status != 0 && m->status == 0 ? EXIT_FAILURE : m->status;
        return;
    }
    /* A worker that cannot even start when Gatepost does will not be better off later. */
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_CANNOT_START &&
        m->served_count < m->conf->workers) {
        m->status = 2;
        begin_end(m);
        return;
    }
    if (!quick) {
        slot->delay = 0;
    } else if (slot->delay == 0) {
        slot->delay = DELAY_FIRST;
    } else {
        slot->delay = slot->delay < DELAY_MOST / 2 ? slot->delay * 2 : DELAY_MOST;
    }
    slot->start_at = at + slot->delay;
}

static void bury(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        hear_ready(m); /* what it may have said must not be taken for its successor's */
        for (unsigned i = 0; i < m->conf->workers; i++) {
            if (m->slots[i].pid == pid) {
                worker_ended(m, i, status);
            }
        }
    }
}

/* Starts every worker that is due. Returns when the next one will be, or USEC_NEVER. */
static usec_t start_due(struct master *m)
{
    usec_t next = USEC_NEVER;
    usec_t at = now();

    for (unsigned i = 0; i < m->conf->workers && !m->ending; i++) {
        struct slot *slot = &m->slots[i];
        if (slot->pid == 0 && slot->start_at <= at) {
            start_worker(m, i);
        }
        if (slot->pid == 0 && slot->start_at < next) {
            next = slot->start_at;
        }
    }
    return next;
}

static bool any_lives(const struct master *m)
{
    for (unsigned i = 0; i < m->conf->workers; i++) {
        if (m->slots[i].pid != 0) {
            return true;
        }
    }
    return false;
}

/* ---- what the master hears ---- */

static void hear_signals(struct master *m)
{
    struct signalfd_siginfo info;

    while (read(m->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGTERM:
        case SIGINT:
            if (!m->ending) {
                log_line(LOG_NOTICE, "%s: ending; open transactions may finish",
                         info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
                begin_end(m);
            }
            break;
        case SIGHUP:
            log_line(LOG_NOTICE, "SIGHUP: the configuration is read at the start only");
            break;
        default: break; /* SIGCHLD: the dead are looked for in any case */
        }
    }
}

static void supervise(struct master *m)
{
    struct pollfd heard[] = {{.fd = m->signals, .events = POLLIN},
                             {.fd = m->ready[0], .events = POLLIN}};

    for (;;) {
        usec_t next = start_due(m);
        if (m->ending && !any_lives(m)) {
            return;
        }
        int timeout = -1;
        if (next != USEC_NEVER) {
            usec_t in = next - now();
            timeout = in > 0 ? (int)(in / USEC_MSEC) + 1 : 0;
        }
        (void)poll(heard, 2, timeout);
        hear_ready(m);
        hear_signals(m);
        bury(m);
    }
}

/* ---- a whole life ---- */

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int open_signals(void)
{
    const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        sigaddset(&set, wanted[i]);
    }
    int fd = sigprocmask(SIG_SETMASK, &set, NULL) < 0
                 ? -1
                 : signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) {
        fatal("cannot watch for signals: %s", strerror(errno));
    }
    return fd;
}

/* What a mistake of the administrator can make impossible. */
static int prepare(struct master *m, const char *file, struct conf_error *error)
{
    int r = environment_check(m->conf, file, true, &m->who, error);

    return r < 0 ? r : listeners_open(m->conf, file, &m->listeners, error);
}

int master_run(const struct conf *conf, const struct policy *policy, const char *file)
{
    struct master m = {.conf = conf, .policy = policy};
    struct conf_error error = {0};

    if (prepare(&m, file, &error) < 0) {
        (void)fprintf(stderr, "%s\n%s", error.text, error.excerpt);
        return 2;
    }
    if (m.who.guessed) {
        log_line(LOG_WARNING, "workers run as user nobody, whom others use too: make an account "
                              "gatepost, or set `user`");
    }
    if (m.who.root) {
        log_line(LOG_WARNING,
                 "workers keep root's privileges: set `user` to an account of their own");
    }
    raise_descriptor_limit();
    tzset(); /* for time.hour, before workers lose sight of the file */
    m.signals = open_signals();
    if (pipe2(m.ready, O_NONBLOCK | O_CLOEXEC) < 0 || shared_map(&m.shared) < 0) {
        fatal("cannot make ready for workers: %s", strerror(errno));
    }
    m.slots = xcalloc(conf->workers, sizeof(*m.slots));
    supervise(&m);
    free(m.slots);
    close(m.signals);
    close(m.ready[0]);
    close(m.ready[1]);
    shared_unmap(&m.shared);
    return m.status;
}
