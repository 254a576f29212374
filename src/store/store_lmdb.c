/* The back end on LMDB, shared by all workers of a host.
 *
 * Survives kill -9 of any worker at any moment: LMDB never changes a page that a committed tree
 * uses, its writers' lock is robust, and what was written is in the kernel's page cache. Power loss
 * it need not survive, so nothing is ever synced; after a boot the environment is checked.
 *
 * MDB_WRITEMAP is not used: it would save about 2.5 us for each message, but a full disk would then
 * be a SIGBUS that kills the worker, where now it is ENOSPC for one batch. */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "store/backend.h"

#define MAP_SIZE                                                                                   \
    ((size_t)1 << 30)         /* address space, and what the file may grow to: 7 million entries */
#define READERS_MAX      1200 /* worker slots, and some */

#define PURGE_EVERY      USEC_SEC
#define PURGE_SLICE      256 /* entries looked at, and two for each one written since */
#define PURGE_FULL_EVERY (60 * USEC_SEC)
#define PURGE_FULL_SLICE 4096
#define READER_EVERY     (60 * USEC_SEC)

static const char note_damaged[] = "the store was damaged; it was moved aside and begun anew";

struct lmdb_backend {
    struct store_backend backend;
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *read; /* the loop's; holds no snapshot between calls */

    /* The store thread's: */
    struct store_key purge_from;
    size_t purge_more; /* written since the last slice */
    usec_t purged;
    usec_t purged_full;
    usec_t readers_checked;
};

static struct lmdb_backend *lmdb_of(struct store_backend *b)
{
    return container_of(b, struct lmdb_backend, backend);
}

/* ---- reading ---- */

static int lmdb_get(struct store_backend *b, const struct store_key *key,
                    uint8_t ret[static ENTRY_MAX], size_t *ret_n)
{
    struct lmdb_backend *l = lmdb_of(b);
    int rc = mdb_txn_renew(l->read);
    if (rc != 0) {
        return lmdb_errno(rc);
    }
    MDB_val k = {.mv_size = sizeof(*key), .mv_data = (void *)(uintptr_t)key};
    MDB_val value;
    rc = mdb_get(l->read, l->dbi, &k, &value);
    if (rc == 0) {
        *ret_n = value.mv_size < ENTRY_MAX ? value.mv_size : ENTRY_MAX;
        memcpy(ret, value.mv_data, *ret_n);
    }
    mdb_txn_reset(l->read);
    return rc == 0 ? 1 : rc == MDB_NOTFOUND ? 0 : lmdb_errno(rc);
}

/* ---- writing ---- */

