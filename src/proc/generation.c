/* Generations of workers: those of one configuration. They are started together, replaced one by
 * one while theirs is the configuration in force, and retire together. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/log.h"
#include "policy/reload.h"
#include "proc/master_impl.h"
#include "proc/worker.h"

/* A worker that ends sooner than this after it was ready, or never was, has died right after its
 * start: the next one waits, longer each time. */
#define QUICK_DEATH (100 * USEC_MSEC)
#define DELAY_FIRST (10 * USEC_MSEC)
#define DELAY_MOST  (5 * USEC_SEC)

/* A new generation that is not ready by then will not be. */
#define START_TIME (60 * USEC_SEC)

/* A hung worker that SIGABRT does not end by then, or in its hang_time where that is shorter, is
 * killed. */
#define ABORT_TIME (10 * USEC_SEC)

/* After limit drain_time, of which this is the most, open commits are waited for; half an hour is
 * far more than any may take. What still lives then never would end. */
#define DRAIN_MOST  (3600 * USEC_SEC)
#define COMMIT_MOST (1800 * USEC_SEC)

/* ---- generations ---- */

static size_t free_slots(const struct master *m)
{
    size_t count = 0;

    for (size_t i = 0; i < OWNER_SLOTS; i++) {
        count += m->slots[i].generation == NULL;
    }
    return count;
}

/* Without any, what they would tell is not available: mail flows. */
static struct inspector_keeper *make_inspectors(const struct generation *g)
{
    const struct configuration *c = g->configuration;
    struct inspector_keeper *k = NULL;

    if (c->conf->inspectors > 0 && c->policy->inspect_work != 0) {
        int r = inspector_keeper_new(c->conf, &g->who, c->conf->inspectors, &k);
        if (r < 0) {
            log_line(LOG_ERROR, "cannot make a door to inspectors: %s", strerror(-r));
        }
    }
    return k;
}

int generation_new(struct master *m, const struct generation_parts *parts, struct generation **ret)
{
    const struct conf *conf = parts->configuration->conf;
    unsigned workers = conf->workers;

    if (free_slots(m) < workers) {
        return -EAGAIN;
    }
    struct generation *g = xcalloc(1, sizeof(*g));
    *g = (struct generation){
        .number = ++m->generation_count,
        .run = records_run(&m->records, conf, clock_wall()),
        .configuration = parts->configuration,
        .who = parts->who,
        .certificate = parts->certificate,
        .listeners = parts->listeners,
        .listener_count = conf->listen_count,
        .workers = workers,
        .deadline = clock_monotonic() + START_TIME,
        .hang_time = conf->limits.hang_time,
    };
    g->inspectors = make_inspectors(g);
    list_push_back(&m->generations, &g->link);
    for (size_t i = 0; workers > 0; i++) {
        struct slot *slot = &m->slots[i];
        if (slot->generation == NULL) {
            slot->generation = g;
            slot->served = false;
            slot->start_at = 0;
            slot->delay = 0;
            workers--;
        }
    }
    *ret = g;
    return 0;
}

static void generation_free(struct master *m, struct generation *g)
{
    list_remove(&g->link);
    g->inspectors = inspector_keeper_free(g->inspectors);
    g->listeners = listeners_give_back(&m->listeners, g->listeners, g->listener_count);
    (void)tls_context_free(g->certificate.context);
    (void)configuration_free(g->configuration);
    free(g);
}

void generations_free(struct master *m)
{
    while (!list_empty(&m->generations)) {
        generation_free(m, list_entry(m->generations.next, struct generation, link));
    }
}

static bool lives(const struct master *m, const struct generation *g)
{
    for (size_t i = 0; i < OWNER_SLOTS; i++) {
        if (m->slots[i].generation == g && m->slots[i].pid != 0) {
            return true;
        }
    }
    return false;
}

static void send_all(const struct master *m, const struct generation *g, int number)
{
    for (size_t i = 0; i < OWNER_SLOTS; i++) {
        if (m->slots[i].generation == g && m->slots[i].pid != 0) {
            (void)kill(m->slots[i].pid, number);
        }
    }
}

