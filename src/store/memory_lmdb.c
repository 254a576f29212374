/* The memory on LMDB, shared by all processes of a host, in an environment of its own.
 *
 * It is full when its records take three quarters of the pages it may have; the rest is what LMDB
 * needs to change any. From then on each new record sends one away. Keys are digests, so that
 * neighbours in the tree are a random sample: of those next to where the new one goes, the one of
 * least worth leaves. So it leaves room just where that is needed, and pages stay as full as they
 * are; LMDB does not join pages before they are three quarters empty. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "store/lmdb_tree.h"
#include "store/memory_impl.h"

#define VERSION     1

#define PURGE_EVERY USEC_SEC
#define PURGE_SLICE 256 /* records looked at, and two for each one that is new since */
#define EACH_SLICE  256 /* records read in one transaction */

/* Of the pages there are, those for records; and those from where on each new one sends two away,
 * because records that are there have grown, or pages have become less full. */
#define FULL(pages)     ((pages) / 4 * 3)
#define TOO_FULL(pages) ((pages) / 16 * 13)

struct lmdb_backend {
    struct memory_backend backend;
    struct lmdb_tree *tree;

    /* The store thread's: */
    struct lmdb_walk purge;
    size_t purge_more; /* new since the last slice */
    usec_t purged;
};

static struct lmdb_backend *lmdb_of(struct memory_backend *b)
{
    return container_of(b, struct lmdb_backend, backend);
}

static int lmdb_get(struct memory_backend *b, const struct memory_key *key,
                    uint8_t ret[static RECORD_OCTETS_MAX], size_t *ret_n)
{
    return lmdb_tree_get(lmdb_of(b)->tree, key, sizeof(*key), ret, RECORD_OCTETS_MAX, ret_n);
}

static uint64_t lmdb_version(struct memory_backend *b)
{
    return lmdb_tree_version(lmdb_of(b)->tree);
}

/* Is it the place of the version, which is none of ours? */
static bool is_version(const MDB_val *key)
{
    static const uint8_t zeros[MEMORY_KEY_LEN];
    return key->mv_size == sizeof(zeros) && memcmp(key->mv_data, zeros, sizeof(zeros)) == 0;
}

/* ---- making room ---- */

static enum lmdb_step sample_one(void *arg, const MDB_val *key, const MDB_val *value)
{
    struct memory_sample *s = arg;
    struct memory_key k;
    if (is_version(key) || key->mv_size != sizeof(k)) {
        return STEP_ON;
    }
    memcpy(&k, key->mv_data, sizeof(k));
    if (memory_sample_see(s, &k, value->mv_data, value->mv_size) == SIGHT_EXPIRED) {
        return STEP_REMOVE;
    }
    return memory_sample_done(s) ? STEP_STOP : STEP_ON;
}

/* Removes the one of least worth of those behind `at`, and what is over. What LMDB returns;
 * *ret_gone counts all. */
