/* Tables' files that change, vanish and turn to garbage, in a simulated world with real files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/reload.h"
#include "policy/table.h"
#include "rt/sim.h"
#include "rt/sys.h"

/* ---- a worker with one table ---- */

struct world {
    struct sim *sim;
    struct rt *rt;
    struct policy_table table;
    struct policy_table inline_;
    struct policy_table *tables[2];
    struct policy policy;
    struct file_watch *watch;
    char folder[64];
    char file[96];
    char told[2000]; /* lines, each with "!" in front when it is trouble */
    unsigned lines;
    unsigned writes;
};

static void tell(void *arg, bool trouble, const char *line)
{
    struct world *w = arg;
    const size_t n = strlen(w->told);

    w->lines++;
    (void)snprintf(w->told + n, sizeof(w->told) - n, "%s%s\n", trouble ? "!" : "", line);
}

static void parse_into(struct policy_table *t, const char *text)
{
    char why[256];
    struct place at;

    assert_int_equal(table_content_parse(slice_of(text), &t->content, &at, why, sizeof(why)), 0);
    t->has_networks = table_content_has_networks(t->content);
    t->has_texts = table_content_has_texts(t->content);
}

/* Each writing is later than the one before, however coarse the file system's clock is. */
static void write_file(struct world *w, const char *text)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000 + w->writes++}};
    const int fd = open(w->file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(futimens(fd, times), 0);
    assert_int_equal(close(fd), 0);
}

static int setup(void **state)
{
    static struct world w;

    w = (struct world){0};
    strcpy(w.folder, "/tmp/gatepost-reload-XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    (void)snprintf(w.file, sizeof(w.file), "%s/partners", w.folder);
    w.sim = sim_new(1);
    w.rt = sim_rt(w.sim);
    w.inline_.name = "inline";
    parse_into(&w.inline_, "a");
    w.table.name = "partners";
    w.table.file = w.file;
    write_file(&w, "one.example\n");
    parse_into(&w.table, "one.example\n");
    w.tables[0] = &w.inline_;
    w.tables[1] = &w.table;
    w.policy.tables = w.tables;
    w.policy.table_count = 2;
    w.watch = table_watch_new(w.rt, &w.policy, tell, &w);
    assert_non_null(w.watch);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    assert_null(file_watch_free(w->watch));
    sim_run(w->sim, USEC_NEVER);
    (void)sim_rt_free(w->rt);
    (void)sim_free(w->sim);
    (void)table_content_free(w->table.content);
    (void)table_content_free(w->inline_.content);
    (void)unlink(w->file);
    (void)rmdir(w->file);
    return rmdir(w->folder);
}

/* Lets time pass: `looks` at the file. */
static void pass(struct world *w, unsigned looks)
{
    /* A look takes a moment itself. */
    sim_run(w->sim, sim_now(w->sim) + looks * (FILE_LOOK_EVERY + USEC_MSEC));
}

static bool has(const struct world *w, const char *text)
{
    return table_has_text(&w->table, slice_of(text)) == 1;
}

/* What was told since the last time, with "FILE" for the file's path. */
static void assert_told(struct world *w, const char *expected)
{
    char told[sizeof(w->told)] = "";
    const char *at;
    const char *from = w->told;

    while ((at = strstr(from, w->file)) != NULL) {
        strncat(told, from, (size_t)(at - from));
        strcat(told, "FILE");
        from = at + strlen(w->file);
    }
    strcat(told, from);
    assert_string_equal(told, expected);
    w->told[0] = '\0';
}

#define LOOKS_TO_TAKE 3 /* the first one in time, and one that finds the same */

/* ---- what happens to files ---- */

static void a_file_that_stays_is_no_news(void **state)
{
    struct world *w = *state;
    const struct table_content *content = w->table.content;

    pass(w, 10);
    assert_told(w, "");
    assert_ptr_equal(w->table.content, content);
}

static unsigned opened;

static int count_opens(enum sys_op op)
{
    opened += op == SYS_OPEN;
    return 0;
}

static void it_is_read_once(void **state)
{
    struct world *w = *state;

    opened = 0;
    sys_fault = count_opens;
    pass(w, 20);
    sys_fault = NULL;
    assert_int_equal(opened, 1);
}

static void a_file_that_is_touched_is_no_news(void **state)
{
    struct world *w = *state;

    pass(w, 5);
    write_file(w, "one.example\n");
    pass(w, 5);
    assert_told(w, "");
}

static void a_changed_file_is_taken(void **state)
{
    struct world *w = *state;

    pass(w, 5);
    write_file(w, "two.example\n192.0.2.0/24\n");
    pass(w, LOOKS_TO_TAKE);
    assert_told(w, "table partners: FILE: read anew, 2 entries\n");
    assert_true(has(w, "two.example"));
    assert_false(has(w, "one.example"));
    assert_true(w->table.has_networks);
    assert_true(w->table.has_texts);
    assert_ptr_equal(w->inline_.content, w->tables[0]->content);

    write_file(w, "three.example\n");
    pass(w, LOOKS_TO_TAKE);
    assert_told(w, "table partners: FILE: read anew, 1 entry\n");
    assert_true(has(w, "three.example"));
    assert_false(w->table.has_networks);
}

/* It changed between the configuration's check and the first look. */
static void a_change_before_the_first_look_is_seen(void **state)
{
    struct world *w = *state;

    write_file(w, "two.example\n");
    pass(w, LOOKS_TO_TAKE);
    assert_told(w, "table partners: FILE: read anew, 1 entry\n");
    assert_true(has(w, "two.example"));
}

static void a_replaced_file_is_taken(void **state)
{
    struct world *w = *state;
    char other[sizeof(w->file) + 4];
    struct stat st;

    pass(w, 5);
    /* Same size, same time: another file all the same. */
    assert_int_equal(stat(w->file, &st), 0);
    (void)snprintf(other, sizeof(other), "%s.new", w->file);
    assert_int_equal(rename(w->file, other), 0);
    write_file(w, "two.example\n");
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, w->file, times, 0), 0);
    assert_int_equal(unlink(other), 0);
    pass(w, LOOKS_TO_TAKE);
    assert_told(w, "table partners: FILE: read anew, 1 entry\n");
    assert_true(has(w, "two.example"));
}

