/* The native protocol of systemd's journal: a datagram of fields to its socket
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL). Never waits. */
#pragma once

#include <stddef.h>
#include <sys/uio.h>
#include <sys/un.h>

struct journald {
    int fd;
    struct sockaddr_un to;
};

/* Where its socket is; the environment's GATEPOST_JOURNALD can name another, for tests. */
const char *journald_path(void);

/* 0; or a negative errno, -ENOENT where there is no such socket. */
int journald_open(const char *path, struct journald *ret);
void journald_close(struct journald *j);

/* Sends one entry: fields "NAME=value\n", whose values hold no line feed. 0 or a negative errno,
 * -EAGAIN when it cannot be taken now, -EMSGSIZE when it never can. */
int journald_send(const struct journald *j, const struct iovec *fields, int count);
