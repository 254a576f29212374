/* The statement `route`: hops, their options, which hops and routes are the same, and the errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/buf.h"
#include "conf/conf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define HEAD     "hostname mx.example.org\nlisten 127.0.0.1:25\n"

static struct conf *parsed(const char *routes)
{
    struct conf *c = NULL;
    struct conf_error error;
    struct buf text = {0};

    buf_printf(&text, HEAD "%s\n", routes);
    if (conf_parse(buf_slice(&text), "test.conf", &c, &error) < 0) {
        fail_msg("%s", error.text);
    }
    buf_free(&text);
    assert_non_null(c);
    return c;
}

static void assert_text(const char *found, const char *expected)
{
    if (expected == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, expected);
    }
}

/* What is written, and what it means. */
static const struct {
    const char *text;
    enum conf_hop_kind kind;
    const char *addr; /* with the port */
    const char *host;
    unsigned port; /* of the host */
    const char *path;
    enum conf_hop_tls tls;
    const char *tls_name;
    const char *tls_ca;
    bool only_tls13;
    bool xclient;
    unsigned weight;
} hops[] = {
    {.text = "smtp://10.0.0.5", .addr = "10.0.0.5:25", .weight = 1},
    {.text = "smtp://10.0.0.5:2525", .addr = "10.0.0.5:2525", .weight = 1},
    {.text = "smtp://[2001:db8::25]", .addr = "[2001:db8::25]:25", .weight = 1},
    {.text = "smtp://[2001:db8::25]:65535", .addr = "[2001:db8::25]:65535", .weight = 1},
    {.text = "smtp://Mail.Example.org",
     .host = "mail.example.org",
     .port = 25,
     .tls_name = "mail.example.org",
     .weight = 1},
    {.text = "smtp://localhost:1",
     .host = "localhost",
     .port = 1,
     .tls_name = "localhost",
     .weight = 1},
    {.text = "lmtp://10.0.0.5", .kind = CONF_HOP_LMTP, .addr = "10.0.0.5:24", .weight = 1},
    {.text = "lmtp://d.example:2003 tls none",
     .kind = CONF_HOP_LMTP,
     .host = "d.example",
     .port = 2003,
     .tls = CONF_HOP_TLS_NONE,
     .weight = 1},
    {.text = "lmtp:/run/dovecot/lmtp",
     .kind = CONF_HOP_LMTP,
     .path = "/run/dovecot/lmtp",
     .tls = CONF_HOP_TLS_NONE,
     .weight = 1},
    {.text = "\"lmtp:/run/a b\" tls none xclient weight 0007",
     .kind = CONF_HOP_LMTP,
     .path = "/run/a b",
     .tls = CONF_HOP_TLS_NONE,
     .xclient = true,
     .weight = 7},
    {.text = "smtp://10.0.0.5 name MX.example tls verified weight 1000",
     .addr = "10.0.0.5:25",
     .tls = CONF_HOP_TLS_VERIFIED,
     .tls_name = "mx.example",
     .weight = 1000},
    {.text = "smtp://a.example tls verified",
     .host = "a.example",
     .port = 25,
     .tls = CONF_HOP_TLS_VERIFIED,
     .tls_name = "a.example",
     .weight = 1},
    {.text = "smtp://a.example xclient tls opportunistic name b.example",
     .host = "a.example",
     .port = 25,
     .tls_name = "b.example",
     .xclient = true,
     .weight = 1},
    {.text = "smtp://a.example tls verified ca /etc/ca.pem tls_minimum 1.3",
     .host = "a.example",
     .port = 25,
     .tls = CONF_HOP_TLS_VERIFIED,
     .tls_name = "a.example",
     .tls_ca = "/etc/ca.pem",
     .only_tls13 = true,
     .weight = 1},
    {.text = "smtp://10.0.0.5 tls_minimum 1.2", .addr = "10.0.0.5:25", .weight = 1},
    {.text = "smtp://10.0.0.5 name b.example",
     .addr = "10.0.0.5:25",
     .tls_name = "b.example",
     .weight = 1},
};

