/* Accepting in the real world: when no descriptor is left, and leaving connections to others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rt/real.h"

#define CLIENTS 8
#define KEPT    3 /* of them: those for which there are descriptors */

static const char gone[] = "421 gone\r\n";

struct world {
    struct rt *rt;
    struct real_listener *listener;
    int fd;
    int clients[CLIENTS];
    struct stream *accepted[CLIENTS];
    unsigned accepted_count;
    unsigned turned_away;
    volatile bool stop;
    struct rt_timer timer;
};

static void on_accept(void *arg, struct stream *s, const struct addr *client,
                      const struct addr *local)
{
    struct world *w = arg;
    (void)client, (void)local;
    assert_true(w->accepted_count < CLIENTS);
    w->accepted[w->accepted_count++] = s;
}

static void on_full(void *arg, struct stream *s, const struct addr *client,
                    const struct addr *local)
{
    struct world *w = arg;
    assert_int_equal(client->family, ADDR_V4);
    assert_int_equal(local->family, ADDR_V4);
    assert_int_equal(stream_try_write(s, gone, sizeof gone - 1), (ssize_t)sizeof gone - 1);
    stream_close(s);
    w->turned_away++;
}

static void on_time(void *arg)
{
    struct world *w = arg;
    w->stop = true;
}

/* Lets the loop run for a while; the processor time it took. */
static double run(struct world *w, usec_t duration)
{
    clock_t before = clock();
    w->stop = false;
    w->timer = (struct rt_timer){.fn = on_time, .arg = w};
    rt_timer_set(w->rt, &w->timer, rt_now_of(w->rt) + duration);
    real_run(w->rt, &w->stop);
    return (double)(clock() - before) / CLOCKS_PER_SEC;
}

static int setup(void **state)
{
    static struct world w;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    w = (struct world){.rt = real_new()};
    w.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w.fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(w.fd, CLIENTS), 0);
    assert_int_equal(getsockname(w.fd, (struct sockaddr *)&at, &n), 0);
    assert_int_equal(real_listen(w.rt, w.fd, on_accept, &w, &w.listener), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        w.clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(w.clients[i], (struct sockaddr *)&at, sizeof at), 0);
    }
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < w->accepted_count; i++) {
        stream_close(w->accepted[i]);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        close(w->clients[i]);
    }
    real_listener_free(w->listener);
    close(w->fd);
    real_free(w->rt);
    return 0;
}

/* Allows so many descriptors more than there are; returns the limit before. */
static rlim_t allow_more(unsigned n)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    int next = dup(0);
    assert_true(next > 0);
    close(next);
    limit.rlim_cur = (rlim_t)next + n;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

static void restore(rlim_t before)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = before;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void without_descriptors_clients_are_told(void **state)
{
    struct world *w = *state;
    char said[64];
    real_listener_when_full(w->listener, on_full);
    rlim_t before = allow_more(KEPT);
    double took = run(w, 200 * USEC_MSEC);
    restore(before);
    assert_int_equal(w->accepted_count, KEPT);
    assert_int_equal(w->turned_away, CLIENTS - KEPT);
    for (unsigned i = KEPT; i < CLIENTS; i++) {
        assert_int_equal(recv(w->clients[i], said, sizeof said, 0), sizeof gone - 1);
        assert_memory_equal(said, gone, sizeof gone - 1);
        assert_int_equal(recv(w->clients[i], said, sizeof said, 0), 0);
    }
    assert_true(took < 0.1);
}

static void emptied_before_it_is_closed(void **state)
{
    struct world *w = *state;
    real_listener_empty(w->listener);
    assert_int_equal(w->accepted_count, CLIENTS);
    real_listener_empty(w->listener);
    assert_int_equal(w->accepted_count, CLIENTS);
}

static void without_words_for_them_they_wait(void **state)
{
    struct world *w = *state;
    rlim_t before = allow_more(KEPT);
    double took = run(w, 300 * USEC_MSEC);
    assert_int_equal(w->accepted_count, KEPT);
    assert_true(took < 0.1); /* it does not spin */
    restore(before);
    run(w, 300 * USEC_MSEC);
    assert_int_equal(w->accepted_count, CLIENTS);
}

static void held(void **state)
{
    struct world *w = *state;
    real_listener_hold(w->listener, true);
    real_listener_hold(w->listener, true);
    assert_true(run(w, 50 * USEC_MSEC) < 0.04);
    assert_int_equal(w->accepted_count, 0);
    real_listener_hold(w->listener, false);
    run(w, 50 * USEC_MSEC);
    assert_int_equal(w->accepted_count, CLIENTS);
}

static void held_while_it_pauses(void **state)
{
    struct world *w = *state;
    rlim_t before = allow_more(0);
    run(w, 50 * USEC_MSEC);
    real_listener_hold(w->listener, true);
    restore(before);
    run(w, 200 * USEC_MSEC);
    assert_int_equal(w->accepted_count, 0);
    real_listener_hold(w->listener, false);
    run(w, 50 * USEC_MSEC);
    assert_int_equal(w->accepted_count, CLIENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_descriptors_clients_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(without_words_for_them_they_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(emptied_before_it_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(held, setup, teardown),
        cmocka_unit_test_setup_teardown(held_while_it_pauses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
