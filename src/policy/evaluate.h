/* Judging one phase (DESIGN "Policy" and "Facts").
 *
 * A run walks the phase's rules from top to bottom with what is known or free to ask, and never
 * suspends; it stops where it must wait or where facts are needed that cost something:
 *
 *     policy_begin(&run, policy, PHASE_RCPT, rt_now());
 *     while ((step = policy_step(&run, e, &ruling, rt_now())) != STEP_DONE)
 *         step == STEP_WAIT ? task_sleep(run.wait_until) : policy_ask(&run, e);
 *
 * Truth is a set of what is still possible: {true}, {false}, {unknown}, or several of these where a
 * fact has not been asked. So a rule that cannot fire any more asks for nothing, in whatever order
 * its condition is written. */
#pragma once

#include "policy/policy.h"

struct needs;

/* A rule that has fired; in the order of firing. */
struct fired {
    struct fired *next;
    const struct rule *rule;
    struct slice text;   /* the template with its facts filled in, fit for its use; empty without */
    bool without_effect; /* set by the caller: a ban of one who is never banned */
};

/* What the rules of one phase have decided. */
struct ruling {
    const struct fired *verdict; /* NULL: none, which passes */
    struct fired *first;         /* all that fired, observed ones (rule->observe) too */
    struct fired *last;
    struct doubts doubts; /* e->doubts points to it while the phase is judged, and may later */
};

/* An empty ruling inside the scope whose doubts are `outer` (or NULL). */
void ruling_init(struct ruling *r, const struct doubts *outer);

/* A copy that lives in `arena` and has `outer` around it. */
void ruling_copy(struct ruling *ret, const struct ruling *r, struct arena *arena,
                 const struct doubts *outer);

/* Which rules' texts are wanted when they fire. */
enum policy_texts {
    TEXTS_ALL,
    TEXTS_OF_DOUBT, /* for the fact `why` */
    TEXTS_NONE,
};

struct policy_run {
    const struct policy *policy;
    enum phase phase;
    uint16_t next;   /* rule of the phase: all in front of it are settled */
    bool only_yes;   /* a verdict is pending: only pass and trust rules count */
    bool postmaster; /* reject and defer rules do not fire */
    enum policy_texts texts;
    const struct rule *without; /* as if the policy did not have that rule; NULL: it is as it is */
    usec_t began;
    usec_t wait_until;   /* `began` until a wait rule fires */
    usec_t wait_most;    /* at first the phase's; the caller may know of less */
    struct needs *needs; /* behind STEP_ASK, for policy_ask; in e->scratch */
};

/* DESIGN "Wait": all of a connection's waits together; the caller minds it, by wait_most. */
#define WAIT_CONNECTION_MOST (300 * USEC_SEC)

enum policy_step {
    STEP_DONE, /* ruling->verdict is final */
    STEP_WAIT, /* call again at run->wait_until */
    STEP_ASK,  /* policy_ask, then call again */
};

/* `began`: when the phase began, from which waits count (at connect: accept). */
void policy_begin(struct policy_run *run, const struct policy *policy, enum phase phase,
                  usec_t began);

/* Goes on. What fires is added to *ruling, in e->arena; e->doubts must be &ruling->doubts. */
enum policy_step policy_step(struct policy_run *run, const struct evidence *e,
                             struct ruling *ruling, usec_t now);

/* Behind STEP_ASK, with the same evidence: asks, together, for the facts that can still matter and
 * belong to the cheapest kind that is needed (DNS and network first, then content). They must be
 * remembered: e->memos. 0 or -ECANCELED. Suspends. */
int policy_ask(struct policy_run *run, const struct evidence *e);

/* Instead of policy_ask, of a conversation that is over and on record (evidence_ops.recall): calls
 * `fn` with each fact that can still matter, which recall must have a value for from then on. */
void policy_each_need(struct policy_run *run, void (*fn)(void *arg, const struct fact_use *use),
                      void *arg);

/* The texts without which the policy would decide otherwise: TEXTS_OF_DOUBT where a condition asks
 * for `why`, else TEXTS_NONE. */
enum policy_texts policy_texts_that_matter(const struct policy *p);

/* ---- for the files of src/policy and their tests ---- */

enum { TRUTH_FALSE = 1, TRUTH_TRUE = 2, TRUTH_UNKNOWN = 4, TRUTH_OPEN = 7 };

/* Sets of truths (see above), combined by Kleene's tables over all that is possible. */
unsigned truth_and(unsigned a, unsigned b);
unsigned truth_or(unsigned a, unsigned b);
unsigned truth_not(unsigned a);

/* What a condition can be, without suspending. `doubt_open`: doubt may still grow. */
unsigned expression_truth(const struct expression *x, const struct evidence *e, bool doubt_open);
