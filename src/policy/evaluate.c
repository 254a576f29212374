/* The walk through a phase's rules, from the first that is not settled.
 *
 * A rule is *open* while it may still fire but does not have to, and behind an open rule every one
 * is that may fire: what a rule does must not depend on which fact was known first. So rules fire
 * only in front of the first open one. Behind it the walk goes on to find what else will be asked
 * for, so that lookups run side by side; but not behind a verdict that is certain. */
#include <errno.h>

#include "base/fatal.h"
#include "policy/expression.h"
#include "policy/needs.h"
#include "policy/template.h"
#include "rt/rt.h"

/* DESIGN "Wait" */
#define WAIT_GREETING_MOST (120 * USEC_SEC)
#define WAIT_REPLY_MOST    (30 * USEC_SEC)

void policy_begin(struct policy_run *run, const struct policy *policy, enum phase phase,
                  usec_t began)
{
    *run = (struct policy_run){
        .policy = policy,
        .phase = phase,
        .began = began,
        .wait_until = began,
        .wait_most = phase == PHASE_CONNECT ? WAIT_GREETING_MOST : WAIT_REPLY_MOST,
    };
}

/* Is the rule there at all in this run? */
static bool counts(const struct policy_run *run, const struct rule *rule)
{
    if (rule == run->without) {
        return false;
    }
    if (run->only_yes) {
        return rule->kind == RULE_PASS || rule->kind == RULE_TRUST;
    }
    return !run->postmaster || (rule->kind != RULE_REJECT && rule->kind != RULE_DEFER);
}

static bool is_verdict(const struct rule *rule)
{
    return actions[rule->kind].verdict && !rule->observe;
}

/* Is the rule's text wanted? */
static bool is_filled(const struct policy_run *run, const struct rule *rule)
{
    return run->texts == TEXTS_ALL || (run->texts == TEXTS_OF_DOUBT && rule->kind == RULE_DOUBT);
}

struct walk {
    struct policy_run *run;
    const struct evidence *e;
    struct needs needs;
    bool open;       /* some rule in front is */
    bool doubt_open; /* one of them is a doubt */
};

/* What the rule's condition can be. */
static unsigned weigh(struct walk *w, const struct rule *rule)
{
    if (!counts(w->run, rule)) {
        return TRUTH_FALSE;
    }
    return rule->condition == NULL
               ? TRUTH_TRUE
               : expression_weigh(rule->condition, w->e, w->doubt_open, &w->needs);
}

/* Must the rule, which may fire, be left open for now? */
static bool stays_open(struct walk *w, const struct rule *rule, unsigned truth)
{
    if (w->open || truth != TRUTH_TRUE) {
        return true;
    }
    return !rule->observe && is_filled(w->run, rule) && template_weigh(rule->text, w->e, &w->needs);
}

static void wait_for(struct policy_run *run, const struct rule *rule)
{
    int64_t amount = rule->amount < run->wait_most ? rule->amount : run->wait_most;

    if (amount > 0 && run->began + amount > run->wait_until) {
        run->wait_until = run->began + amount;
    }
}

/* The first open rule has a fact that is not known: doubt is open only behind another one. */
static enum policy_step ask_for(struct walk *w)
{
    if (w->needs.count == 0) {
        panic("a rule is open that lacks no fact");
    }
    struct needs *needs = arena_alloc(evidence_scratch(w->e), sizeof(*needs));

    *needs = w->needs;
    w->run->needs = needs;
    return STEP_ASK;
}

enum policy_step policy_step(struct policy_run *run, const struct evidence *e,
                             struct ruling *ruling, usec_t now)
{
    const struct policy_phase *phase = &run->policy->phases[run->phase];
    struct walk w = {.run = run, .e = e};

    run->needs = NULL;
    for (size_t i = run->next; i < phase->count && now >= run->wait_until; i++) {
        const struct rule *rule = phase->rules[i];
        const unsigned truth = weigh(&w, rule);
        if ((truth & TRUTH_TRUE) != 0 && stays_open(&w, rule, truth)) {
            w.open = true;
            w.doubt_open = w.doubt_open || (rule->kind == RULE_DOUBT && !rule->observe);
            if (truth == TRUTH_TRUE && is_verdict(rule)) {
                break;
            }
            continue;
        }
        run->next = w.open ? run->next : (uint16_t)(i + 1);
        if ((truth & TRUTH_TRUE) != 0) {
            ruling_fire(ruling, rule, e, is_filled(run, rule));
            if (is_verdict(rule)) {
                run->next = (uint16_t)phase->count;
                return STEP_DONE;
            }
            if (rule->kind == RULE_WAIT && !rule->observe) {
                wait_for(run, rule);
            }
        }
    }
    if (now < run->wait_until) {
        return STEP_WAIT;
    }
    return w.open ? ask_for(&w) : STEP_DONE;
}

