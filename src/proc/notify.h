/* What systemd is told of the service's state: the protocol of sd_notify(3), a datagram of lines to
 * the socket that NOTIFY_SOCKET names. Never waits; says nothing where there is no such socket. */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "base/time.h"

struct notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un to;
    socklen_t to_size;
    usec_t watchdog; /* how often WATCHDOG=1 is expected, 0: it is not */
};

/* By the environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which stay there for a program
 * that follows this one. */
void notify_open(struct notify *ret);
void notify_close(struct notify *n);

/* Says these lines. */
void notify_say(const struct notify *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
