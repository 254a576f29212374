/* See proc/worker.h. Privileges are given up in two steps: become_user() when what needs root is
 * open, worker_confine() when all is open that needs more than the list says. All that strangers
 * have a say in comes after. */
#include "proc/worker.h"

#include <errno.h>
#include <limits.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "client/resolver.h"
#include "policy/reload.h"
#include "policy/table.h"
#include "proc/balance.h"
#include "proc/descriptors.h"
#include "proc/environment.h"
#include "proc/gate.h"
#include "proc/listen.h"
#include "proc/reporter.h"
#include "proc/sandbox.h"
#include "route/hop_tls.h"
#include "rt/real.h"
#include "smtp/server.h"

/* How soon decision lines that found no reader are tried again when nothing else happens. */
#define FLUSH_AGAIN (20 * USEC_MSEC)
/* How long a retiring worker accepts who was connecting to an address that is given up: a handshake
 * and the repetition of its last packet. */
#define LAST_CLIENTS (1 * USEC_SEC + 500 * USEC_MSEC)
/* How often the log may say that decision lines are lost. */
#define LOST_EVERY (60 * USEC_SEC)

struct worker {
    const struct worker_setup *setup;
    const struct conf *conf;
    char role[32];
    struct rt *rt;
    struct decision_sink *decisions;
    struct resolver *resolver;
    struct hop_trust *hop_trust;
    struct store *store;
    struct counters counts;
    struct delivery_host deliveries;
    struct smtp_server server;
    struct gate gate;
    struct balance balance;
    struct real_listener **listeners;
    struct file_watch *tables;
    struct reporter reporter;
    struct rt_timer flush_timer;
    struct rt_timer heart_timer;
    struct rt_timer retire_timer;
    uint64_t lost_told;
    usec_t lost_told_at;
    bool retiring;
    volatile bool stop; /* real_run may return */
};

/* Signal handlers can reach nothing but statics. */
static volatile sig_atomic_t terminated;
static volatile sig_atomic_t retired;
static struct rt *woken_by_signals;

static void on_signal(int number)
{
    int saved = errno;
    if (number == SIGTERM) {
        terminated = 1;
    } else {
        retired = 1;
    }
    real_wake(woken_by_signals);
    errno = saved;
}

/* ---- beginning ---- */

/* What needs root: files that the workers' user may not open. */
static int open_privileged(struct worker *w)
{
    const struct conf_hop *culprit;
    char why[256];
    int r = decision_sink_open(w->conf, w->setup->owner.slot, w->setup->owner.epoch, &w->decisions);

    if (r < 0) {
        log_line(LOG_ERROR, "cannot open where decisions go: %s", strerror(-r));
        return r;
    }
    r = hop_trust_new(w->conf, &w->hop_trust, &culprit, why, sizeof(why));
    if (r < 0) {
        log_line(LOG_ERROR, "cannot verify next hop %s: %s", culprit->name, why);
        return r;
    }
    return 0;
}

static int become_user(const struct worker *w)
{
    const struct identity *who = w->setup->who;
    int r = identity_become(who);

    if (r < 0) {
        log_line(LOG_ERROR, "cannot become user %s: %s", who->name, strerror(-r));
    }
    return r;
}

/* ---- what a worker may do ---- */

/* The folder that a path is in; of a template, the one in front of what is filled in at `end`. */
static const char *folder_above(const char *path, const char *end, struct arena *arena)
{
    size_t n = end != NULL ? (size_t)(end - path) : strlen(path);

    while (n > 1 && path[n - 1] != '/') {
        n--;
    }
    return arena_copy(arena, (struct slice){path, n}).p;
}

/* A file that is read again when it changes, by a rename; the kernel asks where links lead. */
static struct sandbox_path *add_file(struct sandbox_path *p, const char *path, struct arena *arena)
{
    char real[PATH_MAX];
    const char *end = realpath(path, real) != NULL ? real : path;

    *p++ = (struct sandbox_path){folder_above(path, NULL, arena), SANDBOX_READ};
    *p++ = (struct sandbox_path){folder_above(end, NULL, arena), SANDBOX_READ};
    return p;
}

/* Why a worker reaches each folder: what is not here it cannot even open. */
static void worker_places(const struct conf *conf, const struct policy *policy, struct arena *arena,
                          struct sandbox *s)
{
    size_t most = 2 + conf->route_count + 2 * (policy->table_count + conf->recipients_count);
    struct sandbox_path *p = arena_alloc(arena, most * sizeof(*p));

