/* The spool and its budget: what went in comes out, from memory and from the file; who waits and
 * who need not; nothing is lost or left behind when the file fails. In the simulated world, with
 * real files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message/spool.h"
#include "rt/sim.h"
#include "rt/sys.h"

static struct sim *sim;
static struct rt *rt;
static char folder[] = "/tmp/test_spool.XXXXXX";

static int open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(d);
    while (readdir(d) != NULL) {
        count++;
    }
    closedir(d);
    return count;
}

static void run(void (*fn)(void *arg), void *arg)
{
    int before = open_descriptors();
    sim = sim_new(1);
    rt = sim_rt(sim);
    assert_int_equal(task_spawn(rt, rt_root_of(rt), fn, arg), 0);
    sim_run(sim, USEC_NEVER);
    assert_int_equal(rt_stats(rt)->tasks, 0);
    sim_rt_free(rt);
    sim_free(sim);
    assert_int_equal(open_descriptors(), before);
}

static int group_setup(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    return rmdir(folder); /* fails where a file was left */
}

/* ---- octets ---- */

static char octet_at(uint64_t at)
{
    return (char)(at * 2654435761u >> 13);
}

/* Appends `n` octets in pieces of up to `piece`. */
static int fill(struct spool *s, size_t n, size_t piece, usec_t deadline)
{
    char *octets = malloc(piece); /* the runtime's stacks are small */
    int rc = 0;
    while (n > 0 && rc == 0) {
        size_t part = piece < n ? piece : n;
        for (size_t i = 0; i < part; i++) {
            octets[i] = octet_at(s->size + i);
        }
        rc = spool_append(s, octets, part, deadline);
        n -= part;
    }
    free(octets);
    return rc;
}

static void assert_content(struct spool *s, uint64_t size)
{
    struct spool_cursor cursor = {0};
    uint64_t at = 0;
    struct slice part;
    assert_int_equal(s->size, size);
    for (;;) {
        assert_int_equal(spool_next(s, &cursor, &part), 0);
        if (part.n == 0) {
            break;
        }
        for (size_t i = 0; i < part.n; i++) {
            if (part.p[i] != octet_at(at + i)) {
                fail_msg("octet %llu differs", (unsigned long long)(at + i));
            }
        }
        at += part.n;
    }
    assert_int_equal(at, size);
    assert_null(cursor.file_buffer);
    assert_int_equal(spool_next(s, &cursor, &part), 0);
    assert_int_equal(part.n, 0);
    spool_cursor_end(s, &cursor);
}

/* The file has the message's octets and no other, and the spool itself reads as before. */
static void assert_whole(struct spool *s, uint64_t size)
{
    struct stat st;
    int fd, again;
    assert_int_equal(spool_whole(s, &fd), 0);
    assert_int_equal(spool_whole(s, &again), 0);
    assert_int_equal(again, fd);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, size);
    char *octets = malloc(size + 1);
    assert_int_equal(pread(fd, octets, size + 1, 0), size);
    for (uint64_t i = 0; i < size; i++) {
        if (octets[i] != octet_at(i)) {
            fail_msg("octet %llu of the file differs", (unsigned long long)i);
        }
    }
    free(octets);
    assert_content(s, size);
}

static void sizes_task(void *arg)
{
    (void)arg;
    static const size_t sizes[] = {0,     1,      16359,  16360,  16361,  32720, 32721,
                                   65440, 65441,  65536,  81800,  81801,  98160, 98161,
                                   99999, 131072, 200000, 500000, 1000000};
    static const size_t pieces[] = {1000, 16360, 16384, 65536};
    struct budget b;
    budget_init(&b, 1 << 20);
    struct spool_config config = {.budget = &b, .folder = folder, .memory_each = 65536};
    struct spool s;
    spool_init(&s, &config);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
            assert_int_equal(fill(&s, sizes[i], pieces[j], USEC_NEVER), 0);
            assert_true(b.used <= 65536);
            assert_int_equal(s.fd >= 0, sizes[i] > 65440);
            assert_content(&s, sizes[i]);
            assert_content(&s, sizes[i]); /* and again, as for a second hop */
            assert_whole(&s, sizes[i]);
            spool_reset(&s);
            assert_int_equal(b.used, 0);
            assert_int_equal(s.size, 0);
            assert_int_equal(s.fd, -1);
        }
    }
    budget_fini(&b);
}

