/* Configuration files: refused in one clean line that has a place, or all promises of conf.h hold.
 *
 * The input is the first file, then, with octets 0x1c between them, those that it may include:
 * which one a path names is decided by its last octet. No disk is touched. The blocks of policy
 * language are taken apart in every mode of the lexer. */
#include "fuzz.h"

#include <errno.h>

#include "base/text.h"
#include "conf/conf.h"
#include "conf/network.h"

#define SEPARATOR 0x1c

/* Part `number` of the input; the last one for any greater number. */
static struct slice part_of(struct slice input, unsigned number)
{
    for (;;) {
        const char *end = input.n > 0 ? memchr(input.p, SEPARATOR, input.n) : NULL;
        if (end == NULL) {
            return input;
        }
        size_t n = (size_t)(end - input.p);
        if (number-- == 0) {
            return (struct slice){input.p, n};
        }
        input = (struct slice){end + 1, input.n - n - 1};
    }
}

static int read_part(void *arg, const char *path, struct buf *ret)
{
    const struct slice *input = arg;
    unsigned last = (unsigned char)path[strlen(path) - 1];

    FUZZ_CHECK(path[0] == '/' && ret->n == 0);
    FUZZ_CHECK(text_clean_length(path, strlen(path)) == strlen(path));
    if (last == '!') {
        return -ENOENT;
    }
    buf_append_slice(ret, part_of(*input, last % 4));
    return 0;
}

/* Behind "FILE:LINE:COLUMN: ", where FILE may have any of these octets; NULL when it is not there.
 */
static const char *behind_place(const char *text)
{
    char *end;

    for (const char *p = strchr(text, ':'); p != NULL; p = strchr(p + 1, ':')) {
        if (strtoul(p + 1, &end, 10) >= 1 && *end == ':' && strtoul(end + 1, &end, 10) >= 1 &&
            strncmp(end, ": ", 2) == 0) {
            return end + 2;
        }
    }
    return NULL;
}

/* One clean line, then blanks and a caret not far behind its end. */
static void check_excerpt(const char *text, size_t room)
{
    size_t n = strnlen(text, room);
    const char *feed = memchr(text, '\n', n);

    FUZZ_CHECK(n < room && feed != NULL && feed > text + 3);
    size_t width = (size_t)(feed - text);
    size_t blanks = strspn(feed + 1, " ");
    FUZZ_CHECK(text_clean_length(text, width) == width);
    FUZZ_CHECK(blanks >= 4 && blanks <= width);
    FUZZ_CHECK(strcmp(feed + 1 + blanks, "^\n") == 0);
}

static void check_error(const struct conf_error *error)
{
    size_t n = strnlen(error->text, sizeof(error->text));

    FUZZ_CHECK(n < sizeof(error->text));
    FUZZ_CHECK(text_clean_length(error->text, n) == n);
    const char *cause = behind_place(error->text);
    FUZZ_CHECK(cause && (strstr(cause, "expected") || strstr(cause, "did you mean")));
    check_excerpt(error->excerpt, sizeof(error->excerpt));
}

/* Follows the places of tokens, which never go back. */
struct walk {
    struct slice text; /* of the source */
    const char *line_start;
    unsigned line;
};

static void check_place(struct walk *w, const struct token *t, const char *p)
{
    const char *feed;

    FUZZ_CHECK(p >= w->line_start && p <= w->text.p + w->text.n);
    while (p > w->line_start &&
           (feed = memchr(w->line_start, '\n', (size_t)(p - w->line_start))) != NULL) {
        w->line_start = feed + 1;
        w->line++;
    }
    FUZZ_CHECK(t->place.line == w->line);
    FUZZ_CHECK(t->place.column == (size_t)(p - w->line_start) + 1);
}

