/* See proc/listen.h. */
#include "proc/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"

/* Connections that the kernel completes while all workers are busy; net.core.somaxconn caps it. */
#define BACKLOG 4096

static int listen_on(const struct addr *a, int *ret)
{
    struct sockaddr_storage ss;
    socklen_t n = addr_to_sockaddr(a, &ss);
    int on = 1;
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    /* [::] means IPv6 alone, whatever the system's default is: 0.0.0.0 is written beside it. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        (a->family == ADDR_V6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
        bind(fd, (struct sockaddr *)&ss, n) < 0 || listen(fd, BACKLOG) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret = fd;
    return 0;
}

int listeners_open(const struct conf *conf, const char *file, int **ret,
                   struct conf_error *ret_error)
{
    int *fds = xmalloc(conf->listen_count * sizeof(*fds));

    for (size_t i = 0; i < conf->listen_count; i++) {
        fds[i] = -1;
    }
    for (size_t i = 0; i < conf->listen_count; i++) {
        int r = listen_on(&conf->listen[i], &fds[i]);
        if (r < 0) {
            char address[ADDR_TEXT_MAX];
            conf_error_set(ret_error, file, conf_place_of_listen(conf, i),
                           "cannot listen on %s: %s", addr_format_port(&conf->listen[i], address),
                           strerror(-r));
            (void)listeners_close(conf, fds);
            return -EINVAL;
        }
    }
    *ret = fds;
    return 0;
}

int *listeners_close(const struct conf *conf, int *fds)
{
    for (size_t i = 0; fds != NULL && i < conf->listen_count; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    free(fds);
    return NULL;
}
