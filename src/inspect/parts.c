/* Each part of a message that is no container (inspect/mime_scan.h): is it text that people read,
 * or a file; what does it say when it is decoded, in each way in which somebody may decode it; and
 * what of it would a lenient reader show as a file. */
#include "inspect/decode.h"
#include "inspect/file.h"
#include "inspect/hidden.h"
#include "inspect/mime_scan.h"
#include "inspect/name.h"
#include "parse/ascii.h"

#define ENCODINGS_MOST 4

struct leaf {
    struct inspect_run *run;
    const struct mime_head *head;
    struct slice type;
    struct slice charset;
    struct slice body;
    struct file_names names;
    bool attachment; /* its Content-Disposition says so */
    enum mime_encoding encodings[ENCODINGS_MOST];
    size_t encoding_count;
};

/* ---- what the header says ---- */

static void add_name(void *arg, struct slice value)
{
    struct leaf *l = arg;

    file_names_add(l->run, &l->names, value);
}

/* Names are collected from all fields of a kind. */
static void read_names(struct leaf *l, const struct mime_value *v, const char *parameter)
{
    mime_value_each(l->run, v, parameter, add_name, l);
    for (size_t i = 0; i < v->count; i++) {
        if (slice_eq(v->parameters[i].name, slice_of(parameter)) &&
            ascii_has_8bit(v->parameters[i].value)) {
            inspect_odd(l->run, ANOMALY_NAME_8BIT);
        }
    }
}

static void read_fields(struct leaf *l)
{
    struct mime_value v;
    bool is_quoted;

    for (size_t i = 0; i < l->head->dispositions.count; i++) {
        mime_value_read(l->run, l->head->dispositions.bodies[i], &v);
        l->attachment |= slice_eq(v.token, SLICE_LIT("attachment"));
        read_names(l, &v, "filename");
        read_names(l, &v, "name");
    }
    for (size_t i = 0; i < l->head->types.count; i++) {
        mime_value_read(l->run, l->head->types.bodies[i], &v);
        read_names(l, &v, "name");
        read_names(l, &v, "filename");
        if (i == 0) {
            l->charset =
                ascii_lowered(&l->run->scratch, mime_value_first(&v, "charset", &is_quoted));
        }
    }
}

static void add_encoding(struct leaf *l, enum mime_encoding e)
{
    for (size_t i = 0; i < l->encoding_count; i++) {
        if (l->encodings[i] == e) {
            return;
        }
    }
    if (l->encoding_count < ENCODINGS_MOST) {
        l->encodings[l->encoding_count++] = e;
    }
}

/* The letters, digits and "-" that are left when comments, quotes and blanks are taken out, up to
 * a semicolon. */
static struct slice bare_encoding(struct leaf *l, struct slice body)
{
    char *out = arena_alloc(&l->run->scratch, body.n + 1);
    unsigned comment = 0;
    size_t n = 0;

    for (size_t i = 0; i < body.n && (comment > 0 || body.p[i] != ';'); i++) {
        comment += body.p[i] == '(';
        if (comment == 0 && (ascii_is_let_dig(body.p[i]) || body.p[i] == '-')) {
            out[n++] = body.p[i];
        }
        comment -= comment > 0 && body.p[i] == ')';
    }
    return (struct slice){out, n};
}

/* The encodings that somebody may take it for, what the field says first. */
static void read_encodings(struct leaf *l)
{
    for (size_t i = 0; i < l->head->encodings.count; i++) {
        struct slice plain = slice_trim(l->head->encodings.bodies[i], " \t\r\n");
        struct slice bare = bare_encoding(l, plain);
        enum mime_encoding e = mime_encoding_of(plain);
        if (plain.n == 0) {
            inspect_odd(l->run, ANOMALY_ENCODING_EMPTY);
            e = ENCODING_NONE;
        } else if (e == ENCODING_UNKNOWN) {
            e = mime_encoding_of(bare);
            inspect_odd(l->run, e == ENCODING_UNKNOWN ? ANOMALY_ENCODING_UNKNOWN
                                                      : ANOMALY_ENCODING_DECORATED);
            add_encoding(l, e == ENCODING_UNKNOWN ? ENCODING_NONE : e);
            e = e == ENCODING_UNKNOWN ? ENCODING_BASE64 : ENCODING_NONE;
        } else if (e == ENCODING_UUENCODE || e == ENCODING_YENC) {
            inspect_odd(l->run, ANOMALY_ENCODING_UUENCODE);
        }
        add_encoding(l, e);
    }
    if (l->encoding_count == 0) {
        add_encoding(l, ENCODING_NONE);
    }
}

/* ---- what it is ---- */

static bool is_text(struct slice type)
{
    struct slice rest;

    return slice_prefix(type, "text/", &rest) || slice_eq(type, SLICE_LIT("text")) ||
           !memchr(type.p, '/', type.n);
}

static bool is_told_by_message(struct slice type)
{
    struct slice rest;

    return slice_prefix(type, "message/", &rest) || slice_prefix(type, "multipart", &rest);
}

static void check_kind(struct leaf *l)
{
    if (slice_eq(l->type, SLICE_LIT("message/partial"))) {
        inspect_odd(l->run, ANOMALY_MESSAGE_PARTIAL);
    } else if (slice_eq(l->type, SLICE_LIT("message/external-body"))) {
        inspect_odd(l->run, ANOMALY_EXTERNAL_BODY);
    }
    if (is_text(l->type) && l->charset.n > 3 &&
        (slice_eq(l->charset, SLICE_LIT("utf-7")) || !strncmp(l->charset.p, "utf-16", 6) ||
         !strncmp(l->charset.p, "utf-32", 6))) {
        inspect_odd(l->run, ANOMALY_CHARSET_ODD);
    }
}