static void a_file_that_is_being_written_is_let_be(void **state)
{
    struct world *w = *state;

    pass(w, 5);
    write_file(w, "");
    pass(w, 1);
    write_file(w, "two.exa");
    pass(w, 1);
    assert_told(w, "");
    assert_true(has(w, "one.example"));
    write_file(w, "two.example\n");
    pass(w, LOOKS_TO_TAKE);
    assert_told(w, "table partners: FILE: read anew, 1 entry\n");
    assert_true(has(w, "two.example"));
}

static void a_file_that_never_rests_is_taken_now_and_then(void **state)
{
    struct world *w = *state;
    char text[64];

    pass(w, 5);
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(text, sizeof(text), "%u.example\n", i);
        write_file(w, text);
        pass(w, 1);
    }
    assert_in_range(w->lines, 3, 5);
    assert_true(has(w, "19.example") || has(w, "18.example") || has(w, "17.example") ||
                has(w, "16.example") || has(w, "15.example"));
}

/* ---- trouble ---- */

static void a_vanished_file_leaves_the_last_good_table(void **state)
{
    struct world *w = *state;

    pass(w, 5);
    assert_int_equal(unlink(w->file), 0);
    pass(w, 10);
    assert_told(w, "!table partners: FILE: No such file or directory; the last good one stays\n");
    assert_true(has(w, "one.example"));

    write_file(w, "one.example\n");
    pass(w, LOOKS_TO_TAKE);
    assert_told(w, "table partners: FILE: good again and not changed, 1 entry\n");

    /* Anew, it is told anew. */
    assert_int_equal(unlink(w->file), 0);
    pass(w, 10);
    assert_told(w, "!table partners: FILE: No such file or directory; the last good one stays\n");
    write_file(w, "two.example\n");
    pass(w, LOOKS_TO_TAKE);
    assert_told(w, "table partners: FILE: read anew, 1 entry\n");
    assert_true(has(w, "two.example"));
}

