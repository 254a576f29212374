/* See proc/sandbox.h. In this order: capabilities, Landlock, seccomp, which would not let through
 * what comes before it. Landlock holds for the thread that asks for it and those it starts, so
 * there may be no other yet. */
#include "proc/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sanitizer.h"

/* ---- capabilities, core dumps ---- */

/* The bounding set is emptied where it can be: without CAP_SETPCAP it cannot, but then nothing can
 * be had back either, because of PR_SET_NO_NEW_PRIVS. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};

    for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++) {
        (void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
        syscall(SYS_capset, &head, none) < 0) {
        return -errno;
    }
    return 0;
}

/* No other process of the same user may look into us, and nobody gets our memory when we crash. */
static int forbid_dumps(void)
{
#ifdef WITH_ASAN
    /* Its search for leaks needs to look into the process. */
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? -errno : 0;
#else
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
#endif
}

/* ---- Landlock ---- */

/* As in linux/landlock.h, which may be older than the kernel. */
#define FS_WRITE_FILE  (1ULL << 1)
#define FS_READ_FILE   (1ULL << 2)
#define FS_READ_DIR    (1ULL << 3)
#define FS_REMOVE_DIR  (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_DIR    (1ULL << 7)
#define FS_MAKE_REG    (1ULL << 8)
#define FS_REFER       (1ULL << 13) /* ABI 2: to rename and link from one folder into another */
#define FS_TRUNCATE    (1ULL << 14) /* ABI 3 */
#define FS_ALL_1       ((1ULL << 13) - 1)
#define FS_ALL_2       ((1ULL << 14) - 1)
#define FS_ALL_3       ((1ULL << 15) - 1)
#define FS_ALL_5       ((1ULL << 16) - 1) /* ioctl on devices */
#define NET_BIND_TCP   (1ULL << 0)
#define NET_CONNECT    (1ULL << 1)
#define SCOPE_ABSTRACT (1ULL << 0)
#define SCOPE_SIGNAL   (1ULL << 1)
#define RULE_PATH      1
#define RULE_PORT      2
#define ASK_VERSION    1U

struct ruleset_attr {
    uint64_t fs;     /* ABI 1 */
    uint64_t net;    /* 4 */
    uint64_t scoped; /* 6 */
};

struct path_attr {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

struct port_attr {
    uint64_t allowed;
    uint64_t port;
};

static int landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);

    return abi < SANDBOX_LANDLOCK_FILES ? 0 : (int)abi;
}

static uint64_t fs_known(int abi)
{
    return abi >= 5 ? FS_ALL_5 : abi >= 3 ? FS_ALL_3 : abi >= 2 ? FS_ALL_2 : FS_ALL_1;
}

static uint64_t rights_of(enum sandbox_access access)
{
    const uint64_t read = FS_READ_FILE | FS_READ_DIR;
    const uint64_t write =
        read | FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_REG | FS_REFER | FS_TRUNCATE;

    switch (access) {
    case SANDBOX_READ: return read;
    case SANDBOX_WRITE: return write;
    case SANDBOX_FOLDERS: break;
    }
    return write | FS_MAKE_DIR;
}

static int add_path(int ruleset, const struct sandbox_path *p, int abi)
{
    struct path_attr a = {.allowed = rights_of(p->access) & fs_known(abi)};
    int fd = open(p->path, O_PATH | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    a.parent = fd;
    int r = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &a, 0) < 0 ? -errno : 0;
    close(fd);
    return r;
}

static int add_paths(int ruleset, const struct sandbox *s, int abi, const char **ret_missing)
{
    for (size_t i = 0; i < s->path_count; i++) {
        int r = add_path(ruleset, &s->paths[i], abi);
        if (r == -ENOENT || r == -ENOTDIR || r == -EACCES) {
            *ret_missing = *ret_missing != NULL ? *ret_missing : s->paths[i].path;
        } else if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int add_ports(int ruleset, const struct sandbox *s)
{
    for (size_t i = 0; i < s->port_count; i++) {
        struct port_attr a = {.allowed = NET_CONNECT, .port = s->ports[i]};
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &a, 0) < 0) {
            return -errno;
        }
    }
    return 0;
}

static int enter_landlock(const struct sandbox *s, int abi, const char **ret_missing)
{
    struct ruleset_attr a = {
        .fs = fs_known(abi),
        .net = abi >= SANDBOX_LANDLOCK_PORTS ? NET_BIND_TCP | NET_CONNECT : 0,
        .scoped = abi >= SANDBOX_LANDLOCK_SIGNALS ? SCOPE_ABSTRACT | SCOPE_SIGNAL : 0,
    };
    size_t n = abi >= SANDBOX_LANDLOCK_SIGNALS ? 24 : abi >= SANDBOX_LANDLOCK_PORTS ? 16 : 8;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, n, 0);

    if (ruleset < 0) {
        return -errno;
    }
    int r = add_paths(ruleset, s, abi, ret_missing);
