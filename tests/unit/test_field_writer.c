/* Trace fields of ours: what they look like, and that nothing a stranger says gets out of its
 * quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/auth_results.h"
#include "auth/field_writer.h"
#include "auth/received_spf.h"
#include "base/buf.h"
#include "parse/auth_results.h"

#define NOTHING SLICE_LIT("")

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

static void expect(struct slice field, const char *expected)
{
    if (!slice_eq(field, slice_of(expected))) {
        fail_msg("\n" SLICE_FMT "\ninstead of\n%s", SLICE_ARG(field), expected);
    }
}

/* A field is lines of printable ASCII and ends in CRLF; none of its lines is empty or only blank.
 */
static void check_form(struct slice field)
{
    size_t line = 0;
    bool blank = true;

    assert_true(field.n > 2 && memcmp(field.p + field.n - 2, "\r\n", 2) == 0);
    for (size_t i = 0; i < field.n; i++) {
        if (field.p[i] == '\r') {
            assert_true(i + 1 < field.n && field.p[i + 1] == '\n' && !blank && line <= 998);
            assert_true(i + 2 == field.n || field.p[i + 2] == ' ');
            i++;
            line = 0;
            blank = true;
        } else {
            assert_true(field.p[i] >= ' ' && field.p[i] <= '~');
            blank = blank && field.p[i] == ' ';
            line++;
        }
    }
}

static void test_whole_field(void **state)
{
    const struct dkim_result signatures[] = {
        {.result = AUTH_PASS,
         .domain = SLICE_LIT("example.com"),
         .selector = SLICE_LIT("s1"),
         .identity = SLICE_LIT("@example.com"),
         .algorithm = SLICE_LIT("rsa-sha256"),
         .b = SLICE_LIT("a/b+Cd9xy"),
         .key_bits = 2048},
        {.result = AUTH_FAIL,
         .domain = SLICE_LIT("list.example"),
         .selector = SLICE_LIT("2026"),
         .identity = SLICE_LIT("odd \"one\"@list.example"),
         .algorithm = SLICE_LIT("ed25519-sha256"),
         .b = SLICE_LIT("12345678"),
         .problem = SLICE_LIT("the body has changed")},
    };
    const struct arc_set sets[] = {{.instance = 2}, {.instance = 1}};
    struct auth_iprev iprev = {.result = AUTH_PASS, .name = SLICE_LIT("mail.example.com")};
    assert_int_equal(addr_parse(SLICE_LIT("2001:db8::1"), &iprev.client), 0);
    const struct auth_report report = {
        .id = SLICE_LIT("mx1.example.org"),
        .iprev = &iprev,
        .spf = &(struct spf_outcome){.result = AUTH_SOFTFAIL, .problem = NOTHING},
        .sender = SLICE_LIT("ann+news@example.com"),
        .spf_helo = &(struct spf_outcome){.result = AUTH_PASS, .problem = NOTHING},
        .helo = SLICE_LIT("mail.example.com"),
        .dkim = &(struct dkim_outcome){.signatures = signatures, .count = 2},
        .arc = &(struct arc_outcome){.result = AUTH_PASS, .sets = sets, .count = 2},
        .dmarc = &(struct dmarc_outcome){.result = AUTH_PASS,
                                         .from = SLICE_LIT("example.com"),
                                         .policy = DMARC_QUARANTINE,
                                         .testing = true,
                                         .problem = NOTHING},
    };
    (void)state;

    struct slice field = auth_results_write(&report, &arena);
    expect(field,
           "Authentication-Results: mx1.example.org;\r\n"
           " iprev=pass policy.iprev=\"2001:db8::1\" (mail.example.com);\r\n"
           " spf=pass smtp.helo=mail.example.com;\r\n"
           " spf=softfail smtp.mailfrom=ann+news@example.com;\r\n"
           " dkim=pass (2048-bit key) header.d=example.com header.s=s1\r\n"
           " header.i=@example.com header.a=rsa-sha256 header.b=\"a/b+Cd9xy\";\r\n"
           " dkim=fail reason=\"the body has changed\" header.d=list.example header.s=2026\r\n"
           " header.i=\"odd \\\"one\\\"@list.example\" header.a=ed25519-sha256\r\n"
           " header.b=12345678;\r\n"
           " arc=pass (i=2) header.oldest-pass=0;\r\n"
           " dmarc=pass (t=y) header.from=example.com policy.dmarc=quarantine\r\n");
    check_form(field);
}

