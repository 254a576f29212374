/* See replay_tally.h. */
#include "journal/replay_tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

void replay_tally_init(struct replay_tally *t)
{
    *t = (struct replay_tally){0};
    arena_init(&t->arena);
}

static void table_free(struct tally_table *table)
{
    free(table->rows);
    free(table->places);
}

void replay_tally_free(struct replay_tally *t)
{
    table_free(&t->policies);
    table_free(&t->then);
    table_free(&t->now);
    table_free(&t->gaps);
    table_free(&t->times);
    arena_free(&t->arena);
}

/* ---- tables ---- */

/* FNV-1a. Who could choose the names can only make this slow that is theirs to run. */
static size_t hash(struct slice of, struct slice name)
{
    uint64_t h = 0xcbf29ce484222325;

    for (size_t i = 0; i < of.n; i++) {
        h = (h ^ (unsigned char)of.p[i]) * 0x100000001b3;
    }
    for (size_t i = 0; i < name.n; i++) {
        h = (h ^ (unsigned char)name.p[i]) * 0x100000001b3;
    }
    return (size_t)(h ^ h >> 32);
}

/* Where the name is, or the free place that is for it. */
static size_t place_of(const struct tally_table *t, struct slice of, struct slice name)
{
    size_t at = hash(of, name) & (t->place_count - 1);

    while (t->places[at] != 0) {
        const struct tally_row *row = &t->rows[t->places[at] - 1];
        if (slice_eq(row->name, name) && slice_eq(row->of, of)) {
            break;
        }
        at = (at + 1) & (t->place_count - 1);
    }
    return at;
}

/* Never more than half full. */
static void grow(struct tally_table *t)
{
    t->cap = t->cap > 0 ? 2 * t->cap : 32;
    t->place_count = 2 * t->cap;
    t->rows = xrealloc(t->rows, t->cap * sizeof(*t->rows));
    free(t->places);
    t->places = xcalloc(t->place_count, sizeof(*t->places));
    for (size_t i = 0; i < t->count; i++) {
        t->places[place_of(t, t->rows[i].of, t->rows[i].name)] = (uint32_t)(i + 1);
    }
}

struct tally_row *tally_row_of(struct replay_tally *t, struct tally_table *table, struct slice of,
                               struct slice name)
{
    if (table->count == table->cap) {
        grow(table);
    }
    const size_t at = place_of(table, of, name);
    if (table->places[at] == 0) {
        table->rows[table->count] =
            (struct tally_row){arena_copy(&t->arena, of), arena_copy(&t->arena, name), {0}, {0}};
        table->places[at] = (uint32_t)++table->count;
    }
    return &table->rows[table->places[at] - 1];
}

const struct tally_row *tally_find(const struct tally_table *table, struct slice of,
                                   struct slice name)
{
    if (table->count == 0) {
        return NULL;
    }
    const uint32_t found = table->places[place_of(table, of, name)];
    return found > 0 ? &table->rows[found - 1] : NULL;
}

/* Once a record. */
static void count(struct tally_row *row, int number, const struct replay_tally *t)
{
    const int64_t record = (int64_t)t->records;

    row->numbers[number] += row->last[number] != record;
    row->last[number] = record;
}

/* ---- what is on record ---- */

/* "gatepost.conf:23" of what fired at that place and keeps clients out: its label. */
static const struct slice *label_at(const struct journal_judgement *j, struct slice place)
{
    for (size_t i = j->fired_count; i-- > 0;) {
        const struct slice *label = &j->fired[i];
        const char *blank = label->n > place.n ? memrchr(label->p, ' ', label->n) : NULL;
        if (blank == label->p + place.n && memcmp(label->p, place.p, place.n) == 0) {
            return label;
        }
    }
    return NULL;
}

const struct slice *replay_tally_decider(const struct journal_record *r,
                                         const struct journal_judgement *j)
{
    const struct slice *label;

    if (j->rule.n == 0) {
        return NULL;
    }
    label = label_at(j, j->rule);
    label = label != NULL ? label : label_at(&r->judgement, j->rule);
    for (size_t i = 0; label == NULL && i < r->recipient_count; i++) {
        label = label_at(&r->recipients[i].judgement, j->rule);
    }
    return label != NULL ? label : &j->rule;
}

