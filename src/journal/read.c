/* Walking the journal. Four statements are merged by n: the decisions, their recipients, and the
 * rules that fired and were observed. */
#include "journal/read.h"

#include <errno.h>
#include <stdarg.h>

#include "base/fatal.h"
#include "journal/read_impl.h"

/* What is read under one snapshot: so many records at most, and not much more memory. The first
 * portion is small, since somebody may want only a few. */
#define PORTION_FIRST  ((size_t)64)
#define PORTION_MOST   ((size_t)2048)
#define PORTION_OCTETS ((size_t)4 << 20)

/* A child that is further behind than so many decisions is set anew rather than walked there. */
#define WALK_MOST 64

enum child_kind { CHILD_RECIPIENT, CHILD_FIRED, CHILD_OBSERVED, CHILD_COUNT };

/* A statement with rows for each decision, in its order. */
struct child {
    sqlite3_stmt *st; /* NULL: not wanted */
    int64_t at;       /* the decision of its row; INT64_MAX behind the last, -1: it has none */
    int64_t asked;    /* for which it was last asked */
};

struct walk {
    struct journal *j;
    const struct journal_query *q;
    struct query_sql sql;
    sqlite3_stmt *decisions;
    struct child children[CHILD_COUNT];
    int64_t first_n, last_n; /* what is still to be read */
    size_t portion;
    struct arena arena; /* of one portion */
    struct buf records; /* its struct journal_record */
    struct buf rows;    /* while one of them is put together */
    size_t octets;
};

/* ---- statements ---- */

static int prepare(struct journal *j, const char *sql, sqlite3_stmt **ret)
{
    const int code = sqlite3_prepare_v3(j->db, sql, -1, 0, ret, NULL);

    return code == SQLITE_OK ? 0 : journal_fail(j, code);
}

