/* A message is taken apart: its parts, what is attached, and what is odd about it. */
#include "inspect_world.h"

static void test_plain(void **state)
{
    struct inspect_world *w = *state;

    inspect_text(w, "From: a@example.org\nSubject: hello\n\nhello\n");
    assert_int_equal(w->found.of[FINDING_OF_MIME_PARTS].number, 1);
    assert_int_equal(w->found.of[FINDING_OF_MIME_ANOMALIES].count, 0);
    assert_int_equal(w->found.of[FINDING_OF_ATTACHMENT_COUNT].number, 0);
    assert_true(inspect_has(w, FINDING_OF_MIME_TYPES, "text/plain"));
    inspect_text(w, "");
    assert_int_equal(w->found.of[FINDING_OF_ATTACHMENT_COUNT].number, 0);
}

static void test_attached(void **state)
{
    struct inspect_world *w = *state;

    inspect_text(w, "MIME-Version: 1.0\n"
                    "Content-Type: multipart/mixed; boundary=\"b 1\"\n\n"
                    "this is MIME\n"
                    "--b 1\n\nhello\n"
                    "--b 1\nContent-Type: application/x-msdownload; name=\"=?utf-8?Q?a=2Eexe?=\"\n"
                    "Content-Disposition: attachment; filename*0=\"inv\";\n"
                    " filename*1*=%6fice.pdf.exe\n"
                    "Content-Transfer-Encoding: base64\n\nTVqQAAMAAAAEAAAA//8AAA==\n"
                    "--b 1--\n");
    assert_int_equal(w->found.of[FINDING_OF_MIME_PARTS].number, 3);
    assert_int_equal(w->found.of[FINDING_OF_ATTACHMENT_COUNT].number, 1);
    assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_NAMES, "a.exe"));
    assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_NAMES, "invoice.pdf.exe"));
    assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_EXT, "exe"));
    assert_int_equal(w->found.of[FINDING_OF_ATTACHMENT_EXT].count, 1);
    assert_int_equal(w->found.of[FINDING_OF_ATTACHMENT_EXECUTABLE].number, 1);
    assert_true(inspect_is_odd(w, "name-double-extension"));
    assert_true(inspect_is_odd(w, "parameter-encoded-word"));
    assert_false(inspect_is_odd(w, "ambiguous"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_attached),
    };

    return cmocka_run_group_tests(tests, inspect_world_open, inspect_world_close);
}
