/* See rules_report.h. */
#include "cmd/rules_report.h"

#include <inttypes.h>

#include "base/text.h"
#include "conf/value.h"
#include "journal/read.h"

/* Of a rule's text, in a table. */
#define SHOWN_MOST ((size_t)60)

struct report {
    const struct replay_tally *tally;
    const struct rule_history *history;
    const struct policy *mine;
    bool json;
    struct slice policy; /* the digest under way */
    struct arena arena;  /* as long as a rule */
    struct buf text;     /* of one rule, without its quotes */
    struct buf out;
};

/* A rule, whoever knows it. */
struct shown_rule {
    struct slice phase;
    struct slice label;
    struct slice text;
    uint64_t facts_us; /* that its facts took */
    bool is_mine;
};

/* ---- how long a rule's facts took ---- */

static uint64_t time_of(const struct report *r, struct slice fact)
{
    const struct tally_row *row = tally_find(&r->tally->times, r->policy, fact);

    return row != NULL ? row->numbers[TALLY_MICROSECONDS] : 0;
}

/* Names that were added up: a rule may name a fact more than once. */
struct sum {
    struct report *report;
    struct slice names[64];
    size_t count;
    uint64_t us;
};

static void add_use(void *arg, const struct fact_use *use)
{
    struct sum *s = arg;
    const struct slice name = slice_of(fact_use_name(use, &s->report->arena));

    for (size_t i = 0; i < s->count; i++) {
        if (slice_eq(s->names[i], name)) {
            return;
        }
    }
    if (s->count < sizeof(s->names) / sizeof(s->names[0])) {
        s->names[s->count++] = name;
        s->us += time_of(s->report, name);
    }
}

static uint64_t time_by_text(struct report *r, struct slice text)
{
    const struct tally_table *times = &r->tally->times;
    uint64_t us = 0;

    r->text.n = 0;
    for (size_t i = 0; i < text.n; i++) {
        buf_append(&r->text, text.p + i, text.p[i] != '"');
    }
    for (size_t i = 0; i < times->count; i++) {
        if (slice_eq(times->rows[i].of, r->policy) &&
            fact_is_named(buf_slice(&r->text), times->rows[i].name)) {
            us += times->rows[i].numbers[TALLY_MICROSECONDS];
        }
    }
    return us;
}

/* ---- one rule ---- */

static const struct tally_row no_row;

/* Columns of numbers stand before its text. */
#define BEFORE_TEXT 83

/* What came of those whom it hit; zeros where it hit nobody. */
static struct rule_outcome outcome_of(const struct report *r, const struct tally_row *row)
{
    const size_t i = row != NULL ? (size_t)(row - r->tally->then.rows) : SIZE_MAX;

    return i < r->history->count ? r->history->outcomes[i] : (struct rule_outcome){0};
}

static double share(const struct rule_outcome *o)
{
    return o->deferred > 0 ? (double)o->came_back / (double)o->deferred : 0;
}

static void add_deferrals(struct report *r, const struct rule_outcome *o)
{
    buf_printf(&r->out, "\n%*sdeferred %" PRIu64 ", came back %" PRIu64 " (%.1f %%)", BEFORE_TEXT,
               "", o->deferred, o->came_back, 100 * share(o));
    if (o->came_back > 0) {
        buf_printf(&r->out, "; minutes late: %.1f (median), %.1f (longest)",
                   (double)o->delay_median / 60e6, (double)o->delay_longest / 60e6);
    }
}

static void print_rule(struct report *r, const struct shown_rule *rule, const struct tally_row *row)
{
    const enum rule_effect effect = rule_effect_of(rule->label);
    const struct rule_outcome outcome = outcome_of(r, row);
    char unique[24] = "-", perhaps[24] = "-", contradicted[24] = "-";

    row = row != NULL ? row : &no_row;
    if (effect != RULE_HAS_NO_EFFECT) {
        (void)snprintf(contradicted, sizeof(contradicted), "%" PRIu64, outcome.contradicted);
    }

    if (rule->is_mine) {
        (void)snprintf(unique, sizeof(unique), "%" PRIu64, row->numbers[TALLY_UNIQUE]);
        (void)snprintf(perhaps, sizeof(perhaps), "%" PRIu64, row->numbers[TALLY_UNSURE]);
    }
    r->out.n = 0;
    buf_printf(&r->out, "%10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10s %10s %12s %11.3fs  ",
               row->numbers[TALLY_FIRED], row->numbers[TALLY_DECIDED], row->numbers[TALLY_OBSERVED],
               unique, perhaps, contradicted, (double)rule->facts_us / 1e6);
    text_show(&r->out, rule->label, SHOWN_MOST);
    if (rule->text.n > 0) {
        buf_printf(&r->out, "\n%*s", BEFORE_TEXT, "");
        text_show(&r->out, rule->text, SHOWN_MOST);
    }
    if (outcome.deferred > 0) {
        add_deferrals(r, &outcome);
    }
    (void)printf(SLICE_FMT "\n", SLICE_ARG(buf_slice(&r->out)));
}

static void add_outcome(struct emit *e, enum rule_effect effect, const struct rule_outcome *o)
{
    if (effect != RULE_HAS_NO_EFFECT) {
        emit_unsigned(e, "contradicted", o->contradicted);
    }
    if (effect == RULE_DEFERS) {
        emit_unsigned(e, "deferred", o->deferred);
        emit_unsigned(e, "came_back", o->came_back);
    }
    if (o->came_back > 0) {
        emit_real(e, "came_back_share", (float)share(o));
        emit_number(e, "delay_median_us", o->delay_median);
        emit_number(e, "delay_longest_us", o->delay_longest);
    }
}

