#include "store/lmdb_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fatal.h"

#define READERS_MAX  1200 /* worker slots, and some */
#define READER_EVERY (60 * USEC_SEC)

/* ---- reading ---- */

int lmdb_tree_get(struct lmdb_tree *t, const void *key, size_t key_n, void *ret, size_t room,
                  size_t *ret_n)
{
    MDB_val k = {.mv_size = key_n, .mv_data = (void *)(uintptr_t)key};
    MDB_val value;
    pthread_mutex_lock(&t->map);
    int rc = mdb_txn_renew(t->read);
    if (rc == 0) {
        rc = mdb_get(t->read, t->dbi, &k, &value);
        if (rc == 0) {
            *ret_n = value.mv_size < room ? value.mv_size : room;
            memcpy(ret, value.mv_data, *ret_n);
        }
        mdb_txn_reset(t->read);
    }
    pthread_mutex_unlock(&t->map);
    return rc == 0 ? 1 : rc == MDB_NOTFOUND ? 0 : lmdb_errno(rc);
}

uint64_t lmdb_tree_version(struct lmdb_tree *t)
{
    uint64_t version = 0;
    pthread_mutex_lock(&t->map);
    /* Not by mdb_env_info, which may know of a commit a moment earlier than readers do. */
    if (mdb_txn_renew(t->read) == 0) {
        version = mdb_txn_id(t->read);
        mdb_txn_reset(t->read);
    }
    pthread_mutex_unlock(&t->map);
    return version;
}

void lmdb_tree_figures(struct lmdb_tree *t, uint64_t *ret_entries, uint64_t *ret_octets)
{
    MDB_stat stat = {0};
    MDB_envinfo info = {0};
    pthread_mutex_lock(&t->map);
    (void)mdb_env_stat(t->env, &stat);
    (void)mdb_env_info(t->env, &info);
    pthread_mutex_unlock(&t->map);
    *ret_entries = stat.ms_entries;
    *ret_octets = (info.me_last_pgno + 1) * (uint64_t)stat.ms_psize;
}

/* ---- in the store thread ---- */

int lmdb_tree_begin(struct lmdb_tree *t, unsigned flags, MDB_txn **ret)
{
    int rc = mdb_txn_begin(t->env, NULL, flags, ret);
    if (rc == MDB_MAP_RESIZED) {
        pthread_mutex_lock(&t->map);
        rc = mdb_env_set_mapsize(t->env, 0);
        pthread_mutex_unlock(&t->map);
        rc = rc != 0 ? rc : mdb_txn_begin(t->env, NULL, flags, ret);
    }
    return rc;
}

int lmdb_tree_commit(struct lmdb_tree *t, MDB_txn *txn)
{
    int rc = mdb_txn_commit(txn), fd;
    struct statvfs disk;
    bool full = rc == EIO && mdb_env_get_fd(t->env, &fd) == 0 && fstatvfs(fd, &disk) == 0 &&
                disk.f_bavail == 0;
    return full ? ENOSPC : rc;
}

bool lmdb_is_due(usec_t *last, usec_t wall, usec_t interval)
{
    if (wall >= *last && wall - *last < interval) {
        return false;
    }
    *last = wall;
    return true;
}

void lmdb_tree_check_readers(struct lmdb_tree *t, usec_t wall)
{
    int dead;
    if (lmdb_is_due(&t->readers_checked, wall, READER_EVERY)) {
        (void)mdb_reader_check(t->env, &dead);
    }
}

size_t lmdb_tree_pages(struct lmdb_tree *t, MDB_txn *txn, size_t *ret_page)
{
    MDB_stat tree;
    if (mdb_stat(txn, t->dbi, &tree) != 0) {
        return 0;
    }
    *ret_page = tree.ms_psize;
    return tree.ms_branch_pages + tree.ms_leaf_pages + tree.ms_overflow_pages;
}

/* ---- walks ---- */

static int walk(MDB_cursor *cursor, struct lmdb_walk *w, size_t most, lmdb_step_fn *fn, void *arg,
                size_t *ret_count)
{
    MDB_val key = {.mv_size = w->key_n, .mv_data = w->from};
    MDB_val value;
    enum lmdb_step step = STEP_ON;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (size_t i = 0; i < most && rc == 0 && step != STEP_STOP; i++) {
        step = fn(arg, &key, &value);
        if (step == STEP_REMOVE) {
            rc = mdb_cursor_del(cursor, 0);
            if (rc != 0) {
                return rc;
            }
            ++*ret_count;
        }
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (rc == 0) {
        memcpy(w->from, key.mv_data, w->key_n);
    } else if (rc == MDB_NOTFOUND) {
        memset(w->from, 0, sizeof(w->from));
    }
    return rc;
}

int lmdb_tree_walk(struct lmdb_tree *t, MDB_txn *txn, struct lmdb_walk *w, size_t most,
                   lmdb_step_fn *fn, void *arg, size_t *ret_count)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn, t->dbi, &cursor);
    if (rc == 0) {
        rc = walk(cursor, w, most, fn, arg, ret_count);
        mdb_cursor_close(cursor);
    }
    return rc;
}

