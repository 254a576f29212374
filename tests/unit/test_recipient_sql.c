/* Recipients by a query to an SQLite database: what is found, queries that are none, and databases
 * that are locked, damaged, replaced or not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "route/recipient_sql.h"

#define QUERY "SELECT 1 FROM users WHERE address = lower(:address)"

static char folder[] = "/tmp/test_recipient_sql.XXXXXX";
static char path[80], other[80], why[RECIPIENT_SQL_WHY];

static void run(const char *file, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int setup(void **state)
{
    (void)state;
    strcpy(strrchr(folder, '.'), ".XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/users.db", folder);
    snprintf(other, sizeof(other), "%s/other.db", folder);
    run(path, "CREATE TABLE users (address TEXT PRIMARY KEY, local TEXT, domain TEXT);"
              "INSERT INTO users VALUES ('anna@example.org', 'Anna', 'example.org');");
    why[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static int has(struct recipient_sql *q, const char *local_part, const char *domain)
{
    return recipient_sql_has(q, slice_of(local_part), slice_of(domain), why);
}

static void found(void **state)
{
    (void)state;
    struct recipient_sql *q = recipient_sql_new(path, QUERY);
    assert_int_equal(has(q, "anna", "example.org"), 1);
    assert_int_equal(has(q, "ANNA", "Example.ORG"), 1);
    assert_int_equal(has(q, "bob", "example.org"), 0);
    assert_int_equal(has(q, "", "example.org"), 0);
    /* A value is never part of the query. */
    assert_int_equal(has(q, "' OR 1=1 --", "example.org"), 0);
    run(path, "INSERT INTO users VALUES ('bob@example.org', 'bob', 'example.org')");
    assert_int_equal(has(q, "bob", "example.org"), 1);
    assert_null(recipient_sql_free(q));
    assert_null(recipient_sql_free(NULL));

    q = recipient_sql_new(path, "SELECT NULL FROM users WHERE local = :local_part AND domain = "
                                ":domain AND :domain <> '' ; ");
    assert_int_equal(has(q, "Anna", "EXAMPLE.org"), 1); /* the domain in lower case */
    assert_int_equal(has(q, "anna", "example.org"), 0);
    recipient_sql_free(q);
}

static void assert_fault(const char *query, int offset, const char *expected)
{
    int at = -2;
    struct recipient_sql *q = recipient_sql_new(path, query);
    assert_true(recipient_sql_prepare(q, why, &at) < 0);
    assert_string_equal(why, expected);
    assert_int_equal(at, offset);
    assert_true(has(q, "anna", "example.org") < 0);
    recipient_sql_free(q);
}

static void faults(void **state)
{
    (void)state;
    assert_fault("SELECT 1 FORM users WHERE address = :address", 14,
                 "near \"users\": syntax error");
    assert_fault("SELECT 1 FROM user WHERE address = :address", 0, "no such table: user");
    assert_fault("SELECT 1 FROM users WHERE adress = :address", 26, "no such column: adress");
    assert_fault("SELECT 1 FROM users", 0,
                 "expected :address, :local_part or :domain in the query");
    assert_fault("SELECT 1 FROM users WHERE address = ?", 36,
                 "expected the parameter :address, :local_part or :domain, found \"?\"");
    assert_fault("SELECT 1 FROM users WHERE address = :adress", 36,
                 "expected the parameter :address, :local_part or :domain, found :adress");
    assert_fault("DELETE FROM users WHERE address = :address", 0, "expected one SELECT");
    assert_fault("UPDATE users SET local = :local_part RETURNING 1", 0, "expected one SELECT");
    assert_fault("SELECT 1 WHERE :address; SELECT 2", 25, "expected one SELECT");
    assert_fault("-- nothing", 0, "expected one SELECT");
}

static void not_there(void **state)
{
    (void)state;
    int at = -2;
    struct recipient_sql *q = recipient_sql_new(other, QUERY);
    assert_int_equal(recipient_sql_prepare(q, why, &at), -ENOENT);
    assert_string_equal(why, "No such file or directory");
    assert_int_equal(at, -1);
    assert_int_equal(has(q, "anna", "example.org"), -ENOENT);
    assert_int_equal(access(other, F_OK), -1); /* none is made */
    run(other, "CREATE TABLE users (address TEXT); INSERT INTO users VALUES ('anna@example.org')");
    assert_int_equal(has(q, "anna", "example.org"), 1); /* and once it is there it is used */
    recipient_sql_free(q);

    q = recipient_sql_new(folder, QUERY);
    assert_int_equal(has(q, "anna", "example.org"), -EINVAL);
    assert_string_equal(why, "not a regular file");
    recipient_sql_free(q);
}

static void replaced(void **state)
{
    (void)state;
    struct recipient_sql *q = recipient_sql_new(path, QUERY);
    assert_int_equal(has(q, "anna", "example.org"), 1);
    run(other, "CREATE TABLE users (address TEXT); INSERT INTO users VALUES ('bob@example.org')");
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(has(q, "anna", "example.org"), 0);
    assert_int_equal(has(q, "bob", "example.org"), 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(has(q, "bob", "example.org"), -ENOENT);
    recipient_sql_free(q);
}

static void damaged(void **state)
{
    (void)state;
    struct recipient_sql *q = recipient_sql_new(other, QUERY);
    int fd = open(other, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "this is no database, only text\n", 31), 31);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(write(fd, "this is no database, only text\n", 31), 31);
    }
    close(fd);
    assert_int_equal(has(q, "anna", "example.org"), -EUCLEAN);
    assert_string_equal(why, "file is not a database");
    recipient_sql_free(q);

    int at = -2; /* also where the query has no need of it */
    q = recipient_sql_new(other, "SELECT :domain");
    assert_int_equal(recipient_sql_prepare(q, why, &at), -EUCLEAN);
    assert_int_equal(at, -1);
    recipient_sql_free(q);
}

static void locked(void **state)
{
    (void)state;
    sqlite3 *db;
    struct recipient_sql *q = recipient_sql_new(path, QUERY);
    assert_int_equal(has(q, "anna", "example.org"), 1);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(has(q, "anna", "example.org"), -EBUSY);
    assert_string_equal(why, "database is locked");
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(has(q, "anna", "example.org"), 1);
    recipient_sql_free(q);
}

static void endless(void **state)
{
    (void)state;
    struct recipient_sql *q =
        recipient_sql_new(path, "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
                                "SELECT 1 FROM n WHERE x < 0 AND :address <> ''");
    assert_int_equal(has(q, "anna", "example.org"), -ETIMEDOUT);
    assert_string_equal(why, "interrupted");
    recipient_sql_free(q);
}

static void *ask_often(void *arg)
{
    char cause[RECIPIENT_SQL_WHY];
    intptr_t wrong = 0;
    for (int i = 0; i < 500; i++) {
        wrong += recipient_sql_has(arg, SLICE_LIT("anna"), SLICE_LIT("example.org"), cause) != 1;
        wrong += recipient_sql_has(arg, SLICE_LIT("bob"), SLICE_LIT("example.org"), cause) != 0;
    }
    return (void *)wrong;
}

static void several_threads(void **state)
{
    (void)state;
    pthread_t thread[4];
    struct recipient_sql *q = recipient_sql_new(path, QUERY);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, ask_often, q), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *wrong;
        assert_int_equal(pthread_join(thread[i], &wrong), 0);
        assert_null(wrong);
    }
    recipient_sql_free(q);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(found),   TEST(faults), TEST(not_there), TEST(replaced),
        TEST(damaged), TEST(locked), TEST(endless),   TEST(several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
