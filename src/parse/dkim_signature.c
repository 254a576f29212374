/* One row a tag, one function a row. See parse/dkim_signature.h. */
#include "parse/dkim_signature.h"

#include <errno.h>

#include "parse/ascii.h"
#include "parse/dns_name.h"
#include "parse/tag_list.h"

#define DOMAIN_MOST 255
#define LABEL_MOST  63

/* ---- names ---- */

/* sub-domain of RFC 5321, with the underscores that real selectors have and what RFC 6531 adds. */
static bool is_label(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!ascii_is_let_dig(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' && (s.p[i] & 0x80) == 0) {
            return false;
        }
    }
    return s.n > 0 && s.n <= LABEL_MOST && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

/* Labels with dots between, at least so many. */
static bool is_name(struct slice s, size_t labels)
{
    size_t count = 0;

    if (s.n == 0 || s.n > DOMAIN_MOST) {
        return false;
    }
    for (struct slice rest = s; rest.p != NULL; count++) {
        const char *dot = rest.n > 0 ? memchr(rest.p, '.', rest.n) : NULL;
        const size_t n = dot != NULL ? (size_t)(dot - rest.p) : rest.n;
        if (!is_label((struct slice){rest.p, n})) {
            return false;
        }
        rest = dot != NULL ? (struct slice){dot + 1, rest.n - n - 1} : (struct slice){NULL, 0};
    }
    return count >= labels;
}

/* ---- one function for each tag: what is wrong with its value, or NULL ---- */

static const char *parse_v(struct slice value, struct dkim_signature *ret)
{
    (void)ret;
    return slice_eq(value, SLICE_LIT("1")) ? NULL : "v= is not 1";
}

static const char *parse_a(struct slice value, struct dkim_signature *ret)
{
    static const struct {
        struct slice name;
        enum dkim_algorithm algorithm;
    } known[] = {
        {SLICE_LIT("rsa-sha256"), DKIM_RSA_SHA256},
        {SLICE_LIT("ed25519-sha256"), DKIM_ED25519_SHA256},
        {SLICE_LIT("rsa-sha1"), DKIM_RSA_SHA1},
    };

    ret->algorithm_text = value;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (slice_eq_nocase(value, known[i].name)) {
            ret->algorithm = known[i].algorithm;
            return NULL;
        }
    }
    return "a= is an unknown algorithm";
}

static const char *parse_b(struct slice value, struct dkim_signature *ret)
{
    ret->b = value;
    int r = tag_base64(value, ret->signature, sizeof(ret->signature), &ret->signature_count);
    if (r < 0 || ret->signature_count == 0) {
        return r == -EMSGSIZE ? "b= is too long" : "b= is not base64";
    }
    return NULL;
}

static const char *parse_bh(struct slice value, struct dkim_signature *ret)
{
    size_t n;

    int r = tag_base64(value, ret->body_hash, sizeof(ret->body_hash), &n);
    if (r == -EBADMSG) {
        return "bh= is not base64";
    }
    return ret->algorithm == DKIM_RSA_SHA1 || (r == 0 && n == sizeof(ret->body_hash))
               ? NULL
               : "bh= has a wrong length";
}

/* One of both halves of c=. */
static bool parse_form(struct slice text, enum canonical *ret)
{
    *ret = slice_eq_nocase(text, SLICE_LIT("relaxed")) ? CANONICAL_RELAXED : CANONICAL_SIMPLE;
    return *ret == CANONICAL_RELAXED || slice_eq_nocase(text, SLICE_LIT("simple"));
}

static const char *parse_c(struct slice value, struct dkim_signature *ret)
{
    const char *slash = value.n > 0 ? memchr(value.p, '/', value.n) : NULL;
    const size_t n = slash != NULL ? (size_t)(slash - value.p) : value.n;
    bool good = parse_form((struct slice){value.p, n}, &ret->header);

    if (good && slash != NULL) {
        good = parse_form((struct slice){slash + 1, value.n - n - 1}, &ret->body);
    }
    return good ? NULL : "c= is an unknown canonical form";
}

static const char *parse_cv(struct slice value, struct dkim_signature *ret)
{
    ret->chain = value;
    return NULL;
}

/* domain-name = sub-domain 1*("." sub-domain) */
static const char *parse_d(struct slice value, struct dkim_signature *ret)
{
    if (!is_name(value, 2)) {
        return "d= is no domain";
    }
    ret->domain = value;
    return NULL;
}

static const char *parse_s(struct slice value, struct dkim_signature *ret)
{
    if (!is_name(value, 1)) {
        return "s= is no selector";
    }
    ret->selector = value;
    return NULL;
}

