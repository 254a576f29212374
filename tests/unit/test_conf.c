/* The configuration parser: what it reads, and which route it finds. */
#include "conf_parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>

#include "base/buf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void assert_addr(const struct addr *a, const char *expected)
{
    char text[ADDR_TEXT_MAX];

    assert_string_equal(addr_format_port(a, text), expected);
}

static const char full[] =
    "# every statement\r\n"
    "hostname\tmx1.Example.org   # in our case\n"
    "\n"
    "listen   0.0.0.0:25, [::]:25,\n"
    "         # the submission of old\n"
    "\n"
    "         192.0.2.1:2525\n"
    "  listen [2001:db8::1]:65535\n"
    "tls      cert /etc/gatepost/mx1.pem key \"/etc/gatepost/mx1 (new), #2.key\"\n"
    "route    Example.ORG, example.net to smtp://10.0.0.5:2525\n"
    "route    .example.org,\n"
    "         lists.example.org to maildir:/srv/%{rcpt.domain}/%{rcpt.local_part}/Maildir\n"
    "route    m\303\274nchen.example to smtp://[2001:db8::25]\n"
    "route    a.example to smtp://[2001:db8::25]:24\n"
    "route    b.example to \"maildir:/srv/\\u00fc\\ud83d\\udce7\\\"\\\\\\/%{rcpt.domain}\"\n"
    "route    . to smtp://10.0.0.5:2525\n"
    "state    lmdb:/srv/state\n"
    "spool    \"/srv/spool\"\n"
    "user     gatepost\n"
    "workers  3\n"
    "inspectors 7\n"
    "decisions /var/log/decisions#1\n"
    "control  /srv/control\n"
    "journal  /srv/journal\n"
    "limit    journal_age 90d\n"
    "limit    message_size 100M\n"
    "limit    idle_time 2m\n"
    "limit    spool_wait 0s\n"
    "limit    session_time 1d\n"
    "limit    recipients 100\n"
    "authserv_id Example.org\n"
    "authentication_results off\n"
    "received_spf on\n"
    "limit    command_line 4096";

static void full_file(void **state)
{
    struct conf *c = parsed(SLICE_LIT(full));

    (void)state;
    assert_string_equal(c->hostname, "mx1.Example.org");
    assert_string_equal(c->authserv_id, "Example.org");
    assert_false(c->authentication_results);
    assert_true(c->received_spf);
    assert_int_equal(c->listen_count, 4);
    assert_addr(&c->listen[0], "0.0.0.0:25");
    assert_addr(&c->listen[1], "[::]:25");
    assert_addr(&c->listen[2], "192.0.2.1:2525");
    assert_addr(&c->listen[3], "[2001:db8::1]:65535");
    assert_string_equal(c->tls_cert, "/etc/gatepost/mx1.pem");
    assert_string_equal(c->tls_key, "/etc/gatepost/mx1 (new), #2.key");
    assert_string_equal(c->state, "/srv/state");
    assert_string_equal(c->spool, "/srv/spool");
    assert_string_equal(c->control, "/srv/control");
    assert_string_equal(c->journal, "/srv/journal");
    assert_int_equal(c->limits.journal_age, 90 * 86400 * USEC_SEC);
    assert_string_equal(c->user, "gatepost");
    assert_int_equal(c->workers, 3);
    assert_int_equal(c->inspectors, 7);
    assert_int_equal(c->decisions, CONF_DECISIONS_FILE);
    assert_string_equal(c->decisions_file, "/var/log/decisions#1");
    assert_int_equal(c->limits.message_size, 104857600);
    assert_int_equal(c->limits.idle_time, 120 * USEC_SEC);
    assert_int_equal(c->limits.spool_wait, 0);
    assert_int_equal(c->limits.session_time, 86400 * USEC_SEC);
    assert_int_equal(c->limits.recipients, 100);
    assert_int_equal(c->limits.command_line, 4096);
    assert_int_equal(c->limits.hop_reply_time, 60 * USEC_SEC);
    assert_null(conf_free(c));
}

