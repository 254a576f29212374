/* See inspect/mime_scan.h. */
#include "inspect/mime_scan.h"

#include "inspect/decode.h"
#include "parse/ascii.h"

/* ---- containers that are open ---- */

#define BOUNDARIES_MOST 8 /* of one multipart: from several fields and readings of them */

struct container {
    struct slice boundaries[BOUNDARIES_MOST];
    size_t count;
    struct slice first_line; /* of its body */
    enum mime_encoding encoding;
    bool message; /* an attached message: it ends with what is around it */
    bool digest;  /* parts without a type are messages (RFC 2046 5.1.5) */
    bool closed;
    size_t parts;
};

enum where { IN_LEAF, IN_PREAMBLE, IN_EPILOGUE };

struct scan {
    struct inspect_run *run;
    struct slice octets;
    size_t at; /* of the next line */
    struct container *stack;
    size_t depth;
    enum where where;
    struct mime_head head; /* of the leaf that is open */
    struct slice type;
    size_t start; /* of the text that is open: a leaf, preamble or epilogue */
};

/* ---- lines ---- */

struct line {
    size_t begin;
    size_t end;  /* of its text */
    size_t next; /* behind its line end */
};

static bool take_line(struct scan *s, struct line *ret)
{
    const char *p = s->octets.p + s->at, *lf;
    size_t left = s->octets.n - s->at;

    if (left == 0) {
        return false;
    }
    lf = memchr(p, '\n', left);
    ret->begin = s->at;
    ret->next = lf ? s->at + (size_t)(lf - p) + 1 : s->octets.n;
    ret->end = lf ? ret->next - 1 : ret->next;
    if (ret->end > ret->begin && s->octets.p[ret->end - 1] == '\r') {
        ret->end--;
    }
    s->at = ret->next;
    return true;
}

/* The line's text without blanks at its end. */
static struct slice text_of(const struct scan *s, const struct line *line)
{
    struct slice t = {s->octets.p + line->begin, line->end - line->begin};

    while (t.n > 0 && (ascii_is_blank(t.p[t.n - 1]) || t.p[t.n - 1] == '\r')) {
        t.n--;
    }
    return t;
}

/* ---- is a line a boundary, and whose? ---- */

enum match { MATCH_NONE, MATCH_PREFIX, MATCH_OPEN, MATCH_CLOSE };

static enum match match_one(struct slice text, struct slice boundary)
{
    struct slice rest;

    if (text.n < boundary.n + 2 || memcmp(text.p + 2, boundary.p, boundary.n) != 0) {
        return MATCH_NONE;
    }
    rest = (struct slice){text.p + 2 + boundary.n, text.n - 2 - boundary.n};
    if (rest.n == 0) {
        return MATCH_OPEN;
    }
    return slice_eq(rest, SLICE_LIT("--")) ? MATCH_CLOSE : MATCH_PREFIX;
}

/* The innermost container that the line is a boundary of; what is a boundary with more behind it is
 * one for some readers, unless it is exactly another's. */
static enum match match_line(struct scan *s, const struct line *line, size_t *ret_depth)
{
    const char *p = s->octets.p + line->begin;
    enum match best = MATCH_NONE;
    struct slice text;

    if (line->end - line->begin < 2 || p[0] != '-' || p[1] != '-' || s->depth == 0) {
        return MATCH_NONE;
    }
    text = text_of(s, line);
    s->run->compared += s->depth;
    for (size_t d = s->depth; d-- > 0;) {
        const struct container *c = &s->stack[d];
        for (size_t i = 0; i < c->count; i++) {
            enum match m = match_one(text, c->boundaries[i]);
            if (m > MATCH_PREFIX) {
                *ret_depth = d;
                return m;
            }
            best = m == MATCH_PREFIX ? m : best;
        }
    }
    return best;
}

/* ---- the end of what is open ---- */

/* Text up to a boundary does not have the line end in front of it (RFC 2046 5.1.1). */
static struct slice open_text(const struct scan *s, size_t end)
{
    struct slice t = {s->octets.p + s->start, end > s->start ? end - s->start : 0};

    if (end < s->octets.n || s->at < s->octets.n) {
        t.n -= t.n > 0 && t.p[t.n - 1] == '\n' ? 1 : 0;
        t.n -= t.n > 0 && t.p[t.n - 1] == '\r' ? 1 : 0;
    }
    return t;
}

static void end_text(struct scan *s, size_t end)
{
    struct slice text = open_text(s, end);

    if (s->where == IN_LEAF) {
        inspect_leaf(s->run, &s->head, s->type, text);
    } else {
        inspect_outside(s->run, text, s->where == IN_EPILOGUE);
    }
}

