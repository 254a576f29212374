/* The front of the resolver: where tasks wait for answers. See client/resolver_impl.h for what is
 * behind it. */
#include "client/resolver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "client/host_table.h"
#include "client/resolver_impl.h"
#include "conf/value.h"

/* How long addresses of one family wait for the other's (RFC 8305 3 has 50 ms for people). */
#define OTHER_FAMILY_TIME (500 * USEC_MSEC)
#define HOST_MAX          253
#define FILE_MOST         ((size_t)16 << 20)

struct resolver {
    struct rt *rt;
    struct host_table *hosts;
    struct resolver_source *source; /* NULL: the table is all */
    bool simulated;                 /* it stands for the DNS, too */
    size_t listeners;               /* tasks' places at cells */
    struct resolver_stats stats;
};

/* A task's place at a cell. */
struct dns_listener {
    struct list link; /* in the cell's `listeners` */
    struct cond *changed;
    struct dns_cell *cell;
};

/* ---- cells ---- */

static void cell_unref(struct dns_cell *cell)
{
    if (--cell->refs == 0) {
        arena_free(&cell->arena);
        free(cell);
    }
}

void dns_cell_end(struct dns_cell *cell)
{
    struct resolver_stats *stats = &cell->resolver->stats;
    enum dns_state state = cell->answer.state;
    cell->ended = true;
    stats->failed += state == DNS_FAILED || state == DNS_BOGUS || state == DNS_TIMED_OUT;
    stats->under_way--;
    list_for_each (it, &cell->listeners) {
        cond_wake_all(list_entry(it, struct dns_listener, link)->changed);
    }
    cell_unref(cell);
}

/* Begins a question that the caller, whose reference it has, listens to. */
static struct dns_cell *cell_new(struct resolver *r, const struct dns_name *name,
                                 enum dns_type type)
{
    struct dns_cell *cell = xcalloc(1, sizeof(*cell));
    cell->resolver = r;
    cell->name = *name;
    cell->type = type;
    cell->refs = 1;
    list_init(&cell->listeners);
    list_init(&cell->source_link);
    arena_init(&cell->arena);
    if (r->source == NULL) {
        cell->answer.state = DNS_FAILED;
        cell->ended = true;
        return cell;
    }
    cell->refs++;
    r->stats.asked++;
    r->stats.under_way++;
    r->source->ops->ask(r->source, cell);
    return cell;
}

static void listen_to(struct dns_listener *l, struct resolver *r, const struct dns_name *name,
                      enum dns_type type, struct cond *changed)
{
    r->listeners++;
    l->changed = changed;
    l->cell = cell_new(r, name, type);
    list_push_back(&l->cell->listeners, &l->link);
}

static void let_go(struct dns_listener *l)
{
    l->cell->resolver->listeners--;
    list_remove(&l->link);
    cell_unref(l->cell);
}

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
    return r;
}

