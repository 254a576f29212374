/* What one program hands over to the next: written, read, and refused where it is not understood.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proc/carried.h"

#define BEFORE_RECORDS                                                                             \
    "{\"gatepost\":3,\"program\":\"/p\",\"state\":\"/s\",\"state_lock\":8,\"layout\":\"x\","       \
    "\"shared\":5,\"control\":6,\"control_path\":\"/c\","
#define RECORDS "\"clerk\":44,\"records\":[10,11],\"run\":1700000000000000,\"journal\":\"/j\","
#define HEAD                                                                                       \
    "{\"gatepost\":3,\"program\":\"/usr/sbin/gatepost\",\"state\":\"/var/"                         \
    "state\",\"state_lock\":8,\"layout\":\"x\","                                                   \
    "\"shared\":5,\"control\":6,\"control_path\":\"/run/c\"," RECORDS                              \
    "\"files\":9,\"generation_count\":2,"
#define LISTENERS "\"listeners\":[{\"fd\":4,\"inherited\":true}],"
#define GENERATION                                                                                 \
    "{\"number\":2,\"serving\":true,\"told_to_end\":false,\"deadline\":0,\"hang_time\":7}"
#define RETIRING                                                                                   \
    "{\"number\":1,\"serving\":false,\"told_to_end\":true,\"deadline\":9,\"hang_time\":8}"
#define GENERATIONS "\"generations\":[" RETIRING "," GENERATION "],"
#define WORKERS     "\"workers\":[{\"generation\":2,\"slot\":1023,\"pid\":77}]}"

static int parse(const char *text, struct arena *arena, struct carried *ret, char *why, size_t n)
{
    arena_init(arena);
    return carried_parse(slice_of(text), arena, ret, why, n);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct arena arena;
    struct carried c;
    struct buf told = {0};
    char why[200] = "";

    assert_int_equal(parse(HEAD LISTENERS GENERATIONS WORKERS, &arena, &c, why, sizeof(why)), 0);
    assert_string_equal(c.program, "/usr/sbin/gatepost");
    assert_string_equal(c.state, "/var/state");
    assert_int_equal(c.state_lock, 8);
    assert_int_equal(c.shared, 5);
    assert_int_equal(c.control, 6);
    assert_string_equal(c.control_path, "/run/c");
    assert_int_equal(c.clerk, 44);
    assert_true(c.records[0] == 10 && c.records[1] == 11);
    assert_true(c.run == 1700000000000000);
    assert_string_equal(c.journal, "/j");
    assert_int_equal(c.files, 9);
    assert_int_equal(c.generation_count, 2);
    assert_int_equal(c.listener_count, 1);
    assert_true(c.listeners[0].fd == 4 && c.listeners[0].inherited);
    assert_int_equal(c.generations_n, 2);
    assert_true(c.generations[0].told_to_end && !c.generations[0].serving);
    assert_int_equal(c.generations[0].deadline, 9);
    assert_true(c.generations[1].serving);
    assert_int_equal(c.generations[1].hang_time, 7);
    assert_int_equal(c.worker_count, 1);
    assert_int_equal(c.workers[0].slot, 1023);
    assert_int_equal(c.workers[0].pid, 77);
    carried_print(&c, &told);
    assert_true(slice_eq(buf_slice(&told), slice_of(HEAD LISTENERS GENERATIONS WORKERS)));
    buf_free(&told);
    arena_free(&arena);
}

/* A Gatepost may have to do without a control socket, and without a lock. */
static void test_absent(void **state)
{
    (void)state;
    static const char text[] =
        "{\"gatepost\":3,\"program\":\"/p\",\"state\":\"/s\",\"state_lock\":-1,\"layout\":\"x\","
        "\"shared\":5,\"control\":-1,\"control_path\":\"/c\","
        "\"clerk\":0,\"records\":[10,11],\"run\":0,\"journal\":\"\","
        "\"files\":9,\"generation_count\":2," LISTENERS GENERATIONS WORKERS;
    struct arena arena;
    struct carried c;
    char why[200] = "";

    assert_int_equal(parse(text, &arena, &c, why, sizeof(why)), 0);
    assert_int_equal(c.state_lock, -1);
    assert_int_equal(c.control, -1);
    arena_free(&arena);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", "no object"},
        {"[]", "no object"},
        {"{}", "gatepost"},
        {"{\"gatepost\":\"3\"}", "gatepost"},
        {"{\"gatepost\":2}", "2)"},
        {"{\"gatepost\":4}", "4)"},
        {BEFORE_RECORDS "\"clerk\":1,\"records\":[10,11],\"run\":0,\"journal\":\"\"}", "clerk"},
        {BEFORE_RECORDS "\"clerk\":0,\"records\":[10],\"run\":0,\"journal\":\"\"}", "records"},
        {BEFORE_RECORDS "\"clerk\":0,\"records\":[2,11],\"run\":0,\"journal\":\"\"}", "records"},
        {BEFORE_RECORDS "\"clerk\":0,\"records\":[10,11],\"run\":-1,\"journal\":\"\"}", "run"},
        {BEFORE_RECORDS "\"clerk\":0,\"records\":[10,11],\"run\":0}", "journal"},
        {HEAD "\"x\":1}", "generations or listeners"},
        {HEAD LISTENERS "\"generations\":[" RETIRING "]," WORKERS, "workers"},
        {HEAD LISTENERS "\"generations\":[" RETIRING "],\"workers\":[]}",
         "generations or listeners"},
        {HEAD LISTENERS "\"generations\":[" GENERATION "," GENERATION "]," WORKERS, "generations"},
        {HEAD "\"listeners\":[{\"fd\":2,\"inherited\":true}]," GENERATIONS WORKERS, "fd"},
        {HEAD "\"listeners\":[{\"fd\":4,\"inherited\":1}]," GENERATIONS WORKERS, "inherited"},
        {HEAD "\"listeners\":[7]," GENERATIONS WORKERS, "fd"},
        {HEAD LISTENERS GENERATIONS "\"workers\":[{\"generation\":2,\"slot\":1024,\"pid\":77}]}",
         "slot"},
        {HEAD LISTENERS GENERATIONS "\"workers\":[{\"generation\":2,\"slot\":1,\"pid\":1}]}",
         "pid"},
        {"{\"gatepost\":3,\"program\":\"x\",\"state\":\"x\",\"layout\":\"x\"}", "state_lock"},
        {"{\"gatepost\":3,\"program\":\"x\",\"state\":\"x\",\"state_lock\":2}", "state_lock"},
        {HEAD LISTENERS GENERATIONS "\"workers\":[{\"generation\":3,\"slot\":1,\"pid\":7}]}",
         "workers"},
        {HEAD LISTENERS GENERATIONS "\"workers\":[{\"generation\":2,\"slot\":1,\"pid\":7},"
                                    "{\"generation\":1,\"slot\":1,\"pid\":8}]}",
         "workers"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct carried c = {.shared = -7};
        struct arena arena;
        char why[200] = "";
        assert_int_equal(parse(cases[i].text, &arena, &c, why, sizeof(why)), -EBADMSG);
        const char *colon = strrchr(why, ':');
        assert_non_null(colon);
        assert_string_equal(colon + 2, cases[i].why);
        assert_int_equal(c.shared, -7);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
