/* Where decision lines go: a file, a pipe, a terminal, a socket or journald. Internal to
 * src/journal.
 *
 * Never waits for a reader and never changes a flag that other processes share. Lines reach their
 * reader whole, also when several workers write to the same place: a regular file is appended to
 * with one write; a pipe takes up to PIPE_BUF octets in one piece, and for a longer line all other
 * workers are kept away by a lock until it is out; journald gets a datagram a line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct sink;

/* Octets waiting from which on an added line makes the sink write before the turn ends. */
#define SINK_FLUSH_AT ((size_t)64 * 1024)
/* Octets waiting from which on further lines are lost. */
#define SINK_WAITING_MAX ((size_t)1024 * 1024)

/* What the inherited descriptor `fd` leads to. The descriptor itself stays the caller's and is not
 * changed, except that a pipe which may not be opened again becomes non-blocking. */
int sink_open_fd(int fd, struct sink **ret);

/* Appends to a file, which is created 0640 where missing. */
int sink_open_file(const char *path, struct sink **ret);

/* journald's native protocol, by its socket's path. */
int sink_open_journald(const char *path, struct sink **ret);

/* Keeps a line, whose final octet is its only line feed, for the next flush; false when it is lost.
 */
bool sink_add(struct sink *s, struct slice line);

/* Writes what waits as far as it goes. */
void sink_flush(struct sink *s);

/* Octets that wait. */
size_t sink_waiting(const struct sink *s);

/* Lines that were not taken. */
uint64_t sink_lost(const struct sink *s);

/* Flushes for at most a second, and frees. NULL allowed; returns NULL. */
struct sink *sink_free(struct sink *s);
