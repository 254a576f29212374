/* See route/recipient_sql.h. One connection and one prepared statement behind a lock: a query takes
 * some microseconds, and one that does not is ended. */
#include "route/recipient_sql.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fatal.h"
#include "parse/ascii.h"

#define BUSY_MSEC      1000
#define QUERY_TIME     (3 * USEC_SEC)
#define STEPS_A_LOOK   4000 /* of SQLite's machine, between looks at the clock */
#define PARAMETER_LIST ":address, :local_part or :domain"

struct recipient_sql {
    pthread_mutex_t lock;
    char *path;
    char *query;
    sqlite3 *db; /* NULL: not open */
    sqlite3_stmt *statement;
    dev_t device; /* of the file that is open */
    ino_t inode;
    usec_t deadline; /* of the query under way, on the monotonic clock */
};

struct recipient_sql *recipient_sql_new(const char *path, const char *query)
{
    struct recipient_sql *q = xcalloc(1, sizeof(*q));
    pthread_mutex_init(&q->lock, NULL);
    q->path = xstrdup(path);
    q->query = xstrdup(query);
    return q;
}

static void close_database(struct recipient_sql *q)
{
    (void)sqlite3_finalize(q->statement);
    (void)sqlite3_close(q->db);
    q->statement = NULL;
    q->db = NULL;
}

struct recipient_sql *recipient_sql_free(struct recipient_sql *q)
{
    if (q != NULL) {
        close_database(q);
        pthread_mutex_destroy(&q->lock);
        free(q->path);
        free(q->query);
        free(q);
    }
    return NULL;
}

/* ---- errors ---- */

static int errno_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return -EBUSY;
    case SQLITE_INTERRUPT: return -ETIMEDOUT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return -EUCLEAN;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return -EACCES;
    case SQLITE_NOMEM: return -ENOMEM;
    case SQLITE_ERROR: return -EINVAL;
    default: return -EIO;
    }
}

/* What SQLite has to say, in a line. */
static int fail(const struct recipient_sql *q, int code, char ret_why[static RECIPIENT_SQL_WHY])
{
    (void)snprintf(ret_why, RECIPIENT_SQL_WHY, "%s",
                   q->db != NULL ? sqlite3_errmsg(q->db) : sqlite3_errstr(code));
    return errno_of(code);
}

/* Called by SQLite at work: not 0 ends the query. */
static int on_progress(void *arg)
{
    const struct recipient_sql *q = arg;
    return clock_monotonic() >= q->deadline;
}

/* ---- opening ---- */

static bool is_parameter(const char *name)
{
    return name != NULL && (strcmp(name, ":address") == 0 || strcmp(name, ":local_part") == 0 ||
                            strcmp(name, ":domain") == 0);
}

/* Is it one query, of a kind that can be used? */
static int check_statement(const struct recipient_sql *q, const char *rest,
                           char ret_why[static RECIPIENT_SQL_WHY], int *ret_offset)
{
    int count = sqlite3_bind_parameter_count(q->statement);
    rest += strspn(rest, " \t\r\n;");
    *ret_offset = *rest != '\0' ? (int)(rest - q->query) : 0;
    if (q->statement == NULL || *rest != '\0' || sqlite3_column_count(q->statement) == 0 ||
        !sqlite3_stmt_readonly(q->statement)) {
        (void)snprintf(ret_why, RECIPIENT_SQL_WHY, "expected one SELECT");
        return -EINVAL;
    }
    for (int i = 1; i <= count; i++) {
        const char *name = sqlite3_bind_parameter_name(q->statement, i);
        if (!is_parameter(name)) {
            const char *at = name != NULL ? strstr(q->query, name) : strchr(q->query, '?');
            *ret_offset = at != NULL ? (int)(at - q->query) : 0;
            (void)snprintf(ret_why, RECIPIENT_SQL_WHY,
                           "expected the parameter " PARAMETER_LIST ", found %s",
                           name != NULL ? name : "\"?\"");
            return -EINVAL;
        }
    }
    if (count == 0) {
        (void)snprintf(ret_why, RECIPIENT_SQL_WHY, "expected " PARAMETER_LIST " in the query");
        return -EINVAL;
    }
    return 0;
}

