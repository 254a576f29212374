/* The listening sockets, which the master binds and all workers accept from. */
#pragma once

#include "conf/conf.h"

/* Binds every `listen` address. 0 and conf->listen_count descriptors in *ret (listeners_close); or
 * -EINVAL with one line that names file, line and column in *ret_error. */
int listeners_open(const struct conf *conf, const char *file, int **ret,
                   struct conf_error *ret_error);

/* Closes them all and frees; NULL allowed; returns NULL. */
int *listeners_close(const struct conf *conf, int *fds);
