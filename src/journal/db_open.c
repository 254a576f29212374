/* Which file it is that one writes to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fatal.h"
#include "journal/db.h"
#include "journal/schema.h"

#define FILE_MODE 0640
#define BUSY_MSEC 1000
/* Octets of a database that is none of 0. */
#define DATABASE_LEAST 512
/* Octets of a file up to which it is read as a whole when it is opened: some 100 ms. A damage in a
 * larger one shows when something comes upon it. */
#define CHECKED_WHOLE ((off_t)64 * 1024 * 1024)

/* Each commit goes to the log and no further; the disk is waited for at a checkpoint only. What a
 * loss of power can take is the last commits, whole. */
static const char settings[] = "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = NORMAL;"
                               "PRAGMA cache_size = -8192;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA journal_size_limit = 16777216;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA foreign_keys = OFF";

/* ---- errors ---- */

static enum journal_outcome fail(const struct journal_db *d, int code,
                                 char ret_why[static JOURNAL_WHY])
{
    enum journal_outcome outcome = journal_db_outcome(code);

    (void)snprintf(ret_why, JOURNAL_WHY, "%s",
                   d->db != NULL && sqlite3_errcode(d->db) != SQLITE_OK ? sqlite3_errmsg(d->db)
                                                                        : sqlite3_errstr(code));
    return outcome == JOURNAL_REFUSE ? JOURNAL_BAD : outcome;
}

static enum journal_outcome fail_with(enum journal_outcome outcome, const char *why,
                                      char ret_why[static JOURNAL_WHY])
{
    (void)snprintf(ret_why, JOURNAL_WHY, "%s", why);
    return outcome;
}

/* ---- the file ---- */

/* Sees to it that there is a regular file of that name. 0 with what it is, or a negative errno. */
static int find_or_make(const char *path, struct stat *ret)
{
    /* Neither a pipe's reader is waited for, nor is anything that is there changed. */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, FILE_MODE);

    if (fd < 0) {
        return -errno;
    }
    int r = fstat(fd, ret) < 0 ? -errno : S_ISREG(ret->st_mode) ? 0 : -EINVAL;
    close(fd);
    return r;
}

/* The number that follows "PRAGMA NAME". */
static int pragma(struct journal_db *d, const char *sql, int64_t *ret)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(d->db, sql, -1, &s, NULL);

    code = code != SQLITE_OK ? code : journal_db_number(s, ret);
    (void)sqlite3_finalize(s);
    return code;
}

/* Once all of the log is in the file, the file has as many pages as it says; else it was cut off.
 */
static enum journal_outcome check_length(struct journal_db *d, char ret_why[static JOURNAL_WHY])
{
    int in_log = 0, moved = 0;
    int64_t pages = 0, page_size = 0;
    struct stat st;
    int code = sqlite3_wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);

    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) {
        return fail(d, code, ret_why);
    }
    if (code != SQLITE_OK || in_log != moved) {
        return JOURNAL_DONE; /* somebody reads it: it is of some use */
    }
    code = pragma(d, "PRAGMA page_count", &pages);
    code = code != SQLITE_OK ? code : pragma(d, "PRAGMA page_size", &page_size);
    if (code != SQLITE_OK) {
        return fail(d, code, ret_why);
    }
    if (stat(d->path, &st) == 0 && st.st_size < pages * page_size) {
        return fail_with(JOURNAL_BAD, "it was cut off", ret_why);
    }
    return JOURNAL_DONE;
}

static enum journal_outcome check_content(struct journal_db *d, const struct stat *st,
                                          char ret_why[static JOURNAL_WHY])
{
    sqlite3_stmt *s = NULL;
    enum journal_outcome outcome = check_length(d, ret_why);

    if (outcome != JOURNAL_DONE || st->st_size > CHECKED_WHOLE) {
        return outcome;
    }
    int code = sqlite3_prepare_v2(d->db, "PRAGMA quick_check(1)", -1, &s, NULL);
    code = code != SQLITE_OK ? code : sqlite3_step(s);
    if (code != SQLITE_ROW) {
        outcome = fail(d, code, ret_why);
    } else if (strcmp((const char *)sqlite3_column_text(s, 0), "ok") != 0) {
        outcome = fail_with(JOURNAL_BAD, "it is damaged", ret_why);
    }
    (void)sqlite3_finalize(s);
    return outcome;
}

/* An empty one becomes a journal; what is none is found out. */
static enum journal_outcome check_kind(struct journal_db *d, const struct stat *st,
                                       char ret_why[static JOURNAL_WHY])
{
    enum journal_kind kind = JOURNAL_EMPTY;
    int code = journal_schema_look(d->db, &kind);

    if (code != SQLITE_OK) {
        return fail(d, code, ret_why);
    }
    switch (kind) {
    case JOURNAL_OURS: return check_content(d, st, ret_why);
    case JOURNAL_OLDER: return fail_with(JOURNAL_BAD, "it is an older version's", ret_why);
    case JOURNAL_NEWER: return fail_with(JOURNAL_BAD, "it is a newer version's", ret_why);
    case JOURNAL_FOREIGN: return fail_with(JOURNAL_BAD, "it is no journal", ret_why);
    case JOURNAL_EMPTY: break;
    }
    if (st->st_size > 0 && st->st_size < DATABASE_LEAST) { /* SQLite takes one octet for none */
        return fail_with(JOURNAL_BAD, "file is not a database", ret_why);
    }
    code = journal_schema_create(d->db, &d->fresh);
    return code == SQLITE_OK ? JOURNAL_DONE : fail(d, code, ret_why);
}

