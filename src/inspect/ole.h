/* Compound files of Office ([MS-CFB]): what streams and storages they have, and the beginning of
 * one. No call follows more sectors than the file has; for a small stream, each of whose at most 64
 * pieces is looked for anew, no more than 128 times as many. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define OLE_NAME_MOST  32 /* characters */
#define OLE_DIFAT_MOST 64 /* sectors; of 512 octets they stand for half a gigabyte */

struct ole_entry {
    char name[OLE_NAME_MOST]; /* characters beyond ASCII are '?' */
    uint8_t kind;             /* 1: storage, 2: stream, 5: root */
    const char *class_id;     /* 16 octets */
    uint32_t first;           /* sector */
    uint64_t size;
};

struct ole {
    struct slice octets;
    unsigned shift; /* of a sector's size */
    uint32_t directory;
    uint32_t sectors;
    const char *fat; /* which sectors the FAT has: the 109 first, which the header names */
    const char *difat[OLE_DIFAT_MOST]; /* sectors that name the others, in their order */
    uint32_t difats;
    uint32_t small;     /* sector: where streams below 4,096 octets are kept, in pieces of 64 */
    uint32_t small_fat; /* sector: which piece follows which */
};

/* False: it is none. */
bool ole_open(struct slice octets, struct ole *ret);

/* Calls fn for each entry of the directory, until it says no. */
void ole_each(const struct ole *o, bool (*fn)(void *arg, const struct ole_entry *e), void *arg);

/* Appends up to `most` octets of a stream. */
void ole_read(const struct ole *o, const struct ole_entry *e, size_t most, struct buf *ret);