    s->paths = p;
    *p++ = (struct sandbox_path){conf->state, SANDBOX_WRITE}; /* LMDB's files */
    *p++ = (struct sandbox_path){conf->spool, SANDBOX_WRITE}; /* messages too large for memory */
    for (size_t i = 0; i < conf->route_count; i++) {
        const char *to = conf->routes[i]->folder;
        if (conf->routes[i]->kind == CONF_ROUTE_MAILDIR) { /* and tmp, new and cur, if need be */
            *p++ = (struct sandbox_path){folder_above(to, strchr(to, '%'), arena), SANDBOX_FOLDERS};
        }
    }
    for (size_t i = 0; i < policy->table_count; i++) {
        p = policy->tables[i]->file != NULL ? add_file(p, policy->tables[i]->file, arena) : p;
    }
    for (size_t i = 0; i < conf->recipients_count; i++) { /* databases are opened again, too */
        p = conf->recipients[i]->path != NULL ? add_file(p, conf->recipients[i]->path, arena) : p;
    }
    s->path_count = (size_t)(p - s->paths);
}

/* Where TCP connections may go: next hops, and servers of the DNS. */
static void worker_ports(const struct conf *conf, struct arena *arena, struct sandbox *s)
{
    uint16_t *p = arena_alloc(arena, (1 + conf->hop_count + conf->resolver_count) * sizeof(*p));

    s->ports = p;
    *p++ = 53;
    for (size_t i = 0; i < conf->hop_count; i++) {
        if (conf->hops[i]->path == NULL) {
            *p++ = conf->hops[i]->addr.port;
        }
    }
    for (size_t i = 0; i < conf->resolver_count; i++) {
        if (conf->resolvers[i].port != 0) {
            *p++ = conf->resolvers[i].port;
        }
    }
    s->port_count = (size_t)(p - s->ports);
}

/* LMTP over a path, and the journal's socket, which is open but may be gone and come again. */
static bool uses_unix_sockets(const struct conf *conf)
{
    bool uses =
        conf->decisions == CONF_DECISIONS_JOURNALD || environment_log(conf) == LOG_TO_JOURNALD;

    for (size_t i = 0; i < conf->hop_count; i++) {
        uses = uses || conf->hops[i]->path != NULL;
    }
    return uses;
}

/* The whole list. What is behind [] goes with those arguments only that sandbox.c says; all else is
 * answered as by a kernel that does not know it, and what only an attacker can want kills. */
static const struct sandbox_calls allowed[] = {
    {"clients, next hops, DNS; making sockets of the internet, and of hops at a path",
     (const int[]){SCMP_SYS(accept4), SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind),
                   SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
                   SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
                   SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(ioctl), SANDBOX_END}},
    {"the loop: what is ready, timers, waking from threads and signal handlers",
     (const int[]){SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
                   SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_create1), SCMP_SYS(eventfd2), SCMP_SYS(poll),
                   SCMP_SYS(ppoll), SCMP_SYS(restart_syscall), SANDBOX_END}},
    {"descriptors: messages, log lines, decision lines",
     (const int[]){SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv),
                   SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(pwritev),
                   SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(flock),
                   SANDBOX_END}},
    {"files: spool, Maildirs, the store, tables that are read again; Landlock says which",
     (const int[]){
         SCMP_SYS(open),      SCMP_SYS(openat),     SCMP_SYS(stat),       SCMP_SYS(lstat),
         SCMP_SYS(fstat),     SCMP_SYS(newfstatat), SCMP_SYS(statx),      SCMP_SYS(fstatfs),
         SCMP_SYS(access),    SCMP_SYS(faccessat),  SCMP_SYS(faccessat2), SCMP_SYS(mkdir),
         SCMP_SYS(mkdirat),   SCMP_SYS(rename),     SCMP_SYS(renameat),   SCMP_SYS(renameat2),
         SCMP_SYS(unlink),    SCMP_SYS(unlinkat),   SCMP_SYS(fsync),      SCMP_SYS(fdatasync),
         SCMP_SYS(ftruncate), SCMP_SYS(fallocate),  SCMP_SYS(fadvise64),  SCMP_SYS(msync),
         SANDBOX_END}},
    {"SQLite, which looks at where a database really is",
     (const int[]){SCMP_SYS(getcwd), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SANDBOX_END}},
    {"memory, never executable",
     (const int[]){SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap),
                   SCMP_SYS(madvise), SCMP_SYS(brk), SANDBOX_END}},
    {"threads for files and the store, and locks, those of the memory that is shared too",
     (const int[]){SCMP_SYS(clone), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(futex),
                   SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(gettid),
                   SCMP_SYS(prctl), SCMP_SYS(exit), SANDBOX_END}},
    {"signals: their handlers, and dying of one's own",
     (const int[]){SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
                   SCMP_SYS(sigaltstack), SCMP_SYS(tgkill), SCMP_SYS(exit_group), SANDBOX_END}},
    {"time and randomness, where the kernel's page of functions does not do",
     (const int[]){SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
                   SCMP_SYS(time), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
                   SCMP_SYS(getrandom), SANDBOX_END}},
    {"who and where we are: names of Maildir files, log lines, the size of memory for sorting",
     (const int[]){SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
                   SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
                   SCMP_SYS(getrlimit), SCMP_SYS(prlimit64), SANDBOX_END}},
    {0},
};