static void count_judgement(struct replay_tally *t, const struct journal_record *r,
                            const struct journal_judgement *j)
{
    for (size_t i = 0; i < j->fired_count; i++) {
        count(tally_row_of(t, &t->then, r->policy, j->fired[i]), TALLY_FIRED, t);
    }
    for (size_t i = 0; i < j->observed_count; i++) {
        count(tally_row_of(t, &t->then, r->policy, j->observed[i]), TALLY_OBSERVED, t);
    }
    const struct slice *decider = replay_tally_decider(r, j);
    if (decider != NULL) {
        count(tally_row_of(t, &t->then, r->policy, *decider), TALLY_DECIDED, t);
    }
}

void replay_tally_recorded(struct replay_tally *t, const struct journal_record *r)
{
    t->records++;
    t->transactions += r->has_transaction;
    t->recipients += r->recipient_count;
    t->first = t->first == 0 || r->time < t->first ? r->time : t->first;
    t->last = r->time > t->last ? r->time : t->last;
    tally_row_of(t, &t->policies, SLICE_LIT(""), r->policy)->numbers[0]++;
    count_judgement(t, r, &r->judgement);
    for (size_t i = 0; i < r->recipient_count; i++) {
        count_judgement(t, r, &r->recipients[i].judgement);
    }
}

static void add_times(struct replay_tally *t, struct slice policy, struct slice text)
{
    json_t *object = NULL;
    const char *name;
    json_t *value;

    if (text.n > 0 && memmem(text.p, text.n, "\"ms\":", 5) != NULL) {
        object = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
    }
    json_object_foreach(object, name, value)
    {
        const json_t *ms = json_object_get(value, "ms");
        const double us = json_number_value(ms) * 1000;
        if (ms != NULL) {
            struct tally_row *row = tally_row_of(t, &t->times, policy, slice_of(name));
            row->numbers[TALLY_ASKED]++;
            row->numbers[TALLY_MICROSECONDS] += us > 0 && us < 1e15 ? (uint64_t)(us + 0.5) : 0;
        }
    }
    json_decref(object);
}

void replay_tally_times(struct replay_tally *t, const struct journal_record *r)
{
    add_times(t, r->policy, r->judgement.facts);
    for (size_t i = 0; i < r->recipient_count; i++) {
        add_times(t, r->policy, r->recipients[i].judgement.facts);
    }
}

/* ---- what was judged anew ---- */

static void count_fired(void *arg, const struct rule *rule)
{
    struct replay_tally *t = arg;

    count(tally_row_of(t, &t->now, SLICE_LIT(""), slice_of(rule->label)),
          rule->observe ? TALLY_OBSERVED : TALLY_FIRED, t);
}

static void count_decided(struct replay_tally *t, const struct replay_outcome *o)
{
    if (o->verdict > REPLAY_JUNKED && o->rule.n > 0) {
        count(tally_row_of(t, &t->now, SLICE_LIT(""), o->rule), TALLY_DECIDED, t);
    }
}

static void count_doubts(struct replay_tally *t, const struct replay *p, bool changed)
{
    size_t doubt_count;
    const struct replay_doubt *doubts = replay_doubts(p, &doubt_count);

    for (size_t i = 0; i < doubt_count; i++) {
        struct tally_row *row = tally_row_of(t, &t->gaps, slice_of(replay_gap_name(doubts[i].gap)),
                                             slice_of(doubts[i].fact));
        row->numbers[changed ? TALLY_CHANGED : TALLY_UNCHANGED]++;
    }
    t->in_doubt += changed && doubt_count > 0;
    t->same_doubt += !changed && doubt_count > 0;
}

bool replay_tally_judged(struct replay_tally *t, const struct replay *p,
                         const struct journal_record *r, const struct replay_outcomes *then,
                         const struct replay_outcomes *now)
{
    bool changed = replay_differs(&then->whole, &now->whole);

    t->not_asked += now->whole.verdict == REPLAY_NOT_ASKED;
    replay_each_fired(p, count_fired, t);
    if (!now->unheard) {
        count_decided(t, &now->whole);
    }
    t->moved[then->whole.verdict][now->whole.verdict] += changed;
    for (size_t i = 0; i < r->recipient_count; i++) {
        const struct replay_outcome *a = &then->recipients[i], *b = &now->recipients[i];
        const bool other = replay_differs(a, b);
        count_decided(t, b);
        t->moved_recipients[a->verdict][b->verdict] += other;
        changed = changed || other;
    }
    t->changed += changed;
    count_doubts(t, p, changed);
    return changed;
}

