/* What the policy says in each phase (policy/course.h), and what that does to the session: it
 * waits, asks, bans, says the answer, ends, marks. */
#include <errno.h>

#include "auth/signed_message.h"
#include "base/fatal.h"
#include "fact/known_client.h"
#include "fact/message_scans.h"
#include "fact/sender_checks.h"
#include "smtp/lobby.h"
#include "smtp/session.h"

/* ---- what fired ---- */

struct answer answer_of(const struct fired *f)
{
    return (struct answer){
        .code = f->rule->code, .enhanced = f->rule->enhanced, .text = f->text, .rule = f->rule};
}

/* ---- walking the rules ---- */

static bool trusted_at_connect(const struct session *s)
{
    return ruling_is(&s->course.rulings[PHASE_CONNECT], RULE_TRUST);
}

/* Who has to wait for a recipient does not keep others from the next hop meanwhile. */
static void slow_down(struct session *s)
{
    s->slowed = true;
    delivery_slow(s->delivery);
}

/* Waits, or asks for facts, as the run wants it. */
static int oblige(struct session *s, struct policy_run *run, enum policy_step step)
{
    struct client_watch watch;
    usec_t end = s->began + s->server->conf->limits.session_time;
    if (step == STEP_WAIT && run->phase == PHASE_RCPT) {
        slow_down(s);
    }
    client_watch_begin(s, &watch);
    int r = step == STEP_WAIT ? task_sleep(run->wait_until < end ? run->wait_until : end)
                              : policy_ask(run, &s->evidence);
    r = client_watch_end(s, &watch, r);
    return r == 0 && step == STEP_WAIT && rt_now() >= end ? -ETIMEDOUT : r;
}

static int walk_rules(struct session *s, struct policy_run *run, struct ruling *ruling)
{
    enum policy_step step;
    int r = 0;
    struct arena scratch;
    arena_init(&scratch);
    s->evidence.scratch = &scratch;
    usec_t left = WAIT_CONNECTION_MOST - s->waited;
    if (left < run->wait_most) {
        run->wait_most = left;
    }
    do {
        struct fired *before = ruling->last;
        s->evidence.wall = rt_wall();
        step = policy_step(run, &s->evidence, ruling, rt_now());
        if (run->phase != PHASE_CONNECT) {
            bans_enforce(s->server, &s->client, ruling, before, trusted_at_connect(s));
        }
        if (step != STEP_DONE) {
            r = oblige(s, run, step);
            session_look_ahead(s);
        }
    } while (step != STEP_DONE && r == 0);
    s->evidence.scratch = NULL;
    arena_free(&scratch);
    run->needs = NULL;
    if (run->wait_until > run->began) {
        usec_t now = rt_now();
        s->waited += (now < run->wait_until ? now : run->wait_until) - run->began;
    }
    return r;
}

/* Notes, for the record, which phase is the first to see that the client does not keep to RFC 2920.
 * A phase that is judged anew sees it anew. */
static void note_unpipelined(struct session *s, enum phase phase)
{
    if (s->evidence.unpipelined && phase < s->unpipelined_from) {
        s->unpipelined_from = phase;
    }
}

/* Walks a phase that has been entered, from its beginning. */
static int judge(struct session *s, struct policy_run *run, struct ruling *ruling,
                 struct arena *arena)
{
    s->evidence.doubts = &ruling->doubts;
    s->evidence.arena = arena;
    int r = walk_rules(s, run, ruling);
    note_unpipelined(s, run->phase);
    return r;
}

/* ---- connect ---- */

/* A bool that was asked for in the lobby, as it was. What was unknown has its reason from whether
 * there is a memory. */
static struct value recalled(const struct guest_memo *g, size_t i, const struct evidence *e)
{
    const enum unknown_reason why = e->memory != NULL ? UNKNOWN_TEMPORARY : UNKNOWN_NOT_AVAILABLE;
    const struct value v = (g->open >> i & 1) != 0 ? value_unknown(TYPE_BOOL, why)
                                                   : value_bool((g->held >> i & 1) != 0);
    return value_from(SOURCE_MEMORY, v);
}

