/* Reading a journal: whole records in their order, every query, a writer beside it, and journals
 * that cannot be read, each with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/network.h"
#include "journal/read.h"
#include "journal/schema.h"
#include "journal_made.h"

#define TIME 1795322970000000LL /* 2026-11-22T04:49:30Z */

static char folder[] = "/tmp/test_journal_read.XXXXXX";
static char path[80], why[JOURNAL_WHY];

static int setup(void **state)
{
    (void)state;
    strcpy(strrchr(folder, '.'), ".XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/journal.db", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "chmod -R u+w %s && rm -r %s", folder, folder);
    return system(command);
}

static struct journal *opened(void)
{
    struct journal *j = NULL;

    if (journal_open(path, &j, why) < 0) {
        fail_msg("%s", why);
    }
    return j;
}

/* ---- what is found ---- */

struct found {
    size_t count;
    int64_t first, last;
    int64_t end_at; /* returns 7 there */
    bool descending;
};

static int count_record(void *arg, const struct journal_record *r)
{
    struct found *f = arg;

    assert_true(f->count == 0 || (f->descending ? r->n < f->last : r->n > f->last));
    f->first = f->count++ == 0 ? r->n : f->first;
    f->last = r->n;
    assert_int_equal(r->recipient_count, 2);
    assert_int_equal(r->judgement.fired_count, 2);
    assert_int_equal(r->recipients[0].judgement.observed_count, 1);
    return r->n == f->end_at ? 7 : 0;
}

static struct found find(const struct journal_query *q)
{
    struct found f = {.descending = q->newest_first};
    struct journal *j = opened();
    const int r = journal_each(j, q, count_record, &f);

    if (r != 0) {
        fail_msg("%s", journal_why(j));
    }
    assert_null(journal_close(j));
    return f;
}

#define QUERY(...)                  (&(struct journal_query){__VA_ARGS__})
#define assert_found(query, number) assert_int_equal(find(query).count, number)

static void filled(int count)
{
    sqlite3 *db = journal_made(path);
    journal_fill(db, 1, count, TIME);
    journal_made_close(db);
}

static int look_at_second(void *arg, const struct journal_record *r)
{
    const struct journal_recipient *anna = &r->recipients[0], *bert = &r->recipients[1];

    (*(int *)arg)++;
    assert_int_equal(r->n, 2);
    assert_true(slice_eq(r->id, SLICE_LIT("AAAAAAAAAAA002.1")));
    assert_int_equal(r->time, TIME + 2000000);
    assert_int_equal(r->sequence, 2);
    assert_true(slice_eq(r->client, SLICE_LIT("192.0.2.2")) && r->port == 1002);
    assert_true(r->has_transaction && slice_eq(r->sender, SLICE_LIT("from2@Sender.example")));
    assert_int_equal(r->size, 102);
    assert_int_equal(r->code, 250);
    assert_true(r->hop_reply);
    assert_true(slice_eq(r->hop.failed, SLICE_LIT("smtp://192.0.2.9:25: Connection refused")));
    assert_int_equal(r->timeline.helo, 6001000);
    assert_int_equal(r->timeline.mail, -1);
    assert_int_equal(r->duration, 5000);
    assert_true(slice_eq(r->judgement.facts, SLICE_LIT("{\"client.ip\":\"192.0.2.1\"}")));
    assert_int_equal(r->judgement.fired_count, 2);
    assert_true(slice_eq(r->judgement.fired[0], SLICE_LIT("gatepost.conf:3 wait")));
    assert_true(slice_eq(r->judgement.fired[1], SLICE_LIT("gatepost.conf:5 doubt")));
    assert_int_equal(r->judgement.observed_count, 0);

    assert_int_equal(anna->number, 1);
    assert_true(slice_eq(anna->mailbox, SLICE_LIT("Anna2@example.org")));
    assert_true(anna->delivered_before && anna->at == 7000000 && anna->phase.n == 0);
    assert_int_equal(anna->judgement.fired_count, 0);
    assert_true(slice_eq(anna->judgement.observed[0], SLICE_LIT("gatepost.conf:14 reject")));
    assert_int_equal(bert->number, 2);
    assert_true(slice_eq(bert->phase, SLICE_LIT("rcpt")) && bert->code == 550 && bert->at == -1);
    assert_true(slice_eq(bert->judgement.rule, SLICE_LIT("gatepost.conf:12")));
    assert_true(slice_eq(bert->judgement.fired[0], SLICE_LIT("gatepost.conf:12 reject")));
    assert_int_equal(bert->judgement.doubt, 3);
    assert_int_equal(bert->judgement.observed_count, 0);
    return 0;
}

