/* The memory on LMDB: several processes, damage, other versions, permissions, a full disk, a full
 * memory, kill -9 of who writes. Every environment is opened in processes of their own, as workers
 * do, because LMDB allows only one handle for each process. */
#include "memory_world.h"
#include "process_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "rt/real.h"
#include "store/lmdb_tree.h"
#include "store/memory_impl.h"
#include "store/store.h"

/* A command goes by the real clock. */
#define NOW now
static usec_t now;

static char folder[] = "/tmp/test_memory.XXXXXX";

static int setup(void **state)
{
    (void)state;
    return make_folder(folder);
}

static int teardown(void **state)
{
    (void)state;
    return remove_folder(folder);
}

/* Without a loop; what cannot be used is moved aside. */
static struct memory *open_memory(const char **ret_note)
{
    struct memory *m = NULL;
    MUST(memory_open_lmdb(NULL, folder, &memory_roomy, &m, ret_note) == 0);
    return m;
}

static struct memory_stats stats_of(const struct memory *m)
{
    struct memory_stats stats;
    memory_stats(m, &stats);
    return stats;
}

/* ---- one after the other ---- */

static void first(void *arg)
{
    (void)arg;
    const char *note;
    struct memory *m = open_memory(&note);
    MUST(note == NULL);
    struct record r;
    MUST(find(m, RECORD_HOST, "example.org", NOW, &r) == 0);
    for (int i = 0; i < 3; i++) {
        add(m, RECORD_HOST, "example.org", NOW);
    }
    MUST(count(m, RECORD_HOST, "example.org", NOW) == 3);
    MUST(memory_flush(m) == 0);
    MUST(count(m, RECORD_HOST, "example.org", NOW) == 3);
    for (int i = 0; i < 5000; i++) {
        char name[20];
        snprintf(name, sizeof(name), "%d", i);
        add(m, RECORD_SPF, name, NOW);
    }
    add(m, RECORD_HOST, "gone.example", NOW);
    MUST(memory_flush(m) == 0);
    memory_forget(m, RECORD_HOST, SLICE_LIT("gone.example"));
    MUST(memory_flush(m) == 0);
    MUST(find(m, RECORD_HOST, "gone.example", NOW, &r) == 0);
    MUST(stats_of(m).records == 5001);
    add(m, RECORD_HOST, "late.example", NOW); /* applied by closing */
    memory_close(m);
}

static int count_one(void *arg, const struct record *r)
{
    int *counts = arg;
    counts[r->kind]++;
    return counts[r->kind] == counts[0] ? 55 : 0;
}

static void second(void *arg)
{
    (void)arg;
    const char *note;
    struct memory *m = open_memory(&note);
    MUST(note == NULL);
    MUST(count(m, RECORD_HOST, "example.org", NOW) == 3);
    MUST(count(m, RECORD_HOST, "late.example", NOW) == 1);
    int counts[RECORD_KINDS] = {0};
    MUST(memory_each(m, 0, NOW, count_one, counts) == 0);
    MUST(counts[RECORD_SPF] == 5000 && counts[RECORD_HOST] == 2);
    memset(counts, 0, sizeof(counts));
    counts[0] = 777;
    MUST(memory_each(m, RECORD_SPF, NOW, count_one, counts) == 55);
    MUST(counts[RECORD_SPF] == 777 && counts[RECORD_HOST] == 0);
    MUST(stats_of(m).octets > 5000 * 30 && stats_of(m).octets < 4 << 20);
    memory_close(m);
}

static void what_is_kept_is_there_afterwards(void **state)
{
    (void)state;
    in_process(first, NULL);
    in_process(second, NULL);
}

/* ---- at the same time ---- */

static void add_many(void *arg)
{
    (void)arg;
    const char *note;
    struct memory *m = open_memory(&note);
    for (int i = 0; i < 2000; i++) {
        char name[20];
        snprintf(name, sizeof(name), "%d", i % 50);
        add(m, RECORD_HOST, name, NOW);
        MUST(i % 20 != 19 || memory_flush(m) == 0);
    }
    memory_close(m);
}

