/* See journal/sink.h. */
#include "journal/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/journald.h"

/* A stream socket takes up to this in one piece, or nothing. */
#define SOCKET_WHOLE     ((size_t)16 * 1024)

#define FREE_PATIENCE_MS 1000
#define FREE_STEP_MS     10

enum sink_kind { SINK_FILE, SINK_STREAM, SINK_SOCKET, SINK_JOURNALD };

struct sink {
    enum sink_kind kind;
    int fd;
    size_t whole;    /* octets that one write puts out undivided, whoever else writes */
    bool locks;      /* longer lines need the lock on the open file */
    bool asks_first; /* the descriptor may block: ask whether it would */
    bool torn;       /* the first waiting line is partly out, and the lock is ours */
    struct buf waiting;
    uint64_t lost;
    struct journald journald; /* SINK_JOURNALD; fd is its descriptor */
};

/* ---- opening ---- */

static struct sink *sink_new(enum sink_kind kind, int fd, size_t whole)
{
    struct sink *s = xcalloc(1, sizeof(*s));
    s->kind = kind;
    s->fd = fd;
    s->whole = whole;
    return s;
}

/* A sink for a descriptor of our own, by the type of what it leads to. */
static struct sink *sink_for(int fd, mode_t type)
{
    struct sink *s;

    if (S_ISSOCK(type)) {
        s = sink_new(SINK_SOCKET, fd, SOCKET_WHOLE);
    } else if (S_ISFIFO(type)) {
        s = sink_new(SINK_STREAM, fd, PIPE_BUF);
        s->locks = true;
    } else if (S_ISCHR(type) && isatty(fd)) {
        s = sink_new(SINK_STREAM, fd, 0);
        s->locks = true;
    } else {
        s = sink_new(SINK_FILE, fd, SIZE_MAX);
    }
    return s;
}

/* The open file behind stdout may be shared with other programs, for whom it must not become
 * non-blocking, and the lock belongs to the open file: so pipes and terminals are opened anew. A
 * regular file is not: standard error may share its position. */
int sink_open_fd(int fd, struct sink **ret)
{
    struct stat st;
    int own = -1;

    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    bool may_block = S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode);
    if (may_block) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    bool shared = own < 0;
    if (shared) {
        own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (own < 0) {
            return -errno;
        }
    }
    struct sink *s = sink_for(own, st.st_mode);
    if (shared && S_ISFIFO(st.st_mode)) {
        /* Another user's pipe. A reader that stands still must not stop the mail, so here the flag
         * is the lesser evil: the writing end is hardly anybody else's. */
        (void)fcntl(own, F_SETFL, fcntl(own, F_GETFL) | O_NONBLOCK);
    }
    s->asks_first = shared && S_ISCHR(st.st_mode);
    *ret = s;
    return 0;
}

