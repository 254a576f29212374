/* See proc/master.h. All signals are blocked and read from a descriptor, so that none can come at
 * the wrong moment; workers tell through a pipe that they serve. */
#include "proc/master.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fatal.h"
#include "base/log.h"
#include "proc/environment.h"
#include "proc/master_impl.h"
#include "proc/state_lock.h"

/* How often the master looks whether workers move and certificates have changed. */
#define TICK (2 * USEC_SEC)
/* So late for that, the master stood still itself: the whole host or group of processes was frozen,
 * and no worker can be blamed for what it has not done meanwhile. */
#define STOOD_STILL (USEC_SEC / 2)

/* ---- words ---- */

void master_tell_ready(struct master *m)
{
    const struct conf *conf = m->serving->configuration->conf;
    struct buf line = {0};
    char address[ADDR_TEXT_MAX];

    for (size_t i = 0; i < conf->listen_count; i++) {
        buf_printf(&line, "%s%s", i > 0 ? ", " : "ready on ",
                   addr_format_port(&conf->listen[i], address));
    }
    buf_printf(&line, " (%u worker%s)", conf->workers, conf->workers == 1 ? "" : "s");
    buf_append(&line, "", 1);
    log_announce(line.p);
    buf_free(&line);
}

void master_warn_of(const struct identity *who)
{
    if (who->guessed) {
        log_line(LOG_WARNING, "workers run as user nobody, whom others use too: make an account "
                              "gatepost, or set `user`");
    }
    if (who->root) {
        log_line(LOG_WARNING,
                 "workers are root, if without capabilities: set `user` to an account of theirs");
    }
}

/* ---- what the master hears ---- */

void master_end(struct master *m, int status)
{
    m->status = status;
    m->ending = true;
    notify_say(&m->notify, "STOPPING=1\nSTATUS=waiting for open transactions to end");
    reload_cancel(m);
    generations_end(m);
    listeners_close(&m->listeners);
}

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
                master_end(m, 0);
            }
            break;
        case SIGHUP: master_reload(m, NULL, NULL); break;
        case SIGUSR2: master_upgrade(m, NULL, NULL); break;
        default: break; /* SIGCHLD: the dead are looked for in any case */
        }
    }
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

static usec_t tick(struct master *m)
{
    usec_t watchdog = m->notify.watchdog;
    usec_t now = clock_monotonic();

    if (m->tick_at <= now) {
        m->awake_since = now - m->tick_at >= STOOD_STILL ? now : m->awake_since;
        m->tick_at = now + (watchdog > 0 ? earlier(watchdog / 2, TICK) : TICK);
        /* Somebody must serve; while there is no such worker for long, systemd may begin anew. */
        if ((generations_check_hearts(m) || m->ending) && watchdog > 0) {
            notify_say(&m->notify, "WATCHDOG=1");
        }
        clerk_check(m);
        certificates_look(m);
    }
    return m->tick_at;
}

/* All that is due; returns when there will be more. What the tick finds to do comes after it. */
static usec_t step(struct master *m)
{
    usec_t next = tick(m);

    next = earlier(next, reload_step(m));
    next = earlier(next, generations_step(m));
    return earlier(next, clerk_step(m));
}

