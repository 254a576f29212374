/* Replacing the workers by others: on a changed configuration, with changed certificates, or of a
 * new program.
 *
 * One at a time, in these steps: another process reads and checks the configuration and looks at
 * its environment (trial.c); the master reads the same octets again, which that process has
 * survived; addresses that are new are bound; new workers are started; when all of them serve, the
 * old ones retire. Whatever goes wrong before that leaves all as it was. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/log.h"
#include "proc/environment.h"
#include "proc/master_impl.h"

/* Generations whose last sessions go on, at most: each of their workers takes memory. */
#define RETIRING_MOST 32

/* For so long, and so often, the old workers are looked at until they accept no more: at once, or
 * after the last clients of an address that is given up. */
#define RETIRE_TIME (3 * USEC_SEC)
#define RETIRE_LOOK (2 * USEC_MSEC)

/* How long until another try when there are workers of an earlier program alone, none of which can
 * be replaced. */
#define AGAIN_AFTER (30 * USEC_SEC)

/* What the log says, and whoever asks. */
#define WAITS_FOR_WORKERS "reload waits for workers of earlier configurations to end: "

void reload_init(struct master *m)
{
    list_init(&m->reload.waiters);
    list_init(&m->reload.current);
    m->reload.trial = (struct trial){.files = -1, .words = -1};
    m->reload.program = -1;
}

void reload_close_in_child(const struct master *m)
{
    const int own[] = {m->reload.trial.files, m->reload.trial.words, m->reload.program};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (own[i] >= 0) {
            close(own[i]);
        }
    }
}

void reload_ask(struct master *m, enum reload_cause cause, master_done *done, void *arg)
{
    m->reload.asked[cause] = true;
    m->reload.not_before = 0; /* whoever asks now need not wait for the next try */
    if (done != NULL) {
        struct waiter *w = xcalloc(1, sizeof(*w));
        w->cause = cause;
        w->done = done;
        w->arg = arg;
        list_push_back(&m->reload.waiters, &w->link);
    }
}

void master_upgrade(struct master *m, master_done *done, void *arg)
{
    reload_ask(m, RELOAD_UPGRADE, done, arg);
}

void master_reload(struct master *m, master_done *done, void *arg)
{
    reload_ask(m, RELOAD_ASKED, done, arg);
}

static void tell_waiters(struct list *waiters, enum master_outcome outcome, const char *why)
{
    struct list *it;

    while ((it = list_pop_front(waiters)) != NULL) {
        struct waiter *w = list_entry(it, struct waiter, link);
        w->done(w->arg, outcome, why);
        free(w);
    }
}

void reload_tell_done(struct master *m)
{
    tell_waiters(&m->reload.current, MASTER_DONE, NULL);
}

/* Those that wait for the next are to be told what becomes of this one, if it is theirs. */
static void take_waiters(struct reload *r, enum reload_cause cause)
{
    struct list others;
    struct list *it;

    list_init(&others);
    while ((it = list_pop_front(&r->waiters)) != NULL) {
        bool wanted = list_entry(it, struct waiter, link)->cause == cause;
        list_push_back(wanted ? &r->current : &others, it);
    }
    while ((it = list_pop_front(&others)) != NULL) {
        list_push_back(&r->waiters, it);
    }
}

/* ---- its end ---- */

/* What has been asked for is over, or put off. */
static void finish(struct master *m, enum master_outcome outcome, const char *why)
{
    static const char *const before[] = {"", "waiting: ", "not reloaded: "};
    struct reload *r = &m->reload;

    trial_end(&r->trial);
    if (r->program >= 0) {
        close(r->program);
        r->program = -1;
    }
    r->state = RELOAD_NONE;
    r->next = NULL;
    r->told_waiting = outcome == MASTER_WAITS;
    if (!m->ending) {
        notify_say(&m->notify, "READY=1\nSTATUS=%s%s", before[outcome],
                   outcome == MASTER_DONE ? "serving" : why);
    }
    tell_waiters(&r->current, outcome, why);
}

static void refuse(struct master *m, const char *why)
{
    struct reload *r = &m->reload;

    if (m->serving->configuration == NULL) {
        r->asked[RELOAD_ASKED] = true;
        r->not_before = clock_monotonic() + AGAIN_AFTER;
        log_line(LOG_ERROR,
                 "the new program cannot start its workers; those of the program before go on, and "
                 "it is tried again in %d s: %s",
                 (int)(AGAIN_AFTER / USEC_SEC), why);
    } else if (r->cause == RELOAD_CERTIFICATES) {
        log_line(LOG_WARNING, "certificate and key have changed, but cannot be used yet: %s", why);
    } else {
        log_line(LOG_ERROR, "%s refused, all goes on as before: %s",
                 r->cause == RELOAD_UPGRADE ? "upgrade" : "reload", why);
    }
    finish(m, MASTER_REFUSED, why);
}

