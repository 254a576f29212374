/* See proc/worker.h. Privileges are given up in two steps: become_user() when what needs root is
 * open, worker_confine() when all is open that needs more than the list says. All that strangers
 * have a say in comes after. */
#include "proc/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "client/inspector.h"
#include "client/resolver.h"
#include "client/scanners.h"
#include "policy/reload.h"
#include "proc/balance.h"
#include "proc/descriptors.h"
#include "proc/environment.h"
#include "proc/gate.h"
#include "proc/listen.h"
#include "proc/reporter.h"
#include "proc/sandbox.h"
#include "proc/spare_memory.h"
#include "route/hop_tls.h"
#include "rt/real.h"
#include "smtp/server.h"
#include "store/memory.h"

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
    struct scanners *scanners;
    struct hop_trust *hop_trust;
    struct store *store;
    struct memory *memory;       /* NULL: it could not be opened */
    int memory_error;            /* why; or why it could not be written when that was told last */
    struct inspector *inspector; /* NULL: there are none to ask */
    struct counters counts;
    struct delivery_host deliveries;
    struct smtp_server server;
    struct gate gate;
    struct balance balance;
    struct real_listener **listeners;
    struct file_watch *tables;
    struct reporter reporter;
    struct spare_memory spare_memory;
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
    struct record_stream *stream = board_stream(w->setup->shared->board, w->setup->owner.slot);
    const struct decision_origin origin = {.slot = w->setup->owner.slot,
                                           .epoch = w->setup->owner.epoch,
                                           .run = w->setup->run,
                                           .sequence = &stream->next};
    int r = decision_sink_open(w->conf, &origin, &w->decisions);

    if (r < 0) {
        log_line(LOG_ERROR, "cannot open where decisions go: %s", strerror(-r));
        return r;
    }
    if (w->conf->journal != NULL) {
        decision_sink_to_journal(w->decisions, w->setup->records, &stream->settled);
    } else {
        close(w->setup->records);
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

/* What is learned of others is worth no mail: without it Gatepost goes on. */
static void open_memory(struct worker *w)
{
    const struct memory_setup setup = environment_memory(w->conf);
    const char *note = NULL;

    w->memory_error = memory_open_lmdb(w->rt, w->conf->state, &setup, &w->memory, &note);
    if (w->memory_error < 0) {
        log_line(LOG_ERROR, "cannot open the memory in %s/memory: %s; nothing is remembered",
                 w->conf->state, strerror(-w->memory_error));
    }
    if (note != NULL) {
        log_line(LOG_WARNING, "%s", note);
    }
}

/* Once when it begins and once when it is over. */
static void tell_memory(struct worker *w)
{
    int error = w->memory != NULL ? memory_error(w->memory) : w->memory_error;

    if ((error < 0) == (w->memory_error < 0)) {
        return;
    }
    w->memory_error = error;
    if (error < 0) {
        log_line(LOG_ERROR, "cannot write the memory in %s/memory: %s; nothing is remembered",
                 w->conf->state, strerror(-error));
    } else {
        log_line(LOG_NOTICE, "the memory in %s/memory is written again", w->conf->state);
    }
}

static void tell_resolver(void *arg, const char *line)
{
    (void)arg;
    log_line(LOG_WARNING, "%s", line);
}

static int open_resolver(struct worker *w)
{
    const struct resolver_setup setup = environment_resolver(w->conf);
    int r = resolver_new(w->rt, &setup, tell_resolver, NULL, &w->resolver);

    if (r < 0) {
        log_line(LOG_ERROR, "cannot begin to use the DNS: %s", strerror(-r));
    }
    return r;
}

static void tell_turned(void *arg, bool broken, const char *why)
{
    (void)arg;
    if (broken) {
        log_line(LOG_WARNING, "the DNS does not work: %s; what it would tell is unknown", why);
    } else {
        log_line(LOG_NOTICE, "the DNS works again");
    }
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
    w->scanners = scanners_new(w->rt, w->conf, w->resolver, tell, NULL);
    w->server = (struct smtp_server){
        .scanners = w->scanners,
        .rt = w->rt,
        .conf = w->conf,
        .deliveries = &w->deliveries,
        .decisions = w->decisions,
        .policy = w->setup->policy,
        .tls = w->setup->tls,
        .resolver = resolver_has_dns(w->resolver) ? w->resolver : NULL,
        .memory = w->memory,
        .inspected_by = {.inspector = w->inspector, .killers = w->setup->shared->killers},
        .tell = tell,
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

static void tell_retired(const struct worker *w)
{
    atomic_store_explicit(&w->setup->shared->hearts[w->setup->owner.slot].retired, true,
                          memory_order_release);
}

/* The clock may have stood still for a while, and the time be over with clients still in the queue.
 */
static void on_last_clients(void *arg)
{
    struct worker *w = arg;

    for (size_t i = 0; i < w->conf->listen_count; i++) {
        if (w->listeners[i] != NULL) {
            real_listener_empty(w->listeners[i]);
        }
    }
    (void)stop_listening(w, true);
    tell_retired(w);
}

/* Who has connected to an address that is given up is still to be accepted. */
static void retire(struct worker *w)
{
    w->retiring = true;
    w->retire_timer = (struct rt_timer){.fn = on_last_clients, .arg = w};
    if (stop_listening(w, false)) {
        tell_retired(w);
    } else {
        rt_timer_set(w->rt, &w->retire_timer, rt_now_of(w->rt) + LAST_CLIENTS);
    }
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
        scanners_drain(w->scanners);
    }
    tell_memory(w);
    reporter_turn(&w->reporter);
    /* An open commit may take 10 1/2 minutes, and is waited for. */
    w->stop = w->server.draining && smtp_server_clients(&w->server) == 0 &&
              w->deliveries.late_running == 0 && scanners_rest(w->scanners);
}

/* ---- a whole life ---- */

static int serve(struct worker *w)
{
    struct sandbox_level level = {0};
    int r = open_resolver(w);

    r = r < 0 ? r : open_store(w);
    if (r == 0) {
        open_memory(w);
    }
    r = r < 0 ? r : worker_confine(w->conf, w->setup->policy, &level);
    if (r < 0) {
        (void)memory_close(w->memory);
        (void)store_close(w->store);
        (void)resolver_free(w->resolver);
        return r;
    }
    tell_bounds(w, &level);
    w->inspector = w->setup->door >= 0 ? inspector_new(w->rt, w->setup->door, false) : NULL;
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
            .memory_error = w->memory_error,
        };
        resolver_watch(w->resolver, tell_turned, w);
        reporter_begin(&w->reporter);
        w->spare_memory = (struct spare_memory){.rt = w->rt, .server = &w->server};
        spare_memory_begin(&w->spare_memory);
        begin_signals(w);
        tell_ready(w);
        real_run(w->rt, &w->stop);
        (void)signal(SIGTERM, SIG_IGN); /* its end has begun */
        rt_timer_clear(w->rt, &w->flush_timer);
        rt_timer_clear(w->rt, &w->heart_timer);
        rt_timer_clear(w->rt, &w->retire_timer);
        spare_memory_end(&w->spare_memory);
        reporter_end(&w->reporter);
    }
    (void)stop_listening(w, true);
    w->tables = file_watch_free(w->tables);
    smtp_server_fini(&w->server);
    (void)recipients_free(w->deliveries.recipients);
    (void)hop_pools_free(w->deliveries.pools);
    w->scanners = scanners_free(w->scanners);
    w->inspector = inspector_free(w->inspector);
    (void)memory_close(w->memory);
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
        descriptors_make_room();
        w.rt = real_new();
        r = serve(&w);
        (void)real_free(w.rt);
    }
    (void)decision_sink_free(w.decisions);
    (void)hop_trust_free(w.hop_trust);
    free(w.listeners);
    return r < 0 ? WORKER_CANNOT_START : EXIT_SUCCESS;
}
