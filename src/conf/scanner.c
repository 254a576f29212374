/* The statements that name outside scanners, one each:
 *
 *   clamd        = "clamd"        ( "unix:" PATH [ "descriptor" ] | "tcp://" HOST [ ":" PORT ] ) ;
 *   rspamd       = "rspamd"       ( "unix:" PATH | "http://" HOST [ ":" PORT ] ) ;
 *   spamassassin = "spamassassin" ( "unix:" PATH | "tcp://" HOST [ ":" PORT ] ) [ "user" NAME ] ;
 *
 * Whether anybody is there is found out by the first message. */
#include "conf/parser.h"
#include "conf/server_place.h"

/* Where each listens as it is shipped. */
#define PORT_CLAMD        3310
#define PORT_RSPAMD       11333
#define PORT_SPAMASSASSIN 783

static int take_place(struct parser *p, enum conf_scanner_kind kind, const char *scheme,
                      uint16_t port, const char *what)
{
    struct conf_scanner *c = &p->conf->scanners[kind];
    const struct token name = p->name;
    struct token token;
    struct slice rest;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (slice_prefix(token.text, "unix:", &rest)) {
        r = server_place_socket(p, &token, rest,
                                "unix:PATH with the absolute path of a Unix socket", &c->path);
    } else if (slice_prefix(token.text, scheme, &rest)) {
        r = server_place_parse(p, &token, rest, port, &c->addr, &c->host);
    } else {
        return parser_expected(p, &token, what);
    }
    if (r == 0) {
        c->configured = true;
        c->name = parser_keep(p, arena_printf(&p->whole->arena, SLICE_FMT " " SLICE_FMT,
                                              SLICE_ARG(name.text), SLICE_ARG(token.text)));
    }
    return r;
}

int parse_clamd(struct parser *p)
{
    struct conf_scanner *c = &p->conf->scanners[CONF_CLAMD];
    int r = take_place(p, CONF_CLAMD, "tcp://", PORT_CLAMD, "unix:PATH or tcp://HOST:PORT");

    if (r < 0 || c->path == NULL || parser_peek(p).kind != TOKEN_WORD) {
        return r;
    }
    c->descriptor = true;
    return parser_keyword(p, "descriptor", "\"descriptor\" or the end of the line");
}

int parse_rspamd(struct parser *p)
{
    return take_place(p, CONF_RSPAMD, "http://", PORT_RSPAMD, "unix:PATH or http://HOST:PORT");
}

int parse_spamassassin(struct parser *p)
{
    static const char what[] = "the name of a user";
    struct token token = {0};
    int r = take_place(p, CONF_SPAMASSASSIN, "tcp://", PORT_SPAMASSASSIN,
                       "unix:PATH or tcp://HOST:PORT");

    if (r < 0 || parser_peek(p).kind != TOKEN_WORD) {
        return r;
    }
    r = parser_keyword(p, "user", "\"user\" and a name, or the end of the line");
    r = r < 0 ? r : parser_value(p, what, &token);
    if (r == 0 && !value_is_user(token.text)) {
        r = parser_expected(p, &token, what);
    }
    if (r == 0) {
        p->conf->scanners[CONF_SPAMASSASSIN].user = parser_keep(p, token.text);
    }
    return r;
}
