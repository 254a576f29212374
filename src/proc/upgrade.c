/* See proc/upgrade.h. The upgrade of a running master, in these steps:
 *
 * 1. The program at its path is opened, and started as `gatepost check` with what is to be handed
 *    over. It says whether it understands that, lays out the shared memory likewise and can serve
 *    on the configuration, whose files it hands back as it has read them.
 * 2. The same open file is executed in the master's place: the process stays the same, with its
 *    children, sockets and shared memory. Nothing is lost when that fails.
 * 3. It makes a generation of workers on those files. The old workers, of the old program, retire
 *    when they serve.
 *
 * A program that lays out the shared memory otherwise is refused: two memories side by side would
 * not know of each other's messages in doubt, and a retry could be delivered twice. */
#include "proc/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/log.h"
#include "proc/carried.h"
#include "proc/master_impl.h"
#include "rt/sys.h"

/* Names the descriptor of what is handed over. */
#define VARIABLE "GATEPOST_HANDED_OVER"

/* ---- what is handed over ---- */

static void fill_listeners(const struct master *m, struct arena *arena, struct carried *c)
{
    c->listener_count = m->listeners.count;
    c->listeners = arena_alloc(arena, c->listener_count * sizeof(*c->listeners));
    for (size_t i = 0; i < c->listener_count; i++) {
        const struct listener *l = &m->listeners.items[i];
        c->listeners[i] = (struct carried_listener){l->fd, l->inherited};
    }
}

static void fill_generations(const struct master *m, struct arena *arena, struct carried *c)
{
    size_t count = 0;

    list_for_each (it, &m->generations) {
        count++;
    }
    c->generations = arena_alloc(arena, count * sizeof(*c->generations));
    list_for_each (it, &m->generations) {
        const struct generation *g = list_entry(it, struct generation, link);
        c->generations[c->generations_n++] = (struct carried_generation){
            .number = g->number,
            .serving = g == m->serving,
            .told_to_end = g->told_to_end,
            .deadline = g->deadline,
            .hang_time = g->hang_time,
        };
    }
}

static void fill_workers(const struct master *m, struct arena *arena, struct carried *c)
{
    c->workers = arena_alloc(arena, OWNER_SLOTS * sizeof(*c->workers));
    for (uint16_t i = 0; i < OWNER_SLOTS; i++) {
        if (m->slots[i].pid != 0) {
            c->workers[c->worker_count++] =
                (struct carried_worker){m->slots[i].generation->number, i, m->slots[i].pid};
        }
    }
}

