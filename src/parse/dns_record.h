/* Records of the DNS, and a response message taken apart (RFC 1035 4).
 *
 * A response may come from anybody who runs a name server. What it can cost is bounded: a message
 * has 65,535 octets at most (a longer one is none), a name 255 octets and 127 pointers that each
 * lead further back, a chain 12 CNAMEs, an answer 512 records and about 300 KiB of the arena; each
 * record is looked at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "parse/dns_name.h"

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_DNAME = 39,
    DNS_DNSKEY = 48,
    DNS_SPF = 99, /* in zone files only: RFC 7208 3.1 has nobody ask for it */
};

/* "A", "MX"; "TYPE" for one without a name here. */
const char *dns_type_name(enum dns_type type);

enum dns_rcode { DNS_NOERROR = 0, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3 };

/* What a record says, by its type. */
struct dns_record {
    union {
        struct addr address;         /* A, AAAA; port 0 */
        const struct dns_name *name; /* NS, CNAME, PTR, DNAME */
        struct {
            uint16_t preference;
            const struct dns_name *exchange; /* the root: a null MX (RFC 7505) */
        } mx;
        struct slice text; /* TXT, SPF: the strings with nothing between (RFC 7208 3.3) */
        struct slice data; /* any other type: the octets as they came */
    };
};

/* A copy of records of one type with all that they point to, in `arena`. */
const struct dns_record *dns_records_copy(struct arena *arena, enum dns_type type,
                                          const struct dns_record *records, size_t count);

/* Further records of an answer are left out, and it is `cut`. */
#define DNS_RECORDS_MOST 512
/* A longer chain is a loop. */
#define DNS_CNAMES_MOST 12

struct dns_message {
    unsigned rcode; /* with EDNS's upper bits (RFC 6891 6.1.3) */
    bool cut;
    uint32_t ttl; /* seconds: the least of the chain and the records; without a record that of the
                     SOA in the authority section (RFC 2308 5), and 0 where there is none */
    const struct dns_name *canonical; /* where CNAMEs led; the question's name without one */
    const struct dns_record *records; /* of the canonical name, of the type asked for */
    size_t count;
};

/* Takes the response to a question for `name` and `type` (class IN) apart. CNAMEs must stand in
 * front of what they lead to, as RFC 1034 4.3.2 makes them; for type CNAME none is followed. Octets
 * behind the last record are passed over. What *ret points to is in `arena`.
 *
 * 0; or -EBADMSG: no response, or one to another question; cut off (TC, or shorter than its counts
 * say); a name or a chain that is too long or turns in a circle; a record sought whose data are not
 * what its type has. */
int dns_message_parse(struct slice packet, const struct dns_name *name, enum dns_type type,
                      struct arena *arena, struct dns_message *ret);