static void scan_octets(struct inspect_run *run, struct slice octets, const struct container *in);

/* A multipart or message that is encoded as a whole, which some undo. */
static void look_inside(struct scan *s, const struct container *c, size_t end)
{
    size_t begin = (size_t)(c->first_line.p - s->octets.p);
    struct decode_oddities odd = {0};
    struct slice body = {c->first_line.p, end > begin ? end - begin : 0};
    struct buf b = {0};

    inspect_odd(s->run, ANOMALY_MULTIPART_BASE64);
    mime_decode(c->encoding, body, inspect_may_decode(s->run, body.n), &b, &odd);
    scan_octets(s->run, buf_slice(&b), c);
    buf_free(&b);
}

/* Leaves containers from the innermost on, down to `depth`, at `end`. */
static void leave(struct scan *s, size_t depth, size_t end)
{
    while (s->depth > depth) {
        struct container *c = &s->stack[s->depth - 1];
        if (!c->message && c->count > 0 && c->parts == 0) {
            inspect_odd(s->run, c->closed ? ANOMALY_MULTIPART_EMPTY : ANOMALY_BOUNDARY_UNUSED);
        } else if (!c->message && !c->closed) {
            inspect_odd(s->run, ANOMALY_BOUNDARY_UNCLOSED);
        }
        if (c->encoding == ENCODING_BASE64 || c->encoding == ENCODING_QUOTED) {
            look_inside(s, c, end);
        }
        s->depth--;
        s->run->depth--;
    }
}

/* ---- the beginning of a part ---- */

/* Its header's end: the empty line, a boundary, or the end of all. A part whose first line is no
 * field has none. */
static struct slice take_header(struct scan *s, bool top)
{
    size_t begin = s->at, depth;
    struct line line;
    bool first = true;

    while (take_line(s, &line)) {
        struct slice text = {s->octets.p + line.begin, line.end - line.begin};
        if (text.n == 0) {
            return (struct slice){s->octets.p + begin, line.begin - begin};
        }
        if (match_line(s, &line, &depth) > MATCH_PREFIX) {
            inspect_odd(s->run, ANOMALY_HEADER_UNENDED);
            s->at = line.begin;
            break;
        }
        if (first && !top && !memchr(text.p, ':', text.n)) {
            inspect_odd(s->run, ANOMALY_HEADER_MISSING);
            s->at = line.begin;
            return (struct slice){s->octets.p + begin, 0};
        }
        if (ascii_is_blank(text.p[0]) && text_of(s, &line).n == 0) {
            inspect_odd(s->run, ANOMALY_HEADER_BLANK_LINE);
        }
        first = false;
    }
    if (s->at == s->octets.n) {
        inspect_odd(s->run, ANOMALY_HEADER_UNENDED);
    }
    return (struct slice){s->octets.p + begin, s->at - begin};
}

struct collect {
    struct scan *s;
    struct container *c;
    struct slice first;
};

static bool legal_boundary(struct slice b)
{
    for (size_t i = 0; i < b.n; i++) {
        if (!ascii_is_let_dig(b.p[i]) && !memchr("'()+_,-./:=? ", b.p[i], 13)) {
            return false;
        }
    }
    return b.p[b.n - 1] != ' ';
}

static void add_boundary(void *arg, struct slice value)
{
    struct collect *to = arg;
    struct container *c = to->c;

    while (value.n > 0 && ascii_is_blank(value.p[value.n - 1])) {
        value.n--;
    }
    if (value.n == 0) {
        inspect_odd(to->s->run, ANOMALY_BOUNDARY_EMPTY);
        return;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (slice_eq(c->boundaries[i], value)) {
            return;
        }
    }
    if (c->count > 0) {
        inspect_odd(to->s->run, ANOMALY_PARAMETER_REPEATED);
    }
    if (value.n > 70) {
        inspect_odd(to->s->run, ANOMALY_BOUNDARY_LONG);
    }
    if (!legal_boundary(value)) {
        inspect_odd(to->s->run, ANOMALY_BOUNDARY_ILLEGAL);
    }
    if (c->count < BOUNDARIES_MOST) {
        c->boundaries[c->count++] = value;
    }
}

static struct slice without_backslashes(struct inspect_run *run, struct slice s)
{
    char *out = arena_alloc(&run->scratch, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        i += s.p[i] == '\\' && i + 1 < s.n ? 1 : 0;
        out[n++] = s.p[i];
    }
    return (struct slice){out, n};
}

/* Other ways to read a boundary: up to the first blank, with its backslashes, and
 * without any. */
