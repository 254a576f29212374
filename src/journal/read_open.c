/* Opening a journal to read it, and saying plainly why that cannot be done. */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/text.h"
#include "journal/read_impl.h"
#include "journal/schema.h"

/* How long a lock is waited for: the clerk holds none that keeps readers out but for a moment, when
 * it begins or ends. */
#define BUSY_MSEC 2000

/* ---- why not ---- */

static int say(char why[static JOURNAL_WHY], int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int say(char why[static JOURNAL_WHY], int error, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(why, JOURNAL_WHY, format, ap);
    va_end(ap);
    text_clean(why, strlen(why));
    return error;
}

int journal_fail(struct journal *j, int code)
{
    const char *path = j->path;

    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return say(j->why, -EBUSY, "%s is locked by another process; try again", path);
    case SQLITE_NOTADB: return say(j->why, -EUCLEAN, "%s is no journal, nor any database", path);
    case SQLITE_CORRUPT:
        return say(j->why, -EUCLEAN,
                   "%s is damaged (%s); what can still be read of it, sqlite3's .recover tells",
                   path, sqlite3_errmsg(j->db));
    case SQLITE_NOMEM: fatal("out of memory for the journal");
    default:
        return say(j->why, -EIO, "%s cannot be read: %s", path,
                   j->db != NULL ? sqlite3_errmsg(j->db) : sqlite3_errstr(code));
    }
}

/* The owner of the file, or of the folder that keeps us from it. */
static const char *owner_of(const char *path, char ret_name[static 64])
{
    char *at = xstrdup(path);
    struct stat st;
    uid_t owner = 0;

    while (stat(at, &st) < 0 && strrchr(at, '/') > at) {
        *strrchr(at, '/') = '\0';
    }
    if (stat(at, &st) == 0) {
        owner = st.st_uid;
    }
    free(at);
    const struct passwd *user = getpwuid(owner);
    if (user != NULL) {
        (void)snprintf(ret_name, 64, "%s", user->pw_name);
    } else {
        (void)snprintf(ret_name, 64, "the user %u", (unsigned)owner);
    }
    return ret_name;
}

static int not_allowed(const char *path, char why[static JOURNAL_WHY])
{
    char name[64];

    return say(why, -EACCES, "%s may not be read by this user; root may, and %s", path,
               owner_of(path, name));
}

/* What the file system says before SQLite is asked. */
static int look_at_file(const char *path, struct stat *st, char why[static JOURNAL_WHY])
{
    if (stat(path, st) < 0) {
        switch (errno) {
        case ENOENT:
            return say(why, -ENOENT,
                       "there is no journal at %s: no Gatepost has written one there yet, or the "
                       "configuration names another place",
                       path);
        case EACCES: return not_allowed(path, why);
        default: return say(why, -errno, "%s cannot be read: %s", path, strerrordesc_np(errno));
        }
    }
    if (!S_ISREG(st->st_mode)) {
        return say(why, -EUCLEAN, "%s is no journal: not a regular file", path);
    }
    if (eaccess(path, R_OK) < 0) {
        return not_allowed(path, why);
    }
    return st->st_size > 0 ? 0 : say(why, -EUCLEAN, "%s is no journal: it is empty", path);
}

/* ---- opening ---- */

/* "file:" and the path, whatever octets it has. */
static void put_uri(struct buf *uri, const char *path, bool immutable)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";

    buf_append_slice(uri, SLICE_LIT("file:"));
    for (const char *p = path; *p != '\0'; p++) {
        if (strchr(plain, *p) != NULL) {
            buf_append(uri, p, 1);
        } else {
            buf_printf(uri, "%%%02x", (unsigned)(unsigned char)*p);
        }
    }
    buf_append_slice(uri, immutable ? SLICE_LIT("?immutable=1") : SLICE_LIT(""));
    buf_append(uri, "", 1);
}

/* SQLITE_OK, or what SQLite says, which looks into a file no sooner than it must. A file that
 * somebody has made is not trusted either: nothing in its schema may call what has effects. */
