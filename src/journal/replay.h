/* Another policy over decisions that are on record: what would it have said?
 *
 * A record holds what the conversation had at hand and what was asked for. Facts that cost nothing
 * are computed anew by their own functions; the others are taken from the record as they were,
 * known or unknown. What the record lacks is unknown, and is noted where it could matter. Phases
 * follow the same course as in the session (policy/course.h), in virtual time: nothing here waits,
 * asks anybody, or changes anything.
 *
 * Compared is the policy's own part: a message that the policy let through and the next hop refused
 * has passed. */
#pragma once

#include "journal/record.h"
#include "policy/policy.h"

/* What the policy's part was, or would be. */
enum replay_verdict {
    REPLAY_NOT_ASKED, /* the end came before the policy had a say: no route, no room, no end */
    REPLAY_PASSED,
    REPLAY_JUNKED,
    REPLAY_DEFERRED,
    REPLAY_REFUSED,
    REPLAY_DROPPED,
    REPLAY_VERDICT_COUNT
};

/* "not asked", "passed", "junked", "deferred", "refused", "dropped" */
const char *replay_verdict_name(enum replay_verdict verdict);

struct replay_outcome {
    enum replay_verdict verdict;
    struct slice rule; /* "gatepost.conf:23 reject"; empty where no rule decided */
};

/* A connection or transaction, and its recipients: as many as the record has. */
struct replay_outcomes {
    struct replay_outcome whole;
    bool unheard; /* that is pending: nobody came to hear it */
    struct replay_outcome *recipients;
};

/* Would it be another verdict? Where either was not asked it is not. */
bool replay_differs(const struct replay_outcome *then, const struct replay_outcome *now);

/* What the policy that made the record did, by the record alone. In `arena`, or in the record. */
void replay_recorded(const struct journal_record *r, struct arena *arena,
                     struct replay_outcomes *ret);

/* Why a fact's value is not what it would have been. */
enum replay_gap {
    REPLAY_LACKING,   /* the record does not have it: taken as unknown */
    REPLAY_CUT,       /* it has the text's beginning alone, which was taken for the whole */
    REPLAY_ELSEWHERE, /* it changes from moment to moment, and was read at another one */
    REPLAY_GAP_COUNT
};

/* "not recorded", "cut", "of another moment" */
const char *replay_gap_name(enum replay_gap gap);

/* A fact that the answer for one record rests on although it is not what it would have been. */
struct replay_doubt {
    const char *fact; /* with its parameters; "message", "conversation": what never came of it */
    enum replay_gap gap;
};

struct replay_setup {
    const struct policy *policy;
    const struct conf *conf; /* hostname and routes; NULL: what asks for them is the record's */
    /* Phases in which the policy that made the record (its digest) reads a fact that changes from
     * moment to moment: a set of 1 << enum phase, 0 when that is not known. NULL: never is. */
    unsigned (*read_in)(void *arg, struct slice policy, const struct fact *fact);
    void *arg;
};

struct replay;

/* A judge of records; `setup` and what it points to must outlive it. */
struct replay *replay_new(const struct replay_setup *setup);
/* NULL allowed; returns NULL. */
struct replay *replay_free(struct replay *p);

/* From now on the policy is judged by as if it did not have this rule; NULL: as it is. */
void replay_without(struct replay *p, const struct rule *rule);

/* What the policy says to the record. *ret is valid until the next call. */
void replay_judge(struct replay *p, const struct journal_record *r, struct replay_outcomes *ret);

/* Of the last call: what its answer rests on although it is not what it would have been; and the
 * rules that fired, observed ones too, each once: calls `fn` with each. */
const struct replay_doubt *replay_doubts(const struct replay *p, size_t *ret_count);
void replay_each_fired(const struct replay *p, void (*fn)(void *arg, const struct rule *rule),
                       void *arg);

/* ---- for the files of replay ---- */

/* Of a transaction: what becomes of it when these become of its parts. `before`: of connect, helo
 * and mail; `message`: of the message, NOT_ASKED where none was judged. */
struct replay_outcome replay_sum_up(struct replay_outcome before,
                                    const struct replay_outcome *recipients, size_t count,
                                    struct replay_outcome message);

/* Did the conversation, or the recipient, end before the policy was asked about it? */
bool replay_was_turned_away(const struct journal_record *r);
bool replay_mail_was_built_in(const struct journal_record *r);
bool replay_rcpt_was_built_in(const struct journal_recipient *r);