/* ---- asking ---- */

/* One of several facts that are asked for together. */
struct question {
    const struct fact_use *use;
    const struct evidence *e;
    int result;
};

/* A fact that was asked for and is still not there would be asked for again, for ever. */
static int ask(const struct fact_use *use, const struct evidence *e)
{
    struct value value;

    int r = fact_ask(use, e, &value);
    if (r == 0 && !fact_peek(use, e, &value)) {
        panic("fact %s is asked for where nothing is remembered", use->fact->name);
    }
    return r;
}

static void ask_task(void *arg)
{
    struct question *q = arg;

    q->result = ask(q->use, q->e);
}

/* Starts a task for each but the last, which this task asks itself. Where there is no memory for
 * one it is this task's too. */
int needs_ask_together(const struct fact_use **uses, size_t count, const struct evidence *e)
{
    struct question *questions = arena_alloc(evidence_scratch(e), count * sizeof(*questions));
    struct scope scope;
    int r = 0;

    scope_enter(&scope);
    for (size_t i = 0; i < count; i++) {
        questions[i] = (struct question){.use = uses[i], .e = e};
        if (i + 1 == count || task_spawn(rt_self(), &scope, ask_task, &questions[i]) < 0) {
            ask_task(&questions[i]);
        }
    }
    scope_join(&scope);
    scope_leave(&scope);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = questions[i].result;
    }
    return r;
}

static int ask_in_turn(const struct fact_use **uses, size_t count, const struct evidence *e)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        r = ask(uses[i], e);
    }
    return r;
}

/* Facts are asked for in this order: what others know is looked up, the header is looked into, then
 * an inspector takes the whole message apart, lists are asked about links that it found, and
 * scanners when nothing else can be found out first. */
enum asking { ASK_LOOKUPS, ASK_CONTENT, ASK_INSPECTOR, ASK_LINKS, ASK_SCANNERS };

static enum asking asking_of(const struct fact_use *use)
{
    switch (use->fact->cost) {
    case COST_CONTENT: return ASK_CONTENT;
    case COST_INSPECTION: return ASK_INSPECTOR;
    case COST_LINKS: return ASK_LINKS;
    case COST_SCANNER: return ASK_SCANNERS;
    default: return ASK_LOOKUPS;
    }
}

/* Side by side: what each of them is asked for takes its time elsewhere. */
static bool asks_together(enum asking asking)
{
    return asking != ASK_CONTENT && asking != ASK_INSPECTOR;
}

/* Moves those to the front that are due, and says how many there are. */
static size_t take_due(struct needs *needs, enum asking *ret_asking)
{
    enum asking due = ASK_SCANNERS;
    size_t count = 0;

    for (size_t i = 0; i < needs->count; i++) {
        const enum asking asking = asking_of(needs->uses[i]);
        due = asking < due ? asking : due;
    }
    for (size_t i = 0; i < needs->count; i++) {
        const struct fact_use *use = needs->uses[i];
        if (asking_of(use) == due) {
            needs->uses[i] = needs->uses[count];
            needs->uses[count++] = use;
        }
    }
    *ret_asking = due;
    return count;
}

int policy_ask(struct policy_run *run, const struct evidence *e)
{
    struct needs *needs = run->needs;

    if (needs == NULL) {
        return 0;
    }
    run->needs = NULL;
    enum asking asking;
    const size_t due = take_due(needs, &asking);
    return due > 1 && asks_together(asking) ? needs_ask_together(needs->uses, due, e)
                                            : ask_in_turn(needs->uses, due, e);
}

/* ---- what is over ---- */

void policy_each_need(struct policy_run *run, void (*fn)(void *arg, const struct fact_use *use),
                      void *arg)
{
    const struct needs *needs = run->needs;

    run->needs = NULL;
    for (size_t i = 0; needs != NULL && i < needs->count; i++) {
        fn(arg, needs->uses[i]);
    }
}

static void is_why(void *arg, const struct fact_use *use)
{
    bool *found = arg;

    *found = *found || use->fact == &facts[FACT_why];
}

enum policy_texts policy_texts_that_matter(const struct policy *p)
{
    bool found = false;

    for (size_t i = 0; i < p->rule_count; i++) {
        expression_each_use(p->rules[i]->condition, is_why, &found);
    }
    return found ? TEXTS_OF_DOUBT : TEXTS_NONE;
}
