/* See inspect/mime_value.h. */
#include "inspect/mime_value.h"

#include "parse/ascii.h"

/* ---- taking it apart ---- */

struct reading {
    struct inspect_run *run;
    const char *at;
    const char *end;
    struct mime_value *value;
};

#define SPACE " \t\r\n"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Skips blanks and comments; comments are counted, not recursed into. */
static void skip_blank(struct reading *r)
{
    unsigned depth = 0;

    for (; r->at < r->end && (depth > 0 || is_space(*r->at) || *r->at == '('); r->at++) {
        if (*r->at == '(') {
            depth++;
            inspect_odd(r->run, ANOMALY_PARAMETER_COMMENT);
        } else if (*r->at == ')' && depth > 0) {
            depth--;
        } else if (*r->at == '\\' && depth > 0 && r->at + 1 < r->end) {
            r->at++;
        }
    }
}

/* A quoted string behind its first quote; line ends are left out, and backslashes in front of a
 * quote or a backslash. Others stay, because mailers write paths without quoting them. Without a
 * second quote it ends at the next ";". */
static struct slice quoted(struct reading *r)
{
    char *out = arena_alloc(&r->run->scratch, (size_t)(r->end - r->at) + 1);
    const char *start = r->at;
    size_t n = 0;

    for (; r->at < r->end && *r->at != '"'; r->at++) {
        if (*r->at == '\\' && r->at + 1 < r->end && (r->at[1] == '"' || r->at[1] == '\\')) {
            r->at++;
        }
        if (*r->at != '\r' && *r->at != '\n') {
            out[n++] = *r->at;
        }
    }
    if (r->at < r->end) {
        r->at++;
        return (struct slice){out, n};
    }
    inspect_odd(r->run, ANOMALY_PARAMETER_UNCLOSED);
    const char *semicolon = memchr(start, ';', (size_t)(r->end - start));
    r->at = semicolon ? semicolon : r->end;
    return slice_trim((struct slice){start, (size_t)(r->at - start)}, SPACE);
}

/* What stands up to ";", or up to "=" for a name, without a comment behind it. */
static struct slice bare(struct reading *r, bool name)
{
    const char *from = r->at;
    const char *comment = NULL;

    for (; r->at < r->end && *r->at != ';' && !(name && *r->at == '='); r->at++) {
        if (*r->at == '(' && !comment && r->at > from && is_space(r->at[-1])) {
            comment = r->at;
        }
    }
    return slice_trim((struct slice){from, (size_t)((comment ? comment : r->at) - from)}, SPACE);
}

/* NAME, NAME*, NAME*2, NAME*2* */
static void name_parameter(struct arena *arena, struct slice name, struct mime_parameter *p)
{
    const char *star = name.n > 0 ? memchr(name.p, '*', name.n) : NULL;
    size_t n = star ? (size_t)(star - name.p) : name.n;

    p->piece = -1;
    if (star) {
        struct slice rest = {star + 1, name.n - n - 1};
        p->encoded = rest.n == 0 || rest.p[rest.n - 1] == '*';
        for (size_t i = 0; i < rest.n && i < 4 && ascii_is_digit(rest.p[i]); i++) {
            p->piece = (p->piece < 0 ? 0 : p->piece) * 10 + (rest.p[i] - '0');
        }
    }
    p->name = ascii_lowered(arena, slice_trim((struct slice){name.p, n}, SPACE));
}

static void parameter(struct reading *r)
{
    struct mime_parameter *p = &r->value->parameters[r->value->count];
    struct slice name = bare(r, true);

    *p = (struct mime_parameter){0};
    if (r->at == r->end || *r->at != '=') {
        if (name.n > 0) {
            inspect_odd(r->run, ANOMALY_PARAMETER_JUNK);
        }
        return;
    }
    r->at++;
    name_parameter(&r->run->scratch, name, p);
    skip_blank(r);
    if (r->at < r->end && *r->at == '"') {
        r->at++;
        p->quoted = true;
        p->value = quoted(r);
        skip_blank(r);
        if (bare(r, false).n > 0) {
            inspect_odd(r->run, ANOMALY_PARAMETER_JUNK);
        }
    } else {
        p->value = bare(r, false);
    }
    r->value->count++;
}

void mime_value_read(struct inspect_run *run, struct slice body, struct mime_value *ret)
{
    struct reading r = {.run = run, .at = body.p, .end = body.p + body.n, .value = ret};

    ret->count = 0;
    skip_blank(&r);
    ret->token = ascii_lowered(&run->scratch, bare(&r, false));
    while (r.at < r.end) {
        r.at++; /* the semicolon */
        skip_blank(&r);
        if (r.at < r.end && *r.at != ';') {
            if (ret->count == MIME_PARAMETERS_MOST) {
                inspect_reached(run, LIMIT_FIELDS);
                return;
            }
            parameter(&r);
        }
    }
}

