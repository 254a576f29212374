/* An SPF record (RFC 7208 4.5, 4.6 and 12): its terms, taken off the text one by one.
 *
 * Nothing is allocated, whatever the record's length, and nothing is looked up. The syntax is the
 * ABNF's to the letter: a term that does not follow it makes the whole record a permerror. */
#pragma once

#include "base/addr.h"
#include "parse/spf_macro.h"

enum spf_kind {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
    SPF_REDIRECT,
    SPF_EXP,
    SPF_UNKNOWN_MODIFIER
};

struct spf_term {
    enum spf_kind kind;
    char qualifier;      /* of a directive: '+' '-' '?' '~' */
    struct slice text;   /* the whole term, as it stands in the record */
    struct slice domain; /* the domain-spec, or an unknown modifier's value; empty: none */
    unsigned macros;     /* SPF_MACRO_BITs of the domain-spec */
    struct addr
        network;   /* ip4, ip6: its bits behind the prefix as written, and never IPv4-mapped */
    uint8_t bits4; /* prefix lengths: a, mx, ip4 */
    uint8_t bits6; /* a, mx, ip6 */
};

/* Does a TXT record begin with the version section? Others are none of SPF's (4.5). */
bool spf_record_is(struct slice text);

struct spf_record {
    struct slice terms;       /* for spf_record_next */
    struct spf_term redirect; /* without domain: there is none; */
    struct spf_term exp;      /* likewise */
};

/* What is wrong with a record. */
struct spf_record_fault {
    const char *what;  /* a phrase, static */
    size_t at;         /* octets from the record's start */
    struct slice term; /* in which it is; may hold any octets */
};

/* Looks at a whole record, one of those that spf_record_is picks: 0, or -EINVAL with *ret_fault. */
int spf_record_parse(struct slice text, struct spf_record *ret, struct spf_record_fault *ret_fault);

/* Takes the next term off `terms`, which spf_record_parse gave; false: there is no more. */
bool spf_record_next(struct slice *terms, struct spf_term *ret);