static void what_hops_mean(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(hops); i++) {
        char text[256], addr[ADDR_TEXT_MAX];
        (void)snprintf(text, sizeof(text), "route a.example to %s", hops[i].text);
        struct conf *c = parsed(text);
        assert_int_equal(c->hop_count, 1);
        assert_int_equal(c->routes[0]->hop_count, 1);
        const struct conf_hop *hop = c->routes[0]->hops[0].hop;
        assert_ptr_equal(hop, c->hops[0]);
        assert_int_equal(hop->kind, hops[i].kind);
        assert_int_equal(c->routes[0]->kind,
                         hops[i].kind == CONF_HOP_SMTP ? CONF_ROUTE_SMTP : CONF_ROUTE_LMTP);
        assert_text(hop->addr.family != ADDR_NONE ? addr_format_port(&hop->addr, addr) : NULL,
                    hops[i].addr);
        assert_text(hop->host, hops[i].host);
        assert_text(hop->path, hops[i].path);
        if (hop->host != NULL) {
            assert_int_equal(hop->addr.port, hops[i].port);
        }
        assert_int_equal(hop->tls, hops[i].tls);
        assert_text(hop->tls_name, hops[i].tls_name);
        assert_text(hop->tls_ca, hops[i].tls_ca);
        assert_int_equal(hop->only_tls13, hops[i].only_tls13);
        assert_int_equal(hop->xclient, hops[i].xclient);
        assert_int_equal(c->routes[0]->hops[0].weight, hops[i].weight);
        assert_false(c->routes[0]->hops[0].standby);
        conf_free(c);
    }
}

/* A hop is told apart by where it is and how it is talked to; weight and standby are the route's.
 */
static void several_hops(void **state)
{
    struct conf *c = parsed("route a.example to smtp://10.0.0.5 weight 3, # the big one\n"
                            "  smtp://10.0.0.6,\n"
                            "  smtp://B.example standby\n"
                            "route b.example to smtp://10.0.0.6 tls none, smtp://10.0.0.5:25\n"
                            "route c.example to lmtp:/run/lmtp, lmtp://10.0.0.5\n");
    static const struct {
        size_t route, hop, index;
        unsigned weight;
        bool standby;
    } rows[] = {
        {0, 0, 0, 3, false}, {0, 1, 1, 1, false}, {0, 2, 2, 1, true},  {1, 0, 3, 1, false},
        {1, 1, 0, 1, false}, {2, 0, 4, 1, false}, {2, 1, 5, 1, false},
    };

    (void)state;
    assert_int_equal(c->route_count, 3);
    assert_int_equal(c->hop_count, 6);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct conf_route_hop *use = &c->routes[rows[i].route]->hops[rows[i].hop];
        assert_ptr_equal(use->hop, c->hops[rows[i].index]);
        assert_int_equal(use->hop->index, rows[i].index);
        assert_int_equal(use->weight, rows[i].weight);
        assert_int_equal(use->standby, rows[i].standby);
    }
    for (size_t i = 0; i < c->route_count; i++) {
        assert_int_equal(c->routes[i]->index, i);
    }
    assert_string_equal(c->routes[0]->name, "smtp://10.0.0.5, smtp://10.0.0.6, smtp://B.example");
    assert_string_equal(c->hops[2]->name, "smtp://B.example");
    assert_string_equal(c->hops[0]->name, "smtp://10.0.0.5");
    assert_string_equal(c->routes[2]->name, "lmtp:/run/lmtp, lmtp://10.0.0.5");
    conf_free(c);
}

