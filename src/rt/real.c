/* The real world's loop. Each turn: what the kernel reports, then timers, then every ready task. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "rt/real.h"
#include "rt/real_impl.h"

/* After so long, or so many switches, the kernel is asked again, so that a long queue of ready
 * tasks keeps neither timers nor new clients waiting. The clock is read between two handfuls of
 * tasks. */
#define TURN_TIME       (2 * USEC_MSEC)
#define SWITCHES_A_TURN 512
#define HANDFUL         4
#define FILE_THREADS    4

void real_tick(struct real *w)
{
    w->rt.now = clock_monotonic();
    if (w->awake_since == 0) {
        w->awake_since = w->rt.now;
        real_blocks_awake(&w->meter, w->rt.now);
    }
}

static usec_t real_wall(struct rt *rt)
{
    (void)rt;
    return clock_wall();
}

static void real_random(struct rt *rt, void *ret, size_t n)
{
    (void)rt;
    char *p = ret;
    while (n > 0) {
        ssize_t r = getrandom(p, n, 0);
        if (r < 0 && errno != EINTR) {
            fatal("getrandom: %s", strerror(errno));
        }
        if (r > 0) {
            p += r;
            n -= (size_t)r;
        }
    }
}

static void real_post(struct rt *rt, enum rt_call_kind kind, int (*fn)(void *),
                      void (*done)(void *, int), void *arg)
{
    struct real *w = (struct real *)rt;
    thread_pool_post(kind == RT_CALL_STORE ? w->store : w->files, fn, done, arg);
}

static const struct world_ops real_ops = {
    .wall = real_wall,
    .random = real_random,
    .connect = real_socket_connect,
    .connect_path = real_socket_connect_path,
    .post = real_post,
};

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    (void)arg;
    uint64_t n;
    while (read((int)fd, &n, sizeof n) == (ssize_t)sizeof n) {
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ((struct real *)arg)->timer_at = USEC_NEVER;
}

static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_NO_CACHE_TIME);
    event_config_require_features(config, EV_FEATURE_ET);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct rt *real_new(void)
{
    struct real *w = xcalloc(1, sizeof(*w));
    rt_init(&w->rt, &real_ops);
    real_tick(w);
    w->base = make_base();
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->base == NULL || w->wake_fd < 0) {
        fatal("cannot make an event loop: %s", strerror(errno));
    }
    w->timer_at = USEC_NEVER;
    w->timer = event_new(w->base, -1, 0, on_timer, w);
    w->wake = event_new(w->base, w->wake_fd, EV_READ | EV_PERSIST, on_wake, w);
    if (w->timer == NULL || w->wake == NULL || event_add(w->wake, NULL) != 0) {
        fatal("cannot make an event loop: no memory");
    }
    real_sockets_init(w);
    w->files = thread_pool_new(w, "gatepost-files", FILE_THREADS);
    w->store = thread_pool_new(w, "gatepost-store", 1);
    return &w->rt;
}

struct rt *real_free(struct rt *rt)
{
    struct real *w = (struct real *)rt;
    thread_pool_free(w->files);
    thread_pool_free(w->store);
    rt_fini(&w->rt);
    real_sockets_fini(w);
    event_free(w->timer);
    event_free(w->wake);
    event_base_free(w->base);
    close(w->wake_fd);
    free(w);
    return NULL;
}

void real_wake(struct rt *rt)
{
    uint64_t one = 1;
    ssize_t r = write(((struct real *)rt)->wake_fd, &one, sizeof one);
    (void)r; /* a full eventfd wakes as well */
}

/* One libevent timer stands for the earliest of ours. It is re-armed only for an earlier time; when
 * it fires too early the turn just finds nothing due. */
static void arm_timer(struct real *w)
{
    usec_t next = rt_next_timer(&w->rt);
    if (next == USEC_NEVER || next >= w->timer_at) {
        return;
    }
    usec_t in = next - clock_monotonic();
    if (in < 0) {
        in = 0;
    }
    struct timeval tv = {.tv_sec = in / USEC_SEC, .tv_usec = in % USEC_SEC};
    event_add(w->timer, &tv);
    w->timer_at = next;
}

static void run_ready(struct real *w)
{
    unsigned left = SWITCHES_A_TURN / HANDFUL;

    do {
        rt_run_ready(&w->rt, HANDFUL);
    } while (!list_empty(&w->rt.ready) && --left > 0 &&
             clock_monotonic() - w->awake_since < TURN_TIME);
}

static void turn(struct real *w, bool may_wait)
{
    arm_timer(w);
    w->awake_since = 0;
    w->turns++;
    event_base_loop(w->base, EVLOOP_ONCE | (may_wait ? 0 : EVLOOP_NONBLOCK));
    real_tick(w);
    rt_run_timers(&w->rt);
    run_ready(w);
    if (w->on_turn != NULL) {
        w->on_turn(w->on_turn_arg);
    }
    real_blocks_turned(&w->meter, w->awake_since, clock_monotonic());
}

void real_run(struct rt *rt, const volatile bool *stop)
{
    struct real *w = (struct real *)rt;
    while (!*stop || w->rt.stats.tasks > 0) {
        turn(w, list_empty(&w->rt.ready));
    }
}

void real_on_turn(struct rt *rt, void (*fn)(void *arg), void *arg)
{
    struct real *w = (struct real *)rt;
    w->on_turn = fn;
    w->on_turn_arg = arg;
}

struct event_base *real_event_base(struct rt *rt)
{
    return ((struct real *)rt)->base;
}
