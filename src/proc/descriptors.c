/* See proc/descriptors.h. */
#include "proc/descriptors.h"

#include <limits.h>
#include <sys/resource.h>

#define KEPT_LEAST 64
#define DNS_MOST   2048

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
