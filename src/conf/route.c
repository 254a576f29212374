/* The statement `route`: domains, the next hops that take their mail, and what is said about each
 * hop. A hop that several routes name with the same way to talk to it is one struct conf_hop, and a
 * route that several statements name is one struct conf_route, so that recipients of both share a
 * transaction.
 *
 *   route  = "route" DOMAIN { "," DOMAIN } "to" ( MAILDIR | hop { "," hop } ) ;
 *   hop    = HOP { option } ;
 *   option = "weight" NUMBER | "standby" | "tls" MODE | "name" NAME | "ca" FILE |
 *            "tls_minimum" VERSION | "xclient" ;
 *
 * Each option at most once, in any order; what they mean together is judged when all of a hop are
 * read. */
#include <errno.h>

#include "conf/parser.h"

#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))

#define PORT_SMTP     25
#define PORT_LMTP     24 /* of "any private mail system", which is where LMTP lives by custom */
#define WHAT_HOP      "smtp://HOST, lmtp://HOST, lmtp:PATH or maildir:FOLDER"
#define WHAT_HOST     "a host name, an IPv4 address or a bracketed IPv6 address"
#define WHAT_HOP_ENDS "an option of the next hop, a comma or the end of the line"

enum option {
    OPTION_CA,
    OPTION_NAME,
    OPTION_STANDBY,
    OPTION_TLS,
    OPTION_TLS_MINIMUM,
    OPTION_WEIGHT,
    OPTION_XCLIENT,
    OPTION_COUNT
};

/* What is being read behind "to". */
struct route_read {
    struct conf_route route;
    struct buf hops;   /* struct conf_route_hop */
    struct buf places; /* struct place, of each */
    bool asked;        /* no route for mail: servers that are asked about recipients */
};

/* One hop of it. */
struct hop_read {
    struct conf_hop hop;
    struct conf_route_hop use;
    struct token token;                 /* HOP */
    struct token options[OPTION_COUNT]; /* as found, line 0 for none */
    struct token tls;                   /* the word behind "tls" */
};

static bool has_option(const struct hop_read *h, enum option option)
{
    return h->options[option].place.line != 0;
}

static char *keep_lower(struct parser *p, struct slice text)
{
    char *kept = parser_keep(p, text);

    for (size_t i = 0; i < text.n; i++) {
        if (kept[i] >= 'A' && kept[i] <= 'Z') {
            kept[i] = (char)(kept[i] | 0x20);
        }
    }
    return kept;
}

/* ---- where a hop is ---- */

/* Takes HOST[:PORT] apart: the host with its brackets, and the port, empty when there is none. */
static void split_port(struct slice text, struct slice *ret_host, struct slice *ret_port,
                       bool *ret_has_port)
{
    const char *end = text.p + text.n;
    const char *from = text.n > 0 && text.p[0] == '[' ? memchr(text.p, ']', text.n) : text.p;
    const char *colon = from != NULL && from < end ? memchr(from, ':', (size_t)(end - from)) : NULL;
    /* Several colons and no brackets: an IPv6 address, and all of it is the host. */
    if (colon == NULL || (text.p[0] != '[' && memrchr(text.p, ':', text.n) != colon)) {
        colon = end;
    }
    *ret_has_port = colon < end;
    *ret_host = (struct slice){text.p, (size_t)(colon - text.p)};
    *ret_port =
        colon < end ? (struct slice){colon + 1, (size_t)(end - colon - 1)} : (struct slice){end, 0};
}

static bool parse_port(struct slice text, uint16_t *ret)
{
    int64_t value;

    if (text.n > 5 || value_parse(VALUE_COUNT, text, &value) < 0 || value < 1 ||
        value > UINT16_MAX) {
        return false;
    }
    *ret = (uint16_t)value;
    return true;
}

/* The host: an address, or else its name. */
static bool parse_host(struct parser *p, struct slice text, struct conf_hop *hop)
{
    bool bracketed = text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';
    struct slice alone = bracketed ? (struct slice){text.p + 1, text.n - 2} : text;
    bool has_colon = alone.n > 0 && memchr(alone.p, ':', alone.n) != NULL;

    if (bracketed == has_colon && addr_parse(alone, &hop->addr) == 0) {
        return true;
    }
    if (!value_is_host(text)) {
        return false;
    }
    hop->addr = (struct addr){0};
    hop->host = keep_lower(p, text);
    return true;
}