static void odd_boundaries(struct collect *to, struct slice body, const struct mime_value *v)
{
    bool is_quoted;
    struct slice first = mime_value_first(v, "boundary", &is_quoted);
    const char *blank = first.n > 0 && !is_quoted ? memchr(first.p, ' ', first.n) : NULL;
    const char *mark = memmem(body.p, body.n, "oundary", 7);

    if (blank) {
        add_boundary(to, (struct slice){first.p, (size_t)(blank - first.p)});
    }
    if (!mark || !memchr(mark, '\\', (size_t)(body.p + body.n - mark))) {
        return;
    }
    inspect_odd(to->s->run, ANOMALY_PARAMETER_BACKSLASH);
    const char *from = memchr(mark, '"', (size_t)(body.p + body.n - mark));
    const char *end = from ? memchr(from + 1, '"', (size_t)(body.p + body.n - from - 1)) : NULL;
    if (end) {
        struct slice raw = {from + 1, (size_t)(end - from - 1)};
        add_boundary(to, raw);
        add_boundary(to, without_backslashes(to->s->run, raw));
    }
}

static bool is_multipart(struct slice type)
{
    struct slice rest;

    return slice_prefix(type, "multipart/", &rest) || slice_eq(type, SLICE_LIT("multipart"));
}

static bool is_message(struct slice type)
{
    return slice_eq(type, SLICE_LIT("message/rfc822")) ||
           slice_eq(type, SLICE_LIT("message/global")) || slice_eq(type, SLICE_LIT("message/news"));
}

/* type "/" subtype, both tokens (RFC 2045 5.1) */
static bool legal_type(struct slice type)
{
    const char *slash = type.n > 0 ? memchr(type.p, '/', type.n) : NULL;

    if (!slash || slash == type.p || slash == type.p + type.n - 1) {
        return false;
    }
    for (size_t i = 0; i < type.n; i++) {
        uint8_t c = (uint8_t)type.p[i];
        if (c <= ' ' || c > '~' || (strchr("()<>@,;:\\\"/[]?=", c) && type.p + i != slash)) {
            return false;
        }
    }
    return true;
}

/* Which of several types is taken: a container, if one is, since what it has in it is looked at as
 * parts; else the first. Its boundaries go into `c`. */
static struct slice choose_type(struct scan *s, const struct mime_head *h, struct container *c)
{
    struct slice chosen = {"", 0};
    struct mime_value v;

    for (size_t i = 0; i < h->types.count; i++) {
        struct collect to = {.s = s, .c = c};
        mime_value_read(s->run, h->types.bodies[i], &v);
        if (v.token.n == 0) {
            inspect_odd(s->run, ANOMALY_TYPE_EMPTY);
        } else if (!legal_type(v.token)) {
            inspect_odd(s->run, ANOMALY_TYPE_ILLEGAL);
        }
        if (is_multipart(v.token)) {
            mime_value_each(s->run, &v, "boundary", add_boundary, &to);
            odd_boundaries(&to, h->types.bodies[i], &v);
            if (c->count == 0) {
                inspect_odd(s->run, ANOMALY_BOUNDARY_MISSING);
            }
        }
        if (i == 0 || (!is_multipart(chosen) && (is_multipart(v.token) || is_message(v.token)))) {
            chosen = v.token;
        }
    }
    return chosen;
}

/* The encoding of a container, which should be none. */
static enum mime_encoding container_encoding(struct scan *s, const struct mime_head *h)
{
    enum mime_encoding e = ENCODING_NONE;

    for (size_t i = 0; i < h->encodings.count; i++) {
        struct mime_value v;
        mime_value_read(s->run, h->encodings.bodies[i], &v);
        if (mime_encoding_of(v.token) != ENCODING_NONE) {
            inspect_odd(s->run, ANOMALY_MULTIPART_ENCODED);
            e = mime_encoding_of(v.token);
        }
    }
    return e;
}

static void same_boundary(struct scan *s, const struct container *c)
{
    for (size_t d = 0; d < s->depth; d++) {
        for (size_t i = 0; i < s->stack[d].count * c->count; i++) {
            if (slice_eq(s->stack[d].boundaries[i / c->count], c->boundaries[i % c->count])) {
                inspect_odd(s->run, ANOMALY_BOUNDARY_SAME);
            }
        }
    }
}

/* Where a leaf of the message itself begins, for the second reader. */
static void note_begin(struct scan *s)
{
    struct inspect_run *run = s->run;

    if (s->octets.p != run->message.p) {
        return;
    }
    if (!run->begins) {
        uint64_t most = run->request->limits.parts < run->message.n / 2 + 1
                            ? run->request->limits.parts
                            : run->message.n / 2 + 1;
        run->begins = arena_alloc(&run->scratch, (size_t)(most + 1) * sizeof(*run->begins));
    }
    run->begins[run->begin_count++] = s->at;
}

