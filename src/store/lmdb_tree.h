/* Inside src/store only: one LMDB environment with one tree in it, shared by the processes of a
 * host; opened with care, checked after a boot, moved aside where it is damaged. What the entries
 * are is for its users: the ledger's store and the memory.
 *
 * Survives kill -9 of any process at any moment: LMDB never changes a page that a committed tree
 * uses, its writers' lock is robust, and what was written is in the kernel's page cache. Power loss
 * it need not survive, so nothing is ever synced; after a boot the environment is checked.
 *
 * MDB_WRITEMAP is not used: it would save about 2.5 us for each message, but a full disk would then
 * be a SIGBUS that kills the worker, where now it is ENOSPC for one batch. */
#pragma once

#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

/* What it is opened for: */
enum lmdb_use {
    LMDB_TO_SERVE,  /* made where there is none; what cannot be used is moved aside */
    LMDB_TO_MAKE,   /* made where there is none; what cannot be used stays where it is */
    LMDB_TO_CHANGE, /* the same, but none is made */
    LMDB_TO_LOOK,   /* nor is anything changed in what is there */
};

/* Where it lies, and what it is like. */
struct lmdb_place {
    enum lmdb_use use;
    const char *folder; /* created 0700 where missing */
    const char *aside; /* where it goes when it is damaged: a path that "damaged-SECONDS" follows */
    size_t map_size;   /* octets: the most the file can grow to */
    size_t key_n;      /* of every key */
    size_t value_most;
    uint8_t version; /* of what is in it, kept under a key of zeros; 0: not kept */
};

struct lmdb_tree {
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *read;          /* the loop's; holds no snapshot between calls */
    pthread_mutex_t map;    /* held while it is read, and while it is mapped anew */
    usec_t readers_checked; /* the store thread's */
};

/* What had to be moved aside to open it: */
enum lmdb_aside { LMDB_NOTHING, LMDB_DAMAGED, LMDB_NEWER };

/* 0 or a negative errno: -ENOENT where there is none and none is made; -EUCLEAN where it is
 * damaged, -EPROTONOSUPPORT where it is newer, and it stays where it is. */
int lmdb_tree_open(const struct lmdb_place *place, struct lmdb_tree **ret,
                   enum lmdb_aside *ret_aside);
struct lmdb_tree *lmdb_tree_close(struct lmdb_tree *t);

/* Copies the value, or as much of it as there is room for: 1, 0 when there is none, or a negative
 * errno. On the loop; never waits. */
int lmdb_tree_get(struct lmdb_tree *t, const void *key, size_t key_n, void *ret, size_t room,
                  size_t *ret_n);

/* Which commit is the last one, of all processes; 0 when LMDB cannot tell. On the loop; never
 * waits.
 */
uint64_t lmdb_tree_version(struct lmdb_tree *t);

/* How many entries there are, and the file's octets. On the loop. */
void lmdb_tree_figures(struct lmdb_tree *t, uint64_t *ret_entries, uint64_t *ret_octets);

/* ---- in the store thread ---- */

/* Begins to write, or to read what others may be changing; what LMDB returns. Where another process
 * has let the file grow further than we have mapped, it is mapped anew. */
int lmdb_tree_begin(struct lmdb_tree *t, unsigned flags, MDB_txn **ret);

/* Commits; what LMDB returns, but ENOSPC where it says EIO because the disk took only a part. */
int lmdb_tree_commit(struct lmdb_tree *t, MDB_txn *txn);

/* Now and then frees the places of readers that were killed. */
void lmdb_tree_check_readers(struct lmdb_tree *t, usec_t wall);

/* Pages that entries take, and the octets of one; 0 pages when LMDB cannot tell. */
size_t lmdb_tree_pages(struct lmdb_tree *t, MDB_txn *txn, size_t *ret_page);

/* Where a walk through the tree, round and round, has come to. */
#define LMDB_KEY_MOST 64
struct lmdb_walk {
    size_t key_n;
    uint8_t from[LMDB_KEY_MOST];
};

enum lmdb_step { STEP_ON, STEP_REMOVE, STEP_STOP };
typedef enum lmdb_step lmdb_step_fn(void *arg, const MDB_val *key, const MDB_val *value);

/* Shows the next entries, `most` at most, to fn, and removes those it says; *ret_count counts them.
 * What LMDB returns; MDB_NOTFOUND at the end of the tree, and the next walk is from its beginning.
 */
int lmdb_tree_walk(struct lmdb_tree *t, MDB_txn *txn, struct lmdb_walk *w, size_t most,
                   lmdb_step_fn *fn, void *arg, size_t *ret_count);

/* The same in a transaction of its own, which is committed where anything was removed. */
int lmdb_tree_purge(struct lmdb_tree *t, struct lmdb_walk *w, size_t most, lmdb_step_fn *fn,
                    void *arg, size_t *ret_count);

/* Is it more than `interval` since *last? Then it is now. A clock set back counts as well. */
bool lmdb_is_due(usec_t *last, usec_t wall, usec_t interval);

/* ---- for opening, and tests ---- */

/* A path below the environment's folder; -ENAMETOOLONG. */
#define LMDB_PATH_MAX 4096
int lmdb_path(char ret[static LMDB_PATH_MAX], const char *folder, const char *name);

/* Flags and limits that all openers of an environment must agree on. Returns what LMDB does. */
int lmdb_env_open(const struct lmdb_place *place, MDB_env **ret);

/* An LMDB return value as a negative errno; what means damage is -EUCLEAN. */
int lmdb_errno(int rc);

/* Is the environment's file as long as its content says? 0, -EUCLEAN or another errno. */
int lmdb_check_length(MDB_env *env, const char *folder);

/* Looks through the whole environment, in a process of its own because LMDB crashes on some kinds
 * of damage: 0 when it is sound or there is none, -EUCLEAN when it is not, or an errno that says
 * nothing about it. */
int lmdb_check(const struct lmdb_place *place);

/* Moves the environment's files to a folder that is made, `aside` with `what` ("damaged") and the
 * time. */
int lmdb_move_aside(const struct lmdb_place *place, const char *what);
