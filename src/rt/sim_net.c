/* The simulated network: pairs of ends, with latency, windows, cuts and stalls.
 *
 * What one end writes becomes a segment that arrives at the other a seeded moment later, in order.
 * A segment outlives the end that sent it. An end and its peer forget each other when one of them
 * is closed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "rt/sim_impl.h"

#define WINDOW ((size_t)65536)

struct sim_listener {
    struct list link;
    struct sim_world *world;
    struct addr at;
    char *path; /* NULL: it is at `at` */
    sim_accept_fn *fn;
    void *arg;
};

struct sim_end {
    struct stream stream; /* first */
    struct list link;     /* in world->ends */
    struct sim_world *world;
    struct sim_end *peer;
    struct buf in;         /* arrived, not read */
    struct list under_way; /* segments to this end */
    size_t under_way_size;
    usec_t last_arrival; /* of what is under way to this end */
    size_t piece;        /* of what this end sends */
    int fd;              /* the last one that came; -1: none */
    struct task *waiter;
    unsigned waiting;
    int error; /* this end was reset */
    bool eof;
    bool stalled;
    bool accepted;
};

enum segment_kind { SEGMENT_DATA, SEGMENT_END, SEGMENT_RESET };

struct segment {
    struct rt_timer timer;
    struct list link;
    struct sim_end *to;
    enum segment_kind kind;
    int fd; /* that comes with the octets; -1: none */
    size_t n;
    char data[];
};

static struct sim_end *end_of(struct stream *s)
{
    return (struct sim_end *)s;
}

static size_t unacknowledged(const struct sim_end *to)
{
    return to->under_way_size + to->in.n;
}

static unsigned end_ready(const struct sim_end *e)
{
    unsigned r = 0;
    if (e->in.n > 0 || e->eof || e->error != 0) {
        r |= STREAM_READABLE;
    }
    if (e->error != 0 || e->peer == NULL || unacknowledged(e->peer) < WINDOW) {
        r |= STREAM_WRITABLE;
    }
    return r;
}

static void end_wake(struct sim_end *e)
{
    if (e->waiter != NULL && (end_ready(e) & e->waiting) != 0) {
        task_wake(e->waiter, 0);
    }
}

static void end_arrived(struct sim_end *e)
{
    if (!e->world->rt.dead) {
        stream_arrived(&e->stream);
    }
}

static void end_reset(struct sim_end *e)
{
    if (e->error == 0) {
        e->error = -ECONNRESET;
        e->stream.reset = true;
        e->in.n = 0;
        stream_hangup(&e->stream);
        end_wake(e);
    }
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* Takes the descriptor, where there is one. */
static void keep_fd(struct sim_end *e, int fd)
{
    if (fd >= 0) {
        close_fd(e->fd);
        e->fd = fd;
    }
}

static void on_segment(void *arg)
{
    struct segment *g = arg;
    struct sim_end *e = g->to;
    list_remove(&g->link);
    e->under_way_size -= g->n;
    if (e->error == 0) {
        switch (g->kind) {
        case SEGMENT_DATA:
            buf_append(&e->in, g->data, g->n);
            keep_fd(e, g->fd);
            g->fd = -1;
            break;
        case SEGMENT_END:
            e->eof = true;
            stream_hangup(&e->stream);
            break;
        case SEGMENT_RESET: end_reset(e); break;
        }
        end_wake(e);
    }
    close_fd(g->fd);
    free(g);
    end_arrived(e);
}

/* Takes `fd`, which may be -1. */
static void send_segment_with(struct sim_end *to, enum segment_kind kind, const void *p, size_t n,
                              int fd)
{
    struct sim *sim = to->world->sim;
    struct segment *g = xmalloc(sizeof(*g) + n);
    *g = (struct segment){.to = to, .kind = kind, .fd = fd, .n = n};
    if (n > 0) {
        memcpy(g->data, p, n);
    }
    g->timer = (struct rt_timer){.fn = on_segment, .arg = g};
    list_push_back(&to->under_way, &g->link);
    to->under_way_size += n;
    if (to->stalled) {
        return; /* listed, so that it is freed, but never arrives */
    }
    usec_t when = sim->now + 50 + (usec_t)sim_random(sim, 2000);
    if (when <= to->last_arrival) {
        when = to->last_arrival + 1;
    }
    to->last_arrival = when;
    rt_timer_set(&sim->clock, &g->timer, when);
}

static void send_segment(struct sim_end *to, enum segment_kind kind, const void *p, size_t n)
{
    send_segment_with(to, kind, p, n, -1);
}

static void drop_under_way(struct sim_end *e)
{
    struct list *link;
    while ((link = list_pop_front(&e->under_way)) != NULL) {
        struct segment *g = list_entry(link, struct segment, link);
        rt_timer_clear(&e->world->sim->clock, &g->timer);
        e->under_way_size -= g->n;
        close_fd(g->fd);
        free(g);
    }
}

/* ---- stream operations ---- */

static ssize_t end_try_read(struct stream *s, void *ret, size_t n)
{
    struct sim_end *e = end_of(s);
    if (e->world->rt.dead) {
        return -ECANCELED;
    }
    if (e->in.n == 0) {
        return e->error != 0 ? e->error : e->eof ? 0 : -EAGAIN;
    }
    if (n > e->in.n) {
        n = e->in.n;
    }
    memcpy(ret, e->in.p, n);
    buf_consume(&e->in, n);
    if (e->peer != NULL) {
        end_wake(e->peer);
    }
    return (ssize_t)n;
}

static ssize_t end_try_peek(struct stream *s, void *ret, size_t n)
{
    struct sim_end *e = end_of(s);
    if (e->in.n == 0) {
        return e->error != 0 ? e->error : e->eof ? 0 : -EAGAIN;
    }
    if (n > e->in.n) {
        n = e->in.n;
    }
    memcpy(ret, e->in.p, n);
    return (ssize_t)n;
}

static ssize_t end_try_writev(struct stream *s, const struct iovec *iov, int count)
{
    struct sim_end *e = end_of(s);
    if (e->world->rt.dead) {
        return -ECANCELED;
    }
    if (e->error != 0) {
        return e->error;
    }
    if (e->peer == NULL) {
        return -EPIPE;
    }
    size_t room = WINDOW - (unacknowledged(e->peer) < WINDOW ? unacknowledged(e->peer) : WINDOW);
    size_t done = 0;
    for (int i = 0; i < count && room > 0; i++) {
        const char *p = iov[i].iov_base;
        size_t left = iov[i].iov_len < room ? iov[i].iov_len : room;
        room -= left;
        done += left;
        while (left > 0) {
            size_t n = e->piece > 0 && e->piece < left ? e->piece : left;
            send_segment(e->peer, SEGMENT_DATA, p, n);
            p += n;
            left -= n;
        }
    }
    return done == 0 ? -EAGAIN : (ssize_t)done;
}

static int end_try_send_fd(struct stream *s, int fd)
{
    struct sim_end *e = end_of(s);
    if (e->world->rt.dead) {
        return -ECANCELED;
    }
    if (e->error != 0 || e->peer == NULL) {
        return e->error != 0 ? e->error : -EPIPE;
    }
    if (unacknowledged(e->peer) >= WINDOW) {
        return -EAGAIN;
    }
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        return -errno;
    }
    send_segment_with(e->peer, SEGMENT_DATA, "", 1, copy);
    return 0;
}