/* Gives up all that is not needed any more, for good: capabilities, system calls, files, ports.
 * What is on the lists beside the calls above is said by worker_places and worker_ports. */
int worker_confine(const struct conf *conf, const struct policy *policy, struct sandbox_level *ret)
{
    struct arena arena;
    const char *missing;
    struct sandbox s = {.calls = allowed, .internet = true, .unix_domain = uses_unix_sockets(conf)};

    arena_init(&arena);
    worker_places(conf, policy, &arena, &s);
    worker_ports(conf, &arena, &s);
    int r = sandbox_enter(&s, ret, &missing);
    if (r < 0) {
        log_line(LOG_ERROR, "cannot confine itself: %s", strerror(-r));
    } else if (missing != NULL) {
        log_line(LOG_WARNING, "%s cannot be reached: until a reload, nothing there will be seen",
                 missing);
    }
    arena_free(&arena);
    return r;
}

/* Once in the master's life: what this kernel cannot do. */
static void tell_bounds(const struct worker *w, const struct sandbox_level *level)
{
    if (w->setup->owner.slot != 0 || w->setup->owner.epoch != 1) {
        return;
    }
    if (!level->seccomp) {
        log_line(LOG_WARNING, "this kernel bounds no system calls (no seccomp)");
    }
    if (level->landlock < SANDBOX_LANDLOCK_SIGNALS) {
        log_line(LOG_WARNING, "this kernel's Landlock (ABI %d) does not bound workers' %s%ssignals",
                 level->landlock, level->landlock < SANDBOX_LANDLOCK_FILES ? "files, " : "",
                 level->landlock < SANDBOX_LANDLOCK_PORTS ? "ports, " : "");
    }
}

/* ---- what a worker has ---- */

static int open_store(struct worker *w)
{
    const char *note = NULL;
    int r = store_open_lmdb(w->rt, w->conf->state, &w->store, &note);

    if (r < 0) {
        log_line(LOG_ERROR, "cannot open the state in %s: %s", w->conf->state, strerror(-r));
        return r;
    }
    if (note != NULL) {
        log_line(LOG_WARNING, "%s", note);
    }
    store_share_disarmed(w->store, w->setup->shared->disarmed, w->setup->owner);
    return 0;
}

static void tell_resolver(void *arg, const char *line)
{
    (void)arg;
    log_line(LOG_WARNING, "%s", line);
}

static int open_resolver(struct worker *w)
{
    const struct resolver_setup setup = {
        .hosts = "/etc/hosts",
        .resolv_conf = "/etc/resolv.conf",
        .servers = w->conf->resolvers,
        .server_count = w->conf->resolver_count,
    };
    int r = resolver_new(w->rt, &setup, tell_resolver, NULL, &w->resolver);

    if (r < 0) {
        log_line(LOG_ERROR, "cannot begin to use the DNS: %s", strerror(-r));
    }
    return r;
}

static void tell(void *arg, bool trouble, const char *line)
{
    (void)arg;
    log_line(trouble ? LOG_WARNING : LOG_NOTICE, "%s", line);
}

