/* Journals made by hand, for the tests of those who read them. */
#pragma once

#include <sqlite3.h>

/* An empty journal at the path, in WAL mode; to be closed by journal_made_close. */
sqlite3 *journal_made(const char *path);
void journal_made_close(sqlite3 *db);

/* Runs SQL that must succeed. */
void journal_run(sqlite3 *db, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds `count` transactions from number `first` on: one a second from `time` (µs) on, each with two
 * recipients (the second refused), rules that fired for the whole and for the second recipient, and
 * one that was observed for the first. */
void journal_fill(sqlite3 *db, int first, int count, long long time);
