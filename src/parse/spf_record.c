/* See spf_record.h. */
#include "parse/spf_record.h"

#include <arpa/inet.h>
#include <errno.h>

#include "parse/ascii.h"

#define VERSION "v=spf1"

enum domain_need { NO_DOMAIN, MAY_DOMAIN, MUST_DOMAIN };

struct name {
    const char *name;
    enum spf_kind kind;
    enum domain_need domain;
    bool dual_cidr;
};

static const struct name mechanisms[] = {
    {"all", SPF_ALL, NO_DOMAIN, false},  {"include", SPF_INCLUDE, MUST_DOMAIN, false},
    {"a", SPF_A, MAY_DOMAIN, true},      {"mx", SPF_MX, MAY_DOMAIN, true},
    {"ptr", SPF_PTR, MAY_DOMAIN, false}, {"ip4", SPF_IP4, NO_DOMAIN, false},
    {"ip6", SPF_IP6, NO_DOMAIN, false},  {"exists", SPF_EXISTS, MUST_DOMAIN, false},
};

static const struct name modifiers[] = {
    {"redirect", SPF_REDIRECT, MUST_DOMAIN, false},
    {"exp", SPF_EXP, MUST_DOMAIN, false},
};

static const struct name *find(const struct name *names, size_t n, struct slice name)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_eq_nocase(slice_of(names[i].name), name)) {
            return &names[i];
        }
    }
    return NULL;
}

static struct slice behind(struct slice text, size_t n)
{
    return (struct slice){text.p + n, text.n - n};
}

static int fault(struct spf_fault *ret, const char *what, const char *at)
{
    *ret = (struct spf_fault){what, at};
    return -EINVAL;
}

/* "0" / %x31-39 0*2DIGIT, up to `most` */
static int parse_length(struct slice digits, unsigned most, uint8_t *ret)
{
    unsigned value = 0;

    if (digits.n == 0 || digits.n > 3 || (digits.p[0] == '0' && digits.n > 1)) {
        return -EINVAL;
    }
    for (size_t i = 0; i < digits.n; i++) {
        if (!ascii_is_digit(digits.p[i])) {
            return -EINVAL;
        }
        value = 10 * value + (unsigned)(digits.p[i] - '0');
    }
    if (value > most) {
        return -EINVAL;
    }
    *ret = (uint8_t)value;
    return 0;
}

/* Where the digits at the end of `text` begin. */
static size_t digits_begin(struct slice text)
{
    size_t n = text.n;

    while (n > 0 && ascii_is_digit(text.p[n - 1])) {
        n--;
    }
    return n;
}

/* dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ], taken off the end of `text`. A
 * slash may stand in a domain-spec as well, but none ends in one with digits behind. */
static int take_dual_cidr(struct slice *text, struct spf_term *ret, struct spf_fault *ret_fault)
{
    size_t n = digits_begin(*text);

    if (n >= 2 && text->p[n - 1] == '/' && text->p[n - 2] == '/') {
        if (parse_length(behind(*text, n), 128, &ret->bits6) < 0) {
            return fault(ret_fault, "a wrong prefix length for IPv6", text->p + n);
        }
        text->n = n - 2;
        n = digits_begin(*text);
    }
    if (n >= 1 && text->p[n - 1] == '/') {
        if (parse_length(behind(*text, n), 32, &ret->bits4) < 0) {
            return fault(ret_fault, "a wrong prefix length for IPv4", text->p + n);
        }
        text->n = n - 1;
    }
    return 0;
}

/* [ ":" domain-spec ] [ dual-cidr-length ] */
static int parse_domain(const struct name *mechanism, struct slice rest, struct spf_term *ret,
                        struct spf_fault *ret_fault)
{
    ret->bits4 = 32;
    ret->bits6 = 128;
    if (mechanism->dual_cidr && take_dual_cidr(&rest, ret, ret_fault) < 0) {
        return -EINVAL;
    }
    if (rest.n == 0 && mechanism->domain != MUST_DOMAIN) {
        return 0;
    }
    if (rest.n == 0 || mechanism->domain == NO_DOMAIN || rest.p[0] != ':') {
        return fault(ret_fault,
                     mechanism->domain == NO_DOMAIN ? "something behind \"all\""
                     : rest.n == 0                  ? "no domain"
                                                    : "a character that may not stand there",
                     rest.p);
    }
    ret->domain = behind(rest, 1);
    return spf_text_check(ret->domain, SPF_DOMAIN_SPEC, &ret->macros, ret_fault);
}

/* ip4-network [ ip4-cidr-length ], ip6-network [ ip6-cidr-length ] */
static int parse_network(enum spf_kind kind, struct slice rest, struct spf_term *ret,
                         struct spf_fault *ret_fault)
{
    bool v4 = kind == SPF_IP4;
    char copy[INET6_ADDRSTRLEN];

