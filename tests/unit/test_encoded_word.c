/* Texts of header fields as people are shown them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "parse/encoded_word.h"

/* Charsets as they are called; octets as they are. */
static void tell(void *arg, struct slice charset, struct slice octets, struct buf *to)
{
    (void)arg;
    buf_printf(to, "{" SLICE_FMT ":" SLICE_FMT "}", SLICE_ARG(charset), SLICE_ARG(octets));
}

static const struct charset_reader teller = {tell, NULL};

static struct encoded_words decoded(struct slice body, const char *expected)
{
    struct encoded_words found;
    struct buf to = {0};

    buf_append(&to, "before", 6);
    encoded_text_decode(body, &teller, &to, &found);
    buf_append(&to, "", 1);
    assert_string_equal(to.p + 6, expected);
    buf_free(&to);
    return found;
}

static void words(void **state)
{
    static const struct {
        const char *body, *expected;
    } rows[] = {
        {"", ""},
        {" plain  text ", "plain  text"},
        {" folded\r\n text\r\n", "folded text"},
        {"=?utf-8?q?a_b=20c=C3=A4?=", "{utf-8:a b c\xc3\xa4}"},
        {"=?UTF-8?B?YWJj?=", "{UTF-8:abc}"},
        {"=?utf-8?b?YWJjZA?= x", "{utf-8:abcd} x"},
        {"=?utf-8*en?q?x?=", "{utf-8:x}"},
        {"a =?x?q?b?= c", "a {x:b} c"},
        /* blanks between words go, and what was cut between them is put together */
        {"=?x?q?=C3?=\r\n =?x?q?=A4?=", "{x:\xc3\xa4}"},
        {"=?x?q?a?= =?y?q?b?=", "{x:a}{y:b}"},
        {"=?x?b?YQ==?==?x?b?Yg==?=", "{x:ab}"},
        {"=?x?b?YQ==YmM=?=", "{x:abc}"},
        /* within other text, with blanks inside */
        {"(=?x?q?a?=)", "({x:a})"},
        {"\"=?x?q?a b?=\"", "\"{x:a b}\""},
        {"=?x?q?=3?=", "{x:=3}"},
        {"=?x?q?=4g?=", "{x:=4g}"},
        {"=?x?q?"
         "?= b",
         "b"},
        /* none */
        {"=?", "=?"},
        {"=?x?q?abc", "=?x?q?abc"},
        {"=?x?z?abc?=", "=?x?z?abc?="},
        {"=??q?abc?=", "=??q?abc?="},
        {"=?*en?q?abc?=", "=?*en?q?abc?="},
        {"=? x?q?abc?=", "=? x?q?abc?="},
        {"=?x?q?a?b?=", "=?x?q?a?b?="},
        {"=?=?x?q?a?=", "=?{x:a}"},
        /* octets outside of them */
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"caf\xe9", "{windows-1252:caf\xe9}"},
        {"a\x01\x1b[2mb\tc\x7f", "a  [2mb c"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        decoded(slice_of(rows[i].body), rows[i].expected);
    }
}

static void remarks(void **state)
{
    struct encoded_words f = decoded(SLICE_LIT("=?x?q?abc?= =?x?q?d?="), "{x:abcd}");

    (void)state;
    assert_int_equal(f.count, 2);
    assert_true(f.needless);
    assert_false(f.bare_8bit);
    f = decoded(SLICE_LIT("=?x?q?a?= =?x?q?=E4?="), "{x:a\xe4}");
    assert_false(f.needless);
    f = decoded(SLICE_LIT("=?iso-2022-jp?q?abc?="), "{iso-2022-jp:abc}");
    assert_false(f.needless);
    f = decoded(SLICE_LIT("a \xe4"), "{windows-1252:a \xe4}");
    assert_int_equal(f.count, 0);
    assert_true(f.bare_8bit);
}

/* Much of what is no word, or begins some and ends none. */
static void hostile(void **state)
{
    static const char *const parts[] = {
        "=?", "=?x?q?", "=?x?", "=?x?q?a?= ", "=?x?q?a?=", "=", "?"};

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct buf body = {0}, to = {0};
        while (body.n < 2000000) {
            buf_append_slice(&body, slice_of(parts[i]));
        }
        encoded_text_decode(buf_slice(&body), &teller, &to, NULL);
        assert_true(to.n <= 3 * body.n);
        buf_free(&body);
        buf_free(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(remarks),
        cmocka_unit_test(hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
