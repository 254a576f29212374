/* See fact/other_side.h. */
#include "fact/other_side.h"

#include <errno.h>

#include "fact/sender_checks.h"

/* What one of the names is worth. */
struct standing {
    bool proven;
    bool returned;
    double merit; /* good mail less bad */
    usec_t first;
};

/* Is it no worse? Of two that are alike the later kind is the better name. */
static bool is_as_good(const struct standing *a, const struct standing *b)
{
    if (a->proven != b->proven) {
        return a->proven;
    }
    if (a->returned != b->returned) {
        return a->returned;
    }
    if (a->merit < b->merit || a->merit > b->merit) {
        return a->merit > b->merit;
    }
    return a->first <= b->first;
}

static void take(struct other_side *i, enum record_kind kind, struct slice name,
                 const struct record *r, const struct standing *s)
{
    i->kind = kind;
    i->name = name;
    i->first = r->first;
    i->good = record_good(r);
    i->bad = record_bad(r);
    i->proven = s->proven;
    memcpy(i->rate, r->rate, sizeof i->rate);
}

static int choose(const struct evidence *e, const struct names *n, struct other_side *ret)
{
    const struct record_rules *rules = memory_rules(e->memory);
    struct other_side best = {0};
    struct standing best_standing = {0};

    for (size_t k = 0; k < n->count; k++) {
        struct record r;
        const int found = memory_find(e->memory, n->item[k].kind, n->item[k].name, e->wall, &r);
        if (found < 0) {
            return found;
        }
        if (found == 0) {
            continue;
        }
        const struct standing s = {record_is_proven(&r), record_has_returned(&r, rules, e->wall),
                                   record_good(&r) - record_bad(&r), r.first};
        best.returned = best.returned || s.returned;
        if (best.kind == 0 || is_as_good(&s, &best_standing)) {
            take(&best, n->item[k].kind, n->item[k].name, &r, &s);
            best_standing = s;
        }
    }
    *ret = best;
    return 0;
}

/* Where it is kept: of the envelope alone, or with the message; NULL: nowhere. */
static struct other_side **place_of(const struct evidence *e)
{
    if (e->checks == NULL) {
        return NULL;
    }
    return e->message == NULL ? &e->checks->envelope_identity : &e->checks->message_identity;
}

int other_side_find(const struct evidence *e, const struct other_side **ret)
{
    struct other_side **place = place_of(e);
    struct other_side found;
    struct names names;

    if (e->memory == NULL) {
        return -ENODATA;
    }
    if (place != NULL && *place != NULL) {
        *ret = *place;
        return 0;
    }
    int r = names_find(e, &names);
    r = r == 0 ? choose(e, &names, &found) : r;
    if (r < 0) {
        return r;
    }
    struct other_side *kept = arena_alloc(e->arena, sizeof(*kept));
    *kept = found;
    if (place != NULL) {
        *place = kept;
    }
    *ret = kept;
    return 0;
}
