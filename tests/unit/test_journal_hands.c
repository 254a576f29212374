/* What others do to the journal's file while the writer has it open. */
#include "writer_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Taken away under the writer's hands, or put back. */
static void moved_away(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    char old[160], name[256];

    world_take(w, 0, 0, 9);
    world_wait_stored(w, 10);
    snprintf(old, sizeof(old), "%s/old.db", world_folder);
    assert_int_equal(rename(world_path, old), 0);
    world_take(w, 0, 11, 19);
    world_wait_said(w, true, "taken away");
    world_wait_stored(w, 19);
    world_end(w);
    world_expect_rows("SELECT next, stored, lost FROM stream", "20|19|1\n");
    world_expect_rows("SELECT count(*) FROM decision", "9\n");
    assert_int_equal(world_count_aside(name), 0);
    char *rows = world_rows(old, "SELECT count(*) FROM decision");
    assert_string_equal(rows, "10\n");
    free(rows);
}

/* Cut off under the writer's hands: what SQLite still has in memory would hide it for long. */
static void cut_off_meanwhile(void **state)
{
    (void)state;
    char name[256];

    for (off_t left = 0; left <= 5000; left += 5000) {
        struct journal_writer *w = world_writer();
        world_take(w, 0, 0, 99);
        world_wait_stored(w, 100);
        world_run(world_path, "PRAGMA wal_checkpoint(TRUNCATE)");
        world_take(w, 0, 100, 100);
        world_wait_stored(w, 101);
        world_said_nothing(w);
        assert_int_equal(truncate(world_path, left), 0);
        world_take(w, 0, 101, 109);
        world_wait_said(w, true, "it was cut off; it is kept as");
        world_wait_stored(w, 110);
        world_end(w);
        world_check_whole(world_path);
        world_expect_rows("SELECT next, stored, lost FROM stream", "110|110|0\n");
        world_expect_rows("SELECT count(*) FROM decision", "9\n");
        assert_int_equal(world_count_aside(name), 1);
        world_remove_journal();
        snprintf(name, sizeof(name), "rm -f %s/journal.db.aside-*", world_folder);
        assert_int_equal(system(name), 0);
    }
}

/* An administrator who makes it shorter, and adds to it, has not damaged it. */
static void shortened_by_others(void **state)
{
    (void)state;
    struct journal_writer *w = world_writer();
    char name[256];

    world_take(w, 0, 0, 2999);
    world_wait_stored(w, 3000);
    world_run(world_path, "PRAGMA wal_checkpoint(TRUNCATE)");
    world_take(w, 0, 3000, 3000);
    world_wait_stored(w, 3001);
    world_run(world_path,
              "DELETE FROM decision WHERE n < 2900; VACUUM;"
              "PRAGMA wal_checkpoint(TRUNCATE); CREATE INDEX mine ON decision(verdict)");
    world_take(w, 0, 3001, 3009);
    world_wait_stored(w, 3010);
    world_said_nothing(w);
    world_end(w);
    world_expect_rows("SELECT next, stored, lost FROM stream", "3010|3010|0\n");
    world_expect_rows("SELECT count(*) FROM decision", "111\n");
    assert_int_equal(world_count_aside(name), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(moved_away),
        TEST(cut_off_meanwhile),
        TEST(shortened_by_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