/* Slots without a worker are given up; the last one takes the generation along. */
static void settle_retiring(struct master *m, struct generation *g)
{
    for (size_t i = 0; i < OWNER_SLOTS; i++) {
        if (m->slots[i].generation == g && m->slots[i].pid == 0) {
            m->slots[i].generation = NULL;
        }
    }
    if (!lives(m, g)) {
        generation_free(m, g);
    }
    reload_room(m);
}

void generation_retire(struct master *m, struct generation *g, usec_t deadline)
{
    g->state = GENERATION_RETIRING;
    g->deadline = deadline;
    if (g->listeners != NULL) {
        listeners_refuse_new(&m->listeners, g->listeners, g->listener_count);
    }
    send_all(m, g, WORKER_RETIRE);
    g->listeners = listeners_give_back(&m->listeners, g->listeners, g->listener_count);
    settle_retiring(m, g);
}

bool generation_has_retired(const struct master *m, unsigned number)
{
    for (size_t i = 0; i < OWNER_SLOTS; i++) {
        const struct slot *slot = &m->slots[i];
        if (slot->pid != 0 && slot->generation->number == number &&
            !atomic_load_explicit(&m->shared.hearts[i].retired, memory_order_acquire)) {
            return false;
        }
    }
    return true;
}

usec_t generation_end_deadline(const struct generation *g)
{
    usec_t drain =
        g->configuration != NULL ? g->configuration->conf->limits.drain_time : DRAIN_MOST;

    return clock_monotonic() + drain + COMMIT_MOST;
}

static void tell_to_end(const struct master *m, struct generation *g)
{
    g->told_to_end = true;
    g->deadline = generation_end_deadline(g);
    send_all(m, g, SIGTERM);
}

void generations_end(struct master *m)
{
    list_for_each (it, &m->generations) {
        struct generation *g = list_entry(it, struct generation, link);
        g->state = GENERATION_RETIRING;
        g->listeners = listeners_give_back(&m->listeners, g->listeners, g->listener_count);
        tell_to_end(m, g);
    }
}

bool generation_is_ready(const struct master *m, const struct generation *g)
{
    unsigned ready = 0;

    for (size_t i = 0; i < OWNER_SLOTS; i++) {
        ready += m->slots[i].generation == g && m->slots[i].served;
    }
    return ready == g->workers;
}

bool generations_any_lives(const struct master *m)
{
    for (size_t i = 0; i < OWNER_SLOTS; i++) {
        if (m->slots[i].pid != 0) {
            return true;
        }
    }
    return false;
}

size_t generations_retiring(const struct master *m)
{
    size_t count = 0;

    list_for_each (it, &m->generations) {
        count += list_entry(it, struct generation, link)->state == GENERATION_RETIRING;
    }
    return count;
}

/* ---- a worker's beginning ---- */

void generations_hear_ready(struct master *m)
{
    uint16_t number;

    while (read(m->ready[0], &number, sizeof(number)) == (ssize_t)sizeof(number)) {
        if (number < OWNER_SLOTS && m->slots[number].pid != 0) {
            m->slots[number].ready_at = clock_monotonic();
            m->slots[number].served = true;
        }
    }
}

void generations_close_doors(struct master *m, const struct generation *kept)
{
    list_for_each (it, &m->generations) {
        struct generation *g = list_entry(it, struct generation, link);
        inspector_keeper_close(g->inspectors, g == kept);
    }
}

/* In the new process: what is the master's alone. */
static void close_masters(struct master *m, const struct generation *g)
{
    if (m->notify.fd >= 0) {
        close(m->notify.fd);
    }
    clerk_close_in_child(m);
    reload_close_in_child(m);
    close(m->signals);
    close(m->ready[0]);
    close(m->shared.fd);
    close(m->records.ends[RECORDS_CLERK]);
    generations_close_doors(m, g);
    if (m->state_lock >= 0) {
        close(m->state_lock);
    }
    listeners_close_others(&m->listeners, g->listeners, g->listener_count);
}

