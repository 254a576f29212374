/* Sockets of the real world as streams, and the listeners they come from.
 *
 * A socket is registered once, edge-triggered, for reading and for the peer's close; for writing
 * only after a write was refused. No system call is made to find out what the last one told: a
 * read that came back short leaves the socket "not readable" until the kernel says otherwise.
 *
 * All sockets are in one epoll set, which libevent watches as one descriptor. An event of
 * libevent's for each would take 190 octets more for every client that only waits. */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fatal.h"
#include "rt/real.h"
#include "rt/real_impl.h"

/* Sockets that are told of between two turns. */
#define BATCH 64

#define EDGES ((uint32_t)(EPOLLIN | EPOLLRDHUP | EPOLLET))

struct sock {
    struct stream stream; /* first */
    struct task *waiter;
    unsigned waiting; /* enum stream_wait */
    unsigned ready;   /* enum stream_wait: may be tried */
    int fd;
    bool closed_seen; /* the kernel told of the peer's close: reading on shows it */
    bool watches_writing;
    struct real *world;
};

static void sock_ready(struct sock *k, unsigned events)
{
    k->ready |= events;
    if (k->waiter != NULL && (k->waiting & k->ready) != 0) {
        task_wake(k->waiter, 0);
    }
}

static void on_socket(struct sock *k, uint32_t events)
{
    if ((events & (uint32_t)EPOLLOUT) != 0) {
        sock_ready(k, STREAM_WRITABLE);
    }
    if ((events & ~(uint32_t)EPOLLOUT) == 0) {
        return;
    }
    if ((events & (uint32_t)(EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        k->closed_seen = true;
        k->stream.reset = (events & (uint32_t)(EPOLLHUP | EPOLLERR)) != 0;
    }
    sock_ready(k, STREAM_READABLE);
    if (k->closed_seen) {
        stream_hangup(&k->stream);
    }
    stream_arrived(&k->stream);
}

static void on_sockets(evutil_socket_t fd, short what, void *arg)
{
    struct real *w = arg;
    struct epoll_event batch[BATCH];
    (void)what;
    real_tick(w);
    w->batch = batch;
    w->batch_left = epoll_wait((int)fd, batch, BATCH, 0);
    while (w->batch_left > 0) {
        struct epoll_event e = *w->batch++;
        w->batch_left--;
        if (e.data.ptr != NULL) {
            on_socket(e.data.ptr, e.events);
        }
    }
}

void real_sockets_init(struct real *w)
{
    w->sockets = epoll_create1(EPOLL_CLOEXEC);
    w->socket_event =
        w->sockets < 0 ? NULL : event_new(w->base, w->sockets, EV_READ | EV_PERSIST, on_sockets, w);
    if (w->socket_event == NULL || event_add(w->socket_event, NULL) != 0) {
        fatal("cannot make an event loop: %s", strerror(errno));
    }
    w->spare = -1;
}

void real_sockets_fini(struct real *w)
{
    if (w->spare >= 0) {
        close(w->spare);
    }
    event_free(w->socket_event);
    close(w->sockets);
}

static ssize_t sock_try_read(struct stream *s, void *ret, size_t n)
{
    struct sock *k = (struct sock *)s;
    if ((k->ready & STREAM_READABLE) == 0) {
        return -EAGAIN;
    }
    ssize_t r;
    do {
        r = recv(k->fd, ret, n, 0);
    } while (r < 0 && errno == EINTR);
    if (r < 0) {
        r = -errno;
    }
    if ((r == -EAGAIN || (r > 0 && (size_t)r < n)) && !k->closed_seen) {
        k->ready &= ~(unsigned)STREAM_READABLE;
    }
    return r;
}

static ssize_t sock_try_peek(struct stream *s, void *ret, size_t n)
{
    struct sock *k = (struct sock *)s;
    ssize_t r = recv(k->fd, ret, n, MSG_PEEK);
    if (r >= 0) {
        k->ready |= STREAM_READABLE; /* also before the loop has told so */
    }
    return r < 0 ? (errno == EINTR ? -EAGAIN : -errno) : r;
}

static ssize_t sock_try_writev(struct stream *s, const struct iovec *iov, int count)
{
    struct sock *k = (struct sock *)s;
    if ((k->ready & STREAM_WRITABLE) == 0) {
        return -EAGAIN;
    }
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    ssize_t r;
    do {
        r = count == 1 ? send(k->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
                       : sendmsg(k->fd, &m, MSG_NOSIGNAL);
    } while (r < 0 && errno == EINTR);
    if (r < 0) {
        r = -errno;
    }
    if (r == -EAGAIN) {
        k->ready &= ~(unsigned)STREAM_WRITABLE;
    }
    return r;
}

static int sock_try_send_fd(struct stream *s, int fd)
{
    struct sock *k = (struct sock *)s;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char octet = 0;
    struct iovec iov = {&octet, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof(control.room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    ssize_t r;

    if ((k->ready & STREAM_WRITABLE) == 0) {
        return -EAGAIN;
    }
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    do {
        r = sendmsg(k->fd, &m, MSG_NOSIGNAL);
    } while (r < 0 && errno == EINTR);
    if (r >= 0) {
        return 0;
    }
    if (errno == EAGAIN) {
        k->ready &= ~(unsigned)STREAM_WRITABLE;
    }
    return -errno;
}

static int watch_writing(struct sock *k)
{
    struct epoll_event e = {.events = EDGES | (uint32_t)EPOLLOUT, .data.ptr = k};
    if (!k->watches_writing) {
        if (epoll_ctl(k->world->sockets, EPOLL_CTL_MOD, k->fd, &e) < 0) {
            return -errno;
        }
        k->watches_writing = true;
    }
    return 0;
}

static int park(struct sock *k, unsigned events, usec_t deadline)
{
    k->waiter = task_self();
    k->waiting = events;
    int r = task_park(NULL, deadline, true);
    k->waiter = NULL;
    return r;
}

static int sock_wait(struct stream *s, unsigned events, usec_t deadline)
{
    struct sock *k = (struct sock *)s;
    int r = (events & STREAM_WRITABLE) != 0 ? watch_writing(k) : 0;
    while (r == 0 && (k->ready & events) == 0) {
        r = park(k, events, deadline);
    }
    return r;
}

static size_t sock_pending(struct stream *s)
{
    struct sock *k = (struct sock *)s;
    int n = 0;
    return ioctl(k->fd, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

static bool sock_acknowledged(struct stream *s)
{
    struct sock *k = (struct sock *)s;
    int n = 0;
    return ioctl(k->fd, SIOCOUTQ, &n) == 0 && n == 0;
}

static void sock_end_writing(struct stream *s)
{
    (void)shutdown(((struct sock *)s)->fd, SHUT_WR); /* fails only when the peer is gone */
}

static void sock_close(struct stream *s, bool reset)
{
    struct sock *k = (struct sock *)s;
    if (reset) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(k->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    for (int i = 0; i < k->world->batch_left; i++) {
        if (k->world->batch[i].data.ptr == k) {
            k->world->batch[i].data.ptr = NULL;
        }
    }
    close(k->fd);
    free(k);
}

static const struct stream_ops sock_ops = {
    .try_read = sock_try_read,
    .try_peek = sock_try_peek,
    .try_writev = sock_try_writev,
    .try_send_fd = sock_try_send_fd,
    .wait = sock_wait,
    .pending = sock_pending,
    .acknowledged = sock_acknowledged,
    .end_writing = sock_end_writing,
    .close = sock_close,
};

struct stream *real_socket_stream(struct real *w, int fd)
{
    struct sock *k = xcalloc(1, sizeof(*k));
    k->stream.ops = &sock_ops;
    k->fd = fd;
    k->ready = STREAM_WRITABLE;
    k->world = w;
    struct epoll_event e = {.events = EDGES, .data.ptr = k};
    if (epoll_ctl(w->sockets, EPOLL_CTL_ADD, fd, &e) < 0) {
        close(fd);
        free(k);
        return NULL;
    }
    return &k->stream;
}

/* Replies and commands are written whole: waiting to fill a segment would only delay them. */
static void no_delay(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Waits until a connection that was begun is there, or has failed. */
static int await_connected(struct stream *s, usec_t deadline)
{
    struct sock *k = (struct sock *)s;
    int error = 0;
    socklen_t error_len = sizeof error;
    k->ready = 0;
    int r = sock_wait(s, STREAM_WRITABLE, deadline);
    if (r == 0 && getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) == 0) {
        r = -error;
    }
    return r;
}

/* Takes the descriptor over. */
static int connected(struct rt *rt, int fd, bool under_way, usec_t deadline, struct stream **ret)
{
    struct stream *s = real_socket_stream((struct real *)rt, fd);
    if (s == NULL) {
        return -ENOMEM;
    }
    int r = under_way ? await_connected(s, deadline) : 0;
    if (r < 0) {
        stream_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

/* A peer that has died, or that takes nothing any more, also behind our close: the kernel gives up
 * what it has not acknowledged for so long. What we write has shorter deadlines; this is for what
 * is left when we have closed. */
#define UNACKNOWLEDGED_MOST (120 * 1000u) /* ms */

static void bound_silence(int fd)
{
    unsigned most = UNACKNOWLEDGED_MOST;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &most, sizeof most);
}

int real_socket_connect(struct rt *rt, const struct addr *to, usec_t deadline, struct stream **ret)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(to, &ss);
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    no_delay(fd);
    if (connect(fd, (struct sockaddr *)&ss, len) != 0 && errno != EINPROGRESS) {
        int r = -errno;
        close(fd);
        return r;
    }
    return connected(rt, fd, true, deadline, ret);
}

/* How soon a Unix socket whose queue is full is tried again: the kernel gives no sign. */
#define QUEUE_FULL_AGAIN (20 * USEC_MSEC)

int real_socket_connect_path(struct rt *rt, const char *path, usec_t deadline, struct stream **ret)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof to.sun_path) {
        return -ENAMETOOLONG;
    }
    memcpy(to.sun_path, path, n + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int r = 0;
    while (r == 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        r = errno != EAGAIN ? -errno : rt->now >= deadline ? -ETIMEDOUT : 0;
        if (r == 0) {
            usec_t again = rt->now + QUEUE_FULL_AGAIN;
            r = task_sleep(again < deadline ? again : deadline);
        }
    }
    if (r < 0) {
        close(fd);
        return r;
    }
    return connected(rt, fd, false, deadline, ret);
}

struct stream *real_socket_of(struct rt *rt, int fd)
{
    return real_socket_stream((struct real *)rt, fd);
}

int real_peer_user(struct stream *s, uid_t *ret)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (getsockopt(((struct sock *)s)->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0) {
        return -errno;
    }
    *ret = peer.uid;
    return 0;
}

/* ---- listeners ---- */

#define ACCEPT_AGAIN (100 * USEC_MSEC)
#define BURST_MOST   16

struct real_listener {
    struct real *world;
    struct event *event;
    real_accept_fn *fn;
    real_accept_fn *when_full;
    void *arg;
    struct rt_timer again; /* while accepting pauses */
    struct addr at;
    bool wildcard; /* each connection has an own local address */
    bool held;
    unsigned burst;     /* connections taken at a time */
    uint64_t last_turn; /* of the loop, in which there were any */
};

static struct addr own_address(int fd)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    struct addr none = {0};
    return getsockname(fd, (struct sockaddr *)&ss, &len) == 0 ? addr_from_sockaddr(&ss) : none;
}

/* A socket, because it takes what a connection takes: a descriptor of the process and an open file
 * of the system; and because a confined worker may make one. */
static void open_spare(struct real *w)
{
    if (w->spare < 0) {
        w->spare = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
}

/* The listener would stay readable and be tried in every turn. Clients wait in its queue until
 * something has been given back. */
static void pause_accepting(struct real_listener *l)
{
    (void)event_del(l->event);
    rt_timer_set(&l->world->rt, &l->again, l->world->rt.now + ACCEPT_AGAIN);
}

static void resume_accepting(void *arg)
{
    struct real_listener *l = arg;
    open_spare(l->world);
    if (!l->held && event_add(l->event, NULL) != 0) {
        pause_accepting(l);
    }
}

/* Accepts one connection: its descriptor, or a negative errno. */
static int take(struct real_listener *l, struct sockaddr_storage *ret_ss)
{
    socklen_t len = sizeof *ret_ss;
    int fd = accept4(event_get_fd(l->event), (struct sockaddr *)ret_ss, &len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void hand_over(struct real_listener *l, real_accept_fn *fn, int fd,
                      const struct sockaddr_storage *ss)
{
    real_tick(l->world); /* the client's time begins now, not when this turn did */
    struct addr client = addr_from_sockaddr(ss);
    struct addr local = l->wildcard ? own_address(fd) : l->at;
    struct stream *s = real_socket_stream(l->world, fd);
    if (s != NULL) {
        fn(l->arg, s, &client, &local);
    }
}

/* No descriptor is left: the client is told so, by the spare one's place. */
static void turn_away(struct real_listener *l)
{
    struct real *w = l->world;
    struct sockaddr_storage ss;
    int fd = -EMFILE;
    if (l->when_full != NULL && w->spare >= 0) {
        close(w->spare);
        w->spare = -1;
        fd = take(l, &ss);
    }
    if (fd >= 0) {
        hand_over(l, l->when_full, fd, &ss);
    }
    open_spare(w);
    if (w->spare < 0 || (fd < 0 && fd != -EAGAIN)) {
        pause_accepting(l);
    }
}

/* Errors of the one connection, which is gone, or none was there: accept(2). */
static bool concerns_one(int error)
{
    switch (error) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
    case EPERM: /* a firewall's rule */
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET: return true;
    default: return false;
    }
}

/* Takes one connection; false when there is none, or none can be taken just now. */
static bool accept_one(struct real_listener *l)
{
    struct sockaddr_storage ss;
    int fd = take(l, &ss);
    if (fd >= 0) {
        hand_over(l, l->fn, fd, &ss);
        return true;
    }
    if (fd == -EMFILE || fd == -ENFILE) {
        turn_away(l);
    } else if (!concerns_one(-fd)) {
        pause_accepting(l); /* ENOBUFS, ENOMEM, and what nobody expects */
    }
    return false;
}

/* One connection a turn, as a rule: the listener stays readable while there are more, and what the
 * others in this turn need is not kept waiting. When they come faster, turn after turn, more and
 * more are taken at a time, before the kernel's queue is full. */
static void on_connection(evutil_socket_t listening, short what, void *arg)
{
    struct real_listener *l = arg;
    uint64_t turn = l->world->turns;
    bool pressed = l->last_turn + 1 == turn;
    (void)listening;
    (void)what;
    l->burst = !pressed ? 1 : l->burst < BURST_MOST ? 2 * l->burst : BURST_MOST;
    l->last_turn = turn;
    for (unsigned i = 0; i < l->burst; i++) {
        if (!accept_one(l)) {
            l->burst = 1;
            return;
        }
    }
}

int real_listen(struct rt *rt, int fd, real_accept_fn *fn, void *arg, struct real_listener **ret)
{
    struct real *w = (struct real *)rt;
    struct real_listener *l = xcalloc(1, sizeof(*l));
    l->world = w;
    l->fn = fn;
    l->arg = arg;
    l->burst = 1;
    l->again = (struct rt_timer){.fn = resume_accepting, .arg = l};
    l->at = own_address(fd);
    static const uint8_t zero[sizeof l->at.octets];
    l->wildcard = memcmp(l->at.octets, zero, sizeof zero) == 0;
    no_delay(fd); /* inherited by what is accepted */
    bound_silence(fd);
    open_spare(w);
    l->event = event_new(w->base, fd, EV_READ | EV_PERSIST, on_connection, l);
    if (l->event == NULL || event_add(l->event, NULL) != 0) {
        real_listener_free(l);
        return -ENOMEM;
    }
    *ret = l;
    return 0;
}

void real_listener_when_full(struct real_listener *l, real_accept_fn *fn)
{
    l->when_full = fn;
}

void real_listener_hold(struct real_listener *l, bool hold)
{
    if (l->held == hold) {
        return;
    }
    l->held = hold;
    rt_timer_clear(&l->world->rt, &l->again);
    if (hold) {
        (void)event_del(l->event);
    } else {
        resume_accepting(l);
    }
}

void real_listener_empty(struct real_listener *l)
{
    while (accept_one(l)) {
        /* one more */
    }
}

struct real_listener *real_listener_free(struct real_listener *l)
{
    if (l != NULL) {
        rt_timer_clear(&l->world->rt, &l->again);
        if (l->event != NULL) {
            event_free(l->event);
        }
    }
    free(l);
    return NULL;
}
