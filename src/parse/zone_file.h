/* The master format of zones (RFC 1035 5, RFC 2308 4), one entry after the other; with a few words
 * of our own, by which a file can also say how the DNS fails. For tests, and for `gatepost judge
 * --dns`.
 *
 *   file      = *( [ entry / directive ] [ ";" comment ] newline )
 *   directive = "$ORIGIN" name / "$TTL" time / "$LATENCY" time
 *   entry     = [ name ] [ time ] [ "IN" ] ( TYPE data / pseudo [ TYPE ] )     time and IN in
 * either order pseudo    = "TIMEOUT" / "SERVFAIL" / "BOGUS" time      = number / 1*( number unit )
 * unit = w d h m s;  $LATENCY has ms, too
 *
 * A line that begins with a blank has the name of the entry before. "@" is the origin, which is the
 * root until $ORIGIN says otherwise; a name without a dot at the end is below it. Parentheses join
 * lines. \X is the octet X, \DDD the octet of that number; "…" is one string, blanks and all.
 *
 * Types: A AAAA CNAME DNAME MX NS PTR SOA SPF TXT. Of others that zones commonly have only the name
 * counts (ZONE_OTHER); a word that is no type is an error. $INCLUDE and $GENERATE are not
 * understood.
 *
 * Pure: no file is opened here, and a text can cost no more than itself. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "base/time.h"
#include "parse/dns_name.h"
#include "parse/dns_record.h"

enum zone_entry_kind {
    ZONE_RECORD,   /* owner, type, ttl, record; of a SOA the data as the wire has them */
    ZONE_OTHER,    /* owner: a record of a type that nobody asks for */
    ZONE_TIMEOUT,  /* owner, type (0: every type of which there is no record): never answered */
    ZONE_SERVFAIL, /* the same: answered with SERVFAIL */
    ZONE_BOGUS,    /* the same: the answer does not validate */
    ZONE_LATENCY,  /* latency: how long each answer takes */
};

struct zone_entry {
    enum zone_entry_kind kind;
    struct dns_name owner; /* with "*" as its first label: a wildcard (RFC 1034 4.3.3) */
    unsigned type;         /* enum dns_type, or 0 */
    uint32_t ttl;          /* seconds */
    struct dns_record record;
    usec_t latency;
};

/* Where a text is not understood. */
struct zone_problem {
    unsigned line;   /* from 1 */
    unsigned column; /* from 1, in octets */
    char text[160];  /* what was expected; octets of the file in it as they are */
};

/* Of a record without a TTL, where no $TTL is in front and no record with one. */
#define ZONE_TTL_USUAL 3600

struct zone_reader {
    struct slice text;
    size_t at;
    unsigned line;
    size_t line_at; /* where the line begins */
    unsigned depth; /* of parentheses */
    struct dns_name origin;
    struct dns_name owner;
    bool has_owner;
    uint32_t ttl;     /* of an entry that says none */
    bool ttl_is_said; /* by $TTL */
};

/* `text` must live as long as the reader. */
void zone_reader_init(struct zone_reader *r, struct slice text);

/* The next entry; what it points to is in `arena`. 1; 0 at the end; or -EINVAL with *ret_problem:
 * then reading is over. */
int zone_reader_next(struct zone_reader *r, struct arena *arena, struct zone_entry *ret,
                     struct zone_problem *ret_problem);
