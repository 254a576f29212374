/* DMARC Policy Records, one way of writing them after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "parse/dmarc_record.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A record in short: p/sp/np by their first letters ("-": none), then what else it says. */
static void describe(const struct dmarc_record *r, char ret[64])
{
    static const char policies[] = "-nqr";

    (void)snprintf(ret, 64, "%c%c%c%s%s%s%s%s%s", policies[r->p], policies[r->sp], policies[r->np],
                   r->psd == DMARC_PSD_Y   ? " psd=y"
                   : r->psd == DMARC_PSD_N ? " psd=n"
                                           : "",
                   r->strict_dkim ? " adkim=s" : "", r->strict_spf ? " aspf=s" : "",
                   r->testing ? " t=y" : "", r->reportable ? " rua" : "",
                   r->unusable ? " unusable" : "");
}

struct row {
    const char *text;
    const char *described; /* NULL: no DMARC Policy Record */
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct dmarc_record record;
        char text[64] = "";
        if (dmarc_record_parse(slice_of(rows[i].text), &record)) {
            describe(&record, text);
            if (rows[i].described == NULL || strcmp(text, rows[i].described) != 0) {
                fail_msg("%s: %s", rows[i].text, text);
            }
        } else if (rows[i].described != NULL) {
            fail_msg("%s: is none", rows[i].text);
        }
    }
}

static void test_version(void **state)
{
    static const struct row rows[] = {
        {"v=DMARC1", "n--"},
        {"v=DMARC1;", "n--"},
        {"v=DMARC1; p=reject", "r--"},
        {"v=DMARC1;p=reject;", "r--"},
        {"v = DMARC1 ; p=reject", "r--"},
        {"v\t=\tDMARC1\t;\tp\t=\treject\t;\t", "r--"},
        {"V=DMARC1; p=reject", "r--"},
        {"", NULL},
        {";", NULL},
        {"v", NULL},
        {"v=", NULL},
        {" v=DMARC1; p=reject", NULL},
        {"v=dmarc1; p=reject", NULL},
        {"v=DMARC2; p=reject", NULL},
        {"v=DMARC11; p=reject", NULL},
        {"v=DMARC1 p=reject", NULL},
        {"v=DMARC1, p=reject", NULL},
        {"p=reject; v=DMARC1", NULL},
        {"; v=DMARC1; p=reject", NULL},
        {"v=spf1 -all", NULL},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_policies(void **state)
{
    static const struct row rows[] = {
        {"v=DMARC1; p=none", "n--"},
        {"v=DMARC1; p=quarantine; sp=reject; np=none", "qrn"},
        {"v=DMARC1; P=Reject; SP=NONE", "rn-"},
        {"v=DMARC1; sp=reject", "nr-"},
        {"v=DMARC1; np=reject; p=none", "n-r"},
        /* one that is wrong */
        {"v=DMARC1; p=block", "--- unusable"},
        {"v=DMARC1; p=", "--- unusable"},
        {"v=DMARC1; p", "--- unusable"},
        {"v=DMARC1; p=reject,", "--- unusable"},
        {"v=DMARC1; p=\"reject\"", "--- unusable"},
        {"v=DMARC1; p=reject; sp=block", "--- unusable"},
        {"v=DMARC1; p=reject; sp=", "--- unusable"},
        {"v=DMARC1; p=reject; np=block", "--- unusable"},
        {"v=DMARC1; p=block; rua=mailto:a@example.org", "n-- rua"},
        {"v=DMARC1; p=reject; sp=block; rua=mailto:a@example.org", "n-- rua"},
        {"v=DMARC1; p=reject; sp=reject; np=block; rua=mailto:a@example.org", "n-- rua"},
        {"v=DMARC1; p=reject; sp=none; rua=mailto:a@example.org", "rn- rua"},
        /* twice */
        {"v=DMARC1; p=none; p=reject", "n--"},
        {"v=DMARC1; p=reject; p=block", "r--"},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_other_tags(void **state)
{
    static const struct row rows[] = {
        {"v=DMARC1; p=reject; psd=y; adkim=s; aspf=s; t=y", "r-- psd=y adkim=s aspf=s t=y"},
        {"v=DMARC1; p=reject; psd=n; adkim=r; aspf=r; t=n", "r-- psd=n"},
        {"v=DMARC1; p=reject; psd=u", "r--"},
        {"v=DMARC1; p=reject; PSD=Y; ADKIM=S; ASPF=S; T=Y", "r-- psd=y adkim=s aspf=s t=y"},
        {"v=DMARC1; p=reject; psd=x; adkim=x; aspf=strict; t=yes", "r--"},
        {"v=DMARC1; p=reject; psd=; adkim=; aspf=; t=", "r--"},
        {"v=DMARC1; p=reject; pct=0; rf=afrf; ri=3600; fo=1:d:s", "r--"},
        {"v=DMARC1; p=reject; x=y; sub-domain=z; p2=none; =; ;;", "r--"},
        {"v=DMARC1; x; p=reject; y", "r--"},
        {"v=DMARC1; x=\x01\xff; p=reject", "r--"},
        {"v=DMARC1; adkim=s; p=reject", "r-- adkim=s"},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_reporting_uris(void **state)
{
    static const struct row rows[] = {
        {"v=DMARC1; rua=mailto:a@example.org", "n-- rua"},
        {"v=DMARC1; rua=mailto:a@example.org!10m", "n-- rua"},
        {"v=DMARC1; rua=https://example.org/x?y=z%20", "n-- rua"},
        {"v=DMARC1; rua=nonsense , mailto:a@example.org", "n-- rua"},
        {"v=DMARC1; rua=", "n--"},
        {"v=DMARC1; rua=a@example.org", "n--"},
        {"v=DMARC1; rua=mailto:", "n--"},
        {"v=DMARC1; rua=mailto:!10m", "n--"},
        {"v=DMARC1; rua=:a@example.org", "n--"},
        {"v=DMARC1; rua=1x:a@example.org", "n--"},
        {"v=DMARC1; rua=mail to:a@example.org", "n--"},
        {"v=DMARC1; rua=mailto:a b@example.org", "n--"},
        {"v=DMARC1; rua=mailto:a%2@example.org", "n--"},
        {"v=DMARC1; rua=mailto:a%", "n--"},
        {"v=DMARC1; rua=mailto:<a@example.org>", "n--"},
        {"v=DMARC1; rua=,,,", "n--"},
        {"v=DMARC1; ruf=mailto:a@example.org", "n--"},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(dmarc_policy_name(DMARC_NO_POLICY), "");
    assert_string_equal(dmarc_policy_name(DMARC_NONE), "none");
    assert_string_equal(dmarc_policy_name(DMARC_QUARANTINE), "quarantine");
    assert_string_equal(dmarc_policy_name(DMARC_REJECT), "reject");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),    cmocka_unit_test(test_policies),
        cmocka_unit_test(test_other_tags), cmocka_unit_test(test_reporting_uris),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
