/* What confinement does whatever is on the lists: no capabilities are left, and a folder that is
 * not there is told of. */
#include "confined_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/sandbox.h"

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
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        bool root = geteuid() == 0;
        if (sandbox_enter(&s, &level, &missing) < 0) {
            _exit(NOT_CONFINED);
        }
        _exit(has_capability(root) ? REFUSED : DONE);
    }
    assert_int_equal(outcome_of(pid), DONE);
}

/* A folder that is not there is told of, and keeps nothing else from working. */
static void missing_folder(void **state)
{
    const struct sandbox_calls none[] = {
        {"to end", (const int[]){SCMP_SYS(exit_group), SCMP_SYS(write), SANDBOX_END}}, {0}};
    const struct sandbox_path paths[] = {{"/nonexistent/mail", SANDBOX_WRITE},
                                         {"/tmp", SANDBOX_READ}};
    const struct sandbox s = {.calls = none, .paths = paths, .path_count = 2};
    struct sandbox_level level;
    const char *missing = NULL;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        int r = sandbox_enter(&s, &level, &missing);
        _exit(r < 0 ? NOT_CONFINED
              : level.landlock == 0 || (missing != NULL && strcmp(missing, paths[0].path) == 0)
                  ? DONE
                  : REFUSED);
    }
    assert_int_equal(outcome_of(pid), DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_capabilities),
        cmocka_unit_test(missing_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
