/* What comes of judging many records anew: numbers, and lines about those that would end otherwise.
 *
 * Several processes may share the work: each writes its numbers down as JSON, which one of them
 * adds up. Order does not matter. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/emit.h"
#include "journal/replay.h"

/* Numbers under a name that belongs to something (a policy's digest, a kind of gap). */
enum {
    TALLY_FIRED = 0, /* of a rule: records in which it fired… */
    TALLY_DECIDED,   /* … in which it gave the reply, to one recipient at least */
    TALLY_OBSERVED,
    TALLY_UNIQUE,      /* … in which nothing else would have kept the client out */
    TALLY_UNSURE,      /* … or only because of facts that are not on record */
    TALLY_CHANGED = 0, /* of a fact in doubt: records that would end otherwise… */
    TALLY_UNCHANGED,   /* … and that would not */
    TALLY_ASKED = 0,   /* of a fact: how often it was asked for */
    TALLY_MICROSECONDS,
    TALLY_NUMBERS = 5
};

struct tally_row {
    struct slice of;
    struct slice name;
    uint64_t numbers[TALLY_NUMBERS];
    int64_t last[TALLY_NUMBERS]; /* record that counted last, so that none counts twice */
};

/* In the order in which the names came. */
struct tally_table {
    struct tally_row *rows;
    size_t count;
    size_t cap;
    uint32_t *places; /* by hash: index + 1 */
    size_t place_count;
};

struct replay_tally {
    struct arena arena; /* of names */
    uint64_t records;
    uint64_t transactions;
    uint64_t recipients;
    uint64_t not_asked; /* records */
    usec_t first;       /* decided; 0: none */
    usec_t last;
    uint64_t changed;    /* records in which something would be otherwise */
    uint64_t in_doubt;   /* of these, whose answer rests on what is not on record */
    uint64_t same_doubt; /* of the others */
    uint64_t moved[REPLAY_VERDICT_COUNT][REPLAY_VERDICT_COUNT]; /* wholes, from one to the other */
    uint64_t moved_recipients[REPLAY_VERDICT_COUNT][REPLAY_VERDICT_COUNT];
    struct tally_table policies; /* of: empty, name: digest; the first number: records */
    struct tally_table then;     /* rules, by the policies' digests */
    struct tally_table now;      /* rules of the policy that is tried; of: empty */
    struct tally_table gaps;     /* facts, by replay_gap_name */
    struct tally_table times;    /* facts, by the policies' digests */
};

void replay_tally_init(struct replay_tally *t);
void replay_tally_free(struct replay_tally *t);

/* The row of that name, which is made when there is none. */
struct tally_row *tally_row_of(struct replay_tally *t, struct tally_table *table, struct slice of,
                               struct slice name);
/* NULL when there is none. */
const struct tally_row *tally_find(const struct tally_table *table, struct slice of,
                                   struct slice name);

/* The label of the rule that gave the judgement's reply, as it fired anywhere in the record; its
 * place alone where that is not found; NULL: no rule gave it. */
const struct slice *replay_tally_decider(const struct journal_record *r,
                                         const struct journal_judgement *j);

/* Counts what is on record: rules that fired, decided, were observed, by the record's policy. */
void replay_tally_recorded(struct replay_tally *t, const struct journal_record *r);
/* Counts how long the record's facts took to be asked for. */
void replay_tally_times(struct replay_tally *t, const struct journal_record *r);

/* Counts a record that was judged anew. True when something would be otherwise. */
bool replay_tally_judged(struct replay_tally *t, const struct replay *p,
                         const struct journal_record *r, const struct replay_outcomes *then,
                         const struct replay_outcomes *now);

/* All numbers as members of an object that is open; and the same added from one that was read. 0,
 * or -EBADMSG. */
void replay_tally_write(const struct replay_tally *t, struct emit *e);
int replay_tally_add(struct replay_tally *t, const json_t *object);