int sink_open_file(const char *path, struct sink **ret)
{
    struct stat st;
    /* Non-blocking matters where the path is a FIFO or a terminal. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);

    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &st) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret = sink_for(fd, st.st_mode);
    return 0;
}

int sink_open_journald(const char *path, struct sink **ret)
{
    struct journald journald;
    int r = journald_open(path, &journald);

    if (r == 0) {
        *ret = sink_new(SINK_JOURNALD, journald.fd, SIZE_MAX);
        (*ret)->journald = journald;
    }
    return r;
}

/* ---- writing ---- */

static size_t first_line(const char *p, size_t n)
{
    return (size_t)((const char *)memchr(p, '\n', n) - p) + 1;
}

/* How much of what waits to write at once: whole lines that go out undivided, else one line. */
static size_t piece(const struct sink *s, const char *p, size_t n)
{
    if (s->torn || s->whole == 0) {
        return first_line(p, n);
    }
    if (n <= s->whole) {
        return n;
    }
    const char *end = memrchr(p, '\n', s->whole);
    return end != NULL ? (size_t)(end - p) + 1 : first_line(p, n);
}

static ssize_t write_now(const struct sink *s, const char *p, size_t n)
{
    struct pollfd ready = {.fd = s->fd, .events = POLLOUT};

    if (s->kind == SINK_SOCKET) {
        return send(s->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (s->asks_first && poll(&ready, 1, 0) <= 0) {
        return -1;
    }
    return write(s->fd, p, n);
}

/* Octets that went out, 0 when none can now. The lock is held while a line is half out. */
static size_t write_piece(struct sink *s, const char *p, size_t n)
{
    size_t length = piece(s, p, n);
    int kind = length > s->whole ? LOCK_EX : LOCK_SH;

    if (s->locks && !s->torn && flock(s->fd, kind | LOCK_NB) < 0) {
        return 0;
    }
    ssize_t r = write_now(s, p, length);
    size_t out = r > 0 ? (size_t)r : 0;
    if (out > 0) {
        s->torn = p[out - 1] != '\n';
    }
    if (s->locks && !s->torn) {
        (void)flock(s->fd, LOCK_UN);
    }
    return out;
}

/* One datagram. The line holds no line feed but its last, so that the simple form of a field will
 * do, and begins with {"id":"…", which becomes a field of its own to search by. */
static size_t send_journald(struct sink *s, const char *p, size_t n)
{
    static const char head[] = "PRIORITY=6\nSYSLOG_IDENTIFIER=gatepost\nMESSAGE=";
    static const char before_id[] = "{\"id\":\"";
    char id[128];
    size_t length = first_line(p, n);
    int id_n = 0;

    if (length > sizeof(before_id) && memcmp(p, before_id, sizeof(before_id) - 1) == 0) {
        const char *from = p + sizeof(before_id) - 1;
        const char *end = memchr(from, '"', length - (sizeof(before_id) - 1));
        if (end != NULL && end - from < 64) {
            id_n = snprintf(id, sizeof(id), "GATEPOST_DECISION=%.*s\n", (int)(end - from), from);
        }
    }
    struct iovec iov[] = {{(void *)(uintptr_t)head, sizeof(head) - 1},
                          {(void *)(uintptr_t)p, length},
                          {id, (size_t)id_n}};
    int r = journald_send(&s->journald, iov, sizeof(iov) / sizeof(iov[0]));
    if (r == -EMSGSIZE) {
        s->lost++;
    }
    return r == 0 || r == -EMSGSIZE ? length : 0;
}

void sink_flush(struct sink *s)
{
    size_t out = 0;
    size_t n = 1;

    while (n > 0 && out < s->waiting.n) {
        const char *p = s->waiting.p + out;
        size_t left = s->waiting.n - out;
        n = s->kind == SINK_JOURNALD ? send_journald(s, p, left) : write_piece(s, p, left);
        out += n;
    }
    buf_consume(&s->waiting, out);
}

bool sink_add(struct sink *s, struct slice line)
{
    if (s->waiting.n >= SINK_FLUSH_AT) {
        sink_flush(s);
    }
    if (s->waiting.n >= SINK_WAITING_MAX) {
        s->lost++;
        return false;
    }
    buf_append_slice(&s->waiting, line);
    return true;
}

size_t sink_waiting(const struct sink *s)
{
    return s->waiting.n;
}

uint64_t sink_lost(const struct sink *s)
{
    return s->lost;
}

struct sink *sink_free(struct sink *s)
{
    if (s == NULL) {
        return NULL;
    }
    const struct timespec step = {.tv_nsec = FREE_STEP_MS * 1000000L};
    for (int ms = 0; ms < FREE_PATIENCE_MS; ms += FREE_STEP_MS) {
        sink_flush(s);
        if (s->waiting.n == 0) {
            break;
        }
        (void)nanosleep(&step, NULL);
    }
    buf_free(&s->waiting);
    close(s->fd);
    free(s);
    return NULL;
}
