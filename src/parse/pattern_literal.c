/* See parse/pattern_literal.h. What matches begin with is found first: with that a pattern need be
 * tried at a few places only. Else one of the literals that are somewhere in each match: a sequence
 * needs each of its pieces, and so the longest run of characters is taken, or of a group in it the
 * literals of all its alternatives. */
#include "parse/pattern_literal.h"

#include <string.h>

#include "parse/pattern_tree.h"

struct literals {
    struct pattern_literal *of;
    size_t count;
};

/* ---- what a match begins with ---- */

/* Strings as long as this are not made longer: that would only make more of them. */
#define BEGINNING_WANTED 6

struct beginning {
    struct pattern_literal literal;
    bool whole; /* what comes next stands right behind it */
};

/* All ways to begin. */
struct beginnings {
    struct beginning *of;
    size_t count;
};

static struct beginnings make_room(struct arena *arena, size_t count)
{
    return (struct beginnings){arena_alloc(arena, count * sizeof(struct beginning) + 1), 0};
}

/* Nothing is known. With room for one more. */
static struct beginnings one_empty(struct arena *arena, bool whole)
{
    struct beginnings b = make_room(arena, 2);

    b.of[b.count++] = (struct beginning){.whole = whole};
    return b;
}

static void close_all(struct beginnings *b)
{
    for (size_t i = 0; i < b->count; i++) {
        b->of[i].whole = false;
    }
}

static struct beginnings of_sequence(const struct pattern_sequence *s, struct arena *arena);

/* With room for one more. */
static struct beginnings of_alternatives(const struct pattern_sequence *s, struct arena *arena)
{
    struct beginnings all = make_room(arena, PATTERN_LITERALS_MOST + 1);

    for (; s != NULL; s = s->next) {
        const struct beginnings one = of_sequence(s, arena);
        if (all.count + one.count > PATTERN_LITERALS_MOST) {
            return one_empty(arena, false);
        }
        memcpy(all.of + all.count, one.of, one.count * sizeof(*one.of));
        all.count += one.count;
    }
    return all;
}

static struct beginnings of_octets(const struct pattern_piece *p, struct arena *arena)
{
    struct beginnings all = make_room(arena, (size_t)p->n + 1);

    for (size_t i = 0; i < p->n; i++) {
        all.of[all.count++] =
            (struct beginning){.literal = {.n = 1, .octets = {p->octets[i]}}, .whole = true};
    }
    return all;
}

static struct beginnings of_piece(const struct pattern_piece *p, struct arena *arena)
{
    if (p->kind == PATTERN_NOTHING || p->kind == PATTERN_ANYTHING) {
        return one_empty(arena, p->kind == PATTERN_NOTHING);
    }
    struct beginnings all =
        p->kind == PATTERN_GROUP ? of_alternatives(p->alternatives, arena) : of_octets(p, arena);
    if (p->repeated) {
        close_all(&all);
    }
    if (p->missing) {
        all.of[all.count++] = (struct beginning){.whole = true};
    }
    return all;
}

static bool wants_more(const struct beginnings *b)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->of[i].whole && b->of[i].literal.n < BEGINNING_WANTED) {
            return true;
        }
    }
    return false;
}

static struct beginning join(const struct beginning *a, const struct beginning *b)
{
    struct beginning r = *a;
    const size_t room = PATTERN_LITERAL_MOST - (size_t)a->literal.n;
    const size_t n = b->literal.n < room ? b->literal.n : room;

    memcpy(r.literal.octets + a->literal.n, b->literal.octets, n);
    r.literal.n = (uint8_t)(a->literal.n + n);
    r.whole = b->whole && n == b->literal.n;
    return r;
}

/* Each that is whole, with each of `more` behind it; false, and nothing is done, when those are too
 * many. */
static bool extend(struct beginnings *b, const struct beginnings *more, struct arena *arena)
{
    size_t whole = 0;

    for (size_t i = 0; i < b->count; i++) {
        whole += b->of[i].whole;
    }
    const size_t count = b->count - whole + whole * more->count;
    if (count > PATTERN_LITERALS_MOST) {
        return false;
    }
    struct beginnings all = make_room(arena, count);
    for (size_t i = 0; i < b->count; i++) {
        if (!b->of[i].whole) {
            all.of[all.count++] = b->of[i];
            continue;
        }
        for (size_t k = 0; k < more->count; k++) {
            all.of[all.count++] = join(&b->of[i], &more->of[k]);
        }
    }
    *b = all;
    return true;
}