static int end_wait(struct stream *s, unsigned events, usec_t deadline)
{
    struct sim_end *e = end_of(s);
    int r = 0;
    while (r == 0 && (end_ready(e) & events) == 0) {
        e->waiter = task_self();
        e->waiting = events;
        r = task_park(NULL, deadline, true);
        e->waiter = NULL;
    }
    return r;
}

static size_t end_pending(struct stream *s)
{
    return end_of(s)->in.n;
}

static bool end_acknowledged(struct stream *s)
{
    struct sim_end *e = end_of(s);
    return e->error == 0 && (e->peer == NULL || e->peer->under_way_size == 0);
}

/* Unlinks and frees. The peer must have been told already. */
static void end_free(struct sim_end *e)
{
    if (e->peer != NULL) {
        e->peer->peer = NULL;
        end_wake(e->peer);
    }
    drop_under_way(e);
    list_remove(&e->link);
    buf_free(&e->in);
    close_fd(e->fd);
    free(e);
}

static void end_close(struct stream *s, bool reset)
{
    struct sim_end *e = end_of(s);
    if (e->peer != NULL && !e->world->rt.dead) {
        /* A kernel that is asked to close with octets unread sends a reset. */
        bool hard = reset || e->in.n > 0 || e->error != 0;
        send_segment(e->peer, hard ? SEGMENT_RESET : SEGMENT_END, NULL, 0);
    }
    end_free(e);
}

static const struct stream_ops end_ops = {
    .try_read = end_try_read,
    .try_peek = end_try_peek,
    .try_writev = end_try_writev,
    .try_send_fd = end_try_send_fd,
    .wait = end_wait,
    .pending = end_pending,
    .acknowledged = end_acknowledged,
    .end_writing = sim_half_close,
    .close = end_close,
};

static struct sim_end *end_new(struct sim_world *w, bool accepted)
{
    struct sim_end *e = xcalloc(1, sizeof(*e));
    e->stream.ops = &end_ops;
    e->world = w;
    e->fd = -1;
    e->accepted = accepted;
    list_init(&e->under_way);
    list_push_back(&w->ends, &e->link);
    return e;
}

/* ---- connecting ---- */

/* Either `at` or `path` is NULL. */
static bool same_place(const struct sim_listener *l, const struct addr *at, const char *path)
{
    if (l->path != NULL || at == NULL) {
        return l->path != NULL && path != NULL && strcmp(l->path, path) == 0;
    }
    return l->at.port == at->port && addr_same_host(&l->at, at);
}