void reload_gave_up(struct master *m, const char *why)
{
    struct generation *g = m->reload.next;

    m->reload.next = NULL;
    /* Those of its workers that serve already may have clients. */
    generation_retire(m, g, clock_monotonic() + g->configuration->conf->limits.reload_time);
    refuse(m, why);
}

void reload_cancel(struct master *m)
{
    struct reload *r = &m->reload;

    finish(m, MASTER_REFUSED, "Gatepost is ending");
    tell_waiters(&r->waiters, MASTER_REFUSED, "Gatepost is ending");
    memset(r->asked, 0, sizeof(r->asked));
}

/* ---- the steps ---- */

static void wait_for_room(struct master *m, const char *why)
{
    struct reload *r = &m->reload;

    if (!r->told_waiting) {
        log_line(LOG_WARNING, "%s", why);
    }
    r->waits_for = why;
    r->asked[m->serving->configuration == NULL ? RELOAD_ASKED : r->cause] = true;
    finish(m, MASTER_WAITS, why);
}

void reload_room(struct master *m)
{
    m->reload.waits_for = NULL;
}

static int begin_trial(struct master *m, char *why, size_t why_size)
{
    struct snapshot *from =
        m->reload.cause == RELOAD_CERTIFICATES ? m->serving->configuration->files : NULL;

    if (m->reload.cause == RELOAD_UPGRADE) {
        return upgrade_begin(m, why, why_size);
    }
    int r = trial_configuration(&m->reload.trial, m->file, from, m->state, m->state_lock,
                                clock_monotonic());
    if (r < 0) {
        (void)snprintf(why, why_size, "%s", strerror(-r));
    }
    return r;
}

static void begin(struct master *m, enum reload_cause cause)
{
    struct reload *r = &m->reload;
    char why[600];

    r->cause = cause;
    r->asked[cause] = false;
    if (cause == RELOAD_ASKED) {
        r->asked[RELOAD_CERTIFICATES] = false; /* they are read anyway */
    }
    take_waiters(r, cause);
    notify_say(&m->notify, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reloading",
               (long long)clock_monotonic());
    if (generations_retiring(m) >= RETIRING_MOST) {
        wait_for_room(m, WAITS_FOR_WORKERS "there are too many");
        return;
    }
    if (begin_trial(m, why, sizeof(why)) < 0) {
        refuse(m, why);
    } else {
        r->state = RELOAD_TRYING;
    }
}

/* Binds and makes the new generation: 0, -EAGAIN for want of slots, or another error with *why. */
static int make_next(struct master *m, struct configuration *c, char *why, size_t why_size)
{
    struct generation_parts parts = {.configuration = c};
    struct conf_error error;
    int r = identity_find(c->conf, &parts.who, why, why_size);

    if (r == 0) {
        clerk_begin(m, &parts.who); /* whatever becomes of the rest */
        r = certificate_load(c->conf, &parts.certificate, why, why_size);
    }
    if (r < 0) {
        return r;
    }
    r = listeners_take(&m->listeners, c->conf, m->file, &parts.listeners, &error);
    if (r < 0) {
        (void)snprintf(why, why_size, "%s", error.text);
    } else {
        r = generation_new(m, &parts, &m->reload.next);
    }
    if (r < 0) {
        parts.listeners =
            listeners_give_back(&m->listeners, parts.listeners, c->conf->listen_count);
        (void)tls_context_free(parts.certificate.context);
    }
    return r;
}

/* What has been tried is read again, from the same octets. */
static void start_next(struct master *m)
{
    struct reload *r = &m->reload;
    struct configuration_words words = {0};
    struct configuration *c = NULL;
    struct snapshot *files = NULL;
    char why[sizeof(words.error)] = "";

    int error = snapshot_read(r->trial.files, &files);
    error = error < 0 ? error : configuration_load(m->file, files, &c, &words);
    buf_free(&words.text);
    if (error < 0) {
        refuse(m, words.error[0] != '\0' ? words.error : strerror(-error));
        return;
    }
    error = make_next(m, c, why, sizeof(why));
    if (error < 0) {
        (void)configuration_free(c);
        if (error == -EAGAIN) {
            wait_for_room(m, WAITS_FOR_WORKERS "there are no more worker numbers");
        } else {
            refuse(m, why);
        }
        return;
    }
    trial_end(&r->trial);
    master_warn_of(&r->next->who);
    r->state = RELOAD_STARTING;
}