/* Takes a block apart; the modes are those of `modes`, over and over again. */
static void walk_block(const struct conf_block *b, const enum lexer_mode *modes, size_t count)
{
    struct walk w = {b->place.source->text, b->place.source->text.p, 1};
    struct arena arena;
    struct lexer l;
    struct token t;
    size_t tokens = 0;

    arena_init(&arena);
    lexer_init_part(&l, b->place.source, b->text, b->place, &arena);
    do {
        l.mode = modes[tokens % count];
        t = lexer_next(&l);
        FUZZ_CHECK(t.place.source == b->place.source);
        FUZZ_CHECK(fuzz_within((struct slice){b->text.p, (size_t)(l.next - b->text.p)}, b->text));
        FUZZ_CHECK(tokens++ <= b->text.n);
        if (t.kind != TOKEN_STRING && t.kind != TOKEN_BAD) {
            FUZZ_CHECK(fuzz_within(t.text, b->text));
            FUZZ_CHECK(t.text.p + t.text.n == l.next);
            check_place(&w, &t, t.text.p);
        }
        if (t.kind == TOKEN_WORD) {
            FUZZ_CHECK(t.text.n > 0 && text_clean_length(t.text.p, t.text.n) == t.text.n);
        }
    } while (t.kind != TOKEN_END && t.kind != TOKEN_BAD);
    arena_free(&arena);
}

static bool has_end(struct slice text, const char *end)
{
    size_t n = strlen(end);

    return text.n >= n && memcmp(text.p + text.n - n, end, n) == 0;
}

static void check_block(const struct conf_block *b)
{
    static const enum lexer_mode modes[] = {LEXER_STATEMENTS, LEXER_EXPRESSIONS, LEXER_ENTRIES,
                                            LEXER_EXPRESSIONS, LEXER_ENTRIES};
    static const char *const names[] = {
        [CONF_BLOCK_TABLE] = "table", [CONF_BLOCK_SET] = "set", [CONF_BLOCK_POLICY] = "policy"};
    size_t n = strlen(names[b->kind]);

    FUZZ_CHECK(fuzz_within(b->text, b->place.source->text));
    FUZZ_CHECK(b->text.n > n && memcmp(b->text.p, names[b->kind], n) == 0);
    FUZZ_CHECK(!strchr(" \t\r\n,", b->text.p[b->text.n - 1]) || b->kind == CONF_BLOCK_SET);
    FUZZ_CHECK(b->kind != CONF_BLOCK_POLICY || has_end(b->text, "}") ||
               has_end(b->text, "standard"));
    for (size_t i = 0; i < 3; i++) {
        walk_block(b, &modes[i], 1);
    }
    walk_block(b, modes, sizeof(modes) / sizeof(modes[0]));
}

static void check_source(const struct source *s)
{
    unsigned deep = 0;

    for (; s->from != NULL; s = s->from) {
        FUZZ_CHECK(s->name[0] == '/' && s->name != s->from->name && deep++ < CONF_SOURCES_DEEP);
    }
    FUZZ_CHECK(strcmp(s->name, "/fuzz.conf") == 0);
}

static void check_limits(const struct conf_limits *limits)
{
#define SETTING(name, kind, standard, min, max, prose)                                             \
    FUZZ_CHECK(limits->name >= (min) && limits->name <= (max));
#include "tbl/settings.h"
#undef SETTING
}

static void check_path(const char *path)
{
    FUZZ_CHECK(path[0] == '/' && text_clean_length(path, strlen(path)) == strlen(path));
}

static void check_domain(const struct conf *c, const struct conf_domain *d)
{
    char below[512];

    FUZZ_CHECK(d->pattern.n > 0 && d->pattern.n < 256 && d->route);
    if (d->pattern.p[0] != '.') {
        FUZZ_CHECK(conf_route_find(c, d->pattern) == d->route);
    } else if (d->pattern.n > 1) {
        /* A subdomain that no other pattern can name: no label may have an underscore. */
        int n = snprintf(below, sizeof(below), "_" SLICE_FMT, SLICE_ARG(d->pattern));
        FUZZ_CHECK(conf_route_find(c, (struct slice){below, (size_t)n}) == d->route);
    } else {
        FUZZ_CHECK(conf_route_find(c, SLICE_LIT("_")) == d->route);
    }
}

static void check_proxies(const struct conf *c)
{
    for (size_t i = 0; i < c->proxy_count; i++) {
        struct conf_network base = network_base(&c->proxies[i]);
        FUZZ_CHECK(addr_same_host(&base.addr, &c->proxies[i].addr));
        FUZZ_CHECK(c->proxies[i].bits <= (base.addr.family == ADDR_V4 ? 32 : 128));
        FUZZ_CHECK(conf_is_proxy(c, &base.addr));
        FUZZ_CHECK(i == 0 || !network_has(&c->proxies[i - 1], &base.addr));
    }
}

