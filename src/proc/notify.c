/* See proc/notify.h. */
#include "proc/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static usec_t watchdog_interval(void)
{
    const char *interval = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");

    if (interval == NULL || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid())) {
        return 0;
    }
    usec_t value = strtoll(interval, NULL, 10);
    return value > 0 ? value : 0;
}

void notify_open(struct notify *ret)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t n = path != NULL ? strlen(path) : 0;

    *ret = (struct notify){.fd = -1, .to = {.sun_family = AF_UNIX}};
    if (n < 2 || n >= sizeof(ret->to.sun_path) || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(ret->to.sun_path, path, n);
    if (path[0] == '@') {
        ret->to.sun_path[0] = '\0'; /* a name in the abstract namespace */
    }
    ret->to_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    ret->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ret->watchdog = watchdog_interval();
}

void notify_close(struct notify *n)
{
    if (n->fd >= 0) {
        close(n->fd);
        n->fd = -1;
    }
}

void notify_say(const struct notify *n, const char *format, ...)
{
    char text[2048];
    va_list ap;

    if (n->fd < 0) {
        return;
    }
    va_start(ap, format);
    int length = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (length > 0) {
        size_t size = (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1;
        /* Who does not take it is asked again by the watchdog. */
        (void)sendto(n->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT,
                     (const struct sockaddr *)&n->to, n->to_size);
    }
}
