/* Journals that are of no use, or not to be had for a time: put aside unchanged, or waited for; and
 * none of it loses count. */
#include "writer_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* ---- of no use ---- */

/* With the file as it is, a writer puts it aside as it is, says so, and stores 10 records. */
static void expect_aside(const char *why)
{
    struct buf before = world_read(world_path);
    struct journal_writer *w = world_writer();
    char name[256];

    world_take(w, 0, 0, 9);
    world_wait_said(w, true, why);
    world_said_nothing(w);
    world_end(w);
    world_check_whole(world_path);
    world_expect_rows("SELECT next, stored, lost FROM stream WHERE worker = 0", "10|10|0\n");
    assert_int_equal(world_count_aside(name), 1);
    struct buf after = world_read(name);
    assert_int_equal(after.n, before.n);
    assert_memory_equal(after.p, before.p, before.n);
    assert_int_equal(unlink(name), 0);
    buf_free(&before);
    buf_free(&after);
}

/* A journal of 300 records of another worker, closed. */
static void make_journal(void)
{
    struct journal_writer *w = world_writer();

    world_take(w, 1, 0, 299);
    world_end(w);
}

static void no_database(void **state)
{
    char garbage[20000];
    (void)state;

    world_write(world_path, "hello, this is a text file\n", 27);
    expect_aside("file is not a database");
    world_remove_journal();
    world_write(world_path, "x", 1);
    expect_aside("file is not a database");
    world_remove_journal();
    srandom(7);
    for (size_t i = 0; i < sizeof(garbage); i++) {
        garbage[i] = (char)random();
    }
    world_write(world_path, garbage, sizeof(garbage));
    expect_aside("file is not a database");
    world_remove_journal();
    memcpy(garbage, "SQLite format 3", 16);
    world_write(world_path, garbage, sizeof(garbage));
    expect_aside("");
}

static void other_databases(void **state)
{
    (void)state;
    make_journal();
    world_run(world_path,
              "PRAGMA user_version = 1; DROP TABLE stream; PRAGMA journal_mode = DELETE");
    expect_aside("older version");
    world_remove_journal();
    make_journal();
    world_run(world_path, "PRAGMA user_version = 3; ALTER TABLE stream RENAME COLUMN lost TO gone;"
                          "PRAGMA journal_mode = DELETE");
    expect_aside("newer version");
    world_remove_journal();
    world_run(world_path, "CREATE TABLE users(name); INSERT INTO users VALUES ('a')");
    expect_aside("no journal");
    world_remove_journal();
    /* Marked as ours, but not with our tables. */
    make_journal();
    world_run(world_path, "DROP TABLE fired; PRAGMA journal_mode = DELETE");
    struct journal_writer *w = world_writer();
    world_take(w, 0, 0, 9);
    world_wait_said(w, true, "no such table: fired");
    world_end(w);
    world_check_whole(world_path);
    world_expect_rows("SELECT worker, stored FROM stream", "0|10\n1|300\n");
}

/* An empty file is none that was lost. */
static void empty_file(void **state)
{
    (void)state;
    struct journal_writer *w;
    char name[256];

    world_write(world_path, "", 0);
    w = world_writer();
    world_take(w, 0, 0, 9);
    world_wait_stored(w, 10);
    world_said_nothing(w);
    world_end(w);
    assert_int_equal(world_count_aside(name), 0);
    world_check_whole(world_path);
}

/* Cut off at each page, in the middle of it, and close to the end: aside, or, of length 0, empty.
 */
static void cut_off(void **state)
{
    (void)state;
    struct stat st;
    unsigned tried = 0;

    make_journal();
    assert_int_equal(stat(world_path, &st), 0);
    struct buf whole = world_read(world_path);
    assert_true(st.st_size > 40 * 4096);
    const size_t steps[] = {1,
                            99,
                            100,
                            512,
                            4095,
                            4096,
                            4097,
                            6000,
                            8192,
                            whole.n / 2,
                            whole.n - 4097,
                            whole.n - 4096,
                            whole.n - 4095,
                            whole.n - 1};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++, tried++) {
        world_remove_journal();
        world_write(world_path, whole.p, steps[i]);
        expect_aside("");
    }
    for (size_t n = 3 * 4096; n < whole.n; n += 7 * 4096) {
        world_remove_journal();
        world_write(world_path, whole.p, n);
        expect_aside("");
    }
    buf_free(&whole);
}

