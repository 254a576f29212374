/* Tag lists: names, values with folds, what makes a list invalid; numbers, items and base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "parse/tag_list.h"

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

static void assert_slice(struct slice s, const char *wanted)
{
    assert_int_equal(s.n, strlen(wanted));
    assert_memory_equal(s.p, wanted, s.n);
}

/* Tags as name, value; the last name is NULL. */
static const struct {
    const char *text;
    int r;
    const char *tags[8];
} rows[] = {
    {"v=1", 0, {"v", "1"}},
    {"v=1;", 0, {"v", "1"}},
    {"v=1; ", 0, {"v", "1"}},
    {" v = 1 ; a=b", 0, {"v", "1", "a", "b"}},
    {"\r\n\tv\r\n =\r\n 1\r\n\t;\r\n a_1=x\r\n y;\r\n\t", 0, {"v", "1", "a_1", "x\r\n y"}},
    {"b=a=b==;v==", 0, {"b", "a=b==", "v", "="}},
    {"p=;k=rsa", 0, {"p", "", "k", "rsa"}},
    {"p=", 0, {"p", ""}},
    {"v=1;V=2", 0, {"v", "1", "V", "2"}},
    {"v=DKIM1: g=*; p=a", 0, {"v", "DKIM1: g=*", "p", "a"}},
    {"i=\303\266@b.example", 0, {"i", "\303\266@b.example"}},
    {"", -EBADMSG, {NULL}},
    {" \r\n ", -EBADMSG, {NULL}},
    {";", -EBADMSG, {NULL}},
    {"synerr", -EBADMSG, {NULL}},
    {"v=1;;a=b", -EBADMSG, {NULL}},
    {"v=1;;", -EBADMSG, {NULL}},
    {";v=1", -EBADMSG, {NULL}},
    {"v=1; t; p=a", -EBADMSG, {NULL}},
    {"=1", -EBADMSG, {NULL}},
    {"1v=1", -EBADMSG, {NULL}},
    {"_v=1", -EBADMSG, {NULL}},
    {"v v=1", -EBADMSG, {NULL}},
    {"v-v=1", -EBADMSG, {NULL}},
    {"\303\266=1", -EBADMSG, {NULL}},
    {"v=\001", -EBADMSG, {NULL}},
    {"v=a\177", -EBADMSG, {NULL}},
    {"v=\303", -EBADMSG, {NULL}}, /* no UTF-8 */
    {"v=1; a=b; v=1", -EEXIST, {NULL}},
};

static void test_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tag_list list;
        size_t n = 0;

        assert_int_equal(tag_list_parse(slice_of(rows[i].text), &list), rows[i].r);
        for (; rows[i].r == 0 && rows[i].tags[2 * n] != NULL; n++) {
            assert_slice(list.tags[n].name, rows[i].tags[2 * n]);
            assert_slice(list.tags[n].value, rows[i].tags[2 * n + 1]);
            assert_ptr_equal(tag_list_find(&list, rows[i].tags[2 * n]), &list.tags[n]);
        }
        if (rows[i].r == 0) {
            assert_int_equal(list.count, n);
            assert_null(tag_list_find(&list, "zz"));
        }
    }
}

static void test_whole(void **state)
{
    struct tag_list list;

    (void)state;
    assert_int_equal(tag_list_parse(SLICE_LIT(" a=1; b =\r\n x y\r\n\t; c=2"), &list), 0);
    assert_slice(tag_list_find(&list, "b")->whole, "\r\n x y\r\n\t");
    assert_slice(tag_list_find(&list, "c")->whole, "2");
}

static void test_many(void **state)
{
    static char text[1100 * 8];
    struct tag_list list;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < TAG_LIST_MOST; i++) {
        n += (size_t)sprintf(text + n, "x%d=1;", i);
    }
    assert_int_equal(tag_list_parse((struct slice){text, n}, &list), 0);
    assert_int_equal(list.count, TAG_LIST_MOST);
    for (int i = TAG_LIST_MOST; i < 1000; i++) {
        n += (size_t)sprintf(text + n, "x%d=1;", i);
    }
    assert_int_equal(tag_list_parse((struct slice){text, n}, &list), -E2BIG);
    assert_string_equal(tag_list_problem(-E2BIG), "more than 100 tags");
}

static void test_items(void **state)
{
    struct slice rest = SLICE_LIT(" from : To:\r\n\tsubject::"), item;
    static const char *const wanted[] = {"from", "To", "subject", "", ""};

    (void)state;
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_true(tag_next_item(&rest, &item));
        assert_slice(item, wanted[i]);
    }
    assert_false(tag_next_item(&rest, &item));
    rest = SLICE_LIT("");
    assert_true(tag_next_item(&rest, &item));
    assert_int_equal(item.n, 0);
    assert_false(tag_next_item(&rest, &item));
}

static void test_numbers(void **state)
{
    uint64_t n = 7;

    (void)state;
    assert_true(tag_number(SLICE_LIT("0"), 12, &n) && n == 0);
    assert_true(tag_number(SLICE_LIT("001146680862"), 12, &n) && n == 1146680862);
    assert_true(tag_number(SLICE_LIT("18446744073709551615"), 76, &n) && n == UINT64_MAX);
    assert_true(tag_number(SLICE_LIT("18446744073709551616"), 76, &n) && n == UINT64_MAX);
    assert_true(tag_number(SLICE_LIT("99999999999999999999999999999999999999"), 76, &n));
    assert_true(n == UINT64_MAX);
    assert_false(tag_number(SLICE_LIT(""), 12, &n));
    assert_false(tag_number(SLICE_LIT("1234567890123"), 12, &n));
    assert_false(tag_number(SLICE_LIT("-1"), 12, &n));
    assert_false(tag_number(SLICE_LIT("1 2"), 12, &n));
}

static const struct {
    const char *text;
    int r;
    const char *octets;
} base64s[] = {
    {"", 0, ""},
    {"Zg==", 0, "f"},
    {"Zm8=", 0, "fo"},
    {"Zm9v", 0, "foo"},
    {"Zm9vYg==", 0, "foob"},
    {"Zm9vYmE=", 0, "fooba"},
    {"Zm9vYmFy", 0, "foobar"},
    {" Z m\r\n\t9v\r\n", 0, "foo"},
    {"Z g = =\r\n ", 0, "f"},
    {"/+8", 0, "\377\357"}, /* padding left away */
    {"Zg", 0, "f"},
    {"Z", -EBADMSG, NULL},
    {"Zm9vY", -EBADMSG, NULL},
    {"Zg=", -EBADMSG, NULL},
    {"Zg===", -EBADMSG, NULL},
    {"Zm9v=", -EBADMSG, NULL},
    {"Zg==Zg==", -EBADMSG, NULL},
    {"=", -EBADMSG, NULL},
    {"Zm-v", -EBADMSG, NULL},
    {"Zm9v\001", -EBADMSG, NULL},
    {"Zm9vYmFyZm9v", -EMSGSIZE, NULL},
};

static void test_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(base64s); i++) {
        uint8_t octets[6];
        size_t n = 0;

        assert_int_equal(tag_base64(slice_of(base64s[i].text), octets, sizeof(octets), &n),
                         base64s[i].r);
        if (base64s[i].r == 0) {
            assert_slice((struct slice){(const char *)octets, n}, base64s[i].octets);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists), cmocka_unit_test(test_whole),   cmocka_unit_test(test_many),
        cmocka_unit_test(test_items), cmocka_unit_test(test_numbers), cmocka_unit_test(test_base64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
