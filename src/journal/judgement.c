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

/* The text, or its beginning and "...". */
static struct slice bounded(struct slice text, struct arena *scratch)
{
    size_t n = FACT_MOST;

    if (text.n <= FACT_MOST) {
        return text;
    }
    while (n > FACT_MOST - 4 && ((unsigned char)text.p[n] & 0xc0) == 0x80) {
        n--; /* not within a UTF-8 sequence */
    }
    char *p = arena_alloc(scratch, n + 3);
    memcpy(p, text.p, n);
    memcpy(p + n, "...", 3);
    return (struct slice){p, n + 3};
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

static void put_value(json_t *object, const char *name, const struct fact_use *use,
                      const struct value *v, struct arena *scratch)
{
    if (v->state == VALUE_UNKNOWN) {
        json_t *unknown = json_object();
        decision_put(unknown, "unknown", json_string(unknown_reason_name(v->reason)));
        decision_put(object, name, unknown);
    } else if (v->type == TYPE_BOOL) {
        decision_put(object, name, json_boolean(v->boolean));
    } else if (v->type == TYPE_NUMBER || v->type == TYPE_SIZE) {
        decision_put(object, name, json_integer((json_int_t)v->number));
    } else {
        decision_put_text(object, name, bounded(fact_text(use, v, scratch), scratch));
    }
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