static int remove_one(struct lmdb_backend *l, MDB_txn *txn, MDB_val *key, usec_t expires)
{
    MDB_val value;
    int rc = mdb_get(txn, l->dbi, key, &value);
    if (rc == 0 &&
        (expires == ENTRY_ANY || entry_expires(value.mv_data, value.mv_size) == expires)) {
        rc = mdb_del(txn, l->dbi, key, NULL);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Do the entries take more than half of what the file may grow to? */
static bool is_crowded(struct lmdb_backend *l, MDB_txn *txn)
{
    MDB_stat tree;
    MDB_envinfo map;
    if (mdb_stat(txn, l->dbi, &tree) != 0 || mdb_env_info(l->env, &map) != 0) {
        return false;
    }
    size_t pages = tree.ms_branch_pages + tree.ms_leaf_pages + tree.ms_overflow_pages;
    return pages > map.me_mapsize / tree.ms_psize / 2;
}

static int write_one(struct lmdb_backend *l, MDB_txn *txn, const struct store_write *w)
{
    int rc = 0;
    if (w->unawaited && !w->remove && is_crowded(l, txn)) {
        return 0; /* notes may be lost, and must leave room for the ledger */
    }
    for (size_t i = 0; i < w->count && rc == 0; i++) {
        MDB_val key = {.mv_size = STORE_KEY_LEN, .mv_data = (void *)(uintptr_t)w->op[i].key.octets};
        MDB_val value = {.mv_size = w->value_n, .mv_data = w->value};
        if (w->remove) {
            rc = remove_one(l, txn, &key, w->op[i].expires);
        } else {
            rc = mdb_put(txn, l->dbi, &key, &value, 0);
        }
    }
    return rc;
}

static int write_all(struct lmdb_backend *l, const struct list *writes)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(l->env, NULL, 0, &txn);
    if (rc != 0) {
        return rc;
    }
    size_t count = 0;
    list_for_each (it, writes) {
        const struct store_write *w = list_entry(it, struct store_write, link);
        rc = write_one(l, txn, w);
        if (rc != 0) {
            mdb_txn_abort(txn);
            return rc;
        }
        count += w->count;
    }
    rc = mdb_txn_commit(txn);
    l->purge_more += rc == 0 ? 2 * count : 0;
    return rc;
}

/* ---- purging ---- */

/* Walks up to `most` entries from where the last walk ended and deletes those that have expired.
 * *ret_count counts the deleted. 0, or what LMDB returns; MDB_NOTFOUND at the end of the tree. */
static int purge_walk(struct lmdb_backend *l, MDB_cursor *cursor, usec_t wall, size_t most,
                      size_t *ret_count)
{
    MDB_val key = {.mv_size = STORE_KEY_LEN, .mv_data = l->purge_from.octets};
    MDB_val value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (size_t i = 0; i < most && rc == 0; i++) {
        if (!entry_decode(value.mv_data, value.mv_size, wall, NULL)) {
            rc = mdb_cursor_del(cursor, 0);
            if (rc != 0) {
                return rc;
            }
            ++*ret_count;
        }
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (rc == 0) {
        memcpy(l->purge_from.octets, key.mv_data, STORE_KEY_LEN);
    } else if (rc == MDB_NOTFOUND) {
        memset(&l->purge_from, 0, sizeof(l->purge_from));
    }
    return rc;
}

static int purge_slice(struct lmdb_backend *l, usec_t wall, size_t most, size_t *ret_count)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    size_t count = 0;
    int rc = mdb_txn_begin(l->env, NULL, 0, &txn);
    if (rc != 0) {
        return rc;
    }
    rc = mdb_cursor_open(txn, l->dbi, &cursor);
    if (rc == 0) {
        rc = purge_walk(l, cursor, wall, most, &count);
        mdb_cursor_close(cursor);
    }
    if (count == 0 || (rc != 0 && rc != MDB_NOTFOUND)) {
        mdb_txn_abort(txn);
        return rc;
    }
    int commit = mdb_txn_commit(txn);
    *ret_count += commit == 0 ? count : 0;
    return commit == 0 ? rc : commit;
}

/* Is it more than `interval` since *last? Then it is now. A clock set back counts as well. */
static bool is_due(usec_t *last, usec_t wall, usec_t interval)
{
    if (wall >= *last && wall - *last < interval) {
        return false;
    }
    *last = wall;
    return true;
}

/* When the map is full: all of the tree, in slices between which others may write. */
static bool purge_full(struct lmdb_backend *l, usec_t wall)
{
    size_t count = 0;
    if (!is_due(&l->purged_full, wall, PURGE_FULL_EVERY)) {
        return false;
    }
    memset(&l->purge_from, 0, sizeof(l->purge_from));
    while (purge_slice(l, wall, PURGE_FULL_SLICE, &count) == 0) {
    }
    return count > 0;
}

static void tidy(struct lmdb_backend *l, usec_t wall)
{
    size_t count = 0;
    if (is_due(&l->purged, wall, PURGE_EVERY)) {
        (void)purge_slice(l, wall, PURGE_SLICE + l->purge_more, &count);
        l->purge_more = 0;
    }
    if (is_due(&l->readers_checked, wall, READER_EVERY)) {
        int dead;
        (void)mdb_reader_check(l->env, &dead);
    }
}

static int lmdb_apply(struct store_backend *b, const struct list *writes, usec_t wall)
{
    struct lmdb_backend *l = lmdb_of(b);
    int rc = write_all(l, writes);
    if (rc == MDB_MAP_FULL && purge_full(l, wall)) {
        rc = write_all(l, writes);
    }
    if (rc == 0) {
        tidy(l, wall);
    }
    return lmdb_errno(rc);
}

static void lmdb_close(struct store_backend *b)
{
    struct lmdb_backend *l = lmdb_of(b);
    mdb_txn_abort(l->read);
    mdb_env_close(l->env);
    free(l);
}

static const struct store_backend_ops lmdb_ops = {
    .get = lmdb_get,
    .apply = lmdb_apply,
    .close = lmdb_close,
};

/* ---- opening ---- */

int lmdb_env_open(const char *folder, size_t map_size, MDB_env **ret)
{
    MDB_env *env;
    int rc = mdb_env_create(&env);
    if (rc != 0) {
        return rc;
    }
    rc = mdb_env_set_mapsize(env, map_size);
    rc = rc != 0 ? rc : mdb_env_set_maxreaders(env, READERS_MAX);
    rc = rc != 0 ? rc : mdb_env_open(env, folder, MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOTLS, 0600);
    if (rc != 0) {
        mdb_env_close(env);
        return rc;
    }
    *ret = env;
    return 0;
}

/* The read transaction that lmdb_get renews; begun once, because that takes the reader's slot. */
static int begin_reading(struct lmdb_backend *l)
{
    int dead;
    int rc = mdb_reader_check(l->env, &dead);
    rc = rc != 0 ? rc : mdb_txn_begin(l->env, NULL, MDB_RDONLY, &l->read);
    if (rc != 0) {
        return lmdb_errno(rc);
    }
    rc = mdb_dbi_open(l->read, NULL, 0, &l->dbi);
    mdb_txn_reset(l->read);
    return lmdb_errno(rc);
}

static int open_backend(const char *folder, size_t map_size, struct lmdb_backend **ret)
{
    MDB_env *env = NULL;
    int rc = lmdb_errno(lmdb_env_open(folder, map_size, &env));
    if (rc < 0) {
        return rc;
    }
    struct lmdb_backend *l = xcalloc(1, sizeof(*l));
    l->backend.ops = &lmdb_ops;
    l->env = env;
    rc = lmdb_check_length(env, folder);
    rc = rc < 0 ? rc : begin_reading(l);
    if (rc < 0) {
        lmdb_close(&l->backend);
        return rc;
    }
    *ret = l;
    return 0;
}

/* The kernel's name for this boot, a line of text; false where it has none. */
static bool read_line(const char *path, char ret[static 64])
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return false;
    }
    bool ok = fgets(ret, 64, f) != NULL;
    fclose(f);
    return ok;
}