/* In a file without a name that nobody can change any more; the descriptor or a negative errno. */
static int write_carried(const struct master *m, int files)
{
    struct carried c = {
        .program = m->program,
        .state = m->state,
        .state_lock = m->state_lock,
        .layout = shared_layout(),
        .shared = m->shared.fd,
        .control = m->control.fd,
        .control_path = m->control.path,
        .clerk = m->clerk.pid,
        .records = {m->records.ends[0], m->records.ends[1]},
        .run = m->records.run,
        .journal = m->records.journal,
        .files = files,
        .generation_count = m->generation_count,
    };
    struct arena arena;
    struct buf text = {0};
    int fd = memfd_create("gatepost-handed-over", MFD_ALLOW_SEALING);

    if (fd < 0) {
        return -errno;
    }
    arena_init(&arena);
    fill_listeners(m, &arena, &c);
    fill_generations(m, &arena, &c);
    fill_workers(m, &arena, &c);
    carried_print(&c, &text);
    int r = sys_pwrite_all(fd, text.p, text.n, 0);
    if (r == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) {
        r = -errno;
    }
    buf_free(&text);
    arena_free(&arena);
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

static int read_carried(int fd, struct arena *arena, struct carried *ret, char *why,
                        size_t why_size)
{
    struct buf text = {0};
    struct stat st = {0};
    int r = fstat(fd, &st) < 0 ? -errno : 0;

    r = r < 0
            ? r
            : sys_pread_all(fd, buf_reserve(&text, (size_t)st.st_size + 1), (size_t)st.st_size, 0);
    if (r < 0) {
        (void)snprintf(why, why_size, "what was handed over cannot be read: %s", strerror(-r));
    } else {
        text.n = (size_t)st.st_size;
        r = carried_parse(buf_slice(&text), arena, ret, why, why_size);
    }
    buf_free(&text);
    if (r == 0 && strcmp(ret->layout, shared_layout()) != 0) {
        (void)snprintf(
            why, why_size,
            "it lays out the shared memory otherwise, so a restart is needed (%s; before: "
            "%s)",
            shared_layout(), ret->layout);
        r = -EBADMSG;
    }
    return r;
}

/* All that the next program is to have open, or not. */
static void keep_over_exec(const struct master *m, bool keep)
{
    const int flag = keep ? 0 : FD_CLOEXEC;

    (void)fcntl(m->shared.fd, F_SETFD, flag);
    (void)fcntl(m->control.fd, F_SETFD, flag); /* -1 where there is none */
    for (size_t i = 0; i < 2; i++) {
        (void)fcntl(m->records.ends[i], F_SETFD, flag);
    }
    (void)fcntl(m->reload.trial.files, F_SETFD, flag);
    for (size_t i = 0; i < m->listeners.count; i++) {
        (void)fcntl(m->listeners.items[i].fd, F_SETFD, flag);
    }
}

/* Returns only when it failed, with a negative errno. */
static int execute(const struct master *m, char **argv, int carried)
{
    char number[16];

    (void)snprintf(number, sizeof(number), "%d", carried);
    if (setenv(VARIABLE, number, 1) < 0) {
        return -errno;
    }
    keep_over_exec(m, true);
    (void)execveat(m->reload.program, "", argv, environ, AT_EMPTY_PATH);
    int r = -errno;
    keep_over_exec(m, false);
    (void)unsetenv(VARIABLE);
    return r;
}

/* ---- the running master ---- */

/* In the process of the trial. */
static int try_program(void *arg, int files, int words)
{
    struct master *m = arg;
    char run[] = "check", option[] = "-c";
    char *argv[] = {m->argv[0], run, option, (char *)(uintptr_t)m->file, NULL};
    sigset_t none;
    int carried = write_carried(m, files);

    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (carried < 0 || dup2(words, STDOUT_FILENO) < 0 || dup2(words, STDERR_FILENO) < 0) {
        return EXIT_FAILURE;
    }
    int r = execute(m, argv, carried);
    (void)fprintf(stderr, "%s: cannot be executed: %s\n", m->program, strerror(-r));
    (void)fflush(stderr);
    return EXIT_FAILURE;
}

int upgrade_begin(struct master *m, char *ret_why, size_t why_size)
{
    int fd = open(m->program, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        (void)snprintf(ret_why, why_size, "%s: %s", m->program, strerror(errno));
        return -errno;
    }
    m->reload.program = fd;
    int r = trial_begin(&m->reload.trial, try_program, m, m->state_lock, clock_monotonic());
    if (r < 0) {
        (void)snprintf(ret_why, why_size, "%s", strerror(-r));
    }
    return r;
}

/* What has been asked for meanwhile is asked of the next program: a blocked signal outlasts the
 * exchange. */
static void pass_requests_on(const struct master *m)
{
    if (m->reload.asked[RELOAD_ASKED]) {
        (void)kill(getpid(), SIGHUP);
    }
    if (m->reload.asked[RELOAD_UPGRADE]) {
        (void)kill(getpid(), SIGUSR2);
    }
}

void upgrade_go(struct master *m, char *ret_why, size_t why_size)
{
    struct stat st;

    /* A program that knows nothing of this would have found the configuration good, no more. */
    if (fstat(m->reload.trial.files, &st) < 0 || st.st_size == 0) {
        (void)snprintf(ret_why, why_size, "%s does not know how to take over", m->program);
        return;
    }
    int carried = write_carried(m, m->reload.trial.files);
    int r = carried;
    if (carried >= 0) {
        log_line(LOG_NOTICE, "upgrade: %s takes over", m->program);
        reload_tell_done(m);
        pass_requests_on(m);
        (void)fcntl(m->state_lock, F_SETFD, 0); /* -1 where there is none */
        r = execute(m, m->argv, carried);
        (void)fcntl(m->state_lock, F_SETFD, FD_CLOEXEC);
        close(carried);
    }
    (void)snprintf(ret_why, why_size, "%s: cannot be executed: %s", m->program, strerror(-r));
}

/* ---- the next program ---- */

static int handed_over(void)
{
    const char *text = getenv(VARIABLE);
    long fd = text != NULL ? strtol(text, NULL, 10) : -1;

    return fd > STDERR_FILENO && fd <= INT_MAX ? (int)fd : -1;
}

bool upgrade_is_handed_over(void)
{
    return handed_over() >= 0;
}

int upgrade_try(const char *file)
{
    struct carried c;
    struct arena arena;
    char why[1024];

    arena_init(&arena);
    int r = read_carried(handed_over(), &arena, &c, why, sizeof(why));
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", why);
    } else {
        r = trial_check(file, NULL, c.state, c.files, STDERR_FILENO);
    }
    arena_free(&arena);
    return r == 0 ? 0 : 2;
}

