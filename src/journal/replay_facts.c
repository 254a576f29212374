/* Facts as a record has them: by their names, as the decision line wrote them (judgement.c). */
#include <errno.h>
#include <string.h>

#include "base/fatal.h"
#include "fact/fact.h"
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

/* ---- one value ---- */

static bool unknown_of(const json_t *reason, enum value_type type, struct value *ret)
{
    const char *name = json_string_value(reason);

    for (int i = 0; name != NULL && i < UNKNOWN_REASON_COUNT; i++) {
        if (strcmp(name, unknown_reason_name((enum unknown_reason)i)) == 0) {
            *ret = value_unknown(type, (enum unknown_reason)i);
            return true;
        }
    }
    return false;
}

static struct slice text_of(const json_t *text)
{
    return (struct slice){json_string_value(text), json_string_length(text)};
}

static bool set_of(struct replay *p, const json_t *array, struct value *ret)
{
    const size_t count = json_array_size(array);
    struct slice *items = arena_alloc(&p->arena, count * sizeof(*items));

    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(array, i);
        if (!json_is_string(item)) {
            return false;
        }
        items[i] = text_of(item);
    }
    *ret = (struct value){
        .type = TYPE_SET, .state = VALUE_KNOWN, .set = {.items = items, .count = count}};
    return json_is_array(array);
}

static bool result_of(const struct fact *fact, const json_t *word, struct value *ret)
{
    const char *text = json_string_value(word);

    for (int64_t i = 0; text != NULL && fact->words[i] != NULL; i++) {
        if (strcmp(text, fact->words[i]) == 0) {
            *ret = value_number(TYPE_RESULT, i);
            return true;
        }
    }
    return false;
}

/* The value of a known fact; false for one of another type than the fact's. */
static bool known_of(struct replay *p, const struct fact *fact, const json_t *v, struct value *ret)
{
    struct addr address;

    switch (fact->type) {
    case TYPE_BOOL: *ret = value_bool(json_is_true(v)); return json_is_boolean(v);
    case TYPE_NUMBER:
    case TYPE_SIZE:
    case TYPE_DURATION:
        *ret = value_number(fact->type, json_integer_value(v));
        return json_is_integer(v);
    case TYPE_TEXT: *ret = value_text(text_of(v)); return json_is_string(v);
    case TYPE_ADDRESS:
        if (!json_is_string(v) || addr_parse(text_of(v), &address) < 0) {
            return false;
        }
        *ret = value_address(&address);
        return true;
    case TYPE_SET: return set_of(p, v, ret);
    case TYPE_RESULT: return result_of(fact, v, ret);
    case TYPE_COUNT: break;
    }
    return false;
}

/* ---- one record ---- */

static const json_t *find(struct replay_facts *f, const char *name)
{
    if (!f->read) {
        f->read = true;
        f->object = f->text.n > 0 ? json_loadb(f->text.p, f->text.n, JSON_ALLOW_NUL, NULL) : NULL;
    }
    return json_object_get(f->object, name);
}

/* Has the record a value of the fact? */
static bool find_value(struct replay *p, const struct fact_use *use, struct value *ret)
{
    const char *name = p->uses[use->fact->scope][use->index].name;
    const json_t *v = find(use->fact->scope == SCOPE_RECIPIENT ? &p->of_rcpt : &p->facts, name);

    if (!json_is_object(v)) {
        return v != NULL && known_of(p, use->fact, v, ret);
    }
    if (json_object_get(v, "unknown") != NULL) {
        return unknown_of(json_object_get(v, "unknown"), use->fact->type, ret);
    }
    if (json_object_get(v, "cut") != NULL) {
        replay_note(p, name, REPLAY_CUT);
    }
    return known_of(p, use->fact, json_object_get(v, "value"), ret);
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
    struct value *kept = &m->values[use->index];
    if (kept->state != VALUE_UNASKED) {
        *ret = *kept;
    } else if (find_value(p, use, ret)) {
        *kept = *ret;
    } else {
        return -ENODATA;
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

struct slice replay_fact_name(const struct fact_use *use, struct arena *arena)
{
    const unsigned count = use->fact->parameters;
    struct slice name = slice_of(use->fact->name);

    for (unsigned i = 0; i < count; i++) {
        name =
            arena_printf(arena, SLICE_FMT "%s" SLICE_FMT "%s", SLICE_ARG(name), i == 0 ? "(" : ", ",
                         SLICE_ARG(use->parameters[i]), i + 1 == count ? ")" : "");
    }
    return name;
}

void replay_name_uses(struct replay *p)
{
    const struct policy *policy = p->setup.policy;

    for (int s = 0; s < SCOPE_COUNT; s++) {
        p->uses[s] = arena_zalloc(&p->whole, policy->use_count[s] * sizeof(*p->uses[s]));
        p->memos[s] = fact_memo_new(&p->whole, policy->use_count[s]);
        for (size_t i = 0; i < policy->use_count[s]; i++) {
            p->uses[s][i].name = replay_fact_name(policy->uses[s][i], &p->whole).p;
        }
    }
}
