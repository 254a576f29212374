/* See parse/dns_record.h.
 *
 *   message  = header question *record(answer) *record(authority) *record(additional)
 *   header   = ID(2) flags(2) QDCOUNT(2) ANCOUNT(2) NSCOUNT(2) ARCOUNT(2)
 *   question = name QTYPE(2) QCLASS(2)
 *   record   = name TYPE(2) CLASS(2) TTL(4) RDLENGTH(2) RDATA
 *   name     = *( length(1) octets ) ( 0 / pointer(2) ) */
#include "parse/dns_record.h"

#include <errno.h>
#include <string.h>

#include "base/octets.h"

#define CLASS_IN      1u
#define TYPE_OPT      41u
#define FLAG_QR       0x8000u
#define FLAG_TC       0x0200u
#define POINTER_BITS  0xc0u
#define POINTERS_MOST 127
#define MESSAGE_MOST  65535u

/* Octets still to be read. Once something was wrong or missing, all that follows is 0. */
struct reader {
    const uint8_t *whole; /* the message, into which pointers lead */
    size_t at;
    size_t end;
    bool failed;
};

static const uint8_t *take(struct reader *r, size_t n)
{
    if (r->failed || r->end - r->at < n) {
        r->failed = true;
        return NULL;
    }
    r->at += n;
    return r->whole + r->at - n;
}

static uint32_t take_number(struct reader *r, size_t n)
{
    const uint8_t *p = take(r, n);
    return p == NULL ? 0 : (uint32_t)octets_get(p, n);
}

/* Where a name goes on behind a pointer, whose first octet has been read from in front of `at`:
 * what it leads to lies in front of `before`, so that names come to an end. */
static void follow(struct reader *r, uint8_t first, size_t *before)
{
    size_t to = (size_t)(first & ~POINTER_BITS) << 8 | take_number(r, 1);
    if (r->failed || to >= *before) {
        r->failed = true;
        return;
    }
    *before = to;
    r->at = to;
}

static void take_name(struct reader *r, struct dns_name *ret)
{
    struct reader in = *r; /* goes where the name is; `r` stays where it is written */
    size_t before = r->at;
    unsigned pointers = 0;
    dns_name_root(ret);
    for (;;) {
        uint8_t length = (uint8_t)take_number(&in, 1);
        if (in.failed || length == 0) {
            break;
        }
        if ((length & POINTER_BITS) == POINTER_BITS && pointers++ < POINTERS_MOST) {
            size_t behind = in.at + 1;
            follow(&in, length, &before);
            r->at = pointers == 1 ? behind : r->at;
            continue;
        }
        const uint8_t *label = take(&in, length);
        if (label == NULL ||
            dns_name_append(ret, (struct slice){(const char *)label, length}) < 0) {
            in.failed = true;
            break;
        }
    }
    r->failed = in.failed;
    if (pointers == 0) {
        r->at = in.at;
    }
}

/* ---- records ---- */

struct raw_record {
    struct dns_name owner;
    uint32_t type;
    uint32_t class;
    uint32_t ttl;
    struct reader data; /* of its own octets; pointers in it lead into the message */
};

static void take_record(struct reader *r, struct raw_record *ret)
{
    take_name(r, &ret->owner);
    ret->type = take_number(r, 2);
    ret->class = take_number(r, 2);
    ret->ttl = take_number(r, 4);
    size_t n = take_number(r, 2);
    ret->data = *r;
    (void)take(r, n);
    ret->data.end = r->at;
}

/* RFC 2181 8: a TTL with its highest bit set is 0. */
static uint32_t record_ttl(const struct raw_record *x)
{
    return x->ttl > INT32_MAX ? 0 : x->ttl;
}

static const struct dns_name *data_name(struct reader *data, struct arena *arena)
{
    struct dns_name name;
    take_name(data, &name);
    return dns_name_copy(arena, &name);
}

/* RFC 1035 3.3.14: one or more strings of a length and so many octets. */
static struct slice data_text(struct reader *data, struct arena *arena)
{
    char *text = arena_alloc(arena, data->end - data->at + 1);
    size_t n = 0;
    do {
        size_t length = take_number(data, 1);
        const uint8_t *p = take(data, length);
        if (p != NULL) {
            memcpy(text + n, p, length);
            n += length;
        }
    } while (!data->failed && data->at < data->end);
    return (struct slice){text, n};
}

