/* See journal_made.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "journal/schema.h"
#include "journal_made.h"

void journal_run(sqlite3 *db, const char *format, ...)
{
    char *error = NULL;
    va_list ap;

    va_start(ap, format);
    char *sql = sqlite3_vmprintf(format, ap);
    va_end(ap);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s: %s", error, sql);
    }
    sqlite3_free(sql);
}

sqlite3 *journal_made(const char *path)
{
    bool made = false;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(journal_schema_create(db, &made), SQLITE_OK);
    assert_true(made);
    return db;
}

void journal_made_close(sqlite3 *db)
{
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void journal_fill(sqlite3 *db, int first, int count, long long time)
{
    static const char numbers[] =
        "WITH RECURSIVE number(i) AS (VALUES (%d) UNION ALL SELECT i + 1 FROM number"
        " WHERE i < %d) ";
    const int last = first + count - 1;

    journal_run(db, "BEGIN");
    char *with = sqlite3_mprintf(numbers, first, last);
    journal_run(
        db,
        "%s INSERT INTO decision (n, id, time, run, worker, epoch, sequence, policy, client,"
        " port, local, listener, helo, protocol, tls, sender, size, phase, verdict, code,"
        " enhanced, text, hop, hop_reply, duration_us, facts, more)"
        " SELECT i, printf('AAAAAAAAAAA%%03d.1', i), %lld + i * 1000000, 1, 0, 1, i,"
        " '0123456789abcdef', '192.0.2.' || (i %% 200), 1000 + i %% 1000, '192.0.2.250',"
        " '0.0.0.0:25', 'client.example', 'ESMTP', NULL, 'from' || (i %% 10) ||"
        " '@Sender.example', 100 + i, 'commit', 'accepted', 250, '2.0.0', 'taken',"
        " 'smtp://192.0.2.25:25', 1, 5000, '{\"client.ip\":\"192.0.2.1\"}',"
        " '{\"hop_failed\":\"smtp://192.0.2.9:25: Connection refused\","
        "\"timeline_us\":{\"greeted\":6000000,\"helo\":6001000}}' FROM number",
        with, time);
    journal_run(db,
                "%s INSERT INTO recipient (decision, number, mailbox, phase, verdict, code,"
                " enhanced, text, hop, hop_reply, rule, at_us, facts, more) SELECT i, 1,"
                " 'Anna' || (i %% 5) || '@example.org', NULL, 'accepted', 250, '2.0.0', 'taken',"
                " NULL, 1, NULL, 7000000, '{\"rcpt.known\":{\"value\":true,\"source\":\"next hop\","
                "\"ms\":1.5}}', '{\"delivered_before\":true}' FROM number",
                with);
    journal_run(
        db,
        "%s INSERT INTO recipient (decision, number, mailbox, phase, verdict, code,"
        " enhanced, text, hop_reply, rule, doubt, why) SELECT i, 2, 'bert@example.net', 'rcpt',"
        " 'refused', 550, '5.7.1', 'not for you', 0, 'gatepost.conf:12', 3, 'so' FROM number",
        with);
    journal_run(db,
                "%s INSERT INTO fired SELECT i, 0, 1, 'gatepost.conf:5 doubt' FROM number;"
                "%s INSERT INTO fired SELECT i, 0, 0, 'gatepost.conf:3 wait' FROM number;"
                "%s INSERT INTO fired SELECT i, 2, 0, 'gatepost.conf:12 reject' FROM number;"
                "%s INSERT INTO observed SELECT i, 1, 0, 'gatepost.conf:14 reject' FROM number",
                with, with, with, with);
    sqlite3_free(with);
    journal_run(db, "COMMIT");
}