/* HOST[:PORT] */
static int parse_server(struct parser *p, struct hop_read *h, struct slice text, uint16_t port)
{
    struct slice host, port_text;
    bool has_port;

    split_port(text, &host, &port_text, &has_port);
    if (!parse_host(p, host, &h->hop)) {
        return parser_expected(p, &h->token, WHAT_HOST " behind \"//\"");
    }
    if (has_port && !parse_port(port_text, &port)) {
        return parser_expected(p, &h->token, "a port from 1 to 65535 behind the host");
    }
    if (h->hop.kind == CONF_HOP_LMTP && port == PORT_SMTP) {
        return parser_expected(p, &h->token,
                               "a port other than 25, which RFC 2033 forbids for LMTP");
    }
    h->hop.addr.port = port;
    return 0;
}

static int parse_smtp(struct parser *p, struct hop_read *h, struct slice text)
{
    h->hop.kind = CONF_HOP_SMTP;
    return parse_server(p, h, text, PORT_SMTP);
}

static int parse_lmtp(struct parser *p, struct hop_read *h, struct slice text)
{
    h->hop.kind = CONF_HOP_LMTP;
    return parse_server(p, h, text, PORT_LMTP);
}

/* The path of lmtp:PATH */
static int parse_socket(struct parser *p, struct hop_read *h, struct slice text)
{
    h->hop.kind = CONF_HOP_LMTP;
    if (!value_is_path(text)) {
        return parser_expected(p, &h->token, "lmtp:PATH with the absolute path of a Unix socket");
    }
    if (text.n >= CONF_UNIX_PATH_MAX) {
        return parser_expected(p, &h->token,
                               "the path of a Unix socket, which has at most 107 octets");
    }
    h->hop.path = parser_keep(p, text);
    h->hop.tls = CONF_HOP_TLS_NONE;
    return 0;
}

/* ---- options ---- */

static int take_ca(struct parser *p, struct hop_read *h)
{
    static const char what[] = "the absolute path of a file of certificates";
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (!value_is_path(token.text)) {
        return parser_expected(p, &token, what);
    }
    h->hop.tls_ca = parser_keep(p, token.text);
    return 0;
}

static int take_name(struct parser *p, struct hop_read *h)
{
    static const char what[] = "the host name in the next hop's certificate";
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (!value_is_host(token.text)) {
        return parser_expected(p, &token, what);
    }
    h->hop.tls_name = keep_lower(p, token.text);
    return 0;
}

static int take_standby(struct parser *p, struct hop_read *h)
{
    (void)p;
    h->use.standby = true;
    return 0;
}

static int take_tls(struct parser *p, struct hop_read *h)
{
    static const char what[] = "opportunistic, verified or none";
    static const char *const names[] = {
        [CONF_HOP_TLS_OPPORTUNISTIC] = "opportunistic",
        [CONF_HOP_TLS_VERIFIED] = "verified",
        [CONF_HOP_TLS_NONE] = "none",
    };
    int r = parser_value(p, what, &h->tls);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < COUNT(names); i++) {
        if (slice_eq(h->tls.text, slice_of(names[i]))) {
            h->hop.tls = (enum conf_hop_tls)i;
            return 0;
        }
    }
    return parser_unknown(p, &h->tls, "use of TLS", names, COUNT(names), sizeof(names[0]), what);
}

static int take_tls_minimum(struct parser *p, struct hop_read *h)
{
    static const char what[] = "1.2 or 1.3";
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    h->hop.only_tls13 = slice_eq(token.text, SLICE_LIT("1.3"));
    return h->hop.only_tls13 || slice_eq(token.text, SLICE_LIT("1.2"))
               ? 0
               : parser_expected(p, &token, what);
}

static int take_weight(struct parser *p, struct hop_read *h)
{
    static const char what[] = "a weight from 1 to 1000";
    struct token token;
    int64_t value;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    if (value_parse(VALUE_COUNT, token.text, &value) < 0 || value < 1 || value > CONF_WEIGHT_MAX) {
        return parser_expected(p, &token, what);
    }
    h->use.weight = (unsigned)value;
    return 0;
}

static int take_xclient(struct parser *p, struct hop_read *h)
{
    (void)p;
    h->hop.xclient = true;
    return 0;
}

