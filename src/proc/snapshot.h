/* The files of a configuration, as they were read at one time.
 *
 * What has been tried in one process is so read by another octet for octet, whatever has become of
 * the files since. */
#pragma once

#include <stddef.h>

#include "conf/conf.h"

struct snapshot;

struct snapshot *snapshot_new(void);
/* NULL allowed; returns NULL. */
struct snapshot *snapshot_free(struct snapshot *s);

/* A reader that reads from disk and keeps what it read; the first file may be a pipe. The snapshot
 * must live as long as what the reader is given to. */
struct conf_reader snapshot_recorder(struct snapshot *s);

/* A reader that knows the kept files alone: -ENOENT for any other. */
struct conf_reader snapshot_reader(struct snapshot *s);

/* Puts it into the (empty) file behind `fd`, and takes it out again; the descriptor stays the
 * caller's. 0 or a negative errno; -EBADMSG for what snapshot_write has not written. */
int snapshot_write(const struct snapshot *s, int fd);
int snapshot_read(int fd, struct snapshot **ret);

/* What snapshot_read does with the octets. */
int snapshot_parse(struct slice octets, struct snapshot **ret);
