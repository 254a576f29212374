/* A message's octets while the conversation has not ended: memory first, then an unlinked file.
 *
 * Holds the message itself, never its dot-stuffed wire form. Blocks of SPOOL_BLOCK octets are
 * counted against a budget that all sessions of the worker share. Writing may suspend. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"
#include "base/time.h"
#include "rt/rt.h"

#define SPOOL_BLOCK ((size_t)16384)

/* Memory that one worker's messages may hold. Takers wait in line when it is nearly used up. */
struct budget {
    size_t limit;
    size_t used;
    struct cond freed;
};

void budget_init(struct budget *b, size_t limit);

/* Takes `n` octets, waiting for others to give theirs back: 0, -ETIMEDOUT, -ECANCELED. */
int budget_take(struct budget *b, size_t n, usec_t deadline);
void budget_give(struct budget *b, size_t n);

struct spool_config {
    struct budget *budget;
    const char *folder;   /* where the unlinked files go */
    size_t memory_each;   /* octets of one message kept in memory before the rest goes to a file */
};

struct spool {
    const struct spool_config *config;
    struct list blocks; /* memory part, in order */
    size_t in_memory;
    uint64_t size; /* octets in all */
    int fd;        /* -1 until the memory part is full */
};

void spool_init(struct spool *s, const struct spool_config *config);

/* Appends. 0; -ENOSPC, -EIO and the like from the file; -ETIMEDOUT when the budget did not allow
 * it in time; -ECANCELED. After an error the content is incomplete: spool_reset it. */
int spool_append(struct spool *s, const void *p, size_t n, usec_t deadline);

/* Reads in order. `cursor` starts zeroed. *ret is valid until the next call with the same cursor,
 * or spool_reset; n = 0 at the end. 0, -EIO, -ECANCELED. spool_cursor_end frees its buffer. */
struct spool_cursor {
    uint64_t at;
    struct list *block;
    char *file_buffer;
};

int spool_next(struct spool *s, struct spool_cursor *cursor, struct slice *ret);
void spool_cursor_end(struct spool *s, struct spool_cursor *cursor);

/* Empties it and gives memory and file back. */
void spool_reset(struct spool *s);
