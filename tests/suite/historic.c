/* See historic.h. */
#include "historic.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "parse/canonical.h"
#include "parse/dkim_key.h"
#include "parse/tag_list.h"

bool historic_is(const struct message_signature *s, unsigned key_bits)
{
    return s->s.algorithm == DKIM_RSA_SHA1 || strcmp(s->s.problem, "there is no v=") == 0 ||
           strcmp(s->s.problem, "v= is not 1") == 0 || (key_bits > 0 && key_bits < 1024);
}

struct old {
    struct tag_list tags;
    const EVP_MD *hash;
    bool nowsp; /* a canonical form of the first drafts: no white space, line ends included */
    enum canonical header, body;
    struct slice body_text;
};

static struct slice value(const struct old *o, const char *name)
{
    const struct tag *t = tag_list_find(&o->tags, name);

    return t != NULL ? t->value : (struct slice){NULL, 0};
}

static void take(void *arg, const char *p, size_t n)
{
    if (EVP_DigestUpdate(arg, p, n) != 1) {
        panic("no digest");
    }
}

static void take_visible(struct slice s, EVP_MD_CTX *context)
{
    for (size_t i = 0; i < s.n; i++) {
        if (strchr(" \t\r\n", s.p[i]) == NULL || s.p[i] == '\0') {
            take(context, s.p + i, 1);
        }
    }
}

static void hash_body(const struct old *o, EVP_MD_CTX *context)
{
    struct canonical_body b;

    if (o->nowsp) {
        take_visible(o->body_text, context);
        return;
    }
    canonical_body_init(&b, o->body, UINT64_MAX, take, context);
    canonical_body_feed(&b, o->body_text.p, o->body_text.n);
    canonical_body_end(&b);
}

