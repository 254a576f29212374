/* See hop_world.h. */
#include "hop_world.h"

#include <stdio.h>

#include "parse/smtp_data.h"
#include "rt/stream.h"

static const struct addr hop_address = {.family = ADDR_V4, .octets = {10, 0, 0, 5}, .port = 25};

/* ---- the hop ---- */

struct hop_session {
    struct hop_world *w;
    int place; /* of the hop in the route */
    struct stream *s;
    const char *const *step;
    struct buf in;
};

void fail_hop(struct hop_world *w, const char *format, ...)
{
    if (w->failure[0] == '\0') {
        va_list ap;
        va_start(ap, format);
        vsnprintf(w->failure, sizeof w->failure, format, ap);
        va_end(ap);
    }
}

static ssize_t hop_fill(struct hop_session *h, usec_t deadline)
{
    ssize_t n = stream_read(h->s, buf_reserve(&h->in, 4096), 4096, deadline);
    if (n > 0) {
        h->in.n += (size_t)n;
    }
    return n;
}

static bool expect_line(struct hop_session *h, const char *want)
{
    char *end;
    while ((end = h->in.n > 0 ? memmem(h->in.p, h->in.n, "\r\n", 2) : NULL) == NULL) {
        ssize_t n = hop_fill(h, rt_now() + 3600 * USEC_SEC);
        if (n <= 0) {
            fail_hop(h->w, "expected \"%s\", got %zd", want, n);
            return false;
        }
    }
    struct slice line = {h->in.p, (size_t)(end - h->in.p)};
    bool same = slice_eq(line, slice_of(want));
    if (!same) {
        fail_hop(h->w, "expected \"%s\", got \"" SLICE_FMT "\"", want, SLICE_ARG(line));
    }
    buf_consume(&h->in, line.n + 2);
    return same;
}

static bool read_chunk(struct hop_session *h, size_t n)
{
    while (h->in.n < n) {
        if (hop_fill(h, rt_now() + 3600 * USEC_SEC) <= 0) {
            fail_hop(h->w, "chunk of %zu ends after %zu", n, h->in.n);
            return false;
        }
    }
    buf_append(&h->w->got, h->in.p, n);
    buf_consume(&h->in, n);
    return true;
}

/* An own, slow and plain reading of RFC 5321 4.5.2. */
static bool read_data(struct hop_session *h)
{
    for (;;) {
        char *end = h->in.n > 0 ? memmem(h->in.p, h->in.n, "\r\n", 2) : NULL;
        if (end == NULL) {
            if (hop_fill(h, rt_now() + 3600 * USEC_SEC) <= 0) {
                fail_hop(h->w, "message without an end");
                return false;
            }
            continue;
        }
        size_t n = (size_t)(end + 2 - h->in.p);
        bool dot = h->in.p[0] == '.';
        bool last = dot && n == 3;
        if (!last) {
            buf_append(&h->w->got, h->in.p + dot, n - dot);
        }
        buf_consume(&h->in, n);
        if (last) {
            return true;
        }
    }
}

static bool expect_end(struct hop_session *h, bool reset)
{
    ssize_t n;
    while ((n = hop_fill(h, rt_now() + 3600 * USEC_SEC)) > 0) {
    }
    buf_append(&h->w->got, h->in.p, h->in.n);
    if (reset ? n != -ECONNRESET : n != 0) {
        fail_hop(h->w, "the connection ended with %zd", n);
    }
    return false;
}

static bool expect_quiet(struct hop_session *h)
{
    ssize_t n = hop_fill(h, rt_now() + USEC_SEC);
    if (n != -ETIMEDOUT || h->in.n > 0) {
        fail_hop(h->w, "not quiet: %zd", n);
    }
    return n == -ETIMEDOUT;
}

static bool shake_hands(struct hop_session *h, bool succeeds)
{
    struct stream *secure;
    int rc = tls_accept(h->w->tls, h->s, rt_now() + 3600 * USEC_SEC, &secure);
    /* In TLS 1.3 a client that refuses the certificate says so when the server has finished. */
    if (rc == 0) {
        h->s = secure;
        h->w->resumed += tls_resumed(secure);
        char octet;
        rc = succeeds ? 0 : (int)stream_read(h->s, &octet, 1, rt_now() + USEC_SEC);
    }
    if ((rc == 0) != succeeds) {
        fail_hop(h->w, "the handshake ended with %d", rc);
    }
    return rc == 0;
}

