/* The listening sockets, which the master binds and workers accept from. They outlive the
 * configurations that name them: one that names the same address has the same socket, so that no
 * client is refused between two. */
#pragma once

#include "conf/conf.h"

struct listener {
    struct addr at;
    int fd;
    bool inherited; /* made by systemd, which keeps it open */
    unsigned users; /* generations of workers */
};

struct listeners {
    struct listener *items;
    size_t count;
};

/* Takes over what systemd has opened for us (LISTEN_PID, LISTEN_FDS: sd_listen_fds(3)), and removes
 * these variables. 0, also when there is nothing; or -EINVAL with a sentence in `ret_why`. */
int listeners_inherit(struct listeners *all, char *ret_why, size_t why_size);

/* Takes over one that this program's predecessor had. The descriptor becomes the list's. 0, or a
 * negative errno when it is none. */
int listeners_adopt(struct listeners *all, int fd, bool inherited);

/* A user more for the socket of every `listen` address; those that are missing are bound. 0 and
 * conf->listen_count descriptors in *ret, to be given back; or -EINVAL with one line that names
 * file, line and column in *ret_error, and nothing has changed. */
int listeners_take(struct listeners *all, const struct conf *conf, const char *file, int **ret,
                   struct conf_error *ret_error);

/* Undoes it. Sockets without a user are closed: here, their workers have descriptors of their own.
 * Frees; NULL allowed; returns NULL. */
int *listeners_give_back(struct listeners *all, int *fds, size_t count);

/* What only the user of these `fds` has will soon be closed. From now on the kernel ignores whoever
 * begins to connect there: what has connected already can be accepted to the last, and whoever
 * begins hears of the closing when his first packet is sent again. */
void listeners_refuse_new(const struct listeners *all, const int *fds, size_t count);

/* Has this socket been told so? */
bool listener_refuses_new(int fd);

/* Closes all, users or not; or, in a worker, all but its own. */
void listeners_close(struct listeners *all);
void listeners_close_others(const struct listeners *all, const int *fds, size_t count);
