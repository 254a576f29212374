/* See client/resolver.h. How a question to the DNS runs its course:
 *
 *  - A lookup is a cell that belongs, by reference count, to the task that waits and to each of its
 *    two questions. A task that is cancelled or out of time lets go; the questions go on.
 *  - Questions are handed to libunbound at the end of the turn, on the loop's own stack: it may do
 *    much at once, which a coroutine's stack has no room for, and its answer may come before
 *    ub_resolve_event has returned.
 *  - libunbound shares our event loop: no thread, no pipe, nothing that blocks.
 *  - When the resolver ends, libunbound calls back for some questions and forgets others; the
 *    cells left are freed then. */
#include "client/resolver.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound-event.h>
#include <unbound.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/list.h"
#include "client/host_table.h"
#include "conf/value.h"
#include "parse/dns_answer.h"
#include "parse/hosts_file.h"
#include "rt/real.h"
#include "rt/rt.h"

/* Of each family; no host that receives mail has more. */
#define ADDRESSES_MAX 16
/* How long addresses of one family wait for the other's (RFC 8305 3 has 50 ms for people). */
#define OTHER_FAMILY_TIME (500 * USEC_MSEC)
#define HOST_MAX          253
#define CLASS_IN          1
#define FILE_MOST         ((size_t)16 << 20)

enum question_state { QUESTION_OPEN, QUESTION_FOUND, QUESTION_NOTHING, QUESTION_FAILED };

struct question {
    struct lookup *lookup;
    enum dns_type type;
    enum question_state state;
    bool with_library; /* which will call back, or forget it at its end */
    struct addr address[ADDRESSES_MAX];
    size_t count;
};

enum { QUESTION_AAAA, QUESTION_A, QUESTION_COUNT };

struct lookup {
    struct list link; /* in the resolver's `begun` or `asked` */
    struct resolver *resolver;
    unsigned refs;
    struct cond changed;
    struct question question[QUESTION_COUNT];
    char host[HOST_MAX + 1];
};

struct resolver {
    struct rt *rt;
    struct host_table *hosts;
    struct ub_ctx *unbound;   /* NULL: the table is all */
    bool simulated;           /* it stands for the DNS, too */
    struct list begun;        /* struct lookup, to be handed over at the end of the turn */
    struct list asked;        /* struct lookup, of which the library has questions */
    struct rt_later turn_end; /* hands them over */
    struct resolver_stats stats;
};

/* ---- cells ---- */

static void lookup_unref(struct lookup *l)
{
    if (--l->refs == 0) {
        list_remove(&l->link);
        l->resolver->stats.under_way--;
        free(l);
    }
}

static struct lookup *lookup_new(struct resolver *r, struct slice host)
{
    struct lookup *l = xcalloc(1, sizeof(*l));
    l->resolver = r;
    l->refs = 1;
    cond_init(&l->changed);
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        l->question[i].lookup = l;
        l->question[i].type = i == QUESTION_A ? DNS_A : DNS_AAAA;
    }
    memcpy(l->host, host.p, host.n);
    list_init(&l->link);
    list_push_back(&r->begun, &l->link);
    r->stats.under_way++;
    return l;
}

/* ---- libunbound ---- */

static void question_end(struct question *q, enum question_state state)
{
    struct lookup *l = q->lookup;
    q->with_library = false;
    q->state = state;
    l->resolver->stats.failed += state == QUESTION_FAILED;
    cond_wake_all(&l->changed);
    lookup_unref(l);
}

static enum question_state understand(struct question *q, int rcode, const void *packet, int n)
{
    unsigned said = 0;
    if (rcode == DNS_NXDOMAIN) {
        return QUESTION_NOTHING;
    }
    if (rcode != DNS_NOERROR || packet == NULL || n < 0 ||
        dns_answer_addresses((struct slice){packet, (size_t)n}, q->type, q->address, ADDRESSES_MAX,
                             &q->count, &said) < 0) {
        return QUESTION_FAILED;
    }
    if (said != DNS_NOERROR && said != DNS_NXDOMAIN) {
        return QUESTION_FAILED;
    }
    return q->count > 0 ? QUESTION_FOUND : QUESTION_NOTHING;
}

