/* The places that decision lines go to: none of which may ever block, cut a line in two, or lose
 * one without counting it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "journal/decision.h"
#include "journal/sink.h"

static const struct decision small = {
    .id = SLICE_LIT("0123456789ABCD.2"), .phase = "commit", .verdict = "accepted"};

/* Everything that can be read from `fd` now. */
static void drain(int fd, struct buf *b)
{
    ssize_t n;

    do {
        n = read(fd, buf_reserve(b, 65536), 65536);
        b->n += n > 0 ? (size_t)n : 0;
    } while (n > 0);
}

/* Takes lines "NAME NUMBER x…\n" apart: each is whole. Returns how many, their numbers rising. */
static unsigned check_lines(const struct buf *b, char name)
{
    unsigned count = 0;
    long last = -1;

    for (const char *p = b->p, *end = b->p + b->n; p < end;) {
        const char *feed = memchr(p, '\n', (size_t)(end - p));
        assert_non_null(feed);
        assert_int_equal(feed[-1], '.');
        assert_null(memchr(p, '.', (size_t)(feed - 1 - p)));
        if (*p == name) {
            long number = strtol(p + 1, NULL, 10);
            assert_true(number > last);
            last = number;
            count++;
        }
        p = feed + 1;
    }
    return count;
}

/* A line of `n` octets. */
static bool add_line(struct sink *s, char name, unsigned number, size_t n)
{
    char *line = malloc(n + 1);

    assert_non_null(line);
    int head = snprintf(line, n, "%c%u ", name, number);
    memset(line + head, 'x', n - (size_t)head);
    line[n - 2] = '.';
    line[n - 1] = '\n';
    bool kept = sink_add(s, (struct slice){line, n});
    free(line);
    return kept;
}

static void make_pipe(int ret[2])
{
    assert_int_equal(pipe(ret), 0);
    assert_int_equal(fcntl(ret[0], F_SETFL, O_NONBLOCK), 0);
}

static void full_pipe(void **state)
{
    (void)state;
    struct sink *s = NULL;
    struct buf got = {0};
    unsigned kept = 0, tried = 0;
    int fds[2];

    make_pipe(fds);
    assert_int_equal(sink_open_fd(fds[1], &s), 0);
    /* Nobody reads; a call that blocked would hang this test. */
    while (sink_lost(s) < 100) {
        kept += add_line(s, 'a', tried++, 500);
        sink_flush(s);
    }
    assert_int_equal(tried, kept + 100);
    assert_in_range(sink_waiting(s), SINK_WAITING_MAX, SINK_WAITING_MAX + 500);
    /* The flags of the description that others share have not changed. */
    assert_false(fcntl(fds[1], F_GETFL) & O_NONBLOCK);

    while (sink_waiting(s) > 0) {
        drain(fds[0], &got);
        sink_flush(s);
    }
    assert_true(add_line(s, 'a', tried, 500));
    sink_flush(s);
    drain(fds[0], &got);
    assert_int_equal(check_lines(&got, 'a'), kept + 1);
    assert_int_equal(got.n, (kept + 1) * 500);
    assert_int_equal(sink_lost(s), 100);
    assert_null(sink_free(s));
    close(fds[0]);
    close(fds[1]);
    buf_free(&got);
}

/* Two processes and lines from short to longer than the whole pipe. */
static void pipe_of_many(void **state)
{
    (void)state;
    const size_t sizes[] = {100, 3000, PIPE_BUF, PIPE_BUF + 1, 50000, 200, 300000, 4000};
    const unsigned count = 400;
    struct buf got = {0};
    pid_t children[2];
    int fds[2], status;

    make_pipe(fds);
    for (unsigned c = 0; c < 2; c++) {
        children[c] = fork();
        assert_true(children[c] >= 0);
        if (children[c] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            struct sink *s = NULL;
            close(fds[0]);
            if (sink_open_fd(fds[1], &s) != 0) {
                _exit(1);
            }
            for (unsigned i = 0; i < count; i++) {
                while (sink_waiting(s) > 100000) {
                    sink_flush(s);
                    usleep(100);
                }
                add_line(s, (char)('a' + c), i, sizes[(i * 5 + c) % 8]);
                sink_flush(s);
            }
            while (sink_waiting(s) > 0) {
                sink_flush(s);
                usleep(100);
            }
            _exit(sink_lost(s) == 0 ? 0 : 2);
        }
    }
    close(fds[1]);
    assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
    drain(fds[0], &got);
    for (unsigned c = 0; c < 2; c++) {
        assert_int_equal(waitpid(children[c], &status, 0), children[c]);
        assert_int_equal(status, 0);
        assert_int_equal(check_lines(&got, (char)('a' + c)), count);
    }
    close(fds[0]);
    buf_free(&got);
}

