/* What tests have in common that do a part of their work in processes of their own: because they
 * are killed there, or because a library allows one handle for each process. Includes cmocka. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* In such a process: an assertion of cmocka's would run the rest of the test there. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Runs fn(arg) in a process, which ends after that, or after 100 s. */
static inline pid_t start_process(void (*fn)(void *arg), void *arg)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(100);
        fn(arg);
        _exit(0);
    }
    return pid;
}

static inline void assert_ends_well(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The same, and waits for it, which must end well. */
static inline void in_process(void (*fn)(void *arg), void *arg)
{
    assert_ends_well(start_process(fn, arg));
}

/* Makes a folder of a name that ends in ".XXXXXX", which is replaced, also when it has been before;
 * 0 or -1. */
static inline int make_folder(char *name)
{
    strcpy(strrchr(name, '.'), ".XXXXXX");
    return mkdtemp(name) != NULL ? 0 : -1;
}

/* Removes it with all that is in it; 0, or what `rm` said. */
static inline int remove_folder(const char *name)
{
    char command[300];
    snprintf(command, sizeof(command), "rm -r %s", name);
    return system(command);
}