static void sums(void *arg)
{
    (void)arg;
    const char *note;
    struct memory *m = open_memory(&note);
    for (int i = 0; i < 50; i++) {
        char name[20];
        snprintf(name, sizeof(name), "%d", i);
        MUST(count(m, RECORD_HOST, name, NOW) == 3 * 2000 / 50);
    }
    memory_close(m);
}

static void what_several_add_is_added_up(void **state)
{
    (void)state;
    pid_t pid[3];
    for (int i = 0; i < 3; i++) {
        pid[i] = start_process(add_many, NULL);
    }
    for (int i = 0; i < 3; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    in_process(sums, NULL);
}

/* ---- damage, versions, permissions ---- */

static void path_of(char ret[static 256], const char *name)
{
    snprintf(ret, 256, "%s/memory/%s", folder, name);
}

static void remove_memory(void)
{
    char path[256];
    path_of(path, "");
    assert_int_equal(remove_folder(path), 0);
}

static int count_aside(const char *prefix)
{
    int found = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        found += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    }
    closedir(d);
    return found;
}

/* It begins anew, says why, and works. */
static void expect_new(void *arg)
{
    const char *note, *why = arg;
    struct record r;
    struct memory *m = open_memory(&note);
    MUST(note != NULL && strstr(note, why) != NULL);
    MUST(find(m, RECORD_HOST, "example.org", NOW, &r) == 0);
    add(m, RECORD_HOST, "new.example", NOW);
    memory_close(m);
}

static void expect_old(void *arg)
{
    (void)arg;
    const char *note;
    struct memory *m = open_memory(&note);
    MUST(note == NULL);
    MUST(count(m, RECORD_HOST, "new.example", NOW) == 1);
    memory_close(m);
}

static void change_file(off_t from, off_t octets, off_t length)
{
    char path[256];
    path_of(path, "data.mdb");
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    octets = octets < 0 ? st.st_size : octets;
    char *zeros = calloc(1, (size_t)octets + 1);
    assert_int_equal(pwrite(fd, zeros, (size_t)octets, from), octets);
    free(zeros);
    if (length >= 0) {
        assert_int_equal(ftruncate(fd, length), 0);
    }
    close(fd);
    path_of(path, "checked-in-boot");
    assert_int_equal(unlink(path), 0);
}

static void expect_damage(off_t from, off_t octets, off_t length)
{
    int before = count_aside("memory.damaged-");
    in_process(first, NULL);
    change_file(from, octets, length);
    in_process(expect_new, "damaged");
    assert_int_equal(count_aside("memory.damaged-"), before + 1);
    in_process(expect_old, NULL);
    remove_memory();
}

static void damage(void **state)
{
    (void)state;
    expect_damage(0, 0, 20000);                   /* truncated */
    expect_damage(0, -1, -1);                     /* zeroed */
    expect_damage(8192, 65536, -1);               /* zeroed but for its head */
    expect_damage(0, 8192, -1);                   /* its head zeroed */
    assert_int_equal(count_aside("damaged-"), 0); /* where the ledger's would be */
}

/* A version of its content that is to come. */
static void write_newer(void *arg)
{
    const bool *newer = arg;
    char path[256];
    snprintf(path, sizeof(path), "%s/memory", folder);
    struct lmdb_place place = {
        .folder = path,
        .aside = folder,
        .map_size = 1 << 24,
        .key_n = MEMORY_KEY_LEN,
        .value_most = RECORD_OCTETS_MAX,
    };
    struct lmdb_tree *t;
    enum lmdb_aside aside;
    MUST(lmdb_tree_open(&place, &t, &aside) == 0 && aside == LMDB_NOTHING);
    uint8_t zeros[MEMORY_KEY_LEN] = {0}, version = 2;
    MDB_val key = {.mv_size = sizeof(zeros), .mv_data = zeros};
    MDB_val value = {.mv_size = 1, .mv_data = &version};
    MDB_txn *txn;
    MUST(lmdb_tree_begin(t, 0, &txn) == 0);
    MUST((*newer ? mdb_put(txn, t->dbi, &key, &value, 0) : mdb_del(txn, t->dbi, &key, NULL)) == 0);
    MUST(mdb_txn_commit(txn) == 0);
    lmdb_tree_close(t);
}