static void whole_records(void **state)
{
    (void)state;
    int seen = 0;
    filled(3);
    struct journal *j = opened();
    assert_int_equal(
        journal_each(j, QUERY(.id = SLICE_LIT("AAAAAAAAAAA002")), look_at_second, &seen), 0);
    assert_int_equal(seen, 1);
    journal_close(j);
}

static void order_and_limits(void **state)
{
    (void)state;
    struct found f;
    filled(5000);

    f = find(QUERY(0));
    assert_true(f.count == 5000 && f.first == 1 && f.last == 5000);
    f = find(QUERY(.newest_first = true));
    assert_true(f.count == 5000 && f.first == 5000 && f.last == 1);
    f = find(QUERY(.limit = 10));
    assert_true(f.count == 10 && f.first == 4991 && f.last == 5000);
    f = find(QUERY(.limit = 10, .newest_first = true));
    assert_true(f.count == 10 && f.first == 5000 && f.last == 4991);
    f = find(QUERY(.limit = 10000));
    assert_int_equal(f.count, 5000);
    f = find(QUERY(.first_n = 100, .last_n = 2000));
    assert_true(f.count == 1901 && f.first == 100 && f.last == 2000);
    f = find(QUERY(.since = TIME + 4000 * USEC_SEC, .until = TIME + 4100 * USEC_SEC));
    assert_true(f.count == 100 && f.first == 4000 && f.last == 4099);
    /* Of 5000 every 200th has that client: rows far apart. */
    struct conf_network one;
    assert_int_equal(network_parse(SLICE_LIT("192.0.2.7"), &one), 0);
    f = find(QUERY(.client = &one, .limit = 3));
    assert_true(f.count == 3 && f.first == 4407 && f.last == 4807);
    assert_found(QUERY(.limit = 5, .sender = SLICE_LIT("nobody@example.org")), 0);
}

static void ends_when_told(void **state)
{
    (void)state;
    struct found f = {.end_at = 100};
    filled(200);
    struct journal *j = opened();
    assert_int_equal(journal_each(j, QUERY(0), count_record, &f), 7);
    assert_int_equal(f.count, 100);
    journal_close(j);
}

static void addresses(void **state)
{
    (void)state;
    filled(100);
    assert_found(QUERY(.sender = SLICE_LIT("FROM3@sender.EXAMPLE")), 10);
    assert_found(QUERY(.sender = SLICE_LIT("@sender.example")), 100);
    assert_found(QUERY(.sender = SLICE_LIT("sender.example")), 100);
    assert_found(QUERY(.sender = SLICE_LIT("example")), 0); /* a domain, not a part of one */
    assert_found(QUERY(.sender = SLICE_LIT("<>")), 0);
    assert_found(QUERY(.sender = SLICE_LIT("' OR 1=1 --")), 0);
    assert_found(QUERY(.recipient = SLICE_LIT("anna1@EXAMPLE.org")), 20);
    assert_found(QUERY(.recipient = SLICE_LIT("@example.net")), 100);
    assert_found(QUERY(.recipient = SLICE_LIT("example.org")), 100);
    assert_found(QUERY(.recipient = SLICE_LIT("postmaster")), 0);

    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    journal_run(db,
                "UPDATE decision SET sender = '' WHERE n = 4;"
                "UPDATE decision SET sender = NULL WHERE n = 5;"
                "UPDATE recipient SET mailbox = 'Postmaster' WHERE decision = 6 AND number = 1");
    journal_made_close(db);
    assert_found(QUERY(.sender = SLICE_LIT("<>")), 1);
    assert_found(QUERY(.recipient = SLICE_LIT("postmaster")), 1);
}

