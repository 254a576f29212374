/* See client/scanners.h: who gets a place with a scanner, and whether it is well. */
#include "client/scanners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "client/resolver.h"
#include "client/scan_memory.h"
#include "client/scanner_impl.h"
#include "rt/rt.h"

/* Scans in succession that gave nothing, before the scanner is taken to be down. */
#define DOUBTS_MAX 3

/* The first and the longest wait for a trial, and its time. */
#define RETRY_FIRST (1 * USEC_SEC)
#define RETRY_MOST  (30 * USEC_SEC)
#define TRIAL_TIME  (10 * USEC_SEC)

/* Addresses of one name that are tried. */
#define ADDRESSES_MAX 8

struct scanner {
    struct scanners *owner;
    const struct conf_scanner *conf;
    enum conf_scanner_kind kind;
    unsigned in_use;
    unsigned waiting;
    struct cond room;
    bool down;
    bool trying;
    unsigned doubts;
    usec_t since;
    usec_t retry_at;
    usec_t backoff;      /* 0 once it has served */
    struct scope *trial; /* while it can be cancelled */
    char error[SCAN_WHY_MOST];
    uint64_t scanned, kept, unknown;
};

struct scanners {
    struct rt *rt;
    const struct conf *conf;
    struct resolver *resolver;
    scanners_tell *tell;
    void *arg;
    bool draining;
    struct scan_memory *memory;
    struct scanner all[CONF_SCANNERS];
};

static const struct {
    int (*scan)(struct scan_job *j, struct scan_result *ret);
    int (*ping)(struct scan_job *j);
} clients[CONF_SCANNERS] = {
    [CONF_CLAMD] = {clamd_scan, clamd_ping},
    [CONF_RSPAMD] = {rspamd_scan, rspamd_ping},
    [CONF_SPAMASSASSIN] = {spamd_scan, spamd_ping},
};

struct scanners *scanners_new(struct rt *rt, const struct conf *conf, struct resolver *resolver,
                              scanners_tell *tell, void *arg)
{
    struct scanners *s = xcalloc(1, sizeof(*s));

    *s = (struct scanners){.rt = rt, .conf = conf, .resolver = resolver, .tell = tell, .arg = arg};
    s->memory = scan_memory_new(rt, conf->limits.scan_memory_time);
    for (unsigned i = 0; i < CONF_SCANNERS; i++) {
        s->all[i] = (struct scanner){
            .owner = s, .conf = &conf->scanners[i], .kind = (enum conf_scanner_kind)i};
        cond_init(&s->all[i].room);
    }
    return s;
}

void scanners_drain(struct scanners *s)
{
    s->draining = true;
    for (unsigned i = 0; i < CONF_SCANNERS; i++) {
        if (s->all[i].trial != NULL) {
            scope_cancel(s->all[i].trial, -ESHUTDOWN);
        }
    }
}

bool scanners_rest(const struct scanners *s)
{
    bool rest = true;

    for (unsigned i = 0; i < CONF_SCANNERS; i++) {
        rest = rest && !s->all[i].trying;
    }
    return rest;
}

struct scanners *scanners_free(struct scanners *s)
{
    if (s != NULL) {
        if (!scanners_rest(s)) {
            panic("a trial of a scanner outlived its worker");
        }
        (void)scan_memory_free(s->memory);
        free(s);
    }
    return NULL;
}

/* ---- how it is ---- */

static void tell(const struct scanner *c, bool trouble, const char *what)
{
    const struct scanners *s = c->owner;
    char line[2 * SCAN_WHY_MOST + CONF_UNIX_PATH_MAX + 64];

    if (s->tell != NULL) {
        (void)snprintf(line, sizeof(line), "scanner %s %s", c->conf->name, what);
        s->tell(s->arg, trouble, line);
    }
}

static void put_off_trial(struct scanner *c, usec_t now)
{
    c->backoff = c->backoff == 0 ? RETRY_FIRST : 2 * c->backoff;
    c->backoff = c->backoff < RETRY_MOST ? c->backoff : RETRY_MOST;
    c->retry_at = now + c->backoff;
}

