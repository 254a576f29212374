/* What every case proves beside its own matter: the decisions that it left, judged anew by the same
 * policy, come out as they did (journal/replay.h). */
#include <string.h>

#include "journal/replay.h"
#include "scenario.h"

/* Adds the label, in a line, unless it is there. */
static void add_label(struct buf *b, struct slice label)
{
    struct buf line = {0};

    buf_printf(&line, SLICE_FMT "\n", SLICE_ARG(label));
    if (b->n == 0 || memmem(b->p, b->n, line.p, line.n) == NULL) {
        buf_append_slice(b, buf_slice(&line));
    }
    buf_free(&line);
}

static void add_rule(void *arg, const struct rule *rule)
{
    add_label(arg, slice_of(rule->label));
}

static void add_recorded(struct buf *b, const struct journal_judgement *j)
{
    for (size_t i = 0; i < j->fired_count; i++) {
        add_label(b, j->fired[i]);
    }
    for (size_t i = 0; i < j->observed_count; i++) {
        add_label(b, j->observed[i]);
    }
}

/* The same rules, in whatever order? */
static bool same_rules(const struct replay *p, const struct journal_record *record)
{
    struct buf now = {0}, then = {0};
    replay_each_fired(p, add_rule, &now);
    add_recorded(&then, &record->judgement);
    for (size_t i = 0; i < record->recipient_count; i++) {
        add_recorded(&then, &record->recipients[i].judgement);
    }
    bool same = now.n == then.n;
    for (const char *at = now.p; same && now.n > 0 && at != now.p + now.n;) {
        const char *end = memchr(at, '\n', (size_t)(now.p + now.n - at));
        same = memmem(then.p, then.n, at, (size_t)(end + 1 - at)) != NULL;
        at = end + 1;
    }
    buf_free(&now);
    buf_free(&then);
    return same;
}

static bool same_outcome(const struct replay_outcome *a, const struct replay_outcome *b)
{
    return a->verdict == b->verdict && slice_eq(a->rule, b->rule);
}

static bool same_outcomes(const struct replay_outcomes *a, const struct replay_outcomes *b,
                          size_t recipients)
{
    bool same = same_outcome(&a->whole, &b->whole);
    for (size_t i = 0; i < recipients && same; i++) {
        same = same_outcome(&a->recipients[i], &b->recipients[i]);
    }
    return same;
}

/* A text that was cut may be another one. */
static bool is_cut(const struct replay *p)
{
    size_t count;
    const struct replay_doubt *d = replay_doubts(p, &count);
    bool cut = false;
    for (size_t i = 0; i < count; i++) {
        cut = cut || d[i].gap == REPLAY_CUT;
    }
    return cut;
}

/* The first of those that the record lacks; NULL: none. */
static const char *lacking_fact(const struct replay *p)
{
    size_t count;
    const struct replay_doubt *d = replay_doubts(p, &count);
    for (size_t i = 0; i < count; i++) {
        if (d[i].gap == REPLAY_LACKING) {
            return d[i].fact;
        }
    }
    return NULL;
}

static void check_line(struct run *r, struct replay *p, struct slice line, struct arena *scratch)
{
    struct journal_record record;
    struct replay_outcomes then, now;
    const char *why = "";
    if (journal_record_parse(line, scratch, &record, &why) < 0) {
        fail(r, "a decision line is no record: %s: " SLICE_FMT, why, SLICE_ARG(line));
        return;
    }
    replay_recorded(&record, scratch, &then);
    replay_judge(p, &record, &now);
    if (is_cut(p)) {
        return;
    }
    if (lacking_fact(p) != NULL) {
        fail(r, "replayed, %s is lacking: " SLICE_FMT, lacking_fact(p), SLICE_ARG(line));
    } else if (!same_outcomes(&then, &now, record.recipient_count)) {
        fail(r, "replayed: %s by \"" SLICE_FMT "\", and not %s by \"" SLICE_FMT "\": " SLICE_FMT,
             replay_verdict_name(now.whole.verdict), SLICE_ARG(now.whole.rule),
             replay_verdict_name(then.whole.verdict), SLICE_ARG(then.whole.rule), SLICE_ARG(line));
    } else if (now.whole.verdict != REPLAY_NOT_ASKED && !same_rules(p, &record)) {
        fail(r, "replayed, other rules fire: " SLICE_FMT, SLICE_ARG(line));
    }
}

void check_replayed(struct run *r)
{
    struct replay_setup setup = {.policy = r->house->policy, .conf = r->house->conf};
    struct replay *p = replay_new(&setup);
    struct slice rest = buf_slice(&r->house->decisions);
    struct arena scratch;
    arena_init(&scratch);
    while (rest.n > 0 && !r->failed && !r->files_changed) {
        const char *end = memchr(rest.p, '\n', rest.n);
        const size_t n = (size_t)(end - rest.p) + 1;
        if (n > 1) {
            check_line(r, p, (struct slice){rest.p, n - 1}, &scratch);
        }
        rest = (struct slice){rest.p + n, rest.n - n};
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    (void)replay_free(p);
}
