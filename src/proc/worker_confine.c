/* What a worker may still do once strangers have a say in it; see proc/worker.h and, for how the
 * kernel is told, proc/sandbox.h. */
#include <limits.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "policy/table.h"
#include "proc/environment.h"
#include "proc/sandbox.h"
#include "proc/worker.h"
#include "route/hop.h"

/* A file that is read again when it changes, by a rename; the kernel asks where links lead. */
static struct sandbox_path *add_file(struct sandbox_path *p, const char *path, struct arena *arena)
{
    char real[PATH_MAX];
    const char *end = realpath(path, real) != NULL ? real : path;

    *p++ = (struct sandbox_path){environment_folder_of(path, arena), SANDBOX_READ};
    *p++ = (struct sandbox_path){environment_folder_of(end, arena), SANDBOX_READ};
    return p;
}

/* Why a worker reaches each folder: what is not here it cannot even open. */
static void worker_places(const struct conf *conf, const struct policy *policy, struct arena *arena,
                          struct sandbox *s)
{
    size_t most = 2 + conf->route_count + 2 * (policy->table_count + conf->recipients_count);
    struct sandbox_path *p = arena_alloc(arena, most * sizeof(*p));

    s->paths = p;
    *p++ = (struct sandbox_path){conf->state, SANDBOX_WRITE}; /* LMDB's files */
    *p++ = (struct sandbox_path){conf->spool, SANDBOX_WRITE}; /* messages too large for memory */
    for (size_t i = 0; i < conf->route_count; i++) {
        const char *to = conf->routes[i]->folder;
        if (conf->routes[i]->kind == CONF_ROUTE_MAILDIR) { /* and tmp, new and cur, if need be */
            *p++ =
                (struct sandbox_path){arena_copy(arena, hop_maildir_root(to)).p, SANDBOX_FOLDERS};
        }
    }
    for (size_t i = 0; i < policy->table_count; i++) {
        p = policy->tables[i]->file != NULL ? add_file(p, policy->tables[i]->file, arena) : p;
    }
    for (size_t i = 0; i < conf->recipients_count; i++) { /* databases are opened again, too */
        p = conf->recipients[i]->path != NULL ? add_file(p, conf->recipients[i]->path, arena) : p;
    }
    s->path_count = (size_t)(p - s->paths);
}

/* Where TCP connections may go: next hops, scanners, and servers of the DNS, which for recursion
 * and in resolv.conf(5) are at the standard's port. */
static void worker_ports(const struct conf *conf, struct arena *arena, struct sandbox *s)
{
    uint16_t *p = arena_alloc(arena, (1 + conf->hop_count + conf->resolver_count + CONF_SCANNERS) *
                                         sizeof(*p));

    s->ports = p;
    if (conf->resolver == CONF_RESOLVER_RECURSIVE || conf->resolver == CONF_RESOLVER_SYSTEM) {
        *p++ = 53;
    }
    for (size_t i = 0; i < conf->hop_count; i++) {
        if (conf->hops[i]->path == NULL) {
            *p++ = conf->hops[i]->addr.port;
        }
    }
    for (size_t i = 0; i < CONF_SCANNERS; i++) {
        if (conf->scanners[i].configured && conf->scanners[i].path == NULL) {
            *p++ = conf->scanners[i].addr.port;
        }
    }
    for (size_t i = 0; i < conf->resolver_count; i++) {
        if (conf->resolvers[i].port != 0) {
            *p++ = conf->resolvers[i].port;
        }
    }
    s->port_count = (size_t)(p - s->ports);
}

/* LMTP and scanners over a path, and the journal's socket, which is open but may be gone and come
 * again. */
static bool uses_unix_sockets(const struct conf *conf)
{
    bool uses =
        conf->decisions == CONF_DECISIONS_JOURNALD || environment_log(conf) == LOG_TO_JOURNALD;

    for (size_t i = 0; i < conf->hop_count; i++) {
        uses = uses || conf->hops[i]->path != NULL;
    }
    for (size_t i = 0; i < CONF_SCANNERS; i++) {
        uses = uses || conf->scanners[i].path != NULL;
    }
    return uses;
}

/* The whole list; some calls go with those arguments only that sandbox.c says. All else is answered
 * as by a kernel that does not know it, and what only an attacker can want kills. */