/* Nothing about the file itself has changed. */
static void a_file_that_was_moved_away_and_back(void **state)
{
    struct world *w = *state;
    char other[sizeof(w->file) + 4];

    (void)snprintf(other, sizeof(other), "%s.old", w->file);
    pass(w, 5);
    assert_int_equal(rename(w->file, other), 0);
    pass(w, 5);
    assert_told(w, "!table partners: FILE: No such file or directory; the last good one stays\n");
    assert_int_equal(rename(other, w->file), 0);
    pass(w, 5);
    assert_told(w, "table partners: FILE: good again and not changed, 1 entry\n");
}

static void garbage_leaves_the_last_good_table(void **state)
{
    struct world *w = *state;

    pass(w, 5);
    write_file(w, "two.example\n192.0.2.1/24\n");
    pass(w, 10);
    assert_told(w, "!table partners: FILE:2:1: 192.0.2.1/24 has bits behind /24; the network is "
                   "192.0.2.0/24; the last good one stays\n");
    assert_true(has(w, "one.example"));
    assert_false(has(w, "two.example"));

    /* The same cause in a file written again is no news; another one is. */
    write_file(w, "three.example\n192.0.2.1/24\n");
    pass(w, 10);
    assert_told(w, "");
    write_file(w, "a b");
    pass(w, 10);
    assert_told(w,
                "!table partners: FILE:1:3: expected one entry a line, found \"b\"; the last good "
                "one stays\n");
    write_file(w, "two.example\n192.0.2.0/24\n");
    pass(w, LOOKS_TO_TAKE);
    assert_told(w, "table partners: FILE: read anew, 2 entries\n");
    assert_true(has(w, "two.example"));
}

static void what_is_no_file_is_not_read(void **state)
{
    struct world *w = *state;

    pass(w, 5);
    assert_int_equal(unlink(w->file), 0);
    assert_int_equal(mkdir(w->file, 0700), 0);
    pass(w, 10);
    assert_told(w, "!table partners: FILE: Is a directory; the last good one stays\n");
    assert_int_equal(rmdir(w->file), 0);
    assert_int_equal(mkfifo(w->file, 0600), 0);
    pass(w, 10);
    assert_told(w, "!table partners: FILE: not a regular file; the last good one stays\n");
    assert_true(has(w, "one.example"));
}

static void a_huge_file_is_not_read(void **state)
{
    struct world *w = *state;

    pass(w, 5);
    assert_int_equal(truncate(w->file, (off_t)TABLE_FILE_MOST + 1), 0);
    pass(w, 10);
    assert_told(w, "!table partners: FILE: more than 16 MiB; the last good one stays\n");
    assert_true(has(w, "one.example"));
}

static int denied_error;
static enum sys_op denied_op;

static int deny(enum sys_op op)
{
    return op == denied_op ? denied_error : 0;
}

/* Its rights may change without a trace: it is tried again. */
static void a_file_that_cannot_be_read_is_tried_again(void **state)
{
    struct world *w = *state;

    pass(w, 5);
    write_file(w, "two.example\n");
    denied_op = SYS_OPEN;
    denied_error = -EACCES;
    sys_fault = deny;
    pass(w, 10);
    assert_told(w, "!table partners: FILE: Permission denied; the last good one stays\n");
    denied_op = SYS_READ;
    denied_error = -EIO;
    pass(w, 10);
    assert_told(w, "!table partners: FILE: Input/output error; the last good one stays\n");
    denied_op = SYS_STAT;
    pass(w, 10);
    assert_told(w, "");
    sys_fault = NULL;
    pass(w, LOOKS_TO_TAKE);
    assert_told(w, "table partners: FILE: read anew, 1 entry\n");
    assert_true(has(w, "two.example"));
}