/* The route of "." names the hop of the first route again and is the same route. */
static void full_routes(void **state)
{
    struct conf *c = parsed(SLICE_LIT(full));

    (void)state;
    assert_int_equal(c->route_count, 5);
    assert_int_equal(c->routes[0]->kind, CONF_ROUTE_SMTP);
    assert_addr(&c->routes[0]->hops[0].hop->addr, "10.0.0.5:2525");
    assert_string_equal(c->routes[0]->name, "smtp://10.0.0.5:2525");
    assert_int_equal(c->routes[1]->kind, CONF_ROUTE_MAILDIR);
    assert_string_equal(c->routes[1]->folder, "/srv/%{rcpt.domain}/%{rcpt.local_part}/Maildir");
    assert_addr(&c->routes[2]->hops[0].hop->addr, "[2001:db8::25]:25");
    assert_addr(&c->routes[3]->hops[0].hop->addr, "[2001:db8::25]:24");
    assert_string_equal(c->routes[4]->folder, "/srv/\303\274\360\237\223\247\"\\/%{rcpt.domain}");
    static const struct {
        const char *pattern;
        size_t route;
    } rows[] = {{"example.org", 0},
                {"example.net", 0},
                {".example.org", 1},
                {"lists.example.org", 1},
                {"m\303\274nchen.example", 2},
                {"a.example", 3},
                {"b.example", 4},
                {".", 0}};
    assert_int_equal(c->domain_count, COUNT(rows));
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(slice_eq(c->domains[i].pattern, slice_of(rows[i].pattern)));
        assert_ptr_equal(c->domains[i].route, c->routes[rows[i].route]);
    }
    conf_free(c);
}

static void listen_places(void **state)
{
    static const unsigned places[][2] = {{4, 10}, {4, 22}, {7, 10}, {8, 10}};
    struct conf *c = parsed(SLICE_LIT(full));

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        struct place place = conf_place_of_listen(c, i);
        assert_int_equal(place.line, places[i][0]);
        assert_int_equal(place.column, places[i][1]);
    }
    conf_free(c);
}

static void minimal_file(void **state)
{
    struct conf *c = parsed(SLICE_LIT(MINIMAL));
    cpu_set_t set;

    (void)state;
    assert_string_equal(c->hostname, "mx.example.org");
    assert_string_equal(c->authserv_id, "mx.example.org");
    assert_true(c->authentication_results);
    assert_false(c->received_spf);
    assert_int_equal(c->listen_count, 1);
    assert_int_equal(c->route_count, 1);
    assert_addr(&c->routes[0]->hops[0].hop->addr, "127.0.0.1:25");
    assert_null(c->tls_cert);
    assert_null(c->tls_key);
    assert_null(c->user);
    assert_string_equal(c->state, "/var/lib/gatepost/state");
    assert_string_equal(c->spool, "/var/spool/gatepost");
    assert_string_equal(c->control, "/run/gatepost/control");
    assert_string_equal(c->journal, "/var/lib/gatepost/journal.db");
    assert_int_equal(c->decisions, CONF_DECISIONS_STDOUT);
    assert_null(c->decisions_file);
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    assert_int_equal(c->workers, CPU_COUNT(&set));
    assert_int_equal(c->inspectors, c->workers);
#define SETTING(name, kind, standard, min, max, prose)                                             \
    assert_int_equal(c->limits.name, standard);                                                    \
    assert_true((standard) >= (min) && (standard) <= (max));
#include "tbl/settings.h"
#undef SETTING
    conf_free(c);
}

static void other_forms(void **state)
{
    struct conf *c = parsed(SLICE_LIT(MINIMAL "workers 0\ndecisions journald\nlimit data_rate 0\n"
                                              "limit hop_idle_time 0\ninspectors off"));

    (void)state;
    assert_true(c->workers >= 1);
    assert_int_equal(c->inspectors, 0);
    assert_int_equal(c->decisions, CONF_DECISIONS_JOURNALD);
    assert_int_equal(c->limits.data_rate, 0);
    assert_int_equal(c->limits.hop_idle_time, 0);
    conf_free(c);
    c = parsed(SLICE_LIT(MINIMAL "decisions \"stdout\"\nuser _gate-post.2"));
    assert_int_equal(c->decisions, CONF_DECISIONS_STDOUT);
    assert_string_equal(c->user, "_gate-post.2");
    conf_free(c);
}