/* ---- from process to process ---- */

#define NUMBERS(X)                                                                                 \
    X(records) X(transactions) X(recipients) X(not_asked) X(changed) X(in_doubt) X(same_doubt)

static void write_table(const struct tally_table *table, struct emit *e, const char *key)
{
    emit_array(e, key);
    for (size_t i = 0; i < table->count; i++) {
        emit_array(e, NULL);
        emit_text(e, NULL, table->rows[i].of);
        emit_text(e, NULL, table->rows[i].name);
        for (int n = 0; n < TALLY_NUMBERS; n++) {
            emit_unsigned(e, NULL, table->rows[i].numbers[n]);
        }
        emit_array_end(e);
    }
    emit_array_end(e);
}

static void write_moves(const uint64_t moved[REPLAY_VERDICT_COUNT][REPLAY_VERDICT_COUNT],
                        struct emit *e, const char *key)
{
    emit_array(e, key);
    for (int i = 0; i < REPLAY_VERDICT_COUNT * REPLAY_VERDICT_COUNT; i++) {
        emit_unsigned(e, NULL, moved[i / REPLAY_VERDICT_COUNT][i % REPLAY_VERDICT_COUNT]);
    }
    emit_array_end(e);
}

void replay_tally_write(const struct replay_tally *t, struct emit *e)
{
#define WRITE(name) emit_unsigned(e, #name, t->name);
    NUMBERS(WRITE)
#undef WRITE
    emit_number(e, "first", t->first);
    emit_number(e, "last", t->last);
    write_moves(t->moved, e, "moved");
    write_moves(t->moved_recipients, e, "moved_recipients");
    write_table(&t->policies, e, "policies");
    write_table(&t->then, e, "then");
    write_table(&t->now, e, "now");
    write_table(&t->gaps, e, "gaps");
    write_table(&t->times, e, "times");
}

static struct slice text_of(const json_t *text)
{
    return (struct slice){json_string_value(text), json_string_length(text)};
}

static int add_table(struct replay_tally *t, struct tally_table *table, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (json_array_size(row) != 2 + TALLY_NUMBERS || !json_is_string(json_array_get(row, 0)) ||
            !json_is_string(json_array_get(row, 1))) {
            return -EBADMSG;
        }
        struct tally_row *to = tally_row_of(t, table, text_of(json_array_get(row, 0)),
                                            text_of(json_array_get(row, 1)));
        for (size_t n = 0; n < TALLY_NUMBERS; n++) {
            to->numbers[n] += (uint64_t)json_integer_value(json_array_get(row, 2 + n));
        }
    }
    return json_is_array(rows) ? 0 : -EBADMSG;
}

static int add_moves(uint64_t to[REPLAY_VERDICT_COUNT][REPLAY_VERDICT_COUNT], const json_t *moved)
{
    for (size_t i = 0; i < json_array_size(moved); i++) {
        to[i / REPLAY_VERDICT_COUNT % REPLAY_VERDICT_COUNT][i % REPLAY_VERDICT_COUNT] +=
            (uint64_t)json_integer_value(json_array_get(moved, i));
    }
    return json_is_array(moved) ? 0 : -EBADMSG;
}

int replay_tally_add(struct replay_tally *t, const json_t *object)
{
#define ADD(name) t->name += (uint64_t)json_integer_value(json_object_get(object, #name));
    NUMBERS(ADD)
#undef ADD
    const usec_t first = json_integer_value(json_object_get(object, "first"));
    const usec_t last = json_integer_value(json_object_get(object, "last"));
    t->first = t->first == 0 || (first != 0 && first < t->first) ? first : t->first;
    t->last = last > t->last ? last : t->last;
    if (add_moves(t->moved, json_object_get(object, "moved")) < 0 ||
        add_moves(t->moved_recipients, json_object_get(object, "moved_recipients")) < 0 ||
        add_table(t, &t->policies, json_object_get(object, "policies")) < 0 ||
        add_table(t, &t->then, json_object_get(object, "then")) < 0 ||
        add_table(t, &t->now, json_object_get(object, "now")) < 0 ||
        add_table(t, &t->gaps, json_object_get(object, "gaps")) < 0) {
        return -EBADMSG;
    }
    return add_table(t, &t->times, json_object_get(object, "times"));
}
