/* The journal's tables: what a file is told from, a new one, and the views. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "journal/schema.h"

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
}

static sqlite3 *created(void)
{
    sqlite3 *db = NULL;
    bool made = false;

    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(journal_schema_create(db, &made), SQLITE_OK);
    assert_true(made);
    return db;
}

/* Compares rows, columns separated by "|", each row ended by a line feed, with what is expected. */
static void expect_rows(sqlite3 *db, const char *sql, const char *expected)
{
    struct buf rows = {0};
    sqlite3_stmt *s = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    while (sqlite3_step(s) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            const unsigned char *text = sqlite3_column_text(s, i);
            buf_printf(&rows, "%s%s", i > 0 ? "|" : "", text != NULL ? (const char *)text : "-");
        }
        buf_append(&rows, "\n", 1);
    }
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    buf_append(&rows, "", 1);
    assert_string_equal(rows.p, expected);
    buf_free(&rows);
}

static void told_apart(void **state)
{
    (void)state;
    sqlite3 *db = NULL;
    enum journal_kind kind = JOURNAL_OURS;
    bool made = false;

    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(journal_schema_look(db, &kind), SQLITE_OK);
    assert_int_equal(kind, JOURNAL_EMPTY);
    run(db, "CREATE TABLE decision(n)");
    assert_int_equal(journal_schema_look(db, &kind), SQLITE_OK);
    assert_int_equal(kind, JOURNAL_FOREIGN);
    run(db, "DROP TABLE decision; PRAGMA user_version = 1");
    assert_int_equal(journal_schema_look(db, &kind), SQLITE_OK);
    assert_int_equal(kind, JOURNAL_FOREIGN);
    run(db, "PRAGMA user_version = 0");
    assert_int_equal(journal_schema_create(db, &made), SQLITE_OK);
    assert_true(made);
    assert_int_equal(journal_schema_look(db, &kind), SQLITE_OK);
    assert_int_equal(kind, JOURNAL_OURS);
    /* Somebody else was faster: that one stays. */
    run(db, "INSERT INTO policy VALUES ('a', 1, 1)");
    assert_int_equal(journal_schema_create(db, &made), SQLITE_OK);
    assert_false(made);
    expect_rows(db, "SELECT * FROM policy", "a|1|1\n");
    run(db, "PRAGMA user_version = 3");
    assert_int_equal(journal_schema_look(db, &kind), SQLITE_OK);
    assert_int_equal(kind, JOURNAL_NEWER);
    run(db, "PRAGMA user_version = 0");
    assert_int_equal(journal_schema_look(db, &kind), SQLITE_OK);
    assert_int_equal(kind, JOURNAL_OLDER);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Every form in which a decision line records a fact. */
static void facts_are_uniform(void **state)
{
    (void)state;
    sqlite3 *db = created();

    run(db, "INSERT INTO decision(n, id, time, run, worker, epoch, sequence, phase, verdict,"
            " hop_reply, duration_us, facts) VALUES"
            " (1, 'A.1', 0, 0, 0, 0, 0, 'mail', 'refused', 0, 0, NULL),"
            " (2, 'A.2', 0, 0, 0, 0, 1, 'mail', 'refused', 0, 0,"
            "  '{\"client.ip\":\"192.0.2.1\",\"early\":true,\"banned\":false,\"size\":12,"
            "    \"set\":[\"a\",\"b\"],"
            "    \"list\":{\"value\":true,\"source\":\"list\",\"ms\":1.25},"
            "    \"sets\":{\"value\":[\"c\"],\"source\":\"dns\"},"
            "    \"late\":{\"unknown\":\"timeout\",\"source\":\"next hop\",\"ms\":3000},"
            "    \"header(Subject)\":{\"value\":\"be\\u00fc\",\"cut\":2000}}')");
    run(db, "INSERT INTO recipient(decision, number, mailbox, verdict, hop_reply, facts) VALUES"
            " (2, 1, 'a@b', 'refused', 0, NULL),"
            " (2, 2, 'c@d', 'refused', 1, '{\"known\":{\"value\":false,\"source\":\"cache\"}}')");
    expect_rows(db, "SELECT * FROM fact",
                "2|0|client.ip|192.0.2.1|-|-|-|-\n"
                "2|0|early|1|-|-|-|-\n"
                "2|0|banned|0|-|-|-|-\n"
                "2|0|size|12|-|-|-|-\n"
                "2|0|set|[\"a\",\"b\"]|-|-|-|-\n"
                "2|0|list|1|list|1.25|-|-\n"
                "2|0|sets|[\"c\"]|dns|-|-|-\n"
                "2|0|late|-|next hop|3000|timeout|-\n"
                "2|0|header(Subject)|be\xc3\xbc|-|-|-|2000\n"
                "2|2|known|0|cache|-|-|-\n");
    expect_rows(db, "SELECT name FROM fact WHERE decision = 2 AND recipient = 2", "known\n");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void gaps_are_counted(void **state)
{
    (void)state;
    sqlite3 *db = created();

    run(db, "INSERT INTO gap(run, worker, first, last, noticed) VALUES (7, 0, 3, 3, 9),"
            " (7, 1, 10, 19, 8)");
    expect_rows(db, "SELECT * FROM lost ORDER BY worker", "7|0|3|3|1|9\n7|1|10|19|10|8\n");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* What is searched for is not searched through. */
static void indexes_are_used(void **state)
{
    static const char *const queries[][2] = {
        {"SELECT 1 FROM decision WHERE id = 'x'", "decision_id"},
        {"SELECT 1 FROM decision WHERE time > 1", "decision_time"},
        {"SELECT 1 FROM decision WHERE client = 'x'", "decision_client"},
        {"SELECT 1 FROM decision WHERE sender = 'x' COLLATE NOCASE", "decision_sender"},
        {"SELECT 1 FROM recipient WHERE mailbox = 'x' COLLATE NOCASE", "recipient_mailbox"},
    };
    (void)state;
    sqlite3 *db = created();

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        sqlite3_stmt *s = NULL;
        struct buf sql = {0};
        buf_printf(&sql, "EXPLAIN QUERY PLAN %s", queries[i][0]);
        assert_int_equal(sqlite3_prepare_v2(db, sql.p, (int)sql.n, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        const char *plan = (const char *)sqlite3_column_text(s, 3);
        if (strstr(plan, queries[i][1]) == NULL || strstr(plan, "SEARCH") == NULL) {
            fail_msg("%s: %s", queries[i][0], plan);
        }
        (void)sqlite3_finalize(s);
        buf_free(&sql);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_apart),
        cmocka_unit_test(facts_are_uniform),
        cmocka_unit_test(gaps_are_counted),
        cmocka_unit_test(indexes_are_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