/* Each unit of a time and a size, and the bounds themselves. */
static void limit_values(void **state)
{
    static const struct {
        const char *text;
        int64_t idle_time;
    } times[] = {
        {"1000000us", 1000000}, {"1000ms", 1000000}, {"1s", 1000000},
        {"60m", 3600000000},    {"1h", 3600000000},  {"0060s", 60000000},
    };
    struct conf *c;

    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        struct buf text = {0};
        buf_printf(&text, MINIMAL "limit idle_time %s\n", times[i].text);
        c = parsed(buf_slice(&text));
        assert_int_equal(c->limits.idle_time, times[i].idle_time);
        conf_free(c);
        buf_free(&text);
    }
    c = parsed(SLICE_LIT(MINIMAL "limit message_size 65536\nlimit spool_memory 1024G\n"
                                 "limit message_memory 16K\n"));
    assert_int_equal(c->limits.message_size, 65536);
    assert_int_equal(c->limits.spool_memory, (int64_t)1 << 40);
    assert_int_equal(c->limits.message_memory, 16384);
    conf_free(c);
}

static bool is_proxy(const struct conf *c, const char *address)
{
    struct addr a;

    assert_int_equal(addr_parse(slice_of(address), &a), 0);
    a.port = 4711;
    return conf_is_proxy(c, &a);
}

static const struct conf_recipients *source_of(const struct conf *c, const char *domain)
{
    return conf_recipients_find(c, slice_of(domain));
}

static void recipients(void **state)
{
    (void)state;
    struct conf *c = parsed(SLICE_LIT(MINIMAL));
    assert_null(source_of(c, "example.org"));
    conf_free(c);
    c = parsed(
        SLICE_LIT("recipients . from file /etc/all\n" MINIMAL "route . to smtp://192.0.2.9\n"
                  "recipients example.org, .Example.org from sqlite /var/users.db \"SELECT 1\"\n"
                  "recipients a.example.org from file /etc/a delimiter +-\n"
                  "recipients .net from smtp://mx1.example.org weight 2, smtp://192.0.2.1 else "
                  "accept\n"
                  "recipients .com from smtp://127.0.0.1 else defer\n"
                  "recipients .info from lmtp:/run/lmtp\n"));
    assert_int_equal(c->recipients_count, 6);
    const struct conf_recipients *r = source_of(c, "EXAMPLE.org");
    assert_int_equal(r->kind, CONF_RECIPIENTS_SQLITE);
    assert_string_equal(r->path, "/var/users.db");
    assert_string_equal(r->query, "SELECT 1");
    assert_string_equal(r->name, "sqlite /var/users.db");
    assert_ptr_equal(r, source_of(c, "b.example.org"));
    r = source_of(c, "a.example.org");
    assert_int_equal(r->kind, CONF_RECIPIENTS_FILE);
    assert_string_equal(r->delimiters, "+-");
    assert_string_equal(r->name, "file /etc/a");
    r = source_of(c, "example.net");
    assert_int_equal(r->kind, CONF_RECIPIENTS_SERVER);
    assert_true(r->otherwise_accept);
    assert_int_equal(r->server->hop_count, 2);
    assert_string_equal(r->name, "smtp://mx1.example.org, smtp://192.0.2.1");
    assert_false(r->server->takes_mail);
    r = source_of(c, "example.com");
    assert_false(r->otherwise_accept);
    assert_ptr_equal(r->server, conf_route_find(c, SLICE_LIT("example.org"))); /* the same server */
    assert_true(r->server->takes_mail);
    assert_false(source_of(c, "example.info")->otherwise_accept);
    r = source_of(c, "anything.example");
    assert_string_equal(r->path, "/etc/all");
    assert_string_equal(r->delimiters, "");
    for (size_t i = 0; i < c->recipients_count; i++) {
        assert_int_equal(c->recipients[i]->index, i);
    }
    for (size_t i = 0; i < c->route_count; i++) {
        assert_int_equal(c->routes[i]->index, i);
    }
    conf_free(c);
}

