/* See replay.h. */
#include "journal/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "journal/replay_impl.h"
#include "parse/smtp_address.h"

/* How late a timer may be on a busy host. */
#define TIMER_LATE (100 * USEC_MSEC)

static const struct replay_outcome passed = {REPLAY_PASSED, {"", 0}};
static const struct replay_outcome not_asked = {REPLAY_NOT_ASKED, {"", 0}};

struct replay *replay_new(const struct replay_setup *setup)
{
    struct replay *p = xcalloc(1, sizeof(*p));

    p->setup = *setup;
    p->texts = policy_texts_that_matter(setup->policy);
    arena_init(&p->whole);
    arena_init(&p->arena);
    replay_name_uses(p);
    return p;
}

struct replay *replay_free(struct replay *p)
{
    if (p != NULL) {
        replay_facts_forget(p, true);
        arena_free(&p->arena);
        arena_free(&p->whole);
        free(p);
    }
    return NULL;
}

void replay_without(struct replay *p, const struct rule *rule)
{
    p->without = rule;
}

const struct replay_doubt *replay_doubts(const struct replay *p, size_t *ret_count)
{
    *ret_count = p->doubt_count;
    return p->doubts;
}

/* ---- walking a phase ---- */

/* Waits in virtual time. Where the conversation ended in this phase by itself the client did not
 * wait any longer than it did: false. */
static bool may_wait(const struct replay *p, const struct policy_run *run, bool last)
{
    return !last || run->wait_until <= replay_at(p, p->record->timeline.decided);
}

/* The rules that were walked at `now` saw that the client had spoken if it was seen by then, or
 * when the wait's timer, which may be a little late, made somebody look. */
static bool was_early(const struct replay *p, const struct policy_run *run, usec_t now)
{
    const struct journal_record *r = p->record;

    return r->early && (run->phase != PHASE_CONNECT || r->timeline.early <= 0 ||
                        (now > 0 && r->timeline.early <= now + TIMER_LATE));
}

/* `last`: the conversation ended in this phase, by itself. What was not found out by then was still
 * being asked for, or would have been. */
static void walk(struct replay *p, struct policy_run *run, struct ruling *ruling, bool last)
{
    struct evidence *e = &p->evidence;
    usec_t now = run->began;
    const usec_t left = WAIT_CONNECTION_MOST - p->waited;
    bool goes_on = true;

    run->texts = p->texts;
    run->without = p->without;
    run->wait_most = left < run->wait_most ? left : run->wait_most;
    p->phase = run->phase;
    e->doubts = &ruling->doubts;
    while (goes_on) {
        e->wall = p->accepted_wall + now;
        e->early = was_early(p, run, now);
        switch (policy_step(run, e, ruling, now)) {
        case STEP_DONE: goes_on = false; break;
        case STEP_WAIT:
            goes_on = may_wait(p, run, last);
            now = run->wait_until;
            break;
        case STEP_ASK:
            goes_on = !last;
            if (goes_on) {
                policy_each_need(run, replay_lacks, p);
            }
            break;
        }
    }
    p->waited += run->wait_until - run->began;
}

/* ---- outcomes ---- */

static struct replay_outcome outcome_of(const struct fired *v)
{
    static const enum replay_verdict verdicts[RULE_KIND_COUNT] = {
        [RULE_REJECT] = REPLAY_REFUSED,
        [RULE_DEFER] = REPLAY_DEFERRED,
        [RULE_DROP] = REPLAY_DROPPED,
        [RULE_JUNK] = REPLAY_JUNKED,
    };
    if (v == NULL || verdicts[v->rule->kind] == REPLAY_NOT_ASKED) {
        return passed;
    }
    return (struct replay_outcome){verdicts[v->rule->kind], slice_of(v->rule->label)};
}

/* ---- connect, helo, mail ---- */

static bool ends_in(const struct journal_record *r, const char *phase)
{
    return r->judgement.rule.n == 0 && slice_eq(r->phase, slice_of(phase));
}

/* Judges one of them. True when its verdict ends it all at once: *ret. */
static bool judge_phase(struct replay *p, enum phase phase, usec_t began, bool last,
                        struct replay_outcome *ret)
{
    struct policy_run run;
    const struct fired *v = NULL;

    p->evidence.unpipelined =
        p->evidence.unpipelined || slice_eq(p->record->unpipelined, slice_of(phase_name(phase)));
    if (!course_enter(&p->course, phase, began, &run)) {
        return false;
    }
    walk(p, &run, &p->course.rulings[phase], last);
    if (course_leave(&p->course, phase, &v) == COURSE_GOES_ON) {
        return false;
    }
    *ret = outcome_of(v);
    return true;
}

