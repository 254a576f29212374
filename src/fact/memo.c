/* Asking for facts, and remembering what they said for as long as their scope lasts. */
#include <errno.h>
#include <string.h>

#include "base/fatal.h"
#include "fact/fact.h"
#include "rt/rt.h"

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

void fact_memo_forget_missing(struct fact_memo *m, const struct fact_use *const *uses)
{
    for (size_t i = 0; m != NULL && i < m->count; i++) {
        const struct value *v = &m->values[i];
        if (uses[i]->fact->cost == COST_DNS && v->state == VALUE_UNKNOWN &&
            v->reason == UNKNOWN_NOT_AVAILABLE) {
            m->values[i] = (struct value){.state = VALUE_UNASKED};
        }
    }
}

/* ---- put away ---- */

/* A packed value: its place, its first members, and as much of the union as it uses. */
#define VALUE_HEAD offsetof(struct value, boolean)
#define PLACE      sizeof(uint16_t)

static size_t payload_of(const struct value *v)
{
    if (v->state != VALUE_KNOWN) {
        return 0;
    }
    switch ((enum value_type)v->type) {
    case TYPE_BOOL: return sizeof(v->boolean);
    case TYPE_NUMBER:
    case TYPE_DURATION:
    case TYPE_SIZE:
    case TYPE_DECIMAL:
    case TYPE_RESULT: return sizeof(v->number);
    case TYPE_TEXT: return sizeof(v->text);
    case TYPE_ADDRESS: return sizeof(v->address);
    case TYPE_SET: return sizeof(v->set);
    case TYPE_COUNT: break;
    }
    panic("a value of type %u", v->type);
}

static size_t packed_size(const struct fact_memo *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->count; i++) {
        if (m->values[i].state != VALUE_UNASKED) {
            n += PLACE + VALUE_HEAD + payload_of(&m->values[i]);
        }
    }
    return n;
}

struct slice fact_memo_pack(const struct fact_memo *m, struct arena *arena)
{
    const size_t n = m != NULL ? packed_size(m) : 0;

    if (n == 0) {
        return (struct slice){0};
    }
    char *octets = arena_alloc(arena, n), *at = octets;
    for (size_t i = 0; i < m->count; i++) {
        const struct value *v = &m->values[i];
        const uint16_t place = (uint16_t)i;
        if (v->state != VALUE_UNASKED) {
            memcpy(at, &place, PLACE);
            memcpy(at + PLACE, v, VALUE_HEAD + payload_of(v));
            at += PLACE + VALUE_HEAD + payload_of(v);
        }
    }
    return (struct slice){octets, n};
}

void fact_memo_unpack(struct slice packed, struct fact_memo *m)
{
    uint16_t place;

    for (size_t n = 0; n < packed.n;) {
        const char *at = packed.p + n;
        memcpy(&place, at, PLACE);
        if (place >= m->count) {
            panic("place %u in a memo of %zu", (unsigned)place, m->count);
        }
        struct value *v = &m->values[place];
        memcpy(v, at + PLACE, VALUE_HEAD);
        memcpy(v, at + PLACE, VALUE_HEAD + payload_of(v));
        n += PLACE + VALUE_HEAD + payload_of(v);
    }
}

/* ---- asking ---- */

/* At message a recipient's memo holds what was asked of all together, and nothing of the moment. */
static bool is_kept(const struct fact *fact, const struct evidence *e)
{
    return fact->scope != SCOPE_RECIPIENT || e->message == NULL || fact->keeping != KEEPING_LIVE;
}

/* Where the value of a use is kept, or NULL. A use from another policy than the memo is our own
 * mistake, and would read another fact's value. */
static struct value *place_of(const struct fact_use *use, const struct evidence *e)
{
    struct fact_memo *m = e->memos[use->fact->scope];

    if (m == NULL || !is_kept(use->fact, e)) {
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
    return place != NULL && place->state != VALUE_UNASKED && use->fact->keeping != KEEPING_LIVE;
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

/* Where a fact comes from whose function does not say. */
static const uint8_t usual_sources[] = {
    [COST_FREE] = SOURCE_CONVERSATION, [COST_MEMORY] = SOURCE_MEMORY,
    [COST_DNS] = SOURCE_DNS,           [COST_NETWORK] = SOURCE_NEXT_HOP,
    [COST_CONTENT] = SOURCE_MESSAGE,   [COST_INSPECTION] = SOURCE_MESSAGE,
    [COST_LINKS] = SOURCE_DNS,         [COST_SCANNER] = SOURCE_SCANNER,
};

/* Outside a task nothing suspends, and so nothing takes time. */
static usec_t now(const struct fact *fact)
{
    return fact->cost >= COST_DNS && rt_self() != NULL ? rt_now() : 0;
}

/* What the record of a conversation that is over says: see evidence_ops. */
static int recall(const struct fact_use *use, const struct evidence *e, struct value *ret)
{
    return e->ops != NULL && e->ops->recall != NULL ? e->ops->recall(e, use, ret) : 0;
}

static int compute(const struct fact_use *use, const struct evidence *e, struct value *ret)
{
    const usec_t began = now(use->fact);
    int r = recall(use, e, ret);

    if (r == -ENODATA) {
        *ret = value_unknown(use->fact->type, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    if (r > 0) {
        return 0;
    }
    r = use->fact->compute(e, use->parameters, ret);
    if (r < 0) {
        return r;
    }
    const usec_t asking = now(use->fact) - began;
    ret->asking = asking < UINT32_MAX ? (uint32_t)asking : UINT32_MAX;
    if (ret->source == SOURCE_CONVERSATION) {
        ret->source = usual_sources[use->fact->cost];
    }
    return 0;
}

int fact_ask(const struct fact_use *use, const struct evidence *e, struct value *ret)
{
    struct value *place = place_of(use, e);
    struct value v;

    if (is_remembered(use, place)) {
        *ret = *place;
        return 0;
    }
    int r = compute(use, e, &v);
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
    if (!is_remembered(use, place_of(use, e))) {
        const int r = recall(use, e, ret);
        if (r < 0 || (r == 0 && use->fact->cost > COST_MEMORY)) {
            return false;
        }
    }
    return fact_ask(use, e, ret) == 0;
}

struct value fact_kept(const struct fact_use *use, const struct evidence *e)
{
    const struct value *place = place_of(use, e);

    return place != NULL ? *place : (struct value){.state = VALUE_UNASKED};
}