static const struct {
    const char *name;
    int (*take)(struct parser *p, struct hop_read *h);
} options[OPTION_COUNT] = {
    [OPTION_CA] = {"ca", take_ca},
    [OPTION_NAME] = {"name", take_name},
    [OPTION_STANDBY] = {"standby", take_standby},
    [OPTION_TLS] = {"tls", take_tls},
    [OPTION_TLS_MINIMUM] = {"tls_minimum", take_tls_minimum},
    [OPTION_WEIGHT] = {"weight", take_weight},
    [OPTION_XCLIENT] = {"xclient", take_xclient},
};

static int take_option(struct parser *p, struct hop_read *h)
{
    struct token token = parser_peek(p);
    size_t i = 0;

    if (token.kind != TOKEN_WORD) {
        return parser_expected(p, &token, WHAT_HOP_ENDS);
    }
    while (i < OPTION_COUNT && !slice_eq(token.text, slice_of(options[i].name))) {
        i++;
    }
    if (i == OPTION_COUNT) {
        return parser_unknown(p, &token, "option", &options[0].name, OPTION_COUNT,
                              sizeof(options[0]),
                              "ca, name, standby, tls, tls_minimum, weight or xclient");
    }
    if (has_option(h, (enum option)i)) {
        return parser_repeated(p, &token, "option of a next hop", h->options[i].place);
    }
    h->options[i] = parser_take(p);
    return options[i].take(p, h);
}

static bool at_hop_end(struct parser *p, const struct route_read *route)
{
    struct token next = parser_peek(p);

    return next.kind == TOKEN_COMMA || next.kind == TOKEN_NEWLINE || next.kind == TOKEN_END ||
           (route->asked && next.kind == TOKEN_WORD && slice_eq(next.text, SLICE_LIT("else")));
}

/* What the options mean together, and what holds without them. */
static int settle_options(struct parser *p, struct hop_read *h)
{
    struct conf_hop *hop = &h->hop;
    struct token next = parser_peek(p);

    if (hop->path != NULL && hop->tls != CONF_HOP_TLS_NONE) {
        return parser_expected(p, &h->tls, "\"none\", as a Unix socket has no TLS");
    }
    if (has_option(h, OPTION_NAME) && hop->tls == CONF_HOP_TLS_NONE) {
        return parser_expected(p, &h->options[OPTION_NAME],
                               "no \"name\" of a certificate for a next hop without TLS");
    }
    if (has_option(h, OPTION_TLS_MINIMUM) && hop->tls == CONF_HOP_TLS_NONE) {
        return parser_expected(p, &h->options[OPTION_TLS_MINIMUM],
                               "no \"tls_minimum\" for a next hop without TLS");
    }
    if (has_option(h, OPTION_CA) && hop->tls != CONF_HOP_TLS_VERIFIED) {
        return parser_expected(p, &h->options[OPTION_CA],
                               "no \"ca\" for a next hop without \"tls verified\"");
    }
    if (hop->tls == CONF_HOP_TLS_NONE) {
        return 0;
    }
    if (hop->tls_name == NULL) {
        hop->tls_name = hop->host;
    }
    if (hop->tls == CONF_HOP_TLS_VERIFIED && hop->tls_name == NULL) {
        return parser_expected(
            p, &next, "\"name\" and the host name in the certificate, as an address has none");
    }
    return 0;
}

/* ---- hops ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The same server? */
static bool same_place(const struct conf_hop *a, const struct conf_hop *b)
{
    return a->kind == b->kind && addr_same_host(&a->addr, &b->addr) &&
           a->addr.port == b->addr.port && same_text(a->host, b->host) &&
           same_text(a->path, b->path);
}

/* And the same way to talk to it? */
static bool same_hop(const struct conf_hop *a, const struct conf_hop *b)
{
    return same_place(a, b) && a->tls == b->tls && same_text(a->tls_name, b->tls_name) &&
           same_text(a->tls_ca, b->tls_ca) && a->only_tls13 == b->only_tls13 &&
           a->xclient == b->xclient;
}

