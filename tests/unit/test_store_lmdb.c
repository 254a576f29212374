/* The LMDB back end below its front end: kill -9 at any moment, damage, a full map, purging, and
 * who may read the files. Every environment is opened in processes of their own, as workers do,
 * because LMDB allows only one handle for each process. */
#include "process_world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/fatal.h"
#include "store/backend.h"
#include "store/lmdb_tree.h"

#define MAP_SIZE ((size_t)1 << 26)
#define NOW      ((usec_t)1800000000 * USEC_SEC)
#define KILLS    200

static char folder[] = "/tmp/test_store.XXXXXX";
static char store[64];

/* ---- helpers ---- */

static int setup(void **state)
{
    (void)state;
    int rc = make_folder(folder);
    snprintf(store, sizeof(store), "%s/state", folder);
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    return remove_folder(folder);
}

static struct store_backend *open_store(size_t map_size, const char **ret_note)
{
    struct store_backend *b;
    MUST(lmdb_backend_open(store, map_size, &b, ret_note) == 0);
    return b;
}

static int check(size_t map_size)
{
    struct lmdb_place place = {
        .folder = store,
        .map_size = map_size,
        .key_n = STORE_KEY_LEN,
        .value_most = ENTRY_MAX,
    };
    return lmdb_check(&place);
}

static struct store_key key(uint32_t owner, uint32_t n)
{
    struct store_key k = {{TABLE_LEDGER}};
    uint64_t spread = (((uint64_t)owner << 32) + n) * 0x9e3779b97f4a7c15u; /* as digests are */
    memcpy(k.octets + 1, &spread, sizeof(spread));
    memcpy(k.octets + 9, &owner, sizeof(owner));
    memcpy(k.octets + 13, &n, sizeof(n));
    return k;
}

static bool as_notes; /* what is put, and nobody waits for */

/* Puts or removes keys owner/from … that expire then, in one batch. */
static int apply(struct store_backend *b, bool remove, uint32_t owner, uint32_t from,
                 uint32_t count, usec_t expires, usec_t wall)
{
    uint8_t value[ENTRY_MAX];
    struct store_write *w = xcalloc(1, sizeof(*w) + count * sizeof(w->op[0]));
    struct list batch;
    list_init(&batch);
    list_push_back(&batch, &w->link);
    w->remove = remove;
    w->unawaited = as_notes;
    w->count = count;
    w->value = value;
    w->value_n = entry_encode(value, expires, NULL);
    for (uint32_t i = 0; i < count; i++) {
        w->op[i].key = key(owner, from + i);
        w->op[i].expires = expires;
    }
    int rc = b->ops->apply(b, &batch, wall);
    free(w);
    return rc;
}

static bool has(struct store_backend *b, uint32_t owner, uint32_t n)
{
    uint8_t value[ENTRY_MAX];
    size_t value_n;
    struct store_key k = key(owner, n);
    int rc = b->ops->get(b, &k, value, &value_n);
    MUST(rc >= 0);
    return rc == 1 && entry_decode(value, value_n, NOW, NULL);
}

/* ---- kill -9 ---- */

/* What one writer has been told is done. Of every three entries the middle one is removed again. */
struct progress {
    uint32_t owner;
    uint32_t put;     /* entries 0 … put - 1 were acknowledged */
    uint32_t removed; /* and of the groups 0 … removed - 1 the middle one is gone */
    int out;
};

static void say(const struct progress *p)
{
    MUST(write(p->out, p, sizeof(*p)) == (ssize_t)sizeof(*p));
}

static void write_for_ever(void *arg)
{
    struct progress *p = arg;
    const char *note;
    struct store_backend *b = open_store(MAP_SIZE, &note);
    MUST(note == NULL);
    if (p->removed < p->put / 3) { /* the killed one did not come to it */
        MUST(apply(b, true, p->owner, p->put - 2, 1, NOW + USEC_SEC, NOW) == 0);
    }
    for (;;) {
        uint32_t group = p->put / 3;
        MUST(apply(b, false, p->owner, 3 * group, 3, NOW + USEC_SEC, NOW) == 0);
        p->put = 3 * group + 3;
        say(p);
        MUST(apply(b, true, p->owner, 3 * group + 1, 1, NOW + USEC_SEC, NOW) == 0);
        p->removed = group + 1;
        say(p);
        MUST(has(b, p->owner, 3 * group) && !has(b, p->owner, 3 * group + 1));
    }
}

static void verify(void *arg)
{
    const struct progress *p = arg;
    const char *note;
    struct store_backend *b = open_store(MAP_SIZE, &note);
    MUST(note == NULL);
    for (int w = 0; w < 2; w++) {
        for (uint32_t n = 0; n < p[w].put; n++) {
            if (n % 3 != 1) {
                MUST(has(b, p[w].owner, n));
            } else if (n / 3 < p[w].removed) {
                MUST(!has(b, p[w].owner, n));
            }
        }
    }
    b->ops->close(b);
}