static void start_worker(struct master *m, unsigned number)
{
    struct slot *slot = &m->slots[number];
    struct generation *g = slot->generation;

    if (!slot->renewed) {
        slot->owner = shared_new_owner(&m->shared, (uint16_t)number);
        slot->renewed = true;
    }
    board_begin_stream(m->shared.board, (uint16_t)number,
                       g->configuration->conf->journal != NULL ? g->run : 0);
    struct worker_setup setup = {
        .conf = g->configuration->conf,
        .policy = g->configuration->policy,
        .shared = &m->shared,
        .who = &g->who,
        .tls = g->certificate.context,
        .owner = slot->owner,
        .listeners = g->listeners,
        .generation = g->number,
        .run = g->run,
        .records = m->records.ends[RECORDS_WORKERS],
        .door = inspector_keeper_door(g->inspectors),
        .ready = m->ready[1],
        .master = getpid(),
    };
    pid_t pid = fork();

    if (pid == 0) {
        close_masters(m, g);
        if (slot->served) {
            tables_refresh(g->configuration->policy); /* what it replaces knew newer ones */
        }
        exit(worker_run(&setup));
    }
    if (pid < 0) {
        log_line(LOG_ERROR, "cannot start worker %u: %s", number, strerror(errno));
        slot->start_at = clock_monotonic() + DELAY_MOST;
        return;
    }
    slot->pid = pid;
    slot->renewed = false;
    slot->started_at = clock_monotonic();
    slot->ready_at = 0;
    slot->aborted_at = 0;
}

static bool replaces_dead(const struct generation *g)
{
    return g->state != GENERATION_RETIRING && g->configuration != NULL;
}

static usec_t start_due(struct master *m)
{
    usec_t next = USEC_NEVER;
    usec_t at = clock_monotonic();

    for (unsigned i = 0; i < OWNER_SLOTS; i++) {
        struct slot *slot = &m->slots[i];
        if (slot->generation == NULL || slot->pid != 0 || !replaces_dead(slot->generation)) {
            continue;
        }
        if (slot->start_at <= at) {
            start_worker(m, i);
        }
        if (slot->pid == 0 && slot->start_at < next) {
            next = slot->start_at;
        }
    }
    return next;
}

/* ---- and its end ---- */

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

static void delay_next(struct slot *slot)
{
    usec_t at = clock_monotonic();
    bool quick = slot->ready_at == 0 || at - slot->ready_at < QUICK_DEATH;

    if (!quick) {
        slot->delay = 0;
    } else if (slot->delay == 0) {
        slot->delay = DELAY_FIRST;
    } else {
        slot->delay = slot->delay < DELAY_MOST / 2 ? slot->delay * 2 : DELAY_MOST;
    }
    slot->start_at = at + slot->delay;
}

static void worker_ended(struct master *m, unsigned number, int status)
{
    struct slot *slot = &m->slots[number];
    struct generation *g = slot->generation;

    tell_death(number, slot->pid, status);
    slot->pid = 0;
    /* What it left behind is void, whether another one follows here or not. */
    slot->owner = shared_new_owner(&m->shared, (uint16_t)number);
    slot->renewed = true;
    if (m->ending) {
        /* Its sessions did not end as they should have. */
        m->status = status != 0 && m->status == 0 ? EXIT_FAILURE : m->status;
    } else if (g->state == GENERATION_STARTING && m->serving != NULL) {
        reload_gave_up(m, "one of the new workers ended at once");
    } else if (g->state == GENERATION_STARTING && WIFEXITED(status) &&
               WEXITSTATUS(status) == WORKER_CANNOT_START) {
        /* A worker that cannot even start when Gatepost does will not be better off later. */
        master_end(m, 2);
    } else if (g->state == GENERATION_RETIRING) {
        settle_retiring(m, g);
    } else {
        delay_next(slot);
    }
}

static bool inspector_buried(struct master *m, pid_t pid, int status)
{
    list_for_each (it, &m->generations) {
        struct generation *g = list_entry(it, struct generation, link);
        if (inspector_keeper_buried(g->inspectors, pid, status, clock_monotonic())) {
            return true;
        }
    }
    return false;
}