static void comes_out_as_it_went_in(void **state)
{
    (void)state;
    run(sizes_task, NULL);
}

static void memory_task(void *arg)
{
    (void)arg;
    struct budget b;
    budget_init(&b, 1 << 20);
    struct spool_config config = {.budget = &b, .folder = folder, .memory_each = 1};
    struct spool s;
    struct spool_cursor cursor = {0};
    struct slice first, again;
    spool_init(&s, &config);

    /* Memory is handed out by reference: no copy is made. */
    assert_int_equal(fill(&s, 100, 100, USEC_NEVER), 0);
    assert_int_equal(spool_next(&s, &cursor, &first), 0);
    cursor = (struct spool_cursor){0};
    assert_int_equal(spool_next(&s, &cursor, &again), 0);
    assert_ptr_equal(first.p, again.p);
    assert_int_equal(first.n, 100);

    /* However little may be in memory, one block always is. */
    assert_int_equal(fill(&s, 299900, 7000, USEC_NEVER), 0);
    assert_int_equal(b.used, SPOOL_BLOCK);
    assert_content(&s, 300000);
    spool_reset(&s);
    budget_fini(&b);
}

static void little_memory(void **state)
{
    (void)state;
    run(memory_task, NULL);
}

/* A cursor may be dropped in the middle of the file's part. */
static void dropped_cursor_task(void *arg)
{
    (void)arg;
    struct budget b;
    budget_init(&b, 1 << 20);
    struct spool_config config = {.budget = &b, .folder = folder, .memory_each = SPOOL_BLOCK};
    struct spool s;
    struct spool_cursor cursor = {0};
    struct slice part;
    spool_init(&s, &config);
    assert_int_equal(fill(&s, 200000, 9000, USEC_NEVER), 0);
    assert_int_equal(spool_next(&s, &cursor, &part), 0);
    assert_non_null(cursor.file_buffer);
    spool_cursor_end(&s, &cursor);
    spool_reset(&s);
    budget_fini(&b);
}

static void dropped_cursor(void **state)
{
    (void)state;
    run(dropped_cursor_task, NULL);
}

/* ---- the budget ---- */

struct taker {
    struct budget *b;
    size_t n;
    usec_t deadline;
    int result;
    char name;
    char *order; /* where names are written as their turn comes */
};

static void take(void *arg)
{
    struct taker *t = arg;
    t->result = budget_take(t->b, t->n, t->deadline);
    t->order[strlen(t->order)] = t->name;
}

static void line_task(void *arg)
{
    (void)arg;
    char order[16] = "";
    struct budget b;
    budget_init(&b, 800);
    assert_int_equal(budget_take(&b, 700, 0), 0);
    usec_t soon = rt_now() + USEC_SEC;
    struct taker t[] = {
        {&b, 300, USEC_NEVER, 1, 'a', order},
        {&b, 100, soon, 1, 'b', order},
        {&b, 200, USEC_NEVER, 1, 'c', order},
        {&b, 701, USEC_NEVER, 1, 'd', order},
    };
    for (int i = 0; i < 4; i++) {
        assert_int_equal(task_spawn(rt_self(), rt_root_of(rt_self()), take, &t[i]), 0);
    }
    assert_int_equal(task_sleep(rt_now() + 1000), 0);

    /* In line 100 would fit already, but not before those in front. */
    budget_give(&b, 100);
    assert_int_equal(task_sleep(rt_now() + 1000), 0);
    assert_string_equal(order, "");
    assert_int_equal(budget_take(&b, 1, rt_now() + 1000), -ETIMEDOUT);
    /* What is under way need not wait in line. */
    assert_true(budget_try(&b, 200));
    assert_false(budget_try(&b, 1));
    budget_give(&b, 200);

    assert_int_equal(task_sleep(soon + 1000), 0);
    assert_string_equal(order, "b");
    assert_int_equal(t[1].result, -ETIMEDOUT);

    /* Both get theirs in the moment it is there: nobody can come between. */
    budget_give(&b, 400);
    assert_int_equal(b.used, 700);
    assert_int_equal(task_sleep(rt_now() + 1000), 0);
    assert_string_equal(order, "bac");
    assert_int_equal(t[0].result, 0);
    assert_int_equal(t[2].result, 0);

    /* More than may ever be used in line is given to who comes alone. */
    budget_give(&b, 699);
    assert_int_equal(task_sleep(rt_now() + 1000), 0);
    assert_string_equal(order, "bac");
    budget_give(&b, 1);
    assert_int_equal(task_sleep(rt_now() + 1000), 0);
    assert_string_equal(order, "bacd");
    budget_give(&b, 701);
    assert_int_equal(b.used, 0);
    budget_fini(&b);
}

