/* See base/journald.h. */
#include "base/journald.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STANDARD_PATH "/run/systemd/journal/socket"
/* The largest entry that a datagram is made ready to take. */
#define ENTRY_MOST (1024 * 1024)

const char *journald_path(void)
{
    const char *path = getenv("GATEPOST_JOURNALD");

    return path != NULL ? path : STANDARD_PATH;
}

int journald_open(const char *path, struct journald *ret)
{
    struct journald j = {.to = {.sun_family = AF_UNIX}};
    size_t n = strlen(path);
    int most = ENTRY_MOST;

    if (n >= sizeof(j.to.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(j.to.sun_path, path, n);
    if (access(path, F_OK) < 0) {
        return -errno;
    }
    j.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (j.fd < 0) {
        return -errno;
    }
    if (setsockopt(j.fd, SOL_SOCKET, SO_SNDBUFFORCE, &most, sizeof(most)) < 0) {
        (void)setsockopt(j.fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof(most));
    }
    *ret = j;
    return 0;
}

void journald_close(struct journald *j)
{
    close(j->fd);
    j->fd = -1;
}

int journald_send(const struct journald *j, const struct iovec *fields, int count)
{
    struct msghdr m = {.msg_name = (void *)(uintptr_t)&j->to,
                       .msg_namelen = sizeof(j->to),
                       .msg_iov = (struct iovec *)(uintptr_t)fields,
                       .msg_iovlen = (size_t)count};

    return sendmsg(j->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ? 0 : -errno;
}
