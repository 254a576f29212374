/* The account of the workers' records against a plain model: records in any order, some never, some
 * twice, with transactions that fail and files that are begun anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "journal/schema.h"
#include "journal/streams.h"
#include "journal/writer.h"

#define NUMBERS 400
#define WORKERS 2

/* Which numbers have come. */
struct model {
    bool stored[WORKERS][NUMBERS];
    uint64_t next[WORKERS];
};

static void open_file(struct journal_db *d)
{
    bool made = false;

    assert_int_equal(sqlite3_open(":memory:", &d->db), SQLITE_OK);
    assert_int_equal(journal_schema_create(d->db, &made), SQLITE_OK);
    assert_true(made);
    for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
        assert_int_equal(
            sqlite3_prepare_v2(d->db, journal_db_texts[i], -1, &d->statements[i], NULL), SQLITE_OK);
    }
}

static void begin(struct journal_db *d)
{
    assert_int_equal(journal_db_run(journal_db_statement(d, STATEMENT_BEGIN)), SQLITE_OK);
}

static void check_kept(const struct streams *s, const struct model *m)
{
    uint64_t stored = 0, lost = 0, sum_stored, sum_lost;

    for (unsigned w = 0; w < WORKERS; w++) {
        for (uint64_t i = 0; i < m->next[w]; i++) {
            stored += m->stored[w][i];
            lost += !m->stored[w][i];
        }
    }
    streams_sum(s, &sum_stored, &sum_lost);
    assert_int_equal(sum_stored, stored);
    assert_int_equal(sum_lost, lost);
}

/* Each missing number lies in one gap of the file, and no other does. */
static void check_gaps(struct journal_db *d, const struct model *m, uint64_t run)
{
    unsigned covered[WORKERS][NUMBERS] = {0};
    sqlite3_stmt *s = journal_db_statement(d, STATEMENT_GAPS);

    journal_db_bind_number(s, 1, run);
    while (sqlite3_step(s) == SQLITE_ROW) {
        int w = sqlite3_column_int(s, 1);
        assert_in_range(w, 0, WORKERS - 1);
        for (int i = sqlite3_column_int(s, 2); i <= sqlite3_column_int(s, 3); i++) {
            assert_in_range(i, 0, m->next[w] - 1);
            covered[w][i]++;
        }
    }
    (void)sqlite3_reset(s);
    for (unsigned w = 0; w < WORKERS; w++) {
        for (uint64_t i = 0; i < m->next[w]; i++) {
            assert_int_equal(covered[w][i], !m->stored[w][i]);
        }
    }
}

/* One record, or what is expected, near what comes next. */
static void step(struct streams *s, struct model *m)
{
    unsigned w = (unsigned)random() % WORKERS;
    uint64_t near = m->next[w] + (uint64_t)random() % 4;
    uint64_t back = (uint64_t)random() % 8;
    uint64_t number = random() % 3 == 0 && near > back ? near - back : near;

    if (number >= NUMBERS) {
        return;
    }
    if (random() % 20 == 0) {
        streams_expect(s, w, number, 7);
        m->next[w] = number > m->next[w] ? number : m->next[w];
        return;
    }
    assert_int_equal(streams_take(s, w, number, 7), !m->stored[w][number]);
    m->stored[w][number] = true;
    m->next[w] = number + 1 > m->next[w] ? number + 1 : m->next[w];
}

static void commit(struct journal_db *d, struct streams *s)
{
    assert_int_equal(streams_write(s, d), SQLITE_OK);
    assert_int_equal(journal_db_run(journal_db_statement(d, STATEMENT_COMMIT)), SQLITE_OK);
    streams_keep(s);
}

static void roll_back(struct journal_db *d, struct streams *s)
{
    if (random() % 2 == 0) {
        assert_int_equal(streams_write(s, d), SQLITE_OK); /* failed later than that */
    }
    assert_int_equal(journal_db_run(journal_db_statement(d, STATEMENT_ROLLBACK)), SQLITE_OK);
    streams_forget(s);
}

static void play(unsigned seed)
{
    static struct model m, kept;
    struct journal_db d = {0};
    struct streams s = {.run = 5};

    srandom(seed);
    memset(&m, 0, sizeof(m));
    open_file(&d);
    for (unsigned i = 0; i < 60; i++) {
        kept = m;
        begin(&d);
        for (long k = random() % 20; k > 0; k--) {
            step(&s, &m);
        }
        if (random() % 4 == 0) {
            roll_back(&d, &s);
            m = kept;
        } else {
            commit(&d, &s);
        }
        check_kept(&s, &m);
        check_gaps(&d, &m, s.run);
        if (random() % 10 == 0) {
            assert_int_equal(streams_load(&s, &d), SQLITE_OK); /* as after a restart */
        } else if (random() % 10 == 0) {
            journal_db_close(&d); /* that file is aside */
            open_file(&d);
            begin(&d);
            assert_int_equal(streams_begin(&s, &d), SQLITE_OK);
            commit(&d, &s);
        }
        check_kept(&s, &m);
        check_gaps(&d, &m, s.run);
    }
    journal_db_close(&d);
    streams_free(&s);
}

