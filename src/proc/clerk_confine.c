/* What a clerk may still do; see proc/clerk.h and, for how the kernel is told, proc/sandbox.h. */
#include <limits.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "proc/clerk.h"
#include "proc/environment.h"
#include "proc/sandbox.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* No socket but those it was given and those it accepts from one of them; without a journal no
 * file. */
static const struct sandbox_calls always[] = {
    {"control clients and the master",
     (const int[]){SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto),
                   SCMP_SYS(sendmsg), SCMP_SYS(shutdown), SCMP_SYS(getsockname),
                   SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(ioctl), SCMP_SYS(read),
                   SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(fcntl),
                   SANDBOX_END}},
    {"the loop", (const int[]){SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
                               SCMP_SYS(epoll_ctl), SCMP_SYS(poll), SCMP_SYS(ppoll),
                               SCMP_SYS(restart_syscall), SCMP_SYS(futex), SANDBOX_END}},
    {"memory, never executable",
     (const int[]){SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap),
                   SCMP_SYS(madvise), SCMP_SYS(brk), SANDBOX_END}},
    {"signals, and the end",
     (const int[]){SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
                   SCMP_SYS(sigaltstack), SCMP_SYS(tgkill), SCMP_SYS(prctl), SCMP_SYS(exit_group),
                   SANDBOX_END}},
    {"time, how long the loop's own work takes, randomness, and who we are",
     (const int[]){SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(nanosleep),
                   SCMP_SYS(clock_nanosleep), SCMP_SYS(getrusage), SCMP_SYS(getrandom),
                   SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(fstat),
                   SCMP_SYS(newfstatat), SANDBOX_END}},
};

/* Where one is kept; SQLite's thread is the only other one. */
static const struct sandbox_calls for_journal[] = {
    {"the journal's files: Landlock says in which folder",
     (const int[]){SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat),
                   SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(pread64),
                   SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
                   SCMP_SYS(ftruncate), SCMP_SYS(unlink), SCMP_SYS(rename), SCMP_SYS(getcwd),
                   SCMP_SYS(readlink), SCMP_SYS(geteuid), SANDBOX_END}},
    {"the thread that writes them",
     (const int[]){SCMP_SYS(clone), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
                   SCMP_SYS(sched_yield), SCMP_SYS(exit), SANDBOX_END}},
};

/* The folder of the journal, and that of where a link leads. */
static void add_folders(const char *path, struct arena *arena, struct sandbox *s)
{
    struct sandbox_path *places = arena_alloc(arena, 2 * sizeof(*places));
    char real[PATH_MAX];

    places[s->path_count++] =
        (struct sandbox_path){environment_folder_of(path, arena), SANDBOX_WRITE};
    if (realpath(path, real) != NULL) {
        places[s->path_count++] =
            (struct sandbox_path){environment_folder_of(real, arena), SANDBOX_WRITE};
    }
    s->paths = places;
}

int clerk_confine(const struct clerk_setup *setup)
{
    struct sandbox_calls calls[COUNT(always) + COUNT(for_journal) + 1] = {{0}};
    struct sandbox s = {.calls = calls};
    struct sandbox_level level;
    struct arena arena;
    const char *missing;

    arena_init(&arena);
    memcpy(calls, always, sizeof(always));
    if (clerk_keeps_journal(setup)) {
        memcpy(calls + COUNT(always), for_journal, sizeof(for_journal));
        add_folders(setup->configuration->conf->journal, &arena, &s);
    }
    int r = sandbox_enter(&s, &level, &missing);
    if (r < 0) {
        log_line(LOG_ERROR, "cannot confine itself: %s", strerror(-r));
    } else if (missing != NULL) {
        log_line(LOG_WARNING, "%s cannot be reached: until a reload, no journal is written",
                 missing);
    }
    arena_free(&arena);
    return r;
}