static void check_oddities(struct leaf *l, enum mime_encoding e, const struct decode_oddities *odd)
{
    if (odd->illegal && e != ENCODING_NONE) {
        inspect_odd(l->run, e == ENCODING_QUOTED ? ANOMALY_QUOTED_ILLEGAL : ANOMALY_BASE64_ILLEGAL);
    }
    if (odd->after_padding) {
        inspect_odd(l->run, ANOMALY_BASE64_AFTER_PADDING);
    }
    if (odd->cut && e == ENCODING_BASE64) {
        inspect_odd(l->run, ANOMALY_BASE64_CUT);
    }
}

/* Decodes into `b`; what needs no decoding is taken where it is. */
static struct slice decode(struct leaf *l, enum mime_encoding e, struct buf *b, bool *ret_cut,
                           struct decode_oddities *odd)
{
    if (e == ENCODING_NONE || e == ENCODING_UNKNOWN) {
        *ret_cut = false;
        return l->body;
    }
    size_t made = b->n;
    uint64_t left = l->run->request->limits.decoded - l->run->decoded;
    *ret_cut = !mime_decode(e, l->body, left < l->body.n ? (size_t)left : l->body.n, b, odd);
    inspect_may_decode(l->run, b->n - made);
    if (*ret_cut) {
        inspect_reached(l->run, LIMIT_DECODED);
    }
    return buf_slice(b);
}

/* It is a file: by its header, or because nobody can read it as text. */
static bool is_attached(const struct leaf *l)
{
    return l->attachment || l->names.count > 0 ||
           (!is_text(l->type) && !is_told_by_message(l->type));
}

static void read_text(struct leaf *l, struct slice octets, bool cut, bool attached)
{
    struct inspect_part part = {
        l->type, l->charset, octets, cut, attached, l->encodings[0] == ENCODING_BASE64,
    };

    if (!attached && octets.n > 0 && memchr(octets.p, '\0', octets.n) && l->charset.n < 6) {
        inspect_odd(l->run, ANOMALY_BODY_NUL);
    }
    if (inspect_wants(l->run, INSPECT_TEXT | INSPECT_PATTERNS)) {
        inspect_text_part(l->run, &part);
    }
}

/* As its header wants it. */
static void as_declared(struct leaf *l, bool attached)
{
    struct decode_oddities odd = {0};
    struct buf b = {0};
    bool cut;
    struct slice octets = decode(l, l->encodings[0], &b, &cut, &odd);

    check_oddities(l, l->encodings[0], &odd);
    if (attached || file_is_known(octets)) {
        struct file f = {.names = &l->names, .octets = octets, .declared = l->type, .cut = cut};
        inspect_count(l->run, FINDING_OF_ATTACHMENT_COUNT);
        inspect_file(l->run, &f);
        if (is_text(l->type) && l->type.n > 5) {
            read_text(l, octets, cut, true);
        }
    } else {
        if (is_text(l->type)) {
            read_text(l, octets, cut, false);
        }
        hidden_files(l->run, octets, HIDDEN_IN_TEXT);
    }
    buf_free(&b);
}

/* As others may decode it. */
static void otherwise(struct leaf *l, enum mime_encoding e, bool attached)
{
    struct decode_oddities odd = {0};
    struct buf b = {0};
    bool cut;
    struct slice octets = decode(l, e, &b, &cut, &odd);
    struct file f = {.names = &l->names, .octets = octets, .declared = l->type, .cut = cut};

    if (file_is_known(octets) || attached) {
        if (file_is_known(octets)) {
            inspect_odd(l->run, ANOMALY_ENCODING_OTHER);
        }
        inspect_file(l->run, &f);
    }
    buf_free(&b);
}

/* A part whose encoding is none is base64 all the same, or the other way round. */
static void against_header(struct leaf *l)
{
    if (l->encodings[0] == ENCODING_NONE && base64_makes_file(l->body)) {
        add_encoding(l, ENCODING_BASE64);
    } else if (l->encodings[0] != ENCODING_NONE && file_is_known(l->body)) {
        add_encoding(l, ENCODING_NONE);
    }
}

void inspect_leaf(struct inspect_run *run, const struct mime_head *head, struct slice type,
                  struct slice body)
{
    struct leaf l = {.run = run, .head = head, .type = type, .body = body};
    bool attached;

    read_fields(&l);
    read_encodings(&l);
    check_kind(&l);
    against_header(&l);
    attached = is_attached(&l);
    as_declared(&l, attached);
    for (size_t i = 1; i < l.encoding_count; i++) {
        otherwise(&l, l.encodings[i], attached);
    }
}

/* A message that is attached has a name, too. */
void inspect_container(struct inspect_run *run, const struct mime_head *head)
{
    struct leaf l = {.run = run, .head = head};

    if (head->top && l.head->dispositions.count == 0) {
        return;
    }
    read_fields(&l);
    for (size_t i = 0; i < l.names.count; i++) {
        file_name(run, l.names.names[i]);
    }
    if (l.attachment || l.names.count > 0) {
        inspect_count(run, FINDING_OF_ATTACHMENT_COUNT);
    }
}

void inspect_outside(struct inspect_run *run, struct slice text, bool epilogue)
{
    hidden_files(run, text, epilogue ? HIDDEN_IN_EPILOGUE : HIDDEN_IN_PREAMBLE);
}