int resolver_new(struct rt *rt, const struct resolver_setup *setup, resolver_tell *tell, void *arg,
                 struct resolver **ret)
{
    struct resolver_source *source = NULL;
    int error = setup->way != CONF_RESOLVER_NONE
                    ? resolver_source_unbound(rt, setup, tell, arg, &source)
                    : 0;
    if (error == 0) {
        *ret = make(rt, read_hosts(setup->hosts, tell, arg), source);
    }
    return error;
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
    if (r->listeners > 0) {
        panic("a resolver was ended while a task waited for it");
    }
    if (r->source != NULL) {
        r->source->ops->free(r->source);
    }
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

static struct dns_answer copy_answer(const struct dns_cell *cell, struct arena *arena)
{
    struct dns_answer a = cell->answer;
    if (!cell->ended) {
        return (struct dns_answer){.state = DNS_TIMED_OUT};
    }
    if (a.canonical != NULL) {
        a.canonical = dns_name_copy(arena, a.canonical);
    }
    if (a.count > 0) {
        a.records = dns_records_copy(arena, cell->type, a.records, a.count);
    }
    return a;
}

int resolver_ask(struct resolver *r, struct dns_question *questions, size_t n, usec_t deadline,
                 struct arena *arena)
{
    struct dns_listener *listeners = arena_alloc(arena, n * sizeof(*listeners) + 1);
    struct cond changed;
    int rc = 0;
    cond_init(&changed);
    for (size_t i = 0; i < n; i++) {
        listen_to(&listeners[i], r, &questions[i].name, questions[i].type, &changed);
    }
    for (size_t i = 0; i < n && rc == 0;) {
        if (listeners[i].cell->ended) {
            i++;
        } else {
            rc = cond_wait(&changed, deadline);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (rc != -ECANCELED) {
            questions[i].answer = copy_answer(listeners[i].cell, arena);
        }
        let_go(&listeners[i]);
    }
    return rc == -ETIMEDOUT ? 0 : rc;
}

int resolver_ask_one(struct resolver *r, const struct dns_name *name, enum dns_type type,
                     usec_t deadline, struct arena *arena, struct dns_answer *ret)
{
    struct dns_question question = {.name = *name, .type = type};
    int rc = resolver_ask(r, &question, 1, deadline, arena);
    if (rc == 0) {
        *ret = question.answer;
    }
    return rc;
}

/* ---- addresses of next hops ---- */

enum { FAMILY_V6, FAMILY_V4, FAMILY_COUNT };

static bool has(const struct dns_cell *cell, enum dns_state state)
{
    return cell->ended && cell->answer.state == state;
}

/* Until both have ended, or the deadline, or what one has brought needs no further waiting. */
static int wait_for_families(const struct dns_cell *v6, const struct dns_cell *v4,
                             struct cond *changed, usec_t deadline)
{
    int rc = 0;
    bool hurried = false;
    while (rc == 0 && (!v6->ended || !v4->ended)) {
        if ((has(v6, DNS_ANSWER) || has(v4, DNS_ANSWER)) && !hurried) {
            usec_t enough = rt_now() + OTHER_FAMILY_TIME;
            deadline = enough < deadline ? enough : deadline;
            hurried = true;
        }
        rc = cond_wait(changed, deadline);
    }
    return rc == -ETIMEDOUT && (has(v6, DNS_ANSWER) || has(v4, DNS_ANSWER)) ? 0 : rc;
}

static bool is_no(const struct dns_cell *cell)
{
    return has(cell, DNS_NODATA) || has(cell, DNS_NO_NAME);
}

static void add_addresses(const struct dns_cell *cell, struct addr *ret, size_t max, size_t *n)
{
    for (size_t i = 0; has(cell, DNS_ANSWER) && i < cell->answer.count && *n < max; i++) {
        ret[(*n)++] = cell->answer.records[i].address;
    }
}

static int ask_dns(struct resolver *r, const struct dns_name *host, usec_t deadline,
                   struct addr *ret, size_t max, size_t *ret_n)
{
    struct dns_listener family[FAMILY_COUNT];
    struct cond changed;
    size_t n = 0;
    cond_init(&changed);
    listen_to(&family[FAMILY_V6], r, host, DNS_AAAA, &changed);
    listen_to(&family[FAMILY_V4], r, host, DNS_A, &changed);
    const struct dns_cell *v6 = family[FAMILY_V6].cell, *v4 = family[FAMILY_V4].cell;
    int rc = wait_for_families(v6, v4, &changed, deadline);
    if (rc == 0) {
        add_addresses(v6, ret, max, &n);
        add_addresses(v4, ret, max, &n);
        rc = n > 0 ? 0 : is_no(v6) && is_no(v4) ? -ENOENT : -EAGAIN;
    }
    let_go(&family[FAMILY_V6]);
    let_go(&family[FAMILY_V4]);
    if (rc == 0) {
        *ret_n = n;
    }
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