static void a_look_that_did_not_happen_changes_nothing(void **state)
{
    struct world *w = *state;

    pass(w, 5);
    write_file(w, "two.example\n");
    for (unsigned i = 0; i < 5; i++) {
        sim_next_call(w->rt, RT_CALL_FILE, -ECANCELED, 0);
        pass(w, 1);
    }
    assert_told(w, "");
    pass(w, LOOKS_TO_TAKE);
    assert_told(w, "table partners: FILE: read anew, 1 entry\n");
}

/* ---- ending ---- */

static void free_watch(void *arg, bool trouble, const char *line)
{
    struct world *w = arg;

    tell(arg, trouble, line);
    w->watch = file_watch_free(w->watch);
}

/* The look is under way when the owner, and the policy with it, goes. */
static void it_can_be_freed_while_a_file_is_read(void **state)
{
    struct world *w = *state;

    pass(w, 5);
    write_file(w, "two.example\n");
    pass(w, 1);
    sim_next_call(w->rt, RT_CALL_FILE, 0, 10 * USEC_SEC);
    sim_run(w->sim, sim_now(w->sim) + FILE_LOOK_EVERY + USEC_SEC);
    w->watch = file_watch_free(w->watch);
    w->table.content = table_content_free(w->table.content);
    memset(w->tables, 0xa5, sizeof(w->tables));
    sim_run(w->sim, USEC_NEVER);
    assert_told(w, "");
    assert_null(w->table.content);
}

static void it_can_be_freed_when_it_tells(void **state)
{
    struct world *w = *state;

    assert_null(file_watch_free(w->watch));
    w->watch = table_watch_new(w->rt, &w->policy, free_watch, w);
    write_file(w, "two.example\n");
    pass(w, 10);
    assert_null(w->watch);
    assert_int_equal(w->lines, 1);
}

static void without_files_there_is_nothing_to_watch(void **state)
{
    struct world *w = *state;

    w->policy.table_count = 1;
    assert_null(table_watch_new(w->rt, &w->policy, tell, w));
    assert_null(file_watch_free(NULL));
}

/* A table that is asked by ~ never becomes one of something else. */
static void patterns_stay_patterns(void **state)
{
    static const char expected[] =
        "table partners: FILE: read anew, 2 entries\n"
        "!table partners: FILE: expected patterns alone, found texts; the last good one stays\n";
    struct world *w = *state;
    bool caseless;

    assert_null(file_watch_free(w->watch));
    w->table.patterns_only = true;
    w->watch = table_watch_new(w->rt, &w->policy, tell, w);
    const uint64_t generation = w->table.generation;
    write_file(w, "/a/\n/b/i\n");
    pass(w, LOOKS_TO_TAKE);
    assert_int_equal(table_content_pattern_count(w->table.content), 2);
    assert_int_equal(table_content_pattern(w->table.content, 1, &caseless).p[0], 'b');
    assert_true(caseless);
    assert_int_equal(w->table.generation, generation + 1);
    write_file(w, "/a/\nb\n");
    pass(w, LOOKS_TO_TAKE);
    assert_int_equal(table_content_pattern_count(w->table.content), 2);
    assert_int_equal(w->table.generation, generation + 1);
    assert_told(w, expected);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_stays_is_no_news),
        TEST(it_is_read_once),
        TEST(a_file_that_is_touched_is_no_news),
        TEST(a_changed_file_is_taken),
        TEST(a_change_before_the_first_look_is_seen),
        TEST(a_replaced_file_is_taken),
        TEST(a_file_that_is_being_written_is_let_be),
        TEST(a_file_that_never_rests_is_taken_now_and_then),
        TEST(a_vanished_file_leaves_the_last_good_table),
        TEST(a_file_that_was_moved_away_and_back),
        TEST(garbage_leaves_the_last_good_table),
        TEST(what_is_no_file_is_not_read),
        TEST(a_huge_file_is_not_read),
        TEST(a_file_that_cannot_be_read_is_tried_again),
        TEST(a_look_that_did_not_happen_changes_nothing),
        TEST(it_can_be_freed_while_a_file_is_read),
        TEST(it_can_be_freed_when_it_tells),
        TEST(without_files_there_is_nothing_to_watch),
        TEST(patterns_stay_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
