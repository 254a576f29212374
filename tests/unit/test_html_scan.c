/* HTML cut into tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "parse/html_scan.h"

static void tell_tag(struct buf *out, const struct html_token *t)
{
    struct slice rest = t->octets;
    struct html_attribute a;

    buf_printf(out, "<" SLICE_FMT, SLICE_ARG(t->name));
    while (html_attribute_next(&rest, &a)) {
        buf_printf(out, "|" SLICE_FMT "=" SLICE_FMT, SLICE_ARG(a.name), SLICE_ARG(a.value));
    }
    buf_printf(out, "%s>", t->self_closed ? "/" : "");
}

/* The tokens as text: (text), <tag|name=value>, </tag>, {comment}, [raw]. */
static void scan(struct slice html, struct buf *out)
{
    struct html_token t;
    struct html_scan s;

    html_scan_init(&s, html);
    while (html_scan_next(&s, &t)) {
        switch (t.kind) {
        case HTML_TEXT: buf_printf(out, "(" SLICE_FMT ")", SLICE_ARG(t.octets)); break;
        case HTML_OPEN: tell_tag(out, &t); break;
        case HTML_CLOSE: buf_printf(out, "</" SLICE_FMT ">", SLICE_ARG(t.name)); break;
        case HTML_COMMENT: buf_printf(out, "{" SLICE_FMT "}", SLICE_ARG(t.octets)); break;
        case HTML_RAW: buf_printf(out, "[" SLICE_FMT "]", SLICE_ARG(t.octets)); break;
        }
    }
    buf_append(out, "", 1);
}

static void tokens(void **state)
{
    static const struct {
        const char *html, *expected;
    } rows[] = {
        {"", ""},
        {"text", "(text)"},
        {"a<b>c</b>d", "(a)<b>(c)</b>(d)"},
        {"a < b", "(a < b)"},
        {"1<2", "(1<2)"},
        {"<", "(<)"},
        {"a<", "(a<)"},
        {"</", "(</)"},
        {"<br/>", "<br/>"},
        {"<a href=x>", "<a|href=x>"},
        {"<a href = \"x>y\" b='c'd>", "<a|href=x>y|b=c|d=>"},
        {"<a/href=x/y>", "<a|href=x/y>"},
        {"<a =x>", "<a|=x=>"},
        {"<a b\n=\tc>", "<a|b=c>"},
        {"<a \"b>c", "<a|\"b=>(c)"},
        {"<a href=\"x>y", "<a|href=x>y>"},
        {"<a", "<a>"},
        {"</p >x", "</p>(x)"},
        {"<!-- a > b -->c", "{ a > b }(c)"},
        {"<!-->c", "{}(c)"},
        {"<!--->c", "{}(c)"},
        {"<!--a--!>c", "{a}(c)"},
        {"<!--a-->b-->", "{a}(b-->)"},
        {"<!--a", "{a}"},
        {"<!DOCTYPE html>x", "{DOCTYPE html}(x)"},
        {"<?xml?>x", "{xml?}(x)"},
        {"</ x>y", "{ x}(y)"},
        {"<script>a<b></c></script>d", "<script>[a<b></c>]</script>(d)"},
        {"<SCRIPT>a</scripts></Script>", "<SCRIPT>[a</scripts>]</Script>"},
        {"<style>a", "<style>[a]"},
        {"<title></title>", "<title>[]</title>"},
        {"<title>", "<title>"},
        {"V<x>i</x>a", "(V)<x>(i)</x>(a)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = {0};
        scan(slice_of(rows[i].html), &out);
        assert_string_equal(out.p, rows[i].expected);
        buf_free(&out);
    }
}

static void entities(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", ""},
        {"a&b", "a&b"},
        {"&amp;&lt;&gt;&quot;", "&<>\""},
        {"&amp&ltx", "&&ltx"},
        {"&colon;&sol;&period;&Tab;", ":/.\t"},
        {"&colon&sol", "&colon&sol"},
        {"&nosuch;", "&nosuch;"},
        {"&#65;&#x42;&#X43", "ABC"},
        {"&#0065", "A"},
        {"&#0;&#xd800;&#x110000;&#99999999999999;",
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"&#128;&#x99;", "\xe2\x82\xac\xe2\x84\xa2"},
        {"&#;&#x;&#", "&#;&#x;&#"},
        {"&eacute;&euro;", "\xc3\xa9\xe2\x82\xac"},
        {"&", "&"},
        {"&&amp;", "&&"},
        {"&#x1F600;", "\xf0\x9f\x98\x80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const size_t n = strlen(rows[i].text);
        char *out = malloc(n + 1);
        memcpy(out, rows[i].text, n);
        const size_t written = html_decode((struct slice){out, n}, out, NULL);
        assert_true(written <= n);
        assert_int_equal(written, strlen(rows[i].expected));
        assert_memory_equal(out, rows[i].expected, written);
        free(out);
    }
}

static void needless(void **state)
{
    size_t count = 1;
    char out[64];

    (void)state;
    (void)html_decode(SLICE_LIT("&#65;&#x42;&#45;&#228;&amp;"), out, &count);
    assert_int_equal(count, 3);
}

/* Megabytes of what is opened and not closed. */
static void hostile(void **state)
{
    static const char *const parts[] = {
        "<",  "</",        "<!--", "<a", "<a b=\"", "<a b='\" ", "<!-- -", "<script>", "</title",
        "&#", "<title></", "&amp", "=",  "<a =",    "-->",       "\"",     "<x y=z ",  "<!>"};

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct buf html = {0};
        struct html_token t;
        struct html_scan s;
        size_t octets = 0;
        while (html.n < 1000000) {
            buf_append_slice(&html, slice_of(parts[i]));
        }
        html_scan_init(&s, buf_slice(&html));
        while (html_scan_next(&s, &t)) {
            struct slice rest = t.octets;
            struct html_attribute a;
            while (t.kind == HTML_OPEN && html_attribute_next(&rest, &a)) {
                octets += a.name.n + a.value.n;
            }
            octets += t.kind != HTML_OPEN ? t.octets.n : 0;
        }
        assert_true(octets <= html.n);
        assert_true(html_decode(buf_slice(&html), html.p, NULL) <= html.n);
        buf_free(&html);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens),
        cmocka_unit_test(entities),
        cmocka_unit_test(needless),
        cmocka_unit_test(hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