/* Kills the writer and reads what it has said before it died. */
static void kill_writer(pid_t pid, int in, struct progress *p)
{
    struct progress said;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    while (read(in, &said, sizeof(said)) == (ssize_t)sizeof(said)) {
        p->put = said.put;
        p->removed = said.removed;
    }
    close(in);
}

static pid_t start_writer(struct progress *p, int *ret_in)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    fcntl(fd[1], F_SETPIPE_SZ, 1 << 20);
    p->out = fd[1];
    pid_t pid = start_process(write_for_ever, p);
    close(fd[1]);
    *ret_in = fd[0];
    return pid;
}

/* Two workers write all the time; one after the other is killed at a random moment and replaced.
 * Everything that was acknowledged is there, and the environment is sound, after each kill. */
static void killed_at_any_moment(void **state)
{
    (void)state;
    struct progress p[2] = {{.owner = 1}, {.owner = 2}};
    pid_t pid[2];
    int in[2];
    srandom(5);
    for (int w = 0; w < 2; w++) {
        pid[w] = start_writer(&p[w], &in[w]);
    }
    for (int i = 0; i < KILLS; i++) {
        int w = i % 2;
        usleep((useconds_t)(random() % 8000));
        if (i % 10 == 4) {
            assert_int_equal(check(MAP_SIZE), 0); /* while both write */
        }
        kill_writer(pid[w], in[w], &p[w]);
        if (i % 10 == 9) {
            kill_writer(pid[1 - w], in[1 - w], &p[1 - w]);
            assert_int_equal(check(MAP_SIZE), 0);
            in_process(verify, p);
            pid[1 - w] = start_writer(&p[1 - w], &in[1 - w]);
        }
        pid[w] = start_writer(&p[w], &in[w]);
    }
    for (int w = 0; w < 2; w++) {
        kill_writer(pid[w], in[w], &p[w]);
    }
    assert_int_equal(check(MAP_SIZE), 0);
    in_process(verify, p);
    print_message("%d kills, %u acknowledged entries\n", KILLS + KILLS / 10 + 2,
                  p[0].put + p[1].put);
    assert_true(p[0].put > KILLS && p[1].put > KILLS);
}

/* ---- who may read it ---- */

static void open_and_close(void *arg)
{
    const char **note = arg;
    const char *said;
    umask(0);
    struct store_backend *b = open_store(MAP_SIZE, &said);
    MUST((said != NULL) == (note != NULL));
    b->ops->close(b);
}

static unsigned mode_of(const char *name)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", store, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void closed_to_others(void **state)
{
    (void)state;
    in_process(open_and_close, NULL);
    assert_int_equal(mode_of("."), 0700);
    assert_int_equal(mode_of("data.mdb"), 0600);
    assert_int_equal(mode_of("lock.mdb"), 0600);
    assert_int_equal(mode_of("opening"), 0600);
}

static void cannot_open(void *arg)
{
    (void)arg;
    struct store_backend *b;
    const char *note;
    MUST(lmdb_backend_open("/nonexistent/state", MAP_SIZE, &b, &note) == -ENOENT);
    MUST(lmdb_backend_open("/dev/null", MAP_SIZE, &b, &note) == -ENOTDIR);
}

static void nowhere(void **state)
{
    (void)state;
    in_process(cannot_open, NULL);
}

/* ---- removing ---- */

/* A removal that comes late leaves what has been put since. */
static void remove_late(void *arg)
{
    (void)arg;
    const char *note;
    struct store_backend *b = open_store(MAP_SIZE, &note);
    MUST(apply(b, false, 5, 0, 10, NOW + 1, NOW) == 0);
    MUST(apply(b, false, 5, 0, 5, NOW + 2, NOW) == 0);
    MUST(apply(b, true, 5, 0, 20, NOW + 1, NOW) == 0);
    for (uint32_t i = 0; i < 10; i++) {
        MUST(has(b, 5, i) == (i < 5));
    }
    MUST(apply(b, true, 5, 0, 20, NOW + 2, NOW) == 0);
    MUST(!has(b, 5, 0) && !has(b, 5, 4));
    b->ops->close(b);
}

static void late_removal(void **state)
{
    (void)state;
    in_process(remove_late, NULL);
}

/* ---- damage ---- */

static void write_some(void *arg)
{
    (void)arg;
    const char *note;
    struct store_backend *b = open_store(MAP_SIZE, &note);
    for (uint32_t i = 0; i < 50; i++) {
        MUST(apply(b, false, 7, 100 * i, 100, NOW + USEC_SEC, NOW) == 0);
        MUST(apply(b, true, 7, 100 * i, 30, NOW + USEC_SEC, NOW) == 0);
    }
    b->ops->close(b);
}