static void make_server(struct worker *w)
{
    struct descriptors descriptors = descriptors_here();

    w->gate = (struct gate){
        .shared = w->setup->shared,
        .owner = w->setup->owner,
        .server = &w->server,
        .descriptors = descriptors,
    };
    w->balance = (struct balance){
        .shared = w->setup->shared,
        .owner = w->setup->owner,
        .server = &w->server,
        .listeners = w->listeners,
        .listener_count = w->conf->listen_count,
        .clients_most = descriptors.clients,
    };
    w->deliveries = (struct delivery_host){
        .rt = w->rt,
        .conf = w->conf,
        .pools = hop_pools_new(w->rt, w->conf),
        .resolver = w->resolver,
        .store = w->store,
        .marks = w->setup->shared->marks,
        .owner = w->setup->owner,
        .counts = &w->counts,
    };
    hop_pools_trust(w->deliveries.pools, w->hop_trust);
    hop_pools_resolve(w->deliveries.pools, w->resolver);
    hop_pools_count_in(w->deliveries.pools, &w->counts);
    hop_pools_tell(w->deliveries.pools, tell, NULL);
    w->deliveries.recipients =
        recipients_new(w->rt, w->conf, w->deliveries.pools, w->store, tell, NULL);
    hop_pools_remember(w->deliveries.pools, w->store);
    w->server = (struct smtp_server){
        .rt = w->rt,
        .conf = w->conf,
        .deliveries = &w->deliveries,
        .decisions = w->decisions,
        .policy = w->setup->policy,
        .tls = w->setup->tls,
        .counts = &w->counts,
        .gate = gate_functions(&w->gate),
    };
    smtp_server_init(&w->server, w->setup->owner.slot);
}

static int begin_listening(struct worker *w)
{
    for (size_t i = 0; i < w->conf->listen_count; i++) {
        int r = real_listen(w->rt, w->setup->listeners[i], smtp_server_accept, &w->server,
                            &w->listeners[i]);
        if (r < 0) {
            log_line(LOG_ERROR, "cannot watch a listening socket: %s", strerror(-r));
            return r;
        }
        real_listener_when_full(w->listeners[i], smtp_server_turn_away);
    }
    balance_begin(&w->balance);
    return 0;
}

/* From now on signals are heard. The master's death is one; should it have come before we asked to
 * be told, we have another parent by now. */
static void begin_signals(const struct worker *w)
{
    struct sigaction heard = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t none;

    woken_by_signals = w->rt;
    (void)sigaction(SIGTERM, &heard, NULL);
    (void)sigaction(WORKER_RETIRE, &heard, NULL);
    /* The terminal sends these to all of us; what they mean is the master's to decide. */
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGHUP, &ignore, NULL);
    (void)sigaction(SIGUSR2, &ignore, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (getppid() != w->setup->master) {
        (void)raise(SIGTERM);
    }
}

static void tell_ready(const struct worker *w)
{
    ssize_t n = write(w->setup->ready, &w->setup->owner.slot, sizeof(w->setup->owner.slot));

    (void)n; /* a master that has gone has sent SIGTERM */
    close(w->setup->ready);
}

/* ---- every turn ---- */

/* All, or those alone that others go on with. True when none is left. */
static bool stop_listening(struct worker *w, bool all)
{
    bool none = true;

    balance_end(&w->balance);
    for (size_t i = 0; i < w->conf->listen_count; i++) {
        if (w->listeners[i] != NULL && (all || !listener_refuses_new(w->setup->listeners[i]))) {
            w->listeners[i] = real_listener_free(w->listeners[i]);
            close(w->setup->listeners[i]);
        }
        none = none && w->listeners[i] == NULL;
    }
    return none;
}

static void on_last_clients(void *arg)
{
    (void)stop_listening(arg, true);
}

/* Who has connected to an address that is given up is still to be accepted. */
static void retire(struct worker *w)
{
    struct heartbeat *heart = &w->setup->shared->hearts[w->setup->owner.slot];

    w->retiring = true;
    w->retire_timer = (struct rt_timer){.fn = on_last_clients, .arg = w};
    if (!stop_listening(w, false)) {
        rt_timer_set(w->rt, &w->retire_timer, rt_now_of(w->rt) + LAST_CLIENTS);
    }
    atomic_store_explicit(&heart->retired, true, memory_order_release);
}

static bool listens(const struct worker *w)
{
    for (size_t i = 0; i < w->conf->listen_count; i++) {
        if (w->listeners[i] != NULL) {
            return true;
        }
    }
    return false;
}

/* Shows the master that the loop turns, also when there is nothing to do. */
static void beat(struct worker *w)
{
    atomic_store_explicit(&w->setup->shared->hearts[w->setup->owner.slot].at, rt_now_of(w->rt),
                          memory_order_relaxed);
}

