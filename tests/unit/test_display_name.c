/* Names beside addresses, and to whom domains belong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "parse/display_name.h"
#include "parse/organisation.h"

static void names(void **state)
{
    static const struct {
        const char *body, *name;
    } rows[] = {
        {"", ""},
        {"a@b", ""},
        {" Some Body <a@b>", " Some Body "},
        {"\"Some \\\"Body\\\"\" <a@b>", "Some \"Body\" "},
        {"\"a <x@y>\" <a@b>", "a <x@y> "},
        {"(c) x <a@b>", "(c) x "},
        {"a@b (Some Body)", "Some Body"},
        {"a@b (Some (B) ody) ", "Some (B) ody"},
        {"a@b ()", ""},
        {"a@b (x", ""},
        {"\"a\\", ""},
        {"\"a <b@c>", "a "},
        {"=?x?q?a?= <a@b>", "=?x?q?a?= "},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct slice name = display_name_of(slice_of(rows[i].body), &arena);
        assert_int_equal(name.n, strlen(rows[i].name));
        assert_memory_equal(name.p, rows[i].name, name.n);
    }
    arena_free(&arena);
}

/* Quotes and comments that do not end are searched once. */
static void hostile(void **state)
{
    static const char *const parts[] = {"\\\"", "\"", "(", "\"(", "\"\\"};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct buf body = {0};
        buf_append(&body, "\"", 1);
        while (body.n < 2000000) {
            buf_append_slice(&body, slice_of(parts[i]));
        }
        assert_true(display_name_of(buf_slice(&body), &arena).n <= body.n);
        buf_free(&body);
    }
    arena_free(&arena);
}

static void organisations(void **state)
{
    static const struct {
        const char *name, *organisation;
    } rows[] = {
        {"www.example.org", "example.org"},
        {"a.b.example.co.uk", "example.co.uk"},
        {"example.org", "example.org"},
        {"co.uk", "co.uk"},
        {"org", "org"},
        {"a.nosuchtld", "a.nosuchtld"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct slice o = organisation_of(slice_of(rows[i].name));
        assert_int_equal(o.n, strlen(rows[i].organisation));
        assert_memory_equal(o.p, rows[i].organisation, o.n);
    }
    assert_true(organisation_is_tld(SLICE_LIT("com")));
    assert_true(organisation_is_tld(SLICE_LIT("de")));
    assert_false(organisation_is_tld(SLICE_LIT("txt")));
    assert_false(organisation_is_tld(SLICE_LIT("co.uk")));
    assert_false(organisation_is_tld(SLICE_LIT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(hostile),
        cmocka_unit_test(organisations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
