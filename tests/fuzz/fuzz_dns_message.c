/* Responses of the DNS: whatever comes, nothing is read beyond it, and what is found fits into it.
 *
 * The input is a message, whose own question is asked; or, where it has none, one for a fixed
 * name. */
#include "fuzz.h"

#include <errno.h>

#include "parse/dns_record.h"

static const enum dns_type types[] = {DNS_A,  DNS_AAAA, DNS_NS,  DNS_CNAME, DNS_SOA,   DNS_PTR,
                                      DNS_MX, DNS_TXT,  DNS_SPF, DNS_DNAME, DNS_DNSKEY};

static void check_name(const struct dns_name *name)
{
    size_t at = 0;
    while (name->wire[at] != 0) {
        at += name->wire[at] + 1u;
    }
    FUZZ_CHECK(name->n == at + 1);
}

static void check_record(const struct dns_record *x, enum dns_type type, size_t size)
{
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        FUZZ_CHECK(x->address.family == (type == DNS_A ? ADDR_V4 : ADDR_V6));
        FUZZ_CHECK(x->address.port == 0);
        break;
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
    case DNS_DNAME: check_name(x->name); break;
    case DNS_MX: check_name(x->mx.exchange); break;
    case DNS_TXT:
    case DNS_SPF: FUZZ_CHECK(x->text.n < size); break;
    case DNS_SOA:
    case DNS_DNSKEY: FUZZ_CHECK(x->data.n < size); break;
    }
}

/* The name of the question, as far as it needs no pointer. */
static bool own_question(const uint8_t *p, size_t n, struct dns_name *ret)
{
    dns_name_root(ret);
    for (size_t at = 12; at < n; at += p[at] + 1u) {
        if (p[at] == 0) {
            return true;
        }
        if (p[at] > DNS_LABEL_MOST || n - at - 1 < p[at] ||
            dns_name_append(ret, (struct slice){(const char *)p + at + 1, p[at]}) < 0) {
            return false;
        }
    }
    return false;
}

static void check(struct slice packet, const struct dns_name *name, enum dns_type type)
{
    struct arena arena;
    struct dns_message m = {.count = 9999};
    arena_init(&arena);
    int r = dns_message_parse(packet, name, type, &arena, &m);
    FUZZ_CHECK(r == 0 || (r == -EBADMSG && m.count == 9999));
    if (r == 0) {
        FUZZ_CHECK(m.count <= DNS_RECORDS_MOST && m.count * 12 <= packet.n);
        FUZZ_CHECK(!m.cut || m.count == DNS_RECORDS_MOST);
        FUZZ_CHECK(m.ttl <= INT32_MAX && m.rcode < 4096);
        check_name(m.canonical);
        for (size_t i = 0; i < m.count; i++) {
            check_record(&m.records[i], type, packet.n);
        }
        const struct dns_record *copy = dns_records_copy(&arena, type, m.records, m.count);
        for (size_t i = 0; i < m.count; i++) {
            check_record(&copy[i], type, packet.n);
        }
    }
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice packet = {fuzz_copy(data, size), size};
    struct dns_name name;
    if (!own_question(data, size, &name)) {
        FUZZ_CHECK(dns_name_parse(SLICE_LIT("mail.example.org"), &name) == 0);
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        check(packet, &name, types[i]);
    }
    free((char *)packet.p);
    return 0;
}