/* hdr-name is a field's name (RFC 5322 3.6.8) without a semicolon. */
static bool is_field_name(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~') {
            return false;
        }
    }
    return s.n > 0;
}

static const char *parse_h(struct slice value, struct dkim_signature *ret)
{
    struct slice rest = value, name;

    while (tag_next_item(&rest, &name)) {
        if (!is_field_name(name)) {
            return "h= is no list of fields";
        }
    }
    ret->fields = value;
    return NULL;
}

/* The same of ARC, where validators agree to let empty items be; even all of it may be empty. No
 * seal may be among them (RFC 8617 4.1.2). */
static const char *parse_arc_h(struct slice value, struct dkim_signature *ret)
{
    struct slice rest = value, name;

    while (tag_next_item(&rest, &name)) {
        if (name.n > 0 && !is_field_name(name)) {
            return "h= is no list of fields";
        }
        if (slice_eq_nocase(name, SLICE_LIT("ARC-Seal"))) {
            return "h= has ARC-Seal in it";
        }
    }
    ret->fields = value;
    return NULL;
}

static const char *no_h(struct slice value, struct dkim_signature *ret)
{
    (void)value, (void)ret;
    return "h= may not be there";
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* dkim-quoted-printable (2.11): white space is nothing, "=" and two digits are an octet. False: the
 * text is not so encoded, or too long, or no octets of it may stand in an address. */
static bool decode_identity(struct slice value, struct dkim_signature *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < value.n; i++) {
        int c = (unsigned char)value.p[i];
        if (c == '=') {
            const int high = value.n - i > 2 ? hex_digit(value.p[i + 1]) : -1;
            const int low = value.n - i > 2 ? hex_digit(value.p[i + 2]) : -1;
            c = high < 0 || low < 0 ? -1 : high * 16 + low;
            i += 2;
        } else if (c <= ' ') {
            continue;
        }
        if (c < ' ' || c == 0x7f || n == sizeof(ret->identity_text)) {
            return false;
        }
        ret->identity_text[n++] = (char)c;
    }
    ret->identity = (struct slice){ret->identity_text, n};
    return true;
}

/* [ Local-part ] "@" domain-name; whether that is at d= or below is seen when both are known. */
static const char *parse_i(struct slice value, struct dkim_signature *ret)
{
    if (!decode_identity(value, ret) || ret->identity.n == 0) {
        ret->identity = (struct slice){NULL, 0};
        return "i= is no address";
    }
    return NULL;
}

static const char *parse_instance(struct slice value, struct dkim_signature *ret)
{
    uint64_t n;

    if (!tag_number(value, 2, &n) || n == 0) {
        return "i= is no instance";
    }
    ret->instance = (unsigned)n;
    return NULL;
}

static const char *parse_l(struct slice value, struct dkim_signature *ret)
{
    if (!tag_number(value, 76, &ret->length)) {
        return "l= is no number";
    }
    ret->length -= ret->length == UINT64_MAX; /* which means that there is no l= */
    return NULL;
}

/* The key is got by dns/txt; other ways may be named beside it. */
static const char *parse_q(struct slice value, struct dkim_signature *ret)
{
    struct slice item;

    (void)ret;
    while (tag_next_item(&value, &item)) {
        if (slice_eq_nocase(item, SLICE_LIT("dns/txt"))) {
            return NULL;
        }
    }
    return "q= is no known way to get the key";
}

static const char *parse_t(struct slice value, struct dkim_signature *ret)
{
    return tag_number(value, 12, &ret->signed_at) ? NULL : "t= is no time";
}

static const char *parse_x(struct slice value, struct dkim_signature *ret)
{
    return tag_number(value, 12, &ret->expires) ? NULL : "x= is no time";
}

/* ---- all of them ---- */

#define IN(kind) (1U << (kind))
#define IN_ARC   (IN(ARC_MESSAGE_SIGNATURE) | IN(ARC_SEAL))
#define IN_BOTH  (IN(DKIM_SIGNATURE) | IN(ARC_MESSAGE_SIGNATURE))
#define IN_ALL   (IN_BOTH | IN(ARC_SEAL))

