/* The statements of the configuration: one function each, which reads what follows the name. What
 * can only be judged when all is read is in conf.c, what src/policy reads in block.c. */
#include <errno.h>

#include "conf/network.h"
#include "conf/parser.h"
#include "conf/source.h"

#define PORT_STANDARD 25

static int take_path(struct parser *p, const char *what, char **ret)
{
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (!value_is_path(token.text)) {
        return parser_expected(p, &token, what);
    }
    *ret = parser_keep(p, token.text);
    return 0;
}

/* Whether `text` begins with `prefix`; then *ret_rest is what follows. */
static bool has_prefix(struct slice text, const char *prefix, struct slice *ret_rest)
{
    size_t n = strlen(prefix);

    if (text.n < n || memcmp(text.p, prefix, n) != 0) {
        return false;
    }
    *ret_rest = (struct slice){text.p + n, text.n - n};
    return true;
}

/* decisions stdout|journald|FILE */
static int parse_decisions(struct parser *p)
{
    static const char what[] = "stdout, journald or the absolute path of a file";
    static const char *const names[] = {
        [CONF_DECISIONS_STDOUT] = "stdout",
        [CONF_DECISIONS_JOURNALD] = "journald",
    };
    const size_t count = sizeof(names) / sizeof(names[0]);
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(token.text, slice_of(names[i]))) {
            p->conf->decisions = (enum conf_decisions)i;
            return 0;
        }
    }
    if (!value_is_path(token.text)) {
        return parser_unknown(p, &token, "destination", names, count, sizeof(names[0]), what);
    }
    p->conf->decisions = CONF_DECISIONS_FILE;
    p->conf->decisions_file = parser_keep(p, token.text);
    return 0;
}

/* hostname NAME */
static int parse_hostname(struct parser *p)
{
    static const char what[] = "a host name such as mx1.example.org";
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (!value_is_host(token.text)) {
        return parser_expected(p, &token, what);
    }
    p->conf->hostname = parser_keep(p, token.text);
    return 0;
}

/* include PATH: the statements of that file, as if they stood here. */
static int parse_include(struct parser *p)
{
    static const char what[] = "the path of a file";
    const struct source *source = NULL;
    struct token path;
    int r = parser_value(p, what, &path);

    if (r < 0) {
        return r;
    }
    if (path.text.n == 0) {
        return parser_expected(p, &path, what);
    }
    r = parser_end(p);
    if (r < 0) {
        return r;
    }
    r = conf_read_source(p->conf, path.place, path.text, &source);
    if (r < 0) {
        return source_fail(p, &path, r);
    }
    struct lexer lexer = p->lexer;
    struct token end = p->token;
    p->has_token = false;
    lexer_init(&p->lexer, source, &p->whole->arena);
    r = parser_statements(p);
    p->lexer = lexer;
    p->token = end;
    p->has_token = true;
    return r;
}

static int take_limit_value(struct parser *p, const struct setting *s)
{
    static const char *const whats[] = {
        [VALUE_COUNT] = "a number",
        [VALUE_SIZE] = "a number of octets, K, M or G behind it if need be",
        [VALUE_TIME] = "a number with us, ms, s, m, h or d behind it",
    };
    struct token token;
    int64_t value;
    int r = parser_value(p, whats[s->kind], &token);

    if (r < 0) {
        return r;
    }
    r = value_parse(s->kind, token.text, &value);
    if (r == -EINVAL) {
        return parser_expected(p, &token, whats[s->kind]);
    }
    if (r < 0 || value < s->min || value > s->max) {
        char min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX];
        struct slice what =
            arena_printf(&p->whole->arena, "%s from %s to %s", s->name,
                         value_format(s->kind, s->min, min), value_format(s->kind, s->max, max));
        return parser_expected(p, &token, what.p);
    }
    *setting_value(s, &p->conf->limits) = value;
    return 0;
}