static void set_down(struct scanner *c)
{
    char text[SCAN_WHY_MOST + 16];
    const usec_t now = rt_now();

    c->doubts = 0;
    if (!c->down || now >= c->retry_at) {
        put_off_trial(c, now);
    }
    if (!c->down) {
        c->down = true;
        c->since = now;
        (void)snprintf(text, sizeof(text), "is down: %s", c->error);
        tell(c, true, text);
        cond_wake_all(&c->room); /* whoever waits there waits for nothing */
    }
}

static void set_well(struct scanner *c)
{
    char text[64];

    if (c->down) {
        c->down = false;
        (void)snprintf(text, sizeof(text), "is well again, after %lld s",
                       (long long)((rt_now() - c->since) / USEC_SEC));
        tell(c, false, text);
    }
}

/* What was wrong, in words. */
static void note_error(struct scanner *c, int error, const char *why)
{
    const char *text = why[0] != '\0'        ? why
                       : error == -ETIMEDOUT ? "it does not answer in time"
                       : error == -EPROTO    ? "it answers nonsense, or not to the end"
                       : error == -EHOSTUNREACH && c->conf->host != NULL ? "its name has no address"
                                                                         : strerror(-error);

    (void)snprintf(c->error, sizeof(c->error), "%s", text);
}

/* ---- a connection ---- */

static int connect_by_name(struct scanner *c, usec_t deadline, struct stream **ret)
{
    struct addr to[ADDRESSES_MAX];
    size_t n = 0;
    int r = -EHOSTUNREACH;

    if (c->owner->resolver != NULL) {
        r = resolver_addresses(c->owner->resolver, c->conf->host, deadline, to, ADDRESSES_MAX, &n);
        r = r == -ENOENT || r == -EAGAIN ? -EHOSTUNREACH : r;
    }
    for (size_t i = 0; i < n; i++) {
        to[i].port = c->conf->addr.port;
        const usec_t left = (deadline - rt_now()) / (usec_t)(n - i);
        r = stream_connect(&to[i], rt_now() + left, ret);
        if (r == 0 || r == -ECANCELED) {
            break;
        }
    }
    return r;
}

static int connect_to(struct scanner *c, usec_t deadline, struct stream **ret)
{
    const usec_t most = rt_now() + c->owner->conf->limits.connect_time;
    const usec_t until = most < deadline ? most : deadline;

    return c->conf->path != NULL   ? stream_connect_path(c->conf->path, until, ret)
           : c->conf->host != NULL ? connect_by_name(c, until, ret)
                                   : stream_connect(&c->conf->addr, until, ret);
}

/* ---- trials ---- */

static int try_once(struct scanner *c)
{
    struct scan_job j = {
        .conf = c->owner->conf, .scanner = c->conf, .deadline = rt_now() + TRIAL_TIME};
    int r = c->owner->draining ? -ECANCELED : connect_to(c, j.deadline, &j.stream);

    if (r == 0) {
        r = clients[c->kind].ping(&j);
        stream_close(j.stream);
    }
    if (r < 0 && r != -ECANCELED) {
        note_error(c, r, j.why);
    }
    return r;
}

static void trial_task(void *arg)
{
    struct scanner *c = arg;
    struct scope scope;

    scope_enter(&scope);
    c->trial = &scope;
    const int r = try_once(c);
    c->trial = NULL;
    scope_leave(&scope);
    if (r == 0) {
        set_well(c);
    } else if (r != -ECANCELED) {
        put_off_trial(c, rt_now());
    }
    c->trying = false;
}

/* Begins a trial, where one is due. Never waits. */
static void look(struct scanner *c)
{
    struct rt *rt = c->owner->rt;

    if (c->down && !c->trying && !c->owner->draining && rt_now() >= c->retry_at) {
        c->trying = task_spawn(rt, rt_root_of(rt), trial_task, c) == 0;
    }
}

/* ---- a scan ---- */

