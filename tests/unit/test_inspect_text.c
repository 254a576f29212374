/* What people read of a message, where its links lead, and what is remarkable about them. */
#include "inspect_world.h"

#include <string.h>

#define HTML_HEAD "MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
#define TEXT_HEAD "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"

struct row {
    const char *text; /* of the body */
    const char *name;
};

static void has_each(struct inspect_world *w, const char *head, enum finding_id id,
                     const struct row *rows, size_t count)
{
    struct buf text = {0};

    for (size_t i = 0; i < count; i++) {
        text.n = 0;
        buf_printf(&text, "%s%s\n", head, rows[i].text);
        buf_append(&text, "", 1);
        inspect_text(w, text.p);
        if (!inspect_has(w, id, rows[i].name)) {
            print_message("no %s in: %s\n", rows[i].name, rows[i].text);
            inspect_print(w);
            fail();
        }
    }
    buf_free(&text);
}

#define WORDS "some words that nobody will ever see at all, and more of them to follow "

static void test_html(void **state)
{
    static const struct row rows[] = {
        {"<script>x</script>", "script"},
        {"<a href=\"&#106;avascript:x\">y</a>", "script"},
        {"<p onclick=\"x\">y</p>", "event-handler"},
        {"<form action=x>y</form>", "form"},
        {"<INPUT TYPE='Password'>", "password-field"},
        {"<iframe src=x></iframe>", "iframe"},
        {"<embed src=x>", "object"},
        {"<meta http-equiv=refresh content=\"0; url='http://a.example/'\">", "meta-refresh"},
        {"<base href=\"http://a.example/\">", "base-href"},
        {"<div style='DISPLAY : None'>" WORDS "</div>", "hidden-text"},
        {"<div style='font-size:0px'>" WORDS "</div>", "hidden-text"},
        {"<div hidden><p>" WORDS "</div>", "hidden-text"},
        {"<div style='font-size:1px'>" WORDS "</div>", "tiny-text"},
        {"<font color=white>" WORDS "</font>", "invisible-colour"},
        {"<body bgcolor=black>x<p style='color:#010101'>" WORDS "</p>", "invisible-colour"},
        {"<td style='background-color:rgb(1,2,3);color:#010203'>" WORDS, "invisible-colour"},
        {"c<!--x-->h<!--y-->eap<!--z-->er", "split-words"},
        {"c<xx>h</xx><yy>e</yy>a<zz>per", "split-words"},
        {"c<i style='display:none'>x</i>h<i style='display:none'>x</i>e<i "
         "style='display:none'>x</i>a",
         "split-words"},
        {"&#97;&#98;&#99;&#100;&#97;&#98;&#99;&#100;&#97;&#98;&#99;&#100;&#97;&#98;&#99;&#100;&#97;"
         "&#98;&#99;&#100;",
         "obfuscated-entities"},
        {"<xx>a<yy>b<zz>c", "invented-tags"},
        {"<img src='data:image/png;base64,x'>", "data-url"},
        {"<img src='http://a.example/x'>", "remote-image"},
        {"<img src='http://a.example/x' width=1 height=1>", "tiny-image"},
        {"<a href='http://a.example/'><img src='cid:x'></a>", "image-only"},
        {"<a href='http://a.example/'> <img src='cid:x'></a>", "image-link"},
        {"x<!--" WORDS WORDS WORDS WORDS WORDS WORDS "-->", "long-comments"},
        {"<font size=7>x</font>", "big-font"},
        {"<font color=red>x<font color=blue>x<font color=green>x<font color=#123>x<font "
         "color=#456>x",
         "font-colours"},
    };

    has_each(*state, HTML_HEAD, FINDING_OF_HTML_TRAITS, rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_plain_html(void **state)
{
    struct inspect_world *w = *state;

    inspect_text(w, HTML_HEAD
                 "<!DOCTYPE html><html><head><title>x</title><style>p{color:#fff}</style>"
                 "</head><body><table><tr><td>some<b>thing</b></table><p>more<p>words"
                 "<br><font color=red>red</font> &amp; <o:p></o:p> &nbsp;</body></html>\n");
    assert_int_equal(w->found.of[FINDING_OF_HTML_TRAITS].count, 0);
    assert_int_equal(w->found.of[FINDING_OF_TEXT_TRAITS].count, 1);
    assert_true(inspect_has(w, FINDING_OF_TEXT_TRAITS, "html-only"));
    assert_int_equal(w->found.of[FINDING_OF_URL_COUNT].number, 0);
}

static void test_text(void **state)
{
    static const struct row rows[] = {
        {"", "no-text"},
        {"... 123 ...", "no-text"},
        {"vi\xe2\x80\x8b"
         "agra ci\xe2\x80\x8b"
         "alis me\xe2\x80\x8b"
         "ds",
         "invisible-characters"},
        {"p\xd0\xb0ypal \xd0\xb0"
         "ccount",
         "mixed-scripts"},
        {"\xf0\x9d\x90\x80\xf0\x9d\x90\x81\xf0\x9d\x90\x82\xf0\x9d\x90\x83\xf0\x9d\x90\x84 and "
         "more",
         "look-alikes"},
        {"BUY OUR THINGS NOW, THEY ARE CHEAP AND GOOD, AND YOU WILL BE HAPPY WITH ALL OF THEM SOON",
         "shouting"},
        {"c h e a p and g o o d s", "gappy"},
        {"ch3apest f0rever w@tches", "digit-letters"},
        {"buy! buy! buy! buy! buy! buy!", "exclamations"},
        {"xkcdqw zzxcvb qwrtpp lkjhgf", "random-words"},
        {"you get $4.5 million dollars", "large-sums"},
        {"you get US$10,500,000.00 soon", "large-sums"},
        {"look here: http://a.example/x", "short-with-link"},
    };

    has_each(*state, TEXT_HEAD, FINDING_OF_TEXT_TRAITS, rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_form(void **state)
{
    struct inspect_world *w = *state;

    inspect_text(
        w, "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
           "cGxhaW4gdGV4dCBvZiBzb21lIGxlbmd0aAo=\n");
    assert_true(inspect_has(w, FINDING_OF_TEXT_TRAITS, "base64-text"));
    inspect_text(w, "MIME-Version: 1.0\nContent-Type: text/plain; charset=nosuch\n\nhello\n");
    assert_true(inspect_has(w, FINDING_OF_TEXT_TRAITS, "unknown-charset"));
    inspect_text(w, "MIME-Version: 1.0\nContent-Type: text/plain; charset=euc-kr\n\n"
                    "a\xff b\xff c\xff d\xff\n");
    assert_true(inspect_has(w, FINDING_OF_TEXT_TRAITS, "broken-charset"));
    inspect_text(w,
                 "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\n"
                 "these readers cannot always show what other people really have "
                 "written\n--b\nContent-Type: text/html\n\n"
                 "<p>alpha1 bravo2 charlie deltas echoes foxtrot golfing hotels indian juliet "
                 "kilogram limabean mikrofon november oscars papaya quebec romeos sierra tangos\n"
                 "--b--\n");
    assert_true(inspect_has(w, FINDING_OF_TEXT_TRAITS, "parts-differ"));
    assert_false(inspect_has(w, FINDING_OF_TEXT_TRAITS, "html-only"));
}

static void test_urls(void **state)
{
    struct inspect_world *w = *state;

    inspect_text(w, HTML_HEAD
                 "<a href='http://www.a.example/1'>x</a> http://b.example/2 "
                 "<img src='//c.d.co.uk/3'><form action='http://3221225985/4'></form>"
                 "<a href='http://www.a.example/1'>again</a> <a href='mailto:a@b.c'>m</a>\n");
    assert_int_equal(w->found.of[FINDING_OF_URL_COUNT].number, 4);
    assert_int_equal(w->found.of[FINDING_OF_URL_DOMAINS].count, 4);
    assert_true(inspect_has(w, FINDING_OF_URL_DOMAINS, "a.example"));
    assert_true(inspect_has(w, FINDING_OF_URL_DOMAINS, "b.example"));
    assert_true(inspect_has(w, FINDING_OF_URL_DOMAINS, "d.co.uk"));
    assert_true(inspect_has(w, FINDING_OF_URL_DOMAINS, "192.0.2.1"));
    assert_true(inspect_has(w, FINDING_OF_URL_TRAITS, "numeric-address"));
    assert_int_equal(w->found.of[FINDING_OF_URL_MISMATCH].number, 0);
}

static void test_mismatch(void **state)
{
    static const struct {
        const char *html;
        bool mismatch;
    } rows[] = {
        {"<a href='http://evil.example/'>http://www.bank.example/</a>", true},
        {"<a href='http://evil.example/'><b>www.bank.com</b></a>", true},
        {"<a href='http://evil.example/'>bank.com</a>", true},
        {"<a href='http://evil.example/'>http://bank.example/ <p>x", true},
        {"<a href='http://www.bank.com/x'>https://login.bank.com/</a>", false},
        {"<a href='http://evil.example/'>click here</a>", false},
        {"<a href='http://evil.example/'>a@bank.com</a>", false},
        {"<a href='http://evil.example/'>see bank.com for more</a>", false},
        {"<a href='/relative'>http://bank.example/</a>", false},
        {"<a name=x>http://bank.example/</a>", false},
    };
    struct inspect_world *w = *state;
    char text[300];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), HTML_HEAD "%s\n", rows[i].html);
        inspect_text(w, text);
        assert_int_equal(w->found.of[FINDING_OF_URL_MISMATCH].number, rows[i].mismatch);
    }
}

/* An attached page is looked at, but is not what people read. */
static void test_attached(void **state)
{
    struct inspect_world *w = *state;

    inspect_text(
        w, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n"
           "--b\nContent-Type: text/html\nContent-Disposition: attachment; filename=x.html\n\n"
           "<script>x</script><a href='http://a.example/'>y</a>\n--b--\n");
    assert_true(inspect_has(w, FINDING_OF_HTML_TRAITS, "script"));
    assert_true(inspect_has(w, FINDING_OF_URL_DOMAINS, "a.example"));
    assert_false(inspect_has(w, FINDING_OF_TEXT_TRAITS, "parts-differ"));
}

/* A megabyte of each within the time of an eye blink; the test's own time limit sees to more. */
static void test_hostile(void **state)
{
    static const struct {
        const char *before, *after; /* of a number, where there is one */
    } parts[] = {
        {"<a href='http://a", ".example/'>http://b.example</a>"},
        {"<div style='color:red;font-size:1px'>x", NULL},
        {"&#97;", NULL},
        {"<b>", NULL},
        {"</b>", NULL},
        {"http://a", ".example/ "},
        {"a\xe2\x80\x8b", NULL},
        {"<!--x-->a", NULL},
        {"<font color=#", ">"},
        {"x", NULL},
    };
    struct inspect_world *w = *state;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct buf text = {0};
        buf_printf(&text, HTML_HEAD);
        for (size_t k = 0; text.n < 1000000; k++) {
            buf_append_slice(&text, slice_of(parts[i].before));
            if (parts[i].after != NULL) {
                buf_printf(&text, "%06zx%s", k, parts[i].after);
            }
        }
        buf_append(&text, "\n", 2);
        inspect_text(w, text.p);
        assert_int_equal(w->found.of[FINDING_OF_INSPECT_LIMITS].count, 0);
        buf_free(&text);
    }
}

/* Of a word without end the beginning is read. */
static void test_long_word(void **state)
{
    struct inspect_world *w = *state;
    struct buf text = {0};

    buf_printf(&text, TEXT_HEAD);
    while (text.n < 6000000) {
        buf_append_slice(&text, SLICE_LIT("wordwordwordword"));
    }
    buf_append(&text, "\n", 2);
    inspect_text(w, text.p);
    assert_false(inspect_has(w, FINDING_OF_TEXT_TRAITS, "no-text"));
    assert_true(w->found.of[FINDING_OF_TEXT_TRAITS].open);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html),      cmocka_unit_test(test_plain_html),
        cmocka_unit_test(test_text),      cmocka_unit_test(test_form),
        cmocka_unit_test(test_urls),      cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_attached),  cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_long_word),
    };

    return cmocka_run_group_tests(tests, inspect_world_open, inspect_world_close);
}
