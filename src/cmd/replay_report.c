/* See replay_report.h. */
#include "cmd/replay_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/text.h"

/* A name out of a journal, as wide as a column may be. */
#define NAME_MOST ((size_t)44)

/* As it may be printed; valid until the next call. */
static const char *shown(struct slice name)
{
    static struct buf text;

    text.n = 0;
    text_show(&text, name, NAME_MOST);
    buf_append(&text, "", 1);
    return text.p;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

/* ---- in words ---- */

static void print_period(const struct replay_tally *t, FILE *out)
{
    char first[TIME_RFC3339_MAX], last[TIME_RFC3339_MAX];

    if (t->records == 0) {
        (void)fprintf(out, "There is no record of that time.\n");
        return;
    }
    time_format_rfc3339(t->first, first);
    time_format_rfc3339(t->last, last);
    (void)fprintf(out,
                  "%" PRIu64 " records from %s to %s:\n%" PRIu64 " transactions with %" PRIu64
                  " recipients, %" PRIu64 " connections without one.\n",
                  t->records, first, last, t->transactions, t->recipients,
                  t->records - t->transactions);
    if (t->not_asked > 0) {
        (void)fprintf(
            out, "%" PRIu64 " of them ended before any policy was asked, and stay as they are.\n",
            t->not_asked);
    }
}

static void print_moves(const uint64_t moved[REPLAY_VERDICT_COUNT][REPLAY_VERDICT_COUNT],
                        const char *of, FILE *out)
{
    for (int i = 0; i < REPLAY_VERDICT_COUNT; i++) {
        for (int k = 0; k < REPLAY_VERDICT_COUNT; k++) {
            if (moved[i][k] > 0) {
                (void)fprintf(out, "%10" PRIu64 "  %s %s -> %s\n", moved[i][k], of,
                              replay_verdict_name((enum replay_verdict)i),
                              replay_verdict_name((enum replay_verdict)k));
            }
        }
    }
}

static void print_changes(const struct replay_tally *t, FILE *out)
{
    if (t->changed == 0) {
        (void)fprintf(out, "\nNothing would be otherwise.\n");
        return;
    }
    (void)fprintf(out, "\n%" PRIu64 " of them would be otherwise (%.3g %%):\n", t->changed,
                  percent(t->changed, t->records));
    print_moves(t->moved, "as a whole", out);
    print_moves(t->moved_recipients, "recipients", out);
}

static void print_doubts(const struct replay_tally *t, FILE *out)
{
    if (t->gaps.count == 0) {
        return;
    }
    (void)fprintf(out,
                  "\nThat rests on what is not on record for %" PRIu64 " of the %" PRIu64
                  " that change,\nand for %" PRIu64 " of the others:\n",
                  t->in_doubt, t->changed, t->same_doubt);
    (void)fprintf(out, "%10s %10s  %s\n", "changed", "others", "fact");
    for (size_t i = 0; i < t->gaps.count; i++) {
        const struct tally_row *row = &t->gaps.rows[i];
        (void)fprintf(out, "%10" PRIu64 " %10" PRIu64 "  %s (" SLICE_FMT ")\n",
                      row->numbers[TALLY_CHANGED], row->numbers[TALLY_UNCHANGED], shown(row->name),
                      SLICE_ARG(row->of));
    }
}

static void print_rule(const struct tally_row *row, struct slice label, FILE *out)
{
    static const struct tally_row none;
    row = row != NULL ? row : &none;
    (void)fprintf(out, "%10" PRIu64 " %10" PRIu64 " %10" PRIu64 "  %s\n", row->numbers[TALLY_FIRED],
                  row->numbers[TALLY_DECIDED], row->numbers[TALLY_OBSERVED], shown(label));
}

/* "gatepost.conf:23 reject" in two parts; line 0 where it has none. */
static struct slice file_of(struct slice label, long *ret_line)
{
    const char *colon = label.n > 0 ? memchr(label.p, ':', label.n) : NULL;

    *ret_line = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;
    return (struct slice){label.p, colon != NULL ? (size_t)(colon - label.p) : label.n};
}

/* By file, then by line. */
static int compare_labels(const void *a, const void *b)
{
    long line_x, line_y;
    const struct slice x = file_of((*(const struct tally_row *const *)a)->name, &line_x);
    const struct slice y = file_of((*(const struct tally_row *const *)b)->name, &line_y);
    const size_t n = x.n < y.n ? x.n : y.n;
    int order = n > 0 ? memcmp(x.p, y.p, n) : 0;

    if (order == 0) {
        order = x.n < y.n ? -1 : x.n > y.n;
    }
    return order != 0 ? order : line_x < line_y ? -1 : line_x > line_y;
}

/* The rules of a policy of that time, in the order in which they stood. */
static void print_old_rules(const struct replay_tally *t, struct slice policy, FILE *out)
{
    const struct tally_row **rows = xcalloc(t->then.count + 1, sizeof(*rows));
    size_t count = 0;

    for (size_t i = 0; i < t->then.count; i++) {
        if (slice_eq(t->then.rows[i].of, policy)) {
            rows[count++] = &t->then.rows[i];
        }
    }
    qsort(rows, count, sizeof(*rows), compare_labels);
    for (size_t i = 0; i < count; i++) {
        print_rule(rows[i], rows[i]->name, out);
    }
    free(rows);
}

static void print_rules(const struct replay_tally *t, const struct policy *policy, FILE *out)
{
    static const char head[] = "%10s %10s %10s  %s\n";

    for (size_t i = 0; i < t->policies.count; i++) {
        const struct slice of = t->policies.rows[i].name;
        (void)fprintf(out, "\nThen, policy %s, %" PRIu64 " records:\n", shown(of),
                      t->policies.rows[i].numbers[0]);
        (void)fprintf(out, head, "fired", "decided", "observed", "rule");
        print_old_rules(t, of, out);
    }
    (void)fprintf(out, "\nBy the new one, %s:\n", policy->digest);
    (void)fprintf(out, head, "fired", "decided", "observed", "rule");
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct slice label = slice_of(policy->rules[i]->label);
        print_rule(tally_find(&t->now, SLICE_LIT(""), label), label, out);
    }
}