/* Opens what is sound. An environment that this boot has not seen yet is looked through first:
 * power may have failed since it was written. */
static int open_sound(const char *folder, size_t map_size, struct lmdb_backend **ret)
{
    char path[LMDB_PATH_MAX], boot[64] = "", seen[64] = "";
    int rc = lmdb_path(path, folder, "checked-in-boot");
    if (rc < 0) {
        return rc;
    }
    bool known = read_line("/proc/sys/kernel/random/boot_id", boot) && read_line(path, seen) &&
                 strcmp(boot, seen) == 0;
    rc = known ? 0 : lmdb_check(folder, map_size);
    rc = rc < 0 ? rc : open_backend(folder, map_size, ret);
    if (rc < 0 || known) {
        return rc;
    }
    FILE *f = fopen(path, "we");
    if (f != NULL) {
        fputs(boot, f);
        fclose(f); /* where it cannot be written the next opening checks again */
    }
    return 0;
}

/* Openers come one after the other, so that none sees the files of an environment half-made or
 * half moved aside. The lock ends with the descriptor. */
static int lock_folder(const char *folder)
{
    if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
        return -errno;
    }
    char path[LMDB_PATH_MAX];
    int rc = lmdb_path(path, folder, "opening");
    if (rc < 0) {
        return rc;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    while (flock(fd, LOCK_EX) < 0) {
        if (errno != EINTR) {
            rc = -errno;
            close(fd);
            return rc;
        }
    }
    return fd;
}

int lmdb_backend_open(const char *folder, size_t map_size, struct store_backend **ret,
                      const char **ret_note)
{
    int lock = lock_folder(folder);
    if (lock < 0) {
        return lock;
    }
    struct lmdb_backend *l;
    const char *note = NULL;
    int rc = open_sound(folder, map_size, &l);
    if (rc == -EUCLEAN) {
        note = note_damaged;
        rc = lmdb_move_aside(folder);
        rc = rc < 0 ? rc : open_sound(folder, map_size, &l);
    }
    close(lock);
    if (rc < 0) {
        return rc;
    }
    *ret = &l->backend;
    *ret_note = note;
    return 0;
}

int store_open_lmdb(struct rt *rt, const char *folder, struct store **ret, const char **ret_note)
{
    struct store_backend *b;
    int rc = lmdb_backend_open(folder, MAP_SIZE, &b, ret_note);
    if (rc == 0) {
        *ret = store_new(rt, b);
    }
    return rc;
}
