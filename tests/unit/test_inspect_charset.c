/* Character sets, encoded words, and that nothing is read from the disk when an inspector has
 * begun. */
#include "inspect_world.h"

#include <sys/resource.h>

#include "inspect/inspect_impl.h"

static struct rlimit usual;

/* From here on no file can be opened, as in an inspector that has confined itself. */
static void close_the_disk(void)
{
    struct rlimit none;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = (struct rlimit){0, usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_null(fopen("/etc/passwd", "r"));
}

static void converts(const struct inspect_world *w, const char *charset, const char *octets,
                     const char *text)
{
    struct buf b = {0};

    assert_true(inspect_to_utf8(w->inspect, slice_of(charset), slice_of(octets), 1000, &b));
    assert_int_equal(b.n, strlen(text));
    assert_memory_equal(b.p, text, b.n);
    buf_free(&b);
}

static void test_charsets(void **state)
{
    struct inspect_world *w = *state;
    struct buf b = {0};

    converts(w, "utf-8", "h\xc3\xa4", "h\xc3\xa4");
    converts(w, "", "h\xe4\x80x", "h\xc3\xa4\xe2\x82\xacx");
    converts(w, "iso-8859-1", "h\xe4\x80", "h\xc3\xa4\xe2\x82\xac");
    converts(w, "ISO-8859-15", "\xa4", "\xe2\x82\xac");
    converts(w, "windows-1251", "\xcf", "\xd0\x9f");
    converts(w, "koi8-r", "\xf0", "\xd0\x9f");
    converts(w, "gb2312", "\xc4\xe3", "\xe4\xbd\xa0");
    converts(w, "big5", "\xa7\x41", "\xe4\xbd\xa0");
    converts(w, "shift_jis", "\x82\xa0", "\xe3\x81\x82");
    converts(w, "euc-jp", "\xa4\xa2", "\xe3\x81\x82");
    converts(w, "iso-2022-jp", "\x1b$B$\"\x1b(B", "\xe3\x81\x82");
    converts(w, "euc-kr", "\xb0\xa1", "\xea\xb0\x80");
    converts(w, "utf-7", "+AOQ-", "\xc3\xa4");
    converts(w, "big5", "\xa7", "\xef\xbf\xbd");
    assert_false(inspect_to_utf8(w->inspect, SLICE_LIT("x-nobody"), SLICE_LIT("a"), 10, &b));
    assert_int_equal(b.n, 1);
    buf_free(&b);
}

/* No more than may be made, and never a part of a character. */
static void test_bound(void **state)
{
    struct inspect_world *w = *state;

    for (size_t most = 0; most < 12; most++) {
        struct buf b = {0};
        inspect_to_utf8(w->inspect, SLICE_LIT(""), SLICE_LIT("\xe4\xe4\xe4\xe4"), most, &b);
        assert_true(b.n <= most);
        buf_free(&b);
        inspect_to_utf8(w->inspect, SLICE_LIT("koi8-r"), SLICE_LIT("\xf0\xf0\xf0"), most, &b);
        assert_true(b.n <= most);
        buf_free(&b);
    }
}

static void decodes(const struct inspect_world *w, const char *octets, const char *text)
{
    struct buf b = {0};
    bool any = inspect_words(w->inspect, slice_of(octets), &b);

    assert_int_equal(any, text != NULL);
    if (text) {
        assert_int_equal(b.n, strlen(text));
        assert_memory_equal(b.p, text, b.n);
    }
    buf_free(&b);
}

static void test_words(void **state)
{
    struct inspect_world *w = *state;

    decodes(w, "plain", NULL);
    decodes(w, "=?utf-8?", NULL);
    decodes(w, "=?utf-8?x?a?=", NULL);
    decodes(w, "=?utf-8?Q?a=2Eexe?=", "a.exe");
    decodes(w, "=?UTF-8?b?YS5leGU=?=", "a.exe");
    decodes(w, "=?utf-8*en?Q?a_b?=", "a b");
    decodes(w, "a =?utf-8?Q?b?=\r\n =?utf-8?Q?c?= d", "a bc d");
    decodes(w, "=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "\xc3\xa4");
    decodes(w, "=?iso-8859-1?Q?=E4?= =?koi8-r?Q?=F0?=", "\xc3\xa4\xd0\x9f");
    decodes(w, "=?iso-2022-jp?B?GyRCJCIbKEI=?=", "\xe3\x81\x82");
}

/* The libraries, too, do without files. */
static void test_message(void **state)
{
    struct inspect_world *w = *state;

    inspect_text(w, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
                    "Content-Type: text/plain; charset=iso-2022-jp\n\nhello\n--b\n"
                    "Content-Type: image/png; name=\"=?iso-2022-jp?B?GyRCJCIbKEI=?=.exe\"\n\n"
                    "\x7f"
                    "ELF no picture\n--b--\n");
    assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_NAMES, "\xe3\x81\x82.exe"));
    assert_true(inspect_is_odd(w, "type-differs"));
    assert_false(inspect_is_odd(w, "readers-differ"));
    assert_int_equal(w->found.of[FINDING_OF_ATTACHMENT_TYPE].count, 1);
}

static int open_confined(void **state)
{
    int r = inspect_world_open(state);

    close_the_disk();
    return r;
}

/* The leak checker opens files. */
static int close_confined(void **state)
{
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    return inspect_world_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_message),
    };

    return cmocka_run_group_tests(tests, open_confined, close_confined);
}