static struct beginnings of_sequence(const struct pattern_sequence *s, struct arena *arena)
{
    struct beginnings all = one_empty(arena, true);

    for (const struct pattern_piece *p = s->first; p != NULL; p = p->next) {
        if (!wants_more(&all)) {
            close_all(&all);
            break;
        }
        const struct beginnings more = of_piece(p, arena);
        if (!extend(&all, &more, arena)) {
            close_all(&all);
            break;
        }
    }
    return all;
}

static struct literals find_beginnings(const struct pattern_sequence *s, struct arena *arena)
{
    const struct beginnings all = of_alternatives(s, arena);
    struct literals l = {arena_alloc(arena, all.count * sizeof(*l.of) + 1), 0};

    for (size_t i = 0; i < all.count; i++) {
        if (all.of[i].literal.n < PATTERN_LITERAL_LEAST) {
            return (struct literals){0};
        }
        l.of[l.count++] = all.of[i].literal;
    }
    return l;
}

/* ---- what is somewhere in a match ---- */

static struct literals needed_by_alternatives(const struct pattern_sequence *s,
                                              struct arena *arena);

static size_t shortest(const struct literals *l)
{
    size_t least = l->count > 0 ? PATTERN_LITERAL_MOST : 0;

    for (size_t i = 0; i < l->count; i++) {
        least = l->of[i].n < least ? l->of[i].n : least;
    }
    return least;
}

static void take_better(struct literals *best, const struct literals *other)
{
    const size_t have = shortest(best);
    const size_t offered = shortest(other);

    if (offered > have || (offered == have && other->count < best->count)) {
        *best = *other;
    }
}

/* The run of literal characters is over. */
static void end_run(struct pattern_literal *run, struct literals *best, struct arena *arena)
{
    if (run->n >= PATTERN_LITERAL_LEAST) {
        const struct literals one = {arena_alloc(arena, sizeof(*run)), 1};
        one.of[0] = *run;
        take_better(best, &one);
    }
    run->n = 0;
}

static bool is_one_octet(const struct pattern_piece *p)
{
    return p->kind == PATTERN_OCTET && p->n == 1 && !p->missing;
}

static struct literals needed_by_sequence(const struct pattern_sequence *s, struct arena *arena)
{
    struct pattern_literal run = {.n = 0};
    struct literals best = {0};

    for (const struct pattern_piece *p = s->first; p != NULL; p = p->next) {
        if (!is_one_octet(p) || run.n == PATTERN_LITERAL_MOST) {
            end_run(&run, &best, arena);
        }
        if (is_one_octet(p)) {
            run.octets[run.n++] = p->octets[0];
        } else if (p->kind == PATTERN_GROUP && !p->missing) {
            const struct literals group = needed_by_alternatives(p->alternatives, arena);
            take_better(&best, &group);
        }
        if (p->repeated) {
            end_run(&run, &best, arena);
        }
    }
    end_run(&run, &best, arena);
    return best;
}

/* None, unless each alternative has some. */
static struct literals needed_by_alternatives(const struct pattern_sequence *s, struct arena *arena)
{
    struct literals all = {arena_alloc(arena, PATTERN_LITERALS_MOST * sizeof(*all.of)), 0};

    for (; s != NULL; s = s->next) {
        const struct literals one = needed_by_sequence(s, arena);
        if (one.count == 0 || all.count + one.count > PATTERN_LITERALS_MOST) {
            return (struct literals){0};
        }
        memcpy(all.of + all.count, one.of, one.count * sizeof(*one.of));
        all.count += one.count;
    }
    return all;
}

void pattern_literals_find(struct slice pattern, struct arena *arena, struct pattern_literals *ret)
{
    const struct pattern_sequence *tree = pattern_tree_read(pattern, arena);
    struct literals found = {0};

    if (tree != NULL) {
        found = find_beginnings(tree, arena);
    }
    const bool begin = found.count > 0;
    if (tree != NULL && !begin) {
        found = needed_by_alternatives(tree, arena);
    }
    *ret = (struct pattern_literals){found.of, found.count, begin};
}
