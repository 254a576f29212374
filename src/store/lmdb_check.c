/* Is an LMDB environment sound, and what to do when it is not.
 *
 * Commits are not synced, so that a power loss can leave a tree whose pages were never written.
 * LMDB answers some such damage with an error, some with a failed assertion, and some by reading
 * beyond the file's end; hence the look through all of it in a process that may die of it. */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/lmdb_tree.h"

#define CHECK_SECONDS_MAX 120 /* a damaged tree may be a ring */

#define FREE_DBI          0 /* LMDB's own tree of unused pages, which mdb_stat reads in the same way */

int lmdb_path(char ret[static LMDB_PATH_MAX], const char *folder, const char *name)
{
    int n = snprintf(ret, LMDB_PATH_MAX, "%s/%s", folder, name);
    return n < LMDB_PATH_MAX ? 0 : -ENAMETOOLONG;
}

int lmdb_errno(int rc)
{
    switch (rc) {
    case MDB_SUCCESS: return 0;
    case MDB_NOTFOUND: return -ENOENT;
    case MDB_MAP_FULL: return -ENOSPC;
    case MDB_READERS_FULL: return -EAGAIN;
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INCOMPATIBLE: return -EUCLEAN;
    default: return rc > 0 ? -rc : -EIO;
    }
}

int lmdb_check_length(MDB_env *env, const char *folder)
{
    char path[LMDB_PATH_MAX];
    int rc = lmdb_path(path, folder, "data.mdb");
    if (rc < 0) {
        return rc;
    }
    /* In this order: others may be writing, and they write pages before they point to them. */
    MDB_envinfo info;
    MDB_stat stat_env;
    struct stat stat_file;
    mdb_env_info(env, &info);
    mdb_env_stat(env, &stat_env);
    if (stat(path, &stat_file) < 0) {
        return -errno;
    }
    return (size_t)stat_file.st_size / stat_env.ms_psize > info.me_last_pgno ? 0 : -EUCLEAN;
}

/* ---- in the process that may die ---- */

static size_t pages_of(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_stat stat;
    if (mdb_stat(txn, dbi, &stat) != 0) {
        return 0;
    }
    return stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
}

/* Every entry, in ascending order of keys, as many as the tree says. */
static int check_entries(MDB_txn *txn, MDB_dbi dbi, const struct lmdb_place *place)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc != 0) {
        return lmdb_errno(rc);
    }
    uint8_t before[LMDB_KEY_MOST];
    size_t count = 0;
    MDB_val key, value;
    bool sound = true;
    while (sound && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        sound = key.mv_size == place->key_n && value.mv_size <= place->value_most &&
                (count == 0 || memcmp(before, key.mv_data, place->key_n) < 0);
        if (sound) {
            memcpy(before, key.mv_data, place->key_n);
            count++;
        }
    }
    mdb_cursor_close(cursor);
    MDB_stat stat;
    if (sound && rc == MDB_NOTFOUND && mdb_stat(txn, dbi, &stat) == 0) {
        return count == stat.ms_entries ? 0 : -EUCLEAN;
    }
    return -EUCLEAN;
}

/* Every page is used once: by the entries, by the tree of unused pages, or listed there. */
static int check_pages(MDB_env *env, MDB_txn *txn, MDB_dbi dbi)
{
    MDB_envinfo info, again;
    mdb_env_info(env, &info);
    mdb_env_info(env, &again);
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn, FREE_DBI, &cursor);
    if (rc != 0) {
        return lmdb_errno(rc);
    }
    size_t pages = 2 + pages_of(txn, dbi) + pages_of(txn, FREE_DBI);
    MDB_val key, value;
    bool sound = true;
    while (sound && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        size_t unused = 0; /* the list's first word is its length */
        sound = value.mv_size >= sizeof(unused);
        if (sound) {
            memcpy(&unused, value.mv_data, sizeof(unused));
            sound = unused < value.mv_size / sizeof(unused);
            pages += unused;
        }
    }
    mdb_cursor_close(cursor);
    if (!sound || rc != MDB_NOTFOUND) {
        return -EUCLEAN;
    }
    /* Another process may have committed since our snapshot, or be about to: then the sum says
     * nothing. */
    bool same = info.me_last_txnid == mdb_txn_id(txn) &&
                again.me_last_txnid == info.me_last_txnid &&
                again.me_last_pgno == info.me_last_pgno;
    return !same || pages == info.me_last_pgno + 1 ? 0 : -EUCLEAN;
}