static void expect_some(void *arg)
{
    const bool *there = arg;
    const char *note;
    struct store_backend *b = open_store(MAP_SIZE, &note);
    MUST((note == NULL) == *there);
    MUST(has(b, 7, 99) == *there);
    MUST(apply(b, false, 8, 1, 1, NOW + USEC_SEC, NOW) == 0);
    MUST(has(b, 8, 1));
    b->ops->close(b);
}

static int count_aside(void)
{
    int count = 0;
    DIR *d = opendir(store);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        count += strncmp(e->d_name, "damaged-", 8) == 0;
    }
    closedir(d);
    return count;
}

static int open_file(const char *name, off_t *ret_size)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", store, name);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    *ret_size = st.st_size;
    return fd;
}

/* As if the machine had been started anew since the store was opened. */
static void reboot(void)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/checked-in-boot", store);
    assert_int_equal(unlink(path), 0);
}

static void truncated(void **state)
{
    (void)state;
    off_t size;
    bool there = true;
    in_process(write_some, NULL);
    in_process(expect_some, &there);
    int fd = open_file("data.mdb", &size);
    assert_int_equal(ftruncate(fd, size / 2), 0);
    close(fd);
    there = false;
    in_process(expect_some, &there);
    assert_int_equal(count_aside(), 1);
    there = true;
    in_process(open_and_close, NULL);
    assert_int_equal(count_aside(), 1);
}

static void not_a_database(void **state)
{
    (void)state;
    off_t size;
    in_process(write_some, NULL);
    int fd = open_file("data.mdb", &size);
    char junk[8192];
    memset(junk, 'x', sizeof(junk));
    assert_int_equal(pwrite(fd, junk, sizeof(junk), 0), sizeof(junk));
    close(fd);
    const char *note = "";
    in_process(open_and_close, &note);
    assert_int_equal(count_aside(), 1);
}

/* After power loss any page may be missing. Each one in use that is blank is found at the next
 * boot, whether LMDB answers it with an error, an abort or a crash; a sound store stays. */
static void blank_pages_after_a_boot(void **state)
{
    (void)state;
    off_t size;
    static char content[1 << 22], blank[4096];
    bool there = true;
    in_process(write_some, NULL);
    reboot();
    in_process(expect_some, &there);
    int fd = open_file("data.mdb", &size);
    assert_true(size < (off_t)sizeof(content));
    assert_int_equal(pread(fd, content, (size_t)size, 0), size);
    int damaged = 0;
    for (off_t at = 2 * 4096; at < size; at += 4096) {
        assert_int_equal(pwrite(fd, blank, 4096, at), 4096);
        int rc = check(MAP_SIZE);
        assert_true(rc == 0 || rc == -EUCLEAN);
        damaged += rc == -EUCLEAN;
        assert_int_equal(pwrite(fd, content + at, 4096, at), 4096);
    }
    assert_int_equal(check(MAP_SIZE), 0);
    /* 3500 entries of at least 50 octets on pages that hold at most 4096. */
    print_message("%d of %d pages are in use\n", damaged, (int)(size / 4096));
    assert_true(damaged >= 43);

    for (off_t at = 2 * 4096; at < size; at += 4096) {
        assert_int_equal(pwrite(fd, blank, 4096, at), 4096);
    }
    close(fd);
    reboot();
    there = false;
    in_process(expect_some, &there);
    assert_int_equal(count_aside(), 1);
}

/* ---- a full map, and purging ---- */

static void fill_up(void *arg)
{
    (void)arg;
    const char *note;
    struct store_backend *b = open_store(1 << 20, &note);
    uint32_t n = 0;
    int rc = 0;
    usec_t soon = NOW + 1000 * USEC_SEC;
    while (rc == 0) {
        rc = apply(b, false, 1, n, 10, soon, NOW);
        n += rc == 0 ? 10 : 0;
    }
    MUST(rc == -ENOSPC);
    MUST(n > 5000);
    for (uint32_t i = 0; i < n; i++) {
        MUST(has(b, 1, i));
    }
    MUST(!has(b, 1, n));
    /* Full it stays until something expires; then there is room again. */
    MUST(apply(b, false, 2, 0, 1000, soon, NOW + 1) == -ENOSPC);
    MUST(apply(b, false, 2, 0, 1000, 2 * NOW, soon) == 0);
    for (uint32_t i = 0; i < 1000; i++) {
        MUST(has(b, 2, i));
    }
    MUST(!has(b, 1, 0));
    b->ops->close(b);
}

