/* The worker's way to inspectors, in the real world, with processes at the other end of the door
 * that answer, die, are silent, or say what no inspector says. */
#include "process_world.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/octets.h"
#include "client/inspector.h"
#include "rt/real.h"

static struct rt *rt;
static struct inspector *inspector;
static int door;    /* the inspectors' end */
static int message; /* a file of memory */

static const char octets[] = "Subject: hello\r\n\r\nhello\r\n";

/* ---- what stands at the other end ---- */

static void say(int fd, const void *p, size_t n)
{
    MUST(write(fd, p, n) == (ssize_t)n);
}

static void begin(const struct inspection_order *o)
{
    const char begins = INSPECTION_BEGINS;
    say(o->reply, &begins, 1);
}

/* An answer whose subject is the message's own octets, and with one group where there are patterns.
 */
static void answer(const struct inspection_order *o)
{
    static const int32_t found[] = {3};
    char text[sizeof(octets)];
    struct inspection in = {.groups = found, .group_count = o->rules >= 0};
    struct buf b = {0};
    uint8_t length[INSPECTION_LENGTH];
    ssize_t n = pread(o->message, text, sizeof(text), 0);
    MUST(n == (ssize_t)o->request.size);
    in.of[FINDING_OF_SUBJECT].text = (struct slice){text, (size_t)n};
    inspection_write(&in, &b);
    octets_put(length, sizeof(length), b.n);
    say(o->reply, length, sizeof(length));
    say(o->reply, b.p, b.n);
    buf_free(&b);
}

static void serve(void (*fn)(const struct inspection_order *o))
{
    struct inspection_order o;
    int r;
    while ((r = inspection_take(door, &o)) > 0) {
        fn(&o);
        close(o.reply);
        close(o.message);
        if (o.rules >= 0) {
            close(o.rules);
        }
    }
    MUST(r == 0);
}

static void good(const struct inspection_order *o)
{
    begin(o);
    answer(o);
}
static void dies(const struct inspection_order *o)
{
    begin(o);
    (void)raise(SIGKILL);
}
static void dies_before(const struct inspection_order *o)
{
    (void)o;
    (void)raise(SIGKILL);
}
static void half(const struct inspection_order *o)
{
    begin(o);
    say(o->reply, "\0\0\0\77abc", 7);
}
static void garbage(const struct inspection_order *o)
{
    begin(o);
    say(o->reply, "\0\0\0\7garbage", 11);
}
static void no_beginning(const struct inspection_order *o)
{
    say(o->reply, "250 ok\r\n", 8);
}
static void endless(const struct inspection_order *o)
{
    begin(o);
    say(o->reply, "\377\377\377\377", 4);
}
static void silent(const struct inspection_order *o)
{
    begin(o);
    MUST(poll(NULL, 0, 50000) == 0);
}
static void run_server(void *arg)
{
    inspector_free(inspector);
    serve((void (*)(const struct inspection_order *o))(uintptr_t)arg);
}

/* ---- asking ---- */

struct question {
    usec_t time;
    uint32_t work;
    int result;
    struct inspection found;
    struct arena arena;
    bool asked;
};

static void ask(void *arg)
{
    struct question *q = arg;
    const struct inspection_request r = {
        .size = sizeof(octets) - 1, .work = q->work, .limits = {.time = USEC_SEC}};
    q->result = inspector_ask(inspector, message, &r, rt_now() + q->time, &q->arena, &q->found);
    q->asked = true;
}

static void run_all(struct question *q, size_t count)
{
    volatile bool stop = true;
    for (size_t i = 0; i < count; i++) {
        arena_init(&q[i].arena);
        assert_int_equal(task_spawn(rt, rt_root_of(rt), ask, &q[i]), 0);
    }
    real_run(rt, &stop);
    for (size_t i = 0; i < count; i++) {
        assert_true(q[i].asked);
    }
}

static int setup(void **state)
{
    int ends[2];
    (void)state;
    rt = real_new();
    message = memfd_create("message", MFD_CLOEXEC);
    if (message < 0 || write(message, octets, sizeof(octets) - 1) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0) {
        return -1;
    }
    inspector = inspector_new(rt, ends[0], false);
    door = ends[1];
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    inspector = inspector_free(inspector);
    if (door >= 0) {
        close(door);
    }
    close(message);
    rt = real_free(rt);
    return 0;
}

