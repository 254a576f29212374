/* The store's notes: what is found when and by whom, over both back ends. */
#include "rt/real.h"
#include "store_world.h"

#define MINUTE (60 * USEC_SEC)

static char text[NOTE_MAX + 1];

/* What a note says: "" when there is none. */
static const char *note(struct store *s, uint32_t n, usec_t wall)
{
    struct digest k = key(n);
    size_t length = 0;
    int rc = note_find(s, NOTE_RECIPIENT, &k, wall, text, NOTE_MAX, &length);
    text[rc == 1 ? length : 0] = '\0';
    return text;
}

static void keep(struct store *s, uint32_t n, const char *p, usec_t wall)
{
    struct digest k = key(n);
    note_keep(s, NOTE_RECIPIENT, &k, p, strlen(p), wall, wall + MINUTE);
}

static void drop(struct store *s, uint32_t n, usec_t wall)
{
    struct digest k = key(n);
    note_drop(s, NOTE_RECIPIENT, &k, wall);
}

static void keys(void **state)
{
    (void)state;
    struct slice ab_c[] = {SLICE_LIT("ab"), SLICE_LIT("c")};
    struct slice a_bc[] = {SLICE_LIT("a"), SLICE_LIT("bc")};
    struct digest one = note_key(ab_c, 2), same = note_key(ab_c, 2), other = note_key(a_bc, 2);
    struct digest shorter = note_key(ab_c, 1);
    assert_memory_equal(&one, &same, sizeof(one));
    assert_memory_not_equal(&one, &other, sizeof(one));
    assert_memory_not_equal(&one, &shorter, sizeof(one));
}

static void entries(void **state)
{
    (void)state;
    uint8_t octets[ENTRY_MAX];
    char most[NOTE_MAX];
    struct slice back;
    memset(most, 'm', sizeof(most));
    size_t n = entry_encode_note(octets, 7, most, sizeof(most));
    assert_true(n <= ENTRY_MAX);
    assert_true(entry_decode_note(octets, n, 6, &back));
    assert_int_equal(back.n, sizeof(most));
    assert_memory_equal(back.p, most, sizeof(most));
    assert_false(entry_decode_note(octets, n, 7, &back));
    assert_false(entry_decode_note(octets, 8, 6, &back));
    n = entry_encode_note(octets, 7, NULL, 0);
    assert_true(entry_decode_note(octets, n, 6, &back));
    assert_int_equal(back.n, 0);
    octets[0]++; /* a format to come */
    assert_false(entry_decode_note(octets, n, 6, &back));
}

static void life_task(void *arg)
{
    struct world *w = arg;
    struct store *s = w->store, *other = store_open_memory(w->rt, &w->shared);
    usec_t now = rt_wall();
    assert_string_equal(note(s, 1, now), "");
    keep(s, 1, "yes", now);
    assert_string_equal(note(s, 1, now), "yes"); /* its own, at once */
    assert_string_equal(note(other, 1, now), "");
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_string_equal(note(other, 1, now), "yes");
    assert_string_equal(note(other, 1, now + MINUTE - 1), "yes");
    assert_string_equal(note(other, 1, now + MINUTE), "");

    /* Another kind under the same key, and one key among others, are apart. */
    struct digest k = key(1);
    size_t n = 99;
    assert_int_equal(note_find(s, NOTE_ACCEPT_ALL, &k, now, text, NOTE_MAX, &n), 0);
    assert_int_equal(armed(s, &k, now), 0);
    assert_string_equal(note(s, 2, now), "");
    /* One that does not fit the reader is none. */
    assert_int_equal(note_find(s, NOTE_RECIPIENT, &k, now, text, 2, &n), 0);
    assert_int_equal(n, 99);

    /* Newer ones win, and removals take what is there then, in the order they were queued. */
    keep(s, 1, "no", now);
    drop(s, 1, now);
    assert_string_equal(note(s, 1, now), "");
    keep(s, 1, "perhaps", now);
    assert_string_equal(note(s, 1, now), "perhaps");
    assert_string_equal(note(other, 1, now), "yes");
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_string_equal(note(other, 1, now), "perhaps");
    drop(other, 1, now);
    drop(other, 3, now);
    assert_string_equal(note(other, 1, now), "");
    assert_string_equal(note(s, 1, now), "perhaps");
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_string_equal(note(s, 1, now), "");

    /* Nothing in it is a note as well; too much is none, and takes away what was there. */
    note_keep(s, NOTE_RECIPIENT, &k, NULL, 0, now, now + MINUTE);
    assert_int_equal(note_find(s, NOTE_RECIPIENT, &k, now, text, 0, &n), 1);
    assert_int_equal(n, 0);
    note_keep(s, NOTE_RECIPIENT, &k, text, NOTE_MAX + 1, now, now + MINUTE);
    assert_int_equal(note_find(s, NOTE_RECIPIENT, &k, now, text, NOTE_MAX, &n), 0);
    store_close(other);
}

