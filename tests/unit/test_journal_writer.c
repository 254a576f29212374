/* The journal's writer: what it stores, how it counts what is missing, and what goes because of its
 * age or of the file's size. */
#include "writer_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "journal/record.h"

static void every_column(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    struct stat st;

    assert_true(journal_writer_take(
        w, world_line_with(
               RUN, 3, 0,
               "\"client\":\"192.0.2.1\",\"port\":4321,\"local\":\"192.0.2.25\","
               "\"listener\":\"0.0.0.0:25\",\"helo\":\"h\",\"protocol\":\"ESMTPS\",\"tls\":\"T\","
               "\"early\":true,\"sender\":\"\",\"recipients\":[{\"recipient\":\"one@example.net\","
               "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"enhanced\":\"5.1.1\","
               "\"text\":\"no\",\"hop\":\"a\",\"hop_failed\":\"b\",\"hop_reply\":true,\"rule\":\"g:"
               "9\","
               "\"fired\":[\"g:9 reject\"],\"observed\":[\"g:8 reject\",\"g:7 defer\"],"
               "\"doubt\":-2,\"why\":\"w\",\"at_us\":12,\"facts\":{\"rcpt.known\":false}}],"
               "\"size\":77,\"code\":451,\"enhanced\":\"4.4.2\",\"text\":\"later\",\"hop\":\"c\","
               "\"hop_reply\":true,\"note\":\"answer late\",\"rule\":\"g:2\","
               "\"fired\":[\"g:1 doubt\",\"g:2 reject\"],\"doubt\":5,\"why\":\"y\","
               "\"facts\":{\"client.ip\":\"192.0.2.1\"},\"later\":[1]")));
    assert_true(journal_writer_take(w, world_line_with(RUN, 3, 1, "")));
    world_end(w);
    world_expect_rows(
        "SELECT * FROM decision",
        "1|ABCDEFGHJK030000.1|1795322970123000|1795322000000001|3|1|0|0123456789abcdef|192.0.2.1|"
        "4321|192.0.2.25|0.0.0.0:25|h|ESMTPS|T||77|commit|accepted|g:2|451|4.4.2|later|c|1|"
        "answer late|5|y|4711|{\"client.ip\":\"192.0.2.1\"}|{\"early\":true,\"later\":[1]}\n"
        "2|ABCDEFGHJK030001.1|1795322970123000|1795322000000001|3|1|1|0123456789abcdef|-|-|-|-|-|-|"
        "-|-|-|commit|accepted|-|-|-|-|-|0|-|-|-|4711|-|-\n");
    world_expect_rows("SELECT * FROM recipient",
                      "1|1|one@example.net|rcpt|refused|550|5.1.1|no|a|1|g:9|-2|w|12|"
                      "{\"rcpt.known\":false}|{\"hop_failed\":\"b\"}\n");
    world_expect_rows("SELECT * FROM fired",
                      "1|0|1|g:1 doubt\n1|0|2|g:2 reject\n1|1|1|g:9 reject\n");
    world_expect_rows("SELECT * FROM observed", "1|1|1|g:8 reject\n1|1|2|g:7 defer\n");
    world_expect_rows("SELECT * FROM stream", "1795322000000001|3|2|2|0\n");
    assert_int_equal(stat(world_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    world_check_complete(world_path);
}

static void policies_and_health(void **state)
{
    const struct journal_rule rules[] = {
        {.phase = SLICE_LIT("connect"),
         .place = SLICE_LIT("g:1"),
         .label = SLICE_LIT("g:1 trust"),
         .action = SLICE_LIT("trust"),
         .text = SLICE_LIT("trust when client.ip in office")},
        {.phase = SLICE_LIT("rcpt"),
         .place = SLICE_LIT("g:2"),
         .label = SLICE_LIT("g:2 reject"),
         .action = SLICE_LIT("reject"),
         .text = SLICE_LIT("observe reject 550 \"'; DROP TABLE rule; --\""),
         .observe = true},
    };
    (void)state;
    struct journal_writer *w = world_writer();

    journal_writer_policy(w, SLICE_LIT("0011"), rules, 2);
    journal_writer_policy(w, SLICE_LIT("0022"), rules, 1);
    journal_writer_policy(w, SLICE_LIT("0011"), rules, 2);
    journal_writer_health(w, SLICE_LIT("smtp://hop"), SLICE_LIT("down"), SLICE_LIT("refused"));
    journal_writer_health(w, SLICE_LIT("smtp://hop"), SLICE_LIT("up"), SLICE_LIT(""));
    world_end(w);
    world_expect_rows("SELECT digest, first_seen <= last_seen FROM policy", "0011|1\n0022|1\n");
    world_expect_rows("SELECT * FROM rule",
                      "0011|1|connect|g:1|g:1 trust|trust|0|trust when client.ip in office\n"
                      "0011|2|rcpt|g:2|g:2 reject|reject|1|"
                      "observe reject 550 \"'; DROP TABLE rule; --\"\n"
                      "0022|1|connect|g:1|g:1 trust|trust|0|trust when client.ip in office\n");
    world_expect_rows("SELECT n, name, state, detail FROM health",
                      "1|smtp://hop|down|refused\n2|smtp://hop|up|-\n");
}

/* ---- strange texts ---- */

static void same_text(sqlite3_stmt *s, int column, struct slice text)
{
    assert_int_equal(sqlite3_column_bytes(s, column), text.n);
    if (text.n > 0) {
        assert_memory_equal(sqlite3_column_text(s, column), text.p, text.n);
    }
}

static const char *const strange[] = {
    "'; DROP TABLE decision; --",
    "\\u0000",
    "a\\u0000b",
    "\\u001b[31m\\u009b2J\\u0007",
    "\\\"},{\\\"id\\\":\\\"x\\\"",
    "\\u202e\\ufeff\\uffff\\ud83d\\udceb",
    "%s%n%x",
    "\\r\\n.\\r\\n",
    "\\u00ff\\u0080\\u00c3",
    "\xe2\x80\xae\xf0\x9f\x93\xab",
    "NULL",
    "x'00'",
    "1e999",
    " ",
};

#define STRANGE (sizeof(strange) / sizeof(strange[0]))

/* A line with that text wherever one can stand. */
static struct slice strange_line(unsigned number)
{
    const char *t = strange[number];
    char members[1000];

    snprintf(members, sizeof(members),
             "\"helo\":\"%s\",\"sender\":\"%s\",\"recipients\":[{\"recipient\":\"%s\","
             "\"verdict\":\"%s\",\"text\":\"%s\"}],\"text\":\"%s\",\"fired\":[\"%s\"],"
             "\"facts\":{\"header(Subject)\":\"%s\"},\"later\":\"%s\"",
             t, t, t, t, t, t, t, t, t);
    return world_line_with(RUN, 0, number, members);
}

static void same_row(sqlite3_stmt *s, const struct journal_record *r)
{
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    same_text(s, 0, r->helo);
    same_text(s, 1, r->sender);
    same_text(s, 2, r->text);
    same_text(s, 3, r->judgement.facts);
    same_text(s, 4, r->more);
    same_text(s, 5, r->recipients[0].mailbox);
    same_text(s, 6, r->recipients[0].text);
    same_text(s, 7, r->judgement.fired[0]);
}

/* Everything that a line can hold comes out of the file octet by octet. */
static void hostile_texts(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    sqlite3_stmt *s = NULL;
    sqlite3 *db = NULL;

    for (unsigned i = 0; i < STRANGE; i++) {
        assert_true(journal_writer_take(w, strange_line(i)));
    }
    world_end(w);
    world_check_complete(world_path);
    assert_int_equal(sqlite3_open(world_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT d.helo, d.sender, d.text, d.facts, d.more,"
                                        " r.mailbox, r.text, f.rule FROM decision d"
                                        " JOIN recipient r ON r.decision = n"
                                        " JOIN fired f ON f.decision = n ORDER BY n",
                                        -1, &s, NULL),
                     SQLITE_OK);
    for (unsigned i = 0; i < STRANGE; i++) {
        struct arena arena;
        struct journal_record r;
        const char *why;
        arena_init(&arena);
        assert_int_equal(journal_record_parse(strange_line(i), &arena, &r, &why), 0);
        same_row(s, &r);
        arena_free(&arena);
    }
    assert_int_equal(sqlite3_step(s), SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    world_expect_rows("SELECT count(*) FROM fact WHERE name = 'header(Subject)'", "14\n");
}

/* ---- counting ---- */

static void missing_ones_are_lost(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    struct journal_writer_state s;

    world_take(w, 0, 0, 9);
    world_take(w, 0, 15, 19); /* 10 to 14 never came */
    world_take(w, 2, 3, 3);   /* nor the first three of another one */
    world_end(w);
    world_check_complete(world_path);
    world_expect_rows("SELECT worker, next, stored, lost FROM stream", "0|20|15|5\n2|4|1|3\n");
    world_expect_rows("SELECT worker, first, last, count FROM lost", "0|10|14|5\n2|0|2|3\n");

    /* Later, by another process, as it were: the account goes on. */
    w = world_writer();
    world_take(w, 0, 20, 20);
    world_take(w, 0, 12, 12); /* late, but it comes: two gaps are left of one */
    world_take(w, 0, 10, 10);
    world_take(w, 0, 14, 14);
    journal_writer_expect(w, 0, 21);
    journal_writer_expect(w, 2, 6);
    journal_writer_expect(w, 2, 5); /* less than is known already */
    world_wait_stored(w, 20);
    journal_writer_state(w, &s);
    assert_int_equal(s.lost, 2 + 5);
    world_end(w);
    world_check_complete(world_path);
    world_expect_rows("SELECT worker, next, stored, lost FROM stream", "0|21|19|2\n2|6|1|5\n");
    world_expect_rows("SELECT worker, first, last FROM gap ORDER BY worker, first",
                      "0|11|11\n0|13|13\n2|0|2\n2|4|5\n");
    w = world_writer();
    world_take(w, 0, 11, 11);
    world_take(w, 0, 13, 13);
    journal_writer_expect(w, 2, 8); /* next to the last gap: one with it */
    world_end(w);
    world_check_complete(world_path);
    world_expect_rows("SELECT worker, first, last FROM gap ORDER BY worker, first",
                      "2|0|2\n2|4|7\n");
}

static void refused_ones(void **state)
{
    static const char *const lines[] = {
        "", "x", "{}", "[]", "{\"id\":1}",
    };
    (void)state;
    struct journal_writer *w = world_writer();
    struct journal_writer_state s;

    world_take(w, 0, 0, 4);
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_true(journal_writer_take(w, slice_of(lines[i])));
    }
    assert_true(journal_writer_take(w, world_line_with(RUN + 1, 0, 5, "")));
    assert_true(journal_writer_take(w, world_line_with(RUN, JOURNAL_WORKERS_MOST, 0, "")));
    assert_true(journal_writer_take(w, world_line_with(RUN, 0, INT64_MAX, "")));
    world_take(w, 0, 4, 4); /* that number is there */
    world_take(w, 0, 6, 7);
    world_wait_stored(w, 7);
    journal_writer_state(w, &s);
    assert_int_equal(s.refused, 9);
    assert_int_equal(s.lost, 1);
    world_wait_said(w, true, "is not stored");
    world_take(w, 0, 7, 8);
    world_wait_stored(w, 8);
    world_said_nothing(w); /* once */
    world_end(w);
    world_check_complete(world_path);
}

/* One that SQLite does not take keeps none of the others out, nor does what somebody else has put
 * there. */
static void refused_by_sqlite(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();

    world_take(w, 0, 0, 9);
    world_wait_stored(w, 10);
    world_run(world_path, "CREATE TRIGGER no BEFORE INSERT ON decision WHEN NEW.sequence = 15"
                          " BEGIN SELECT RAISE(ABORT, 'no'); END;"
                          "INSERT INTO recipient(decision, number, mailbox, verdict, hop_reply)"
                          " VALUES (11, 1, 'x', 'y', 0), (11, 9, 'x', 'y', 0);"
                          "INSERT INTO fired VALUES (12, 0, 1, 'z')");
    world_take(w, 0, 10, 19);
    world_wait_stored(w, 19);
    world_wait_said(w, true, "SQLite does not take it");
    world_said_nothing(w);
    world_end(w);
    world_check_complete(world_path);
    world_expect_rows("SELECT next, stored, lost FROM stream", "20|19|1\n");
    world_expect_rows("SELECT first, last FROM gap", "15|15\n");
    world_expect_rows("SELECT count(*) FROM decision WHERE sequence = 15", "0\n");
    world_expect_rows("SELECT mailbox FROM recipient WHERE decision = 11 AND number < 9",
                      "one@example.net\ntwo@example.net\n");
}

/* A clerk that ends while the next one begins: both write for a moment, and what one lacks the
 * other one has. */
static void two_writers(void **state)
{
    (void)state;
    struct journal_writer *a = world_writer(), *b = NULL;
    const uint64_t count = 2000;

    world_take(a, 0, 0, 0);
    world_wait_stored(a, 1);
    b = world_writer();
    for (uint64_t i = 1; i < count; i++) {
        world_take(i % 3 == 0 ? a : b, 0, i, i);
        if (i % 100 == 0) {
            usleep(2000); /* some transactions */
        }
    }
    world_end(a);
    world_end(b);
    world_check_complete(world_path);
    world_expect_rows("SELECT next, stored, lost FROM stream", "2000|2000|0\n");
    world_expect_rows("SELECT count(*) FROM gap", "0\n");
}

/* Both begin with no file at all. */
static void two_beginners(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct journal_writer *a = world_writer(), *b = world_writer();
        world_take(a, 0, 0, 4);
        world_take(b, 0, 5, 9);
        world_end(a);
        world_end(b);
        world_check_complete(world_path);
        world_expect_rows("SELECT next, stored, lost FROM stream", "10|10|0\n");
        world_remove_journal();
    }
}

/* ---- retention ---- */

static struct journal_writer *bounded(usec_t age, uint64_t size)
{
    const struct journal_writer_setup setup = {
        .path = world_path, .run = RUN, .age = age, .size = size};
    struct journal_writer *w = NULL;

    assert_int_equal(journal_writer_start(&setup, &w), 0);
    return w;
}

static void wait_until_rows(const char *sql, const char *expected)
{
    usec_t until = clock_monotonic() + 30 * USEC_SEC;
    char *rows = world_rows(world_path, sql);

    while (strcmp(rows, expected) != 0) {
        if (clock_monotonic() > until) {
            fail_msg("%s: %s and not %s", sql, rows, expected);
        }
        usleep(20000);
        free(rows);
        rows = world_rows(world_path, sql);
    }
    free(rows);
}

static void old_ones_go(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    char time[TIME_RFC3339_MAX], sql[200];

    world_take(w, 0, 0, 2999);
    world_end(w);
    /* Those of the second half are of today. */
    snprintf(sql, sizeof(sql), "UPDATE decision SET time = %jd WHERE n > 1500",
             (intmax_t)clock_wall());
    world_run(world_path, sql);
    time_format_rfc3339(clock_wall(), time);
    w = bounded(2 * 3600 * USEC_SEC, 0);
    wait_until_rows("SELECT count(*), min(n) FROM decision", "1500|1501\n");
    wait_until_rows("SELECT count(*) FROM recipient UNION SELECT count(*) FROM fired", "3000\n");
    world_end(w);
    world_expect_rows("SELECT next, stored, lost FROM stream", "3000|3000|0\n");
    world_expect_rows("PRAGMA integrity_check", "ok\n");
}

static void large_files_shrink(void **state)
{
    (void)state;
    const uint64_t size = 1024 * 1024;
    struct journal_writer *w = bounded(0, size);
    struct journal_writer_state s;
    struct stat st;

    for (uint64_t i = 0; i < 20; i++) {
        world_take(w, 0, i * 1000, i * 1000 + 999);
        world_wait_stored(w, (i + 1) * 1000);
    }
    wait_until_rows("SELECT (SELECT page_count FROM pragma_page_count) * 4096 <= 1048576", "1\n");
    world_said_nothing(w);
    world_end(w);
    assert_int_equal(stat(world_path, &st), 0);
    assert_true((uint64_t)st.st_size <= size);
    /* The newest are there, and not few. */
    world_expect_rows("SELECT max(sequence), max(n) - min(n) + 1 = count(*), count(*) > 500"
                      " FROM decision",
                      "19999|1|1\n");
    world_expect_rows("SELECT next, stored, lost FROM stream", "20000|20000|0\n");
    world_expect_rows("PRAGMA integrity_check", "ok\n");
    world_expect_rows(
        "SELECT count(*) FROM recipient WHERE decision < (SELECT min(n) FROM decision)", "0\n");
    w = bounded(0, size);
    world_wait_stored(w, 20000);
    do {
        journal_writer_state(w, &s);
    } while (s.octets == 0 && usleep(1000) == 0);
    assert_in_range(s.octets, size / 2, 2 * size);
    assert_int_equal(s.oldest_wall, 1795322970123000);
    world_end(w);
}

/* What belongs to records that have gone goes too; what is in use stays. */
static void old_policies_go(void **state)
{
    const struct journal_rule rule = {.phase = SLICE_LIT("rcpt"),
                                      .place = SLICE_LIT("g:1"),
                                      .label = SLICE_LIT("g:1 a"),
                                      .action = SLICE_LIT("a"),
                                      .text = SLICE_LIT("a")};
    (void)state;
    struct journal_writer *w = world_writer();

    journal_writer_policy(w, SLICE_LIT("old"), &rule, 1);
    journal_writer_policy(w, SLICE_LIT("used"), &rule, 1);
    journal_writer_health(w, SLICE_LIT("a"), SLICE_LIT("up"), SLICE_LIT(""));
    world_take(w, 0, 0, 9);
    world_take(w, 0, 11, 11);
    world_end(w);
    world_run(world_path,
              "UPDATE policy SET last_seen = 5; UPDATE health SET time = 5;"
              "UPDATE gap SET noticed = 5;"
              "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c WHERE x < 300)"
              " INSERT INTO stream SELECT x, 0, 0, 0, 0 FROM c");
    w = world_writer();
    journal_writer_policy(w, SLICE_LIT("used"), &rule, 1);
    wait_until_rows("SELECT digest FROM policy", "used\n");
    world_expect_rows("SELECT policy FROM rule", "used\n");
    world_expect_rows("SELECT count(*) FROM health", "0\n");
    world_expect_rows("SELECT count(*) FROM gap", "0\n");
    world_expect_rows("SELECT count(*) FROM stream", "100\n");
    world_end(w);
    world_expect_rows("SELECT next, stored, lost FROM stream WHERE run > 300", "12|11|1\n");
}

/* The clock was ahead and was set back: what is known since belongs to records, too. */
static void set_back_clock(void **state)
{
    const struct journal_rule rule = {.phase = SLICE_LIT("rcpt"),
                                      .place = SLICE_LIT("g:1"),
                                      .label = SLICE_LIT("g:1 a"),
                                      .action = SLICE_LIT("a"),
                                      .text = SLICE_LIT("a")};
    const char *const ahead[] = {"n < 5", "n > 0"}; /* the first, all */
    char sql[300];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct journal_writer *w = world_writer();
        journal_writer_health(w, SLICE_LIT("a"), SLICE_LIT("up"), SLICE_LIT(""));
        world_take(w, 0, 0, 9);
        world_take(w, 0, 11, 11);
        world_end(w);
        snprintf(sql, sizeof(sql),
                 "UPDATE decision SET time = %jd WHERE %s;"
                 "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c WHERE x < 300)"
                 " INSERT INTO stream SELECT x, 0, 0, 0, 0 FROM c",
                 (intmax_t)(clock_wall() + 1000000 * USEC_SEC), ahead[i]);
        world_run(world_path, sql);
        w = world_writer();
        journal_writer_policy(w, SLICE_LIT("new"), &rule, 1);
        wait_until_rows("SELECT count(*) FROM stream", "100\n"); /* it has tidied up */
        world_end(w);
        world_expect_rows("SELECT digest FROM policy", "new\n");
        world_expect_rows("SELECT policy FROM rule", "new\n");
        world_expect_rows("SELECT count(*) FROM health", "1\n");
        world_expect_rows("SELECT first, last FROM gap", "10|10\n");
        world_remove_journal();
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_column),          TEST(policies_and_health), TEST(hostile_texts),
        TEST(missing_ones_are_lost), TEST(refused_ones),        TEST(refused_by_sqlite),
        TEST(two_writers),           TEST(two_beginners),       TEST(old_ones_go),
        TEST(large_files_shrink),    TEST(old_policies_go),     TEST(set_back_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
