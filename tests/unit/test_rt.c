/* The runtime in both worlds: tasks, scopes, shields, deadlines, streams, threads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fatal.h"
#include "rt/real.h"
#include "rt/sim.h"
#include "rt/stream.h"

static const struct addr here = {.family = ADDR_V4, .octets = {127, 0, 0, 1}, .port = 25};

struct log {
    char text[256];
    int result;
    bool done;
};

static void say(struct log *l, const char *word)
{
    strcat(l->text, word);
}

/* ---- fairness ---- */

/* A stream whose octets never run out. */
static ssize_t endless_read(struct stream *s, void *ret, size_t n)
{
    (void)s;
    memset(ret, 'x', n);
    return (ssize_t)n;
}

struct endless {
    struct rt_timer timer; /* somebody else's */
    bool fired;
    int result;
    int limit_result;
};

static void on_other_timer(void *arg)
{
    ((struct endless *)arg)->fired = true;
}

static void endless_reader(void *arg)
{
    static const struct stream_ops ops = {.try_read = endless_read};
    struct endless *e = arg;
    struct stream s = {.ops = &ops};
    char octets[64];
    usec_t limit;
    e->timer = (struct rt_timer){.fn = on_other_timer, .arg = e};
    rt_timer_set(rt_self(), &e->timer, rt_now() + USEC_MSEC);
    for (int i = 0; i < 1000000 && !e->fired && e->result >= 0; i++) {
        e->result = (int)stream_read(&s, octets, sizeof octets, USEC_NEVER);
    }
    limit = rt_now() + USEC_MSEC;
    for (int i = 0; i < 1000000 && e->limit_result >= 0; i++) {
        e->limit_result = (int)stream_read(&s, octets, sizeof octets, limit);
    }
}

/* Others have their turn, and a deadline holds, although the reader never has to wait. */
static void test_fairness(void **state)
{
    (void)state;
    struct rt *rt = real_new();
    struct endless e = {.fired = false};
    bool stop = true; /* when the task has ended */
    assert_int_equal(task_spawn(rt, rt_root_of(rt), endless_reader, &e), 0);
    real_run(rt, &stop);
    assert_true(e.fired);
    assert_int_equal(e.result, 64);
    assert_int_equal(e.limit_result, -ETIMEDOUT);
    real_free(rt);
}

/* ---- scopes ---- */

static void sleeper(void *arg)
{
    struct log *l = arg;
    l->result = task_sleep(rt_now() + 3600 * USEC_SEC);
    say(l, l->result == -ECANCELED ? "cancelled " : "slept ");
    assert_int_equal(task_sleep(rt_now() + 1), -ECANCELED);
}

static void shielded(void *arg)
{
    struct log *l = arg;
    struct scope shield;
    scope_enter_shield(&shield);
    l->result = task_sleep(rt_now() + 10 * USEC_SEC);
    say(l, l->result == 0 ? "shielded " : "hit ");
    scope_leave(&shield);
    assert_int_equal(task_sleep(rt_now() + 1), -ECANCELED);
    assert_int_equal(scope_reason(), -ECONNRESET);
}

static void canceller(void *arg)
{
    struct log *l = arg;
    struct scope s;
    scope_enter(&s);
    assert_int_equal(task_spawn(rt_self(), &s, sleeper, l), 0);
    assert_int_equal(task_spawn(rt_self(), &s, shielded, l), 0);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    scope_cancel(&s, -ECONNRESET);
    assert_int_equal(scope_reason(), -ECONNRESET);
    say(l, "cancel ");
    scope_join(&s);
    scope_leave(&s);
    assert_int_equal(scope_reason(), 0);
    say(l, "joined");
    l->done = true;
}

static void test_scopes(void **state)
{
    (void)state;
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    struct log l = {0};
    usec_t start = sim_now(sim);
    assert_int_equal(task_spawn(rt, rt_root_of(rt), canceller, &l), 0);
    sim_run(sim, USEC_NEVER);
    assert_true(l.done);
    assert_string_equal(l.text, "cancel cancelled shielded joined");
    assert_int_equal(sim_now(sim) - start, 10 * USEC_SEC);
    assert_int_equal(rt_stats(rt)->tasks, 0);
    sim_rt_free(rt);
    sim_free(sim);
}

