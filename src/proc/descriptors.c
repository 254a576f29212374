/* See proc/descriptors.h. */
#include "proc/descriptors.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#define KEPT_LEAST 64
#define DNS_MOST   2048
#define ROOM_MOST  65536 /* for which the kernel needs half a megabyte */

struct descriptors descriptors_here(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= INT_MAX) {
        return (struct descriptors){.all = INT_MAX, .clients = INT_MAX, .dns = DNS_MOST};
    }
    unsigned all = (unsigned)limit.rlim_cur;
    unsigned kept = all / 8 < KEPT_LEAST ? KEPT_LEAST : all / 8;
    return (struct descriptors){
        .all = all,
        .clients = all > kept ? all - kept : 1,
        .dns = kept / 2 < DNS_MOST ? kept / 2 : DNS_MOST,
    };
}

void descriptors_make_room(void)
{
    unsigned all = descriptors_here().all;
    int highest = (int)(all < ROOM_MOST ? all : ROOM_MOST) - 1;
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, highest);

    if (fd >= 0) { /* else the table grows when it has to */
        close(fd);
    }
}