static int evict(struct lmdb_backend *l, MDB_txn *txn, const struct memory_key *at,
                 const struct batch_time *time, uint64_t *ret_evicted, size_t *ret_gone)
{
    struct memory_sample s = {.rules = &l->backend.setup.rules, .time = *time};
    struct lmdb_walk walk = {.key_n = MEMORY_KEY_LEN};
    memcpy(walk.from, at, MEMORY_KEY_LEN);
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0 && !memory_sample_done(&s); i++) {
        rc = lmdb_tree_walk(l->tree, txn, &walk, MEMORY_SAMPLE_MOST, sample_one, &s, ret_gone);
        rc = rc == MDB_NOTFOUND ? 0 : rc; /* then from the beginning */
    }
    if (rc != 0 || !s.found) {
        return rc;
    }
    MDB_val key = {.mv_size = sizeof(s.key), .mv_data = s.key.octets};
    rc = mdb_del(txn, l->tree->dbi, &key, NULL);
    if (rc == 0) {
        ++*ret_evicted;
        ++*ret_gone;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* How many records are to go for one that comes? */
static unsigned too_many(struct lmdb_backend *l, MDB_txn *txn)
{
    size_t page;
    MDB_envinfo map;
    size_t pages = lmdb_tree_pages(l->tree, txn, &page);
    if (pages == 0 || mdb_env_info(l->tree->env, &map) != 0) {
        return 0;
    }
    if (pages > TOO_FULL(map.me_mapsize / page)) {
        return 2;
    }
    return pages > FULL(l->backend.setup.size / page);
}

/* What a batch has come to, which counts when it is committed. */
struct outcome {
    uint64_t evicted;
    uint64_t no_room;
    size_t made;
};

/* Is there room for a new record? 1, 0, or a negative errno. */
static int make_room(struct lmdb_backend *l, MDB_txn *txn, const struct memory_key *key,
                     const struct batch_time *time, struct outcome *o)
{
    unsigned many = too_many(l, txn);
    size_t gone = 0;
    for (unsigned i = 0; i < many; i++) {
        int rc = evict(l, txn, key, time, &o->evicted, &gone);
        if (rc != 0) {
            return lmdb_errno(rc);
        }
    }
    return many == 0 || gone > 0;
}

/* ---- writing ---- */

static int put_one(struct lmdb_backend *l, MDB_txn *txn, const struct memory_change *c,
                   const struct batch_time *time, struct outcome *o)
{
    uint8_t octets[RECORD_OCTETS_MAX];
    MDB_val key = {.mv_size = MEMORY_KEY_LEN, .mv_data = (void *)(uintptr_t)c->key.octets};
    MDB_val old = {0};
    int rc = mdb_get(txn, l->tree->dbi, &key, &old);
    bool there = rc == 0;
    if (rc != 0 && rc != MDB_NOTFOUND) {
        return lmdb_errno(rc);
    }
    size_t n = memory_change_apply(c, old.mv_data, old.mv_size, &l->backend.setup.rules, octets);
    if (n == 0) {
        return there ? lmdb_errno(mdb_del(txn, l->tree->dbi, &key, NULL)) : 0;
    }
    int room = there ? 1 : make_room(l, txn, &c->key, time, o);
    if (room <= 0) {
        o->no_room += room == 0;
        return room;
    }
    MDB_val value = {.mv_size = n, .mv_data = octets};
    o->made += !there;
    return lmdb_errno(mdb_put(txn, l->tree->dbi, &key, &value, 0));
}

static int put_all(struct lmdb_backend *l, const struct list *changes,
                   const struct batch_time *time, struct outcome *o)
{
    MDB_txn *txn;
    int rc = lmdb_errno(lmdb_tree_begin(l->tree, 0, &txn));
    if (rc < 0) {
        return rc;
    }
    list_for_each (it, changes) {
        rc = put_one(l, txn, list_entry(it, struct memory_change, link), time, o);
        if (rc < 0) {
            mdb_txn_abort(txn);
            return rc;
        }
    }
    return lmdb_errno(lmdb_tree_commit(l->tree, txn));
}

/* ---- purging ---- */

struct purge {
    const struct record_rules *rules;
    const struct batch_time *time;
};

static enum lmdb_step purge_one(void *arg, const MDB_val *key, const MDB_val *value)
{
    const struct purge *p = arg;
    bool over =
        !is_version(key) && memory_is_over(value->mv_data, value->mv_size, p->rules, p->time);
    return over ? STEP_REMOVE : STEP_ON;
}

static void tidy(struct lmdb_backend *l, const struct batch_time *time)
{
    struct purge p = {.rules = &l->backend.setup.rules, .time = time};
    size_t count = 0;
    if (time->steady && lmdb_is_due(&l->purged, time->wall, PURGE_EVERY)) {
        (void)lmdb_tree_purge(l->tree, &l->purge, PURGE_SLICE + l->purge_more, purge_one, &p,
                              &count);
        l->purge_more = 0;
    }
    lmdb_tree_check_readers(l->tree, time->wall);
}

/* Pages that a change has freed can be used again two changes later. Where there are enough of
 * them, but none yet, it takes changes of next to nothing to get there. */
static int free_pages(struct lmdb_backend *l)
{
    uint8_t zeros[MEMORY_KEY_LEN] = {0}, version = VERSION;
    MDB_val key = {.mv_size = sizeof(zeros), .mv_data = zeros};
    MDB_val value = {.mv_size = sizeof(version), .mv_data = &version};
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++) {
        MDB_txn *txn;
        rc = lmdb_tree_begin(l->tree, 0, &txn);
        if (rc != 0) {
            return rc;
        }
        rc = mdb_put(txn, l->tree->dbi, &key, &value, 0);
        if (rc != 0) {
            mdb_txn_abort(txn);
            return rc;
        }
        rc = lmdb_tree_commit(l->tree, txn);
    }
    return rc;
}