static void check_hop(const struct conf *c, size_t i)
{
    const struct conf_hop *hop = c->hops[i];

    FUZZ_CHECK(hop->index == i && hop->name[0]);
    FUZZ_CHECK(!!hop->host + !!hop->path + (hop->addr.family != ADDR_NONE) == 1);
    FUZZ_CHECK(!hop->addr.port == !!hop->path);
    FUZZ_CHECK(hop->kind == CONF_HOP_LMTP || (!hop->path && hop->addr.port));
    FUZZ_CHECK(hop->kind == CONF_HOP_SMTP || hop->addr.port != 25);
    FUZZ_CHECK(hop->tls != CONF_HOP_TLS_NONE || !hop->tls_name);
    FUZZ_CHECK(hop->tls != CONF_HOP_TLS_VERIFIED || hop->tls_name);
    FUZZ_CHECK(hop->tls == CONF_HOP_TLS_VERIFIED || !hop->tls_ca);
    FUZZ_CHECK(hop->tls != CONF_HOP_TLS_NONE || !hop->only_tls13);
    if (hop->tls_ca) {
        check_path(hop->tls_ca);
    }
    if (hop->path) {
        FUZZ_CHECK(hop->tls == CONF_HOP_TLS_NONE && strlen(hop->path) < CONF_UNIX_PATH_MAX);
        check_path(hop->path);
    }
}

static void check_route(const struct conf *c, size_t i)
{
    const struct conf_route *route = c->routes[i];
    bool serves = false;

    FUZZ_CHECK(route->index == i && route->name[0]);
    FUZZ_CHECK((route->kind == CONF_ROUTE_MAILDIR) == !!route->folder);
    FUZZ_CHECK((route->kind == CONF_ROUTE_MAILDIR) == !route->hop_count);
    FUZZ_CHECK(route->hop_count <= CONF_ROUTE_HOPS_MAX);
    for (size_t k = 0; k < route->hop_count; k++) {
        const struct conf_route_hop *use = &route->hops[k];
        FUZZ_CHECK(c->hops[use->hop->index] == use->hop);
        FUZZ_CHECK((use->hop->kind == CONF_HOP_LMTP) == (route->kind == CONF_ROUTE_LMTP));
        FUZZ_CHECK(use->weight >= 1 && use->weight <= CONF_WEIGHT_MAX);
        serves |= !use->standby;
    }
    FUZZ_CHECK(serves || route->folder);
}

static void check_conf(const struct conf *c)
{
    FUZZ_CHECK(c->hostname[0] && c->listen_count > 0 && c->route_count > 0 && c->domain_count > 0);
    FUZZ_CHECK(c->workers >= 1 && c->workers <= CONF_WORKERS_MAX);
    FUZZ_CHECK(!c->tls_cert == !c->tls_key);
    FUZZ_CHECK(!c->decisions_file == (c->decisions != CONF_DECISIONS_FILE));
    check_path(c->state);
    check_path(c->spool);
    if (c->journal != NULL) {
        check_path(c->journal);
    }
    check_limits(&c->limits);
    for (size_t i = 0; i < c->listen_count; i++) {
        FUZZ_CHECK(c->listen[i].family != ADDR_NONE && c->listen[i].port > 0);
        struct place place = conf_place_of_listen(c, i);
        FUZZ_CHECK(place.line >= 1 && place.column >= 1);
        check_source(place.source);
    }
    for (size_t i = 0; i < c->hop_count; i++) {
        check_hop(c, i);
    }
    for (size_t i = 0; i < c->route_count; i++) {
        check_route(c, i);
    }
    for (size_t i = 0; i < c->domain_count; i++) {
        check_domain(c, &c->domains[i]);
    }
    check_proxies(c);
    for (size_t i = 0; i < c->block_count; i++) {
        check_source(c->blocks[i].place.source);
        check_block(&c->blocks[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {fuzz_copy(data, size), size};
    struct slice first = part_of(input, 0);
    struct slice text = {fuzz_copy(first.p, first.n), first.n};
    const struct conf_reader reader = {read_part, &input};
    struct conf *c = NULL;
    struct conf_error error;
    int r = conf_parse_with(text, "/fuzz.conf", &reader, &c, &error);

    /* The configuration must not need the texts any more. */
    free((char *)text.p);
    free((char *)input.p);
    FUZZ_CHECK((r == 0 && c) || (r == -EINVAL && !c));
    if (r == 0) {
        check_conf(c);
    } else {
        check_error(&error);
    }
    conf_free(c);
    return 0;
}