static struct slice data_raw(struct reader *data, struct arena *arena)
{
    size_t n = data->end - data->at;
    const char *p = (const char *)take(data, n);
    return p == NULL ? (struct slice){"", 0} : arena_copy(arena, (struct slice){p, n});
}

static void data_address(struct reader *data, enum addr_family family, struct addr *ret)
{
    size_t n = family == ADDR_V4 ? 4 : 16;
    const uint8_t *p = take(data, n);
    *ret = (struct addr){.family = (uint8_t)family};
    if (p != NULL) {
        memcpy(ret->octets, p, n);
    }
}

/* What the record says: 0 or -EBADMSG. */
static int take_data(struct reader data, enum dns_type type, struct arena *arena,
                     struct dns_record *ret)
{
    switch (type) {
    case DNS_A: data_address(&data, ADDR_V4, &ret->address); break;
    case DNS_AAAA: data_address(&data, ADDR_V6, &ret->address); break;
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
    case DNS_DNAME: ret->name = data_name(&data, arena); break;
    case DNS_MX:
        ret->mx.preference = (uint16_t)take_number(&data, 2);
        ret->mx.exchange = data_name(&data, arena);
        break;
    case DNS_SPF:
    case DNS_TXT: ret->text = data_text(&data, arena); break;
    case DNS_SOA:
    case DNS_DNSKEY: ret->data = data_raw(&data, arena); break;
    }
    return data.failed || data.at != data.end ? -EBADMSG : 0;
}

/* ---- the sections ---- */

struct parse {
    struct reader r;
    enum dns_type type;
    struct arena *arena;
    struct dns_record *records;
    size_t room;                                       /* records that can be there */
    const struct dns_name *chain[DNS_CNAMES_MOST + 1]; /* the question's name, and where it led */
    size_t links;                                      /* CNAMEs in it */
    uint32_t negative_ttl;
    struct dns_message message;
};

static int follow_cname(struct parse *p, struct reader data)
{
    struct dns_record cname;
    if (p->links == DNS_CNAMES_MOST || take_data(data, DNS_CNAME, p->arena, &cname) < 0) {
        return -EBADMSG;
    }
    for (size_t i = 0; i <= p->links; i++) {
        if (dns_name_eq(cname.name, p->chain[i])) {
            return -EBADMSG;
        }
    }
    p->chain[++p->links] = cname.name;
    return 0;
}

static void lower_ttl(uint32_t *ttl, uint32_t other)
{
    *ttl = other < *ttl ? other : *ttl;
}

static int keep_record(struct parse *p, struct reader data)
{
    if (p->message.count == p->room) {
        p->message.cut = true;
        return 0;
    }
    return take_data(data, p->type, p->arena, &p->records[p->message.count++]);
}

static int answer_record(struct parse *p, const struct raw_record *x)
{
    if (x->class != CLASS_IN || !dns_name_eq(&x->owner, p->chain[p->links])) {
        return 0;
    }
    if (x->type == (uint32_t)p->type) {
        lower_ttl(&p->message.ttl, record_ttl(x));
        return keep_record(p, x->data);
    }
    if (x->type == DNS_CNAME && p->message.count == 0) {
        lower_ttl(&p->message.ttl, record_ttl(x));
        return follow_cname(p, x->data);
    }
    return 0;
}

/* RFC 2308 5: the lesser of the SOA's own TTL and its last number. */
static int authority_record(struct parse *p, const struct raw_record *x)
{
    struct reader data = x->data;
    struct dns_name name;
    if (x->class != CLASS_IN || x->type != DNS_SOA) {
        return 0;
    }
    take_name(&data, &name);
    take_name(&data, &name);
    (void)take(&data, (size_t)4 * 4);
    uint32_t minimum = take_number(&data, 4);
    p->negative_ttl = record_ttl(x);
    lower_ttl(&p->negative_ttl, minimum > INT32_MAX ? 0 : minimum);
    return data.failed ? -EBADMSG : 0;
}