/* Tags in the order in which they are looked at; others are ignored. bh= comes behind a=. */
static const struct {
    const char *name;
    unsigned required; /* in these fields, as IN(kind) */
    unsigned known;    /* in others they are ignored */
    const char *(*parse)(struct slice value, struct dkim_signature *ret);
    const char *missing;
} rules[] = {
    {"v", IN(DKIM_SIGNATURE), IN(DKIM_SIGNATURE), parse_v, "there is no v="},
    {"i", IN_ARC, IN_ARC, parse_instance, "there is no i="},
    {"a", IN_ALL, IN_ALL, parse_a, "there is no a="},
    {"d", IN_ALL, IN_ALL, parse_d, "there is no d="},
    {"s", IN_ALL, IN_ALL, parse_s, "there is no s="},
    {"c", 0, IN_BOTH, parse_c, NULL},
    {"h", IN(DKIM_SIGNATURE), IN(DKIM_SIGNATURE), parse_h, "there is no h="},
    {"h", IN(ARC_MESSAGE_SIGNATURE), IN(ARC_MESSAGE_SIGNATURE), parse_arc_h, "there is no h="},
    {"h", 0, IN(ARC_SEAL), no_h, NULL},
    {"cv", IN(ARC_SEAL), IN(ARC_SEAL), parse_cv, "there is no cv="},
    {"i", 0, IN(DKIM_SIGNATURE), parse_i, NULL},
    {"l", 0, IN_BOTH, parse_l, NULL},
    {"q", 0, IN_BOTH, parse_q, NULL},
    {"t", 0, IN_ALL, parse_t, NULL},
    {"x", 0, IN_BOTH, parse_x, NULL},
    {"bh", IN_BOTH, IN_BOTH, parse_bh, "there is no bh="},
    {"b", IN_ALL, IN_ALL, parse_b, "there is no b="},
};

/* What is wrong between tags. */
static const char *check_together(struct dkim_signature *s)
{
    if (s->expires <= s->signed_at) { /* where there is no t=, that is 0 */
        return "x= is not later than t=";
    }
    if (s->identity.n == 0 || s->domain.n == 0) {
        return NULL;
    }
    const char *at = memrchr(s->identity.p, '@', s->identity.n);
    const size_t local = at != NULL ? (size_t)(at - s->identity.p) + 1 : 0;
    const struct slice text = {s->identity.p + local, s->identity.n - local};
    struct dns_name domain, name;
    if (dns_name_parse_idn(s->domain, &domain) < 0) {
        return "d= is no domain";
    }
    if (local == 0 || !is_name(text, 2) || dns_name_parse_idn(text, &name) < 0) {
        return "i= is no address";
    }
    s->below = !dns_name_eq(&name, &domain);
    return dns_name_is_below(&name, &domain) ? NULL : "i= is not at d= or below";
}

/* h=: that it is not too long, and has From in it. */
static int check_fields(struct dkim_signature *s, enum dkim_field kind)
{
    struct slice rest = s->fields, name;
    size_t count = 0;

    while (tag_next_item(&rest, &name)) {
        s->signs_from |= slice_eq_nocase(name, SLICE_LIT("From"));
        count++;
    }
    if (count > DKIM_FIELDS_MOST) {
        s->problem = "h= has more than 500 names";
        return -E2BIG;
    }
    if (!s->signs_from && kind == DKIM_SIGNATURE) {
        s->problem = "From is not signed";
        return -ENODATA;
    }
    return 0;
}

static void note(struct dkim_signature *s, const char *problem)
{
    if (problem != NULL && s->problem[0] == '\0') {
        s->problem = problem;
    }
}

static void parse_tags(const struct tag_list *list, enum dkim_field kind,
                       struct dkim_signature *ret)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct tag *tag = tag_list_find(list, rules[i].name);
        if (tag != NULL && (rules[i].known & IN(kind)) != 0) {
            note(ret, rules[i].parse(tag->value, ret));
        } else if (tag == NULL && (rules[i].required & IN(kind)) != 0) {
            note(ret, rules[i].missing);
        }
    }
    const struct tag *b = tag_list_find(list, "b");
    ret->hole = b != NULL ? b->whole : (struct slice){NULL, 0};
    if (ret->identity.n == 0 && ret->domain.n > 0) {
        ret->identity_text[0] = '@';
        memcpy(ret->identity_text + 1, ret->domain.p, ret->domain.n);
        ret->identity = (struct slice){ret->identity_text, ret->domain.n + 1};
    }
}

int dkim_signature_parse(struct slice body, enum dkim_field kind, struct dkim_signature *ret)
{
    const enum canonical usual = kind == ARC_SEAL ? CANONICAL_RELAXED : CANONICAL_SIMPLE;
    struct tag_list list;

    *ret = (struct dkim_signature){
        .header = usual, .body = usual, .length = UINT64_MAX, .expires = UINT64_MAX, .problem = ""};
    if (body.n > DKIM_FIELD_MOST) {
        note(ret, "the field is too long");
        return -E2BIG;
    }
    int r = tag_list_parse(body, &list);
    if (r < 0) {
        note(ret, tag_list_problem(r));
        return r == -E2BIG ? r : -EBADMSG;
    }
    parse_tags(&list, kind, ret);
    note(ret, check_together(ret));
    return ret->problem[0] != '\0' ? -EBADMSG : check_fields(ret, kind);
}