int lmdb_tree_purge(struct lmdb_tree *t, struct lmdb_walk *w, size_t most, lmdb_step_fn *fn,
                    void *arg, size_t *ret_count)
{
    MDB_txn *txn;
    size_t count = 0;
    int rc = lmdb_tree_begin(t, 0, &txn);
    if (rc != 0) {
        return rc;
    }
    rc = lmdb_tree_walk(t, txn, w, most, fn, arg, &count);
    if (count == 0 || (rc != 0 && rc != MDB_NOTFOUND)) {
        mdb_txn_abort(txn);
        return rc;
    }
    int commit = lmdb_tree_commit(t, txn);
    *ret_count += commit == 0 ? count : 0;
    return commit == 0 ? rc : commit;
}

/* ---- opening ---- */

int lmdb_env_open(const struct lmdb_place *place, MDB_env **ret)
{
    MDB_env *env;
    int rc = mdb_env_create(&env);
    if (rc != 0) {
        return rc;
    }
    rc = mdb_env_set_mapsize(env, place->map_size);
    rc = rc != 0 ? rc : mdb_env_set_maxreaders(env, READERS_MAX);
    unsigned look = place->use == LMDB_TO_LOOK ? MDB_RDONLY : 0;
    unsigned flags = MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOTLS | look;
    rc = rc != 0 ? rc : mdb_env_open(env, place->folder, flags, 0600);
    if (rc != 0) {
        mdb_env_close(env);
        return rc;
    }
    *ret = env;
    return 0;
}

/* The read transaction that lmdb_tree_get renews; begun once, because that takes the reader's
 * slot. */
static int begin_reading(struct lmdb_tree *t)
{
    int dead;
    int rc = mdb_reader_check(t->env, &dead);
    rc = rc != 0 ? rc : mdb_txn_begin(t->env, NULL, MDB_RDONLY, &t->read);
    if (rc != 0) {
        return lmdb_errno(rc);
    }
    rc = mdb_dbi_open(t->read, NULL, 0, &t->dbi);
    mdb_txn_reset(t->read);
    return lmdb_errno(rc);
}

/* 0 where there is nothing in it, -EUCLEAN where there is, or another errno. */
static int expect_nothing(struct lmdb_tree *t)
{
    MDB_stat stat;
    int rc = mdb_env_stat(t->env, &stat);
    return rc != 0 ? lmdb_errno(rc) : stat.ms_entries > 0 ? -EUCLEAN : 0;
}

/* Writes the version into an environment that has nothing in it. */
static int write_version(struct lmdb_tree *t, const struct lmdb_place *place)
{
    static uint8_t zeros[LMDB_KEY_MOST];
    uint8_t version = place->version;
    MDB_val key = {.mv_size = place->key_n, .mv_data = zeros};
    MDB_val value = {.mv_size = sizeof(version), .mv_data = &version};
    MDB_stat stat;
    MDB_txn *txn;
    int rc = mdb_txn_begin(t->env, NULL, 0, &txn);
    if (rc != 0) {
        return lmdb_errno(rc);
    }
    rc = mdb_stat(txn, t->dbi, &stat);
    if (rc != 0 || stat.ms_entries > 0) {
        mdb_txn_abort(txn);
        return rc != 0 ? lmdb_errno(rc) : -EUCLEAN;
    }
    rc = mdb_put(txn, t->dbi, &key, &value, 0);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return lmdb_errno(rc);
    }
    return lmdb_errno(mdb_txn_commit(txn));
}

/* 0, -EUCLEAN where there is none but something else, -EPROTONOSUPPORT where it is newer. */
static int check_version(struct lmdb_tree *t, const struct lmdb_place *place)
{
    static const uint8_t zeros[LMDB_KEY_MOST];
    uint8_t version = 0;
    size_t n = 0;
    if (place->version == 0) {
        return 0;
    }
    int rc = lmdb_tree_get(t, zeros, place->key_n, &version, sizeof(version), &n);
    if (rc == 0) {
        return place->use == LMDB_TO_LOOK ? expect_nothing(t) : write_version(t, place);
    }
    if (rc < 0 || n != sizeof(version) || version == 0) {
        return rc < 0 ? rc : -EUCLEAN;
    }
    return version > place->version ? -EPROTONOSUPPORT : 0;
}