static void other_versions(void **state)
{
    (void)state;
    bool newer = true;
    in_process(first, NULL);
    in_process(write_newer, &newer);
    in_process(expect_new, "newer");
    assert_int_equal(count_aside("memory.newer-"), 1);
    in_process(expect_old, NULL);
    newer = false; /* none at all */
    in_process(write_newer, &newer);
    in_process(expect_new, "damaged");
    assert_int_equal(count_aside("memory.damaged-"), 1);
}

/* ---- by hand ---- */

/* What the folder holds: each file's name, but LMDB's lock, and data.mdb's octets. */
static void picture(struct digest *ret)
{
    static char octets[1 << 22];
    char path[256];
    struct digest_stream *stream = digest_stream_new();
    digest_stream_init(stream);
    struct dirent **entries;
    path_of(path, "");
    int n = scandir(path, &entries, NULL, alphasort);
    assert_true(n >= 2);
    for (int i = 0; i < n; i++) {
        if (strcmp(entries[i]->d_name, "lock.mdb") != 0) {
            digest_stream_update(stream, entries[i]->d_name, strlen(entries[i]->d_name) + 1);
        }
        free(entries[i]);
    }
    free(entries);
    path_of(path, "data.mdb");
    int fd = open(path, O_RDONLY);
    ssize_t size = fd >= 0 ? read(fd, octets, sizeof(octets)) : 0;
    assert_true(size >= 0 && size < (ssize_t)sizeof(octets));
    digest_stream_update(stream, octets, (size_t)size);
    close(fd);
    *ret = digest_stream_finish(stream);
    digest_stream_free(stream);
}

static struct memory *open_by_hand(enum memory_use use)
{
    struct memory *m = NULL;
    MUST(memory_open_by_hand(folder, &memory_roomy, use, &m) == 0);
    return m;
}

struct unusable {
    enum memory_use use;
    int error;
};

static void refused(void *arg)
{
    const struct unusable *r = arg;
    struct memory *m = NULL;
    MUST(memory_open_by_hand(folder, &memory_roomy, r->use, &m) == r->error);
    MUST(m == NULL);
}

/* None of the ways to use it opens it, and it stays as it is. */
static void expect_untouched(int error)
{
    struct digest before, after;
    picture(&before);
    for (enum memory_use use = MEMORY_TO_LOOK; use <= MEMORY_TO_MAKE; use++) {
        struct unusable r = {use, error};
        in_process(refused, &r);
        picture(&after);
        assert_memory_equal(&before, &after, sizeof(before));
    }
    assert_int_equal(count_aside("memory."), 0);
}

static void what_cannot_be_used_stays_as_it_is(void **state)
{
    (void)state;
    static const struct {
        off_t from, octets, length;
    } damages[] = {{0, 0, 20000}, {0, -1, -1}, {8192, 65536, -1}, {0, 8192, -1}};
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        in_process(first, NULL);
        change_file(damages[i].from, damages[i].octets, damages[i].length);
        expect_untouched(-EUCLEAN);
        remove_memory();
    }
    bool newer = true;
    in_process(first, NULL);
    in_process(write_newer, &newer);
    expect_untouched(-EPROTONOSUPPORT);
    newer = false; /* none at all */
    in_process(write_newer, &newer);
    expect_untouched(-EUCLEAN);
}

static void look_only(void *arg)
{
    const int *records = arg;
    struct memory *m = open_by_hand(MEMORY_TO_LOOK);
    int counts[RECORD_KINDS] = {0};
    MUST(memory_each(m, 0, NOW, count_one, counts) == 0);
    MUST(counts[RECORD_SPF] + counts[RECORD_HOST] == *records);
    MUST(*records == 0 || count(m, RECORD_HOST, "late.example", NOW) == 1);
    memory_close(m);
}

