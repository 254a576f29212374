/* What a confined worker cannot do. Each attempt is made by a child of its own that enters exactly
 * a worker's confinement (worker_confine), built from a configuration. An attempt fails by an error
 * or by the kernel's killing its process. */
#include "confined_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

/* ---- files ---- */

/* A thread is confined as the one that started it. */
static void *thread_reads(void *arg)
{
    *(int *)arg = read_passwd();
    return NULL;
}
static int thread_reads_passwd(void)
{
    pthread_t t;
    int refused = 0;

    return pthread_create(&t, NULL, thread_reads, &refused) != 0 || pthread_join(t, NULL) != 0 ||
           refused;
}

static int read_own_configuration(void)
{
    return open_file(inside("outside"), O_RDONLY);
}
static int write_tmp(void)
{
    return open_file("/tmp/gatepost-confine-out", O_WRONLY | O_CREAT);
}
static int write_table(void)
{
    return open_file(inside("tables/t"), O_WRONLY);
}
static int make_table(void)
{
    return open_file(inside("tables/new"), O_WRONLY | O_CREAT);
}
static int read_proc(void)
{
    return open_file("/proc/1/environ", O_RDONLY);
}
static int list_root(void)
{
    return open_file("/", O_RDONLY | O_DIRECTORY);
}
static int climb_out(void)
{
    return open_file(inside("spool/../outside"), O_RDONLY);
}
static int move_out(void)
{
    char to[128];

    (void)snprintf(to, sizeof(to), "%s/moved", w.outside);
    return open_file(inside("spool/moved"), O_WRONLY | O_CREAT) != 0 ||
           rename(inside("spool/moved"), to) < 0;
}
static int make_link(void)
{
    return symlink("/etc/passwd", inside("spool/link")) < 0;
}
static int make_device(void)
{
    return mknod(inside("spool/device"), S_IFIFO | 0600, 0) < 0;
}
static int change_mode(void)
{
    return chmod(inside("spool"), 04755) < 0;
}

/* ---- processes ---- */

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
static int fork_by_clone3(void)
{
    uint64_t arguments[8] = {0};

    arguments[4] = SIGCHLD;
    long pid = syscall(SYS_clone3, arguments, sizeof(arguments));
    if (pid == 0) {
        _exit(0);
    }
    return pid < 0;
}
static int trace_parent(void)
{
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0;
}
static int read_parent(void)
{
    char octet;
    struct iovec here = {&octet, 1}, there = {&w, 1};

    return syscall(SYS_process_vm_readv, getppid(), &here, 1, &there, 1, 0) < 0;
}
static int mount_something(void)
{
    return mount("none", inside("spool"), "tmpfs", 0, NULL) < 0;
}
static int unshare_user(void)
{
    return unshare(CLONE_NEWUSER) < 0;
}
static int signal_parent(void)
{
    return kill(getppid(), 0) < 0;
}
static int signal_thread_of_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0) < 0;
}
static int become_root(void)
{
    return syscall(SYS_setuid, 0) < 0;
}
static int limit_parent(void)
{
    struct rlimit limit = {1, 1};

    return prlimit(getppid(), RLIMIT_NOFILE, &limit, NULL) < 0;
}
static int raise_limit(void)
{
    struct rlimit limit = {8, 8};

    return setrlimit(RLIMIT_CORE, &limit) < 0;
}
static int drop_no_dump(void)
{
    return prctl(PR_SET_SECCOMP, 0, 0, 0, 0) < 0;
}
static int ask_keys(void)
{
    return syscall(SYS_keyctl, 0, 0, 0, 0, 0) < 0;
}
static int begin_io_uring(void)
{
    char parameters[256] = {0};

    return syscall(SYS_io_uring_setup, 1, parameters) < 0;
}
static int fake_input(void)
{
    char c = 'x';

    return ioctl(STDERR_FILENO, TIOCSTI, &c) < 0;
}

/* ---- sockets ---- */

static int netlink(void)
{
    return make_socket(AF_NETLINK, SOCK_RAW, 0);
}
static int packet(void)
{
    return make_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
}
static int raw(void)
{
    return make_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int connect_elsewhere(void)
{
    return connect_to(w.other_port);
}
static int bind_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0;
}
static int listen_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 || listen(fd, 1) < 0;
}
static int connect_abstract(void)
{
    socklen_t n;
    struct sockaddr_un a = abstract_name(&n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 || connect(fd, (struct sockaddr *)&a, n) < 0;
}

/* ---- memory ---- */

static int map_executable(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED;
}
static int make_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0;
}

