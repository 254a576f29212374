/* See proc/inspector.h. What is written here runs beside code that takes strangers' files apart and
 * may have been taken over by one: it has one message at a time, and nothing of another is kept. */
#include "proc/inspector.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/octets.h"
#include "client/inspector.h"
#include "inspect/inspect.h"

/* Patterns of a policy are never as long. */
#define RULES_MOST ((off_t)64 << 20)

struct inspecting {
    const struct inspector_setup *setup;
    struct inspect *inspect;
    struct digest rules; /* that it has */
    bool has_rules;
    struct arena arena;
    struct buf answer;
    const char *dies_of; /* for tests, by the environment: see below */
    const char *hangs_at;
};

/* ---- descriptors that were given ---- */

/* Of a regular file, read-only; empty for an empty one. 0 or a negative errno. */
static int map(int fd, off_t most, struct slice *ret)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > most) {
        return -EINVAL;
    }
    if (st.st_size == 0) {
        *ret = SLICE_LIT("");
        return 0;
    }
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        return -errno;
    }
    *ret = (struct slice){p, (size_t)st.st_size};
    return 0;
}

static void unmap(struct slice s)
{
    if (s.n > 0) {
        munmap((void *)(uintptr_t)s.p, s.n);
    }
}

/* Has those patterns from now on. */
static int take_rules(struct inspecting *i, const struct inspection_order *o)
{
    const struct digest *wanted = &o->request.rules;
    struct slice octets = {0};

    if (o->rules < 0 || (i->has_rules && memcmp(&i->rules, wanted, sizeof(*wanted)) == 0)) {
        return 0;
    }
    int r = map(o->rules, RULES_MOST, &octets);
    if (r == 0) {
        r = inspect_set_rules(i->inspect, octets);
        unmap(octets);
    }
    i->has_rules = r == 0;
    i->rules = *wanted;
    return r;
}

/* ---- one order ---- */

/* Should all that watches the time within a message fail. */
static void set_alarm(usec_t time)
{
    const struct itimerval t = {
        .it_value = {.tv_sec = time / USEC_SEC, .tv_usec = time % USEC_SEC}};

    (void)setitimer(ITIMER_REAL, &t, NULL);
}

/* A worker that has given up does not matter. */
static bool say(int fd, struct slice s)
{
    while (s.n > 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        size_t done = n > 0 ? (size_t)n : 0;
        s = (struct slice){s.p + done, s.n - done};
    }
    return true;
}

/* Tests have messages of which an inspector dies, or with which it never ends. */
static void die_if_told(const struct inspecting *i, struct slice message)
{
    if (i->dies_of != NULL &&
        memmem(message.p, message.n, i->dies_of, strlen(i->dies_of)) != NULL) {
        (void)raise(SIGKILL);
    }
    while (i->hangs_at != NULL &&
           memmem(message.p, message.n, i->hangs_at, strlen(i->hangs_at)) != NULL) {
        (void)poll(NULL, 0, -1);
    }
}

static void answer(struct inspecting *i, const struct inspection_order *o, struct slice message)
{
    struct inspection found;
    uint8_t length[INSPECTION_LENGTH];

    die_if_told(i, message);
    inspect_message(i->inspect, message, &o->request, &i->arena, &found);
    i->answer.n = 0;
    inspection_write(&found, &i->answer);
    octets_put(length, sizeof(length), i->answer.n);
    if (say(o->reply, (struct slice){(const char *)length, sizeof(length)})) {
        (void)say(o->reply, buf_slice(&i->answer));
    }
    arena_reset(&i->arena);
}

static void work(struct inspecting *i, const struct inspection_order *o)
{
    static const char begins = INSPECTION_BEGINS;
    struct slice message = {0};

    if (take_rules(i, o) < 0 || map(o->message, (off_t)o->request.size, &message) < 0) {
        return;
    }
    if (message.n == o->request.size && say(o->reply, (struct slice){&begins, 1})) {
        atomic_store_explicit(&i->setup->heart->began, clock_monotonic(), memory_order_release);
        set_alarm(i->setup->time + INSPECTOR_GRACE);
        answer(i, o, message);
        set_alarm(0);
        atomic_store_explicit(&i->setup->heart->began, 0, memory_order_release);
    }
    unmap(message);
}

static void finish(struct inspection_order *o)
{
    close(o->reply);
    close(o->message);
    if (o->rules >= 0) {
        close(o->rules);
    }
}

static bool is_spent(unsigned messages)
{
    struct timespec cpu;

    return messages >= INSPECTOR_MESSAGES || (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0 &&
                                              cpu.tv_sec > INSPECTOR_CPU_TIME / 2);
}

static int serve(struct inspecting *i)
{
    struct inspection_order o;
    unsigned messages = 0;
    int r = 0;

    while (!is_spent(messages++) && (r = inspection_take(i->setup->door, &o)) > 0) {
        work(i, &o);
        finish(&o);
    }
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- a whole life ---- */

/* Decisions of others may go to the standard output. */
static int close_output(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    int r = fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ? -errno : 0;

    if (fd > STDERR_FILENO) {
        close(fd);
    }
    return r;
}

/* What the libraries read from the disk they have read when this returns. */
static int prepare(struct inspecting *i)
{
    char why[256];
    int r = i->setup->who != NULL ? identity_become(i->setup->who) : 0;

    if (r < 0) {
        log_line(LOG_ERROR, "an inspector cannot become user %s: %s", i->setup->who->name,
                 strerror(-r));
        return r;
    }
    r = close_output();
    if (r < 0) {
        log_line(LOG_ERROR, "an inspector cannot open /dev/null: %s", strerror(-r));
        return r;
    }
    r = inspect_new(&i->inspect, why, sizeof(why));
    if (r < 0) {
        log_line(LOG_ERROR, "an inspector cannot begin: %s", why);
        return r;
    }
    return inspector_confine(i->setup);
}

/* It ends with its door, and so not before the last worker does, who may be told to end sooner. */
static void ignore_signals(void)
{
    const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ};
    sigset_t none;

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int inspector_run(const struct inspector_setup *setup)
{
    struct inspecting i = {.setup = setup,
                           .dies_of = getenv("GATEPOST_TEST_INSPECTOR_DIES_OF"),
                           .hangs_at = getenv("GATEPOST_TEST_INSPECTOR_HANGS_AT")};
    int status = INSPECTOR_CANNOT_START;

    ignore_signals();
    arena_init(&i.arena);
    if (prepare(&i) == 0) {
        status = serve(&i);
    }
    (void)inspect_free(i.inspect);
    buf_free(&i.answer);
    arena_free(&i.arena);
    return status;
}
