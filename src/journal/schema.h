/* What a journal's file looks like inside: its tables, indexes and views, and how a file is told
 * from another. gatepost-journal(5) describes each for those who ask it with sqlite3.
 *
 * A file of another version is never changed, neither up nor down: the writer puts it aside and
 * begins a new one, a reader refuses it. Whatever is changed in here, but for views and indexes
 * added to new files, raises JOURNAL_VERSION. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#define JOURNAL_APPLICATION_ID 0x47504a31 /* "GPJ1" */
#define JOURNAL_VERSION        2

enum journal_kind {
    JOURNAL_EMPTY, /* a database without anything in it, as a file of no octets is one */
    JOURNAL_OURS,
    JOURNAL_OLDER, /* of an older Gatepost */
    JOURNAL_NEWER,
    JOURNAL_FOREIGN, /* a database of something else */
};

/* What is it? SQLITE_OK; or a code of SQLite, of which SQLITE_NOTADB and SQLITE_CORRUPT mean that
 * it is no database, or a damaged one. */
int journal_schema_look(sqlite3 *db, enum journal_kind *ret);

/* Makes an empty database a journal, in one transaction; afterwards it has a write-ahead log. One
 * in which there is something by now, because somebody else was faster, is left alone: *ret_made is
 * false. SQLITE_OK or a code of SQLite. */
int journal_schema_create(sqlite3 *db, bool *ret_made);