static void change_what_is_looked_at(void *arg)
{
    (void)arg;
    struct memory *m = open_by_hand(MEMORY_TO_LOOK);
    add(m, RECORD_HOST, "late.example", NOW);
    MUST(memory_flush(m) == -EACCES);
    memory_close(m);
}

static void change_by_hand(void *arg)
{
    const enum memory_use *use = arg;
    struct memory *m = open_by_hand(*use);
    add(m, RECORD_HOST, "late.example", NOW);
    memory_close(m);
}

static void twice(void *arg)
{
    (void)arg;
    struct memory *m = open_by_hand(MEMORY_TO_LOOK);
    MUST(count(m, RECORD_HOST, "late.example", NOW) == 2);
    memory_close(m);
}

/* As LMDB leaves it before anything is written. */
static void write_nothing(void *arg)
{
    (void)arg;
    char path[256];
    path_of(path, "");
    struct lmdb_place place = {.folder = path, .map_size = 1 << 24};
    MDB_env *env;
    MUST(lmdb_env_open(&place, &env) == 0);
    mdb_env_close(env);
}

/* Also in a boot that has not seen it yet, also a copy of the one file. */
static void looking_changes_nothing(void **state)
{
    (void)state;
    struct digest before, after;
    char path[256];
    int records = 5002;
    in_process(first, NULL);
    for (int i = 0; i < 3; i++) {
        picture(&before);
        in_process(look_only, &records);
        in_process(change_what_is_looked_at, NULL);
        picture(&after);
        assert_memory_equal(&before, &after, sizeof(before));
        path_of(path, i == 0 ? "checked-in-boot" : "opening");
        assert_true(i == 2 || unlink(path) == 0);
    }
}

static void what_is_not_there_is_made_only_when_asked(void **state)
{
    (void)state;
    struct unusable nothing = {MEMORY_TO_LOOK, -ENOENT};
    enum memory_use use = MEMORY_TO_MAKE;
    char path[256];
    struct stat st;
    int records = 0;
    in_process(refused, &nothing);
    nothing.use = MEMORY_TO_CHANGE;
    in_process(refused, &nothing);
    path_of(path, "");
    assert_true(stat(path, &st) < 0 && errno == ENOENT);

    /* A folder that a worker died in, before and after LMDB wrote its head. */
    assert_int_equal(mkdir(path, 0700), 0);
    path_of(path, "data.mdb");
    close(open(path, O_WRONLY | O_CREAT, 0600));
    nothing.use = MEMORY_TO_LOOK;
    in_process(refused, &nothing);
    nothing.use = MEMORY_TO_CHANGE;
    in_process(refused, &nothing);
    in_process(write_nothing, NULL);
    in_process(look_only, &records);

    in_process(change_by_hand, &use);
    use = MEMORY_TO_CHANGE;
    in_process(change_by_hand, &use);
    in_process(twice, NULL);
}

static void expect_error(void *arg)
{
    const int *error = arg;
    struct memory *m = NULL;
    const char *note = "untouched";
    struct passwd *nobody = getpwnam("nobody");
    MUST(nobody != NULL && setgid(nobody->pw_gid) == 0 && setuid(nobody->pw_uid) == 0);
    MUST(memory_open_lmdb(NULL, folder, &memory_roomy, &m, &note) == *error);
    MUST(m == NULL && strcmp(note, "untouched") == 0);
}

static void use(void *arg)
{
    (void)arg;
    const char *note;
    struct memory *m = open_memory(&note);
    MUST(note == NULL);
    add(m, RECORD_HOST, "new.example", NOW);
    memory_close(m);
}

