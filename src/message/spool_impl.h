/* How the spool keeps octets; for the files that do it. */
#pragma once

#include "message/spool.h"

struct block_head {
    struct list link;
    size_t n;
};

#define BLOCK_ROOM (SPOOL_BLOCK - sizeof(struct block_head))

struct block {
    struct block_head head;
    char octets[BLOCK_ROOM];
};

static inline struct block *block_of(struct list *link)
{
    return list_entry(link, struct block, head.link);
}
