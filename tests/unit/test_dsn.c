/* DSN parameters: each value by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parse/dsn.h"

struct row {
    const char *text;
    enum dsn_param taken;
    bool promises;
};

static struct smtp_param param(const char *text)
{
    struct slice rest = slice_of(text);
    struct smtp_param p;
    assert_int_equal(smtp_param_next(&rest, &p), 1);
    return p;
}

#define X10  "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X490 X100 X100 X100 X100 X10 X10 X10 X10 X10 X10 X10 X10 X10

static void mail(void **state)
{
    static const struct row rows[] = {
        {"RET=FULL", DSN_TAKEN, 0},      {"ret=hdrs", DSN_TAKEN, 0},
        {"RET=FULLY", DSN_BAD, 0},       {"RET", DSN_BAD, 0},
        {"ENVID=a", DSN_TAKEN, 0},       {"ENVID=+20+2B", DSN_TAKEN, 0},
        {"ENVID=+0A", DSN_BAD, 0},       {"ENVID=+", DSN_BAD, 0},
        {"ENVID", DSN_BAD, 0},           {"ENVID=" X100, DSN_TAKEN, 0},
        {"ENVID=" X100 "x", DSN_BAD, 0}, {"NOTIFY=NEVER", DSN_OTHER, 0},
        {"SIZE=1", DSN_OTHER, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_param p = param(rows[i].text);
        struct dsn_mail m = {.ret = {0}};
        if (dsn_take_mail(&p, &m) != rows[i].taken) {
            fail_msg("%s", rows[i].text);
        }
        assert_int_equal(m.ret.n + m.envid.n, rows[i].taken == DSN_TAKEN ? p.value.n : 0);
        if (rows[i].taken == DSN_TAKEN) {
            assert_int_equal(dsn_take_mail(&p, &m), DSN_BAD); /* twice */
        }
    }
}

static void rcpt(void **state)
{
    static const struct row rows[] = {
        {"NOTIFY=NEVER", DSN_TAKEN, true},
        {"NOTIFY=never", DSN_TAKEN, true},
        {"NOTIFY=SUCCESS", DSN_TAKEN, true},
        {"NOTIFY=FAILURE", DSN_TAKEN, false},
        {"NOTIFY=FAILURE,DELAY", DSN_TAKEN, false},
        {"NOTIFY=DELAY,success,FAILURE", DSN_TAKEN, true},
        {"NOTIFY", DSN_BAD, false},
        {"NOTIFY=NEVER,DELAY", DSN_BAD, false},
        {"NOTIFY=SUCCESS,SUCCESS", DSN_BAD, false},
        {"NOTIFY=SUCCESS,", DSN_BAD, false},
        {"NOTIFY=,SUCCESS", DSN_BAD, false},
        {"NOTIFY=SUCCESS;DELAY", DSN_BAD, false},
        {"NOTIFY=ALWAYS", DSN_BAD, false},
        {"ORCPT=rfc822;a@b.example", DSN_TAKEN, false},
        {"ORCPT=RFC822;a+2Bb@b.example", DSN_TAKEN, false},
        {"ORCPT=utf-8;a\\x{E4}@b.example", DSN_TAKEN, false},
        {"ORCPT=x400;/c+3Dde", DSN_TAKEN, false},
        {"ORCPT=a;b;c", DSN_TAKEN, false},
        {"ORCPT", DSN_BAD, false},
        {"ORCPT=a@b.example", DSN_BAD, false},
        {"ORCPT=;a@b.example", DSN_BAD, false},
        {"ORCPT=rfc822;", DSN_BAD, false},
        {"ORCPT=rfc@822;a", DSN_BAD, false},
        {"ORCPT=rfc822;a+00", DSN_BAD, false},
        {"ORCPT=rfc822;" X490 "xxx", DSN_TAKEN, false},
        {"ORCPT=rfc822;" X490 "xxxx", DSN_BAD, false},
        {"RET=FULL", DSN_OTHER, false},
        {"AUTH=a", DSN_OTHER, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice rest = slice_of(rows[i].text);
        struct smtp_param p;
        struct dsn_rcpt r = {.promises = false};
        if (smtp_param_next(&rest, &p) != 1) {
            continue; /* it does not come so far */
        }
        if (dsn_take_rcpt(&p, &r) != rows[i].taken || r.promises != rows[i].promises) {
            fail_msg("%s", rows[i].text);
        }
        assert_int_equal(r.notify.n + r.orcpt.n, rows[i].taken == DSN_TAKEN ? p.value.n : 0);
        if (rows[i].taken == DSN_TAKEN) {
            assert_int_equal(dsn_take_rcpt(&p, &r), DSN_BAD);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail),
        cmocka_unit_test(rcpt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
