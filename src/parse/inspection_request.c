/* See parse/inspection_request.h. */
#include "parse/inspection_request.h"

#include <errno.h>
#include <string.h>

#include "parse/field_octets.h"
#include "parse/pattern.h"

/* "GPI" and the version of what follows. */
#define MAGIC ((uint64_t)0x47504901)

/* The head, then twelve numbers of eight octets, then the digest. */
_Static_assert(INSPECTION_REQUEST_OCTETS == 4 + 4 + 12 * 8 + DIGEST_LEN, "as the head says");

void inspection_request_write(const struct inspection_request *r,
                              char ret[static INSPECTION_REQUEST_OCTETS])
{
    const struct inspection_limits *l = &r->limits;
    const uint64_t numbers[12] = {r->size,    (uint64_t)r->wall, l->depth,
                                  l->parts,   l->fields,         l->decoded,
                                  l->members, l->ratio,          (uint64_t)l->time};
    uint8_t *p = (uint8_t *)ret;

    octets_put(p, 4, MAGIC);
    octets_put(p + 4, 4, r->work);
    for (size_t i = 0; i < 12; i++) {
        octets_put(p + 8 + 8 * i, 8, numbers[i]);
    }
    memcpy(p + 8 + sizeof(numbers), r->rules.octets, DIGEST_LEN);
}

int inspection_request_read(struct slice octets, struct inspection_request *ret)
{
    struct octets_cursor c = {.left = octets};
    struct inspection_request r = {0};
    uint64_t numbers[12];

    if (octets.n != INSPECTION_REQUEST_OCTETS || octets_take(&c, 4) != MAGIC) {
        return -EBADMSG;
    }
    r.work = (uint32_t)octets_take(&c, 4);
    for (size_t i = 0; i < 12; i++) {
        numbers[i] = octets_take(&c, 8);
    }
    r.size = numbers[0];
    r.wall = (usec_t)numbers[1];
    r.limits = (struct inspection_limits){.depth = numbers[2],
                                          .parts = numbers[3],
                                          .fields = numbers[4],
                                          .decoded = numbers[5],
                                          .members = numbers[6],
                                          .ratio = numbers[7],
                                          .time = (usec_t)numbers[8]};
    memcpy(r.rules.octets, c.left.p, DIGEST_LEN);
    *ret = r;
    return 0;
}

/* ---- patterns: a count of groups; of each its place, a count of lines, and these ---- */

void pattern_groups_write(const struct pattern_group *groups, size_t count, struct buf *to)
{
    octets_add(to, 4, count);
    for (size_t i = 0; i < count; i++) {
        octets_add(to, 1, groups[i].place);
        octets_add(to, 4, groups[i].count);
        for (size_t k = 0; k < groups[i].count; k++) {
            octets_add(to, 1, groups[i].lines[k].caseless);
            octets_add_text(to, groups[i].lines[k].text);
        }
    }
}

/* A count of things that take so many octets at least; 0 and bad where there cannot be as many. */
static size_t take_count(struct octets_cursor *c, size_t most, size_t each)
{
    size_t count = (size_t)octets_take(c, 4);

    c->bad = c->bad || count > most || count * each > c->left.n;
    return c->bad ? 0 : count;
}

static void read_group(struct octets_cursor *c, struct arena *arena, size_t *lines_left,
                       struct pattern_group *ret)
{
    uint64_t place = octets_take(c, 1);
    size_t count = take_count(c, *lines_left, 5);
    struct pattern_line *lines = arena_alloc(arena, count * sizeof(*lines) + 1);

    for (size_t i = 0; i < count; i++) {
        lines[i].caseless = octets_take(c, 1) != 0;
        lines[i].text = octets_take_text(c);
        c->bad = c->bad || lines[i].text.n > PATTERN_LENGTH_LIMIT;
    }
    *lines_left -= count;
    c->bad = c->bad || place >= PATTERN_PLACES;
    *ret =
        (struct pattern_group){.place = (enum pattern_place)place, .lines = lines, .count = count};
}

int pattern_groups_read(struct slice octets, struct arena *arena, const struct pattern_group **ret,
                        size_t *ret_count)
{
    struct octets_cursor c = {.left = octets};
    size_t lines_left = PATTERN_LINES_MOST;
    size_t count = take_count(&c, PATTERN_GROUPS_MOST, 5);
    struct pattern_group *groups = arena_alloc(arena, count * sizeof(*groups) + 1);

    for (size_t i = 0; i < count; i++) {
        read_group(&c, arena, &lines_left, &groups[i]);
    }
    if (c.bad || c.left.n > 0) {
        return -EBADMSG;
    }
    *ret = groups;
    *ret_count = count;
    return 0;
}
