/* See parse/dns_answer.h.
 *
 *   header  = ID(2) flags(2) QDCOUNT(2) ANCOUNT(2) NSCOUNT(2) ARCOUNT(2)
 *   question = name QTYPE(2) QCLASS(2)
 *   record  = name TYPE(2) CLASS(2) TTL(4) RDLENGTH(2) RDATA
 *   name    = *( length(1) octets ) ( 0 / pointer(2) ) */
#include "parse/dns_answer.h"

#include <errno.h>
#include <string.h>

#define CLASS_IN     1
#define POINTER_BITS 0xc0u

/* Octets still to be read; once something was missing all that follows is 0. */
struct reader {
    const unsigned char *p;
    size_t n;
    bool failed;
};

static const unsigned char *take(struct reader *r, size_t n)
{
    if (r->failed || r->n < n) {
        r->failed = true;
        return NULL;
    }
    const unsigned char *p = r->p;
    r->p += n;
    r->n -= n;
    return p;
}

static unsigned take_number(struct reader *r)
{
    const unsigned char *p = take(r, 2);
    return p == NULL ? 0 : (unsigned)p[0] << 8 | p[1];
}

/* A pointer ends a name: where it leads to need not be known. */
static void skip_name(struct reader *r)
{
    for (;;) {
        const unsigned char *length = take(r, 1);
        if (length == NULL || *length == 0) {
            return;
        }
        if ((*length & POINTER_BITS) == POINTER_BITS) {
            (void)take(r, 1);
            return;
        }
        if ((*length & POINTER_BITS) != 0) {
            r->failed = true;
            return;
        }
        (void)take(r, *length);
    }
}

/* The next record, if it is an address of this type: 1; else 0. */
static int take_address(struct reader *r, enum dns_type type, struct addr *ret)
{
    size_t wanted = type == DNS_A ? 4 : 16;
    skip_name(r);
    unsigned found = take_number(r), class = take_number(r);
    (void)take(r, 4); /* its TTL is the cache's business */
    unsigned length = take_number(r);
    const unsigned char *data = take(r, length);
    if (data == NULL || found != (unsigned)type || class != CLASS_IN || length != wanted) {
        return 0;
    }
    *ret = (struct addr){.family = type == DNS_A ? ADDR_V4 : ADDR_V6};
    memcpy(ret->octets, data, wanted);
    return 1;
}

int dns_answer_addresses(struct slice packet, enum dns_type type, struct addr *ret, size_t max,
                         size_t *ret_n, unsigned *ret_rcode)
{
    struct reader r = {.p = (const unsigned char *)packet.p, .n = packet.n};
    size_t n = 0;
    (void)take_number(&r);
    unsigned rcode = take_number(&r) & 0xf;
    unsigned questions = take_number(&r), answers = take_number(&r);
    (void)take(&r, 4);
    for (unsigned i = 0; i < questions && !r.failed; i++) {
        skip_name(&r);
        (void)take(&r, 4);
    }
    for (unsigned i = 0; i < answers && n < max && !r.failed; i++) {
        n += (size_t)take_address(&r, type, &ret[n]);
    }
    if (r.failed) {
        return -EBADMSG;
    }
    *ret_n = n;
    *ret_rcode = rcode;
    return 0;
}
