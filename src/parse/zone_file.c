#include "parse/zone_file.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/octets.h"
#include "parse/ascii.h"
#include "parse/zone_line.h"

#define STRING_MOST 255u   /* RFC 1035 3.3 */
#define DATA_MOST   65535u /* RDLENGTH */
#define TTL_MOST    ((uint64_t)INT32_MAX)

/* ---- numbers, names ---- */

static bool parse_number(struct slice text, uint64_t most, uint64_t *ret)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        n = n * 10 + (uint64_t)(text.p[i] - '0');
        if (!ascii_is_digit(text.p[i]) || n > most) {
            return false;
        }
    }
    *ret = n;
    return text.n > 0;
}

static uint64_t unit_seconds(char c)
{
    switch (c | 0x20) {
    case 'w': return 7 * 86400;
    case 'd': return 86400;
    case 'h': return 3600;
    case 'm': return 60;
    case 's': return 1;
    default: return 0;
    }
}

/* "3600", "1h30m", "2W" */
static bool parse_seconds(struct slice text, uint64_t *ret)
{
    uint64_t sum = 0, n = 0;
    if (parse_number(text, TTL_MOST, ret)) {
        return true;
    }
    while (text.n > 0) {
        size_t digits = 0;
        while (digits < text.n && ascii_is_digit(text.p[digits])) {
            digits++;
        }
        if (digits == text.n || !parse_number((struct slice){text.p, digits}, TTL_MOST, &n) ||
            unit_seconds(text.p[digits]) == 0) {
            return false;
        }
        sum += n * unit_seconds(text.p[digits]);
        if (sum > TTL_MOST) {
            return false;
        }
        text = (struct slice){text.p + digits + 1, text.n - digits - 1};
    }
    *ret = sum;
    return sum > 0;
}

static int take_number(struct zone_line *e, const char *what, uint64_t most, uint64_t *ret)
{
    if (e->t.kind != ZONE_TOKEN_WORD || !parse_number(e->t.text, most, ret)) {
        return zone_expected(e, what);
    }
    return zone_advance(e);
}

static int take_seconds(struct zone_line *e, uint32_t *ret)
{
    uint64_t n = 0;
    if (e->t.kind != ZONE_TOKEN_WORD || !parse_seconds(e->t.text, &n)) {
        return zone_expected(e, "a time such as 3600 or 1h30m");
    }
    *ret = (uint32_t)n;
    return zone_advance(e);
}

/* The labels of a name as it is written; *ret_whole: a dot is at the end. */
static int parse_labels(struct slice text, struct dns_name *ret, bool *ret_whole)
{
    char label[DNS_LABEL_MOST];
    size_t n = 0;
    bool whole = false;
    dns_name_root(ret);
    for (size_t at = 0; at < text.n;) {
        int c = zone_next_octet(text, &at);
        whole = c == '.';
        if (whole) {
            if (dns_name_append(ret, (struct slice){label, n}) < 0) {
                return -EINVAL;
            }
            n = 0;
        } else if (c < 0 || n == sizeof(label)) {
            return -EINVAL;
        } else {
            label[n++] = (char)c;
        }
    }
    *ret_whole = whole;
    return whole ? 0 : dns_name_append(ret, (struct slice){label, n});
}

static int parse_name(const struct zone_reader *r, struct slice text, struct dns_name *ret)
{
    bool whole = true;
    if (slice_eq(text, SLICE_LIT("@"))) {
        *ret = r->origin;
        return 0;
    }
    if (slice_eq(text, SLICE_LIT("."))) {
        dns_name_root(ret);
        return 0;
    }
    if (parse_labels(text, ret, &whole) < 0) {
        return -EINVAL;
    }
    return whole ? 0 : dns_name_join(ret, &r->origin);
}

static int take_name(struct zone_line *e, struct dns_name *ret)
{
    if (e->t.kind != ZONE_TOKEN_WORD || parse_name(e->r, e->t.text, ret) < 0) {
        return zone_expected(e, "a name");
    }
    return zone_advance(e);
}

