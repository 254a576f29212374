/* See next_hop.h. */
#include "conf/next_hop.h"

#include "conf/server_place.h"

#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))

#define PORT_SMTP     25
#define PORT_LMTP     24 /* of "any private mail system", which is where LMTP lives by custom */
#define WHAT_HOP_ENDS "an option of the next hop, a comma or the end of the line"

static bool has_option(const struct next_hop *h, enum next_hop_option option)
{
    return h->options[option].place.line != 0;
}

/* ---- where a hop is ---- */

/* HOST[:PORT] */
static int parse_server(struct parser *p, struct next_hop *h, struct slice text, uint16_t port)
{
    int r = server_place_parse(p, &h->token, text, port, &h->hop.addr, &h->hop.host);

    if (r == 0 && h->hop.kind == CONF_HOP_LMTP && h->hop.addr.port == PORT_SMTP) {
        return parser_expected(p, &h->token,
                               "a port other than 25, which RFC 2033 forbids for LMTP");
    }
    return r;
}

static int parse_smtp(struct parser *p, struct next_hop *h, struct slice text)
{
    h->hop.kind = CONF_HOP_SMTP;
    return parse_server(p, h, text, PORT_SMTP);
}

static int parse_lmtp(struct parser *p, struct next_hop *h, struct slice text)
{
    h->hop.kind = CONF_HOP_LMTP;
    return parse_server(p, h, text, PORT_LMTP);
}

/* The path of lmtp:PATH */
static int parse_socket(struct parser *p, struct next_hop *h, struct slice text)
{
    h->hop.kind = CONF_HOP_LMTP;
    int r = server_place_socket(p, &h->token, text,
                                "lmtp:PATH with the absolute path of a Unix socket", &h->hop.path);

    h->hop.tls = CONF_HOP_TLS_NONE;
    return r;
}

int next_hop_place(struct parser *p, struct next_hop *h)
{
    static const struct {
        const char *prefix;
        int (*parse)(struct parser *p, struct next_hop *h, struct slice text);
    } kinds[] = {{"smtp://", parse_smtp}, {"lmtp://", parse_lmtp}, {"lmtp:", parse_socket}};
    struct slice rest;

    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (slice_prefix(h->token.text, kinds[i].prefix, &rest)) {
            return kinds[i].parse(p, h, rest);
        }
    }
    return parser_expected(p, &h->token, NEXT_HOP_WHAT);
}

/* ---- options ---- */

static int take_ca(struct parser *p, struct next_hop *h)
{
    return parser_path(p, "the absolute path of a file of certificates", &h->hop.tls_ca);
}

/* Octets that a local part has without quotes (RFC 5321 4.1.2). */
static bool is_atext(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static int take_junk_detail(struct parser *p, struct next_hop *h)
{
    static const char what[] = "a delimiter and a folder, such as +Junk";
    struct token token;
    int r = parser_value(p, what, &token);

    if (r < 0) {
        return r;
    }
    const struct slice text = token.text;
    bool good = text.n >= 2 && text.n <= CONF_JUNK_MOST && strchr("+-=_#", text.p[0]) != NULL;
    for (size_t i = 0; i < text.n; i++) {
        good = good && is_atext(text.p[i]);
    }
    if (!good) {
        return parser_expected(p, &token, what);
    }
    h->hop.junk_detail = parser_keep(p, text);
    return 0;
}

static int take_name(struct parser *p, struct next_hop *h)
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
    h->hop.tls_name = parser_keep_lower(p, token.text);
    return 0;
}

static int take_standby(struct parser *p, struct next_hop *h)
{
    (void)p;
    h->use.standby = true;
    return 0;
}

static int take_tls(struct parser *p, struct next_hop *h)
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

static int take_tls_minimum(struct parser *p, struct next_hop *h)
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

static int take_weight(struct parser *p, struct next_hop *h)
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

static int take_xclient(struct parser *p, struct next_hop *h)
{
    (void)p;
    h->hop.xclient = true;
    return 0;
}

static const struct {
    const char *name;
    int (*take)(struct parser *p, struct next_hop *h);
} options[OPTION_COUNT] = {
    [OPTION_CA] = {"ca", take_ca},
    [OPTION_JUNK_DETAIL] = {"junk_detail", take_junk_detail},
    [OPTION_NAME] = {"name", take_name},
    [OPTION_STANDBY] = {"standby", take_standby},
    [OPTION_TLS] = {"tls", take_tls},
    [OPTION_TLS_MINIMUM] = {"tls_minimum", take_tls_minimum},
    [OPTION_WEIGHT] = {"weight", take_weight},
    [OPTION_XCLIENT] = {"xclient", take_xclient},
};

int next_hop_option(struct parser *p, struct next_hop *h)
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
        return parser_unknown(
            p, &token, "option", &options[0].name, OPTION_COUNT, sizeof(options[0]),
            "ca, junk_detail, name, standby, tls, tls_minimum, weight or xclient");
    }
    if (has_option(h, (enum next_hop_option)i)) {
        return parser_repeated(p, &token, "option of a next hop", h->options[i].place);
    }
    h->options[i] = parser_take(p);
    return options[i].take(p, h);
}

int next_hop_settle(struct parser *p, struct next_hop *h)
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
    if (has_option(h, OPTION_JUNK_DETAIL) && hop->kind != CONF_HOP_LMTP) {
        return parser_expected(p, &h->options[OPTION_JUNK_DETAIL],
                               "no \"junk_detail\" for a next hop that speaks SMTP");
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

/* ---- which are the same ---- */

bool next_hop_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool next_hop_same_place(const struct conf_hop *a, const struct conf_hop *b)
{
    return a->kind == b->kind && addr_same_host(&a->addr, &b->addr) &&
           a->addr.port == b->addr.port && next_hop_same_text(a->host, b->host) &&
           next_hop_same_text(a->path, b->path);
}

/* The same server, and the same way to talk to it? */
static bool same_hop(const struct conf_hop *a, const struct conf_hop *b)
{
    return next_hop_same_place(a, b) && a->tls == b->tls &&
           next_hop_same_text(a->tls_name, b->tls_name) &&
           next_hop_same_text(a->tls_ca, b->tls_ca) && a->only_tls13 == b->only_tls13 &&
           a->xclient == b->xclient && next_hop_same_text(a->junk_detail, b->junk_detail);
}

const struct conf_hop *next_hop_keep(struct parser *p, const struct next_hop *h)
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
