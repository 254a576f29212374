/* Reads the file of a message. Never follows what a file says, and never waits for a writer where
 * only regular files are wanted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Reads `path` (relative to the folder `folder`, or AT_FDCWD) into `to`, which is emptied first: at
 * most `most` octets. *ret_size: how many the file has; where it has `most` or more, more than
 * `most`, and of a pipe at least so many. 0 or a negative errno: -EISDIR for a folder, -ENOTSUP for
 * anything but a regular file where `regular` says so. */
int mail_file_read(int folder, const char *path, bool regular, size_t most, struct buf *to,
                   uint64_t *ret_size);

/* The same of an open descriptor, which stays open. */
int mail_file_read_fd(int fd, bool regular, size_t most, struct buf *to, uint64_t *ret_size);
