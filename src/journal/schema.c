/* The journal's tables. In order of their use: what was decided, what the rules then said, what is
 * not there, and how it stood with what decisions depend on. */
#include "journal/schema.h"

#include <stddef.h>
#include <stdio.h>

/* Texts that say nothing are NULL; but a sender of '' is the null reverse-path, and NULL that there
 * was no transaction. */
static const char decisions[] =
    "CREATE TABLE decision ("
    " n INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL,"
    " time INTEGER NOT NULL,"
    " run INTEGER NOT NULL,"
    " worker INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL,"
    " sequence INTEGER NOT NULL,"
    " policy TEXT,"
    " client TEXT,"
    " port INTEGER,"
    " local TEXT,"
    " listener TEXT,"
    " helo TEXT,"
    " protocol TEXT,"
    " tls TEXT,"
    " sender TEXT,"
    " size INTEGER,"
    " phase TEXT NOT NULL,"
    " verdict TEXT NOT NULL,"
    " rule TEXT,"
    " code INTEGER,"
    " enhanced TEXT,"
    " text TEXT,"
    " hop TEXT,"
    " hop_reply INTEGER NOT NULL,"
    " note TEXT,"
    " doubt INTEGER,"
    " why TEXT,"
    " duration_us INTEGER NOT NULL,"
    " facts TEXT,"
    " more TEXT);"
    "CREATE INDEX decision_id ON decision(id);"
    "CREATE INDEX decision_time ON decision(time);"
    "CREATE INDEX decision_client ON decision(client);"
    "CREATE INDEX decision_sender ON decision(sender COLLATE NOCASE) WHERE sender IS NOT NULL;"

    "CREATE TABLE recipient ("
    " decision INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " mailbox TEXT NOT NULL,"
    " phase TEXT,"
    " verdict TEXT NOT NULL,"
    " code INTEGER,"
    " enhanced TEXT,"
    " text TEXT,"
    " hop TEXT,"
    " hop_reply INTEGER NOT NULL,"
    " rule TEXT,"
    " doubt INTEGER,"
    " why TEXT,"
    " at_us INTEGER,"
    " facts TEXT,"
    " more TEXT,"
    " PRIMARY KEY(decision, number)) WITHOUT ROWID;"
    "CREATE INDEX recipient_mailbox ON recipient(mailbox COLLATE NOCASE);"

    "CREATE TABLE fired ("
    " decision INTEGER NOT NULL,"
    " recipient INTEGER NOT NULL,"
    " position INTEGER NOT NULL,"
    " rule TEXT NOT NULL,"
    " PRIMARY KEY(decision, recipient, position)) WITHOUT ROWID;"
    "CREATE TABLE observed ("
    " decision INTEGER NOT NULL,"
    " recipient INTEGER NOT NULL,"
    " position INTEGER NOT NULL,"
    " rule TEXT NOT NULL,"
    " PRIMARY KEY(decision, recipient, position)) WITHOUT ROWID;";

static const char policies[] = "CREATE TABLE policy ("
                               " digest TEXT PRIMARY KEY,"
                               " first_seen INTEGER NOT NULL,"
                               " last_seen INTEGER NOT NULL) WITHOUT ROWID;"
                               "CREATE TABLE rule ("
                               " policy TEXT NOT NULL,"
                               " number INTEGER NOT NULL,"
                               " phase TEXT NOT NULL,"
                               " place TEXT NOT NULL,"
                               " label TEXT NOT NULL,"
                               " action TEXT NOT NULL,"
                               " observe INTEGER NOT NULL,"
                               " text TEXT NOT NULL,"
                               " PRIMARY KEY(policy, number)) WITHOUT ROWID;";

static const char accounts[] = "CREATE TABLE stream ("
                               " run INTEGER NOT NULL,"
                               " worker INTEGER NOT NULL,"
                               " next INTEGER NOT NULL,"
                               " stored INTEGER NOT NULL,"
                               " lost INTEGER NOT NULL,"
                               " PRIMARY KEY(run, worker)) WITHOUT ROWID;"
                               "CREATE TABLE gap ("
                               " n INTEGER PRIMARY KEY AUTOINCREMENT,"
                               " run INTEGER NOT NULL,"
                               " worker INTEGER NOT NULL,"
                               " first INTEGER NOT NULL,"
                               " last INTEGER NOT NULL,"
                               " noticed INTEGER NOT NULL);"
                               "CREATE INDEX gap_stream ON gap(run, worker);"
                               "CREATE TABLE health ("
                               " n INTEGER PRIMARY KEY AUTOINCREMENT,"
                               " time INTEGER NOT NULL,"
                               " name TEXT NOT NULL,"
                               " state TEXT NOT NULL,"
                               " detail TEXT);"
                               "CREATE INDEX health_time ON health(time);";

