/* See client/unbound_context.h. */
#include "client/unbound_context.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <unbound-event.h>
#include <unbound.h>

#include "client/resolver_impl.h"
#include "parse/hosts_file.h"
#include "parse/zone_file.h"

/* ---- whom it asks ---- */

static int add_server(struct ub_ctx *ub, const struct addr *server)
{
    char address[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX + 8];
    (void)snprintf(text, sizeof(text), "%s@%u", addr_format(server, address),
                   server->port != 0 ? server->port : 53u);
    return ub_ctx_set_fwd(ub, text) == 0 ? 0 : -EINVAL;
}

/* The servers that a resolv.conf names; ones that are not understood (as those with a zone) are
 * told of and left out. Returns how many. */
static size_t add_listed(struct ub_ctx *ub, const char *file, resolver_tell *tell, void *arg)
{
    struct buf text = {0};
    struct slice word;
    struct addr server;
    size_t count = 0;
    int error = resolver_read_file(file, &text);
    if (error < 0) {
        resolver_tell_about(tell, arg, file, strerror(-error));
    }
    struct slice rest = buf_slice(&text);
    while (resolv_conf_next_server(&rest, &word)) {
        if (addr_parse(word, &server) == 0 && add_server(ub, &server) == 0) {
            count++;
        } else {
            char what[128];
            (void)snprintf(what, sizeof(what), "nameserver " SLICE_FMT " is not used",
                           (int)(word.n < 64 ? word.n : 64), word.p);
            resolver_tell_about(tell, arg, file, what);
        }
    }
    buf_free(&text);
    return count;
}

/* The servers that do the work for us; none where we recurse. */
static int choose_servers(struct ub_ctx *ub, const struct resolver_setup *s, resolver_tell *tell,
                          void *arg)
{
    static const struct addr local = {.family = ADDR_V4, .octets = {127, 0, 0, 1}};
    int r = 0;
    for (size_t i = 0; s->way == CONF_RESOLVER_SERVERS && r == 0 && i < s->server_count; i++) {
        r = add_server(ub, &s->servers[i]);
    }
    if (s->way != CONF_RESOLVER_SYSTEM) {
        return r;
    }
    if (s->resolv_conf != NULL && add_listed(ub, s->resolv_conf, tell, arg) > 0) {
        return 0;
    }
    if (s->resolv_conf != NULL) {
        resolver_tell_about(tell, arg, s->resolv_conf,
                            "names no server; the one at 127.0.0.1 is asked");
    }
    return add_server(ub, &local);
}

/* ---- how ---- */

static int set_option(struct ub_ctx *ub, const char *name, const char *value)
{
    return ub_ctx_set_option(ub, name, value) == 0 ? 0 : -ENOTSUP;
}

/* What differs from libunbound's own standard, and why. */
static int set_options(struct ub_ctx *ub)
{
    static const char *const options[][2] = {
        {"infra-host-ttl:", "60"},      /* a server that was down is asked again soon */
        {"infra-keep-probing:", "yes"}, /* also while it is */
        {"cache-max-negative-ttl:", "300"}, {"num-queries-per-thread:", "1024"},
        {"aggressive-nsec:", "no"},  /* the probe's question is to go out; see resolver_probe.c */
        {"rrset-cache-size:", "4m"}, /* delegations and keys, of which answers are made */
        {"msg-cache-size:", "2m"},          {"key-cache-size:", "1m"},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(options) / sizeof(options[0]); i++) {
        r = set_option(ub, options[i][0], options[i][1]);
    }
    (void)ub_ctx_debugout(ub, NULL); /* it would write to standard error */
    return r;
}

/* Questions on their way at a time, by UDP and TCP; further ones wait. It would be 16 and 10. */
static int set_sockets(struct ub_ctx *ub, unsigned all)
{
    char udp[16], tcp[16];
    all = all == 0 ? 256 : all < 16 ? 16 : all;
    (void)snprintf(udp, sizeof(udp), "%u", all - all / 8);
    (void)snprintf(tcp, sizeof(tcp), "%u", all / 8);
    int r = set_option(ub, "outgoing-range:", udp);
    return r < 0 ? r : set_option(ub, "outgoing-num-tcp:", tcp);
}

/* A server of one's own, or a root of one's own, may be on this host, and may know names and
 * addresses of which the world's servers can know nothing. */
static bool has_own_world(const struct resolver_setup *s)
{
    return s->way != CONF_RESOLVER_RECURSIVE || s->root_hints != NULL;
}

static int open_own_world(struct ub_ctx *ub)
{
    int r = set_option(ub, "do-not-query-localhost:", "no");
    return r < 0 ? r : set_option(ub, "unblock-lan-zones:", "yes");
}

/* The rest of what has an answer of libunbound's own (RFC 6303, 6761, 8375) though a server of
 * one's own may know it. No option can be set after this. */
static int remove_zones(struct ub_ctx *ub)
{
    static const char *const zones[] = {"test.", "home.arpa.", "127.in-addr.arpa."};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(zones) / sizeof(zones[0]); i++) {
        r = ub_ctx_zone_remove(ub, zones[i]);
    }
    return r == 0 ? 0 : -EINVAL;
}