static void resolvers(void **state)
{
    (void)state;
    static const char *const expected[] = {"192.0.2.53:53", "[2001:db8::53]:53", "[::1]:5353",
                                           "127.0.0.1:5353"};
    char text[ADDR_TEXT_MAX];
    struct conf *c = parsed(SLICE_LIT(MINIMAL));
    assert_int_equal(c->resolver, CONF_RESOLVER_RECURSIVE);
    assert_int_equal(c->resolver_count, 0);
    assert_true(c->dnssec);
    assert_string_equal(c->trust_anchor, CONF_TRUST_ANCHOR);
    assert_null(c->root_hints);
    assert_int_equal(c->limits.dns_time, 5 * USEC_SEC);
    assert_int_equal(c->limits.dns_cache, 8 << 20);
    conf_free(c);
    c = parsed(SLICE_LIT(MINIMAL "resolver 192.0.2.53, [2001:db8::53],\n [::1]:5353\n"
                                 "resolver 127.0.0.1:5353\n"));
    assert_int_equal(c->resolver, CONF_RESOLVER_SERVERS);
    assert_int_equal(c->resolver_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(addr_format_port(&c->resolvers[i], text), expected[i]);
    }
    assert_false(c->dnssec);
    assert_null(c->trust_anchor);
    conf_free(c);
}

/* Who is asked, and what is believed of it. */
static void resolver_words(void **state)
{
    static const struct {
        const char *text;
        enum conf_resolver way;
        bool dnssec;
        const char *anchor, *hints;
    } rows[] = {
        {"resolver recursive\n", CONF_RESOLVER_RECURSIVE, true, CONF_TRUST_ANCHOR, NULL},
        {"dnssec off\n", CONF_RESOLVER_RECURSIVE, false, NULL, NULL},
        {"root_hints /srv/hints\ntrust_anchor /srv/key\n", CONF_RESOLVER_RECURSIVE, true,
         "/srv/key", "/srv/hints"},
        {"resolver system\n", CONF_RESOLVER_SYSTEM, false, NULL, NULL},
        {"dnssec on\nresolver system\n", CONF_RESOLVER_SYSTEM, true, CONF_TRUST_ANCHOR, NULL},
        {"resolver none\n", CONF_RESOLVER_NONE, false, NULL, NULL},
        {"resolver none\ndnssec off\n", CONF_RESOLVER_NONE, false, NULL, NULL},
        {"resolver ::1\ndnssec on\n", CONF_RESOLVER_SERVERS, true, CONF_TRUST_ANCHOR, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), "%s%s", MINIMAL, rows[i].text);
        struct conf *c = parsed(slice_of(text));
        assert_int_equal(c->resolver, rows[i].way);
        assert_int_equal(c->dnssec, rows[i].dnssec);
        assert_string_equal(c->trust_anchor != NULL ? c->trust_anchor : "",
                            rows[i].anchor != NULL ? rows[i].anchor : "");
        assert_string_equal(c->root_hints != NULL ? c->root_hints : "",
                            rows[i].hints != NULL ? rows[i].hints : "");
        conf_free(c);
    }
}

static void proxies(void **state)
{
    static const struct {
        const char *address;
        bool proxy;
    } rows[] = {
        {"192.0.2.1", true},     {"192.0.2.0", false},    {"10.0.0.0", true},
        {"10.63.255.255", true}, {"10.64.0.0", false},    {"9.255.255.255", false},
        {"2001:db8::", true},    {"2001:db8:1::", false}, {"2001:db8:0:ffff::1", true},
        {"2001:db9::", false},   {"::1", true},           {"::2", false},
        {"::192.0.2.1", false},  {"a00::", false},        {"198.51.100.2", true},
        {"198.51.100.3", true},  {"198.51.100.1", false}, {"198.51.100.4", false},
        {"127.0.0.1", false},
    };
    struct conf *c = parsed(SLICE_LIT(MINIMAL "proxy 192.0.2.1, 10.0.0.0/10,\n 2001:db8::/48\n"
                                              "proxy ::1 # local\nproxy \"198.51.100.2/31\""));

    (void)state;
    assert_int_equal(c->proxy_count, 5);
    assert_int_equal(c->proxies[0].bits, 10);
    assert_int_equal(c->proxies[1].bits, 32);
    assert_int_equal(c->proxies[2].bits, 31);
    assert_int_equal(c->proxies[3].bits, 128);
    assert_int_equal(c->proxies[4].bits, 48);
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (is_proxy(c, rows[i].address) != rows[i].proxy) {
            fail_msg("%s", rows[i].address);
        }
    }
    assert_false(conf_is_proxy(c, &(struct addr){0}));
    conf_free(c);
    c = parsed(SLICE_LIT(MINIMAL));
    assert_int_equal(c->proxy_count, 0);
    assert_false(is_proxy(c, "127.0.0.1"));
    conf_free(c);
    c = parsed(SLICE_LIT(MINIMAL "proxy ::/0"));
    assert_true(is_proxy(c, "ffff::"));
    assert_false(is_proxy(c, "192.0.2.1"));
    conf_free(c);
}