#ifdef WITH_ASAN
    const struct sandbox_path threads = {"/proc", SANDBOX_READ};
    r = r < 0 ? r : add_path(ruleset, &threads, abi);
#endif
    r = r == 0 && abi >= SANDBOX_LANDLOCK_PORTS ? add_ports(ruleset, s) : r;
    if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) {
        r = -errno;
    }
    close(ruleset);
    return r;
}

/* ---- seccomp ---- */

/* What is not on the list is answered as by a kernel that does not know it, for which libraries
 * have other ways. The build that looks for mistakes is killed instead, so that a list which lacks
 * something shows in the tests. */
#ifdef WITH_ASAN
#define UNLISTED SCMP_ACT_KILL_PROCESS
#define OF_ATTACK                                                                                  \
    SCMP_ACT_ERRNO(EPERM) /* it forks to translate addresses, when it has to report                \
                           */
#else
#define UNLISTED  SCMP_ACT_ERRNO(ENOSYS)
#define OF_ATTACK SCMP_ACT_KILL_PROCESS
#endif

/* No code of ours, and no library's that we use, has any use for these: who calls them has taken
 * the process over. */
static const int of_attack[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setgroups),
    SCMP_SYS(capset),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
#ifndef WITH_ASAN
    SCMP_SYS(ptrace),
#endif
};

#define TYPE_MASK (~(scmp_datum_t)(SOCK_NONBLOCK | SOCK_CLOEXEC))

static int allow(scmp_filter_ctx f, int number)
{
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, number, 0);
}

static int allow_socket(scmp_filter_ctx f, int domain)
{
    int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)domain),
                             SCMP_A1(SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_STREAM));

    return r < 0 ? r
                 : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                                    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)domain),
                                    SCMP_A1(SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_DGRAM));
}

static int allow_sockets(scmp_filter_ctx f, const struct sandbox *s)
{
    int r = s->unix_domain ? allow_socket(f, AF_UNIX) : 0;

    r = r == 0 && s->internet ? allow_socket(f, AF_INET) : r;
    return r == 0 && s->internet ? allow_socket(f, AF_INET6) : r;
}

/* Memory is never made executable, so that no octets of a stranger's can become code. Refused, not
 * fatal: PCRE2 asks, and does without. */
static int allow_memory(scmp_filter_ctx f, int number, bool private)
{
    const struct scmp_arg_cmp bounds[] = {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                                          SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED, 0)};
    int r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, number, private ? 2 : 1, bounds);

    return r < 0 ? r
                 : seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), number, 1,
                                    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
}

/* Threads, not processes. The filter cannot look at what clone3 is asked; the C library then asks
 * clone. */
static int allow_threads(scmp_filter_ctx f)
{
#ifdef WITH_ASAN
    const scmp_datum_t thread = CLONE_VM; /* the search for leaks is no thread, but shares memory */
#else
    const scmp_datum_t thread = CLONE_THREAD;
#endif
    int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));

    r = r < 0 ? r
              : seccomp_rule_add(f, OF_ATTACK, SCMP_SYS(clone), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, thread, 0));
    r = r < 0 ? r : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return r == -EACCES ? 0 : r; /* the same as UNLISTED */
}

/* Those two that ask how much is on its way in and out. */
static int allow_ioctl(scmp_filter_ctx f)
{
    static const scmp_datum_t requests[] = {0x541B /* FIONREAD */, 0x5411 /* SIOCOUTQ */};
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(requests) / sizeof(requests[0]); i++) {
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_EQ, requests[i]));
    }
    /* isatty(), before a first write through stdio. */
    return r < 0 ? r
                 : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1,
                                    SCMP_A1(SCMP_CMP_EQ, 0x5401 /* TCGETS */));
}

static int allow_prctl(scmp_filter_ctx f)
{
    static const scmp_datum_t options[] = {PR_SET_NAME,     PR_SET_PDEATHSIG,
#ifdef WITH_ASAN
                                           PR_GET_DUMPABLE, PR_SET_DUMPABLE,  PR_SET_PTRACER,
#endif
                                           PR_SET_VMA};
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(options) / sizeof(options[0]); i++) {
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                             SCMP_A0(SCMP_CMP_EQ, options[i]));
    }
    return r;
}