/* Pairs of statements, and whether they are one route. */
static void same_routes(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"smtp://10.0.0.5", "smtp://10.0.0.5:25", true},
        {"smtp://[::ffff:10.0.0.5]", "smtp://10.0.0.5", true},
        {"smtp://10.0.0.5", "smtp://10.0.0.5:26", false},
        {"smtp://10.0.0.5", "lmtp://10.0.0.5", false},
        {"smtp://a.example", "smtp://A.example:25 name a.example", true},
        {"smtp://a.example", "smtp://a.example tls none", false},
        {"smtp://a.example", "smtp://a.example tls opportunistic weight 1", true},
        {"smtp://a.example", "smtp://a.example xclient", false},
        {"smtp://a.example", "smtp://a.example weight 2", false},
        {"smtp://a.example", "smtp://a.example tls_minimum 1.2", true},
        {"smtp://a.example", "smtp://a.example tls_minimum 1.3", false},
        {"smtp://a.example tls verified", "smtp://a.example tls verified ca /ca.pem", false},
        {"smtp://a.example tls verified ca /a", "smtp://a.example ca /a tls verified", true},
        {"smtp://a.example", "smtp://a.example name b.example", false},
        {"smtp://a.example, smtp://b.example", "smtp://b.example, smtp://a.example", true},
        {"smtp://a.example, smtp://b.example standby", "smtp://b.example standby, smtp://a.example",
         true},
        {"smtp://a.example, smtp://b.example standby", "smtp://a.example standby, smtp://b.example",
         false},
        {"smtp://a.example, smtp://b.example", "smtp://a.example", false},
        {"lmtp:/a", "lmtp:/a tls none", true},
        {"lmtp:/a", "lmtp:/b", false},
        {"maildir:/a", "maildir:/a", true},
        {"maildir:/a", "maildir:/b", false},
        {"maildir:/a", "lmtp:/a", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), "route a.example to %s\nroute b.example to %s",
                       rows[i].a, rows[i].b);
        struct conf *c = parsed(text);
        if ((c->route_count == 1) != rows[i].same) {
            fail_msg("%s", text);
        }
        conf_free(c);
    }
}

/* As many hops as a route may have. */
static void most_hops(void **state)
{
    struct buf text = {0};
    struct conf *c = NULL;
    struct conf_error error;

    (void)state;
    buf_printf(&text, HEAD "route a.example to smtp://h0.example");
    for (unsigned i = 1; i < CONF_ROUTE_HOPS_MAX; i++) {
        buf_printf(&text, ",\nsmtp://h%u.example", i);
    }
    assert_int_equal(conf_parse(buf_slice(&text), "t", &c, &error), 0);
    assert_int_equal(c->routes[0]->hop_count, CONF_ROUTE_HOPS_MAX);
    c = conf_free(c);
    buf_printf(&text, ",\nsmtp://one.more");
    assert_int_not_equal(conf_parse(buf_slice(&text), "t", &c, &error), 0);
    assert_string_equal(
        error.text, "t:67:1: expected at most 64 next hops in a route, found \"smtp://one.more\"");
    buf_free(&text);
}

#define HOP_WANTED "expected smtp://HOST, lmtp://HOST, lmtp:PATH or maildir:FOLDER, found "
#define HOST_WANTED                                                                                \
    "expected a host name, an IPv4 address or a bracketed IPv6 address behind \"//\", found "
#define PORT_WANTED "expected a port from 1 to 65535 behind the host, found "
#define MAILDIR_ENDS                                                                               \
    "expected \"junk_folder\" or the end of the line, as a Maildir stands alone, found "