static const struct sandbox_calls allowed[] = {
    {"clients, next hops, scanners, DNS; making sockets of the internet, and of what is at a path",
     (const int[]){SCMP_SYS(accept4), SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind),
                   SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
                   SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
                   SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(ioctl), SANDBOX_END}},
    {"the loop: what is ready, timers, waking from threads and signal handlers",
     (const int[]){SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
                   SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_create1), SCMP_SYS(eventfd2), SCMP_SYS(poll),
                   SCMP_SYS(ppoll), SCMP_SYS(restart_syscall), SANDBOX_END}},
    {"descriptors: messages, log lines, decision lines",
     (const int[]){SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv),
                   SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(pwritev),
                   SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(flock),
                   SANDBOX_END}},
    {"inspectors: a message as a file of memory, and a socket to answer on",
     (const int[]){SCMP_SYS(memfd_create), SCMP_SYS(socketpair), SANDBOX_END}},
    {"files: spool, Maildirs, the store, tables that are read again; Landlock says which",
     (const int[]){
         SCMP_SYS(open),      SCMP_SYS(openat),     SCMP_SYS(stat),       SCMP_SYS(lstat),
         SCMP_SYS(fstat),     SCMP_SYS(newfstatat), SCMP_SYS(statx),      SCMP_SYS(fstatfs),
         SCMP_SYS(access),    SCMP_SYS(faccessat),  SCMP_SYS(faccessat2), SCMP_SYS(mkdir),
         SCMP_SYS(mkdirat),   SCMP_SYS(rename),     SCMP_SYS(renameat),   SCMP_SYS(renameat2),
         SCMP_SYS(unlink),    SCMP_SYS(unlinkat),   SCMP_SYS(fsync),      SCMP_SYS(fdatasync),
         SCMP_SYS(ftruncate), SCMP_SYS(fallocate),  SCMP_SYS(fadvise64),  SCMP_SYS(msync),
         SANDBOX_END}},
    {"SQLite, which looks at where a database really is",
     (const int[]){SCMP_SYS(getcwd), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SANDBOX_END}},
    {"memory, never executable",
     (const int[]){SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap),
                   SCMP_SYS(madvise), SCMP_SYS(brk), SANDBOX_END}},
    {"threads for files and the store, and locks, those of the memory that is shared too",
     (const int[]){SCMP_SYS(clone), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(futex),
                   SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(gettid),
                   SCMP_SYS(prctl), SCMP_SYS(exit), SANDBOX_END}},
    {"signals: their handlers, and dying of one's own",
     (const int[]){SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
                   SCMP_SYS(sigaltstack), SCMP_SYS(tgkill), SCMP_SYS(exit_group), SANDBOX_END}},
    {"time and randomness, where the kernel's page of functions does not do",
     (const int[]){SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
                   SCMP_SYS(time), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
                   SCMP_SYS(getrandom), SANDBOX_END}},
    {"how long the loop's own work takes", (const int[]){SCMP_SYS(getrusage), SANDBOX_END}},
    {"who and where we are: names of Maildir files, log lines, the size of memory for sorting",
     (const int[]){SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
                   SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
                   SCMP_SYS(getrlimit), SCMP_SYS(prlimit64), SANDBOX_END}},
    {0},
};

/* Gives up all that is not needed any more, for good: capabilities, system calls, files, ports.
 * What is on the lists beside the calls above is said by worker_places and worker_ports. */
int worker_confine(const struct conf *conf, const struct policy *policy, struct sandbox_level *ret)
{
    struct arena arena;
    const char *missing;
    struct sandbox s = {.calls = allowed, .internet = true, .unix_domain = uses_unix_sockets(conf)};

    arena_init(&arena);
    worker_places(conf, policy, &arena, &s);
    worker_ports(conf, &arena, &s);
    int r = sandbox_enter(&s, ret, &missing);
    if (r < 0) {
        log_line(LOG_ERROR, "cannot confine itself: %s", strerror(-r));
    } else if (missing != NULL) {
        log_line(LOG_WARNING, "%s cannot be reached: until a reload, nothing there will be seen",
                 missing);
    }
    arena_free(&arena);
    return r;
}