/* A log that is cut off anywhere loses whole transactions, and nothing is out of step. */
static void log_cut_off(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    char log[160], name[256], next[64];
    sqlite3 *reader = NULL;
    sqlite3_stmt *s = NULL;

    /* While somebody reads, nothing is moved out of the log when it is closed. */
    world_take(w, 1, 0, 0);
    world_wait_stored(w, 1);
    assert_int_equal(sqlite3_open(world_path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(reader, "SELECT n FROM decision", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    for (uint64_t i = 0; i < 5; i++) {
        world_take(w, 1, 1 + i * 20, 20 + i * 20);
        world_wait_stored(w, 21 + i * 20);
    }
    struct buf file = world_read(world_path);
    snprintf(log, sizeof(log), "%s-wal", world_path);
    struct buf octets = world_read(log);
    assert_true(octets.n > 100000);
    (void)sqlite3_finalize(s);
    sqlite3_close(reader);
    world_end(w);
    uint64_t last = 0;
    unsigned kinds = 0;
    for (size_t i = 0; i <= 40; i++) {
        size_t n = octets.n * i / 40;
        world_remove_journal();
        world_write(world_path, file.p, file.n);
        world_write(log, octets.p, n);
        w = world_writer();
        world_take(w, 0, 0, 9);
        world_end(w);
        if (world_count_aside(name) > 0) {
            continue; /* cut so short that there is no journal in it yet */
        }
        world_check_complete(world_path);
        char *rows = world_rows(world_path, "SELECT next FROM stream WHERE worker = 1");
        snprintf(next, sizeof(next), "%s", rows);
        free(rows);
        uint64_t now = strtoull(next, NULL, 10);
        assert_true(now >= last && now <= 101);
        kinds += now > last;
        last = now;
    }
    assert_int_equal(last, 101);
    assert_true(kinds >= 4);
    buf_free(&file);
    buf_free(&octets);
}

/* Damage of a large file is found when something comes upon it, then the account is carried over.
 */
static void damaged_at_work(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    char name[256], noise[4096];
    struct stat st;

    world_take(w, 0, 0, 99);
    world_take(w, 0, 103, 199);
    world_wait_stored(w, 197);
    assert_int_equal(stat(world_path, &st), 0);
    /* Somebody writes into it, and has it checkpointed so that the log does not hide it. */
    world_run(world_path, "PRAGMA wal_checkpoint(TRUNCATE)");
    int fd = open(world_path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    memset(noise, 0xee, sizeof(noise));
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 4096; at < st.st_size; at += 4096) {
        assert_int_equal(pwrite(fd, noise, sizeof(noise), at), 4096);
    }
    close(fd);
    /* Others have written, so its cache is of no use. */
    world_run(world_path, "PRAGMA user_version = 2");
    world_take(w, 0, 200, 299);
    world_wait_said(w, true, "kept as");
    world_wait_stored(w, 297);
    world_end(w);
    assert_int_equal(world_count_aside(name), 1);
    world_expect_rows("PRAGMA integrity_check", "ok\n");
    world_expect_rows("SELECT next, stored, lost FROM stream", "300|297|3\n");
    world_expect_rows("SELECT first, last FROM gap", "100|102\n");
    world_expect_rows("SELECT count(*), min(sequence) FROM decision", "100|200\n");
}

/* An account that can still be read goes on in the new file. */
static void account_outlives_the_file(void **state)
{
    (void)state;
    make_journal();
    world_run(world_path, "PRAGMA user_version = 3");
    struct journal_writer *w = world_writer();
    world_take(w, 1, 302, 302);
    world_end(w);
    world_expect_rows("SELECT next, stored, lost FROM stream", "303|301|2\n");
}

/* ---- not to be had ---- */

/* Records and their account stand or fall together; and a file that is put aside at work takes its
 * log along, where all of it may still be. */
static void all_or_nothing(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    const struct journal_rule rule = {.phase = SLICE_LIT("mail"),
                                      .place = SLICE_LIT("g.conf:5"),
                                      .label = SLICE_LIT("g.conf:5 reject"),
                                      .action = SLICE_LIT("reject"),
                                      .text = SLICE_LIT("reject \"no\"")};
    char name[256];

    journal_writer_policy(w, SLICE_LIT("0123456789abcdef"), &rule, 1);
    world_take(w, 0, 0, 9);
    world_wait_stored(w, 10);
    world_run(world_path, "CREATE TRIGGER no_account BEFORE INSERT ON stream"
                          " BEGIN SELECT RAISE(ABORT, 'no account'); END");
    world_take(w, 0, 10, 19);
    world_wait_said(w, true, "no account");
    world_end(w);
    assert_int_equal(world_count_aside(name), 1);
    char *rows = world_rows(name, "SELECT count(*), max(sequence) FROM decision");
    assert_string_equal(rows, "10|9\n");
    free(rows);
    world_check_whole(world_path);
    world_expect_rows("SELECT next, stored, lost FROM stream", "20|20|0\n");
    world_expect_rows("SELECT count(*), min(sequence) FROM decision", "10|10\n");
    /* The new file has the rules again. */
    world_expect_rows("SELECT policy, label FROM rule", "0123456789abcdef|g.conf:5 reject\n");
}

/* Locked for a while by somebody else. */
static void locked(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    struct journal_writer_state s;
    sqlite3 *other = NULL;

    world_take(w, 0, 0, 9);
    world_wait_stored(w, 10);
    assert_int_equal(sqlite3_open(world_path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(other, 5000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    world_take(w, 0, 10, 19);
    world_wait_said(w, true, "locked");
    world_said_nothing(w);
    journal_writer_state(w, &s);
    assert_string_equal(s.trouble, "database is locked");
    assert_true(s.waiting > 0);
    world_take(w, 0, 20, 29);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    world_wait_said(w, false, "written again");
    world_wait_stored(w, 30);
    journal_writer_state(w, &s);
    assert_string_equal(s.trouble, "");
    assert_int_equal(s.waiting, 0);
    world_end(w);
    /* Held when it begins, and when it ends. */
    assert_int_equal(
        sqlite3_exec(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL),
        SQLITE_OK);
    w = world_writer();
    world_take(w, 0, 30, 39);
    world_wait_said(w, true, "locked");
    assert_int_equal(journal_writer_end(w, 200 * USEC_MSEC), 10);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    world_check_whole(world_path);
    /* What was lost with it is known to who asks the workers' counter. */
    w = world_writer();
    journal_writer_expect(w, 0, 40);
    world_end(w);
    world_check_whole(world_path);
    world_expect_rows("SELECT next, stored, lost FROM stream", "40|30|10\n");
}

/* As much as there is room for waits; the rest is counted. That it will be lost is said before
 * anything had to be turned away, since the clerk offers no more by then. */
static void no_room(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    struct journal_writer_state s;
    sqlite3 *other = NULL;
    struct buf members = {0};
    uint64_t taken = 0, sent = 0;

    world_take(w, 0, 0, 0);
    world_wait_stored(w, 1);
    assert_int_equal(sqlite3_open(world_path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(other, 5000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    buf_printf(&members, "\"text\":\"%03000d\"%c", 7, '\0');
    for (sent = 1; taken < 19000; sent++) {
        taken += journal_writer_take(w, world_line_with(RUN, 0, sent, members.p));
        assert_int_equal(taken, sent);
    }
    world_wait_said(w, true, "locked");
    world_wait_said(w, true, "further ones are lost");
    for (; sent < 25000; sent++) {
        taken += journal_writer_take(w, world_line_with(RUN, 0, sent, members.p));
    }
    assert_in_range(taken, 19000, 22000);
    journal_writer_state(w, &s);
    assert_in_range(s.waiting, JOURNAL_WRITER_ROOM - 4000, JOURNAL_WRITER_ROOM);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    world_wait_stored(w, taken + 1);
    world_wait_said(w, false, "written again");
    world_said_nothing(w);
    world_take(w, 0, sent, sent);
    world_wait_stored(w, taken + 2);
    journal_writer_state(w, &s);
    assert_int_equal(s.stored + s.lost, sent + 1);
    world_end(w);
    world_check_whole(world_path);
    buf_free(&members);
}

/* A log alone, whose file is gone, is not deleted. */
static void log_without_file(void **state)
{
    (void)state;
    char log[160], name[256];
    struct buf kept;

    make_journal();
    snprintf(log, sizeof(log), "%s-wal", world_path);
    assert_int_equal(unlink(world_path), 0);
    world_write(log, "not empty", 9);
    struct journal_writer *w = world_writer();
    world_take(w, 0, 0, 9);
    world_end(w);
    world_check_complete(world_path);
    assert_int_equal(world_count_aside(name), 0);
    snprintf(name, sizeof(name), "cat %s/journal.db.aside-*-wal > %s/kept", world_folder,
             world_folder);
    assert_int_equal(system(name), 0);
    snprintf(name, sizeof(name), "%s/kept", world_folder);
    kept = world_read(name);
    assert_int_equal(kept.n, 9);
    assert_memory_equal(kept.p, "not empty", 9);
    buf_free(&kept);
}

static void no_file_at_all(void **state)
{
    (void)state;
    struct journal_writer *w;
    char name[256];

    assert_int_equal(mkdir(world_path, 0700), 0);
    w = world_writer();
    world_take(w, 0, 0, 9);
    world_wait_said(w, true, "directory");
    assert_int_equal(rmdir(world_path), 0);
    world_wait_said(w, false, "written again");
    world_wait_stored(w, 10);
    world_end(w);
    world_remove_journal();
    assert_int_equal(mkfifo(world_path, 0600), 0);
    w = world_writer();
    world_wait_said(w, true, "no regular file");
    assert_int_equal(journal_writer_end(w, 0), 0);
    assert_int_equal(world_count_aside(name), 0);
    assert_int_equal(unlink(world_path), 0);
    /* No folder yet. */
    assert_int_equal(rmdir(world_folder), 0);
    w = world_writer();
    world_take(w, 0, 0, 9);
    world_wait_said(w, true, "No such file");
    assert_int_equal(mkdir(world_folder, 0700), 0);
    world_wait_stored(w, 10);
    world_end(w);
    world_check_whole(world_path);
}

/* ---- the disk ---- */

/* SQLite's own file layer, but for writing, which fails while it is said so. */
static _Atomic int write_error;

struct shim_methods {
    sqlite3_io_methods shim; /* first */
    const sqlite3_io_methods *real;
};

static int shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    const struct shim_methods *m = (const struct shim_methods *)f->pMethods;
    int error = write_error;

    return error != SQLITE_OK ? error : m->real->xWrite(f, p, n, at);
}

/* A database's and a log's files have other functions. */
static void put_shim(sqlite3_file *f)
{
    static struct shim_methods all[8];
    static unsigned count;
    unsigned i = 0;

    while (i < count && all[i].real != f->pMethods) {
        i++;
    }
    if (i == count && count < sizeof(all) / sizeof(all[0])) {
        all[i].real = f->pMethods;
        all[i].shim = *f->pMethods;
        all[i].shim.xWrite = shim_write;
        count++;
    }
    f->pMethods = &all[i].shim;
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    sqlite3_vfs *real = vfs->pAppData;
    int code = real->xOpen(real, name, f, flags, ret_flags);

    if (f->pMethods != NULL) {
        put_shim(f);
    }
    return code;
}

static sqlite3_vfs *use_shim(void)
{
    static sqlite3_vfs shim;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    shim = *real;
    shim.zName = "shim";
    shim.pAppData = real;
    shim.xOpen = shim_open;
    assert_int_equal(sqlite3_vfs_register(&shim, 1), SQLITE_OK);
    return &shim;
}

static void full_disk(void **state)
{
    static const int errors[] = {SQLITE_FULL, SQLITE_IOERR_WRITE};
    static const char *const texts[] = {"full", "I/O error"};
    (void)state;
    struct journal_writer *w;
    struct journal_writer_state s;
    uint64_t next = 0;

    sqlite3_vfs *shim = use_shim();
    w = world_writer();
    for (int i = 0; i < 2; i++) {
        world_take(w, 0, next, next + 9);
        world_wait_stored(w, next + 10);
        write_error = errors[i];
        world_take(w, 0, next + 10, next + 1999);
        world_wait_said(w, true, texts[i]);
        world_take(w, 0, next + 2000, next + 2999);
        world_said_nothing(w);
        journal_writer_state(w, &s);
        assert_int_equal(s.stored, next + 10);
        assert_non_null(strstr(s.trouble, texts[i]));
        write_error = SQLITE_OK;
        world_wait_said(w, false, "written again");
        next += 3000;
        world_wait_stored(w, next);
    }
    /* Full when it begins. */
    world_end(w);
    world_check_whole(world_path);
    world_remove_journal();
    write_error = SQLITE_FULL;
    w = world_writer();
    world_take(w, 0, 0, 9);
    world_wait_said(w, true, "full");
    write_error = SQLITE_OK;
    world_wait_stored(w, 10);
    world_end(w);
    assert_int_equal(sqlite3_vfs_unregister(shim), SQLITE_OK);
    world_check_whole(world_path);
    char name[256];
    assert_int_equal(world_count_aside(name), 0);
}

/* A limit that the kernel keeps: writes stop in the middle of a page. In a process of its own. */
static void file_too_large(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {600001, 600001};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        struct journal_writer *w = world_writer();
        world_take(w, 0, 0, 3999);
        world_wait_said(w, true, "tried again");
        (void)journal_writer_end(w, 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    world_check_whole(world_path);
    struct journal_writer *w = world_writer();
    journal_writer_expect(w, 0, 4000);
    world_end(w);
    world_check_whole(world_path);
    world_expect_rows("SELECT next, stored + lost, lost > 0 FROM stream", "4000|4000|1\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(no_database),
        TEST(other_databases),
        TEST(empty_file),
        TEST(cut_off),
        TEST(log_cut_off),
        TEST(damaged_at_work),
        TEST(account_outlives_the_file),
        TEST(all_or_nothing),
        TEST(locked),
        TEST(no_room),
        TEST(log_without_file),
        TEST(no_file_at_all),
        TEST(full_disk),
        TEST(file_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