/* ---- conditions and deadlines ---- */

struct meeting {
    struct cond cond;
    int results[3];
};

static void waiter(void *arg)
{
    struct meeting *m = arg;
    m->results[0] = cond_wait(&m->cond, rt_now() + USEC_SEC);
    m->results[1] = cond_wait(&m->cond, rt_now() + 100 * USEC_SEC);
    m->results[2] = cond_wait(&m->cond, rt_now());
}

static void waker(void *arg)
{
    struct meeting *m = arg;
    assert_int_equal(task_sleep(rt_now() + 5 * USEC_SEC), 0);
    cond_wake_all(&m->cond);
}

static void test_conditions(void **state)
{
    (void)state;
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    struct meeting m;
    cond_init(&m.cond);
    task_spawn(rt, rt_root_of(rt), waiter, &m);
    task_spawn(rt, rt_root_of(rt), waker, &m);
    sim_run(sim, USEC_NEVER);
    assert_int_equal(m.results[0], -ETIMEDOUT);
    assert_int_equal(m.results[1], 0);
    assert_int_equal(m.results[2], -ETIMEDOUT);
    sim_rt_free(rt);
    sim_free(sim);
}

/* ---- streams: an echo, the same in both worlds ---- */

struct echo {
    struct rt *rt;
    struct stream *accepted;
    size_t echoed;
    size_t received;
    int watch_reason;
    bool done;
};

#define ECHO_SIZE 300000

static void echo_task(void *arg)
{
    struct echo *e = arg;
    char buffer[5000];
    ssize_t n;
    while ((n = stream_read(e->accepted, buffer, sizeof buffer, rt_now() + 9 * USEC_SEC)) > 0) {
        struct iovec iov = {buffer, (size_t)n};
        assert_int_equal(stream_write(e->accepted, &iov, 1, rt_now() + 9 * USEC_SEC, NULL), 0);
        e->echoed += (size_t)n;
    }
    assert_int_equal(n, 0);
    e->accepted = stream_close(e->accepted);
    e->done = true;
}

static void on_accept(void *arg, struct stream *s, const struct addr *client,
                      const struct addr *local)
{
    struct echo *e = arg;
    assert_int_equal(client->family, ADDR_V4);
    assert_int_equal(local->family, ADDR_V4);
    e->accepted = s;
    task_spawn(e->rt, rt_root_of(e->rt), echo_task, e);
}

static struct addr echo_at;

static void client_task(void *arg)
{
    struct echo *e = arg;
    struct echo mine = {0};
    assert_int_equal(stream_connect(&echo_at, rt_now() + 9 * USEC_SEC, &mine.accepted), 0);
    uint8_t *data = xmalloc(ECHO_SIZE);
    for (size_t i = 0; i < ECHO_SIZE; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    size_t written;
    struct iovec first[3] = {{data, 40}, {data + 40, 0}, {data + 40, 60}};
    assert_int_equal(stream_write(mine.accepted, first, 3, rt_now() + 9 * USEC_SEC, &written), 0);
    assert_int_equal(written, 100);
    size_t sent = 100;
    while (mine.received < ECHO_SIZE) {
        if (sent < ECHO_SIZE && sent - mine.received < 20000) {
            size_t n = ECHO_SIZE - sent < 4000 ? ECHO_SIZE - sent : 4000;
            struct iovec two[2] = {{data + sent, n / 2}, {data + sent + n / 2, n - n / 2}};
            assert_int_equal(stream_write(mine.accepted, two, 2, rt_now() + 9 * USEC_SEC, NULL), 0);
            sent += n;
        }
        char buffer[3000];
        ssize_t n = stream_read(mine.accepted, buffer, sizeof buffer, rt_now() + 9 * USEC_SEC);
        assert_true(n > 0);
        assert_memory_equal(buffer, data + mine.received, (size_t)n);
        mine.received += (size_t)n;
    }
    e->received = mine.received;
    stream_close(mine.accepted);
    free(data);
}

static void test_echo_simulated(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct sim *sim = sim_new(seed);
        struct rt *server = sim_rt(sim), *client = sim_rt(sim);
        struct echo e = {.rt = server};
        echo_at = here;
        struct sim_listener *l = sim_listen(server, &here, on_accept, &e);
        task_spawn(client, rt_root_of(client), client_task, &e);
        sim_run(sim, USEC_NEVER);
        assert_int_equal(e.echoed, ECHO_SIZE);
        assert_int_equal(e.received, ECHO_SIZE);
        assert_true(e.done);
        sim_listener_free(l);
        sim_rt_free(server);
        sim_rt_free(client);
        sim_free(sim);
    }
}