static int take_name_copy(struct zone_line *e, const struct dns_name **ret)
{
    struct dns_name *copy = arena_alloc(e->arena, sizeof(*copy));
    *ret = copy;
    return take_name(e, copy);
}

/* ---- data ---- */

static int take_address(struct zone_line *e, enum addr_family family)
{
    struct addr *a = &e->entry->record.address;
    if (e->t.kind != ZONE_TOKEN_WORD || addr_parse(e->t.text, a) < 0 || a->family != family) {
        return zone_expected(e, family == ADDR_V4 ? "an IPv4 address" : "an IPv6 address");
    }
    return zone_advance(e);
}

static int take_mx(struct zone_line *e)
{
    uint64_t preference = 0;
    int r = take_number(e, "a preference (0 to 65535)", UINT16_MAX, &preference);
    e->entry->record.mx.preference = (uint16_t)preference;
    return r < 0 ? r : take_name_copy(e, &e->entry->record.mx.exchange);
}

/* Appends one string's octets; *wire counts them with the octet of its length. */
static int take_string(struct zone_line *e, struct buf *text, size_t *wire)
{
    size_t length = 0;
    for (size_t at = 0; at < e->t.text.n; length++) {
        int c = zone_next_octet(e->t.text, &at);
        char octet = (char)c;
        if (c < 0) {
            return zone_expected(e, "000 to 255 behind \"\\\"");
        }
        buf_append(text, &octet, 1);
    }
    *wire += length + 1;
    if (length > STRING_MOST || *wire > DATA_MOST) {
        return zone_fail_at(e, e->t.line, e->t.column,
                            "expected strings of at most %u octets, and %u in all", STRING_MOST,
                            DATA_MOST);
    }
    return zone_advance(e);
}

static int take_text(struct zone_line *e)
{
    struct buf text = {0};
    size_t wire = 0;
    int r = zone_at_line_end(e) ? zone_expected(e, "a string") : 0;
    while (r == 0 && !zone_at_line_end(e)) {
        r = take_string(e, &text, &wire);
    }
    e->entry->record.text = arena_copy(e->arena, buf_slice(&text));
    buf_free(&text);
    return r;
}

/* Its data as they are in a message: two names and five numbers (RFC 1035 3.3.13). */
static int take_soa(struct zone_line *e)
{
    struct dns_name server, person;
    uint32_t times[4] = {0};
    uint64_t serial = 0;
    int r = take_name(e, &server);
    r = r < 0 ? r : take_name(e, &person);
    r = r < 0 ? r : take_number(e, "a serial number", UINT32_MAX, &serial);
    for (size_t i = 0; r == 0 && i < 4; i++) {
        r = take_seconds(e, &times[i]);
    }
    if (r < 0) {
        return r;
    }
    uint8_t *p = arena_alloc(e->arena, (size_t)server.n + person.n + 20);
    e->entry->record.data = (struct slice){(const char *)p, (size_t)server.n + person.n + 20};
    memcpy(p, server.wire, server.n);
    memcpy(p + server.n, person.wire, person.n);
    p += server.n + person.n;
    octets_put(p, 4, serial);
    for (size_t i = 0; i < 4; i++) {
        octets_put(p + 4 + 4 * i, 4, times[i]);
    }
    return 0;
}

static int take_data(struct zone_line *e)
{
    struct dns_record *x = &e->entry->record;
    switch ((enum dns_type)e->entry->type) {
    case DNS_A: return take_address(e, ADDR_V4);
    case DNS_AAAA: return take_address(e, ADDR_V6);
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
    case DNS_DNAME: return take_name_copy(e, &x->name);
    case DNS_MX: return take_mx(e);
    case DNS_SPF:
    case DNS_TXT: return take_text(e);
    case DNS_SOA: return take_soa(e);
    case DNS_DNSKEY: break;
    }
    return zone_expected(e, "a type of record");
}

