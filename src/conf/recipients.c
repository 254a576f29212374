/* The statement `recipients`: who knows the recipients of some domains, beside their next hop.
 *
 *   recipients = "recipients" DOMAIN { "," DOMAIN } "from" source ;
 *   source     = "file" PATH [ "delimiter" CHARACTERS ]
 *              | "sqlite" PATH QUERY
 *              | hop { "," hop } [ "else" ( "accept" | "defer" ) ] ;
 *
 * Whether the file or the query is any good is asked later (route/recipients.h). */
#include "conf/parser.h"

#define WHAT_SOURCE "file PATH, sqlite PATH \"QUERY\", smtp://HOST or lmtp://HOST"
/* More than anybody's MTA has. */
#define DELIMITERS_MAX 8

/* Takes the word `keyword` if it is next. */
static bool take_keyword(struct parser *p, const char *keyword)
{
    struct token next = parser_peek(p);

    if (next.kind != TOKEN_WORD || !slice_eq(next.text, slice_of(keyword))) {
        return false;
    }
    (void)parser_take(p);
    return true;
}

static bool are_delimiters(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c <= ' ' || c >= 0x7f || c == '@' || memchr(text.p, c, i) != NULL) {
            return false;
        }
    }
    return text.n > 0 && text.n <= DELIMITERS_MAX;
}

static int take_file(struct parser *p, struct conf_recipients *c)
{
    static const char what[] = "at most 8 different characters such as +";
    struct token token;
    c->path_place = parser_peek(p).place;
    int r = parser_path(p, "the absolute path of a file", &c->path);

    c->kind = CONF_RECIPIENTS_FILE;
    c->delimiters = parser_keep(p, SLICE_LIT(""));
    if (r < 0 || !take_keyword(p, "delimiter")) {
        return r;
    }
    r = parser_value(p, what, &token);
    if (r < 0) {
        return r;
    }
    if (!are_delimiters(token.text)) {
        return parser_expected(p, &token, what);
    }
    c->delimiters = parser_keep(p, token.text);
    return 0;
}

static int take_sqlite(struct parser *p, struct conf_recipients *c)
{
    static const char what[] = "a query such as \"SELECT 1 FROM users WHERE address = :address\"";
    struct token token;
    c->path_place = parser_peek(p).place;
    int r = parser_path(p, "the absolute path of a database", &c->path);

    c->kind = CONF_RECIPIENTS_SQLITE;
    if (r < 0) {
        return r;
    }
    r = parser_value(p, what, &token);
    if (r < 0) {
        return r;
    }
    if (token.text.n == 0 || memchr(token.text.p, '\0', token.text.n) != NULL) {
        return parser_expected(p, &token, what);
    }
    c->query = parser_keep(p, token.text);
    c->query_place = token.place;
    return 0;
}

static int take_servers(struct parser *p, struct conf_recipients *c)
{
    static const char what[] = "accept or defer";
    struct token token;
    int r = parser_servers(p, &c->server);

    c->kind = CONF_RECIPIENTS_SERVER;
    if (r < 0 || !take_keyword(p, "else")) {
        return r;
    }
    r = parser_value(p, what, &token);
    if (r < 0) {
        return r;
    }
    c->otherwise_accept = slice_eq(token.text, SLICE_LIT("accept"));
    if (!c->otherwise_accept && !slice_eq(token.text, SLICE_LIT("defer"))) {
        return parser_expected(p, &token, what);
    }
    return 0;
}

static int take_source(struct parser *p, struct conf_recipients *c)
{
    struct token kind = parser_peek(p);
    const char *name = NULL;
    int r;

    if (kind.kind != TOKEN_WORD && kind.kind != TOKEN_STRING) {
        return parser_expected(p, &kind, WHAT_SOURCE);
    }
    if (take_keyword(p, "file")) {
        r = take_file(p, c);
        name = c->path;
    } else if (take_keyword(p, "sqlite")) {
        r = take_sqlite(p, c);
        name = c->path;
    } else if (memchr(kind.text.p, ':', kind.text.n) == NULL) {
        return parser_expected(p, &kind, WHAT_SOURCE);
    } else {
        r = take_servers(p, c);
        name = r == 0 ? c->server->name : NULL;
    }
    if (r == 0) {
        const char *what = c->kind == CONF_RECIPIENTS_FILE     ? "file "
                           : c->kind == CONF_RECIPIENTS_SQLITE ? "sqlite "
                                                               : "";
        c->name = parser_keep(p, arena_printf(&p->whole->arena, "%s%s", what, name));
    }
    return r;
}

int parse_recipients(struct parser *p)
{
    size_t first = p->recipient_domains.n / sizeof(struct domain_entry);
    struct conf_recipients *c = arena_zalloc(&p->whole->arena, sizeof(*c));
    int r = parser_domains(p, &p->recipient_domains);

    r = r < 0 ? r : parser_keyword(p, "from", "a comma or \"from\" and who knows the recipients");
    r = r < 0 ? r : take_source(p, c);
    if (r < 0) {
        return r;
    }
    c->index = p->recipients.n / sizeof(c);
    buf_append(&p->recipients, &c, sizeof(c));
    struct domain_entry *entries = (void *)p->recipient_domains.p;
    for (size_t i = first; i < p->recipient_domains.n / sizeof(*entries); i++) {
        entries[i].domain.recipients = c;
    }
    return 0;
}
