/* See journal/courier.h. */
#include "journal/courier.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fatal.h"

#define FREE_PATIENCE_MS 1000
#define FREE_STEP_MS     10

#define BODY_MOST        (COURIER_DATAGRAM - COURIER_HEAD)

struct courier {
    int fd;
    unsigned slot;
    bool torn; /* the first line that waits is partly out */
    struct buf waiting;
    usec_t first_at; /* when the first of them was added */
    uint64_t next;   /* behind the last line that was added */
    _Atomic uint64_t *settled;
    uint64_t lost;
};

struct courier *courier_new(int fd, unsigned slot, _Atomic uint64_t *settled)
{
    struct courier *c = xcalloc(1, sizeof(*c));

    c->fd = fd;
    c->slot = slot;
    c->settled = settled;
    return c;
}

/* How much of what waits goes into the next datagram, and what that is. */
static size_t piece(const struct courier *c, const char *p, size_t n, unsigned *ret_flags)
{
    size_t most = n < BODY_MOST ? n : BODY_MOST;
    const char *end = c->torn ? memchr(p, '\n', most) : memrchr(p, '\n', most);

    *ret_flags = (c->torn ? 0U : COURIER_FIRST) | (end != NULL ? COURIER_LAST : 0U);
    return end != NULL ? (size_t)(end - p) + 1 : most;
}

/* 0, or a negative errno: -EAGAIN when the socket is full. */
static int send_piece(const struct courier *c, unsigned flags, const char *p, size_t n)
{
    unsigned char head[COURIER_HEAD] = {COURIER_VERSION, (unsigned char)flags,
                                        (unsigned char)(c->slot >> 8), (unsigned char)c->slot};
    struct iovec iov[] = {{head, sizeof(head)}, {(void *)(uintptr_t)p, n}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t r;

    do {
        r = sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? (errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno) : 0;
}

static void settle(const struct courier *c)
{
    if (c->waiting.n == 0 && c->settled != NULL) {
        atomic_store_explicit(c->settled, c->next, memory_order_release);
    }
}

/* Nobody will ever take them: the master is gone. */
static void drop_all(struct courier *c)
{
    for (const char *p = c->waiting.p, *end = p + c->waiting.n; p < end; c->lost++) {
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
    }
    c->waiting.n = 0;
    c->torn = false;
}

void courier_flush(struct courier *c)
{
    size_t out = 0;
    int r = 0;

    while (out < c->waiting.n) {
        unsigned flags;
        const char *p = c->waiting.p + out;
        size_t n = piece(c, p, c->waiting.n - out, &flags);
        r = send_piece(c, flags, p, n);
        if (r < 0) {
            break;
        }
        c->torn = (flags & COURIER_LAST) == 0;
        out += n;
    }
    buf_consume(&c->waiting, out);
    if (r < 0 && r != -EAGAIN) {
        drop_all(c);
    }
    settle(c);
}

void courier_add(struct courier *c, struct slice line, uint64_t number)
{
    if (c->waiting.n >= COURIER_FLUSH_AT) {
        courier_flush(c);
    }
    c->next = number + 1;
    if (c->waiting.n >= COURIER_WAITING_MAX) {
        c->lost++;
        return;
    }
    if (c->waiting.n == 0) {
        c->first_at = clock_monotonic();
    }
    buf_append_slice(&c->waiting, line);
}

void courier_turn(struct courier *c)
{
    if (c->waiting.n >= COURIER_SEND_AT ||
        (c->waiting.n > 0 && clock_monotonic() - c->first_at >= COURIER_GATHER_TIME)) {
        courier_flush(c);
    }
}

size_t courier_waiting(const struct courier *c)
{
    return c->waiting.n;
}

uint64_t courier_lost(const struct courier *c)
{
    return c->lost;
}

struct courier *courier_free(struct courier *c)
{
    if (c == NULL) {
        return NULL;
    }
    const struct timespec step = {.tv_nsec = FREE_STEP_MS * 1000000L};
    for (int ms = 0; ms < FREE_PATIENCE_MS; ms += FREE_STEP_MS) {
        courier_flush(c);
        if (c->waiting.n == 0) {
            break;
        }
        (void)nanosleep(&step, NULL);
    }
    buf_free(&c->waiting);
    close(c->fd);
    free(c);
    return NULL;
}
