/* The statements about the DNS: `resolver`, who is asked; `dnssec` and `trust_anchor`, whether and
 * from where answers are validated; `root_hints`, where recursion begins. */
#include "conf/parser.h"

#define PORT_DNS 53

static const char *const ways[] = {
    [CONF_RESOLVER_RECURSIVE] = "recursive",
    [CONF_RESOLVER_SYSTEM] = "system",
    [CONF_RESOLVER_NONE] = "none",
};

/* ADDRESS, ADDRESS:PORT, [ADDRESS] or [ADDRESS]:PORT: the port of the DNS where none is given. */
static bool parse_server(struct slice text, struct addr *ret)
{
    bool bracketed = text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';
    struct slice alone = bracketed ? (struct slice){text.p + 1, text.n - 2} : text;

    if (addr_parse(alone, ret) == 0) {
        ret->port = PORT_DNS;
        return !bracketed || ret->family == ADDR_V6;
    }
    return addr_parse_port(text, ret) == 0 && ret->port != 0;
}

/* Takes one of `ways`, which stands alone. True when there was one; *ret is 0 or -EINVAL. */
static bool take_way(struct parser *p, const struct token *token, int *ret)
{
    struct place first = p->whole->statement_places[STATEMENT_RESOLVER];

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (slice_eq(token->text, slice_of(ways[i]))) {
            *ret = p->resolver_word || p->resolvers.n > 0
                       ? parser_fail(p, token->place,
                                     "expected \"%s\" to be all that `resolver` says, found it "
                                     "beside what is in line %u",
                                     ways[i], first.line)
                       : 0;
            p->resolver_word = true;
            p->conf->resolver = (enum conf_resolver)i;
            return true;
        }
    }
    return false;
}

static int take_server(struct parser *p, const struct token *token, const char *what)
{
    struct listen_entry entry = {.place = token->place};

    if (!parse_server(token->text, &entry.addr)) {
        return parser_unknown(p, token, "resolver", ways, sizeof(ways) / sizeof(ways[0]),
                              sizeof(ways[0]), what);
    }
    const struct listen_entry *entries = (const void *)p->resolvers.p;
    for (size_t i = 0; i < p->resolvers.n / sizeof(*entries); i++) {
        if (addr_same_host(&entries[i].addr, &entry.addr) &&
            entries[i].addr.port == entry.addr.port) {
            return parser_repeated(p, token, "address", entries[i].place);
        }
    }
    if (p->resolver_word) {
        return parser_fail(p, token->place, "expected no address beside \"resolver %s\"",
                           ways[p->conf->resolver]);
    }
    buf_append(&p->resolvers, &entry, sizeof(entry));
    return 0;
}

int parse_resolver(struct parser *p)
{
    static const char what[] = "recursive, system, none or the address of a DNS server such as "
                               "192.0.2.53 or [2001:db8::53]:53";

    do {
        struct token token;
        int r = parser_value(p, what, &token);
        if (r < 0) {
            return r;
        }
        if (!take_way(p, &token, &r)) {
            r = take_server(p, &token, what);
        }
        if (r < 0) {
            return r;
        }
    } while (parser_comma(p));
    return 0;
}

int parse_dnssec(struct parser *p)
{
    return parser_switch(p, &p->conf->dnssec);
}

int parse_trust_anchor(struct parser *p)
{
    return parser_path(p, "the absolute path of a file with keys of the root",
                       &p->conf->trust_anchor);
}

int parse_root_hints(struct parser *p)
{
    return parser_path(p, "the absolute path of a file that names the servers of the root",
                       &p->conf->root_hints);
}

static void keep_servers(struct parser *p)
{
    const struct listen_entry *entries = (const void *)p->resolvers.p;
    struct conf *c = p->conf;

    c->resolver_count = p->resolvers.n / sizeof(*entries);
    c->resolvers = arena_alloc(&p->whole->arena, c->resolver_count * sizeof(*c->resolvers));
    for (size_t i = 0; i < c->resolver_count; i++) {
        c->resolvers[i] = entries[i].addr;
    }
    if (c->resolver_count > 0) {
        c->resolver = CONF_RESOLVER_SERVERS;
    }
}

/* Whoever recurses relies on nobody and validates; a server that is asked is trusted to. */
int parser_settle_resolver(struct parser *p)
{
    const struct place *places = p->whole->statement_places;
    struct conf *c = p->conf;

    keep_servers(p);
    if (places[STATEMENT_DNSSEC].line == 0) {
        c->dnssec = c->resolver == CONF_RESOLVER_RECURSIVE;
    } else if (c->dnssec && c->resolver == CONF_RESOLVER_NONE) {
        return parser_fail(p, places[STATEMENT_DNSSEC],
                           "expected no \"dnssec on\" beside \"resolver none\", which asks nobody");
    }
    if (c->trust_anchor != NULL && !c->dnssec) {
        return parser_fail(p, places[STATEMENT_TRUST_ANCHOR],
                           "expected \"dnssec on\" beside `trust_anchor`, found that nothing is "
                           "validated");
    }
    if (c->root_hints != NULL && c->resolver != CONF_RESOLVER_RECURSIVE) {
        return parser_fail(
            p, places[STATEMENT_ROOT_HINTS],
            "expected \"resolver recursive\" beside `root_hints`, found that the root "
            "is not asked");
    }
    if (c->dnssec && c->trust_anchor == NULL) {
        c->trust_anchor = parser_keep(p, SLICE_LIT(CONF_TRUST_ANCHOR));
    }
    return 0;
}