struct slice mime_value_first(const struct mime_value *v, const char *name, bool *ret_quoted)
{
    for (size_t i = 0; i < v->count; i++) {
        if (slice_eq(v->parameters[i].name, slice_of(name))) {
            *ret_quoted = v->parameters[i].quoted;
            return v->parameters[i].value;
        }
    }
    *ret_quoted = false;
    return (struct slice){"", 0};
}

/* ---- what a parameter says (RFC 2231) ---- */

static int hex(char c)
{
    c = ascii_lower(c);
    return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void percent(struct slice s, struct buf *ret)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
            c = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
            i += 2;
        }
        buf_append(ret, &c, 1);
    }
}

/* Takes CHARSET'LANGUAGE' off the front. */
static struct slice take_charset(struct slice *value)
{
    const char *end = value->p + value->n;
    const char *first = value->n > 0 ? memchr(value->p, '\'', value->n) : NULL;
    const char *second = first ? memchr(first + 1, '\'', (size_t)(end - first - 1)) : NULL;
    struct slice charset = {"", 0};

    if (second) {
        charset = (struct slice){value->p, (size_t)(first - value->p)};
        *value = (struct slice){second + 1, (size_t)(end - second - 1)};
    }
    return charset;
}

struct each {
    struct inspect_run *run;
    void (*fn)(void *arg, struct slice value);
    void *arg;
    size_t count;
};

#define VALUE_MOST ((size_t)65536) /* octets of one parameter */

static void give(struct each *e, struct slice charset, struct slice octets)
{
    struct buf b = {0};

    inspect_to_utf8(e->run->inspect, charset, octets, VALUE_MOST, &b);
    e->fn(e->arg, arena_copy(&e->run->scratch, buf_slice(&b)));
    e->count++;
    buf_free(&b);
}

static void give_whole(struct each *e, const struct mime_parameter *p)
{
    struct slice value = p->value, charset = {"", 0};
    struct buf b = {0};

    if (p->encoded) {
        charset = take_charset(&value);
        percent(value, &b);
        give(e, charset, buf_slice(&b));
    } else if (inspect_words(e->run->inspect, value, &b)) {
        inspect_odd(e->run, ANOMALY_PARAMETER_ENCODED_WORD);
        give(e, charset, buf_slice(&b));
    } else {
        give(e, charset, value);
    }
    buf_free(&b);
}

static const struct mime_parameter *find_piece(const struct mime_value *v, struct slice name,
                                               int piece)
{
    for (size_t i = 0; i < v->count; i++) {
        if (v->parameters[i].piece == piece && slice_eq(v->parameters[i].name, name)) {
            return &v->parameters[i];
        }
    }
    return NULL;
}

/* Puts the pieces together, by number; those behind a gap follow in the order they have. */
static void give_pieces(struct each *e, const struct mime_value *v, struct slice name)
{
    struct slice charset = {"", 0};
    struct buf b = {0};
    size_t pieces = 0, joined = 0;
    int last = -1;

    for (size_t i = 0; i < v->count; i++) {
        if (v->parameters[i].piece >= 0 && slice_eq(v->parameters[i].name, name)) {
            pieces++;
            if (v->parameters[i].piece != last + 1) {
                inspect_odd(e->run, ANOMALY_PARAMETER_PIECES);
            }
            last = v->parameters[i].piece;
        }
    }
    for (int piece = 0; pieces > 0 && piece < MIME_PARAMETERS_MOST * 2; piece++) {
        const struct mime_parameter *p = find_piece(v, name, piece);
        if (p) {
            struct slice value = p->value;
            if (p->encoded && joined++ == 0) {
                charset = take_charset(&value);
            }
            p->encoded ? percent(value, &b) : buf_append_slice(&b, value);
        }
    }
    if (pieces > 0) {
        struct buf words = {0};
        bool any = charset.n == 0 && inspect_words(e->run->inspect, buf_slice(&b), &words);
        give(e, charset, any ? buf_slice(&words) : buf_slice(&b));
        buf_free(&words);
    }
    buf_free(&b);
}

size_t mime_value_each(struct inspect_run *run, const struct mime_value *v, const char *name,
                       void (*fn)(void *arg, struct slice value), void *arg)
{
    struct each e = {.run = run, .fn = fn, .arg = arg};
    struct slice wanted = slice_of(name);

    for (size_t i = 0; i < v->count; i++) {
        if (v->parameters[i].piece < 0 && slice_eq(v->parameters[i].name, wanted)) {
            give_whole(&e, &v->parameters[i]);
        }
    }
    give_pieces(&e, v, wanted);
    return e.count;
}
