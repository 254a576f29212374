/* From fields as RFC 5322 has them, as mailers write them, and as forgers do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "parse/from_field.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* The mailboxes with blanks between, their domains behind "|". */
static struct slice told(const struct from_field *from)
{
    struct slice text = SLICE_LIT("");

    for (size_t i = 0; i < from->count; i++) {
        text = arena_printf(&arena, SLICE_FMT SLICE_FMT " ", SLICE_ARG(text),
                            SLICE_ARG(from->addresses[i].mailbox));
    }
    text = arena_printf(&arena, SLICE_FMT "|", SLICE_ARG(text));
    for (size_t i = 0; i < from->count; i++) {
        text = arena_printf(&arena, SLICE_FMT " " SLICE_FMT, SLICE_ARG(text),
                            SLICE_ARG(from->addresses[i].domain));
    }
    return text;
}

/* The From field's body, what it must read as, and whether it is one that can be read. */
struct row {
    const char *body;
    const char *told;
    bool fine;
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct slice header = arena_printf(
            &arena, "To: x@to.example\r\nFrom:%s\r\nSubject: From: y@subject.example\r\n",
            rows[i].body);
        struct from_field from;
        from_field_parse(header, &arena, &from);
        struct slice text = told(&from);
        if (!slice_eq(text, slice_of(rows[i].told)) || rows[i].fine != (from.problem == NULL)) {
            fail_msg("From:%s: %s, %s", rows[i].body, text.p, from.problem ? from.problem : "fine");
        }
        assert_int_equal(from.fields, 1);
        assert_false(from.cut);
    }
}

