/* The facts on record: to be told, and to be used again. */
#include "journal/fact_json.h"
#include "journal/story_impl.h"
#include "policy/recall.h"

/* Recipients whose own facts are told where the story is that of all. */
#define RECIPIENTS_MOST 20

/* ---- telling ---- */

/* Why something is not known, by the record's word for it. */
static const char *reason_words(const char *reason)
{
    static const char *const words[][2] = {
        {"timeout", "no answer came in time"},
        {"temporary failure", "who was asked could not tell just then"},
        {"not available", "it could not be had here"},
        {"over budget", "it would have taken more time or memory than is allowed"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(reason, words[i][0]) == 0) {
            return words[i][1];
        }
    }
    return reason;
}

static json_t *tell_fact(const char *name, json_t *recorded, unsigned recipient)
{
    json_t *fact = json_object();

    data_put(fact, "fact", json_string(name));
    if (recipient > 0) {
        data_put(fact, "recipient", json_integer(recipient));
    }
    if (!json_is_object(recorded)) {
        data_put(fact, "value", json_incref(recorded));
        return fact;
    }
    (void)json_object_update_missing(fact, recorded);
    const char *unknown = json_string_value(json_object_get(recorded, "unknown"));
    if (unknown != NULL) {
        data_put(fact, "reason", json_string(reason_words(unknown)));
    }
    return fact;
}

static void tell_all(json_t *array, const struct journal_judgement *j, unsigned recipient)
{
    json_t *all = data_load(j->facts);
    const char *name;
    json_t *value;

    json_object_foreach(all, name, value)
    {
        (void)json_array_append_new(array, tell_fact(name, value, recipient));
    }
    json_decref(all);
}

json_t *facts_tell(struct telling *t)
{
    const struct journal_record *r = t->r;
    json_t *array = json_array();

    tell_all(array, &r->judgement, 0);
    for (size_t i = 0; i < r->recipient_count && i < RECIPIENTS_MOST; i++) {
        const struct journal_recipient *to = &r->recipients[i];
        if (t->to == NULL || t->to == to) {
            tell_all(array, &to->judgement, to->number);
        }
    }
    return array;
}

/* ---- using again ---- */

/* The value in one object of facts, which lives as long as the telling. */
static bool find_value(const json_t *all, const struct fact_use *use, struct arena *arena,
                       struct value *ret)
{
    bool cut;

    return fact_from_json(use->fact, json_object_get(all, fact_use_name(use, arena)), arena, ret,
                          &cut);
}

void facts_keep(struct telling *t)
{
    t->facts = data_load(t->r->judgement.facts);
    t->speaker_facts = t->speaker != NULL ? data_load(t->speaker->judgement.facts) : NULL;
}

void facts_let_go(struct telling *t)
{
    json_decref(t->facts);
    json_decref(t->speaker_facts);
}

static bool find_client(const struct journal_record *r, struct value *ret)
{
    struct addr address;

    if (addr_parse(r->client, &address) < 0) {
        return false;
    }
    *ret = value_address(&address);
    return true;
}

/* Of facts that were not asked for, or are not kept as such, what the record has all the same. */
static bool find_elsewhere(const struct telling *t, const struct fact_use *use, struct value *ret)
{
    const struct journal_record *r = t->r;
    const struct journal_recipient *to = t->speaker;
    const struct journal_judgement *j =
        to != NULL && to->phase.n > 0 && !t->pending ? &to->judgement : &r->judgement;

    switch ((enum fact_id)(use->fact - facts)) {
    case FACT_doubt: *ret = value_number(TYPE_NUMBER, j->doubt); return true;
    case FACT_why: *ret = value_text(j->why); return true;
    case FACT_client_early: *ret = value_bool(r->early); return true;
    case FACT_client_unpipelined: *ret = value_bool(r->unpipelined.n > 0); return true;
    case FACT_helo: *ret = value_text(r->helo); return r->helo.n > 0;
    case FACT_sender: *ret = value_text(r->sender); return r->has_transaction;
    case FACT_rcpt: *ret = value_text(to != NULL ? to->mailbox : SLICE_LIT("")); return to != NULL;
    case FACT_client_ip: return find_client(r, ret);
    default: return false;
    }
}

bool fact_was_asked(struct telling *t, const struct fact_use *use)
{
    const char *name = fact_use_name(use, &t->arena);
    struct value v;

    return json_object_get(t->speaker_facts, name) != NULL ||
           json_object_get(t->facts, name) != NULL || find_elsewhere(t, use, &v);
}

bool fact_recorded(void *arg, const struct fact_use *use, struct arena *arena, struct value *ret)
{
    const struct telling *t = arg;

    return find_value(t->speaker_facts, use, arena, ret) || find_value(t->facts, use, arena, ret) ||
           find_elsewhere(t, use, ret);
}