/* ---- entries ---- */

static const struct {
    const char *word;
    enum zone_entry_kind kind;
    enum dns_type type;
} types[] = {
    {"A", ZONE_RECORD, DNS_A},         {"AAAA", ZONE_RECORD, DNS_AAAA},
    {"CNAME", ZONE_RECORD, DNS_CNAME}, {"DNAME", ZONE_RECORD, DNS_DNAME},
    {"MX", ZONE_RECORD, DNS_MX},       {"NS", ZONE_RECORD, DNS_NS},
    {"PTR", ZONE_RECORD, DNS_PTR},     {"SOA", ZONE_RECORD, DNS_SOA},
    {"SPF", ZONE_RECORD, DNS_SPF},     {"TXT", ZONE_RECORD, DNS_TXT},
    {"TIMEOUT", ZONE_TIMEOUT, 0},      {"SERVFAIL", ZONE_SERVFAIL, 0},
    {"BOGUS", ZONE_BOGUS, 0},
};

static const char *const other_types[] = {
    "AFSDB", "CAA",  "CDNSKEY", "CDS",        "CERT",  "CSYNC", "DNSKEY", "DS",     "HINFO",
    "HTTPS", "LOC",  "NAPTR",   "NSEC",       "NSEC3", "RP",    "RRSIG",  "SMIMEA", "NSEC3PARAM",
    "SSHFP", "SVCB", "TLSA",    "OPENPGPKEY", "SRV",   "URI",   "ZONEMD",
};

static bool find_type(const struct zone_line *e, enum zone_entry_kind *ret_kind, unsigned *ret_type)
{
    struct slice number;
    uint64_t n = 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (zone_is_word(e, types[i].word)) {
            *ret_kind = types[i].kind;
            *ret_type = types[i].type;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(other_types) / sizeof(other_types[0]); i++) {
        if (zone_is_word(e, other_types[i])) {
            *ret_kind = ZONE_OTHER;
            return true;
        }
    }
    *ret_kind = ZONE_OTHER; /* RFC 3597 */
    return e->t.kind == ZONE_TOKEN_WORD && slice_prefix(e->t.text, "TYPE", &number) &&
           parse_number(number, UINT16_MAX, &n);
}

/* [TTL] [IN], in either order */
static int take_ttl_and_class(struct zone_line *e)
{
    bool ttl = false, class = false;
    for (;;) {
        int r;
        if (!class && zone_is_word(e, "IN")) {
            class = true;
            r = zone_advance(e);
        } else if (!ttl && e->t.kind == ZONE_TOKEN_WORD && e->t.text.n > 0 &&
                   ascii_is_digit(e->t.text.p[0])) {
            ttl = true;
            r = take_seconds(e, &e->entry->ttl);
            e->r->ttl = r == 0 && !e->r->ttl_is_said ? e->entry->ttl : e->r->ttl;
        } else {
            return 0;
        }
        if (r < 0) {
            return r;
        }
    }
}

/* The type of which nothing is to be had, if one is named. */
static int take_pseudo(struct zone_line *e)
{
    enum zone_entry_kind kind;
    unsigned type = 0;
    if (zone_at_line_end(e)) {
        return 0;
    }
    if (!find_type(e, &kind, &type) || kind != ZONE_RECORD) {
        return zone_expected(e, "a type of record");
    }
    e->entry->type = type;
    return zone_advance(e);
}

static int take_others(struct zone_line *e)
{
    int r = 0;
    while (r == 0 && !zone_at_line_end(e)) {
        r = zone_advance(e);
    }
    return r;
}

static int take_entry(struct zone_line *e)
{
    struct zone_entry *x = e->entry;
    x->owner = e->r->owner;
    x->ttl = e->r->ttl;
    int r = take_ttl_and_class(e);
    if (r < 0) {
        return r;
    }
    if (!find_type(e, &x->kind, &x->type)) {
        return zone_expected(e, "a type of record");
    }
    r = zone_advance(e);
    if (r < 0) {
        return r;
    }
    switch (x->kind) {
    case ZONE_RECORD: return take_data(e);
    case ZONE_OTHER: return take_others(e);
    default: return take_pseudo(e);
    }
}