/* limit NAME VALUE */
static int parse_limit(struct parser *p)
{
    struct token name = parser_peek(p);

    if (name.kind != TOKEN_WORD) {
        return parser_expected(p, &name, "the name of a limit");
    }
    const struct setting *s = setting_find(name.text);
    if (s == NULL) {
        return parser_unknown(p, &name, "limit", &settings[0].name, SETTING_COUNT,
                              sizeof(settings[0]), "one of those in gatepost.conf(5)");
    }
    struct place *place = &p->limit_place[s - settings];
    if (place->line != 0) {
        return parser_repeated(p, &name, "limit", *place);
    }
    *place = name.place;
    if (s == &settings[SETTING_INDEX_message_memory] ||
        s == &settings[SETTING_INDEX_spool_memory]) {
        p->memory_place = name.place;
    }
    (void)parser_take(p);
    return take_limit_value(p, s);
}

static int take_listen(struct parser *p)
{
    static const char what[] = "an address and port such as 0.0.0.0:25 or [::]:25";
    struct listen_entry entry;
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (addr_parse(token.text, &entry.addr) == 0) {
        return parser_expected(p, &token, "a port behind the address, as in 0.0.0.0:25 or [::]:25");
    }
    if (addr_parse_port(token.text, &entry.addr) < 0 || entry.addr.port == 0) {
        return parser_expected(p, &token, what);
    }
    const struct listen_entry *entries = (const void *)p->listens.p;
    for (size_t i = 0; i < p->listens.n / sizeof(*entries); i++) {
        if (addr_same_host(&entries[i].addr, &entry.addr) &&
            entries[i].addr.port == entry.addr.port) {
            return parser_repeated(p, &token, "address", entries[i].place);
        }
    }
    entry.place = token.place;
    buf_append(&p->listens, &entry, sizeof(entry));
    return 0;
}

/* listen ADDRESS:PORT[, ADDRESS:PORT…] */
static int parse_listen(struct parser *p)
{
    do {
        int r = take_listen(p);
        if (r < 0) {
            return r;
        }
    } while (parser_comma(p));
    return 0;
}

/* The error of a network in which an address was written, or a prefix too short. */
static int has_host_bits(struct parser *p, const struct token *token, struct conf_network base)
{
    char text[NETWORK_TEXT_MAX];
    struct slice what = arena_printf(&p->whole->arena, "%s, which is the network without host bits",
                                     network_format(&base, text));

    return parser_expected(p, token, what.p);
}

static int take_proxy(struct parser *p)
{
    static const char what[] = "an address or network such as 192.0.2.1 or 2001:db8::/32";
    struct proxy_entry entry;
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (network_parse(token.text, &entry.network) < 0) {
        return parser_expected(p, &token, what);
    }
    struct conf_network base = network_base(&entry.network);
    if (!addr_same_host(&base.addr, &entry.network.addr)) {
        return has_host_bits(p, &token, base);
    }
    const struct proxy_entry *entries = (const void *)p->proxies.p;
    for (size_t i = 0; i < p->proxies.n / sizeof(*entries); i++) {
        if (addr_same_host(&entries[i].network.addr, &entry.network.addr) &&
            entries[i].network.bits == entry.network.bits) {
            return parser_repeated(p, &token, "network", entries[i].place);
        }
    }
    entry.place = token.place;
    buf_append(&p->proxies, &entry, sizeof(entry));
    return 0;
}

/* proxy NETWORK[, NETWORK…] */
static int parse_proxy(struct parser *p)
{
    do {
        int r = take_proxy(p);
        if (r < 0) {
            return r;
        }
    } while (parser_comma(p));
    return 0;
}

/* Why `text`, behind smtp://, is no address. */
static const char *smtp_hop_wanted(struct slice text)
{
    const char *colon = text.n > 0 ? memrchr(text.p, ':', text.n) : NULL;
    struct slice host = {text.p, colon != NULL ? (size_t)(colon - text.p) : text.n};

    if (value_is_host(host)) {
        return "the next hop's IP address (host names are not looked up yet)";
    }
    return "smtp://ADDRESS:PORT with an IPv4 address or a bracketed IPv6 address";
}

