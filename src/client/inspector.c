/* See client/inspector.h: the worker's end. */
#include "client/inspector.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/octets.h"
#include "rt/real.h"
#include "rt/stream.h"

/* When the door's queue is full, other workers have asked for as much as it holds. */
#define DOOR_AGAIN  (2 * USEC_MSEC)

#define DESCRIPTORS 3

/* Patterns, for as long as a request with them is on its way. */
struct rules {
    unsigned references;
    int fd; /* a file of memory */
    struct digest digest;
    size_t group_count;
};

struct inspector {
    struct rt *rt;
    int door;
    bool pretended;
    struct rules *rules; /* NULL: none */
    unsigned asking;
    struct cond room;
};

struct inspector *inspector_new(struct rt *rt, int door, bool pretended)
{
    struct inspector *i = xcalloc(1, sizeof(*i));

    *i = (struct inspector){.rt = rt, .door = door, .pretended = pretended};
    cond_init(&i->room);
    return i;
}

static struct rules *rules_drop(struct rules *r)
{
    if (r != NULL && --r->references == 0) {
        close(r->fd);
        free(r);
    }
    return NULL;
}

struct inspector *inspector_free(struct inspector *i)
{
    if (i != NULL) {
        (void)rules_drop(i->rules);
        close(i->door);
        free(i);
    }
    return NULL;
}

/* ---- patterns ---- */

static int write_all(int fd, struct slice octets)
{
    while (octets.n > 0) {
        ssize_t n = write(fd, octets.p, octets.n);
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        octets = (struct slice){octets.p + n, octets.n - (size_t)n};
    }
    return 0;
}

static struct digest digest_of(struct slice octets)
{
    struct digest_stream *d = digest_stream_new();

    digest_stream_init(d);
    digest_stream_update(d, octets.p, octets.n);
    struct digest digest = digest_stream_finish(d);
    digest_stream_free(d);
    return digest;
}

int inspector_set_rules(struct inspector *i, struct slice octets, size_t group_count)
{
    i->rules = rules_drop(i->rules);
    if (group_count == 0) {
        return 0;
    }
    int fd = memfd_create("gatepost-patterns", MFD_CLOEXEC);
    int r = fd < 0 ? -errno : write_all(fd, octets);
    if (r < 0) {
        if (fd >= 0) {
            close(fd);
        }
        return r;
    }
    i->rules = xmalloc(sizeof(*i->rules));
    *i->rules = (struct rules){
        .references = 1, .fd = fd, .digest = digest_of(octets), .group_count = group_count};
    return 0;
}

/* ---- a request ---- */

struct asking {
    struct inspector *inspector;
    char request[INSPECTION_REQUEST_OCTETS];
    int message;
    int far;             /* the inspector's end of the answer's socket */
    int near;            /* ours */
    struct rules *rules; /* NULL: it needs none */
    usec_t deadline;
    struct buf answer;
};