static int take_latency(struct zone_line *e)
{
    uint64_t n = 0;
    struct slice text = e->t.text;
    e->entry->kind = ZONE_LATENCY;
    if (e->t.kind == ZONE_TOKEN_WORD && text.n > 2 && (text.p[text.n - 1] | 0x20) == 's' &&
        (text.p[text.n - 2] | 0x20) == 'm' &&
        parse_number((struct slice){text.p, text.n - 2}, TTL_MOST, &n)) {
        e->entry->latency = (usec_t)n * USEC_MSEC;
    } else if (e->t.kind == ZONE_TOKEN_WORD && parse_seconds(text, &n)) {
        e->entry->latency = (usec_t)n * USEC_SEC;
    } else {
        return zone_expected(e, "a time such as 200ms");
    }
    return zone_advance(e);
}

/* 1 where the line is an entry; 0: it was about how to read on. */
static int take_directive(struct zone_line *e)
{
    struct zone_reader *r = e->r;
    bool origin = zone_is_word(e, "$ORIGIN"), ttl = zone_is_word(e, "$TTL");
    if (!origin && !ttl && !zone_is_word(e, "$LATENCY")) {
        return zone_expected(e, "$ORIGIN, $TTL or $LATENCY");
    }
    int rc = zone_advance(e);
    if (rc < 0) {
        return rc;
    }
    if (origin) {
        struct dns_name name;
        rc = take_name(e, &name);
        r->origin = rc == 0 ? name : r->origin;
        return rc;
    }
    if (ttl) {
        r->ttl_is_said = true;
        return take_seconds(e, &r->ttl);
    }
    rc = take_latency(e);
    return rc < 0 ? rc : 1;
}

/* A line that says something: 1 with an entry, 0 without, or -EINVAL. */
static int take_line(struct zone_line *e, bool blank_first)
{
    struct zone_reader *r = e->r;
    struct slice word;
    if (!blank_first && e->t.kind == ZONE_TOKEN_WORD && slice_prefix(e->t.text, "$", &word)) {
        return take_directive(e);
    }
    int rc = 0;
    if (!blank_first) {
        rc = take_name(e, &r->owner);
        r->has_owner = rc == 0;
    } else if (!r->has_owner) {
        rc = zone_expected(e, "a name at the line's beginning, since no entry is above it");
    }
    rc = rc < 0 ? rc : take_entry(e);
    return rc < 0 ? rc : 1;
}

void zone_reader_init(struct zone_reader *r, struct slice text)
{
    *r = (struct zone_reader){.text = text, .line = 1, .ttl = ZONE_TTL_USUAL};
    dns_name_root(&r->origin);
    dns_name_root(&r->owner);
}

int zone_reader_next(struct zone_reader *r, struct arena *arena, struct zone_entry *ret,
                     struct zone_problem *ret_problem)
{
    struct zone_entry entry;
    struct zone_problem problem;
    struct zone_line e = {.r = r, .arena = arena, .entry = &entry, .problem = &problem};
    int rc;
    do {
        entry = (struct zone_entry){0};
        bool blank_first = zone_blank_is_next(r);
        rc = zone_advance(&e);
        if (rc == 0 && e.t.kind == ZONE_TOKEN_END) {
            return 0;
        }
        if (rc == 0 && e.t.kind != ZONE_TOKEN_LINE_END) {
            rc = take_line(&e, blank_first);
            rc = rc >= 0 && !zone_at_line_end(&e) ? zone_expected(&e, "the line's end") : rc;
        }
    } while (rc == 0);
    if (rc < 0) {
        *ret_problem = problem;
        return rc;
    }
    *ret = entry;
    return 1;
}