/* A proxy's own connection (LOCAL) is not judged at connect, and on record only when it has a
 * transaction. */
static bool is_proxys_own(const struct replay *p)
{
    return p->record->has_transaction && p->setup.conf != NULL &&
           conf_is_proxy(p->setup.conf, &p->evidence.client);
}

static bool judge_commands(struct replay *p, struct replay_outcome *ret)
{
    const struct journal_record *r = p->record;
    const bool alone = !r->has_transaction;

    if (!is_proxys_own(p) &&
        judge_phase(p, PHASE_CONNECT, 0, alone && r->timeline.greeted < 0 && ends_in(r, "connect"),
                    ret)) {
        return true;
    }
    if (r->helo.n > 0 && judge_phase(p, PHASE_HELO, replay_at(p, r->timeline.helo),
                                     alone && ends_in(r, "helo"), ret)) {
        return true;
    }
    return r->has_transaction && !replay_mail_was_built_in(r) &&
           judge_phase(p, PHASE_MAIL, replay_at(p, r->timeline.mail),
                       r->recipient_count == 0 && ends_in(r, "mail"), ret);
}

/* ---- rcpt ---- */

/* What is carried from one recipient to the next. */
struct recipients {
    const struct doubts *least;
    size_t asked; /* about whom the policy was */
    size_t joined;
    bool assumed; /* some that the old policy kept out, and of whom the next hop was not asked */
};

static void refused(struct replay *p, uint16_t code)
{
    p->evidence.rcpt_failures += code >= 500;
}

/* What becomes of a recipient whom the policy lets through: the next hop has its say, as it had. */
static struct replay_outcome join(struct replay *p, const struct journal_recipient *to,
                                  const struct ruling *ruling, struct recipients *all)
{
    const bool was_kept_out = to->judgement.rule.n > 0;

    if (!was_kept_out && slice_eq(to->phase, SLICE_LIT("rcpt"))) {
        refused(p, to->code);
        return outcome_of(ruling->verdict);
    }
    if (!course_fits(&p->course, ruling, all->joined == 0)) {
        return outcome_of(ruling->verdict); /* comes again in a transaction of its own */
    }
    course_join(&p->course, ruling);
    all->least = course_least(all->least, ruling);
    all->assumed = all->assumed || was_kept_out;
    p->evidence.rcpt_count = (unsigned)++all->joined;
    return outcome_of(ruling->verdict);
}

static struct slice local_part_of(struct slice mailbox, struct slice domain)
{
    return domain.n > 0 ? (struct slice){mailbox.p, mailbox.n - domain.n - 1} : mailbox;
}

/* Judges a recipient. True when its verdict ends it all: *ret. */
static bool judge_rcpt(struct replay *p, const struct journal_recipient *to, struct recipients *all,
                       struct replay_outcome *ret)
{
    struct ruling *ruling = &p->rcpt_rulings[p->rcpt_count++];
    struct evidence *e = &p->evidence;
    const struct fired *v = NULL;
    struct policy_run run;

    replay_facts_forget(p, false);
    p->of_rcpt.text = to->judgement.facts;
    e->rcpt = to->mailbox;
    e->rcpt_domain = smtp_mailbox_domain(to->mailbox);
    e->memos[SCOPE_RECIPIENT] = p->memos[SCOPE_RECIPIENT];
    e->unpipelined = e->unpipelined || to->unpipelined;
    struct slice local = local_part_of(to->mailbox, e->rcpt_domain);
    if (course_enter_rcpt(&p->course, ruling, local, replay_at(p, to->at), &run)) {
        walk(p, &run, ruling, slice_eq(to->verdict, SLICE_LIT("gone")) && to->code == 0);
    }
    const enum course_outcome outcome = course_leave_rcpt(&p->course, ruling, local, &v);
    if (outcome == COURSE_GOES_ON) {
        *ret = join(p, to, ruling, all);
        return false;
    }
    *ret = outcome_of(v);
    refused(p, v->rule->code);
    return outcome != COURSE_ANSWERS;
}

/* ---- message ---- */

static struct replay_outcome judge_message(struct replay *p, const struct recipients *all)
{
    const struct journal_record *r = p->record;
    const struct fired *v = NULL;
    struct policy_run run;

