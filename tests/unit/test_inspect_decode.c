/* Content-Transfer-Encodings are undone as mail readers do it, and what is odd about them is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/decode.h"

struct row {
    enum mime_encoding encoding;
    const char *octets;
    const char *means;
    bool illegal, after_padding, cut;
};

static const struct row rows[] = {
    {ENCODING_BASE64, "aGVsbG8gd29ybGQ=", "hello world"},
    {ENCODING_BASE64, "aGVs\r\nbG8g\r\n d29y bGQ=\r\n", "hello world"},
    {ENCODING_BASE64, "aGVs!bG8", "hello", .illegal = true, .cut = true},
    {ENCODING_BASE64, "aA==aGVsbG8=", "hhello", .after_padding = true},
    {ENCODING_BASE64, "aGVsbG8", "hello", .cut = true},
    {ENCODING_BASE64, "a", "", .cut = true},
    {ENCODING_BASE64, "====", ""},
    {ENCODING_BASE64, "", ""},
    {ENCODING_QUOTED, "a=3Db=\r\nc=  \nd", "a=bcd"},
    {ENCODING_QUOTED, "a=3db=", "a=b"},
    {ENCODING_QUOTED, "1=2 =GG", "1=2 =GG", .illegal = true},
    {ENCODING_UUENCODE, "x\r\nbegin 644 a\r\n%:&5L;&\\\r\n`\r\nend\r\nmore\r\n", "hello"},
    {ENCODING_UUENCODE, "begin 644 a\n%:&5L\nend\n", "hel\0\0", .cut = true},
    {ENCODING_YENC, "=ybegin line=128 size=2 name=a\r\n\x92=\x9d\r\n=yend size=2\r\n", "h3"},
    {ENCODING_NONE, "as it is", "as it is"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct decode_oddities odd = {0};
        struct buf b = {0};
        assert_true(mime_decode(r->encoding, slice_of(r->octets), 1000, &b, &odd));
        assert_true(b.n >= strlen(r->means));
        assert_memory_equal(b.p ? b.p : "", r->means, strlen(r->means));
        assert_int_equal(odd.illegal, r->illegal);
        assert_int_equal(odd.after_padding, r->after_padding);
        assert_int_equal(odd.cut, r->cut);
        buf_free(&b);
    }
}

/* Each bound: what is made is the beginning of all, not longer than it, and it is told. */
static void test_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decode_oddities odd = {0};
        struct slice octets = slice_of(rows[i].octets);
        struct buf all = {0};
        mime_decode(rows[i].encoding, octets, 1000, &all, &odd);
        for (size_t most = 0; most <= all.n; most++) {
            struct buf some = {0};
            bool whole = mime_decode(rows[i].encoding, octets, most, &some, &odd);
            assert_true(some.n <= most);
            assert_true(whole || some.n < all.n || most == all.n);
            assert_true(some.n == 0 || memcmp(some.p, all.p, some.n) == 0);
            buf_free(&some);
        }
        buf_free(&all);
    }
}

static void test_files_in_text(void **state)
{
    struct slice rest = SLICE_LIT("begin the day\nbegin 644 a.exe\n#86)C\n`\nend\n"
                                  "=ybegin line=1 name=b.exe\nx\n=yend size=1\n");
    struct encoded_file f;

    (void)state;
    assert_true(encoded_file_next(&rest, &f));
    assert_true(slice_eq(f.name, SLICE_LIT("a.exe")));
    assert_int_equal(f.encoding, ENCODING_UUENCODE);
    assert_true(encoded_file_next(&rest, &f));
    assert_true(slice_eq(f.name, SLICE_LIT("b.exe")));
    assert_int_equal(f.encoding, ENCODING_YENC);
    assert_false(encoded_file_next(&rest, &f));
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(mime_encoding_of(SLICE_LIT("BASE64")), ENCODING_BASE64);
    assert_int_equal(mime_encoding_of(SLICE_LIT("8bit")), ENCODING_NONE);
    assert_int_equal(mime_encoding_of(SLICE_LIT("base64 ")), ENCODING_UNKNOWN);
    assert_int_equal(mime_encoding_of(SLICE_LIT("")), ENCODING_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_files_in_text),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
