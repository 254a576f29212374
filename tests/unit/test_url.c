/* URLs as browsers read them, and where they are in plain text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "parse/url.h"

#define HAS(trait) ((uint64_t)1 << URL_IS_##trait)

struct row {
    const char *url, *host, *organisation;
    uint64_t traits;
};

static const struct row rows[] = {
    {"http://www.example.org/a", "www.example.org", "example.org", 0},
    {"HTTPS://WWW.Example.ORG./a", "www.example.org", "example.org", 0},
    {"http://example.org", "example.org", "example.org", HAS(NO_PATH)},
    {"//example.org/a", "example.org", "example.org", 0},
    {"ftp://example.org/a", "example.org", "example.org", 0},
    {" \r\n http://example.org/a ", "example.org", "example.org", 0},
    {"ht\ttp://exa\nmple.org/a", "example.org", "example.org", HAS(CONTROLS)},
    {"http:\\\\example.org\\a", "example.org", "example.org", HAS(BACKSLASHES)},
    {"http:/example.org/a", "example.org", "example.org", HAS(BACKSLASHES)},
    {"http:example.org/a", "example.org", "example.org", HAS(BACKSLASHES)},
    {"http:////example.org/a", "example.org", "example.org", HAS(BACKSLASHES)},
    {"http://www.bank.example@evil.example/a", "evil.example", "evil.example", HAS(USERINFO)},
    {"http://a@b@evil.example/a", "evil.example", "evil.example", HAS(USERINFO)},
    {"http://a\\@evil.org/a", NULL, NULL, 0}, /* the host is "a" */
    {"http://example.org:8080/a", "example.org", "example.org", HAS(PORT)},
    {"http://example.org:80/a", "example.org", "example.org", 0},
    {"https://example.org:443/a", "example.org", "example.org", 0},
    {"https://example.org:80/a", "example.org", "example.org", HAS(PORT)},
    {"http://example.org:/a", "example.org", "example.org", 0},
    {"http://%65xample%2eorg/a", "example.org", "example.org", HAS(ENCODED_HOST)},
    {"http://192.0.2.1/a", "192.0.2.1", "192.0.2.1", HAS(ADDRESS)},
    {"http://3221225985/a", "192.0.2.1", "192.0.2.1", HAS(ADDRESS) | HAS(NUMERIC_ADDRESS)},
    {"http://0xC0.0.0x2.01/a", "192.0.2.1", "192.0.2.1", HAS(ADDRESS) | HAS(NUMERIC_ADDRESS)},
    {"http://0300.0.2.1/a", "192.0.2.1", "192.0.2.1", HAS(ADDRESS) | HAS(NUMERIC_ADDRESS)},
    {"http://192.0.513/a", "192.0.2.1", "192.0.2.1", HAS(ADDRESS) | HAS(NUMERIC_ADDRESS)},
    {"http://192.0.2.256/a", NULL, NULL, 0},
    {"http://1.2.3.4.5/a", NULL, NULL, 0},
    {"http://example.1/a", NULL, NULL, 0},
    {"http://[2001:db8::1]/a", "2001:db8::1", "2001:db8::1", HAS(ADDRESS)},
    {"http://[2001:db8::1/a", NULL, NULL, 0},
    {"http://b\xc3\xbc"
     "cher.example/a",
     "xn--bcher-kva.example", "xn--bcher-kva.example", HAS(PUNYCODE)},
    {"http://www.xn--bcher-kva.example/a", "www.xn--bcher-kva.example", "xn--bcher-kva.example",
     HAS(PUNYCODE)},
    {"http://example\xe3\x80\x82org/a", "example.org", "example.org", 0},
    {"http://a.b.c.d.example.org/a", "a.b.c.d.example.org", "example.org", HAS(DEEP_SUBDOMAIN)},
    {"http://www.bank.com.evil.org/a", "www.bank.com.evil.org", "evil.org", HAS(DOMAIN_IN_HOST)},
    {"http://com.evil.org/a", "com.evil.org", "evil.org", 0},
    {"http://evil.org/www.bank.example/login", "evil.org", "evil.org", HAS(DOMAIN_IN_PATH)},
    {"http://evil.org/bank.com/login", "evil.org", "evil.org", HAS(DOMAIN_IN_PATH)},
    {"http://example.org/index.com", "example.org", "example.org", HAS(EXECUTABLE)},
    {"http://example.org/a.zip?x=y", "example.org", "example.org", HAS(EXECUTABLE)},
    {"http://example.org/a/b.php?x=http://other.example", "example.org", "example.org",
     HAS(REDIRECT)},
    {"http://example.org/?u=https%3A%2F%2Fother.example", "example.org", "example.org",
     HAS(REDIRECT)},
    {"http://example.org/?m=a%40b.example", "example.org", "example.org", HAS(MAIL_ADDRESS)},
    {"http://example.org/?m=a@b.example", "example.org", "example.org", HAS(MAIL_ADDRESS)},
    {"http://example.org/~a/", "example.org", "example.org", HAS(HOME)},
    {"http://a1b2c3.example/x", "a1b2c3.example", "a1b2c3.example", HAS(DIGITS_IN_DOMAIN)},
    {"http://www.a1b2c3.co.uk/x", "www.a1b2c3.co.uk", "a1b2c3.co.uk", HAS(DIGITS_IN_DOMAIN)},
    {"http://aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd.eeeeeeeeeeffff.org/x",
     "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd.eeeeeeeeeeffff.org", "eeeeeeeeeeffff.org",
     HAS(LONG_HOST)},
    {"data:text/html,x", "", "", HAS(DATA)},
    {"JavaScript:x()", "", "", HAS(JAVASCRIPT)},
    {"java\nscript:x()", "", "", HAS(JAVASCRIPT) | HAS(CONTROLS)},
    {"mailto:a@b.example", NULL, NULL, 0},
    {"cid:x", NULL, NULL, 0},
    {"a/b.html", NULL, NULL, 0},
    {"/a", NULL, NULL, 0},
    {"#a", NULL, NULL, 0},
    {"", NULL, NULL, 0},
    {"http://", NULL, NULL, 0},
    {"http://localhost/", NULL, NULL, 0},
    {"http://a b.example/", NULL, NULL, 0},
    {"http://a..example/", NULL, NULL, 0},
};