static void print_rule_json(struct report *r, const struct shown_rule *rule,
                            const struct tally_row *row)
{
    const struct rule_outcome outcome = outcome_of(r, row);
    struct emit e = {.b = &r->out};

    row = row != NULL ? row : &no_row;
    r->out.n = 0;
    emit_object(&e, NULL);
    emit_text(&e, "policy", r->policy);
    emit_text(&e, "phase", rule->phase);
    emit_text(&e, "rule", rule->label);
    emit_text(&e, "text", rule->text);
    emit_unsigned(&e, "fired", row->numbers[TALLY_FIRED]);
    emit_unsigned(&e, "decided", row->numbers[TALLY_DECIDED]);
    emit_unsigned(&e, "observed", row->numbers[TALLY_OBSERVED]);
    if (rule->is_mine) {
        emit_unsigned(&e, "unique", row->numbers[TALLY_UNIQUE]);
        emit_unsigned(&e, "perhaps_unique", row->numbers[TALLY_UNSURE]);
    }
    add_outcome(&e, rule_effect_of(rule->label), &outcome);
    emit_unsigned(&e, "facts_us", rule->facts_us);
    emit_object_end(&e);
    (void)printf(SLICE_FMT "\n", SLICE_ARG(buf_slice(&r->out)));
}

static void show(struct report *r, const struct shown_rule *rule)
{
    const struct tally_row *row = tally_find(&r->tally->then, r->policy, rule->label);

    (r->json ? print_rule_json : print_rule)(r, rule, row);
    arena_reset(&r->arena);
}

/* ---- a policy ---- */

static void show_mine(struct report *r)
{
    for (size_t i = 0; i < r->mine->rule_count; i++) {
        const struct rule *rule = r->mine->rules[i];
        struct sum sum = {.report = r};
        rule_each_use(rule, add_use, &sum);
        show(r, &(struct shown_rule){.phase = slice_of(phase_name(rule->phase)),
                                     .label = slice_of(rule->label),
                                     .text = rule->written,
                                     .facts_us = sum.us,
                                     .is_mine = true});
    }
}

static int show_recorded(void *arg, const struct journal_rule *rule)
{
    struct report *r = arg;

    show(r, &(struct shown_rule){.phase = rule->phase,
                                 .label = rule->label,
                                 .text = rule->text,
                                 .facts_us = time_by_text(r, rule->text)});
    return 0;
}

static void head(struct report *r, uint64_t records)
{
    if (r->json) {
        return;
    }
    r->out.n = 0;
    text_show(&r->out, r->policy, SHOWN_MOST);
    (void)printf("policy " SLICE_FMT "%s, %" PRIu64 " records\n", SLICE_ARG(buf_slice(&r->out)),
                 r->mine != NULL && slice_eq(r->policy, slice_of(r->mine->digest))
                     ? " (this configuration's)"
                     : "",
                 records);
    (void)printf("%10s %10s %10s %10s %10s %12s %12s  %s\n", "fired", "decided", "observed",
                 "unique", "perhaps", "contradicted", "facts' time", "rule");
}

static int show_policy(struct report *r, struct journal *journal)
{
    if (r->mine != NULL && slice_eq(r->policy, slice_of(r->mine->digest))) {
        show_mine(r);
        return 0;
    }
    return journal_each_rule(journal, r->policy, show_recorded, r);
}

static int show_all(struct report *r, struct journal *journal)
{
    const struct tally_table *policies = &r->tally->policies;
    int error = 0;

    for (size_t i = 0; i < policies->count && error == 0; i++) {
        r->policy = policies->rows[i].name;
        if (i > 0 && !r->json) {
            (void)printf("\n");
        }
        head(r, policies->rows[i].numbers[0]);
        error = show_policy(r, journal);
    }
    if (!r->json && r->mine != NULL &&
        tally_find(policies, SLICE_LIT(""), slice_of(r->mine->digest)) == NULL) {
        (void)printf("%sThis configuration's policy, %s, has no record of that time.\n",
                     policies->count > 0 ? "\n" : "", r->mine->digest);
    } else if (!r->json && policies->count == 0) {
        (void)printf("There is no record of that time.\n");
    }
    return error;
}

/* What could not be held in memory. */
static void show_bounds(const struct rule_history *h)
{
    if (h->names_left_out) {
        (void)fprintf(stderr, "gatepost: more names had mail accepted than can be kept in mind; "
                              "contradicted is at least so often\n");
    }
    if (h->sampled > 1) {
        (void)fprintf(stderr,
                      "gatepost: of very many deferrals one in %u was followed, by lot; their "
                      "numbers are estimates\n",
                      h->sampled);
    }
}

bool rules_report(const struct replay_tally *t, const struct rule_history *h,
                  const struct policy *mine, const char *journal, bool json)
{
    struct report r = {.tally = t, .history = h, .mine = mine, .json = json};
    struct journal *j = NULL;
    char why[JOURNAL_WHY];
    int error = journal_open(journal, &j, why);

    arena_init(&r.arena);
    if (error == 0) {
        show_bounds(h);
        error = show_all(&r, j);
        if (error < 0) {
            (void)snprintf(why, sizeof(why), "%s", journal_why(j));
        }
    }
    if (error < 0) {
        (void)fprintf(stderr, "gatepost: %s\n", why);
    }
    (void)journal_close(j);
    arena_free(&r.arena);
    buf_free(&r.text);
    buf_free(&r.out);
    return error == 0;
}
