/* What the files that read the journal share. Internal to src/journal. */
#pragma once

#include <sqlite3.h>
#include <sys/types.h>

#include "base/buf.h"
#include "journal/read.h"

struct journal {
    sqlite3 *db;
    char *path;
    dev_t device; /* of the file that is open */
    ino_t inode;
    bool immutable; /* opened as a file that nobody writes to */
    char why[JOURNAL_WHY];
};

/* ---- read_open.c ---- */

/* After SQLite's `code`: says why in j->why. A negative errno. */
int journal_fail(struct journal *j, int code);

/* ---- read_query.c: what is asked for, as SQL ---- */

enum { QUERY_VALUES_MOST = 16 };

/* A condition on `decision d`, with its values; they are the query's, which must outlive it. */
struct query_sql {
    struct buf where; /* "d.n BETWEEN ?1 AND ?2 AND …": always these two first */
    struct slice values[QUERY_VALUES_MOST];
    size_t value_count;
    char client[ADDR_TEXT_MAX];
};

void query_sql_make(const struct journal_query *q, struct query_sql *ret);
void query_sql_free(struct query_sql *sql);

/* Binds n's bounds and the values. SQLITE_OK or an error. */
int query_sql_bind(const struct query_sql *sql, sqlite3_stmt *st, int64_t first_n, int64_t last_n);

/* Gives the database the functions that `where` calls. `network` must outlive the query. */
int query_functions(sqlite3 *db, const struct conf_network *network);

/* ---- read_record.c: rows as records ---- */

/* What decision_row and recipient_row read, in that order; the latter's begin with the decision. */
extern const char decision_columns[];
extern const char recipient_columns[];

/* In `arena`; recipients, fired and observed are left empty. */
void decision_row(sqlite3_stmt *st, struct arena *arena, struct journal_record *ret);
void recipient_row(sqlite3_stmt *st, struct arena *arena, struct journal_recipient *ret);

/* The column's octets, copied; empty for NULL. */
struct slice column_slice(sqlite3_stmt *st, int column, struct arena *arena);