static void supervise(struct master *m)
{
    struct pollfd heard[] = {{.fd = m->signals, .events = POLLIN},
                             {.fd = m->ready[0], .events = POLLIN},
                             {.events = POLLIN}};

    for (;;) {
        usec_t next = step(m);
        if (m->ending && !generations_any_lives(m) && m->clerk.pid == 0) {
            return;
        }
        usec_t in = next - clock_monotonic();
        heard[2].fd = m->clerk.link;
        (void)poll(heard, 3, in > 0 ? (int)(in / USEC_MSEC) + 1 : 0);
        generations_hear_ready(m);
        clerk_hear(m);
        generations_bury(m); /* who died before the end began has not died of it */
        hear_signals(m);
        generations_bury(m);
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

/* A core file of a worker would hold people's mail, and anybody's the key of TLS. Called before
 * there is a child, so that none is without this for a moment; a program that takes over has it
 * too. */
static void forbid_core_files(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none); /* a service's own filter may not let us */
}

static int open_signals(void)
{
    const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2};
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
static int prepare(struct master *m, struct generation_parts *parts, struct conf_error *error)
{
    const struct conf *conf = parts->configuration->conf;
    int r = environment_check(conf, m->file, true, &parts->who, error);

    r = r < 0 ? r : state_lock(conf, m->file, &m->state_lock, error);
    r = r < 0 ? r : certificate_load(conf, &parts->certificate, error->text, sizeof(error->text));
    r = r < 0 ? r : control_socket_open(conf, m->file, &m->control, error);
    r = r < 0 ? r : listeners_inherit(&m->listeners, error->text, sizeof(error->text));
    return r < 0 ? r : listeners_take(&m->listeners, conf, m->file, &parts->listeners, error);
}

struct master *master_new(const char *file, char **argv)
{
    struct master *m = xcalloc(1, sizeof(*m));

    *m = (struct master){.file = file,
                         .argv = argv,
                         .state_lock = -1,
                         .control = {.fd = -1},
                         .records = {.ends = {-1, -1}}};
    m->clerk.link = -1;
    list_init(&m->generations);
    reload_init(m);
    raise_descriptor_limit();
    forbid_core_files();
    notify_open(&m->notify);
    tzset(); /* for time.hour, before workers lose sight of the file */
    m->signals = open_signals();
    if (pipe2(m->ready, O_NONBLOCK | O_CLOEXEC) < 0) {
        fatal("cannot make ready for workers: %s", strerror(errno));
    }
    return m;
}

static int end(struct master *m)
{
    int status = m->status;

    generations_free(m);
    listeners_close(&m->listeners);
    notify_close(&m->notify);
    control_socket_close(&m->control);
    records_close(&m->records);
    close(m->signals);
    close(m->ready[0]);
    close(m->ready[1]);
    shared_unmap(&m->shared);
    if (m->state_lock >= 0) {
        close(m->state_lock);
    }
    free(m->state);
    free(m->program);
    free(m);
    return status;
}

int master_serve(struct master *m)
{
    supervise(m);
    return end(m);
}

/* Where a program that is to follow this one will be: the path that this one was started by. */
static char *find_program(const char *name)
{
    char path[PATH_MAX];
    ssize_t n;

    if (name[0] == '/') {
        return xstrdup(name);
    }
    if (strchr(name, '/') != NULL && getcwd(path, sizeof(path)) != NULL) {
        struct buf absolute = {0};
        buf_printf(&absolute, "%s/%s", path, name);
        buf_append(&absolute, "", 1);
        return absolute.p;
    }
    n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    return xstrdup(path);
}

int master_run(struct configuration *configuration, const char *file, char **argv)
{
    struct master *m = master_new(file, argv);
    struct generation_parts parts = {.configuration = configuration};
    struct conf_error error = {0};

    int r = shared_map(&m->shared);
    if (r < 0) {
        fatal("cannot map what workers share: %s", strerror(-r));
    }
    r = records_open(&m->records);
    if (r < 0) {
        fatal("cannot make the sockets for decision records: %s", strerror(-r));
    }
    if (prepare(m, &parts, &error) < 0) {
        (void)fprintf(stderr, "%s\n%s", error.text, error.excerpt);
        (void)tls_context_free(parts.certificate.context);
        (void)configuration_free(configuration);
        m->status = 2;
        return end(m);
    }
    log_set_target(environment_log(configuration->conf));
    master_warn_of(&parts.who);
    m->state = xstrdup(configuration->conf->state);
    m->program = find_program(argv[0]);
    clerk_begin(m, &parts.who);
    if (generation_new(m, &parts, &m->reload.next) < 0) {
        panic("no slots for the first workers");
    }
    m->reload.state = RELOAD_STARTING;
    return master_serve(m);
}
