/* Lists of recipients as files have them: what is an entry, what is not, and who is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "route/recipient_list.h"

static bool has(const struct recipient_list *l, const char *mailbox, const char *delimiters)
{
    const char *at = strrchr(mailbox, '@');
    return recipient_list_has(l, (struct slice){mailbox, (size_t)(at - mailbox)}, slice_of(at + 1),
                              delimiters);
}

static struct recipient_list *good(const char *text)
{
    char why[200] = "";
    struct recipient_list *l = recipient_list_parse(slice_of(text), why, sizeof(why));
    assert_string_equal(why, "");
    assert_non_null(l);
    return l;
}

static void found(void **state)
{
    (void)state;
    struct recipient_list *l = good("\xef\xbb\xbf# of the house\n"
                                    "Anna@Example.org\n"
                                    "bob@example.org   OK, and more\n"
                                    "   of the same\n"
                                    "\n"
                                    "@example.net\tx\r\n"
                                    "   # a comment\n"
                                    "info\r\n"
                                    "bj\xc3\xb6rn@example.org\n"
                                    "first.last@example.com");
    assert_int_equal(recipient_list_count(l), 6);
    assert_true(has(l, "anna@example.org", ""));
    assert_true(has(l, "ANNA@EXAMPLE.ORG", ""));
    assert_true(has(l, "bob@example.org", ""));
    assert_false(has(l, "bob@example.com", ""));
    assert_false(has(l, "of@example.org", ""));
    assert_true(has(l, "whoever@example.net", ""));
    assert_false(has(l, "whoever@a.example.net", ""));
    assert_true(has(l, "info@anywhere.example", ""));
    assert_true(has(l, "bj\xc3\xb6rn@example.org", ""));
    assert_true(has(l, "first.last@example.com", ""));
    assert_false(has(l, "first.las@example.com", ""));
    assert_false(has(l, "@example.org", ""));
    assert_null(recipient_list_free(l));
    assert_null(recipient_list_free(NULL));
}

static void extensions(void **state)
{
    (void)state;
    struct recipient_list *l = good("anna@example.org\ninfo\na+b@example.org\n+x@example.org\n");
    assert_false(has(l, "anna+lists@example.org", ""));
    assert_true(has(l, "anna+lists@example.org", "+"));
    assert_true(has(l, "anna+@example.org", "+"));
    assert_true(has(l, "anna+a-b@example.org", "-+"));
    assert_true(has(l, "anna-a+b@example.org", "-+"));
    assert_false(has(l, "anna-lists@example.org", "+"));
    assert_true(has(l, "info-x@example.net", "-"));
    assert_true(has(l, "a+b@example.org", ""));
    assert_true(has(l, "a+b@example.org", "+"));
    assert_false(has(l, "a+c@example.org", "+")); /* nobody is "a" */
    assert_true(has(l, "+x@example.org", "+"));
    assert_false(has(l, "+y@example.org", "+"));
    recipient_list_free(l);
}

static void nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "# only\n#this\n", " \t\r\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct recipient_list *l = good(texts[i]);
        assert_int_equal(recipient_list_count(l), 0);
        assert_false(has(l, "anna@example.org", "+"));
        recipient_list_free(l);
    }
}

static void faults(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"anna@example.org\n anna@example.net\n",
         ":2: expected an entry at the beginning of its line, found \"anna@example.net\""},
        {"\n\n*@example.org\n",
         ":3: expected an address, a local part, or @DOMAIN for all of a domain, found "
         "\"*@example.org\""},
        {"/^a/ OK\n",
         ":1: expected an address, a local part, or @DOMAIN for all of a domain, found \"/^a/\""},
        {"!anna@example.org\n",
         ":1: expected an address, a local part, or @DOMAIN for all of a domain, found "
         "\"!anna@example.org\""},
        {"\"a b\"@example.org\n", ":1: expected an address without quotes, found \"\"a\""},
        {"anna@\n", ":1: expected a domain behind \"@\", found \"anna@\""},
        {"anna@-x\n", ":1: expected a domain behind \"@\", found \"anna@-x\""},
        {"a\x01@example.org\n",
         ":1: expected an address in UTF-8 without control characters, found \"a?@example.org\""},
        {"anna@example.org\nb\xff@example.org",
         ":2: expected an address in UTF-8 without control characters, found \"b?@example.org\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char why[200] = "";
        assert_null(recipient_list_parse(slice_of(rows[i].text), why, sizeof(why)));
        assert_string_equal(why, rows[i].why);
    }
}

static void sameness(void **state)
{
    (void)state;
    struct recipient_list *a = good("anna@example.org\n"), *b = good("anna@example.org\n"),
                          *c = good("anna@example.org");
    assert_true(recipient_list_same(a, b));
    assert_false(recipient_list_same(a, c));
    recipient_list_free(a);
    recipient_list_free(b);
    recipient_list_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found),  cmocka_unit_test(extensions), cmocka_unit_test(nothing),
        cmocka_unit_test(faults), cmocka_unit_test(sameness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