static const struct conf_hop *keep_hop(struct parser *p, const struct hop_read *h)
{
    struct conf_hop **earlier = (void *)p->hops.p;
    size_t count = p->hops.n / sizeof(*earlier);

    for (size_t i = 0; i < count; i++) {
        if (same_hop(earlier[i], &h->hop)) {
            return earlier[i];
        }
    }
    struct conf_hop *kept = arena_alloc(&p->whole->arena, sizeof(*kept));
    *kept = h->hop;
    kept->name = parser_keep(p, h->token.text);
    kept->tls_place = h->options[has_option(h, OPTION_CA) ? OPTION_CA : OPTION_TLS].place;
    kept->index = count;
    buf_append(&p->hops, &kept, sizeof(kept));
    return kept;
}

static int take_maildir(struct parser *p, struct route_read *r, const struct token *token,
                        struct slice folder)
{
    if (r->asked) {
        return parser_expected(p, token, "a server; a Maildir knows its recipients anyhow");
    }
    if (r->hops.n > 0) {
        return parser_expected(p, token, "no Maildir beside other next hops");
    }
    if (!value_is_path(folder)) {
        return parser_expected(p, token, "maildir:FOLDER with an absolute path");
    }
    if (!value_is_template(folder)) {
        return parser_expected(
            p, token, "no \"%\" in the folder but for %{rcpt.local_part} and %{rcpt.domain}");
    }
    struct token next = parser_peek(p);
    if (next.kind != TOKEN_NEWLINE && next.kind != TOKEN_END) {
        return parser_expected(p, &next,
                               "the end of the line, as a Maildir stands alone and has no options");
    }
    r->route.kind = CONF_ROUTE_MAILDIR;
    r->route.folder = parser_keep(p, folder);
    r->route.name = parser_keep(p, token->text);
    return 0;
}

/* Takes the word of a hop: 0 with its kind and place in *h. */
static int take_place(struct parser *p, struct hop_read *h)
{
    static const struct {
        const char *prefix;
        int (*parse)(struct parser *p, struct hop_read *h, struct slice text);
    } kinds[] = {{"smtp://", parse_smtp}, {"lmtp://", parse_lmtp}, {"lmtp:", parse_socket}};
    struct slice rest;

    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (slice_prefix(h->token.text, kinds[i].prefix, &rest)) {
            return kinds[i].parse(p, h, rest);
        }
    }
    return parser_expected(p, &h->token, WHAT_HOP);
}

/* Does the hop go with those before it? */
static int check_hop(struct parser *p, const struct route_read *r, const struct hop_read *h)
{
    const struct conf_route_hop *hops = (const void *)r->hops.p;
    const struct place *places = (const void *)r->places.p;
    size_t count = r->hops.n / sizeof(*hops);

    if (count > 0 && hops[0].hop->kind != h->hop.kind) {
        return parser_expected(p, &h->token,
                               h->hop.kind == CONF_HOP_SMTP
                                   ? "a next hop that speaks LMTP, as the first of the route does"
                                   : "a next hop that speaks SMTP, as the first of the route does");
    }
    if (count == CONF_ROUTE_HOPS_MAX) {
        return parser_expected(p, &h->token, "at most 64 next hops in a route");
    }
    for (size_t i = 0; i < count; i++) {
        if (same_place(hops[i].hop, &h->hop)) {
            return parser_repeated(p, &h->token, "next hop of a route", places[i]);
        }
    }
    return 0;
}

/* HOP { option }; *ret_standby becomes the word "standby", if there was one. */
static int take_hop(struct parser *p, struct route_read *route, struct token *ret_standby)
{
    struct hop_read h = {.use = {.weight = 1}};
    struct slice folder;
    int r = parser_value(p, WHAT_HOP, &h.token);

    if (r < 0) {
        return r;
    }
    if (slice_prefix(h.token.text, "maildir:", &folder)) {
        return take_maildir(p, route, &h.token, folder);
    }
    r = take_place(p, &h);
    if (r == 0) {
        r = check_hop(p, route, &h);
    }
    while (r == 0 && !at_hop_end(p, route)) {
        r = take_option(p, &h);
    }
    if (r == 0) {
        r = settle_options(p, &h);
    }
    if (r < 0) {
        return r;
    }
    h.use.hop = keep_hop(p, &h);
    buf_append(&route->hops, &h.use, sizeof(h.use));
    buf_append(&route->places, &h.token.place, sizeof(h.token.place));
    *ret_standby = h.options[OPTION_STANDBY];
    return 0;
}

/* ---- routes ---- */