/* The generations of the program before. */
static void adopt_generations(struct master *m, const struct carried *c)
{
    for (size_t i = 0; i < c->generations_n; i++) {
        const struct carried_generation *from = &c->generations[i];
        struct generation *g = xcalloc(1, sizeof(*g));
        *g = (struct generation){
            .number = from->number,
            .state = from->serving ? GENERATION_SERVING : GENERATION_RETIRING,
            .told_to_end = from->told_to_end,
            .deadline = from->deadline,
            .hang_time = from->hang_time,
        };
        g->deadline = g->told_to_end ? generation_end_deadline(g) : g->deadline;
        list_push_back(&m->generations, &g->link);
        m->serving = from->serving ? g : m->serving;
    }
}

static struct generation *find_generation(const struct master *m, unsigned number)
{
    list_for_each (it, &m->generations) {
        struct generation *g = list_entry(it, struct generation, link);
        if (g->number == number) {
            return g;
        }
    }
    return NULL;
}

static void adopt_workers(struct master *m, const struct carried *c)
{
    usec_t now = clock_monotonic();

    for (size_t i = 0; i < c->worker_count; i++) {
        const struct carried_worker *w = &c->workers[i];
        struct generation *g = find_generation(m, w->generation);
        m->slots[w->slot] = (struct slot){
            .generation = g,
            .pid = w->pid,
            .served = true,
            .started_at = now,
            .ready_at = now,
        };
        g->workers++;
    }
}

/* All sockets that are handed over are the serving generation's: the others gave theirs back. */
static int adopt_listeners(struct master *m, const struct carried *c)
{
    struct generation *g = m->serving;

    g->listeners = xcalloc(c->listener_count, sizeof(*g->listeners));
    for (size_t i = 0; i < c->listener_count; i++) {
        int r = listeners_adopt(&m->listeners, c->listeners[i].fd, c->listeners[i].inherited);
        if (r < 0) {
            return r;
        }
        m->listeners.items[i].users = 1;
        g->listeners[i] = c->listeners[i].fd;
        g->listener_count++;
    }
    return 0;
}

int upgrade_take_over(const char *file, char **argv)
{
    struct master *m = master_new(file, argv);
    struct carried c;
    struct arena arena;
    char why[1024];
    int carried = handed_over();

    (void)unsetenv(VARIABLE);
    (void)prctl(PR_SET_NAME, "gatepost", 0, 0, 0); /* executed by descriptor it is named by that */
    arena_init(&arena);
    if (read_carried(carried, &arena, &c, why, sizeof(why)) < 0) {
        fatal("%s", why);
    }
    close(carried);
    m->program = xstrdup(c.program);
    m->state = xstrdup(c.state);
    m->state_lock = c.state_lock;
    (void)fcntl(m->state_lock, F_SETFD, FD_CLOEXEC);
    m->generation_count = c.generation_count;
    if (log_stderr_is_journal()) {
        log_set_target(LOG_TO_JOURNALD); /* until the configuration is read */
    }
    control_socket_adopt(&m->control, c.control, c.control_path);
    records_adopt(&m->records, c.records, c.run, c.journal);
    clerk_keeper_adopt(&m->clerk, c.clerk, clock_monotonic());
    adopt_generations(m, &c);
    adopt_workers(m, &c);
    int r = adopt_listeners(m, &c);
    r = r < 0 ? r : shared_attach(c.shared, &m->shared);
    r = r < 0 || fcntl(c.shared, F_SETFD, FD_CLOEXEC) == 0 ? r : -errno;
    if (r < 0) {
        fatal("cannot take over: %s", strerror(-r));
    }
    arena_free(&arena);
    reload_take_over(m, c.files);
    return master_serve(m);
}