/* Notes take half of it at most, whoever makes us write them: the ledger's half stays. */
static void fill_with_notes(void *arg)
{
    (void)arg;
    const char *note;
    struct store_backend *b = open_store((size_t)1 << 22, &note);
    as_notes = true;
    for (uint32_t i = 0; i < 2000; i++) {
        MUST(apply(b, false, 1, 50 * i, 50, NOW + 1000 * USEC_SEC, NOW) == 0);
    }
    MUST(has(b, 1, 0) && !has(b, 1, 99999));
    MUST(apply(b, true, 1, 0, 1, NOW + 1000 * USEC_SEC, NOW) == 0);
    MUST(!has(b, 1, 0));
    as_notes = false;
    MUST(apply(b, false, 2, 0, 1000, NOW + 1000 * USEC_SEC, NOW) == 0);
    MUST(has(b, 2, 999));
    b->ops->close(b);
}

static void notes_leave_room(void **state)
{
    (void)state;
    in_process(fill_with_notes, NULL);
}

static void full_map(void **state)
{
    (void)state;
    in_process(fill_up, NULL);
    assert_int_equal(check(1 << 20), 0);
}

/* The disk is full, as far as this process can tell: the batch fails, the process lives, nothing
 * that was acknowledged is lost, and it works again once there is room. */
static void fill_disk(void *arg)
{
    (void)arg;
    const char *note;
    struct store_backend *b = open_store(MAP_SIZE, &note);
    struct rlimit limit = {1 << 20, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    uint32_t n = 0;
    int rc = 0;
    while (rc == 0) {
        rc = apply(b, false, 1, n, 10, 2 * NOW, NOW);
        n += rc == 0 ? 10 : 0;
    }
    MUST(rc == -EFBIG);
    MUST(n > 5000);
    for (uint32_t i = 0; i < n; i++) {
        MUST(has(b, 1, i));
    }
    MUST(!has(b, 1, n));
    limit.rlim_cur = RLIM_INFINITY;
    MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    MUST(apply(b, false, 1, n, 5000, 2 * NOW, NOW) == 0);
    for (uint32_t i = 0; i < n + 5000; i++) {
        MUST(has(b, 1, i));
    }
    b->ops->close(b);
}

static void full_disk(void **state)
{
    (void)state;
    in_process(fill_disk, NULL);
    assert_int_equal(check(MAP_SIZE), 0);
}

/* Entries with their expiry not looked at. */
static uint32_t count_raw(struct store_backend *b, uint32_t owner, uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t value[ENTRY_MAX];
        size_t value_n;
        struct store_key k = key(owner, i);
        count += b->ops->get(b, &k, value, &value_n) == 1;
    }
    return count;
}

static void purge(void *arg)
{
    (void)arg;
    const char *note;
    struct store_backend *b = open_store(MAP_SIZE, &note);
    usec_t expires = NOW + 10 * USEC_SEC;
    MUST(apply(b, false, 1, 0, 3000, expires, NOW) == 0);
    MUST(apply(b, false, 2, 0, 3000, 2 * NOW, NOW) == 0);
    MUST(apply(b, false, 3, 0, 1, 2 * NOW, NOW + 2 * USEC_SEC) == 0);
    MUST(count_raw(b, 1, 3000) == 3000);
    /* In slices: a few at a time, at most once a second, and in the end all. */
    uint32_t before = 3000, rounds = 0;
    for (; before > 0 && rounds < 100; rounds++) {
        usec_t wall = expires + rounds * USEC_SEC;
        MUST(apply(b, false, 3, rounds, 1, 2 * NOW, wall) == 0);
        uint32_t left = count_raw(b, 1, 3000);
        MUST(before - left <= 300);
        MUST(apply(b, false, 3, rounds, 1, 2 * NOW, wall + 1) == 0);
        MUST(count_raw(b, 1, 3000) == left);
        before = left;
    }
    MUST(before == 0);
    MUST(rounds >= 6000 / 300 && rounds <= 2 * 6000 / 256);
    MUST(count_raw(b, 2, 3000) == 3000);
    b->ops->close(b);
}

static void purged_in_slices(void **state)
{
    (void)state;
    in_process(purge, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(closed_to_others, setup, teardown),
        cmocka_unit_test_setup_teardown(nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(late_removal, setup, teardown),
        cmocka_unit_test_setup_teardown(truncated, setup, teardown),
        cmocka_unit_test_setup_teardown(not_a_database, setup, teardown),
        cmocka_unit_test_setup_teardown(blank_pages_after_a_boot, setup, teardown),
        cmocka_unit_test_setup_teardown(notes_leave_room, setup, teardown),
        cmocka_unit_test_setup_teardown(full_map, setup, teardown),
        cmocka_unit_test_setup_teardown(full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(purged_in_slices, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_at_any_moment, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
