/* SPF records and macro strings: the syntax of RFC 7208 12, where it breaks, and what macros become
 * (7.4 and further cases). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parse/spf_record.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void which_records_are_spf(void **state)
{
    static const char *const yes[] = {"v=spf1", "v=spf1 ", "v=spf1 -all", "V=SPF1 -all", "v=SpF1"};
    static const char *const no[] = {"",        "v=spf",      "v=spf10",           "v=spf1\t-all",
                                     " v=spf1", "v=spf1-all", "v=spf2.0/pra -all", "\"v=spf1\""};
    (void)state;
    for (size_t i = 0; i < COUNT(yes); i++) {
        assert_true(spf_record_is(slice_of(yes[i])));
    }
    for (size_t i = 0; i < COUNT(no); i++) {
        assert_false(spf_record_is(slice_of(no[i])));
    }
    assert_false(spf_record_is((struct slice){"v=spf1\0", 7}));
}

/* Terms that follow the grammar, each said again as kind, qualifier, domain and prefix lengths. */
static void terms_are_read(void **state)
{
    static const struct {
        const char *text;
        enum spf_kind kind;
        char qualifier;
        const char *domain;
        unsigned bits4, bits6;
    } rows[] = {
        {"all", SPF_ALL, '+', "", 32, 128},
        {"-ALL", SPF_ALL, '-', "", 32, 128},
        {"a", SPF_A, '+', "", 32, 128},
        {"?a/0", SPF_A, '?', "", 0, 128},
        {"~a//0", SPF_A, '~', "", 32, 0},
        {"a/24//64", SPF_A, '+', "", 24, 64},
        {"A:x.example/32//128", SPF_A, '+', "x.example", 32, 128},
        {"a:x/y.example/8", SPF_A, '+', "x/y.example", 8, 128},
        {"a:x/8.example", SPF_A, '+', "x/8.example", 32, 128},
        {"a:%{d}/24", SPF_A, '+', "%{d}", 24, 128},
        {"a:foo:bar/baz.example.com", SPF_A, '+', "foo:bar/baz.example.com", 32, 128},
        {"a:x.xn--zckzah", SPF_A, '+', "x.xn--zckzah", 32, 128},
        {"a:x.1a", SPF_A, '+', "x.1a", 32, 128},
        {"a:x.1-1", SPF_A, '+', "x.1-1", 32, 128},
        {"a:.example", SPF_A, '+', ".example", 32, 128},
        {"a:x..example.", SPF_A, '+', "x..example.", 32, 128},
        {"mx:%{o1R-_=}.example.", SPF_MX, '+', "%{o1R-_=}.example.", 32, 128},
        {"mx:x%-", SPF_MX, '+', "x%-", 32, 128},
        {"ptr", SPF_PTR, '+', "", 32, 128},
        {"ptr:x.example", SPF_PTR, '+', "x.example", 32, 128},
        {"exists:%{L128r.-+,/_=}.example", SPF_EXISTS, '+', "%{L128r.-+,/_=}.example", 32, 128},
        {"-include:x.example", SPF_INCLUDE, '-', "x.example", 32, 128},
        {"ip4:192.0.2.1", SPF_IP4, '+', "", 32, 128},
        {"ip4:192.0.2.1/0", SPF_IP4, '+', "", 0, 128},
        {"ip6:::/0", SPF_IP6, '+', "", 32, 0},
        {"ip6:2001:db8::1", SPF_IP6, '+', "", 32, 128},
        {"ip6:1080::8:800:68.0.3.1/96", SPF_IP6, '+', "", 32, 96},
        {"ip6:::ffff:192.0.2.1", SPF_IP6, '+', "", 32, 128},
        {"redirect=x.example", SPF_REDIRECT, '+', "x.example", 0, 0},
        {"EXP=x.example", SPF_EXP, '+', "x.example", 0, 0},
        {"unknown=", SPF_UNKNOWN_MODIFIER, '+', "", 0, 0},
        {"a=b", SPF_UNKNOWN_MODIFIER, '+', "b", 0, 0},
        {"x.y-z_1=%{s}%%%_%-/:", SPF_UNKNOWN_MODIFIER, '+', "%{s}%%%_%-/:", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        struct spf_record record;
        struct spf_record_fault fault;
        struct spf_term term, none;
        snprintf(text, sizeof(text), "v=spf1  %s  ", rows[i].text);
        if (spf_record_parse(slice_of(text), &record, &fault) != 0) {
            fail_msg("%s: %s at %zu", text, fault.what, fault.at);
        }
        assert_true(spf_record_next(&record.terms, &term));
        assert_false(spf_record_next(&record.terms, &none));
        assert_true(slice_eq(term.text, slice_of(rows[i].text)));
        assert_int_equal(term.kind, rows[i].kind);
        assert_int_equal(term.qualifier, rows[i].qualifier);
        assert_true(slice_eq(term.domain, slice_of(rows[i].domain)));
        if (rows[i].bits4 + rows[i].bits6 > 0 && term.kind != SPF_ALL) {
            assert_int_equal(term.bits4, rows[i].bits4);
            assert_int_equal(term.bits6, rows[i].bits6);
        }
    }
}

/* What breaks the grammar; "^" in the text stands in front of the octet that is told of. */
static void faults_are_told_with_their_place(void **state)
{
    static const struct {
        const char *text, *what;
    } rows[] = {
        {"v=spf1 -all ^moo", "an unknown mechanism"},
        {"v=spf1 a ^redirect:x.example", "an unknown mechanism"},
        {"v=spf1 ^all.", "an unknown mechanism"},
        {"v=spf1 ^a-1", "an unknown mechanism"},
        {"v=spf1 all^:x.example", "something behind \"all\""},
        {"v=spf1 all^/8", "something behind \"all\""},
        {"v=spf1 ^=x", "no name of a mechanism or modifier"},
        {"v=spf1 -^", "no name of a mechanism or modifier"},
        {"v=spf1 +^-all", "no name of a mechanism or modifier"},
        {"v=spf1 ^1=x", "no name of a mechanism or modifier"},
        {"v=spf1 ^,", "no name of a mechanism or modifier"},
        {"v=spf1 ^\xe2\x80\x90"
         "all",
         "no name of a mechanism or modifier"},
        {"v=spf1 ^-exp=x.example", "a qualifier in front of a modifier"},
        {"v=spf1 redirect=a.example ^redirect=b.example", "a modifier for the second time"},
        {"v=spf1 exp=a.example -all ^exp=a.example", "a modifier for the second time"},
        {"v=spf1 a^\tmx", "a character that may not stand there"},
        {"v=spf1 a^,", "a character that may not stand there"},
        {"v=spf1 ptr^/0", "a character that may not stand there"},
        {"v=spf1 a:x.example^\x7f", "a character that may not stand there"},
        {"v=spf1 a:x^\xc3\xa4.example", "a character that may not stand there"},
        {"v=spf1 a:^", "no domain"},
        {"v=spf1 a:^/24", "no domain"},
        {"v=spf1 include^", "no domain"},
        {"v=spf1 exists:^", "no domain"},
        {"v=spf1 redirect=^", "no domain"},
        {"v=spf1 exp=^", "no domain"},
        {"v=spf1 a:museum^", "a domain without a top label"},
        {"v=spf1 a:museum.^", "a domain without a top label"},
        {"v=spf1 a:x.-com^", "a domain without a top label"},
        {"v=spf1 a:x.com-^", "a domain without a top label"},
        {"v=spf1 a:x.123^", "a domain without a top label"},
        {"v=spf1 a:x.example:8080^", "a domain without a top label"},
        {"v=spf1 a:x.example..^", "a domain without a top label"},
        {"v=spf1 a:%{d}com^", "a domain without a top label"},
        {"v=spf1 include:x.example/24^", "a domain without a top label"},
        {"v=spf1 exists:x.example//24^", "a domain without a top label"},
        {"v=spf1 a:x.example/24^/24", "a domain without a top label"},
        {"v=spf1 a/^33", "a wrong prefix length for IPv4"},
        {"v=spf1 a/^024", "a wrong prefix length for IPv4"},
        {"v=spf1 a/^", "a wrong prefix length for IPv4"},
        {"v=spf1 mx//^129", "a wrong prefix length for IPv6"},
        {"v=spf1 mx//^", "a wrong prefix length for IPv6"},
        {"v=spf1 ip4^", "no address"},
        {"v=spf1 ip6^/32", "no address"},
        {"v=spf1 ip4:^", "a wrong address"},
        {"v=spf1 ip4:^1.2.3", "a wrong address"},
        {"v=spf1 ip4:^1.2.3.4:25", "a wrong address"},
        {"v=spf1 ip4:^01.2.3.4", "a wrong address"},
        {"v=spf1 ip4:^1.2.3.256", "a wrong address"},
        {"v=spf1 ip4:^::1", "a wrong address"},
        {"v=spf1 ip4:1.2.3.4/^33", "a wrong prefix length"},
        {"v=spf1 ip4:1.2.3.4/^/32", "a wrong prefix length"},
        {"v=spf1 ip6:^1.2.3.4", "a wrong address"},
        {"v=spf1 ip6:^:CAFE::BABE", "a wrong address"},
        {"v=spf1 ip6:::1/^129", "a wrong prefix length"},
        {"v=spf1 ip6:::1.1.1.1/^/33", "a wrong prefix length"},
        {"v=spf1 exists:^%(ir).example", "a \"%\" that begins no macro"},
        {"v=spf1 exists:x^%.example", "a \"%\" that begins no macro"},
        {"v=spf1 exists:x^%", "a \"%\" that begins no macro"},
        {"v=spf1 x=^%a", "a \"%\" that begins no macro"},
        {"v=spf1 a:%{^a}.example", "an unknown macro"},
        {"v=spf1 a:%{^}.example", "an unknown macro"},
        {"v=spf1 a:%{^", "an unknown macro"},
        {"v=spf1 a:%{d^", "a macro that is not closed"},
        {"v=spf1 a:%{d^ }", "a macro that is not closed"},
        {"v=spf1 a:%{dr^2}.example", "a macro that is not closed"},
        {"v=spf1 a:%{d^:}.example", "a macro that is not closed"},
        {"v=spf1 a:%{d^0}.example", "a macro that keeps no part"},
        {"v=spf1 a:%{d^00r}.example", "a macro that keeps no part"},
        {"v=spf1 -all exp=^%{r}.example", "a macro that only an explanation may have"},
        {"v=spf1 a:x^%{T}.example", "a macro that only an explanation may have"},
        {"v=spf1 x=y^%{c}", "a macro that only an explanation may have"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *mark = strchr(rows[i].text, '^');
        char text[200];
        struct spf_record record;
        struct spf_record_fault fault = {NULL, 0, {NULL, 0}};
        size_t at = (size_t)(mark - rows[i].text);
        snprintf(text, sizeof(text), "%.*s%s", (int)at, rows[i].text, mark + 1);
        /* In an allocation of its own size: the address sanitizer sees what is read behind it. */
        size_t n = strlen(text);
        char *octets = malloc(n + 1);
        memcpy(octets, text, n + 1);
        octets = realloc(octets, n);
        int r = spf_record_parse((struct slice){octets, n}, &record, &fault);
        free(octets);
        if (r == 0 || strcmp(fault.what, rows[i].what) != 0 || fault.at != at) {
            fail_msg("%s: %d, %s at %zu", rows[i].text, r, r ? fault.what : "nothing", fault.at);
        }
    }
}

static void a_nul_is_no_text(void **state)
{
    static const char text[] = "v=spf1 a:x.example\0 -all", address[] = "v=spf1 ip4:1.2.3.4\0";
    struct spf_record record;
    struct spf_record_fault fault;
    (void)state;
    assert_int_not_equal(spf_record_parse((struct slice){text, sizeof(text) - 1}, &record, &fault),
                         0);
    assert_int_equal(fault.at, 18);
    assert_int_equal(fault.term.n, 12);
    assert_int_not_equal(
        spf_record_parse((struct slice){address, sizeof(address) - 1}, &record, &fault), 0);
}

static struct spf_values example_values(const char *ip, const char *version)
{
    struct spf_values v = {.of = {
                               [SPF_MACRO_SENDER] = SLICE_LIT("strong-bad@email.example.com"),
                               [SPF_MACRO_LOCAL_PART] = SLICE_LIT("strong-bad"),
                               [SPF_MACRO_SENDER_DOMAIN] = SLICE_LIT("email.example.com"),
                               [SPF_MACRO_DOMAIN] = SLICE_LIT("email.example.com"),
                               [SPF_MACRO_VALIDATED] = SLICE_LIT("mx.example.org"),
                               [SPF_MACRO_HELO] = SLICE_LIT("JUMPIN' JUPITER"),
                               [SPF_MACRO_CLIENT] = SLICE_LIT("192.0.2.3"),
                               [SPF_MACRO_RECEIVER] = SLICE_LIT("mx.example.net"),
                               [SPF_MACRO_TIME] = SLICE_LIT("1795729000"),
                           }};
    v.of[SPF_MACRO_IP] = slice_of(ip);
    v.of[SPF_MACRO_VERSION] = slice_of(version);
    return v;
}

/* The examples of RFC 7208 7.4, and more. */
static void macros_are_expanded(void **state)
{
    static const struct {
        const char *spec, *name;
    } rows[] = {
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l}", "strong-bad"},
        {"%{l-}", "strong.bad"},
        {"%{lr}", "strong-bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
        {"%%%_%-.x.example", "% %20.x.example"},
        {"%{p}", "mx.example.org"},
        {"%{p1}", "org"},
        {"%{i1}.x.example", "3.x.example"},
        {"%{i1r}.x.example", "192.x.example"},
        {"%{H}.x.example", "JUMPIN%27%20JUPITER.x.example"},
        {"%{d99999999999999999999}", "email.example.com"},
        {"x.example.", "x.example"},
        {".x.example", ".x.example"},
    };
    struct spf_values v = example_values("192.0.2.3", "in-addr");
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[SPF_NAME_MOST];
        unsigned macros;
        struct spf_fault fault;
        struct slice spec = slice_of(rows[i].spec);
        assert_int_equal(spf_text_check(spec, SPF_DOMAIN_SPEC, &macros, &fault), 0);
        size_t n = spf_expand_name(spec, &v, name);
        if (!slice_eq((struct slice){name, n}, slice_of(rows[i].name))) {
            fail_msg("%s: %.*s", rows[i].spec, (int)n, name);
        }
    }
}

static void odd_values_have_odd_parts(void **state)
{
    static const struct {
        const char *value, *spec, *name;
    } rows[] = {
        {"a.b.c", "%{l2}", "b.c"},     {"a.b.c", "%{l2r}", "b.a"}, {"a..c", "%{l2}", ".c"},
        {"a..c", "%{lr}", "c..a"},     {"..", "%{lr}", "."},       {"-", "%{l-}x", ".x"},
        {"a-", "%{l1-}x", "x"},        {"-a", "%{l1r-}x", "x"},    {"a+b-c", "%{l+-}", "a.b.c"},
        {"a+b-c", "%{lr+-}", "c.b.a"}, {"a+b.c", "%{l1+}", "b.c"}, {"", "%{lr}x", "x"},
        {"a%{d}", "%{l}", "a%{d}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct spf_values v = {.of = {[SPF_MACRO_LOCAL_PART] = slice_of(rows[i].value)}};
        char name[SPF_NAME_MOST];
        size_t n = spf_expand_name(slice_of(rows[i].spec), &v, name);
        if (!slice_eq((struct slice){name, n}, slice_of(rows[i].name))) {
            fail_msg("%s of %s: %.*s", rows[i].spec, rows[i].value, (int)n, name);
        }
    }
}

/* 7.3: names are cut from the left to 253 octets, label by label. */
static void long_names_are_cut(void **state)
{
    enum { LABELS = 3000 };
    struct spf_values v = example_values("192.0.2.3", "in-addr");
    char *spec = malloc(5 * LABELS + 20);
    char name[SPF_NAME_MOST];
    size_t n = 0;
    (void)state;
    for (int i = 0; i < LABELS; i++) {
        n += (size_t)sprintf(spec + n, "%04d.", i);
    }
    n += (size_t)sprintf(spec + n, "%%{l1r-}.example");
    size_t length = spf_expand_name((struct slice){spec, n}, &v, name);
    /* "strong.example" has 14, each of the labels in front 5 */
    assert_int_equal(length, 14 + 5 * ((253 - 14) / 5));
    assert_memory_equal(name, "2953.2954.", 10);
    assert_memory_equal(name + length - 20, ".2999.strong.example", 20);

    memset(spec, 'x', 253 - 8);
    memcpy(spec + 245, ".example.", 9);
    assert_int_equal(spf_expand_name((struct slice){spec, 254}, &v, name), 253);
    memset(spec, 'x', 254);
    memcpy(spec + 246, ".example", 8);
    assert_int_equal(spf_expand_name((struct slice){spec, 254}, &v, name), 7);
    memset(spec, 'x', 2000);
    assert_int_equal(spf_expand_name((struct slice){spec, 253}, &v, name), 253);
    assert_int_equal(spf_expand_name((struct slice){spec, 254}, &v, name), 0);
    assert_int_equal(spf_expand_name((struct slice){spec, 2000}, &v, name), 0);
    free(spec);
}

static void explanations_are_clean_and_bounded(void **state)
{
    struct spf_values v = example_values("192.0.2.3", "in-addr");
    char text[40];
    unsigned macros;
    struct spf_fault fault;
    (void)state;
    v.of[SPF_MACRO_LOCAL_PART] = SLICE_LIT("gr\xc3\xbc\x1b\x7f");
    struct slice spec = SLICE_LIT("See  %{c}, %{t} at %{r}: %{l}%_%%");
    assert_int_equal(spf_text_check(spec, SPF_EXPLAIN_STRING, &macros, &fault), 0);
    assert_int_equal(macros, SPF_MACRO_BIT(SPF_MACRO_CLIENT) | SPF_MACRO_BIT(SPF_MACRO_TIME) |
                                 SPF_MACRO_BIT(SPF_MACRO_RECEIVER) |
                                 SPF_MACRO_BIT(SPF_MACRO_LOCAL_PART));
    char whole[100];
    size_t n = spf_expand_explanation(spec, &v, whole, sizeof(whole));
    assert_true(slice_eq((struct slice){whole, n},
                         SLICE_LIT("See  192.0.2.3, 1795729000 at mx.example.net: gr???? %")));
    assert_int_equal(spf_expand_explanation(spec, &v, text, sizeof(text)), sizeof(text));
    assert_memory_equal(text, whole, sizeof(text));
    assert_int_not_equal(spf_text_check(SLICE_LIT("a\x01"), SPF_EXPLAIN_STRING, &macros, &fault),
                         0);
    assert_int_not_equal(
        spf_text_check(SLICE_LIT("a\xc3\xa4"), SPF_EXPLAIN_STRING, &macros, &fault), 0);
    assert_int_not_equal(spf_text_check(SLICE_LIT("100%"), SPF_EXPLAIN_STRING, &macros, &fault), 0);
    assert_int_equal(spf_text_check(SLICE_LIT(""), SPF_EXPLAIN_STRING, &macros, &fault), 0);
    assert_int_equal(macros, 0);
}

static void macros_are_counted(void **state)
{
    char spec[4 * (SPF_MACROS_MOST + 1)];
    unsigned macros;
    struct spf_fault fault;
    (void)state;
    for (size_t i = 0; i < SPF_MACROS_MOST + 1; i++) {
        memcpy(spec + 4 * i, "%{d}", 4);
    }
    struct slice most = {spec, 4 * (size_t)SPF_MACROS_MOST}, more = {spec, sizeof(spec)};
    assert_int_equal(spf_text_check(most, SPF_DOMAIN_SPEC, &macros, &fault), 0);
    assert_int_not_equal(spf_text_check(more, SPF_DOMAIN_SPEC, &macros, &fault), 0);
    assert_string_equal(fault.what, "too many macros");
    assert_ptr_equal(fault.at, spec + most.n);
    assert_int_not_equal(spf_text_check(more, SPF_EXPLAIN_STRING, &macros, &fault), 0);
    assert_int_equal(spf_text_check(more, SPF_MACRO_STRING, &macros, &fault), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_records_are_spf),
        cmocka_unit_test(terms_are_read),
        cmocka_unit_test(faults_are_told_with_their_place),
        cmocka_unit_test(a_nul_is_no_text),
        cmocka_unit_test(macros_are_expanded),
        cmocka_unit_test(odd_values_have_odd_parts),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(explanations_are_clean_and_bounded),
        cmocka_unit_test(macros_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
