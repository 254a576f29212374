/* What the files of replay share. Internal to src/journal. */
#pragma once

#include <jansson.h>

#include "journal/replay.h"
#include "policy/course.h"

/* A fact's values in one record, or in one recipient's part of it. */
struct replay_facts {
    struct slice text; /* an object of JSON */
    json_t *object;    /* NULL until it is needed, and where the text is none */
    bool read;
};

/* The use of a fact by the policy that is tried. */
struct replay_use {
    const char *name; /* as in the record */
    bool asked_for;   /* it is open no longer, although the record lacks it */
};

struct replay {
    struct replay_setup setup;
    const struct rule *without;
    enum policy_texts texts;
    struct replay_use *uses[SCOPE_COUNT];
    struct fact_memo *memos[SCOPE_COUNT];
    struct arena whole; /* as long as it lives */

    /* ---- of the record under judgement ---- */
    struct arena arena;
    const struct journal_record *record;
    usec_t accepted_wall;        /* when the client was accepted, since 1970 */
    struct replay_facts facts;   /* of connection and transaction */
    struct replay_facts of_rcpt; /* of the recipient being judged */
    struct evidence evidence;
    struct message message;
    struct course course;
    struct ruling *rcpt_rulings; /* one for each recipient that was judged */
    size_t rcpt_count;
    enum phase phase; /* being walked */
    usec_t waited;    /* by `wait` rules */
    struct replay_doubt *doubts;
    size_t doubt_count;
    size_t doubt_cap;
};

/* Whatever the policy finds in the evidence of this kind comes from the record. */
extern const struct evidence_ops replay_evidence_ops;

/* Reads names of uses; once. */
void replay_name_uses(struct replay *p);
/* Forgets values: of the recipient alone, or of all. */
void replay_facts_forget(struct replay *p, bool all);
/* From now on the use is unknown for lack of a record; noted. */
void replay_lacks(void *replay, const struct fact_use *use);
/* Notes what the answer rests on, each once. */
void replay_note(struct replay *p, const char *fact, enum replay_gap gap);

/* Fills in what is known of the connection, as of `record`. */
void replay_evidence(struct replay *p);

/* A point on the record's timeline, with which may be reckoned whatever the record says: what did
 * not happen is at the end. */
usec_t replay_at(const struct replay *p, usec_t offset);