    if (!r->has_message) {
        if (all->assumed && p->setup.policy->phases[PHASE_MESSAGE].count > 0) {
            replay_note(p, "message", REPLAY_LACKING);
        }
        return not_asked;
    }
    p->evidence.message = &p->message;
    replay_facts_forget(p, false);
    fact_memo_forget_missing(p->memos[SCOPE_TRANSACTION], p->setup.policy->uses[SCOPE_TRANSACTION]);
    p->evidence.memos[SCOPE_RECIPIENT] = p->memos[SCOPE_RECIPIENT];
    p->evidence.unpipelined = r->unpipelined.n > 0;
    if (course_enter_message(&p->course, all->least, replay_at(p, r->timeline.received), &run)) {
        walk(p, &run, &p->course.rulings[PHASE_MESSAGE],
             ends_in(r, "message") && slice_eq(r->verdict, SLICE_LIT("gone")));
    }
    (void)course_leave(&p->course, PHASE_MESSAGE, &v);
    return outcome_of(v != NULL ? v : p->course.rulings[PHASE_MESSAGE].verdict);
}

/* ---- the whole ---- */

/* All that follow upon one that ended it all. */
static void fill(struct replay_outcomes *all, size_t from, size_t count, struct replay_outcome o)
{
    for (size_t i = from; i < count; i++) {
        all->recipients[i] = o;
    }
    all->unheard = false;
    all->whole = o;
}

/* Did the old policy end it before there was a recipient? What would have followed is not known. */
static bool was_cut_short(const struct journal_record *r)
{
    return r->judgement.rule.n > 0 && r->recipient_count == 0;
}

static void judge(struct replay *p, struct replay_outcomes *ret)
{
    const struct journal_record *r = p->record;
    struct recipients all = {0};
    struct replay_outcome o = passed;

    if (replay_was_turned_away(r)) {
        fill(ret, 0, r->recipient_count, not_asked);
        return;
    }
    if (judge_commands(p, &o)) {
        fill(ret, 0, r->recipient_count, o);
        return;
    }
    for (size_t i = 0; i < r->recipient_count; i++) {
        const struct journal_recipient *to = &r->recipients[i];
        if (replay_rcpt_was_built_in(to)) {
            ret->recipients[i] = not_asked;
            refused(p, to->code);
            continue;
        }
        all.asked++;
        if (judge_rcpt(p, to, &all, &ret->recipients[i])) {
            fill(ret, i, r->recipient_count, ret->recipients[i]);
            return;
        }
    }
    if (was_cut_short(r) && course_pending(&p->course) == NULL) {
        replay_note(p, "conversation", REPLAY_LACKING);
    }
    ret->unheard = all.asked == 0;
    o = all.joined > 0 ? judge_message(p, &all) : not_asked;
    ret->whole = replay_sum_up(outcome_of(course_pending(&p->course)), ret->recipients,
                               r->recipient_count, o);
}

void replay_judge(struct replay *p, const struct journal_record *r, struct replay_outcomes *ret)
{
    replay_facts_forget(p, true);
    arena_reset(&p->arena);
    p->record = r;
    p->facts.text = r->judgement.facts;
    p->waited = 0;
    p->rcpt_count = 0;
    p->doubts = NULL;
    p->doubt_count = p->doubt_cap = 0;
    p->rcpt_rulings = arena_alloc(&p->arena, r->recipient_count * sizeof(*p->rcpt_rulings));
    ret->recipients = arena_alloc(&p->arena, r->recipient_count * sizeof(*ret->recipients));
    course_begin(&p->course, p->setup.policy);
    replay_evidence(p);
    judge(p, ret);
}

/* ---- what fired ---- */

static bool fired_before(const struct replay *p, const struct rule *rule, size_t recipients)
{
    for (size_t i = 0; i < recipients; i++) {
        for (const struct fired *f = p->rcpt_rulings[i].first; f != NULL; f = f->next) {
            if (f->rule == rule) {
                return true;
            }
        }
    }
    return false;
}

void replay_each_fired(const struct replay *p, void (*fn)(void *arg, const struct rule *rule),
                       void *arg)
{
    for (int i = 0; i < PHASE_COUNT; i++) {
        for (const struct fired *f = p->course.rulings[i].first; f != NULL; f = f->next) {
            fn(arg, f->rule);
        }
    }
    for (size_t i = 0; i < p->rcpt_count; i++) {
        for (const struct fired *f = p->rcpt_rulings[i].first; f != NULL; f = f->next) {
            if (!fired_before(p, f->rule, i)) {
                fn(arg, f->rule);
            }
        }
    }
}
