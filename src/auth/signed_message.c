/* See auth/signed_message.h. */
#include "auth/signed_message.h"

#include <string.h>

#include "base/buf.h"
#include "parse/canonical.h"
#include "parse/header_fields.h"
#include "parse/tag_list.h"

enum state {
    IN_HEADER,
    IN_BODY,
    UNWANTED, /* nothing is hashed */
    ENDED,
};

/* A way in which the body is hashed. */
struct body_hash {
    struct canonical_body body;
    struct digest_stream *stream;
    struct digest digest; /* when all is there */
};

struct signature_list {
    struct message_signature *list;
    const struct body_hash **hashes; /* of each; NULL: none */
    size_t count, ignored;
};

/* So many octets of the header are charged to the budget at a time. */
#define CHARGE 4096

struct signed_message {
    struct arena *arena;
    struct budget *budget; /* NULL: nobody counts */
    size_t charged;
    enum state state;
    const char *problem;
    bool lacks_memory;
    struct buf header;
    size_t searched; /* of the header, for its end */
    struct signed_header fields;
    struct signature_list dkim, arc;
    struct body_hash *hashes[BODY_HASHES_MOST];
    size_t hash_count;
    struct digest_stream *stream; /* for the header, when one is wanted */
    struct buf text;
};

struct signed_message *signed_message_new(struct arena *arena)
{
    struct signed_message *m = arena_zalloc(arena, sizeof(*m));

    m->arena = arena;
    m->problem = "";
    return m;
}

void signed_message_charge(struct signed_message *m, struct budget *budget)
{
    m->budget = budget;
}

static void drop_header(struct signed_message *m)
{
    buf_free(&m->header);
    if (m->charged > 0) {
        budget_give(m->budget, m->charged);
        m->charged = 0;
    }
}

struct signed_message *signed_message_free(struct signed_message *m)
{
    if (m != NULL) {
        drop_header(m);
        for (size_t i = 0; i < m->hash_count; i++) {
            digest_stream_free(m->hashes[i]->stream);
        }
        digest_stream_free(m->stream);
        buf_free(&m->text);
    }
    return NULL;
}

/* ---- the end of the header ---- */

static void take(void *arg, const char *p, size_t n)
{
    digest_stream_update(arg, p, n);
}

/* The hash that the signature wants, begun if no other has; NULL: there are too many. */
static const struct body_hash *want_hash(struct signed_message *m, const struct dkim_signature *s)
{
    for (size_t i = 0; i < m->hash_count; i++) {
        if (m->hashes[i]->body.how == s->body && m->hashes[i]->body.most == s->length) {
            return m->hashes[i];
        }
    }
    if (m->hash_count == BODY_HASHES_MOST) {
        return NULL;
    }
    struct body_hash *h = arena_alloc(m->arena, sizeof(*h));
    h->stream = digest_stream_new();
    digest_stream_init(h->stream);
    canonical_body_init(&h->body, s->body, s->length, take, h->stream);
    m->hashes[m->hash_count++] = h;
    return h;
}

static bool is_named(const struct signed_field *f, struct slice name)
{
    return f->name.n == name.n && slice_eq_nocase(f->name, name);
}

static void find_signatures(struct signed_message *m, enum dkim_field kind, struct slice name,
                            size_t most, struct signature_list *ret)
{
    size_t all = 0;

    for (size_t i = 0; i < m->fields.count; i++) {
        all += is_named(&m->fields.fields[i], name);
    }
    const size_t count = all < most ? all : most;
    ret->ignored = all - count;
    ret->list = arena_alloc(m->arena, count * sizeof(ret->list[0]));
    ret->hashes = arena_zalloc(m->arena, count * sizeof(ret->hashes[0]));
    for (size_t i = 0; ret->count < count; i++) {
        const struct signed_field *f = &m->fields.fields[i];
        if (!is_named(f, name)) {
            continue;
        }
        struct message_signature *s = &ret->list[ret->count];
        s->field = i;
        s->partial = false;
        s->error = dkim_signature_parse(f->body, kind, &s->s);
        if (s->error == 0 && s->s.algorithm != DKIM_RSA_SHA1) {
            ret->hashes[ret->count] = want_hash(m, &s->s);
        }
        ret->count++;
    }
}

static void end_header(struct signed_message *m)
{
    signed_header_init(&m->fields, buf_slice(&m->header), m->arena);
    if (m->fields.cut && m->problem[0] == '\0') {
        m->problem = "the header has more than 1,000 fields";
    }
    if (m->problem[0] == '\0') {
        find_signatures(m, DKIM_SIGNATURE, SLICE_LIT("DKIM-Signature"), DKIM_SIGNATURES_MOST,
                        &m->dkim);
        find_signatures(m, ARC_MESSAGE_SIGNATURE, SLICE_LIT("ARC-Message-Signature"),
                        ARC_SIGNATURES_MOST, &m->arc);
    }
    m->state = m->hash_count > 0 ? IN_BODY : UNWANTED;
}

