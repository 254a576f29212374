/* See judge/tally.h. */
#include "judge/tally.h"

#include <stdlib.h>

#include "base/emit.h"
#include "judge/report.h"

/* In the order of columns. */
static const char *const verdicts[] = {"accepted", "refused", "deferred", "ended", "gone", "error"};
#define VERDICTS (sizeof(verdicts) / sizeof(verdicts[0]))

static bool same(const char *kept, size_t size, struct slice text)
{
    size_t n = text.n < size - 1 ? text.n : size - 1;
    return (n == 0 || memcmp(kept, text.p, n) == 0) && kept[n] == '\0';
}

static void keep(char *ret, size_t size, struct slice text)
{
    size_t n = text.n < size - 1 ? text.n : size - 1;
    if (n > 0) {
        memcpy(ret, text.p, n);
    }
    ret[n] = '\0';
}

static struct tally_row *find(struct tally *t, struct slice label, struct slice verdict,
                              struct slice rule)
{
    for (size_t i = 0; i < t->count; i++) {
        struct tally_row *r = &t->rows[i];
        if (same(r->rule, sizeof(r->rule), rule) && same(r->label, sizeof(r->label), label) &&
            same(r->verdict, sizeof(r->verdict), verdict)) {
            return r;
        }
    }
    return NULL;
}

static struct tally_row *add(struct tally *t, struct slice label, struct slice verdict,
                             struct slice rule)
{
    struct tally_row *r = &t->rows[t->count++];
    keep(r->label, sizeof(r->label), label);
    keep(r->verdict, sizeof(r->verdict), verdict);
    keep(r->rule, sizeof(r->rule), rule);
    return r;
}

void tally_add(struct tally *t, struct slice label, struct slice verdict, struct slice rule,
               uint64_t n)
{
    static const struct slice others = SLICE_LIT(TALLY_OTHERS);
    struct tally_row *r = find(t, label, verdict, rule);
    if (r == NULL && t->count < TALLY_ROWS - VERDICTS) {
        r = add(t, label, verdict, rule);
    } else if (r == NULL) {
        r = find(t, others, verdict, others); /* the last rows are for these */
        r = r == NULL && t->count < TALLY_ROWS ? add(t, others, verdict, others) : r;
    }
    if (r != NULL) {
        r->count += n;
    }
}

void tally_merge(struct tally *t, const struct tally *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct tally_row *r = &from->rows[i];
        tally_add(t, slice_of(r->label), slice_of(r->verdict), slice_of(r->rule), r->count);
    }
}

/* ---- sums ---- */

/* NULL: of any. */
static uint64_t sum(const struct tally *t, const char *label, const char *verdict, const char *rule)
{
    uint64_t n = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct tally_row *r = &t->rows[i];
        if ((label == NULL || strcmp(r->label, label) == 0) &&
            (verdict == NULL || strcmp(r->verdict, verdict) == 0) &&
            (rule == NULL || strcmp(r->rule, rule) == 0)) {
            n += r->count;
        }
    }
    return n;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The different texts at `offset` of the rows, sorted; returns how many. */
static size_t distinct(const struct tally *t, size_t offset, const char *ret[static TALLY_ROWS])
{
    size_t n = 0, unique = 0;
    for (size_t i = 0; i < t->count; i++) {
        ret[n++] = (const char *)&t->rows[i] + offset;
    }
    qsort(ret, n, sizeof(ret[0]), by_text);
    for (size_t i = 0; i < n; i++) {
        if (unique == 0 || strcmp(ret[unique - 1], ret[i]) != 0) {
            ret[unique++] = ret[i];
        }
    }
    return unique;
}

/* ---- JSON ---- */

/* What one label, or one rule, has of each verdict. */
static void put_verdicts(struct emit *e, const struct tally *t, const char *label, const char *rule)
{
    emit_object(e, "verdicts");
    for (size_t v = 0; v < VERDICTS; v++) {
        uint64_t n = sum(t, label, verdicts[v], rule);
        if (n > 0) {
            emit_unsigned(e, verdicts[v], n);
        }
    }
    emit_object_end(e);
}