static void test_echo_real(void **state)
{
    (void)state;
    struct rt *rt = real_new();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(fd, 10), 0);
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
    echo_at = addr_from_sockaddr(&ss);
    struct echo e = {.rt = rt};
    struct real_listener *l = NULL;
    assert_int_equal(real_listen(rt, fd, on_accept, &e, &l), 0);
    task_spawn(rt, rt_root_of(rt), client_task, &e);
    real_run(rt, &e.done);
    assert_int_equal(e.echoed, ECHO_SIZE);
    assert_int_equal(e.received, ECHO_SIZE);
    real_listener_free(l);
    real_free(rt);
    close(fd);
}

/* ---- Unix sockets ---- */

static char path[64];

/* Connects twice: to a server whose queue holds one only, which therefore is tried until the
 * deadline; then says something and reads it. */
static void path_client(void *arg)
{
    struct echo *e = arg;
    struct stream *one = NULL, *two = NULL;
    char buffer[8];
    assert_int_equal(stream_connect_path("/nowhere/s", rt_now() + USEC_SEC, &one), -ENOENT);
    assert_int_equal(stream_connect_path(path, rt_now() + USEC_SEC, &one), 0);
    int r = stream_connect_path(path, rt_now() + 50 * USEC_MSEC, &two);
    assert_int_equal(r, -ETIMEDOUT);
    int fd = accept((int)e->received, NULL, NULL);
    assert_true(fd >= 0);
    assert_int_equal(stream_connect_path(path, rt_now() + USEC_SEC, &two), 0);
    assert_int_equal(write(fd, "hi", 2), 2);
    assert_int_equal(stream_read(one, buffer, sizeof buffer, rt_now() + USEC_SEC), 2);
    struct iovec iov = {buffer, 2};
    assert_int_equal(stream_write(one, &iov, 1, rt_now() + USEC_SEC, NULL), 0);
    assert_int_equal(read(fd, buffer, sizeof buffer), 2);
    close(fd);
    assert_int_equal(stream_read(one, buffer, sizeof buffer, rt_now() + USEC_SEC), 0);
    stream_close(one);
    stream_close(two);
    e->done = true;
}

static void test_path_real(void **state)
{
    (void)state;
    struct rt *rt = real_new();
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(path, sizeof path, "/tmp/gatepost-test-rt-%d", (int)getpid());
    strcpy(at.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 0), 0);
    struct echo e = {.rt = rt, .received = (size_t)fd};
    task_spawn(rt, rt_root_of(rt), path_client, &e);
    real_run(rt, &e.done);
    real_free(rt);
    close(fd);
    unlink(path);
}

static void sim_path_accept(void *arg, struct stream *s, const struct addr *client,
                            const struct addr *local)
{
    assert_int_equal(client->family, ADDR_NONE);
    assert_int_equal(local->family, ADDR_NONE);
    *(bool *)arg = true;
    stream_close(s);
}

static void sim_path_client(void *arg)
{
    struct stream *s = NULL;
    (void)arg;
    assert_int_equal(stream_connect_path("/no", rt_now() + USEC_SEC, &s), -ECONNREFUSED);
    assert_int_equal(stream_connect_path("/run/s", rt_now() + USEC_SEC, &s), 0);
    stream_close(s);
}

static void test_path_simulated(void **state)
{
    (void)state;
    struct sim *sim = sim_new(5);
    struct rt *server = sim_rt(sim), *client = sim_rt(sim);
    bool accepted = false;
    struct sim_listener *l = sim_listen_path(server, "/run/s", sim_path_accept, &accepted);
    task_spawn(client, rt_root_of(client), sim_path_client, NULL);
    sim_run(sim, USEC_NEVER);
    assert_true(accepted);
    sim_listener_free(l);
    sim_rt_free(server);
    sim_rt_free(client);
    sim_free(sim);
}