/* Opens what has that header; true when it is a message, whose header comes next. */
static bool open_part(struct scan *s, const struct mime_head *h, bool digest)
{
    struct container c = {.count = 0};
    struct slice type = choose_type(s, h, &c);

    if (type.n == 0) {
        type = digest ? SLICE_LIT("message/rfc822") : SLICE_LIT("text/plain");
    }
    inspect_add(s->run, FINDING_OF_MIME_TYPES, type);
    c.message = is_message(type);
    if (c.message || (is_multipart(type) && c.count > 0)) {
        if (s->run->depth >= s->run->request->limits.depth) {
            inspect_reached(s->run, LIMIT_DEPTH);
        } else {
            c.encoding = container_encoding(s, h);
            c.digest = slice_eq(type, SLICE_LIT("multipart/digest"));
            c.first_line = (struct slice){s->octets.p + s->at, 0};
            same_boundary(s, &c);
            inspect_container(s->run, h);
            s->stack[s->depth++] = c;
            s->run->depth++;
            s->run->deepest = s->run->depth > s->run->deepest ? s->run->depth : s->run->deepest;
            s->where = IN_PREAMBLE;
            s->start = s->at;
            return c.message;
        }
    }
    s->where = IN_LEAF;
    s->head = *h;
    s->type = type;
    s->start = s->at;
    note_begin(s);
    return false;
}

/* A part begins at s->at; an attached message begins one more. False: no more of them. */
static bool begin_part(struct scan *s, bool top, bool digest)
{
    struct mime_head h;

    for (;;) {
        if (s->run->parts >= s->run->request->limits.parts) {
            inspect_reached(s->run, LIMIT_PARTS);
            return false;
        }
        s->run->parts++;
        mime_head_read(s->run, take_header(s, top), top, &h);
        if (top && inspect_wants(s->run, INSPECT_HEADER | INSPECT_PARTS | INSPECT_PATTERNS)) {
            inspect_header(s->run, h.raw);
        }
        top = false;
        if (!open_part(s, &h, digest)) {
            return true;
        }
        digest = false;
    }
}

/* ---- the walk ---- */

static bool at_boundary(struct scan *s, const struct line *line, size_t depth, enum match m)
{
    struct container *c = &s->stack[depth];

    end_text(s, line->begin);
    for (size_t d = depth + 1; d < s->depth; d++) {
        if (!s->stack[d].message && !s->stack[d].closed && s->stack[d].parts > 0) {
            inspect_odd(s->run, ANOMALY_BOUNDARY_IN_MESSAGE);
        }
    }
    leave(s, depth + 1, line->begin);
    if (m == MATCH_CLOSE) {
        c->closed = true;
        s->where = IN_EPILOGUE;
        s->start = line->next;
        return true;
    }
    if (c->closed) {
        inspect_odd(s->run, ANOMALY_BOUNDARY_AFTER_END);
    }
    c->parts++;
    return begin_part(s, false, c->digest);
}

#define LINES_BETWEEN 4096 /* looks at the clock */

static void walk(struct scan *s)
{
    struct line line;
    size_t depth;

    for (unsigned count = 1; take_line(s, &line); count++) {
        enum match m = match_line(s, &line, &depth);
        if (m == MATCH_PREFIX) {
            inspect_odd(s->run, ANOMALY_BOUNDARY_PREFIX);
        } else if (m != MATCH_NONE && !at_boundary(s, &line, depth, m)) {
            s->depth = 0;
            return;
        }
        if (count % LINES_BETWEEN == 0 && inspect_late(s->run)) {
            break;
        }
    }
    end_text(s, s->at);
    leave(s, 0, s->at);
}

/* Scans what a container `in` had in it; NULL: a message, of which only inner ones have no depth.
 */
static void scan_octets(struct inspect_run *run, struct slice octets, const struct container *in)
{
    struct scan s = {.run = run, .octets = octets};
    uint64_t depth = run->depth;
    size_t room = (size_t)(run->request->limits.depth - depth) + 2;
    bool any = true;

    s.stack = arena_zalloc(&run->scratch, room * sizeof(*s.stack));
    if (in && !in->message) {
        s.stack[s.depth++] = *in;
        s.stack[0].encoding = ENCODING_NONE;
        s.where = IN_PREAMBLE;
        run->depth++;
    } else {
        any = begin_part(&s, !in && depth == 0, false);
    }
    if (any && inspect_wants(run, INSPECT_PARTS | INSPECT_TEXT | INSPECT_PATTERNS)) {
        walk(&s);
    }
    run->depth = depth;
}

void mime_scan(struct inspect_run *run, struct slice octets)
{
    scan_octets(run, octets, NULL);
}
