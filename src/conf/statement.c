/* The statements of the configuration: one function each, which reads what follows the name. What
 * can only be judged when all is read is in conf.c, routes in route.c, what src/policy reads
 * in block.c. */
#include <errno.h>
#include <sys/un.h>

#include "conf/parser.h"
#include "conf/source.h"

static int take_host(struct parser *p, const char *what, char **ret)
{
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (!value_is_host(token.text)) {
        return parser_expected(p, &token, what);
    }
    *ret = parser_keep(p, token.text);
    return 0;
}

/* authentication_results on|off */
static int parse_authentication_results(struct parser *p)
{
    return parser_switch(p, &p->conf->authentication_results);
}

/* authserv_id NAME */
static int parse_authserv_id(struct parser *p)
{
    return take_host(p, "a name such as example.org", &p->conf->authserv_id);
}

/* control PATH */
static int parse_control(struct parser *p)
{
    static const char what[] = "the absolute path of a socket, at most 107 octets long";
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (!value_is_path(token.text) || token.text.n >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        return parser_expected(p, &token, what);
    }
    p->conf->control = parser_keep(p, token.text);
    return 0;
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
    return take_host(p, "a host name such as mx1.example.org", &p->conf->hostname);
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

/* journal FILE|off */
static int parse_journal(struct parser *p)
{
    static const char what[] = "off or the absolute path of a file";
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (slice_eq(token.text, SLICE_LIT("off"))) {
        p->whole->journal_off = true;
        return 0;
    }
    if (!value_is_path(token.text) || token.text.p[token.text.n - 1] == '/') {
        return parser_expected(p, &token, what);
    }
    p->conf->journal = parser_keep(p, token.text);
    return 0;
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

/* log stderr|journald */
static int parse_log(struct parser *p)
{
    static const char what[] = "stderr or journald";
    static const char *const names[] = {
        [CONF_LOG_STDERR] = "stderr",
        [CONF_LOG_JOURNALD] = "journald",
    };
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    for (size_t i = CONF_LOG_STDERR; i <= CONF_LOG_JOURNALD; i++) {
        if (slice_eq(token.text, slice_of(names[i]))) {
            p->conf->log = (enum conf_log)i;
            return 0;
        }
    }
    return parser_unknown(p, &token, "destination", &names[CONF_LOG_STDERR], 2, sizeof(names[0]),
                          what);
}

/* received_spf on|off */
static int parse_received_spf(struct parser *p)
{
    return parser_switch(p, &p->conf->received_spf);
}

/* spool FOLDER */
static int parse_spool(struct parser *p)
{
    return parser_path(p, "the absolute path of a folder", &p->conf->spool);
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
    if (!slice_prefix(token.text, "lmdb:", &folder) || !value_is_path(folder)) {
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
    r = parser_path(p, "the absolute path of the certificate's file", &p->conf->tls_cert);
    if (r < 0) {
        return r;
    }
    r = parser_keyword(p, "key", "\"key\" and the private key's file");
    if (r < 0) {
        return r;
    }
    return parser_path(p, "the absolute path of the private key's file", &p->conf->tls_key);
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

static int take_processes(struct parser *p, const struct token *token, const char *what,
                          unsigned *ret)
{
    int64_t value;

    if (value_parse(VALUE_COUNT, token->text, &value) < 0 || value > CONF_WORKERS_MAX) {
        return parser_expected(p, token, what);
    }
    *ret = (unsigned)value;
    return 0;
}

/* inspectors N | off */
static int parse_inspectors(struct parser *p)
{
    static const char what[] = "off or a number of inspectors from 0 to 256";
    struct token token;
    int r = parser_value(p, what, &token);

    if (r == 0 && slice_eq(token.text, SLICE_LIT("off"))) {
        p->whole->inspectors_off = true;
        return 0;
    }
    return r < 0 ? r : take_processes(p, &token, what, &p->conf->inspectors);
}

/* workers N */
static int parse_workers(struct parser *p)
{
    static const char what[] = "a number of workers from 0 to 256";
    struct token token;
    int r = parser_value(p, what, &token);

    return r < 0 ? r : take_processes(p, &token, what, &p->conf->workers);
}

static const char *const mark_words[CONF_MARK_COUNT] = {
    [CONF_MARK_FLAG] = "flag",
    [CONF_MARK_SCORE] = "score",
    [CONF_MARK_STATUS] = "status",
};

static const char *const mark_names[CONF_MARK_COUNT] = {
    [CONF_MARK_FLAG] = "X-Spam-Flag",
    [CONF_MARK_SCORE] = "X-Spam-Score",
    [CONF_MARK_STATUS] = "X-Spam-Status",
};

/* A field that is nobody's: it begins with X-, and has letters, digits and hyphens. */
static bool is_mark_name(struct slice s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    bool good = s.n > 2 && s.n <= 60 && (s.p[0] == 'X' || s.p[0] == 'x') && s.p[1] == '-';

    for (size_t i = 0; i < s.n; i++) {
        good = good && memchr(letters, s.p[i], sizeof(letters) - 1) != NULL;
    }
    return good;
}

static bool is_mark_taken(const struct conf *c, struct slice name)
{
    for (size_t i = 0; i < CONF_MARK_COUNT; i++) {
        if (c->marks[i] != NULL && slice_eq_nocase(slice_of(c->marks[i]), name)) {
            return true;
        }
    }
    return false;
}

/* ( "flag" | "score" | "status" ) [ NAME ] */
static int parse_mark(struct parser *p)
{
    static const char what[] = "flag, score or status";
    static const char what_name[] =
        "another field's name such as X-Spam-Score, a comma or the end of "
        "the line";
    struct conf *c = p->conf;
    struct token token;
    size_t i = 0;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    while (i < CONF_MARK_COUNT && !slice_eq(token.text, slice_of(mark_words[i]))) {
        i++;
    }
    if (i == CONF_MARK_COUNT || c->marks[i] != NULL) {
        return parser_expected(p, &token, i < CONF_MARK_COUNT ? "each mark once" : what);
    }
    struct slice name = slice_of(mark_names[i]);
    token = parser_peek(p);
    if (token.kind == TOKEN_WORD || token.kind == TOKEN_STRING) {
        name = parser_take(p).text;
    }
    if (!is_mark_name(name) || is_mark_taken(c, name)) {
        return parser_expected(p, &token, what_name);
    }
    c->marks[i] = parser_keep(p, name);
    return 0;
}

/* marks off; or marks MARK, … */
static int parse_marks(struct parser *p)
{
    struct token token = parser_peek(p);
    int r;

    p->conf->marks[CONF_MARK_FLAG] = NULL; /* what holds without the statement */
    if (token.kind == TOKEN_WORD && slice_eq(token.text, SLICE_LIT("off"))) {
        (void)parser_take(p);
        return 0;
    }
    do {
        r = parse_mark(p);
    } while (r == 0 && parser_comma(p));
    return r;
}

const struct statement statements[STATEMENT_COUNT] = {
    [STATEMENT_AUTHENTICATION_RESULTS] = {"authentication_results", false, false,
                                          parse_authentication_results},
    [STATEMENT_AUTHSERV_ID] = {"authserv_id", false, false, parse_authserv_id},
    [STATEMENT_CLAMD] = {"clamd", false, false, parse_clamd},
    [STATEMENT_CONTROL] = {"control", false, false, parse_control},
    [STATEMENT_DECISIONS] = {"decisions", false, false, parse_decisions},
    [STATEMENT_DNSSEC] = {"dnssec", false, false, parse_dnssec},
    [STATEMENT_HOSTNAME] = {"hostname", false, true, parse_hostname},
    [STATEMENT_INCLUDE] = {"include", true, false, parse_include},
    [STATEMENT_INSPECTORS] = {"inspectors", false, false, parse_inspectors},
    [STATEMENT_JOURNAL] = {"journal", false, false, parse_journal},
    [STATEMENT_LIMIT] = {"limit", true, false, parse_limit},
    [STATEMENT_LISTEN] = {"listen", true, true, parse_listen},
    [STATEMENT_LOG] = {"log", false, false, parse_log},
    [STATEMENT_MARKS] = {"marks", false, false, parse_marks},
    [STATEMENT_POLICY] = {"policy", true, false, parse_policy},
    [STATEMENT_PROXY] = {"proxy", true, false, parse_proxy},
    [STATEMENT_RECEIVED_SPF] = {"received_spf", false, false, parse_received_spf},
    [STATEMENT_RECIPIENTS] = {"recipients", true, false, parse_recipients},
    [STATEMENT_RESOLVER] = {"resolver", true, false, parse_resolver},
    [STATEMENT_ROOT_HINTS] = {"root_hints", false, false, parse_root_hints},
    [STATEMENT_ROUTE] = {"route", true, true, parse_route},
    [STATEMENT_RSPAMD] = {"rspamd", false, false, parse_rspamd},
    [STATEMENT_SET] = {"set", true, false, parse_set},
    [STATEMENT_SPAMASSASSIN] = {"spamassassin", false, false, parse_spamassassin},
    [STATEMENT_SPOOL] = {"spool", false, false, parse_spool},
    [STATEMENT_STATE] = {"state", false, false, parse_state},
    [STATEMENT_TABLE] = {"table", true, false, parse_table},
    [STATEMENT_TLS] = {"tls", false, false, parse_tls},
    [STATEMENT_TRUST_ANCHOR] = {"trust_anchor", false, false, parse_trust_anchor},
    [STATEMENT_USER] = {"user", false, false, parse_user},
    [STATEMENT_WORKERS] = {"workers", false, false, parse_workers},
};
