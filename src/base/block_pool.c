/* See base/block_pool.h. */
#include "base/block_pool.h"

#include <stdlib.h>

#include "base/fatal.h"

void block_pool_init(struct block_pool *p, size_t size)
{
    *p = (struct block_pool){.size = size};
    list_init(&p->kept);
}

void *block_pool_get(struct block_pool *p)
{
    struct list *block = list_pop_front(&p->kept);

    if (block == NULL) {
        return xmalloc(p->size);
    }
    p->count--;
    if (p->count < p->unused) {
        p->unused = p->count;
    }
    return block;
}

void block_pool_put(struct block_pool *p, void *block)
{
    if (p->count >= BLOCK_POOL_MOST) {
        free(block);
        return;
    }
    list_push_front(&p->kept, block);
    p->count++;
}

/* The longest kept first: their pages are the coldest. */
static void drop(struct block_pool *p, unsigned n)
{
    for (; n > 0; n--) {
        struct list *block = p->kept.prev;

        list_remove(block);
        free(block);
        p->count--;
    }
}

void block_pool_trim(struct block_pool *p)
{
    drop(p, p->unused);
    p->unused = p->count;
}

void block_pool_free(struct block_pool *p)
{
    drop(p, p->count);
    p->unused = 0;
}