static bool hop_step(struct hop_session *h, const char *step)
{
    if (step[0] == '>') {
        struct iovec iov[] = {{(char *)step + 2, strlen(step + 2)}, {(char *)"\r\n", 2}};
        return stream_write(h->s, iov, 2, rt_now() + 3600 * USEC_SEC, NULL) == 0;
    }
    if (step[0] == '#') {
        return read_chunk(h, (size_t)strtoul(step + 1, NULL, 10));
    }
    if (strcmp(step, ".") == 0) {
        return read_data(h);
    }
    if (strcmp(step, "!end") == 0 || strcmp(step, "!reset") == 0) {
        return expect_end(h, step[1] == 'r');
    }
    if (step[0] == '@') {
        if (step[1] - '0' != h->place) {
            fail_hop(h->w, "a connection to hop %d, not to %s", h->place, step + 1);
        }
        return true;
    }
    if (strcmp(step, "!quiet") == 0) {
        return expect_quiet(h);
    }
    if (strcmp(step, "!sleep") == 0) {
        return task_sleep(rt_now() + 600 * USEC_SEC) == 0;
    }
    if (strcmp(step, "!rest") == 0) {
        return task_sleep(rt_now() + 10 * USEC_SEC) == 0;
    }
    if (strcmp(step, "!tls") == 0 || strcmp(step, "!no tls") == 0) {
        bool succeeds = step[1] == 't';
        return shake_hands(h, succeeds) || !succeeds;
    }
    if (step[0] == '!') {
        return false;
    }
    return expect_line(h, step);
}

static void hop_session(void *arg)
{
    struct hop_session *h = arg;
    const char *step = NULL;
    while ((step = *h->step) != NULL && hop_step(h, step)) {
        h->step++;
    }
    h->w->ended++;
    h->w->completed += step == NULL;
    h->s->ops->close(h->s, step != NULL && strcmp(step, "!cut") == 0);
    buf_free(&h->in);
    free(h);
}

static void hop_accept(void *arg, struct stream *s, const struct addr *client,
                       const struct addr *local)
{
    struct hop_world *w = arg;
    (void)client;
    if (w->accepted >= w->script_count) {
        fail_hop(w, "one connection too many");
        stream_close(s);
        return;
    }
    struct hop_session *h = calloc(1, sizeof *h);
    *h = (struct hop_session){.w = w,
                              .place = local->octets[3] - hop_address.octets[3],
                              .s = s,
                              .step = w->scripts[w->accepted++]};
    task_spawn(w->internet, rt_root_of(w->internet), hop_session, h);
}

/* ---- the worker ---- */

struct hop *begin(struct hop_world *w)
{
    return hop_begin(w->pools, &w->route, &w->envelope, &w->arena);
}

void load_octets(struct hop_world *w, struct slice text, bool by_bdat)
{
    struct data_decoder d;
    struct message *m = &w->message;
    data_decoder_init(&d);
    data_scan(&d, text.p, text.n);
    data_scan_end(&d);
    spool_reset(&m->spool);
    if (spool_append(&m->spool, text.p, text.n, USEC_NEVER) != 0) {
        fail_hop(w, "the spool failed");
    }
    m->trace = SLICE_LIT(TRACE_TEXT);
    m->by_bdat = by_bdat;
    m->bare_cr_or_lf = d.notes.bare_cr_or_lf;
    m->has_leading_dot = d.notes.has_leading_dot;
    m->has_8bit = d.notes.has_8bit;
    m->ends_in_crlf = text.n >= 2 && memcmp(text.p + text.n - 2, "\r\n", 2) == 0;
}

void load(struct hop_world *w, const char *text)
{
    load_octets(w, slice_of(text), false);
}

size_t ask(struct hop_world *w, struct hop *h, size_t n)
{
    size_t yes = 0;
    for (size_t i = 0; i < n; i++) {
        int rc = hop_rcpt(h, w->r[i], USEC_NEVER);
        w->r[i]->wanted = rc == 0 && answer_is_yes(&w->r[i]->answer);
        yes += w->r[i]->wanted;
    }
    return yes;
}