/* On the loop; perhaps before ub_resolve_event has returned. */
static void on_answer(void *arg, int rcode, void *packet, int n, int security, char *why_bogus,
                      int was_ratelimited)
{
    struct question *q = arg;
    (void)security;
    (void)why_bogus;
    (void)was_ratelimited;
    question_end(q, understand(q, rcode, packet, n));
}

static void ask(struct lookup *l, struct question *q)
{
    struct resolver *r = l->resolver;
    l->refs++;
    q->with_library = true;
    r->stats.asked++;
    if (ub_resolve_event(r->unbound, l->host, (int)q->type, CLASS_IN, q, on_answer, NULL) != 0) {
        question_end(q, QUESTION_FAILED);
    }
}

static void hand_over(void *arg)
{
    struct resolver *r = arg;
    for (struct list *it = list_pop_front(&r->begun); it != NULL; it = list_pop_front(&r->begun)) {
        struct lookup *l = list_entry(it, struct lookup, link);
        list_push_back(&r->asked, &l->link);
        l->refs++; /* our own: answers may come at once */
        for (size_t i = 0; i < QUESTION_COUNT; i++) {
            ask(l, &l->question[i]);
        }
        lookup_unref(l);
    }
}

/* ---- making and ending ---- */

/* The file's text; nothing where there is none. */
static int read_file(const char *path, struct buf *ret)
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

static void tell_about(resolver_tell *tell, void *arg, const char *file, const char *what)
{
    char line[512];
    (void)snprintf(line, sizeof(line), "%s: %s", file, what);
    tell(arg, line);
}

static struct host_table *read_hosts(const char *file, resolver_tell *tell, void *arg)
{
    struct buf text = {0};
    int error = file != NULL ? read_file(file, &text) : 0;
    if (error < 0 && error != -ENOENT) {
        tell_about(tell, arg, file, strerror(-error));
    }
    struct host_table *t = host_table_new(buf_slice(&text), false);
    buf_free(&text);
    return t;
}

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
    int error = read_file(file, &text);
    if (error < 0) {
        tell_about(tell, arg, file, strerror(-error));
    }
    struct slice rest = buf_slice(&text);
    while (resolv_conf_next_server(&rest, &word)) {
        if (addr_parse(word, &server) == 0 && add_server(ub, &server) == 0) {
            count++;
        } else {
            char what[128];
            (void)snprintf(what, sizeof(what), "nameserver " SLICE_FMT " is not used",
                           (int)(word.n < 64 ? word.n : 64), word.p);
            tell_about(tell, arg, file, what);
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
        tell_about(tell, arg, s->resolv_conf, "names no server; the one at 127.0.0.1 is asked");
    }
    return add_server(ub, &local);
}

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
        {"cache-max-negative-ttl:", "300"},
        {"outgoing-range:", "256"}, /* questions at a time; only 16 otherwise */
        {"outgoing-num-tcp:", "32"},
        {"num-queries-per-thread:", "1024"},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(options) / sizeof(options[0]); i++) {
        r = set_option(ub, options[i][0], options[i][1]);
    }
    (void)ub_ctx_debugout(ub, NULL); /* it would write to standard error */
    return r;
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
    int r = ub_resolve_event(ub, "localhost.", DNS_A, CLASS_IN, &answered, on_first, NULL);
    return r == 0 && answered ? 0 : -EINVAL;
}

/* Makes it ready; no file is read after this. */
static int configure(struct ub_ctx *ub, const struct resolver_setup *s, resolver_tell *tell,
                     void *arg)
{
    int r = set_options(ub);
    r = r == 0 && has_own_world(s) ? open_own_world(ub) : r;
    r = r == 0 && s->root_hints != NULL ? set_option(ub, "root-hints:", s->root_hints) : r;
    if (r == 0 && s->trust_anchor != NULL && ub_ctx_add_ta_file(ub, s->trust_anchor) != 0) {
        r = -EINVAL;
    }
    r = r < 0 ? r : choose_servers(ub, s, tell, arg);
    r = r == 0 && has_own_world(s) ? remove_zones(ub) : r;
    return r < 0 ? r : begin_asking(ub);
}