static void on_heart(void *arg)
{
    struct worker *w = arg;

    rt_timer_set(w->rt, &w->heart_timer, rt_now_of(w->rt) + w->conf->limits.hang_time / 4);
}

static void tell_lost(struct worker *w)
{
    uint64_t lost = decision_lost(w->decisions);

    if (lost != w->lost_told && rt_now_of(w->rt) - w->lost_told_at >= LOST_EVERY) {
        log_line(LOG_WARNING, "%llu decision lines are lost until now: nobody takes them",
                 (unsigned long long)lost);
        w->lost_told = lost;
        w->lost_told_at = rt_now_of(w->rt);
    }
}

static void nothing(void *arg)
{
    (void)arg; /* the turn itself is what is wanted */
}

static void on_turn(void *arg)
{
    struct worker *w = arg;

    beat(w);
    balance_look(&w->balance);
    decision_flush(w->decisions);
    if (decision_waiting(w->decisions)) {
        rt_timer_set(w->rt, &w->flush_timer, rt_now_of(w->rt) + FLUSH_AGAIN);
        tell_lost(w);
    }
    if (retired && !w->retiring && !terminated) {
        retire(w);
    }
    bool left = w->retiring && !listens(w) && smtp_server_clients(&w->server) == 0;
    if ((terminated || left) && !w->server.draining) {
        (void)stop_listening(w, true);
        smtp_server_drain(&w->server);
        recipients_drain(w->deliveries.recipients);
        hop_pools_drain(w->deliveries.pools);
    }
    reporter_turn(&w->reporter);
    /* An open commit may take 10 1/2 minutes, and is waited for. */
    w->stop = w->server.draining && smtp_server_clients(&w->server) == 0 &&
              w->deliveries.late_running == 0;
}

/* ---- a whole life ---- */

static int serve(struct worker *w)
{
    struct sandbox_level level = {0};
    int r = open_resolver(w);

    r = r < 0 ? r : open_store(w);
    r = r < 0 ? r : worker_confine(w->conf, w->setup->policy, &level);
    if (r < 0) {
        (void)store_close(w->store);
        (void)resolver_free(w->resolver);
        return r;
    }
    tell_bounds(w, &level);
    make_server(w);
    r = begin_listening(w);
    if (r == 0) {
        w->flush_timer = (struct rt_timer){.fn = nothing};
        w->heart_timer = (struct rt_timer){.fn = on_heart, .arg = w};
        on_heart(w);
        real_on_turn(w->rt, on_turn, w);
        w->tables = table_watch_new(w->rt, w->setup->policy, tell, w);
        w->reporter = (struct reporter){
            .board = w->setup->shared->board,
            .rt = w->rt,
            .owner = w->setup->owner,
            .generation = w->setup->generation,
            .server = &w->server,
            .decisions = w->decisions,
            .level = level,
        };
        reporter_begin(&w->reporter);
        begin_signals(w);
        tell_ready(w);
        real_run(w->rt, &w->stop);
        (void)signal(SIGTERM, SIG_IGN); /* its end has begun */
        rt_timer_clear(w->rt, &w->flush_timer);
        rt_timer_clear(w->rt, &w->heart_timer);
        rt_timer_clear(w->rt, &w->retire_timer);
        reporter_end(&w->reporter);
    }
    (void)stop_listening(w, true);
    w->tables = file_watch_free(w->tables);
    smtp_server_fini(&w->server);
    (void)recipients_free(w->deliveries.recipients);
    (void)hop_pools_free(w->deliveries.pools);
    (void)store_close(w->store);
    (void)resolver_free(w->resolver);
    return r;
}

int worker_run(const struct worker_setup *setup)
{
    struct worker w = {.setup = setup, .conf = setup->conf};

    (void)snprintf(w.role, sizeof(w.role), "worker %u", setup->owner.slot);
    log_set_role(w.role);
    log_set_target(environment_log(setup->conf)); /* with a socket of its own */
    w.lost_told_at = -LOST_EVERY;
    w.listeners = calloc(setup->conf->listen_count, sizeof(struct real_listener *));
    int r = w.listeners == NULL ? -ENOMEM : open_privileged(&w);
    r = r < 0 ? r : become_user(&w);
    if (r == 0) {
        w.rt = real_new();
        r = serve(&w);
        (void)real_free(w.rt);
    }
    (void)decision_sink_free(w.decisions);
    (void)hop_trust_free(w.hop_trust);
    free(w.listeners);
    return r < 0 ? WORKER_CANNOT_START : EXIT_SUCCESS;
}
