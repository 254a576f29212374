/* See replay_range.h. */
#include "journal/replay_range.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "journal/rule_events.h"

/* What a policy's rules say of facts that change from moment to moment: where they are read. */
struct reading {
    struct slice policy;
    uint8_t phases[FACT_COUNT]; /* 1 << enum phase */
};

#define READINGS_MOST 64 /* policies in one journal of which this is remembered */

struct work {
    const struct replay_range *range;
    struct replay_tally *tally;
    struct journal *journal;
    struct journal *rules; /* the same again: the first is busy meanwhile */
    struct replay *replay;
    struct arena scratch; /* as long as one record */
    struct arena whole;
    struct reading readings[READINGS_MOST];
    size_t reading_count;
    struct buf line;
    struct rule_events events;
};

/* ---- which policy reads what, and when ---- */

static int note_reading(void *arg, const struct journal_rule *rule)
{
    struct reading *reading = arg;

    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        if (!slice_eq(rule->phase, slice_of(phase_name((enum phase)phase)))) {
            continue;
        }
        for (int i = 0; i < FACT_COUNT; i++) {
            if (facts[i].keeping == KEEPING_LIVE &&
                fact_is_named(rule->text, slice_of(facts[i].name))) {
                reading->phases[i] |= (uint8_t)(1U << phase);
            }
        }
    }
    return 0;
}

static unsigned read_in(void *arg, struct slice policy, const struct fact *fact)
{
    struct work *w = arg;

    for (size_t i = 0; i < w->reading_count; i++) {
        if (slice_eq(w->readings[i].policy, policy)) {
            return w->readings[i].phases[fact - facts];
        }
    }
    if (w->reading_count == READINGS_MOST) {
        return 0;
    }
    struct reading *reading = &w->readings[w->reading_count++];
    *reading = (struct reading){.policy = arena_copy(&w->whole, policy)};
    (void)journal_each_rule(w->rules, policy, note_reading, reading); /* else nothing is known */
    return reading->phases[fact - facts];
}

/* ---- one record ---- */

static bool keeps_out(const struct replay_outcome *o)
{
    return o->verdict > REPLAY_JUNKED;
}

static bool lacks_facts(const struct replay *p)
{
    size_t count;
    const struct replay_doubt *doubts = replay_doubts(p, &count);
    bool lacks = false;

    for (size_t i = 0; i < count; i++) {
        lacks = lacks || doubts[i].gap == REPLAY_LACKING;
    }
    return lacks;
}

/* Counts a decision that nothing else would have made: without the rule nobody would have been kept
 * out of those whom it kept out. */
static void count_without(struct work *w, const struct rule *rule, const struct journal_record *r,
                          const struct replay_outcomes *then)
{
    struct tally_row *row =
        tally_row_of(w->tally, &w->tally->then, r->policy, slice_of(rule->label));
    struct replay_outcomes now;
    bool out = false;

    replay_without(w->replay, rule);
    replay_judge(w->replay, r, &now);
    replay_without(w->replay, NULL);
    for (size_t i = 0; i < r->recipient_count; i++) {
        out = out || (slice_eq(then->recipients[i].rule, slice_of(rule->label)) &&
                      keeps_out(&now.recipients[i]));
    }
    out = out || (slice_eq(then->whole.rule, slice_of(rule->label)) && keeps_out(&now.whole));
    row->numbers[TALLY_UNIQUE] += !out;
    row->numbers[TALLY_UNSURE] += out && lacks_facts(w->replay);
}

static bool decided(const struct rule *rule, const struct journal_record *r,
                    const struct replay_outcomes *then)
{
    const struct slice label = slice_of(rule->label);
    bool found = !then->unheard && keeps_out(&then->whole) && slice_eq(then->whole.rule, label);

    for (size_t i = 0; i < r->recipient_count; i++) {
        found =
            found || (keeps_out(&then->recipients[i]) && slice_eq(then->recipients[i].rule, label));
    }
    return found;
}

static void count_unique(struct work *w, const struct journal_record *r)
{
    const struct policy *policy = w->range->policy;
    struct replay_outcomes then;

    if (!slice_eq(r->policy, slice_of(policy->digest))) {
        return;
    }
    replay_recorded(r, &w->scratch, &then);
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = policy->rules[i];
        if (decided(rule, r, &then)) {
            count_without(w, rule, r, &then);
        }
    }
}

static void judge_anew(struct work *w, const struct journal_record *r)
{
    struct replay_outcomes then, now;

    replay_recorded(r, &w->scratch, &then);
    replay_judge(w->replay, r, &now);
    if (!replay_tally_judged(w->tally, w->replay, r, &then, &now) || w->range->changes == NULL) {
        return;
    }
    w->line.n = 0;
    (w->range->json ? replay_line_json : replay_line)(&w->line, w->replay, r, &then, &now);
    (void)fwrite(w->line.p, 1, w->line.n, w->range->changes); /* the caller looks for errors */
}

static int each(void *arg, const struct journal_record *r)
{
    struct work *w = arg;

    arena_reset(&w->scratch);
    replay_tally_recorded(w->tally, r);
    if (w->range->times) {
        replay_tally_times(w->tally, r);
    }
    if (w->events.to != NULL) {
        rule_events_put(&w->events, w->tally, r);
    }
    if (w->range->unique) {
        count_unique(w, r);
    } else if (w->replay != NULL) {
        judge_anew(w, r);
    }
    return 0;
}

/* ---- the range ---- */

static int open_both(struct work *w, char why[static JOURNAL_WHY])
{
    int r = journal_open(w->range->path, &w->journal, why);
    return r < 0 ? r : journal_open(w->range->path, &w->rules, why);
}

static void begin(struct work *w)
{
    const struct replay_setup setup = {
        .policy = w->range->policy, .conf = w->range->conf, .read_in = read_in, .arg = w};

    if (setup.policy != NULL) {
        w->replay = replay_new(&setup);
    }
}

int replay_range_judge(const struct replay_range *range, struct replay_tally *ret,
                       char why[static JOURNAL_WHY])
{
    struct work *w = xcalloc(1, sizeof(*w));
    const struct journal_query query = {.first_n = range->first_n,
                                        .last_n = range->last_n,
                                        .since = range->since,
                                        .until = range->until};

    w->range = range;
    w->tally = ret;
    w->events = (struct rule_events){.to = range->events, .secret = range->secret};
    arena_init(&w->scratch);
    arena_init(&w->whole);
    int r = open_both(w, why);
    if (r == 0) {
        begin(w);
        r = journal_each(w->journal, &query, each, w);
        if (r < 0) {
            (void)snprintf(why, JOURNAL_WHY, "%s", journal_why(w->journal));
        }
    }
    (void)replay_free(w->replay);
    (void)journal_close(w->journal);
    (void)journal_close(w->rules);
    buf_free(&w->line);
    arena_free(&w->scratch);
    arena_free(&w->whole);
    free(w);
    return r;
}
