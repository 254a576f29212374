/* What is known of a session: all that facts and policy ever see of it.
 *
 * The conversation (src/smtp) owns one and keeps it true; a client in the lobby has one made for
 * the moment. What costs something is behind `ops`, and is only done when a rule needs it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/time.h"
#include "conf/conf.h"
#include "fact/value.h"
#include "message/message.h"
#include "parse/inspection_request.h"

struct evidence;
struct inspection;
struct fact_memo;
struct fact_use;
struct fact_counters;
struct known_client;
struct resolver;
struct dns_lists;
struct sender_checks;
struct message_scans;
struct scanners;
struct memory;

/* Of the doubt rules of one scope, those that have fired. */
struct reason {
    struct reason *next;
    int64_t doubt;
    struct slice why;
};

struct doubts {
    const struct doubts *outer; /* the scope around it: of the recipient the transaction's */
    struct reason *first;       /* in the order of firing */
    struct reason *last;
    int64_t sum; /* of this scope alone */
};

/* What the hop said about the recipient. */
enum recipient_state {
    RECIPIENT_KNOWN,
    RECIPIENT_NOT_KNOWN, /* 5.1.1, 5.1.10 or a bare 550 */
    RECIPIENT_CANNOT_BE_ASKED,
    RECIPIENT_NOT_ANSWERED, /* asked, and no answer in time */
    RECIPIENT_KNOWN_BEFORE, /* cannot be asked, but was known a while ago */
};

struct recipient_truth {
    enum recipient_state state;
    struct slice answer; /* a refusal in the hop's words, code first; empty for a yes */
    enum value_source source;
};

/* Tables of the policy that facts look into, by their names. */
enum fact_table {
    FACT_TABLE_FORWARDERS, /* "forwarders": hosts whose word on where a message came from counts */
    FACT_TABLE_SEALERS,    /* "sealers": domains whose word on what they found counts (ARC) */
    FACT_TABLE_TRUSTED,    /* "trusted": hosts that are never banned */
    FACT_TABLE_TRAPS,      /* "traps": recipients that nobody writes to in good faith */
    FACT_TABLE_IMPATIENT,  /* "impatient": recipients that are never kept waiting */
    FACT_TABLE_COUNT
};

/* A member that is NULL, or `ops` itself: what it would tell is not available. */
struct evidence_ops {
    /* Sessions of this client, and of its network, just now. */
    unsigned (*client_sessions)(const struct evidence *e);
    unsigned (*client_network_sessions)(const struct evidence *e);
    /* Is the client banned? 1, 0, or a negative errno where that cannot be told. */
    int (*client_banned)(const struct evidence *e);
    /* Asks the hop about the recipient; suspends. However often this is called, also while an
     * earlier call waits, the hop is asked once for each recipient. The answer is valid as long as
     * the transaction. 0 or -ECANCELED. */
    int (*ask_recipient)(const struct evidence *e, struct recipient_truth *ret);
    /* Does the hop accept any address of the recipient's domain, and who says so? Suspends. 0;
     * -EAGAIN when that cannot be said, -ETIMEDOUT, -ECANCELED. */
    int (*accepts_all)(const struct evidence *e, bool *ret, enum value_source *ret_source);
    /* The message's header with its final CRLF, at most HEADER_MOST octets of it, valid as long as
     * the message. Read once, however often this is called. 0; -E2BIG with the part that fits; or
     * -EIO, -ECANCELED. Suspends. */
    int (*message_header)(const struct evidence *e, struct slice *ret);
    /* What an inspector finds out about the message (parse/inspection.h); valid as long as that.
     * It is asked once, however often this is called, also while an earlier call waits. 0; -ENODATA
     * where there is no inspector, -ETIMEDOUT, -EIO when it died of the message or could not be
     * asked; or -ECANCELED. Suspends. */
    int (*inspected)(const struct evidence *e, const struct inspection **ret);
    /* Which group of patterns the inspector was asked for by that fact; -1: none. */
    int (*pattern_group)(const struct evidence *e, enum pattern_place place,
                         struct slice parameter);
    /* Is it in that table? False where the policy has none of that name. */
    bool (*table_has_address)(const struct evidence *e, enum fact_table table,
                              const struct addr *address);
    bool (*table_has_text)(const struct evidence *e, enum fact_table table, struct slice text);
    /* Has that table texts at all? */
    bool (*table_has_texts)(const struct evidence *e, enum fact_table table);
    /* Of a conversation that is over and on record; NULL for a living one. Has the record a say in
     * this fact? 0: no, it is computed from the evidence. 1 and *ret, of the fact's type: as it
     * was. -ENODATA: only the record could tell, and does not: the fact is open until
     * policy_each_need has named it, and unknown for whoever asks. Never suspends. */
    int (*recall)(const struct evidence *e, const struct fact_use *use, struct value *ret);
};

#define HEADER_MOST ((size_t)262144)

/* What is remembered of one scope, see fact.h. */
enum fact_scope { SCOPE_CONNECTION, SCOPE_TRANSACTION, SCOPE_RECIPIENT, SCOPE_COUNT };

struct evidence {
    const struct conf *conf;
    const struct evidence_ops *ops;
    void *owner; /* the session or guest, for `ops` */
    struct fact_counters *counters;
    struct fact_memo *memos[SCOPE_COUNT]; /* NULL: nothing is remembered */

    struct addr client;
    struct addr local;    /* the address the client connected to */
    const char *listener; /* as `listen` has it; NULL: not known */
    usec_t wall;          /* for time.hour; set whenever a phase begins */
    bool early;           /* client.early, client.unpipelined */
    bool unpipelined;
    bool tls;
    const char *tls_version; /* NULL without */
    struct slice helo;
    unsigned rcpt_failures;

    struct slice decision_id; /* of the transaction; empty outside one */
    struct slice sender;      /* the reverse-path's mailbox */
    uint64_t size_declared;
    unsigned rcpt_count;

    struct slice rcpt; /* the recipient being judged */
    struct slice rcpt_domain;

    const struct message *message;  /* from the end of the data on, else NULL */
    const struct slice *recipients; /* mailboxes that are to get the message */
    size_t recipient_count;

    const struct doubts *doubts; /* of the innermost scope */
    struct arena *arena;         /* for values that need memory; as long as the transaction */
    struct arena *scratch; /* for what is over when the phase has been walked; NULL: `arena` */
    /* For values that last longer: as long as the connection, and until the next EHLO. NULL for a
     * guest in the lobby, of which no fact is asked that needs them. */
    struct arena *connection_arena;
    struct arena *helo_arena;
    struct known_client *known_client; /* of the connection (fact/known_client.h), or NULL */
    struct sender_checks *checks; /* of the transaction (fact/sender_checks.h); NULL outside one */
    struct resolver *resolver; /* NULL: there is no DNS, and what it would tell is not available */
    struct dns_lists *lists;   /* NULL where `resolver` is */
    struct scanners
        *scanners; /* NULL: none can be asked, and what one would say is not available */
    struct message_scans *scans; /* of the transaction (fact/message_scans.h); NULL outside one */
    struct memory *memory; /* NULL: nothing is remembered, and what it would tell is unknown */
};

static inline struct arena *evidence_scratch(const struct evidence *e)
{
    return e->scratch != NULL ? e->scratch : e->arena;
}
