/* What a confined worker can still do, and what it cannot. Each attempt is made by a child of its
 * own that enters exactly a worker's confinement (worker_confine), built from a configuration. An
 * attempt fails by an error or by the kernel's killing its process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "proc/worker.h"

/* The exit statuses of a child. */
enum outcome { DONE = 0, REFUSED = 1, NOT_CONFINED = 2 };

struct world {
    char folder[64];
    char outside[64];
    int hop;   /* listening on a port that is in the configuration */
    int other; /* and on one that is not */
    uint16_t hop_port;
    uint16_t other_port;
    char abstract[64]; /* name of an abstract socket that somebody listens on */
    int abstract_fd;
    struct conf *conf;
    struct policy *policy;
    struct sandbox_level level;
};

static struct world w;

static const char *inside(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", w.folder, name);
    return path;
}

static int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 64) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

static struct sockaddr_un abstract_name(socklen_t *ret_n)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(w.abstract);

    memcpy(a.sun_path + 1, w.abstract, n);
    *ret_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
    return a;
}

static void make_configuration(void)
{
    struct buf text = {0};
    struct conf_error error = {0};
    struct findings findings;

    buf_printf(&text,
               "hostname mx.test\nlisten 127.0.0.1:2525\n"
               "route hop.test to smtp://127.0.0.1:%u\n"
               "route unix.test to lmtp:%s/lmtp\n"
               "route box.test to maildir:%s/mail/%%{rcpt.local_part}\n"
               "state lmdb:%s/state\nspool %s/spool\n"
               "table t file %s/tables/t\npolicy { at connect { trust when client.ip in t } }\n",
               w.hop_port, w.folder, w.folder, w.folder, w.folder, w.folder);
    assert_int_equal(conf_parse(buf_slice(&text), "test.conf", &w.conf, &error), 0);
    findings_init(&findings);
    assert_int_equal(policy_compile(w.conf, &findings, &w.policy), 0);
    findings_free(&findings);
    buf_free(&text);
}

static void write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "192.0.2.1\n", 10), 10);
    (void)close(fd);
}

static int make_world(void **state)
{
    static const char *const folders[] = {"state", "spool", "mail", "mail/box", "tables"};
    socklen_t n;

    (void)state;
    (void)strcpy(w.folder, "/tmp/gatepost-confine-XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    (void)strcpy(w.outside, "/tmp/gatepost-outside-XXXXXX");
    assert_non_null(mkdtemp(w.outside));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        assert_int_equal(mkdir(inside(folders[i]), 0755), 0);
    }
    write_file(inside("tables/t"));
    write_file(inside("outside"));
    w.hop = listen_somewhere(&w.hop_port);
    w.other = listen_somewhere(&w.other_port);
    (void)snprintf(w.abstract, sizeof(w.abstract), "gatepost-confine-%d", (int)getpid());
    struct sockaddr_un a = abstract_name(&n);
    w.abstract_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w.abstract_fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(w.abstract_fd, 8), 0);
    make_configuration();
    w.level = sandbox_offered();
    return 0;
}

static int free_world(void **state)
{
    char command[256];

    (void)state;
    (void)policy_free(w.policy);
    (void)conf_free(w.conf);
    (void)close(w.hop);
    (void)close(w.other);
    (void)close(w.abstract_fd);
    (void)snprintf(command, sizeof(command), "rm -rf %s %s", w.folder, w.outside);
    return system(command);
}

/* ---- attempts: 0 when it was possible ---- */

typedef int attempt_fn(void);

static int open_file(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC, 0600) < 0;
}

static int read_passwd(void)
{
    return open_file("/etc/passwd", O_RDONLY);
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

static int make_socket(int domain, int type, int protocol)
{
    return socket(domain, type | SOCK_CLOEXEC, protocol) < 0;
}
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

static int connect_to(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0;
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

/* ---- what must go on working ---- */

static int store_file(void)
{
    return open_file(inside("state/data.mdb"), O_RDWR | O_CREAT);
}
static int unlinked_spool(void)
{
    int fd = open(inside("spool"), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

    return fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) < 0;
}
static int deliver(void)
{
    char from[128], to[128];

    (void)snprintf(from, sizeof(from), "%s/mail/box/tmp/1", w.folder);
    (void)snprintf(to, sizeof(to), "%s/mail/box/new/1", w.folder);
    (void)mkdir(inside("mail/box/tmp"), 0700);
    (void)mkdir(inside("mail/box/new"), 0700);
    return open_file(from, O_WRONLY | O_CREAT | O_EXCL) != 0 || rename(from, to) < 0 ||
           unlink(to) < 0;
}
static int read_table(void)
{
    return open_file(inside("tables/t"), O_RDONLY);
}
static int connect_hop(void)
{
    return connect_to(w.hop_port);
}
static int datagram(void)
{
    return make_socket(AF_INET6, SOCK_DGRAM, 0);
}
static int unix_socket(void)
{
    return make_socket(AF_UNIX, SOCK_STREAM, 0);
}

static void *thread_main(void *arg)
{
    (void)pthread_setname_np(pthread_self(), "gatepost-files");
    return arg;
}
static int thread(void)
{
    pthread_t t;

    return pthread_create(&t, NULL, thread_main, NULL) != 0 || pthread_join(t, NULL) != 0;
}
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

/* ---- trying ---- */

static int try_confined(attempt_fn *attempt)
{
    struct sandbox_level level;
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (worker_confine(w.conf, w.policy, &level) < 0) {
            _exit(NOT_CONFINED);
        }
        _exit(attempt() == 0 ? DONE : REFUSED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == NOT_CONFINED);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGSYS);
        return REFUSED;
    }
    return WEXITSTATUS(status);
}

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