static void first_come_first_served(void **state)
{
    (void)state;
    run(line_task, NULL);
}

/* One in front that gives up must not keep those behind waiting. */
static void given_up_task(void *arg)
{
    (void)arg;
    char order[16] = "";
    struct budget b;
    struct scope scope;
    budget_init(&b, 800);
    assert_int_equal(budget_take(&b, 600, 0), 0);
    struct taker t[] = {{&b, 200, USEC_NEVER, 1, 'a', order}, {&b, 50, USEC_NEVER, 1, 'b', order}};
    scope_enter(&scope);
    assert_int_equal(task_spawn(rt_self(), &scope, take, &t[0]), 0);
    assert_int_equal(task_sleep(rt_now() + 1000), 0);
    assert_int_equal(task_spawn(rt_self(), rt_root_of(rt_self()), take, &t[1]), 0);
    assert_int_equal(task_sleep(rt_now() + 1000), 0);
    assert_string_equal(order, "");
    scope_cancel(&scope, -ECONNRESET);
    scope_join(&scope);
    scope_leave(&scope);
    assert_int_equal(task_sleep(rt_now() + 1000), 0);
    assert_string_equal(order, "ab");
    assert_int_equal(t[0].result, -ECANCELED);
    assert_int_equal(t[1].result, 0);
    assert_int_equal(b.used, 650);
    budget_give(&b, 650);
    budget_fini(&b);
}

static void giving_up(void **state)
{
    (void)state;
    run(given_up_task, NULL);
}

/* ---- many messages and little memory ---- */

#define SESSIONS 40

struct session {
    struct spool_config *config;
    unsigned number;
    int result;
    unsigned *done;
};

static void session(void *arg)
{
    struct session *me = arg;
    struct spool s;
    spool_init(&s, me->config);
    usec_t deadline = rt_now() + 60 * USEC_SEC;
    for (int i = 0; i < 20 && me->result == 0; i++) {
        me->result = fill(&s, 10000 + me->number, 5000, deadline);
        assert_true(me->config->budget->used <= me->config->budget->limit);
        assert_int_equal(task_sleep(rt_now() + 1000), 0);
    }
    if (me->result == 0) {
        assert_content(&s, 20 * (10000 + me->number));
        ++*me->done;
    }
    spool_reset(&s);
}

static void crowd_task(void *arg)
{
    (void)arg;
    unsigned done = 0;
    struct budget b;
    struct scope scope;
    struct session all[SESSIONS];
    budget_init(&b, 8 * SPOOL_BLOCK);
    struct spool_config config = {.budget = &b, .folder = folder, .memory_each = 1 << 20};
    scope_enter(&scope);
    for (unsigned i = 0; i < SESSIONS; i++) {
        all[i] = (struct session){.config = &config, .number = i, .done = &done};
        assert_int_equal(task_spawn(rt_self(), &scope, session, &all[i]), 0);
    }
    scope_join(&scope);
    scope_leave(&scope);
    /* All of them had half a message in a budget that takes one: none starved. */
    assert_int_equal(done, SESSIONS);
    assert_int_equal(b.used, 0);
    assert_true(list_empty(&b.line));
    budget_fini(&b);
}

static void a_crowd_gets_through(void **state)
{
    (void)state;
    run(crowd_task, NULL);
}

static void full_task(void *arg)
{
    (void)arg;
    struct budget b;
    budget_init(&b, 8 * SPOOL_BLOCK);
    struct spool_config config = {.budget = &b, .folder = folder, .memory_each = 1 << 20};
    struct spool s;
    spool_init(&s, &config);
    assert_int_equal(budget_take(&b, 7 * SPOOL_BLOCK, 0), 0);
    usec_t deadline = rt_now() + 5 * USEC_SEC;
    assert_int_equal(fill(&s, 1, 1, deadline), -ETIMEDOUT);
    assert_true(rt_now() >= deadline);
    spool_reset(&s);
    assert_int_equal(b.used, 7 * SPOOL_BLOCK);
    budget_give(&b, 7 * SPOOL_BLOCK);
    budget_fini(&b);
}

