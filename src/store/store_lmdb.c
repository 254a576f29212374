/* The ledger's back end on LMDB, shared by all workers of a host. */
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "store/backend.h"
#include "store/lmdb_tree.h"

#define MAP_SIZE                                                                                   \
    ((size_t)1 << 30) /* address space, and what the file may grow to: 7 million entries */

#define PURGE_EVERY      USEC_SEC
#define PURGE_SLICE      256 /* entries looked at, and two for each one written since */
#define PURGE_FULL_EVERY (60 * USEC_SEC)
#define PURGE_FULL_SLICE 4096

static const char note_damaged[] = "the store was damaged; it was moved aside and begun anew";

struct lmdb_backend {
    struct store_backend backend;
    struct lmdb_tree *tree;

    /* The store thread's: */
    struct lmdb_walk purge;
    size_t purge_more; /* written since the last slice */
    usec_t purged;
    usec_t purged_full;
};

static struct lmdb_backend *lmdb_of(struct store_backend *b)
{
    return container_of(b, struct lmdb_backend, backend);
}

static int lmdb_get(struct store_backend *b, const struct store_key *key,
                    uint8_t ret[static ENTRY_MAX], size_t *ret_n)
{
    return lmdb_tree_get(lmdb_of(b)->tree, key, sizeof(*key), ret, ENTRY_MAX, ret_n);
}

/* ---- writing ---- */

static int remove_one(struct lmdb_backend *l, MDB_txn *txn, MDB_val *key, usec_t expires)
{
    MDB_val value;
    int rc = mdb_get(txn, l->tree->dbi, key, &value);
    if (rc == 0 &&
        (expires == ENTRY_ANY || entry_expires(value.mv_data, value.mv_size) == expires)) {
        rc = mdb_del(txn, l->tree->dbi, key, NULL);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Do the entries take more than half of what the file may grow to? */
static bool is_crowded(struct lmdb_backend *l, MDB_txn *txn)
{
    size_t page;
    MDB_envinfo map;
    size_t pages = lmdb_tree_pages(l->tree, txn, &page);
    return pages > 0 && mdb_env_info(l->tree->env, &map) == 0 && pages > map.me_mapsize / page / 2;
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
            rc = mdb_put(txn, l->tree->dbi, &key, &value, 0);
        }
    }
    return rc;
}

static int write_all(struct lmdb_backend *l, const struct list *writes)
{
    MDB_txn *txn;
    int rc = lmdb_tree_begin(l->tree, 0, &txn);
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
    rc = lmdb_tree_commit(l->tree, txn);
    l->purge_more += rc == 0 ? 2 * count : 0;
    return rc;
}

/* ---- purging ---- */

static enum lmdb_step purge_one(void *arg, const MDB_val *key, const MDB_val *value)
{
    const usec_t *wall = arg;
    (void)key;
    return entry_decode(value->mv_data, value->mv_size, *wall, NULL) ? STEP_ON : STEP_REMOVE;
}

static int purge_slice(struct lmdb_backend *l, usec_t wall, size_t most, size_t *ret_count)
{
    return lmdb_tree_purge(l->tree, &l->purge, most, purge_one, &wall, ret_count);
}

/* When the map is full: all of the tree, in slices between which others may write. */
static bool purge_full(struct lmdb_backend *l, usec_t wall)
{
    size_t count = 0;
    if (!lmdb_is_due(&l->purged_full, wall, PURGE_FULL_EVERY)) {
        return false;
    }
    l->purge = (struct lmdb_walk){.key_n = STORE_KEY_LEN};
    while (purge_slice(l, wall, PURGE_FULL_SLICE, &count) == 0) {
    }
    return count > 0;
}

static void tidy(struct lmdb_backend *l, usec_t wall)
{
    size_t count = 0;
    if (lmdb_is_due(&l->purged, wall, PURGE_EVERY)) {
        (void)purge_slice(l, wall, PURGE_SLICE + l->purge_more, &count);
        l->purge_more = 0;
    }
    lmdb_tree_check_readers(l->tree, wall);
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
    lmdb_tree_close(l->tree);
    free(l);
}

static const struct store_backend_ops lmdb_ops = {
    .get = lmdb_get,
    .apply = lmdb_apply,
    .close = lmdb_close,
};

/* ---- opening ---- */

int lmdb_backend_open(const char *folder, size_t map_size, struct store_backend **ret,
                      const char **ret_note)
{
    char aside[LMDB_PATH_MAX];
    int rc = lmdb_path(aside, folder, "");
    struct lmdb_place place = {
        .folder = folder,
        .aside = aside,
        .map_size = map_size,
        .key_n = STORE_KEY_LEN,
        .value_most = ENTRY_MAX,
    };
    struct lmdb_tree *tree;
    enum lmdb_aside moved;
    rc = rc < 0 ? rc : lmdb_tree_open(&place, &tree, &moved);
    if (rc < 0) {
        return rc;
    }
    struct lmdb_backend *l = xcalloc(1, sizeof(*l));
    l->backend.ops = &lmdb_ops;
    l->tree = tree;
    l->purge.key_n = STORE_KEY_LEN;
    *ret = &l->backend;
    *ret_note = moved != LMDB_NOTHING ? note_damaged : NULL;
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
