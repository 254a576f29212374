/* See inspect/zip_list.h. */
#include "inspect/zip_list.h"

#include <stdlib.h>

#include "inspect/name.h"

static uint32_t le(struct slice s, size_t at, size_t n)
{
    uint32_t value = 0;

    for (size_t i = n; i-- > 0;) {
        value = value << 8 | (uint8_t)s.p[at + i];
    }
    return value;
}

/* ---- the central directory ---- */

struct member {
    uint64_t begin; /* of its local header */
    uint64_t end;   /* of its octets at least */
};

struct list {
    struct inspect_run *run;
    struct slice zip;
    struct zip_facts *facts;
    struct member *members;
    size_t count;
    size_t first; /* octets in front of the archive, which offsets do not count */
};

#define END_OCTETS     22
#define ENTRY_OCTETS   46
#define LOCAL_OCTETS   30
#define COMMENT_OCTETS 65535

/* The last "end of central directory" whose place is possible. */
static bool find_end(struct slice zip, size_t *ret)
{
    size_t lowest = zip.n > END_OCTETS + COMMENT_OCTETS ? zip.n - END_OCTETS - COMMENT_OCTETS : 0;

    if (zip.n < END_OCTETS) {
        return false;
    }
    for (size_t at = zip.n - END_OCTETS + 1; at-- > lowest;) {
        if (zip.p[at] == 'P' && memcmp(zip.p + at, "PK\x05\x06", 4) == 0) {
            *ret = at;
            return true;
        }
    }
    return false;
}

/* Octets of a member behind its local header's beginning, by the central directory's word. */
static uint64_t member_end(const struct list *l, uint64_t begin, uint32_t packed)
{
    struct slice zip = l->zip;

    if (begin > zip.n || zip.n - begin < LOCAL_OCTETS ||
        memcmp(zip.p + begin, "PK\x03\x04", 4) != 0) {
        return begin;
    }
    return begin + LOCAL_OCTETS + le(zip, begin + 26, 2) + le(zip, begin + 28, 2) + packed;
}

/* What kind of document has a member of that name. */
static void note_name(struct list *l, struct slice name, size_t index)
{
    static const struct {
        const char *begin;
        const char *type;
    } kinds[] = {
        {"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        {"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    };
    struct slice rest;

    if (slice_eq(name, SLICE_LIT("[Content_Types].xml"))) {
        l->facts->document = true;
    } else if (index == 0 && slice_eq(name, SLICE_LIT("mimetype"))) {
        l->facts->document = true;
        l->facts->type = "application/vnd.oasis.opendocument";
    } else if (slice_prefix(name, "META-INF/MANIFEST.MF", &rest)) {
        l->facts->type = "application/java-archive";
    }
    for (size_t i = 0; l->facts->document && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (slice_prefix(name, kinds[i].begin, &rest)) {
            l->facts->type = kinds[i].type;
        }
    }
}

static void read_directory(struct list *l, size_t at, size_t end, size_t most)
{
    struct slice zip = l->zip;

    l->members = arena_alloc(&l->run->scratch, (most + 1) * sizeof(*l->members));
    while (l->count < most && at + ENTRY_OCTETS <= end &&
           memcmp(zip.p + at, "PK\x01\x02", 4) == 0) {
        size_t name = le(zip, at + 28, 2), extra = le(zip, at + 30, 2);
        size_t comment = le(zip, at + 32, 2);
        uint64_t begin = l->first + le(zip, at + 42, 4);
        if (name > end - at - ENTRY_OCTETS) {
            break;
        }
        l->facts->encrypted |= (le(zip, at + 8, 2) & 1) != 0;
        note_name(l, (struct slice){zip.p + at + ENTRY_OCTETS, name}, l->count);
        l->members[l->count++] = (struct member){begin, member_end(l, begin, le(zip, at + 20, 4))};
        at += ENTRY_OCTETS + name + extra + comment;
    }
}

/* ---- both against each other ---- */

static int by_begin(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static void check_overlap(struct list *l)
{
    uint64_t end = 0;

    if (l->count > 1) {
        qsort(l->members, l->count, sizeof(*l->members), by_begin);
    }
    for (size_t i = 0; i < l->count; i++) {
        if (i > 0 &&
            (l->members[i].begin < end || l->members[i].begin == l->members[i - 1].begin)) {
            l->facts->overlap = true;
        }
        end = l->members[i].end > end ? l->members[i].end : end;
    }
}

static bool is_listed(const struct list *l, uint64_t begin)
{
    struct member key = {.begin = begin};

    return l->count > 0 &&
           bsearch(&key, l->members, l->count, sizeof(*l->members), by_begin) != NULL;
}

/* Follows the local headers from the first one on, as far as they say how long their members are.
 */
static void check_local(struct list *l, size_t end, size_t most)
{
    struct slice zip = l->zip;
    size_t at = l->first;

    for (size_t i = 0; i < most && at + LOCAL_OCTETS <= end; i++) {
        size_t name = le(zip, at + 26, 2), extra = le(zip, at + 28, 2);
        uint32_t packed = le(zip, at + 18, 4), flags = le(zip, at + 6, 2);
        if (memcmp(zip.p + at, "PK\x03\x04", 4) != 0 || name > zip.n - at - LOCAL_OCTETS) {
            return;
        }
        l->facts->encrypted |= (flags & 1) != 0;
        if (!is_listed(l, at)) {
            l->facts->overlap = true;
            file_name(l->run, (struct slice){zip.p + at + LOCAL_OCTETS, name});
        }
        if ((flags & 8) != 0 && packed == 0) {
            return;
        }
        if (packed > zip.n || at + LOCAL_OCTETS + name + extra > zip.n - packed) {
            return;
        }
        at += LOCAL_OCTETS + name + extra + packed;
    }
}

void zip_list_read(struct inspect_run *run, struct slice zip, struct zip_facts *ret)
{
    struct list l = {.run = run, .zip = zip, .facts = ret};
    uint64_t left = run->request->limits.members - run->members;
    size_t end, octets, most, begin;

    *ret = (struct zip_facts){.type = "application/zip"};
    if (!find_end(zip, &end)) {
        check_local(&l, zip.n, left < zip.n / LOCAL_OCTETS ? (size_t)left : zip.n / LOCAL_OCTETS);
        return;
    }
    octets = le(zip, end + 12, 4);
    begin = le(zip, end + 16, 4);
    if (octets > end || begin > end - octets) {
        return; /* ZIP64, or broken */
    }
    l.first = end - octets - begin;
    most = octets / ENTRY_OCTETS < left ? octets / ENTRY_OCTETS : (size_t)left;
    read_directory(&l, end - octets, end, most);
    check_overlap(&l);
    check_local(&l, end - octets, most + 1);
}
