/* A message's octets while the conversation has not ended: memory first, then an unlinked file.
 *
 * Holds the message itself, never its dot-stuffed wire form. Blocks of SPOOL_BLOCK octets are
 * counted against a budget that all sessions of the worker share. Writing may suspend.
 *
 * Why messages cannot starve each other for ever: a message waits only for its first block, and
 * while it waits it holds none. One that has a block and cannot have another at once goes to its
 * file, writing its newest block there again and again, so it always gets on and in the end gives
 * back what it holds. First blocks are handed out in the order they were asked for, and only while
 * less than 7/8 of the budget is used: the last eighth is for messages under way to stay out of
 * their files. A first block that does not come in time is -ETIMEDOUT, which the caller answers
 * 452 4.3.1. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/block_pool.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/time.h"
#include "rt/once.h"
#include "rt/rt.h"

/* Octets of one block with its head, as counted against the budget; a little less of a message
 * fits in. */
#define SPOOL_BLOCK ((size_t)16384)

/* Memory that one worker's messages may hold. */
struct budget {
    size_t limit;
    size_t used;
    struct list line; /* those who wait for a first block, the longest waiting first */
    struct block_pool blocks;
};

void budget_init(struct budget *b, size_t limit);

/* Frees what was kept for the next messages and has not been needed since the last call. */
void budget_trim(struct budget *b);

/* Frees all that is kept. Nothing may be in use any more. */
void budget_fini(struct budget *b);

/* Takes `n` octets, waiting in line while that would use more than 7/8 of the limit (or, where
 * `n` alone is more than that, while anything is used): 0, -ETIMEDOUT, -ECANCELED. */
int budget_take(struct budget *b, size_t n, usec_t deadline);

/* Takes `n` octets without waiting, up to the limit itself; false when there are not as many. */
bool budget_try(struct budget *b, size_t n);

void budget_give(struct budget *b, size_t n);

struct spool_config {
    struct budget *budget;
    const char *folder; /* where the unlinked files go */
    size_t memory_each; /* octets of one message kept in memory before the rest goes to a file */
};

struct spool {
    const struct spool_config *config;
    struct list blocks; /* memory part, in order; where there is a file, then what comes after it */
    size_t in_memory;   /* octets in front of the file's */
    uint64_t in_file;   /* octets in the file */
    uint64_t size;      /* octets in all */
    int fd;             /* -1 until the memory part is full */
    struct once whole_once; /* private, like the next two: spool_whole */
    int whole_error;
    int whole_fd;
};

void spool_init(struct spool *s, const struct spool_config *config);

/* Appends. 0; -ENOSPC, -EIO and the like from the file; -ETIMEDOUT when the budget did not allow
 * it in time; -ECANCELED. After an error the content is incomplete: spool_reset it. */
int spool_append(struct spool *s, const void *p, size_t n, usec_t deadline);

/* Reads in order. `cursor` starts zeroed. *ret is valid until the next call with the same cursor,
 * or spool_reset; n = 0 at the end. 0, -EIO, -ECANCELED. spool_cursor_end frees its buffer, which
 * there is only while the file's part is read. Nothing may be appended while a cursor is in use. */
struct spool_cursor {
    uint64_t at;
    struct list *block;
    char *file_buffer;
};

int spool_next(const struct spool *s, struct spool_cursor *cursor, struct slice *ret);
void spool_cursor_end(const struct spool *s, struct spool_cursor *cursor);

/* One file with all of its octets, and nothing else. It is the spool's, and there until
 * spool_reset; who has it reads by pread or maps it, since its offset is shared. Made once, however
 * often this is called; nothing may be appended any more. Suspends. 0; -EIO, -ENOSPC and the like;
 * -ECANCELED. */
int spool_whole(struct spool *s, int *ret_fd);

/* Empties it and gives memory and file back. Inside a runtime only: the file is closed in a thread,
 * because freeing a large one takes time. */
void spool_reset(struct spool *s);
