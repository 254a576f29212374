/* What an inspector cannot do, whoever has taken it over. Each attempt is made by a child of its
 * own that enters exactly an inspector's confinement, and each is possible without it. */
#include "process_world.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "base/sanitizer.h"
#include "proc/inspector.h"
#include "proc/sandbox.h"

/* How a child ended. */
enum outcome { DONE = 0, REFUSED = 1, NOT_CONFINED = 2 };

typedef int attempt_fn(void); /* 0: it was possible */

static int door[2]; /* whose other end an inspector has */
static int message; /* a file that it is given */

/* ---- attempts ---- */

static int open_file(const char *path, int flags)
{
    int fd = open(path, flags, 0600);
    return fd < 0 ? -errno : close(fd);
}
static int read_passwd(void)
{
    return open_file("/etc/passwd", O_RDONLY);
}
static int read_passwd_at(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY) < 0;
}
static int list_root(void)
{
    return open_file("/", O_RDONLY | O_DIRECTORY);
}
static int write_tmp(void)
{
    return open_file("/tmp/.gatepost-inspector", O_WRONLY | O_CREAT) == 0
               ? unlink("/tmp/.gatepost-inspector")
               : -1;
}
static int make_socket(int domain, int type)
{
    int fd = socket(domain, type, 0);
    return fd < 0 ? -errno : close(fd);
}
static int tcp(void)
{
    return make_socket(AF_INET, SOCK_STREAM);
}
static int udp(void)
{
    return make_socket(AF_INET6, SOCK_DGRAM);
}
static int unix_socket(void)
{
    return make_socket(AF_UNIX, SOCK_STREAM);
}
static int connect_door(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNSPEC};
    return syscall(SYS_connect, door[1], &a, sizeof(a.sun_family)) < 0 && errno != EINVAL;
}
static int execute(void)
{
    char *const argv[] = {(char *)(uintptr_t) "true", NULL};
    return execv("/bin/true", argv);
}
static int fork_process(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    return pid < 0;
}
static int signal_parent(void)
{
    return kill(getppid(), 0) < 0;
}
static int map_executable(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED;
}
static int raise_time(void)
{
    struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_CPU, &l) < 0;
}
static int many_descriptors(void)
{
    for (int i = 0; i < 100; i++) {
        if (fcntl(door[1], F_DUPFD, 0) < 0) {
            return -1;
        }
    }
    return 0;
}
static int map_message_shared(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, message, 0) == MAP_FAILED;
}
#ifndef WITH_ASAN
static int write_message(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    return pwrite(message, "x", 1, 0) == 1 ? 0 : -1;
}
static int much_memory(void)
{
    return mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED;
}
#endif

/* ---- what it needs ---- */

static int work(void)
{
    char *p = malloc((size_t)8 << 20);
    struct timespec now;
    if (p == NULL || clock_gettime(CLOCK_MONOTONIC, &now) < 0) {
        return -1;
    }
    memset(p, 1, (size_t)8 << 20);
    free(p);
    return send(door[1], "x", 1, 0) == 1 ? 0 : -1;
}

static enum outcome outcome_of(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGSYS);
        return REFUSED;
    }
    return (enum outcome)WEXITSTATUS(status);
}

static enum outcome try_it(attempt_fn *attempt, bool confined)
{
    static struct inspector_heart heart;
    const struct inspector_setup setup = {
        .door = door[1], .time = USEC_SEC, .memory = (uint64_t)256 << 20, .heart = &heart};
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (confined && inspector_confine(&setup) < 0) {
            _exit(NOT_CONFINED);
        }
        _exit(attempt() == 0 ? DONE : REFUSED);
    }
    enum outcome outcome = outcome_of(pid);
    assert_int_not_equal(outcome, NOT_CONFINED);
    return outcome;
}

static void refused(void **state)
{
    static const struct {
        const char *what;
        attempt_fn *attempt;
    } rows[] = {
        {"read a file", read_passwd},
        {"read a file by the system call", read_passwd_at},
        {"list a folder", list_root},
        {"write a file", write_tmp},
        {"make a TCP socket", tcp},
        {"make a UDP socket", udp},
        {"make a Unix socket", unix_socket},
        {"connect its door to somebody else", connect_door},
        {"execute a program", execute},
        {"fork", fork_process},
        {"send a signal", signal_parent},
        {"map executable memory", map_executable},
        {"map a message's file so that it can be changed", map_message_shared},
        {"raise its limit of time", raise_time},
        {"have many descriptors", many_descriptors},
#ifndef WITH_ASAN
        {"have much memory", much_memory},
        {"write to a message's file", write_message},
#endif
    };
    const struct sandbox_level level = sandbox_offered();
    (void)state;
    if (!level.seccomp) {
        print_message("skipped: this kernel bounds no system calls\n");
        return;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (try_it(rows[i].attempt, true) != REFUSED) {
            fail_msg("a confined inspector can %s", rows[i].what);
        }
        if (try_it(rows[i].attempt, false) != DONE) {
            fail_msg("nobody can %s", rows[i].what);
        }
    }
}

static void works(void **state)
{
    (void)state;
    assert_int_equal(try_it(work, true), DONE);
}

static int setup(void **state)
{
    (void)state;
    message = memfd_create("message", MFD_CLOEXEC);
    return message < 0 || ftruncate(message, 4096) < 0
               ? -1
               : socketpair(AF_UNIX, SOCK_SEQPACKET, 0, door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),
        cmocka_unit_test(works),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
