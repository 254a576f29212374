/* DNS lists as policies name them, with Postfix's filters, and what their answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "parse/list_filter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct addr address(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(slice_of(text), &a), 0);
    return a;
}

static struct list_filter parsed(const char *text)
{
    struct list_filter f;
    const char *problem = NULL;

    if (list_filter_parse(slice_of(text), &f, &problem) != 0) {
        fail_msg("%s: %s", text, problem);
    }
    assert_null(problem);
    return f;
}

static void what_matches(void **state)
{
    static const struct {
        const char *text, *answer;
        bool matches;
    } rows[] = {
        {"zen.example.net", "127.0.0.2", true},
        {"zen.example.net", "127.255.0.1", true},
        {"zen.example.net=127.0.0.2", "127.0.0.2", true},
        {"zen.example.net=127.0.0.2", "127.0.0.3", false},
        {"zen.example.net=127.0.0.2", "127.0.1.2", false},
        {"zen.example.net=127.0.0.[2..11]", "127.0.0.1", false},
        {"zen.example.net=127.0.0.[2..11]", "127.0.0.2", true},
        {"zen.example.net=127.0.0.[2..11]", "127.0.0.11", true},
        {"zen.example.net=127.0.0.[2..11]", "127.0.0.12", false},
        {"zen.example.net=127.0.0.[2;4;6..8]", "127.0.0.2", true},
        {"zen.example.net=127.0.0.[2;4;6..8]", "127.0.0.3", false},
        {"zen.example.net=127.0.0.[2;4;6..8]", "127.0.0.4", true},
        {"zen.example.net=127.0.0.[2;4;6..8]", "127.0.0.5", false},
        {"zen.example.net=127.0.0.[2;4;6..8]", "127.0.0.7", true},
        {"zen.example.net=127.0.0.[2;4;6..8]", "127.0.0.9", false},
        {"zen.example.net=127.0.[0..255].[1..3]", "127.0.77.3", true},
        {"zen.example.net=127.0.[0..255].[1..3]", "127.0.77.4", false},
        {"zen.example.net=127.[0..255].[0..255].[0..255]", "127.1.2.3", true},
        {"zen.example.net=[0..255].0.0.63", "127.0.0.63", true},
        {"zen.example.net=127.0.0.[63;64;127;128;191;192]", "127.0.0.64", true},
        {"zen.example.net=127.0.0.[63;64;127;128;191;192]", "127.0.0.65", false},
        {"zen.example.net=127.0.0.[63;64;127;128;191;192]", "127.0.0.192", true},
        {"zen.example.net=127.0.0.255", "127.0.0.255", true},
        {"zen.example.net=127.0.0.[0..0]", "127.0.0.0", true},
        {"zen.example.net=127.255.[254;255].1", "127.255.254.1", true},
        {"zen.example.net=127.0.0.002", "127.0.0.2", true},
        {"zen.example.net", "2001:db8::2", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct list_filter f = parsed(rows[i].text);
        const struct addr answer = address(rows[i].answer);
        assert_int_equal(f.zone.n, strlen("zen.example.net"));
        if (list_filter_matches(&f, &answer) != rows[i].matches) {
            fail_msg("%s, %s", rows[i].text, rows[i].answer);
        }
    }
    assert_true(parsed("zen.example.net").any);
    assert_false(parsed("zen.example.net=127.0.0.2").any);
}

static void what_is_wrong(void **state)
{
    static const struct {
        const char *text, *problem;
    } rows[] = {
        {"", "the list's zone"},
        {"=127.0.0.2", "the list's zone"},
        {"a.example=", "0 to 255"},
        {"a.example=127.0.0", "four numbers"},
        {"a.example=127.0.0.", "0 to 255"},
        {"a.example=127.0.0.256", "0 to 255"},
        {"a.example=127.0.0.0002", "0 to 255"},
        {"a.example=127.0.0.-1", "0 to 255"},
        {"a.example=127.0.0.2.3", "fourth"},
        {"a.example=127.0.0.2*3", "doubt"},
        {"a.example=127.0.0.2 ", "fourth"},
        {"a.example= 127.0.0.2", "0 to 255"},
        {"a.example=127.0.0.[2", "\"]\""},
        {"a.example=127.0.0.[2,3]", "\"]\""},
        {"a.example=127.0.0.[]", "0 to 255"},
        {"a.example=127.0.0.[;2]", "0 to 255"},
        {"a.example=127.0.0.[2;]", "0 to 255"},
        {"a.example=127.0.0.[2..]", "0 to 255"},
        {"a.example=127.0.0.[..2]", "0 to 255"},
        {"a.example=127.0.0.[3..2]", "lower"},
        {"a.example=127.0.0.[2...3]", "0 to 255"},
        {"a.example=127.0.0.2..3", "fourth"},
        {"a.example=127.0.0.[2]3", "fourth"},
        {"a.example==127.0.0.2", "0 to 255"},
        {"a.example=192.0.2.1", "127.0.0.0/8"},
        {"a.example=[0..126;128].0.0.1", "127.0.0.0/8"},
        {"a.example=127.255.255.254", "127.255.255.0/24"},
        {"a.example=127.255.255.[0..255]", "127.255.255.0/24"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct list_filter f = {.zone = SLICE_LIT("before")};
        const char *problem = "";
        assert_int_equal(list_filter_parse(slice_of(rows[i].text), &f, &problem), -EINVAL);
        if (strstr(problem, rows[i].problem) == NULL) {
            fail_msg("%s: %s", rows[i].text, problem);
        }
        assert_string_equal(f.zone.p, "before");
    }
}

static void which_answers_count(void **state)
{
    static const struct {
        const char *answer;
        bool counts;
    } rows[] = {
        {"127.0.0.0", true},
        {"127.0.0.1", true},
        {"127.0.0.2", true},
        {"127.255.254.255", true},
        {"127.254.255.1", true},
        {"127.255.255.0", false},
        {"127.255.255.252", false},
        {"127.255.255.255", false},
        {"126.255.255.255", false},
        {"128.0.0.0", false},
        {"192.0.2.1", false},
        {"0.0.0.0", false},
        {"::1", false},
        {"7f00::2", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct addr answer = address(rows[i].answer);
        if (list_answer_counts(&answer) != rows[i].counts) {
            fail_msg("%s", rows[i].answer);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_matches),
        cmocka_unit_test(what_is_wrong),
        cmocka_unit_test(which_answers_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
