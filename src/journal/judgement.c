/* The policy's part in a decision line: which rules fired, and on what evidence. */
#include "journal/judgement.h"

/* Octets of a text fact that the record shows: a client must not be able to make it too long for
 * where it goes. */
#define FACT_MOST ((size_t)1000)

static void put_rules(struct emit *e, const char *key, const struct decision_judgement *j,
                      bool observed)
{
    bool any = false;

    for (size_t i = 0; i < j->ruling_count; i++) {
        for (const struct fired *f = j->rulings[i]->first; f != NULL; f = f->next) {
            if ((f->rule->observe || f->without_effect) != observed) {
                continue;
            }
            if (!any) {
                emit_array(e, key);
                any = true;
            }
            emit_text(e, NULL, slice_of(f->rule->label));
        }
    }
    if (any) {
        emit_array_end(e);
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

static void put_doubt(struct emit *e, const struct doubts *d, struct arena *scratch)
{
    int64_t sum = doubts_sum(d);
    struct slice why = bounded(doubts_why(d, scratch), scratch);

    if (sum != 0) {
        emit_number(e, "doubt", sum);
    }
    if (why.n > 0) {
        emit_text(e, "why", why);
    }
}

static void put_set(struct emit *e, const char *key, const struct value *v)
{
    emit_array(e, key);
    for (size_t i = 0; i < v->set.count; i++) {
        emit_text(e, NULL, beginning(v->set.items[i]));
    }
    emit_array_end(e);
}

/* What can be read back: a number for amounts and times (octets, microseconds), not their text. */
static void put_known(struct emit *e, const char *key, const struct fact_use *use,
                      const struct value *v, struct arena *scratch)
{
    switch ((enum value_type)v->type) {
    case TYPE_BOOL: emit_bool(e, key, v->boolean); return;
    case TYPE_NUMBER:
    case TYPE_SIZE:
    case TYPE_DURATION: emit_number(e, key, v->number); return;
    case TYPE_DECIMAL: emit_decimal(e, key, v->number); return;
    case TYPE_SET: put_set(e, key, v); return;
    case TYPE_TEXT:
    case TYPE_ADDRESS:
    case TYPE_RESULT:
    case TYPE_COUNT: break;
    }
    emit_text(e, key, beginning(fact_text(use, v, scratch)));
}

static bool is_cut(const struct value *v)
{
    return v->state == VALUE_KNOWN && v->type == TYPE_TEXT && v->text.n > FACT_MOST;
}

/* What the conversation has at hand stands for itself; of the rest the record tells where it came
 * from, and how long asking took where that may be long. */
static void put_asked(struct emit *e, const struct fact_use *use, const struct value *v,
                      struct arena *scratch)
{
    if (v->state == VALUE_UNKNOWN) {
        emit_text(e, "unknown", slice_of(unknown_reason_name(v->reason)));
    } else {
        put_known(e, "value", use, v, scratch);
    }
    if (is_cut(v)) {
        emit_unsigned(e, "cut", v->text.n);
    }
    if (use->fact->cost > COST_FREE) {
        emit_text(e, "source", slice_of(value_source_name(v->source)));
    }
    if (use->fact->cost >= COST_DNS) {
        emit_thousandths(e, "ms", v->asking);
    }
}

static void put_value(struct emit *e, const char *name, const struct fact_use *use,
                      const struct value *v, struct arena *scratch)
{
    if (v->state == VALUE_KNOWN && use->fact->cost == COST_FREE && !is_cut(v)) {
        put_known(e, name, use, v, scratch);
        return;
    }
    emit_object(e, name);
    put_asked(e, use, v, scratch);
    emit_object_end(e);
}

static void put_facts(struct emit *e, const struct decision_judgement *j, struct arena *scratch)
{
    bool any = false;

    for (size_t i = 0; i < j->fact_scopes; i++) {
        const struct fact_memo *m = j->facts[i].memo;
        for (size_t k = 0; m != NULL && k < m->count; k++) {
            const struct fact_use *use = j->facts[i].uses[k];
            if (m->values[k].state == VALUE_UNASKED) {
                continue;
            }
            if (!any) {
                emit_object(e, "facts");
                any = true;
            }
            put_value(e, fact_use_name(use, scratch), use, &m->values[k], scratch);
        }
    }
    if (any) {
        emit_object_end(e);
    }
}

void decision_put_judgement(struct emit *e, const struct decision_judgement *j)
{
    struct arena scratch;

    arena_init(&scratch);
    if (j->rule != NULL) {
        emit_text(e, "rule", slice_of(j->rule->where));
    }
    put_rules(e, "fired", j, false);
    put_rules(e, "observed", j, true);
    if (j->doubts != NULL) {
        put_doubt(e, j->doubts, &scratch);
    }
    put_facts(e, j, &scratch);
    arena_free(&scratch);
}
