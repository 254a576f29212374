/* The inspectors' end of the door; see client/inspector.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/inspector.h"

/* More than a request has, so that one with too many is seen, and loses none. */
#define DESCRIPTORS_MOST 8

struct taken {
    char octets[INSPECTION_REQUEST_OCTETS + 1];
    size_t n;
    int descriptors[DESCRIPTORS_MOST];
    size_t count;
};

static void keep_descriptors(struct msghdr *m, struct taken *t)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            t->count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(t->descriptors, CMSG_DATA(c), t->count * sizeof(int));
        }
    }
}

/* 1; 0 at the end; or a negative errno. */
static int receive(int door, struct taken *t)
{
    union {
        struct cmsghdr head;
        char octets[CMSG_SPACE(DESCRIPTORS_MOST * sizeof(int))];
    } control;
    struct iovec iov = {t->octets, sizeof(t->octets)};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.octets,
                       .msg_controllen = sizeof(control.octets)};
    ssize_t n;

    do {
        n = recvmsg(door, &m, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        return n < 0 ? -errno : 0;
    }
    t->n = (size_t)n;
    t->count = 0;
    keep_descriptors(&m, t);
    return 1;
}

/* Does anybody still wait for the answer? */
static bool is_awaited(int reply)
{
    struct pollfd p = {.fd = reply};

    return poll(&p, 1, 0) == 0;
}

static bool makes_sense(const struct taken *t, struct inspection_request *ret)
{
    if (inspection_request_read((struct slice){t->octets, t->n}, ret) < 0) {
        return false;
    }
    size_t wanted = (ret->work & INSPECT_PATTERNS) != 0 ? 3 : 2;
    return t->count == wanted && is_awaited(t->descriptors[0]);
}

int inspection_take(int door, struct inspection_order *ret)
{
    struct taken t;
    int r;

    while ((r = receive(door, &t)) > 0) {
        struct inspection_request request;
        if (makes_sense(&t, &request)) {
            *ret = (struct inspection_order){.request = request,
                                             .reply = t.descriptors[0],
                                             .message = t.descriptors[1],
                                             .rules = t.count > 2 ? t.descriptors[2] : -1};
            return 1;
        }
        for (size_t i = 0; i < t.count; i++) {
            close(t.descriptors[i]);
        }
    }
    return r;
}