/* To this process alone: abort() and raise(). */
static int allow_own_signals(scmp_filter_ctx f)
{
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

/* Reading limits, setting none. */
static int allow_prlimit(scmp_filter_ctx f)
{
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0),
                            SCMP_A2(SCMP_CMP_EQ, 0));
}

/* One that its caller listed. */
static int allow_listed(scmp_filter_ctx f, const struct sandbox *s, int number)
{
    switch (number) {
    case SCMP_SYS(socket): return allow_sockets(f, s);
    case SCMP_SYS(mmap): return allow_memory(f, number, s->private_memory);
    case SCMP_SYS(mprotect): return allow_memory(f, number, false);
    case SCMP_SYS(clone): return allow_threads(f);
    case SCMP_SYS(ioctl): return allow_ioctl(f);
    case SCMP_SYS(prctl): return allow_prctl(f);
    case SCMP_SYS(tgkill): return allow_own_signals(f);
    case SCMP_SYS(prlimit64): return allow_prlimit(f);
    default: return allow(f, number);
    }
}

#ifdef WITH_ASAN
/* What the sanitizers need beside, when they look for leaks and report. */
static const int of_sanitizers[] = {
    SCMP_SYS(open),        SCMP_SYS(openat),     SCMP_SYS(read),
    SCMP_SYS(lseek),       SCMP_SYS(stat),       SCMP_SYS(lstat),
    SCMP_SYS(fstat),       SCMP_SYS(newfstatat), SCMP_SYS(close),
    SCMP_SYS(fcntl),       SCMP_SYS(ptrace),     SCMP_SYS(wait4),
    SCMP_SYS(waitid),      SCMP_SYS(getdents),   SCMP_SYS(getdents64),
    SCMP_SYS(readlink),    SCMP_SYS(readlinkat), SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_yield), SCMP_SYS(pipe),       SCMP_SYS(pipe2),
    SCMP_SYS(getppid),     SCMP_SYS(arch_prctl), SCMP_SYS(dup2),
    SCMP_SYS(dup3),        SCMP_SYS(unlink),     SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrusage),   SCMP_SYS(getrlimit),  SCMP_SYS(exit)};
#endif

static int fill_filter(scmp_filter_ctx f, const struct sandbox *s)
{
    int r = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0); /* it is set, and prctl may not be */

    for (const struct sandbox_calls *c = s->calls; r == 0 && c->why != NULL; c++) {
        for (const int *number = c->numbers; r == 0 && *number != SANDBOX_END; number++) {
            r = allow_listed(f, s, *number);
        }
    }
    for (size_t i = 0; r == 0 && i < sizeof(of_attack) / sizeof(of_attack[0]); i++) {
        r = seccomp_rule_add(f, OF_ATTACK, of_attack[i], 0);
    }
#ifdef WITH_ASAN
    r = r < 0 ? r : allow_threads(f);
    r = r == -EEXIST ? 0 : r;
    for (size_t i = 0; r == 0 && i < sizeof(of_sanitizers) / sizeof(of_sanitizers[0]); i++) {
        r = allow(f, of_sanitizers[i]);
        r = r == -EEXIST ? 0 : r;
    }
#endif
    return r;
}

static int enter_seccomp(const struct sandbox *s)
{
    scmp_filter_ctx f = seccomp_init(UNLISTED);

    if (f == NULL) {
        return -ENOMEM;
    }
    int r = fill_filter(f, s);
    r = r < 0 ? r : seccomp_load(f);
    seccomp_release(f);
    return r;
}

/* ---- all of it ---- */

struct sandbox_level sandbox_offered(void)
{
    return (struct sandbox_level){
        .seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0,
        .landlock = landlock_abi(),
    };
}

/* Landlock would bind this one thread alone. */
static bool has_other_threads(void)
{
    DIR *d = opendir("/proc/self/task");
    unsigned count = 0;

    while (d != NULL) {
        const struct dirent *e = readdir(d);
        if (e == NULL) {
            break;
        }
        count += e->d_name[0] != '.';
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return count > 1;
}

int sandbox_enter(const struct sandbox *s, struct sandbox_level *ret, const char **ret_missing)
{
    struct sandbox_level level = sandbox_offered();

    *ret_missing = NULL;
    if (has_other_threads()) {
        return -EBUSY;
    }
    int r = drop_capabilities();
    r = r < 0 ? r : forbid_dumps();
    r = r == 0 && level.landlock > 0 ? enter_landlock(s, level.landlock, ret_missing) : r;
    r = r == 0 && level.seccomp ? enter_seccomp(s) : r;
    if (r == 0) {
        *ret = level;
    }
    return r;
}