static bool uses_hop(const struct conf_route *route, const struct conf_route_hop *use)
{
    for (size_t i = 0; i < route->hop_count; i++) {
        const struct conf_route_hop *other = &route->hops[i];
        if (other->hop == use->hop) {
            return other->weight == use->weight && other->standby == use->standby;
        }
    }
    return false;
}

/* The same hops with the same options, in whatever order. */
static bool same_route(const struct conf_route *a, const struct conf_route *b)
{
    if (a->kind != b->kind || a->hop_count != b->hop_count || !same_text(a->folder, b->folder)) {
        return false;
    }
    for (size_t i = 0; i < a->hop_count; i++) {
        if (!uses_hop(b, &a->hops[i])) {
            return false;
        }
    }
    return true;
}

static struct conf_route *keep_route(struct parser *p, const struct conf_route *route)
{
    struct conf_route **earlier = (void *)p->routes.p;
    size_t count = p->routes.n / sizeof(*earlier);

    for (size_t i = 0; i < count; i++) {
        if (same_route(earlier[i], route)) {
            return earlier[i];
        }
    }
    struct conf_route *kept = arena_alloc(&p->whole->arena, sizeof(*kept));
    *kept = *route;
    kept->index = count;
    buf_append(&p->routes, &kept, sizeof(kept));
    return kept;
}

/* Makes the hops read so far the route's. */
static void settle_hops(struct parser *p, struct route_read *r)
{
    struct conf_route *route = &r->route;
    struct buf name = {0};

    route->hops = (void *)parser_keep(p, buf_slice(&r->hops));
    route->hop_count = r->hops.n / sizeof(*route->hops);
    route->kind = route->hops[0].hop->kind == CONF_HOP_SMTP ? CONF_ROUTE_SMTP : CONF_ROUTE_LMTP;
    for (size_t i = 0; i < route->hop_count; i++) {
        buf_printf(&name, "%s%s", i > 0 ? ", " : "", route->hops[i].hop->name);
    }
    route->name = parser_keep(p, buf_slice(&name));
    buf_free(&name);
}

/* What stands behind "to": a Maildir, or hops with commas between. */
static int take_hops(struct parser *p, struct route_read *route)
{
    bool serves = false;
    struct token standby;

    do {
        int r = take_hop(p, route, &standby);
        if (r < 0) {
            return r;
        }
        serves |= standby.place.line == 0;
    } while (route->hops.n > 0 && parser_comma(p));
    if (route->hops.n == 0) {
        return 0;
    }
    if (!serves) {
        return parser_expected(p, &standby, "a next hop in the route that is no standby");
    }
    settle_hops(p, route);
    return 0;
}

static int take_domain(struct parser *p, struct buf *ret)
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
    entry.domain.pattern = (struct slice){keep_lower(p, token.text), token.text.n};
    entry.place = token.place;
    buf_append(ret, &entry, sizeof(entry));
    return 0;
}

int parser_domains(struct parser *p, struct buf *ret)
{
    int r;

    do {
        r = take_domain(p, ret);
    } while (r == 0 && parser_comma(p));
    return r;
}

/* The hops that stand here as a route. */
static int take_route(struct parser *p, bool asked, struct conf_route **ret)
{
    struct route_read route = {.asked = asked};
    int r = take_hops(p, &route);

    if (r == 0) {
        *ret = keep_route(p, &route.route);
    }
    buf_free(&route.hops);
    buf_free(&route.places);
    return r;
}

int parser_servers(struct parser *p, const struct conf_route **ret)
{
    struct conf_route *route = NULL;
    int r = take_route(p, true, &route);

    if (r == 0) {
        *ret = route;
    }
    return r;
}

int parse_route(struct parser *p)
{
    size_t first = p->domains.n / sizeof(struct domain_entry);
    struct conf_route *route = NULL;
    int r = parser_domains(p, &p->domains);

    if (r < 0) {
        return r;
    }
    r = parser_keyword(p, "to", "a comma or \"to\" and the next hop");
    r = r < 0 ? r : take_route(p, false, &route);
    if (r < 0) {
        return r;
    }
    route->takes_mail = true;
    struct domain_entry *entries = (void *)p->domains.p;
    for (size_t i = first; i < p->domains.n / sizeof(*entries); i++) {
        entries[i].domain.route = route;
    }
    return 0;
}
