/* What an answer of the DNS says (RFC 1035 4.1). The answer comes from a resolver that has checked
 * that it fits the question; here it is only taken apart. */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/slice.h"

enum dns_type { DNS_A = 1, DNS_AAAA = 28 };

enum dns_rcode { DNS_NOERROR = 0, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3 };

/* The addresses of records of `type` among its answers, at most `max`, port 0; those of the names
 * that a CNAME leads to included. 0 with *ret_rcode and *ret_n; or -EBADMSG. */
int dns_answer_addresses(struct slice packet, enum dns_type type, struct addr *ret, size_t max,
                         size_t *ret_n, unsigned *ret_rcode);
