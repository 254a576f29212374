/* See inspect/mime_head.h. */
#include "inspect/mime_head.h"

#include "inspect/anomaly.h"
#include "parse/ascii.h"
#include "parse/header_fields.h"
#include "parse/utf8.h"

static void odd_octets(struct inspect_run *run, struct slice raw)
{
    if (raw.n == 0) {
        return;
    }
    if (memchr(raw.p, '\0', raw.n)) {
        inspect_odd(run, ANOMALY_HEADER_NUL);
    }
    for (size_t i = 0; i < raw.n;) {
        if ((uint8_t)raw.p[i] < 0x80) {
            i++;
            continue;
        }
        uint32_t c;
        size_t n = utf8_take(raw.p + i, raw.n - i, &c);
        if (n == 0) {
            inspect_odd(run, ANOMALY_HEADER_8BIT);
            return;
        }
        i += n;
    }
}

/* The list that a field belongs to; NULL for one that is none of MIME's. */
static struct mime_same *list_of(struct mime_head *h, struct slice name)
{
    if (name.n < 12 || ascii_lower(name.p[0]) != 'c') {
        return NULL;
    }
    if (slice_eq_nocase(name, SLICE_LIT("content-type"))) {
        return &h->types;
    }
    if (slice_eq_nocase(name, SLICE_LIT("content-transfer-encoding"))) {
        return &h->encodings;
    }
    return slice_eq_nocase(name, SLICE_LIT("content-disposition")) ? &h->dispositions : NULL;
}

static void take(struct inspect_run *run, struct mime_head *h, const struct header_field *f)
{
    struct mime_same *list = list_of(h, f->name);

    h->version |= slice_eq_nocase(f->name, SLICE_LIT("mime-version"));
    if (!list) {
        return;
    }
    if (f->name.p + f->name.n + 1 != f->body.p) {
        inspect_odd(run, ANOMALY_HEADER_SPACE_COLON);
    }
    if (list->count < MIME_SAME_MOST) {
        list->bodies[list->count++] = f->body;
    }
}

/* Several of a name: do they say the same? */
static void compare(struct inspect_run *run, const struct mime_same *list, enum anomaly differ)
{
    for (size_t i = 1; i < list->count; i++) {
        bool same = slice_eq_nocase(list->bodies[0], list->bodies[i]);
        inspect_odd(run, same ? ANOMALY_FIELD_REPEATED : differ);
    }
}

void mime_head_read(struct inspect_run *run, struct slice raw, bool top, struct mime_head *ret)
{
    struct slice rest = raw;
    struct header_field f;
    bool broken = false;
    uint64_t fields = 0;

    *ret = (struct mime_head){.raw = raw, .top = top};
    odd_octets(run, raw);
    while (header_next(&rest, &f)) {
        if (++fields > run->request->limits.fields) {
            inspect_reached(run, LIMIT_FIELDS);
            break;
        }
        if (f.name.n == 0 && !(fields == 1 && slice_prefix(f.body, "From ", &f.name))) {
            inspect_odd(run, ANOMALY_HEADER_NO_FIELD);
            broken = true;
        } else if (f.name.n > 0) {
            size_t before = ret->types.count + ret->encodings.count + ret->dispositions.count;
            take(run, ret, &f);
            if (broken &&
                ret->types.count + ret->encodings.count + ret->dispositions.count > before) {
                inspect_odd(run, ANOMALY_HEADER_BROKEN);
            }
        }
    }
    compare(run, &ret->types, ANOMALY_TYPE_REPEATED);
    compare(run, &ret->encodings, ANOMALY_ENCODING_REPEATED);
    compare(run, &ret->dispositions, ANOMALY_DISPOSITION_REPEATED);
    if (top && ret->types.count > 0 && !ret->version) {
        inspect_odd(run, ANOMALY_VERSION_MISSING);
    }
}
