/* See parse/pattern_tree.h. Whatever is not understood for certain makes the whole pattern unknown
 * (`bad`): to take a pattern for more than it is would lose what it matches. */
#include "parse/pattern_tree.h"

#include <string.h>

#include "parse/ascii.h"

struct reading {
    const char *at;
    const char *end;
    struct arena *arena;
    unsigned depth;
    bool bad;
};

/* Groups within each other; more is not understood. */
#define DEPTH_MOST 20

static const struct pattern_sequence *read_alternatives(struct reading *r);

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

static void set_octet(struct pattern_piece *p, int c)
{
    p->kind = PATTERN_OCTET;
    p->n = 1;
    p->octets[0] = ascii_lower((char)c);
}

/* ---- quantifiers ---- */

/* "{2}", "{0,3}"; "{" has been taken. */
static void read_counts(struct reading *r, struct pattern_piece *p)
{
    p->missing = p->missing || !is_one_of(peek(r), "123456789");
    while (is_one_of(peek(r), "0123456789, ")) {
        r->at++;
    }
    r->bad = r->bad || !skip(r, "}"); /* it is a brace perhaps */
}

static bool take_quantifier(struct reading *r, struct pattern_piece *p)
{
    if (skip(r, "?")) {
        p->missing = true;
    } else if (skip(r, "*")) {
        p->missing = p->repeated = true;
    } else if (skip(r, "+")) {
        p->repeated = true;
    } else if (skip(r, "{")) {
        p->repeated = true;
        read_counts(r, p);
    } else {
        return false;
    }
    return true;
}

/* All that stand there: "?" and "+" behind another make it lazy or possessive, and "{3}" repeats
 * what was repeated. To read the latter as characters would demand them of each text. */
static void read_quantifiers(struct reading *r, struct pattern_piece *p)
{
    if (!take_quantifier(r, p)) {
        return;
    }
    do {
        if (!skip(r, "?")) {
            (void)skip(r, "+");
        }
    } while (!r->bad && take_quantifier(r, p));
}

/* ---- one character ---- */

static void read_escape(struct reading *r, struct pattern_piece *p)
{
    const int c = peek(r);

    r->bad = r->bad || c == -1 || c >= 0x80;
    if (r->bad) {
        return;
    }
    r->at++;
    if (!ascii_is_let_dig(c)) {
        set_octet(p, c);
    } else if (ascii_is_digit(c) && c != '0') { /* a reference to a group */
        while (ascii_is_digit(peek(r))) {
            r->at++;
        }
    } else if (is_one_of(c, "bBAzZK")) {
        p->kind = PATTERN_NOTHING;
    } else if (!is_one_of(c, "sSdDwWhHvVRXnrtfea")) {
        r->bad = true;
    }
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

/* False when there are too many. */
static bool add_octet(struct pattern_piece *p, int c)
{
    const char lower = ascii_lower((char)c);

    if (memchr(p->octets, lower, p->n) != NULL) {
        return true;
    }
    if (p->n == PATTERN_PIECE_OCTETS || c >= 0x80) {
        return false;
    }
    p->octets[p->n++] = lower;
    return true;
}

/* What stands between the brackets, if it is a few characters and ranges of them. */
static bool read_members(struct slice in, struct pattern_piece *p)
{
    const char *at = in.p;
    const char *const end = in.p + in.n;

    while (at < end) {
        int first = (unsigned char)*at++;
        if (first == '[' && at < end && is_one_of(*at, ":.=")) {
            return false;
        }
        if (first == '\\') {
            first = at < end ? (unsigned char)*at++ : -1;
            if (first == -1 || ascii_is_let_dig(first)) {
                return false;
            }
        }
        int last = first;
        if (end - at >= 2 && *at == '-') {
            last = (unsigned char)at[1];
            at += 2;
            if (last == '\\' || last == '[') {
                return false;
            }
        }
        for (int c = first; c <= last; c++) {
            if (!add_octet(p, c)) {
                return false;
            }
        }
    }
    return p->n > 0;
}

static void read_class(struct reading *r, struct pattern_piece *p)
{
    const char *begin = r->at;

    skip_class(r);
    if (r->bad || *begin == '^') {
        return;
    }
    const bool known = read_members((struct slice){begin, (size_t)(r->at - 1 - begin)}, p);
    p->kind = known ? PATTERN_OCTET : PATTERN_ANYTHING;
}

/* ---- groups ---- */

/* "(?i)", "(?s-i:": true when a group follows. */
static bool take_options(struct reading *r, bool *ret_group)
{
    while (is_one_of(peek(r), "ims-^")) {
        r->at++;
    }
    *ret_group = skip(r, ":");
    return *ret_group || skip(r, ")");
}

/* From behind "(" to behind ")". */
static void read_group(struct reading *r, struct pattern_piece *p)
{
    bool group = true;
    bool looks = false; /* does it only look at what is there? */

    if (++r->depth > DEPTH_MOST || peek(r) == '*') {
        r->bad = true;
        return;
    }
    if (skip(r, "?")) {
        looks = skip(r, "=") || skip(r, "!") || skip(r, "<=") || skip(r, "<!");
        if (!looks && !skip(r, ">") && !take_options(r, &group)) {
            r->bad = true;
            return;
        }
    }
    p->kind = PATTERN_NOTHING;
    if (group) {
        p->alternatives = read_alternatives(r);
        p->kind = looks ? PATTERN_NOTHING : PATTERN_GROUP;
        r->bad = r->bad || !skip(r, ")");
    }
    r->depth--;
}

static struct pattern_piece *read_piece(struct reading *r)
{
    struct pattern_piece *p = arena_zalloc(r->arena, sizeof(*p));
    const int c = (unsigned char)*r->at++;

    p->kind = PATTERN_ANYTHING;
    if (c == '(') {
        read_group(r, p);
    } else if (c == '[') {
        read_class(r, p);
    } else if (c == '\\') {
        read_escape(r, p);
    } else if (c == '^' || c == '$') {
        p->kind = PATTERN_NOTHING;
    } else if (c != '.' && c < 0x80) {
        set_octet(p, c);
    }
    read_quantifiers(r, p);
    return p;
}

static const struct pattern_sequence *read_alternatives(struct reading *r)
{
    struct pattern_sequence *first = NULL, **next = &first;

    do {
        struct pattern_sequence *s = arena_zalloc(r->arena, sizeof(*s));
        struct pattern_piece **end = &s->first;
        while (!r->bad && r->at < r->end && *r->at != '|' && *r->at != ')') {
            *end = read_piece(r);
            end = &(*end)->next;
        }
        *next = s;
        next = &s->next;
    } while (!r->bad && skip(r, "|"));
    return first;
}

const struct pattern_sequence *pattern_tree_read(struct slice pattern, struct arena *arena)
{
    struct reading r = {.arena = arena};

    if (pattern.n == 0) {
        return NULL;
    }
    r.at = pattern.p;
    r.end = pattern.p + pattern.n;
    const struct pattern_sequence *all = read_alternatives(&r);
    return r.bad || r.at != r.end ? NULL : all;
}