/* A worker that dies in the middle of a long line keeps nobody from writing. */
static void death_in_a_line(void **state)
{
    (void)state;
    struct buf got = {0};
    struct sink *s = NULL;
    int fds[2], status;

    make_pipe(fds);
    assert_int_equal(sink_open_fd(fds[1], &s), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct sink *own = NULL;
        if (sink_open_fd(fds[1], &own) == 0) {
            add_line(own, 'c', 0, 300000);
            sink_flush(own);
        }
        raise(SIGSTOP);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    drain(fds[0], &got);
    assert_true(got.n > PIPE_BUF && got.n < 300000);
    add_line(s, 'a', 1, 100);
    sink_flush(s);
    assert_int_equal(sink_waiting(s), 100);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    sink_flush(s);
    assert_int_equal(sink_waiting(s), 0);
    assert_null(sink_free(s));
    close(fds[0]);
    close(fds[1]);
    buf_free(&got);
}

static void stream_socket(void **state)
{
    (void)state;
    struct sink *s = NULL;
    struct buf got = {0};
    unsigned kept = 0, tried = 0;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(sink_open_fd(fds[1], &s), 0);
    while (sink_lost(s) == 0) {
        kept += add_line(s, 'a', tried, 100 + (tried % 7) * 5000);
        tried++;
    }
    assert_false(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    while (sink_waiting(s) > 0) {
        sink_flush(s);
        drain(fds[0], &got);
    }
    assert_int_equal(check_lines(&got, 'a'), kept);
    /* The reader's end is no reason to die. */
    close(fds[0]);
    add_line(s, 'a', tried, 100);
    sink_flush(s);
    assert_int_equal(sink_waiting(s), 100);
    assert_null(sink_free(s));
    close(fds[1]);
    buf_free(&got);
}

static void temporary(char *path, size_t n)
{
    (void)snprintf(path, n, "%s/gatepost-decision-XXXXXX", P_tmpdir);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(unlink(path), 0);
}

static void file_of_two_workers(void **state)
{
    (void)state;
    char path[128];
    struct stat st;
    struct decision_sink *d[2];
    struct decision x = small;
    struct conf conf = {.decisions = CONF_DECISIONS_FILE, .decisions_file = path};
    _Atomic uint64_t shared = 40; /* what the slot's worker before has come to */

    temporary(path, sizeof(path));
    mode_t mask = umask(0);
    assert_int_equal(
        decision_sink_open(&conf, &(struct decision_origin){.slot = 1, .epoch = 7}, &d[0]), 0);
    umask(mask);
    assert_int_equal(
        decision_sink_open(
            &conf, &(struct decision_origin){.slot = 2, .epoch = 1, .run = 77, .sequence = &shared},
            &d[1]),
        0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    for (unsigned i = 0; i < 3; i++) {
        decision_write(d[0], &x);
        decision_write(d[1], &x);
        assert_true(decision_waiting(d[0]));
        decision_flush(d[0]);
        assert_false(decision_waiting(d[0]));
        decision_flush(d[1]);
    }
    decision_write(d[1], &x);
    assert_null(decision_sink_free(d[1])); /* flushes */
    assert_null(decision_sink_free(d[0]));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (unsigned i = 0; i < 7; i++) {
        char line[2048];
        bool first = i % 2 == 0 && i < 6;
        assert_non_null(fgets(line, sizeof(line), f));
        json_t *object = json_loads(line, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(object, "worker")), first ? 1 : 2);
        assert_int_equal(json_integer_value(json_object_get(object, "epoch")), first ? 7 : 1);
        assert_int_equal(json_integer_value(json_object_get(object, "run")), first ? 0 : 77);
        assert_int_equal(json_integer_value(json_object_get(object, "sequence")),
                         i / 2 + (first ? 0 : 40));
        assert_null(json_object_get(object, "lost"));
        json_decref(object);
    }
    assert_int_equal(fgetc(f), EOF);
    assert_int_equal(atomic_load(&shared), 44);
    fclose(f);
    unlink(path);
    conf.decisions_file = (char *)(uintptr_t) "/nonexistent/decisions";
    struct decision_sink *untouched = NULL;
    assert_int_equal(decision_sink_open(&conf, &(struct decision_origin){0}, &untouched), -ENOENT);
    assert_null(untouched);
}

/* Lost lines show in the number of the next: as a gap, and as a count. */
static void lost_is_told(void **state)
{
    (void)state;
    struct decision x = small;
    struct buf got = {0};
    char path[128];
    struct conf conf = {.decisions = CONF_DECISIONS_FILE, .decisions_file = path};
    struct decision_sink *d = NULL;

    temporary(path, sizeof(path));
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(
        decision_sink_open(&conf, &(struct decision_origin){.slot = 1, .epoch = 1}, &d), 0);
    unsigned written = 0;
    while (decision_lost(d) < 5) {
        decision_write(d, &x);
        written++;
    }
    while (decision_waiting(d)) {
        drain(reader, &got);
        decision_flush(d);
    }
    drain(reader, &got);
    got.n = 0;
    decision_write(d, &x);
    assert_null(decision_sink_free(d));
    drain(reader, &got);
    json_t *object = json_loadb(got.p, got.n, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(object, "sequence")), written);
    assert_int_equal(json_integer_value(json_object_get(object, "lost")), 5);
    json_decref(object);
    close(reader);
    unlink(path);
    buf_free(&got);
}

static void journald(void **state)
{
    (void)state;
    char path[128];
    char got[2048];
    struct sink *s = NULL;
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    temporary(path, sizeof(path));
    assert_int_equal(sink_open_journald(path, &s), -ENOENT);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    memcpy(at.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(sink_open_journald(path, &s), 0);
    assert_true(sink_add(s, SLICE_LIT("{\"id\":\"0123456789ABCD.2\",\"x\":1}\n")));
    assert_true(sink_add(s, SLICE_LIT("{}\n")));
    sink_flush(s);
    assert_int_equal(sink_waiting(s), 0);
    ssize_t n = read(fd, got, sizeof(got));
    const char expected[] = "PRIORITY=6\nSYSLOG_IDENTIFIER=gatepost\n"
                            "MESSAGE={\"id\":\"0123456789ABCD.2\",\"x\":1}\n"
                            "GATEPOST_DECISION=0123456789ABCD.2\n";
    assert_int_equal(n, sizeof(expected) - 1);
    assert_memory_equal(got, expected, sizeof(expected) - 1);
    n = read(fd, got, sizeof(got));
    assert_in_range(n, 1, sizeof(expected));
    assert_int_equal(read(fd, got, sizeof(got)), -1);
    /* A journald that reads nothing, or went away and came back, blocks nobody. */
    unsigned kept = 0;
    while (sink_lost(s) == 0) {
        kept += add_line(s, 'a', kept, 5000);
        sink_flush(s);
    }
    assert_true(sink_waiting(s) > 0);
    close(fd);
    unlink(path);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    size_t before = sink_waiting(s);
    sink_flush(s);
    assert_true(sink_waiting(s) < before);
    assert_true(read(fd, got, sizeof(got)) > 0);
    assert_null(sink_free(s));
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_pipe),
        cmocka_unit_test(pipe_of_many),
        cmocka_unit_test(death_in_a_line),
        cmocka_unit_test(stream_socket),
        cmocka_unit_test(file_of_two_workers),
        cmocka_unit_test(lost_is_told),
        cmocka_unit_test(journald),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