static int open_database(struct journal *j, bool immutable)
{
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    struct buf uri = {0};

    (void)sqlite3_close(j->db);
    j->db = NULL;
    put_uri(&uri, j->path, immutable);
    int code = sqlite3_open_v2(uri.p, &j->db, flags, NULL);
    buf_free(&uri);
    if (code != SQLITE_OK) {
        return code;
    }
    j->immutable = immutable;
    (void)sqlite3_db_config(j->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(j->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_busy_timeout(j->db, BUSY_MSEC);
    return sqlite3_exec(j->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
}

/* Has the -wal beside the journal anything in it? */
static bool has_wal(const struct journal *j)
{
    struct buf path = {0};
    struct stat st;

    buf_printf(&path, "%s-wal", j->path);
    buf_append(&path, "", 1);
    const bool has = stat(path.p, &st) == 0 && st.st_size > 0;
    buf_free(&path);
    return has;
}

/* SQLite wants its -shm beside a journal, and makes it. Where it may not, as on a read-only file
 * system, nobody is writing: the file alone is all there is, unless there is a -wal. */
static int open_somehow(struct journal *j)
{
    int code = open_database(j, false);
    const int kind = code & 0xff;

    if (kind != SQLITE_CANTOPEN && kind != SQLITE_READONLY && kind != SQLITE_PERM) {
        return code == SQLITE_OK ? 0 : journal_fail(j, code);
    }
    if (has_wal(j)) {
        return say(
            j->why, -EACCES,
            "%s cannot be read here: its newest records are still in %s-wal, and that takes a "
            "%s-shm, which may not be made. Read it as its owner or as root, or copy it with "
            "its -wal to where you may write",
            j->path, j->path, j->path);
    }
    code = open_database(j, true);
    return code == SQLITE_OK ? 0 : journal_fail(j, code);
}

/* Is it a journal, and one of ours? */
static int check_kind(struct journal *j)
{
    enum journal_kind kind;
    const int code = journal_schema_look(j->db, &kind);

    if (code != SQLITE_OK) {
        return journal_fail(j, code);
    }
    switch (kind) {
    case JOURNAL_OURS: return 0;
    case JOURNAL_OLDER:
        return say(j->why, -EPROTONOSUPPORT,
                   "%s is a journal of an older Gatepost; read it with that one, or with sqlite3",
                   j->path);
    case JOURNAL_NEWER:
        return say(j->why, -EPROTONOSUPPORT,
                   "%s is a journal of a newer Gatepost; read it with that one, or with sqlite3",
                   j->path);
    case JOURNAL_EMPTY:
        return say(j->why, -EUCLEAN, "%s is no journal: there is nothing in it", j->path);
    case JOURNAL_FOREIGN: break;
    }
    return say(j->why, -EMEDIUMTYPE, "%s is no journal, but another database", j->path);
}

int journal_open(const char *path, struct journal **ret, char why[static JOURNAL_WHY])
{
    struct stat st;
    int r = look_at_file(path, &st, why);

    if (r < 0) {
        return r;
    }
    struct journal *j = xcalloc(1, sizeof(*j));
    j->path = xstrdup(path);
    j->device = st.st_dev;
    j->inode = st.st_ino;
    r = open_somehow(j);
    r = r < 0 ? r : check_kind(j);
    if (r < 0) {
        memcpy(why, j->why, JOURNAL_WHY);
        (void)journal_close(j);
        return r;
    }
    *ret = j;
    return 0;
}

struct journal *journal_close(struct journal *j)
{
    if (j != NULL) {
        (void)sqlite3_close(j->db);
        free(j->path);
        free(j);
    }
    return NULL;
}

const char *journal_why(const struct journal *j)
{
    return j->why;
}

bool journal_is_current(const struct journal *j)
{
    struct stat st;

    return stat(j->path, &st) == 0 && st.st_dev == j->device && st.st_ino == j->inode &&
           !(j->immutable && has_wal(j));
}