/* Who asks when only `fn` answers. */
static int asked_of(void (*fn)(const struct inspection_order *o), usec_t time)
{
    struct question q = {.time = time};
    pid_t pid = start_process(run_server, (void *)(uintptr_t)fn);
    close(door);
    door = -1;
    run_all(&q, 1);
    arena_free(&q.arena);
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return q.result;
}

static void answers(void **state)
{
    enum { MANY = 3 * INSPECTIONS_AT_ONCE };
    struct question *q = calloc(MANY, sizeof(*q));
    struct buf rules = {0};
    const struct pattern_line line = {SLICE_LIT("hello"), false};
    const struct pattern_group group = {PATTERN_IN_BODY, &line, 1};
    (void)state;
    pattern_groups_write(&group, 1, &rules);
    assert_int_equal(inspector_set_rules(inspector, buf_slice(&rules), 1), 0);
    buf_free(&rules);
    pid_t pids[2];
    pids[0] = start_process(run_server, (void *)(uintptr_t)good);
    pids[1] = start_process(run_server, (void *)(uintptr_t)good);
    for (size_t i = 0; i < MANY; i++) {
        q[i].time = 60 * USEC_SEC;
        q[i].work = i % 2 == 0 ? INSPECT_HEADER : INSPECT_HEADER | INSPECT_PATTERNS;
    }
    run_all(q, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(q[i].result, 0);
        assert_true(slice_eq(q[i].found.of[FINDING_OF_SUBJECT].text,
                             (struct slice){octets, sizeof(octets) - 1}));
        assert_int_equal(q[i].found.group_count, i % 2);
        assert_true(i % 2 == 0 || q[i].found.groups[0] == 3);
        arena_free(&q[i].arena);
    }
    free(q);
    close(door);
    door = -1;
    inspector = inspector_free(inspector);
    assert_ends_well(pids[0]); /* the door is closed: nobody can ask any more */
    assert_ends_well(pids[1]);
}

static void dies_of_it(void **state)
{
    (void)state;
    assert_int_equal(asked_of(dies, 60 * USEC_SEC), -EIO);
}
static void dies_before_it_begins(void **state)
{
    (void)state;
    assert_int_equal(asked_of(dies_before, 60 * USEC_SEC), -EPIPE);
}
static void no_answers(void **state)
{
    (void)state;
    assert_int_equal(asked_of(half, 60 * USEC_SEC), -EIO);
}
static void answers_garbage(void **state)
{
    (void)state;
    assert_int_equal(asked_of(garbage, 60 * USEC_SEC), -EIO);
}
static void does_not_begin(void **state)
{
    (void)state;
    assert_int_equal(asked_of(no_beginning, 60 * USEC_SEC), -EIO);
}
static void answers_too_much(void **state)
{
    (void)state;
    assert_int_equal(asked_of(endless, 60 * USEC_SEC), -EIO);
}
static void does_not_answer(void **state)
{
    (void)state;
    assert_int_equal(asked_of(silent, 100 * USEC_MSEC), -ETIMEDOUT);
}

static void nobody_there(void **state)
{
    struct question q = {.time = 60 * USEC_SEC};
    (void)state;
    close(door);
    door = -1;
    run_all(&q, 1);
    assert_int_equal(q.result, -EPIPE);
    arena_free(&q.arena);
}

/* What waits in the door's queue when its time is over is not worked on by whoever comes. */
static void late_inspector(void **state)
{
    struct question q = {.time = 20 * USEC_MSEC};
    (void)state;
    run_all(&q, 1);
    assert_int_equal(q.result, -ETIMEDOUT);
    arena_free(&q.arena);
    pid_t pid = start_process(run_server, (void *)(uintptr_t)dies);
    inspector = inspector_free(inspector);
    close(door);
    door = -1;
    assert_ends_well(pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers, setup, teardown),
        cmocka_unit_test_setup_teardown(dies_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(dies_before_it_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(no_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(does_not_begin, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_too_much, setup, teardown),
        cmocka_unit_test_setup_teardown(does_not_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_there, setup, teardown),
        cmocka_unit_test_setup_teardown(late_inspector, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