static void proxies_inside_others(void **state)
{
    static const struct {
        const char *address;
        bool proxy;
    } rows[] = {
        {"10.0.0.1", true},    {"10.1.2.3", true},     {"10.1.3.1", true},
        {"10.63.0.1", true},   {"10.64.0.1", true},    {"10.65.0.1", false},
        {"2001:db8::9", true}, {"2001:db8:1::", true}, {"2001:dc0::", false},
    };
    struct conf *c = parsed(SLICE_LIT(MINIMAL "proxy 10.1.2.3, 10.64.0.0/16, 10.1.2.0/24\n"
                                              "proxy 10.0.0.0/10, 10.1.0.0/16, 2001:db8::9,\n"
                                              "2001:db8::/32, 2001:db8::/48, 10.0.0.0\n"));

    (void)state;
    assert_int_equal(c->proxy_count, 3);
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (is_proxy(c, rows[i].address) != rows[i].proxy) {
            fail_msg("%s", rows[i].address);
        }
    }
    conf_free(c);
}

/* As many as a cloud may have; each with each would take a minute. */
static void proxies_by_the_thousand(void **state)
{
    const unsigned count = 200000;
    struct buf text = {0};

    (void)state;
    buf_append_slice(&text, SLICE_LIT(MINIMAL "proxy ::1"));
    for (unsigned i = 0; i < count; i++) {
        const unsigned k = i * 7919 % count; /* in no order */
        buf_printf(&text, ", 10.%u.%u.%u", k >> 15, k >> 7 & 255, k << 1 & 255);
    }
    struct conf *c = parsed(buf_slice(&text));
    assert_int_equal(c->proxy_count, count + 1);
    for (unsigned i = 0; i < count; i++) {
        struct addr a = {.family = ADDR_V4, .octets = {10, (uint8_t)(i >> 15), (uint8_t)(i >> 7)}};
        a.octets[3] = (uint8_t)(i << 1);
        assert_true(conf_is_proxy(c, &a));
        a.octets[3]++;
        assert_false(conf_is_proxy(c, &a));
    }
    conf_free(c);
    buf_free(&text);
}

static const struct conf_route *route_of(const struct conf *c, const char *domain)
{
    return conf_route_find(c, slice_of(domain));
}

/* 0 for none. */
static unsigned port_of(const struct conf_route *route)
{
    return route != NULL ? route->hops[0].hop->addr.port : 0;
}

