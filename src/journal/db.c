/* The statements that the writer has, and what all that use them share. */
#include "journal/db.h"

#include "base/fatal.h"

/* Of a policy: it was seen last before any record, and none was made by it since, when nobody noted
 * that it was still there. */
#define FORGOTTEN                                                                                  \
    "last_seen < ?1 AND NOT EXISTS (SELECT 1 FROM decision"                                        \
    " WHERE time >= policy.last_seen AND decision.policy = policy.digest)"

#define DROP_OF(table) "DELETE FROM " table " WHERE decision = ?1"
#define RULE_INTO(table)                                                                           \
    "INSERT OR REPLACE INTO " table "(decision, recipient, position, rule)"                        \
    " VALUES (?1, ?2, ?3, ?4)"

/* A decision's number is new; rows under it that somebody left there are in nobody's way. */
const char *const journal_db_texts[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_DATA_VERSION] = "PRAGMA data_version",
    [STATEMENT_DECISION] =
        "INSERT INTO decision(id, time, run, worker, epoch, sequence, policy, client, port, local,"
        " listener, helo, protocol, tls, sender, size, phase, verdict, rule, code, enhanced, text,"
        " hop, hop_reply, note, doubt, why, duration_us, facts, more) VALUES"
        " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,"
        " ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)",
    [STATEMENT_RECIPIENT] =
        "INSERT OR REPLACE INTO recipient(decision, number, mailbox, phase, verdict, code,"
        " enhanced, text, hop, hop_reply, rule, doubt, why, at_us, facts, more) VALUES"
        " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    [STATEMENT_FIRED] = RULE_INTO("fired"),
    [STATEMENT_OBSERVED] = RULE_INTO("observed"),
    [STATEMENT_STREAMS] = "SELECT worker, next, stored, lost FROM stream WHERE run = ?1",
    [STATEMENT_STREAM] = "INSERT OR REPLACE INTO stream(run, worker, next, stored, lost)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)",
    [STATEMENT_GAPS] = "SELECT n, worker, first, last, noticed FROM gap WHERE run = ?1 ORDER BY n",
    [STATEMENT_GAP_ADD] =
        "INSERT INTO gap(run, worker, first, last, noticed) VALUES (?1, ?2, ?3, ?4, ?5)",
    [STATEMENT_GAP_SET] = "UPDATE gap SET first = ?2, last = ?3 WHERE n = ?1",
    [STATEMENT_GAP_DROP] = "DELETE FROM gap WHERE n = ?1",
    [STATEMENT_POLICY] = "INSERT INTO policy(digest, first_seen, last_seen) VALUES (?1, ?2, ?2)"
                         " ON CONFLICT(digest) DO UPDATE SET last_seen = excluded.last_seen",
    [STATEMENT_RULE] = "INSERT OR REPLACE INTO rule(policy, number, phase, place, label, action,"
                       " observe, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [STATEMENT_HEALTH] = "INSERT INTO health(time, name, state, detail) VALUES (?1, ?2, ?3, ?4)",
    [STATEMENT_OLDEST] = "SELECT min(time) FROM decision",
    [STATEMENT_OF_AGE] = "SELECT n FROM decision WHERE time < ?1 ORDER BY time LIMIT ?2",
    [STATEMENT_FIRST] = "SELECT n FROM decision ORDER BY n LIMIT ?2",
    [STATEMENT_DROP_DECISION] = "DELETE FROM decision WHERE n = ?1",
    [STATEMENT_DROP_RECIPIENT] = DROP_OF("recipient"),
    [STATEMENT_DROP_FIRED] = DROP_OF("fired"),
    [STATEMENT_DROP_OBSERVED] = DROP_OF("observed"),
    [STATEMENT_POLICY_SEEN] = "UPDATE policy SET last_seen = ?2 WHERE digest = ?1",
    [STATEMENT_DROP_RULES] =
        "DELETE FROM rule WHERE policy IN (SELECT digest FROM policy WHERE " FORGOTTEN ")",
    [STATEMENT_DROP_POLICIES] = "DELETE FROM policy WHERE " FORGOTTEN,
    [STATEMENT_DROP_HEALTH] = "DELETE FROM health WHERE time < ?1"
                              " OR n <= (SELECT max(n) FROM health) - ?2",
    [STATEMENT_DROP_GAPS] = "DELETE FROM gap WHERE noticed < ?1"
                            " OR n <= (SELECT max(n) FROM gap) - ?2",
    [STATEMENT_DROP_STREAMS] = "DELETE FROM stream WHERE run <> ?1 AND run NOT IN"
                               " (SELECT DISTINCT run FROM stream ORDER BY run DESC LIMIT ?2)",
    [STATEMENT_PAGES] = "PRAGMA page_count",
    [STATEMENT_FREE_PAGES] = "PRAGMA freelist_count",
    [STATEMENT_PAGE_SIZE] = "PRAGMA page_size",
    [STATEMENT_VACUUM] = "PRAGMA incremental_vacuum(500)",
};

enum journal_outcome journal_db_outcome(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK: return JOURNAL_DONE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* no such table, no such column: another version's after all */
    case SQLITE_SCHEMA: return JOURNAL_BAD;
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return JOURNAL_REFUSE;
    case SQLITE_MISUSE:
    case SQLITE_RANGE: panic("the journal's writer misuses SQLite: %d", code);
    default: return JOURNAL_LATER;
    }
}

sqlite3_stmt *journal_db_statement(struct journal_db *d, enum journal_statement which)
{
    return d->statements[which];
}

int journal_db_run(sqlite3_stmt *s)
{
    int code;

    do {
        code = sqlite3_step(s);
    } while (code == SQLITE_ROW);
    (void)sqlite3_reset(s);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int journal_db_number(sqlite3_stmt *s, int64_t *ret)
{
    int code = sqlite3_step(s);

    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        *ret = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
        code = SQLITE_OK;
    }
    (void)sqlite3_reset(s);
    return code;
}

void journal_db_bind_always(sqlite3_stmt *s, int at, struct slice text)
{
    (void)sqlite3_bind_text64(s, at, text.p != NULL ? text.p : "", text.n, SQLITE_STATIC,
                              SQLITE_UTF8);
}

void journal_db_bind(sqlite3_stmt *s, int at, struct slice text)
{
    if (text.n > 0) {
        journal_db_bind_always(s, at, text);
    } else {
        (void)sqlite3_bind_null(s, at);
    }
}

void journal_db_bind_number(sqlite3_stmt *s, int at, uint64_t number)
{
    (void)sqlite3_bind_int64(s, at, (sqlite3_int64)number);
}
