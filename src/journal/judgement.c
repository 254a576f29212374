/* The policy's part in a decision line: which rules fired, and on what evidence. */
#include "base/fatal.h"
#include "journal/decision_json.h"

/* Octets of a text fact that the record shows: a client must not be able to make it too long for
 * where it goes. */
#define FACT_MOST ((size_t)1000)

static void append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0) {
        fatal("out of memory for a decision line");
    }
}

static void put_rules(json_t *object, const char *key, const struct decision_judgement *j,
                      bool observed)
{
    json_t *array = NULL;

    for (size_t i = 0; i < j->ruling_count; i++) {
        for (const struct fired *f = j->rulings[i]->first; f != NULL; f = f->next) {
            if (f->rule->observe != observed) {
                continue;
            }
            if (array == NULL) {
                array = json_array();
                decision_put(object, key, array);
            }
            append(array, decision_text(slice_of(f->rule->label)));
        }
    }
}

/* The text, or as much of its beginning as there is room for. */
static struct slice beginning(struct slice text)
{
    size_t n = FACT_MOST;

    if (text.n <= FACT_MOST) {
        return text;
    }
    while (n > FACT_MOST - 4 && ((unsigned char)text.p[n] & 0xc0) == 0x80) {
        n--; /* not within a UTF-8 sequence */
    }
    return (struct slice){text.p, n};
}

/* The text, or its beginning and "...". */
static struct slice bounded(struct slice text, struct arena *scratch)
{
    struct slice begin = beginning(text);

    return begin.n == text.n ? text : arena_printf(scratch, SLICE_FMT "...", SLICE_ARG(begin));
}

static void put_doubt(json_t *object, const struct doubts *d, struct arena *scratch)
{
    int64_t sum = doubts_sum(d);
    struct slice why = bounded(doubts_why(d, scratch), scratch);

    if (sum != 0) {
        decision_put(object, "doubt", json_integer((json_int_t)sum));
    }
    if (why.n > 0) {
        decision_put_text(object, "why", why);
    }
}

static json_t *set_value(const struct value *v)
{
    json_t *array = json_array();

    for (size_t i = 0; i < v->set.count; i++) {
        append(array, decision_text(beginning(v->set.items[i])));
    }
    return array;
}

/* What can be read back: a number for amounts and times (octets, microseconds), not their text. */
static json_t *known_value(const struct fact_use *use, const struct value *v, struct arena *scratch)
{
    switch ((enum value_type)v->type) {
    case TYPE_BOOL: return json_boolean(v->boolean);
    case TYPE_NUMBER:
    case TYPE_SIZE:
    case TYPE_DURATION: return json_integer((json_int_t)v->number);
    case TYPE_SET: return set_value(v);
    case TYPE_TEXT:
    case TYPE_ADDRESS:
    case TYPE_RESULT:
    case TYPE_COUNT: break;
    }
    return decision_text(beginning(fact_text(use, v, scratch)));
}

static bool is_cut(const struct value *v)
{
    return v->state == VALUE_KNOWN && v->type == TYPE_TEXT && v->text.n > FACT_MOST;
}

/* What the conversation has at hand stands for itself; of the rest the record tells where it came
 * from, and how long it took where that is not nothing. */
static json_t *value_object(const struct fact_use *use, const struct value *v,
                            struct arena *scratch)
{
    json_t *object = json_object();

    if (v->state == VALUE_UNKNOWN) {
        decision_put(object, "unknown", json_string(unknown_reason_name(v->reason)));
    } else {
        decision_put(object, "value", known_value(use, v, scratch));
    }
    if (is_cut(v)) {
        decision_put(object, "cut", json_integer((json_int_t)v->text.n));
    }
    if (use->fact->cost > COST_FREE) {
        decision_put(object, "source", json_string(value_source_name(v->source)));
    }
    if (use->fact->cost >= COST_DNS) {
        decision_put(object, "ms", json_real((double)v->asking / 1000));
    }
    return object;
}

static void put_value(json_t *object, const char *name, const struct fact_use *use,
                      const struct value *v, struct arena *scratch)
{
    bool plain = v->state == VALUE_KNOWN && use->fact->cost == COST_FREE && !is_cut(v);

    decision_put(object, name,
                 plain ? known_value(use, v, scratch) : value_object(use, v, scratch));
}

/* "client.ip", or with its parameters "header(Subject)" */
static const char *use_name(const struct fact_use *use, struct arena *scratch)
{
    const char *name = use->fact->name;

    for (unsigned i = 0; i < use->fact->parameters; i++) {
        name =
            arena_printf(scratch, "%s%s" SLICE_FMT "%s", name, i == 0 ? "(" : ", ",
                         SLICE_ARG(use->parameters[i]), i + 1 == use->fact->parameters ? ")" : "")
                .p;
    }
    return name;
}

static void put_facts(json_t *object, const struct decision_judgement *j, struct arena *scratch)
{
    json_t *values = NULL;

    for (size_t i = 0; i < j->fact_scopes; i++) {
        const struct fact_memo *m = j->facts[i].memo;
        for (size_t k = 0; m != NULL && k < m->count; k++) {
            const struct fact_use *use = j->facts[i].uses[k];
            if (m->values[k].state == VALUE_UNASKED) {
                continue;
            }
            if (values == NULL) {
                values = json_object();
                decision_put(object, "facts", values);
            }
            put_value(values, use_name(use, scratch), use, &m->values[k], scratch);
        }
    }
}

void decision_put_judgement(json_t *object, const struct decision_judgement *j)
{
    struct arena scratch;

    arena_init(&scratch);
    if (j->rule != NULL) {
        decision_put_text(object, "rule", slice_of(j->rule->where));
    }
    put_rules(object, "fired", j, false);
    put_rules(object, "observed", j, true);
    if (j->doubts != NULL) {
        put_doubt(object, j->doubts, &scratch);
    }
    put_facts(object, j, &scratch);
    arena_free(&scratch);
}