static void test_little(void **state)
{
    struct auth_report report = {.id = SLICE_LIT("mx1.example.org")};
    const struct dkim_outcome no_dkim = {.count = 0};
    const struct arc_outcome no_arc = {.result = AUTH_NONE, .problem = NOTHING};
    const struct dmarc_outcome no_dmarc = {
        .result = AUTH_PERMERROR, .from = NOTHING, .problem = SLICE_LIT("there is no From field")};
    const struct spf_outcome spf = {.result = AUTH_NONE, .problem = NOTHING};
    (void)state;

    expect(auth_results_write(&report, &arena),
           "Authentication-Results: mx1.example.org; none\r\n");
    report.id = SLICE_LIT("our \"mx\"");
    expect(auth_results_write(&report, &arena),
           "Authentication-Results: \"our \\\"mx\\\"\"; none\r\n");
    report.id = SLICE_LIT("mx1.example.org");
    report.spf = &spf;
    report.helo = SLICE_LIT("[192.0.2.1]");
    report.dkim = &no_dkim;
    report.arc = &no_arc;
    report.dmarc = &no_dmarc;
    expect(auth_results_write(&report, &arena),
           "Authentication-Results: mx1.example.org;\r\n"
           " spf=none smtp.helo=\"[192.0.2.1]\";\r\n"
           " dkim=none;\r\n"
           " arc=none;\r\n"
           " dmarc=permerror reason=\"there is no From field\"\r\n");

    /* RFC 8617 10.1: none, fail, pass, and nothing else. */
    const struct arc_outcome unsure = {.result = AUTH_TEMPERROR, .problem = NOTHING};
    report = (struct auth_report){.id = report.id, .arc = &unsure};
    expect(auth_results_write(&report, &arena),
           "Authentication-Results: mx1.example.org; none\r\n");
}

static void test_utf8_senders(void **state)
{
    const struct spf_outcome spf = {.result = AUTH_PASS, .problem = NOTHING};
    struct auth_report report = {.id = SLICE_LIT("mx1.example.org"), .spf = &spf};
    (void)state;

    report.sender = SLICE_LIT("j\xc3\xb6rg@b\xc3\xbc"
                              "cher.example");
    expect(auth_results_write(&report, &arena),
           "Authentication-Results: mx1.example.org;\r\n"
           " spf=pass smtp.mailfrom=xn--bcher-kva.example\r\n");
    report.sender = SLICE_LIT("j\xc3\xb6rg@[192.0.2.1]");
    check_form(auth_results_write(&report, &arena));
}

/* Texts that want out. */
static void test_nothing_gets_out(void **state)
{
    static const char *const texts[] = {
        "x\r\nSubject: hello",
        "x\r\n\r\nbody",
        "x\"; dkim=pass header.d=\"bank.example",
        "x\\",
        "x\\\"",
        "x); dkim=pass (",
        "x; dkim=pass header.d=bank.example",
        "x\t\x01\x7f\xff\xc2\x85",
        "  x    y  ",
        " ",
        "\"",
        "a@b; dkim=pass",
        "a@b.example\r\n",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct slice text = slice_of(texts[i]);
        const struct dkim_result signature = {.result = AUTH_FAIL,
                                              .domain = text,
                                              .selector = text,
                                              .identity = text,
                                              .algorithm = text,
                                              .b = text,
                                              .problem = text};
        const struct auth_iprev iprev = {.result = AUTH_PASS, .name = text};
        const struct auth_report report = {
            .id = SLICE_LIT("mx1.example.org"),
            .iprev = &iprev,
            .spf = &(struct spf_outcome){.result = AUTH_FAIL, .problem = text},
            .sender = text,
            .dkim = &(struct dkim_outcome){.signatures = &signature, .count = 1},
            .dmarc = &(struct dmarc_outcome){.result = AUTH_FAIL, .from = text, .problem = text},
        };
        struct slice field = auth_results_write(&report, &arena), body;
        struct auth_results read;
        check_form(field);
        assert_true(slice_prefix(field, "Authentication-Results:", &body));
        assert_int_equal(auth_results_parse(body, &arena, &read), 0);
        assert_false(read.malformed);
        const struct auth_method *m = read.methods;
        for (const char *const *name = (const char *const[]){"iprev", "spf", "dkim", "dmarc", NULL};
             *name != NULL; name++, m = m->next) {
            assert_non_null(m);
            assert_true(slice_eq(m->method, slice_of(*name)));
        }
        assert_null(m);
    }
}

