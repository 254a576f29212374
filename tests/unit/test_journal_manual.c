/* gatepost-journal(5) against a journal: it names each table, view and column, and none that is not
 * there; each of its queries runs and finds what it is for. */
#include "writer_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define DISPLAY     ".Bd -literal -offset indent\n"
#define DISPLAY_END ".Ed\n"

static struct buf manual;
static sqlite3 *db;

static int begin(void **state)
{
    if (world_setup(state) != 0) {
        return -1;
    }
    manual = world_read(SOURCE_ROOT "/docs/man/gatepost-journal.5");
    buf_append(&manual, "", 1);
    return 0;
}

static int end(void **state)
{
    sqlite3_close(db);
    buf_free(&manual);
    return world_teardown(state);
}

/* A journal with one of everything in it. */
static void make_journal(void)
{
    const struct journal_rule rule = {.phase = SLICE_LIT("mail"),
                                      .place = SLICE_LIT("g.conf:2"),
                                      .label = SLICE_LIT("g.conf:2 reject"),
                                      .action = SLICE_LIT("reject"),
                                      .text = SLICE_LIT("reject 550 \"no\" when helo == \"h\"")};
    struct journal_writer *w = world_writer();
    struct buf members = {0};
    char time[TIME_RFC3339_MAX];

    time_format_rfc3339(clock_wall(), time);
    journal_writer_policy(w, SLICE_LIT("0123456789abcdef"), &rule, 1);
    journal_writer_health(w, SLICE_LIT("smtp://hop"), SLICE_LIT("down"), SLICE_LIT("refused"));
    buf_printf(&members,
               "{\"id\":\"ABCDEFGHJKMNPQ.1\",\"time\":\"%s\",\"run\":%ju,\"worker\":0,\"epoch\":0,"
               "\"sequence\":5,\"policy\":\"0123456789abcdef\",\"client\":\"192.0.2.1\","
               "\"names\":[\"network 192.0.2.0/24\",\"spf example.org\"],"
               "\"sender\":\"a@example.org\",\"recipients\":[{\"recipient\":\"Jo@Example.ORG\","
               "\"verdict\":\"refused\"}],\"size\":5,\"phase\":\"mail\",\"verdict\":\"refused\","
               "\"code\":550,\"text\":\"no\",\"hop\":\"smtp://hop\","
               "\"hop_tls_unused\":\"not offered\",\"rule\":\"g.conf:2\","
               "\"fired\":[\"g.conf:2 reject\"],\"observed\":[\"g.conf:3 reject\"],"
               "\"facts\":{\"helo\":\"h\",\"rcpt.known\":{\"unknown\":\"timeout\","
               "\"source\":\"next hop\",\"ms\":3000}}}",
               time, (uintmax_t)RUN);
    assert_true(journal_writer_take(w, buf_slice(&members)));
    world_end(w);
    buf_free(&members);
    assert_int_equal(sqlite3_open_v2(world_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
}

static int rows_of(const char *sql)
{
    sqlite3_stmt *s = NULL;
    int rows = 0, code;

    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows++;
    }
    assert_int_equal(code, SQLITE_DONE);
    (void)sqlite3_finalize(s);
    return rows;
}

static void queries_run(void **state)
{
    (void)state;
    unsigned count = 0;
    const char *at = strstr(manual.p, ".Sh EXAMPLES\n");

    make_journal();
    assert_non_null(at);
    while ((at = strstr(at, DISPLAY)) != NULL) {
        at += strlen(DISPLAY);
        const char *stop = strstr(at, DISPLAY_END);
        assert_non_null(stop);
        char *sql = strndup(at, (size_t)(stop - at));
        if (rows_of(sql) == 0) {
            fail_msg("finds nothing: %s", sql);
        }
        free(sql);
        count++;
    }
    assert_true(count >= 8);
}

/* Does the section say ".It Va a , Va name , …"? */
static bool names(const char *section, const char *stop, const char *name)
{
    char wanted[80];
    int n = snprintf(wanted, sizeof(wanted), "Va %s", name);

    for (const char *at = section; (at = strstr(at, "\n.It Va ")) != NULL && at < stop;) {
        const char *line_end = strchr(++at, '\n');
        for (const char *p = at; (p = strstr(p, wanted)) != NULL && p < line_end; p++) {
            if (p[n] == '\n' || p[n] == ' ') {
                return true;
            }
        }
        at = line_end;
    }
    return false;
}

static unsigned count_names(const char *section, const char *stop)
{
    unsigned count = 0;

    for (const char *at = section; (at = strstr(at, "\n.It Va ")) != NULL && at < stop; at++) {
        const char *line_end = strchr(at + 1, '\n');
        for (const char *p = at; (p = strstr(p, "Va ")) != NULL && p < line_end; p++) {
            count++;
        }
    }
    return count;
}

static void check_table(const char *table)
{
    char heading[80], sql[100];
    sqlite3_stmt *s = NULL;
    unsigned columns = 0;

    snprintf(heading, sizeof(heading), "\n.Ss %s\n", table);
    const char *section = strstr(manual.p, heading);
    if (section == NULL) {
        fail_msg("no section about %s", table);
        return;
    }
    const char *stop = strstr(section + 1, "\n.Ss ");
    assert_non_null(stop);
    snprintf(sql, sizeof(sql), "SELECT name FROM pragma_table_info('%s')", table);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 0);
        if (!names(section, stop, name)) {
            fail_msg("%s.%s is not told of", table, name);
        }
        columns++;
    }
    (void)sqlite3_finalize(s);
    if (count_names(section, stop) != columns) {
        fail_msg("%s has %u columns, %u are told of", table, columns, count_names(section, stop));
    }
}

static void columns_are_told_of(void **state)
{
    (void)state;
    sqlite3_stmt *s = NULL;
    unsigned tables = 0;

    make_journal();
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT name FROM sqlite_schema WHERE type IN"
                                        " ('table', 'view') AND name NOT LIKE 'sqlite_%'",
                                        -1, &s, NULL),
                     SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
        check_table((const char *)sqlite3_column_text(s, 0));
        tables++;
    }
    (void)sqlite3_finalize(s);
    assert_int_equal(tables, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(queries_run, begin, end),
        cmocka_unit_test_setup_teardown(columns_are_told_of, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
