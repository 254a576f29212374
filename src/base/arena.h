/* Memory with one lifetime: allocate piecemeal, give everything back at once.
 *
 * A session owns a connection arena and a transaction arena; RSET is arena_reset. Blocks are
 * kept across resets up to one, so a session that sends many messages allocates nothing. */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *block; /* newest first */
    char *next;
    char *end;
};

/* An empty arena; allocates nothing. */
void arena_init(struct arena *a);

/* `n` octets aligned for any type, valid until arena_reset or arena_free. Never NULL: running
 * out of memory is fatal (base/fatal.h). Not zeroed. */
void *arena_alloc(struct arena *a, size_t n);

/* Like arena_alloc, zeroed. */
void *arena_zalloc(struct arena *a, size_t n);

/* A copy of `s`, with a NUL behind it that the slice does not count. */
struct slice arena_copy(struct arena *a, struct slice s);

/* printf into the arena; the result is NUL-terminated behind its length. */
struct slice arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Forgets all allocations; keeps at most one block for reuse. */
void arena_reset(struct arena *a);

/* Forgets all allocations and gives every block back. The arena may be used again. */
void arena_free(struct arena *a);
