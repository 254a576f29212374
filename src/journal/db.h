/* The journal's file, open for writing: found, made or put aside, and its prepared statements.
 * Internal to the writer (journal/writer.h); only its thread calls this. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/slice.h"
#include "base/time.h"

/* What became of something. */
enum journal_outcome {
    JOURNAL_DONE,
    JOURNAL_LATER,  /* nothing was changed; it may go well another time */
    JOURNAL_BAD,    /* the file is of no use as a journal */
    JOURNAL_REFUSE, /* it is this record that cannot be stored */
};

#define JOURNAL_WHY 200
/* Room for a name. */
#define ASIDE_NAME_MAX (4096 + 64)

enum journal_statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_DATA_VERSION,
    STATEMENT_DECISION,
    STATEMENT_RECIPIENT,
    STATEMENT_FIRED,
    STATEMENT_OBSERVED,
    STATEMENT_STREAMS, /* of a run */
    STATEMENT_STREAM,
    STATEMENT_GAPS, /* of a run */
    STATEMENT_GAP_ADD,
    STATEMENT_GAP_SET,
    STATEMENT_GAP_DROP,
    STATEMENT_POLICY,
    STATEMENT_RULE,
    STATEMENT_HEALTH,
    STATEMENT_OLDEST,
    STATEMENT_OF_AGE,
    STATEMENT_FIRST,
    STATEMENT_DROP_DECISION,
    STATEMENT_DROP_RECIPIENT,
    STATEMENT_DROP_FIRED,
    STATEMENT_DROP_OBSERVED,
    STATEMENT_POLICY_SEEN,
    STATEMENT_DROP_RULES,
    STATEMENT_DROP_POLICIES,
    STATEMENT_DROP_HEALTH,
    STATEMENT_DROP_GAPS,
    STATEMENT_DROP_STREAMS,
    STATEMENT_PAGES,
    STATEMENT_FREE_PAGES,
    STATEMENT_PAGE_SIZE,
    STATEMENT_VACUUM,
    STATEMENT_COUNT,
};

struct journal_db {
    char *path;
    sqlite3 *db; /* NULL: not open */
    sqlite3_stmt *statements[STATEMENT_COUNT];
    dev_t device; /* of the file that is open */
    ino_t inode;
    off_t length;         /* of the file when a transaction began last */
    int64_t data_version; /* rises when somebody else has written to the file */
    bool others_wrote;    /* seen when a transaction began; cleared by who needs to know */
    bool fresh;           /* was made when it was opened */
};

/* Opens the file, which is made where there is none, or an empty one. JOURNAL_DONE; or another one
 * with the reason, then it is closed, but for a damaged one (JOURNAL_BAD) that could be opened. */
enum journal_outcome journal_db_open(struct journal_db *d, char ret_why[static JOURNAL_WHY]);

/* For one that is bad but could be opened: prepares what reads the accounts, if that is possible.
 */
bool journal_db_prepare_accounts(struct journal_db *d);

/* Closes it; nothing happens where it is not open. */
void journal_db_close(struct journal_db *d);
/* The same after all of the log has been moved into the file, also where that has another name by
 * now. */
void journal_db_leave(struct journal_db *d);

/* Is the file that is open still the one of that name? */
bool journal_db_in_place(const struct journal_db *d);

/* Begins a transaction: SQLITE_OK, or a code of SQLite, after which one may be under way. That is
 * SQLITE_CORRUPT where somebody else has cut off the file while it was open, which SQLite would
 * notice no sooner than it misses a page. */
int journal_db_begin(struct journal_db *d);

/* Closes it and renames it, and what belongs to it, to "FILE.aside-YYYYMMDDTHHMMSSZ", `now` being
 * since 1970. 0 with that name, or a negative errno. */
int journal_db_put_aside(struct journal_db *d, usec_t now, char *ret_name, size_t size);
/* The same for a log that has lost its file; -ENOENT where there is none. */
int journal_db_put_log_aside(const struct journal_db *d, usec_t now);

/* Octets of the file and of its log. */
uint64_t journal_db_octets(const struct journal_db *d);

/* The text of each statement. */
extern const char *const journal_db_texts[STATEMENT_COUNT];

/* What an error of SQLite means for what was tried. */
enum journal_outcome journal_db_outcome(int code);

/* A statement to be bound and stepped, reset. */
sqlite3_stmt *journal_db_statement(struct journal_db *d, enum journal_statement which);

/* Steps it to its end and resets it: SQLITE_OK, or a code of SQLite. */
int journal_db_run(sqlite3_stmt *s);

/* Steps it once and resets it: SQLITE_OK with its first number, 0 where there is no row. */
int journal_db_number(sqlite3_stmt *s, int64_t *ret);

/* A text; NULL where it is empty. The octets are borrowed until the statement has run. */
void journal_db_bind(sqlite3_stmt *s, int at, struct slice text);
/* A text, also an empty one. */
void journal_db_bind_always(sqlite3_stmt *s, int at, struct slice text);
void journal_db_bind_number(sqlite3_stmt *s, int at, uint64_t number);