static struct sim_listener *find_listener(struct sim *sim, const struct addr *at, const char *path)
{
    list_for_each (it, &sim->listeners) {
        struct sim_listener *l = list_entry(it, struct sim_listener, link);
        if (same_place(l, at, path)) {
            return l;
        }
    }
    return NULL;
}

static int connect_to(struct rt *rt, const struct addr *to, const char *path, usec_t deadline,
                      struct stream **ret)
{
    struct sim_world *w = (struct sim_world *)rt;
    if (w->connect_error != 0) {
        return w->connect_error;
    }
    usec_t there = rt->now + 100 + (usec_t)sim_random(w->sim, 1000);
    int r = task_park(NULL, there < deadline ? there : deadline, true);
    if (r != -ETIMEDOUT) {
        return r;
    }
    if (there > deadline) {
        return -ETIMEDOUT;
    }
    struct sim_listener *l = find_listener(w->sim, to, path);
    if (l == NULL || l->world->rt.dead) {
        return -ECONNREFUSED;
    }
    struct sim_end *here = end_new(w, false);
    struct sim_end *far = end_new(l->world, true);
    here->peer = far;
    far->peer = here;
    struct addr client = {0};
    if (path == NULL) {
        client = w->address;
        client.port = client.port != 0 ? client.port : w->next_port++;
    }
    l->fn(l->arg, &far->stream, &client, &l->at);
    *ret = &here->stream;
    return 0;
}

int sim_net_connect(struct rt *rt, const struct addr *to, usec_t deadline, struct stream **ret)
{
    return connect_to(rt, to, NULL, deadline, ret);
}

int sim_net_connect_path(struct rt *rt, const char *path, usec_t deadline, struct stream **ret)
{
    return connect_to(rt, NULL, path, deadline, ret);
}

struct sim_listener *sim_listen(struct rt *rt, const struct addr *at, sim_accept_fn *fn, void *arg)
{
    struct sim_world *w = (struct sim_world *)rt;
    struct sim_listener *l = xcalloc(1, sizeof(*l));
    *l = (struct sim_listener){.world = w, .at = *at, .fn = fn, .arg = arg};
    list_push_back(&w->sim->listeners, &l->link);
    return l;
}

struct sim_listener *sim_listen_path(struct rt *rt, const char *path, sim_accept_fn *fn, void *arg)
{
    struct sim_listener *l = sim_listen(rt, &(struct addr){0}, fn, arg);
    l->path = xstrdup(path);
    return l;
}

struct sim_listener *sim_listener_free(struct sim_listener *l)
{
    if (l != NULL) {
        list_remove(&l->link);
        free(l->path);
    }
    free(l);
    return NULL;
}

/* ---- faults ---- */

void sim_set_piece(struct stream *end, size_t octets)
{
    end_of(end)->piece = octets;
}

void sim_cut(struct stream *end, bool deliver_to_peer)
{
    struct sim_end *e = end_of(end);
    struct sim_end *peer = e->peer;
    drop_under_way(e);
    end_reset(e);
    if (peer != NULL && deliver_to_peer) {
        send_segment(peer, SEGMENT_RESET, NULL, 0);
    } else if (peer != NULL) {
        drop_under_way(peer);
        end_reset(peer);
        end_arrived(peer);
    }
    end_arrived(e);
}

void sim_stall(struct stream *end)
{
    struct sim_end *e = end_of(end);
    e->stalled = true;
    list_for_each (it, &e->under_way) {
        rt_timer_clear(&e->world->sim->clock, &list_entry(it, struct segment, link)->timer);
    }
}

void sim_half_close(struct stream *end)
{
    struct sim_end *e = end_of(end);
    if (e->peer != NULL && e->error == 0) {
        send_segment(e->peer, SEGMENT_END, NULL, 0);
    }
}

int sim_take_fd(struct stream *end)
{
    struct sim_end *e = end_of(end);
    const int fd = e->fd;
    e->fd = -1;
    return fd;
}

struct stream *sim_peer(struct stream *end)
{
    struct sim_end *peer = end_of(end)->peer;
    return peer == NULL ? NULL : &peer->stream;
}

void sim_each_end(struct rt *rt, void (*fn)(void *arg, struct stream *end, bool accepted),
                  void *arg)
{
    struct sim_world *w = (struct sim_world *)rt;
    list_for_each_safe (it, next, &w->ends) {
        struct sim_end *e = list_entry(it, struct sim_end, link);
        fn(arg, &e->stream, e->accepted);
    }
}

void sim_net_kill(struct sim_world *w)
{
    list_for_each (it, &w->ends) {
        struct sim_end *e = list_entry(it, struct sim_end, link);
        drop_under_way(e);
        if (e->peer != NULL) {
            send_segment(e->peer, e->in.n > 0 ? SEGMENT_RESET : SEGMENT_END, NULL, 0);
            e->peer->peer = NULL;
            e->peer = NULL;
        }
    }
}
