/* See auth/signed_header.h. Names are searched for one after the other: a header has some forty
 * fields, and both they and the names of h= have a bound. */
#include "auth/signed_header.h"

#include "parse/header_fields.h"

/* FNV-1a; it saves comparisons and protects nothing. */
static uint32_t hash_of(struct slice name)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < name.n; i++) {
        const unsigned char c = (unsigned char)name.p[i];
        hash = (hash ^ (c >= 'A' && c <= 'Z' ? c | 0x20U : c)) * 16777619U;
    }
    return hash;
}

void signed_header_init(struct signed_header *h, struct slice text, struct arena *arena)
{
    struct slice rest = text;
    struct header_field field;
    size_t count = 0;

    *h = (struct signed_header){.round = 0};
    while (count <= SIGNED_FIELDS_MOST && header_next(&rest, &field)) {
        count++;
    }
    h->cut = count > SIGNED_FIELDS_MOST;
    count -= h->cut;
    h->fields = arena_alloc(arena, count * sizeof(h->fields[0]));
    for (rest = text; h->count < count && header_next(&rest, &field);) {
        const char *begin = field.name.n > 0 ? field.name.p : field.body.p;
        h->fields[h->count++] = (struct signed_field){
            .name = field.name,
            .body = field.body,
            .whole = {begin, (size_t)(field.body.p + field.body.n - begin)},
            .hash = hash_of(field.name),
        };
    }
}

void signed_header_begin(struct signed_header *h, size_t but)
{
    h->round++;
    h->fields[but].taken = h->round;
}

const struct signed_field *signed_header_take(struct signed_header *h, struct slice name)
{
    const uint32_t hash = hash_of(name);

    for (size_t i = h->count; i-- > 0;) {
        struct signed_field *f = &h->fields[i];
        if (f->hash == hash && f->taken != h->round && slice_eq_nocase(f->name, name) &&
            f->name.n > 0) {
            f->taken = h->round;
            return f;
        }
    }
    return NULL;
}
