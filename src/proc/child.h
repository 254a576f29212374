/* What a process does first that the master has forked to be something else than a worker. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Forks. The child has that name (at most 15 octets) from its first moment, for whoever looks for
 * it among our children. As fork(2). */
pid_t child_fork(const char *name);

/* Closes everything but the standard descriptors and these, of which -1 is none; they come out
 * sorted.
 */
void child_close_others(int *kept, size_t count);
