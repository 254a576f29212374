/* See inspect/inspect_impl.h: findings are entered within their bounds, and limits told. */
#include "inspect/answer.h"

#include "base/clock.h"
#include "inspect/anomaly.h"
#include "parse/utf8.h"

#define BUCKETS 2048 /* a power of two, twice FINDING_TEXTS_MOST at least */

/* The texts of one finding, and where they are by their hash: places from 1 on. */
struct text_set {
    struct slice *texts;
    uint16_t *buckets;
    size_t count;
};

static const char *const limit_names[INSPECT_LIMITS] = {
#define INSPECT_LIMIT(ident, name, prose) [LIMIT_##ident] = name,
#include "tbl/inspect_limits.h"
#undef INSPECT_LIMIT
};

/* ---- limits ---- */

void inspect_reached(struct inspect_run *run, enum inspect_limit limit)
{
    if (!inspect_has_reached(run, limit)) {
        run->reached |= 1u << limit;
        inspect_add_name(run, FINDING_OF_INSPECT_LIMITS, limit_names[limit]);
    }
}

bool inspect_late(struct inspect_run *run)
{
    if (!inspect_has_reached(run, LIMIT_TIME) && clock_monotonic() >= run->deadline) {
        inspect_reached(run, LIMIT_TIME);
    }
    return inspect_has_reached(run, LIMIT_TIME);
}

size_t inspect_may_decode(struct inspect_run *run, size_t n)
{
    uint64_t left = run->request->limits.decoded - run->decoded;

    if (n > left) {
        inspect_reached(run, LIMIT_DECODED);
        n = (size_t)left;
    }
    run->decoded += n;
    return n;
}

/* ---- texts ---- */

size_t inspect_utf8(struct slice text, char *out, size_t room, bool *ret_cut)
{
    size_t n = 0;

    *ret_cut = false;
    for (size_t i = 0; i < text.n;) {
        uint32_t c;
        size_t length = utf8_take(text.p + i, text.n - i, &c);
        const char *from = length == 0 ? "\xef\xbf\xbd" : text.p + i;
        size_t made = length == 0 ? 3 : length;
        if (n + made > room) {
            *ret_cut = true;
            break;
        }
        memcpy(out + n, from, made);
        n += made;
        i += length == 0 ? 1 : length;
    }
    return n;
}

/* As it may be told: UTF-8, within the bound. */
static struct slice fit(struct inspect_run *run, enum finding_id id, struct slice text,
                        char out[static FINDING_OCTETS_MOST])
{
    bool cut;
    size_t n = inspect_utf8(text, out, FINDING_OCTETS_MOST, &cut);

    if (cut) {
        inspect_open(run, id);
    }
    return (struct slice){out, n};
}

static uint16_t *bucket_of(const struct inspect_run *run, const struct text_set *set,
                           struct slice text)
{
    size_t at = (size_t)siphash24(run->inspect->secret, (const uint8_t *)text.p, text.n);

    for (;; at++) {
        uint16_t *bucket = &set->buckets[at % BUCKETS];
        if (*bucket == 0 || slice_eq(set->texts[*bucket - 1], text)) {
            return bucket;
        }
    }
}

void inspect_add(struct inspect_run *run, enum finding_id id, struct slice text)
{
    struct text_set *set = &run->sets[id];
    char out[FINDING_OCTETS_MOST];
    struct slice told;
    uint16_t *bucket;

    if (text.n == 0) {
        return;
    }
    if (!set->texts) {
        set->texts = arena_alloc(&run->scratch, FINDING_TEXTS_MOST * sizeof(*set->texts));
        set->buckets = arena_zalloc(&run->scratch, BUCKETS * sizeof(*set->buckets));
    }
    told = fit(run, id, text, out);
    bucket = bucket_of(run, set, told);
    if (*bucket != 0) {
        return;
    }
    if (set->count == FINDING_TEXTS_MOST) {
        inspect_open(run, id);
        return;
    }
    set->texts[set->count++] = arena_copy(run->arena, told);
    *bucket = (uint16_t)set->count;
}

bool inspect_knows(struct inspect_run *run, enum finding_id id, struct slice text)
{
    struct text_set *set = &run->sets[id];
    char out[FINDING_OCTETS_MOST];
    bool cut;
    struct slice told = {out, inspect_utf8(text, out, FINDING_OCTETS_MOST, &cut)};

    return set->texts && *bucket_of(run, set, told) != 0;
}

void inspect_add_name(struct inspect_run *run, enum finding_id id, const char *name)
{
    inspect_add(run, id, slice_of(name));
}

void inspect_set_text(struct inspect_run *run, enum finding_id id, struct slice text)
{
    char out[FINDING_OCTETS_MOST];

    run->ret->of[id].text = arena_copy(run->arena, fit(run, id, text, out));
}

void inspect_set_number(struct inspect_run *run, enum finding_id id, int64_t n)
{
    run->ret->of[id].number = n;
}

void inspect_count(struct inspect_run *run, enum finding_id id)
{
    run->ret->of[id].number++;
}

void inspect_flag(struct inspect_run *run, enum finding_id id)
{
    run->ret->of[id].number = 1;
}

void inspect_open(struct inspect_run *run, enum finding_id id)
{
    run->ret->of[id].open = true;
}

/* ---- from beginning to end ---- */

void inspect_answer_begin(struct inspect_run *run)
{
    *run->ret = (struct inspection){0};
    arena_init(&run->scratch);
    run->sets = arena_zalloc(&run->scratch, FINDINGS * sizeof(*run->sets));
    run->odd = arena_zalloc(&run->scratch, ANOMALIES * sizeof(*run->odd));
}

bool inspect_text_is_open(const struct inspect_run *run)
{
    const uint32_t archives = 1u << LIMIT_MEMBERS | 1u << LIMIT_RATIO;

    return (run->reached & ~archives) != 0;
}

static bool is_open(const struct inspect_run *run, enum finding_id id)
{
    switch (finding_rows[id].work) {
    case INSPECT_PARTS: return run->reached != 0 && id != FINDING_OF_INSPECT_LIMITS;
    case INSPECT_TEXT: return inspect_text_is_open(run);
    default: return false;
    }
}

void inspect_answer_end(struct inspect_run *run)
{
    for (size_t i = 0; i < FINDINGS; i++) {
        struct text_set *set = &run->sets[i];
        run->ret->of[i].open |= is_open(run, (enum finding_id)i);
        if (set->count > 0) {
            struct slice *texts = arena_alloc(run->arena, set->count * sizeof(*texts));
            memcpy(texts, set->texts, set->count * sizeof(*texts));
            run->ret->of[i].texts = texts;
            run->ret->of[i].count = set->count;
        }
    }
    arena_free(&run->scratch);
}
