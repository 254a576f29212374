/* The statement `route`: domains, and the next hops that take their mail, each read by next_hop.c.
 * A route that several statements name is one struct conf_route, so that recipients of both share a
 * transaction.
 *
 *   route  = "route" DOMAIN { "," DOMAIN } "to" ( MAILDIR [ "junk_folder" NAME ] | hop { "," hop }
 * ) ;
 */
#include <errno.h>

#include "conf/next_hop.h"
#include "conf/parser.h"

/* What is being read behind "to". */
struct route_read {
    struct conf_route route;
    struct buf hops;   /* struct conf_route_hop */
    struct buf places; /* struct place, of each */
    bool asked;        /* no route for mail: servers that are asked about recipients */
};

/* ---- hops ---- */

static bool at_hop_end(struct parser *p, const struct route_read *route)
{
    struct token next = parser_peek(p);

    return next.kind == TOKEN_COMMA || next.kind == TOKEN_NEWLINE || next.kind == TOKEN_END ||
           (route->asked && next.kind == TOKEN_WORD && slice_eq(next.text, SLICE_LIT("else")));
}

/* The name of a Maildir++ folder: its encoding of other characters begins with "&", and a dot parts
 * folders within each other. */
static bool is_folder_name(struct slice s)
{
    bool good = s.n > 0 && s.n <= CONF_JUNK_MOST && s.p[0] != '.' && s.p[s.n - 1] != '.';

    for (size_t i = 0; i < s.n; i++) {
        good = good && s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '/' && s.p[i] != '&' &&
               (s.p[i] != '.' || s.p[i - 1] != '.');
    }
    return good;
}

/* Behind a Maildir: the end, or where junk goes. */
static int take_junk_folder(struct parser *p, struct route_read *r)
{
    static const char what[] = "the name of a folder such as Junk";
    struct token next = parser_peek(p);
    struct slice name = SLICE_LIT("Junk");

    if (next.kind == TOKEN_WORD && slice_eq(next.text, SLICE_LIT("junk_folder"))) {
        (void)parser_take(p);
        int rc = parser_value(p, what, &next);
        if (rc < 0) {
            return rc;
        }
        if (!is_folder_name(next.text)) {
            return parser_expected(p, &next, what);
        }
        name = next.text;
        next = parser_peek(p);
    }
    r->route.junk_folder = parser_keep(p, name);
    return next.kind == TOKEN_NEWLINE || next.kind == TOKEN_END
               ? 0
               : parser_expected(
                     p, &next, "\"junk_folder\" or the end of the line, as a Maildir stands alone");
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
    int rc = take_junk_folder(p, r);
    if (rc < 0) {
        return rc;
    }
    r->route.kind = CONF_ROUTE_MAILDIR;
    r->route.folder = parser_keep(p, folder);
    r->route.name = parser_keep(p, token->text);
    return 0;
}

/* Does the hop go with those before it? */
static int check_hop(struct parser *p, const struct route_read *r, const struct next_hop *h)
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
        if (next_hop_same_place(hops[i].hop, &h->hop)) {
            return parser_repeated(p, &h->token, "next hop of a route", places[i]);
        }
    }
    return 0;
}

/* HOP { option }; *ret_standby becomes the word "standby", if there was one. */
static int take_hop(struct parser *p, struct route_read *route, struct token *ret_standby)
{
    struct next_hop h = {.use = {.weight = 1}};
    struct slice folder;
    int r = parser_value(p, NEXT_HOP_WHAT, &h.token);

    if (r < 0) {
        return r;
    }
    if (slice_prefix(h.token.text, "maildir:", &folder)) {
        return take_maildir(p, route, &h.token, folder);
    }
    r = next_hop_place(p, &h);
    if (r == 0) {
        r = check_hop(p, route, &h);
    }
    while (r == 0 && !at_hop_end(p, route)) {
        r = next_hop_option(p, &h);
    }
    if (r == 0) {
        r = next_hop_settle(p, &h);
    }
    if (r < 0) {
        return r;
    }
    h.use.hop = next_hop_keep(p, &h);
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
    if (a->kind != b->kind || a->hop_count != b->hop_count ||
        !next_hop_same_text(a->folder, b->folder) ||
        !next_hop_same_text(a->junk_folder, b->junk_folder)) {
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
    struct token standby = {0};

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
    entry.domain.pattern = (struct slice){parser_keep_lower(p, token.text), token.text.n};
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
    if (r < 0 || route == NULL) {
        return r;
    }
    route->takes_mail = true;
    struct domain_entry *entries = (void *)p->domains.p;
    for (size_t i = first; i < p->domains.n / sizeof(*entries); i++) {
        entries[i].domain.route = route;
    }
    return 0;
}