/* Waits for a place. 0; -EHOSTDOWN, -ETIMEDOUT, -ECANCELED. */
static int take_place(struct scanner *c, usec_t deadline)
{
    const unsigned most = (unsigned)c->owner->conf->limits.scan_connections;
    int r = 0;

    look(c);
    c->waiting++;
    while (r == 0 && !c->down && c->in_use >= most) {
        r = cond_wait(&c->room, deadline);
    }
    c->waiting--;
    if (r == 0 && c->down) {
        r = -EHOSTDOWN;
    }
    c->in_use += r == 0;
    return r;
}

static void give_place(struct scanner *c)
{
    c->in_use--;
    cond_wake_one(&c->room);
}

/* On a connection of its own, with a place. `why` as in struct scan_job. */
static int scan_there(struct scanner *c, const struct scan_request *q, usec_t deadline,
                      struct arena *arena, struct scan_result *ret)
{
    struct scan_job j = {
        .request = q,
        .conf = c->owner->conf,
        .scanner = c->conf,
        .deadline = deadline,
        .arena = arena,
    };
    const int reached = connect_to(c, deadline, &j.stream);
    int r = reached;

    if (r == 0) {
        r = clients[c->kind].scan(&j, ret);
        stream_close(j.stream);
    }
    if (r == 0) {
        c->doubts = 0;
        c->backoff = 0;
        set_well(c);
    } else if (r != -ECANCELED && r != -EIO) {
        note_error(c, r, j.why);
        if ((reached < 0 && reached != -ETIMEDOUT) || ++c->doubts >= DOUBTS_MAX) {
            set_down(c);
        }
    }
    return r;
}

static int scan_now(struct scanner *c, const struct scan_request *q, usec_t deadline,
                    struct arena *arena, struct scan_result *ret)
{
    int r = take_place(c, deadline);

    if (r == 0) {
        r = scan_there(c, q, deadline, arena, ret);
        give_place(c);
    }
    if (r == 0) {
        c->scanned++;
    } else if (r != -ECANCELED) {
        *ret = (struct scan_result){.state = r == -ETIMEDOUT ? SCAN_TIMED_OUT : SCAN_FAILED};
    }
    return r == -ECANCELED ? r : 0;
}

static int scan_once(struct scanner *c, const struct scan_request *q, struct arena *arena,
                     struct scan_result *ret)
{
    const struct conf_limits *limits = &c->owner->conf->limits;
    const usec_t deadline =
        rt_now() + (c->kind == CONF_CLAMD ? limits->virus_time : limits->spam_time);
    const struct digest key = scan_key(c->kind, q);
    struct scan_memory *m = c->owner->memory;
    struct scan_slot *slot;
    int r = scan_memory_get(m, &key, deadline, arena, ret, &slot);

    if (r == 0) {
        r = scan_now(c, q, deadline, arena, ret);
        scan_memory_put(m, slot, r == 0 ? ret : NULL);
        return r;
    }
    if (r == -ETIMEDOUT) {
        *ret = (struct scan_result){.state = SCAN_TIMED_OUT};
    }
    c->kept += r == 1;
    return r == -ECANCELED ? r : 0;
}

int scanners_scan(struct scanners *s, enum conf_scanner_kind kind, const struct scan_request *q,
                  struct arena *arena, struct scan_result *ret)
{
    struct scanner *c = &s->all[kind];
    int r = 0;

    if (kind != CONF_CLAMD && q->message->spool.size > (uint64_t)s->conf->limits.scan_size) {
        *ret = (struct scan_result){.state = SCAN_TOO_LARGE};
    } else {
        r = scan_once(c, q, arena, ret);
    }
    c->unknown += r == 0 && ret->state != SCAN_KNOWN;
    return r;
}

bool scanners_figures(const struct scanners *s, enum conf_scanner_kind kind,
                      struct scanner_figures *ret)
{
    const struct scanner *c = &s->all[kind];

    *ret = (struct scanner_figures){
        .name = c->conf->name,
        .error = c->error,
        .down = c->down,
        .since = c->since,
        .in_use = c->in_use,
        .waiting = c->waiting,
        .scanned = c->scanned,
        .kept = c->kept,
        .unknown = c->unknown,
    };
    return c->conf->configured;
}
