#include "writer_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE (30 * USEC_SEC)

char world_folder[64];
char world_path[128];

int world_setup(void **state)
{
    (void)state;
    strcpy(world_folder, "/tmp/test_journal.XXXXXX");
    if (mkdtemp(world_folder) == NULL) {
        return -1;
    }
    snprintf(world_path, sizeof(world_path), "%s/journal.db", world_folder);
    return 0;
}

int world_teardown(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", world_folder);
    return system(command);
}

struct journal_writer *world_writer(void)
{
    const struct journal_writer_setup setup = {.path = world_path, .run = RUN};
    struct journal_writer *w = NULL;

    assert_int_equal(journal_writer_start(&setup, &w), 0);
    return w;
}

void world_end(struct journal_writer *w)
{
    assert_int_equal(journal_writer_end(w, PATIENCE), 0);
}

struct slice world_line_with(uint64_t run, unsigned worker, uint64_t sequence, const char *members)
{
    static struct buf line;

    line.n = 0;
    buf_printf(&line,
               "{\"id\":\"ABCDEFGHJK%02u%04u.1\",\"time\":\"2026-11-22T04:49:30.123Z\","
               "\"run\":%ju,\"worker\":%u,\"epoch\":1,\"sequence\":%ju,"
               "\"policy\":\"0123456789abcdef\",%s%s\"phase\":\"commit\","
               "\"verdict\":\"accepted\",\"duration_us\":4711}\n",
               worker, (unsigned)(sequence % 10000), (uintmax_t)run, worker, (uintmax_t)sequence,
               members, members[0] != '\0' ? "," : "");
    return buf_slice(&line);
}

struct slice world_line(unsigned worker, uint64_t sequence)
{
    return world_line_with(
        RUN, worker, sequence,
        "\"client\":\"192.0.2.1\",\"port\":4321,\"sender\":\"from@example.org\",\"recipients\":["
        "{\"recipient\":\"one@example.net\",\"verdict\":\"accepted\",\"code\":250},"
        "{\"recipient\":\"two@example.net\",\"verdict\":\"refused\",\"code\":550,"
        "\"fired\":[\"g.conf:9 reject\"]}],\"size\":1234,\"fired\":[\"g.conf:3 doubt\"],"
        "\"observed\":[\"g.conf:4 reject\"],\"facts\":{\"client.ip\":\"192.0.2.1\"}");
}

void world_take(struct journal_writer *w, unsigned worker, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++) {
        assert_true(journal_writer_take(w, world_line(worker, i)));
    }
}

void world_wait_stored(struct journal_writer *w, uint64_t stored)
{
    usec_t until = clock_monotonic() + PATIENCE;
    struct journal_writer_state s;
    uint64_t before = 0;

    for (;;) {
        journal_writer_state(w, &s);
        if (s.stored >= stored) {
            break;
        }
        if (s.stored > before) { /* it goes on, however slowly */
            before = s.stored;
            until = clock_monotonic() + PATIENCE;
        }
        if (clock_monotonic() > until) {
            fail_msg("%ju are stored, trouble: %s", (uintmax_t)s.stored, s.trouble);
        }
        usleep(1000);
    }
    assert_int_equal(s.stored, stored);
}

void world_wait_said(struct journal_writer *w, bool trouble, const char *part)
{
    usec_t until = clock_monotonic() + PATIENCE;
    struct journal_writer_said said;

    while (!journal_writer_said(w, &said)) {
        if (clock_monotonic() > until) {
            fail_msg("not said: %s", part);
        }
        usleep(1000);
    }
    if (said.trouble != trouble || strstr(said.text, part) == NULL) {
        fail_msg("\"%s\" and not \"%s\"", said.text, part);
    }
}

void world_said_nothing(struct journal_writer *w)
{
    struct journal_writer_said said;

    if (journal_writer_said(w, &said)) {
        fail_msg("said: %s", said.text);
    }
}

/* ---- looking into it ---- */

static sqlite3 *opened(const char *path)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 10000), SQLITE_OK);
    return db;
}

char *world_rows(const char *path, const char *sql)
{
    sqlite3 *db = opened(path);
    struct buf rows = {0};
    sqlite3_stmt *s = NULL;
    int code;

    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            const char *text = (const char *)sqlite3_column_text(s, i);
            buf_printf(&rows, "%s%s", i > 0 ? "|" : "", text != NULL ? text : "-");
        }
        buf_append(&rows, "\n", 1);
    }
    if (code != SQLITE_DONE) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(s);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    buf_append(&rows, "", 1);
    return rows.p;
}

static void expect_rows_of(const char *path, const char *sql, const char *expected)
{
    char *rows = world_rows(path, sql);

    if (strcmp(rows, expected) != 0) {
        fail_msg("%s\n%s and not\n%s", sql, rows, expected);
    }
    free(rows);
}

void world_expect_rows(const char *sql, const char *expected)
{
    expect_rows_of(world_path, sql, expected);
}

void world_run(const char *path, const char *sql)
{
    sqlite3 *db = opened(path);

    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void world_check_whole(const char *path)
{
    expect_rows_of(path, "PRAGMA integrity_check", "ok\n");
    expect_rows_of(path, "SELECT * FROM stream WHERE stored + lost <> next", "");
    expect_rows_of(
        path, "SELECT run, worker, sequence FROM decision GROUP BY 1, 2, 3 HAVING count(*) > 1",
        "");
    expect_rows_of(path,
                   "SELECT * FROM stream s WHERE lost <> (SELECT ifnull(sum(count), 0) FROM lost l"
                   " WHERE l.run = s.run AND l.worker = s.worker)",
                   "");
    expect_rows_of(path,
                   "SELECT 1 FROM gap g JOIN decision d ON d.run = g.run AND d.worker = g.worker"
                   " AND d.sequence BETWEEN g.first AND g.last",
                   "");
    expect_rows_of(path,
                   "SELECT decision FROM (SELECT decision FROM recipient UNION"
                   " SELECT decision FROM fired UNION SELECT decision FROM observed)"
                   " WHERE decision NOT IN (SELECT n FROM decision)",
                   "");
}

void world_check_complete(const char *path)
{
    world_check_whole(path);
    expect_rows_of(path,
                   "SELECT * FROM stream s WHERE stored <> (SELECT count(*) FROM decision d"
                   " WHERE d.run = s.run AND d.worker = s.worker AND d.sequence < s.next)",
                   "");
}

/* ---- files ---- */

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n >= m && strcmp(name + n - m, end) == 0;
}

unsigned world_count_aside(char ret_name[static 256])
{
    DIR *d = opendir(world_folder);
    unsigned count = 0;

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strstr(e->d_name, "journal.db.aside-") == e->d_name && !ends_in(e->d_name, "-wal") &&
            !ends_in(e->d_name, "-shm")) {
            snprintf(ret_name, 256, "%s/%.180s", world_folder, e->d_name);
            count++;
        }
    }
    closedir(d);
    return count;
}

void world_remove_journal(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s/journal.db*", world_folder);
    assert_int_equal(system(command), 0);
}

struct buf world_read(const char *path)
{
    struct buf octets = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    assert_true(fd >= 0);
    while ((n = read(fd, buf_reserve(&octets, 65536), 65536)) > 0) {
        octets.n += (size_t)n;
    }
    assert_int_equal(n, 0);
    close(fd);
    return octets;
}

void world_write(const char *path, const void *octets, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, octets, n), n);
    close(fd);
}