static void possible(void **state)
{
    static const struct {
        const char *what;
        attempt_fn *attempt;
    } rows[] = {
        {"open the store", store_file},      {"use the spool", unlinked_spool},
        {"deliver to a Maildir", deliver},   {"read a table", read_table},
        {"connect to a hop", connect_hop},   {"make a datagram socket", datagram},
        {"make a Unix socket", unix_socket}, {"start a thread", thread},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (try_confined(rows[i].attempt) != DONE) {
            fail_msg("a confined worker cannot %s", rows[i].what);
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
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            _exit(attempts[i]() == 0 ? DONE : REFUSED);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != DONE) {
            fail_msg("attempt %zu fails without confinement", i);
        }
    }
}

/* None in any set; of the bounding set only root can take. */
static bool has_capability(bool bounding)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "re");
    bool found = f == NULL;

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        /* "CapBnd:\t000001ffffffffff" */
        if (strncmp(line, "Cap", 3) == 0 && strtoull(line + 7, NULL, 16) != 0) {
            found = found || bounding || strncmp(line, "CapBnd", 6) != 0;
        }
    }
    return found;
}

static void no_capabilities(void **state)
{
    const struct sandbox_calls look[] = {
        {"to look", (const int[]){SCMP_SYS(openat), SCMP_SYS(read), SCMP_SYS(newfstatat),
                                  SCMP_SYS(close), SCMP_SYS(exit_group), SCMP_SYS(brk),
                                  SCMP_SYS(mmap), SCMP_SYS(munmap), SANDBOX_END}},
        {0}};
    const struct sandbox_path proc = {"/proc", SANDBOX_READ};
    const struct sandbox s = {.calls = look, .paths = &proc, .path_count = 1};
    struct sandbox_level level;
    const char *missing;
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        bool root = geteuid() == 0;
        if (sandbox_enter(&s, &level, &missing) < 0) {
            _exit(NOT_CONFINED);
        }
        _exit(has_capability(root) ? REFUSED : DONE);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), DONE);
}

/* A folder that is not there is told of, and keeps nothing else from working. */
static void missing_folder(void **state)
{
    const struct sandbox_calls none[] = {
        {"to end", (const int[]){SCMP_SYS(exit_group), SCMP_SYS(write), SANDBOX_END}}, {0}};
    const struct sandbox_path paths[] = {{"/nonexistent/mail", SANDBOX_WRITE},
                                         {w.folder, SANDBOX_READ}};
    const struct sandbox s = {.calls = none, .paths = paths, .path_count = 2};
    struct sandbox_level level;
    const char *missing = NULL;
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        int r = sandbox_enter(&s, &level, &missing);
        _exit(r < 0 ? NOT_CONFINED
              : level.landlock == 0 || (missing != NULL && strcmp(missing, paths[0].path) == 0)
                  ? DONE
                  : REFUSED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), DONE);
}

static void *sleeps(void *arg)
{
    (void)arg;
    for (;;) {
        (void)pause();
    }
    return NULL;
}

/* Landlock would bind one thread alone. */
static void not_with_threads(void **state)
{
    struct sandbox_level level;
    pthread_t t;
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        _exit(pthread_create(&t, NULL, sleeps, NULL) == 0 &&
                      worker_confine(w.conf, w.policy, &level) == -EBUSY
                  ? DONE
                  : REFUSED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),        cmocka_unit_test(refused_by_confinement_alone),
        cmocka_unit_test(possible),       cmocka_unit_test(no_capabilities),
        cmocka_unit_test(missing_folder), cmocka_unit_test(not_with_threads),
    };

    return cmocka_run_group_tests(tests, make_world, free_world);
}
