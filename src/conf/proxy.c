/* The statement `proxy`, and whether an address is one. Networks either hold one another or lie
 * apart: of those that lie apart, in the order of their addresses, only the last that does not
 * begin behind an address can hold it.
 *
 *   proxy = "proxy" NETWORK { "," NETWORK } ;
 */
#include <stdlib.h>

#include "conf/network.h"
#include "conf/parser.h"

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
    int r = parser_value(p, what, &entry.token);

    if (r < 0) {
        return r;
    }
    if (network_parse(entry.token.text, &entry.network) < 0) {
        return parser_expected(p, &entry.token, what);
    }
    struct conf_network base = network_base(&entry.network);
    if (!addr_same_host(&base.addr, &entry.network.addr)) {
        return has_host_bits(p, &entry.token, base);
    }
    buf_append(&p->proxies, &entry, sizeof(entry));
    return 0;
}

int parse_proxy(struct parser *p)
{
    do {
        int r = take_proxy(p);
        if (r < 0) {
            return r;
        }
    } while (parser_comma(p));
    return 0;
}

/* For qsort: equal ones in the order of the file. */
static int compare_entries(const void *a, const void *b)
{
    const struct proxy_entry *x = *(const struct proxy_entry *const *)a;
    const struct proxy_entry *y = *(const struct proxy_entry *const *)b;
    int order = network_order(&x->network, &y->network);

    return order != 0 ? order : (x > y) - (x < y);
}

/* The duplicate that stands first in the file is the one reported. */
static int check_once(struct parser *p, const struct proxy_entry *const *sorted, size_t count)
{
    size_t again = 0; /* in `sorted`, behind the first; 0: none */

    for (size_t i = 1; i < count; i++) {
        if (network_order(&sorted[i - 1]->network, &sorted[i]->network) == 0 &&
            (again == 0 || sorted[i] < sorted[again])) {
            again = i;
        }
    }
    return again == 0 ? 0
                      : parser_repeated(p, &sorted[again]->token, "network",
                                        sorted[again - 1]->token.place);
}

int parser_settle_proxies(struct parser *p)
{
    const struct proxy_entry *entries = (const void *)p->proxies.p;
    const size_t count = p->proxies.n / sizeof(*entries);
    struct arena *arena = &p->whole->arena;
    const struct proxy_entry **sorted = arena_alloc(arena, count * sizeof(*sorted));
    struct conf *c = p->conf;

    for (size_t i = 0; i < count; i++) {
        sorted[i] = &entries[i];
    }
    qsort(sorted, count, sizeof(const struct proxy_entry *), compare_entries);
    c->proxies = arena_alloc(arena, count * sizeof(*c->proxies));
    for (size_t i = 0; i < count; i++) {
        const struct conf_network *n = &sorted[i]->network;
        if (c->proxy_count == 0 || !network_has(&c->proxies[c->proxy_count - 1], &n->addr)) {
            c->proxies[c->proxy_count++] = *n;
        }
    }
    return check_once(p, sorted, count);
}

bool conf_is_proxy(const struct conf *c, const struct addr *a)
{
    const struct conf_network alone = {*a, 128}; /* behind each network that begins with it */
    size_t low = 0, high = c->proxy_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (network_order(&c->proxies[middle], &alone) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && network_has(&c->proxies[low - 1], a);
}