struct lmdb_tree *lmdb_tree_close(struct lmdb_tree *t)
{
    if (t == NULL) {
        return NULL;
    }
    mdb_txn_abort(t->read);
    mdb_env_close(t->env);
    pthread_mutex_destroy(&t->map);
    free(t);
    return NULL;
}

static int open_tree(const struct lmdb_place *place, struct lmdb_tree **ret)
{
    MDB_env *env = NULL;
    int rc = lmdb_errno(lmdb_env_open(place, &env));
    if (rc < 0) {
        return rc;
    }
    struct lmdb_tree *t = xcalloc(1, sizeof(*t));
    t->env = env;
    pthread_mutex_init(&t->map, NULL);
    rc = lmdb_check_length(env, place->folder);
    rc = rc < 0 ? rc : begin_reading(t);
    rc = rc < 0 ? rc : check_version(t, place);
    if (rc < 0) {
        lmdb_tree_close(t);
        return rc;
    }
    *ret = t;
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

/* To be looked at: what LMDB may crash on is told each time. */
static int open_to_look(const struct lmdb_place *place, struct lmdb_tree **ret)
{
    int rc = lmdb_check(place);
    return rc < 0 ? rc : open_tree(place, ret);
}

/* Opens what is sound. An environment that this boot has not seen yet is looked through first:
 * power may have failed since it was written. */
static int open_sound(const struct lmdb_place *place, struct lmdb_tree **ret)
{
    if (place->use == LMDB_TO_LOOK) {
        return open_to_look(place, ret);
    }
    char path[LMDB_PATH_MAX], boot[64] = "", seen[64] = "";
    int rc = lmdb_path(path, place->folder, "checked-in-boot");
    if (rc < 0) {
        return rc;
    }
    bool known = read_line("/proc/sys/kernel/random/boot_id", boot) && read_line(path, seen) &&
                 strcmp(boot, seen) == 0;
    rc = known ? 0 : lmdb_check(place);
    rc = rc < 0 ? rc : open_tree(place, ret);
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

static bool makes(const struct lmdb_place *place)
{
    return place->use == LMDB_TO_SERVE || place->use == LMDB_TO_MAKE;
}

/* Is there one? 0, -ENOENT, or another errno. A file with nothing in it is not one yet. */
static int expect_one(const struct lmdb_place *place)
{
    char path[LMDB_PATH_MAX];
    struct stat st;
    int rc = lmdb_path(path, place->folder, "data.mdb");
    if (rc < 0) {
        return rc;
    }
    return stat(path, &st) < 0 ? -errno : st.st_size > 0 ? 0 : -ENOENT;
}

/* What openers lock: where nothing is to be changed, and there is only a copy of a data.mdb, it is
 * the folder. */
static int open_lock(const struct lmdb_place *place, const char *path)
{
    if (place->use != LMDB_TO_LOOK) {
        return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 && errno == ENOENT ? open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : fd;
}

/* Openers come one after the other, so that none sees the files of an environment half-made or
 * half moved aside. The lock ends with the descriptor. */
static int lock_folder(const struct lmdb_place *place)
{
    if (makes(place) && mkdir(place->folder, 0700) < 0 && errno != EEXIST) {
        return -errno;
    }
    char path[LMDB_PATH_MAX];
    int rc = lmdb_path(path, place->folder, "opening");
    if (rc < 0) {
        return rc;
    }
    int fd = open_lock(place, path);
    if (fd < 0) {
        return -errno;
    }
    while (flock(fd, place->use == LMDB_TO_LOOK ? LOCK_SH : LOCK_EX) < 0) {
        if (errno != EINTR) {
            rc = -errno;
            close(fd);
            return rc;
        }
    }
    return fd;
}

int lmdb_tree_open(const struct lmdb_place *place, struct lmdb_tree **ret,
                   enum lmdb_aside *ret_aside)
{
    int lock = lock_folder(place);
    if (lock < 0) {
        return lock;
    }
    struct lmdb_tree *t = NULL;
    enum lmdb_aside aside = LMDB_NOTHING;
    int rc = makes(place) ? 0 : expect_one(place);
    rc = rc < 0 ? rc : open_sound(place, &t);
    if (place->use == LMDB_TO_SERVE && (rc == -EUCLEAN || rc == -EPROTONOSUPPORT)) {
        aside = rc == -EUCLEAN ? LMDB_DAMAGED : LMDB_NEWER;
        rc = lmdb_move_aside(place, aside == LMDB_DAMAGED ? "damaged" : "newer");
        rc = rc < 0 ? rc : open_sound(place, &t);
    }
    close(lock);
    if (rc < 0) {
        return rc;
    }
    *ret = t;
    *ret_aside = aside;
    return 0;
}