static void no_memory_in_time(void **state)
{
    (void)state;
    run(full_task, NULL);
}

/* ---- faults ---- */

static enum sys_op fault_op;
static int fault_error;
static int fault_after;

static int fault(enum sys_op op)
{
    return op == fault_op && fault_after-- <= 0 ? fault_error : 0;
}

static void expect_fault(struct spool *s, enum sys_op op, int error, int after)
{
    fault_op = op;
    fault_error = error;
    fault_after = after;
    sys_fault = fault;
    assert_int_equal(fill(s, 500000, 10000, USEC_NEVER), error);
    sys_fault = NULL;
    spool_reset(s);
}

static void fault_task(void *arg)
{
    (void)arg;
    struct budget b;
    budget_init(&b, 1 << 20);
    struct spool_config config = {.budget = &b, .folder = folder, .memory_each = 65536};
    struct spool_config nowhere = {.budget = &b, .folder = "/nonexistent", .memory_each = 65536};
    struct spool s;
    struct spool_cursor cursor = {0};
    struct slice part = {"", 7};
    spool_init(&s, &config);
    expect_fault(&s, SYS_OPEN, -EMFILE, 0);
    expect_fault(&s, SYS_WRITE, -ENOSPC, 0);
    expect_fault(&s, SYS_WRITE, -EIO, 5);
    assert_int_equal(b.used, 0);

    sim_next_call(rt_self(), RT_CALL_FILE, -EIO, 0);
    assert_int_equal(fill(&s, 500000, 10000, USEC_NEVER), -EIO);
    spool_reset(&s);

    /* Reading fails: the outputs stay untouched, and a later attempt goes on where it was. */
    assert_int_equal(fill(&s, 200000, 10000, USEC_NEVER), 0);
    cursor.at = s.in_memory;
    fault_op = SYS_READ;
    fault_after = 0;
    sys_fault = fault;
    assert_int_equal(spool_next(&s, &cursor, &part), -EIO);
    sys_fault = NULL;
    assert_int_equal(part.n, 7);
    assert_int_equal(spool_next(&s, &cursor, &part), 0);
    assert_int_equal(part.p[0], octet_at(s.in_memory));
    spool_cursor_end(&s, &cursor);

    /* The close that no thread could do is done all the same: run() counts descriptors. */
    sim_next_call(rt_self(), RT_CALL_FILE, -EIO, 0);
    spool_reset(&s);

    spool_init(&s, &nowhere);
    assert_int_equal(fill(&s, 500000, 10000, USEC_NEVER), -ENOENT);
    spool_reset(&s);
    assert_int_equal(b.used, 0);
    budget_fini(&b);
}

static void faults(void **state)
{
    (void)state;
    run(fault_task, NULL);
}

static void cancelled_task(void *arg)
{
    (void)arg;
    struct budget b;
    budget_init(&b, 1 << 20);
    struct spool_config config = {.budget = &b, .folder = folder, .memory_each = SPOOL_BLOCK};
    struct spool s;
    struct spool_cursor cursor = {0};
    struct slice part;
    struct scope scope;
    spool_init(&s, &config);
    assert_int_equal(fill(&s, 100000, 10000, USEC_NEVER), 0);
    scope_enter(&scope);
    scope_cancel(&scope, -ECONNRESET);
    assert_int_equal(fill(&s, 100000, 10000, USEC_NEVER), -ECANCELED);
    assert_int_equal(spool_next(&s, &cursor, &part), -ECANCELED);
    spool_cursor_end(&s, &cursor);
    spool_reset(&s);
    scope_leave(&scope);
    assert_int_equal(b.used, 0);
    budget_fini(&b);
}

static void cancelled(void **state)
{
    (void)state;
    run(cancelled_task, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_out_as_it_went_in),
        cmocka_unit_test(little_memory),
        cmocka_unit_test(dropped_cursor),
        cmocka_unit_test(first_come_first_served),
        cmocka_unit_test(giving_up),
        cmocka_unit_test(a_crowd_gets_through),
        cmocka_unit_test(no_memory_in_time),
        cmocka_unit_test(faults),
        cmocka_unit_test(cancelled),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