    if (rest.n == 0 || rest.p[0] != ':') {
        return fault(ret_fault, "no address", rest.p);
    }
    rest = behind(rest, 1);
    const char *slash = memchr(rest.p, '/', rest.n);
    size_t n = slash != NULL ? (size_t)(slash - rest.p) : rest.n;
    ret->bits4 = 32;
    ret->bits6 = 128;
    if (slash != NULL &&
        parse_length(behind(rest, n + 1), v4 ? 32 : 128, v4 ? &ret->bits4 : &ret->bits6) < 0) {
        return fault(ret_fault, "a wrong prefix length", slash + 1);
    }
    if (n >= sizeof(copy) || memchr(rest.p, '\0', n) != NULL) {
        return fault(ret_fault, "a wrong address", rest.p);
    }
    memcpy(copy, rest.p, n);
    copy[n] = '\0';
    ret->network = (struct addr){.family = v4 ? ADDR_V4 : ADDR_V6};
    if (inet_pton(v4 ? AF_INET : AF_INET6, copy, ret->network.octets) != 1) {
        return fault(ret_fault, "a wrong address", rest.p);
    }
    return 0;
}

/* modifier = redirect / explanation / unknown-modifier, from behind its "=" */
static int parse_modifier(struct slice name, struct slice value, struct spf_term *ret,
                          struct spf_fault *ret_fault)
{
    const struct name *known = find(modifiers, sizeof(modifiers) / sizeof(modifiers[0]), name);

    ret->kind = known != NULL ? known->kind : SPF_UNKNOWN_MODIFIER;
    ret->domain = value;
    return spf_text_check(value, known != NULL ? SPF_DOMAIN_SPEC : SPF_MACRO_STRING, &ret->macros,
                          ret_fault);
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ); its length */
static size_t name_length(struct slice text)
{
    size_t n = 0;

    if (text.n == 0 || ascii_is_digit(text.p[0])) {
        return 0;
    }
    while (n < text.n &&
           (ascii_is_let_dig(text.p[n]) || (n > 0 && memchr("-_.", text.p[n], 3) != NULL))) {
        n++;
    }
    return n;
}

/* directive / modifier. A modifier has its "=" right behind the name (4.6.1). */
static int parse_term(struct slice text, struct spf_term *ret, struct spf_fault *ret_fault)
{
    bool qualified = memchr("+-?~", text.p[0], 4) != NULL;
    struct slice rest = behind(text, qualified);
    size_t n = name_length(rest);
    struct slice name = {rest.p, n};
    const struct name *known;

    *ret = (struct spf_term){
        .text = text, .qualifier = qualified ? text.p[0] : '+', .domain = SLICE_LIT("")};
    rest = behind(rest, n);
    if (n == 0) {
        return fault(ret_fault, "no name of a mechanism or modifier", rest.p);
    }
    if (rest.n > 0 && rest.p[0] == '=') {
        return qualified ? fault(ret_fault, "a qualifier in front of a modifier", text.p)
                         : parse_modifier(name, behind(rest, 1), ret, ret_fault);
    }
    known = find(mechanisms, sizeof(mechanisms) / sizeof(mechanisms[0]), name);
    if (known == NULL) {
        return fault(ret_fault, "an unknown mechanism", name.p);
    }
    ret->kind = known->kind;
    return known->kind == SPF_IP4 || known->kind == SPF_IP6
               ? parse_network(known->kind, rest, ret, ret_fault)
               : parse_domain(known, rest, ret, ret_fault);
}

/* Takes the text of a term off `terms`, where there is one. */
static bool take_text(struct slice *terms, struct slice *ret)
{
    while (terms->n > 0 && terms->p[0] == ' ') {
        *terms = behind(*terms, 1);
    }
    if (terms->n == 0) {
        return false;
    }
    const char *space = memchr(terms->p, ' ', terms->n);
    size_t n = space != NULL ? (size_t)(space - terms->p) : terms->n;
    *ret = (struct slice){terms->p, n};
    *terms = behind(*terms, n);
    return true;
}

bool spf_record_is(struct slice text)
{
    size_t n = sizeof(VERSION) - 1;

    return text.n >= n && slice_eq_nocase((struct slice){text.p, n}, SLICE_LIT(VERSION)) &&
           (text.n == n || text.p[n] == ' ');
}

/* 6: "redirect" and "exp" may appear once each. */
static int keep_modifier(const struct spf_term *term, struct spf_record *ret,
                         struct spf_fault *ret_fault)
{
    struct spf_term *kept = term->kind == SPF_REDIRECT ? &ret->redirect : &ret->exp;

    if (kept->domain.n > 0) {
        return fault(ret_fault, "a modifier for the second time", term->text.p);
    }
    *kept = *term;
    return 0;
}

int spf_record_parse(struct slice text, struct spf_record *ret, struct spf_record_fault *ret_fault)
{
    struct slice rest = behind(text, sizeof(VERSION) - 1);
    struct spf_record record = {.terms = rest};
    struct spf_term term;
    struct slice term_text;
    struct spf_fault wrong;

    while (take_text(&rest, &term_text)) {
        int r = parse_term(term_text, &term, &wrong);
        if (r == 0 && (term.kind == SPF_REDIRECT || term.kind == SPF_EXP)) {
            r = keep_modifier(&term, &record, &wrong);
        }
        if (r < 0) {
            *ret_fault =
                (struct spf_record_fault){wrong.what, (size_t)(wrong.at - text.p), term_text};
            return r;
        }
    }
    *ret = record;
    return 0;
}

bool spf_record_next(struct slice *terms, struct spf_term *ret)
{
    struct slice text;
    struct spf_fault wrong;

    return take_text(terms, &text) && parse_term(text, ret, &wrong) == 0;
}
