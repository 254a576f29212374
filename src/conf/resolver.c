/* The statement `resolver`: the servers of the DNS to be asked in place of /etc/resolv.conf's. */
#include "conf/parser.h"

#define PORT_DNS 53

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

int parse_resolver(struct parser *p)
{
    static const char what[] =
        "the address of a DNS server such as 192.0.2.53 or [2001:db8::53]:53";
    struct listen_entry entry = {0};

    do {
        struct token token;
        int r = parser_value(p, what, &token);
        if (r < 0) {
            return r;
        }
        if (!parse_server(token.text, &entry.addr)) {
            return parser_expected(p, &token, what);
        }
        const struct listen_entry *entries = (const void *)p->resolvers.p;
        for (size_t i = 0; i < p->resolvers.n / sizeof(*entries); i++) {
            if (addr_same_host(&entries[i].addr, &entry.addr) &&
                entries[i].addr.port == entry.addr.port) {
                return parser_repeated(p, &token, "address", entries[i].place);
            }
        }
        entry.place = token.place;
        buf_append(&p->resolvers, &entry, sizeof(entry));
    } while (parser_comma(p));
    return 0;
}
