/* What is remembered of one name: of a client's address, of a network, of a domain that vouched for
 * mail, of a recipient; of one deferral; of a correspondent; or a ban.
 *
 * A record is changed by adding another one to it, whose times and counts are what has happened
 * since (record_add). Adding is commutative up to decay, so that workers, and later hosts, need not
 * know of each other. Pure: no I/O, no clock. Times are microseconds since 1970. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"

/* Written into the store: no number is ever used again for something else. */
enum record_kind {
    RECORD_CLIENT = 1,        /* an address; of IPv6 its /64 */
    RECORD_NETWORK = 2,       /* "192.0.2.0/24", "2001:db8::/64" */
    RECORD_HOST = 3,          /* the organisational domain of a client's confirmed name */
    RECORD_SPF = 4,           /* a domain that authorised the client by SPF */
    RECORD_DKIM = 5,          /* an author's domain whose aligned signature passed */
    RECORD_RECIPIENT = 6,     /* a mailbox of ours */
    RECORD_DEFERRAL = 7,      /* a name of the other side, a sender and a recipient */
    RECORD_CORRESPONDENT = 8, /* a remote mailbox that our users write to */
    RECORD_BAN = 9,           /* a client's address, or a network */
    RECORD_KINDS
};

/* How often something has happened; halved every so often (record_rules). */
enum record_tally {
    TALLY_ACCEPTED,
    TALLY_REFUSED_CONNECT, /* by a rule, in that phase */
    TALLY_REFUSED_HELO,
    TALLY_REFUSED_MAIL,
    TALLY_REFUSED_RCPT,
    TALLY_REFUSED_MESSAGE,
    TALLY_DEFERRED,          /* by a rule */
    TALLY_RETURNED,          /* came back after that, and was accepted */
    TALLY_UNKNOWN_RECIPIENT, /* recipients that are not there */
    TALLY_TRAP,              /* recipients in the table `traps` */
    TALLY_COUNT
};

/* Of late: what has happened an hour ago counts 1/e, so that a steady stream of N an hour is N. */
enum record_rate {
    RATE_CONNECTIONS,
    RATE_MESSAGES,
    RATE_RECIPIENTS,
    RATE_OCTETS,
    RATE_UNKNOWN_RECIPIENTS,
    RATE_COUNT
};

#define RECORD_NAME_MAX 320 /* octets; a longer name is cut, see record_name_cut */
#define RECORD_NOTE_MAX 96

struct record {
    uint8_t kind;
    usec_t first;    /* seen; 0: not set. The earlier one stays */
    usec_t last;     /* the later one stays; what decays has its value at this time */
    usec_t returned; /* last accepted after a deferral; 0: never. The later one stays */
    usec_t until;    /* of a ban its end; else 0. The later one stays */
    uint32_t day;    /* the last with accepted mail, in days since 1970; 0: none */
    uint32_t days;   /* with accepted mail, each once; not halved */
    float tally[TALLY_COUNT];
    float rate[RATE_COUNT];
    uint16_t name_n;
    uint16_t note_n;
    char name[RECORD_NAME_MAX]; /* as an operator reads it */
    char note[RECORD_NOTE_MAX]; /* of a client the organisation of its confirmed name; of a ban why.
                                   A new one replaces the old one, none leaves it */
};

/* What decays how fast, and what is kept how long. */
struct record_rules {
    usec_t half_life;     /* of tallies */
    usec_t returned_time; /* a name that came back, or a deferral that did, is remembered so long */
    usec_t window;        /* within which a deferral is to come back */
};

/* A record of that name, which was seen at `wall`. */
void record_init(struct record *ret, enum record_kind kind, struct slice name, usec_t wall);

/* A name as records have it: one that is too long is cut, with hexadecimal digits of its digest at
 * its end, in `room`. */
struct slice record_name_cut(struct slice name, char room[static RECORD_NAME_MAX]);

struct slice record_name(const struct record *r);
struct slice record_note(const struct record *r);
void record_set_note(struct record *r, struct slice note);

/* Brings what decays to `wall`; a time that lies before r->last changes nothing. */
void record_decay(struct record *r, const struct record_rules *rules, usec_t wall);

/* What has been seen in the future, by a clock that was wrong, has been seen now. */
void record_clamp(struct record *r, usec_t wall);

/* Adds to `r` what has happened since. */
void record_add(struct record *r, const struct record *delta, const struct record_rules *rules);

/* When it is of no more use. */
usec_t record_expires(const struct record *r, const struct record_rules *rules);

/* How much would be lost with it, to compare records that compete for a place: from 0. A name that
 * has mail accepted, that is proven, that returned, is worth more than one that was seen once;
 * what was seen long ago is worth less. */
double record_worth(const struct record *r, usec_t wall);

/* Would it be a loss? A correspondent, a ban, or what has mail accepted or returned. */
bool record_is_telling(const struct record *r);

/* Accepted on two days at least, by a name that is authenticated: host, spf or dkim. */
bool record_is_proven(const struct record *r);

/* Did it come back after a deferral, within rules->returned_time before `wall`? */
bool record_has_returned(const struct record *r, const struct record_rules *rules, usec_t wall);

/* Of all that a name has done: accepted; refused in any phase, and traps. */
double record_good(const struct record *r);
double record_bad(const struct record *r);

/* As octets, at most RECORD_OCTETS_MAX. record_decode: is it a whole record of a version that we
 * know? *ret is untouched if not. */
#define RECORD_OCTETS_MAX 640
size_t record_encode(const struct record *r, uint8_t ret[static RECORD_OCTETS_MAX]);
bool record_decode(const void *p, size_t n, struct record *ret);

/* "client", "network", "host", "spf", "dkim", "recipient", "deferral", "correspondent", "ban"; and
 * "accepted", "refused at connect" …; and "connections" … */
const char *record_kind_name(enum record_kind kind);
const char *record_tally_name(enum record_tally tally);
const char *record_rate_name(enum record_rate rate);