#define JUNK_WANTED   "expected the name of a folder such as Junk, found "
#define DETAIL_WANTED "expected a delimiter and a folder, such as +Junk, found "
#define PATH_WANTED   "expected lmtp:PATH with the absolute path of a Unix socket, found "
#define PATH_20       "/aaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *text; /* behind "route a to " */
    const char *error;
} wrong[] = {
    {"", "1:12: " HOP_WANTED "the end of the file"},
    {"127.0.0.1:25", "1:12: " HOP_WANTED "\"127.0.0.1:25\""},
    {"SMTP://127.0.0.1", "1:12: " HOP_WANTED "\"SMTP://127.0.0.1\""},
    {"smtp:127.0.0.1", "1:12: " HOP_WANTED "\"smtp:127.0.0.1\""},
    {"smtp://", "1:12: " HOST_WANTED "\"smtp://\""},
    {"smtp://:25", "1:12: " HOST_WANTED "\"smtp://:25\""},
    {"smtp://2001:db8::1", "1:12: " HOST_WANTED "\"smtp://2001:db8::1\""},
    {"smtp://[192.0.2.1]:25", "1:12: " HOST_WANTED "\"smtp://[192.0.2.1]:25\""},
    {"smtp://[mail.example]", "1:12: " HOST_WANTED "\"smtp://[mail.example]\""},
    {"smtp://[2001:db8::1", "1:12: " HOST_WANTED "\"smtp://[2001:db8::1\""},
    {"smtp://[2001:db8::1]x:25", "1:12: " HOST_WANTED "\"smtp://[2001:db8::1]x:25\""},
    {"smtp://[]", "1:12: " HOST_WANTED "\"smtp://[]\""},
    {"smtp://[", "1:12: " HOST_WANTED "\"smtp://[\""},
    {"smtp://127.0.0.1/", "1:12: " HOST_WANTED "\"smtp://127.0.0.1/\""},
    {"smtp://127.0.0.256", "1:12: " HOST_WANTED "\"smtp://127.0.0.256\""},
    {"smtp://mail_1.example:25", "1:12: " HOST_WANTED "\"smtp://mail_1.example:25\""},
    {"smtp://mail.example.:25", "1:12: " HOST_WANTED "\"smtp://mail.example.:25\""},
    {"lmtp://run/lmtp", "1:12: " HOST_WANTED "\"lmtp://run/lmtp\""},
    {"smtp://127.0.0.1:", "1:12: " PORT_WANTED "\"smtp://127.0.0.1:\""},
    {"smtp://127.0.0.1:0", "1:12: " PORT_WANTED "\"smtp://127.0.0.1:0\""},
    {"smtp://127.0.0.1:65536", "1:12: " PORT_WANTED "\"smtp://127.0.0.1:65536\""},
    {"smtp://127.0.0.1:000025", "1:12: " PORT_WANTED "\"smtp://127.0.0.1:000025\""},
    {"smtp://mail.example:smtp", "1:12: " PORT_WANTED "\"smtp://mail.example:smtp\""},
    {"lmtp://[::1]:-1", "1:12: " PORT_WANTED "\"lmtp://[::1]:-1\""},
    {"lmtp://[::1]:25", "1:12: expected a port other than 25, which RFC 2033 forbids for LMTP, "
                        "found \"lmtp://[::1]:25\""},
    {"lmtp:run/lmtp", "1:12: " PATH_WANTED "\"lmtp:run/lmtp\""},
    {"lmtp:", "1:12: " PATH_WANTED "\"lmtp:\""},
    {"\"lmtp:/run\\n\"", "1:12: " PATH_WANTED "\"lmtp:/run?\""},
    {"lmtp:" PATH_20 PATH_20 PATH_20 PATH_20 PATH_20 "/aaaaaaa",
     "1:12: expected the path of a Unix socket, which has at most 107 octets, found "
     "\"lmtp:/aaaaaaaaaaaaaaaaaaa/aaaaaaaaaaaaaa\"..."},
    {"maildir:mail", "1:12: expected maildir:FOLDER with an absolute path, found \"maildir:mail\""},
    {"maildir:", "1:12: expected maildir:FOLDER with an absolute path, found \"maildir:\""},
    {"maildir:/m/%{rcpt.localpart}",
     "1:12: expected no \"%\" in the folder but for %{rcpt.local_part} and %{rcpt.domain}, found "
     "\"maildir:/m/%{rcpt.localpart}\""},
    {"maildir:/m/50%",
     "1:12: expected no \"%\" in the folder but for %{rcpt.local_part} and %{rcpt.domain}, found "
     "\"maildir:/m/50%\""},
    {"maildir:/m/%{rcpt.domain",
     "1:12: expected no \"%\" in the folder but for %{rcpt.local_part} and %{rcpt.domain}, found "
     "\"maildir:/m/%{rcpt.domain\""},
    {"maildir:/m (old)", "1:23: " MAILDIR_ENDS "\"(\""},
    {"maildir:/m weight 2", "1:23: " MAILDIR_ENDS "\"weight\""},
    {"maildir:/m, smtp://a", "1:22: " MAILDIR_ENDS "\",\""},
    {"maildir:/m junk_folder", "1:34: " JUNK_WANTED "the end of the file"},
    {"maildir:/m junk_folder .Junk", "1:35: " JUNK_WANTED "\".Junk\""},
    {"maildir:/m junk_folder a..b", "1:35: " JUNK_WANTED "\"a..b\""},
    {"maildir:/m junk_folder a/b", "1:35: " JUNK_WANTED "\"a/b\""},
    {"maildir:/m junk_folder \"\"", "1:35: " JUNK_WANTED "\"\""},
    {"maildir:/m junk_folder a junk_folder b", "1:37: " MAILDIR_ENDS "\"junk_folder\""},
    {"lmtp:/l junk_detail", "1:31: " DETAIL_WANTED "the end of the file"},
    {"lmtp:/l junk_detail Junk", "1:32: " DETAIL_WANTED "\"Junk\""},
    {"lmtp:/l junk_detail +", "1:32: " DETAIL_WANTED "\"+\""},
    {"lmtp:/l junk_detail +a.b", "1:32: " DETAIL_WANTED "\"+a.b\""},
    {"lmtp:/l junk_detail \"+a b\"", "1:32: " DETAIL_WANTED "\"+a b\""},
    {"smtp://a junk_detail +Junk", "1:21: expected no \"junk_detail\" for a next hop that speaks "
                                   "SMTP, found \"junk_detail\""},
    {"smtp://a, maildir:/m",
     "1:22: expected no Maildir beside other next hops, found \"maildir:/m\""},
    {"smtp://a, lmtp:/l", "1:22: expected a next hop that speaks SMTP, as the first of the route "
                          "does, found \"lmtp:/l\""},
    {"lmtp:/l, smtp://a", "1:21: expected a next hop that speaks LMTP, as the first of the route "
                          "does, found \"smtp://a\""},
    {"smtp://a,", "1:21: " HOP_WANTED "the end of the file"},
    {"smtp://a smtp://b",
     "1:21: unknown option \"smtp://b\", expected ca, junk_detail, name, standby, tls, "
     "tls_minimum, weight or xclient"},
    {"smtp://a weigth 2", "1:21: unknown option \"weigth\", did you mean \"weight\"?"},
    {"smtp://a \"standby\"", "1:21: expected an option of the next hop, a comma or the end of the "
                             "line, found \"standby\""},
    {"smtp://a {", "1:21: expected an option of the next hop, a comma or the end of the line, "
                   "found \"{\""},
    {"smtp://a, smtp://A:25 weight 2", "1:22: expected each next hop of a route once, found "
                                       "\"smtp://A:25\" again (the first is in line 1)"},
    {"smtp://10.0.0.5,\nsmtp://10.0.0.5 tls none",
     "2:1: expected each next hop of a route once, found \"smtp://10.0.0.5\" again (the first is "
     "in line 1)"},
    {"smtp://a weight", "1:27: expected a weight from 1 to 1000, found the end of the file"},
    {"smtp://a weight 0", "1:28: expected a weight from 1 to 1000, found \"0\""},
    {"smtp://a weight 1001", "1:28: expected a weight from 1 to 1000, found \"1001\""},
    {"smtp://a weight -1", "1:28: expected a weight from 1 to 1000, found \"-1\""},
    {"smtp://a weight 99999999999999999999",
     "1:28: expected a weight from 1 to 1000, found \"99999999999999999999\""},
    {"smtp://a weight 2 xclient weight 2", "1:38: expected each option of a next hop once, found "
                                           "\"weight\" again (the first is in line 1)"},
    {"smtp://a standby standby, smtp://b", "1:29: expected each option of a next hop once, found "
                                           "\"standby\" again (the first is in line 1)"},
    {"smtp://a xclient xclient", "1:29: expected each option of a next hop once, found \"xclient\" "
                                 "again (the first is in line 1)"},
    {"smtp://a standby",
     "1:21: expected a next hop in the route that is no standby, found \"standby\""},
    {"smtp://a standby, smtp://b standby",
     "1:39: expected a next hop in the route that is no standby, found \"standby\""},
    {"smtp://a tls", "1:24: expected opportunistic, verified or none, found the end of the file"},
    {"smtp://a tls verifed", "1:25: unknown use of TLS \"verifed\", did you mean \"verified\"?"},
    {"smtp://a tls yes",
     "1:25: unknown use of TLS \"yes\", expected opportunistic, verified or none"},
    {"smtp://a tls none tls none", "1:30: expected each option of a next hop once, found \"tls\" "
                                   "again (the first is in line 1)"},
    {"smtp://10.0.0.5 tls verified",
     "1:40: expected \"name\" and the host name in the certificate, as an address has none, found "
     "the end of the file"},
    {"smtp://[::1] tls verified weight 2, smtp://b",
     "1:46: expected \"name\" and the host name in the certificate, as an address has none, found "
     "\",\""},
    {"smtp://a name mx.example tls none",
     "1:21: expected no \"name\" of a certificate for a next hop without TLS, found \"name\""},
    {"lmtp:/l name mx.example",
     "1:20: expected no \"name\" of a certificate for a next hop without TLS, found \"name\""},
    {"lmtp:/l tls verified name a",
     "1:24: expected \"none\", as a Unix socket has no TLS, found \"verified\""},
    {"lmtp:/l tls opportunistic",
     "1:24: expected \"none\", as a Unix socket has no TLS, found \"opportunistic\""},
    {"smtp://a ca", "1:23: expected the absolute path of a file of certificates, found the end of "
                    "the file"},
    {"smtp://a tls verified ca ca.pem",
     "1:37: expected the absolute path of a file of certificates, found \"ca.pem\""},
    {"smtp://a ca /ca.pem",
     "1:21: expected no \"ca\" for a next hop without \"tls verified\", found \"ca\""},
    {"smtp://a tls_minimum 1.1", "1:33: expected 1.2 or 1.3, found \"1.1\""},
    {"smtp://a tls none tls_minimum 1.3",
     "1:30: expected no \"tls_minimum\" for a next hop without TLS, found \"tls_minimum\""},
    {"smtp://a name", "1:25: expected the host name in the next hop's certificate, found the end "
                      "of the file"},
    {"smtp://a name 10.0.0.5",
     "1:26: expected the host name in the next hop's certificate, found \"10.0.0.5\""},
    {"smtp://a name a.example name a.example",
     "1:36: expected each option of a next hop once, found \"name\" again (the first is in line "
     "1)"},
};

static void wrong_hops(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct conf *c = NULL;
        struct conf_error error;
        char text[512], expected[sizeof(error.text)];
        (void)snprintf(text, sizeof(text), "route a to %s", wrong[i].text);
        (void)snprintf(expected, sizeof(expected), "test.conf:%s", wrong[i].error);
        assert_int_not_equal(conf_parse(slice_of(text), "test.conf", &c, &error), 0);
        assert_null(c);
        assert_string_equal(error.text, expected);
    }
}

/* The longest path that fits. */
static void longest_path(void **state)
{
    struct conf *c =
        parsed("route a.example to lmtp:" PATH_20 PATH_20 PATH_20 PATH_20 PATH_20 "/aaaaaa");

    (void)state;
    assert_int_equal(strlen(c->hops[0]->path), CONF_UNIX_PATH_MAX - 1);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_hops_mean), cmocka_unit_test(several_hops),
        cmocka_unit_test(same_routes),    cmocka_unit_test(most_hops),
        cmocka_unit_test(wrong_hops),     cmocka_unit_test(longest_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