/* ---- trying ---- */

/* What is bounded by which part of the kernel; without it the attempt says nothing. */
enum bound { BY_SECCOMP, BY_FILES, BY_PORTS, BY_SIGNALS };

static bool has(enum bound bound)
{
    switch (bound) {
    case BY_SECCOMP: return w.level.seccomp;
    case BY_FILES: return w.level.landlock >= SANDBOX_LANDLOCK_FILES;
    case BY_PORTS: return w.level.landlock >= SANDBOX_LANDLOCK_PORTS;
    case BY_SIGNALS: return w.level.landlock >= SANDBOX_LANDLOCK_SIGNALS;
    }
    return false;
}

static void refused(void **state)
{
    static const struct {
        const char *what;
        attempt_fn *attempt;
        enum bound bound;
    } rows[] = {
        {"read /etc/passwd", read_passwd, BY_FILES},
        {"the same in a thread", thread_reads_passwd, BY_FILES},
        {"read beside its folders", read_own_configuration, BY_FILES},
        {"write elsewhere", write_tmp, BY_FILES},
        {"write a table", write_table, BY_FILES},
        {"make a table", make_table, BY_FILES},
        {"read of another process", read_proc, BY_FILES},
        {"list /", list_root, BY_FILES},
        {"climb out by ..", climb_out, BY_FILES},
        {"move a file out", move_out, BY_FILES},
        {"make a symbolic link", make_link, BY_SECCOMP},
        {"make a FIFO", make_device, BY_SECCOMP},
        {"change a mode", change_mode, BY_SECCOMP},
        {"execute", execute, BY_SECCOMP},
        {"fork", fork_process, BY_SECCOMP},
        {"fork by clone3", fork_by_clone3, BY_SECCOMP},
        {"trace its parent", trace_parent, BY_SECCOMP},
        {"read its parent's memory", read_parent, BY_SECCOMP},
        {"mount", mount_something, BY_SECCOMP},
        {"make a namespace", unshare_user, BY_SECCOMP},
        {"signal its parent", signal_parent, BY_SECCOMP},
        {"signal its parent's thread", signal_thread_of_parent, BY_SECCOMP},
        {"set its user", become_root, BY_SECCOMP},
        {"set its parent's limits", limit_parent, BY_SECCOMP},
        {"set its own limits", raise_limit, BY_SECCOMP},
        {"leave seccomp", drop_no_dump, BY_SECCOMP},
        {"ask for keys", ask_keys, BY_SECCOMP},
        {"io_uring", begin_io_uring, BY_SECCOMP},
        {"type into a terminal", fake_input, BY_SECCOMP},
        {"netlink", netlink, BY_SECCOMP},
        {"packets", packet, BY_SECCOMP},
        {"raw IP", raw, BY_SECCOMP},
        {"listen", listen_port, BY_SECCOMP},
        {"connect to another port", connect_elsewhere, BY_PORTS},
        {"bind a port", bind_port, BY_PORTS},
        {"an abstract socket", connect_abstract, BY_SIGNALS},
        {"map executable memory", map_executable, BY_SECCOMP},
        {"make memory executable", make_executable, BY_SECCOMP},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (has(rows[i].bound) && try_confined(rows[i].attempt) != REFUSED) {
            fail_msg("a confined worker can %s", rows[i].what);
        }
    }
}

/* Everything that is refused is possible without confinement, so that it is that which refuses. */
static void refused_by_confinement_alone(void **state)
{
    static attempt_fn *const attempts[] = {read_passwd,      read_own_configuration,
                                           write_table,      list_root,
                                           climb_out,        execute,
                                           fork_process,     signal_parent,
                                           netlink,          connect_elsewhere,
                                           bind_port,        listen_port,
                                           connect_abstract, map_executable,
                                           make_executable,  change_mode,
                                           make_link,        raise_limit};

    (void)state;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            _exit(attempts[i]() == 0 ? DONE : REFUSED);
        }
        if (outcome_of(pid) != DONE) {
            fail_msg("attempt %zu fails without confinement", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),
        cmocka_unit_test(refused_by_confinement_alone),
    };

    return cmocka_run_group_tests(tests, make_world, free_world);
}
