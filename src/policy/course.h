/* The course of a conversation through the policy's phases (DESIGN "Policy"): which phases are
 * judged at all, and what a phase's verdict means for the conversation.
 *
 * Each phase has a ruling: what fired, and the verdict. Those of connect and helo last as long as
 * the session (helo's until the next EHLO), mail's and message's as long as the transaction, and
 * each recipient has one of its own. `trust` in one of them ends the phases behind it through rcpt;
 * a reject or defer without `now` is pending: the phases behind it are skipped, and each RCPT is
 * answered with it, unless a pass or trust rule of rcpt lets that recipient through.
 *
 * Whoever has the conversation calls in the order of the phases, and walks the rules in between
 * (evaluate.h); that is the session, and `gatepost replay`, whose conversations are over. Nothing
 * here knows of SMTP, waits or does anything. */
#pragma once

#include "policy/evaluate.h"

struct course {
    const struct policy *policy;
    struct ruling rulings[PHASE_COUNT]; /* rcpt's is unused: each recipient has one */
    bool trust_all; /* no message rules for the recipients of this transaction */
};

/* What a phase's end means for the command that it belongs to. */
enum course_outcome {
    COURSE_GOES_ON,  /* as if there were no policy; a pending verdict may be noted */
    COURSE_ANSWERS,  /* it is answered by the rule */
    COURSE_ENDS,     /* so, and the session ends with that */
    COURSE_VANISHES, /* the session ends without a word */
};

/* Is that the ruling's verdict? */
bool ruling_is(const struct ruling *r, enum rule_kind kind);
/* Does it trust the recipient so far that message rules are not for it either? */
bool ruling_trusts_all(const struct ruling *r);

/* A conversation that begins; the ruling of connect is empty. The course must not move from then
 * on: its rulings point to each other. */
void course_begin(struct course *c, const struct policy *policy);

/* Forgets what that phase and those behind it have said: helo's with a new EHLO, mail's with a new
 * transaction. */
void course_forget(struct course *c, enum phase phase);

/* Of the phases so far: the verdict that each RCPT is to be answered with; NULL for none. */
const struct fired *course_pending(const struct course *c);
/* Do they trust the client? */
bool course_trusts(const struct course *c);
/* Are there no message rules for those who get the message? */
bool course_skips_message(const struct course *c);

/* Connect, helo or mail begins at `now`. True: its rules are to be walked with *ret and
 * c->rulings[phase]. False: it is skipped, and nothing fires. */
bool course_enter(struct course *c, enum phase phase, usec_t now, struct policy_run *ret);
/* Its end. Where it does not go on, *ret is the verdict. */
enum course_outcome course_leave(const struct course *c, enum phase phase,
                                 const struct fired **ret);

/* The same for a recipient, whose ruling is `r`. For postmaster reject and defer rules do not fire,
 * and what is pending is not his answer (RFC 5321 4.5.1). */
bool course_enter_rcpt(struct course *c, struct ruling *r, struct slice local_part, usec_t now,
                       struct policy_run *ret);
enum course_outcome course_leave_rcpt(const struct course *c, const struct ruling *r,
                                      struct slice local_part, const struct fired **ret);

/* May a recipient that passed share the transaction with those that are in it (`first`: none is)?
 * They share its message rules. If so course_join takes it in. */
bool course_fits(const struct course *c, const struct ruling *r, bool first);
void course_join(struct course *c, const struct ruling *r);

/* Of the recipients that get the message the one least doubted: begin with NULL, and give the
 * ruling of one after another. */
const struct doubts *course_least(const struct doubts *least, const struct ruling *r);

/* The message; `least` may be NULL: there is no recipient with a ruling. */
bool course_enter_message(struct course *c, const struct doubts *least, usec_t now,
                          struct policy_run *ret);
