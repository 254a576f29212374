/* One Gatepost alone works in a state folder: another would not know of the messages in doubt of
 * this one's workers, and could deliver one again. So the master locks the folder (flock), from its
 * start to its end and over upgrades; its children close the descriptor and hold nothing. */
#pragma once

#include "conf/conf.h"

/* 0 and the descriptor that holds the lock, or -1 in *ret where the file system knows no locks,
 * which is warned of; -EINVAL and *ret_error when another Gatepost works there, or the folder
 * cannot be opened. */
int state_lock(const struct conf *conf, const char *file, int *ret, struct conf_error *ret_error);
