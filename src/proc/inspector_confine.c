/* What an inspector may still do; see proc/inspector.h and, for how the kernel is told,
 * proc/sandbox.h.
 *
 * It can open nothing and reach nobody. What it is given comes by its door; where a limit of the
 * kernel is reached it dies, and the worker that waits for its answer knows. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sanitizer.h"
#include "proc/inspector.h"
#include "proc/sandbox.h"

/* Its door, the log, and three descriptors of one order at a time; some are for libraries. */
#define DESCRIPTORS_MOST 32

static const struct sandbox_calls allowed[] = {
    {"orders, messages and answers: descriptors that it is given",
     (const int[]){SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(read),
                   SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
                   SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(lseek),
                   SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(setsockopt), SCMP_SYS(restart_syscall),
                   SANDBOX_END}},
    {"memory, never executable",
     (const int[]){SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap),
                   SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex), SANDBOX_END}},
    {"signals, its own end, and the alarm that brings it about",
     (const int[]){SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
                   SCMP_SYS(sigaltstack), SCMP_SYS(tgkill), SCMP_SYS(exit_group),
                   SCMP_SYS(setitimer), SANDBOX_END}},
    {"time, randomness, and who we are",
     (const int[]){SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
                   SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid),
                   SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
                   SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(sched_yield),
                   SCMP_SYS(prctl), SANDBOX_END}},
    {0},
};

static int bound(__rlimit_resource_t resource, rlim_t most)
{
    struct rlimit l;

    if (getrlimit(resource, &l) < 0) {
        return -errno;
    }
    l.rlim_cur = l.rlim_max = most < l.rlim_max ? most : l.rlim_max;
    return setrlimit(resource, &l) < 0 ? -errno : 0;
}

#ifndef WITH_ASAN
/* Octets of address space that are mapped by now: the program, libraries, what they have read. */
static rlim_t mapped(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f != NULL) {
        if (fscanf(f, "%lu", &pages) != 1) {
            pages = 0;
        }
        (void)fclose(f);
    }
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}
#endif

/* For good: what it could raise again would be no bound. The sanitizer maps as much as there is,
 * looks for leaks in a thread, and writes its reports. */
static int bound_resources(const struct inspector_setup *setup)
{
    int r = 0;

#ifndef WITH_ASAN
    r = bound(RLIMIT_AS, mapped() + (rlim_t)setup->memory);
    r = r < 0 ? r : bound(RLIMIT_NPROC, 0);
    r = r < 0 ? r : bound(RLIMIT_FSIZE, 0); /* nothing is written to a file, be it a message's */
#else
    (void)setup;
#endif
    r = r < 0 ? r : bound(RLIMIT_CPU, INSPECTOR_CPU_TIME);
    return r < 0 ? r : bound(RLIMIT_NOFILE, DESCRIPTORS_MOST);
}

int inspector_confine(const struct inspector_setup *setup)
{
    const struct sandbox s = {.calls = allowed, .private_memory = true};
    struct sandbox_level level;
    const char *missing;
    int r = bound_resources(setup);

    r = r < 0 ? r : sandbox_enter(&s, &level, &missing);
    if (r < 0) {
        log_line(LOG_ERROR, "an inspector cannot confine itself: %s", strerror(-r));
    }
    return r;
}
