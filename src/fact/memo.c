/* Asking for facts, and remembering what they said for as long as their scope lasts. */
#include <string.h>

#include "base/fatal.h"
#include "fact/fact.h"

struct fact_memo *fact_memo_new(struct arena *arena, size_t count)
{
    struct fact_memo *m = arena_zalloc(arena, sizeof(*m) + count * sizeof(m->values[0]));

    m->count = count;
    return m;
}

void fact_memo_clear(struct fact_memo *m)
{
    if (m != NULL) {
        memset(m->values, 0, m->count * sizeof(m->values[0]));
    }
}

void fact_memo_forget_from(struct fact_memo *m, const struct fact_use *const *uses,
                           enum phase phase)
{
    for (size_t i = 0; m != NULL && i < m->count; i++) {
        if (uses[i]->fact->phase >= phase) {
            m->values[i] = (struct value){.state = VALUE_UNASKED};
        }
    }
}

/* Where the value of a use is kept, or NULL. A use from another policy than the memo is our own
 * mistake, and would read another fact's value. */
static struct value *place_of(const struct fact_use *use, const struct evidence *e)
{
    struct fact_memo *m = e->memos[use->fact->scope];

    if (m == NULL) {
        return NULL;
    }
    if (use->index >= m->count) {
        panic("fact %s: place %u in a memo of %zu", use->fact->name, (unsigned)use->index,
              m->count);
    }
    return &m->values[use->index];
}

/* Is there a value that stands for all of the scope? */
static bool is_remembered(const struct fact_use *use, const struct value *place)
{
    return place != NULL && place->state != VALUE_UNASKED &&
           use->fact->keeping == KEEPING_REMEMBERED;
}

/* Tests have facts of their own, which are not counted. */
static void count(const struct fact *fact, const struct value *v, struct fact_counters *counters)
{
    if (counters != NULL && fact >= facts && fact < facts + FACT_COUNT) {
        const size_t row = (size_t)(fact - facts);
        counters->computed[row]++;
        counters->unknown[row] += v->state == VALUE_UNKNOWN;
    }
}

int fact_ask(const struct fact_use *use, const struct evidence *e, struct value *ret)
{
    struct value *place = place_of(use, e);
    struct value v;

    if (is_remembered(use, place)) {
        *ret = *place;
        return 0;
    }
    int r = use->fact->compute(e, use->parameters, &v);
    if (r < 0) {
        return r;
    }
    count(use->fact, &v, e->counters);
    if (place != NULL) {
        *place = v;
    }
    *ret = v;
    return 0;
}

bool fact_peek(const struct fact_use *use, const struct evidence *e, struct value *ret)
{
    if (use->fact->cost > COST_MEMORY && !is_remembered(use, place_of(use, e))) {
        return false;
    }
    return fact_ask(use, e, ret) == 0;
}

struct value fact_kept(const struct fact_use *use, const struct evidence *e)
{
    const struct value *place = place_of(use, e);

    return place != NULL ? *place : (struct value){.state = VALUE_UNASKED};
}