static void networks(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } cases[] = {{"192.0.2.7", 1},
                 {"192.0.2.0/29", 7},
                 {"2001:db8::/32", 1},
                 {"0.0.0.0/0", 99},
                 {"198.51.100.0/24", 0}};
    filled(100);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    journal_run(db, "UPDATE decision SET client = '2001:db8::1' WHERE n = 50");
    journal_made_close(db);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct conf_network network;
        assert_int_equal(network_parse(slice_of(cases[i].text), &network), 0);
        assert_found(QUERY(.client = &network), cases[i].count);
    }
}

static void words(void **state)
{
    (void)state;
    filled(50);
    assert_found(QUERY(.verdict = SLICE_LIT("accepted")), 50);
    assert_found(QUERY(.verdict = SLICE_LIT("refused")), 50); /* of a recipient */
    assert_found(QUERY(.verdict = SLICE_LIT("deferred")), 0);
    assert_found(QUERY(.phase = SLICE_LIT("rcpt")), 50);
    assert_found(QUERY(.phase = SLICE_LIT("mail")), 0);
    assert_found(QUERY(.rule = SLICE_LIT("gatepost.conf:12")), 50); /* decided */
    assert_found(QUERY(.rule = SLICE_LIT("gatepost.conf:3")), 50);  /* fired */
    assert_found(QUERY(.rule = SLICE_LIT("gatepost.conf:14")), 50); /* observed */
    assert_found(QUERY(.rule = SLICE_LIT("gatepost.conf:14 reject")), 50);
    assert_found(QUERY(.rule = SLICE_LIT("gatepost.conf:1")), 0);
    assert_found(QUERY(.reply = SLICE_LIT("550 5.7.1 NOT for")), 50);
    assert_found(QUERY(.reply = SLICE_LIT("250 2.0.0 taken")), 50);
    assert_found(QUERY(.reply = SLICE_LIT("%")), 0);
    assert_found(QUERY(.hop = SLICE_LIT("192.0.2.25")), 50);
    assert_found(QUERY(.hop = SLICE_LIT("connection REFUSED")), 50);
    assert_found(QUERY(.hop = SLICE_LIT("taken")), 50);
    assert_found(QUERY(.hop = SLICE_LIT("not for you")), 0); /* a rule's words */

    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    journal_run(db, "UPDATE recipient SET rule = NULL, hop_reply = 1 WHERE decision = 3 AND "
                    "number = 2;"
                    "UPDATE recipient SET rule = NULL, text = 'no mail for this domain here: "
                    "relaying denied' WHERE decision = 4 AND number = 2;"
                    "UPDATE decision SET more = 'no JSON' WHERE n = 5");
    journal_made_close(db);
    assert_found(QUERY(.hop = SLICE_LIT("not for you")), 1);
    assert_found(QUERY(.hop = SLICE_LIT("relaying")), 0); /* ours */
    assert_found(QUERY(.hop = SLICE_LIT("refused")), 49);
    assert_found(QUERY(.id = SLICE_LIT("AAAAAAAAAAA007.1")), 1);
    assert_found(QUERY(.id = SLICE_LIT("AAAAAAAAAAA007.2")), 0);
}

static void bounds(void **state)
{
    (void)state;
    int64_t first, last, count;
    sqlite3 *db = journal_made(path);
    struct journal *j = opened();
    assert_int_equal(journal_bounds(j, 0, &first, &last, &count), 0);
    assert_true(first == 0 && last == 0 && count == 0);
    journal_fill(db, 11, 10, TIME);
    assert_int_equal(journal_bounds(j, 0, &first, &last, &count), 0);
    assert_true(first == 11 && last == 20 && count == 10);
    assert_int_equal(journal_bounds(j, TIME + 18 * USEC_SEC, &first, &last, &count), 0);
    assert_true(first == 18 && last == 20 && count == 3);
    journal_close(j);
    journal_made_close(db);
}

