/* Sockets of the real world as streams.
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

void real_socket_no_delay(int fd)
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

int real_socket_connect(struct rt *rt, const struct addr *to, usec_t deadline, struct stream **ret)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(to, &ss);
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    real_socket_no_delay(fd);
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
