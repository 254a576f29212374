/* Listeners of the real world: what connections come from, as streams (real_socket.c). */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "rt/real.h"
#include "rt/real_impl.h"

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

/* A peer that has died, or that takes nothing any more, also behind our close: the kernel gives up
 * what it has not acknowledged for so long. What we write has shorter deadlines; this is for what
 * is left when we have closed. */
#define UNACKNOWLEDGED_MOST (120 * 1000u) /* ms */

static void bound_silence(int fd)
{
    unsigned most = UNACKNOWLEDGED_MOST;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &most, sizeof most);
}

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
    real_socket_no_delay(fd); /* inherited by what is accepted */
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