int prepare(struct hop_world *w, struct hop *h, size_t n)
{
    return hop_prepare(h, &w->message, w->r, n, rt_now() + 120 * USEC_SEC);
}

int commit(struct hop_world *w, struct hop *h, size_t n)
{
    struct scope shield;
    scope_enter_shield(&shield);
    int rc = hop_commit(h, w->r, n, rt_now() + 300 * USEC_SEC);
    scope_leave(&shield);
    return rc;
}

static void client_task(void *arg)
{
    struct hop_world *w = arg;
    scope_enter(&w->scope);
    w->client(w);
    scope_leave(&w->scope);
    spool_reset(&w->message.spool);
    w->done = true;
}

void set_recipient(struct hop_world *w, size_t i, const char *local_part, const char *domain)
{
    char mailbox[512];
    snprintf(mailbox, sizeof mailbox, "%s@%s", local_part, domain);
    w->recipients[i] = (struct hop_recipient){
        .mailbox = arena_copy(&w->arena, slice_of(mailbox)),
        .local_part = arena_copy(&w->arena, slice_of(local_part)),
        .domain = arena_copy(&w->arena, slice_of(domain)),
    };
    w->r[i] = &w->recipients[i];
}

struct hop_world *world_new(void)
{
    struct hop_world *w = calloc(1, sizeof *w);
    w->sim = sim_new(7);
    w->worker = sim_rt(w->sim);
    w->internet = sim_rt(w->sim);
    w->listener = sim_listen(w->internet, &hop_address, hop_accept, w);
    w->conf.limits = (struct conf_limits){
#define SETTING(name, kind, standard, min, max, prose) .name = standard,
#include "tbl/settings.h"
#undef SETTING
    };
    w->conf.limits.hop_probe_time = 0; /* its own tests set it */
    w->conf.hostname = (char *)"mx.example";
    w->hop = (struct conf_hop){.addr = hop_address, .name = (char *)"smtp://10.0.0.5:25"};
    w->hops[0] = &w->hop;
    w->conf.hops = w->hops;
    w->conf.hop_count = 1;
    w->route_hops[0] = (struct conf_route_hop){.hop = &w->hop, .weight = 1};
    w->route = (struct conf_route){.kind = CONF_ROUTE_SMTP,
                                   .hops = w->route_hops,
                                   .hop_count = 1,
                                   .name = (char *)"smtp://10.0.0.5:25"};
    w->routes[0] = &w->route;
    w->conf.routes = w->routes;
    w->conf.route_count = 1;
    arena_init(&w->arena);
    w->envelope.sender = SLICE_LIT("a@x.example");
    for (size_t i = 0; i < RECIPIENTS; i++) {
        char name[] = {(char)('r' + (char)i), '\0'};
        set_recipient(w, i, name, "y.example");
    }
    budget_init(&w->budget, 1 << 26);
    w->spool_config =
        (struct spool_config){.budget = &w->budget, .folder = "/tmp", .memory_each = 65536};
    spool_init(&w->message.spool, &w->spool_config);
    return w;
}

static const char *const hop_names[HOPS] = {"smtp://10.0.0.5", "smtp://10.0.0.6",
                                            "smtp://10.0.0.7"};

void world_hops(struct hop_world *w, size_t n)
{
    w->hop.name = (char *)hop_names[0];
    for (size_t i = 1; i < n; i++) {
        struct addr at = hop_address;
        at.octets[3] = (uint8_t)(at.octets[3] + i);
        w->more_hops[i - 1] =
            (struct conf_hop){.addr = at, .name = (char *)hop_names[i], .index = i};
        w->hops[i] = &w->more_hops[i - 1];
        w->route_hops[i] = (struct conf_route_hop){.hop = w->hops[i], .weight = 1};
        w->more_listeners[i - 1] = sim_listen(w->internet, &at, hop_accept, w);
    }
    w->conf.hop_count = w->route.hop_count = n;
}

static void on_tell(void *arg, bool trouble, const char *line)
{
    struct hop_world *w = arg;
    buf_printf(&w->told, "%s%s\n", trouble ? "!" : "", line);
}

void world_listen(struct hop_world *w, size_t hop, bool on)
{
    struct sim_listener **l = hop == 0 ? &w->listener : &w->more_listeners[hop - 1];
    *l = on ? sim_listen(w->internet, &w->hops[hop]->addr, hop_accept, w) : sim_listener_free(*l);
}