static void parse(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct url u = {.traits = 1};
        const int r = url_parse(slice_of(rows[i].url), false, &arena, &u);
        if (rows[i].host == NULL) {
            assert_int_equal(r, -EINVAL);
            continue;
        }
        assert_int_equal(r, 0);
        assert_string_equal(arena_copy(&arena, u.host).p, rows[i].host);
        assert_string_equal(arena_copy(&arena, u.organisation).p, rows[i].organisation);
        assert_int_equal(u.traits, rows[i].traits);
    }
    arena_free(&arena);
}

static void bare(void **state)
{
    struct arena arena;
    struct url u;

    (void)state;
    arena_init(&arena);
    assert_int_equal(url_parse(SLICE_LIT("www.example.org/a"), true, &arena, &u), 0);
    assert_string_equal(arena_copy(&arena, u.organisation).p, "example.org");
    assert_int_equal(url_parse(SLICE_LIT("www.example.org:8080"), true, &arena, &u), 0);
    assert_int_equal(u.traits, HAS(PORT) | HAS(NO_PATH));
    assert_int_equal(url_parse(SLICE_LIT("tel:123"), true, &arena, &u), -EINVAL);
    arena_free(&arena);
}

static void find(void **state)
{
    static const struct {
        const char *text, *found;
    } texts[] = {
        {"see http://a.example/b, and (https://c.example/d).",
         "http://a.example/b|https://c.example/d|"},
        {"WWW.a.example!", "WWW.a.example|"},
        {"www. xhttp://a www.", ""},
        {"<http://a.example/(b)>", "http://a.example/(b)|"},
        {"http://a.example\xe2\x80\x9d x", "http://a.example|"},
        {"http:// http://a.example", "http://a.example|"},
        {"\"ftp://a.example/x\"", "ftp://a.example/x|"},
        {"http://b\xc3\xbc.example", "http://b\xc3\xbc.example|"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct slice rest = slice_of(texts[i].text);
        struct slice url;
        struct buf all = {0};
        while (url_find(&rest, &url)) {
            buf_append_slice(&all, url);
            buf_append(&all, "|", 1);
        }
        assert_int_equal(rest.n, 0);
        buf_append(&all, "", 1);
        assert_string_equal(all.p, texts[i].found);
        buf_free(&all);
    }
}

static void shown(void **state)
{
    static const struct {
        const char *text, *url;
    } texts[] = {
        {"http://www.bank.example/login", "http://www.bank.example/login"},
        {" http://www.bank.example: click", "http://www.bank.example"},
        {"www.bank.com", "www.bank.com"},
        {"bank.com", "bank.com"},
        {"Bank.com/", "Bank.com/"},
        {"<bank.com>", "bank.com"},
        {"bank.com is ours", NULL},
        {"click here", NULL},
        {"readme.txt", NULL},
        {"a@bank.com", NULL},
        {"1.5", NULL},
        {"...", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct slice url;
        const bool is = url_shown(slice_of(texts[i].text), &url);
        assert_int_equal(is, texts[i].url != NULL);
        if (is) {
            assert_int_equal(url.n, strlen(texts[i].url));
            assert_memory_equal(url.p, texts[i].url, url.n);
        }
    }
}

static void hostile(void **state)
{
    static const char *const parts[] = {"http://", "www.a", "www.", "http://a.b ", "(",
                                        ".",       "w",     "%40",  "http://a.b?", "\\"};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct buf text = {0};
        struct slice url;
        struct url u;
        size_t octets = 0;
        while (text.n < 1000000) {
            buf_append_slice(&text, slice_of(parts[i]));
        }
        struct slice rest = buf_slice(&text);
        while (url_find(&rest, &url)) {
            octets += url.n;
        }
        assert_true(octets <= text.n);
        (void)url_parse(buf_slice(&text), true, &arena, &u);
        arena_reset(&arena);
        buf_free(&text);
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse), cmocka_unit_test(bare),    cmocka_unit_test(find),
        cmocka_unit_test(shown), cmocka_unit_test(hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
