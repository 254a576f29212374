/* Paths as clients send them, as the grammar allows them, and as attackers would like them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "parse/smtp_address.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { ANY = 2, REVERSE = SMTP_REVERSE_PATH, FORWARD = SMTP_FORWARD_PATH };

/* Flags of a row: what was asked for and what must be found. */
enum { UTF8 = 1, HIGH = 2, QUOTED = 4, LITERAL = 8, ROUTE = 16, NULL_PATH = 32 };

struct row {
    struct slice text;
    int kind;
    enum smtp_path_error error;
    int flags;
    const char *local_part, *domain, *rest; /* NULL: the empty string */
};

#define T(s) SLICE_LIT(s)

static const struct row good[] = {
    /* ordinary ones */
    {T("<a@b>"), ANY, 0, 0, "a", "b", NULL},
    {T("<user@example.org>"), ANY, 0, 0, "user", "example.org", NULL},
    {T("<User.Name+tag@Example.ORG>"), ANY, 0, 0, "User.Name+tag", "Example.ORG", NULL},
    {T("<user@example.org> SIZE=1"), ANY, 0, 0, "user", "example.org", " SIZE=1"},
    {T("<user@example.org>x"), ANY, 0, 0, "user", "example.org", "x"},
    {T("<a@b>>"), ANY, 0, 0, "a", "b", ">"},
    {T("<1@2.3>"), ANY, 0, 0, "1", "2.3", NULL},
    {T("<u@192.0.2.1>"), ANY, 0, 0, "u", "192.0.2.1", NULL},
    {T("<u@xn--bcher-kva.example>"), ANY, 0, 0, "u", "xn--bcher-kva.example", NULL},
    {T("<u@a--b.c-d.e>"), ANY, 0, 0, "u", "a--b.c-d.e", NULL},
    {T("<a@b_c.d>"), ANY, 0, 0, "a", "b_c.d", NULL},
    {T("<#$&'*+-/=?^_`{|}~@x.y>"), ANY, 0, 0, "#$&'*+-/=?^_`{|}~", "x.y", NULL},
    {T("<a.b.c.d.e@f>"), ANY, 0, 0, "a.b.c.d.e", "f", NULL},
    {T("<prvs=0123456789=u@example.org>"), ANY, 0, 0, "prvs=0123456789=u", "example.org", NULL},
    {T("<-a-@b>"), ANY, 0, 0, "-a-", "b", NULL},
    /* the null path and postmaster */
    {T("<>"), REVERSE, 0, NULL_PATH, NULL, NULL, NULL},
    {T("<> RET=HDRS"), REVERSE, 0, NULL_PATH, NULL, NULL, " RET=HDRS"},
    {T("<postmaster>"), FORWARD, 0, 0, "postmaster", NULL, NULL},
    {T("<PostMaster> NOTIFY=NEVER"), FORWARD, 0, 0, "PostMaster", NULL, " NOTIFY=NEVER"},
    {T("<postmaster@example.org>"), ANY, 0, 0, "postmaster", "example.org", NULL},
    /* quoted strings */
    {T("<\"a b\"@c>"), ANY, 0, QUOTED, "\"a b\"", "c", NULL},
    {T("<\"\"@c>"), ANY, 0, QUOTED, "\"\"", "c", NULL},
    {T("<\"a\\\"b\"@c>"), ANY, 0, QUOTED, "\"a\\\"b\"", "c", NULL},
    {T("<\"a\\\\\"@c>"), ANY, 0, QUOTED, "\"a\\\\\"", "c", NULL},
    {T("<\"a>b\"@c>"), ANY, 0, QUOTED, "\"a>b\"", "c", NULL},
    {T("<\"..a..\"@c> X"), ANY, 0, QUOTED, "\"..a..\"", "c", " X"},
    {T("<\"<>,:;()[]\"@c>"), ANY, 0, QUOTED, "\"<>,:;()[]\"", "c", NULL},
    /* address literals */
    {T("<a@[192.0.2.1]>"), ANY, 0, LITERAL, "a", "[192.0.2.1]", NULL},
    {T("<a@[0.0.0.0]>"), ANY, 0, LITERAL, "a", "[0.0.0.0]", NULL},
    {T("<a@[255.255.255.255]>"), ANY, 0, LITERAL, "a", "[255.255.255.255]", NULL},
    {T("<a@[IPv6:2001:db8::1]>"), ANY, 0, LITERAL, "a", "[IPv6:2001:db8::1]", NULL},
    {T("<a@[ipv6:::]>"), ANY, 0, LITERAL, "a", "[ipv6:::]", NULL},
    {T("<a@[IPv6:::ffff:192.0.2.1]>"), ANY, 0, LITERAL, "a", "[IPv6:::ffff:192.0.2.1]", NULL},
    {T("<a@[IPv6:1:2:3:4:5:6:7:8]>"), ANY, 0, LITERAL, "a", "[IPv6:1:2:3:4:5:6:7:8]", NULL},
    {T("<a@[X-tag:some@thing>%]> R"), ANY, 0, LITERAL, "a", "[X-tag:some@thing>%]", " R"},
    /* by the letter a general literal with the tag "2001" */
    {T("<a@[2001:db8::1]>"), ANY, 0, LITERAL, "a", "[2001:db8::1]", NULL},
    /* source routes */
    {T("<@a:u@b>"), ANY, 0, ROUTE, "u", "b", NULL},
    {T("<@a.example,@b.example:user@c.example> X"), ANY, 0, ROUTE, "user", "c.example", " X"},
    {T("<@a,@b,@c:\"q q\"@[192.0.2.1]>"), ANY, 0, ROUTE | QUOTED | LITERAL, "\"q q\"",
     "[192.0.2.1]", NULL},
    /* relay tricks, refused in forward paths only */
    {T("<a%b@c>"), REVERSE, 0, 0, "a%b", "c", NULL},
    {T("<b!a@c>"), REVERSE, 0, 0, "b!a", "c", NULL},
    {T("<\"a@b\"@c>"), REVERSE, 0, QUOTED, "\"a@b\"", "c", NULL},
    {T("<a%b@c>"), FORWARD, SMTP_PATH_RELAY, 0, "a%b", "c", NULL},
    {T("<%@c> X"), FORWARD, SMTP_PATH_RELAY, 0, "%", "c", " X"},
    {T("<b!a@c>"), FORWARD, SMTP_PATH_RELAY, 0, "b!a", "c", NULL},
    {T("<a@b@c>"), FORWARD, SMTP_PATH_RELAY, 0, "a@b", "c", NULL},
    {T("<a@b@c@d.example>"), FORWARD, SMTP_PATH_RELAY, 0, "a@b@c", "d.example", NULL},
    {T("<a@[192.0.2.1]@c>"), FORWARD, SMTP_PATH_RELAY, 0, "a@[192.0.2.1]", "c", NULL},
    {T("<\"a@b\"@c>"), FORWARD, SMTP_PATH_RELAY, QUOTED, "\"a@b\"", "c", NULL},
    {T("<\"a\\@b\"@c>"), FORWARD, SMTP_PATH_RELAY, QUOTED, "\"a\\@b\"", "c", NULL},
    {T("<\"a%b\"@c>"), FORWARD, SMTP_PATH_RELAY, QUOTED, "\"a%b\"", "c", NULL},
    {T("<\"b!a\"@c>"), FORWARD, SMTP_PATH_RELAY, QUOTED, "\"b!a\"", "c", NULL},
    {T("<@r:a%b@c>"), FORWARD, SMTP_PATH_RELAY, ROUTE, "a%b", "c", NULL},
    /* UTF-8 */
    {T("<\xc3\xbc@example.org>"), ANY, 0, UTF8 | HIGH, "\xc3\xbc", "example.org", NULL},
    {T("<u@b\xc3\xbc"
       "cher.example>"),
     ANY, 0, UTF8 | HIGH, "u",
     "b\xc3\xbc"
     "cher.example",
     NULL},
    {T("<\"\xe2\x82\xac \xf0\x9f\x93\xa7\"@c>"), ANY, 0, UTF8 | HIGH | QUOTED,
     "\"\xe2\x82\xac \xf0\x9f\x93\xa7\"", "c", NULL},
    {T("<\xc2\xa0@c>"), ANY, 0, UTF8 | HIGH, "\xc2\xa0", "c", NULL},
    {T("<\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80@c>"), ANY, 0, UTF8 | HIGH,
     "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80", "c", NULL},
    {T("<u@c> \xc3\xbc"), ANY, 0, 0, "u", "c", " \xc3\xbc"},
    {T("<@b\xc3\xbc:u@c>"), ANY, 0, UTF8 | ROUTE, "u", "c", NULL},
    {T("<plain@c>"), ANY, 0, UTF8, "plain", "c", NULL},
    {T("<\"\xc3\xbc@\xc3\xa4\"@b\xc3\xbc"
       "cher.example>"),
     REVERSE, 0, UTF8 | HIGH | QUOTED, "\"\xc3\xbc@\xc3\xa4\"",
     "b\xc3\xbc"
     "cher.example",
     NULL},
    /* U-labels and A-labels side by side, other scripts, a mark that joins: what IDNA says of them
     * is asked when the domain is looked up */
    {T("<u@\xe4\xbe\x8b.xn--p1ai>"), ANY, 0, UTF8 | HIGH, "u", "\xe4\xbe\x8b.xn--p1ai", NULL},
    {T("<\xd8\xa7\xcc\x88.u@c>"), ANY, 0, UTF8 | HIGH, "\xd8\xa7\xcc\x88.u", "c", NULL},
    {T("<u@[IPv6:2001:db8::1]> SMTPUTF8"), ANY, 0, UTF8 | LITERAL, "u", "[IPv6:2001:db8::1]",
     " SMTPUTF8"},
    /* blanks and escapes of what need not be escaped, within quotes */
    {T("<\"\\a\\ \\@\"@c>"), REVERSE, 0, QUOTED, "\"\\a\\ \\@\"", "c", NULL},
    {T("<\" \"@c>"), ANY, 0, QUOTED, "\" \"", "c", NULL},
};

