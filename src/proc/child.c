/* See proc/child.h. */
#include "proc/child.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void close_between(int first, int last)
{
    if (first <= last) {
        (void)close_range((unsigned)first, (unsigned)last, 0);
    }
}

static int compare_numbers(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void child_close_others(int *kept, size_t count)
{
    int from = STDERR_FILENO + 1;

    qsort(kept, count, sizeof(*kept), compare_numbers);
    for (size_t i = 0; i < count; i++) {
        close_between(from, kept[i] - 1);
        from = kept[i] >= from ? kept[i] + 1 : from;
    }
    (void)close_range((unsigned)from, ~0U, 0);
}

pid_t child_fork(const char *name)
{
    char own[16];

    (void)prctl(PR_GET_NAME, own, 0, 0, 0);
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
    pid_t pid = fork();
    if (pid != 0) {
        (void)prctl(PR_SET_NAME, own, 0, 0, 0);
    }
    return pid;
}
