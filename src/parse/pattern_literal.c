/* See parse/pattern_literal.h. A sequence of items needs each of them: the longest run of literal
 * characters is taken, or of a group in it the literals of all its alternatives. Whatever is not
 * understood for certain makes the whole pattern unknown (`bad`). */
#include "parse/pattern_literal.h"

#include <stdbool.h>

#include "parse/ascii.h"

struct reading {
    const char *at;
    const char *end;
    unsigned depth;
    bool bad;
};

/* Groups within each other; more is not understood. */
#define DEPTH_MOST 20

static void read_alternatives(struct reading *r, struct pattern_literals *ret);

static int peek(const struct reading *r)
{
    return r->at < r->end ? (unsigned char)*r->at : -1;
}

static bool skip(struct reading *r, const char *text)
{
    const size_t n = strlen(text);

    if ((size_t)(r->end - r->at) < n || memcmp(r->at, text, n) != 0) {
        return false;
    }
    r->at += n;
    return true;
}

static bool is_one_of(int c, const char *these)
{
    return c > 0 && strchr(these, c) != NULL;
}

/* ---- which of two is better ---- */

static size_t shortest(const struct pattern_literals *l)
{
    size_t least = l->count > 0 ? PATTERN_LITERAL_MOST : 0;

    for (size_t i = 0; i < l->count; i++) {
        least = l->of[i].n < least ? l->of[i].n : least;
    }
    return least;
}

static void take_better(struct pattern_literals *best, const struct pattern_literals *other)
{
    const size_t have = shortest(best);
    const size_t offered = shortest(other);

    if (offered > have || (offered == have && other->count < best->count)) {
        *best = *other;
    }
}

/* The run of literal characters is over. */
static void end_run(struct pattern_literal *run, struct pattern_literals *best)
{
    if (run->n >= PATTERN_LITERAL_LEAST) {
        struct pattern_literals one = {.count = 1};
        one.of[0] = *run;
        take_better(best, &one);
    }
    run->n = 0;
}

/* ---- items ---- */

/* A quantifier behind the item, if there is one; true where the item may be missing. Of "{…}" that
 * is always said. */
static bool take_quantifier(struct reading *r, bool *ret_any)
{
    const int c = peek(r);
    bool missing = false;

    *ret_any = is_one_of(c, "?*+{");
    if (!*ret_any) {
        return false;
    }
    r->at++;
    missing = c != '+';
    if (c == '{') {
        while (is_one_of(peek(r), "0123456789, ")) {
            r->at++;
        }
        r->bad = r->bad || !skip(r, "}"); /* it is a brace perhaps */
    }
    if (is_one_of(peek(r), "?+")) { /* lazy, possessive */
        r->at++;
    }
    return missing;
}

/* Behind a backslash. A character that stands for itself is returned, or -1. */
static int read_escape(struct reading *r)
{
    const int c = peek(r);

    if (c == -1 || c >= 0x80) {
        r->bad = true;
        return -1;
    }
    r->at++;
    if (!ascii_is_let_dig(c)) {
        return c;
    }
    if (ascii_is_digit(c) && c != '0') { /* a reference to a group */
        while (ascii_is_digit(peek(r))) {
            r->at++;
        }
    } else if (!is_one_of(c, "bBsSdDwWhHvVRAzZGXKnrtfea")) {
        r->bad = true;
    }
    return -1;
}

/* From behind "[" to behind "]". */
static void skip_class(struct reading *r)
{
    (void)skip(r, "^");
    (void)skip(r, "]");
    while (r->at < r->end && *r->at != ']') {
        if (skip(r, "[:")) {
            while (ascii_is_let_dig(peek(r)) || is_one_of(peek(r), "^<>")) {
                r->at++;
            }
            r->bad = r->bad || !skip(r, ":]");
        } else if (skip(r, "\\")) {
            const int c = peek(r);
            r->bad = r->bad || c == 'Q' || c == 'E' || c == -1;
            r->at += c != -1;
        } else {
            r->at++;
        }
    }
    r->bad = r->bad || !skip(r, "]");
}

/* "(?i)", "(?s-i:": true when a group follows. */
static bool take_options(struct reading *r, bool *ret_group)
{
    while (is_one_of(peek(r), "ims-^")) {
        r->at++;
    }
    *ret_group = skip(r, ":");
    return *ret_group || skip(r, ")");
}

/* From behind "(" to behind ")"; *ret: what one of its alternatives needs, or none. */
static void read_group(struct reading *r, struct pattern_literals *ret)
{
    bool group = true;
    bool needed = true; /* is what it says in the text, where it matches? */

    ret->count = 0;
    if (++r->depth > DEPTH_MOST || peek(r) == '*') {
        r->bad = true;
        return;
    }
    if (skip(r, "?")) {
        if (skip(r, "=") || skip(r, "!") || skip(r, "<=") || skip(r, "<!")) {
            needed = false;
        } else if (!skip(r, ">") && !take_options(r, &group)) {
            r->bad = true;
            return;
        }
    }
    if (group) {
        read_alternatives(r, ret);
        r->bad = r->bad || !skip(r, ")");
    }
    if (!needed) {
        ret->count = 0;
    }
    r->depth--;
}

static void add_literal(struct pattern_literal *run, int c, struct pattern_literals *best)
{
    if (run->n == PATTERN_LITERAL_MOST) {
        end_run(run, best);
    }
    run->octets[run->n++] = ascii_lower((char)c);
}

/* One item that is no group, with its quantifier. */
static void read_item(struct reading *r, struct pattern_literal *run, struct pattern_literals *best)
{
    int c = (unsigned char)*r->at++;
    bool repeated;

    if (c == '\\') {
        c = read_escape(r);
    } else if (c == '[') {
        skip_class(r);
        c = -1;
    } else if (c == '^' || c == '$' || c == '.' || c >= 0x80) {
        c = -1;
    }
    if (c == -1) {
        end_run(run, best);
    } else {
        add_literal(run, c, best);
    }
    const bool missing = take_quantifier(r, &repeated);
    if (missing && c != -1) {
        run->n--;
    }
    if (repeated) {
        end_run(run, best);
    }
}

static void read_sequence(struct reading *r, struct pattern_literals *ret)
{
    struct pattern_literal run = {.n = 0};

    ret->count = 0;
    while (!r->bad && r->at < r->end && *r->at != '|' && *r->at != ')') {
        if (!skip(r, "(")) {
            read_item(r, &run, ret);
            continue;
        }
        struct pattern_literals group;
        bool repeated;
        end_run(&run, ret);
        read_group(r, &group);
        if (!take_quantifier(r, &repeated)) {
            take_better(ret, &group);
        }
    }
    end_run(&run, ret);
}

static void read_alternatives(struct reading *r, struct pattern_literals *ret)
{
    bool known = true;

    ret->count = 0;
    do {
        struct pattern_literals one;
        read_sequence(r, &one);
        known = known && one.count > 0 && ret->count + one.count <= PATTERN_LITERALS_MOST;
        for (size_t i = 0; known && i < one.count; i++) {
            ret->of[ret->count++] = one.of[i];
        }
    } while (!r->bad && skip(r, "|"));
    if (!known) {
        ret->count = 0;
    }
}

void pattern_literals_find(struct slice pattern, struct pattern_literals *ret)
{
    struct reading r = {pattern.p, pattern.p + pattern.n, 0, false};

    ret->count = 0;
    if (pattern.n == 0) {
        return;
    }
    read_alternatives(&r, ret);
    if (r.bad || r.at != r.end) {
        ret->count = 0;
    }
}