static const struct row bad[] = {
    {T(""), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T(">"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<>"), FORWARD, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("< >"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("a@b"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T(" <a@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<postmaster>"), REVERSE, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"postmaster\">"), FORWARD, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<@r:postmaster>"), FORWARD, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<postmaster1>"), FORWARD, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<postmaster@>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<.a@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a.@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a..b@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a b@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a @b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b >"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<<a@b>>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a,b@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a:b@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a(b)@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a\\b@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a\"b\"@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"a\"b@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"a\".b@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"a@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"a\\\"@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b@c>"), REVERSE, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b@>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@.b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b.>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b..c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@-b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b->"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b-.c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b%c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b/c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    /* address literals */
    {T("<a@[]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[1.2.3]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[1.2.3.4.5]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[1.2.3.256]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[1.2.3.0004]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[1.2..4]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[1.2.3.4>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@1.2.3.4]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[1.2.3.4]b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[IPv6:]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[IPv6:1:2:3]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[IPv6:1::2::3]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[IPv6:12345::]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[IPv6:fe80::1%eth0]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[IPv6:1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20:21:22]>"), ANY,
     SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[tag:]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[:x]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[tag-:x]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[t_g:x]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[tag:x y]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[tag:x\\y]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[tag:[x]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    /* source routes */
    {T("<@a,:u@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<@a,b:u@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<@a u@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<@a:>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<@:u@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<@a:@b:u@c>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    /* control characters, line ends and NUL */
    {T("<a\0@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b\0>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\0>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"a\0\"@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"a\\\0\"@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"a\r\n\"@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"a\\\n\"@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"a\tb\"@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<\"a\x7f\"@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a\r@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@b\n>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[1.2.3.4\0]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[IPv6:::1\0]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    {T("<a@[tag:\x1bx]>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    /* UTF-8 not asked for: anything above 127 */
    {T("<\xc3\xbc@b>"), ANY, SMTP_PATH_NEEDS_UTF8, 0, NULL, NULL, NULL},
    {T("<u@b\xc3\xbc>"), ANY, SMTP_PATH_NEEDS_UTF8, 0, NULL, NULL, NULL},
    {T("<\"\xc3\xbc\"@b>"), ANY, SMTP_PATH_NEEDS_UTF8, 0, NULL, NULL, NULL},
    {T("<\xfc@b>"), ANY, SMTP_PATH_NEEDS_UTF8, 0, NULL, NULL, NULL},
    {T("<@b\xc3\xbc:u@c>"), ANY, SMTP_PATH_NEEDS_UTF8, 0, NULL, NULL, NULL},
    {T("<\xc3\xbc..@b>"), ANY, SMTP_PATH_SYNTAX, 0, NULL, NULL, NULL},
    /* UTF-8 asked for and wrong: cut, overlong, surrogate, too high, control, stray */
    {T("<\xc3@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xe2\x82@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xf0\x9f\x93"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xc0\xaf@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xc1\xbf@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xe0\x9f\xbf@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xf0\x8f\xbf\xbf@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xed\xa0\x80@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xed\xbf\xbf@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xf4\x90\x80\x80@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xf5\x80\x80\x80@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xa3\x80@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xf8\x90\x80\x80@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xc3z@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xc3\xc3@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xff@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\x80@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xc2\x80@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\xc2\x9f@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\"\xc2\x85\"@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<u@\xc0\x80>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<u@-\xc3\xbc>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<u@\xc3\xbc..c>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<u@\xc3\xbc c>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\"\xc3\xbc\"\xc3\xbc@c>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<u@[\xc3\xbc]>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<\"\\\xc3\xbc\"@b>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
    {T("<u@[tag:\xc3\xbc]>"), ANY, SMTP_PATH_SYNTAX, UTF8, NULL, NULL, NULL},
};

static void assert_slice(struct slice s, const char *expected)
{
    expected = expected ? expected : "";
    assert_int_equal(s.n, strlen(expected));
    assert_memory_equal(s.p, expected, s.n);
}

static void check_good(const struct row *row, enum smtp_path_kind kind)
{
    struct smtp_path path;
    struct slice rest;
    char mailbox[512];

    assert_int_equal(smtp_path_parse(row->text, kind, row->flags & UTF8, &path, &rest), row->error);
    assert_slice(path.local_part, row->local_part);
    assert_slice(path.domain, row->domain);
    assert_slice(rest, row->rest);
    snprintf(mailbox, sizeof(mailbox), "%s%s%s", row->local_part ? row->local_part : "",
             row->domain ? "@" : "", row->domain ? row->domain : "");
    assert_slice(path.mailbox, mailbox);
    assert_int_equal(path.utf8, (row->flags & HIGH) != 0);
    assert_int_equal(path.quoted, (row->flags & QUOTED) != 0);
    assert_int_equal(path.literal, (row->flags & LITERAL) != 0);
    assert_int_equal(path.source_route, (row->flags & ROUTE) != 0);
    assert_int_equal(path.null, (row->flags & NULL_PATH) != 0);
}

static bool is_for(const struct row *row, enum smtp_path_kind kind)
{
    return row->kind == ANY || row->kind == (int)kind;
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        if (is_for(&good[i], SMTP_REVERSE_PATH))
            check_good(&good[i], SMTP_REVERSE_PATH);
        if (is_for(&good[i], SMTP_FORWARD_PATH))
            check_good(&good[i], SMTP_FORWARD_PATH);
    }
}

static void check_bad(const struct row *row, enum smtp_path_kind kind)
{
    struct smtp_path path = {.mailbox = SLICE_LIT("before")};
    struct slice rest = SLICE_LIT("before");
    enum smtp_path_error error;

    error = smtp_path_parse(row->text, kind, row->flags & UTF8, &path, &rest);
    if (error != row->error)
        print_error("%.*s\n", SLICE_ARG(row->text));
    assert_int_equal(error, row->error);
    assert_slice(path.mailbox, "before");
    assert_slice(rest, "before");
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (is_for(&bad[i], SMTP_REVERSE_PATH))
            check_bad(&bad[i], SMTP_REVERSE_PATH);
        if (is_for(&bad[i], SMTP_FORWARD_PATH))
            check_bad(&bad[i], SMTP_FORWARD_PATH);
    }
}

/* No beginning of a path is one, and nothing behind the slice is looked at. */
static void test_cut_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        const struct row *row = &good[i];
        enum smtp_path_kind kind = row->kind == REVERSE ? SMTP_REVERSE_PATH : SMTP_FORWARD_PATH;
        size_t length = row->text.n - (row->rest ? strlen(row->rest) : 0);

        for (size_t n = 0; n < length; n++) {
            struct row cut = *row;

            cut.text.n = n;
            cut.error = SMTP_PATH_SYNTAX;
            check_bad(&cut, kind);
        }
    }
}

/* "<" local "@" domain ">" with parts of the given lengths. */
static enum smtp_path_error parse_lengths(const char *route, size_t local, size_t domain)
{
    char text[2048];
    size_t n = (size_t)snprintf(text, sizeof(text), "<%s", route);
    struct smtp_path path;
    struct slice rest;

    memset(text + n, 'l', local);
    n += local;
    text[n++] = '@';
    for (size_t i = 0; i < domain; i++)
        text[n++] = i % 64 == 63 && i + 1 < domain ? '.' : 'd';
    text[n++] = '>';
    return smtp_path_parse((struct slice){text, n}, SMTP_FORWARD_PATH, false, &path, &rest);
}

static void test_lengths(void **state)
{
    (void)state;
    assert_int_equal(parse_lengths("", 64, 189), SMTP_PATH_OK);
    assert_int_equal(parse_lengths("", 64, 255), SMTP_PATH_OK);
    assert_int_equal(parse_lengths("", 65, 10), SMTP_PATH_OK);
    assert_int_equal(parse_lengths("", 1, 252), SMTP_PATH_OK);
    assert_int_equal(parse_lengths("", 1, 256), SMTP_PATH_LONG);
    assert_int_equal(parse_lengths("", 1, 1000), SMTP_PATH_LONG);
    assert_int_equal(parse_lengths("@r:", 64, 186), SMTP_PATH_OK);
    assert_int_equal(parse_lengths("@r:", 64, 256), SMTP_PATH_LONG);
}

static void test_helo(void **state)
{
    static const char *const fine[] = {
        "client.example", "CLIENT",        "my_host.example", "host.",         "-x-",
        "192.0.2.1",      "[192.0.2.1]",   "[IPv6:::1]",      "[2001:db8::1]", "::1",
        "a..b",           "xn--bcher-kva", "user's-pc",       "a/b",           "*",
    };
    static const struct slice wrong[] = {
        SLICE_LIT(""),         SLICE_LIT(" "),        SLICE_LIT("a b"),    SLICE_LIT("a\tb"),
        SLICE_LIT("a\0b"),     SLICE_LIT("a\r"),      SLICE_LIT("a\n"),    SLICE_LIT("a\x7f"),
        SLICE_LIT("a\x1b[0m"), SLICE_LIT("\xc3\xbc"), SLICE_LIT("a(b)"),   SLICE_LIT("<a>"),
        SLICE_LIT("a;b"),      SLICE_LIT("a\"b"),     SLICE_LIT("a\\b"),   SLICE_LIT("a@b"),
        SLICE_LIT("a,b"),      SLICE_LIT("[]"),       SLICE_LIT("[a"),     SLICE_LIT("a]"),
        SLICE_LIT("[[a]]"),    SLICE_LIT("[a] x"),    SLICE_LIT("[a][b]"),
    };
    char longest[256];

    (void)state;
    for (size_t i = 0; i < COUNT(fine); i++)
        assert_true(smtp_helo_valid(slice_of(fine[i])));
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(smtp_helo_valid(wrong[i]));
    memset(longest, 'a', sizeof(longest));
    assert_true(smtp_helo_valid((struct slice){longest, 255}));
    assert_false(smtp_helo_valid((struct slice){longest, 256}));
}

static void test_unquote(void **state)
{
    static const struct {
        const char *local_part, *meant;
    } rows[] = {
        {"", ""},
        {"a.b", "a.b"},
        {"a\\b", "a\\b"},
        {"\"\"", ""},
        {"\"a b\"", "a b"},
        {"\"a\\\"b\"", "a\"b"},
        {"\"\\a\\\\\"", "a\\"},
        {"\"\xc3\xbc \"", "\xc3\xbc "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char meant[16];
        size_t n = smtp_local_part_unquote(slice_of(rows[i].local_part), meant);

        assert_slice((struct slice){meant, n}, rows[i].meant);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_bad),
        cmocka_unit_test(test_cut_short), cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_helo),      cmocka_unit_test(test_unquote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