/* Does the budget allow `n` further octets of the header? */
static bool afford(struct signed_message *m, size_t n)
{
    while (m->budget != NULL && m->charged < m->header.n + n) {
        if (!budget_try(m->budget, CHARGE)) {
            return false;
        }
        m->charged += CHARGE;
    }
    return true;
}

/* Takes what belongs to the header. Returns how many octets that were. */
static size_t feed_header(struct signed_message *m, const char *p, size_t n)
{
    const size_t before = m->header.n;
    const size_t room = SIGNED_HEADER_MOST - before;

    if (!afford(m, n < room ? n : room)) {
        drop_header(m);
        m->lacks_memory = true;
        m->state = UNWANTED;
        return n;
    }
    buf_append(&m->header, p, n < room ? n : room);
    const size_t length = header_length(buf_slice(&m->header), &m->searched);
    if (length > 0) {
        m->header.n = length;
        end_header(m);
        return length - before;
    }
    if (n < room) {
        return n;
    }
    m->problem = "the header is larger than 256 KiB";
    end_header(m);
    return n;
}

/* ---- the body ---- */

void signed_message_feed(struct signed_message *m, const char *p, size_t n)
{
    if (m->state == IN_HEADER && n > 0) {
        const size_t taken = feed_header(m, p, n);
        p += taken;
        n -= taken;
    }
    if (m->state == IN_BODY && n > 0) {
        for (size_t i = 0; i < m->hash_count; i++) {
            canonical_body_feed(&m->hashes[i]->body, p, n);
        }
    }
}

static void compare(struct message_signature *s, const struct body_hash *h)
{
    if (h == NULL) {
        s->body = BODY_UNHASHED;
        return;
    }
    const bool has_length = s->s.length != UINT64_MAX;
    s->partial = has_length && h->body.length > s->s.length;
    s->body = has_length && h->body.length < s->s.length ? BODY_SHORT
              : memcmp(h->digest.octets, s->s.body_hash, sizeof(s->s.body_hash)) == 0
                  ? BODY_SAME
                  : BODY_CHANGED;
}

static void compare_all(struct signature_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->list[i].error == 0) {
            compare(&l->list[i], l->hashes[i]);
        }
    }
}

void signed_message_end(struct signed_message *m)
{
    if (m->state == IN_HEADER) { /* there is no body */
        end_header(m);
    }
    for (size_t i = 0; i < m->hash_count; i++) {
        canonical_body_end(&m->hashes[i]->body);
        m->hashes[i]->digest = digest_stream_finish(m->hashes[i]->stream);
    }
    compare_all(&m->dkim);
    compare_all(&m->arc);
    m->state = ENDED;
}

/* ---- what is known then ---- */

struct signed_header *signed_message_header(struct signed_message *m)
{
    return &m->fields;
}

struct slice signed_message_text(const struct signed_message *m)
{
    return m->state == IN_HEADER ? (struct slice){NULL, 0} : buf_slice(&m->header);
}

const char *signed_message_problem(const struct signed_message *m)
{
    return m->problem;
}

bool signed_message_lacks_memory(const struct signed_message *m)
{
    return m->lacks_memory;
}

struct message_signatures signed_message_signatures(const struct signed_message *m,
                                                    enum dkim_field kind)
{
    const struct signature_list *l = kind == DKIM_SIGNATURE ? &m->dkim : &m->arc;

    return (struct message_signatures){l->list, l->count, l->ignored};
}

struct digest signed_message_hash(struct signed_message *m, const struct message_signature *s)
{
    static const struct slice none = {NULL, 0};
    struct slice rest = s->s.fields, name;

    m->text.n = 0;
    signed_header_begin(&m->fields, s->field);
    while (tag_next_item(&rest, &name)) {
        const struct signed_field *f = signed_header_take(&m->fields, name);
        if (f != NULL) {
            canonical_field(&m->text, s->s.header, f->whole, none);
            buf_append(&m->text, "\r\n", 2);
        }
    }
    canonical_field(&m->text, s->s.header, m->fields.fields[s->field].whole, s->s.hole);
    if (m->stream == NULL) {
        m->stream = digest_stream_new();
    }
    digest_stream_init(m->stream);
    digest_stream_update(m->stream, m->text.p, m->text.n);
    return digest_stream_finish(m->stream);
}
