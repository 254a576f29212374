/* See parse/canonical.h. A body goes through in runs that stay as they are; what may yet be dropped
 * (line ends at the end of the body, white space at the end of a line) is held back as a count. */
#include "parse/canonical.h"

#include "parse/ascii.h"

/* Shorter runs are gathered in the stage: a hash takes few long pieces faster than many short. */
#define STAGED_MOST 128

/* So many octets at a time are looked at for something to change. */
#define WINDOW 64

/* Where there is something, it is done for so many octets. */
#define SQUEEZED_MOST 128

/* ---- header (3.4.1, 3.4.2) ---- */

struct relaxed_field {
    struct buf *to;
    bool in_value; /* behind the colon */
    bool blank;    /* white space that has not been written */
    bool begun;    /* something of the name or the value has been written */
};

/* The length of a line end at `p`, a fold's; 0: there is none. */
static size_t fold(const char *p, const char *end)
{
    return p < end && *p == '\n' ? 1 : end - p > 1 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

/* One octet of the name, or of the value all up to what may be white space. */
static size_t relax_word(struct relaxed_field *r, const char *p, const char *end)
{
    size_t n = 1;

    if (!r->in_value) {
        const char c = ascii_lower(*p);
        buf_append(r->to, &c, 1);
        return n;
    }
    while (end - p > (ptrdiff_t)n && (unsigned char)p[n] > ' ') {
        n++;
    }
    buf_append(r->to, p, n);
    return n;
}

static void relax(struct relaxed_field *r, struct slice part)
{
    const char *const end = part.p + part.n;

    for (const char *p = part.p; p < end;) {
        const size_t line_end = fold(p, end);
        if (line_end > 0 || ascii_is_blank(*p)) {
            p += line_end > 0 ? line_end : 1;
            r->blank |= line_end == 0;
            continue;
        }
        const bool colon = *p == ':' && !r->in_value;
        if (r->blank && r->begun && !colon) {
            buf_append(r->to, " ", 1);
        }
        p += relax_word(r, p, end);
        r->in_value |= colon;
        r->blank = false;
        r->begun = !colon;
    }
}

void canonical_field(struct buf *ret, enum canonical how, struct slice field, struct slice hole)
{
    struct relaxed_field r = {.to = ret};

    if (field.n == 0) {
        return;
    }
    const size_t before = hole.n > 0 ? (size_t)(hole.p - field.p) : field.n;
    const struct slice parts[2] = {
        {field.p, before},
        {field.p + before + hole.n, field.n - before - hole.n},
    };

    for (size_t i = 0; i < 2; i++) {
        if (how == CANONICAL_RELAXED) {
            relax(&r, parts[i]);
        } else {
            buf_append_slice(ret, parts[i]);
        }
    }
}

/* ---- body (3.4.3, 3.4.4) ---- */

void canonical_body_init(struct canonical_body *b, enum canonical how, uint64_t most,
                         canonical_sink *sink, void *arg)
{
    b->how = how;
    b->most = most;
    b->length = 0;
    b->sink = sink;
    b->arg = arg;
    b->line_ends = 0;
    b->blank = b->cr = false;
    b->staged = 0;
}

static void flush_stage(struct canonical_body *b)
{
    if (b->staged > 0) {
        b->sink(b->arg, b->stage, b->staged);
        b->staged = 0;
    }
}

/* Octets of the canonical body. */
static void hand_on(struct canonical_body *b, const char *p, size_t n)
{
    const uint64_t room = b->length < b->most ? b->most - b->length : 0;

    b->length += n;
    if (n > room) {
        n = (size_t)room;
    }
    if (n > sizeof(b->stage) - b->staged || n > STAGED_MOST) {
        flush_stage(b);
    }
    if (n > STAGED_MOST) {
        b->sink(b->arg, p, n);
    } else if (n > 0) {
        memcpy(b->stage + b->staged, p, n);
        b->staged = (uint16_t)(b->staged + n);
    }
}

/* Something stands behind what was held back, so that all of it counts. */
static void release(struct canonical_body *b)
{
    static const char lines[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
    const uint64_t most = (sizeof(lines) - 1) / 2;

    while (b->line_ends > 0 && b->length <= b->most) {
        const uint64_t n = b->line_ends < most ? b->line_ends : most;
        hand_on(b, lines, (size_t)n * 2);
        b->line_ends -= n;
    }
    b->line_ends = 0;
    if (b->blank) {
        hand_on(b, " ", 1);
        b->blank = false;
    }
    if (b->cr) {
        hand_on(b, "\r", 1);
        b->cr = false;
    }
}

/* Takes an octet that may have to be held back: false where it is one of the others. */
static bool hold_back(struct canonical_body *b, char c)
{
    if (b->cr && c == '\n') {
        b->cr = b->blank = false;
        b->line_ends++;
        return true;
    }
    if (b->cr) { /* stood alone */
        release(b);
    }
    if (c == '\r') {
        b->cr = true;
        return true;
    }
    if (b->how == CANONICAL_RELAXED && ascii_is_blank(c)) {
        b->blank = true;
        return true;
    }
    return false;
}

/* Octets at `p` that stay as they are, whatever follows: the first is none to be held back. */
static size_t simple_run(const char *p, const char *end)
{
    const char *to = end;

    if (to[-1] == '\r') {
        to--;
    }
    while (to - p >= 2 && to[-2] == '\r' && to[-1] == '\n') {
        to -= 2;
    }
    return (size_t)(to - p);
}

/* Is there nothing to change in the WINDOW octets at `p`, whatever is in front of them? The octet
 * behind them is looked at. Written for the compiler to do all of them at once. */
static bool is_clean(const char *p)
{
    unsigned char dirty = 0;

    for (size_t i = 0; i < WINDOW; i++) {
        const char c = p[i], next = p[i + 1];
        dirty |= (unsigned char)((c == '\t') |
                                 ((c == ' ') & ((next == ' ') | (next == '\t') | (next == '\r'))));
    }
    return dirty == 0;
}

/* Octets at the front that are clean, as windows go; 0: the first window is not. */
static size_t clean_run(const char *p, const char *end)
{
    const char *to = p;

    while (end - to > WINDOW && is_clean(to)) {
        to += WINDOW;
    }
    return to > p ? simple_run(p, to) : 0;
}

/* Hands on what some octets are in the relaxed form, and returns how many they were. The first is
 * none to be held back; they end with the last that is none. Blanks are taken out without a branch
 * for each, which no processor could foresee. */
static size_t squeeze(struct canonical_body *b, const char *p, const char *end)
{
    const char *to = end - p > SQUEEZED_MOST ? p + SQUEEZED_MOST : end;
    char out[SQUEEZED_MOST];
    size_t n = 0;
    bool was_blank = false;

    while (to - p > 1 && (unsigned char)to[-1] <= ' ') {
        to--;
    }
    for (const char *at = p; at < to; at++) {
        const bool blank = (*at == ' ') | (*at == '\t');
        if (*at == '\r' && was_blank && at[1] == '\n') {
            n--; /* the blank in front of a line end */
        }
        out[n] = blank ? ' ' : *at;
        n += !(blank & was_blank);
        was_blank = blank;
    }
    hand_on(b, out, n);
    return (size_t)(to - p);
}

static size_t take_relaxed(struct canonical_body *b, const char *p, const char *end)
{
    const size_t n = clean_run(p, end);

    if (n == 0) {
        return squeeze(b, p, end);
    }
    hand_on(b, p, n);
    return n;
}

static size_t take_simple(struct canonical_body *b, const char *p, const char *end)
{
    const size_t n = simple_run(p, end);

    hand_on(b, p, n);
    return n;
}

void canonical_body_feed(struct canonical_body *b, const char *p, size_t n)
{
    const char *const end = p + n;

    while (p < end && b->length <= b->most) {
        if (hold_back(b, *p)) {
            p++;
            continue;
        }
        release(b);
        p += b->how == CANONICAL_RELAXED ? take_relaxed(b, p, end) : take_simple(b, p, end);
    }
}

void canonical_body_end(struct canonical_body *b)
{
    if (b->cr) {
        release(b);
    }
    if (b->how == CANONICAL_SIMPLE || b->length > 0) {
        hand_on(b, "\r\n", 2);
    }
    flush_stage(b);
}
