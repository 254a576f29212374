/* One decision as the journal knows it: what a decision line says (gatepost(8) DECISION LINES), or
 * what a journal's rows do. Its reader and its writer, `explain` and `judge` share this form.
 *
 * Pure: no file, no socket, no clock. A line comes from a worker, which mail from strangers may
 * have taken over: it is believed in nothing that would harm its reader. Texts are those of
 * strangers, octet by octet, NUL and control characters included: never print one to a terminal as
 * it is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "base/time.h"

/* Octets of a line, and how deep its JSON may be nested; beyond that it is no record. */
#define JOURNAL_LINE_MOST  ((size_t)4 * 1024 * 1024)
#define JOURNAL_DEPTH_MOST 16

/* Names of the other side in one line; with more it is no record. */
#define JOURNAL_NAMES_MOST 16

/* How the policy came to it; at the connection, the transaction and the message, or for one
 * recipient. */
struct journal_judgement {
    struct slice rule;         /* that gave the reply, "gatepost.conf:23"; empty: none did */
    const struct slice *fired; /* "gatepost.conf:23 reject", in the order of the phases */
    size_t fired_count;
    const struct slice *observed;
    size_t observed_count;
    int64_t doubt;
    struct slice why;
    struct slice facts; /* an object of JSON, in ASCII; empty for none */
};

struct journal_hop {
    struct slice hop;
    struct slice failed;
    struct slice tls;
    struct slice tls_unused;
    struct slice xclient_unused;
};

struct journal_recipient {
    unsigned number; /* from 1, as in the reply's id */
    struct slice mailbox;
    struct slice phase; /* "rcpt" where its RCPT was answered negatively; else empty */
    struct slice verdict;
    uint16_t code; /* 0: none */
    struct slice enhanced;
    struct slice text;
    struct journal_hop hop;
    bool hop_reply;
    bool delivered_before;
    bool unpipelined; /* as client.unpipelined was when it was judged */
    usec_t at;        /* since the client was accepted, when its RCPT came; -1: not known */
    struct journal_judgement judgement;
    struct slice more; /* as that of the record */
};

/* Since the client was accepted; -1: did not happen, or is not known. */
struct journal_timeline {
    usec_t early; /* it was seen that the client had spoken before the greeting; 0: at once */
    usec_t greeted;
    usec_t helo;
    usec_t mail;
    usec_t data;
    usec_t received;
    usec_t committed;
    usec_t decided;
};

struct journal_record {
    int64_t n; /* in the journal, rising with time; 0: not from a journal */
    struct slice id;
    usec_t time;       /* since 1970, when it was decided */
    uint64_t run;      /* when that Gatepost began, µs since 1970 */
    unsigned worker;   /* which, from 0 */
    uint32_t epoch;    /* the how-manieth worker of that number in this run */
    uint64_t sequence; /* counts the records of that worker number in this run, from 0 */
    struct slice policy;
    struct slice client;
    unsigned port;
    struct slice local;
    struct slice listener;
    struct slice helo;
    struct slice protocol;
    struct slice tls;
    bool has_transaction; /* the sender, the recipients and the size say something */
    struct slice sender;
    const struct journal_recipient *recipients;
    size_t recipient_count;
    uint64_t size;
    struct slice phase;
    struct slice verdict;
    uint16_t code; /* 0: none */
    struct slice enhanced;
    struct slice text;
    struct journal_hop hop;
    bool hop_reply;
    struct slice note;
    struct journal_judgement judgement;
    usec_t duration;
    bool early;
    struct slice unpipelined;  /* the phase in which it was noticed */
    const struct slice *names; /* of the other side: "spf example.org"; lines of before have none */
    size_t name_count;         /* at most JOURNAL_NAMES_MOST */
    uint64_t size_declared;
    unsigned failures_before; /* rcpt.failures when MAIL came */
    bool has_message;         /* the next four say something */
    unsigned received;
    uint64_t longest_line;
    bool binary;
    unsigned removed; /* Authentication-Results fields that were cut out as forged */
    struct journal_timeline timeline;
    /* An object of JSON, in ASCII: the line's members that have no column of their own in the
     * journal, those included that this version knows nothing of; empty for none. */
    struct slice more;
};

/* Reads a decision line, with or without its line feed. All that *ret points to lies in `arena`,
 * where also garbage may be left; the line itself may go. 0; or -EBADMSG for one that is no record,
 * then *ret is untouched and *ret_why is a static text that says why. Members that are not known
 * are kept in `more`. Takes up to 25 times the line's length as memory for a moment. */
int journal_record_parse(struct slice line, struct arena *arena, struct journal_record *ret,
                         const char **ret_why);

/* For a reader of the journal, which has set what has a column and left the rest zero: sets from
 * r->more hop.failed to hop.xclient_unused, early to binary, names, and the timeline. 0; or
 * -EBADMSG for a text that is not what a writer stores, then they stay zero, and the timeline -1.
 */
int journal_record_read_more(struct journal_record *r, struct arena *arena);
/* The same for a recipient: hop.failed to hop.xclient_unused, delivered_before and unpipelined. */
int journal_recipient_read_more(struct journal_recipient *r, struct arena *arena);