/* ADDRESS[:PORT] of smtp://ADDRESS[:PORT] */
static int parse_smtp_hop(struct parser *p, const struct token *token, struct slice text,
                          struct conf_route *route)
{
    bool bracketed = text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';
    struct slice alone = bracketed ? (struct slice){text.p + 1, text.n - 2} : text;
    bool has_colon = alone.n > 0 && memchr(alone.p, ':', alone.n) != NULL;
    struct addr hop;

    if (bracketed == has_colon && addr_parse(alone, &hop) == 0) {
        hop.port = PORT_STANDARD;
    } else if (addr_parse_port(text, &hop) < 0 || hop.port == 0) {
        return parser_expected(p, token, smtp_hop_wanted(text));
    }
    route->kind = CONF_ROUTE_SMTP;
    route->hop = hop;
    return 0;
}

/* FOLDER of maildir:FOLDER */
static int parse_maildir_hop(struct parser *p, const struct token *token, struct slice text,
                             struct conf_route *route)
{
    if (!value_is_path(text)) {
        return parser_expected(p, token, "maildir:FOLDER with an absolute path");
    }
    if (!value_is_template(text)) {
        return parser_expected(
            p, token, "no \"%\" in the folder but for %{rcpt.local_part} and %{rcpt.domain}");
    }
    route->kind = CONF_ROUTE_MAILDIR;
    route->folder = parser_keep(p, text);
    return 0;
}

static bool same_hop(const struct conf_route *a, const struct conf_route *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind == CONF_ROUTE_MAILDIR) {
        return strcmp(a->folder, b->folder) == 0;
    }
    return addr_same_host(&a->hop, &b->hop) && a->hop.port == b->hop.port;
}

/* The hop behind "to". One that an earlier statement named is the same route, so that recipients of
 * both share a transaction. */
static int take_hop(struct parser *p, const struct conf_route **ret)
{
    static const char what[] = "smtp://ADDRESS:PORT or maildir:FOLDER";
    static const struct {
        const char *prefix;
        int (*parse)(struct parser *p, const struct token *token, struct slice text,
                     struct conf_route *route);
    } kinds[] = {{"smtp://", parse_smtp_hop}, {"maildir:", parse_maildir_hop}};
    struct conf_route route = {0};
    struct token token;
    struct slice rest;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    size_t kind = 0;
    while (kind < sizeof(kinds) / sizeof(kinds[0]) &&
           !has_prefix(token.text, kinds[kind].prefix, &rest)) {
        kind++;
    }
    if (kind == sizeof(kinds) / sizeof(kinds[0])) {
        return parser_expected(p, &token, what);
    }
    r = kinds[kind].parse(p, &token, rest, &route);
    if (r < 0) {
        return r;
    }
    struct conf_route **earlier = (void *)p->routes.p;
    for (size_t i = 0; i < p->routes.n / sizeof(*earlier); i++) {
        if (same_hop(earlier[i], &route)) {
            *ret = earlier[i];
            return 0;
        }
    }
    route.name = parser_keep(p, token.text);
    struct conf_route *kept = arena_alloc(&p->whole->arena, sizeof(*kept));
    *kept = route;
    buf_append(&p->routes, &kept, sizeof(kept));
    *ret = kept;
    return 0;
}

static int take_domain(struct parser *p)
{
    static const char what[] = "a domain such as example.org, .example.org for its subdomains, "
                               "or . for all";
    struct domain_entry entry = {0};
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    struct slice name = token.text;
    if (name.n > 0 && name.p[0] == '.') {
        name = (struct slice){name.p + 1, name.n - 1};
    }
    bool everything = name.n == 0 && token.text.n == 1;
    if (!everything && !value_is_domain(name)) {
        return parser_expected(p, &token, what);
    }
    char *pattern = parser_keep(p, token.text);
    for (size_t i = 0; i < token.text.n; i++) {
        if (pattern[i] >= 'A' && pattern[i] <= 'Z') {
            pattern[i] = (char)(pattern[i] | 0x20);
        }
    }
    entry.domain.pattern = (struct slice){pattern, token.text.n};
    entry.place = token.place;
    buf_append(&p->domains, &entry, sizeof(entry));
    return 0;
}