static void put_label(struct emit *e, const struct tally *t, const char *label)
{
    const char *rules[TALLY_ROWS];
    size_t count = distinct(t, offsetof(struct tally_row, rule), rules);
    emit_object(e, NULL);
    emit_text(e, "label", slice_of(label));
    emit_unsigned(e, "messages", sum(t, label, NULL, NULL));
    put_verdicts(e, t, label, NULL);
    emit_array(e, "rules");
    for (size_t i = 0; i < count; i++) {
        if (rules[i][0] != '\0' && sum(t, label, NULL, rules[i]) > 0) {
            emit_object(e, NULL);
            emit_text(e, "rule", slice_of(rules[i]));
            put_verdicts(e, t, label, rules[i]);
            emit_object_end(e);
        }
    }
    emit_array_end(e);
    emit_object_end(e);
}

void tally_json(const struct tally *t, struct buf *to)
{
    const char *labels[TALLY_ROWS];
    size_t count = distinct(t, offsetof(struct tally_row, label), labels);
    struct emit e = {.b = to};
    emit_object(&e, NULL);
    emit_object(&e, "totals");
    emit_unsigned(&e, "messages", sum(t, NULL, NULL, NULL));
    put_verdicts(&e, t, NULL, NULL);
    emit_array(&e, "labels");
    for (size_t i = 0; i < count; i++) {
        put_label(&e, t, labels[i]);
    }
    emit_array_end(&e);
    emit_object_end(&e);
    emit_object_end(&e);
    buf_append(to, "\n", 1);
}

/* ---- for people ---- */

static void put_row(const struct tally *t, struct buf *to, const char *label, const char *rule,
                    const bool shown[VERDICTS])
{
    buf_printf(to, "%9llu", (unsigned long long)sum(t, label, NULL, rule));
    for (size_t v = 0; v < VERDICTS; v++) {
        if (shown[v]) {
            buf_printf(to, " %9llu", (unsigned long long)sum(t, label, verdicts[v], rule));
        }
    }
    buf_append_slice(to, SLICE_LIT("  "));
}

static void put_labels(const struct tally *t, struct buf *to, const bool shown[VERDICTS])
{
    const char *labels[TALLY_ROWS];
    size_t count = distinct(t, offsetof(struct tally_row, label), labels);
    for (size_t i = 0; i < count; i++) {
        put_row(t, to, labels[i], NULL, shown);
        report_clean(to, slice_of(labels[i][0] != '\0' ? labels[i] : "(no label)"));
        buf_append(to, "\n", 1);
    }
    put_row(t, to, NULL, NULL, shown);
    buf_append_slice(to, SLICE_LIT("all\n"));
}

static void put_rules(const struct tally *t, struct buf *to, const bool shown[VERDICTS])
{
    const char *rules[TALLY_ROWS], *labels[TALLY_ROWS];
    size_t count = distinct(t, offsetof(struct tally_row, rule), rules);
    size_t label_count = distinct(t, offsetof(struct tally_row, label), labels);
    for (size_t i = 0; i < count; i++) {
        for (size_t l = 0; l < label_count && rules[i][0] != '\0'; l++) {
            if (sum(t, labels[l], NULL, rules[i]) > 0) {
                put_row(t, to, labels[l], rules[i], shown);
                report_clean(to, slice_of(labels[l]));
                buf_printf(to, "%s", labels[l][0] != '\0' ? ": " : "");
                report_clean(to, slice_of(rules[i]));
                buf_append(to, "\n", 1);
            }
        }
    }
}

void tally_table(const struct tally *t, struct buf *to)
{
    bool shown[VERDICTS];
    buf_printf(to, "%9s", "messages");
    for (size_t v = 0; v < VERDICTS; v++) {
        shown[v] = v < 3 || sum(t, NULL, verdicts[v], NULL) > 0;
        if (shown[v]) {
            buf_printf(to, " %9s", verdicts[v]);
        }
    }
    buf_append(to, "\n", 1);
    put_labels(t, to, shown);
    buf_append(to, "\n", 1);
    put_rules(t, to, shown);
}