static void life_of_a_note(void **state)
{
    (void)state;
    in_sim(life_task);
}

static void failing_task(void *arg)
{
    struct world *w = arg;
    struct store *s = w->store, *other = store_open_memory(w->rt, &w->shared);
    usec_t now = rt_wall();
    keep(s, 1, "old", now);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);

    /* A batch that fails loses its notes, which is counted, and keeps its removals. */
    sim_next_call(w->rt, RT_CALL_STORE, -ENOSPC, 0);
    drop(s, 1, now);
    keep(s, 2, "lost", now);
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_int_equal(store_stats(s)->failed, 1);
    assert_string_equal(note(s, 2, now), "");
    assert_string_equal(note(s, 1, now), "");
    assert_string_equal(note(other, 1, now), "old");
    keep(s, 1, "new", now); /* which the late removal must not take away */
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    assert_string_equal(note(s, 1, now), "new");
    assert_string_equal(note(other, 1, now), "new");

    /* Nobody waits, however slow the store is; and too much is not queued. */
    sim_next_call(w->rt, RT_CALL_STORE, 0, 10 * USEC_SEC);
    usec_t began = rt_now();
    for (uint32_t i = 0; i < 70000; i++) {
        keep(s, 100 + i, "many", now);
    }
    assert_int_equal(rt_now(), began);
    assert_string_equal(note(s, 100, now), "many");
    assert_string_equal(note(s, 100 + 69999, now), "");
    assert_true(store_stats(s)->failed > 4000);
    store_close(other);
}

static void failing_batches(void **state)
{
    (void)state;
    in_sim(failing_task);
}

/* A worker that is asked to end has its notes written; one that is killed loses some. */
static void closing_task(void *arg)
{
    struct world *w = arg;
    usec_t now = rt_wall();
    struct store *s = store_open_memory(w->rt, &w->shared);
    keep(s, 1, "yes", now);
    drop(s, 2, now);
    store_close(s);
    assert_string_equal(note(w->store, 1, now), "yes");
    s = store_open_memory(w->rt, &w->shared);
    keep(s, 1, "lost", now);
    store_abandon(s);
    assert_string_equal(note(w->store, 1, now), "yes");
}

static void closing(void **state)
{
    (void)state;
    in_sim(closing_task);
}

/* ---- LMDB ---- */

struct opened {
    struct store *store;
    volatile bool stop;
};

static void write_and_read(void *arg)
{
    struct opened *o = arg;
    usec_t now = rt_wall();
    keep(o->store, 1, "first", now);
    keep(o->store, 2, "second", now);
    MUST(strcmp(note(o->store, 1, now), "first") == 0);
    MUST(task_sleep(rt_now() + 200 * USEC_MSEC) == 0);
    MUST(strcmp(note(o->store, 1, now), "first") == 0);
    drop(o->store, 1, now);
    drop(o->store, 3, now);
    MUST(strcmp(note(o->store, 1, now), "") == 0);
    MUST(task_sleep(rt_now() + 200 * USEC_MSEC) == 0);
    MUST(strcmp(note(o->store, 1, now), "") == 0);
    MUST(strcmp(note(o->store, 2, now), "second") == 0);
    o->stop = true;
    real_wake(rt_self());
}

static void read_again(void *arg)
{
    struct opened *o = arg;
    MUST(strcmp(note(o->store, 1, rt_wall()), "") == 0);
    MUST(strcmp(note(o->store, 2, rt_wall()), "second") == 0);
    o->stop = true;
    real_wake(rt_self());
}

struct life {
    const char *folder;
    void (*fn)(void *arg); /* a task's */
};

static void live(void *arg)
{
    const struct life *life = arg;
    struct rt *rt = real_new();
    struct opened o = {0};
    const char *said = "";
    MUST(store_open_lmdb(rt, life->folder, &o.store, &said) == 0);
    MUST(task_spawn(rt, rt_root_of(rt), life->fn, &o) == 0);
    real_run(rt, &o.stop);
    MUST(store_stats(o.store)->failed == 0);
    store_close(o.store);
    real_free(rt);
}

static void notes_on_lmdb(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_notes.XXXXXX", store[64];
    assert_int_equal(make_folder(folder), 0);
    snprintf(store, sizeof(store), "%s/state", folder);
    in_process(live, &(struct life){store, write_and_read});
    in_process(live, &(struct life){store, read_again});
    assert_int_equal(remove_folder(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),           cmocka_unit_test(entries),
        cmocka_unit_test(life_of_a_note), cmocka_unit_test(failing_batches),
        cmocka_unit_test(closing),        cmocka_unit_test(notes_on_lmdb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