/* Is bh= the hash of the body? */
static bool body_holds(const struct old *o)
{
    uint8_t wanted[EVP_MAX_MD_SIZE], got[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned length = 0;
    size_t n = 0;

    if (EVP_DigestInit_ex2(context, o->hash, NULL) != 1) {
        panic("no digest");
    }
    hash_body(o, context);
    (void)EVP_DigestFinal_ex(context, got, &length);
    EVP_MD_CTX_free(context);
    return tag_base64(value(o, "bh"), wanted, sizeof(wanted), &n) == 0 && n == length &&
           memcmp(wanted, got, n) == 0;
}

/* A field's canonical form; nowsp is the relaxed one without its blanks. */
static void hash_field(const struct old *o, struct slice field, struct slice hole,
                       EVP_MD_CTX *context)
{
    struct buf text = {0};

    canonical_field(&text, o->nowsp ? CANONICAL_RELAXED : o->header, field, hole);
    if (o->nowsp) {
        take_visible(buf_slice(&text), context);
    } else {
        take(context, text.p, text.n);
    }
    buf_free(&text);
}

/* What is signed: the fields and the signature's own; before there was bh=, between them the body
 * with a line end in front and behind. */
static void hash_all(const struct old *o, struct signed_header *h, size_t field,
                     EVP_MD_CTX *context)
{
    static const struct slice none = {NULL, 0};
    struct slice rest = value(o, "h"), name;

    signed_header_begin(h, field);
    while (tag_next_item(&rest, &name)) {
        const struct signed_field *f = signed_header_take(h, name);
        if (f != NULL) {
            hash_field(o, f->whole, none, context);
            take(context, "\r\n", 2);
        }
    }
    if (tag_list_find(&o->tags, "bh") == NULL) {
        take(context, "\r\n", 2);
        hash_body(o, context);
        take(context, "\r\n", 2);
    }
    hash_field(o, h->fields[field].whole, tag_list_find(&o->tags, "b")->whole, context);
}

/* What the zone says of the key. */
static void ask(const struct old *o, const struct zone *zone, struct arena *arena,
                struct dns_answer *ret)
{
    struct dns_name name, domain;

    *ret = (struct dns_answer){.state = DNS_NO_NAME};
    if (dns_name_parse(value(o, "s"), &name) == 0 && dns_name_parse(value(o, "d"), &domain) == 0 &&
        dns_name_append(&name, SLICE_LIT("_domainkey")) == 0 &&
        dns_name_join(&name, &domain) == 0) {
        zone_find(zone, &name, DNS_TXT, arena, ret);
    }
}

static EVP_PKEY *key_of(const struct old *o, const struct zone *zone, struct arena *arena)
{
    struct dns_answer answer;
    struct dkim_key key;

    ask(o, zone, arena, &answer);
    if (answer.count == 0 || dkim_key_parse(answer.records[0].text, &key) < 0) {
        return NULL;
    }
    const unsigned char *der = key.octets;
    return d2i_PUBKEY(NULL, &der, (long)key.count);
}

static bool holds(const struct old *o, struct signed_header *h, size_t field, EVP_PKEY *key)
{
    uint8_t octets[DKIM_B_MOST];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t n = 0;
    bool ret = tag_base64(value(o, "b"), octets, sizeof(octets), &n) == 0 &&
               EVP_DigestVerifyInit(context, NULL, o->hash, NULL, key) == 1;

    if (ret) {
        hash_all(o, h, field, context);
        ret = EVP_DigestVerifyFinal(context, octets, n) == 1;
    }
    EVP_MD_CTX_free(context);
    return ret;
}

/* False: there is nothing to verify. */
static bool old_init(struct slice field, struct slice body, struct old *ret)
{
    struct slice rest;

    if (tag_list_parse(field, &ret->tags) < 0 || tag_list_find(&ret->tags, "b") == NULL) {
        return false;
    }
    const struct slice c = value(ret, "c");
    const bool relaxed = slice_prefix(c, "relaxed", &rest);
    ret->header = relaxed ? CANONICAL_RELAXED : CANONICAL_SIMPLE;
    ret->body =
        slice_eq(c, SLICE_LIT("relaxed/relaxed")) || slice_eq(c, SLICE_LIT("simple/relaxed"))
            ? CANONICAL_RELAXED
            : CANONICAL_SIMPLE;
    ret->nowsp = slice_eq(c, SLICE_LIT("nowsp"));
    ret->hash = slice_eq(value(ret, "a"), SLICE_LIT("rsa-sha1")) ? EVP_sha1() : EVP_sha256();
    ret->body_text = body;
    return true;
}

static bool one_holds(struct signed_header *h, size_t field, struct slice body,
                      const struct zone *zone, struct arena *arena)
{
    struct old o;

    if (!old_init(h->fields[field].body, body, &o)) {
        return false;
    }
    EVP_PKEY *key = key_of(&o, zone, arena);
    const bool ret = key != NULL && (tag_list_find(&o.tags, "bh") == NULL || body_holds(&o)) &&
                     holds(&o, h, field, key);
    EVP_PKEY_free(key);
    return ret;
}

static struct slice body_of(const struct signed_message *m, struct slice message)
{
    const size_t header = signed_message_text(m).n;

    return (struct slice){message.p + header, message.n - header};
}

bool historic_body_holds(struct signed_message *m, size_t field, struct slice message)
{
    struct old o;

    return old_init(signed_message_header(m)->fields[field].body, body_of(m, message), &o) &&
           body_holds(&o);
}

bool historic_holds(struct signed_message *m, struct slice message, const struct zone *zone,
                    struct arena *arena)
{
    const struct message_signatures found = signed_message_signatures(m, DKIM_SIGNATURE);

    for (size_t i = 0; i < found.count; i++) {
        if (one_holds(signed_message_header(m), found.list[i].field, body_of(m, message), zone,
                      arena)) {
            return true;
        }
    }
    return false;
}

bool historic_key_is_out_of_reach(struct signed_message *m, const struct zone *zone,
                                  struct arena *arena)
{
    const struct message_signatures found = signed_message_signatures(m, DKIM_SIGNATURE);
    bool any = false;

    for (size_t i = 0; i < found.count; i++) {
        const size_t field = found.list[i].field;
        struct dns_answer answer = {.state = DNS_NO_NAME};
        struct old o;
        if (old_init(signed_message_header(m)->fields[field].body, (struct slice){NULL, 0}, &o)) {
            ask(&o, zone, arena, &answer);
        }
        any |= answer.state == DNS_TIMED_OUT || answer.state == DNS_FAILED;
    }
    return any;
}