void generations_bury(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned i = 0;
        generations_hear_ready(m); /* what it may have said must not be taken for its successor's */
        while (i < OWNER_SLOTS && m->slots[i].pid != pid) {
            i++;
        }
        if (i < OWNER_SLOTS) {
            worker_ended(m, i, status);
        } else if (!inspector_buried(m, pid, status) &&
                   !clerk_keeper_buried(&m->clerk, pid, status, clock_monotonic())) {
            reload_child_ended(m, pid, status);
        }
    }
}

static void end_generation(struct master *m, struct generation *g)
{
    if (!g->told_to_end) {
        log_line(LOG_NOTICE, "sessions of the configuration before are still open after limit "
                             "reload_time: they are ended");
        tell_to_end(m, g);
        return;
    }
    log_line(LOG_ERROR, "workers of configuration %u should have ended long ago: they are killed",
             g->number);
    g->deadline = USEC_NEVER;
    send_all(m, g, SIGKILL);
}

static usec_t end_overdue(struct master *m)
{
    usec_t next = USEC_NEVER;
    usec_t at = clock_monotonic();

    list_for_each (it, &m->generations) {
        struct generation *g = list_entry(it, struct generation, link);
        if (g->state != GENERATION_RETIRING) {
            continue;
        }
        if (g->deadline <= at) {
            end_generation(m, g);
        }
        next = g->deadline < next ? g->deadline : next;
    }
    return next;
}

/* Also while it retires or ends: its workers still ask. */
static usec_t start_inspectors(struct master *m)
{
    usec_t next = USEC_NEVER;

    list_for_each (it, &m->generations) {
        struct generation *g = list_entry(it, struct generation, link);
        usec_t due = inspector_keeper_start_due(g->inspectors, clock_monotonic());
        next = due < next ? due : next;
    }
    return next;
}

usec_t generations_step(struct master *m)
{
    usec_t start = m->ending ? USEC_NEVER : start_due(m);
    usec_t inspectors = start_inspectors(m);
    usec_t overdue = end_overdue(m);

    usec_t next = start < overdue ? start : overdue;
    return next < inspectors ? next : inspectors;
}

/* ---- hearts ---- */

/* For how long its loop has not been seen to turn. A worker that is not ready yet is given that
 * time too, and all are when the master itself had stood still. */
static usec_t stillness(const struct master *m, unsigned number)
{
    const struct slot *slot = &m->slots[number];
    usec_t beat = atomic_load_explicit(&m->shared.hearts[number].at, memory_order_acquire);
    usec_t at = clock_monotonic();
    usec_t since = slot->ready_at > slot->started_at ? slot->ready_at : slot->started_at;

    since = m->awake_since > since ? m->awake_since : since;
    return at - (beat > since && beat <= at ? beat : since); /* a later one is forged */
}

static void check_heart(struct master *m, unsigned number, usec_t patience)
{
    struct slot *slot = &m->slots[number];
    usec_t at = clock_monotonic();
    usec_t still = stillness(m, number);

    if (slot->aborted_at != 0) {
        if (at - slot->aborted_at >= (patience < ABORT_TIME ? patience : ABORT_TIME)) {
            (void)kill(slot->pid, SIGKILL);
        }
    } else if (still >= patience) {
        log_line(LOG_ERROR, "worker %u (process %d) has not moved for %d s: it is ended by SIGABRT",
                 number, (int)slot->pid, (int)(still / USEC_SEC));
        slot->aborted_at = at;
        (void)kill(slot->pid, SIGABRT);
    }
}

bool generations_check_hearts(struct master *m)
{
    bool moves = false;

    list_for_each (it, &m->generations) {
        struct generation *g = list_entry(it, struct generation, link);
        inspector_keeper_check(g->inspectors, clock_monotonic(), m->awake_since);
    }
    for (unsigned i = 0; i < OWNER_SLOTS; i++) {
        const struct slot *slot = &m->slots[i];
        if (slot->pid == 0) {
            continue;
        }
        check_heart(m, i, slot->generation->hang_time);
        moves = moves ||
                (slot->generation == m->serving && slot->ready_at != 0 && slot->aborted_at == 0);
    }
    return moves;
}