static void on_first(void *arg, int rcode, void *packet, int n, int security, char *why_bogus,
                     int was_ratelimited)
{
    (void)packet;
    (void)n;
    (void)security;
    (void)why_bogus;
    (void)was_ratelimited;
    *(bool *)arg = rcode == DNS_NOERROR;
}

/* libunbound reads its files with the first question; this one it answers itself, at once. */
static int begin_asking(struct ub_ctx *ub)
{
    bool answered = false;
    int r = ub_resolve_event(ub, "localhost.", DNS_A, UNBOUND_CLASS_IN, &answered, on_first, NULL);
    return r == 0 && answered ? 0 : -EINVAL;
}

/* Makes it ready; no file is read after this. */
static int configure(struct ub_ctx *ub, const struct resolver_setup *s, resolver_tell *tell,
                     void *arg)
{
    int r = set_options(ub);
    r = r < 0 ? r : set_sockets(ub, s->sockets);
    r = r == 0 && has_own_world(s) ? open_own_world(ub) : r;
    r = r == 0 && s->root_hints != NULL ? set_option(ub, "root-hints:", s->root_hints) : r;
    if (r == 0 && s->trust_anchor != NULL && ub_ctx_add_ta_file(ub, s->trust_anchor) != 0) {
        r = -EINVAL;
    }
    r = r < 0 ? r : choose_servers(ub, s, tell, arg);
    r = r == 0 && has_own_world(s) ? remove_zones(ub) : r;
    return r < 0 ? r : begin_asking(ub);
}

int unbound_context_new(struct event_base *base, const struct resolver_setup *setup,
                        resolver_tell *tell, void *arg, struct ub_ctx **ret)
{
    struct ub_ctx *ub = ub_ctx_create_event(base);
    if (ub == NULL) {
        return errno == ENOMEM ? -ENOMEM : -ENOTSUP;
    }
    int error = configure(ub, setup, tell, arg);
    if (error < 0) {
        ub_ctx_delete(ub);
        return error;
    }
    *ret = ub;
    return 0;
}

/* ---- files about the root ---- */

static void tell_nobody(void *arg, const char *line)
{
    (void)arg;
    (void)line;
}

/* Does libunbound take this? */
static bool is_taken(const struct resolver_setup *s)
{
    struct event_base *base = event_base_new();
    struct ub_ctx *ub = NULL;
    if (base != NULL && unbound_context_new(base, s, tell_nobody, NULL, &ub) == 0) {
        ub_ctx_delete(ub);
    }
    if (base != NULL) {
        event_base_free(base);
    }
    return ub != NULL;
}

/* libunbound takes a file without any key, and then validates nothing. */
static bool has_key(const char *file)
{
    struct buf text = {0};
    struct hosts_line line;
    struct slice word;
    bool found = false;
    (void)resolver_read_file(file, &text);
    struct slice rest = buf_slice(&text);
    while (!found && hosts_next_line(&rest, &line)) {
        while (line.word.p[0] != ';' && hosts_next_word(&line.names, &word)) {
            found = found || slice_eq_nocase(word, SLICE_LIT("DNSKEY")) ||
                    slice_eq_nocase(word, SLICE_LIT("DS"));
        }
    }
    buf_free(&text);
    return found;
}

/* It takes a file of nonsense as well, and then asks nobody. Good is one that names a server of the
 * root, and an address. */
static bool has_hints(const char *file)
{
    struct buf text = {0};
    struct zone_reader reader;
    struct zone_entry entry;
    struct zone_problem problem;
    struct arena arena;
    bool server = false, address = false;
    arena_init(&arena);
    (void)resolver_read_file(file, &text);
    zone_reader_init(&reader, buf_slice(&text));
    int r = zone_reader_next(&reader, &arena, &entry, &problem);
    for (; r == 1; r = zone_reader_next(&reader, &arena, &entry, &problem)) {
        server =
            server || (entry.kind == ZONE_RECORD && entry.type == DNS_NS && entry.owner.n == 1);
        address = address ||
                  (entry.kind == ZONE_RECORD && (entry.type == DNS_A || entry.type == DNS_AAAA));
    }
    arena_free(&arena);
    buf_free(&text);
    return r == 0 && server && address;
}

int resolver_check(const struct resolver_setup *s, const char **ret_culprit, const char **ret_why)
{
    struct resolver_setup hints = {.way = CONF_RESOLVER_RECURSIVE, .root_hints = s->root_hints};
    struct resolver_setup anchor = {.way = CONF_RESOLVER_RECURSIVE,
                                    .trust_anchor = s->trust_anchor};
    if (s->root_hints != NULL && (!has_hints(s->root_hints) || !is_taken(&hints))) {
        *ret_culprit = s->root_hints;
        *ret_why = "it names no server of the root with an address";
        return -EINVAL;
    }
    if (s->trust_anchor != NULL && (!has_key(s->trust_anchor) || !is_taken(&anchor))) {
        *ret_culprit = s->trust_anchor;
        *ret_why = "it holds no key (DNSKEY or DS records)";
        return -EINVAL;
    }
    return 0;
}