/* What was asked for in the lobby is asked again, which costs nothing: it is remembered now. */
void recall_asked(const struct guest_memo *g, const struct policy *p, const struct evidence *e)
{
    struct fact_memo *m = e->memos[SCOPE_CONNECTION];
    struct value ignored;
    for (size_t i = 0; i < m->count && i < GUEST_ASKED_MOST; i++) {
        const struct fact_use *use = p->uses[SCOPE_CONNECTION][i];
        if ((g->asked >> i & 1) == 0) {
            continue;
        }
        if (use->fact->cost > COST_FREE && use->fact->type == TYPE_BOOL) {
            m->values[i] = recalled(g, i, e);
        } else {
            (void)fact_peek(use, e, &ignored);
        }
    }
}

bool judge_trusts(const struct session *s)
{
    return course_trusts(&s->course);
}

void judge_arrival(struct session *s, const struct guest *g, bool judged)
{
    const struct policy *p = s->server->policy;
    guest_evidence(g, &s->evidence);
    s->evidence.ops = &session_evidence_ops;
    s->evidence.owner = s;
    s->evidence.memos[SCOPE_CONNECTION] = fact_memo_new(&s->arena, p->use_count[SCOPE_CONNECTION]);
    s->evidence.arena = &s->arena;
    s->evidence.connection_arena = &s->arena;
    s->evidence.helo_arena = &s->helo_arena;
    s->evidence.known_client = arena_zalloc(&s->arena, sizeof(*s->evidence.known_client));
    s->evidence.resolver = s->server->resolver;
    s->evidence.lists = s->server->lists;
    s->evidence.scanners = s->server->scanners;
    recall_asked(&g->memo, p, &s->evidence);
    course_begin(&s->course, p);
    ruling_copy(&s->course.rulings[PHASE_CONNECT], &g->ruling, &s->arena, NULL);
    s->connect_judged = judged;
    s->connect_run = g->run;
    if (judged && g->run.wait_until > g->began) {
        s->waited = g->run.wait_until - g->began;
    }
}

/* Does what the end of a phase means; `v`: the verdict, where it does not go on. */
static enum judged conclude(struct session *s, enum course_outcome outcome, const struct fired *v,
                            struct answer *ret)
{
    switch (outcome) {
    case COURSE_GOES_ON: return JUDGED_GO_ON;
    case COURSE_ANSWERS: *ret = answer_of(v); return JUDGED_ANSWER;
    case COURSE_ENDS:
        *ret = answer_of(v);
        session_goodbye_with(s, ret);
        break;
    case COURSE_VANISHES: session_vanish(s, v->rule); break;
    }
    return JUDGED_ENDED;
}

static enum judged leave(struct session *s, enum phase phase, struct answer *ret)
{
    const struct fired *v = NULL;
    enum course_outcome outcome = course_leave(&s->course, phase, &v);
    return conclude(s, outcome, v, ret);
}

static enum judged ended_by(struct session *s, int error)
{
    session_end_by(s, error);
    return JUDGED_ENDED;
}

enum judged judge_connect(struct session *s, struct answer *ret)
{
    if (!s->connect_judged) {
        s->connect_judged = true;
        struct ruling *ruling = &s->course.rulings[PHASE_CONNECT];
        s->evidence.doubts = &ruling->doubts;
        int r = walk_rules(s, &s->connect_run, ruling);
        /* Not before, for a rule behind the ban's may trust it. */
        bans_enforce(s->server, &s->client, ruling, NULL, trusted_at_connect(s));
        if (r < 0) {
            return ended_by(s, r);
        }
    }
    return leave(s, PHASE_CONNECT, ret);
}

/* ---- helo, mail ---- */

void judge_forget_helo(struct session *s)
{
    fact_memo_forget_from(s->evidence.memos[SCOPE_CONNECTION],
                          s->server->policy->uses[SCOPE_CONNECTION], PHASE_HELO);
    course_forget(&s->course, PHASE_HELO);
    s->helo = s->evidence.helo = (struct slice){0};
    s->refused_now = (struct answer){0};
    arena_reset(&s->helo_arena);
}

