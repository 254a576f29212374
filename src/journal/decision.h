/* Decision lines: one JSON object on one line for each transaction, and for each connection that
 * ended without one.
 *
 * Writing never blocks and never fails the caller: a line that does not fit is counted as lost, and
 * the gap shows in `sequence`. A line is ASCII, with its fields always in the same order and those
 * that say nothing left out; gatepost(8) describes each. An octet that is not UTF-8 is written as
 * the character of the same number, \u0080 to \u00ff, so that none is lost. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/slice.h"
#include "base/time.h"
#include "conf/conf.h"
#include "policy/evaluate.h"
#include "route/hop.h"

struct rt;

/* Facts of one scope: what the memo holds of these uses. */
struct decision_facts {
    const struct fact_use *const *uses;
    const struct fact_memo *memo; /* NULL: none */
};

/* How the policy came to it. */
struct decision_judgement {
    const struct rule *rule;             /* that decided; NULL: none did */
    const struct ruling *const *rulings; /* what fired, in the order of the phases */
    size_t ruling_count;
    const struct doubts *doubts; /* of the innermost scope */
    const struct decision_facts *facts;
    size_t fact_scopes;
};

struct decision_recipient {
    struct slice mailbox;
    const char *phase;   /* "rcpt" where its RCPT was not answered 2xx; else NULL */
    const char *verdict; /* "accepted", "refused", "deferred" */
    uint16_t code; /* of the reply to RCPT where that was negative; then the next hop's answer */
    struct slice enhanced;
    struct slice text;
    struct hop_story hop;  /* its own, where the transaction has several routes */
    bool hop_reply;        /* the answer was the next hop's own */
    bool delivered_before; /* the ledger had it: not delivered again */
    bool unpipelined;      /* client.unpipelined was true when it was judged */
    usec_t at;             /* when RCPT came, since the connection began */
    struct decision_judgement judgement;
};

/* When it came so far, since the connection began; negative: it did not. */
struct decision_timeline {
    usec_t early; /* the client was seen to have spoken before the greeting; 0: at once */
    usec_t greeted;
    usec_t helo; /* the last EHLO or HELO */
    usec_t mail;
    usec_t data;      /* DATA, or the first BDAT */
    usec_t received;  /* the message was there */
    usec_t committed; /* it had been handed over to the first hop but for its end */
    usec_t decided;
};

/* What a line says of where it comes from. */
struct decision_origin {
    unsigned slot; /* the worker's */
    uint32_t epoch;
    uint64_t run; /* when this Gatepost began to count its lines: microseconds since 1970 UTC */
    _Atomic uint64_t *sequence; /* lines of the slot, over all epochs of the run; NULL: own */
};

struct decision {
    struct slice id;  /* "14 characters.transaction" */
    usec_t time_wall; /* when it was decided */
    usec_t duration;  /* since MAIL, or since the connection began */
    const struct policy *policy;
    struct addr client;
    struct addr local;    /* where it connected to */
    const char *listener; /* NULL: not known */
    struct slice helo;
    const char *protocol;    /* RFC 3848 / 6531 "with" keyword: SMTP, ESMTP, ESMTPS, UTF8SMTP… */
    struct slice tls;        /* "TLSv1.3 TLS_AES_256_GCM_SHA384", empty without */
    bool early;              /* client.early */
    const char *unpipelined; /* phase in which client.unpipelined became true; NULL: it did not */
    const struct slice *names; /* of the other side, "spf example.org" (fact/names.h) */
    size_t name_count;
    bool has_transaction;
    struct slice sender;
    uint64_t size_declared;
    unsigned failures_before;      /* rcpt.failures when MAIL came */
    const struct message *message; /* that came to be judged; NULL: none did */
    const struct decision_recipient *recipients;
    size_t recipient_count;
    uint64_t size;
    const char
        *phase; /* where it ended: "connect", "helo", "mail", "rcpt", "data", "message", "commit" */
    const char *verdict; /* "accepted", "refused", "deferred", "gone", "ended" (no transaction) */
    uint16_t code;       /* the last reply that mattered; 0 when there was none */
    struct slice enhanced;
    struct slice text;
    struct hop_story hop; /* empty before there is one, and where there are several */
    bool hop_reply;       /* the reply was the next hop's own */
    struct decision_judgement judgement;
    struct decision_timeline timeline;
    const char *note; /* "", or why: "client went away", "in doubt", "answer unknown", "answer
                         late", "ledger not written"… */
};

struct decision_sink;

/* Opens what conf says: stdout, journald, or a file that is appended to and created 0640 where
 * missing. 0, or a negative errno. */
int decision_sink_open(const struct conf *conf, const struct decision_origin *origin,
                       struct decision_sink **ret);

/* Has each line go to the clerk too: by `fd`, which becomes the sink's (journal/courier.h);
 * `settled` is that of the worker's stream. Called before the first line. */
void decision_sink_to_journal(struct decision_sink *d, int fd, _Atomic uint64_t *settled);

/* For tests: lines are handed to fn instead. */
struct decision_sink *decision_sink_to(void (*fn)(void *arg, struct slice line), void *arg);

/* For a rehearsal: fn is shown each decision before its line is made, and so need not read that. */
void decision_sink_show(struct decision_sink *d, void (*fn)(void *arg, const struct decision *x),
                        void *arg);

/* Formats and keeps the line until decision_flush, or until 64 KiB are waiting. */
void decision_write(struct decision_sink *d, const struct decision *x);

/* Writes what waits, as far as it goes without blocking; the rest is tried again at the next flush,
 * and counted as lost beyond 1 MiB. Called at the end of each turn of the loop. */
void decision_flush(struct decision_sink *d);

/* Are there lines that the last flush could not write? Then flush again soon, also when nothing
 * else happens. */
bool decision_waiting(const struct decision_sink *d);

/* Lines lost so far. */
uint64_t decision_lost(const struct decision_sink *d);

/* Flushes (waiting at most a second) and frees. NULL allowed; returns NULL. */
struct decision_sink *decision_sink_free(struct decision_sink *d);