static void longest_match_wins(void **state)
{
    struct conf *c = parsed(SLICE_LIT("hostname mx.example.org\nlisten 127.0.0.1:25\n"
                                      "route example.org to smtp://127.0.0.1:1\n"
                                      "route .example.org to smtp://127.0.0.1:2\n"
                                      "route a.b.example.org to smtp://127.0.0.1:3\n"
                                      "route .b.example.org to smtp://127.0.0.1:4\n"
                                      "route .org to smtp://127.0.0.1:5\n"
                                      "route net, example.com to smtp://127.0.0.1:6\n"));
    static const struct {
        const char *domain;
        unsigned port; /* 0 for none */
    } rows[] = {
        {"example.org", 1},
        {"EXAMPLE.Org", 1},
        {"x.example.org", 2},
        {"b.example.org", 2},
        {"a.b.example.org", 3},
        {"A.b.Example.org", 3},
        {"x.a.b.example.org", 4},
        {"b.b.example.org", 4},
        {"xexample.org", 5},
        {"other.org", 5},
        {"org", 0},
        {"net", 6},
        {"example.net", 0},
        {"example.com", 6},
        {"example.com.", 0},
        {"x.example.com", 0},
        {".example.org", 0},
        {"", 0},
        {".", 0},
        {"example", 0},
        {"[192.0.2.1]", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct conf_route *route = route_of(c, rows[i].domain);
        assert_int_equal(port_of(route), rows[i].port);
    }
    assert_null(conf_route_find(c, (struct slice){"example.com\0", 12}));
    conf_free(c);
}

static void a_dot_routes_everything(void **state)
{
    struct conf *c = parsed(SLICE_LIT("hostname mx.example.org\nlisten 127.0.0.1:25\n"
                                      "route . to smtp://127.0.0.1:1\n"
                                      "route .example.org to smtp://127.0.0.1:2\n"));

    (void)state;
    assert_int_equal(port_of(route_of(c, "example.org")), 1);
    assert_int_equal(port_of(route_of(c, "net")), 1);
    assert_int_equal(port_of(route_of(c, "x.example.org")), 2);
    assert_null(route_of(c, ""));
    conf_free(c);
}

/* Thousands of domains are found each by its own name. */
static void many_domains(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_printf(&text, "hostname mx.example.org\nlisten 127.0.0.1:25\n");
    for (unsigned i = 0; i < 5000; i++) {
        buf_printf(&text, "route d%u.example to smtp://127.0.0.1:%u\n", i * 7919 % 5000,
                   i * 7919 % 5000 % 50 + 1);
    }
    struct conf *c = parsed(buf_slice(&text));
    assert_int_equal(c->domain_count, 5000);
    assert_int_equal(c->route_count, 50);
    for (unsigned i = 0; i < 5000; i++) {
        char domain[32];
        (void)snprintf(domain, sizeof(domain), "d%u.example", i);
        assert_non_null(route_of(c, domain));
        assert_int_equal(port_of(route_of(c, domain)), i % 50 + 1);
    }
    assert_null(route_of(c, "d5000.example"));
    conf_free(c);
    buf_free(&text);
}

static void scanners(void **state)
{
    struct conf *c = parsed(SLICE_LIT(MINIMAL "clamd unix:/run/clamd.ctl descriptor\n"
                                              "rspamd http://Filter.Example.ORG\n"
                                              "spamassassin tcp://[2001:db8::1]:7830 user spam\n"));
    const struct conf_scanner *s = c->scanners;

    (void)state;
    assert_true(s[CONF_CLAMD].configured);
    assert_string_equal(s[CONF_CLAMD].path, "/run/clamd.ctl");
    assert_true(s[CONF_CLAMD].descriptor);
    assert_string_equal(s[CONF_CLAMD].name, "clamd unix:/run/clamd.ctl");
    assert_string_equal(s[CONF_RSPAMD].host, "filter.example.org");
    assert_null(s[CONF_RSPAMD].path);
    assert_int_equal(s[CONF_RSPAMD].addr.port, 11333);
    assert_int_equal(s[CONF_SPAMASSASSIN].addr.family, ADDR_V6);
    assert_int_equal(s[CONF_SPAMASSASSIN].addr.port, 7830);
    assert_null(s[CONF_SPAMASSASSIN].host);
    assert_string_equal(s[CONF_SPAMASSASSIN].user, "spam");
    conf_free(c);
    c = parsed(SLICE_LIT(MINIMAL));
    for (size_t i = 0; i < CONF_SCANNERS; i++) {
        assert_false(c->scanners[i].configured);
    }
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scanners),
        cmocka_unit_test(full_file),
        cmocka_unit_test(full_routes),
        cmocka_unit_test(listen_places),
        cmocka_unit_test(minimal_file),
        cmocka_unit_test(other_forms),
        cmocka_unit_test(limit_values),
        cmocka_unit_test(recipients),
        cmocka_unit_test(resolvers),
        cmocka_unit_test(resolver_words),
        cmocka_unit_test(proxies),
        cmocka_unit_test(proxies_inside_others),
        cmocka_unit_test(proxies_by_the_thousand),
        cmocka_unit_test(longest_match_wins),
        cmocka_unit_test(a_dot_routes_everything),
        cmocka_unit_test(many_domains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
