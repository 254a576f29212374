/* What each record says of rules and of those whom they hit, in a few octets: what `gatepost rules`
 * works out over all records (rule_history.h) is read from these several times, and the records
 * once. Each of the processes that share the journal's records writes a file of its own, without a
 * name, of about 60 octets a record; it is read by the same program on the same machine. */
#pragma once

#include <stdio.h>

#include "base/siphash.h"
#include "journal/replay_tally.h"

/* What a rule of interest here does. */
enum rule_effect {
    RULE_HAS_NO_EFFECT, /* none of these */
    RULE_REFUSES,       /* reject, drop */
    RULE_DEFERS,
    RULE_DOUBTS,
    RULE_BANS,
};

/* By its label, "gatepost.conf:23 reject". */
enum rule_effect rule_effect_of(struct slice label);

/* A record. What it counts follows: new rules, of policy and label; names; hits; recipients. */
struct event_head {
    uint64_t time; /* when it was decided, since 1970 */
    uint32_t rules;
    uint16_t hits;
    uint16_t rcpts;
    uint8_t names;
    uint8_t vouched;  /* so many of these, the first, are authenticated; the others are networks */
    uint8_t accepted; /* the message was */
    uint8_t zero[5];
};

/* A rule that fired, or would have; each once a record. */
struct event_hit {
    uint32_t rule;    /* the how-manieth of the file */
    uint8_t effect;   /* enum rule_effect */
    uint8_t observed; /* it did not fire */
    uint8_t decided;  /* it gave a reply that kept somebody out */
    uint8_t zero;
};

/* A recipient that was accepted, or that a rule deferred. */
struct event_rcpt {
    uint64_t pair; /* sender and recipient */
    uint32_t rule; /* that deferred it; EVENT_NO_RULE: it was accepted */
    uint32_t zero;
};
#define EVENT_NO_RULE  UINT32_MAX
#define EVENT_HITS_MAX 256
#define EVENT_RCPT_MAX 1000

/* Whoever writes. */
struct rule_events {
    FILE *to;
    const uint8_t *secret; /* SIPHASH_SECRET octets, the same for all files */
    size_t told;           /* rules of tally->then that were written down */
};

/* Adds a record that replay_tally_recorded has counted. Errors are the file's, for its owner. */
void rule_events_put(struct rule_events *w, struct replay_tally *t, const struct journal_record *r);

/* One that was read. What it points to is valid until the next. */
struct rule_event {
    struct event_head head;
    uint64_t names[JOURNAL_NAMES_MOST];
    struct event_hit hits[EVENT_HITS_MAX];
    struct event_rcpt rcpts[EVENT_RCPT_MAX];
};

/* Reads the next. `rule` is called with each new rule, in their order. 1; 0 at the end; -EBADMSG
 * for a file that ends in the middle. */
int rule_event_next(FILE *from, struct rule_event *ret,
                    void (*rule)(void *arg, struct slice policy, struct slice label), void *arg);