static void rules(void **state)
{
    (void)state;
    struct journal_rule rule;
    struct arena arena;
    sqlite3 *db = journal_made(path);
    journal_run(db, "INSERT INTO rule (policy, number, phase, place, label, action, observe, text) "
                    "VALUES ('aa', 4, 'rcpt', 'x.conf:3', 'x.conf:3 reject', 'reject', 1,"
                    " 'observe reject when true')");
    arena_init(&arena);
    struct journal *j = opened();
    assert_int_equal(journal_rule(j, SLICE_LIT("aa"), SLICE_LIT("x.conf:3"), &arena, &rule), 0);
    assert_int_equal(rule.number, 4);
    assert_true(rule.observe && slice_eq(rule.text, SLICE_LIT("observe reject when true")));
    assert_true(slice_eq(rule.phase, SLICE_LIT("rcpt")));
    assert_int_equal(journal_rule(j, SLICE_LIT("ab"), SLICE_LIT("x.conf:3"), &arena, &rule),
                     -ENOENT);
    arena_free(&arena);
    journal_close(j);
    journal_made_close(db);
}

/* ---- a writer beside it ---- */

struct beside {
    sqlite3 *db;
    int next;
    size_t seen;
};

/* While records are read, others are written, and all of the -wal is put into the database: no
 * reader's snapshot may keep that up. */
