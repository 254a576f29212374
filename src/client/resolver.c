/* The front of the resolver: where tasks wait for answers. See client/resolver_impl.h for what is
 * behind it. */
#include "client/resolver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "client/dns_cache.h"
#include "client/host_table.h"
#include "client/resolver_impl.h"
#include "conf/value.h"

/* How long addresses of one family wait for the other's (RFC 8305 3 has 50 ms for people). */
#define OTHER_FAMILY_TIME (500 * USEC_MSEC)
#define HOST_MAX          253
#define FILE_MOST         ((size_t)16 << 20)

/* ---- making and ending ---- */

int resolver_read_file(const char *path, struct buf *ret)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return -errno;
    }
    char piece[4096];
    size_t n;
    while (ret->n < FILE_MOST && (n = fread(piece, 1, sizeof(piece), f)) > 0) {
        buf_append(ret, piece, n);
    }
    int error = ferror(f) != 0 ? -EIO : 0;
    fclose(f);
    return error;
}

void resolver_tell_about(resolver_tell *tell, void *arg, const char *file, const char *what)
{
    char line[512];
    (void)snprintf(line, sizeof(line), "%s: %s", file, what);
    tell(arg, line);
}

static struct host_table *read_hosts(const char *file, resolver_tell *tell, void *arg)
{
    struct buf text = {0};
    int error = file != NULL ? resolver_read_file(file, &text) : 0;
    if (error < 0 && error != -ENOENT) {
        resolver_tell_about(tell, arg, file, strerror(-error));
    }
    struct host_table *t = host_table_new(buf_slice(&text), false);
    buf_free(&text);
    return t;
}

static struct resolver *make(struct rt *rt, struct host_table *hosts,
                             struct resolver_source *source)
{
    struct resolver *r = xcalloc(1, sizeof(*r));
    r->rt = rt;
    r->hosts = hosts;
    r->source = source;
    dns_cells_init(&r->cells);
    return r;
}

int resolver_new(struct rt *rt, const struct resolver_setup *setup, resolver_tell *tell, void *arg,
                 struct resolver **ret)
{
    struct resolver_source *source = NULL;
    int error = 0;
    if (setup->way != CONF_RESOLVER_NONE) {
        error = resolver_source_unbound(rt, setup, tell, arg, &source);
    }
    if (error < 0) {
        return error;
    }
    struct resolver *r = make(rt, read_hosts(setup->hosts, tell, arg), source);
    r->question_time = setup->question_time;
    r->validates = setup->trust_anchor != NULL;
    rt_random_of(rt, r->secret, sizeof(r->secret));
    r->cache = setup->cache > 0 ? dns_cache_new(setup->cache, r->secret) : NULL;
    *ret = r;
    return 0;
}

bool resolver_has_dns(const struct resolver *r)
{
    return r->source != NULL || r->simulated;
}

struct resolver *resolver_of_table(struct rt *rt, struct slice text)
{
    struct resolver *r = make(rt, host_table_new(text, true), NULL);
    r->simulated = true;
    return r;
}

struct resolver *resolver_of_zone(struct rt *rt, const struct zone *zone)
{
    return make(rt, host_table_new((struct slice){"", 0}, true), resolver_source_zone(rt, zone));
}

void resolver_set_zone(struct resolver *r, const struct zone *zone)
{
    resolver_source_set_zone(r->source, zone);
    if (r->cache != NULL) {
        resolver_keep_answers(r, r->cache_octets);
    }
}

void resolver_keep_answers(struct resolver *r, size_t octets)
{
    (void)dns_cache_free(r->cache);
    r->cache = dns_cache_new(octets, r->secret);
    r->cache_octets = octets;
}

void resolver_set_table(struct resolver *r, struct slice text)
{
    (void)host_table_free(r->hosts);
    r->hosts = host_table_new(text, true);
}

struct resolver *resolver_free(struct resolver *r)
{
    if (r == NULL) {
        return NULL;
    }
    resolver_probe_end(r);
    dns_cells_end(r);
    (void)dns_cache_free(r->cache);
    (void)host_table_free(r->hosts);
    free(r);
    return NULL;
}

const struct resolver_stats *resolver_stats(const struct resolver *r)
{
    return &r->stats;
}

/* ---- questions ---- */

const char *dns_state_name(enum dns_state state)
{
    static const char *const names[] = {"answer", "nodata",   "nxdomain",
                                        "bogus",  "servfail", "timeout"};
    return names[state];
}