/* ---- a peer that goes away ---- */

static void watcher(void *arg)
{
    struct echo *e = arg;
    struct scope s;
    scope_enter(&s);
    stream_watch(e->accepted, &s);
    assert_int_equal(task_sleep(rt_now() + 1000 * USEC_SEC), -ECANCELED);
    e->watch_reason = scope_reason();
    stream_watch(e->accepted, NULL);
    scope_leave(&s);
    stream_close(e->accepted);
    e->done = true;
}

static void on_accept_watch(void *arg, struct stream *s, const struct addr *client,
                            const struct addr *local)
{
    (void)client;
    (void)local;
    struct echo *e = arg;
    e->accepted = s;
    task_spawn(e->rt, rt_root_of(e->rt), watcher, e);
}

static void leaver(void *arg)
{
    (void)arg;
    struct stream *s = NULL;
    assert_int_equal(stream_connect(&echo_at, rt_now() + 9 * USEC_SEC, &s), 0);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC / 10), 0);
    stream_close(s);
}

static void test_watch(void **state)
{
    (void)state;
    struct sim *sim = sim_new(3);
    struct rt *server = sim_rt(sim), *client = sim_rt(sim);
    struct echo e = {.rt = server};
    echo_at = here;
    struct sim_listener *l = sim_listen(server, &here, on_accept_watch, &e);
    task_spawn(client, rt_root_of(client), leaver, NULL);
    sim_run(sim, USEC_NEVER);
    assert_true(e.done);
    assert_int_equal(e.watch_reason, -ECONNRESET);
    sim_listener_free(l);
    sim_rt_free(server);
    sim_rt_free(client);
    sim_free(sim);
}

/* ---- threads ---- */

static int blocking_work(void *arg)
{
    usleep(1000);
    return *(int *)arg * 2;
}

static void calling_task(void *arg)
{
    int *sum = arg;
    for (int i = 0; i < 10; i++) {
        *sum += rt_call(RT_CALL_FILE, blocking_work, &i);
    }
}

static void test_threads(void **state)
{
    (void)state;
    struct rt *rt = real_new();
    int sums[5] = {0};
    for (int i = 0; i < 5; i++) {
        task_spawn(rt, rt_root_of(rt), calling_task, &sums[i]);
    }
    bool stop = true;
    real_run(rt, &stop);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sums[i], 90);
    }
    real_free(rt);
}

/* ---- kill ---- */

static void stubborn(void *arg)
{
    struct log *l = arg;
    struct scope shield;
    scope_enter_shield(&shield);
    l->result = task_sleep(rt_now() + 100 * USEC_SEC);
    scope_leave(&shield);
    assert_int_equal(rt_call(RT_CALL_FILE, blocking_work, &l->result), -ECANCELED);
    l->done = true;
}

static void test_kill(void **state)
{
    (void)state;
    struct sim *sim = sim_new(3);
    struct rt *rt = sim_rt(sim);
    struct log l = {0};
    task_spawn(rt, rt_root_of(rt), stubborn, &l);
    sim_run(sim, sim_now(sim) + USEC_SEC);
    sim_kill(rt);
    sim_run(sim, USEC_NEVER);
    assert_true(l.done);
    assert_int_equal(l.result, -ECANCELED);
    sim_rt_free(rt);
    sim_free(sim);
}

/* ---- stacks ---- */

static void brief_task(void *arg)
{
    volatile char octets[8192]; /* pages of its stack */
    octets[0] = 'x';
    octets[4096] = 'x';
    *(unsigned *)arg += octets[0] == octets[4096];
    (void)task_sleep(rt_now() + 1);
}

/* `n` tasks that are there at the same time. */
static void run_brief(struct rt *rt, unsigned n, unsigned *ran)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(task_spawn(rt, rt_root_of(rt), brief_task, ran), 0);
    }
}