static struct resolver *make(struct rt *rt, struct host_table *hosts, struct ub_ctx *unbound)
{
    struct resolver *r = xcalloc(1, sizeof(*r));
    r->rt = rt;
    r->hosts = hosts;
    r->unbound = unbound;
    list_init(&r->begun);
    list_init(&r->asked);
    rt_later_init(&r->turn_end, hand_over, r);
    return r;
}

int resolver_new(struct rt *rt, const struct resolver_setup *setup, resolver_tell *tell, void *arg,
                 struct resolver **ret)
{
    struct ub_ctx *ub = NULL;
    int error = 0;
    if (setup->way != CONF_RESOLVER_NONE) {
        ub = ub_ctx_create_event(real_event_base(rt));
        if (ub == NULL) {
            return errno == ENOMEM ? -ENOMEM : -ENOTSUP;
        }
        error = configure(ub, setup, tell, arg);
    }
    if (error < 0) {
        ub_ctx_delete(ub);
        return error;
    }
    *ret = make(rt, read_hosts(setup->hosts, tell, arg), ub);
    return 0;
}

static void tell_nobody(void *arg, const char *line)
{
    (void)arg;
    (void)line;
}

/* Does libunbound take this? */
static bool is_taken(const struct resolver_setup *s)
{
    struct event_base *base = event_base_new();
    struct ub_ctx *ub = base != NULL ? ub_ctx_create_event(base) : NULL;
    bool taken = ub != NULL && configure(ub, s, tell_nobody, NULL) == 0;
    if (ub != NULL) {
        ub_ctx_delete(ub);
    }
    if (base != NULL) {
        event_base_free(base);
    }
    return taken;
}

/* Is there a line with a record of one of two types? An empty file libunbound would take as well,
 * and do without. */
static bool has_record(const char *file, struct slice type, struct slice other)
{
    struct buf text = {0};
    struct hosts_line line;
    struct slice word;
    bool found = false;
    (void)read_file(file, &text);
    struct slice rest = buf_slice(&text);
    while (!found && hosts_next_line(&rest, &line)) {
        while (line.word.p[0] != ';' && hosts_next_word(&line.names, &word)) {
            found = found || slice_eq_nocase(word, type) || slice_eq_nocase(word, other);
        }
    }
    buf_free(&text);
    return found;
}

int resolver_check(const struct resolver_setup *s, const char **ret_culprit, const char **ret_why)
{
    struct resolver_setup hints = {.way = CONF_RESOLVER_RECURSIVE, .root_hints = s->root_hints};
    struct resolver_setup anchor = {.way = CONF_RESOLVER_RECURSIVE,
                                    .trust_anchor = s->trust_anchor};
    if (s->root_hints != NULL &&
        (!has_record(s->root_hints, SLICE_LIT("NS"), SLICE_LIT("NS")) || !is_taken(&hints))) {
        *ret_culprit = s->root_hints;
        *ret_why = "it names no server of the root";
        return -EINVAL;
    }
    if (s->trust_anchor != NULL &&
        (!has_record(s->trust_anchor, SLICE_LIT("DNSKEY"), SLICE_LIT("DS")) ||
         !is_taken(&anchor))) {
        *ret_culprit = s->trust_anchor;
        *ret_why = "it holds no key (DNSKEY or DS records)";
        return -EINVAL;
    }
    return 0;
}

bool resolver_has_dns(const struct resolver *r)
{
    return r->unbound != NULL || r->simulated;
}

struct resolver *resolver_of_table(struct rt *rt, struct slice text)
{
    struct resolver *r = make(rt, host_table_new(text, true), NULL);
    r->simulated = true;
    return r;
}

