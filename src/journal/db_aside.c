/* Putting a file aside that is of no use as a journal: it is renamed and never changed. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "journal/db.h"

/* ---- aside ---- */

#define ASIDE_TRIES 100

/* "FILE.aside-20261122T044930Z", with "-2" and so on behind it where there is that already. */
static int aside_name(const char *path, usec_t now, char *ret_name, size_t size)
{
    char time[TIME_RFC3339_MAX];
    struct stat st;

    time_format_rfc3339(now, time);
    for (unsigned i = 1; i < ASIDE_TRIES; i++) {
        char again[8] = "";
        if (i > 1) {
            (void)snprintf(again, sizeof(again), "-%u", i);
        }
        int n = snprintf(ret_name, size, "%s.aside-%.4s%.2s%.5s%.2s%.2sZ%s", path, time, time + 5,
                         time + 8, time + 14, time + 17, again);
        if (n < 0 || (size_t)n >= size) {
            return -ENAMETOOLONG;
        }
        if (lstat(ret_name, &st) < 0) {
            return errno == ENOENT ? 0 : -errno;
        }
    }
    return -EEXIST;
}

static int rename_part(const char *path, const char *name, const char *suffix)
{
    struct buf from = {0}, to = {0};

    buf_printf(&from, "%s%s%c", path, suffix, '\0');
    buf_printf(&to, "%s%s%c", name, suffix, '\0');
    int r = rename(from.p, to.p) == 0 || errno == ENOENT ? 0 : -errno;
    buf_free(&from);
    buf_free(&to);
    return r;
}

int journal_db_put_aside(struct journal_db *d, usec_t now, char *ret_name, size_t size)
{
    static const char *const parts[] = {"-wal", "", "-shm"};
    int r = aside_name(d->path, now, ret_name, size);

    /* It is not to be changed any more, not even by moving its log into it. */
    if (d->db != NULL) {
        (void)sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    journal_db_close(d);
    /* The log first: alone under its old name it would belong to the new file. */
    for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
        r = rename_part(d->path, ret_name, parts[i]);
    }
    return r;
}

int journal_db_put_log_aside(const struct journal_db *d, usec_t now)
{
    char name[ASIDE_NAME_MAX];
    struct buf log = {0};
    struct stat st;

    buf_printf(&log, "%s-wal%c", d->path, '\0');
    int r = stat(log.p, &st) == 0 && st.st_size > 0 ? aside_name(d->path, now, name, sizeof(name))
                                                    : -ENOENT;
    r = r < 0 ? r : rename_part(d->path, name, "-wal");
    buf_free(&log);
    return r;
}
