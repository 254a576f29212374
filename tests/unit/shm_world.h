/* What the tests of tables in shared memory have in common: the memory, and processes that die. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/shm.h"

/* Nobody is to count on zeroed memory. Unmapped by munmap. */
static inline void *map_shared(size_t n)
{
    void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    memset(memory, 0xa5, n);
    return memory;
}

/* As fork; what it makes does not outlive this process. */
static inline pid_t begin_process(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return pid;
}

/* Kills it, and waits until it is dead. */
static inline void kill_process(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A process takes the table's lock, which is its first member, and dies with it. */
static inline void die_with_the_lock_of(void *table)
{
    pid_t pid = begin_process();
    if (pid == 0) {
        shm_lock(table);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}
