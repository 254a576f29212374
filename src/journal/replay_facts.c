/* Facts as a record has them: by their names, as the decision line wrote them (judgement.c). */
#include <errno.h>
#include <string.h>

#include "base/fatal.h"
#include "fact/fact.h"
#include "journal/data.h"
#include "journal/fact_json.h"
#include "journal/replay_impl.h"

/* ---- doubts ---- */

void replay_note(struct replay *p, const char *fact, enum replay_gap gap)
{
    for (size_t i = 0; i < p->doubt_count; i++) {
        if (p->doubts[i].gap == gap && strcmp(p->doubts[i].fact, fact) == 0) {
            return;
        }
    }
    if (p->doubt_count == p->doubt_cap) {
        const size_t cap = p->doubt_cap > 0 ? 2 * p->doubt_cap : 8;
        struct replay_doubt *doubts = arena_alloc(&p->arena, cap * sizeof(*doubts));
        if (p->doubt_count > 0) {
            memcpy(doubts, p->doubts, p->doubt_count * sizeof(*doubts));
        }
        p->doubts = doubts;
        p->doubt_cap = cap;
    }
    p->doubts[p->doubt_count++] = (struct replay_doubt){fact, gap};
}

void replay_lacks(void *replay, const struct fact_use *use)
{
    struct replay *p = replay;
    struct replay_use *u = &p->uses[use->fact->scope][use->index];

    u->asked_for = true;
    replay_note(p, u->name, REPLAY_LACKING);
}

/* ---- one record ---- */

static const json_t *find(struct replay_facts *f, const char *name)
{
    if (!f->read) {
        f->read = true;
        f->object = data_load(f->text);
    }
    return json_object_get(f->object, name);
}

/* Has the record a value of the fact? What was asked at message of all recipients together is among
 * the transaction's. */
static bool find_value(struct replay *p, const struct fact_use *use, struct value *ret)
{
    const char *name = p->uses[use->fact->scope][use->index].name;
    const bool of_one = use->fact->scope == SCOPE_RECIPIENT && p->evidence.message == NULL;
    const json_t *v = find(of_one ? &p->of_rcpt : &p->facts, name);
    bool cut;

    if (!fact_from_json(use->fact, v, &p->arena, ret, &cut)) {
        return false;
    }
    if (cut) {
        replay_note(p, name, REPLAY_CUT);
    }
    return true;
}

/* Of a fact of the connection that the memory tells and that changes, a recipient has his own value
 * where that was not the last one. */
static bool is_passing(const struct replay *p, const struct fact_use *use)
{
    const struct fact *f = use->fact;

    return p->phase == PHASE_RCPT && f->scope == SCOPE_CONNECTION && f->keeping == KEEPING_LIVE &&
           f->cost == COST_MEMORY;
}

static bool find_passed(struct replay *p, const struct fact_use *use, struct value *ret)
{
    const char *name = p->uses[use->fact->scope][use->index].name;
    bool cut;

    return fact_from_json(use->fact, find(&p->of_rcpt, name), &p->arena, ret, &cut);
}

static enum fact_id id_of(const struct fact_use *use)
{
    return (enum fact_id)(use->fact - facts);
}

/* Is it for the record to say, because it cannot be computed any more? */
static bool is_recorded(const struct replay *p, const struct fact_use *use)
{
    const enum fact_id id = id_of(use);

    return use->fact->cost > COST_FREE ||
           (p->setup.conf == NULL && (id == FACT_helo_mine || id == FACT_sender_mine));
}

/* The last phase that the conversation came to. */
static enum phase last_phase(const struct journal_record *r)
{
    return r->has_message           ? PHASE_MESSAGE
           : r->recipient_count > 0 ? PHASE_RCPT
           : r->has_transaction     ? PHASE_MAIL
           : r->helo.n > 0          ? PHASE_HELO
                                    : PHASE_CONNECT;
}

/* Of a fact that changes from moment to moment the record has what was read last: is that this
 * phase's? */
static bool is_of_this_moment(const struct replay *p, const struct fact_use *use)
{
    const struct replay_setup *s = &p->setup;
    unsigned read = s->read_in != NULL ? s->read_in(s->arg, p->record->policy, use->fact) : 0;

    read &= (2U << last_phase(p->record)) - 1;
    return (read >> p->phase) == 1;
}

/* Was it only the message that told it, as it tells whom a forwarder's mail is judged by? Then it
 * was not available before. */
static bool is_told_later(const struct replay *p, const struct fact_use *use, const struct value *v)
{
    return v->source == SOURCE_MESSAGE && use->fact->phase < PHASE_MESSAGE &&
           p->phase < PHASE_MESSAGE;
}

static int recall(const struct evidence *e, const struct fact_use *use, struct value *ret)
{
    struct replay *p = e->owner;
    struct fact_memo *m = p->memos[use->fact->scope];

    if (!is_recorded(p, use)) {
        return 0;
    }
    if (p->uses[use->fact->scope][use->index].asked_for) {
        *ret = value_unknown(use->fact->type, UNKNOWN_NOT_AVAILABLE);
        return 1;
    }
    const bool passing = is_passing(p, use);
    if (passing && find_passed(p, use, ret)) {
        return 1;
    }
    struct value *kept = &m->values[use->index];
    if (!passing && kept->state != VALUE_UNASKED) {
        *ret = *kept;
    } else if (find_value(p, use, ret)) {
        *kept = *ret;
    } else {
        return -ENODATA;
    }
    if (is_told_later(p, use, ret)) {
        *kept = *ret = value_unknown(use->fact->type, UNKNOWN_NOT_AVAILABLE);
        return 1;
    }
    if (use->fact->keeping == KEEPING_LIVE && use->fact->cost > COST_FREE &&
        !is_of_this_moment(p, use)) {
        replay_note(p, p->uses[use->fact->scope][use->index].name, REPLAY_ELSEWHERE);
    }
    return 1;
}

const struct evidence_ops replay_evidence_ops = {.recall = recall};

static void forget(struct replay *p, enum fact_scope scope)
{
    fact_memo_clear(p->memos[scope]);
    for (size_t i = 0; i < p->setup.policy->use_count[scope]; i++) {
        p->uses[scope][i].asked_for = false;
    }
}

void replay_facts_forget(struct replay *p, bool all)
{
    forget(p, SCOPE_RECIPIENT);
    json_decref(p->of_rcpt.object);
    p->of_rcpt = (struct replay_facts){0};
    if (all) {
        forget(p, SCOPE_CONNECTION);
        forget(p, SCOPE_TRANSACTION);
        json_decref(p->facts.object);
        p->facts = (struct replay_facts){0};
    }
}

/* ---- names ---- */

void replay_name_uses(struct replay *p)
{
    const struct policy *policy = p->setup.policy;

    for (int s = 0; s < SCOPE_COUNT; s++) {
        p->uses[s] = arena_zalloc(&p->whole, policy->use_count[s] * sizeof(*p->uses[s]));
        p->memos[s] = fact_memo_new(&p->whole, policy->use_count[s]);
        for (size_t i = 0; i < policy->use_count[s]; i++) {
            p->uses[s][i].name = fact_use_name(policy->uses[s][i], &p->whole);
        }
    }
}