static void any_order(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 300; seed++) {
        play(seed);
    }
}

/* More gaps than are remembered: all are in the file, the newest can still be filled. */
static void many_gaps(void **state)
{
    (void)state;
    struct journal_db d = {0};
    struct streams s = {.run = 5};
    const uint64_t count = 3 * (uint64_t)STREAM_GAPS_MOST;
    uint64_t stored, lost;

    open_file(&d);
    begin(&d);
    for (uint64_t i = 1; i <= count; i++) {
        assert_true(streams_take(&s, 0, 2 * i, 7));
    }
    commit(&d, &s);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(s.workers[0].now.gap_count, STREAM_GAPS_MOST);
        assert_false(streams_take(&s, 0, 1, 7));
        assert_int_equal(streams_load(&s, &d), SQLITE_OK);
    }
    begin(&d);
    assert_true(streams_take(&s, 0, 2 * count - 1, 7));
    commit(&d, &s);
    streams_sum(&s, &stored, &lost);
    assert_int_equal(stored, count + 1);
    assert_int_equal(lost, count); /* number 0 too */
    journal_db_close(&d);
    streams_free(&s);
}

/* A new file in which somebody else has written meanwhile: his word counts. */
static void somebody_was_faster(void **state)
{
    (void)state;
    struct journal_db d = {0};
    struct streams s = {.run = 5};
    uint64_t stored, lost;

    open_file(&d);
    begin(&d);
    assert_true(streams_take(&s, 0, 3, 7));
    commit(&d, &s);
    journal_db_close(&d);
    open_file(&d);
    assert_int_equal(sqlite3_exec(d.db,
                                  "INSERT INTO stream VALUES (4, 0, 9, 9, 0), (5, 0, 3, 1, 2);"
                                  "INSERT INTO gap(run, worker, first, last, noticed) VALUES"
                                  " (5, 0, 0, 1, 0)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    begin(&d);
    assert_int_equal(streams_begin(&s, &d), SQLITE_OK);
    assert_true(streams_take(&s, 0, 1, 7));
    assert_true(streams_take(&s, 0, 3, 7));
    commit(&d, &s);
    streams_sum(&s, &stored, &lost);
    assert_int_equal(stored, 3);
    assert_int_equal(lost, 1);
    journal_db_close(&d);
    streams_free(&s);
}

/* An account that cannot be, or of workers that there are none of, is not believed. */
static void unbelievable(void **state)
{
    (void)state;
    struct journal_db d = {0};
    struct streams s = {.run = 5};

    open_file(&d);
    assert_int_equal(sqlite3_exec(d.db,
                                  "INSERT INTO stream VALUES (5, 0, 10, 5, 4), (5, 1, -1, 0, -1),"
                                  " (5, 2, 4611686018427387905, 0, 4611686018427387905),"
                                  " (5, 3, 10, 11, -1), (5, -1, 1, 1, 0), (5, 99999, 1, 1, 0),"
                                  " (5, 4, 'x', 'y', 'z'), (5, 5, 7, 4, 3);"
                                  "INSERT INTO gap(run, worker, first, last, noticed) VALUES"
                                  " (5, 5, 3, 2, 0), (5, 5, 1, 7, 0), (5, 5, -3, 2, 0),"
                                  " (5, 9, 0, 1, 0), (5, 5, 1, 3, 0)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(streams_load(&s, &d), SQLITE_OK);
    for (unsigned i = 0; i < s.count; i++) {
        assert_int_equal(s.workers[i].now.next, i == 5 ? 7 : 0);
        assert_int_equal(s.workers[i].now.gap_count, i == 5 ? 1 : 0);
    }
    assert_false(streams_take(&s, JOURNAL_WORKERS_MOST, 0, 7));
    assert_false(streams_take(&s, 0, STREAM_NEXT_MOST, 7));
    streams_expect(&s, JOURNAL_WORKERS_MOST, 5, 7);
    streams_expect(&s, 0, UINT64_MAX, 7);
    assert_int_equal(s.workers[0].now.next, 0);
    journal_db_close(&d);
    streams_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),
        cmocka_unit_test(many_gaps),
        cmocka_unit_test(somebody_was_faster),
        cmocka_unit_test(unbelievable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