/* route DOMAIN[, DOMAIN…] to HOP */
static int parse_route(struct parser *p)
{
    size_t first = p->domains.n / sizeof(struct domain_entry);
    const struct conf_route *route = NULL;
    int r;

    do {
        r = take_domain(p);
        if (r < 0) {
            return r;
        }
    } while (parser_comma(p));
    r = parser_keyword(p, "to", "a comma or \"to\" and the next hop");
    if (r < 0) {
        return r;
    }
    r = take_hop(p, &route);
    if (r < 0) {
        return r;
    }
    struct domain_entry *entries = (void *)p->domains.p;
    for (size_t i = first; i < p->domains.n / sizeof(*entries); i++) {
        entries[i].domain.route = route;
    }
    return 0;
}

/* spool FOLDER */
static int parse_spool(struct parser *p)
{
    return take_path(p, "the absolute path of a folder", &p->conf->spool);
}

/* state lmdb:FOLDER */
static int parse_state(struct parser *p)
{
    static const char what[] = "lmdb:FOLDER with an absolute path";
    struct token token;
    struct slice folder;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (!has_prefix(token.text, "lmdb:", &folder) || !value_is_path(folder)) {
        return parser_expected(p, &token, what);
    }
    p->conf->state = parser_keep(p, folder);
    return 0;
}

/* tls cert FILE key FILE */
static int parse_tls(struct parser *p)
{
    int r = parser_keyword(p, "cert", "\"cert\" and the certificate's file");

    if (r < 0) {
        return r;
    }
    r = take_path(p, "the absolute path of the certificate's file", &p->conf->tls_cert);
    if (r < 0) {
        return r;
    }
    r = parser_keyword(p, "key", "\"key\" and the private key's file");
    if (r < 0) {
        return r;
    }
    return take_path(p, "the absolute path of the private key's file", &p->conf->tls_key);
}

/* user NAME */
static int parse_user(struct parser *p)
{
    static const char what[] = "the name of a user";
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (!value_is_user(token.text)) {
        return parser_expected(p, &token, what);
    }
    p->conf->user = parser_keep(p, token.text);
    return 0;
}

/* workers N */
static int parse_workers(struct parser *p)
{
    static const char what[] = "a number of workers from 0 to 256";
    struct token token;
    int64_t value;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (value_parse(VALUE_COUNT, token.text, &value) < 0 || value > CONF_WORKERS_MAX) {
        return parser_expected(p, &token, what);
    }
    p->conf->workers = (unsigned)value;
    return 0;
}

const struct statement statements[STATEMENT_COUNT] = {
    [STATEMENT_DECISIONS] = {"decisions", false, false, parse_decisions},
    [STATEMENT_HOSTNAME] = {"hostname", false, true, parse_hostname},
    [STATEMENT_INCLUDE] = {"include", true, false, parse_include},
    [STATEMENT_LIMIT] = {"limit", true, false, parse_limit},
    [STATEMENT_LISTEN] = {"listen", true, true, parse_listen},
    [STATEMENT_POLICY] = {"policy", true, false, parse_policy},
    [STATEMENT_PROXY] = {"proxy", true, false, parse_proxy},
    [STATEMENT_ROUTE] = {"route", true, true, parse_route},
    [STATEMENT_SET] = {"set", true, false, parse_set},
    [STATEMENT_SPOOL] = {"spool", false, false, parse_spool},
    [STATEMENT_STATE] = {"state", false, false, parse_state},
    [STATEMENT_TABLE] = {"table", true, false, parse_table},
    [STATEMENT_TLS] = {"tls", false, false, parse_tls},
    [STATEMENT_USER] = {"user", false, false, parse_user},
    [STATEMENT_WORKERS] = {"workers", false, false, parse_workers},
};
