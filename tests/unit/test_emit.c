/* JSON as it is written: exact forms, and whatever is written can be read back by a library that
 * others wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/emit.h"

static void assert_text(struct buf *b, const char *expected)
{
    buf_append(b, "", 1);
    assert_string_equal(b->p, expected);
    buf_free(b);
}

static void structure(void **state)
{
    (void)state;
    struct buf b = {0};
    struct emit e = {.b = &b};

    emit_object(&e, NULL);
    emit_array(&e, "none");
    emit_array_end(&e);
    emit_array(&e, "two");
    emit_object(&e, NULL);
    emit_object_end(&e);
    emit_text(&e, NULL, SLICE_LIT("x"));
    emit_array_end(&e);
    emit_object(&e, "inner");
    emit_bool(&e, "yes", true);
    emit_bool(&e, "no", false);
    emit_object_end(&e);
    emit_text(&e, "", (struct slice){NULL, 0});
    emit_object_end(&e);
    assert_text(&b,
                "{\"none\":[],\"two\":[{},\"x\"],\"inner\":{\"yes\":true,\"no\":false},\"\":\"\"}");
}

static void numbers(void **state)
{
    (void)state;
    struct buf b = {0};
    struct emit e = {.b = &b};

    emit_array(&e, NULL);
    emit_number(&e, NULL, 0);
    emit_number(&e, NULL, INT64_MIN);
    emit_number(&e, NULL, INT64_MAX);
    emit_unsigned(&e, NULL, UINT64_MAX);
    emit_thousandths(&e, NULL, 0);
    emit_thousandths(&e, NULL, 7);
    emit_thousandths(&e, NULL, 1020);
    emit_thousandths(&e, NULL, 4294967295);
    emit_decimal(&e, NULL, -7500);
    emit_decimal(&e, NULL, 7000);
    emit_array_end(&e);
    assert_text(&b, "[0,-9223372036854775808,9223372036854775807,18446744073709551615,"
                    "0.000,0.007,1.020,4294967.295,-7.5,7]");
}

static void escapes(void **state)
{
    (void)state;
    struct buf b = {0};
    struct emit e = {.b = &b};

    emit_text(
        &e, NULL,
        SLICE_LIT("\"\\/\b\f\n\r\t\0\x1f\x7f~ \xc3\xbc\xe2\x80\xae\xf0\x9f\x93\xab\xc2\x9b\xff"
                  "\xed\xa0\x80\xe2\x80"));
    assert_text(&b, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f~ \\u00fc\\u202e\\ud83d\\udceb"
                    "\\u009b\\u00ff\\u00ed\\u00a0\\u0080\\u00e2\\u0080\"");
}

/* Read back; what is UTF-8 comes back as it was. */
static void assert_read_back(struct slice octets)
{
    struct buf b = {0};
    struct emit e = {.b = &b};

    emit_object(&e, NULL);
    emit_text(&e, "text", octets);
    emit_object_end(&e);
    for (size_t i = 0; i < b.n; i++) {
        assert_in_range(b.p[i], 0x20, 0x7e);
    }
    json_t *read = json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
    assert_non_null(read);
    json_t *text = json_object_get(read, "text");
    json_t *same = json_stringn(octets.p, octets.n);
    if (same != NULL) {
        assert_true(json_equal(text, same));
    }
    json_decref(same);
    json_decref(read);
    buf_free(&b);
}

static void what_jansson_reads(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            const char two[] = {(char)first, (char)second, 'a'};
            assert_read_back((struct slice){two, 2});
        }
    }
    /* All characters there are, a few at a time. */
    for (uint32_t c = 0x80; c < 0x110000; c += 61) {
        char p[8];
        size_t n;
        if (c >= 0xd800 && c <= 0xdfff) {
            continue;
        }
        if (c < 0x800) {
            n = 2;
            p[0] = (char)(0xc0 | c >> 6);
        } else if (c < 0x10000) {
            n = 3;
            p[0] = (char)(0xe0 | c >> 12);
        } else {
            n = 4;
            p[0] = (char)(0xf0 | c >> 18);
        }
        for (size_t i = 1; i < n; i++) {
            p[i] = (char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
        }
        assert_read_back((struct slice){p, n});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure),
        cmocka_unit_test(numbers),
        cmocka_unit_test(escapes),
        cmocka_unit_test(what_jansson_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
