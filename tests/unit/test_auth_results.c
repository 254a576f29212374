/* Authentication-Results: the examples of RFC 8601, what others write, and fields that claim to be
 * ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "parse/auth_results.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

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

/* All that a field says, as text: "id|method=result 'reason' type.name=[value]|…" */
static struct slice told(const struct auth_results *r)
{
    struct buf b = {0};

    buf_append_slice(&b, r->id);
    for (const struct auth_method *m = r->methods; m != NULL; m = m->next) {
        buf_printf(&b, "|" SLICE_FMT, SLICE_ARG(m->method));
        if (m->version.n > 0) {
            buf_printf(&b, "/" SLICE_FMT, SLICE_ARG(m->version));
        }
        buf_printf(&b, "=" SLICE_FMT, SLICE_ARG(m->result));
        if (m->reason.n > 0) {
            buf_printf(&b, " '" SLICE_FMT "'", SLICE_ARG(m->reason));
        }
        for (const struct auth_property *p = m->properties; p != NULL; p = p->next) {
            buf_printf(&b, " " SLICE_FMT "." SLICE_FMT "=[" SLICE_FMT "]", SLICE_ARG(p->type),
                       SLICE_ARG(p->name), SLICE_ARG(p->value));
        }
    }
    buf_printf(&b, "%s%s%s", r->none ? "|none" : "", r->malformed ? "|malformed" : "",
               r->cut ? "|cut" : "");
    struct slice text = arena_copy(&arena, buf_slice(&b));
    buf_free(&b);
    return text;
}

/* NULL: it cannot be read at all. */
struct row {
    const char *payload;
    const char *told;
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct auth_results results;
        struct slice text = SLICE_LIT("(nothing)");
        if (auth_results_parse(slice_of(rows[i].payload), &arena, &results) == 0) {
            text = told(&results);
        }
        if (!slice_eq(text, slice_of(rows[i].told != NULL ? rows[i].told : "(nothing)"))) {
            fail_msg("%s: " SLICE_FMT, rows[i].payload, SLICE_ARG(text));
        }
    }
}

