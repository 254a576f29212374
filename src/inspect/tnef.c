/* See inspect/tnef.h.
 *
 *     file      = signature (4) key (2) *attribute
 *     attribute = level (1) id (2) type (2) length (4) octets checksum (2)
 *
 * all little-endian. A file is what stands between one attAttachRendData and the next. */
#include "inspect/tnef.h"

#include <stdint.h>

#define ATTRIBUTE_HEAD    9
#define ATTACH_TITLE      0x8010
#define ATTACH_DATA       0x800f
#define ATTACH_REND_DATA  0x9002
#define ATTACH_PROPERTIES 0x9005
#define TAG_LONG_FILENAME 0x3707
#define TYPE_STRING       0x001e
#define TYPE_UNICODE      0x001f

static uint32_t le(const char *p, size_t n)
{
    uint32_t value = 0;

    while (n-- > 0) {
        value = value << 8 | (uint8_t)p[n];
    }
    return value;
}

bool tnef_open(struct slice octets, struct tnef *ret)
{
    if (octets.n < 6 || memcmp(octets.p, "\x78\x9f\x3e\x22", 4) != 0) {
        return false;
    }
    *ret = (struct tnef){.rest = {octets.p + 6, octets.n - 6}};
    return true;
}

struct attribute {
    uint32_t id;
    struct slice octets;
};

static bool peek(struct tnef *t, struct attribute *ret)
{
    uint32_t n;

    if (t->rest.n == 0) {
        return false;
    }
    if (t->rest.n < ATTRIBUTE_HEAD) {
        t->broken = true;
        return false;
    }
    n = le(t->rest.p + 5, 4);
    if (n > t->rest.n - ATTRIBUTE_HEAD) {
        t->broken = true;
        return false;
    }
    *ret = (struct attribute){le(t->rest.p + 1, 2), {t->rest.p + ATTRIBUTE_HEAD, n}};
    return true;
}

static void skip(struct tnef *t, const struct attribute *a)
{
    size_t n = ATTRIBUTE_HEAD + a->octets.n + 2;

    n = n < t->rest.n ? n : t->rest.n;
    t->rest = (struct slice){t->rest.p + n, t->rest.n - n};
}

static struct slice without_nul(struct slice s)
{
    while (s.n > 0 && s.p[s.n - 1] == '\0') {
        s.n--;
    }
    return s;
}

/* PidTagAttachLongFilename among the properties: they have many types and lengths, so its tag is
 * looked for. Behind it: how many values (4), length (4), octets. */
static void long_name(struct slice p, struct tnef_file *f)
{
    for (size_t at = 0; at + 12 <= p.n; at += 4) {
        uint32_t type = le(p.p + at, 2), n = le(p.p + at + 8, 4);
        if (le(p.p + at + 2, 2) != TAG_LONG_FILENAME || n > p.n - at - 12 ||
            (type != TYPE_STRING && type != TYPE_UNICODE)) {
            continue;
        }
        f->wide = type == TYPE_UNICODE;
        f->name = (struct slice){p.p + at + 12, f->wide ? n & ~1U : n};
        if (!f->wide) {
            f->name = without_nul(f->name);
        } else if (f->name.n >= 2) {
            f->name.n -= 2;
        }
        return;
    }
}

bool tnef_next(struct tnef *t, struct tnef_file *ret)
{
    struct tnef_file f = {{"", 0}, {"", 0}, false, {"", 0}};
    struct attribute a;
    bool any = false;

    while (peek(t, &a)) {
        if (a.id == ATTACH_REND_DATA && any) {
            break;
        }
        skip(t, &a);
        any |= a.id == ATTACH_REND_DATA || a.id == ATTACH_DATA || a.id == ATTACH_TITLE;
        if (a.id == ATTACH_TITLE) {
            f.title = without_nul(a.octets);
        } else if (a.id == ATTACH_DATA) {
            f.octets = a.octets;
        } else if (a.id == ATTACH_PROPERTIES) {
            long_name(a.octets, &f);
        }
    }
    if (any) {
        *ret = f;
    }
    return any;
}
