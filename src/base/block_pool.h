/* Blocks of one size that are kept when given back, so that the next user need not ask malloc. What
 * turns out not to be needed goes back to it: block_pool_trim. */
#pragma once

#include <stddef.h>

#include "base/list.h"

/* Blocks kept at most. */
#define BLOCK_POOL_MOST 64

struct block_pool {
    struct list kept; /* the last given back first; their links lie in the blocks themselves */
    size_t size;      /* octets of a block */
    unsigned count;   /* of those kept */
    unsigned unused;  /* the least that were kept at any time since the last block_pool_trim */
};

/* `size` is that of a struct list at least. */
void block_pool_init(struct block_pool *p, size_t size);

/* A block with anything in it; it is the caller's until block_pool_put. */
void *block_pool_get(struct block_pool *p);

/* Takes a block of this pool's size that came from malloc, usually by block_pool_get. */
void block_pool_put(struct block_pool *p, void *block);

/* Frees as many of the kept blocks as nobody has needed since the last time. To be called now and
 * then: after a rush they are given back by the second call. */
void block_pool_trim(struct block_pool *p);

/* Frees all that are kept. The pool can be used further. */
void block_pool_free(struct block_pool *p);
