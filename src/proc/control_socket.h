/* The Unix socket on which control clients are heard: bound by the master, so that it is there
 * whatever becomes of the clerk. */
#pragma once

#include <sys/types.h>

#include "conf/conf.h"

struct control_socket {
    int fd; /* listening; -1: there is none */
    dev_t device;
    ino_t inode;
    char path[108];
};

/* Binds conf->control, for root (or whoever started us) alone; missing folders above it are made. A
 * socket that nobody answers on is replaced. 0; or -EINVAL with one line that names file, line and
 * column, where the configuration has the statement. Where it has not, and the standard path cannot
 * be had, there is none, of which a warning is logged. */
int control_socket_open(const struct conf *conf, const char *file, struct control_socket *ret,
                        struct conf_error *ret_error);

/* Takes over what another program has bound there; -1 for nothing. */
void control_socket_adopt(struct control_socket *s, int fd, const char *path);

/* In a child of the master: closes, and leaves it where it is. */
void control_socket_forget(struct control_socket *s);

/* Can clients find it, at the path where it was made? */
bool control_socket_is_there(const struct control_socket *s);

/* Closes and removes it, unless somebody else has taken its place. */
void control_socket_close(struct control_socket *s);