int resolver_ask(struct resolver *r, struct dns_question *questions, size_t n, usec_t deadline,
                 struct arena *arena)
{
    struct dns_listener *listeners = arena_alloc(arena, n * sizeof(*listeners) + 1);
    struct cond changed;
    int rc = 0;
    cond_init(&changed);
    for (size_t i = 0; i < n; i++) {
        listeners[i].changed = &changed;
        dns_listener_begin(&listeners[i], r, &questions[i].name, questions[i].type, arena);
    }
    for (size_t i = 0; i < n && rc == 0;) {
        if (dns_listener_heard(&listeners[i])) {
            i++;
        } else {
            rc = cond_wait(&changed, deadline);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (rc != -ECANCELED) {
            dns_listener_take(&listeners[i], arena, &questions[i].answer);
        }
        dns_listener_end(&listeners[i]);
    }
    return rc == -ETIMEDOUT ? 0 : rc;
}

int resolver_ask_one(struct resolver *r, const struct dns_name *name, enum dns_type type,
                     usec_t deadline, struct arena *arena, struct dns_answer *ret)
{
    if (dns_cells_known(r, name, type, arena, ret)) {
        return 0; /* the usual case takes no more than this */
    }
    struct dns_question question = {.name = *name, .type = type};
    int rc = resolver_ask(r, &question, 1, deadline, arena);
    if (rc == 0) {
        *ret = question.answer;
    }
    return rc;
}

/* ---- addresses of next hops ---- */

enum { FAMILY_V6, FAMILY_V4, FAMILY_COUNT };

static bool has_addresses(const struct dns_listener *l)
{
    return dns_listener_heard(l) && dns_listener_state(l) == DNS_ANSWER;
}

/* Until both have been heard, or the deadline, or what one has brought needs no further waiting. */
static int wait_for_families(const struct dns_listener family[static FAMILY_COUNT],
                             struct cond *changed, usec_t deadline)
{
    const struct dns_listener *v6 = &family[FAMILY_V6], *v4 = &family[FAMILY_V4];
    int rc = 0;
    bool hurried = false;
    while (rc == 0 && (!dns_listener_heard(v6) || !dns_listener_heard(v4))) {
        if ((has_addresses(v6) || has_addresses(v4)) && !hurried) {
            usec_t enough = rt_now() + OTHER_FAMILY_TIME;
            deadline = enough < deadline ? enough : deadline;
            hurried = true;
        }
        rc = cond_wait(changed, deadline);
    }
    return rc == -ETIMEDOUT && (has_addresses(v6) || has_addresses(v4)) ? 0 : rc;
}

static bool is_no(enum dns_state state)
{
    return state == DNS_NODATA || state == DNS_NO_NAME;
}

/* What has come, or why nothing. */
static int conclude(struct dns_listener family[static FAMILY_COUNT], struct arena *arena,
                    struct addr *ret, size_t max, size_t *ret_n)
{
    bool none = true, late = false;
    size_t n = 0;
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        struct dns_answer a;
        dns_listener_take(&family[f], arena, &a);
        none = none && is_no(a.state);
        late = late || a.state == DNS_TIMED_OUT;
        for (size_t i = 0; i < a.count && n < max; i++) {
            ret[n++] = a.records[i].address;
        }
    }
    if (n == 0) {
        return none ? -ENOENT : late ? -ETIMEDOUT : -EAGAIN;
    }
    *ret_n = n;
    return 0;
}

static int ask_dns(struct resolver *r, const struct dns_name *host, usec_t deadline,
                   struct addr *ret, size_t max, size_t *ret_n)
{
    static const enum dns_type types[] = {[FAMILY_V6] = DNS_AAAA, [FAMILY_V4] = DNS_A};
    struct dns_listener family[FAMILY_COUNT];
    struct cond changed;
    struct arena arena;
    arena_init(&arena);
    cond_init(&changed);
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        family[f].changed = &changed;
        dns_listener_begin(&family[f], r, host, types[f], &arena);
    }
    int rc = wait_for_families(family, &changed, deadline);
    rc = rc < 0 ? rc : conclude(family, &arena, ret, max, ret_n);
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        dns_listener_end(&family[f]);
    }
    arena_free(&arena);
    return rc;
}

int resolver_addresses(struct resolver *r, const char *host, usec_t deadline, struct addr *ret,
                       size_t max, size_t *ret_n)
{
    struct slice text = slice_of(host);
    struct dns_name name;
    size_t n = 0;
    r->stats.lookups++;
    if (!value_is_host(text) || text.n > HOST_MAX || max == 0 || dns_name_parse(text, &name) < 0) {
        return -ENOENT;
    }
    switch (host_table_find(r->hosts, text, ret, max, &n)) {
    case HOST_FOUND: *ret_n = n; return 0;
    case HOST_FAILS: return -EAGAIN;
    case HOST_SILENT: {
        int rc = task_sleep(deadline);
        return rc < 0 ? rc : -ETIMEDOUT;
    }
    case HOST_UNKNOWN: break;
    }
    return r->source == NULL ? -ENOENT : ask_dns(r, &name, deadline, ret, max, ret_n);
}
