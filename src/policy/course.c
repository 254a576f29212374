/* See course.h. */
#include "policy/course.h"

bool ruling_is(const struct ruling *r, enum rule_kind kind)
{
    return r->verdict != NULL && r->verdict->rule->kind == kind;
}

bool ruling_trusts_all(const struct ruling *r)
{
    return ruling_is(r, RULE_TRUST) && r->verdict->rule->all;
}

static bool is_negative(const struct ruling *r)
{
    return ruling_is(r, RULE_REJECT) || ruling_is(r, RULE_DEFER);
}

/* ---- the phases together ---- */

void course_begin(struct course *c, const struct policy *policy)
{
    *c = (struct course){.policy = policy};
    course_forget(c, PHASE_CONNECT);
}

/* rcpt's ruling is empty, but around it is what is around each recipient's. */
void course_forget(struct course *c, enum phase phase)
{
    for (int p = (int)phase; p < PHASE_COUNT; p++) {
        ruling_init(&c->rulings[p], p > 0 ? &c->rulings[p - 1].doubts : NULL);
    }
    c->trust_all = false;
}

const struct fired *course_pending(const struct course *c)
{
    for (int p = PHASE_CONNECT; p <= PHASE_MAIL; p++) {
        const struct ruling *r = &c->rulings[p];
        if (is_negative(r) && !r->verdict->rule->now) {
            return r->verdict;
        }
    }
    return NULL;
}

bool course_trusts(const struct course *c)
{
    bool trusts = false;
    for (int p = PHASE_CONNECT; p <= PHASE_MAIL; p++) {
        trusts = trusts || ruling_is(&c->rulings[p], RULE_TRUST);
    }
    return trusts;
}

bool course_skips_message(const struct course *c)
{
    bool all = c->trust_all;
    for (int p = PHASE_CONNECT; p <= PHASE_MAIL; p++) {
        all = all || ruling_trusts_all(&c->rulings[p]);
    }
    return all;
}

/* ---- one phase ---- */

/* `waits`: a verdict that is not to be given now is given at RCPT. */
static enum course_outcome outcome_of(const struct fired *v, bool waits, const struct fired **ret)
{
    if (v == NULL) {
        return COURSE_GOES_ON;
    }
    const struct rule *rule = v->rule;
    const bool drops = rule->kind == RULE_DROP;
    if (!drops && rule->kind != RULE_REJECT && rule->kind != RULE_DEFER) {
        return COURSE_GOES_ON;
    }
    if (!drops && waits && !rule->now) {
        return COURSE_GOES_ON;
    }
    *ret = v;
    if (rule->silent) {
        return COURSE_VANISHES;
    }
    return drops || rule->code == 421 ? COURSE_ENDS : COURSE_ANSWERS;
}

bool course_enter(struct course *c, enum phase phase, usec_t now, struct policy_run *ret)
{
    course_forget(c, phase);
    if (course_trusts(c) || course_pending(c) != NULL) {
        return false;
    }
    policy_begin(ret, c->policy, phase, now);
    return true;
}

enum course_outcome course_leave(const struct course *c, enum phase phase, const struct fired **ret)
{
    return outcome_of(c->rulings[phase].verdict, phase != PHASE_MESSAGE, ret);
}

/* ---- rcpt ---- */

static bool is_postmaster(struct slice local_part)
{
    return slice_eq_nocase(local_part, SLICE_LIT("postmaster"));
}

bool course_enter_rcpt(struct course *c, struct ruling *r, struct slice local_part, usec_t now,
                       struct policy_run *ret)
{
    ruling_init(r, &c->rulings[PHASE_MAIL].doubts);
    if (course_trusts(c)) {
        return false;
    }
    policy_begin(ret, c->policy, PHASE_RCPT, now);
    ret->only_yes = course_pending(c) != NULL;
    ret->postmaster = is_postmaster(local_part);
    return true;
}

enum course_outcome course_leave_rcpt(const struct course *c, const struct ruling *r,
                                      struct slice local_part, const struct fired **ret)
{
    const struct fired *pending = course_pending(c);
    if (course_trusts(c)) {
        return COURSE_GOES_ON;
    }
    if (r->verdict == NULL && pending != NULL && !is_postmaster(local_part)) {
        *ret = pending;
        return COURSE_ANSWERS;
    }
    return outcome_of(r->verdict, false, ret);
}

bool course_fits(const struct course *c, const struct ruling *r, bool first)
{
    return first || ruling_trusts_all(r) == c->trust_all;
}

void course_join(struct course *c, const struct ruling *r)
{
    c->trust_all = ruling_trusts_all(r);
}

/* ---- message ---- */

const struct doubts *course_least(const struct doubts *least, const struct ruling *r)
{
    return least == NULL || r->doubts.sum < least->sum ? &r->doubts : least;
}

bool course_enter_message(struct course *c, const struct doubts *least, usec_t now,
                          struct policy_run *ret)
{
    const struct doubts *outer = least != NULL ? least : &c->rulings[PHASE_MAIL].doubts;
    ruling_init(&c->rulings[PHASE_MESSAGE], outer);
    if (course_skips_message(c)) {
        return false;
    }
    policy_begin(ret, c->policy, PHASE_MESSAGE, now);
    return true;
}