/* SQLite looks into a file no sooner than it must: is it a database? */
static int look_into(struct recipient_sql *q, char ret_why[static RECIPIENT_SQL_WHY])
{
    int code = sqlite3_exec(q->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : fail(q, code, ret_why);
}

static int prepare(struct recipient_sql *q, char ret_why[static RECIPIENT_SQL_WHY], int *ret_offset)
{
    const char *rest = NULL;
    (void)sqlite3_busy_timeout(q->db, BUSY_MSEC);
    q->deadline = clock_monotonic() + QUERY_TIME;
    sqlite3_progress_handler(q->db, STEPS_A_LOOK, on_progress, q);
    int r = look_into(q, ret_why);
    if (r < 0) {
        return r;
    }
    int code =
        sqlite3_prepare_v3(q->db, q->query, -1, SQLITE_PREPARE_PERSISTENT, &q->statement, &rest);
    if (code != SQLITE_OK) {
        *ret_offset = code == SQLITE_ERROR ? sqlite3_error_offset(q->db) : -1;
        *ret_offset = code == SQLITE_ERROR && *ret_offset < 0 ? 0 : *ret_offset;
        return fail(q, code, ret_why);
    }
    return check_statement(q, rest, ret_why, ret_offset);
}

static int find_file(const char *path, struct stat *ret)
{
    if (stat(path, ret) < 0) {
        return -errno;
    }
    return S_ISREG(ret->st_mode) ? 0 : -EINVAL;
}

static int open_database(struct recipient_sql *q, char ret_why[static RECIPIENT_SQL_WHY],
                         int *ret_offset)
{
    struct stat st;
    int error = find_file(q->path, &st);
    *ret_offset = -1;
    if (error < 0) {
        (void)snprintf(ret_why, RECIPIENT_SQL_WHY, "%s",
                       error == -EINVAL ? "not a regular file" : strerrordesc_np(-error));
        close_database(q);
        return error;
    }
    if (q->db != NULL && st.st_dev == q->device && st.st_ino == q->inode) {
        return 0;
    }
    close_database(q);
    int code = sqlite3_open_v2(q->path, &q->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    int r = code == SQLITE_OK ? prepare(q, ret_why, ret_offset) : fail(q, code, ret_why);
    if (r < 0) {
        close_database(q);
        return r;
    }
    q->device = st.st_dev;
    q->inode = st.st_ino;
    return 0;
}

int recipient_sql_prepare(struct recipient_sql *q, char ret_why[static RECIPIENT_SQL_WHY],
                          int *ret_offset)
{
    pthread_mutex_lock(&q->lock);
    int r = open_database(q, ret_why, ret_offset);
    pthread_mutex_unlock(&q->lock);
    return r;
}

/* ---- asking ---- */

static int bind(const struct recipient_sql *q, const char *name, struct slice value)
{
    int i = sqlite3_bind_parameter_index(q->statement, name);
    return i == 0 ? SQLITE_OK
                  : sqlite3_bind_text64(q->statement, i, value.p != NULL ? value.p : "", value.n,
                                        SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int ask(struct recipient_sql *q, struct slice address, struct slice local_part,
               struct slice domain, char ret_why[static RECIPIENT_SQL_WHY])
{
    q->deadline = clock_monotonic() + QUERY_TIME;
    int code = bind(q, ":address", address);
    code = code != SQLITE_OK ? code : bind(q, ":local_part", local_part);
    code = code != SQLITE_OK ? code : bind(q, ":domain", domain);
    code = code != SQLITE_OK ? code : sqlite3_step(q->statement);
    int r = code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : fail(q, code, ret_why);
    (void)sqlite3_reset(q->statement);
    (void)sqlite3_clear_bindings(q->statement);
    if (r < 0 && r != -EBUSY && r != -ETIMEDOUT) {
        close_database(q); /* to be opened anew */
    }
    return r;
}

int recipient_sql_has(struct recipient_sql *q, struct slice local_part, struct slice domain,
                      char ret_why[static RECIPIENT_SQL_WHY])
{
    struct buf address = {0};
    int offset;
    buf_append_slice(&address, local_part);
    buf_append(&address, "@", 1);
    size_t at = address.n;
    buf_append_slice(&address, domain);
    ascii_lower_copy(address.p + at, address.p + at, address.n - at);
    struct slice lower = {address.p + at, address.n - at};
    pthread_mutex_lock(&q->lock);
    int r = open_database(q, ret_why, &offset);
    r = r < 0 ? r : ask(q, buf_slice(&address), local_part, lower, ret_why);
    pthread_mutex_unlock(&q->lock);
    buf_free(&address);
    return r;
}