/* RFC 8601 appendix B */
static void test_examples(void **state)
{
    static const struct row rows[] = {
        {" example.org 1; none", "example.org|none"},
        {" example.com;\r\n\tspf=pass smtp.mailfrom=example.net\r\n",
         "example.com|spf=pass smtp.mailfrom=[example.net]"},
        {" example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n"
         " spf=pass smtp.mailfrom=example.net",
         "example.com|auth=pass smtp.auth=[sender@example.net]|spf=pass "
         "smtp.mailfrom=[example.net]"},
        {" example.com; iprev=pass\r\n policy.iprev=192.0.2.200",
         "example.com|iprev=pass policy.iprev=[192.0.2.200]"},
        {" example.com;\r\n  dkim=pass (good signature) header.d=example.com",
         "example.com|dkim=pass header.d=[example.com]"},
        {" example.com;\r\n dkim=pass reason=\"good signature\"\r\n "
         "header.i=@mail-router.example.net;"
         "\r\n dkim=fail reason=\"bad signature\"\r\n header.i=@newyork.example.com",
         "example.com|dkim=pass 'good signature' header.i=[@mail-router.example.net]|dkim=fail "
         "'bad "
         "signature' header.i=[@newyork.example.com]"},
        /* B.6, "A Very Long and Complicated Example" in this spirit */
        {"  foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait "
         "for "
         "it) fail\r\n policy (A dot can go here) . (like that) expired\r\n (this surprised me) = "
         "(as "
         "I wasn't expecting it) 1362471462",
         "foo.example.net|dkim/1=fail policy.expired=[1362471462]"},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_values(void **state)
{
    static const struct row rows[] = {
        {"a.example; x=pass p.q=\"a \\\"b\\\" c\"", "a.example|x=pass p.q=[a \"b\" c]"},
        {"a.example; x=pass p.q=\"a\r\n b\"", "a.example|x=pass p.q=[a b]"},
        {"a.example; x=pass p.q=\"a b\"@c.example", "a.example|x=pass p.q=[\"a b\"@c.example]"},
        {"a.example; x=pass p.q=@c.example", "a.example|x=pass p.q=[@c.example]"},
        {"a.example; x=pass p.q=a+b/c==", "a.example|x=pass p.q=[a+b/c==]"},
        {"a.example; x=pass p.q=2001:db8::1", "a.example|x=pass p.q=[2001:db8::1]"},
        {"a.example; x=pass p.q=b(c)", "a.example|x=pass p.q=[b]"},
        {"a.example; x=pass reason=policy", "a.example|x=pass 'policy'"},
        {"a.example; x=pass reason.y=1", "a.example|x=pass reason.y=[1]"},
        {"a.example; x-y_z=pass", "a.example|x-y_z=pass"},
        {"\"a.example\"; x=pass", "a.example|x=pass"},
        {"(c) \"a.ex\\ample\" (c) 1 (c) ; (c) none (c)", "a.example|none"},
        {"a.example", "a.example"},
        {"a.example 1", "a.example"},
        {"a.example;", "a.example"},
        {"a.example; none;", "a.example|none"},
        {"a.example; x=pass;", "a.example|x=pass"},
        {"a.example; none=pass", "a.example|none=pass"},
        {"a.example;x=pass;y=fail", "a.example|x=pass|y=fail"},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_what_cannot_be_read(void **state)
{
    static const struct row rows[] = {
        {"", NULL},
        {" ", NULL},
        {"(c", NULL},
        {"; none", NULL},
        {"\"a.example; none", NULL},
        {"\"\"; none", NULL},
        {"a.example 2; x=pass", NULL},
        {"a.example x; y=pass", NULL},
        {"a.example; x", "a.example|malformed"},
        {"a.example; x=; y=pass", "a.example|y=pass|malformed"},
        {"a.example; x=pass y; z=pass", "a.example|z=pass|malformed"},
        {"a.example; x=pass p.q; z=pass", "a.example|z=pass|malformed"},
        {"a.example; x=pass p.q=; z=pass", "a.example|z=pass|malformed"},
        {"a.example; x=(a;b)pass \"c;d\" ; z=pass", "a.example|z=pass|malformed"},
        {"a.example; x=pass (c; z=pass", "a.example|malformed"},
        {"a.example; x=pass \"c; z=pass", "a.example|malformed"},
        {"a.example: x=pass", NULL},
        {"a.example; none x; z=pass", "a.example|z=pass|malformed"},
        {"a.example; x=pass; none", "a.example|x=pass"},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void test_bounds(void **state)
{
    struct auth_results results;
    struct buf b = {0};
    size_t count = 0;
    (void)state;

    buf_printf(&b, "a.example");
    for (int i = 0; i < 10000; i++) {
        buf_printf(&b, ";x=pass");
    }
    assert_int_equal(auth_results_parse(buf_slice(&b), &arena, &results), 0);
    for (const struct auth_method *m = results.methods; m != NULL; m = m->next) {
        count++;
    }
    assert_int_equal(count, AUTH_RESULTS_MOST);
    assert_true(results.cut);

    b.n = 0;
    buf_printf(&b, "a.example;x=pass");
    for (int i = 0; i < 10000; i++) {
        buf_printf(&b, " p.q=%d", i);
    }
    assert_int_equal(auth_results_parse(buf_slice(&b), &arena, &results), 0);
    count = 0;
    for (const struct auth_property *p = results.methods->properties; p != NULL; p = p->next) {
        count++;
    }
    assert_int_equal(count, AUTH_PROPERTIES_MOST);
    assert_true(results.cut);

    /* octets that could be looked at again and again */
    static const char *const pieces[] = {"\"", "(", ";\"", "\\\"", ";x=\"", ";x=pass p"};
    for (size_t i = 0; i < COUNT(pieces); i++) {
        b.n = 0;
        buf_printf(&b, "a.example;x=pass y ");
        while (b.n < 256 * 1024) {
            buf_printf(&b, "%s", pieces[i]);
        }
        assert_int_equal(auth_results_parse(buf_slice(&b), &arena, &results), 0);
        assert_true(results.malformed);
    }
    buf_free(&b);
}

static void test_properties(void **state)
{
    struct auth_results results;
    (void)state;

    assert_int_equal(
        auth_results_parse(SLICE_LIT("a.example; dkim=pass header.d=b.example Header.D=c.example"),
                           &arena, &results),
        0);
    struct slice d = auth_method_property(results.methods, SLICE_LIT("HEADER"), SLICE_LIT("D"));
    assert_true(slice_eq(d, SLICE_LIT("b.example")));
    d = auth_method_property(results.methods, SLICE_LIT("header"), SLICE_LIT("s"));
    assert_int_equal(d.n, 0);
}

static void test_forged(void **state)
{
    static const char *const ours[] = {
        "mx.example.org; none",
        " mx.example.org; spf=pass",
        " MX.Example.ORG; spf=pass",
        " mx.example.org. ; spf=pass",
        " mx.example.org 1; spf=pass",
        " mx.example.org 7; spf=pass",
        " mx.example.org/1; spf=pass",
        " mx.example.org",
        " mx.example.org(c); spf=pass",
        "\r\n\tmx.example.org;\r\n\tspf=pass",
        " (c(c)) mx.example.org (c) 1; spf=pass",
        " \"mx.example.org\"; spf=pass",
        " \"mx.\\example.org\" 1; spf=pass",
        " mx.example.org garbage",
        /* which nobody can read, and somebody might */
        " (mx.example.org; spf=pass",
        " \"MX.example.org; spf=pass",
    };
    static const char *const others[] = {
        "",
        " ; spf=pass",
        " mx.example.com; spf=pass",
        " xmx.example.org; spf=pass",
        " mx.example.org.example.com; spf=pass",
        " example.org; spf=pass smtp.mailfrom=mx.example.org",
        " other.example (mx.example.org); spf=pass",
        " (unfinished, and somebody else's",
    };
    static const struct slice id = SLICE_LIT("mx.example.org");
    (void)state;

    for (size_t i = 0; i < COUNT(ours); i++) {
        if (!auth_results_claim(slice_of(ours[i]), id, &arena)) {
            fail_msg("not taken for ours: %s", ours[i]);
        }
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        if (auth_results_claim(slice_of(others[i]), id, &arena)) {
            fail_msg("taken for ours: %s", others[i]);
        }
    }
    assert_true(auth_results_claim(SLICE_LIT(" b\xc3\xbc"
                                             "cher.example; x=pass"),
                                   SLICE_LIT("xn--bcher-kva.example"), &arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_cannot_be_read),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_forged),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