static int lmdb_apply(struct memory_backend *b, const struct list *changes,
                      const struct batch_time *time)
{
    struct lmdb_backend *l = lmdb_of(b);
    struct outcome o = {0};
    int rc = put_all(l, changes, time, &o);
    if (rc == -ENOSPC && free_pages(l) == 0) {
        o = (struct outcome){0};
        rc = put_all(l, changes, time, &o);
    }
    if (rc == 0) {
        atomic_fetch_add_explicit(&b->evicted, o.evicted, memory_order_relaxed);
        atomic_fetch_add_explicit(&b->no_room, o.no_room, memory_order_relaxed);
        l->purge_more += 2 * o.made;
        tidy(l, time);
    }
    return rc;
}

/* ---- all of them ---- */

struct slice_of_records {
    size_t count;
    struct {
        size_t n;
        uint8_t octets[RECORD_OCTETS_MAX];
    } record[EACH_SLICE];
};

static enum lmdb_step copy_one(void *arg, const MDB_val *key, const MDB_val *value)
{
    struct slice_of_records *s = arg;
    if (!is_version(key) && value->mv_size <= RECORD_OCTETS_MAX) {
        s->record[s->count].n = value->mv_size;
        memcpy(s->record[s->count].octets, value->mv_data, value->mv_size);
        s->count++;
    }
    return STEP_ON;
}

/* In transactions that end before fn is called: it may take long, and must not keep LMDB from using
 * pages again meanwhile. */
static int lmdb_each(struct memory_backend *b, int (*fn)(void *arg, const uint8_t *p, size_t n),
                     void *arg)
{
    struct lmdb_backend *l = lmdb_of(b);
    struct lmdb_walk walk = {.key_n = MEMORY_KEY_LEN};
    struct slice_of_records *s = xcalloc(1, sizeof(*s));
    int rc = 0, at = 0;
    while (rc == 0 && at == 0) {
        MDB_txn *txn;
        size_t none = 0;
        s->count = 0;
        at = lmdb_tree_begin(l->tree, MDB_RDONLY, &txn);
        if (at == 0) {
            at = lmdb_tree_walk(l->tree, txn, &walk, EACH_SLICE, copy_one, s, &none);
            mdb_txn_abort(txn);
        }
        for (size_t i = 0; i < s->count && rc == 0; i++) {
            rc = fn(arg, s->record[i].octets, s->record[i].n);
        }
    }
    free(s);
    return rc != 0 || at == MDB_NOTFOUND ? rc : lmdb_errno(at);
}

static void lmdb_figures(struct memory_backend *b, uint64_t *ret_records, uint64_t *ret_octets)
{
    uint64_t entries;
    lmdb_tree_figures(lmdb_of(b)->tree, &entries, ret_octets);
    *ret_records = entries > 0 ? entries - 1 : 0; /* but the version */
}

static void lmdb_close(struct memory_backend *b)
{
    lmdb_tree_close(lmdb_of(b)->tree);
    free(lmdb_of(b));
}

static const struct memory_backend_ops lmdb_ops = {
    .get = lmdb_get,
    .version = lmdb_version,
    .apply = lmdb_apply,
    .each = lmdb_each,
    .figures = lmdb_figures,
    .close = lmdb_close,
};

/* ---- opening ---- */

/* A file that is larger than it may be, since the limit was lowered, needs room to be changed. It
 * does not shrink, nor do its records become more. */