static int check_all(const struct lmdb_place *place)
{
    MDB_env *env = NULL;
    int rc = lmdb_errno(lmdb_env_open(place, &env));
    if (rc < 0) {
        return rc;
    }
    MDB_txn *txn;
    MDB_dbi dbi;
    rc = lmdb_check_length(env, place->folder);
    if (rc == 0) {
        rc = lmdb_errno(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
    }
    if (rc == 0) {
        rc = lmdb_errno(mdb_dbi_open(txn, NULL, 0, &dbi));
        rc = rc < 0 ? rc : check_entries(txn, dbi, place);
        rc = rc < 0 ? rc : check_pages(env, txn, dbi);
        mdb_txn_abort(txn);
    }
    mdb_env_close(env);
    return rc;
}

_Noreturn static void check_and_exit(const struct lmdb_place *place, int out)
{
    static const int deadly[] = {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
        signal(deadly[i], SIG_DFL);
    }
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDERR_FILENO); /* where LMDB would write its failed assertion */
    }
    alarm(CHECK_SECONDS_MAX);
    int rc = check_all(place);
    _exit(write(out, &rc, sizeof(rc)) == (ssize_t)sizeof(rc) ? 0 : 1);
}

/* ---- */

int lmdb_check(const struct lmdb_place *place)
{
    char path[LMDB_PATH_MAX];
    int rc = lmdb_path(path, place->folder, "data.mdb");
    if (rc < 0 || access(path, F_OK) < 0) {
        return rc < 0 ? rc : errno == ENOENT ? 0 : -errno;
    }
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) < 0) {
        return -errno;
    }
    pid_t pid = fork();
    if (pid < 0) {
        rc = -errno;
        close(pipe_fd[0]);
        close(pipe_fd[1]);
        return rc;
    }
    if (pid == 0) {
        check_and_exit(place, pipe_fd[1]);
    }
    close(pipe_fd[1]);
    ssize_t n;
    do {
        n = read(pipe_fd[0], &rc, sizeof(rc));
    } while (n < 0 && errno == EINTR);
    close(pipe_fd[0]);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    /* It said nothing: it died of what it read. */
    return n == (ssize_t)sizeof(rc) ? rc : -EUCLEAN;
}

/* An unused name for what is moved aside, made. */
static int make_folder_aside(const char *aside, const char *what, char ret[static LMDB_PATH_MAX])
{
    long long seconds = (long long)time(NULL);
    for (int i = 0; i < 100; i++) {
        int n = snprintf(ret, LMDB_PATH_MAX, "%s%s-%lld", aside, what, seconds + i);
        if (n >= LMDB_PATH_MAX) {
            return -ENAMETOOLONG;
        }
        if (mkdir(ret, 0700) == 0) {
            return 0;
        }
        if (errno != EEXIST) {
            return -errno;
        }
    }
    return -EEXIST;
}

int lmdb_move_aside(const struct lmdb_place *place, const char *what)
{
    char aside[LMDB_PATH_MAX];
    int rc = make_folder_aside(place->aside, what, aside);
    static const char *const names[] = {"lock.mdb", "data.mdb"};
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        char from[LMDB_PATH_MAX], to[LMDB_PATH_MAX];
        rc = lmdb_path(from, place->folder, names[i]);
        rc = rc < 0 ? rc : lmdb_path(to, aside, names[i]);
        if (rc == 0 && rename(from, to) < 0 && errno != ENOENT) {
            rc = -errno;
        }
    }
    return rc;
}