static void test_mailboxes(void **state)
{
    static const struct row rows[] = {
        {" a@example.org", "a@example.org | example.org", true},
        {"a@example.org", "a@example.org | example.org", true},
        {" <a@example.org>", "a@example.org | example.org", true},
        {" Ann <a@example.org>", "a@example.org | example.org", true},
        {" Ann B. Cee <a@example.org>", "a@example.org | example.org", true},
        {" \"Cee, Ann\" <a@example.org>", "a@example.org | example.org", true},
        {" \"x@other.example\" <a@example.org>", "a@example.org | example.org", true},
        {" \"a\\\" <b@c>\" <a@example.org>", "a@example.org | example.org", true},
        {" \"a\r\n b\"@example.org", "\"a b\"@example.org | example.org", true},
        {" \"a b\"@example.org", "\"a b\"@example.org | example.org", true},
        {" <\"a@b\"@example.org>", "\"a@b\"@example.org | example.org", true},
        {" a@[192.0.2.1]", "a@[192.0.2.1] | [192.0.2.1]", true},
        {" a@EXAMPLE.Org", "a@EXAMPLE.Org | EXAMPLE.Org", true},
        {" Ann <a@example.org> (Ann)", "a@example.org | example.org", true},
        {" a@example.org (x@other.example)", "a@example.org | example.org", true},
        {"\r\n Ann\r\n\t<a@example.org>\r\n ", "a@example.org | example.org", true},
        {" a@localhost", "a@localhost | localhost", true},
        {" a+b=c@example.org", "a+b=c@example.org | example.org", true},
        {" a@x_y.example", "a@x_y.example | x_y.example", true},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_international(void **state)
{
    static const struct row rows[] = {
        {" J\xc3\xb6rg <a@example.org>", "a@example.org | example.org", true},
        {" J\xf6rg <a@example.org>", "a@example.org | example.org", true},
        {" j\xc3\xb6rg@b\xc3\xbc"
         "cher.example",
         "j\xc3\xb6rg@b\xc3\xbc"
         "cher.example | b\xc3\xbc"
         "cher.example",
         true},
        {" =?utf-8?q?J=C3=B6rg?= <a@example.org>", "a@example.org | example.org", true},
        {" =?utf-8?q?J=C3=B6rg?=<a@example.org>", "a@example.org | example.org", true},
        {" =?utf-8?q?Doe,_J@other.example?= <a@example.org>", "a@example.org | example.org", true},
        {" =?utf-8?b?YUBiLmM=?= <a@example.org>", "a@example.org | example.org", true},
        /* who decodes first sees an address; there is none */
        {" =?utf-8?q?a=40example.org?=", "|", false},
        {" a@xn--bcher-kva.example", "a@xn--bcher-kva.example | xn--bcher-kva.example", true},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_comments(void **state)
{
    static const struct row rows[] = {
        {" (c) a (c) @ (c) example (c) . (c) org (c)", "a@example.org | example.org", true},
        {" a@(c(c(c)\\)c)c)example.org", "a@example.org | example.org", true},
        {" a . b @ example . org", "a.b@example.org | example.org", true},
        {" Ann (x@y.example, z@y.example) <a@example.org>", "a@example.org | example.org", true},
        {" a@example.org(.other.example)", "a@example.org | example.org", true},
        {" (((((((( a@b", "a@b | b", false},
        {" a@example.org (", "a@example.org | example.org", false},
        {" a@example.org (\\)", "a@example.org | example.org", false},
        {" a@example.org )", "a@example.org | example.org", false},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_lists_and_groups(void **state)
{
    static const struct row rows[] = {
        {" a@x.example, Bee <b@y.example>", "a@x.example b@y.example | x.example y.example", true},
        {" ,, a@x.example, ,b@y.example,", "a@x.example b@y.example | x.example y.example", true},
        {" Team: a@x.example, b@y.example;", "a@x.example b@y.example | x.example y.example", true},
        {" Team: a@x.example;, c@z.example", "a@x.example c@z.example | x.example z.example", true},
        {" \"The Team\" (c): Ann <a@x.example>; (c)", "a@x.example | x.example", true},
        {" Doe, Jane <jane@x.example>", "jane@x.example | x.example", true},
        {" \"A\", \"B\", <a@x.example>", "a@x.example | x.example", true},
        {" Team: Doe, Jane <jane@x.example>;", "jane@x.example | x.example", true},
        {" Doe, Jane", "|", false},
        {" Ann a@x.example, Bee <b@y.example>", "a@x.example b@y.example | x.example y.example",
         false},
        {" Doe, (<a@x.example>)", "a@x.example | x.example", false},
        {" Nobody:;", "|", false},
        {" Nobody: (c) ,, ;", "|", false},
        {"", "|", false},
        {" (only a comment)", "|", false},
        {" ,", "|", false},
        {" Team: a@x.example", "a@x.example | x.example", false},
        {" A: B: a@x.example;;", "a@x.example | x.example", false},
        {" a@x.example; b@y.example", "a@x.example b@y.example | x.example y.example", false},
        {" a@x.example b@y.example", "a@x.example b@y.example | x.example y.example", false},
        {" <a@x.example> <b@y.example>", "a@x.example b@y.example | x.example y.example", false},
        {" Team: a@x.example; b@y.example", "a@x.example b@y.example | x.example y.example", false},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_routes(void **state)
{
    static const struct row rows[] = {
        {" <@r.example:a@x.example>", "a@x.example | x.example", true},
        {" Ann <@r.example,@s.example:a@x.example>", "a@x.example | x.example", true},
        {" Ann <@r.example, ,@s.example (c):a@x.example>", "a@x.example | x.example", true},
        {" <@r.example a@x.example>", "@r.example a@x.example | r.example x.example", false},
        {" <,a@x.example>", "a@x.example | x.example", false},
    };
    (void)state;
    check(rows, COUNT(rows));
}

/* Each of these is read in more than one way by somebody. */
static void test_what_forgers_write(void **state)
{
    static const struct row rows[] = {
        {" a@x.example <b@y.example>", "a@x.example b@y.example | x.example y.example", true},
        {" Ann a@x.example <b@y.example>", "a@x.example b@y.example | x.example y.example", true},
        {" [a@x.example] <b@y.example>", "a@x.example b@y.example | x.example y.example", true},
        {" <a@x.example", "a@x.example | x.example", false},
        {" a@x.example>", "a@x.example | x.example", false},
        {" Ann <a@x.example> b", "a@x.example | x.example", false},
        {" Ann <<a@x.example>>", "a@x.example | x.example", false},
        {" <a@x.example,b@y.example>", "a@x.example b@y.example | x.example y.example", false},
        {" a@x.example@y.example", "a@x.example @y.example | x.example y.example", false},
        {" \"Ann <a@x.example>", "a@x.example | x.example", false},
        {" <>", "|", false},
        {" Ann", "|", false},
        {" Ann <a>", "|", false},
        {" a@", "|", false},
        {" @x.example", "@x.example | x.example", false},
        {" a@x.example.", "a@x.example | x.example", true},
        {" a@x.example.:;", "a@x.example | x.example", true},
        {" a@x.example. <b@y.example>", "a@x.example b@y.example | x.example y.example", true},
        {" a@x..example", "a@x..example | x..example", false},
        {" a@[192.0.2.1", "|", false},
        {" a@x.\x01"
         "example",
         "a@x | x", false},
        {" .a@x.example", ".a@x.example | x.example", false},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_how_many(void **state)
{
    struct from_field from;
    (void)state;

    from_field_parse(SLICE_LIT("To: a@b\r\n\r\nFrom: a@b\r\n"), &arena, &from);
    assert_int_equal(from.fields, 0);
    assert_int_equal(from.count, 0);
    assert_string_equal(from.problem, "there is no From field");

    from_field_parse(SLICE_LIT("FROM: a@x.example\r\nfrom : b@y.example\r\n"), &arena, &from);
    assert_int_equal(from.fields, 2);
    assert_int_equal(from.count, 2);
    assert_string_equal(from.problem, "there are several From fields");

    struct buf many = {0};
    buf_printf(&many, "From: a@b");
    for (int i = 0; i < 5000; i++) {
        buf_printf(&many, ",a@b%d", i);
    }
    from_field_parse(buf_slice(&many), &arena, &from);
    assert_int_equal(from.count, FROM_ADDRESSES_MOST);
    assert_true(from.cut);
    assert_null(from.problem);
    buf_free(&many);
}

/* Hostile lengths take as long as they are long. */
static void test_long_fields(void **state)
{
    static const char *const pieces[] = {"(",  ")",  "\"", "<", "@", "a@b ",
                                         "=?", "a.", "[",  ":", "\\"};
    (void)state;

    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct buf field = {0};
        struct from_field from;
        buf_printf(&field, "From: ");
        while (field.n < 256 * 1024) {
            buf_printf(&field, "%s", pieces[i]);
        }
        from_field_parse(buf_slice(&field), &arena, &from);
        assert_non_null(from.problem);
        buf_free(&field);
        arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mailboxes), cmocka_unit_test(test_international),
        cmocka_unit_test(test_comments),  cmocka_unit_test(test_lists_and_groups),
        cmocka_unit_test(test_routes),    cmocka_unit_test(test_what_forgers_write),
        cmocka_unit_test(test_how_many),  cmocka_unit_test(test_long_fields),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