static int try_send(const struct asking *a)
{
    union {
        struct cmsghdr head;
        char octets[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
    } control = {0};
    const int descriptors[DESCRIPTORS] = {a->far, a->message, a->rules != NULL ? a->rules->fd : -1};
    const size_t n = (a->rules != NULL ? DESCRIPTORS : DESCRIPTORS - 1) * sizeof(int);
    struct iovec iov = {(void *)(uintptr_t)a->request, sizeof(a->request)};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.octets,
                       .msg_controllen = CMSG_SPACE(n)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n);
    memcpy(CMSG_DATA(c), descriptors, n);
    return sendmsg(a->inspector->door, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* -ETOOMANYREFS: more descriptors are on their way than we may have open. */
static int send_request(const struct asking *a)
{
    int r = try_send(a);

    while ((r == -EAGAIN || r == -ETOOMANYREFS) && rt_now() < a->deadline) {
        r = task_sleep(rt_now() + DOOR_AGAIN);
        r = r < 0 ? r : try_send(a);
    }
    return r == -EAGAIN || r == -ETOOMANYREFS                         ? -ETIMEDOUT
           : r == -ECONNREFUSED || r == -ECONNRESET || r == -ENOTCONN ? -EPIPE
                                                                      : r;
}

/* ---- the answer ---- */

/* Octets that are still to come; 0 when all are here. -EBADMSG for what is no answer. */
static ssize_t still_to_come(const struct buf *b)
{
    const size_t head = 1 + INSPECTION_LENGTH;

    if (b->n > 0 && b->p[0] != INSPECTION_BEGINS) {
        return -EBADMSG;
    }
    if (b->n < head) {
        return (ssize_t)(head - b->n);
    }
    uint64_t length = octets_get((const uint8_t *)b->p + 1, INSPECTION_LENGTH);
    return length > INSPECTION_MOST ? -EBADMSG : (ssize_t)(head + length - b->n);
}

/* What it means that nothing more comes. */
static int ended(const struct buf *b)
{
    return b->n > 0 ? -EIO : -EPIPE;
}

static int read_answer(struct asking *a)
{
    struct stream *s = real_socket_of(a->inspector->rt, a->near);
    ssize_t left = s != NULL ? still_to_come(&a->answer) : -EMFILE;

    a->near = -1;
    while (left > 0) {
        ssize_t n =
            stream_read(s, buf_reserve(&a->answer, (size_t)left), (size_t)left, a->deadline);
        if (n <= 0) {
            left = n == 0 || n == -ECONNRESET ? ended(&a->answer) : n;
            break;
        }
        a->answer.n += (size_t)n;
        left = still_to_come(&a->answer);
    }
    (void)stream_close(s);
    return (int)left;
}

/* The same where the world's time stands still meanwhile: in the pretended file thread. `deadline`
 * is of that time, so that what it leaves is waited for in ours. */
static int read_answer_here(void *arg)
{
    struct asking *a = arg;
    ssize_t left = still_to_come(&a->answer);
    struct pollfd p = {.fd = a->near, .events = POLLIN};

    while (left > 0) {
        usec_t patience = (a->deadline - rt_now_of(a->inspector->rt)) / USEC_MSEC;
        int ready = poll(&p, 1, patience < INT32_MAX ? (int)patience : -1);
        ssize_t n =
            ready > 0 ? read(a->near, buf_reserve(&a->answer, (size_t)left), (size_t)left) : 0;
        if (ready == 0) {
            return -ETIMEDOUT;
        }
        if (n <= 0) {
            return ended(&a->answer);
        }
        a->answer.n += (size_t)n;
        left = still_to_come(&a->answer);
    }
    return (int)left;
}

static int understand(const struct asking *a, size_t group_count, struct arena *arena,
                      struct inspection *ret)
{
    const size_t head = 1 + INSPECTION_LENGTH;
    struct slice octets = {a->answer.p + head, a->answer.n - head};

    octets = arena_copy(arena, octets); /* which the texts are in */
    return inspection_read(octets, group_count, arena, ret) < 0 ? -EIO : 0;
}

/* ---- asking ---- */

static int ask(struct asking *a, struct arena *arena, struct inspection *ret)
{
    int ends[2];

    /* The far end may block who answers; the near one must not block us. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    a->near = ends[0];
    a->far = ends[1];
    int r = send_request(a);
    close(a->far);
    if (r == 0) {
        r = a->inspector->pretended ? rt_call(RT_CALL_FILE, read_answer_here, a) : read_answer(a);
    }
    if (a->near >= 0) {
        close(a->near);
    }
    r = r == 0 ? understand(a, a->rules != NULL ? a->rules->group_count : 0, arena, ret) : r;
    return r == -EBADMSG ? -EIO : r;
}

static int wait_for_room(struct inspector *i, usec_t deadline)
{
    int r = 0;

    while (i->asking >= INSPECTIONS_AT_ONCE && r == 0) {
        r = cond_wait(&i->room, deadline);
    }
    return r;
}

/* The request with the patterns that there are now. */
static void complete(struct asking *a, struct inspection_request request)
{
    struct rules *rules = a->inspector->rules;

    if (rules == NULL) {
        request.work &= ~(uint32_t)INSPECT_PATTERNS;
    } else if ((request.work & INSPECT_PATTERNS) != 0) {
        rules->references++;
        a->rules = rules;
        request.rules = rules->digest;
    }
    inspection_request_write(&request, a->request);
}

int inspector_ask(struct inspector *i, int fd, const struct inspection_request *r, usec_t deadline,
                  struct arena *arena, struct inspection *ret)
{
    struct asking a = {.inspector = i, .message = fd, .deadline = deadline};
    int result = wait_for_room(i, deadline);

    if (result < 0) {
        return result;
    }
    i->asking++;
    complete(&a, *r);
    result = ask(&a, arena, ret);
    (void)rules_drop(a.rules);
    buf_free(&a.answer);
    i->asking--;
    cond_wake_one(&i->room);
    return result;
}