/* A fact that was at hand is recorded as its value; one that had to be asked for as an object of
 * its value, or why it is unknown, and what asking took. The view shows both in the same columns.
 */
#define FACT_COLUMNS                                                                               \
    " f.key AS name,"                                                                              \
    " CASE f.type WHEN 'object' THEN json_extract(f.value, '$.value') ELSE f.value END AS value,"  \
    " CASE f.type WHEN 'object' THEN json_extract(f.value, '$.source') END AS source,"             \
    " CASE f.type WHEN 'object' THEN json_extract(f.value, '$.ms') END AS ms,"                     \
    " CASE f.type WHEN 'object' THEN json_extract(f.value, '$.unknown') END AS unknown,"           \
    " CASE f.type WHEN 'object' THEN json_extract(f.value, '$.cut') END AS cut"

static const char views[] =
    "CREATE VIEW fact AS"
    " SELECT d.n AS decision, 0 AS recipient," FACT_COLUMNS " FROM decision d, json_each(d.facts) f"
    " UNION ALL"
    " SELECT r.decision AS decision, r.number AS recipient," FACT_COLUMNS
    " FROM recipient r, json_each(r.facts) f;"
    "CREATE VIEW lost AS"
    " SELECT run, worker, first, last, last - first + 1 AS count, noticed FROM gap;";

/* ---- what a file is ---- */

/* The first number that the statement gives. */
static int number_of(sqlite3 *db, const char *sql, sqlite3_int64 *ret)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
            *ret = sqlite3_column_int64(statement, 0);
            code = SQLITE_OK;
        } else if (code == SQLITE_DONE) {
            code = SQLITE_CORRUPT; /* each of these has a row */
        }
    }
    (void)sqlite3_finalize(statement);
    return code;
}

int journal_schema_look(sqlite3 *db, enum journal_kind *ret)
{
    sqlite3_int64 application = 0, version = 0, objects = 0;
    int code = number_of(db, "SELECT count(*) FROM sqlite_schema", &objects);

    code = code != SQLITE_OK ? code : number_of(db, "PRAGMA application_id", &application);
    code = code != SQLITE_OK ? code : number_of(db, "PRAGMA user_version", &version);
    if (code != SQLITE_OK) {
        return code;
    }
    if (application == 0 && version == 0 && objects == 0) {
        *ret = JOURNAL_EMPTY;
    } else if (application != JOURNAL_APPLICATION_ID) {
        *ret = JOURNAL_FOREIGN;
    } else if (version != JOURNAL_VERSION) {
        *ret = version < JOURNAL_VERSION ? JOURNAL_OLDER : JOURNAL_NEWER;
    } else {
        *ret = JOURNAL_OURS;
    }
    return SQLITE_OK;
}

/* ---- a new one ---- */

static int make_tables(sqlite3 *db)
{
    char marks[120];
    const char *const parts[] = {decisions, policies, accounts, views, marks};
    int code = SQLITE_OK;

    (void)snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   JOURNAL_APPLICATION_ID, JOURNAL_VERSION);
    for (size_t i = 0; code == SQLITE_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
        code = sqlite3_exec(db, parts[i], NULL, NULL, NULL);
    }
    return code;
}

int journal_schema_create(sqlite3 *db, bool *ret_made)
{
    enum journal_kind kind = JOURNAL_FOREIGN;
    /* Space comes back in small steps, and that has to be said before there is any table. */
    int code = sqlite3_exec(db,
                            "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
                            "BEGIN IMMEDIATE",
                            NULL, NULL, NULL);

    code = code != SQLITE_OK ? code : journal_schema_look(db, &kind);
    if (code == SQLITE_OK && kind == JOURNAL_EMPTY) {
        code = make_tables(db);
    }
    code = code != SQLITE_OK ? code : sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (code != SQLITE_OK && !sqlite3_get_autocommit(db)) {
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    *ret_made = code == SQLITE_OK && kind == JOURNAL_EMPTY;
    return code;
}