void resolver_set_table(struct resolver *r, struct slice text)
{
    (void)host_table_free(r->hosts);
    r->hosts = host_table_new(text, true);
}

/* Questions that the library has forgotten. */
static void forget_all(struct resolver *r)
{
    while (!list_empty(&r->asked)) {
        struct lookup *l = list_entry(r->asked.next, struct lookup, link);
        l->refs++;
        for (size_t i = 0; i < QUESTION_COUNT; i++) {
            if (l->question[i].with_library) {
                question_end(&l->question[i], QUESTION_FAILED);
            }
        }
        if (l->refs != 1) {
            panic("a resolver was ended while a task waited for it");
        }
        lookup_unref(l);
    }
}

struct resolver *resolver_free(struct resolver *r)
{
    if (r == NULL) {
        return NULL;
    }
    rt_later_clear(&r->turn_end);
    if (!list_empty(&r->begun)) {
        panic("a resolver was ended while a task waited for it");
    }
    if (r->unbound != NULL) {
        ub_ctx_delete(r->unbound);
    }
    forget_all(r);
    (void)host_table_free(r->hosts);
    free(r);
    return NULL;
}

const struct resolver_stats *resolver_stats(const struct resolver *r)
{
    return &r->stats;
}

/* ---- asking ---- */

static bool any(const struct lookup *l, enum question_state state)
{
    return l->question[QUESTION_A].state == state || l->question[QUESTION_AAAA].state == state;
}

/* Until both have ended, or the deadline, or what one has brought needs no further waiting. */
static int wait_for_answers(struct lookup *l, usec_t deadline)
{
    int rc = 0;
    bool hurried = false;
    while (rc == 0 && any(l, QUESTION_OPEN)) {
        if (any(l, QUESTION_FOUND) && !hurried) {
            usec_t enough = rt_now() + OTHER_FAMILY_TIME;
            deadline = enough < deadline ? enough : deadline;
            hurried = true;
        }
        rc = cond_wait(&l->changed, deadline);
    }
    return rc == -ETIMEDOUT && any(l, QUESTION_FOUND) ? 0 : rc;
}

/* What has come, or why nothing. */
static int conclude(const struct lookup *l, struct addr *ret, size_t max, size_t *ret_n)
{
    size_t n = 0;
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        const struct question *q = &l->question[i];
        for (size_t a = 0; q->state == QUESTION_FOUND && a < q->count && n < max; a++) {
            ret[n++] = q->address[a];
        }
    }
    if (n == 0) {
        return any(l, QUESTION_FAILED) ? -EAGAIN : -ENOENT;
    }
    *ret_n = n;
    return 0;
}

static int ask_dns(struct resolver *r, struct slice host, usec_t deadline, struct addr *ret,
                   size_t max, size_t *ret_n)
{
    struct lookup *l = lookup_new(r, host);
    rt_later_set(r->rt, &r->turn_end);
    int rc = wait_for_answers(l, deadline);
    rc = rc < 0 ? rc : conclude(l, ret, max, ret_n);
    lookup_unref(l);
    return rc;
}

int resolver_addresses(struct resolver *r, const char *host, usec_t deadline, struct addr *ret,
                       size_t max, size_t *ret_n)
{
    struct slice name = slice_of(host);
    size_t n = 0;
    r->stats.lookups++;
    if (!value_is_host(name) || name.n > HOST_MAX || max == 0) {
        return -ENOENT;
    }
    switch (host_table_find(r->hosts, name, ret, max, &n)) {
    case HOST_FOUND: *ret_n = n; return 0;
    case HOST_FAILS: return -EAGAIN;
    case HOST_SILENT: {
        int rc = task_sleep(deadline);
        return rc < 0 ? rc : -ETIMEDOUT;
    }
    case HOST_UNKNOWN: break;
    }
    return r->unbound == NULL ? -ENOENT : ask_dns(r, name, deadline, ret, max, ret_n);
}