static void test_long_values(void **state)
{
    struct buf text = {0};
    (void)state;

    for (int i = 0; i < 3000; i++) {
        buf_printf(&text, i % 100 == 99 ? " " : "\"");
    }
    for (size_t n = 0; n < text.n; n += 37) {
        struct slice value = {text.p, n};
        const struct auth_report report = {
            .id = SLICE_LIT("mx1.example.org"),
            .spf = &(struct spf_outcome){.result = AUTH_FAIL, .problem = value},
            .sender = value,
            .helo = value,
        };
        struct slice field = auth_results_write(&report, &arena);
        check_form(field);
        assert_true(field.n < 2000);
    }
    buf_free(&text);
}

static void test_folding(void **state)
{
    struct field_writer w;
    (void)state;

    field_begin(&w, "X");
    field_comment(&w, SLICE_LIT("a text that is folded at a blank where the line would have become "
                                "too long for those who read it"));
    field_word(&w, "end");
    expect(field_end(&w, &arena),
           "X: (a text that is folded at a blank where the line would have become too\r\n"
           " long for those who read it) end\r\n");
}

static void test_received_spf(void **state)
{
    const struct spf_outcome outcome = {.result = AUTH_PASS,
                                        .domain = SLICE_LIT("example.com"),
                                        .mechanism = SLICE_LIT("ip4:192.0.2.0/24"),
                                        .problem = NOTHING};
    struct received_spf r = {.receiver = SLICE_LIT("mx1.example.org"),
                             .outcome = &outcome,
                             .sender = SLICE_LIT("a@example.com"),
                             .helo = SLICE_LIT("mail.example.com")};
    (void)state;

    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), &r.client), 0);
    expect(received_spf_write(&r, &arena),
           "Received-SPF: pass (192.0.2.1 may send for example.com)\r\n"
           " receiver=mx1.example.org; identity=mailfrom; client-ip=192.0.2.1;\r\n"
           " envelope-from=\"a@example.com\"; helo=mail.example.com;\r\n"
           " mechanism=\"ip4:192.0.2.0/24\";\r\n");

    const struct spf_outcome broken = {.result = AUTH_PERMERROR,
                                       .domain = SLICE_LIT("x)\r\n"),
                                       .mechanism = NOTHING,
                                       .problem = SLICE_LIT("there are two records")};
    r = (struct received_spf){.receiver = SLICE_LIT("mx1.example.org"),
                              .outcome = &broken,
                              .identity_helo = true,
                              .client = r.client,
                              .helo = SLICE_LIT("x)\r\n")};
    struct slice field = received_spf_write(&r, &arena);
    check_form(field);
    expect(field, "Received-SPF: permerror (192.0.2.1 cannot be judged by the faulty record of\r\n"
                  " x\\)?"
                  "?) receiver=mx1.example.org; identity=helo; client-ip=192.0.2.1;\r\n"
                  " helo=\"x)?"
                  "?\"; problem=\"there are two records\";\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_field),  cmocka_unit_test(test_little),
        cmocka_unit_test(test_utf8_senders), cmocka_unit_test(test_nothing_gets_out),
        cmocka_unit_test(test_long_values),  cmocka_unit_test(test_folding),
        cmocka_unit_test(test_received_spf),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
