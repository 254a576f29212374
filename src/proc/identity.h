/* The account that workers run under. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/slice.h"
#include "conf/conf.h"

#define IDENTITY_GROUPS_MAX 256

struct identity {
    bool change;  /* started as root: become this */
    bool root;    /* `user` names it: deserves a warning */
    bool guessed; /* "nobody" for want of `user` and of an account "gatepost": deserves a warning */
    char name[33];
    uid_t uid;
    gid_t gid;
    gid_t groups[IDENTITY_GROUPS_MAX];
    size_t group_count;
};

/* Finds out who workers are to be: as root what `user` says, else "gatepost", else "nobody";
 * otherwise whoever started us, which is all that `user` may then say. 0; or -EINVAL with a
 * sentence in `ret_why`. */
int identity_find(const struct conf *conf, struct identity *ret, char *ret_why, size_t why_size);

/* Becomes it, for good, and proves it: 0 or a negative errno. Single-threaded processes only. */
int identity_become(const struct identity *who);