static size_t map_size(const char *folder, uint64_t size)
{
    char path[LMDB_PATH_MAX];
    struct stat st;
    uint64_t least = 0;
    if (lmdb_path(path, folder, "data.mdb") == 0 && stat(path, &st) == 0) {
        least = (uint64_t)st.st_size + size / 4;
    }
    return (size_t)(least > size + size / 4 ? least : size);
}

static int open_tree(const char *state, uint64_t size, enum lmdb_use use, struct lmdb_tree **ret,
                     enum lmdb_aside *ret_aside)
{
    char folder[LMDB_PATH_MAX], aside[LMDB_PATH_MAX];
    int rc = lmdb_path(folder, state, "memory");
    rc = rc < 0 ? rc : lmdb_path(aside, state, "memory.");
    if (rc < 0) {
        return rc;
    }
    struct lmdb_place place = {
        .use = use,
        .folder = folder,
        .aside = aside,
        .map_size = map_size(folder, size),
        .key_n = MEMORY_KEY_LEN,
        .value_most = RECORD_OCTETS_MAX,
        .version = VERSION,
    };
    return lmdb_tree_open(&place, ret, ret_aside);
}

/* Opens it as who owns the folder: a command that root gives must not leave files there that
 * workers cannot open, nor be led elsewhere by what they may have put there. */
static int open_as_owner(const char *state, uint64_t size, enum lmdb_use use,
                         struct lmdb_tree **ret, enum lmdb_aside *ret_aside)
{
    struct stat st;
    gid_t group = getegid();
    if (geteuid() != 0 || stat(state, &st) < 0 || st.st_uid == 0) {
        return open_tree(state, size, use, ret, ret_aside);
    }
    int rc = setegid(st.st_gid) < 0 || seteuid(st.st_uid) < 0 ? -errno : 0;
    rc = rc < 0 ? rc : open_tree(state, size, use, ret, ret_aside);
    if (seteuid(0) < 0 || setegid(group) < 0) {
        panic("cannot become root again");
    }
    return rc;
}

static int backend_open(const char *state, const struct memory_setup *setup, enum lmdb_use use,
                        struct memory_backend **ret, enum lmdb_aside *ret_aside)
{
    struct lmdb_tree *tree = NULL;
    int rc = open_as_owner(state, setup->size, use, &tree, ret_aside);
    if (rc < 0) {
        return rc;
    }
    struct lmdb_backend *l = xcalloc(1, sizeof(*l));
    l->backend.ops = &lmdb_ops;
    l->backend.setup = *setup;
    l->tree = tree;
    l->purge.key_n = MEMORY_KEY_LEN;
    *ret = &l->backend;
    return 0;
}

int memory_backend_open(const char *state, const struct memory_setup *setup,
                        struct memory_backend **ret, const char **ret_note)
{
    static const char *const notes[] = {
        [LMDB_NOTHING] = NULL,
        [LMDB_DAMAGED] = "the memory was damaged; it was moved aside and begun anew",
        [LMDB_NEWER] = "the memory is of a newer Gatepost; it was moved aside and begun anew",
    };
    enum lmdb_aside aside;
    int rc = backend_open(state, setup, LMDB_TO_SERVE, ret, &aside);
    if (rc == 0) {
        *ret_note = notes[aside];
    }
    return rc;
}

int memory_open_lmdb(struct rt *rt, const char *folder, const struct memory_setup *setup,
                     struct memory **ret, const char **ret_note)
{
    struct memory_backend *b;
    int rc = memory_backend_open(folder, setup, &b, ret_note);
    if (rc == 0) {
        *ret = memory_new(rt, b);
    }
    return rc;
}

int memory_open_by_hand(const char *folder, const struct memory_setup *setup, enum memory_use use,
                        struct memory **ret)
{
    static const enum lmdb_use uses[] = {
        [MEMORY_TO_LOOK] = LMDB_TO_LOOK,
        [MEMORY_TO_CHANGE] = LMDB_TO_CHANGE,
        [MEMORY_TO_MAKE] = LMDB_TO_MAKE,
    };
    struct memory_backend *b;
    enum lmdb_aside none;
    int rc = backend_open(folder, setup, uses[use], &b, &none);
    if (rc == 0) {
        *ret = memory_new(NULL, b);
    }
    return rc;
}