static void permissions(void **state)
{
    (void)state;
    struct memory *m;
    const char *note;
    int error = -EACCES;
    struct stat st;
    char path[256];
    assert_int_equal(memory_open_lmdb(NULL, "/nonexistent", &memory_roomy, &m, &note), -ENOENT);
    assert_int_equal(memory_open_lmdb(NULL, "/dev/null", &memory_roomy, &m, &note), -ENOTDIR);
    if (geteuid() != 0 || getpwnam("nobody") == NULL) {
        print_message("NOT tested without root: a folder that is closed, and who owns the files\n");
        return;
    }
    in_process(expect_error, &error);
    /* What root begins in the folder of another belongs to him. */
    struct passwd *nobody = getpwnam("nobody");
    assert_int_equal(chown(folder, nobody->pw_uid, nobody->pw_gid), 0);
    in_process(use, NULL);
    path_of(path, "data.mdb");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, nobody->pw_uid);
    assert_int_equal(st.st_mode & 07777, 0600);
    path_of(path, "");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, nobody->pw_uid);
    assert_int_equal(st.st_mode & 07777, 0700);
}

/* ---- a full disk ---- */

/* Adds distinct names until that fails, or 200,000. */
static int add_until(struct memory *m, int *n)
{
    int rc = 0;
    for (; rc == 0 && *n < 200000; ++*n) {
        char name[20];
        snprintf(name, sizeof(name), "%d", *n);
        add(m, RECORD_HOST, name, NOW);
        rc = *n % 100 == 99 ? memory_flush(m) : 0;
    }
    return rc;
}

/* Nothing that was applied is lost, what waits is applied when there is room again. */
static void expect_full(struct memory *m, int error, int n, void (*make_room)(void))
{
    struct record r;
    MUST(stats_of(m).error == error && memory_error(m) == error);
    MUST(find(m, RECORD_HOST, "0", NOW, &r) == error);
    MUST(memory_flush(m) < 0);
    make_room();
    MUST(memory_flush(m) == 0);
    MUST(stats_of(m).error == 0 && stats_of(m).lost == 0);
    for (int i = 0; i < n; i++) {
        char name[20];
        snprintf(name, sizeof(name), "%d", i);
        MUST(count(m, RECORD_HOST, name, NOW) == 1);
    }
}