static enum judged judge_command(struct session *s, enum phase phase, struct arena *arena,
                                 struct answer *ret)
{
    struct policy_run run;
    if (!course_enter(&s->course, phase, rt_now(), &run)) {
        return JUDGED_GO_ON;
    }
    int error = judge(s, &run, &s->course.rulings[phase], arena);
    return error < 0 ? ended_by(s, error) : leave(s, phase, ret);
}

enum judged judge_helo(struct session *s, struct answer *ret)
{
    note_unpipelined(s, PHASE_HELO);
    s->evidence.helo = s->helo;
    s->evidence.tls = s->tls;
    s->evidence.tls_version = s->tls ? tls_version(s->stream) : NULL;
    return judge_command(s, PHASE_HELO, &s->helo_arena, ret);
}

enum judged judge_mail(struct session *s, struct answer *ret)
{
    struct arena *arena = &s->delivery->arena;
    struct evidence *e = &s->evidence;
    e->sender = s->txn.envelope.sender;
    e->size_declared = s->txn.envelope.size_declared;
    e->rcpt_count = 0;
    if (s->unpipelined_from > PHASE_MAIL) {
        s->unpipelined_from = PHASE_COUNT; /* an earlier transaction's */
    }
    note_unpipelined(s, PHASE_MAIL);
    e->memos[SCOPE_TRANSACTION] =
        fact_memo_new(arena, s->server->policy->use_count[SCOPE_TRANSACTION]);
    e->checks = arena_zalloc(arena, sizeof(*e->checks));
    e->scans = message_scans_new(arena, &s->txn.message);
    e->decision_id = s->txn.envelope.origin.id;
    return judge_command(s, PHASE_MAIL, arena, ret);
}

void judge_forget_transaction(struct session *s)
{
    struct evidence *e = &s->evidence;
    if (e->checks != NULL) {
        e->checks->message = signed_message_free(e->checks->message);
        e->checks = NULL;
        e->scans = NULL;
        e->decision_id = (struct slice){0};
    }
    e->memos[SCOPE_TRANSACTION] = NULL;
    e->memos[SCOPE_RECIPIENT] = NULL;
    e->message = NULL;
    e->recipients = NULL;
    e->recipient_count = 0;
    e->sender = (struct slice){0};
    e->arena = &s->arena;
    e->doubts = NULL;
    course_forget(&s->course, PHASE_MAIL);
}

/* ---- rcpt ---- */

/* Of the connection's facts those that change, and that the memory tells: at the end of a session
 * another value may be all that is left of them. */
static bool is_passing(const struct fact_use *use, const struct value *v)
{
    return use->fact->keeping == KEEPING_LIVE && use->fact->cost == COST_MEMORY &&
           v->state != VALUE_UNASKED;
}

/* Are they what they were at the recipient before? */
static bool passed_before(const struct fact_memo *m, const struct fact_use *const *uses,
                          const struct decision_facts *before)
{
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (!is_passing(uses[i], &m->values[i])) {
            continue;
        }
        if (n == before->memo->count || before->uses[n] != uses[i] ||
            !value_same(&before->memo->values[n], &m->values[i])) {
            return false;
        }
        n++;
    }
    return n == before->memo->count;
}

static void keep_passing(const struct session *s, struct recipient_record *r)
{
    const struct transaction *t = &s->txn;
    const struct recipient_record *last =
        t->record_count > 0 ? t->records[t->record_count - 1] : NULL;
    const struct fact_memo *m = s->evidence.memos[SCOPE_CONNECTION];
    const struct fact_use *const *uses = s->server->policy->uses[SCOPE_CONNECTION];
    struct arena *arena = &s->delivery->arena;
    size_t count = 0, n = 0;
    if (last != NULL && last->live.uses != NULL && passed_before(m, uses, &last->live)) {
        r->live = last->live;
        return;
    }
    for (size_t i = 0; i < m->count; i++) {
        count += is_passing(uses[i], &m->values[i]);
    }
    if (count == 0) {
        return;
    }
    const struct fact_use **kept = arena_alloc(arena, count * sizeof(*kept));
    struct fact_memo *memo = fact_memo_new(arena, count);
    for (size_t i = 0; i < m->count; i++) {
        if (is_passing(uses[i], &m->values[i])) {
            kept[n] = uses[i];
            memo->values[n++] = m->values[i];
        }
    }
    r->live = (struct decision_facts){kept, memo};
}

