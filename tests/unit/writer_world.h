/* A folder with a journal in it, a writer, and records for it: what the tests of the journal's
 * writer share. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "journal/writer.h"

#define RUN ((uint64_t)1795322000000001)

extern char world_folder[64];
extern char world_path[128];

/* For cmocka_unit_test_setup_teardown. */
int world_setup(void **state);
int world_teardown(void **state);

/* A writer of world_path without bounds, for the run RUN. */
struct journal_writer *world_writer(void);
/* Ends it; everything has been stored. */
void world_end(struct journal_writer *w);

/* A record of a worker; the line stays valid until the next one is made. */
struct slice world_line(unsigned worker, uint64_t sequence);
/* With other members: JSON behind the comma, "\"a\":1". */
struct slice world_line_with(uint64_t run, unsigned worker, uint64_t sequence, const char *members);
/* Hands in the records [first, last] of a worker. */
void world_take(struct journal_writer *w, unsigned worker, uint64_t first, uint64_t last);

/* Waits until that many records are stored; fails after a time. */
void world_wait_stored(struct journal_writer *w, uint64_t stored);
/* Waits for the next thing that is said, which has `part` in it. */
void world_wait_said(struct journal_writer *w, bool trouble, const char *part);
/* There is nothing to be said. */
void world_said_nothing(struct journal_writer *w);

/* Rows of a query on the file: columns separated by "|", NULL is "-", each row ended by a line
 * feed. Freed by the caller. */
char *world_rows(const char *path, const char *sql);
void world_expect_rows(const char *sql, const char *expected);
void world_run(const char *path, const char *sql);

/* The file is whole, each stream's stored + lost = next, what is lost is what the gaps say, and no
 * number is there twice. */
void world_check_whole(const char *path);
/* And all records that are stored are in this file. */
void world_check_complete(const char *path);

/* Files that were put aside, not counting their -wal and -shm; *ret_name is the path of one. */
unsigned world_count_aside(char ret_name[static 256]);
/* No file of the journal is left. */
void world_remove_journal(void);

/* The whole of a file; freed by the caller. */
struct buf world_read(const char *path);
void world_write(const char *path, const void *octets, size_t n);
