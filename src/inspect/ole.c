/* See inspect/ole.h. */
#include "inspect/ole.h"

#define HEADER_OCTETS ((size_t)512)
#define ENTRY_OCTETS  ((size_t)128)
#define IN_HEADER     109  /* sectors of the FAT that are named there */
#define SMALL         4096 /* smaller streams are kept in pieces of another one */
#define PIECE         64
#define LAST_SECTOR   0xfffffffaU

static uint32_t le(const char *p, size_t n)
{
    uint32_t value = 0;

    while (n-- > 0) {
        value = value << 8 | (uint8_t)p[n];
    }
    return value;
}

/* Where a sector is; NULL when it is not there as a whole. */
static const char *sector(const struct ole *o, uint32_t number)
{
    uint64_t at = ((uint64_t)number + 1) << o->shift;

    if (number >= o->sectors || at + (1u << o->shift) > o->octets.n) {
        return NULL;
    }
    return o->octets.p + at;
}

/* How many numbers a sector has room for. */
static uint32_t numbers_in_sector(const struct ole *o)
{
    return o->shift == 12 ? 1024 : 128;
}

/* Sectors that say where the FAT goes on behind what the header names ([MS-CFB] 2.5): each ends
 * with the number of the next. No more are followed than the file's length gives reason for, so a
 * ring ends, too. */
static void find_difat(struct ole *o, uint32_t first)
{
    const uint32_t per = numbers_in_sector(o);
    const uint32_t blocks = o->sectors / per + 1;
    uint32_t number = first, named = IN_HEADER;

    while (named < blocks && o->difats < OLE_DIFAT_MOST) {
        const char *p = sector(o, number);
        if (!p) {
            return;
        }
        o->difat[o->difats++] = p;
        named += per - 1;
        number = le(p + (size_t)(per - 1) * 4, 4);
    }
}

/* The sector of the FAT that has a block of its numbers; NULL when it is not named, or not there.
 */
static const char *fat_sector(const struct ole *o, uint32_t block)
{
    const uint32_t each = numbers_in_sector(o) - 1; /* what a sector of the DIFAT names */
    const uint32_t rest = block - IN_HEADER;

    if (block < IN_HEADER) {
        return sector(o, le(o->fat + (size_t)block * 4, 4));
    }
    return rest / each < o->difats
               ? sector(o, le(o->difat[rest / each] + (size_t)(rest % each) * 4, 4))
               : NULL;
}

bool ole_open(struct slice octets, struct ole *ret)
{
    struct ole o = {.octets = octets};

    if (octets.n < 2 * HEADER_OCTETS ||
        memcmp(octets.p, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) != 0) {
        return false;
    }
    o.shift = le(octets.p + 30, 2);
    if (o.shift != 9 && o.shift != 12) {
        return false;
    }
    o.directory = le(octets.p + 48, 4);
    o.fat = octets.p + 76;
    o.small_fat = le(octets.p + 60, 4);
    o.sectors = (uint32_t)((octets.n >> o.shift) < LAST_SECTOR ? octets.n >> o.shift : 0);
    find_difat(&o, le(octets.p + 68, 4));
    const char *root = sector(&o, o.directory); /* the first entry */
    o.small = root ? le(root + 116, 4) : LAST_SECTOR;
    *ret = o;
    return true;
}

/* The sector behind that one in its chain; where the FAT does not say, the next in the file. */
static uint32_t next_sector(const struct ole *o, uint32_t number)
{
    const uint32_t per = numbers_in_sector(o);
    const char *fat = fat_sector(o, number / per);

    return fat ? le(fat + (number % per) * 4, 4) : number + 1;
}

static void read_entry(const char *p, unsigned shift, struct ole_entry *ret)
{
    size_t n = le(p + 64, 2) / 2;

    *ret = (struct ole_entry){.kind = (uint8_t)p[66], .class_id = p + 80};
    for (size_t i = 0; i + 1 < n && i < OLE_NAME_MOST - 1; i++) {
        uint32_t c = le(p + 2 * i, 2);
        ret->name[i] = c < 0x80 ? (char)c : '?';
    }
    ret->first = le(p + 116, 4);
    ret->size = le(p + 120, 4) | (shift == 12 ? (uint64_t)le(p + 124, 4) << 32 : 0);
}

void ole_each(const struct ole *o, bool (*fn)(void *arg, const struct ole_entry *e), void *arg)
{
    uint32_t number = o->directory;

    /* No chain is longer than there are sectors, unless it is a ring. */
    for (uint32_t i = 0; i < o->sectors; i++) {
        const char *p = sector(o, number);
        if (!p) {
            return;
        }
        for (size_t at = 0; at < (1u << o->shift); at += ENTRY_OCTETS) {
            struct ole_entry e;
            read_entry(p + at, o->shift, &e);
            if (e.kind != 0 && !fn(arg, &e)) {
                return;
            }
        }
        number = next_sector(o, number);
    }
}

/* The n-th sector of a chain; NULL beyond its end. */
static const char *sector_of_chain(const struct ole *o, uint32_t first, uint64_t n)
{
    uint32_t number = first;

    for (uint64_t i = 0; i < n; i++) {
        if (i >= o->sectors || number >= o->sectors) {
            return NULL;
        }
        number = next_sector(o, number);
    }
    return sector(o, number);
}

static void read_small(const struct ole *o, const struct ole_entry *e, size_t most, struct buf *ret)
{
    uint32_t number = e->first, per = numbers_in_sector(o);

    while (most > 0) {
        const uint64_t at = (uint64_t)number * PIECE;
        const char *p = sector_of_chain(o, o->small, at >> o->shift);
        const char *fat = sector_of_chain(o, o->small_fat, number / per);
        size_t n = most < PIECE ? most : PIECE;
        if (!p) {
            return;
        }
        buf_append(ret, p + (at & ((1u << o->shift) - 1)), n);
        most -= n;
        number = fat ? le(fat + (number % per) * 4, 4) : number + 1;
    }
}

void ole_read(const struct ole *o, const struct ole_entry *e, size_t most, struct buf *ret)
{
    uint32_t number = e->first;

    most = most < e->size ? most : (size_t)e->size;
    if (e->size < SMALL) {
        read_small(o, e, most, ret);
        return;
    }
    for (uint32_t i = 0; i < o->sectors && most > 0; i++) {
        const char *p = sector(o, number);
        size_t n = most < (1u << o->shift) ? most : (size_t)1 << o->shift;
        if (!p) {
            return;
        }
        buf_append(ret, p, n);
        most -= n;
        number = next_sector(o, number);
    }
}