/* After a crowd, those who come a few at a time find stacks that have their pages. */
static void test_stacks_warm(void **state)
{
    (void)state;
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    unsigned ran = 0;
    struct rusage before, after;
    run_brief(rt, 300, &ran);
    sim_run(sim, USEC_NEVER);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    for (unsigned i = 0; i < 1000; i++) {
        run_brief(rt, 10, &ran);
        sim_run(sim, USEC_NEVER);
    }
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_int_equal(ran, 300 + 10000);
    assert_int_equal(rt_stats(rt)->stacks, 300); /* none was made anew, none dropped */
    assert_true(after.ru_minflt - before.ru_minflt < 5000);
    sim_rt_free(rt);
    sim_free(sim);
}

/* ---- the real world's threads and loop ---- */

struct pair {
    int pipe[2];
    bool stop;
    int left;
    usec_t busy; /* for so long the loop is held up, */
    bool asleep; /* in a call to the system, or by work */
};

static int read_octet(void *arg)
{
    char c;
    return read(((struct pair *)arg)->pipe[0], &c, 1) == 1 ? 0 : -EIO;
}

static int write_octet(void *arg)
{
    return write(((struct pair *)arg)->pipe[1], "x", 1) == 1 ? 0 : -EIO;
}

static void end_one(struct pair *p)
{
    p->stop = --p->left == 0;
}

static void waiting_task(void *arg)
{
    assert_int_equal(rt_call(RT_CALL_FILE, read_octet, arg), 0);
    end_one(arg);
}

static void waking_task(void *arg)
{
    assert_int_equal(rt_call(RT_CALL_FILE, write_octet, arg), 0);
    end_one(arg);
}

/* Work that blocks, up to one thread less than there are, keeps no other work waiting. */
static void test_threads_beside(void **state)
{
    (void)state;
    struct pair p = {.left = 6};
    struct rt *rt = real_new();
    assert_int_equal(pipe(p.pipe), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(task_spawn(rt, rt_root_of(rt), waiting_task, &p), 0);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(task_spawn(rt, rt_root_of(rt), waking_task, &p), 0);
    }
    real_run(rt, &p.stop);
    assert_int_equal(p.left, 0);
    real_free(rt);
    close(p.pipe[0]);
    close(p.pipe[1]);
}

static usec_t processor_time(void)
{
    struct rusage u;
    assert_int_equal(getrusage(RUSAGE_THREAD, &u), 0);
    return (usec_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * USEC_SEC + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static void rude_task(void *arg)
{
    struct pair *p = arg;
    usec_t until = processor_time() + p->busy;
    if (p->asleep) {
        (void)usleep((useconds_t)p->busy);
    }
    while (!p->asleep && processor_time() < until) {
    }
    end_one(p);
}

static struct real_blocks blocks_after(struct pair p)
{
    struct rt *rt = real_new();
    p.left = 1;
    assert_int_equal(task_spawn(rt, rt_root_of(rt), rude_task, &p), 0);
    real_run(rt, &p.stop);
    struct real_blocks b = real_blocks(rt);
    real_free(rt);
    return b;
}

/* The loop tells for how long one task has held it up by its own work, or by waiting for the
 * system. */
static void test_blocks(void **state)
{
    (void)state;
    struct real_blocks worked = blocks_after((struct pair){.busy = 2 * REAL_BLOCK_LONG});
    assert_true(worked.own >= 2 * REAL_BLOCK_LONG);
    assert_true(worked.longest >= worked.own && worked.recent == worked.longest);
    assert_int_equal(worked.own_long, 1);
    assert_int_equal(worked.own_recent, worked.own);
    struct real_blocks slept =
        blocks_after((struct pair){.busy = 2 * REAL_BLOCK_LONG, .asleep = true});
    assert_true(slept.own >= 2 * REAL_BLOCK_LONG);
    assert_int_equal(slept.own, slept.longest);
    assert_int_equal(slept.own_long, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fairness),       cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_conditions),     cmocka_unit_test(test_echo_simulated),
        cmocka_unit_test(test_echo_real),      cmocka_unit_test(test_path_real),
        cmocka_unit_test(test_path_simulated), cmocka_unit_test(test_watch),
        cmocka_unit_test(test_threads),        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_stacks_warm),    cmocka_unit_test(test_threads_beside),
        cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
