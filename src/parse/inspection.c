/* See parse/inspection.h. In order: each finding as a head octet (bit 0: open), then a number of
 * eight octets, a text, or a count of four with so many texts; at the end a count of four and so
 * many numbers of four. A text is a length of four octets and that many. */
#include "parse/inspection.h"

#include <errno.h>
#include <string.h>

#include "parse/field_octets.h"

const struct finding_row finding_rows[FINDINGS] = {
#define FINDING(ident, kind, work) {FINDING_##kind, INSPECT_##work},
#include "tbl/findings.h"
#undef FINDING
};

/* ---- writing ---- */

static struct slice clipped(struct slice text)
{
    return text.n <= FINDING_OCTETS_MOST ? text : (struct slice){text.p, FINDING_OCTETS_MOST};
}

static void write_finding(const struct finding_row *row, const struct finding *f, struct buf *to)
{
    size_t count = f->count < FINDING_TEXTS_MOST ? f->count : FINDING_TEXTS_MOST;
    bool open = f->open || count < f->count;

    octets_add(to, 1, open);
    switch (row->kind) {
    case FINDING_FLAG:
    case FINDING_NUMBER: octets_add(to, 8, (uint64_t)f->number); break;
    case FINDING_TEXT: octets_add_text(to, clipped(f->text)); break;
    case FINDING_TEXTS:
        octets_add(to, 4, count);
        for (size_t i = 0; i < count; i++) {
            octets_add_text(to, clipped(f->texts[i]));
        }
        break;
    }
}

void inspection_write(const struct inspection *in, struct buf *to)
{
    for (size_t i = 0; i < FINDINGS; i++) {
        write_finding(&finding_rows[i], &in->of[i], to);
    }
    octets_add(to, 4, in->group_count);
    for (size_t i = 0; i < in->group_count; i++) {
        octets_add(to, 4, (uint32_t)in->groups[i]);
    }
}

/* ---- reading ---- */

static struct slice take_short(struct octets_cursor *c)
{
    struct slice text = octets_take_text(c);

    c->bad = c->bad || text.n > FINDING_OCTETS_MOST;
    return text;
}

static void read_texts(struct octets_cursor *c, struct arena *arena, struct finding *f)
{
    size_t count = (size_t)octets_take(c, 4);

    /* Each has a length at least: what cannot be there needs no memory either. */
    if (c->bad || count > FINDING_TEXTS_MOST || count * 4 > c->left.n) {
        c->bad = true;
        return;
    }
    struct slice *texts = arena_alloc(arena, count * sizeof(*texts) + 1);
    for (size_t i = 0; i < count; i++) {
        texts[i] = take_short(c);
    }
    f->texts = texts;
    f->count = count;
}

static void read_finding(struct octets_cursor *c, const struct finding_row *row,
                         struct arena *arena, struct finding *f)
{
    f->open = (octets_take(c, 1) & 1) != 0;
    switch (row->kind) {
    case FINDING_FLAG:
    case FINDING_NUMBER: f->number = (int64_t)octets_take(c, 8); break;
    case FINDING_TEXT: f->text = take_short(c); break;
    case FINDING_TEXTS: read_texts(c, arena, f); break;
    }
    c->bad = c->bad || (row->kind == FINDING_FLAG && (f->number & ~1LL) != 0);
}

int inspection_read(struct slice octets, size_t group_count, struct arena *arena,
                    struct inspection *ret)
{
    struct octets_cursor c = {.left = octets};
    struct inspection in = {.group_count = group_count};
    int32_t *groups = arena_alloc(arena, group_count * sizeof(*groups) + 1);

    for (size_t i = 0; i < FINDINGS; i++) {
        read_finding(&c, &finding_rows[i], arena, &in.of[i]);
    }
    c.bad = octets_take(&c, 4) != group_count || c.bad;
    for (size_t i = 0; i < group_count && !c.bad; i++) {
        groups[i] = (int32_t)octets_take(&c, 4);
        c.bad = c.bad || groups[i] < PATTERNS_OPEN;
    }
    if (c.bad || c.left.n > 0) {
        return -EBADMSG;
    }
    in.groups = groups;
    *ret = in;
    return 0;
}