static int prepare_one(struct journal_db *d, enum journal_statement which)
{
    return d->statements[which] != NULL
               ? SQLITE_OK
               : sqlite3_prepare_v3(d->db, journal_db_texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                    &d->statements[which], NULL);
}

bool journal_db_prepare_accounts(struct journal_db *d)
{
    return d->db != NULL && prepare_one(d, STATEMENT_STREAMS) == SQLITE_OK &&
           prepare_one(d, STATEMENT_GAPS) == SQLITE_OK;
}

static enum journal_outcome prepare(struct journal_db *d, char ret_why[static JOURNAL_WHY])
{
    int code = sqlite3_exec(d->db, settings, NULL, NULL, NULL);

    for (unsigned i = 0; code == SQLITE_OK && i < STATEMENT_COUNT; i++) {
        code = prepare_one(d, (enum journal_statement)i);
    }
    return code == SQLITE_OK ? JOURNAL_DONE : fail(d, code, ret_why);
}

static enum journal_outcome open_database(struct journal_db *d, const struct stat *st,
                                          char ret_why[static JOURNAL_WHY])
{
    int keep = 1;
    int code = sqlite3_open_v2(d->path, &d->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (code != SQLITE_OK) {
        return fail(d, code, ret_why);
    }
    (void)sqlite3_extended_result_codes(d->db, 1);
    (void)sqlite3_busy_timeout(d->db, BUSY_MSEC);
    /* The log stays when it is closed: who may only read needs it there to open the file. */
    (void)sqlite3_file_control(d->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    enum journal_outcome outcome = check_kind(d, st, ret_why);
    return outcome != JOURNAL_DONE ? outcome : prepare(d, ret_why);
}

enum journal_outcome journal_db_open(struct journal_db *d, char ret_why[static JOURNAL_WHY])
{
    struct stat st = {0};
    int r = find_or_make(d->path, &st);

    d->fresh = false;
    d->length = 0;
    if (r < 0) {
        return fail_with(JOURNAL_LATER,
                         r == -EINVAL ? "it is no regular file" : strerrordesc_np(-r), ret_why);
    }
    if (st.st_size == 0) {
        /* SQLite would delete a log without its file. */
        (void)journal_db_put_log_aside(d, clock_wall());
    }
    d->device = st.st_dev;
    d->inode = st.st_ino;
    enum journal_outcome outcome = open_database(d, &st, ret_why);
    if (outcome == JOURNAL_LATER) {
        journal_db_close(d);
    }
    return outcome;
}

void journal_db_close(struct journal_db *d)
{
    for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(d->statements[i]);
        d->statements[i] = NULL;
    }
    (void)sqlite3_close(d->db);
    d->db = NULL;
}

void journal_db_leave(struct journal_db *d)
{
    (void)sqlite3_wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    journal_db_close(d);
}

bool journal_db_in_place(const struct journal_db *d)
{
    struct stat st;

    return stat(d->path, &st) == 0 && st.st_dev == d->device && st.st_ino == d->inode;
}

/* A checkpoint alone makes the file shorter, and then it has all of the pages. They are more soon
 * after, so this is asked at the beginning of each transaction, and only where all were ours. */
static int check_not_shorter(struct journal_db *d)
{
    int64_t pages = 0, page_size = 0;
    struct stat st;

    if (stat(d->path, &st) < 0) {
        return SQLITE_OK; /* journal_db_in_place will tell */
    }
    bool shorter = st.st_size < d->length;
    int code = SQLITE_OK;
    if (shorter) {
        code = journal_db_number(journal_db_statement(d, STATEMENT_PAGES), &pages);
        code = code != SQLITE_OK
                   ? code
                   : journal_db_number(journal_db_statement(d, STATEMENT_PAGE_SIZE), &page_size);
    }
    if (code == SQLITE_OK && st.st_size < pages * page_size) {
        return SQLITE_CORRUPT;
    }
    d->length = code == SQLITE_OK ? st.st_size : d->length;
    return code;
}

int journal_db_begin(struct journal_db *d)
{
    int64_t version = 0;
    int code = journal_db_run(journal_db_statement(d, STATEMENT_BEGIN));

    code = code != SQLITE_OK
               ? code
               : journal_db_number(journal_db_statement(d, STATEMENT_DATA_VERSION), &version);
    if (code == SQLITE_OK && version != d->data_version) {
        d->data_version = version;
        d->others_wrote = true;
        d->length = 0;
    }
    return code != SQLITE_OK ? code : check_not_shorter(d);
}

uint64_t journal_db_octets(const struct journal_db *d)
{
    struct buf log = {0};
    struct stat st;
    uint64_t octets = stat(d->path, &st) == 0 ? (uint64_t)st.st_size : 0;

    buf_printf(&log, "%s-wal%c", d->path, '\0');
    octets += stat(log.p, &st) == 0 ? (uint64_t)st.st_size : 0;
    buf_free(&log);
    return octets;
}