static void lift_limit(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void fill_limit(void *arg)
{
    (void)arg;
    const char *note;
    struct memory *m = open_memory(&note);
    struct rlimit limit = {1 << 20, RLIM_INFINITY};
    int n = 0;
    signal(SIGXFSZ, SIG_IGN);
    MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    int rc = add_until(m, &n); /* a write may stop half-way, which LMDB calls EIO */
    MUST(rc == -EFBIG || rc == -EIO);
    MUST(n > 3000);
    expect_full(m, rc, n, lift_limit);
    memory_close(m);
}

static void grow_disk(void)
{
    MUST(mount("none", folder, "tmpfs", MS_REMOUNT, "size=64m") == 0);
}

static void fill_disk(void *arg)
{
    (void)arg;
    const char *note;
    struct memory *m = open_memory(&note);
    int n = 0;
    MUST(add_until(m, &n) == -ENOSPC);
    MUST(n > 3000);
    expect_full(m, -ENOSPC, n, grow_disk);
    memory_close(m);
}

static void full_disk(void **state)
{
    (void)state;
    in_process(fill_limit, NULL);
    remove_memory();
    if (mount("none", folder, "tmpfs", 0, "size=1m") < 0) {
        print_message("NOT tested, no tmpfs can be mounted: %s\n", strerror(errno));
        return;
    }
    in_process(fill_disk, NULL);
    assert_int_equal(umount(folder), 0);
}

/* ---- a full memory ---- */

static bool everything(void)
{
    return getenv("GATEPOST_TEST_ALL") != NULL;
}

#define GOOD 2000
#define BANS 500

static void add_good(struct memory *m, usec_t wall)
{
    char name[32];
    for (int i = 0; i < GOOD; i++) {
        snprintf(name, sizeof(name), "good%d.example", i);
        struct record r = accepted(i % 2 == 0 ? RECORD_HOST : RECORD_SPF, name, wall);
        r.days = 2 + (uint32_t)i % 5;
        memory_add(m, &r);
    }
    for (int i = 0; i < BANS; i++) {
        snprintf(name, sizeof(name), "192.0.%d.%d", i / 256, i % 256);
        struct record r = seen(RECORD_BAN, name, wall);
        r.until = wall + 30 * DAY;
        memory_add(m, &r);
    }
}

/* A million distinct names in an hour, or fewer. */
static void botnet(void *arg)
{
    const int *bots = arg;
    struct memory_setup small = memory_roomy;
    small.size = 16 << 20;
    struct memory *m = NULL;
    const char *note;
    char name[48];
    struct record r;
    usec_t wall = NOW - HOUR;
    MUST(memory_open_lmdb(NULL, folder, &small, &m, &note) == 0);
    add_good(m, wall);
    uint64_t most = 0;
    for (int i = 0; i < *bots; i++) {
        wall = NOW - HOUR + HOUR * i / *bots;
        snprintf(name, sizeof(name), "198.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        r = seen(i % 3 == 0 ? RECORD_DEFERRAL : RECORD_CLIENT, name, wall);
        r.tally[TALLY_REFUSED_RCPT] = 2;
        r.rate[RATE_CONNECTIONS] = 1;
        memory_add(m, &r);
        if (i % 1000 == 999) {
            MUST(memory_flush(m) == 0);
            uint64_t octets = stats_of(m).octets;
            most = octets > most ? octets : most;
        }
    }
    struct memory_stats stats = stats_of(m);
    MUST(most <= small.size);
    MUST(stats.lost == 0);
    MUST(stats.records + stats.evicted == (uint64_t)(GOOD + BANS + *bots));
    for (int i = 0; i < GOOD; i++) {
        snprintf(name, sizeof(name), "good%d.example", i);
        MUST(find(m, i % 2 == 0 ? RECORD_HOST : RECORD_SPF, name, wall, &r) == 1);
        MUST(record_is_proven(&r));
    }
    for (int i = 0; i < BANS; i++) {
        snprintf(name, sizeof(name), "192.0.%d.%d", i / 256, i % 256);
        MUST(find(m, RECORD_BAN, name, wall, &r) == 1);
    }
    printf("%d names: %llu records stay in %.1f MiB at most, all of %d good ones\n", *bots,
           (unsigned long long)stats.records, (double)most / (1 << 20), GOOD);
    fflush(stdout);
    memory_close(m);
}

static void good_names_stay_while_a_botnet_comes(void **state)
{
    (void)state;
    int bots = everything() ? 1000000 : 150000;
    in_process(botnet, &bots);
}

/* A limit that was lowered: nothing breaks, no records are added to what there is, and the good
 * ones stay. */
static void lowered(void *arg)
{
    (void)arg;
    struct memory_setup small = memory_roomy;
    small.size = 1 << 20;
    struct memory *m = NULL;
    const char *note;
    char name[32];
    struct record r;
    MUST(memory_open_lmdb(NULL, folder, &small, &m, &note) == 0 && note == NULL);
    struct memory_stats before = stats_of(m);
    MUST(before.octets > 2 * small.size);
    for (int i = 0; i < 50000; i++) {
        snprintf(name, sizeof(name), "198.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        r = seen(RECORD_CLIENT, name, NOW);
        memory_add(m, &r);
        MUST(i % 100 != 99 || memory_flush(m) == 0);
    }
    MUST(stats_of(m).records <= before.records && stats_of(m).lost == 0);
    MUST(stats_of(m).octets < before.octets + small.size / 2);
    for (int i = 0; i < GOOD; i++) {
        snprintf(name, sizeof(name), "good%d.example", i);
        MUST(find(m, i % 2 == 0 ? RECORD_HOST : RECORD_SPF, name, NOW, &r) == 1);
    }
    memory_close(m);
}

static void fill_with_guests(void *arg)
{
    (void)arg;
    const char *note;
    struct memory *m = open_memory(&note);
    add_good(m, NOW);
    for (int i = 0; i < 30000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "guest%d", i);
        struct record r = seen(RECORD_CLIENT, name, NOW);
        memory_add(m, &r);
    }
    memory_close(m);
}

static void a_limit_that_was_lowered(void **state)
{
    (void)state;
    in_process(fill_with_guests, NULL);
    in_process(lowered, NULL);
}

/* ---- a limit that was raised while others go on with the old one ---- */

struct relay {
    int go[2], done[2];
};

static void old_worker(void *arg)
{
    const struct relay *relay = arg;
    struct memory_setup small = memory_roomy;
    small.size = 1 << 20;
    struct memory *m = NULL;
    const char *note;
    char octet = 'x';
    MUST(memory_open_lmdb(NULL, folder, &small, &m, &note) == 0);
    add(m, RECORD_HOST, "before.example", NOW);
    MUST(memory_flush(m) == 0);
    MUST(write(relay->done[1], &octet, 1) == 1);
    MUST(read(relay->go[0], &octet, 1) == 1);
    add(m, RECORD_HOST, "after.example", NOW);
    MUST(memory_flush(m) == 0);
    MUST(count(m, RECORD_HOST, "before.example", NOW) == 1);
    MUST(count(m, RECORD_HOST, "after.example", NOW) == 1);
    memory_close(m);
}

static void a_limit_that_was_raised(void **state)
{
    (void)state;
    struct relay relay;
    char octet = 'x';
    int status;
    assert_int_equal(pipe(relay.go), 0);
    assert_int_equal(pipe(relay.done), 0);
    pid_t pid = start_process(old_worker, &relay);
    assert_int_equal(read(relay.done[0], &octet, 1), 1);
    in_process(fill_with_guests, NULL);
    assert_int_equal(write(relay.go[1], &octet, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int i = 0; i < 2; i++) {
        close(relay.go[i]);
        close(relay.done[i]);
    }
}

/* ---- kill -9 ---- */

/* What a worker has been told is done, in memory that outlives it. */
struct progress {
    uint32_t armed;    /* ledger entries that ledger_arm has confirmed */
    uint32_t queued;   /* records whose adding was queued, one after the other */
    uint32_t applied;  /* of these, applied */
    uint32_t way;      /* the most that was under way at a time, in this life */
    uint32_t patience; /* how much may be */
};

static struct progress *progress;

static struct digest ledger_of(uint32_t n)
{
    struct digest d = {{0}};
    uint64_t spread = n * 0x9e3779b97f4a7c15u; /* as digests are */
    memcpy(d.octets, &spread, sizeof(spread));
    memcpy(d.octets + 8, &n, sizeof(n));
    return d;
}

struct worker {
    struct rt *rt;
    struct memory *memory;
    struct store *store;
    bool stop;
};

static void open_worker(struct worker *w)
{
    char ledger[64];
    const char *note = NULL;
    snprintf(ledger, sizeof(ledger), "%s/ledger", folder);
    w->rt = real_new();
    MUST(store_open_lmdb(w->rt, ledger, &w->store, &note) == 0 && note == NULL);
    MUST(memory_open_lmdb(w->rt, folder, &memory_roomy, &w->memory, &note) == 0 && note == NULL);
}

/* As mail goes: much is learned, then the ledger is written and waited for. */
static void work_for_ever(void *arg)
{
    struct worker *w = arg;
    uint32_t begun = progress->applied = progress->queued;
    progress->way = 0;
    for (;;) {
        for (int i = 0; i < 8; i++) {
            char name[20];
            snprintf(name, sizeof(name), "%u", progress->queued);
            add(w->memory, RECORD_HOST, name, rt_wall());
            progress->queued++;
        }
        struct digest key = ledger_of(progress->armed);
        MUST(ledger_arm(w->store, &key, 1, rt_wall(), USEC_NEVER) == 0);
        progress->armed++;
        progress->applied = begun + (uint32_t)stats_of(w->memory).changes;
        uint32_t way = progress->queued - progress->applied;
        progress->way = way > progress->way ? way : progress->way;
        while (progress->queued - progress->applied > progress->patience) {
            MUST(task_sleep(rt_now() + USEC_MSEC) == 0);
            progress->applied = begun + (uint32_t)stats_of(w->memory).changes;
        }
    }
}

static void worker_life(void *arg)
{
    (void)arg;
    struct worker w = {0};
    open_worker(&w);
    MUST(task_spawn(w.rt, rt_root_of(w.rt), work_for_ever, &w) == 0);
    real_run(w.rt, &w.stop);
}

/* All that was confirmed is there; of what was learned what was under way at most is missing, as a
 * whole: no hole is before what is there. The next worker goes on from where it ends. */
static void look_task(void *arg)
{
    struct worker *w = arg;
    usec_t wall = rt_wall(), expires;
    struct record r;
    for (uint32_t i = 0; i < progress->armed; i++) {
        struct digest key = ledger_of(i);
        MUST(ledger_find(w->store, &key, wall, &expires) == 1);
    }
    uint32_t there = 0;
    for (uint32_t i = 0; i < progress->queued + 1; i++) {
        char name[20];
        snprintf(name, sizeof(name), "%u", i);
        int rc = find(w->memory, RECORD_HOST, name, wall, &r);
        MUST(rc >= 0);
        MUST(rc == 0 || there == i);
        there += (uint32_t)rc;
    }
    MUST(there >= progress->applied);
    MUST(progress->queued - there <= progress->way + 8);
    progress->queued = progress->applied = there;
    w->stop = true;
    real_wake(w->rt);
}

static void look(void *arg)
{
    (void)arg;
    struct worker w = {0};
    open_worker(&w);
    MUST(task_spawn(w.rt, rt_root_of(w.rt), look_task, &w) == 0);
    real_run(w.rt, &w.stop);
    memory_close(w.memory);
    store_close(w.store);
    real_free(w.rt);
}

static int check_memory(void)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/memory", folder);
    struct lmdb_place place = {
        .folder = path,
        .map_size = 64 << 20,
        .key_n = MEMORY_KEY_LEN,
        .value_most = RECORD_OCTETS_MAX,
    };
    return lmdb_check(&place);
}

/* Every other life learns no more at a time than goes into one batch; the others flood it, as much
 * as the queue takes by far. */
static void killed_at_any_moment(void **state)
{
    (void)state;
    int kills = everything() ? 200 : 40;
    uint32_t patience[2] = {128 - 8, 8192}, lost[2] = {0, 0}, most[2] = {0, 0};
    progress =
        mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(progress != MAP_FAILED);
    srandom(7);
    for (int i = 0; i < kills; i++) {
        uint32_t before = progress->armed;
        progress->patience = patience[i % 2];
        pid_t pid = start_process(worker_life, NULL);
        while (__atomic_load_n(&progress->armed, __ATOMIC_RELAXED) == before) {
            usleep(200);
            int status;
            assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        }
        usleep((useconds_t)(random() % 240000));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        uint32_t queued = progress->queued;
        assert_int_equal(check_memory(), 0);
        in_process(look, NULL);
        uint32_t gone = queued - progress->queued;
        lost[i % 2] += gone;
        most[i % 2] = gone > most[i % 2] ? gone : most[i % 2];
    }
    print_message("%d kills: %u ledger entries confirmed, none lost; %u records kept; lost a batch "
                  "at a time %u, at most %u at once, and of a flood %u, at most %u\n",
                  kills, progress->armed, progress->queued, lost[0], most[0], lost[1], most[1]);
    assert_true(most[0] <= 128);
    assert_true(progress->armed > (uint32_t)kills);
    assert_true(progress->queued > (uint32_t)kills);
    munmap(progress, sizeof(*progress));
}

int main(void)
{
    now = clock_wall();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_kept_is_there_afterwards, setup, teardown),
        cmocka_unit_test_setup_teardown(what_several_add_is_added_up, setup, teardown),
        cmocka_unit_test_setup_teardown(damage, setup, teardown),
        cmocka_unit_test_setup_teardown(other_versions, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_used_stays_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(looking_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_made_only_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(permissions, setup, teardown),
        cmocka_unit_test_setup_teardown(full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(good_names_stay_while_a_botnet_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_limit_that_was_lowered, setup, teardown),
        cmocka_unit_test_setup_teardown(a_limit_that_was_raised, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_at_any_moment, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