void replay_report(const struct replay_tally *t, const struct policy *policy, FILE *out)
{
    if (t->changed > 0) {
        (void)fprintf(out, "\n");
    }
    print_period(t, out);
    if (t->records > 0) {
        print_changes(t, out);
        print_doubts(t, out);
        print_rules(t, policy, out);
    }
}

/* ---- JSON ---- */

static void emit_moves(struct emit *e, const char *key,
                       const uint64_t moved[REPLAY_VERDICT_COUNT][REPLAY_VERDICT_COUNT])
{
    emit_array(e, key);
    for (int i = 0; i < REPLAY_VERDICT_COUNT; i++) {
        for (int k = 0; k < REPLAY_VERDICT_COUNT; k++) {
            if (moved[i][k] > 0) {
                emit_object(e, NULL);
                emit_text(e, "old", slice_of(replay_verdict_name((enum replay_verdict)i)));
                emit_text(e, "new", slice_of(replay_verdict_name((enum replay_verdict)k)));
                emit_unsigned(e, "count", moved[i][k]);
                emit_object_end(e);
            }
        }
    }
    emit_array_end(e);
}

static void emit_rule(struct emit *e, const struct tally_row *row, struct slice label)
{
    static const struct tally_row none;

    row = row != NULL ? row : &none;
    emit_object(e, NULL);
    if (row->of.n > 0) {
        emit_text(e, "policy", row->of);
    }
    emit_text(e, "rule", label);
    emit_unsigned(e, "fired", row->numbers[TALLY_FIRED]);
    emit_unsigned(e, "decided", row->numbers[TALLY_DECIDED]);
    emit_unsigned(e, "observed", row->numbers[TALLY_OBSERVED]);
    emit_object_end(e);
}

static void emit_numbers(struct emit *e, const struct replay_tally *t)
{
    char time[TIME_RFC3339_MAX];

    emit_unsigned(e, "records", t->records);
    emit_unsigned(e, "transactions", t->transactions);
    emit_unsigned(e, "recipients", t->recipients);
    emit_unsigned(e, "not_asked", t->not_asked);
    if (t->records > 0) {
        time_format_rfc3339(t->first, time);
        emit_text(e, "first", slice_of(time));
        time_format_rfc3339(t->last, time);
        emit_text(e, "last", slice_of(time));
    }
    emit_unsigned(e, "changed", t->changed);
    emit_unsigned(e, "changed_in_doubt", t->in_doubt);
    emit_unsigned(e, "unchanged_in_doubt", t->same_doubt);
    emit_moves(e, "wholes", t->moved);
    emit_moves(e, "recipients_moved", t->moved_recipients);
}

static void emit_doubts(struct emit *e, const struct replay_tally *t)
{
    emit_array(e, "rests_on");
    for (size_t i = 0; i < t->gaps.count; i++) {
        const struct tally_row *row = &t->gaps.rows[i];
        emit_object(e, NULL);
        emit_text(e, "fact", row->name);
        emit_text(e, "why", row->of);
        emit_unsigned(e, "changed", row->numbers[TALLY_CHANGED]);
        emit_unsigned(e, "unchanged", row->numbers[TALLY_UNCHANGED]);
        emit_object_end(e);
    }
    emit_array_end(e);
}

void replay_report_json(const struct replay_tally *t, const struct policy *policy, FILE *out)
{
    struct buf text = {0};
    struct emit e = {.b = &text};

    emit_object(&e, NULL);
    emit_numbers(&e, t);
    emit_doubts(&e, t);
    emit_array(&e, "old_rules");
    for (size_t i = 0; i < t->then.count; i++) {
        emit_rule(&e, &t->then.rows[i], t->then.rows[i].name);
    }
    emit_array_end(&e);
    emit_array(&e, "new_rules");
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct slice label = slice_of(policy->rules[i]->label);
        emit_rule(&e, tally_find(&t->now, SLICE_LIT(""), label), label);
    }
    emit_array_end(&e);
    emit_object_end(&e);
    buf_append(&text, "\n", 1);
    (void)fwrite(text.p, 1, text.n, out);
    buf_free(&text);
}