static int write_beside(void *arg, const struct journal_record *r)
{
    struct beside *b = arg;
    int busy = 1;
    sqlite3_stmt *st;

    (void)r;
    if (b->seen++ % 500 == 0 && b->next < 1500) {
        journal_fill(b->db, b->next, 100, TIME);
        b->next += 100;
        assert_int_equal(
            sqlite3_prepare_v2(b->db, "PRAGMA wal_checkpoint(TRUNCATE)", -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        busy = sqlite3_column_int(st, 0);
        sqlite3_finalize(st);
        assert_int_equal(busy, 0);
    }
    return 0;
}

static void beside_a_writer(void **state)
{
    (void)state;
    sqlite3 *db = journal_made(path);
    journal_fill(db, 1, 1000, TIME);
    struct beside b = {.db = db, .next = 1001};
    struct journal *j = opened();
    assert_int_equal(journal_each(j, QUERY(0), write_beside, &b), 0);
    assert_int_equal(b.seen, 1000); /* those that were there when it began */
    assert_true(b.next > 1001);
    b.seen = 0;
    assert_int_equal(journal_each(j, QUERY(.first_n = 1001), write_beside, &b), 0);
    assert_int_equal(b.seen, b.next > 1200 ? 200 : 100);
    journal_close(j);
    journal_made_close(db);
}

/* The journal was set aside, and another begun. */
static void replaced(void **state)
{
    (void)state;
    filled(5);
    struct journal *j = opened();
    char aside[100];
    snprintf(aside, sizeof(aside), "%s.aside", path);
    assert_true(journal_is_current(j));
    assert_int_equal(rename(path, aside), 0);
    assert_false(journal_is_current(j));
    filled(7);
    assert_false(journal_is_current(j));
    journal_close(j);
    assert_found(QUERY(0), 7);
}

/* ---- journals that cannot be read ---- */

static void assert_unreadable(int error, const char *reason)
{
    struct journal *j = NULL;
    const int r = journal_open(path, &j, why);

    assert_null(j);
    assert_int_equal(r, error);
    if (strstr(why, path) == NULL || strstr(why, reason) == NULL) {
        fail_msg("%s", why);
    }
}

static void put_file(const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    }
    close(fd);
}

static void no_journals(void **state)
{
    (void)state;
    assert_unreadable(-ENOENT, "there is no journal");
    put_file("", 0);
    assert_unreadable(-EUCLEAN, "it is empty");
    put_file("this is no database, only text\n", 1000);
    assert_unreadable(-EUCLEAN, "nor any database");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_unreadable(-EUCLEAN, "not a regular file");
    assert_int_equal(rmdir(path), 0);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    journal_run(db, "CREATE TABLE decision (n INTEGER PRIMARY KEY)");
    assert_unreadable(-EMEDIUMTYPE, "another database");
    journal_run(db, "PRAGMA application_id = %d; PRAGMA user_version = 99", JOURNAL_APPLICATION_ID);
    assert_unreadable(-EPROTONOSUPPORT, "of a newer Gatepost");
    journal_made_close(db);
}

static void locked(void **state)
{
    (void)state;
    filled(5);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    journal_run(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM decision");
    assert_unreadable(-EBUSY, "locked by another process");
    journal_run(db, "ROLLBACK");
    journal_made_close(db);
    assert_found(QUERY(0), 5);
}

static int take_any(void *arg, const struct journal_record *r)
{
    (void)r;
    (*(size_t *)arg)++;
    return 0;
}

/* Garbage in the middle of the file, which opening does not see. */
static void damaged(void **state)
{
    (void)state;
    size_t seen = 0;
    struct stat st;
    filled(3000);
    assert_int_equal(stat(path, &st), 0);
    int fd = open(path, O_WRONLY);
    for (off_t at = st.st_size / 4; at < st.st_size; at += 7) {
        assert_int_equal(pwrite(fd, "\377", 1, at), 1);
    }
    close(fd);
    struct journal *j = opened();
    assert_int_equal(journal_each(j, QUERY(0), take_any, &seen), -EUCLEAN);
    assert_true(seen < 3000);
    assert_non_null(strstr(journal_why(j), "is damaged"));
    journal_close(j);
    assert_int_equal(truncate(path, 5000), 0);
    if (journal_open(path, &j, why) == 0) {
        assert_int_equal(journal_each(j, QUERY(0), take_any, &seen), -EUCLEAN);
        journal_close(j);
    }
}

/* As a user who may not: of nobody's rights, where the tests run as root. */
static void become(uid_t user)
{
    if (getuid() == 0) {
        assert_int_equal(seteuid(user), 0);
    }
}

static void not_allowed(void **state)
{
    (void)state;
    filled(5);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    become(65534);
    assert_unreadable(-EACCES, "may not be read by this user");
    become(0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(folder, getuid() == 0 ? 0700 : 0), 0);
    become(65534);
    assert_unreadable(-EACCES, "may not be read by this user");
    become(0);
    assert_int_equal(chmod(folder, 0700), 0);
}

/* A folder in which SQLite may not make what it wants beside the journal. */
static void folder_read_only(void **state)
{
    (void)state;
    char wal[100];
    filled(5);
    snprintf(wal, sizeof(wal), "%s-wal", path);
    assert_int_equal(access(wal, F_OK), -1);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    become(65534);
    assert_found(QUERY(0), 5);
    assert_int_equal(access(wal, F_OK), -1);
    become(0);
    /* With a -wal that is not empty the file alone is not all there is. */
    assert_int_equal(chmod(folder, 0755), 0);
    int fd = open(wal, O_WRONLY | O_CREAT, 0644);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    assert_int_equal(chmod(folder, 0555), 0);
    become(65534);
    assert_unreadable(-EACCES, "its newest records are still in");
    become(0);
}

/* Nothing in the path is taken for a part of SQLite's own language of paths. */
static void odd_paths(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "%s/a?b#c%%41 d'.db", folder);
    filled(3);
    assert_found(QUERY(0), 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(whole_records),    CASE(order_and_limits),
        CASE(ends_when_told),   CASE(addresses),
        CASE(networks),         CASE(words),
        CASE(bounds),           CASE(rules),
        CASE(beside_a_writer),  CASE(replaced),
        CASE(no_journals),      CASE(locked),
        CASE(damaged),          CASE(not_allowed),
        CASE(folder_read_only), CASE(odd_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