void reload_child_ended(struct master *m, pid_t pid, int status)
{
    struct reload *r = &m->reload;
    char why[600];

    if (r->state != RELOAD_TRYING || pid != r->trial.pid) {
        return;
    }
    if (!trial_succeeded(&r->trial, status, why, sizeof(why))) {
        refuse(m, why);
    } else if (r->cause == RELOAD_UPGRADE) {
        upgrade_go(m, why, sizeof(why));
        refuse(m, why);
    } else {
        start_next(m);
    }
}

void reload_take_over(struct master *m, int files)
{
    m->reload.cause = RELOAD_UPGRADE;
    m->reload.trial.files = files;
    start_next(m);
}

/* All of the new workers serve. */
static void switch_over(struct master *m)
{
    struct reload *r = &m->reload;
    struct generation *old = m->serving;

    m->serving = r->next;
    m->serving->state = GENERATION_SERVING;
    log_set_target(environment_log(m->serving->configuration->conf));
    if (old == NULL) {
        clerk_tell(m);
        master_tell_ready(m);
        finish(m, MASTER_DONE, NULL);
        return;
    }
    r->state = RELOAD_RETIRING;
    r->old = old->number;
    r->deadline = clock_monotonic() + RETIRE_TIME;
    generation_retire(m, old,
                      clock_monotonic() + m->serving->configuration->conf->limits.reload_time);
}

/* Nobody meets the old workers any more. */
static void tell_done(struct master *m)
{
    unsigned workers = m->serving->workers;

    log_line(LOG_NOTICE, "%s: %u worker%s",
             m->reload.cause == RELOAD_UPGRADE ? "upgraded to " GATEPOST_VERSION : "reloaded",
             workers, workers == 1 ? "" : "s");
    clerk_tell(m);
    finish(m, MASTER_DONE, NULL);
    clerk_follow(m); /* perhaps another clerk, when this one has told */
}

static usec_t step_none(struct master *m)
{
    static const enum reload_cause order[] = {RELOAD_ASKED, RELOAD_UPGRADE, RELOAD_CERTIFICATES};
    struct reload *r = &m->reload;

    if (m->serving != NULL && r->waits_for != NULL) {
        tell_waiters(&r->waiters, MASTER_WAITS, r->waits_for);
    }
    if (m->serving == NULL || r->waits_for != NULL) {
        return USEC_NEVER;
    }
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (r->asked[order[i]]) {
            if (r->not_before > clock_monotonic()) {
                return r->not_before;
            }
            begin(m, order[i]);
            return r->state == RELOAD_TRYING ? r->trial.deadline : USEC_NEVER;
        }
    }
    return USEC_NEVER;
}

static usec_t step_trying(struct master *m)
{
    struct trial *t = &m->reload.trial;

    if (t->deadline <= clock_monotonic()) {
        trial_kill(t);
        return USEC_NEVER;
    }
    return t->deadline;
}

static usec_t step_starting(struct master *m)
{
    struct generation *g = m->reload.next;

    /* A clerk that cannot be had keeps nobody waiting. */
    if (generation_is_ready(m, g) && (m->serving != NULL || m->clerk.tried)) {
        switch_over(m);
        return 0;
    }
    if (m->serving == NULL) {
        return USEC_NEVER; /* the first one is waited for */
    }
    if (g->deadline <= clock_monotonic()) {
        reload_gave_up(m, "the new workers were not ready in time");
        return step_none(m);
    }
    return g->deadline;
}

static usec_t step_retiring(struct master *m)
{
    const struct reload *r = &m->reload;

    if (generation_has_retired(m, r->old) || r->deadline <= clock_monotonic()) {
        tell_done(m);
        return step_none(m);
    }
    return clock_monotonic() + RETIRE_LOOK;
}

usec_t reload_step(struct master *m)
{
    if (m->ending) {
        return USEC_NEVER;
    }
    switch (m->reload.state) {
    case RELOAD_NONE: return step_none(m);
    case RELOAD_TRYING: return step_trying(m);
    case RELOAD_STARTING: return step_starting(m);
    case RELOAD_RETIRING: return step_retiring(m);
    }
    return USEC_NEVER;
}
