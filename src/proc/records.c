/* See proc/records.h. */
#include "proc/records.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"

/* How much may wait for a clerk: some ten thousand records. Without privileges the kernel allows
 * less (net.core.wmem_max). */
#define ROOM (8 * 1024 * 1024)

int records_open(struct records *ret)
{
    struct records r = {.journal = xstrdup("")};
    int room = ROOM;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, r.ends) < 0) {
        int error = -errno;
        free(r.journal);
        return error;
    }
    int fd = r.ends[RECORDS_WORKERS];
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    }
    *ret = r;
    return 0;
}

void records_adopt(struct records *ret, const int ends[2], uint64_t run, const char *journal)
{
    *ret = (struct records){{ends[0], ends[1]}, run, xstrdup(journal)};
    for (size_t i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    }
}

uint64_t records_run(struct records *r, const struct conf *conf, usec_t wall)
{
    const char *journal = conf->journal != NULL ? conf->journal : "";
    uint64_t now = wall > 0 ? (uint64_t)wall : 1;

    if (r->run == 0 || strcmp(r->journal, journal) != 0) {
        r->run = now > r->run ? now : r->run + 1;
        free(r->journal);
        r->journal = xstrdup(journal);
    }
    return r->run;
}

void records_close(struct records *r)
{
    for (size_t i = 0; i < 2; i++) {
        if (r->ends[i] >= 0) {
            close(r->ends[i]);
        }
    }
    free(r->journal);
    *r = (struct records){.ends = {-1, -1}};
}