static int prepare_printf(struct journal *j, sqlite3_stmt **ret, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int prepare_printf(struct journal *j, sqlite3_stmt **ret, const char *format, ...)
{
    struct buf sql = {0};
    va_list ap;

    va_start(ap, format);
    buf_vprintf(&sql, format, ap);
    va_end(ap);
    buf_append(&sql, "", 1);
    const int r = prepare(j, sql.p, ret);
    buf_free(&sql);
    return r;
}

static int execute(struct journal *j, const char *sql)
{
    const int code = sqlite3_exec(j->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : journal_fail(j, code);
}

/* The next row: 1, 0 behind the last, or a negative errno. */
static int step(struct journal *j, sqlite3_stmt *st)
{
    const int code = sqlite3_step(st);

    return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : journal_fail(j, code);
}

/* ---- what belongs to a decision ---- */

static int child_step(struct journal *j, struct child *c)
{
    const int r = step(j, c->st);

    c->at = r == 1 ? sqlite3_column_int64(c->st, 0) : INT64_MAX;
    return r < 0 ? r : 0;
}

static int child_set(struct journal *j, struct child *c, int64_t n)
{
    (void)sqlite3_reset(c->st);
    const int code = sqlite3_bind_int64(c->st, 1, n);
    return code == SQLITE_OK ? child_step(j, c) : journal_fail(j, code);
}

/* Goes to the first row of decision n. Is there one? 1, 0 or a negative errno. */
static int child_seek(struct journal *j, struct child *c, int64_t n)
{
    int r = 0;

    if (c->st == NULL) {
        return 0;
    }
    if (c->at < 0 || n < c->asked || (c->at < n && n - c->at > WALK_MOST)) {
        r = child_set(j, c, n);
    }
    c->asked = n;
    while (r == 0 && c->at < n) {
        r = child_step(j, c);
    }
    return r < 0 ? r : c->at == n;
}

static int read_recipients(struct walk *w, struct journal_record *record)
{
    struct child *c = &w->children[CHILD_RECIPIENT];
    int more = child_seek(w->j, c, record->n);

    w->rows.n = 0;
    while (more > 0) {
        struct journal_recipient recipient;
        recipient_row(c->st, &w->arena, &recipient);
        buf_append(&w->rows, &recipient, sizeof(recipient));
        w->octets += sizeof(recipient) + recipient.judgement.facts.n + recipient.more.n;
        const int r = child_step(w->j, c);
        more = r < 0 ? r : c->at == record->n;
    }
    if (w->rows.n > 0) {
        record->recipients = (const void *)arena_copy(&w->arena, buf_slice(&w->rows)).p;
        record->recipient_count = w->rows.n / sizeof(struct journal_recipient);
    }
    return more;
}

/* Whose rules they are: the whole record's, or those of its recipient of that number. NULL: nobody
 * has it. */
static struct journal_judgement *judgement_of(struct journal_record *record, int64_t number)
{
    struct journal_recipient *all = (struct journal_recipient *)(uintptr_t)record->recipients;

    if (number == 0) {
        return &record->judgement;
    }
    for (size_t i = 0; i < record->recipient_count; i++) {
        if (all[i].number == number) {
            return &all[i].judgement;
        }
    }
    return NULL;
}

static void keep_labels(struct walk *w, struct journal_record *record, int64_t number,
                        bool observed)
{
    struct journal_judgement *j = judgement_of(record, number);
    const size_t count = w->rows.n / sizeof(struct slice);

    if (j != NULL && count > 0) {
        const struct slice *labels = (const void *)arena_copy(&w->arena, buf_slice(&w->rows)).p;
        *(observed ? &j->observed : &j->fired) = labels;
        *(observed ? &j->observed_count : &j->fired_count) = count;
    }
    w->rows.n = 0;
}

/* Rows of one child: the labels of the whole, then those of each recipient. */
static int read_labels(struct walk *w, struct journal_record *record, enum child_kind kind)
{
    struct child *c = &w->children[kind];
    int more = child_seek(w->j, c, record->n);
    int64_t number = 0;

    w->rows.n = 0;
    while (more > 0) {
        const int64_t of = sqlite3_column_int64(c->st, 1);
        if (of != number) {
            keep_labels(w, record, number, kind == CHILD_OBSERVED);
            number = of;
        }
        const struct slice label = column_slice(c->st, 2, &w->arena);
        buf_append(&w->rows, &label, sizeof(label));
        const int r = child_step(w->j, c);
        more = r < 0 ? r : c->at == record->n;
    }
    keep_labels(w, record, number, kind == CHILD_OBSERVED);
    return more;
}

/* ---- portions ---- */

/* The record that `decisions` stands at, whole. */
static int read_record(struct walk *w, struct journal_record *ret)
{
    decision_row(w->decisions, &w->arena, ret);
    w->octets += sizeof(*ret) + ret->judgement.facts.n + ret->more.n;
    int r = read_recipients(w, ret);
    r = r < 0 ? r : read_labels(w, ret, CHILD_FIRED);
    return r < 0 ? r : read_labels(w, ret, CHILD_OBSERVED);
}

/* 1: there may be more; 0: that was all. */
static int read_rows(struct walk *w)
{
    const int limit = (int)w->sql.value_count + 3;
    int code = query_sql_bind(&w->sql, w->decisions, w->first_n, w->last_n);
    size_t count = 0;
    int r = 0;

    code = code != SQLITE_OK ? code : sqlite3_bind_int64(w->decisions, limit, (int64_t)w->portion);
    if (code != SQLITE_OK) {
        return journal_fail(w->j, code);
    }
    w->octets = 0;
    while (w->octets < PORTION_OCTETS && (r = step(w->j, w->decisions)) > 0) {
        struct journal_record record;
        r = read_record(w, &record);
        if (r < 0) {
            return r;
        }
        buf_append(&w->records, &record, sizeof(record));
        count++;
    }
    return r < 0 ? r : count == w->portion || w->octets >= PORTION_OCTETS;
}

/* One snapshot: what came in after the last one is seen, and SQLite may tidy up in between. */
static int read_portion(struct walk *w)
{
    arena_reset(&w->arena);
    w->records.n = 0;
    int r = execute(w->j, "BEGIN");
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < CHILD_COUNT; i++) {
        w->children[i].at = -1;
    }
    r = read_rows(w);
    (void)sqlite3_reset(w->decisions);
    for (size_t i = 0; i < CHILD_COUNT; i++) {
        (void)sqlite3_reset(w->children[i].st);
    }
    (void)sqlite3_exec(w->j->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

static int hand_over(struct walk *w, int (*fn)(void *arg, const struct journal_record *r),
                     void *arg)
{
    const struct journal_record *records = (const void *)w->records.p;
    const size_t count = w->records.n / sizeof(*records);
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        r = fn(arg, &records[i]);
    }
    if (count > 0 && w->q->newest_first) {
        w->last_n = records[count - 1].n - 1;
    } else if (count > 0) {
        w->first_n = records[count - 1].n + 1;
    }
    w->portion = w->portion < PORTION_MOST ? w->portion * 2 : PORTION_MOST;
    return r;
}

static int walk_on(struct walk *w, int (*fn)(void *arg, const struct journal_record *r), void *arg)
{
    int more = 1;

    while (more == 1 && w->first_n <= w->last_n) {
        more = read_portion(w);
        if (more < 0) {
            return more;
        }
        const int r = hand_over(w, fn, arg);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* ---- bounds ---- */

/* The first row's columns, which are numbers, of a statement that is used once; zeros without a row
 * and for NULL. Frees the statement. */
static int read_numbers(struct journal *j, sqlite3_stmt *st, int64_t *ret, int count)
{
    const int r = step(j, st);

    for (int i = 0; i < count && r >= 0; i++) {
        ret[i] = r == 1 ? sqlite3_column_int64(st, i) : 0;
    }
    (void)sqlite3_finalize(st);
    return r < 0 ? r : 0;
}

/* Apart, since SQLite finds one end of an index at once, but not two together. */
static int find_bounds(struct journal *j, usec_t since, int64_t *ret_first_n, int64_t *ret_last_n)
{
    sqlite3_stmt *st = NULL;
    int64_t found[2];
    int r = prepare_printf(
        j, &st,
        since != 0 ? "SELECT min(n), max(n) FROM decision WHERE time >= %lld"
                   : "SELECT (SELECT min(n) FROM decision), (SELECT max(n) FROM decision)",
        (long long)since);

    r = r < 0 ? r : read_numbers(j, st, found, 2);
    if (r == 0) {
        *ret_first_n = found[0];
        *ret_last_n = found[1];
    }
    return r;
}

int journal_bounds(struct journal *j, usec_t since, int64_t *ret_first_n, int64_t *ret_last_n,
                   int64_t *ret_count)
{
    sqlite3_stmt *st = NULL;
    int64_t count;
    int r = prepare_printf(j, &st, "SELECT count(*) FROM decision WHERE time >= %lld",
                           (long long)(since != 0 ? since : INT64_MIN));

    r = r < 0 ? r : read_numbers(j, st, &count, 1);
    r = r < 0 ? r : find_bounds(j, since, ret_first_n, ret_last_n);
    if (r == 0) {
        *ret_count = count;
    }
    return r;
}

int journal_newest(struct journal *j, int64_t *ret_last_n)
{
    int64_t first;

    return find_bounds(j, 0, &first, ret_last_n);
}

/* Narrows first_n and last_n by time and limit, so that no more is looked at than need be. */
static int narrow(struct walk *w)
{
    const struct journal_query *q = w->q;
    int64_t first, last;
    sqlite3_stmt *st = NULL;

    int r = find_bounds(w->j, q->since, &first, &last);
    if (r < 0) {
        return r;
    }
    w->first_n = first > q->first_n ? first : q->first_n;
    w->last_n = q->last_n > 0 && q->last_n < last ? q->last_n : last;
    if (last == 0) {
        w->last_n = w->first_n - 1;
    }
    if (q->limit == 0 || last == 0) {
        return 0;
    }
    r = prepare_printf(w->j, &st,
                       "SELECT min(n) FROM (SELECT d.n AS n FROM decision d WHERE %.*s"
                       " ORDER BY d.n DESC LIMIT %lld)",
                       SLICE_ARG(buf_slice(&w->sql.where)),
                       (long long)(q->limit < INT64_MAX ? q->limit : INT64_MAX));
    if (r < 0) {
        return r;
    }
    const int code = query_sql_bind(&w->sql, st, w->first_n, w->last_n);
    if (code != SQLITE_OK) {
        (void)sqlite3_finalize(st);
        return journal_fail(w->j, code);
    }
    r = read_numbers(w->j, st, &first, 1);
    if (r == 0 && first > 0) {
        w->first_n = first;
    } else if (r == 0) {
        w->last_n = w->first_n - 1; /* none fits */
    }
    return r;
}

/* ---- walking ---- */

static int prepare_all(struct walk *w)
{
    int r = prepare_printf(w->j, &w->decisions,
                           "SELECT %s FROM decision d WHERE %.*s ORDER BY d.n %s LIMIT ?%zu",
                           decision_columns, SLICE_ARG(buf_slice(&w->sql.where)),
                           w->q->newest_first ? "DESC" : "ASC", w->sql.value_count + 3);

    r = r < 0 ? r
              : prepare_printf(w->j, &w->children[CHILD_RECIPIENT].st,
                               "SELECT %s FROM recipient WHERE decision >= ?1"
                               " ORDER BY decision, number",
                               recipient_columns);
    for (int k = CHILD_FIRED; k < CHILD_COUNT && r == 0 && !w->q->without_fired; k++) {
        r = prepare_printf(w->j, &w->children[k].st,
                           "SELECT decision, recipient, rule FROM %s WHERE decision >= ?1"
                           " ORDER BY decision, recipient, position",
                           k == CHILD_FIRED ? "fired" : "observed");
    }
    return r;
}

static void walk_end(struct walk *w)
{
    (void)sqlite3_finalize(w->decisions);
    for (size_t i = 0; i < CHILD_COUNT; i++) {
        (void)sqlite3_finalize(w->children[i].st);
    }
    query_sql_free(&w->sql);
    buf_free(&w->records);
    buf_free(&w->rows);
    arena_free(&w->arena);
}

int journal_each(struct journal *j, const struct journal_query *q,
                 int (*fn)(void *arg, const struct journal_record *r), void *arg)
{
    struct walk w = {.j = j, .q = q, .portion = PORTION_FIRST};
    const int code = query_functions(j->db, q->client);
    int r = code == SQLITE_OK ? 0 : journal_fail(j, code);

    arena_init(&w.arena);
    query_sql_make(q, &w.sql);
    r = r < 0 ? r : narrow(&w);
    r = r < 0 ? r : prepare_all(&w);
    r = r < 0 ? r : walk_on(&w, fn, arg);
    walk_end(&w);
    return r;
}

/* ---- rules ---- */

static const char rule_columns[] = "SELECT number, phase, place, label, action, text, observe"
                                   " FROM rule WHERE policy = ?1";

/* In the order of the columns. */
static struct journal_rule rule_row(sqlite3_stmt *st, struct arena *arena)
{
    return (struct journal_rule){
        .number = (unsigned)sqlite3_column_int(st, 0),
        .phase = column_slice(st, 1, arena),
        .place = column_slice(st, 2, arena),
        .label = column_slice(st, 3, arena),
        .action = column_slice(st, 4, arena),
        .text = column_slice(st, 5, arena),
        .observe = sqlite3_column_int(st, 6) != 0,
    };
}

int journal_each_rule(struct journal *j, struct slice policy,
                      int (*fn)(void *arg, const struct journal_rule *rule), void *arg)
{
    sqlite3_stmt *st = NULL;
    struct arena arena;
    int r = prepare_printf(j, &st, "%s ORDER BY number", rule_columns);

    if (r < 0) {
        return r;
    }
    arena_init(&arena);
    (void)sqlite3_bind_text64(st, 1, policy.p, policy.n, SQLITE_STATIC, SQLITE_UTF8);
    while ((r = step(j, st)) == 1) {
        const struct journal_rule rule = rule_row(st, &arena);
        r = fn(arg, &rule);
        if (r != 0) {
            break;
        }
        arena_reset(&arena);
    }
    (void)sqlite3_finalize(st);
    arena_free(&arena);
    return r;
}

int journal_rule(struct journal *j, struct slice policy, struct slice place, struct arena *arena,
                 struct journal_rule *ret)
{
    sqlite3_stmt *st = NULL;
    int r = prepare_printf(j, &st, "%s AND place = ?2 ORDER BY number LIMIT 1", rule_columns);

    if (r < 0) {
        return r;
    }
    (void)sqlite3_bind_text64(st, 1, policy.p, policy.n, SQLITE_STATIC, SQLITE_UTF8);
    (void)sqlite3_bind_text64(st, 2, place.p, place.n, SQLITE_STATIC, SQLITE_UTF8);
    r = step(j, st);
    if (r == 1) {
        *ret = rule_row(st, arena);
    }
    (void)sqlite3_finalize(st);
    return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}
