/* Names of the DNS (RFC 1035 3.1), as values: in wire form, letters in lower case, absolute.
 *
 * Any octet may be in a label. Texts come in as people and protocols write them (dns_name_parse,
 * dns_name_parse_idn); the escapes of the master format are parse/zone_file.h's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"

#define DNS_NAME_MOST     255  /* octets of a name (RFC 1035 2.3.4) */
#define DNS_LABEL_MOST    63   /* of a label */
#define DNS_NAME_TEXT_MAX 1024 /* room for dns_name_format with the terminating NUL */

struct dns_name {
    uint8_t n; /* octets in `wire`, the root's 0 at the end among them; 1: the root */
    uint8_t wire[DNS_NAME_MOST];
};

/* The root. */
void dns_name_root(struct dns_name *ret);

/* A copy in `arena`. */
struct dns_name *dns_name_copy(struct arena *arena, const struct dns_name *name);

/* A text of labels with dots between, each octet but the dot being itself: an underscore, a space,
 * a backslash. A dot at the end changes nothing; "." is the root. 0; or -EINVAL: no octet, an empty
 * label, one over 63 octets, or a name over 255. */
int dns_name_parse(struct slice text, struct dns_name *ret);

/* The same for a name that people write: one that is not all ASCII has its U-labels become A-labels
 * (IDNA 2008 with UTS 46's mapping, nontransitional; RFC 5891). -EINVAL also where IDNA does not
 * allow them. */
int dns_name_parse_idn(struct slice text, struct dns_name *ret);

/* The text without a dot at the end, "." for the root; dots within a label, backslashes, and what
 * is no printable ASCII character as \DDD. NUL-terminated; returns its length. */
size_t dns_name_format(const struct dns_name *name, char ret[static DNS_NAME_TEXT_MAX]);

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b);

/* Is it `zone`, or below it? */
bool dns_name_is_below(const struct dns_name *name, const struct dns_name *zone);

/* How many labels, the root's not counted. */
unsigned dns_name_labels(const struct dns_name *name);

/* The first label; empty for the root. Points into `name`. */
struct slice dns_name_first(const struct dns_name *name);

/* Takes the first label off: false at the root. */
bool dns_name_parent(struct dns_name *name);

/* Puts a label in front, or behind the last. 0; or -EINVAL, and nothing has changed: the label is
 * empty or too long, or the name would be. */
int dns_name_prepend(struct dns_name *name, struct slice label);
int dns_name_append(struct dns_name *name, struct slice label);

/* `front` becomes front.zone. 0; or -EINVAL, and nothing has changed: too long. */
int dns_name_join(struct dns_name *front, const struct dns_name *zone);

/* The address turned around in front of `zone`: 2.0.0.127.zone, or 32 nibbles. 0; or -EINVAL: too
 * long, or no address. */
int dns_name_reverse(const struct addr *a, const struct dns_name *zone, struct dns_name *ret);

/* Under which the names of addresses stand: in-addr.arpa (RFC 1035 3.5), ip6.arpa (RFC 3596). */
void dns_name_arpa(const struct addr *a, struct dns_name *ret);