static void start(struct hop_world *w, void (*client)(struct hop_world *w))
{
    if (w->pools == NULL) {
        const struct conf_hop *culprit;
        char why[200];
        w->pools = hop_pools_new(w->worker, &w->conf);
        assert_int_equal(hop_trust_new(&w->conf, &w->trust, &culprit, why, sizeof why), 0);
        hop_pools_trust(w->pools, w->trust);
        hop_pools_tell(w->pools, on_tell, w);
    }
    w->client = client;
    w->done = false;
    assert_int_equal(task_spawn(w->worker, rt_root_of(w->worker), client_task, w), 0);
}

void world_go(struct hop_world *w, void (*client)(struct hop_world *w))
{
    start(w, client);
    sim_run(w->sim, USEC_NEVER);
    assert_true(w->done);
}

void world_go_for(struct hop_world *w, void (*client)(struct hop_world *w), usec_t time)
{
    start(w, client);
    sim_run(w->sim, sim_now(w->sim) + time);
    assert_true(w->done);
}

void world_free(struct hop_world *w)
{
    w->pools = hop_pools_free(w->pools);
    sim_run(w->sim, USEC_NEVER);
    w->trust = hop_trust_free(w->trust);
    w->tls = tls_context_free(w->tls);
    assert_string_equal(w->failure, "");
    assert_int_equal(w->accepted, w->script_count);
    assert_int_equal(w->ended, w->script_count);
    assert_int_equal(rt_stats(w->worker)->tasks, 0);
    assert_int_equal(w->budget.used, 0);
    budget_fini(&w->budget);
    buf_free(&w->got);
    arena_free(&w->arena);
    sim_listener_free(w->listener);
    for (size_t i = 0; i < HOPS - 1; i++) {
        sim_listener_free(w->more_listeners[i]);
    }
    buf_free(&w->told);
    sim_rt_free(w->worker);
    sim_rt_free(w->internet);
    sim_free(w->sim);
    free(w);
}

void world_play(struct hop_world *w, void (*client)(struct hop_world *w),
                const char *const *const *scripts, size_t count)
{
    w->scripts = scripts;
    w->script_count = count;
    world_go(w, client);
}

/* ---- a whole message ---- */

struct hop_figures world_figures(const struct hop_world *w, size_t i)
{
    struct hop_figures f;
    hop_pools_figures(w->pools, i, &f);
    return f;
}

void world_finish(struct hop_world *w, struct hop *h, size_t n)
{
    if (prepare(w, h, n) != 0 || !answer_is_yes(&w->r[0]->answer) || commit(w, h, n) != 0) {
        fail_hop(w, "not delivered");
    }
    for (size_t i = 0; i < n; i++) {
        if (!w->r[i]->confirmed) {
            fail_hop(w, "not confirmed");
        }
        w->r[i]->wanted = w->r[i]->committed = w->r[i]->confirmed = false;
    }
}

void world_deliver(struct hop_world *w, size_t n)
{
    struct hop *h = begin(w);
    load(w, MESSAGE_TEXT);
    if (ask(w, h, n) != n) {
        fail_hop(w, "not accepted");
    }
    world_finish(w, h, n);
    hop_end(h);
}

void deliver_one(struct hop_world *w)
{
    world_deliver(w, 1);
}

void deliver_six(struct hop_world *w)
{
    for (size_t i = 0; i < 6; i++) {
        world_deliver(w, 1);
    }
}

void ask_one(struct hop_world *w)
{
    struct hop *h = begin(w);
    ask(w, h, 1);
    hop_end(h);
}

/* ---- assertions ---- */

void assert_got(const struct hop_world *w, const char *want)
{
    assert_int_equal(w->got.n, strlen(want));
    if (w->got.n > 0) {
        assert_memory_equal(w->got.p, want, w->got.n);
    }
}

void assert_answer(const struct hop_recipient *r, unsigned code, const char *enhanced,
                   const char *text)
{
    assert_int_equal(r->answer.code, code);
    assert_true(slice_eq(r->answer.enhanced, slice_of(enhanced)));
    if (text != NULL && !slice_eq(r->answer.text, slice_of(text))) {
        fail_msg("\"" SLICE_FMT "\" is not \"%s\"", SLICE_ARG(r->answer.text), text);
    }
}