static int additional_record(struct parse *p, const struct raw_record *x)
{
    if (x->type == TYPE_OPT) {
        p->message.rcode |= x->ttl >> 24 << 4;
    }
    return 0;
}

static int section(struct parse *p, unsigned count,
                   int (*fn)(struct parse *p, const struct raw_record *x))
{
    struct raw_record x;
    for (unsigned i = 0; i < count; i++) {
        take_record(&p->r, &x);
        int r = p->r.failed ? -EBADMSG : fn(p, &x);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int question(struct parse *p, unsigned count)
{
    struct dns_name name;
    take_name(&p->r, &name);
    uint32_t type = take_number(&p->r, 2), class = take_number(&p->r, 2);
    return count == 1 && !p->r.failed && type == (uint32_t)p->type && class == CLASS_IN &&
                   dns_name_eq(&name, p->chain[0])
               ? 0
               : -EBADMSG;
}

static int header_and_sections(struct parse *p)
{
    (void)take(&p->r, 2);
    uint32_t flags = take_number(&p->r, 2), questions = take_number(&p->r, 2);
    uint32_t answers = take_number(&p->r, 2), authorities = take_number(&p->r, 2);
    uint32_t others = take_number(&p->r, 2);
    if (p->r.failed || (flags & FLAG_QR) == 0 || (flags & FLAG_TC) != 0) {
        return -EBADMSG;
    }
    p->message.rcode = flags & 0xf;
    p->room = answers < DNS_RECORDS_MOST ? answers : DNS_RECORDS_MOST;
    p->records = arena_alloc(p->arena, p->room * sizeof(*p->records) + 1);
    int r = question(p, questions);
    r = r < 0 ? r : section(p, answers, answer_record);
    r = r < 0 ? r : section(p, authorities, authority_record);
    return r < 0 ? r : section(p, others, additional_record);
}

int dns_message_parse(struct slice packet, const struct dns_name *name, enum dns_type type,
                      struct arena *arena, struct dns_message *ret)
{
    struct parse p = {.r = {.whole = (const uint8_t *)packet.p, .end = packet.n},
                      .type = type,
                      .arena = arena,
                      .message = {.ttl = INT32_MAX}};
    p.chain[0] = dns_name_copy(arena, name);
    int r = packet.n > MESSAGE_MOST ? -EBADMSG : header_and_sections(&p);
    if (r < 0) {
        return r;
    }
    if (p.message.count == 0) {
        lower_ttl(&p.message.ttl, p.negative_ttl);
    }
    p.message.records = p.records;
    p.message.canonical = p.chain[p.links];
    *ret = p.message;
    return 0;
}

static void copy_record(struct arena *arena, enum dns_type type, struct dns_record *x)
{
    switch (type) {
    case DNS_A:
    case DNS_AAAA: break;
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
    case DNS_DNAME: x->name = dns_name_copy(arena, x->name); break;
    case DNS_MX: x->mx.exchange = dns_name_copy(arena, x->mx.exchange); break;
    case DNS_SPF:
    case DNS_TXT: x->text = arena_copy(arena, x->text); break;
    case DNS_SOA:
    case DNS_DNSKEY: x->data = arena_copy(arena, x->data); break;
    }
}

const struct dns_record *dns_records_copy(struct arena *arena, enum dns_type type,
                                          const struct dns_record *records, size_t count)
{
    struct dns_record *copy = arena_alloc(arena, count * sizeof(*copy) + 1);
    for (size_t i = 0; i < count; i++) {
        copy[i] = records[i];
        copy_record(arena, type, &copy[i]);
    }
    return copy;
}

const char *dns_type_name(enum dns_type type)
{
    switch (type) {
    case DNS_A: return "A";
    case DNS_NS: return "NS";
    case DNS_CNAME: return "CNAME";
    case DNS_SOA: return "SOA";
    case DNS_PTR: return "PTR";
    case DNS_MX: return "MX";
    case DNS_TXT: return "TXT";
    case DNS_AAAA: return "AAAA";
    case DNS_DNAME: return "DNAME";
    case DNS_DNSKEY: return "DNSKEY";
    case DNS_SPF: return "SPF";
    }
    return "TYPE";
}
