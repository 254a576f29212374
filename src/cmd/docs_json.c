/* The reference as JSON, for programs. */
#include "base/fatal.h"
#include "cmd/docs.h"
#include "conf/settings.h"
#include "policy/policy.h"

static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0) {
        fatal("out of memory for the reference");
    }
}

static void add(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0) {
        fatal("out of memory for the reference");
    }
}

static json_t *words_array(const char *const *words)
{
    json_t *array = json_array();

    for (size_t i = 0; words[i] != NULL; i++) {
        add(array, json_string(words[i]));
    }
    return array;
}

static json_t *fact_object(const struct fact *f)
{
    json_t *object = json_object();

    set(object, "name", json_string(f->name));
    set(object, "parameters", json_integer(f->parameters));
    set(object, "type", json_string(value_type_name(f->type)));
    if (f->words != NULL) {
        set(object, "words", words_array(f->words));
    }
    set(object, "phase", json_string(phase_name(f->phase)));
    set(object, "scope", json_string(fact_scope_name(f->scope)));
    set(object, "cost", json_string(fact_cost_name(f->cost)));
    set(object, "live", json_boolean(f->keeping == KEEPING_LIVE));
    set(object, "prose", json_string(f->prose));
    return object;
}

/* Adds all members of a fact, if they are known. */
static void add_members(json_t *array, const struct fact *f)
{
    const struct fact_member *members;
    const size_t count = fact_members(f, &members);

    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        set(object, "fact", json_string(f->name));
        set(object, "name", json_string(members[i].name));
        set(object, "prose", json_string(members[i].prose));
        add(array, object);
    }
}

static json_t *phases_array(unsigned phases)
{
    json_t *array = json_array();

    for (unsigned p = 0; p < PHASE_COUNT; p++) {
        if ((phases & 1u << p) != 0) {
            add(array, json_string(phase_name((enum phase)p)));
        }
    }
    return array;
}

static json_t *action_object(const struct action *a)
{
    json_t *object = json_object();

    set(object, "name", json_string(a->name));
    set(object, "synopsis", json_string(a->synopsis));
    set(object, "verdict", json_boolean(a->verdict));
    set(object, "phases", phases_array(a->phases));
    set(object, "prose", json_string(a->prose));
    return object;
}

static json_t *limit_object(const struct setting *s)
{
    static const char *const kinds[] = {
        [VALUE_COUNT] = "count", [VALUE_SIZE] = "size", [VALUE_TIME] = "time"};
    json_t *object = json_object();

    set(object, "name", json_string(s->name));
    set(object, "kind", json_string(kinds[s->kind]));
    set(object, "standard", json_integer(s->standard));
    set(object, "least", json_integer(s->min));
    set(object, "most", json_integer(s->max));
    set(object, "prose", json_string(s->prose));
    return object;
}

static json_t *reply_object(const struct docs_reply *r)
{
    json_t *object = json_object();

    set(object, "name", json_string(r->name));
    set(object, "code", json_integer(r->code));
    set(object, "enhanced", json_string(r->enhanced));
    set(object, "text", json_string(r->text));
    return object;
}

static json_t *counter_object(const struct docs_counter *c)
{
    json_t *object = json_object();

    set(object, "name", json_string(c->name));
    set(object, "prose", json_string(c->prose));
    return object;
}

json_t *docs_json(enum docs_section section)
{
    if (section == DOCS_STANDARD) {
        return json_stringn(policy_standard_text, policy_standard_length);
    }
    json_t *array = json_array();
    for (size_t i = 0; section == DOCS_FACTS && i < FACT_COUNT; i++) {
        add(array, fact_object(&facts[i]));
    }
    for (size_t i = 0; section == DOCS_MEMBERS && i < FACT_COUNT; i++) {
        add_members(array, &facts[i]);
    }
    for (size_t i = 0; section == DOCS_ACTIONS && i < RULE_KIND_COUNT; i++) {
        add(array, action_object(&actions[i]));
    }
    for (size_t i = 0; section == DOCS_LIMITS && i < SETTING_COUNT; i++) {
        add(array, limit_object(&settings[i]));
    }
    for (size_t i = 0; section == DOCS_REPLIES && i < docs_reply_count; i++) {
        add(array, reply_object(&docs_replies[i]));
    }
    for (size_t i = 0; section == DOCS_COUNTERS && i < docs_counter_count; i++) {
        add(array, counter_object(&docs_counters[i]));
    }
    return array;
}