/* One for all recipients of a transaction: what it holds goes into the record of each. */
static void begin_memo(struct session *s)
{
    struct fact_memo **m = &s->evidence.memos[SCOPE_RECIPIENT];
    if (*m == NULL) {
        *m = fact_memo_new(&s->delivery->arena, s->server->policy->use_count[SCOPE_RECIPIENT]);
    } else {
        fact_memo_clear(*m);
    }
}

enum judged judge_rcpt(struct session *s, const struct smtp_path *path, struct recipient_record *r,
                       struct answer *ret)
{
    struct arena *arena = &s->delivery->arena;
    const struct fired *v = NULL;
    struct evidence *e = &s->evidence;
    struct policy_run run;
    e->rcpt = arena_copy(arena, path->mailbox); /* the record outlives the command's line */
    e->rcpt_domain = arena_copy(arena, path->domain);
    e->arena = arena;
    begin_memo(s);
    r->ruling = arena_alloc(arena, sizeof(*r->ruling));
    if (!course_enter_rcpt(&s->course, r->ruling, path->local_part, rt_now(), &run)) {
        return JUDGED_GO_ON;
    }
    int error = judge(s, &run, r->ruling, arena);
    if (error < 0) {
        return ended_by(s, error);
    }
    keep_passing(s, r);
    enum course_outcome outcome = course_leave_rcpt(&s->course, r->ruling, path->local_part, &v);
    return conclude(s, outcome, v, ret);
}

/* ---- message ---- */

/* Of the recipients that get the message, the one least doubted. */
static const struct doubts *least_doubts(const struct session *s)
{
    const struct doubts *least = NULL;
    for (size_t i = 0; i < s->txn.record_count; i++) {
        const struct recipient_record *r = s->txn.records[i];
        if (answer_is_yes(&r->answer) && r->ruling != NULL) {
            least = course_least(least, r->ruling);
        }
    }
    return least;
}

/* Who is to get the message, and a memo for what is asked of all of them together. */
static void take_recipients(struct session *s)
{
    const struct transaction *t = &s->txn;
    struct arena *arena = &s->delivery->arena;
    struct slice *list = arena_alloc(arena, t->record_count * sizeof(*list) + 1);
    size_t count = 0;
    for (size_t i = 0; i < t->record_count; i++) {
        if (answer_is_yes(&t->records[i]->answer)) {
            list[count++] = t->records[i]->mailbox;
        }
    }
    s->evidence.recipients = list;
    s->evidence.recipient_count = count;
    s->evidence.memos[SCOPE_RECIPIENT] =
        fact_memo_new(arena, s->server->policy->use_count[SCOPE_RECIPIENT]);
}

enum judged judge_message(struct session *s, struct answer *ret)
{
    struct policy_run run;
    note_unpipelined(s, PHASE_MESSAGE);
    s->evidence.message = &s->txn.message;
    take_recipients(s);
    if (s->evidence.checks->awaits_origin) { /* which the header can tell now */
        fact_memo_forget_missing(s->evidence.memos[SCOPE_TRANSACTION],
                                 s->server->policy->uses[SCOPE_TRANSACTION]);
    }
    if (!course_enter_message(&s->course, least_doubts(s), rt_now(), &run)) {
        return JUDGED_GO_ON;
    }
    s->txn.judged = true;
    int error = judge(s, &run, &s->course.rulings[PHASE_MESSAGE], &s->delivery->arena);
    return error < 0 ? ended_by(s, error) : leave(s, PHASE_MESSAGE, ret);
}

/* ---- junk ---- */

/* Recipients of the delivery are those that were accepted, in that order. */
void judge_junk(struct session *s)
{
    const bool all = ruling_is(&s->course.rulings[PHASE_MESSAGE], RULE_JUNK);
    size_t accepted = 0;
    for (size_t i = 0; i < s->txn.record_count && accepted < s->delivery->count; i++) {
        const struct recipient_record *r = s->txn.records[i];
        if (answer_is_yes(&r->answer)) {
            s->delivery->recipients[accepted++]->junk =
                all || (r->ruling != NULL && ruling_is(r->ruling, RULE_JUNK));
        }
    }
}
